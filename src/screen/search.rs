//! Searching and copying: text of history and screen by absolute position. Pure; called by `emulator`.
//!
//! A line of text may be wrapped over several rows: they are searched and copied as one.

use super::Cell;
use super::grid::Grid;
use regex::{Regex, RegexBuilder};
use unicode_width::UnicodeWidthChar;

/// Absolute line and column.
pub(super) type Position = (u64, u16);

/// Rows joined to one line at most; a node can wrap without end.
const JOINED: u64 = 256;
/// Bytes a compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 20;

/// One or more rows, joined, and where each character of it stands.
struct Joined {
    text: String,
    /// Byte offset in `text` of each character, and its cell.
    places: Vec<(usize, Position)>,
}

impl Joined {
    fn place(&self, byte: usize) -> Option<Position> {
        let index = self.places.partition_point(|(at, _)| *at <= byte).checked_sub(1)?;
        self.places.get(index).map(|(_, position)| *position)
    }
}

pub(super) fn find(
    grid: &Grid,
    pattern: &str,
    from: Position,
    backward: bool,
) -> Result<Option<(Position, Position)>, String> {
    let regex = compile(pattern)?;
    let end = grid.live_top() + u64::from(grid.size().rows);
    let oldest = grid.oldest();
    if oldest >= end {
        return Ok(None);
    }
    let mut number = first_row(grid, from.0.clamp(oldest, end - 1));
    loop {
        let (line, next) = joined(grid, number, end);
        let found =
            matches(&regex, &line).filter(|(start, _)| if backward { *start < from } else { *start > from });
        let found = if backward { found.last() } else { { found }.next() };
        if found.is_some() {
            return Ok(found);
        }
        if backward {
            if number <= oldest {
                return Ok(None);
            }
            number = first_row(grid, number - 1);
        } else {
            if next >= end {
                return Ok(None);
            }
            number = next;
        }
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(!has_capital(pattern))
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(PATTERN_BYTES)
        .build()
        .map_err(|error| {
            let reason = error.to_string();
            let reason =
                reason.lines().last().unwrap_or("not a regular expression").trim_start_matches("error: ");
            format!("cannot search for `{pattern}`: {reason}")
        })
}

/// Capitals of escapes like `\S` do not count.
fn has_capital(pattern: &str) -> bool {
    let mut escaped = false;
    pattern.chars().any(|c| {
        let counts = !escaped && c.is_uppercase();
        escaped = c == '\\' && !escaped;
        counts
    })
}

fn matches<'a>(regex: &'a Regex, line: &'a Joined) -> impl Iterator<Item = (Position, Position)> + 'a {
    regex
        .find_iter(&line.text)
        .filter(|found| !found.is_empty())
        .filter_map(|found| Some((line.place(found.start())?, line.place(found.end() - 1)?)))
}

/// The row in which the line begins that goes through row `number`.
fn first_row(grid: &Grid, number: u64) -> u64 {
    let oldest = grid.oldest();
    let mut first = number;
    while first > oldest && number - first < JOINED && row(grid, first - 1, |_, _, _| {}) == Some(true) {
        first -= 1;
    }
    first
}

/// The line that begins in row `number`, and the row after it.
fn joined(grid: &Grid, number: u64, end: u64) -> (Joined, u64) {
    let mut line = Joined { text: String::new(), places: Vec::new() };
    let mut at = number;
    loop {
        let Joined { text, places } = &mut line;
        let wrapped = row(grid, at, |column, ch, marks| {
            places.push((text.len(), (at, column)));
            text.push(ch);
            text.push_str(marks);
        });
        at += 1;
        if wrapped != Some(true) || at >= end || at - number > JOINED {
            break;
        }
    }
    line.text.truncate(line.text.trim_end_matches(' ').len());
    (line, at)
}

/// Calls `each` with column, character and marks of every cell; whether the row goes on in the next.
fn row(grid: &Grid, number: u64, mut each: impl FnMut(u16, char, &str)) -> Option<bool> {
    let mut cells: Vec<Cell> = Vec::new();
    if let Some(wrapped) = grid.cells(number, &mut cells) {
        for (column, cell) in (0u16..).zip(&cells).filter(|(_, cell)| cell.width > 0) {
            each(column, cell.ch, cell.marks.as_deref().unwrap_or(""));
        }
        return Some(wrapped);
    }
    let line = grid.store.line(number)?;
    let mut column = 0u16;
    let mut chars = line.text.char_indices().peekable();
    while let Some((start, ch)) = chars.next() {
        let start = start + ch.len_utf8();
        let mut end = start;
        while let Some((at, mark)) = chars.next_if(|(_, next)| next.width() == Some(0)) {
            end = at + mark.len_utf8();
        }
        each(column, ch, &line.text[start..end]);
        column = column.saturating_add(u16::try_from(ch.width().unwrap_or(1)).unwrap_or(1));
    }
    Some(line.wrapped)
}

pub(super) fn text(grid: &Grid, from: Position, to: Position, lines: bool) -> String {
    let (from, to) = if from <= to { (from, to) } else { (to, from) };
    let end = grid.live_top() + u64::from(grid.size().rows);
    let mut out = String::new();
    let mut number = from.0.max(grid.oldest());
    let mut line_start = 0;
    while number <= to.0 && number < end {
        let wrapped = row(grid, number, |column, ch, marks| {
            let inside = lines || ((number, column) >= from && (number, column) <= to);
            if inside {
                out.push(ch);
                out.push_str(marks);
            }
        });
        number += 1;
        if wrapped != Some(true) || number > to.0 || number >= end {
            let used = out[line_start..].trim_end_matches(' ').len();
            out.truncate(line_start + used);
            if number <= to.0 && number < end {
                out.push('\n');
            }
            line_start = out.len();
        }
    }
    out
}
