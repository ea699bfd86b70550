//! Where things are on the screen: decided here (the state needs the page size and the visible
//! nodes), drawn by `ui`.
//!
//! ```text
//! title bar (1)
//! table: header (1) + rows             at least 5 rows, a third of the height with panes
//! panes: side by side from 100 columns, stacked below
//! notice line (1, always kept so that nothing jumps)
//! hints (1)
//! ```

use super::{State, state::Focus};
use crate::hub::message::ConsoleId;

/// A rectangle in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Area {
    /// Left column.
    pub x: u16,
    /// Top row.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// The screen's division.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// Below 40x8 there is only this one message.
    pub too_small: bool,
    /// Title bar.
    pub title: Area,
    /// Table with its header line; height 0 when a pane is zoomed.
    pub table: Area,
    /// Panes that are shown, frame included.
    pub panes: Vec<(ConsoleId, Area)>,
    /// Notice line.
    pub notice: Area,
    /// Hints line.
    pub hints: Area,
}

/// Below this size there is only a message.
const SMALLEST: (u16, u16) = (40, 8);
/// From this width on panes stand side by side.
const SIDE_BY_SIDE: u16 = 100;
/// Columns that a pane side by side has at least, frame included.
const PANE_COLUMNS: u16 = 50;
/// Rows that a stacked pane has at least, frame included.
const PANE_ROWS: u16 = 6;
/// Rows of the table beside panes at least, header included.
const TABLE_ROWS: u16 = 6;
/// Title, notice and hints.
const LINES: u16 = 3;

impl Layout {
    /// Rows of nodes that the table shows.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.table.height.saturating_sub(1))
    }

    /// Where a console is drawn, frame included.
    #[must_use]
    pub fn pane(&self, console: ConsoleId) -> Option<Area> {
        let found = self.panes.iter().find(|(id, _)| *id == console);
        found.map(|(_, area)| *area)
    }
}

impl Area {
    /// Without its frame of one cell.
    #[must_use]
    pub fn inner(self) -> Area {
        Area {
            x: self.x.saturating_add(1),
            y: self.y.saturating_add(1),
            width: self.width.saturating_sub(2),
            height: self.height.saturating_sub(2),
        }
    }
}

/// Divides the screen.
#[must_use]
pub fn compute(state: &State) -> Layout {
    let (width, height) = state.size;
    if width < SMALLEST.0 || height < SMALLEST.1 {
        return Layout { too_small: true, ..Layout::default() };
    }
    let line = |y| Area { x: 0, y, width, height: 1 };
    let body = Area { x: 0, y: 1, width, height: height - LINES };
    let (table, panes) = divide(state, body);
    Layout {
        too_small: false,
        title: line(0),
        table,
        panes,
        notice: line(height - 2),
        hints: line(height - 1),
    }
}

/// Table and panes within `body`.
fn divide(state: &State, body: Area) -> (Area, Vec<(ConsoleId, Area)>) {
    let focused = match state.focus {
        Focus::Pane(console) => Some(console),
        Focus::Table => None,
    };
    let none = Area { height: 0, ..body };
    if state.panes.is_empty() {
        return (body, Vec::new());
    }
    let cramped = body.height < TABLE_ROWS + 4;
    match focused {
        Some(console) if state.zoom || cramped => return (none, vec![(console, body)]),
        None if cramped => return (body, Vec::new()),
        _ => {}
    }
    // A short fleet leaves its rows to the panes. Counted without the filter, so that typing a
    // filter moves nothing.
    let rows = u16::try_from(state.present().count() + 1).unwrap_or(u16::MAX).max(3);
    let table = Area { height: TABLE_ROWS.max(body.height / 3).min(rows), ..body };
    let rest = Area { y: body.y + table.height, height: body.height - table.height, ..body };
    let side_by_side = body.width >= SIDE_BY_SIDE;
    let room = if side_by_side { rest.width / PANE_COLUMNS } else { (rest.height / PANE_ROWS).max(1) };
    let shown = usize::from(room).min(state.panes.len());
    let wanted = focused.or(state.last_pane);
    let at = state.panes.iter().position(|pane| Some(pane.console) == wanted).unwrap_or(0);
    let first = (at + 1).saturating_sub(shown);
    let parts = u16::try_from(shown).unwrap_or(1);
    let mut panes = Vec::with_capacity(shown);
    for (n, pane) in (0u16..).zip(&state.panes[first..first + shown]) {
        let (total, start) = if side_by_side { (rest.width, rest.x) } else { (rest.height, rest.y) };
        let from = share(total, n, parts);
        let size = share(total, n + 1, parts) - from;
        let area = if side_by_side {
            Area { x: start + from, width: size, ..rest }
        } else {
            Area { y: start + from, height: size, ..rest }
        };
        panes.push((pane.console, area));
    }
    (table, panes)
}

/// Where part `n` of `parts` begins.
fn share(total: u16, n: u16, parts: u16) -> u16 {
    let at = u32::from(total) * u32::from(n) / u32::from(parts.max(1));
    u16::try_from(at).unwrap_or(total)
}
