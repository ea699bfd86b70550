//! The table of nodes.
//!
//! ```text
//!   NODE▾    TAGS      POWER     AGE  BOOT      CONSOLE  NOTE                2/480
//!   r1n01    compute   ● on           -         ● sol 1
//! ▸+r1n02    compute   ○ off          pxe once  -
//! ```
//! The cursor and the marks have a column of their own each: never by colour alone.

use super::canvas::Canvas;
use super::columns::{self, Column};
use super::glyphs;
use crate::app::commands::Context;
use crate::app::{Area, Focus, Spot, State};
use crate::fleet::NodeId;
use crate::theme::Role;

/// Columns before the first: cursor and mark.
const GUTTER: u16 = 2;

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State) {
    let area = state.layout.table;
    if area.height == 0 {
        return;
    }
    canvas.spot(area, Spot::Table);
    let columns = columns::fit(state, area.width.saturating_sub(GUTTER));
    header(canvas, state, &columns);
    let rows = Area { y: area.y + 1, height: area.height - 1, ..area };
    if state.table.order.is_empty() {
        return empty(canvas, state, rows);
    }
    let range = state.range();
    let shown = state.table.order.iter().skip(state.table.top);
    for (y, node) in (rows.y..rows.y + rows.height).zip(shown) {
        let line = Area { y, height: 1, ..area };
        row(canvas, state, line, &columns, *node, range.contains(node));
    }
}

fn header(canvas: &mut Canvas<'_>, state: &State, columns: &[(&Column, u16)]) {
    let area = state.layout.table;
    let style = canvas.style(Role::Header);
    let mut x = area.x + GUTTER;
    for (column, width) in columns {
        let mut title = column.header.to_owned();
        if column.sort == Some(state.table.sort) {
            title.push(if state.table.reverse { glyphs::ASCENDING } else { glyphs::DESCENDING });
        }
        canvas.put(x, area.y, *width, &title, style);
        if let Some(sort) = column.sort {
            canvas.spot(Area { x, width: *width, height: 1, ..area }, Spot::Heading(sort));
        }
        x += width + 1;
    }
    // Where one is, when not everything fits.
    let total = state.table.order.len();
    if total > usize::from(area.height - 1) {
        let at = state.table.order.iter().position(|node| Some(*node) == state.table.cursor);
        let text = format!(" {}/{total} ", at.map_or(0, |at| at + 1));
        let width = canvas.width(&text);
        canvas.put(area.x + area.width.saturating_sub(width), area.y, width, &text, style);
    }
}

fn row(
    canvas: &mut Canvas<'_>,
    state: &State,
    line: Area,
    columns: &[(&Column, u16)],
    node: NodeId,
    in_range: bool,
) {
    let Some(row) = state.row(node) else {
        return;
    };
    canvas.spot(line, Spot::Row(node));
    let under_cursor = state.table.cursor == Some(node);
    let marked = in_range || state.table.marks.contains(&node);
    let base = canvas.style(if marked { Role::RowMarked } else { Role::Text });
    if under_cursor {
        canvas.put(line.x, line.y, 1, &glyphs::CURSOR.to_string(), base);
    }
    if marked {
        canvas.put(line.x + 1, line.y, 1, &glyphs::MARK.to_string(), base);
    }
    let mut x = line.x + GUTTER;
    for (column, width) in columns {
        let cell = (column.cell)(state, row);
        let style = if cell.role == Role::Text { base } else { canvas.style(cell.role) };
        let room = (line.x + line.width).saturating_sub(x).min(*width);
        canvas.put(x, line.y, room, &cell.text, style);
        x += width + 1;
    }
    if under_cursor {
        let role = if state.focus == Focus::Table { Role::RowCursor } else { Role::RowCursorBlur };
        let style = canvas.look().theme.style(role);
        canvas.patch(line, style);
    }
}

fn empty(canvas: &mut Canvas<'_>, state: &State, rows: Area) {
    let text = if state.nodes.is_empty() {
        "no nodes are configured; lightsout config path says which file is read".to_owned()
    } else {
        format!("no node passes the filter; {} changes it", state.keys.key_in(Context::Table, "filter"))
    };
    let style = canvas.style(Role::Dim);
    if rows.height > 0 {
        canvas.put(rows.x + GUTTER, rows.y, rows.width.saturating_sub(GUTTER), &text, style);
    }
}
