//! The gate before the grid: decodes the console's character set and lets through only what a
//! grid should see.
//!
//! Everything a node sends is hostile until it passed here: strings (OSC, DCS, APC, PM, SOS),
//! synchronized update, the kitty keyboard, mouse modes, reports other than DA1 and DSR 5/6, and
//! every sequence this file does not name are dropped; numbers are clamped, so that no few bytes
//! cost much time. It works byte by byte, so any chunking gives the same result. It keeps no
//! cells: what depends on the grid is an [`Act`] for the [`Sink`]. Called by `emulator` only.

mod csi;
mod decode;
mod glyph;

use super::Charset;
use csi::Csi;
use decode::{Decoded, Decoder};
use glyph::Glyph;

/// A string that did not end after this many bytes is over: an unterminated `ESC ]` would
/// otherwise swallow the console for ever.
const STRING_LIMIT: usize = 4096;
/// Cells REP and DECALN may fill per byte of input: four bytes could otherwise cost a whole screen.
const CREDIT_PER_BYTE: usize = 32;
/// The most that is saved up, and what a DECALN costs: the largest screen.
const CREDIT: usize = 240 * 67;
/// Cells per byte of input that may go into the history by whole screens at once (ED, RIS, SU, DL).
const HISTORY_PER_BYTE: usize = 256;
/// The most that is saved up: firmware clears a few times in a row.
const HISTORY: usize = 16 * CREDIT;
/// Cells of the widest row.
const ROW: usize = 240;

/// Receives what passed.
pub(super) trait Sink {
    /// Bytes for the grid: UTF-8 text, controls and whole sequences; at most one line feed's worth
    /// of scrolling per byte.
    fn pass(&mut self, bytes: &[u8]);
    /// Something that the grid's owner does itself.
    fn act(&mut self, act: Act<'_>);
}

/// What depends on the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act<'a> {
    /// A combining mark for the character before the cursor.
    Mark(char),
    /// A sequence that may scroll by a whole screen.
    Heavy(&'a [u8]),
    /// Erase everything (ED 2); `keep`: what was there goes into the history.
    Clear { keep: bool },
    /// Erase from the cursor to the end (ED 0).
    ClearBelow { keep: bool },
    /// Erase from the start to the cursor (ED 1).
    ClearAbove,
    /// RIS.
    Reset { keep: bool },
    /// DECSTR.
    SoftReset,
    /// To the alternate screen or back (`?47`, `?1047`, `?1049`).
    Alternate(bool),
    /// A position is about to be addressed; 1-based, 0 when not named.
    Address { row: u16, col: u16 },
    /// DECSTBM; 1-based, both included, 0 for the default.
    Region { top: u16, bottom: u16 },
    /// DA1.
    Identify,
    /// DSR 5.
    Status,
    /// DSR 6.
    WhereIsCursor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ground,
    /// After ESC; the intermediate byte, if one came (a second one makes it `Some(0)`: drop).
    Escape(Option<u8>),
    Csi,
    /// In a string, with its length so far.
    Str(usize),
}

/// The state machine.
pub(super) struct Gate {
    state: State,
    decoder: Decoder,
    csi: Csi,
    /// The newest printed character, for REP.
    last: Option<char>,
    /// LNM: the grid does not make CR LF out of LF by itself.
    line_feed_mode: bool,
    /// Cells that REP and DECALN may still fill.
    credit: usize,
    /// Cells that may still go into the history by whole screens.
    history: usize,
    /// Autowrap is never switched off.
    force_wrap: bool,
}

impl Gate {
    /// `charset`: `None` detects.
    pub(super) fn new(charset: Option<Charset>, force_wrap: bool) -> Gate {
        Gate {
            state: State::Ground,
            decoder: Decoder::new(charset),
            csi: Csi::default(),
            last: None,
            line_feed_mode: false,
            credit: CREDIT,
            history: HISTORY,
            force_wrap,
        }
    }

    /// A gate that has detected CP437 already.
    pub(super) fn detected(force_wrap: bool) -> Gate {
        Gate { decoder: Decoder::detected(), ..Gate::new(None, force_wrap) }
    }

    /// The character set in use.
    pub(super) fn charset(&self) -> Charset {
        self.decoder.charset()
    }

    /// Takes `bytes` and returns how many were used: less than all of them only when the character
    /// set has just been detected, so that the caller can render anew what came before.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut impl Sink) -> usize {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.state == State::Ground && self.decoder.is_empty() {
                let run = bytes[at..].iter().take_while(|byte| matches!(byte, 0x20..=0x7e)).count();
                if run > 0 {
                    self.earn(run);
                    sink.pass(&bytes[at..at + run]);
                    at += run;
                    self.last = Some(char::from(bytes[at - 1]));
                    continue;
                }
            }
            self.earn(1);
            let before = self.decoder.charset();
            self.byte(byte, sink);
            at += 1;
            if self.decoder.charset() != before {
                return at;
            }
        }
        at
    }

    /// Nothing came for a while: ends a string, and a sequence that stays behind. Whether there was one.
    pub(super) fn idle(&mut self) -> bool {
        std::mem::replace(&mut self.state, State::Ground) != State::Ground
    }

    fn earn(&mut self, bytes: usize) {
        self.credit = CREDIT.min(self.credit + bytes * CREDIT_PER_BYTE);
        self.history = HISTORY.min(self.history + bytes * HISTORY_PER_BYTE);
    }

    fn byte(&mut self, byte: u8, sink: &mut impl Sink) {
        match self.state {
            State::Ground => self.ground(byte, sink),
            State::Escape(intermediate) => self.escape(intermediate, byte, sink),
            State::Csi => self.csi_byte(byte, sink),
            State::Str(length) => self.string(length, byte, sink),
        }
    }

    fn ground(&mut self, byte: u8, sink: &mut impl Sink) {
        match byte {
            0x20..=0x7e if self.decoder.is_empty() => {
                self.last = Some(char::from(byte));
                sink.pass(&[byte]);
            }
            0x00..=0x7f => {
                self.decode(byte, sink);
                match byte {
                    0x20..=0x7e => {
                        self.last = Some(char::from(byte));
                        sink.pass(&[byte]);
                    }
                    _ => self.control(byte, sink),
                }
            }
            _ => self.decode(byte, sink),
        }
    }

    /// Bytes below 0x80 only end a character that is not complete.
    fn decode(&mut self, byte: u8, sink: &mut impl Sink) {
        let mut out = Decoded::default();
        self.decoder.push(byte, &mut out);
        for &c in out.chars() {
            if self.decoder.charset() == Charset::Latin1 && ('\u{80}'..='\u{9f}').contains(&c) {
                // Eight-bit controls exist only there: UTF-8 has them as two bytes (dropped), and in
                // CP437 these codes are letters.
                self.control_8bit(u8::try_from(u32::from(c)).unwrap_or(0), sink);
            } else {
                self.print(c, sink);
            }
        }
    }

    fn print(&mut self, c: char, sink: &mut impl Sink) {
        let c = match glyph::judge(c) {
            Glyph::Keep => c,
            Glyph::Mark => {
                sink.act(Act::Mark(c));
                return;
            }
            Glyph::Replace => char::REPLACEMENT_CHARACTER,
            Glyph::Drop => return,
        };
        self.last = Some(c);
        sink.pass(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn control(&mut self, byte: u8, sink: &mut impl Sink) {
        match byte {
            0x1b => self.state = State::Escape(None),
            // LF, VT, FF
            0x0a..=0x0c => {
                sink.pass(&[byte]);
                if self.line_feed_mode {
                    sink.pass(b"\r");
                }
            }
            // BS, HT, CR, SO, SI
            0x08 | 0x09 | 0x0d | 0x0e | 0x0f => sink.pass(&[byte]),
            _ => {}
        }
    }

    fn control_8bit(&mut self, byte: u8, sink: &mut impl Sink) {
        match byte {
            0x84 | 0x85 | 0x88 | 0x8d | 0x90 | 0x98 | 0x9b | 0x9d..=0x9f => {
                self.escape(None, byte - 0x40, sink)
            }
            _ => {}
        }
    }

    /// What every state but a string does with a control character; false when `byte` is none.
    fn control_inside(&mut self, byte: u8, sink: &mut impl Sink) -> bool {
        match byte {
            // CAN, SUB
            0x18 | 0x1a => self.state = State::Ground,
            0x00..=0x1f => self.control(byte, sink),
            0x7f => {}
            // A high byte breaks the sequence off: more likely noise than meant.
            0x80.. => {
                self.state = State::Ground;
                self.ground(byte, sink);
            }
            _ => return false,
        }
        true
    }

    fn escape(&mut self, intermediate: Option<u8>, byte: u8, sink: &mut impl Sink) {
        if self.control_inside(byte, sink) {
            return;
        }
        if let 0x20..=0x2f = byte {
            self.state = State::Escape(Some(if intermediate.is_none() { byte } else { 0 }));
            return;
        }
        self.state = State::Ground;
        match (intermediate, byte) {
            (None, b'[') => {
                self.csi.clear();
                self.state = State::Csi;
            }
            (None, b']' | b'P' | b'_' | b'^' | b'X') => self.state = State::Str(0),
            (None, b'c') => {
                self.line_feed_mode = false;
                self.last = None;
                sink.act(Act::Reset { keep: self.keep() });
            }
            (None, b'D' | b'E') => sink.pass(&[0x1b, byte]),
            (None, b'7' | b'8' | b'=' | b'>' | b'H' | b'M') => sink.pass(&[0x1b, byte]),
            (Some(set @ (b'(' | b')' | b'*' | b'+')), _) => {
                // Only line drawing is known; every national set is taken for ASCII.
                sink.pass(&[0x1b, set, if byte == b'0' { b'0' } else { b'B' }]);
            }
            (Some(b'#'), b'8') if self.credit >= CREDIT => {
                self.credit = 0;
                sink.pass(b"\x1b#8");
            }
            _ => {}
        }
    }

    fn string(&mut self, length: usize, byte: u8, sink: &mut impl Sink) {
        self.state = match byte {
            0x1b => State::Escape(None),
            0x07 | 0x18 | 0x1a => State::Ground,
            0x9c if self.decoder.charset() == Charset::Latin1 => State::Ground,
            b'\n' => {
                self.state = State::Ground;
                self.control(byte, sink);
                State::Ground
            }
            _ if length + 1 >= STRING_LIMIT => State::Ground,
            _ => State::Str(length + 1),
        };
    }

    fn csi_byte(&mut self, byte: u8, sink: &mut impl Sink) {
        if self.control_inside(byte, sink) {
            return;
        }
        if let 0x20..=0x3f = byte {
            self.csi.push(byte);
            return;
        }
        self.state = State::Ground;
        self.dispatch(byte, sink);
    }

    /// Whether a screen that is erased now goes into the history: a flood of erasures may not.
    fn keep(&mut self) -> bool {
        let keep = self.history >= CREDIT;
        if keep {
            self.history -= CREDIT;
        }
        keep
    }

    /// By how many rows the screen may scroll at once.
    fn rows(&mut self, wanted: u16) -> u16 {
        let rows = usize::from(wanted.clamp(1, 67)).min((self.history / ROW).max(1));
        self.history = self.history.saturating_sub(rows * ROW);
        u16::try_from(rows).unwrap_or(1)
    }

    fn repeat(&mut self, times: u16, sink: &mut impl Sink) {
        let Some(c) = self.last else { return };
        let times = usize::from(times).min(self.credit);
        self.credit -= times;
        let mut buffer = [0; 4];
        let bytes = c.encode_utf8(&mut buffer).as_bytes();
        for _ in 0..times {
            sink.pass(bytes);
        }
    }
}
