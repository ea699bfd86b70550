//! Cipher suites: in what order they are tried, and which words of a failed login mean "try the next".

use crate::bmc::SuiteMemory;
use crate::config::BmcSettings;

/// What introduces a status code of RMCP+ (IPMI 2.0, table 13-15) in ipmitool's words.
pub(super) const STATUS_LEADS: [&str; 3] = [
    "Error in open session response message : ",
    "RAKP 2 message indicates an error : ",
    "RAKP 4 message indicates an error : ",
];

/// The status words after which another suite may succeed. The roles are among them because some
/// BMCs allow a privilege level only with certain suites.
const REFUSALS: [&str; 10] = [
    "no matching cipher suite",
    "no matching authentication algorithm",
    "no matching integrity payload",
    "invalid authentication algorithm",
    "invalid integrity algorithm",
    "invalid confidentiality algorithm",
    "invalid role",
    "unauthorized role",
    "unauthorized role requested",
    "illegal parameter",
];

/// Whether what ipmitool printed says that the BMC refuses this cipher suite. Whole lines only.
#[must_use]
pub fn refuses_suite(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| {
        line.starts_with("Unsupported cipher suite ID : ")
            || status_word(line).is_some_and(|word| REFUSALS.contains(&word))
    })
}

/// The suites in the order to try: the one that last worked, then the configured ones.
#[must_use]
pub fn suites_to_try(settings: &BmcSettings, memory: &SuiteMemory) -> Vec<u8> {
    let mut suites: Vec<u8> = Vec::new();
    // A remembered suite that is no longer configured is not tried: the operator may have removed it
    // because it is weak.
    let remembered = memory.get().filter(|suite| settings.cipher_suites.contains(suite));
    for suite in remembered.into_iter().chain(settings.cipher_suites.iter().copied()) {
        if !suites.contains(&suite) {
            suites.push(suite);
        }
    }
    suites
}

/// The status word of a line such as `RAKP 2 message indicates an error : unauthorized name`.
pub(super) fn status_word(line: &str) -> Option<&str> {
    STATUS_LEADS.iter().find_map(|lead| line.strip_prefix(lead))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bmc::ipmitool::tests::settings;

    #[test]
    fn every_refusal_of_a_suite_leads_to_the_next() {
        for word in [
            "no matching cipher suite",
            "invalid role",
            "unauthorized role requested",
            "invalid authentication algorithm",
            "invalid integrity algorithm",
            "illegal parameter",
        ] {
            let text =
                format!("Loading IANA PEN Registry...\nError in open session response message : {word}\n\n");
            assert!(refuses_suite(&text), "{word}");
        }
        assert!(refuses_suite("Unsupported cipher suite ID : 17\r\n"));
    }

    #[test]
    fn other_failures_and_parts_of_lines_do_not() {
        for text in [
            "> RAKP 2 HMAC is invalid",
            "RAKP 2 message indicates an error : unauthorized name",
            "Error in open session response message : insufficient resources for session",
            "login: Error in open session response message : illegal parameter",
            "",
        ] {
            assert!(!refuses_suite(text), "{text}");
        }
    }

    #[test]
    fn the_suite_that_worked_comes_first_and_none_twice() {
        let settings = settings();
        let memory = SuiteMemory::default();
        assert_eq!(suites_to_try(&settings, &memory), [17, 3]);
        memory.set(Some(3));
        assert_eq!(suites_to_try(&settings, &memory), [3, 17]);
        memory.set(Some(8));
        assert_eq!(suites_to_try(&settings, &memory), [17, 3]);
    }
}
