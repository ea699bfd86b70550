//! Writes text into the cell buffer: cut to its room, safe, in the terminal's glyphs.
//!
//! Everything that is drawn goes through here or through `blit`, so that no control character and
//! no bidi override from a node's name or a BMC's answer reaches the outer terminal.

use super::Look;
use super::glyphs::{ELLIPSIS, Lines, REPLACEMENT, is_unsafe};
use crate::app::{Area, Spot, Spots};
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::style::Style;
use unicode_width::UnicodeWidthChar;

/// The buffer with the look to draw in.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    look: &'a Look,
    ground: Role,
    cursor: Option<(u16, u16)>,
    spots: Spots,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, look: &'a Look, spots: Spots) -> Canvas<'a> {
        Canvas { buffer, look, ground: Role::Text, cursor: None, spots }
    }

    /// Notes what a click on `area` means; what is noted later lies over it.
    pub(super) fn spot(&mut self, area: Area, spot: Spot) {
        self.spots.add(area, spot);
    }

    /// What can be clicked of all that was drawn.
    pub(super) fn into_spots(self) -> Spots {
        self.spots
    }

    pub(super) fn look(&self) -> &'a Look {
        self.look
    }

    /// What the following is drawn on: the screen, the title bar, a dialog.
    pub(super) fn set_ground(&mut self, ground: Role) {
        self.ground = ground;
    }

    /// The style of a role on the ground.
    pub(super) fn style(&self, role: Role) -> Style {
        let theme = &self.look.theme;
        let ground = theme.style(Role::Text).patch(theme.style(self.ground));
        // Ordinary text is the ground's own.
        if role == Role::Text { ground } else { ground.patch(theme.style(role)) }
    }

    /// Where the terminal's own cursor stands; the last one set wins, since overlays come last.
    pub(super) fn cursor(&self) -> Option<(u16, u16)> {
        self.cursor
    }

    pub(super) fn set_cursor(&mut self, x: u16, y: u16) {
        self.cursor = self.buffer.area.contains((x, y).into()).then_some((x, y));
    }

    pub(super) fn hide_cursor(&mut self) {
        self.cursor = None;
    }

    pub(super) fn clear_all(&mut self) {
        let style = self.style(Role::Text);
        let all = self.buffer.area;
        self.fill(Area { x: all.x, y: all.y, width: all.width, height: all.height }, style);
    }

    /// Blanks in one style.
    pub(super) fn fill(&mut self, area: Area, style: Style) {
        for y in area.y..area.y.saturating_add(area.height) {
            for x in area.x..area.x.saturating_add(area.width) {
                self.cell(x, y, " ", style);
            }
        }
    }

    /// Adds a style to what is drawn already.
    pub(super) fn patch(&mut self, area: Area, style: Style) {
        for y in area.y..area.y.saturating_add(area.height) {
            for x in area.x..area.x.saturating_add(area.width) {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.set_style(style);
                }
            }
        }
    }

    /// One cell; what lies outside the buffer is dropped.
    pub(super) fn cell(&mut self, x: u16, y: u16, symbol: &str, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.reset();
            cell.set_symbol(symbol);
            cell.set_style(style);
        }
    }

    /// Text from `x` on in at most `width` columns, with an ellipsis where it is cut. Returns the
    /// columns used.
    pub(super) fn put(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let chars: Vec<char> = self.shown(text);
        let total: usize = chars.iter().map(|ch| columns(*ch)).sum();
        let room = usize::from(width);
        let (limit, cut) = if total > room { (room.saturating_sub(1), true) } else { (room, false) };
        let mut used = 0;
        for ch in chars {
            let wide = columns(ch);
            if used + wide > limit {
                break;
            }
            self.glyph(x, used, y, ch, style);
            used += wide;
        }
        if cut && room > 0 {
            let ellipsis = self.shown(ELLIPSIS.encode_utf8(&mut [0; 4]));
            for ch in ellipsis {
                self.glyph(x, used, y, ch, style);
                used += 1;
            }
        }
        u16::try_from(used).unwrap_or(width)
    }

    fn glyph(&mut self, x: u16, offset: usize, y: u16, ch: char, style: Style) {
        let Ok(x) = u16::try_from(usize::from(x) + offset) else {
            return;
        };
        self.cell(x, y, ch.encode_utf8(&mut [0; 4]), style);
        if columns(ch) == 2 {
            // The right half belongs to the character; the buffer keeps a blank there.
            self.cell(x.saturating_add(1), y, " ", style);
        }
    }

    /// Columns that a text takes.
    pub(super) fn width(&self, text: &str) -> u16 {
        let total: usize = self.shown(text).into_iter().map(columns).sum();
        u16::try_from(total).unwrap_or(u16::MAX)
    }

    /// The characters that are drawn for a text.
    fn shown(&self, text: &str) -> Vec<char> {
        let mut shown = Vec::with_capacity(text.len());
        for ch in text.chars() {
            let ch = if is_unsafe(ch) { REPLACEMENT } else { ch };
            if let Some(twin) = self.look.glyphs.twin(ch) {
                shown.extend(twin.chars());
            } else if columns(ch) > 0 {
                shown.push(ch);
            }
        }
        shown
    }

    /// A frame around `area`, its inside blank.
    ///
    /// ```text
    /// ┌ title ─────────┐
    /// └─ left ── right ┘
    /// ```
    pub(super) fn frame(&mut self, area: Area, lines: &Lines, style: Style) {
        if area.width < 2 || area.height < 2 {
            return;
        }
        let (right, bottom) = (area.x + area.width - 1, area.y + area.height - 1);
        for x in area.x + 1..right {
            self.line_cell(x, area.y, lines.horizontal, style);
            self.line_cell(x, bottom, lines.horizontal, style);
        }
        for y in area.y + 1..bottom {
            self.line_cell(area.x, y, lines.vertical, style);
            self.line_cell(right, y, lines.vertical, style);
        }
        let ends = [(area.x, area.y), (right, area.y), (area.x, bottom), (right, bottom)];
        for ((x, y), corner) in ends.into_iter().zip(lines.corners) {
            self.line_cell(x, y, corner, style);
        }
    }

    fn line_cell(&mut self, x: u16, y: u16, ch: char, style: Style) {
        let symbol = self.look.glyphs.twin(ch).and_then(|twin| twin.chars().next()).unwrap_or(ch);
        self.cell(x, y, symbol.encode_utf8(&mut [0; 4]), style);
    }

    /// A piece of text of a frame's line, with a blank on both sides; `from` counts from the left
    /// corner. Returns the columns used.
    pub(super) fn on_frame(&mut self, area: Area, y: u16, from: u16, text: &str, style: Style) -> u16 {
        let room = area.width.saturating_sub(from + 2);
        if text.is_empty() || room < 4 {
            return 0;
        }
        let x = area.x + 1 + from;
        self.put(x, y, room, &format!(" {text} "), style)
    }

    /// The same, against the right corner; nothing when it does not fit beside `taken` columns.
    pub(super) fn on_frame_right(&mut self, area: Area, y: u16, taken: u16, text: &str, style: Style) {
        let width = self.width(text) + 2;
        let room = area.width.saturating_sub(taken + 2);
        if !text.is_empty() && width < room {
            let x = area.x + area.width - 2 - width;
            self.put(x, y, width, &format!(" {text} "), style);
        }
    }
}

/// Columns of a character that is safe to show.
pub(super) fn columns(ch: char) -> usize {
    ch.width().unwrap_or(0)
}
