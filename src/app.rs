//! The front end's mind: [`State`], [`update`], the table [`COMMANDS`], the keymap, the guard.
//!
//! Synchronous and pure: no I/O, no clock, no widgets. `runtime` feeds events and runs the effects,
//! `ui` draws the state. Uses only `fleet`, `config` types, `screen::Frame` and `hub::message`.

pub mod actions;
mod answers;
pub mod commands;
mod edit;
pub mod encode;
pub mod event;
pub mod guard;
pub mod help;
mod init;
mod input;
pub mod key;
pub mod keymap;
pub mod layout;
pub mod mouse;
mod notice;
mod overlay;
mod palette;
mod panes;
mod reload;
mod saved;
mod scroll;
mod several;
pub mod state;
pub mod summary;
mod table;
mod taste;
#[cfg(test)]
mod tests;
mod update;
mod verbs;
pub mod view;

pub use crate::hub::message;
pub use commands::COMMANDS;
pub use encode::{encode, encode_paste};
pub use event::{Effect, Event, Reloaded};
pub use guard::{Guard, confirm_level};
pub use help::{HelpSection, help, hints, key_table};
pub use init::{Abilities, StateOptions, parse_prefix};
pub use key::{Key, KeyCode};
pub use keymap::{Keymap, key_rules};
pub use layout::{Area, Layout};
pub use mouse::{Mouse, MouseKind, Spot, Spots};
pub use panes::open_single;
pub use saved::Saved;
pub use state::{Focus, State};
pub use taste::Taste;
pub use update::update;
