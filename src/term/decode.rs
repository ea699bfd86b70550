//! Bytes of the outer terminal to keys and pastes; pure, time is handed in.
//!
//! A sequence may be split anywhere by a slow line. What can still become a sequence is held back
//! until its deadline: a lone Esc shortly (25 ms, 100 ms over ssh), a begun sequence longer, since
//! dropping its tail would turn it into typed keys.

mod csi;

use super::{Key, KeyCode};
use std::time::{Duration, Instant};

/// How long a begun sequence, once it cannot be typed by hand, may take to be completed.
const SEQUENCE_HOLD: Duration = Duration::from_secs(1);

/// Silence that ends a paste whose end was lost.
const PASTE_HOLD: Duration = Duration::from_secs(10);

/// A longer paste is handed over in pieces.
const PASTE_PIECE: usize = 1 << 20;

const PASTE_END: &[u8] = b"\x1b[201~";

/// What comes from the outer terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// Pasted text.
    Paste(String),
    /// The new size, columns and rows.
    Resize(u16, u16),
    /// The terminal has gone.
    Closed,
}

/// The decoder's state.
#[derive(Debug)]
pub struct Decoder {
    esc_hold: Duration,
    erase_is_backspace: bool,
    held: Vec<u8>,
    paste: Option<Vec<u8>>,
    newest: Option<Instant>,
}

/// What the start of the held bytes is.
enum Step {
    /// Something that takes so many bytes; `None` when it means nothing to us.
    Take(usize, Option<Key>),
    /// The start of a paste, so many bytes.
    Paste(usize),
    /// More bytes are needed to tell.
    More,
}

impl Decoder {
    /// `esc_hold`: how long a lone Esc is held. `erase_is_backspace`: the terminal's backspace key sends
    /// 0x08 (its erase character), which otherwise is ctrl-h.
    #[must_use]
    pub fn new(esc_hold: Duration, erase_is_backspace: bool) -> Decoder {
        Decoder { esc_hold, erase_is_backspace, held: Vec::new(), paste: None, newest: None }
    }

    /// Takes bytes that came at `now`.
    pub fn push(&mut self, bytes: &[u8], now: Instant) -> Vec<Input> {
        self.newest = Some(now);
        self.held.extend_from_slice(bytes);
        let mut inputs = Vec::new();
        self.decode(&mut inputs);
        inputs
    }

    /// When [`Decoder::expire`] is to be called if nothing comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let newest = self.newest?;
        let hold = match (&self.paste, self.held.as_slice()) {
            (Some(_), _) => PASTE_HOLD,
            (None, []) => return None,
            // Up to here it can be typed by hand: Esc, alt-[, alt-O.
            (None, [0x1b] | [0x1b, _]) => self.esc_hold,
            (None, _) => SEQUENCE_HOLD,
        };
        Some(newest + hold)
    }

    /// Gives up waiting for what should have come by `now`.
    pub fn expire(&mut self, now: Instant) -> Vec<Input> {
        let mut inputs = Vec::new();
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return inputs;
        }
        if let Some(mut text) = self.paste.take() {
            text.append(&mut self.held);
            inputs.push(paste(&text));
            return inputs;
        }
        match self.held.as_slice() {
            [0x1b] => inputs.push(Input::Key(KeyCode::Esc.into())),
            [0x1b, second] if second.is_ascii_graphic() => {
                let mut key = Key::plain(KeyCode::Char(char::from(*second)));
                key.alt = true;
                inputs.push(Input::Key(key));
            }
            // The tail of a sequence was lost; typing what is left of it would be worse.
            _ => {}
        }
        self.held.clear();
        inputs
    }

    fn decode(&mut self, inputs: &mut Vec<Input>) {
        loop {
            if self.paste.is_some() {
                if !self.take_paste(inputs) {
                    return;
                }
                continue;
            }
            if self.held.is_empty() {
                return;
            }
            match self.step() {
                Step::More => return,
                Step::Take(length, key) => {
                    self.held.drain(..length);
                    inputs.extend(key.map(Input::Key));
                }
                Step::Paste(length) => {
                    self.held.drain(..length);
                    self.paste = Some(Vec::new());
                }
            }
        }
    }

    /// Moves held bytes into the paste; whether the paste has ended.
    fn take_paste(&mut self, inputs: &mut Vec<Input>) -> bool {
        let Some(text) = &mut self.paste else {
            return true;
        };
        let end = self.held.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        if let Some(end) = end {
            text.extend(self.held.drain(..end));
            self.held.drain(..PASTE_END.len());
            inputs.push(paste(text));
            self.paste = None;
            return true;
        }
        // The last bytes may be the beginning of the end.
        let may_end = (1..PASTE_END.len()).rev().find(|&length| self.held.ends_with(&PASTE_END[..length]));
        let sure = self.held.len() - may_end.unwrap_or(0);
        text.extend(self.held.drain(..sure));
        if text.len() >= PASTE_PIECE {
            let complete = complete_utf8(text);
            let rest = text.split_off(complete);
            inputs.push(paste(text));
            *text = rest;
        }
        false
    }

    fn step(&self) -> Step {
        match self.held.as_slice() {
            [0x1b] => Step::More,
            [0x1b, b'[', rest @ ..] => csi::csi(rest),
            [0x1b, b'O', rest @ ..] => csi::ss3(rest),
            // Esc pressed before another key; the second Esc may begin a sequence.
            [0x1b, 0x1b, ..] => Step::Take(1, Some(KeyCode::Esc.into())),
            [0x1b, rest @ ..] => match self.simple(rest) {
                Step::Take(length, key) => {
                    let alt = key.map(|key| Key { alt: true, ..key });
                    Step::Take(length + 1, alt)
                }
                other => other,
            },
            bytes => self.simple(bytes),
        }
    }

    /// One control byte or one character.
    fn simple(&self, bytes: &[u8]) -> Step {
        let first = bytes[0];
        let ctrl = |ch: char| Key { ctrl: true, ..Key::plain(KeyCode::Char(ch)) };
        let key = match first {
            0x00 => ctrl(' '),
            0x08 if self.erase_is_backspace => KeyCode::Backspace.into(),
            b'\t' => KeyCode::Tab.into(),
            b'\r' => KeyCode::Enter.into(),
            0x01..=0x1a => ctrl(char::from(first + 0x60)),
            // The four that have no letter: \ ] ^ _
            0x1c..=0x1f => ctrl(char::from(first + 0x40)),
            0x7f => KeyCode::Backspace.into(),
            _ => return character(bytes),
        };
        Step::Take(1, Some(key))
    }
}

fn character(bytes: &[u8]) -> Step {
    let length = match bytes[0] {
        0x00..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        // No character begins so.
        _ => return Step::Take(1, None),
    };
    let have = &bytes[..length.min(bytes.len())];
    match std::str::from_utf8(have) {
        Ok(text) => {
            let ch = text.chars().next().filter(|ch| !ch.is_control());
            Step::Take(length, ch.map(|ch| KeyCode::Char(ch).into()))
        }
        Err(error) if error.error_len().is_none() => Step::More,
        Err(_) => Step::Take(1, None),
    }
}

/// How many of the bytes end with a whole character.
fn complete_utf8(text: &[u8]) -> usize {
    let tail = text.iter().rev().take(4).position(|byte| byte & 0xc0 != 0x80);
    match tail.map(|back| text.len() - 1 - back) {
        Some(start) if matches!(character(&text[start..]), Step::More) => start,
        _ => text.len(),
    }
}

fn paste(text: &[u8]) -> Input {
    Input::Paste(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests;
