//! What was seen of a node's power, when, and how far it can be trusted.

use super::{Fault, Millis, Power};
use serde::{Deserialize, Serialize};

/// How far an observation can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    /// Never asked yet.
    #[default]
    Never,
    /// The newest poll gave it.
    Fresh,
    /// The node should have been polled again by now.
    Stale,
    /// The newest poll failed; `value` is unknown, `last_seen` what was last seen.
    Failed(Fault),
}

/// A power reading. Unknown is a value, never a guess.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Observation {
    /// The power state as it is believed now.
    pub value: Power,
    /// When the newest poll ended, successful or not.
    pub at: Option<Millis>,
    /// The last state that was really seen, and when.
    pub last_seen: Option<(Power, Millis)>,
    /// How far `value` can be trusted.
    pub freshness: Freshness,
    /// A word the driver adds: `paused`, `prelaunch`.
    pub detail: Option<String>,
}
