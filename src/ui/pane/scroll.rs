//! A frozen view of a console's history: selection, match, position, search.
//!
//! ```text
//! ┃ [  12.3] sd 0:0:0:0: attached                   ┃
//! ┗ scrollback 12 of 2000 lines back ━ /attached_ ━┛
//! ```

use crate::app::Area;
use crate::app::state::{Pane, Scroll};
use crate::fleet::LinePos;
use crate::screen::Frame;
use crate::theme::Role;
use crate::ui::blit;
use crate::ui::canvas::Canvas;
use crate::ui::overlay::input;

pub(super) fn draw(canvas: &mut Canvas<'_>, pane: &Pane, scroll: &Scroll, area: Area, focused: bool) {
    let inner = area.inner();
    let Some(frame) = &pane.frame else {
        return;
    };
    let from = blit::side(scroll.cursor.col, frame.cols, inner.width);
    let lines = scroll.top..scroll.top + u64::from(inner.height);
    for (y, line) in (inner.y..).zip(lines) {
        // The frame may still be the one before: lines go by their number, not by their place.
        let Some(row) = line.checked_sub(frame.top).and_then(|row| u16::try_from(row).ok()) else {
            continue;
        };
        let at = Area { y, height: 1, ..inner };
        blit::row(canvas, frame.row(row), from, at);
        highlight(canvas, frame, scroll, line, from, at);
    }
    status(canvas, frame, scroll, area, focused);
    let row = scroll.cursor.line.checked_sub(scroll.top).and_then(|row| u16::try_from(row).ok());
    let column = scroll.cursor.col.saturating_sub(from);
    let visible = row.filter(|row| *row < inner.height && column < inner.width);
    if let Some(row) = visible.filter(|_| focused && scroll.typing.is_none()) {
        canvas.set_cursor(inner.x + column, inner.y + row);
    }
}

/// Selection first, then the match: it must be seen inside a selection.
fn highlight(canvas: &mut Canvas<'_>, frame: &Frame, scroll: &Scroll, line: u64, from: u16, at: Area) {
    let mut mark = |role: Role, start: LinePos, end: LinePos| {
        let Some((first, last)) = columns(line, start, end, frame.cols) else {
            return;
        };
        let first = first.max(from) - from;
        let after = (last + 1).saturating_sub(from).min(at.width);
        if first < after {
            let style = canvas.look().theme.style(role);
            canvas.patch(Area { x: at.x + first, width: after - first, ..at }, style);
        }
    };
    if let Some((anchor, whole_lines)) = scroll.select {
        let (mut start, mut end) = (anchor.min(scroll.cursor), anchor.max(scroll.cursor));
        if whole_lines {
            start.col = 0;
            end.col = frame.cols.saturating_sub(1);
        }
        mark(Role::Selection, start, end);
    }
    if let Some((start, end)) = scroll.found {
        mark(Role::Match, start, end);
    }
}

/// First and last column of `line` between two positions, both included.
fn columns(line: u64, start: LinePos, end: LinePos, width: u16) -> Option<(u16, u16)> {
    if line < start.line || line > end.line || width == 0 {
        return None;
    }
    let first = if line == start.line { start.col } else { 0 };
    let last = if line == end.line { end.col.min(width - 1) } else { width - 1 };
    (first <= last).then_some((first, last))
}

/// The bottom line: where one is, and the search.
fn status(canvas: &mut Canvas<'_>, frame: &Frame, scroll: &Scroll, area: Area, focused: bool) {
    let bottom = area.y + area.height - 1;
    let banner = canvas.style(Role::Banner);
    let back = frame.live_top.saturating_sub(scroll.top);
    let kept = frame.live_top.saturating_sub(frame.oldest);
    let used = canvas.on_frame(area, bottom, 0, &format!("scrollback {back} of {kept} lines back"), banner);
    let rest =
        Area { x: area.x + 1 + used, y: bottom, width: area.width.saturating_sub(used + 2), height: 1 };
    if let Some((typed, backward)) = &scroll.typing {
        let sign = if *backward { "?" } else { "/" };
        input::draw(canvas, rest, sign, typed, focused);
        return;
    }
    let text = match (&scroll.message, &scroll.search, &scroll.select) {
        (Some(message), _, _) => message.clone(),
        (None, _, Some((_, true))) => "selecting lines".to_owned(),
        (None, _, Some((_, false))) => "selecting".to_owned(),
        (None, Some((pattern, true)), None) => format!("?{pattern}"),
        (None, Some((pattern, false)), None) => format!("/{pattern}"),
        (None, None, None) => String::new(),
    };
    let style = canvas.style(if scroll.message.is_some() { Role::NoticeWarn } else { Role::Input });
    canvas.on_frame(area, bottom, used, &text, style);
}
