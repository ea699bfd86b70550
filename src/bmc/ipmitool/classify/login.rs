//! The words of a failed login as tables.

use crate::bmc::BmcError;
use crate::bmc::words::{
    ASK_KEY, ASK_PASSWORD, ASK_PRIVILEGE, ASK_SUITE, ASK_USER, LONG_USER, NO_ANSWER, NO_NAME, NO_PRIVILEGE,
    NO_SESSION, NO_SUITE, SILENT_IN_LOGIN, UNKNOWN_USER, WAIT_SESSION, WRONG_KEY, WRONG_PASSWORD,
    login_error,
};
use crate::fleet::FaultClass::{self, Auth, Busy, Local, Protocol, Timeout, Unreachable, Unsupported};

/// Ends every failed login, whatever the cause.
pub(super) const ESTABLISH: &str = "Error: Unable to establish IPMI v2 / RMCP+ session";

/// How a line is recognised.
pub(super) enum Line {
    /// The whole line.
    Is(&'static str),
    /// Its beginning and its end.
    Frame(&'static str, &'static str),
}

impl Line {
    pub(super) fn matches(&self, line: &str) -> bool {
        match self {
            Line::Is(text) => line == *text,
            Line::Frame(lead, tail) => {
                line.len() > lead.len() + tail.len() && line.starts_with(lead) && line.ends_with(tail)
            }
        }
    }
}

/// A line of a failed login.
pub(super) struct LoginRow {
    pub line: Line,
    class: FaultClass,
    cause: &'static str,
    hint: Option<&'static str>,
}

impl LoginRow {
    pub(super) fn error(&self, to: &str, line: &str) -> BmcError {
        let mut error = login_error(self.class, to, self.cause, self.hint);
        if self.class == Auth && line.ends_with("Insufficient privilege level") {
            error.code = Some(0xd4);
        }
        error
    }
}

const fn row(line: Line, class: FaultClass, cause: &'static str, hint: Option<&'static str>) -> LoginRow {
    LoginRow { line, class, cause, hint }
}

/// What tells the cause of a failed login, the most telling first.
pub(super) static LOGIN: &[LoginRow] = &[
    row(Line::Is("> RAKP 2 HMAC is invalid"), Auth, WRONG_PASSWORD, Some(ASK_PASSWORD)),
    row(
        // The BMC's proof in RAKP 2 was right, and that was made with the password.
        Line::Is("> RAKP 4 message has invalid integrity check value"),
        Auth,
        WRONG_KEY,
        Some(ASK_KEY),
    ),
    row(Line::Frame("Address lookup for ", " failed"), Unreachable, NO_NAME, None),
    row(Line::Frame("Address lookup for ", " expected IPv4 address."), Unreachable, NO_NAME, None),
    row(Line::Is("Could not open socket!"), Unreachable, "no socket to it could be opened", None),
    row(Line::Is("Get Auth Capabilities error"), Unreachable, NO_ANSWER, None),
    row(
        Line::Is("Error issuing Get Channel Authentication Capabilities request"),
        Unreachable,
        NO_ANSWER,
        None,
    ),
    row(Line::Is("> Error: no response from RAKP 1 message"), Timeout, SILENT_IN_LOGIN, None),
    row(Line::Is("> Error: no response from RAKP 3 message"), Timeout, SILENT_IN_LOGIN, None),
    row(Line::Is("Timeout in open session response message."), Timeout, SILENT_IN_LOGIN, None),
    row(Line::Frame("Set Session Privilege Level to ", " failed: Node busy"), Busy, "the BMC is busy", None),
    row(
        Line::Frame("Set Session Privilege Level to ", " failed: BMC initialization in progress"),
        Busy,
        "the BMC is still starting",
        None,
    ),
    row(Line::Frame("Set Session Privilege Level to ", " failed: Timeout"), Busy, "the BMC is busy", None),
    row(Line::Frame("Set Session Privilege Level to ", " failed"), Timeout, SILENT_IN_LOGIN, None),
    row(Line::Frame("Set Session Privilege Level to ", ""), Auth, NO_PRIVILEGE, Some(ASK_PRIVILEGE)),
    row(Line::Frame("lanplus: password is longer than ", " bytes."), Local, "the password is too long", None),
    row(Line::Frame("Unable to open password file ", ""), Local, "the password file is gone", None),
    row(
        Line::Is("Failed to initialize the OEM info dictionary"),
        Local,
        "ipmitool found no usable vendor list",
        None,
    ),
    row(
        Line::Frame("Unsupported cipher suite ID : ", ""),
        Unsupported,
        "this ipmitool does not know the cipher suite",
        Some("configure other cipher suites"),
    ),
];

/// A status code of RMCP+ in ipmitool's words (IPMI 2.0, table 13-15).
pub(super) struct StatusRow {
    pub word: &'static str,
    pub class: FaultClass,
    pub cause: &'static str,
    pub hint: Option<&'static str>,
}

const fn status(
    word: &'static str,
    class: FaultClass,
    cause: &'static str,
    hint: Option<&'static str>,
) -> StatusRow {
    StatusRow { word, class, cause, hint }
}

/// Status words and what they mean to an operator.
pub(super) static STATUS: &[StatusRow] = &[
    status("unauthorized name", Auth, UNKNOWN_USER, Some(ASK_USER)),
    status("invalid name length", Auth, LONG_USER, None),
    status("invalid integrity check value", Auth, WRONG_PASSWORD, Some(ASK_PASSWORD)),
    status("invalid role", Auth, NO_PRIVILEGE, Some(ASK_PRIVILEGE)),
    status("unauthorized role", Auth, NO_PRIVILEGE, Some(ASK_PRIVILEGE)),
    status("unauthorized role requested", Auth, NO_PRIVILEGE, Some(ASK_PRIVILEGE)),
    status("insufficient resources for session", Busy, NO_SESSION, Some(WAIT_SESSION)),
    status("insufficient resources for role", Busy, NO_SESSION, Some(WAIT_SESSION)),
    status("no matching cipher suite", Unsupported, NO_SUITE, Some(ASK_SUITE)),
    status("no matching authentication algorithm", Unsupported, NO_SUITE, Some(ASK_SUITE)),
    status("no matching integrity payload", Unsupported, NO_SUITE, Some(ASK_SUITE)),
    status("invalid authentication algorithm", Unsupported, NO_SUITE, Some(ASK_SUITE)),
    status("invalid integrity algorithm", Unsupported, NO_SUITE, Some(ASK_SUITE)),
    status("invalid confidentiality algorithm", Unsupported, NO_SUITE, Some(ASK_SUITE)),
    status("illegal parameter", Protocol, "the BMC finds an illegal parameter in the login", None),
];
