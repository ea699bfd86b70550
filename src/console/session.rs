//! One live attachment to a console: what a session needs, what it can be asked, its handle. The work is
//! done by its task ([`task`]); only the hub calls in here.

mod task;

use super::shared::Shared;
use crate::bmc::{Bmc, DriverContext, Gate, SuiteMemory};
use crate::config::{BmcSettings, ConsoleSettings};
use crate::fleet::{ConsoleMode, LinePos, SessionStatus, View};
use crate::screen::Frame;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// The longest that a session's end takes, beyond the wait for a turn at its BMC: an SOL whose ipmitool
/// had to be killed is freed by an exchange.
pub const ENDING: Duration = super::sol::ENDING;

/// Commands that may wait for a session's task.
const QUEUE: usize = 256;

/// What a session needs to know.
pub struct SessionSpec {
    /// The node's name, for the log and messages.
    pub node: String,
    /// Its console settings.
    pub console: ConsoleSettings,
    /// Its BMC, for SOL and for resuming a paused machine.
    pub bmc: Option<BmcSettings>,
    /// The drivers' surroundings.
    pub context: DriverContext,
    /// The suite memory of its BMC.
    pub suites: Arc<SuiteMemory>,
    /// Its BMC's gate: every login and every deactivation asks it.
    pub gate: Arc<dyn Gate>,
    /// Makes a driver for exchanges beside the console (resume, deactivate); called when needed.
    pub driver: Option<Box<dyn Bmc>>,
    /// Who may type at first.
    pub mode: ConsoleMode,
    /// The operator opened it (a paused machine is resumed only then, and only when interactive).
    pub by_operator: bool,
    /// Called when a paused machine was resumed, for the audit trail; must not block.
    pub resumed: Arc<dyn Fn() + Send + Sync>,
    /// Where the raw log goes; `None` writes none.
    pub log: Option<PathBuf>,
    /// The log is rotated once at this many bytes.
    pub log_max_bytes: u64,
    /// Lines of scrollback.
    pub scrollback: usize,
}

/// What a session can be asked.
pub enum SessionCommand {
    /// Bytes to the node.
    Input(Vec<u8>),
    /// Pasted bytes, paced.
    Paste(Vec<u8>),
    /// Nothing more of the pastes that are still going out.
    StopPaste,
    /// A serial break.
    Break,
    /// Who may type.
    Mode(ConsoleMode),
    /// What is looked at; `None` publishes no frames.
    View(Option<View>),
    /// End the link and open it again, now.
    Reopen,
    /// The operator frees the SOL that it may hold: end the link, do not open it again by itself.
    Freed,
    /// Open it now; whoever has it loses it.
    Steal,
    /// Try again by itself until it is free.
    Wait,
    /// Read along in the log while somebody else has it.
    Watch,
    /// Next character set.
    NextCharset,
    /// Wrap long lines although the node switched that off, or do as the node says.
    ForceWrap,
    /// Search the history.
    Search {
        /// Regular expression, smart case.
        pattern: String,
        /// Start.
        from: LinePos,
        /// Towards older lines.
        backward: bool,
        /// First and last cell, or a text for a bad pattern.
        reply: oneshot::Sender<Result<Option<(LinePos, LinePos)>, String>>,
    },
    /// Text between two positions.
    Copy {
        /// First.
        from: LinePos,
        /// Last.
        to: LinePos,
        /// Whole lines.
        lines: bool,
        /// The text.
        reply: oneshot::Sender<String>,
    },
}

impl SessionCommand {
    /// Whether it is for the node, and how many bytes it has.
    fn typed(&self) -> Option<usize> {
        match self {
            SessionCommand::Input(bytes) | SessionCommand::Paste(bytes) => Some(bytes.len()),
            SessionCommand::Break => Some(0),
            _ => None,
        }
    }
}

/// Handle of a session; dropping it ends the session in order (in the background).
pub struct Session {
    commands: mpsc::Sender<SessionCommand>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Session {
    /// Asks without waiting.
    ///
    /// # Errors
    /// Gives the command back when the queue is full or the session has ended, and what is meant for the
    /// node also when it cannot go there: not attached, monitor mode, or more than 256 KB are waiting.
    pub fn send(&self, command: SessionCommand) -> Result<(), SessionCommand> {
        let Some(bytes) = command.typed() else {
            return self.queue(command);
        };
        if !self.shared.writable() || !self.shared.reserve(bytes) {
            return Err(command);
        }
        self.queue(command).inspect_err(|_| self.shared.release(bytes))
    }

    fn queue(&self, command: SessionCommand) -> Result<(), SessionCommand> {
        self.commands.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(command) | mpsc::error::TrySendError::Closed(command) => command,
        })
    }

    /// How it stands now.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        self.shared.look_status()
    }

    /// The newest published frame.
    #[must_use]
    pub fn frame(&self) -> Option<Arc<Frame>> {
        self.shared.look_frame()
    }

    /// Ends it in order and waits until nothing of it is left: child gone, SOL free, log flushed.
    pub async fn stop(self) {
        drop(self.commands);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a console's task did not end by itself");
        }
    }
}

/// Starts a session on the current tokio runtime. `wake` is called when its status or its frame is new, and
/// not again until `status` or `frame` was called; it must not block.
#[must_use]
pub fn spawn_session(spec: SessionSpec, wake: Arc<dyn Fn() + Send + Sync>) -> Session {
    let status = SessionStatus { mode: spec.mode, log: spec.log.clone(), ..SessionStatus::default() };
    let shared = Arc::new(Shared::new(status, wake));
    let (commands, queue) = mpsc::channel(QUEUE);
    let task = tokio::spawn(task::run(spec, Arc::clone(&shared), queue));
    Session { commands, shared, task }
}
