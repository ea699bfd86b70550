//! The action log: every request of this run with its results, and the notices, newest at the bottom.
//!
//! ```text
//! ┌ actions ───────────────────────────────────────┐
//! │ 22:31:07  power off r1n[01-04]                 │
//! │           3 confirmed, 1 failed: r1n04 (..)    │
//! └────────────────────────────────────────── esc ─┘
//! ```

use super::{Line, page};
use crate::app::message::Level;
use crate::app::state::{Action, Notice};
use crate::app::{State, summary};
use crate::fleet::Millis;
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::words;

/// Columns of `22:31:07`.
const TIME: u16 = 8;

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, back: usize) {
    let mut entries: Vec<(Millis, Vec<Line>)> = Vec::new();
    for action in &state.actions {
        entries.push((action.at, entry(state, action)));
    }
    for notice in state.notices.iter().filter(|notice| notice.level != Level::Info) {
        entries.push((notice.at, told(state, notice)));
    }
    entries.sort_by_key(|(at, _)| *at);
    let mut lines: Vec<Line> = entries.into_iter().flat_map(|(_, lines)| lines).collect();
    if lines.is_empty() {
        lines.push(Line::new("", "nothing was done yet").role(Role::Dim));
    }
    // Scrolled back from the end; `page` keeps it within bounds.
    let visible = usize::from(state.size.1.saturating_sub(4));
    let top = lines.len().saturating_sub(visible).saturating_sub(back);
    page(canvas, state, "actions", TIME, &lines, top);
}

/// A notice whose hint may not have fitted into its line.
fn told(state: &State, notice: &Notice) -> Vec<Line> {
    let at = words::clock_seconds(notice.at, state.utc_offset);
    let role = if notice.level == Level::Error { Role::NoticeError } else { Role::NoticeWarn };
    let mut lines = vec![Line::new(at, notice.text.clone()).role(role)];
    lines.extend(notice.hint.iter().map(|hint| Line::new("", hint.clone())));
    lines
}

fn entry(state: &State, action: &Action) -> Vec<Line> {
    let mut lines = Vec::new();
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
    lines
}
