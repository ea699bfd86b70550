//! The emulator behind a console pane, pure: gate, grid, scrollback store, search, and [`Frame`],
//! the serialisable picture of it.
//!
//! Bytes from a node are hostile: they pass the gate and reach a grid, never the outer terminal.
//! Knows no other room, no clock and no task; `console` feeds it, `ui` draws the frames.

mod emulator;
pub mod frame;
mod gate;
mod grid;
mod ring;
mod search;
mod store;
mod view;

pub use emulator::{Emulator, EmulatorOptions, guarded};
pub use frame::{Cell, Color, Frame, Modes, Style};

/// How a node encodes what it prints. The configuration has a copy of its own: this room knows no
/// other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// IBM code page 437: firmware.
    Cp437,
    /// ISO 8859-1, with eight-bit controls.
    Latin1,
}
