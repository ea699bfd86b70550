//! The action log: every request of this run with its results folded, and the notices, newest at the bottom.
//!
//! ```text
//! ┌ actions ─────────────────────────────────────────────┐
//! │   22:31:07  power off r1n[01-04]                     │
//! │             confirmed: r1n[01-03] · 5.1-7.0s         │
//! │             failed (no answer): r1n04 · 10.2s        │
//! │ ▸ 22:31:20  power on r1n[01-16]: 9 done, 7 waiting   │
//! └──────────────────────────────────────────────── esc ─┘
//! ```
//! The entry that the keys act on has the cursor's sign before it, as a row of the table has.

use super::{Line, page, page_widths};
use crate::app::State;
use crate::app::actions::{self, ShareKind};
use crate::app::message::Level;
use crate::app::state::{Action, ActionLog, Notice};
use crate::fleet::Millis;
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::{glyphs, words};

/// Columns of `▸ 22:31:07`.
const LABEL: u16 = 10;

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, log: ActionLog) {
    let chosen = actions::selected(state, log).map(|action| action.id);
    // Time, whether it is the chosen one, lines.
    let mut entries: Vec<(Millis, bool, Vec<Line>)> = Vec::new();
    for action in &state.actions {
        let chosen = chosen == Some(action.id);
        entries.push((action.at, chosen, entry(state, action, chosen)));
    }
    for notice in state.notices.iter().filter(|notice| notice.level != Level::Info && !notice.logged) {
        entries.push((notice.at, false, told(state, notice)));
    }
    entries.sort_by_key(|(at, ..)| *at);
    let (_, width) = page_widths(state, LABEL);
    let height =
        |lines: &[Line]| -> usize { lines.iter().map(|line| words::wrap(&line.text, width).len()).sum() };
    let mut total = 0;
    // Without an entry the newest notice is what is looked for.
    let mut begin = usize::MAX;
    for (_, chosen, lines) in &entries {
        if *chosen {
            begin = total;
        }
        total += height(lines);
    }
    let mut lines: Vec<Line> = entries.into_iter().flat_map(|(.., lines)| lines).collect();
    if lines.is_empty() {
        lines.push(Line::new("", "nothing was done yet").role(Role::Dim));
    }
    // As much of the end as leaves the chosen entry's beginning in sight, and what was scrolled from there;
    // `page` keeps it within bounds.
    let visible = usize::from(state.size.1.saturating_sub(4));
    let best = total.saturating_sub(visible).min(begin);
    page(canvas, state, "actions", LABEL, &lines, best.saturating_add_signed(log.scroll));
}

/// A notice whose hint may not have fitted into its line.
fn told(state: &State, notice: &Notice) -> Vec<Line> {
    let at = label(state, notice.at, false);
    let role = if notice.level == Level::Error { Role::NoticeError } else { Role::NoticeWarn };
    let mut lines = vec![Line::new(at, notice.text.clone()).role(role)];
    lines.extend(notice.hint.iter().map(|hint| Line::new("", hint.clone())));
    lines
}

fn label(state: &State, at: Millis, chosen: bool) -> String {
    let cursor = if chosen { glyphs::CURSOR } else { ' ' };
    format!("{cursor} {}", words::clock_seconds(at, state.utc_offset))
}

fn entry(state: &State, action: &Action, chosen: bool) -> Vec<Line> {
    let progress = actions::progress_text(action);
    let colon = if progress.is_empty() { "" } else { ": " };
    let head = format!("{} {}{colon}{progress}", action.verb.words(), state.folded(&action.nodes));
    let mut lines = vec![Line::new(label(state, action.at, chosen), head).role(Role::Input)];
    for share in actions::shares(state, action) {
        let role = match share.kind {
            ShareKind::Good => Role::Dialog,
            ShareKind::Trouble => Role::NoticeError,
            ShareKind::Waiting => Role::StatePending,
        };
        lines.push(Line::new("", share.text).role(role));
        lines.extend(share.hint.map(|hint| Line::new("", format!("hint: {hint}"))));
    }
    lines
}
