//! Small words of the screen: clock times, wrapped lines.

use crate::fleet::{Millis, Power};
use crate::ui::glyphs;
use unicode_width::UnicodeWidthStr;

const MINUTES_A_DAY: i64 = 24 * 60;

/// Local clock time, `22:31`.
pub(super) fn clock(at: Millis, utc_offset: i32) -> String {
    let seconds = seconds(at, utc_offset);
    let minutes = seconds.div_euclid(60).rem_euclid(MINUTES_A_DAY);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Local clock time with seconds, `22:31:07`; only for what ends within a minute or is long past.
pub(super) fn clock_seconds(at: Millis, utc_offset: i32) -> String {
    format!("{}:{:02}", clock(at, utc_offset), seconds(at, utc_offset).rem_euclid(60))
}

fn seconds(at: Millis, utc_offset: i32) -> i64 {
    i64::try_from(at.0 / 1000).unwrap_or(i64::MAX / 2) + i64::from(utc_offset)
}

/// A power state's glyph.
pub(super) fn power_glyph(power: Power) -> char {
    match power {
        Power::On => glyphs::ON,
        Power::Off => glyphs::OFF,
        Power::Unknown => glyphs::UNKNOWN,
    }
}

/// Lines of at most `width` columns, broken at blanks and commas where that is possible.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for piece in paragraph.split_inclusive([' ', ',']) {
            if !line.is_empty() && line.width() + piece.trim_end().width() > width {
                lines.push(line.trim_end().to_owned());
                line.clear();
            }
            for ch in piece.chars() {
                if line.width() + super::canvas::columns(ch) > width && !ch.is_whitespace() {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(ch);
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// `1 node`, `3 nodes`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
