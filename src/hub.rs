//! The hub: owns the BMC actors and the console sessions, plans polls, grants every exchange
//! ([`pace`]), executes verbs and writes the audit trail.
//!
//! Front ends hold a [`HubHandle`] and exchange plain data ([`message`]); nothing outside may assume
//! that the hub lives in the same process. Must not know `app`, `ui` or the terminal.

mod actor;
mod audit;
mod clock;
mod consoles;
mod dirs;
pub mod handle;
mod inspect;
mod line;
pub mod message;
mod node;
mod outbox;
mod pace;
mod plan;
mod router;
mod shared;
mod verb;

#[cfg(test)]
mod tests;

pub use handle::{Hub, HubHandle, HubOptions};
pub use inspect::{Inspection, inspect};
