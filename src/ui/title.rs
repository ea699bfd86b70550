//! The title bar: whose fleet, how it stands, what is marked and filtered, the clock.
//!
//! ```text
//!  lightsout  rack-a  ● 412 on  ○ 88 off  ? 3 unknown  ! 9 unreachable  marked 4  filter 12/480  [RO]  22:31
//! ```
//! What does not fit goes in this order: the program's name, the words, the fleet's name.

use super::canvas::Canvas;
use super::glyphs;
use crate::app::{State, view};
use crate::theme::Role;

struct Part {
    text: String,
    role: Role,
}

fn part(text: String, role: Role) -> Part {
    Part { text, role }
}

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State) {
    canvas.set_ground(Role::Title);
    bar(canvas, state);
    canvas.set_ground(Role::Text);
}

fn bar(canvas: &mut Canvas<'_>, state: &State) {
    let area = state.layout.title;
    let base = canvas.style(Role::Title);
    canvas.fill(area, base);
    let clock = format!("{} ", view::clock(state.now, state.utc_offset));
    let mut right = area.x + area.width.saturating_sub(canvas.width(&clock));
    canvas.put(right, area.y, area.width, &clock, base);
    if state.read_only {
        right = right.saturating_sub(6);
        let style = canvas.style(Role::TitleReadOnly);
        canvas.put(right, area.y, 4, "[RO]", style);
    }
    let room = right.saturating_sub(area.x + 1);
    let parts = (0..4).map(|step| parts(state, step)).find(|parts| width(canvas, parts) <= room);
    let mut x = area.x + 1;
    for part in parts.unwrap_or_else(|| self::parts(state, 3)) {
        let style = canvas.style(part.role);
        x += canvas.put(x, area.y, right.saturating_sub(x + 1), &part.text, style) + 2;
        if x >= right {
            break;
        }
    }
}

fn width(canvas: &Canvas<'_>, parts: &[Part]) -> u16 {
    parts.iter().map(|part| canvas.width(&part.text) + 2).sum()
}

/// The parts from left to right; each step leaves out more.
fn parts(state: &State, step: u8) -> Vec<Part> {
    let mut parts = Vec::new();
    if step < 1 {
        parts.push(part("lightsout".into(), Role::Title));
    }
    if step < 3 && !state.title.is_empty() {
        parts.push(part(state.title.clone(), Role::Title));
    }
    let counts = view::counts(state);
    let states = [
        (glyphs::ON, counts.on, "on", Role::StateOn, true),
        (glyphs::OFF, counts.off, "off", Role::StateOff, true),
        (glyphs::UNKNOWN, counts.unknown, "unknown", Role::StateUnknown, false),
        (glyphs::FAILED, counts.failed, "unreachable", Role::StateFailed, false),
    ];
    for (glyph, count, word, role, always) in states {
        if count > 0 || always {
            let word = if step < 2 { format!(" {word}") } else { String::new() };
            parts.push(part(format!("{glyph} {count}{word}"), role));
        }
    }
    let table = &state.table;
    if !table.marks.is_empty() {
        parts.push(part(format!("marked {}", table.marks.len()), Role::RowMarked));
    }
    if !table.filter.is_empty() {
        let shown = format!("{}/{}", table.order.len(), state.nodes.len());
        let text = if step < 1 {
            format!(" {}", table.filter_text.chars().take(24).collect::<String>())
        } else {
            String::new()
        };
        parts.push(part(format!("filter{text} {shown}"), Role::NoticeWarn));
    }
    parts
}
