//! What happens to the front end, and what it wants done.

use super::{Key, Keymap, Taste, mouse::Mouse};
use crate::fleet::Millis;
use crate::hub::message::{Changes, ConsoleId, Level, Request, Update};
use crate::screen::Frame;
use std::sync::Arc;
use std::time::Duration;

/// What happens.
#[derive(Debug, Clone)]
pub enum Event {
    /// A key was pressed.
    Key(Key),
    /// The mouse was used.
    Mouse(Mouse),
    /// Text was pasted (bracketed paste).
    Paste(String),
    /// The outer terminal's new size, columns and rows.
    Resize(u16, u16),
    /// Updates from the hub.
    Hub(Vec<Update>),
    /// The frame that was fetched after `Update::Frame`.
    Frame(ConsoleId, Arc<Frame>),
    /// Requests that the hub did not take (full queue).
    NotTaken(Box<Request>),
    /// Something to tell the operator that went wrong while an effect was run.
    Notice(Level, String),
    /// The configuration was read again, after [`Effect::Reload`]; or what is wrong with it, each problem on a
    /// line of its own with its help below. Who there is now comes from the hub.
    Reloaded(Result<Box<Reloaded>, Vec<String>>),
    /// The theme that [`Effect::Theme`] asked for, or the configuration, is in force.
    Theme(String),
    /// A second, or the time asked for by [`Effect::WakeAt`], has passed.
    Tick,
    /// SIGTERM or SIGHUP: end without asking.
    Terminate,
}

/// What the screen takes of another configuration.
#[derive(Debug, Clone)]
pub struct Reloaded {
    /// The prefix as people write it.
    pub prefix: String,
    /// What the keys mean.
    pub keys: Keymap,
    /// The mouse is asked for.
    pub mouse: bool,
    /// Theme, columns and order.
    pub taste: Taste,
    /// How often each node's power is read.
    pub poll_interval: Duration,
    /// Name of the fleet, for the title.
    pub title: String,
    /// What became of the nodes.
    pub changes: Changes,
    /// What is likely a mistake, and what is taken at the next start only.
    pub warnings: Vec<String>,
}

/// What is to be done; run by `runtime` in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the hub.
    Hub(Box<Request>),
    /// Fetch the newest frame of a console and bring it as [`Event::Frame`].
    FetchFrame(ConsoleId),
    /// Put text on the operator's clipboard (OSC 52).
    Copy(String),
    /// Read the configuration again and bring [`Event::Reloaded`].
    Reload,
    /// Ask the outer terminal for the mouse, or leave it to the terminal, as [`State::mouse`] says.
    ///
    /// [`State::mouse`]: super::State::mouse
    Mouse,
    /// Draw everything anew.
    Redraw,
    /// Take the theme of this name; told by [`Event::Theme`], or by [`Event::Notice`] what is wrong.
    Theme(String),
    /// Bring [`Event::Tick`] at this time, not only with the next whole minute.
    WakeAt(Millis),
    /// End the program.
    Quit,
}
