//! The grid: `alacritty_terminal` behind the gate, its history drained into the store.
//!
//! Pinned to 0.26.0 since we rely on how that version behaves: its own ED 2 scrolls the screen
//! into the history, it panics with the kitty keyboard on (4,100 pushes) and loops for ever at one
//! column. Bytes reach it only through [`Sink`], in steps small enough that its own short history
//! cannot overflow before it is drained. Called by `emulator` and `view`.

use super::gate::{Act, Sink};
use super::store::Store;
use super::{Cell, Color, Modes, Style};
use alacritty_terminal::event::VoidListener;
use alacritty_terminal::grid::{Dimensions, Row};
use alacritty_terminal::index::{Column, Line, Point};
use alacritty_terminal::term::cell::{Cell as TermCell, Flags};
use alacritty_terminal::term::{Config, Osc52, Term, TermMode};
use alacritty_terminal::vte::ansi::{Color as TermColor, NamedColor, Processor};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Lines alacritty keeps before they are drained.
const HISTORY: usize = 256;
/// Drained when it holds this many.
const DRAIN: usize = 128;
/// Bytes given to the grid at once: each can scroll by one line at most.
const STEP: usize = HISTORY - DRAIN;
/// The largest grid a node can ask for.
pub(super) const MOST_COLS: u16 = 240;
/// See [`MOST_COLS`].
pub(super) const MOST_ROWS: u16 = 67;
/// Combining marks a cell may carry.
const MARKS: usize = 8;
/// Bytes of answers kept until they are taken.
const REPLIES: usize = 1024;

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) cols: u16,
    pub(super) rows: u16,
}

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        usize::from(self.rows)
    }

    fn screen_lines(&self) -> usize {
        usize::from(self.rows)
    }

    fn columns(&self) -> usize {
        usize::from(self.cols)
    }
}

/// The grid and everything that only its bytes change.
pub(super) struct Grid {
    term: Term<VoidListener>,
    parser: Processor,
    size: Size,
    grows: bool,
    /// Passed, but not yet given to `term`.
    pending: Vec<u8>,
    /// DECSTBM when it is not the whole screen; alacritty forgets it when the grid grows.
    region: Option<(u16, u16)>,
    /// The screen that was pushed into the history last, and the line after it.
    pushed: Option<(String, u64)>,
    replies: Vec<u8>,
    /// Lines that leave are not stored: bytes are replayed whose lines the store has.
    pub(super) forgetting: bool,
    /// Something passed since it was last asked.
    pub(super) touched: bool,
    scratch: Vec<Cell>,
    pub(super) store: Store,
}

impl Grid {
    pub(super) fn new(size: Size, grows: bool, store: Store) -> Grid {
        let config = Config {
            scrolling_history: HISTORY,
            kitty_keyboard: false,
            osc52: Osc52::Disabled,
            ..Config::default()
        };
        Grid {
            term: Term::new(config, &size, VoidListener),
            parser: Processor::new(),
            size,
            grows,
            pending: Vec::with_capacity(STEP + 16),
            region: None,
            pushed: None,
            replies: Vec::new(),
            forgetting: false,
            touched: true,
            scratch: Vec::new(),
            store,
        }
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    pub(super) fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.replies)
    }

    /// Number of the live screen's first row.
    pub(super) fn live_top(&self) -> u64 {
        self.store.next() + self.term.grid().history_size() as u64
    }

    /// Number of the oldest line kept.
    pub(super) fn oldest(&self) -> u64 {
        self.store.oldest().max(self.live_top().saturating_sub(self.store.limit() as u64))
    }

    pub(super) fn modes(&self) -> Modes {
        let mode = self.term.mode();
        Modes {
            app_cursor: mode.contains(TermMode::APP_CURSOR),
            app_keypad: mode.contains(TermMode::APP_KEYPAD),
            bracketed_paste: mode.contains(TermMode::BRACKETED_PASTE),
            line_feed: mode.contains(TermMode::LINE_FEED_NEW_LINE),
        }
    }

    /// Column and row; `None` when hidden.
    pub(super) fn cursor(&self) -> Option<(u16, u16)> {
        let point = self.term.grid().cursor.point;
        let at = (u16::try_from(point.column.0).ok()?, u16::try_from(point.line.0).ok()?);
        self.term.mode().contains(TermMode::SHOW_CURSOR).then_some(at)
    }

    /// Appends the cells of a line that is still in the grid; whether it goes on in the next.
    pub(super) fn cells(&self, number: u64, out: &mut Vec<Cell>) -> Option<bool> {
        let row = self.row_of(number)?;
        copy_row(&self.term.grid()[row], out);
        Some(wrapped(&self.term.grid()[row]))
    }

    fn row_of(&self, number: u64) -> Option<Line> {
        let row = i64::try_from(number).ok()? - i64::try_from(self.live_top()).ok()?;
        let oldest = -i64::try_from(self.term.grid().history_size()).ok()?;
        (oldest..i64::from(self.size.rows)).contains(&row).then_some(Line(i32::try_from(row).ok()?))
    }

    /// Gives the grid what is pending and drains its history when it is long.
    pub(super) fn settle(&mut self) {
        if !self.pending.is_empty() {
            self.parser.advance(&mut self.term, &self.pending);
            self.pending.clear();
            self.touched = true;
        }
        if self.term.grid().history_size() >= DRAIN {
            self.drain();
        }
    }

    /// Moves alacritty's history into the store.
    pub(super) fn drain(&mut self) {
        let lines = i32::try_from(self.term.grid().history_size()).unwrap_or(0);
        for line in (-lines..0).map(Line) {
            if self.forgetting {
                break;
            }
            let row = &self.term.grid()[line];
            self.scratch.clear();
            copy_row(row, &mut self.scratch);
            self.store.push(&self.scratch, wrapped(row));
        }
        self.term.grid_mut().clear_history();
    }

    fn now(&mut self, bytes: &[u8]) {
        self.settle();
        self.parser.advance(&mut self.term, bytes);
        self.touched = true;
        if self.term.grid().history_size() >= DRAIN {
            self.drain();
        }
    }

    fn alternate(&self) -> bool {
        self.term.mode().contains(TermMode::ALT_SCREEN)
    }

    /// Empties the main screen into the history, unless the same screen has just gone there.
    fn push_screen(&mut self) {
        let mut text = String::new();
        let mut end = 0;
        for line in (0..i32::from(self.size.rows)).map(Line) {
            let row = &self.term.grid()[line];
            // Not visiting untouched rows keeps a flood of ED 2 cheap.
            let columns = if row.is_clear() { 0 } else { usize::from(self.size.cols) };
            for cell in (0..columns).map(|column| &row[Column(column)]) {
                text.push(printable(cell.c));
                if cell.c != ' ' && cell.c != '\t' {
                    end = text.len();
                }
            }
            text.push('\n');
        }
        text.truncate(end);
        let same = self.pushed.as_ref().is_some_and(|(before, at)| *before == text && *at == self.live_top());
        if same || text.is_empty() {
            self.term.grid_mut().reset_region(..);
        } else {
            self.term.grid_mut().clear_viewport();
            self.drain();
            self.pushed = Some((text, self.live_top()));
        }
        self.touched = true;
    }

    /// Blanks; the cursor stays.
    fn clear(&mut self, keep: bool) {
        self.settle();
        if keep && !self.alternate() {
            self.push_screen();
        } else {
            self.term.grid_mut().reset_region(..);
            self.touched = true;
        }
    }

    fn grow(&mut self, row: u16, col: u16) {
        // What is beyond the largest grid is a probe for the size, not a place to draw at.
        if !self.grows || row > MOST_ROWS || col > MOST_COLS {
            return;
        }
        let size = Size { cols: self.size.cols.max(col), rows: self.size.rows.max(row) };
        if size == self.size {
            return;
        }
        self.settle();
        // With a history alacritty would pull lines back, and it would join wrapped lines: but
        // whoever addresses a cell means the screen as it stands.
        self.drain();
        let last = Column(usize::from(self.size.cols).saturating_sub(1));
        for line in (0..i32::from(self.size.rows)).map(Line) {
            self.term.grid_mut()[line][last].flags.remove(Flags::WRAPLINE);
        }
        self.size = size;
        self.term.resize(size);
        self.drain();
        if let Some((top, bottom)) = self.region {
            let cursor = self.term.grid().cursor.clone();
            self.now(format!("\x1b[{top};{bottom}r").as_bytes());
            self.term.grid_mut().cursor = cursor;
        }
        self.touched = true;
    }

    fn set_region(&mut self, top: u16, bottom: u16) {
        self.grow(bottom, 0);
        let top = top.max(1);
        let bottom = if bottom == 0 { self.size.rows } else { bottom.min(self.size.rows) };
        if top >= bottom {
            return;
        }
        self.region = (top > 1 || bottom < self.size.rows).then_some((top, bottom));
        self.now(format!("\x1b[{top};{bottom}r").as_bytes());
    }

    fn soft_reset(&mut self) {
        self.settle();
        let cursor = self.term.grid().cursor.point;
        self.now(
            b"\x1b[?25h\x1b[?6l\x1b[4l\x1b[20l\x1b[?7h\x1b[?1l\x1b>\x1b[r\x1b[m\x1b(B\x1b)B\x1b*B\x1b+B\x0f",
        );
        self.region = None;
        let grid = self.term.grid_mut();
        grid.saved_cursor = Default::default();
        grid.cursor.point = cursor;
    }

    fn mark(&mut self, c: char) {
        self.settle();
        let grid = self.term.grid();
        let mut column = grid.cursor.point.column;
        if !grid.cursor.input_needs_wrap {
            column = Column(column.0.saturating_sub(1));
        }
        let row = &grid[grid.cursor.point.line];
        if row[column].flags.contains(Flags::WIDE_CHAR_SPACER) {
            column = Column(column.0.saturating_sub(1));
        }
        let cell = &row[column];
        if cell.zerowidth().map_or(0, <[char]>::len) < MARKS {
            self.now(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn reply(&mut self, text: &str) {
        if self.replies.len() + text.len() <= REPLIES {
            self.replies.extend_from_slice(text.as_bytes());
        }
    }
}

impl Sink for Grid {
    fn pass(&mut self, bytes: &[u8]) {
        // Never in the middle of a character: vte 0.15 then drops the character after it. What is
        // longer than a step is ASCII.
        for step in bytes.chunks(STEP) {
            if self.pending.len() + step.len() > STEP {
                self.settle();
            }
            self.pending.extend_from_slice(step);
        }
    }

    fn act(&mut self, act: Act<'_>) {
        match act {
            Act::Mark(c) => self.mark(c),
            Act::Heavy(bytes) => self.now(bytes),
            Act::Clear { keep } => self.clear(keep),
            Act::ClearBelow { keep } => {
                self.settle();
                if self.term.grid().cursor.point == Point::new(Line(0), Column(0)) {
                    self.clear(keep);
                } else {
                    self.now(b"\x1b[J");
                }
            }
            Act::ClearAbove => {
                self.now(b"\x1b[1J");
                // alacritty leaves the first line alone when the cursor is in the second.
                if self.term.grid().cursor.point.line == 1 {
                    self.term.grid_mut().reset_region(..Line(1));
                }
            }
            Act::Reset { keep } => {
                self.now(b"\x1b[?1049l");
                if keep {
                    self.push_screen();
                }
                // RIS would clear what is not drained.
                self.drain();
                self.now(b"\x1bc");
                self.region = None;
            }
            Act::SoftReset => self.soft_reset(),
            Act::Alternate(on) => {
                self.settle();
                // The history of the hidden screen cannot be reached.
                self.drain();
                self.now(if on { b"\x1b[?1049h" } else { b"\x1b[?1049l" });
            }
            Act::Address { row, col } => self.grow(row, col),
            Act::Region { top, bottom } => self.set_region(top, bottom),
            Act::Identify => self.reply("\x1b[?6c"),
            Act::Status => self.reply("\x1b[0n"),
            Act::WhereIsCursor => {
                self.settle();
                let point = self.term.grid().cursor.point;
                self.reply(&format!("\x1b[{};{}R", point.line.0 + 1, point.column.0 + 1));
            }
        }
    }
}

fn wrapped(row: &Row<TermCell>) -> bool {
    row.last().is_some_and(|cell| cell.flags.contains(Flags::WRAPLINE))
}

/// Blank instead of what has no business in a cell (alacritty stores tabs).
fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// Appends a row's cells such that widths add up: alacritty lets insertions split wide characters.
/// Blank cells at the end are left out, also one that is only empty because the next character was
/// too wide for it.
fn copy_row(row: &Row<TermCell>, out: &mut Vec<Cell>) {
    let filler = row.last().is_some_and(|cell| cell.flags.contains(Flags::LEADING_WIDE_CHAR_SPACER));
    let cols = row.len() - usize::from(filler && wrapped(row));
    let blank = TermCell::default();
    let last = (0..cols).rev().find(|&column| wrapped(row) || row[Column(column)] != blank);
    let cols = last.map_or(0, |last| last + 1);
    let mut column = 0;
    while column < cols {
        let cell = &row[Column(column)];
        let style = style_of(cell);
        let c = printable(cell.c);
        let wide = cell.flags.contains(Flags::WIDE_CHAR)
            && c.width() == Some(2)
            && column + 1 < cols
            && row[Column(column + 1)].flags.contains(Flags::WIDE_CHAR_SPACER);
        let narrow = c.is_ascii() || c.width() == Some(1);
        let ch = if wide || narrow { c } else { ' ' };
        let marks = cell.zerowidth().and_then(|marks| marks_on(ch, if wide { 2 } else { 1 }, marks));
        out.push(Cell { ch, marks, width: if wide { 2 } else { 1 }, style });
        if wide {
            out.push(Cell { ch: ' ', marks: None, width: 0, style });
        }
        column += if wide { 2 } else { 1 };
    }
}

/// The marks, when character and marks together are as wide as the character alone.
fn marks_on(ch: char, width: usize, marks: &[char]) -> Option<Box<str>> {
    if marks.is_empty() {
        return None;
    }
    let mut text = String::from(ch);
    text.extend(marks.iter().take(MARKS));
    (text.width() == width).then(|| text[ch.len_utf8()..].into())
}

fn style_of(cell: &TermCell) -> Style {
    let flags = cell.flags;
    Style {
        fg: color_of(cell.fg),
        bg: color_of(cell.bg),
        bold: flags.contains(Flags::BOLD),
        dim: flags.contains(Flags::DIM),
        italic: flags.contains(Flags::ITALIC),
        underline: flags.intersects(Flags::ALL_UNDERLINES),
        reverse: flags.contains(Flags::INVERSE),
        hidden: flags.contains(Flags::HIDDEN),
        strike: flags.contains(Flags::STRIKEOUT),
    }
}

fn color_of(color: TermColor) -> Color {
    match color {
        TermColor::Indexed(index) => Color::Indexed(index),
        TermColor::Spec(rgb) => Color::Rgb(rgb.r, rgb.g, rgb.b),
        TermColor::Named(name) if (name as usize) <= NamedColor::BrightWhite as usize => {
            Color::Indexed(u8::try_from(name as usize).unwrap_or(0))
        }
        TermColor::Named(_) => Color::Default,
    }
}
