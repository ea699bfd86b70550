//! The emulator behind a console pane, pure: gate, grid, scrollback store, search, and [`Frame`],
//! the serialisable picture of it.
//!
//! Bytes from a node are hostile: they pass the gate and reach a grid, never the outer terminal.
//! Knows no other room, no clock and no task; `console` feeds it, `ui` draws the frames.

pub mod frame;

pub use frame::{Cell, Color, Frame, Modes, Style};
