//! The layout of one record: areas of fixed place and length, each a length, a checksum and JSON.
//!
//! Every area is written by one `pwrite` and stands for itself, so that no writer ever has to read
//! and write back what another owns. An area whose checksum is wrong (torn, damaged) counts as empty.

use crate::config::Credentials;
use crate::fleet::{Power, Verb};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Place and length within the record, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    pub offset: u64,
    pub length: usize,
}

const fn area(offset: u64, length: usize) -> Area {
    Area { offset, length }
}

pub(super) const IDENTITY: Area = area(0, 384);
pub(super) const TIMES: Area = area(384, 128);
pub(super) const SEEN: Area = area(512, 256);
pub(super) const SUITE: Area = area(768, 64);
pub(super) const AUTH: Area = area(832, 320);
pub(super) const PENDING: Area = area(1152, 640);
pub(super) const PREEMPT: Area = area(1792, 128);
pub(super) const SOL: Area = area(1920, 128);

/// Length (2 bytes) and checksum (8 bytes) before the JSON.
const PREFIX: usize = 10;

/// The last exchange: microseconds since boot. `end` below `start`: it runs, or its holder died.
/// `end` in the future, by no more than an exchange may take: so long a dead holder's tool may run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Times {
    pub boot: String,
    pub start: u64,
    pub end: u64,
}

/// A reading of the power state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Boot it was made in; filled in by the writer.
    #[serde(default)]
    pub boot: String,
    /// When the exchange ended, microseconds since boot.
    pub mono: u64,
    /// The same on the wall clock, milliseconds.
    pub wall: u64,
    /// The state.
    pub power: Power,
    /// The driver's word.
    pub detail: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SuiteRecord {
    pub suite: Option<u8>,
}

/// An SOL that a process holds on its own login.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SolRecord {
    pub boot: String,
    /// The BMC's id of the session.
    pub session: u32,
    /// When its holder last said so, microseconds since boot.
    #[serde(default)]
    pub told: u64,
}

/// Tells credentials apart: sixteen bits of a hash of user and password, far too few to guess either by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Login(u16);

impl Login {
    /// Of these credentials; `None` is a login without any.
    pub fn of(credentials: Option<&Credentials>) -> Login {
        let Some(credentials) = credentials else { return Login::default() };
        let mut hasher = DefaultHasher::new();
        (&credentials.username, credentials.password.expose()).hash(&mut hasher);
        Login(u16::try_from(hasher.finish() & 0xffff).unwrap_or_default())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AuthRecord {
    /// Whose login it was, see [`Login`].
    pub login: Login,
    pub reason: String,
    pub wall: u64,
}

/// A verb that a process runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PendingRecord {
    /// What; long raw bytes are left out.
    pub verb: Verb,
    /// Whose.
    pub operator: String,
    /// In which process, for messages.
    pub pid: u32,
    /// Since when, wall clock, milliseconds.
    pub since: u64,
    /// How long it may take, milliseconds.
    pub allowed: u64,
    /// The state before.
    pub from: Power,
}

impl PendingRecord {
    /// Shortens what would not fit.
    pub fn new(
        verb: &Verb,
        operator: &str,
        since: u64,
        allowed: std::time::Duration,
        from: Power,
    ) -> PendingRecord {
        let verb = match verb {
            Verb::Raw(bytes) => Verb::Raw(bytes.iter().copied().take(16).collect()),
            other => other.clone(),
        };
        PendingRecord {
            verb,
            operator: operator.chars().take(40).collect(),
            pid: std::process::id(),
            since,
            allowed: u64::try_from(allowed.as_millis()).unwrap_or(u64::MAX),
            from,
        }
    }
}

/// FNV-1a, 64 bits: the same in every build, which the standard hasher does not promise.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// `None` when it does not fit.
pub(super) fn encode<T: Serialize>(area: Area, value: &T) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(value).ok()?;
    if json.len() + PREFIX > area.length {
        return None;
    }
    let mut bytes = Vec::with_capacity(PREFIX + json.len());
    bytes.extend(u16::try_from(json.len()).ok()?.to_le_bytes());
    bytes.extend(hash(&json).to_le_bytes());
    bytes.extend(json);
    Some(bytes)
}

/// `None` when the area is empty or damaged.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    let json = rest.get(..usize::from(u16::from_le_bytes(*length)))?;
    if json.is_empty() || hash(json) != u64::from_le_bytes(*sum) {
        return None;
    }
    serde_json::from_slice(json).ok()
}
