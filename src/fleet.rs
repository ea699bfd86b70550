//! The domain, pure: nodes, power, boot devices, verbs, observations, node sets, filters.
//!
//! Owns no I/O, no clock and no task; every function takes what it needs. Everybody uses it.

pub mod boot;
pub mod checkup;
pub mod fault;
pub mod filter;
pub mod node;
pub mod nodeset;
pub mod observation;
pub mod power;
pub mod session;
pub mod sort;
pub mod time;
pub mod verb;

pub use boot::{BootDevice, BootSetting};
pub use checkup::{Checkup, SolState};
pub use fault::{Fault, FaultClass};
pub use filter::Filter;
pub use node::{Node, NodeId};
pub use nodeset::NodeSet;
pub use observation::{Freshness, Observation};
pub use power::{Power, PowerVerb};
pub use session::{ConsoleMode, ConsoleState, LinePos, SessionStatus, View};
pub use sort::SortKey;
pub use time::Millis;
pub use verb::{BmcReset, Identify, Locator, SolHolder, Verb};
