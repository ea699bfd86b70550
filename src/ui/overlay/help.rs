//! Help for where the operator is: every key that does something here.
//!
//! ```text
//! ┌ help ────────────────────┐
//! │ c          open console  │
//! └──────────────────── esc ─┘
//! ```

use super::{Line, page};
use crate::app::{self, State};
use crate::theme::Role;
use crate::ui::canvas::Canvas;

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, top: usize) {
    let mut lines = Vec::new();
    for section in app::help(state) {
        if !lines.is_empty() {
            lines.push(Line::new("", ""));
        }
        lines.push(Line::new("", section.title).role(Role::Header));
        lines.extend(section.rows.into_iter().map(|(keys, text)| Line::new(keys, text)));
    }
    let widest = lines.iter().map(|line| canvas.width(&line.label)).max().unwrap_or(0);
    page(canvas, state, "help", widest.min(state.size.0 / 2), &lines, top);
}
