//! Power states and the verbs that change them.

use serde::{Deserialize, Serialize};

/// What a node's power is seen to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    /// Powered.
    On,
    /// Not powered.
    Off,
    /// Not known; a value of its own, never guessed.
    #[default]
    Unknown,
}

impl Power {
    /// `on`, `off` or `unknown`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Power::On => "on",
            Power::Off => "off",
            Power::Unknown => "unknown",
        }
    }
}

impl std::fmt::Display for Power {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// A verb that acts on a node's power. Absolute, never a toggle: what is shown may be stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerVerb {
    /// Power on.
    On,
    /// Hard power off.
    Off,
    /// ACPI shutdown.
    Soft,
    /// The chassis verb: off and on by the BMC itself; ends with the power on.
    Cycle,
    /// Hard reset without power off; can only be accepted, not confirmed.
    Reset,
    /// Our composed verb: off, confirmed, then on, confirmed.
    Reboot,
    /// Diagnostic interrupt; can only be accepted.
    Nmi,
}

impl PowerVerb {
    /// Every power verb, in the order menus and help show them.
    pub const ALL: [PowerVerb; 7] = [
        PowerVerb::On,
        PowerVerb::Off,
        PowerVerb::Soft,
        PowerVerb::Cycle,
        PowerVerb::Reset,
        PowerVerb::Reboot,
        PowerVerb::Nmi,
    ];

    /// The word on the command line, in menus and in the audit trail.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PowerVerb::On => "on",
            PowerVerb::Off => "off",
            PowerVerb::Soft => "soft",
            PowerVerb::Cycle => "cycle",
            PowerVerb::Reset => "reset",
            PowerVerb::Reboot => "reboot",
            PowerVerb::Nmi => "nmi",
        }
    }

    /// The state whose observation confirms the verb; `None` where it can only be accepted.
    #[must_use]
    pub fn target(self) -> Option<Power> {
        match self {
            PowerVerb::On | PowerVerb::Cycle | PowerVerb::Reboot => Some(Power::On),
            PowerVerb::Off | PowerVerb::Soft => Some(Power::Off),
            PowerVerb::Reset | PowerVerb::Nmi => None,
        }
    }
}
