//! Keys as the front end knows them, whatever the outer terminal called them.

/// What was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyCode {
    /// A character as typed (upper case when shifted); control characters never appear here.
    Char(char),
    /// Enter.
    Enter,
    /// Escape, alone.
    Esc,
    /// Tab.
    Tab,
    /// Shift-tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Arrows.
    Up,
    /// Arrows.
    Down,
    /// Arrows.
    Left,
    /// Arrows.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// F1 to F24.
    F(u8),
}

/// A key press with its modifiers. Ctrl with a letter is lower case: ctrl-a is `Char('a')` with
/// `ctrl`; the byte 0x1d is always ctrl-], 0x1c always ctrl-\, 0 ctrl-space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// What.
    pub code: KeyCode,
    /// With control.
    pub ctrl: bool,
    /// With alt.
    pub alt: bool,
    /// With shift (only for keys that are not characters).
    pub shift: bool,
}

impl Key {
    /// A plain key.
    #[must_use]
    pub fn plain(code: KeyCode) -> Key {
        Key {
            code,
            ctrl: false,
            alt: false,
            shift: false,
        }
    }

    /// A character.
    #[must_use]
    pub fn char(ch: char) -> Key {
        Key::plain(KeyCode::Char(ch))
    }

    /// Control and a character.
    #[must_use]
    pub fn ctrl(ch: char) -> Key {
        Key {
            code: KeyCode::Char(ch),
            ctrl: true,
            alt: false,
            shift: false,
        }
    }
}
