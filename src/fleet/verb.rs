//! Everything an operator can ask of a node.

use super::{BootSetting, Power, PowerVerb};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU8;
use std::time::Duration;

/// Kind of a BMC reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BmcReset {
    /// Restart of the firmware, sessions may survive.
    Warm,
    /// Full restart: 30 to 120 s of silence, every session dies.
    Cold,
}

/// What becomes of a node's locator LED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identify {
    /// On for so many seconds; 0 would be off (IPMI 2.0, section 28.5, has one byte for it).
    For(NonZeroU8),
    /// On until it is turned off.
    On,
    /// Off.
    Off,
}

impl Identify {
    /// On for four minutes: the way to the rack is long, and nobody has to remember to turn it off.
    pub const USUAL: Identify = Identify::For(match NonZeroU8::new(240) {
        Some(seconds) => seconds,
        None => NonZeroU8::MIN,
    });

    /// Its word: `240s`, `on`, `off`.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Identify::For(seconds) => format!("{seconds}s"),
            Identify::On => "on".into(),
            Identify::Off => "off".into(),
        }
    }

    /// On for `time`, in whole seconds, or what is wrong with it.
    ///
    /// # Errors
    /// It is longer than the standard can say, or shorter than a second.
    pub fn lasting(time: Duration) -> Result<Identify, String> {
        let seconds = u8::try_from(time.as_secs()).ok().and_then(NonZeroU8::new);
        seconds.map(Identify::For).ok_or_else(|| {
            "a locator LED is on for 1 to 255 seconds, or on until it is turned off".to_owned()
        })
    }
}

/// A locator LED as the BMC tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locator {
    /// Off.
    Off,
    /// On, and goes off by itself.
    Timed,
    /// On until it is turned off.
    On,
}

/// Who holds a BMC's SOL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SolHolder {
    /// It is free.
    Nobody,
    /// Held; by whom, where the BMC tells.
    Held(Option<String>),
    /// The BMC does not tell.
    Unknown,
}

impl std::fmt::Display for SolHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SolHolder::Nobody => f.write_str("nobody, as the BMC tells it"),
            SolHolder::Held(Some(who)) => f.write_str(who),
            SolHolder::Held(None) => f.write_str("a session that the BMC does not name"),
            SolHolder::Unknown => f.write_str("the BMC does not tell"),
        }
    }
}

/// One request to one node's BMC or monitor, as the operator says it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Read the power state once.
    Status,
    /// Change the power state.
    Power(PowerVerb),
    /// Read the boot device back.
    BootGet,
    /// Set the boot device, read it back to be sure.
    BootSet(BootSetting),
    /// Reset the controller itself.
    ResetBmc(BmcReset),
    /// Identify the controller: manufacturer, product, firmware.
    Info,
    /// Turn the locator LED on or off.
    Identify(Identify),
    /// End whatever SOL is active, whoever holds it.
    FreeSol,
    /// Who holds the SOL.
    SolHolder,
    /// Everything that one login tells, for `lightsout doctor`.
    Checkup,
    /// Bytes as given: net function, command, data.
    Raw(Vec<u8>),
}

impl Verb {
    /// The verb's words, as on the command line and in the audit trail: `power off`,
    /// `boot pxe persistent uefi`, `bmc reset-cold`, `bmc identify 240s`, `bmc raw 06 01`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Verb::Status => "status".into(),
            Verb::Power(verb) => format!("power {}", verb.name()),
            Verb::BootGet => "boot status".into(),
            Verb::BootSet(setting) => {
                let device = setting.device.map_or("none", super::BootDevice::name);
                let persistent = if setting.persistent { " persistent" } else { "" };
                let uefi = if setting.uefi { " uefi" } else { "" };
                format!("boot {device}{persistent}{uefi}")
            }
            Verb::ResetBmc(BmcReset::Warm) => "bmc reset-warm".into(),
            Verb::ResetBmc(BmcReset::Cold) => "bmc reset-cold".into(),
            Verb::Info => "bmc info".into(),
            Verb::Identify(what) => format!("bmc identify {}", what.word()),
            Verb::FreeSol => "bmc free-sol".into(),
            Verb::SolHolder => "sol holder".into(),
            Verb::Checkup => "doctor".into(),
            Verb::Raw(bytes) => {
                let (shown, hidden) = raw_without_secret(bytes);
                let mut words = vec!["bmc raw".to_owned()];
                words.extend(shown.iter().map(|byte| format!("{byte:02x}")));
                if hidden > 0 {
                    words.push(format!("({hidden} bytes not shown)"));
                }
                words.join(" ")
            }
        }
    }

    /// The same without the data that may hold a secret, for what others can read.
    #[must_use]
    pub fn without_secret(&self) -> Verb {
        match self {
            Verb::Raw(bytes) => Verb::Raw(raw_without_secret(bytes).0.to_vec()),
            other => other.clone(),
        }
    }

    /// Whether it only reads. Raw bytes never count as reading: nobody can know.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self, Verb::Status | Verb::BootGet | Verb::Info | Verb::SolHolder | Verb::Checkup)
    }

    /// The power state whose observation confirms it, if any.
    #[must_use]
    pub fn target(&self) -> Option<Power> {
        match self {
            Verb::Power(verb) => verb.target(),
            _ => None,
        }
    }
}

/// Raw bytes cut before data that may hold a secret, and how many were cut: Set User Password and Set
/// Channel Security Keys (IPMI 2.0, sections 22.30 and 22.25) carry a password or key in clear.
#[must_use]
pub fn raw_without_secret(bytes: &[u8]) -> (&[u8], usize) {
    match bytes {
        // Drivers send the six bits of a net function, and those of its request.
        [netfn, 0x47 | 0x56, data @ ..] if netfn & 0x3e == 0x06 => (&bytes[..2], data.len()),
        _ => (bytes, 0),
    }
}

/// Raw bytes as people write them: `06 01`, `0x06 0x01`, `0601`; net function and command at least.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_raw(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        let digits = word.strip_prefix("0x").unwrap_or(word);
        let hex = digits.len() == 1 || digits.len().is_multiple_of(2);
        if digits.is_empty() || !hex || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("\"{word}\" is no hexadecimal byte"));
        }
        let mut at = 0;
        while at < digits.len() {
            let end = (at + 2).min(digits.len());
            let byte = u8::from_str_radix(&digits[at..end], 16);
            bytes.push(byte.map_err(|_| format!("\"{word}\" is no hexadecimal byte"))?);
            at = end;
        }
    }
    match bytes.len() {
        0 | 1 => Err("at least two bytes are needed: net function and command".into()),
        2..=255 => Ok(bytes),
        _ => Err("these are too many bytes".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Identify, Verb, parse_raw};
    use std::time::Duration;

    #[test]
    fn a_locator_led_is_lit_for_as_long_as_the_standard_can_say() {
        let lit = |seconds| Identify::lasting(Duration::from_secs(seconds));
        assert_eq!(lit(15).map(|lit| Verb::Identify(lit).words()), Ok("bmc identify 15s".into()));
        assert_eq!(lit(255).map(Identify::word), Ok("255s".into()));
        assert!(lit(0).is_err() && lit(256).is_err() && lit(86_400).is_err());
        assert_eq!(Verb::Identify(Identify::USUAL).words(), "bmc identify 240s");
        assert!(!Verb::Identify(Identify::Off).is_read() && !Verb::FreeSol.is_read());
    }

    #[test]
    fn a_password_in_raw_bytes_is_not_shown() {
        let password = [&[0x06, 0x47, 0x02, 0x02][..], b"hunter2"].concat();
        let verb = Verb::Raw(password);
        assert_eq!(verb.words(), "bmc raw 06 47 (9 bytes not shown)");
        assert_eq!(verb.without_secret(), Verb::Raw(vec![0x06, 0x47]));
        assert_eq!(Verb::Raw(vec![0x06, 0x56, 0x01, 0x41]).words(), "bmc raw 06 56 (2 bytes not shown)");
        // The same request, as all drivers send it.
        for netfn in [0x07, 0x46, 0xc7] {
            let odd = Verb::Raw(vec![netfn, 0x47, 0x02, 0x02, 0x68]);
            assert_eq!(odd.without_secret(), Verb::Raw(vec![netfn, 0x47]));
        }
        let harmless = Verb::Raw(vec![0x06, 0x46, 0x02]);
        assert_eq!(harmless.words(), "bmc raw 06 46 02");
        assert_eq!(harmless.without_secret(), harmless);
    }

    #[test]
    fn raw_bytes_are_read_in_every_usual_spelling() {
        assert_eq!(parse_raw("0x06 01"), Ok(vec![6, 1]));
        assert_eq!(parse_raw("06 4a 1"), Ok(vec![6, 0x4a, 1]));
        assert_eq!(parse_raw("0601"), Ok(vec![6, 1]));
        for wrong in ["", "06", "06 100", "06 zz", "0x"] {
            assert!(parse_raw(wrong).is_err(), "{wrong}");
        }
    }
}
