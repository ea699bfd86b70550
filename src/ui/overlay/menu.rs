//! A verb menu.
//!
//! ```text
//! ┌ power: r1n[01-04] (4 nodes) ─┐
//! │ ▸ o  on                      │
//! │   s  soft      read-only     │
//! └───────────────── 1-2 of 8 · esc ─┘
//! ```
//! On a low screen the items scroll with the cursor, and the frame says so.

use super::{boxed, visible};
use crate::app::state::{Menu, MenuItem};
use crate::app::{Spot, State};
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::{glyphs, words};

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, menu: &Menu) {
    let folded = state.folded(&menu.targets);
    let title = match menu.targets.len() {
        0 | 1 => format!("{}: {folded}", menu.title),
        many => format!("{}: {} · {folded}", menu.title, words::count(many, "node")),
    };
    let hidden = (menu.hidden > 0).then(|| {
        let marked = words::count(menu.hidden, "marked node");
        format!("{marked} hidden by the filter")
    });
    let labels: Vec<String> = menu.items.iter().map(label).collect();
    let key_width = menu.items.iter().map(|item| canvas.width(&key(item))).max().unwrap_or(0);
    let before = 2 + key_width + 2;
    let label_width = labels.iter().map(|label| canvas.width(label)).max().unwrap_or(0);
    let reasons = menu.items.iter().filter_map(|item| item.disabled.as_ref());
    let reason_width = reasons.map(|reason| canvas.width(reason) + 2).max().unwrap_or(0);
    let mut width = before + label_width + reason_width;
    width = width.max(canvas.width(&title) + 2).max(hidden.as_ref().map_or(0, |text| canvas.width(text)));
    width = width.max(28).min(state.size.0.saturating_sub(4));
    let rows = menu.items.len() + usize::from(hidden.is_some());
    let size = (width, u16::try_from(rows).unwrap_or(u16::MAX));
    let room = usize::from(size.1.min(visible(state))).saturating_sub(usize::from(hidden.is_some())).max(1);
    let first = (menu.cursor + 1).saturating_sub(room);
    let footer = if room < menu.items.len() {
        format!("{}-{} of {} · esc", first + 1, first + room, menu.items.len())
    } else {
        "esc".to_owned()
    };
    let area = boxed(canvas, state, size, &title, &footer, Role::Menu);
    let mut y = area.y;
    for (index, (item, label)) in menu.items.iter().zip(&labels).enumerate().skip(first).take(room) {
        let here = index == menu.cursor;
        let base = canvas.style(if item.disabled.is_some() { Role::MenuDisabled } else { Role::Menu });
        if here {
            canvas.put(area.x, y, 1, &glyphs::CURSOR.to_string(), base);
        }
        canvas.spot(crate::app::Area { y, height: 1, ..area }, Spot::Item(index));
        let key_style = if item.disabled.is_some() { base } else { canvas.style(Role::HintKey) };
        canvas.put(area.x + 2, y, key_width, &key(item), key_style);
        canvas.put(area.x + before, y, area.width.saturating_sub(before), label, base);
        if let Some(reason) = &item.disabled {
            let x = area.x + before + label_width + 2;
            canvas.put(x, y, (area.x + area.width).saturating_sub(x), reason, base);
        }
        if here {
            let style = canvas.look().theme.style(Role::MenuCursor);
            canvas.patch(crate::app::Area { y, height: 1, ..area }, style);
        }
        y += 1;
    }
    if let Some(hidden) = hidden.filter(|_| y < area.y + area.height) {
        let style = canvas.style(Role::NoticeWarn);
        canvas.put(area.x, y, area.width, &hidden, style);
    }
}

fn key(item: &MenuItem) -> String {
    item.keys.first().map(ToString::to_string).unwrap_or_default()
}

fn label(item: &MenuItem) -> String {
    match item.checked {
        Some(true) => format!("[x] {}", item.label),
        Some(false) => format!("[ ] {}", item.label),
        None => item.label.clone(),
    }
}
