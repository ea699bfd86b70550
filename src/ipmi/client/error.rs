//! Why a request or a login failed.

use crate::ipmi::rakp::status;

/// A message of the login that was being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The answer to Open Session.
    OpenSession,
    /// RAKP message 2.
    Rakp1,
    /// RAKP message 4.
    Rakp3,
}

/// Why a request could not be done. All but [`ClientError::Lost`] say that it was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The BMC does not answer the login; `heard`: it answered a part of it.
    #[error("no answer")]
    NoAnswer {
        /// What was waited for.
        step: Step,
        /// Whether it answered anything.
        heard: bool,
    },
    /// The machine at the address says that nothing listens on the port (ICMP).
    #[error("port unreachable")]
    PortUnreachable {
        /// Whether the request may have reached the BMC before.
        sent: bool,
    },
    /// The BMC has no free session.
    #[error("no free session")]
    NoFreeSession,
    /// No cipher suite that may be used is offered.
    #[error("no cipher suite is accepted")]
    NoSuite,
    /// The BMC's proof of knowing the password is wrong: it knows another one.
    #[error("wrong password")]
    WrongPassword,
    /// The BMC key is wrong.
    #[error("wrong BMC key")]
    WrongKg,
    /// The BMC knows no such user.
    #[error("unknown user")]
    UnknownUser,
    /// The user may not log in with this privilege.
    #[error("privilege refused")]
    RoleRefused {
        /// RMCP+ status code.
        status: u8,
    },
    /// The login was refused for another reason.
    #[error("login refused: {}", status::words(*.status))]
    Refused {
        /// RMCP+ status code.
        status: u8,
    },
    /// The privilege could not be raised; completion code of Set Session Privilege Level.
    #[error("privilege not granted")]
    NotRaised {
        /// Completion code.
        code: u8,
    },
    /// The request was sent and no answer came.
    #[error("no answer to the request")]
    Lost,
    /// The client was closed before it could be sent.
    #[error("the login was closed")]
    Closed,
}

impl ClientError {
    pub(super) fn refused(step: Step, code: u8) -> ClientError {
        match code {
            status::NO_RESOURCES | status::NO_RESOURCES_FOR_ROLE => ClientError::NoFreeSession,
            status::UNAUTHORISED_NAME => ClientError::UnknownUser,
            status::INVALID_ROLE | status::UNAUTHORISED_ROLE => ClientError::RoleRefused { status: code },
            status::INVALID_INTEGRITY if step == Step::Rakp3 => ClientError::WrongPassword,
            code if status::refuses_suite(code) => ClientError::NoSuite,
            status => ClientError::Refused { status },
        }
    }

    /// Whether the request certainly never reached the BMC.
    #[must_use]
    pub fn not_sent(self) -> bool {
        !matches!(self, ClientError::Lost | ClientError::PortUnreachable { sent: true })
    }
}
