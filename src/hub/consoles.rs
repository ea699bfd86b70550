//! The console sessions: attached, asked, detached on behalf of front ends.
//!
//! Owns every [`Session`]; what belongs to a console that is gone is dropped here. A second attach to a
//! node waits until the session before has ended, so that we never find our own SOL busy. Called by
//! the router and, for status and frames, by [`super::HubHandle`].

use super::dirs;
use super::line::OpenGate;
use super::message::{ConsoleId, ConsoleRequest, Level, Update};
use super::node::{Context, Node};
use crate::bmc::{Gate, SuiteMemory};
use crate::console::{Session, SessionCommand, SessionSpec, spawn_session};
use crate::fleet::{ConsoleMode, ConsoleState, FaultClass, NodeId, SessionStatus};
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
    nodes: Arc<Vec<Arc<Node>>>,
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
    /// Asked before the session could start.
    early: Vec<SessionCommand>,
    told: Option<SessionStatus>,
    frame: Option<u64>,
}

/// Commands kept for a session that has not started yet.
const EARLY: usize = 64;

impl Consoles {
    pub fn new(context: Arc<Context>, nodes: Arc<Vec<Arc<Node>>>, spawner: Spawner) -> Arc<Consoles> {
        Arc::new(Consoles { context, nodes, spawner, inner: Mutex::default() })
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
            self.note_auth(entry.node, &status);
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

    /// An SOL login that failed for good is final for polls, too.
    fn note_auth(&self, node: NodeId, status: &SessionStatus) {
        if let ConsoleState::Closed { fault, .. } = &status.state
            && fault.class == FaultClass::Auth
            && let Some(Ok(line)) = self.nodes.get(node.index()).map(|node| &node.line)
        {
            line.gate.auth_failed(fault);
        }
    }

    fn operator_acts(&self, node: NodeId) {
        if let Some(node) = self.nodes.get(node.index()) {
            node.operator_acts();
        }
    }

    fn has_console(&self, node: NodeId, open: bool) {
        if let Some(node) = self.nodes.get(node.index()) {
            node.console(open);
        }
    }

    fn read_only(&self, node: NodeId) -> bool {
        let tagged = self.context.settings.nodes.get(node.index()).is_some_and(|node| node.read_only);
        self.context.options.read_only || tagged
    }

    fn name(&self, node: NodeId) -> &str {
        self.nodes.get(node.index()).map_or("?", |node| node.name.as_str())
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
                self.operator_acts(node);
                SessionCommand::Reopen
            }
            ConsoleRequest::Steal if self.read_only(node) => {
                return self.warn(node, "is read-only: its console is not taken from anybody");
            }
            ConsoleRequest::Steal => {
                self.context.audit.console("steal", self.name(node));
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
            ConsoleRequest::Break => SessionCommand::Break,
            ConsoleRequest::Mode(mode) => SessionCommand::Mode(mode),
            ConsoleRequest::View(view) => SessionCommand::View(view),
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
        let settings = self.context.settings.nodes.get(node.index());
        let Some(spec) = settings.and_then(|settings| settings.console.as_ref()) else {
            return self.warn(node, "has no console");
        };
        let mode = if mode == ConsoleMode::Interactive && self.read_only(node) {
            self.warn(node, "is read-only: its console opens in monitor mode");
            ConsoleMode::Monitor
        } else {
            mode
        };
        if spec.log
            && let Err(error) = dirs::create_private(&self.context.settings.log_dir)
        {
            let text = format!(
                "cannot create the directory for console logs {}: {error}",
                self.context.settings.log_dir.display()
            );
            self.context.outbox.notice(Level::Error, text, None);
        }
        self.operator_acts(node);
        {
            let mut inner = self.lock();
            if inner.open.contains_key(&console) {
                return;
            }
            self.context.audit.console(attach_words(mode), self.name(node));
            self.has_console(node, true);
            let entry = Entry { node, session: None, early: Vec::new(), told: None, frame: None };
            inner.open.insert(console, entry);
            let before = inner.ending.remove(&node).unwrap_or_default();
            if !before.iter().all(JoinHandle::is_finished) {
                let consoles = Arc::clone(self);
                let start = tokio::spawn(async move {
                    for ending in before {
                        let _ = ending.await;
                    }
                    consoles.start(console, node, mode);
                });
                // It holds the sessions that end: whoever comes next, and the end of all, wait for it.
                inner.ending.insert(node, vec![start]);
                return;
            }
        }
        self.start(console, node, mode);
    }

    fn start(self: &Arc<Self>, console: ConsoleId, node: NodeId, mode: ConsoleMode) {
        let Some(spec) = self.spec(node, mode) else { return };
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
        drop(inner);
        if lost > 0 {
            self.warn(node, "did not take the first input of its console");
        }
        self.context.outbox.wake(console);
    }

    fn spec(&self, id: NodeId, mode: ConsoleMode) -> Option<SessionSpec> {
        let settings = self.context.settings.nodes.get(id.index())?;
        let console = settings.console.clone()?;
        let node = self.nodes.get(id.index())?;
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
        Some(SessionSpec {
            node: settings.name.clone(),
            log: console.log.then(|| self.context.settings.log_dir.join(file)),
            console,
            bmc: settings.bmc.clone(),
            context: self.context.drivers.clone(),
            suites,
            gate,
            driver,
            mode,
            by_operator: true,
            resumed: Arc::new(move || audit.console("resume", &name)),
            log_max_bytes: self.context.settings.log_max_bytes,
            scrollback: self.context.settings.scrollback,
        })
    }

    /// The SOL of `node` is about to be freed on request: our own console of it ends first and in order, and
    /// does not take it back by itself.
    pub fn sol_freed(&self, node: NodeId) {
        let settings = self.context.settings.nodes.get(node.index());
        let sol = settings.and_then(|settings| settings.console.as_ref());
        if sol.is_none_or(|console| console.transport != "sol") {
            return;
        }
        let inner = self.lock();
        let sessions =
            inner.open.values().filter(|entry| entry.node == node).filter_map(|entry| entry.session.as_ref());
        for session in sessions {
            // A queue that is full belongs to a session that cannot be asked anything: it is robbed, and says so.
            let _ = session.send(SessionCommand::Freed);
        }
    }

    fn detach(&self, console: ConsoleId) {
        let mut inner = self.lock();
        let Some(entry) = inner.open.remove(&console) else {
            return;
        };
        self.context.audit.console("detach", self.name(entry.node));
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

fn attach_words(mode: ConsoleMode) -> &'static str {
    match mode {
        ConsoleMode::Interactive => "attach interactive",
        ConsoleMode::Monitor => "attach monitor",
    }
}

#[cfg(test)]
mod tests;
