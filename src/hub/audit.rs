//! The audit trail: who asked for what, on which nodes, and how it ended. JSON lines in
//! `audit.jsonl` (0600) of the state directory, one append per line.
//!
//! A request's line is queued before anything is sent, its results when it ends. A trail that cannot
//! be written is told once and stops nothing: an operator must be able to turn a machine off when the
//! disk is full. Reads are not audited. Only `hub` calls it; no secret reaches it.

use super::dirs;
use super::message::{Outcome, VerbResult};
use super::outbox::Outbox;
use crate::fleet::{Fault, NodeSet, Verb};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Lines that may wait for a stalled disk; a verb never does.
const QUEUE: usize = 1024;
/// Longest wait for a line to reach the disk before going on without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Handle of the trail.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    lines: mpsc::Sender<(String, Option<oneshot::Sender<()>>)>,
    who: Arc<Who>,
}

/// The same in every line.
#[derive(Debug, Serialize)]
struct Who {
    operator: String,
    uid: u32,
    login_uid: Option<u32>,
    pid: u32,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    time: String,
    event: &'a str,
    #[serde(flatten)]
    who: &'a Who,
    verb: &'a str,
    nodes: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
}

impl Audit {
    /// Starts the writer; the task ends when the last handle is dropped.
    pub fn start(state_dir: &Path, operator: &str, outbox: Arc<Outbox>) -> (Audit, JoinHandle<()>) {
        let (lines, queue) = mpsc::channel(QUEUE);
        let login_uid = std::fs::read_to_string("/proc/self/loginuid")
            .ok()
            .and_then(|text| text.trim().parse().ok())
            // The kernel's "not set".
            .filter(|uid| *uid != u32::MAX);
        let who = Arc::new(Who {
            operator: operator.to_owned(),
            uid: nix::unistd::getuid().as_raw(),
            login_uid,
            pid: std::process::id(),
        });
        let task = tokio::spawn(write(state_dir.to_owned(), queue, outbox));
        (Audit { lines, who }, task)
    }

    /// Hands a request's line to the writer. Its results are gathered in the tally and written when
    /// the last holder drops it. A stalled disk holds nobody up.
    pub fn request(&self, request: u64, verb: &Verb, nodes: &[&str]) -> Arc<Tally> {
        let verb = verb.words();
        self.send(&verb, &NodeSet::fold(nodes), "request", Some(request), None, None);
        Arc::new(Tally {
            audit: self.clone(),
            request,
            verb,
            started: Instant::now(),
            open: Mutex::new(nodes.iter().map(|name| (*name).to_owned()).collect()),
            results: Mutex::default(),
        })
    }

    /// Writes what happened to a console.
    pub fn console(&self, what: &str, node: &str) {
        self.send(what, node, "console", None, None, None);
    }

    /// Writes that another configuration was taken, and what it changed.
    pub fn reload(&self, changes: &str) {
        self.send("reload", "", "reload", None, Some((changes, None, Duration::ZERO)), None);
    }

    /// Waits until everything before is written, or cannot be.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        let _ = self.lines.try_send((String::new(), Some(done)));
        let _ = tokio::time::timeout(PATIENCE, written).await;
    }

    fn send(
        &self,
        verb: &str,
        nodes: &str,
        event: &str,
        request: Option<u64>,
        result: Option<(&str, Option<&str>, Duration)>,
        done: Option<oneshot::Sender<()>>,
    ) {
        let line = Line {
            time: jiff::Timestamp::now().to_string(),
            event,
            who: &self.who,
            verb,
            nodes,
            request,
            result: result.map(|(word, _, _)| word),
            reason: result.and_then(|(_, reason, _)| reason),
            duration_ms: result.map(|(_, _, took)| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        };
        if let Ok(json) = serde_json::to_string(&line)
            && let Err(mpsc::error::TrySendError::Full(_)) = self.lines.try_send((json, done))
        {
            tracing::error!(verb, nodes, event, "the audit trail does not keep up: a line is lost");
        }
    }
}

/// A word and a reason.
type Ending = (String, Option<String>);

/// Gathers one request's results; writes them, folded by result, when dropped.
#[derive(Debug)]
pub(crate) struct Tally {
    audit: Audit,
    request: u64,
    verb: String,
    started: Instant,
    open: Mutex<Vec<String>>,
    results: Mutex<BTreeMap<Ending, Vec<String>>>,
}

impl Tally {
    /// Adds a node's result.
    pub fn add(&self, name: &str, result: &VerbResult) {
        self.open.lock().expect("no panic while it is locked").retain(|open| open != name);
        self.results
            .lock()
            .expect("no panic while it is locked")
            .entry(words(&result.outcome))
            .or_default()
            .push(name.to_owned());
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        let mut results = std::mem::take(&mut *self.results.lock().expect("no panic while it is locked"));
        let open = std::mem::take(&mut *self.open.lock().expect("no panic while it is locked"));
        if !open.is_empty() {
            let reason = Some("the program ended before".to_owned());
            results.insert(("unknown".into(), reason), open);
        }
        for ((word, reason), names) in results {
            self.audit.send(
                &self.verb,
                &NodeSet::fold(&names),
                "result",
                Some(self.request),
                Some((&word, reason.as_deref(), took)),
                None,
            );
        }
    }
}

fn words(outcome: &Outcome) -> Ending {
    let (word, reason) = match outcome {
        Outcome::Confirmed => ("confirmed", None),
        Outcome::Already => ("already", None),
        Outcome::Accepted => ("accepted", None),
        Outcome::Unseen { reason } => ("accepted", Some(reason.clone())),
        Outcome::NotConfirmed { reason } => ("not-confirmed", Some(reason.clone())),
        Outcome::Status
        | Outcome::Info(_)
        | Outcome::Checkup(_)
        | Outcome::Raw(_)
        | Outcome::SolHolder(_) => ("done", None),
        Outcome::Boot(_) => ("confirmed", None),
        Outcome::Failed(fault) => ("failed", Some(fault.reason.clone())),
        Outcome::Refused(reason) => ("refused", Some(reason.clone())),
        Outcome::Cancelled { sent } => ("cancelled", sent.clone()),
    };
    (word.to_owned(), reason)
}

async fn write(
    dir: PathBuf,
    mut queue: mpsc::Receiver<(String, Option<oneshot::Sender<()>>)>,
    outbox: Arc<Outbox>,
) {
    let mut told = false;
    let mut file: Option<File> = None;
    while let Some((mut line, done)) = queue.recv().await {
        if line.is_empty() {
            done.map(|done| done.send(()));
            continue;
        }
        line.push('\n');
        let open = file.take();
        let at = dir.clone();
        // The state directory may be on a slow or stalled disk: never on a thread of the runtime.
        let result = tokio::task::spawn_blocking(move || -> io::Result<File> {
            let mut file = match open {
                Some(file) => file,
                None => open_trail(&at)?,
            };
            file.write_all(line.as_bytes())?;
            Ok(file)
        })
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the writer failed")));
        match result {
            Ok(kept) => {
                file = Some(kept);
                told = false;
            }
            Err(error) if !told => {
                told = true;
                outbox.fault(Fault {
                    class: crate::fleet::FaultClass::Local,
                    reason: format!("cannot write the audit trail {}: {error}", dir.join(NAME).display()),
                    hint: Some(
                        "verbs go on without a trail; set state_dir to a directory that you can write".into(),
                    ),
                });
            }
            Err(_) => {}
        }
        if let Some(done) = done {
            let _ = done.send(());
        }
    }
}

const NAME: &str = "audit.jsonl";

fn open_trail(dir: &Path) -> io::Result<File> {
    dirs::create_private(dir)?;
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(dir.join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{NodeId, Power, PowerVerb};
    use crate::hub::message::{RequestId, Update};
    use std::os::unix::fs::PermissionsExt;

    fn result(outcome: Outcome) -> VerbResult {
        VerbResult {
            id: RequestId(7),
            node: NodeId(0),
            verb: Verb::Power(PowerVerb::Off),
            outcome,
            power: Power::Off,
            elapsed: Duration::ZERO,
        }
    }

    fn lines(dir: &Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(dir.join(NAME)).expect("a trail");
        text.lines().map(|line| serde_json::from_str(line).expect("json")).collect()
    }

    #[tokio::test]
    async fn a_request_is_there_before_it_is_sent_and_its_results_after() {
        let dir = tempfile::tempdir().expect("tempdir");
        let state = dir.path().join("state");
        let (audit, task) = Audit::start(&state, "alice", Arc::default());
        let verb = Verb::Power(PowerVerb::Off);
        let tally = audit.request(7, &verb, &["a", "b", "c"]);
        audit.flush().await;
        let before = lines(&state);
        assert_eq!(before.len(), 1);
        assert_eq!((&before[0]["event"], &before[0]["verb"]), (&"request".into(), &"power off".into()));
        assert_eq!(before[0]["operator"], "alice");
        assert!(before[0]["time"].as_str().expect("text").ends_with('Z'));
        tally.add("a", &result(Outcome::Confirmed));
        tally.add("b", &result(Outcome::Refused("read-only".into())));
        drop(tally);
        drop(audit);
        task.await.expect("ends");
        let after = lines(&state);
        let results: Vec<_> =
            after[1..].iter().map(|l| (l["result"].as_str(), l["nodes"].as_str())).collect();
        assert_eq!(
            results,
            [(Some("confirmed"), Some("a")), (Some("refused"), Some("b")), (Some("unknown"), Some("c"))]
        );
        let mode = std::fs::metadata(state.join(NAME)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mode = std::fs::metadata(&state).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[tokio::test]
    async fn a_trail_that_cannot_be_written_is_told_once_and_stops_nothing() {
        let dir = tempfile::tempdir().expect("tempdir");
        let blocked = dir.path().join("file");
        std::fs::write(&blocked, "no directory").expect("write");
        let outbox = Arc::new(Outbox::default());
        let (audit, _task) = Audit::start(&blocked, "alice", Arc::clone(&outbox));
        for _ in 0..3 {
            audit.request(1, &Verb::Power(PowerVerb::On), &["a"]);
        }
        let taken = outbox.take().await.expect("a notice");
        assert_eq!(taken.updates.len(), 1, "{:?}", taken.updates);
        assert!(matches!(&taken.updates[0], Update::Notice { text, .. } if text.contains("audit")));
    }
}
