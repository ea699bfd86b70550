//! What drivers tell an operator: one wording and one class for the same thing, whichever driver met it.

use super::{BmcError, Exchange};
use crate::fleet::{BmcReset, FaultClass, Identify};

/// Completion code and our word for it (IPMI 2.0, table 5-2).
static CODES: &[(u8, &str)] = &[
    (0xc0, "node busy"),
    (0xc1, "the BMC does not know this command"),
    (0xc2, "the BMC does not know this command here"),
    (0xc3, "the BMC timed out inside"),
    (0xc4, "the BMC is out of space"),
    (0xc5, "reservation cancelled or invalid"),
    (0xc6, "request data truncated"),
    (0xc7, "request data length invalid"),
    (0xc8, "request data too long"),
    (0xc9, "parameter out of range"),
    (0xca, "cannot return the requested number of bytes"),
    (0xcb, "sensor, data or record not found"),
    (0xcc, "invalid data field in the request"),
    (0xcd, "illegal for this sensor or record"),
    (0xce, "the BMC could not answer"),
    (0xcf, "duplicate request"),
    (0xd0, "the sensor repository is being updated"),
    (0xd1, "the BMC's firmware is being updated"),
    (0xd2, "the BMC is still starting"),
    (0xd3, "destination unavailable"),
    (0xd4, "insufficient privilege"),
    (0xd5, "not supported in the present state"),
    (0xd6, "the command is disabled"),
    (0xff, "unspecified error"),
];

pub(super) const WRONG_PASSWORD: &str = "wrong password or BMC key";
pub(super) const ASK_PASSWORD: &str = "check the password and, if the BMC has one, its key (Kg)";
pub(super) const WRONG_KEY: &str = "the BMC key (Kg) is wrong or missing";
pub(super) const ASK_KEY: &str = "configure the key that the BMC has";
pub(super) const UNKNOWN_USER: &str = "the BMC does not know this user";
pub(super) const ASK_USER: &str = "check the user name and that the user is enabled";
pub(super) const LONG_USER: &str = "the BMC does not take so long a user name";
pub(super) const NO_PRIVILEGE: &str = "the user may not log in with this privilege level";
pub(super) const ASK_PRIVILEGE: &str = "configure a lower privilege level for this user";
pub(super) const NO_SUITE: &str = "the BMC refuses the cipher suite";
pub(super) const ASK_SUITE: &str = "configure the cipher suites that it offers";
pub(super) const NO_SESSION: &str = "the BMC has no free session";
pub(super) const WAIT_SESSION: &str = "wait, unclosed sessions end after about 60 s";
pub(super) const NO_NAME: &str = "its name does not resolve";
pub(super) const NO_ANSWER: &str = "no answer";
pub(super) const NOTHING_LISTENS: &str = "port unreachable: nothing listens there";
pub(super) const HOST_UNREACHABLE: &str = "the host is unreachable";
pub(super) const NO_ROUTE: &str = "there is no route to it";
pub(super) const FILTERED: &str = "a packet filter forbids it";
pub(super) const SILENT_IN_LOGIN: &str = "it answered, then fell silent during the login";

/// A login that failed: nothing of the request was sent.
pub(super) fn login_error(class: FaultClass, to: &str, cause: &str, hint: Option<&str>) -> BmcError {
    let error = BmcError::new(class, format!("cannot log in to {to}: {cause}")).not_sent();
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// A request that the BMC may or may not have carried out.
pub(super) fn fell_silent(exchange: &Exchange, place: &str) -> BmcError {
    BmcError::new(FaultClass::Timeout, format!("cannot {} on {place}: the BMC fell silent", deed(exchange)))
        .hint("whether it took the request is not known")
}

/// A request that the BMC answered with a completion code, or in words that name none.
pub(super) fn refused(exchange: &Exchange, place: &str, word: &str, code: Option<u8>) -> BmcError {
    let class = match code {
        Some(0xc0 | 0xc3 | 0xc4 | 0xcf | 0xd0..=0xd2) => FaultClass::Busy,
        Some(0xc1 | 0xc2) => FaultClass::Unsupported,
        Some(0xd4) => FaultClass::Auth,
        _ => FaultClass::Rejected,
    };
    let named = code.and_then(|code| CODES.iter().find(|row| row.0 == code));
    let cause = named.map_or(word, |row| row.1);
    let code_text = code.map_or_else(String::new, |code| format!(" (0x{code:02x})"));
    let mut error = BmcError::new(class, format!("cannot {} on {place}: {cause}{code_text}", deed(exchange)));
    error.code = code;
    match class {
        FaultClass::Auth => error.hint("the user or the configured privilege level is too low for this"),
        FaultClass::Busy => error.hint("the BMC may do it later"),
        _ => error,
    }
}

/// What an exchange is to an operator: the words after "cannot".
pub(super) fn deed(exchange: &Exchange) -> &'static str {
    match exchange {
        Exchange::Power => "read the power state",
        Exchange::On => "power on",
        Exchange::Off => "power off",
        Exchange::Soft => "shut down",
        Exchange::Cycle => "power cycle",
        Exchange::Reset => "reset",
        Exchange::Nmi => "send a diagnostic interrupt",
        Exchange::KeepBootFlags => "stop the boot flags' timer",
        Exchange::BootSet(_) => "set the boot device",
        Exchange::BootGet => "read the boot device",
        Exchange::ResetBmc(BmcReset::Cold) => "cold reset the BMC",
        Exchange::ResetBmc(BmcReset::Warm) => "warm reset the BMC",
        Exchange::Info => "read the controller's identity",
        Exchange::Checkup => "look at the BMC",
        Exchange::Raw(_) => "send raw bytes",
        Exchange::Identify(Identify::Off) => "turn the locator LED off",
        Exchange::Identify(Identify::For(_) | Identify::On) => "turn the locator LED on",
        Exchange::Locator => "read the locator LED",
        Exchange::SolHolder => "ask who holds the SOL",
        Exchange::SolDeactivate => "free the SOL",
        Exchange::Resume => "resume",
    }
}
