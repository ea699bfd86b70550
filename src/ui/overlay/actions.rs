//! The action log: every request of this run, newest at the bottom.
//!
//! ```text
//! ┌ actions ───────────────────────────────────────┐
//! │ 22:31:07  power off r1n[01-04]                 │
//! │           3 confirmed, 1 failed: r1n04 (..)    │
//! └────────────────────────────────────────── esc ─┘
//! ```

use super::{Line, page};
use crate::app::state::Action;
use crate::app::{State, summary};
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::words;

/// Columns of `22:31:07`.
const TIME: u16 = 8;

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, back: usize) {
    let mut lines = Vec::new();
    for action in &state.actions {
        entry(state, action, &mut lines);
    }
    if lines.is_empty() {
        lines.push(Line::new("", "nothing was done yet").role(Role::Dim));
    }
    // Scrolled back from the end; `page` keeps it within bounds.
    let visible = usize::from(state.size.1.saturating_sub(4));
    let top = lines.len().saturating_sub(visible).saturating_sub(back);
    page(canvas, state, "actions", TIME, &lines, top);
}

fn entry(state: &State, action: &Action, lines: &mut Vec<Line>) {
    let at = words::clock_seconds(action.at, state.utc_offset);
    let head = format!("{} {}", action.verb.words(), state.folded(&action.nodes));
    lines.push(Line::new(at, head).role(Role::Input));
    for result in &action.results {
        let role = if summary::is_trouble(&result.outcome) { Role::NoticeError } else { Role::Dialog };
        let seconds = result.elapsed.as_secs_f32();
        let text = format!("{}: {}, {seconds:.1}s", state.name(result.node), summary::word(&result.outcome));
        lines.push(Line::new("", text).role(role));
    }
    let open = action.nodes.len().saturating_sub(action.results.len());
    if open > 0 {
        let text = format!("{} not finished", words::count(open, "node"));
        lines.push(Line::new("", text).role(Role::StatePending));
    }
}
