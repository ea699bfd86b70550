//! The console sessions: attached, asked, detached on behalf of front ends.
//!
//! Owns every [`Session`]; what belongs to a console that is gone is dropped here. A second attach to a
//! node waits until the session before has ended, so that we never find our own SOL busy. A session keeps
//! what it was opened with, also when a reload changes its node or takes it away; reopened, it takes what
//! holds then. Called by the router and, for status and frames, by [`super::HubHandle`].

use super::dirs;
use super::line::{BmcGate, OpenGate};
use super::message::{ConsoleId, ConsoleRequest, Level, Update};
use super::node::Context;
use super::roster::Roster;
use crate::bmc::{Gate, SuiteMemory};
use crate::config::{ConsoleSettings, NodeSettings};
use crate::console::{Session, SessionCommand, SessionSpec, spawn_session};
use crate::fleet::{ConsoleMode, ConsoleState, FaultClass, NodeId, SessionStatus, View};
use crate::screen::Frame;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Starts a session: `console::spawn_session`, or a test's.
pub(crate) type Spawner = Arc<dyn Fn(SessionSpec, Arc<dyn Fn() + Send + Sync>) -> Session + Send + Sync>;

/// The real one.
pub(crate) fn spawner() -> Spawner {
    Arc::new(spawn_session)
}

/// All sessions.
pub(crate) struct Consoles {
    context: Arc<Context>,
    roster: Arc<Roster>,
    spawner: Spawner,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    open: HashMap<ConsoleId, Entry>,
    /// Sessions that end, and starts that wait for them, by node.
    ending: HashMap<NodeId, Vec<JoinHandle<()>>>,
}

struct Entry {
    node: NodeId,
    session: Option<Session>,
    /// What it was opened with.
    with: Option<With>,
    /// What of it is looked at, as last asked.
    view: Option<View>,
    /// Asked before the session could start.
    early: Vec<SessionCommand>,
    told: Option<SessionStatus>,
    frame: Option<u64>,
}

/// The settings that a session was opened with, and its BMC's gate.
type With = (Arc<NodeSettings>, Option<Arc<BmcGate>>);

/// Commands kept for a session that has not started yet.
const EARLY: usize = 64;

impl Consoles {
    pub fn new(context: Arc<Context>, roster: Arc<Roster>, spawner: Spawner) -> Arc<Consoles> {
        Arc::new(Consoles { context, roster, spawner, inner: Mutex::default() })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic while the consoles are locked")
    }

    /// The newest frame.
    pub fn frame(&self, console: ConsoleId) -> Option<Arc<Frame>> {
        self.lock().open.get(&console)?.session.as_ref()?.frame()
    }

    /// What is new of a woken console; nothing of one that is gone.
    pub fn news(&self, console: ConsoleId) -> Vec<Update> {
        let mut updates = Vec::new();
        let mut inner = self.lock();
        let Some(entry) = inner.open.get_mut(&console) else {
            return updates;
        };
        let Some(session) = &entry.session else {
            return updates;
        };
        let status = session.status();
        if entry.told.as_ref() != Some(&status) {
            note_auth(entry, &status);
            entry.told = Some(status.clone());
            updates.push(Update::Console(console, Box::new(status)));
        }
        let frame = session.frame().map(|frame| frame.seq);
        if frame != entry.frame {
            entry.frame = frame;
            updates.push(Update::Frame(console));
        }
        updates
    }

    fn operator_acts(&self, node: NodeId) {
        if let Some(node) = self.roster.get(node) {
            node.operator_acts();
        }
    }

    fn has_console(&self, node: NodeId, open: bool) {
        if let Some(node) = self.roster.get(node) {
            node.console(open);
        }
    }

    fn read_only(&self, node: NodeId) -> bool {
        let tagged = self.roster.get(node).is_some_and(|node| node.settings().read_only);
        self.context.options.read_only || tagged
    }

    fn name(&self, node: NodeId) -> String {
        self.roster.get(node).map_or_else(|| "?".to_owned(), |node| node.name.clone())
    }

    /// Does what a front end asks. Never waits.
    pub fn request(self: &Arc<Self>, console: ConsoleId, what: ConsoleRequest) {
        if let ConsoleRequest::Attach { node, mode } = what {
            return self.attach(console, node, mode);
        }
        let Some(node) = self.lock().open.get(&console).map(|entry| entry.node) else {
            // Detached meanwhile: its late requests mean nothing.
            return;
        };
        let command = match what {
            ConsoleRequest::Attach { .. } => return,
            ConsoleRequest::Detach => return self.detach(console),
            ConsoleRequest::Reopen => {
                if self.configured(node).is_none() {
                    let text = "has no console in the configuration any more: it stays as it is";
                    return self.warn(node, text);
                }
                self.operator_acts(node);
                if self.restart(console, node) {
                    return;
                }
                SessionCommand::Reopen
            }
            ConsoleRequest::Steal if self.read_only(node) => {
                return self.warn(node, "is read-only: its console is not taken from anybody");
            }
            ConsoleRequest::Steal => {
                self.context.audit.console("steal", &self.name(node));
                self.operator_acts(node);
                SessionCommand::Steal
            }
            ConsoleRequest::Wait => SessionCommand::Wait,
            ConsoleRequest::Watch => SessionCommand::Watch,
            ConsoleRequest::Input(_) | ConsoleRequest::Paste(_) | ConsoleRequest::Break
                if self.read_only(node) =>
            {
                return self.warn(node, "is read-only: nothing was sent to its console");
            }
            ConsoleRequest::Mode(ConsoleMode::Interactive) if self.read_only(node) => {
                return self.warn(node, "is read-only: its console stays in monitor mode");
            }
            ConsoleRequest::Input(bytes) => SessionCommand::Input(bytes),
            ConsoleRequest::Paste(bytes) => SessionCommand::Paste(bytes),
            ConsoleRequest::StopPaste => SessionCommand::StopPaste,
            ConsoleRequest::Break => SessionCommand::Break,
            ConsoleRequest::Mode(mode) => SessionCommand::Mode(mode),
            ConsoleRequest::View(view) => {
                if let Some(entry) = self.lock().open.get_mut(&console) {
                    entry.view = view;
                }
                SessionCommand::View(view)
            }
            ConsoleRequest::NextCharset => SessionCommand::NextCharset,
            ConsoleRequest::ForceWrap => SessionCommand::ForceWrap,
            ConsoleRequest::Search { id, pattern, from, backward } => {
                let reply = self.answer(console, move |found| Update::Found { id, found });
                SessionCommand::Search { pattern, from, backward, reply }
            }
            ConsoleRequest::Copy { id, from, to, lines } => {
                let reply = self.answer(console, move |text| Update::Text { id, text });
                SessionCommand::Copy { from, to, lines, reply }
            }
        };
        let refused = {
            let mut inner = self.lock();
            match inner.open.get_mut(&console) {
                Some(Entry { session: Some(session), .. }) => session.send(command).err(),
                Some(entry) if entry.early.len() < EARLY => {
                    entry.early.push(command);
                    None
                }
                Some(_) => Some(command),
                None => None,
            }
        };
        // Views come with every resize and scroll: a lost one is followed by another.
        if refused.is_some_and(|command| !matches!(command, SessionCommand::View(_))) {
            self.warn(node, "did not take the last input of its console: too much at once");
        }
    }

    fn warn(&self, node: NodeId, text: &str) {
        let text = format!("{} {text}", self.name(node));
        self.context.outbox.notice(Level::Warning, text, None);
    }

    /// A reply channel whose answer becomes an update, unless the console is gone by then.
    fn answer<T: Send + 'static>(
        self: &Arc<Self>,
        console: ConsoleId,
        update: impl FnOnce(T) -> Update + Send + 'static,
    ) -> oneshot::Sender<T> {
        let (reply, answer) = oneshot::channel();
        let consoles = Arc::downgrade(self);
        tokio::spawn(async move {
            let Ok(answer) = answer.await else { return };
            let Some(consoles) = consoles.upgrade() else {
                return;
            };
            let open = consoles.lock().open.contains_key(&console);
            if open {
                consoles.context.outbox.push(update(answer));
            }
        });
        reply
    }

    fn attach(self: &Arc<Self>, console: ConsoleId, node: NodeId, mode: ConsoleMode) {
        let Some(spec) = self.configured(node) else {
            return self.warn(node, "has no console in the configuration");
        };
        let log_dir = self.context.settings().log_dir.clone();
        let mode = if mode == ConsoleMode::Interactive && self.read_only(node) {
            self.warn(node, "is read-only: its console opens in monitor mode");
            ConsoleMode::Monitor
        } else {
            mode
        };
        if spec.log
            && let Err(error) = dirs::create_private(&log_dir)
        {
            let text = format!("cannot create the directory for console logs {}: {error}", log_dir.display());
            self.context.outbox.notice(Level::Error, text, None);
        }
        self.operator_acts(node);
        {
            let mut inner = self.lock();
            if inner.open.contains_key(&console) {
                return;
            }
            self.context.audit.console(attach_words(mode), &self.name(node));
            self.has_console(node, true);
            let (session, with, view) = (None, None, None);
            let entry = Entry { node, session, with, view, early: Vec::new(), told: None, frame: None };
            inner.open.insert(console, entry);
            if self.waits(&mut inner, console, node, mode) {
                return;
            }
        }
        self.start(console, node, mode);
    }

    /// Whether a session of the node still ends: then it starts after that.
    fn waits(
        self: &Arc<Self>,
        inner: &mut Inner,
        console: ConsoleId,
        node: NodeId,
        mode: ConsoleMode,
    ) -> bool {
        let before = inner.ending.remove(&node).unwrap_or_default();
        if before.iter().all(JoinHandle::is_finished) {
            return false;
        }
        let consoles = Arc::clone(self);
        let start = tokio::spawn(async move {
            for ending in before {
                let _ = ending.await;
            }
            consoles.start(console, node, mode);
        });
        // It holds the sessions that end: whoever comes next, and the end of all, wait for it.
        inner.ending.insert(node, vec![start]);
        true
    }

    /// Ends a session whose node is configured otherwise now, and starts it anew; `false` when there is nothing
    /// new to it.
    fn restart(self: &Arc<Self>, console: ConsoleId, node: NodeId) -> bool {
        let Some(now) = self.roster.get(node).map(|node| node.settings()) else { return false };
        let mut inner = self.lock();
        let Some(entry) = inner.open.get_mut(&console) else { return false };
        let same = |with: &NodeSettings| with.bmc == now.bmc && with.console == now.console;
        if entry.with.as_ref().is_none_or(|(with, _)| same(with)) {
            return false;
        }
        let Some(session) = entry.session.take() else { return false };
        let mut mode = session.status().mode;
        if mode == ConsoleMode::Interactive && self.read_only(node) {
            mode = ConsoleMode::Monitor;
        }
        (entry.told, entry.frame) = (None, None);
        entry.early.push(SessionCommand::View(entry.view));
        inner.ending.entry(node).or_default().push(tokio::spawn(session.stop()));
        if !self.waits(&mut inner, console, node, mode) {
            drop(inner);
            self.start(console, node, mode);
        }
        true
    }

    /// The console that the configuration gives a node now.
    fn configured(&self, node: NodeId) -> Option<ConsoleSettings> {
        self.roster.get(node).filter(|node| !node.gone)?.settings().console.clone()
    }

    fn start(self: &Arc<Self>, console: ConsoleId, node: NodeId, mode: ConsoleMode) {
        let Some((spec, with)) = self.spec(node, mode) else {
            // Told only to who still has it open.
            let fault = dirs::local("the node has no console in the configuration any more", None);
            let state = ConsoleState::Closed { fault, holder: None, retry: None };
            let status = Box::new(SessionStatus { mode, state, ..SessionStatus::default() });
            return self.context.outbox.push(Update::Console(console, status));
        };
        let consoles: Weak<Consoles> = Arc::downgrade(self);
        let wake = move || {
            if let Some(consoles) = consoles.upgrade() {
                consoles.context.outbox.wake(console);
            }
        };
        let mut inner = self.lock();
        // Detached before it could start.
        let Some(entry) = inner.open.get_mut(&console) else {
            return;
        };
        let session = (self.spawner)(spec, Arc::new(wake));
        let lost = entry.early.drain(..).filter_map(|command| session.send(command).err()).count();
        entry.session = Some(session);
        entry.with = Some(with);
        drop(inner);
        if lost > 0 {
            self.warn(node, "did not take the first input of its console");
        }
        self.context.outbox.wake(console);
    }

    fn spec(&self, id: NodeId, mode: ConsoleMode) -> Option<(SessionSpec, With)> {
        // A tombstone has no gate that keeps the pace.
        let node = self.roster.get(id).filter(|node| !node.gone)?;
        let settings = node.settings();
        let fleet = self.context.settings();
        let console = settings.console.clone()?;
        let bmc_gate = node.line.as_ref().ok().map(|line| Arc::clone(&line.gate));
        let (gate, suites): (Arc<dyn Gate>, _) = match &node.line {
            Ok(line) => (Arc::clone(&line.gate) as Arc<dyn Gate>, Arc::clone(&line.suites)),
            Err(_) => {
                (Arc::new(OpenGate(self.context.clock)) as Arc<dyn Gate>, Arc::new(SuiteMemory::default()))
            }
        };
        let driver = settings
            .bmc
            .as_ref()
            .and_then(|bmc| (self.context.opener)(bmc, &self.context.drivers, Arc::clone(&suites)).ok());
        let (audit, name) = (self.context.audit.clone(), settings.name.clone());
        // A name is checked by the configuration; a slash must not lead out of the directory.
        let file = format!("{}.log", settings.name.replace('/', "_"));
        let spec = SessionSpec {
            node: settings.name.clone(),
            log: console.log.then(|| fleet.log_dir.join(file)),
            console,
            bmc: settings.bmc.clone(),
            context: self.context.drivers.clone(),
            suites,
            gate,
            driver,
            mode,
            by_operator: true,
            resumed: Arc::new(move || audit.console("resume", &name)),
            log_max_bytes: fleet.log_max_bytes,
            scrollback: fleet.scrollback,
        };
        Some((spec, (settings, bmc_gate)))
    }

    /// The SOL of `node` is about to be freed on request: our own console of it ends first and in order, and
    /// does not take it back by itself.
    pub fn sol_freed(&self, node: NodeId) {
        let inner = self.lock();
        let of_sol = |entry: &&Entry| {
            let with = entry.with.as_ref().and_then(|(with, _)| with.console.as_ref());
            entry.node == node && with.is_some_and(|console| console.transport == "sol")
        };
        for session in inner.open.values().filter(of_sol).filter_map(|entry| entry.session.as_ref()) {
            // A queue that is full belongs to a session that cannot be asked anything: it is robbed, and says so.
            let _ = session.send(SessionCommand::Freed);
        }
    }

    fn detach(&self, console: ConsoleId) {
        let mut inner = self.lock();
        let Some(entry) = inner.open.remove(&console) else {
            return;
        };
        self.context.audit.console("detach", &self.name(entry.node));
        let others = inner.open.values().any(|other| other.node == entry.node);
        self.has_console(entry.node, others);
        if let Some(session) = entry.session {
            let ending = tokio::spawn(session.stop());
            let all = inner.ending.entry(entry.node).or_default();
            all.retain(|other| !other.is_finished());
            all.push(ending);
        }
    }

    /// Detaches all and waits until nothing of them is left; the hub limits the time.
    pub async fn stop(&self) {
        let open: Vec<ConsoleId> = self.lock().open.keys().copied().collect();
        for console in open {
            self.detach(console);
        }
        let ending: Vec<JoinHandle<()>> = self.lock().ending.drain().flat_map(|(_, all)| all).collect();
        for session in ending {
            let _ = session.await;
        }
    }
}

/// An SOL login that failed for good is final for polls, too.
fn note_auth(entry: &Entry, status: &SessionStatus) {
    if let ConsoleState::Closed { fault, .. } = &status.state
        && fault.class == FaultClass::Auth
        && let Some((_, Some(gate))) = &entry.with
    {
        gate.auth_failed(fault);
    }
}

fn attach_words(mode: ConsoleMode) -> &'static str {
    match mode {
        ConsoleMode::Interactive => "attach interactive",
        ConsoleMode::Monitor => "attach monitor",
    }
}

#[cfg(test)]
mod tests;
