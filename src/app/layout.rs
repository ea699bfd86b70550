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
