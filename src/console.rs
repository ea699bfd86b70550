//! Consoles: trait `Transport`, table [`TRANSPORTS`], one file a transport; one session task per
//! console that hands bytes to the log's writer and to the emulator.
//!
//! Must not know `app`, `ui` or `hub`; the hub owns the sessions.

pub mod session;

pub use session::{Session, SessionCommand, SessionSpec, TRANSPORTS, spawn_session, transport_names};
