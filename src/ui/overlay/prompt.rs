//! Lines being typed: filter, command, raw bytes.
//!
//! ```text
//! ┌──────────────────────────────────┐
//! │ power off   hard power off       │
//! └──────────────────────────────────┘
//! :power o_
//! ```

use super::input;
use crate::app::state::Input;
use crate::app::{Area, Spot, State};
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::glyphs::{CURSOR, LIGHT};

/// Candidates shown at a time.
const CANDIDATES: usize = 8;

pub(super) fn filter(canvas: &mut Canvas<'_>, state: &State, text: &Input) {
    let counts = format!("{}/{} ", state.table.order.len(), state.nodes.len());
    line(canvas, state, "/", text, &counts, Role::HintText);
}

pub(super) fn raw(canvas: &mut Canvas<'_>, state: &State, text: &Input, error: Option<&str>) {
    let (note, role) = match error {
        Some(error) => (error, Role::NoticeError),
        None => ("net function, command, data", Role::HintText),
    };
    line(canvas, state, "raw bytes: ", text, note, role);
}

pub(super) fn command(
    canvas: &mut Canvas<'_>,
    state: &State,
    text: &Input,
    candidates: &[(String, String)],
    picked: Option<usize>,
    error: Option<&str>,
) {
    list(canvas, state, candidates, picked);
    line(canvas, state, ":", text, error.unwrap_or(""), Role::NoticeError);
}

/// The line where notices stand otherwise; the note goes to its right end if there is room.
fn line(canvas: &mut Canvas<'_>, state: &State, sign: &str, text: &Input, note: &str, role: Role) {
    let area = state.layout.notice;
    let style = canvas.style(role);
    let note_width = canvas.width(note).min(area.width / 2);
    let typed = Area { width: area.width.saturating_sub(note_width + 1), ..area };
    let base = canvas.style(Role::Text);
    canvas.fill(area, base);
    input::draw(canvas, typed, sign, text, true);
    canvas.put(area.x + area.width - note_width, area.y, note_width, note, style);
}

/// What could complete the line, above it; the picked one is always visible.
fn list(canvas: &mut Canvas<'_>, state: &State, candidates: &[(String, String)], picked: Option<usize>) {
    canvas.set_ground(Role::Dialog);
    offered(canvas, state, candidates, picked);
    canvas.set_ground(Role::Text);
}

fn offered(canvas: &mut Canvas<'_>, state: &State, candidates: &[(String, String)], picked: Option<usize>) {
    let notice = state.layout.notice;
    let room = usize::from(notice.y.saturating_sub(3));
    let shown = candidates.len().min(CANDIDATES).min(room);
    if shown == 0 {
        return;
    }
    let first = picked.map_or(0, |picked| (picked + 1).saturating_sub(shown));
    let name_width = candidates.iter().map(|(name, _)| canvas.width(name)).max().unwrap_or(0);
    let height = u16::try_from(shown).unwrap_or(0) + 2;
    let area = Area { x: notice.x, y: notice.y - height, width: notice.width.min(76), height };
    let style = canvas.style(Role::Menu);
    canvas.spot(area, Spot::Over);
    canvas.fill(area, style);
    canvas.frame(area, &LIGHT, style);
    if candidates.len() > shown {
        let text = format!("{}-{} of {}", first + 1, first + shown, candidates.len());
        canvas.on_frame_right(area, area.y, 0, &text, style);
    }
    let inner = area.inner();
    let dim = canvas.style(Role::Dim);
    let rows = candidates.iter().enumerate().skip(first).take(shown);
    for (y, (index, (name, about))) in (inner.y..).zip(rows) {
        canvas.spot(Area { y, height: 1, ..inner }, Spot::Candidate(index));
        if picked == Some(index) {
            canvas.put(inner.x, y, 1, &CURSOR.to_string(), style);
        }
        let end = inner.x + inner.width;
        canvas.put(inner.x + 1, y, inner.width.saturating_sub(1), name, style);
        let x = inner.x + 1 + name_width + 2;
        canvas.put(x, y, end.saturating_sub(x), about, dim);
        if picked == Some(index) {
            let style = canvas.look().theme.style(Role::MenuCursor);
            canvas.patch(Area { y, height: 1, ..inner }, style);
        }
    }
}
