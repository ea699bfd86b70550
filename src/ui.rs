//! Draws the state: [`draw`], the table `COLUMNS`, overlays, panes.
//!
//! Reads `app` state, `fleet` words, themes and console frames; asks no hub, no clock and no file: the
//! same state always gives the same cells. Called by `runtime` when something has changed.

mod blit;
mod bottom;
mod canvas;
pub mod columns;
mod glyphs;
mod overlay;
mod pane;
mod table;
mod title;
mod words;

pub use columns::COLUMNS;
pub use glyphs::Glyphs;

use crate::app::{Spots, State};
use crate::theme::{Role, Theme};
use canvas::Canvas;
use ratatui::Frame;

/// How things look on this terminal.
#[derive(Debug, Clone)]
pub struct Look {
    /// Styles.
    pub theme: Theme,
    /// Characters.
    pub glyphs: Glyphs,
}

/// Draws everything; returns what of it can be clicked.
///
/// ```text
/// title
/// table
/// panes
/// notice, or the prompt that is typed into
/// hints
/// ```
pub fn draw(frame: &mut Frame<'_>, state: &State, look: &Look) -> Spots {
    let area = frame.area();
    let mut canvas = Canvas::new(frame.buffer_mut(), look, Spots::of(state));
    canvas.clear_all();
    // The state learns of a resize a moment after the terminal: what no longer fits is cut off.
    if state.layout.too_small {
        too_small(&mut canvas, area.width, area.height);
    } else {
        title::draw(&mut canvas, state);
        table::draw(&mut canvas, state);
        pane::draw_all(&mut canvas, state);
        bottom::draw(&mut canvas, state);
        overlay::draw_all(&mut canvas, state);
    }
    let cursor = canvas.cursor();
    let spots = canvas.into_spots();
    if let Some(position) = cursor {
        frame.set_cursor_position(position);
    }
    spots
}

/// One line, cut where it must be; as small as a terminal gets.
fn too_small(canvas: &mut Canvas<'_>, width: u16, height: u16) {
    let style = canvas.style(Role::Text);
    let text = format!("lightsout needs 40x8, this is {width}x{height}; everything goes on running");
    for (y, line) in (0..height).zip(words::wrap(&text, usize::from(width))) {
        canvas.put(0, y, width, &line, style);
    }
}

#[cfg(test)]
mod tests;
