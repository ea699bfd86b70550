//! What an operator can do about a failure: the failure's own hint, else what its cause or its class suggests.
//!
//! For `lightsout doctor`, which answers with a remedy for everything; elsewhere the hint is enough.

use super::words::{
    FILTERED, HOST_UNREACHABLE, NO_ANSWER, NO_NAME, NO_ROUTE, NOTHING_LISTENS, SILENT_IN_LOGIN,
};
use crate::fleet::{Fault, FaultClass};

/// Causes that leave no doubt about what to look at.
static CAUSES: &[(&str, &str)] = &[
    (NO_ANSWER, "check its address, cable and power, and that no firewall drops UDP to its port"),
    (NOTHING_LISTENS, "switch IPMI over LAN on in the BMC, or correct address and port"),
    (HOST_UNREACHABLE, "check its address, cable and power"),
    (NO_ROUTE, "check this machine's network: ip route get ADDRESS"),
    (FILTERED, "let this machine's packet filter pass UDP to the BMC's port"),
    (NO_NAME, "correct the name, or configure the address"),
    (SILENT_IN_LOGIN, "try again; if it stays so, the BMC needs a reset"),
];

/// What to do, lower case, one line.
#[must_use]
pub fn remedy(fault: &Fault) -> String {
    if let Some(hint) = &fault.hint {
        return hint.clone();
    }
    let cause = CAUSES.iter().find(|(cause, _)| fault.reason.ends_with(cause));
    cause.map_or_else(|| by_class(fault.class), |(_, remedy)| remedy).to_owned()
}

fn by_class(class: FaultClass) -> &'static str {
    match class {
        FaultClass::Unreachable => "check its address, port and cable",
        FaultClass::Timeout => "try again; if it stays so, reset it: lightsout bmc reset-cold NODE",
        FaultClass::Auth => "check user, password, BMC key (Kg) and privilege level",
        FaultClass::Busy => "wait a minute, then try again",
        FaultClass::Unsupported => "choose another driver or other cipher suites for it",
        FaultClass::Rejected => "its user may need more rights on the BMC",
        FaultClass::Protocol => "try driver = \"ipmitool\", or look for newer firmware of the BMC",
        FaultClass::Local => "mend it on this machine, then try again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_port_is_no_missing_machine() {
        let fault = |cause: &str, hint: Option<&str>| Fault {
            class: FaultClass::Unreachable,
            reason: format!("cannot log in to 10.1.1.1: {cause}"),
            hint: hint.map(str::to_owned),
        };
        assert!(remedy(&fault(NOTHING_LISTENS, None)).contains("IPMI over LAN"));
        assert!(remedy(&fault(NO_ANSWER, None)).contains("firewall"));
        assert!(remedy(&fault(NO_NAME, None)).contains("name"));
        assert_eq!(remedy(&fault(NO_ANSWER, Some("its own"))), "its own");
        assert_eq!(remedy(&fault("something new", None)), by_class(FaultClass::Unreachable));
    }
}
