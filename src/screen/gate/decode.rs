//! Character sets: bytes above 0x7f to characters, and the detection of CP437.
//!
//! Pure; called by the gate with every byte that is text. Firmware draws its boxes in raw CP437,
//! and the operating system that follows on the same line speaks UTF-8: once CP437 has been
//! detected, well-formed three-byte UTF-8 (its box drawing, quotes, bullets) is still taken as such,
//! since it makes no sense in CP437.

use super::Charset;
use std::sync::LazyLock;

/// Invalid bytes to see before deciding.
const ENOUGH: u32 = 16;

/// CP437 from 0x80 (IBM code page 437, as in the Unicode consortium's CP437.TXT).
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

static TABLE: LazyLock<Vec<char>> = LazyLock::new(|| CP437.chars().collect());

fn cp437(byte: u8) -> char {
    match byte.checked_sub(0x80) {
        Some(index) => TABLE.get(usize::from(index)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        None => char::from(byte),
    }
}

/// What one byte gave: at most the bytes held back and itself.
#[derive(Default)]
pub(super) struct Decoded {
    chars: [char; 4],
    count: usize,
}

impl Decoded {
    fn push(&mut self, c: char) {
        if let Some(slot) = self.chars.get_mut(self.count) {
            *slot = c;
            self.count += 1;
        }
    }

    pub(super) fn chars(&self) -> &[char] {
        &self.chars[..self.count]
    }
}

/// Turns bytes into characters.
pub(super) struct Decoder {
    charset: Charset,
    /// Not named by anyone: watch what comes.
    detecting: bool,
    /// CP437, but UTF-8 where it is unmistakable.
    mixed: bool,
    /// The beginning of a UTF-8 character.
    held: [u8; 3],
    held_len: usize,
    /// Bytes that were no UTF-8, how many of them CP437 has for box drawing, and characters that were.
    invalid: u32,
    boxes: u32,
    valid: u32,
}

impl Decoder {
    pub(super) fn new(charset: Option<Charset>) -> Decoder {
        Decoder {
            charset: charset.unwrap_or(Charset::Utf8),
            detecting: charset.is_none(),
            mixed: false,
            held: [0; 3],
            held_len: 0,
            invalid: 0,
            boxes: 0,
            valid: 0,
        }
    }

    pub(super) fn detected() -> Decoder {
        Decoder { detecting: false, mixed: true, ..Decoder::new(Some(Charset::Cp437)) }
    }

    pub(super) fn charset(&self) -> Charset {
        self.charset
    }

    /// Whether nothing is held back.
    pub(super) fn is_empty(&self) -> bool {
        self.held_len == 0
    }

    /// Takes a byte. One below 0x80 gives no character itself, but what it ends.
    pub(super) fn push(&mut self, byte: u8, out: &mut Decoded) {
        if self.held_len > 0 {
            if continues(&self.held[..self.held_len], byte) {
                self.extend(byte, out);
                return;
            }
            self.give_up(out);
        }
        if byte < 0x80 {
            return;
        }
        match self.charset {
            Charset::Latin1 => out.push(char::from(byte)),
            Charset::Cp437 if !(self.mixed && (0xe0..=0xef).contains(&byte)) => out.push(cp437(byte)),
            Charset::Utf8 if !(0xc2..=0xf4).contains(&byte) => self.bad(byte, out),
            Charset::Cp437 | Charset::Utf8 => {
                self.held[0] = byte;
                self.held_len = 1;
            }
        }
    }

    fn extend(&mut self, byte: u8, out: &mut Decoded) {
        let mut bytes = [0; 4];
        bytes[..self.held_len].copy_from_slice(&self.held[..self.held_len]);
        bytes[self.held_len] = byte;
        match std::str::from_utf8(&bytes[..=self.held_len]).ok().and_then(|text| text.chars().next()) {
            Some(c) => {
                self.held_len = 0;
                self.valid = self.valid.saturating_add(1);
                out.push(c);
            }
            None => {
                // Not complete: `continues` has checked every byte, and the fourth completes.
                if let Some(slot) = self.held.get_mut(self.held_len) {
                    *slot = byte;
                    self.held_len += 1;
                }
            }
        }
    }

    /// What is held is no character.
    fn give_up(&mut self, out: &mut Decoded) {
        let held = self.held;
        let count = std::mem::take(&mut self.held_len);
        if self.charset == Charset::Cp437 {
            held[..count].iter().for_each(|&byte| out.push(cp437(byte)));
            return;
        }
        self.bad(held[0], out);
        held[1..count].iter().for_each(|&byte| self.count(byte));
    }

    fn bad(&mut self, byte: u8, out: &mut Decoded) {
        out.push(char::REPLACEMENT_CHARACTER);
        self.count(byte);
    }

    fn count(&mut self, byte: u8) {
        if !self.detecting {
            return;
        }
        self.invalid = self.invalid.saturating_add(1);
        if (0xb0..=0xdf).contains(&byte) {
            self.boxes = self.boxes.saturating_add(1);
        }
        if self.invalid >= ENOUGH && self.boxes * 4 >= self.invalid * 3 && self.valid * 2 <= self.invalid {
            self.charset = Charset::Cp437;
            self.detecting = false;
            self.mixed = true;
        }
    }
}

/// Whether `byte` can follow `held` in well-formed UTF-8 (Unicode 15, table 3-7).
fn continues(held: &[u8], byte: u8) -> bool {
    match held {
        [0xe0] => (0xa0..=0xbf).contains(&byte),
        [0xed] => (0x80..=0x9f).contains(&byte),
        [0xf0] => (0x90..=0xbf).contains(&byte),
        [0xf4] => (0x80..=0x8f).contains(&byte),
        _ => (0x80..=0xbf).contains(&byte),
    }
}
