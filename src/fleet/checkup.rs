//! What a single login with a BMC tells about it: for `lightsout doctor`.

use super::Power;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a BMC, or a virtual machine's monitor, told in one login. What it does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkup {
    /// Power state.
    pub power: Power,
    /// The driver's own word for it, such as `paused`.
    pub detail: Option<String>,
    /// Cipher suite of the login (IPMI 2.0, table 22-20).
    pub suite: Option<u8>,
    /// Privilege level reached, as the configuration spells it.
    pub privilege: Option<String>,
    /// Why the configured privilege level was not reached, though the login was taken.
    pub not_raised: Option<String>,
    /// Labels and values of the controller's identity, in the order to show.
    pub identity: Vec<(String, String)>,
    /// Serial-over-LAN.
    pub sol: Option<SolState>,
    /// From the start of the login to the last answer.
    pub took: Duration,
}

impl Checkup {
    /// A reading of the power state and nothing else.
    #[must_use]
    pub fn new(power: Power, detail: Option<String>) -> Checkup {
        Checkup {
            power,
            detail,
            suite: None,
            privilege: None,
            not_raised: None,
            identity: Vec::new(),
            sol: None,
            took: Duration::ZERO,
        }
    }
}

/// A BMC's serial-over-LAN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SolState {
    /// Nobody holds it.
    Free,
    /// Somebody does; who, where the BMC tells.
    Held(Option<String>),
    /// The BMC has it switched off.
    Disabled,
}
