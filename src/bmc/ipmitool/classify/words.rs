//! The words of commands as tables.

use crate::bmc::Exchange;
use crate::bmc::ipmitool::argv;

/// `sol deactivate` exits 1 with it when nothing is active.
pub(super) const ALREADY_FREE: &str = "Info: SOL payload already de-activated";

/// Said just before a raw request is sent.
pub(super) const RAW_SENT: &str = "RAW REQ (";

/// Said when the probes that ipmitool makes between login and command get no answer.
pub(super) const SILENT_BEFORE: [&str; 3] =
    ["Error sending request.", "Get Device ID command failed", "No valid response received"];

/// Lines that are said only after a login succeeded.
pub(super) const LOGGED_IN: [&str; 4] = [
    "Running Get VSO Capabilities",
    "Get HPM.x Capabilities request failed",
    "Error sending request.",
    "RAW REQ (",
];

/// Lines that `-v` adds and that mean nothing: the first commands of a session probe for extensions.
pub(super) const NOISE: [&str; 9] = [
    "Loading IANA PEN Registry...",
    "IANA PEN registry open failed",
    "Running Get VSO Capabilities",
    "Invalid completion code received",
    "No valid response received",
    "Discovered IPMB address",
    "Get HPM.x Capabilities request failed",
    "Unable to Get Channel Cipher Suites",
    "Close Session command failed",
];

/// Completion code and ipmitool's words for it (IPMI 2.0, table 5-2).
pub(super) static CODES: &[(u8, &[&str])] = &[
    (0xc0, &["Node busy"]),
    (0xc1, &["Invalid command"]),
    (0xc2, &["Invalid command on LUN"]),
    (0xc3, &["Timeout"]),
    (0xc4, &["Out of space"]),
    (0xc5, &["Reservation cancelled or invalid"]),
    (0xc6, &["Request data truncated"]),
    (0xc7, &["Request data length invalid"]),
    (0xc8, &["Request data field length limit exceeded"]),
    (0xc9, &["Parameter out of range"]),
    (0xca, &["Cannot return number of requested data bytes"]),
    (0xcb, &["Requested sensor, data, or record not found"]),
    (0xcc, &["Invalid data field in request"]),
    (0xcd, &["Command illegal for specified sensor or record type"]),
    (0xce, &["Command response could not be provided"]),
    (0xcf, &["Cannot execute duplicated request"]),
    (0xd0, &["SDR Repository in update mode"]),
    (0xd1, &["Device firmeware in update mode", "Device firmware in update mode"]),
    (0xd2, &["BMC initialization in progress"]),
    (0xd3, &["Destination unavailable"]),
    (0xd4, &["Insufficient privilege level"]),
    (0xd5, &["Command not supported in present state"]),
    (0xd6, &["Cannot execute command, command disabled"]),
    (0xff, &["Unspecified error"]),
];

/// A line that says no.
pub(super) struct Refusal<'a> {
    /// ipmitool's word for the completion code.
    pub word: &'a str,
    /// The code, where the line has it.
    pub code: Option<u8>,
    /// Success is possible in spite of it.
    pub tolerable: bool,
}

/// What an exchange's command prints.
pub(super) struct Words {
    /// The line on standard output without which it was not done.
    pub done: Option<String>,
    refused: Vec<String>,
    tolerable: Option<&'static str>,
    silent: Vec<String>,
    raw: bool,
}

impl Words {
    pub(super) fn of(exchange: &Exchange) -> Words {
        let plain = |refused: &[&str], silent: &[&str]| Words {
            done: None,
            refused: refused.iter().map(|text| (*text).to_owned()).collect(),
            tolerable: None,
            silent: silent.iter().map(|text| (*text).to_owned()).collect(),
            raw: false,
        };
        let power = |word: &str| Words {
            done: Some(format!("Chassis Power Control: {word}")),
            ..plain(
                &[&format!("Set Chassis Power Control to {word} failed: ")],
                &[&format!("Unable to set Chassis Power Control to {word}")],
            )
        };
        match exchange {
            Exchange::Power => {
                plain(&["Get Chassis Power Status failed: "], &["Unable to get Chassis Power Status"])
            }
            Exchange::On => power("Up/On"),
            Exchange::Off => power("Down/Off"),
            Exchange::Soft => power("Soft"),
            Exchange::Cycle => power("Cycle"),
            Exchange::Reset => power("Reset"),
            Exchange::Nmi => power("Diag"),
            Exchange::BootSet(setting) if !argv::is_raw(exchange) => Words {
                done: setting.device.map(|device| format!("Set Boot Device to {}", device.name())),
                tolerable: Some("Set Chassis Boot Parameter 4 failed: "),
                ..plain(
                    &[
                        "Set Chassis Boot Parameter 5 failed: ",
                        "Set Chassis Boot Parameter 4 failed: ",
                        "Set Chassis Boot Parameter 0 failed: ",
                    ],
                    &["Error setting Chassis Boot Parameter 5", "Error setting Chassis Boot Parameter 4"],
                )
            },
            Exchange::BootGet => {
                plain(&["Get Chassis Boot Parameter 5 failed: "], &["Error Getting Chassis Boot Parameter 5"])
            }
            Exchange::Info => plain(&["Get Device ID command failed: "], &["Get Device ID command failed"]),
            Exchange::Identify(_) => {
                plain(&["Set Chassis Identify failed: "], &["Unable to set Chassis Identify"])
            }
            Exchange::SolDeactivate => plain(
                &["Error de-activating SOL payload: ", "Info: SOL payload type "],
                &["Error: No response de-activating SOL payload"],
            ),
            Exchange::BootSet(_)
            | Exchange::KeepBootFlags
            | Exchange::ResetBmc(_)
            | Exchange::Raw(_)
            | Exchange::Locator
            | Exchange::SolHolder
            | Exchange::Checkup
            | Exchange::Resume => Words { raw: true, ..plain(&[], &[]) },
        }
    }

    /// The refusal that `line` tells.
    pub(super) fn refusal<'a>(&self, line: &'a str) -> Option<Refusal<'a>> {
        if self.raw {
            let (head, word) = line.strip_prefix("Unable to send RAW command (")?.split_once("): ")?;
            let code = head.split_once(" rsp=0x").and_then(|(_, hex)| u8::from_str_radix(hex, 16).ok());
            return Some(Refusal { word, code, tolerable: false });
        }
        let lead = self.refused.iter().find(|lead| line.starts_with(lead.as_str()))?;
        let tolerable = self.tolerable.is_some_and(|tolerable| tolerable == lead);
        Some(Refusal { word: &line[lead.len()..], code: None, tolerable })
    }

    /// Whether `line` says that the command got no answer.
    pub(super) fn is_silence(&self, line: &str) -> bool {
        if self.raw {
            return line.starts_with("Unable to send RAW command (") && line.ends_with(')');
        }
        self.silent.iter().any(|silent| silent == line)
    }
}
