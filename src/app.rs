//! The front end's mind: [`State`], [`update`], the table `COMMANDS`, the keymap, the guard.
//!
//! Synchronous and pure: no I/O, no clock, no widgets. `runtime` feeds events and runs the effects,
//! `ui` draws the state. Uses only `fleet`, `config` types, `screen::Frame` and `hub::message`.

pub mod event;
pub mod key;
pub mod layout;
pub mod state;

pub use event::{Effect, Event};
pub use key::{Key, KeyCode};
pub use layout::{Area, Layout};
pub use state::State;
