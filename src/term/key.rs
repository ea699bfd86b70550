//! Keys as the outer terminal gives them, already normalised. The same shape as `app::Key`; `runtime`
//! maps one to the other.

/// What was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyCode {
    /// A character as typed (upper case when shifted); never a control character.
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
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
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

/// A key press. Ctrl with a letter is lower case; `shift` is told only for keys that are no
/// characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// What.
    pub code: KeyCode,
    /// With control.
    pub ctrl: bool,
    /// With alt (or meta).
    pub alt: bool,
    /// With shift.
    pub shift: bool,
}

impl Key {
    /// A key without modifiers.
    #[must_use]
    pub fn plain(code: KeyCode) -> Key {
        Key { code, ctrl: false, alt: false, shift: false }
    }

    /// Applies the modifier parameter of xterm and kitty: 1 plus a bit each for shift, alt, ctrl.
    #[must_use]
    pub fn with_modifiers(mut self, parameter: u16) -> Key {
        let bits = parameter.saturating_sub(1);
        self.alt |= bits & 2 != 0;
        self.ctrl |= bits & 4 != 0;
        match self.code {
            KeyCode::Char(ch) if self.ctrl => self.code = KeyCode::Char(ch.to_ascii_lowercase()),
            KeyCode::Char(_) => {}
            KeyCode::Tab if bits & 1 != 0 => self.code = KeyCode::BackTab,
            _ => self.shift |= bits & 1 != 0,
        }
        self
    }
}

impl From<KeyCode> for Key {
    fn from(code: KeyCode) -> Key {
        Key::plain(code)
    }
}
