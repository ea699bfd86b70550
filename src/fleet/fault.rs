//! Why something did not work, as the operator is told.

use serde::{Deserialize, Serialize};

/// The class of a failure; it decides retry, colour, wording and the `class` of `--json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultClass {
    /// No answer at all, or the name does not resolve.
    Unreachable,
    /// It answered once, then not in time.
    Timeout,
    /// Wrong password, user or privilege; final until an operator acts.
    Auth,
    /// Out of sessions, held by somebody else, or still starting.
    Busy,
    /// The BMC, driver or tool cannot do this.
    Unsupported,
    /// The BMC answered with a completion code that says no.
    Rejected,
    /// An answer that cannot be understood.
    Protocol,
    /// Something on this machine: a tool, a file, a permission.
    Local,
}

impl FaultClass {
    /// The stable lower-case word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FaultClass::Unreachable => "unreachable",
            FaultClass::Timeout => "timeout",
            FaultClass::Auth => "auth",
            FaultClass::Busy => "busy",
            FaultClass::Unsupported => "unsupported",
            FaultClass::Rejected => "rejected",
            FaultClass::Protocol => "protocol",
            FaultClass::Local => "local",
        }
    }
}

/// A failure as data: class, message, hint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its class.
    pub class: FaultClass,
    /// What could not be done and why, lower case, one line, no secrets.
    pub reason: String,
    /// What to do about it, on a line of its own.
    pub hint: Option<String>,
}
