//! Bytes of the outer terminal to keys and pastes; pure, time is handed in.
//!
//! A sequence may be split anywhere by a slow line. What can still become a sequence is held back
//! until its deadline: a lone Esc shortly (25 ms, 100 ms over ssh), a begun sequence longer, since
//! dropping its tail would turn it into typed keys.

mod csi;
mod mouse;

pub use mouse::{Mouse, MouseKind};

use super::{Key, KeyCode};
use mouse::Report;
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
    /// The mouse, if it was asked for.
    Mouse(Mouse),
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
    /// When the newest report of the mouse came.
    reported: Option<Instant>,
    /// What may have been the head of a report and was given up as keys, and when.
    given: Vec<u8>,
    given_at: Option<Instant>,
}

/// What the start of the held bytes is.
enum Step {
    /// Something that takes so many bytes; `None` when it means nothing to us.
    Take(usize, Option<Key>),
    /// A report of the mouse that takes so many bytes.
    Mouse(usize, Option<Mouse>),
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
        Decoder {
            esc_hold,
            erase_is_backspace,
            held: Vec::new(),
            paste: None,
            newest: None,
            reported: None,
            given: Vec::new(),
            given_at: None,
        }
    }

    /// Takes bytes that came at `now`.
    pub fn push(&mut self, bytes: &[u8], now: Instant) -> Vec<Input> {
        if self.held.is_empty() && self.given_at.is_some_and(|at| now > at + SEQUENCE_HOLD) {
            self.given.clear();
        }
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
            // A report of the mouse: typed by nobody, and its tail would be typed into the node.
            (None, held) if !self.given.is_empty() && self.given.len() + held.len() > 3 => return None,
            (None, [0x1b, b'[', b'<', ..]) => return None,
            // It came together with a report: rather the next one, torn, than a key.
            (None, [0x1b] | [0x1b, _]) if self.reported == self.newest => SEQUENCE_HOLD,
            // Up to here it can be typed by hand: Esc, alt-[, alt-O.
            (None, [0x1b] | [0x1b, _]) => self.esc_hold,
            (None, _) if !self.given.is_empty() => self.esc_hold,
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
        let given = matches!(self.held.as_slice(), [0x1b] | [0x1b, b'[']) || !self.given.is_empty();
        if !self.given.is_empty() {
            // `[` and `<`, slowly, after Esc.
            let keys = self.held.iter().map(|byte| KeyCode::Char(char::from(*byte)).into());
            inputs.extend(keys.map(Input::Key));
        }
        if given {
            self.given.extend_from_slice(&self.held);
            self.given_at = Some(now);
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
            if self.held.is_empty() || self.rest_of_report(inputs) {
                return;
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
                Step::Mouse(length, mouse) => {
                    self.held.drain(..length);
                    self.reported = self.newest;
                    inputs.extend(mouse.map(Input::Mouse));
                }
                Step::Paste(length) => {
                    self.held.drain(..length);
                    self.paste = Some(Vec::new());
                }
            }
        }
    }

    /// Takes what completes a report whose head was given up as keys; whether more bytes are needed.
    fn rest_of_report(&mut self, inputs: &mut Vec<Input>) -> bool {
        if self.given.is_empty() {
            return false;
        }
        let whole = [self.given.as_slice(), &self.held].concat();
        match mouse::report(&whole) {
            Report::Begun => return true,
            Report::Whole(length, mouse) => {
                self.held.drain(..length - self.given.len());
                self.reported = self.newest;
                inputs.extend(mouse.map(Input::Mouse));
            }
            Report::Broken(_) | Report::No => {}
        }
        self.given.clear();
        false
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
            [0x1b, b'[', b'<', ..] => match mouse::report(&self.held) {
                Report::Whole(length, mouse) => Step::Mouse(length, mouse),
                Report::Broken(length) => Step::Take(length, None),
                Report::Begun | Report::No => Step::More,
            },
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
