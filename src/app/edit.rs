//! A line being edited: filter, prompt, typed confirmation, search.

use super::{Key, KeyCode, state::Input};

/// Longest text of a line, in characters; a paste of a log must not become a filter.
const LONGEST: usize = 400;

impl Input {
    /// A line with its cursor at the end.
    #[must_use]
    pub fn new(text: &str) -> Input {
        Input { cursor: text.chars().count(), text: text.to_owned() }
    }

    /// Handles an editing key; `false` when it is none.
    pub fn key(&mut self, key: Key) -> bool {
        let length = self.text.chars().count();
        match (key.code, key.ctrl) {
            (KeyCode::Left, false) | (KeyCode::Char('b'), true) => {
                self.cursor = self.cursor.saturating_sub(1)
            }
            (KeyCode::Right, false) | (KeyCode::Char('f'), true) => {
                self.cursor = (self.cursor + 1).min(length)
            }
            (KeyCode::Home, _) | (KeyCode::Char('a'), true) => self.cursor = 0,
            (KeyCode::End, _) | (KeyCode::Char('e'), true) => self.cursor = length,
            (KeyCode::Backspace, _) | (KeyCode::Char('h'), true) => {
                if self.cursor > 0 {
                    self.cursor -= 1;
                    self.cut(self.cursor, self.cursor + 1);
                }
            }
            (KeyCode::Delete, _) | (KeyCode::Char('d'), true) => self.cut(self.cursor, self.cursor + 1),
            (KeyCode::Char('u'), true) => {
                self.cut(0, self.cursor);
                self.cursor = 0;
            }
            (KeyCode::Char('k'), true) => self.cut(self.cursor, length),
            (KeyCode::Char('w'), true) => {
                let start = self.word_start();
                self.cut(start, self.cursor);
                self.cursor = start;
            }
            _ => match key.typed() {
                Some(ch) => self.insert(&ch.to_string()),
                None => return false,
            },
        }
        true
    }

    /// Puts text at the cursor; line ends and control characters become spaces.
    pub fn insert(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.text.chars().count());
        let text: String = text
            .trim_end_matches(['\r', '\n'])
            .chars()
            .map(|ch| if ch.is_control() { ' ' } else { ch })
            .take(room)
            .collect();
        let at = self.byte(self.cursor);
        self.text.insert_str(at, &text);
        self.cursor += text.chars().count();
    }

    fn byte(&self, at: usize) -> usize {
        self.text.char_indices().nth(at).map_or(self.text.len(), |(byte, _)| byte)
    }

    fn cut(&mut self, from: usize, to: usize) {
        let range = self.byte(from)..self.byte(to);
        self.text.replace_range(range, "");
    }

    fn word_start(&self) -> usize {
        let before: Vec<char> = self.text.chars().take(self.cursor).collect();
        let end = before.iter().rposition(|ch| !ch.is_whitespace()).map_or(0, |at| at + 1);
        before[..end].iter().rposition(|ch| ch.is_whitespace()).map_or(0, |at| at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing() {
        let mut input = Input::new("power off");
        for key in
            ["ctrl-w", "o", "n", "home", "X", "right", "delete", "end", "backspace", "é", "left", "ctrl-k"]
        {
            assert!(input.key(Key::parse(key).unwrap()), "{key}");
        }
        assert_eq!((input.text.as_str(), input.cursor), ("Xpwer o", 7));
        assert!(!input.key(Key::parse("f1").unwrap()));
        input.insert("a\nb\u{1b}c\n");
        assert_eq!(input.text, "Xpwer oa b c");
        input.insert(&"x".repeat(1000));
        assert_eq!(input.text.chars().count(), LONGEST);
    }
}
