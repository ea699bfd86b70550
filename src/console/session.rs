//! One live attachment to a console.

use crate::bmc::{Bmc, DriverContext, Gate, SuiteMemory};
use crate::config::{BmcSettings, ConsoleSettings};
use crate::fleet::{ConsoleMode, LinePos, SessionStatus, View};
use crate::screen::Frame;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::oneshot;

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
    /// A serial break.
    Break,
    /// Who may type.
    Mode(ConsoleMode),
    /// What is looked at; `None` publishes no frames.
    View(Option<View>),
    /// End the link and open it again, now.
    Reopen,
    /// Next character set.
    NextCharset,
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

/// Handle of a session; dropping it ends the session in order (in the background).
pub struct Session {}

impl Session {
    /// Asks without waiting.
    ///
    /// # Errors
    /// Gives the command back when the queue is full or the session has ended.
    pub fn send(&self, command: SessionCommand) -> Result<(), SessionCommand> {
        Err(command)
    }

    /// How it stands now.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        SessionStatus::default()
    }

    /// The newest published frame.
    #[must_use]
    pub fn frame(&self) -> Option<Arc<Frame>> {
        None
    }

    /// Ends it in order and waits until nothing of it is left: child gone, SOL free, log flushed.
    pub async fn stop(self) {}
}

/// Starts a session. `wake` is called, coalesced, when its status or its frame is new; it must not block.
#[must_use]
pub fn spawn_session(spec: SessionSpec, wake: Arc<dyn Fn() + Send + Sync>) -> Session {
    let _ = (spec, wake);
    Session {}
}

/// Row of [`TRANSPORTS`].
pub struct TransportRow {
    /// Its name in the configuration.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
}

/// Every transport.
pub static TRANSPORTS: &[TransportRow] = &[];

/// The names, for the configuration's check.
#[must_use]
pub fn transport_names() -> Vec<&'static str> {
    TRANSPORTS.iter().map(|row| row.name).collect()
}
