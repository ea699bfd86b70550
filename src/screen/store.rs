//! The scrollback store: lines that have left the grid, compact and numbered.
//!
//! Lines live in chunks of 256: one text, line ends, style runs, the wrapped flag. A full chunk is
//! never changed. Absolute numbers start at 0 and never restart; old chunks go when the limit asks.
//! Called by `grid` (push) and `view` (read).

use super::{Cell, Style};
use std::collections::VecDeque;
use unicode_width::UnicodeWidthChar;

/// Lines in a chunk.
const CHUNK: usize = 256;

/// A stretch of cells with one style.
#[derive(Clone, Copy)]
struct Run {
    cells: u16,
    style: Style,
}

/// Where a line ends in its chunk.
#[derive(Clone, Copy)]
struct End {
    text: usize,
    runs: usize,
    /// Goes on in the next line.
    wrapped: bool,
}

#[derive(Default)]
struct Chunk {
    text: String,
    runs: Vec<Run>,
    ends: Vec<End>,
}

impl Chunk {
    fn push(&mut self, cells: &[Cell], wrapped: bool) {
        let blank = Cell { ch: ' ', width: 1, ..Cell::default() };
        let used = if wrapped {
            cells.len()
        } else {
            cells.iter().rposition(|cell| *cell != blank).map_or(0, |last| last + 1)
        };
        let first_run = self.runs.len();
        for cell in &cells[..used] {
            if cell.width > 0 {
                self.text.push(cell.ch);
                self.text.push_str(cell.marks.as_deref().unwrap_or(""));
            }
            match self.runs[first_run..].last_mut() {
                Some(run) if run.style == cell.style => run.cells += 1,
                _ => self.runs.push(Run { cells: 1, style: cell.style }),
            }
        }
        self.ends.push(End { text: self.text.len(), runs: self.runs.len(), wrapped });
    }

    fn line(&self, index: usize) -> Option<Line<'_>> {
        let end = self.ends.get(index)?;
        let (text, runs) = match index.checked_sub(1).and_then(|before| self.ends.get(before)) {
            Some(before) => (before.text, before.runs),
            None => (0, 0),
        };
        Some(Line {
            text: self.text.get(text..end.text)?,
            runs: self.runs.get(runs..end.runs)?,
            wrapped: end.wrapped,
        })
    }

    fn truncate(&mut self, lines: usize) {
        let (text, runs) = lines
            .checked_sub(1)
            .and_then(|last| self.ends.get(last))
            .map_or((0, 0), |end| (end.text, end.runs));
        if lines < self.ends.len() {
            self.text.truncate(text);
            self.runs.truncate(runs);
            self.ends.truncate(lines);
        }
    }
}

/// A stored line.
pub(super) struct Line<'a> {
    /// Its text, trailing blanks of the default style cut off.
    pub(super) text: &'a str,
    /// Whether it goes on in the next line.
    pub(super) wrapped: bool,
    runs: &'a [Run],
}

impl Line<'_> {
    /// Appends exactly `cols` cells.
    pub(super) fn cells(&self, cols: usize, out: &mut Vec<Cell>) {
        let end = out.len() + cols;
        let mut styles =
            self.runs.iter().flat_map(|run| std::iter::repeat_n(run.style, usize::from(run.cells)));
        let start = out.len();
        for c in self.text.chars() {
            let width = c.width().unwrap_or(1).min(2);
            if width == 0 {
                // Only cells have marks: a line cannot begin with one.
                if out.len() > start
                    && let Some(cell) = out[start..].iter_mut().rev().find(|cell| cell.width > 0)
                {
                    let mut marks = cell.marks.take().map_or_else(String::new, String::from);
                    marks.push(c);
                    cell.marks = Some(marks.into());
                }
                continue;
            }
            if out.len() + width > end {
                break;
            }
            for half in 0..width {
                let style = styles.next().unwrap_or_default();
                out.push(if half == 0 {
                    Cell { ch: c, marks: None, width: if width == 2 { 2 } else { 1 }, style }
                } else {
                    Cell { ch: ' ', marks: None, width: 0, style }
                });
            }
        }
        out.resize(end, Cell { ch: ' ', width: 1, ..Cell::default() });
    }
}

/// All of them.
pub(super) struct Store {
    chunks: VecDeque<Chunk>,
    /// Number of the first line of the first chunk.
    first: u64,
    /// Number the next line gets.
    next: u64,
    /// Lines to keep.
    limit: usize,
}

impl Store {
    pub(super) fn new(limit: usize) -> Store {
        Store { chunks: VecDeque::new(), first: 0, next: 0, limit }
    }

    pub(super) fn push(&mut self, cells: &[Cell], wrapped: bool) {
        if self.chunks.back().is_none_or(|chunk| chunk.ends.len() >= CHUNK) {
            if let Some(full) = self.chunks.back_mut() {
                full.text.shrink_to_fit();
                full.runs.shrink_to_fit();
            }
            self.chunks.push_back(Chunk::default());
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.push(cells, wrapped);
        }
        self.next += 1;
        while let Some(chunk) = self.chunks.front()
            && self.first + chunk.ends.len() as u64 <= self.oldest()
        {
            self.first += chunk.ends.len() as u64;
            self.chunks.pop_front();
        }
    }

    /// Number the next line gets.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The oldest line that counts as kept.
    pub(super) fn oldest(&self) -> u64 {
        self.first.max(self.next.saturating_sub(self.limit as u64))
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn line(&self, number: u64) -> Option<Line<'_>> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        // Every chunk but the last is full, except after a truncation, which drops what follows.
        self.chunks.get(index / CHUNK)?.line(index % CHUNK)
    }

    /// Forgets the lines from `next` on: they are about to be made anew.
    pub(super) fn truncate(&mut self, next: u64) {
        if next < self.first {
            self.chunks.clear();
            self.first = next;
        } else {
            let keep = usize::try_from(next - self.first).unwrap_or(usize::MAX);
            self.chunks.truncate(keep.div_ceil(CHUNK));
            if let Some(last) = self.chunks.back_mut() {
                let before = (keep.div_ceil(CHUNK) - 1) * CHUNK;
                last.truncate(keep - before);
            }
        }
        self.next = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Color;

    fn line(text: &str, fg: Color) -> Vec<Cell> {
        text.chars()
            .map(|ch| Cell { ch, marks: None, width: 1, style: Style { fg, ..Style::default() } })
            .collect()
    }

    #[test]
    fn numbers_never_restart_and_the_limit_holds() {
        let mut store = Store::new(2000);
        for number in 0..10_000 {
            store.push(&line(&format!("line {number}"), Color::Default), number % 2 == 0);
        }
        assert_eq!((store.oldest(), store.next()), (8000, 10_000));
        assert!(store.line(10_000).is_none());
        assert!(store.line(7_000).is_none());
        for number in 8000..10_000 {
            let kept = store.line(number).unwrap();
            assert_eq!(kept.text, format!("line {number}"));
            assert_eq!(kept.wrapped, number % 2 == 0);
        }
    }

    #[test]
    fn styles_wide_characters_and_marks_come_back() {
        let mut cells = line("ab", Color::Indexed(1));
        cells.push(Cell { ch: '漢', marks: None, width: 2, style: Style::default() });
        cells.push(Cell { ch: ' ', marks: None, width: 0, style: Style::default() });
        cells.push(Cell { ch: 'e', marks: Some("\u{301}".into()), width: 1, style: Style::default() });
        cells.extend(line("  ", Color::Indexed(4)));
        let mut store = Store::new(10);
        store.push(&cells, false);
        let mut back = Vec::new();
        store.line(0).unwrap().cells(cells.len(), &mut back);
        assert_eq!(back, cells);
    }

    #[test]
    fn truncation_goes_on_at_the_same_number() {
        let mut store = Store::new(5000);
        for number in 0..700 {
            store.push(&line(&number.to_string(), Color::Default), false);
        }
        for keep in [600, 512, 300, 0] {
            store.truncate(keep);
            assert_eq!(store.next(), keep);
            assert!(store.line(keep).is_none());
            store.push(&line("new", Color::Default), false);
            assert_eq!(store.line(keep).unwrap().text, "new");
            if keep > 0 {
                assert_eq!(store.line(keep - 1).unwrap().text, (keep - 1).to_string());
            }
        }
    }
}
