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
        Key { code, ctrl: false, alt: false, shift: false }
    }

    /// A character.
    #[must_use]
    pub fn char(ch: char) -> Key {
        Key::plain(KeyCode::Char(ch))
    }

    /// Control and a character.
    #[must_use]
    pub fn ctrl(ch: char) -> Key {
        Key { code: KeyCode::Char(ch), ctrl: true, alt: false, shift: false }
    }

    /// Reads a key as people write it: `j`, `ctrl-]`, `alt-x`, `space`, `enter`, `f10`, `shift-tab`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Key> {
        let mut key = Key::plain(KeyCode::Esc);
        let mut rest = text;
        loop {
            if let Some(tail) = strip(rest, "ctrl-").or_else(|| strip(rest, "^")) {
                key.ctrl = true;
                rest = tail;
            } else if let Some(tail) = strip(rest, "alt-") {
                key.alt = true;
                rest = tail;
            } else if let Some(tail) = strip(rest, "shift-") {
                key.shift = true;
                rest = tail;
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        key.code = match (chars.next(), chars.next()) {
            (Some(ch), None) if key.ctrl => KeyCode::Char(ch.to_ascii_lowercase()),
            (Some(ch), None) if !ch.is_control() => KeyCode::Char(ch),
            _ => {
                let name = rest.to_ascii_lowercase();
                match NAMES.iter().find(|(word, _)| *word == name) {
                    Some((_, KeyCode::Tab)) if key.shift => KeyCode::BackTab,
                    Some((_, code)) => *code,
                    None => match name.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()) {
                        Some(n @ 1..=24) => KeyCode::F(n),
                        _ => return None,
                    },
                }
            }
        };
        if matches!(key.code, KeyCode::Char(_) | KeyCode::BackTab) {
            key.shift = false;
        }
        Some(key)
    }

    /// The character that it types into a line, if it types one.
    #[must_use]
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(ch) if !self.ctrl && !self.alt => Some(ch),
            _ => None,
        }
    }
}

/// Keys with a name of their own.
const NAMES: &[(&str, KeyCode)] = &[
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
];

/// The names of keys that have one.
pub(super) fn names() -> impl Iterator<Item = (&'static str, KeyCode)> {
    NAMES.iter().copied()
}

/// `text` without `prefix`, in any case of letters, if something is left of it.
fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    (head.eq_ignore_ascii_case(prefix) && !tail.is_empty()).then_some(tail)
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        if self.shift {
            f.write_str("shift-")?;
        }
        match NAMES.iter().find(|(_, code)| *code == self.code) {
            Some((name, _)) => f.write_str(name),
            None => match self.code {
                KeyCode::Char(ch) => write!(f, "{ch}"),
                KeyCode::F(n) => write!(f, "f{n}"),
                _ => Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in [
            "j",
            "G",
            "^",
            "/",
            "ctrl-]",
            "ctrl-\\",
            "ctrl-space",
            "alt-x",
            "space",
            "f12",
            "shift-tab",
            "pgdn",
            "-",
        ] {
            let key = Key::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(key.to_string(), text);
        }
        assert_eq!(Key::parse("Ctrl-E"), Some(Key::ctrl('e')));
        assert_eq!(Key::parse("^c"), Some(Key::ctrl('c')));
        for bad in ["", "f25", "ctrl-", "escape-key"] {
            assert_eq!(Key::parse(bad), None, "{bad}");
        }
    }
}
