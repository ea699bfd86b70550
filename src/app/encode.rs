//! Keys as the bytes that a node expects, as xterm sends them.
//!
//! Pure; called for every key that a console gets. What arrives here was already told apart from
//! the prefix.

use super::{Key, KeyCode};
use crate::screen::Modes;

/// The bytes of a key. Empty when the key has none (F21 and beyond).
#[must_use]
pub fn encode(key: Key, modes: Modes) -> Vec<u8> {
    // xterm, "PC-style function keys": 1 plus shift 1, alt 2, ctrl 4.
    let modifier = 1 + u8::from(key.shift) + 2 * u8::from(key.alt) + 4 * u8::from(key.ctrl);
    let cursor = |last: char| {
        if modifier > 1 {
            format!("\x1b[1;{modifier}{last}")
        } else if modes.app_cursor {
            format!("\x1bO{last}")
        } else {
            format!("\x1b[{last}")
        }
    };
    let tilde = |number: u8| {
        if modifier > 1 { format!("\x1b[{number};{modifier}~") } else { format!("\x1b[{number}~") }
    };
    let text = match key.code {
        KeyCode::Char(ch) => return character(key, ch),
        KeyCode::Enter => return alt(key, if modes.line_feed { b"\r\n" } else { b"\r" }),
        KeyCode::Esc => return alt(key, b"\x1b"),
        KeyCode::Tab => return alt(key, b"\t"),
        // Ctrl-backspace is 0x08 on every terminal that tells the two apart.
        KeyCode::Backspace => return alt(key, if key.ctrl { b"\x08" } else { b"\x7f" }),
        KeyCode::BackTab => "\x1b[Z".to_owned(),
        KeyCode::Up => cursor('A'),
        KeyCode::Down => cursor('B'),
        KeyCode::Right => cursor('C'),
        KeyCode::Left => cursor('D'),
        KeyCode::Home => cursor('H'),
        KeyCode::End => cursor('F'),
        KeyCode::Insert => tilde(2),
        KeyCode::Delete => tilde(3),
        KeyCode::PageUp => tilde(5),
        KeyCode::PageDown => tilde(6),
        KeyCode::F(n @ 1..=4) => {
            let last = char::from(b'P' + n - 1);
            if modifier > 1 { format!("\x1b[1;{modifier}{last}") } else { format!("\x1bO{last}") }
        }
        // The numbers have gaps where the VT220 keyboard had gaps.
        KeyCode::F(n @ 5..=20) => {
            tilde([15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34][usize::from(n) - 5])
        }
        KeyCode::F(_) => String::new(),
    };
    text.into_bytes()
}

/// A character, with ctrl as the control character it names.
fn character(key: Key, ch: char) -> Vec<u8> {
    let mut buffer = [0; 4];
    if key.ctrl {
        let byte = match ch {
            ' ' | '@' | '2' => 0x00,
            'a'..='z' | '[' | '\\' | ']' | '^' | '_' => ch as u8 & 0x1f,
            'A'..='Z' => ch as u8 & 0x1f,
            '/' | '7' => 0x1f,
            '?' | '8' => 0x7f,
            '3' => 0x1b,
            '4' => 0x1c,
            '5' => 0x1d,
            '6' | '~' => 0x1e,
            _ => return alt(key, ch.encode_utf8(&mut buffer).as_bytes()),
        };
        return alt(key, &[byte]);
    }
    alt(key, ch.encode_utf8(&mut buffer).as_bytes())
}

fn alt(key: Key, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    if key.alt {
        out.push(0x1b);
    }
    out.extend_from_slice(bytes);
    out
}

/// Pasted text as bytes: line ends as enter sends them; inside a bracketed paste nothing may end
/// it early, or the rest of the text would be taken as typed.
#[must_use]
pub fn encode_paste(text: &str, modes: Modes) -> Vec<u8> {
    let mut text = text.replace("\r\n", "\r").replace('\n', "\r");
    if !modes.bracketed_paste {
        return text.into_bytes();
    }
    // Removing one marker can join the halves of another.
    while text.contains("\x1b[201~") || text.contains("\u{9b}201~") {
        text = text.replace("\x1b[201~", "").replace("\u{9b}201~", "");
    }
    format!("\x1b[200~{text}\x1b[201~").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str, modes: Modes) -> Vec<u8> {
        encode(Key::parse(text).unwrap_or_else(|| panic!("{text}")), modes)
    }

    #[test]
    fn keys_become_what_xterm_sends() {
        let table: &[(&str, &[u8])] = &[
            ("a", b"a"),
            ("ctrl-a", b"\x01"),
            ("ctrl-c", b"\x03"),
            ("ctrl-space", b"\0"),
            ("ctrl-]", b"\x1d"),
            ("ctrl-\\", b"\x1c"),
            ("ctrl-^", b"\x1e"),
            ("ctrl-_", b"\x1f"),
            ("ctrl-[", b"\x1b"),
            ("alt-x", b"\x1bx"),
            ("esc", b"\x1b"),
            ("enter", b"\r"),
            ("backspace", b"\x7f"),
            ("tab", b"\t"),
            ("shift-tab", b"\x1b[Z"),
            ("up", b"\x1b[A"),
            ("home", b"\x1b[H"),
            ("end", b"\x1b[F"),
            ("ctrl-right", b"\x1b[1;5C"),
            ("insert", b"\x1b[2~"),
            ("delete", b"\x1b[3~"),
            ("pgup", b"\x1b[5~"),
            ("pgdn", b"\x1b[6~"),
            ("f1", b"\x1bOP"),
            ("f4", b"\x1bOS"),
            ("f5", b"\x1b[15~"),
            ("f10", b"\x1b[21~"),
            ("f11", b"\x1b[23~"),
            ("f12", b"\x1b[24~"),
        ];
        for (key, bytes) in table {
            assert_eq!(sent(key, Modes::default()), *bytes, "{key}");
        }
        assert_eq!(encode(Key::char('é'), Modes::default()), "é".as_bytes());
    }

    #[test]
    fn modes_change_arrows_and_enter() {
        let modes = Modes { app_cursor: true, line_feed: true, ..Modes::default() };
        assert_eq!(sent("up", modes), b"\x1bOA");
        assert_eq!(sent("ctrl-up", modes), b"\x1b[1;5A");
        assert_eq!(sent("enter", modes), b"\r\n");
    }

    #[test]
    fn a_paste_cannot_end_its_own_brackets() {
        let modes = Modes { bracketed_paste: true, ..Modes::default() };
        assert_eq!(encode_paste("a\r\nb\nc", Modes::default()), b"a\rb\rc");
        assert_eq!(encode_paste("a\nb", modes), b"\x1b[200~a\rb\x1b[201~");
        let evil = "x\x1b[20\x1b[201~1~reboot\n";
        assert_eq!(encode_paste(evil, modes), b"\x1b[200~xreboot\r\x1b[201~");
    }
}
