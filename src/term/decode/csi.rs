//! Sequences of xterm, the Linux console, rxvt and kitty that stand for keys.

use super::Step;
use crate::term::{Key, KeyCode};

/// Longest sequence that is waited for; a longer one is no key.
const LONGEST: usize = 64;

/// What follows `ESC [`.
pub(super) fn csi(rest: &[u8]) -> Step {
    // The Linux console's F1 to F5: `ESC [ [ A`.
    if let [b'[', tail @ ..] = rest {
        return match tail {
            [] => Step::More,
            [letter @ b'A'..=b'E', ..] => Step::Take(4, Some(KeyCode::F(letter - b'A' + 1).into())),
            _ => Step::Take(3, None),
        };
    }
    let body = rest.iter().position(|byte| !(0x20..=0x3f).contains(byte));
    let Some(length) = body else {
        return if rest.len() > LONGEST { Step::Take(2 + rest.len(), None) } else { Step::More };
    };
    let last = rest[length];
    if !(0x40..=0x7e).contains(&last) {
        // Broken off by another control byte, which is looked at next.
        return Step::Take(2 + length, None);
    }
    let taken = 2 + length + 1;
    let params = Params::parse(&rest[..length]);
    if last == b'~' && params.get(0) == 200 {
        return Step::Paste(taken);
    }
    if last == b'M' && length == 0 {
        // A mouse report of the oldest kind, left on by somebody else: three more bytes.
        return if rest.len() < 4 { Step::More } else { Step::Take(taken + 3, None) };
    }
    let key = params.key(last).filter(|_| !params.is_release());
    Step::Take(taken, key)
}

/// What follows `ESC O`.
pub(super) fn ss3(rest: &[u8]) -> Step {
    match rest {
        [] => Step::More,
        [last, ..] => {
            let code = match last {
                b'M' => Some(KeyCode::Enter),
                b'P'..=b'S' => Some(KeyCode::F(last - b'P' + 1)),
                _ => letter(*last),
            };
            match code {
                Some(code) => Step::Take(3, Some(code.into())),
                // Alt-O and then something else.
                None => {
                    let mut key = Key::plain(KeyCode::Char('O'));
                    key.alt = true;
                    Step::Take(2, Some(key))
                }
            }
        }
    }
}

fn letter(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        _ => return None,
    })
}

/// Numbered parameters, each with the sub-parameters that kitty appends (`1;5:3`).
struct Params(Vec<Vec<u16>>);

impl Params {
    fn parse(bytes: &[u8]) -> Params {
        let number = |text: &[u8]| {
            let digits = text.iter().filter(|byte| byte.is_ascii_digit());
            digits.fold(0u16, |sum, digit| sum.saturating_mul(10).saturating_add(u16::from(digit - b'0')))
        };
        let groups = bytes.split(|byte| *byte == b';');
        Params(groups.map(|group| group.split(|byte| *byte == b':').map(number).collect()).collect())
    }

    fn get(&self, index: usize) -> u16 {
        self.0.get(index).and_then(|group| group.first()).copied().unwrap_or(0)
    }

    /// Kitty's event type 3 in the modifiers' second part.
    fn is_release(&self) -> bool {
        self.0.get(1).and_then(|group| group.get(1)) == Some(&3)
    }

    fn key(&self, last: u8) -> Option<Key> {
        let first = self.get(0);
        let (code, modifiers) = match last {
            b'Z' => return Some(KeyCode::BackTab.into()),
            b'~' if first == 27 => (of_code(self.get(2))?, self.get(1)),
            b'~' => (numbered(first)?, self.get(1)),
            b'u' => (of_code(first)?, self.get(1)),
            b'P' | b'Q' | b'R' | b'S' => (KeyCode::F(last - b'P' + 1), self.get(1)),
            _ => (letter(last)?, self.get(1)),
        };
        Some(Key::plain(code).with_modifiers(modifiers))
    }
}

/// The number before `~`.
fn numbered(number: u16) -> Option<KeyCode> {
    let number = u8::try_from(number).ok()?;
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23..=26 => KeyCode::F(number - 12),
        28 | 29 => KeyCode::F(number - 13),
        31..=34 => KeyCode::F(number - 14),
        _ => return None,
    })
}

/// A character code as kitty and xterm's modifyOtherKeys give it.
fn of_code(code: u16) -> Option<KeyCode> {
    Some(match code {
        8 | 127 => KeyCode::Backspace,
        9 => KeyCode::Tab,
        13 => KeyCode::Enter,
        27 => KeyCode::Esc,
        _ => KeyCode::Char(char::from_u32(u32::from(code)).filter(|ch| !ch.is_control())?),
    })
}
