//! Consoles: trait `Transport`, table [`TRANSPORTS`], one file a transport; one session task per
//! console that hands bytes to the log's writer and to the emulator.
//!
//! The way of a byte from the node: transport (a bounded channel of 16 pieces of at most 16 KB), session
//! task, then log thread (never waited for) and shard thread (waited for, which is the back-pressure).
//! The way of a byte to the node: `Session::send`, the session's outbox (one ordered consumer, pastes
//! paced), transport. Must not know `app`, `ui` or `hub`; the hub owns the sessions.

mod answers;
mod backoff;
mod command;
mod log;
mod outbox;
mod pty;
mod serial;
pub mod session;
mod shard;
mod shared;
mod sol;
mod stream;
mod tcp;
mod telnet;
mod transport;
mod unix;
mod watch;

pub use session::{Session, SessionCommand, SessionSpec, spawn_session};
pub use transport::{OF_THE_BMC, TRANSPORTS, TransportRow, transport_names};
