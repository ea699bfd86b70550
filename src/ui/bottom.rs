//! The two lines at the bottom: the newest notice, and which keys do something now.
//!
//! ```text
//!  ! power off: 3 confirmed, 1 failed: r1n04 (no answer)  L shows all
//!  c console  p power  b boot  m BMC  space mark  / filter  : command  ? help
//! ```

use super::canvas::Canvas;
use crate::app::message::Level;
use crate::app::state::PrefixState;
use crate::app::{self, State};
use crate::theme::Role;

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State) {
    notice(canvas, state);
    hints(canvas, state);
}

fn notice(canvas: &mut Canvas<'_>, state: &State) {
    let area = state.layout.notice;
    if state.quitting {
        let style = canvas.style(Role::Banner);
        canvas.put(
            area.x,
            area.y,
            area.width,
            " ending: consoles are detached, what is being asked is finished ",
            style,
        );
        return;
    }
    let Some(notice) = state.current_notice() else {
        return;
    };
    let (role, glyph) = match notice.level {
        Level::Info => (Role::NoticeInfo, ' '),
        Level::Warning => (Role::NoticeWarn, '?'),
        Level::Error => (Role::NoticeError, '!'),
    };
    let style = canvas.style(role);
    let used = canvas.put(area.x, area.y, area.width, &format!("{glyph} {}", notice.text), style);
    if let Some(hint) = &notice.hint {
        let style = canvas.style(Role::HintText);
        let room = area.width.saturating_sub(used + 2);
        // A hint that is cut is worse than none: the action log has it.
        if canvas.width(hint) <= room {
            canvas.put(area.x + used + 2, area.y, room, hint, style);
        }
    }
}

/// The hints that fit, in their order; the last, help, always stays. Over them, who is typed into.
fn hints(canvas: &mut Canvas<'_>, state: &State) {
    let area = state.layout.hints;
    if !state.several.is_empty() && state.overlays.is_empty() && state.prefix_state == PrefixState::None {
        let (nodes, end) = (state.folded(&state.several_nodes()), state.after_prefix("type into several"));
        let text = format!(" {end} ends typing into {}: {nodes} ", state.several.len());
        canvas.put(area.x, area.y, area.width, &text, canvas.style(Role::Banner));
        return;
    }
    let (key_style, text_style) = (canvas.style(Role::HintKey), canvas.style(Role::HintText));
    let hints = app::hints(state);
    let width =
        |canvas: &Canvas<'_>, hint: &(String, String)| canvas.width(&hint.0) + canvas.width(&hint.1) + 3;
    let Some((last, others)) = hints.split_last() else {
        return;
    };
    let mut left = area.width.saturating_sub(1 + width(canvas, last));
    let mut shown = Vec::new();
    for hint in others {
        let needed = width(canvas, hint);
        if needed > left {
            continue;
        }
        left -= needed;
        shown.push(hint);
    }
    shown.push(last);
    let mut x = area.x + 1;
    for (key, text) in shown {
        let end = area.x + area.width;
        x += canvas.put(x, area.y, end.saturating_sub(x), key, key_style) + 1;
        x += canvas.put(x, area.y, end.saturating_sub(x), text, text_style) + 2;
    }
}
