//! A picture of a console: cells, cursor, modes.

use serde::{Deserialize, Serialize};

/// A colour as the node asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Color {
    /// The pane's own.
    #[default]
    Default,
    /// One of 256; 0 to 15 are the terminal's own.
    Indexed(u8),
    /// 24 bits.
    Rgb(u8, u8, u8),
}

/// Colours and attributes of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Style {
    /// Foreground.
    pub fg: Color,
    /// Background.
    pub bg: Color,
    /// Attributes.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined (any kind).
    pub underline: bool,
    /// Foreground and background swapped.
    pub reverse: bool,
    /// Drawn as blank.
    pub hidden: bool,
    /// Struck through.
    pub strike: bool,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cell {
    /// The character; a space for an empty cell and for the right half of a wide character.
    /// Never a control character.
    pub ch: char,
    /// Combining marks, at most 8.
    pub marks: Option<Box<str>>,
    /// Columns it takes: 1, 2 for wide, 0 for the right half of a wide one.
    pub width: u8,
    /// Look.
    pub style: Style,
}

/// Modes of the node's terminal that decide how keys are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Modes {
    /// Application cursor keys (DECCKM).
    pub app_cursor: bool,
    /// Application keypad (DECKPAM).
    pub app_keypad: bool,
    /// Bracketed paste (2004).
    pub bracketed_paste: bool,
    /// Line feed mode (LNM): enter sends CR LF.
    pub line_feed: bool,
}

/// A picture of a console. Live: the console's whole grid. Frozen: some lines of its history.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Frame {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// `rows * cols` cells, row by row.
    pub cells: Vec<Cell>,
    /// Column and row of the cursor; `None` when hidden or in a frozen view.
    pub cursor: Option<(u16, u16)>,
    /// Absolute line number of the first row.
    pub top: u64,
    /// Whether it is the live screen.
    pub live: bool,
    /// Absolute number of the oldest line that is still kept.
    pub oldest: u64,
    /// Absolute number of the live screen's first row.
    pub live_top: u64,
    /// Modes that decide how keys are encoded.
    pub modes: Modes,
    /// Grows by one with every picture of this console.
    pub seq: u64,
}

impl Frame {
    /// The cells of one row; empty when there is no such row.
    #[must_use]
    pub fn row(&self, row: u16) -> &[Cell] {
        let cols = usize::from(self.cols);
        let start = usize::from(row) * cols;
        self.cells.get(start..start + cols).unwrap_or(&[])
    }

    /// One row's text without trailing blanks.
    #[must_use]
    pub fn line_text(&self, row: u16) -> String {
        let mut text = String::new();
        for cell in self.row(row).iter().filter(|cell| cell.width > 0) {
            text.push(cell.ch);
            text.push_str(cell.marks.as_deref().unwrap_or(""));
        }
        text.truncate(text.trim_end().len());
        text
    }
}
