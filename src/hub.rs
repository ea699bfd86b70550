//! The hub: owns the BMC actors and the console sessions, plans polls, grants every exchange
//! (`hub::pace`), executes verbs and writes the audit trail.
//!
//! Front ends hold a [`HubHandle`] and exchange plain data ([`message`]); nothing outside may assume
//! that the hub lives in the same process. Must not know `app`, `ui` or the terminal.

pub mod handle;
pub mod message;

pub use handle::{Hub, HubHandle, HubOptions};
