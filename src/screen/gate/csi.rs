//! Control sequences (ECMA-48 CSI): which pass, which are rewritten. Everything else is dropped.

use super::{Act, Gate, Sink};
use std::io::Write;

/// Longest sequence that is looked at.
const LONGEST: usize = 256;
/// Most parameters the grid's parser takes; it drops the sequence beyond.
const PARAMETERS: usize = 32;
/// Ceiling for counts and positions: more than any screen has.
const CEILING: u16 = 999;
/// DECAWM.
const AUTOWRAP: u16 = 7;
/// Tab stops to go at once: alacritty walks the row for each, and a node can clear them all.
const TABS: u16 = 64;

/// The parameter and intermediate bytes of the sequence that is arriving.
#[derive(Default)]
pub(super) struct Csi {
    bytes: Vec<u8>,
    too_long: bool,
}

impl Csi {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.too_long = false;
    }

    pub(super) fn push(&mut self, byte: u8) {
        if self.bytes.len() < LONGEST {
            self.bytes.push(byte);
        } else {
            self.too_long = true;
        }
    }

    /// Private marker, parameters, intermediates; `None` when malformed or too long.
    fn parts(&self) -> Option<(Option<u8>, &[u8], &[u8])> {
        if self.too_long {
            return None;
        }
        let (marker, rest) = match self.bytes.split_first() {
            Some((&marker @ 0x3c..=0x3f, rest)) => (Some(marker), rest),
            _ => (None, &self.bytes[..]),
        };
        let end = rest.iter().position(|byte| !matches!(byte, 0x30..=0x3b)).unwrap_or(rest.len());
        let (parameters, intermediates) = rest.split_at(end);
        intermediates.iter().all(|byte| matches!(byte, 0x20..=0x2f)).then_some((
            marker,
            parameters,
            intermediates,
        ))
    }
}

/// The numbers of a parameter list; absent ones are 0.
struct Numbers([u16; PARAMETERS], usize);

impl Numbers {
    fn parse(parameters: &[u8]) -> Option<Numbers> {
        let mut numbers = Numbers([0; PARAMETERS], 0);
        if parameters.is_empty() {
            return Some(numbers);
        }
        for part in parameters.split(|&byte| byte == b';' || byte == b':') {
            let value = part.iter().fold(0u16, |value, byte| {
                value.saturating_mul(10).saturating_add(u16::from(byte.saturating_sub(b'0')))
            });
            *numbers.0.get_mut(numbers.1)? = value;
            numbers.1 += 1;
        }
        Some(numbers)
    }

    fn get(&self, index: usize) -> u16 {
        self.0.get(index).copied().unwrap_or(0)
    }

    fn all(&self) -> &[u16] {
        &self.0[..self.1.max(1)]
    }
}

/// A sequence with clamped numbers.
fn sequence(marker: &str, numbers: &[u16], last: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    out.extend_from_slice(b"\x1b[");
    out.extend_from_slice(marker.as_bytes());
    for (index, number) in numbers.iter().enumerate() {
        let separator = if index == 0 { "" } else { ";" };
        // Writing to memory cannot fail.
        let _ = write!(out, "{separator}{}", number.min(&CEILING));
    }
    out.push(last);
    out
}

impl Gate {
    pub(super) fn dispatch(&mut self, last: u8, sink: &mut impl Sink) {
        let csi = std::mem::take(&mut self.csi);
        if let Some((marker, parameters, intermediates)) = csi.parts()
            && let Some(numbers) = Numbers::parse(parameters)
        {
            match (marker, intermediates) {
                (None, []) if last == b'm' => {
                    sink.pass(b"\x1b[");
                    sink.pass(parameters);
                    sink.pass(b"m");
                }
                (None, []) if !parameters.contains(&b':') => self.plain(last, &numbers, sink),
                (Some(b'?'), []) if matches!(last, b'h' | b'l') => {
                    let wanted = |mode: u16| last == b'h' || (mode == AUTOWRAP && self.force_wrap);
                    numbers.all().iter().for_each(|&mode| private_mode(mode, wanted(mode), sink));
                }
                (None, [b'!']) if last == b'p' => {
                    self.line_feed_mode = false;
                    sink.act(Act::SoftReset);
                }
                _ => {}
            }
        }
        self.csi = csi;
    }

    fn plain(&mut self, last: u8, numbers: &Numbers, sink: &mut impl Sink) {
        let first = numbers.get(0);
        match last {
            b'@'..=b'F' | b'P' | b'X' | b'a' | b'e' => sink.pass(&sequence("", &[first], last)),
            b'I' | b'Z' => sink.pass(&sequence("", &[first.min(TABS)], last)),
            b'G' | b'`' => {
                sink.act(Act::Address { row: 0, col: first });
                sink.pass(&sequence("", &[first], last));
            }
            b'd' => {
                sink.act(Act::Address { row: first, col: 0 });
                sink.pass(&sequence("", &[first], last));
            }
            b'H' | b'f' => {
                sink.act(Act::Address { row: first, col: numbers.get(1) });
                sink.pass(&sequence("", &[first, numbers.get(1)], last));
            }
            b'J' => match first {
                0 => sink.act(Act::ClearBelow { keep: self.keep() }),
                1 => sink.act(Act::ClearAbove),
                2 => sink.act(Act::Clear { keep: self.keep() }),
                // 3 would clear the operator's history: not the node's to decide.
                _ => {}
            },
            b'K' if first <= 2 => sink.pass(&sequence("", &[first], last)),
            b'L' => sink.act(Act::Heavy(&sequence("", &[first], last))),
            b'M' | b'S' => sink.act(Act::Heavy(&sequence("", &[self.rows(first)], last))),
            b'T' if numbers.1 <= 1 => sink.act(Act::Heavy(&sequence("", &[first], last))),
            b'b' => self.repeat(first.max(1), sink),
            b'c' if first == 0 => sink.act(Act::Identify),
            b'g' if first == 0 || first == 3 => sink.pass(&sequence("", &[first], last)),
            b'h' | b'l' => {
                for &mode in numbers.all() {
                    if mode == 20 {
                        self.line_feed_mode = last == b'h';
                    }
                    if mode == 4 || mode == 20 {
                        sink.pass(&sequence("", &[mode], last));
                    }
                }
            }
            b'n' if first == 5 => sink.act(Act::Status),
            b'n' if first == 6 => sink.act(Act::WhereIsCursor),
            b'r' => sink.act(Act::Region { top: first, bottom: numbers.get(1) }),
            b's' if numbers.1 == 0 => sink.pass(b"\x1b7"),
            b'u' if numbers.1 == 0 => sink.pass(b"\x1b8"),
            _ => {}
        }
    }
}

/// DEC private modes that matter for a picture or for the encoding of keys.
fn private_mode(mode: u16, on: bool, sink: &mut impl Sink) {
    match mode {
        1 | 6 | 7 | 25 | 2004 => {
            let mut bytes = Vec::with_capacity(8);
            // Writing to memory cannot fail.
            let _ = write!(bytes, "\x1b[?{mode}{}", if on { 'h' } else { 'l' });
            sink.pass(&bytes);
        }
        66 => sink.pass(if on { b"\x1b=" } else { b"\x1b>" }),
        47 | 1047 | 1049 => sink.act(Act::Alternate(on)),
        1048 => sink.pass(if on { b"\x1b7" } else { b"\x1b8" }),
        _ => {}
    }
}
