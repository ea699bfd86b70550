//! Why an exchange failed.

use crate::fleet::{Fault, FaultClass};

/// A failed exchange. The class decides retry, colour and wording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BmcError {
    /// The class.
    pub class: FaultClass,
    /// IPMI completion code, where the BMC gave one (IPMI 2.0, table 5-2).
    pub code: Option<u8>,
    /// What could not be done and why: lower case, one line, no secret.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether the request certainly never reached the BMC (login failed, tool missing), so that
    /// sending it again cannot do it twice.
    pub not_sent: bool,
}

impl BmcError {
    /// An error of `class` with no code and no hint, which may have reached the BMC.
    #[must_use]
    pub fn new(class: FaultClass, reason: impl Into<String>) -> BmcError {
        BmcError { class, code: None, reason: reason.into(), hint: None, not_sent: false }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> BmcError {
        self.hint = Some(hint.into());
        self
    }

    /// Marks the request as certainly not sent.
    #[must_use]
    pub fn not_sent(mut self) -> BmcError {
        self.not_sent = true;
        self
    }

    /// Whether the login itself was refused, which must not be tried again and again. A BMC that
    /// refuses one command for want of privilege (0xd4) took the login.
    #[must_use]
    pub fn refused_login(&self) -> bool {
        self.class == FaultClass::Auth && self.not_sent
    }
}

impl From<BmcError> for Fault {
    fn from(error: BmcError) -> Fault {
        Fault { class: error.class, reason: error.reason, hint: error.hint }
    }
}
