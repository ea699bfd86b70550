//! Which characters may stand in a cell. Pure; called by the gate and by the grid.
//!
//! The width of a cell is what `unicode-width` says of its character alone. Characters by which
//! the outer terminal could come to another width, or reorder the line, do not pass.

use unicode_width::UnicodeWidthChar;

/// What becomes of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glyph {
    /// Printed.
    Keep,
    /// A combining mark.
    Mark,
    /// Printed as U+FFFD.
    Replace,
    /// Ignored.
    Drop,
}

/// Judges a character.
pub(super) fn judge(c: char) -> Glyph {
    match c {
        ' '..='~' | '\u{2500}'..='\u{259f}' => Glyph::Keep,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Glyph::Drop,
        // Invisible or without a width of their own: soft hyphen, grapheme joiner, bidi marks,
        // isolates and overrides, zero-width spaces and joiners, separators, variation selectors
        // (they change the width of what stands before), Hangul fillers, annotations, tags.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{11ff}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{d7b0}'..='\u{d7ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => Glyph::Drop,
        // Terminals join regional indicators and skin tones with their neighbours, and do not agree
        // on the width of the halfwidth sound marks.
        '\u{1f1e6}'..='\u{1f1ff}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{ff9e}' | '\u{ff9f}' => Glyph::Replace,
        _ => match c.width() {
            Some(1 | 2) => Glyph::Keep,
            Some(0) => Glyph::Mark,
            _ => Glyph::Replace,
        },
    }
}
