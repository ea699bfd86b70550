//! Copies a console's frame into the cell buffer.
//!
//! The grid's size belongs to the console: a smaller pane shows a part of it. What comes in was
//! written by the node: a cell that the outer terminal would measure differently than the emulator
//! is replaced, or everything to its right would shift.

use super::canvas::Canvas;
use super::glyphs::{REPLACEMENT, is_unsafe, twin};
use super::{Glyphs, canvas};
use crate::app::Area;
use crate::screen::{Cell, Color, Frame, Style as NodeStyle};
use crate::theme::{ColorDepth, Role, Theme};
use ratatui::style::{Color as Shown, Modifier, Style};
use unicode_width::UnicodeWidthStr;

/// Columns by which a view moves sideways: moving by one with every typed character would redraw the
/// whole pane each time.
const SIDE_STEP: u16 = 8;

/// The first column and row of the part that is shown: the cursor is in it.
pub(super) fn viewport(frame: &Frame, width: u16, height: u16) -> (u16, u16) {
    let (column, row) = frame.cursor.unwrap_or((0, 0));
    (side(column, frame.cols, width), (row + 1).saturating_sub(height))
}

/// The first column shown so that `column` is visible.
pub(super) fn side(column: u16, columns: u16, width: u16) -> u16 {
    let needed = (column + 1).saturating_sub(width);
    needed.next_multiple_of(SIDE_STEP).min(columns.saturating_sub(width))
}

/// One row of the frame from column `from` on, into the line `at` (height 1).
pub(super) fn row(canvas: &mut Canvas<'_>, cells: &[Cell], from: u16, at: Area) {
    let theme = &canvas.look().theme;
    let base = canvas.style(Role::Text);
    let ascii = canvas.look().glyphs == Glyphs::Ascii;
    let visible = cells.iter().skip(usize::from(from));
    let mut right_half = false;
    for (x, cell) in (at.x..at.x + at.width).zip(visible) {
        let style = base.patch(style(cell.style, theme));
        let room = at.x + at.width - x;
        let symbol = match cell.width {
            // The left half is there, or was cut off by the edge.
            0 => None,
            2 if room < 2 || ascii => None,
            _ => symbol(cell, ascii),
        };
        // The buffer keeps a blank under the right half; it must not be styled differently, or the
        // outer terminal would be sent half a character.
        if right_half && cell.width == 0 {
            canvas.cell(x, at.y, " ", style);
            right_half = false;
            continue;
        }
        right_half = cell.width == 2 && symbol.is_some();
        let blank = if cell.width == 2 && ascii { "?" } else { " " };
        canvas.cell(x, at.y, symbol.as_deref().unwrap_or(blank), style);
    }
}

/// What is written for a cell; `None` for a blank.
fn symbol(cell: &Cell, ascii: bool) -> Option<String> {
    if cell.style.hidden || cell.ch == ' ' && cell.marks.is_none() {
        return None;
    }
    if is_unsafe(cell.ch) {
        return None;
    }
    if ascii && !cell.ch.is_ascii() {
        return twin(cell.ch).get(..1).map(str::to_owned);
    }
    let width = usize::from(cell.width);
    if canvas::columns(cell.ch) != width {
        return (width == 1).then(|| REPLACEMENT.to_string());
    }
    let mut text = cell.ch.to_string();
    let marks =
        cell.marks.as_deref().filter(|_| !ascii).unwrap_or("").chars().filter(|mark| !is_unsafe(*mark));
    text.extend(marks);
    // A variation selector can make a narrow character wide.
    if text.width() != width {
        text.truncate(cell.ch.len_utf8());
    }
    Some(text)
}

fn style(style: NodeStyle, theme: &Theme) -> Style {
    let depth = theme.depth();
    let mut shown = Style::default();
    if style.fg != Color::Default {
        shown.fg = Some(color(style.fg, depth));
    }
    if style.bg != Color::Default {
        shown.bg = Some(color(style.bg, depth));
    }
    shown.fg = theme.node_foreground(shown.fg, shown.bg);
    let attributes = [
        (style.bold, Modifier::BOLD),
        (style.dim, Modifier::DIM),
        (style.italic, Modifier::ITALIC),
        (style.underline, Modifier::UNDERLINED),
        (style.reverse, Modifier::REVERSED),
        (style.strike, Modifier::CROSSED_OUT),
    ];
    for (set, modifier) in attributes {
        if set {
            shown = shown.add_modifier(modifier);
        }
    }
    // Firmware menus mark the chosen line by its background alone.
    if depth == ColorDepth::Mono && style.bg != Color::Default && !dark(style.bg) {
        shown = shown.add_modifier(Modifier::REVERSED);
    }
    shown
}

fn color(color: Color, depth: ColorDepth) -> Shown {
    depth.reduce(match color {
        Color::Default => Shown::Reset,
        Color::Indexed(index) => Shown::Indexed(index),
        Color::Rgb(r, g, b) => Shown::Rgb(r, g, b),
    })
}

/// Black and blue: the usual grounds of firmware screens.
fn dark(color: Color) -> bool {
    match color {
        Color::Default | Color::Indexed(0 | 4 | 16..=21) => true,
        Color::Indexed(_) => false,
        Color::Rgb(r, g, _) => r < 64 && g < 64,
    }
}
