//! The scriptable twin of every verb: resolve, ask, send through the hub, report.

use super::exit::Exit;
use super::{Loaded, report, say, say_error};
use crate::app::guard::{Guard, confirm_level};
use crate::config;
use crate::fleet::{Millis, Node, NodeId, NodeSet, Verb};
use crate::hub::message::{NodeStatus, Outcome, Request, RequestId, Update, VerbResult};
use crate::hub::{Hub, HubHandle, HubOptions};
use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// One verb on a node set, as the command line gave it.
pub struct Job {
    /// What.
    pub verb: Verb,
    /// Where, as written.
    pub nodes: String,
    /// Do not ask.
    pub yes: bool,
    /// JSON lines instead of folded text.
    pub json: bool,
    /// Wait until the effect is seen.
    pub wait: bool,
    /// Another limit than the configured one.
    pub timeout: Option<Duration>,
    /// A table with a row a node instead of folded text.
    pub table: bool,
    /// Send nothing, print what would be sent.
    pub dry_run: bool,
    /// `--read-only`.
    pub read_only: bool,
    /// Only for a question: told where that is asked, on standard error.
    pub aside: bool,
}

const REQUEST: RequestId = RequestId(1);

/// Runs the job and says how the program ends.
pub fn run(job: &Job, loaded: &Loaded) -> anyhow::Result<Exit> {
    let nodes = config::nodes(&loaded.settings);
    let targets = match NodeSet::resolve(&job.nodes, &nodes) {
        Ok(targets) if targets.is_empty() => {
            say_error(&format!("\"{}\" names no node", job.nodes));
            return Ok(Exit::Usage);
        }
        Ok(targets) => targets,
        Err(error) => {
            say_error(&error.to_string());
            return Ok(Exit::Usage);
        }
    };
    let targets = if job.verb.is_read() { readable(&job.nodes, targets, &nodes) } else { targets };
    let asked: Vec<&Node> = targets.iter().map(|id| &nodes[id.index()]).collect();
    match confirm_level(&job.verb, &asked, job.read_only) {
        Guard::Refused { reason, nodes: refused } => {
            // Without a list it is the program that is read-only, and all of them are refused.
            let refused = if refused.is_empty() { targets.clone() } else { refused };
            return Ok(refuse(job, &nodes, &targets, &reason, &refused));
        }
        guard if !job.yes && !job.dry_run => {
            if job.verb == Verb::FreeSol && std::io::stdin().is_terminal() {
                tell_holders(job, loaded, &nodes, &targets)?;
            }
            if let Err(reason) = ask(job, &guard, &asked) {
                return Ok(refuse(job, &nodes, &targets, reason, &targets));
            }
        }
        _ => {}
    }
    perform(job, loaded, &nodes, &targets)
}

fn perform(job: &Job, loaded: &Loaded, nodes: &[Node], targets: &[NodeId]) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(execute(job, loaded, nodes, targets))
}

/// Says who would lose their console: whoever is asked whether to free an SOL should know. A BMC that does not tell
/// is no reason not to ask.
fn tell_holders(job: &Job, loaded: &Loaded, nodes: &[Node], targets: &[NodeId]) -> anyhow::Result<()> {
    let question = Job {
        verb: Verb::SolHolder,
        nodes: job.nodes.clone(),
        yes: true,
        json: false,
        wait: true,
        timeout: None,
        table: false,
        dry_run: false,
        read_only: job.read_only,
        aside: true,
    };
    perform(&question, loaded, nodes, targets).map(drop)
}

/// Of `all` and of tags only what has a BMC can be read: a switch with no more than a console is no failure there.
/// Whoever names a node, or none that has one, is told.
fn readable(text: &str, targets: Vec<NodeId>, nodes: &[Node]) -> Vec<NodeId> {
    let groups = text.split(',').all(|piece| piece.trim() == "all" || piece.trim().starts_with('@'));
    let with = |id: &NodeId| nodes[id.index()].driver.is_some();
    if !groups || !targets.iter().any(with) {
        return targets;
    }
    targets.into_iter().filter(with).collect()
}

/// Nothing is sent, every refused node is named.
fn refuse(job: &Job, nodes: &[Node], targets: &[NodeId], reason: &str, refused: &[NodeId]) -> Exit {
    if job.json {
        for id in targets {
            let why =
                if refused.contains(id) { reason } else { "not sent: other nodes of the set were refused" };
            let result = VerbResult {
                id: REQUEST,
                node: *id,
                verb: job.verb.clone(),
                outcome: Outcome::Refused(why.to_owned()),
                power: crate::fleet::Power::Unknown,
                elapsed: Duration::ZERO,
            };
            say(&report::json_line(&nodes[id.index()], &result, None));
        }
    } else {
        let names: Vec<&str> = refused.iter().map(|id| nodes[id.index()].name.as_str()).collect();
        say_error(&format!("{} refused for {}: {reason}", job.verb.words(), NodeSet::fold(&names)));
    }
    Exit::Refused
}

/// Asks on the terminal; says why not to go on.
fn ask(job: &Job, guard: &Guard, asked: &[&Node]) -> Result<(), &'static str> {
    let names: Vec<&str> = asked.iter().map(|node| node.name.as_str()).collect();
    let what = format!("{} on {}", job.verb.words(), NodeSet::fold(&names));
    let (question, expected) = match guard {
        Guard::None | Guard::Refused { .. } => return Ok(()),
        Guard::Key => (format!("{what}? type y to go on: "), "y".to_owned()),
        Guard::Typed(word) => (format!("{what}? type {word} to go on: "), word.clone()),
    };
    if !std::io::stdin().is_terminal() {
        return Err(
            "it needs a confirmation and there is no terminal to ask on; --yes goes on without asking",
        );
    }
    let mut tty = std::io::stderr().lock();
    // A terminal that cannot be written to cannot be asked on either: the empty answer refuses.
    let _ = tty.write_all(question.as_bytes()).and_then(|()| tty.flush());
    drop(tty);
    let answer = typed().unwrap_or_default();
    if answer.trim() == expected { Ok(()) } else { Err("not confirmed, nothing was sent") }
}

/// The line that is typed; none after a signal. Whoever asked a BMC for its holder caught the signals that end a
/// program, and they stay caught.
fn typed() -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).ok()?;
        let mut terminate = signal(SignalKind::terminate()).ok()?;
        let mut hang_up = signal(SignalKind::hangup()).ok()?;
        let (line, typed) = oneshot::channel();
        // It cannot be told to stop reading, and ends with the program.
        std::thread::spawn(move || {
            let mut text = String::new();
            let read = std::io::stdin().lock().read_line(&mut text);
            let _ = line.send(read.ok().map(|_| text));
        });
        tokio::select! {
            typed = typed => return typed.ok().flatten(),
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        // The question has no end of line yet.
        say_error("");
        None
    })
}

async fn execute(job: &Job, loaded: &Loaded, nodes: &[Node], targets: &[NodeId]) -> anyhow::Result<Exit> {
    let settings = Arc::new(loaded.settings.clone());
    let options = HubOptions { poll: false, read_only: job.read_only, operator: super::operator() };
    let (hub, handle) = match Hub::start(settings, options).await {
        Ok(started) => started,
        Err(fault) => {
            super::say_fault(&fault);
            return Ok(Exit::Usage);
        }
    };
    let exit = if job.dry_run {
        describe(job, nodes, targets, &handle).await
    } else {
        send(job, nodes, targets, &handle).await
    };
    hub.stop().await;
    // What was said while it ended: an audit trail that could not be written, for example.
    while let Some(updates) = handle.updates().await {
        updates.iter().for_each(notice);
    }
    exit
}

/// A notice of the hub, as lines on standard error.
fn notice(update: &Update) {
    if let Update::Notice { text, hint, .. } = update {
        say_error(text);
        if let Some(hint) = hint {
            say_error(&format!("  hint: {hint}"));
        }
    }
}

/// `--dry-run`: one line a node, nothing is sent.
async fn describe(job: &Job, nodes: &[Node], targets: &[NodeId], hub: &HubHandle) -> anyhow::Result<Exit> {
    for (number, node) in (1..).zip(targets) {
        let id = RequestId(number);
        hub.try_send(Request::Describe { id, verb: job.verb.clone(), node: *node })?;
        let text = loop {
            let Some(updates) = hub.updates().await else { anyhow::bail!("the hub ended too early") };
            let answer = updates.into_iter().find_map(|update| match update {
                Update::Described { id: answered, text } if answered == id => Some(text),
                _ => None,
            });
            if let Some(text) = answer {
                break text;
            }
        };
        let name = &nodes[node.index()].name;
        say(&if job.json { report::would_send(name, &job.verb, &text) } else { format!("{name}: {text}") });
    }
    Ok(Exit::Done)
}

async fn send(job: &Job, nodes: &[Node], targets: &[NodeId], hub: &HubHandle) -> anyhow::Result<Exit> {
    hub.try_send(Request::Verb {
        id: REQUEST,
        verb: job.verb.clone(),
        nodes: targets.to_vec(),
        timeout: job.timeout,
        wait: job.wait,
    })?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut cancelled = false;
    let mut seen: BTreeMap<NodeId, NodeStatus> = BTreeMap::new();
    let mut results: BTreeMap<NodeId, VerbResult> = BTreeMap::new();
    while results.len() < targets.len() {
        let updates = tokio::select! {
            updates = hub.updates() => updates,
            _ = interrupt.recv(), if !cancelled => { cancelled = true; cancel(targets, hub)?; continue }
            _ = terminate.recv(), if !cancelled => { cancelled = true; cancel(targets, hub)?; continue }
            _ = hang_up.recv(), if !cancelled => { cancelled = true; cancel(targets, hub)?; continue }
        };
        let Some(updates) = updates else { anyhow::bail!("the hub ended too early") };
        for update in updates {
            match update {
                Update::Node(status) => {
                    seen.insert(status.node, *status);
                }
                Update::Done(result) if result.id == REQUEST => {
                    if job.json {
                        say(&report::json_line(
                            &nodes[result.node.index()],
                            &result,
                            age(&seen, result.node),
                        ));
                    }
                    results.insert(result.node, *result);
                }
                other @ Update::Notice { .. } => notice(&other),
                _ => {}
            }
        }
    }
    let ordered: Vec<VerbResult> = targets.iter().filter_map(|id| results.remove(id)).collect();
    if job.table && !job.json {
        report::status_table(nodes, &ordered).iter().for_each(|line| say(line));
    } else if !job.json {
        let report = report::folded(nodes, &ordered);
        let tell = if job.aside { say_error } else { say };
        report.good.iter().for_each(|line| tell(line));
        report.bad.iter().for_each(|line| say_error(line));
    }
    Ok(ordered.iter().map(|result| Exit::of(&result.outcome)).max().unwrap_or(Exit::Done))
}

/// The first interrupt stops our waiting; what was sent is said in the results.
fn cancel(targets: &[NodeId], hub: &HubHandle) -> anyhow::Result<()> {
    say_error("interrupted: no longer waiting; what was sent already is said below");
    Ok(hub.try_send(Request::Cancel { nodes: targets.to_vec() })?)
}

/// Age of a node's reading in milliseconds.
fn age(seen: &BTreeMap<NodeId, NodeStatus>, node: NodeId) -> Option<u64> {
    let (_, at) = seen.get(&node)?.seen.last_seen?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Millis(u64::try_from(now.as_millis()).ok()?);
    u64::try_from(now.since(at).as_millis()).ok()
}
