//! A managed computer and what the rest of the program needs to know of it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Position of a node in the configuration, the same for one run of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The index into a list of all nodes.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One managed computer, real or virtual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its position in the configuration.
    pub id: NodeId,
    /// Its unique name.
    pub name: String,
    /// The operators' sets it belongs to.
    pub tags: BTreeSet<String>,
    /// Destructive verbs need typed confirmation (from a tag).
    pub protected: bool,
    /// No verb and no console input is allowed (from a tag).
    pub read_only: bool,
    /// Name of its power driver, if it has one.
    pub driver: Option<String>,
    /// Name of its console transport, if it has one.
    pub transport: Option<String>,
    /// Where its console is, for display: `10.1.2.9:7001`, `/dev/ttyUSB0`, `virsh console vm3`; empty for one that
    /// goes by way of the BMC.
    pub console: String,
    /// Where its BMC or QMP socket is, for display: `10.1.1.1`, `10.1.1.1:6230`, `/run/vm3.qmp`.
    pub address: String,
}
