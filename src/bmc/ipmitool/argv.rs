//! The words of ipmitool's command line. No secret passes through here.

use super::boot;
use crate::bmc::Exchange;
use crate::config::BmcSettings;
use crate::fleet::{BmcReset, Identify};
use std::time::Duration;

/// How long ipmitool waits for answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Seconds until the first retransmission (`-N`); each further wait is a second longer.
    first_wait: u64,
    /// Transmissions of one message (`-R`).
    transmissions: u64,
}

/// For what may be done twice. A single transmission would turn every lost datagram into a failure;
/// with two, one loss in each step of the login and in the command is survived.
pub(super) const TWICE: Patience = Patience { first_wait: 1, transmissions: 2 };

/// For what must not be done twice: BMCs carry out a retransmission although it bears the number of
/// the message before, and many need more than a second to answer. A login that fails for a lost
/// datagram reached nothing and can be tried again as a whole.
const ONCE: Patience = Patience { first_wait: 5, transmissions: 1 };

impl Patience {
    pub(super) fn of(exchange: &Exchange) -> Patience {
        match exchange {
            Exchange::Soft
            | Exchange::Cycle
            | Exchange::Reset
            | Exchange::Nmi
            | Exchange::ResetBmc(_)
            | Exchange::Raw(_) => ONCE,
            Exchange::Power
            | Exchange::On
            | Exchange::Off
            | Exchange::KeepBootFlags
            | Exchange::BootSet(_)
            | Exchange::BootGet
            | Exchange::Info
            | Exchange::Identify(_)
            | Exchange::Locator
            | Exchange::Checkup
            | Exchange::SolDeactivate
            | Exchange::SolHolder
            | Exchange::Resume => TWICE,
        }
    }

    /// How long ipmitool takes to give up on an address that does not answer: it sends two forms of the
    /// first request, each with every retransmission. 6 s and 10 s here, where the often used
    /// `-N 5 -R 12` takes 252 s. A context's limit must be longer, to tell a dead address from a slow BMC.
    pub(super) const fn dead_after(self) -> Duration {
        let Patience { first_wait, transmissions } = self;
        Duration::from_secs(2 * (transmissions * first_wait + transmissions * (transmissions - 1) / 2))
    }

    /// The switches that only concern how ipmitool itself behaves.
    pub(super) fn switches(self) -> Vec<String> {
        let (wait, transmissions) = (self.first_wait.to_string(), self.transmissions.to_string());
        vec!["-N".into(), wait, "-R".into(), transmissions, "-v".into()]
    }
}

/// Everything before the command except the secrets: where, who, how. `-v` because the cause of a
/// failed login is told only then.
pub(super) fn session(settings: &BmcSettings, address: &str, suite: u8) -> Vec<String> {
    let user = settings.credentials.as_ref().map_or("", |credentials| credentials.username.as_str());
    [
        ["-I", "lanplus"],
        ["-H", address],
        ["-p", &settings.port.to_string()],
        ["-U", user],
        ["-L", settings.privilege.name()],
        ["-C", &suite.to_string()],
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect()
}

/// The command of an exchange; `None` where ipmitool has none.
pub(super) fn command(exchange: &Exchange) -> Option<Vec<String>> {
    let words = match exchange {
        Exchange::Power => words("chassis power status"),
        Exchange::On => words("chassis power on"),
        Exchange::Off => words("chassis power off"),
        Exchange::Soft => words("chassis power soft"),
        Exchange::Cycle => words("chassis power cycle"),
        Exchange::Reset => words("chassis power reset"),
        Exchange::Nmi => words("chassis power diag"),
        Exchange::KeepBootFlags => words("raw 0x00 0x08 0x03 0x08"),
        Exchange::BootSet(setting) => boot::command(setting)?,
        Exchange::BootGet => words("chassis bootparam get 5"),
        // Not `mc reset`, which claims success without waiting for the answer (IPMI 2.0, 20.2, 20.3).
        Exchange::ResetBmc(BmcReset::Cold) => words("raw 0x06 0x02"),
        Exchange::ResetBmc(BmcReset::Warm) => words("raw 0x06 0x03"),
        Exchange::Info => words("mc info"),
        Exchange::Raw(bytes) => {
            let hex = bytes.iter().map(|byte| format!("0x{byte:02x}"));
            std::iter::once("raw".to_owned()).chain(hex).collect()
        }
        Exchange::Identify(Identify::For(seconds)) => words(&format!("chassis identify {seconds}")),
        Exchange::Identify(Identify::On) => words("chassis identify force"),
        Exchange::Identify(Identify::Off) => words("chassis identify 0"),
        // What ipmitool prints of a chassis status leaves the LED out (IPMI 2.0, 28.2).
        Exchange::Locator => words("raw 0x00 0x01"),
        // Get Payload Instance Info of SOL (IPMI 2.0, 24.5).
        Exchange::SolHolder => words("raw 0x06 0x4b 0x01 0x01"),
        Exchange::SolDeactivate => words("sol deactivate"),
        // A login is a process, and a process a command: the power state it is.
        Exchange::Checkup | Exchange::Resume => return None,
    };
    Some(words)
}

/// Whether the command of `exchange` is ipmitool's `raw`, which words its failures differently.
pub(super) fn is_raw(exchange: &Exchange) -> bool {
    command(exchange).is_some_and(|words| words.first().is_some_and(|word| word == "raw"))
}

/// The words of a command without quoting.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}
