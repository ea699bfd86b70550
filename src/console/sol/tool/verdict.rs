//! What ipmitool's end means. Its words are classed by whole lines; exit 1 means anything. Pure.

use super::child::Exit;
use crate::bmc::ipmitool::classify_login;
use crate::console::sol::{BUSY_HINT, dismissed};
use crate::console::transport::Ending;
use crate::fleet::{Fault, FaultClass};

fn says(exit: &Exit, line: &str) -> bool {
    exit.words.lines().any(|said| said.trim() == line)
}

/// The first command after the login, as `-v` tells it.
const LOGGED_IN: &str = "Running Get VSO Capabilities";
const SENDING_FAILED: &str = "Error sending SOL data: FAIL";
const HELD: &str = "Info: SOL payload already active on another session";

/// Whether an ipmitool that was killed before its banner may have activated the BMC's SOL, seen from what
/// it said: from its login on, unless it was told that somebody else has the SOL. Before the login there
/// is nothing of ours to free, only somebody else's.
pub(super) fn may_be_active(words: &str) -> bool {
    words.lines().any(|said| said.starts_with(LOGGED_IN)) && !words.lines().any(|said| said.trim() == HELD)
}

/// What is the same before and after the banner.
fn common(exit: &Exit) -> Option<Ending> {
    if says(exit, HELD) {
        return Some(Ending::Busy { holder: None, hint: BUSY_HINT.to_owned() });
    }
    // The shell's own exit codes: the program is missing, or may not be executed.
    if matches!(exit.code, Some(126 | 127)) {
        let text = "cannot open the console: ipmitool cannot be started";
        return Some(Ending::failed(FaultClass::Local, text, Some("install ipmitool, or set its path")));
    }
    None
}

/// Another session owns the SOL.
pub(super) fn stolen() -> Ending {
    Ending::Stolen { holder: None, hint: BUSY_HINT.to_owned() }
}

/// Why ipmitool ended before it was attached.
pub(super) fn refused(exit: &Exit) -> Ending {
    if let Some(ending) = common(exit) {
        return ending;
    }
    if says(exit, "Info: SOL payload disabled") {
        return Ending::failed(
            FaultClass::Unsupported,
            "cannot open the console: the BMC's SOL is disabled",
            Some("enable it on the BMC: ipmitool sol set enabled true"),
        );
    }
    if says(exit, "Info: SOL payload activation limit reached") {
        return Ending::failed(
            FaultClass::Busy,
            "cannot open the console: the BMC has no room for another SOL",
            None,
        );
    }
    if says(exit, "Error: BMC requests SOL session on different port") {
        return Ending::failed(
            FaultClass::Unsupported,
            "cannot open the console: the BMC wants SOL on another port, which ipmitool cannot do",
            None,
        );
    }
    match classify_login(&exit.words) {
        Some(error) => {
            let mut fault = Fault::from(error);
            fault.reason = format!("cannot open the console: {}", fault.reason);
            Ending::from(fault)
        }
        None => Ending::failed(FaultClass::Protocol, unexplained(exit), None),
    }
}

/// ipmitool's own last words, for a failure that nobody has classed.
fn unexplained(exit: &Exit) -> String {
    let last = exit.words.lines().map(str::trim).rfind(|line| !line.is_empty());
    let said = last.unwrap_or("it said nothing").chars().filter(|c| !c.is_control());
    format!("cannot open the console: ipmitool ended: {}", said.take(200).collect::<String>())
}

/// Why an attached ipmitool ended by itself.
pub(super) fn lost(exit: &Exit) -> Ending {
    if let Some(ending) = common(exit) {
        return ending;
    }
    let (class, text) = if says(exit, "Error: No response to keepalive - Terminating session") {
        (FaultClass::Timeout, "the console was lost: the BMC stopped answering")
    } else if says(exit, "SOL session closed by BMC") && !says(exit, SENDING_FAILED) {
        return dismissed();
    } else if says(exit, SENDING_FAILED) {
        (FaultClass::Unreachable, "the console was lost: the BMC ended or forgot the SOL session")
    } else if exit.code.is_none() {
        (FaultClass::Local, "the console was lost: ipmitool was killed")
    } else {
        (FaultClass::Unreachable, "the console was lost: ipmitool ended")
    };
    let fault = Fault { class, reason: text.to_owned(), hint: None };
    // Whatever ended a console that worked, it is tried again.
    Ending::Failed { fault, retry: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(words: &str) -> Exit {
        Exit { code: Some(1), words: words.to_owned() }
    }

    fn class(ending: Ending) -> (FaultClass, bool) {
        match ending {
            Ending::Failed { fault, retry } => (fault.class, retry),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_held_sol_is_busy_and_nothing_else() {
        let held =
            exit("Loading IANA PEN Registry...\nInfo: SOL payload already active on another session\n");
        assert!(matches!(refused(&held), Ending::Busy { .. }));
        let spoofed = exit("xInfo: SOL payload already active on another session");
        assert!(!matches!(refused(&spoofed), Ending::Busy { .. }), "whole lines only");
    }

    #[test]
    fn only_what_may_be_our_own_is_freed() {
        let login = "Loading IANA PEN Registry...\n";
        assert!(!may_be_active(login), "nothing was asked for yet");
        let through = format!("{login}Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20\n");
        assert!(may_be_active(&through));
        assert!(!may_be_active(&format!("{through}{HELD}\n")), "somebody else's");
    }

    #[test]
    fn what_an_operator_must_mend_is_not_retried() {
        assert_eq!(class(refused(&exit("Info: SOL payload disabled"))), (FaultClass::Unsupported, false));
        let missing = Exit { code: Some(127), words: String::new() };
        assert_eq!(class(refused(&missing)), (FaultClass::Local, false));
        assert_eq!(class(refused(&exit("> RAKP 2 HMAC is invalid\n"))), (FaultClass::Auth, false));
    }

    #[test]
    fn a_lost_console_is_retried() {
        let silent = exit("Error: No response to keepalive - Terminating session\n");
        assert_eq!(class(lost(&silent)), (FaultClass::Timeout, true));
        let closed = exit("Error sending SOL data: FAIL\nSOL session closed by BMC\n");
        assert_eq!(class(lost(&closed)), (FaultClass::Unreachable, true));
        assert_eq!(class(lost(&Exit::default())), (FaultClass::Local, true));
        assert!(matches!(lost(&exit("SOL session closed by BMC\n")), Ending::Dismissed(_)));
    }
}
