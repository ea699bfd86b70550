//! The outer terminal: raw mode and its restoration, what it can do, input, frame pacing, writing,
//! clipboard.
//!
//! Knows nothing of the application: `runtime` maps [`Key`] to `app::Key` and gives the frames. Asks
//! the terminal nothing (an answer could come late, through tmux or a slow line, and be taken for
//! keys): everything is decided from the environment.

pub mod backend;
pub mod caps;
pub mod clipboard;
pub mod decode;
pub mod input;
pub mod key;
pub mod pacer;
pub mod tty;
pub mod writer;

pub use backend::SavingBackend;
pub use caps::{Caps, Multiplexer};
pub use decode::{Decoder, Input, Mouse, MouseKind};
pub use input::Inputs;
pub use key::{Key, KeyCode};
pub use pacer::Pacer;
pub use tty::{OuterTerminal, restore};
pub use writer::{FrameSink, FrameWriter};
