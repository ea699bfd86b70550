//! The characters that are drawn, and their twins for terminals without Unicode.

/// Which characters the outer terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// All of them.
    Unicode,
    /// Those of code page 437, which old fonts and the kernel's console have: frames are drawn, states
    /// are told by squares and dots.
    Box,
    /// ASCII only.
    Ascii,
}

impl Glyphs {
    /// What is drawn for a character that this set does not have; `None` for the character itself.
    pub(super) fn twin(self, ch: char) -> Option<&'static str> {
        match self {
            Glyphs::Unicode => None,
            Glyphs::Box => in_box(ch),
            Glyphs::Ascii => (!ch.is_ascii()).then(|| twin(ch)),
        }
    }
}

pub(super) const ON: char = '●';
pub(super) const OFF: char = '○';
pub(super) const UNKNOWN: char = '?';
pub(super) const FAILED: char = '!';
pub(super) const PENDING: char = '◐';
pub(super) const CURSOR: char = '▸';
pub(super) const MARK: char = '+';
pub(super) const ELLIPSIS: char = '…';
pub(super) const DESCENDING: char = '▾';
pub(super) const ASCENDING: char = '▴';

/// What stands for a character that may not be shown.
pub(super) const REPLACEMENT: char = '\u{fffd}';

/// The lines of a frame: horizontal, vertical, and the corners in reading order.
pub(super) struct Lines {
    pub(super) horizontal: char,
    pub(super) vertical: char,
    pub(super) corners: [char; 4],
}

pub(super) const LIGHT: Lines =
    Lines { horizontal: '─', vertical: '│', corners: ['┌', '┐', '└', '┘'] };

pub(super) const HEAVY: Lines =
    Lines { horizontal: '━', vertical: '┃', corners: ['┏', '┓', '┗', '┛'] };

/// The twin within code page 437 of what we draw ourselves.
fn in_box(ch: char) -> Option<&'static str> {
    Some(match ch {
        ON => "■",
        OFF => "·",
        PENDING => "▒",
        CURSOR => "►",
        ELLIPSIS => "~",
        DESCENDING => "▼",
        ASCENDING => "▲",
        '–' => "-",
        '×' => "x",
        REPLACEMENT => "?",
        '━' => "═",
        '┃' => "║",
        '┏' => "╔",
        '┓' => "╗",
        '┗' => "╚",
        '┛' => "╝",
        _ => return None,
    })
}

/// The ASCII twin; may be longer than one character in running text.
pub(super) fn twin(ch: char) -> &'static str {
    match ch {
        ON => "*",
        OFF => "o",
        PENDING => "%",
        CURSOR => ">",
        ELLIPSIS => "~",
        DESCENDING => "v",
        ASCENDING => "^",
        '→' => "->",
        '·' | '–' => "-",
        '≥' => ">=",
        '×' => "x",
        _ => drawing(ch),
    }
}

/// Line drawing and blocks, which firmware menus are made of.
fn drawing(ch: char) -> &'static str {
    match ch {
        '━' | '═' => "=",
        '─' | '╌'..='╍' | '┄'..='┅' | '╴' | '╶' => "-",
        '│' | '┃' | '║' | '┆'..='┋' | '╎'..='╏' | '╵' | '╷' => "|",
        '\u{2500}'..='\u{257f}' => "+",
        '█' | '▓' | '■' => "#",
        '▒' | '░' => ":",
        '▀'..='▟' => "#",
        '►' | '▶' => ">",
        '◄' | '◀' => "<",
        '▲' | '↑' => "^",
        '▼' | '↓' => "v",
        '←' => "<",
        '•' => "*",
        _ => "?",
    }
}

/// Whether a character would do something to the outer terminal or to the order of what follows,
/// instead of being shown.
pub(super) fn is_unsafe(ch: char) -> bool {
    ch.is_control()
        || matches!(
            ch,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}
