//! What lies over the screen: menus, confirmations, prompts, help, details, the action log.

mod actions;
mod confirm;
mod details;
mod help;
pub(super) mod input;
mod menu;
mod prompt;

use super::canvas::Canvas;
use super::glyphs::LIGHT;
use crate::app::state::Overlay;
use crate::app::{Area, Spot, State};
use crate::theme::Role;

/// The innermost overlay is drawn last and has the cursor.
pub(super) fn draw_all(canvas: &mut Canvas<'_>, state: &State) {
    for overlay in &state.overlays {
        canvas.hide_cursor();
        let typed = matches!(overlay, Overlay::Filter { .. } | Overlay::Command { .. } | Overlay::Raw { .. });
        canvas.set_ground(if typed { Role::Text } else { Role::Dialog });
        match overlay {
            Overlay::Menu(menu) => menu::draw(canvas, state, menu),
            Overlay::Confirm(confirm) => confirm::draw(canvas, state, confirm),
            Overlay::Filter { input, .. } => prompt::filter(canvas, state, input),
            Overlay::Command { input, candidates, picked, error } => {
                prompt::command(canvas, state, input, candidates, *picked, error.as_deref())
            }
            Overlay::Raw { input, error } => prompt::raw(canvas, state, input, error.as_deref()),
            Overlay::Help { top } => help::draw(canvas, state, *top),
            Overlay::Details { node, top, info } => details::draw(canvas, state, *node, *top, info.as_ref()),
            Overlay::Actions(log) => actions::draw(canvas, state, *log),
        }
    }
    canvas.set_ground(Role::Text);
}

/// A blank frame in the middle of the screen between title and hints, at most as big as that. Returns
/// its inside.
///
/// ```text
///          ┌ title ───────────┐
///          │                  │
///          └────────── footer ┘
/// ```
fn boxed(
    canvas: &mut Canvas<'_>,
    state: &State,
    size: (u16, u16),
    title: &str,
    footer: &str,
    role: Role,
) -> Area {
    let (columns, rows) = state.size;
    let width = size.0.saturating_add(4).min(columns);
    let height = size.1.min(visible(state)).saturating_add(2);
    let area = Area { x: (columns - width) / 2, y: 1 + (rows.saturating_sub(2) - height) / 2, width, height };
    let style = canvas.style(role);
    let inside = canvas.style(Role::Dialog);
    canvas.spot(area, Spot::Over);
    canvas.fill(area, inside);
    canvas.frame(area, &LIGHT, style);
    canvas.on_frame(area, area.y, 0, title, style);
    if height > 1 {
        canvas.on_frame_right(area, area.y + height - 1, 0, footer, style);
    }
    let inner = area.inner();
    Area { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// Rows that a box has inside at most.
fn visible(state: &State) -> u16 {
    state.size.1.saturating_sub(4)
}

/// Columns that a dialog of running text takes.
fn text_width(state: &State) -> u16 {
    state.size.0.saturating_sub(8).clamp(20, 72)
}

/// A line of a scrolled page: label, text, and their looks.
pub(super) struct Line {
    label: String,
    text: String,
    role: Role,
}

impl Line {
    fn new(label: impl Into<String>, text: impl Into<String>) -> Line {
        Line { label: label.into(), text: text.into(), role: Role::Dialog }
    }

    fn role(self, role: Role) -> Line {
        Line { role, ..self }
    }
}

/// Columns and text columns of a page whose labels take `label_width`.
fn page_widths(state: &State, label_width: u16) -> (u16, usize) {
    let width = state.size.0.saturating_sub(6).min(96);
    (width, usize::from(width.saturating_sub(label_width + 1)).max(8))
}

/// A page of labelled lines, scrolled to `top`, in a box as big as the screen allows.
fn page(canvas: &mut Canvas<'_>, state: &State, title: &str, label_width: u16, lines: &[Line], top: usize) {
    let (width, text_width) = page_widths(state, label_width);
    let mut rows: Vec<(&str, String, Role)> = Vec::new();
    for line in lines {
        let mut label = line.label.as_str();
        for part in super::words::wrap(if line.text.is_empty() { " " } else { &line.text }, text_width) {
            rows.push((label, part, line.role));
            label = "";
        }
    }
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let visible = usize::from(height.min(visible(state)));
    let top = top.min(rows.len().saturating_sub(visible));
    let footer = if rows.len() > visible {
        format!("{}-{} of {} · j k · esc", top + 1, top + visible, rows.len())
    } else {
        "esc".to_owned()
    };
    let inner = boxed(canvas, state, (width, height), title, &footer, Role::Menu);
    let label_style = canvas.style(Role::HintKey);
    for (y, (label, text, role)) in (inner.y..inner.y + inner.height).zip(rows.into_iter().skip(top)) {
        let style = canvas.style(role);
        if role == Role::Header {
            // A heading stands before the labels.
            canvas.put(inner.x, y, inner.width, &text, style);
            continue;
        }
        canvas.put(inner.x, y, label_width.min(inner.width), label, label_style);
        let room = inner.width.saturating_sub(label_width + 1);
        canvas.put(inner.x + label_width + 1, y, room, &text, style);
    }
}
