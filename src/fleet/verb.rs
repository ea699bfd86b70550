//! Everything an operator can ask of a node.

use super::{BootSetting, Power, PowerVerb};
use serde::{Deserialize, Serialize};

/// Kind of a BMC reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BmcReset {
    /// Restart of the firmware, sessions may survive.
    Warm,
    /// Full restart: 30 to 120 s of silence, every session dies.
    Cold,
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
    /// Bytes as given: net function, command, data.
    Raw(Vec<u8>),
}

impl Verb {
    /// The verb's words, as on the command line and in the audit trail: `power off`,
    /// `boot pxe persistent uefi`, `bmc reset-cold`, `bmc raw 06 01`.
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
            Verb::Raw(bytes) => {
                let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("bmc raw {}", hex.join(" "))
            }
        }
    }

    /// Whether it only reads. Raw bytes never count as reading: nobody can know.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self, Verb::Status | Verb::BootGet | Verb::Info)
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
