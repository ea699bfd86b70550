//! A console's session as plain data: what state it is in, who may type.

use super::{Fault, FaultClass, Millis};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Whether keys reach the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsoleMode {
    /// Read-write.
    Interactive,
    /// Read-only: nothing is ever sent, not even answers to terminal queries.
    #[default]
    Monitor,
}

/// Where a session stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsoleState {
    /// Not attached: a place kept from an earlier run, which an operator may attach.
    Detached,
    /// Waits for the BMC's pace; not before `until`.
    Waiting {
        /// Earliest start.
        until: Millis,
    },
    /// Logging in or connecting.
    #[default]
    Connecting,
    /// Bytes can flow. `silent` until the first byte came.
    Attached {
        /// Nothing came yet.
        silent: bool,
    },
    /// Somebody else holds the SOL or the socket.
    Busy {
        /// Who, where it can be told.
        holder: Option<String>,
        /// What can be done.
        hint: String,
        /// It can be taken from its holder, if the operator wants that.
        steal: bool,
        /// When it is tried again by itself; `None`: only on request.
        retry: Option<Millis>,
    },
    /// Not attached: its log is read along, which another process of ours writes.
    Watching {
        /// It can be taken from its holder.
        steal: bool,
        /// When it is tried again by itself; `None`: only on request.
        retry: Option<Millis>,
    },
    /// Ended; tried again at `retry`, or only on request when `None`.
    Closed {
        /// Why.
        fault: Fault,
        /// Who has it now, where somebody took it and it can be told.
        holder: Option<String>,
        /// When it is tried again.
        retry: Option<Millis>,
    },
}

impl ConsoleState {
    /// Whether somebody else has the console, and it could be taken from them.
    #[must_use]
    pub fn can_steal(&self) -> bool {
        match self {
            ConsoleState::Busy { steal, .. } | ConsoleState::Watching { steal, .. } => *steal,
            // It was taken from us.
            ConsoleState::Closed { fault, .. } => fault.class == FaultClass::Busy,
            _ => false,
        }
    }

    /// Who has the console instead of us, where it can be told.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        match self {
            ConsoleState::Busy { holder, .. } | ConsoleState::Closed { holder, .. } => holder.as_deref(),
            _ => None,
        }
    }

    /// Whether there is no link and none on its way.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            ConsoleState::Busy { .. } | ConsoleState::Watching { .. } | ConsoleState::Closed { .. }
        )
    }

    /// Nothing comes of it any more unless the operator asks.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self, ConsoleState::Busy { retry: None, .. } | ConsoleState::Closed { retry: None, .. })
    }
}

/// Everything the screen shows of a session besides its frame.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SessionStatus {
    /// Where it stands.
    pub state: ConsoleState,
    /// Who may type.
    pub mode: ConsoleMode,
    /// The raw log, when one is written.
    pub log: Option<PathBuf>,
    /// Why the log is not written although it should be (disk full, not writable).
    pub log_fault: Option<String>,
    /// Bytes received since the attach.
    pub received: u64,
    /// A word to show once, for example that the machine was resumed or the emulator rebuilt.
    pub note: Option<String>,
}

/// A position in a console's history: absolute line number since the session began, and column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct LinePos {
    /// Line, 0 is the first ever seen.
    pub line: u64,
    /// Column, from 0.
    pub col: u16,
}

/// What part of a console is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct View {
    /// First line of a frozen view; `None` is the live screen, at the console's own size.
    pub top: Option<u64>,
    /// Rows of a frozen view.
    pub rows: u16,
}
