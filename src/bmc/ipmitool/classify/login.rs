//! The words of a failed login as tables.

use super::login_error;
use crate::bmc::BmcError;
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

const ASK_PASSWORD: Option<&str> = Some("check the password and, if the BMC has one, its key (Kg)");
const ASK_PRIVILEGE: Option<&str> = Some("configure a lower privilege level for this user");
const DURING_LOGIN: &str = "it answered, then fell silent during the login";

/// What tells the cause of a failed login, the most telling first.
pub(super) static LOGIN: &[LoginRow] = &[
    row(Line::Is("> RAKP 2 HMAC is invalid"), Auth, "wrong password or BMC key", ASK_PASSWORD),
    row(
        // The BMC's proof in RAKP 2 was right, and that was made with the password.
        Line::Is("> RAKP 4 message has invalid integrity check value"),
        Auth,
        "the BMC key (Kg) is wrong or missing",
        Some("configure the key that the BMC has"),
    ),
    row(Line::Frame("Address lookup for ", " failed"), Unreachable, "its name does not resolve", None),
    row(
        Line::Frame("Address lookup for ", " expected IPv4 address."),
        Unreachable,
        "its name does not resolve",
        None,
    ),
    row(Line::Is("Could not open socket!"), Unreachable, "no socket to it could be opened", None),
    row(Line::Is("Get Auth Capabilities error"), Unreachable, "no answer", None),
    row(
        Line::Is("Error issuing Get Channel Authentication Capabilities request"),
        Unreachable,
        "no answer",
        None,
    ),
    row(Line::Is("> Error: no response from RAKP 1 message"), Timeout, DURING_LOGIN, None),
    row(Line::Is("> Error: no response from RAKP 3 message"), Timeout, DURING_LOGIN, None),
    row(Line::Is("Timeout in open session response message."), Timeout, DURING_LOGIN, None),
    row(Line::Frame("Set Session Privilege Level to ", " failed: Node busy"), Busy, "the BMC is busy", None),
    row(
        Line::Frame("Set Session Privilege Level to ", " failed: BMC initialization in progress"),
        Busy,
        "the BMC is still starting",
        None,
    ),
    row(Line::Frame("Set Session Privilege Level to ", " failed: Timeout"), Busy, "the BMC is busy", None),
    row(Line::Frame("Set Session Privilege Level to ", " failed"), Timeout, DURING_LOGIN, None),
    row(Line::Frame("Set Session Privilege Level to ", ""), Auth, NO_PRIVILEGE, ASK_PRIVILEGE),
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

const NO_SUITE: &str = "the BMC refuses the cipher suite";
const ASK_SUITE: Option<&str> = Some("configure the cipher suites that it offers");
const NO_SESSION: &str = "the BMC has no free session";
const WAIT_SESSION: Option<&str> = Some("unclosed sessions end after about 60 s");
const NO_PRIVILEGE: &str = "the user may not log in with this privilege level";

/// Status words and what they mean to an operator.
pub(super) static STATUS: &[StatusRow] = &[
    status(
        "unauthorized name",
        Auth,
        "the BMC does not know this user",
        Some("check the user name and that the user is enabled"),
    ),
    status("invalid name length", Auth, "the BMC does not take so long a user name", None),
    status("invalid integrity check value", Auth, "wrong password or BMC key", ASK_PASSWORD),
    status("invalid role", Auth, NO_PRIVILEGE, ASK_PRIVILEGE),
    status("unauthorized role", Auth, NO_PRIVILEGE, ASK_PRIVILEGE),
    status("unauthorized role requested", Auth, NO_PRIVILEGE, ASK_PRIVILEGE),
    status("insufficient resources for session", Busy, NO_SESSION, WAIT_SESSION),
    status("insufficient resources for role", Busy, NO_SESSION, WAIT_SESSION),
    status("no matching cipher suite", Unsupported, NO_SUITE, ASK_SUITE),
    status("no matching authentication algorithm", Unsupported, NO_SUITE, ASK_SUITE),
    status("no matching integrity payload", Unsupported, NO_SUITE, ASK_SUITE),
    status("invalid authentication algorithm", Unsupported, NO_SUITE, ASK_SUITE),
    status("invalid integrity algorithm", Unsupported, NO_SUITE, ASK_SUITE),
    status("invalid confidentiality algorithm", Unsupported, NO_SUITE, ASK_SUITE),
    status("illegal parameter", Protocol, "the BMC finds an illegal parameter in the login", None),
];
