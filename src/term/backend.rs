//! A ratatui backend that saves bytes: for operators on a slow line, inside ssh and tmux.
//!
//! Keeps a model of what the outer terminal shows. [`Backend::flush`] writes what leads from there to
//! the wanted picture: one write, inside a synchronized update (mode 2026), and nothing at all when
//! nothing has changed. Rows that scrolled are scrolled, blank ends erased, small gaps printed
//! over. Never queries the terminal; raw mode and its restoration are not its business. `runtime`
//! builds it and tells it the size.

mod pen;
mod scroll;

use pen::{Pen, named};
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Cell, CellDiffOption, CellWidth};
use ratatui::layout::{Position, Size};
use ratatui::style::Modifier;
use std::io::{self, Write};

/// Scrolls looked for in one frame: panes above each other.
const SCROLLS: usize = 4;
/// A blank end of at least so many changed cells is erased, a shorter one printed.
const ERASE: usize = 4;

/// See the module.
pub struct SavingBackend<W: Write> {
    writer: W,
    size: Size,
    /// The wanted picture. The right half of a wide symbol has an empty symbol.
    next: Vec<Cell>,
    /// What the terminal shows, if `known`.
    shown: Vec<Cell>,
    known: bool,
    wanted_cursor: Position,
    wanted_visible: bool,
    visible: Option<bool>,
    /// Where the terminal's cursor is; `None` when terminals might disagree.
    cursor: Option<Position>,
    pen: Pen,
}

impl<W: Write> SavingBackend<W> {
    /// A backend for a terminal of `size` about which nothing else is known.
    pub fn new(writer: W, size: Size) -> SavingBackend<W> {
        let mut backend = SavingBackend {
            writer,
            size: Size::ZERO,
            next: Vec::new(),
            shown: Vec::new(),
            known: false,
            wanted_cursor: Position::ORIGIN,
            wanted_visible: true,
            visible: None,
            cursor: None,
            pen: Pen::PLAIN,
        };
        backend.set_size(size);
        backend
    }

    /// The terminal has this size now; the next flush draws everything.
    pub fn set_size(&mut self, size: Size) {
        let cells = usize::from(size.width) * usize::from(size.height);
        self.size = size;
        self.next = vec![Cell::EMPTY; cells];
        self.shown = vec![Cell::EMPTY; cells];
        self.invalidate();
    }

    /// Something else has written to the terminal: the next flush draws everything.
    pub fn invalidate(&mut self) {
        self.known = false;
    }

    /// Where the bytes go.
    pub fn writer_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    fn cols(&self) -> usize {
        usize::from(self.size.width)
    }

    /// Puts one cell into the wanted picture.
    fn put(&mut self, x: u16, y: u16, cell: &Cell) {
        let cols = self.cols();
        if x >= self.size.width || y >= self.size.height {
            return;
        }
        let row = usize::from(y) * cols;
        let at = row + usize::from(x);
        let mut cell = cell.clone();
        cell.set_diff_option(CellDiffOption::None);
        cell.fg = named(cell.fg);
        cell.bg = named(cell.bg);
        let bad = cell.symbol().is_empty() || cell.symbol().chars().any(char::is_control);
        let width = if bad { 0 } else { usize::from(cell.cell_width()) };
        if width == 0 || at + width > row + cols {
            cell.set_symbol(" ");
        }
        if cell.symbol() == " " {
            // What cannot be seen on a blank must not cost anything.
            cell.modifier &= Modifier::REVERSED
                | Modifier::UNDERLINED
                | Modifier::SLOW_BLINK
                | Modifier::RAPID_BLINK
                | Modifier::CROSSED_OUT;
            if cell.modifier.is_empty() {
                cell.fg = ratatui::style::Color::Reset;
            }
        }
        let width = if cell.symbol() == " " { 1 } else { width };
        for column in at..at + width {
            self.split(row, column, row + cols);
        }
        for column in at + 1..at + width {
            self.next[column] = cell.clone();
            self.next[column].set_symbol("");
        }
        self.next[at] = cell;
    }

    /// Blanks what is left of a wide symbol of which the cell at `column` is a part.
    fn split(&mut self, row: usize, column: usize, end: usize) {
        let mut head = column;
        while head > row && self.next[head].symbol().is_empty() {
            head -= 1;
        }
        let mut tail = head + 1;
        while tail < end && self.next[tail].symbol().is_empty() {
            tail += 1;
        }
        if tail - head > 1 {
            for cell in &mut self.next[head..tail] {
                cell.set_symbol(" ");
            }
        }
    }

    /// What leads from the shown picture to the wanted one.
    fn difference(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let cols = self.cols();
        if cols == 0 {
            return out;
        }
        if !self.known {
            out.extend_from_slice(b"\x1b[r\x1b[m\x1b[2J\x1b[H");
            self.shown.fill(Cell::EMPTY);
            self.pen = Pen::PLAIN;
            self.cursor = Some(Position::ORIGIN);
            self.visible = None;
            self.known = true;
        }
        for _ in 0..SCROLLS {
            match scroll::best(&self.shown, &self.next, cols) {
                Some(scroll) => self.scroll(&scroll, &mut out),
                None => break,
            }
        }
        for row in 0..self.size.height {
            self.draw_row(row, &mut out);
        }
        self.shown.clone_from(&self.next);
        if !out.is_empty() {
            // Whatever prints next, a shell after a crash even, should find a plain pen.
            self.pen.change(Pen::PLAIN, &mut out);
            out.splice(..0, *b"\x1b[?2026h");
        }
        let drawn = !out.is_empty();
        if self.visible != Some(self.wanted_visible) {
            out.extend_from_slice(if self.wanted_visible { b"\x1b[?25h" } else { b"\x1b[?25l" });
            self.visible = Some(self.wanted_visible);
        }
        if self.wanted_visible {
            self.go(self.wanted_cursor, &mut out);
        }
        if drawn {
            out.extend_from_slice(b"\x1b[?2026l");
        }
        out
    }

    fn scroll(&mut self, scroll: &scroll::Scroll, out: &mut Vec<u8>) {
        // New rows take the pen's background.
        self.pen.change(Pen::PLAIN, out);
        let (top, bottom) = (scroll.rows.start + 1, scroll.rows.end);
        // Writing to memory cannot fail.
        let _ = write!(out, "\x1b[{top};{bottom}r");
        // Line feed and reverse index at the margins: the Linux console knows no SU and SD.
        if scroll.up {
            let _ = write!(out, "\x1b[{bottom}H");
            out.extend(std::iter::repeat_n(b'\n', scroll.by));
        } else {
            let _ = write!(out, "\x1b[{top}H");
            out.extend(std::iter::repeat_n(*b"\x1bM", scroll.by).flatten());
        }
        out.extend_from_slice(b"\x1b[r");
        self.cursor = Some(Position::ORIGIN);
        let cols = self.cols();
        scroll.apply(&mut self.shown, cols);
    }

    fn draw_row(&mut self, row: u16, out: &mut Vec<u8>) {
        let cols = self.cols();
        let start = usize::from(row) * cols;
        let used = self.next[start..start + cols]
            .iter()
            .rposition(|cell| *cell != Cell::EMPTY)
            .map_or(0, |last| last + 1);
        let stale =
            self.shown[start + used..start + cols].iter().filter(|cell| **cell != Cell::EMPTY).count();
        let end = if stale >= ERASE { used } else { cols };
        let mut column = 0;
        while column < end {
            let at = start + column;
            let cell = self.next[at].clone();
            let width = usize::from(cell.symbol().cell_width()).max(1);
            let same = (at..(at + width).min(start + cols)).all(|at| self.next[at] == self.shown[at]);
            if !same {
                self.go_or_print(row, column, out);
                self.pen.change(Pen::of(&cell), out);
                out.extend_from_slice(cell.symbol().as_bytes());
                self.cursor = self.after(row, column, &cell, width);
                // A wide symbol that was overwritten in part leaves a blank in some place or other.
                self.forget_halves(start, at, width);
            }
            column += width;
        }
        if end < cols {
            self.go_or_print(row, end, out);
            self.pen.change(Pen::PLAIN, out);
            out.extend_from_slice(b"\x1b[K");
        }
    }

    /// Where terminals agree that the cursor is after `cell`.
    fn after(&self, row: u16, column: usize, cell: &Cell, width: usize) -> Option<Position> {
        let mut chars = cell.symbol().chars();
        let plain = chars.next().is_some_and(|c| c < '\u{1f000}') && chars.next().is_none();
        let next = column + width;
        // In the last column it waits for the wrap.
        (plain && next < self.cols()).then(|| Position { x: u16::try_from(next).unwrap_or(u16::MAX), y: row })
    }

    /// The printed cells may have cut wide symbols in two: what is left of them is drawn anew.
    fn forget_halves(&mut self, start: usize, at: usize, width: usize) {
        let row_end = start + self.cols();
        let mut tail = at + width;
        while tail < row_end && self.shown[tail].symbol().is_empty() {
            // Differs from everything that can be wanted.
            self.shown[tail].set_symbol("\0");
            tail += 1;
        }
        for cell in &mut self.shown[at..at + width] {
            cell.set_symbol("\0");
        }
    }

    /// Moves to a column further right, by printing over what is there when that is shorter.
    fn go_or_print(&mut self, row: u16, column: usize, out: &mut Vec<u8>) {
        let to = Position { x: u16::try_from(column).unwrap_or(u16::MAX), y: row };
        if let Some(from) = self.cursor
            && from.y == row
            && from.x < to.x
        {
            let start = usize::from(row) * self.cols();
            let gap = &self.next[start + usize::from(from.x)..start + column];
            let same_pen = gap.iter().all(|cell| Pen::of(cell) == self.pen && cell.symbol().is_ascii());
            let whole = gap.iter().all(|cell| cell.symbol().len() == 1);
            if same_pen && whole && gap.len() <= 4 {
                gap.iter().for_each(|cell| out.extend_from_slice(cell.symbol().as_bytes()));
                self.cursor = Some(to);
                return;
            }
        }
        self.go(to, out);
    }

    fn go(&mut self, to: Position, out: &mut Vec<u8>) {
        let to = Position {
            x: to.x.min(self.size.width.saturating_sub(1)),
            y: to.y.min(self.size.height.saturating_sub(1)),
        };
        // Writing to memory cannot fail.
        let _ = match self.cursor {
            Some(from) if from == to => Ok(()),
            Some(from) if from.y == to.y && to.x == 0 => write!(out, "\r"),
            Some(from) if from.y == to.y && to.x == from.x + 1 => write!(out, "\x1b[C"),
            Some(from) if from.y == to.y && to.x > from.x => write!(out, "\x1b[{}C", to.x - from.x),
            Some(from) if from.y + 1 == to.y && to.x == 0 => write!(out, "\r\n"),
            _ if to == Position::ORIGIN => write!(out, "\x1b[H"),
            _ if to.x == 0 => write!(out, "\x1b[{}H", to.y + 1),
            _ => write!(out, "\x1b[{};{}H", to.y + 1, to.x + 1),
        };
        self.cursor = Some(to);
    }
}

impl<W: Write> Backend for SavingBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        content.for_each(|(x, y, cell)| self.put(x, y, cell));
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.wanted_visible = false;
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.wanted_visible = true;
        Ok(())
    }

    /// The wanted position: the terminal is never asked.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.wanted_cursor)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.wanted_cursor = position.into();
        Ok(())
    }

    /// Draws everything anew at the next flush.
    fn clear(&mut self) -> io::Result<()> {
        self.next.fill(Cell::EMPTY);
        self.invalidate();
        Ok(())
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        let cols = self.cols();
        let Position { x, y } = self.wanted_cursor;
        let row = (usize::from(y) * cols).min(self.next.len());
        let at = (row + usize::from(x)).min(self.next.len());
        let end = (row + cols).min(self.next.len());
        let cells = match clear_type {
            ClearType::All => return self.clear(),
            ClearType::AfterCursor => at..self.next.len(),
            ClearType::BeforeCursor => 0..(at + 1).min(self.next.len()),
            ClearType::CurrentLine => row..end,
            ClearType::UntilNewLine => at..end,
        };
        self.next[cells].fill(Cell::EMPTY);
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    /// Pixels are not known.
    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    /// Writes what has changed, in one write; nothing when nothing has.
    ///
    /// # Errors
    /// What the writer says; the next flush draws everything.
    fn flush(&mut self) -> io::Result<()> {
        let out = self.difference();
        if out.is_empty() {
            return Ok(());
        }
        let result = self.writer.write_all(&out).and_then(|()| self.writer.flush());
        if result.is_err() {
            self.invalidate();
        }
        result
    }
}
