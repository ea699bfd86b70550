//! What waits to be sent to the node: one ordered queue for keys, pastes and answers. Pure; the session
//! task takes from it when [`Outbox::due`] has come and the transport has room.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// A paste goes out in pieces of this size, which every SOL packet can carry (some BMCs take 32 bytes).
const PASTE_PIECE: usize = 32;
/// One piece each 34 ms is 941 bytes/s: just below a serial line of 9600 baud, which takes 960, so that a
/// machine without flow control loses nothing.
const PASTE_GAP: Duration = Duration::from_millis(34);
/// What ends a bracketed paste (xterm, mode 2004).
const PASTE_END: &[u8] = b"\x1b[201~";
/// Keys that piled up are sent together up to this size.
const KEYS_PIECE: usize = 256;

/// One thing to send, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Out {
    /// Bytes for the node.
    Bytes(Vec<u8>),
    /// A serial break.
    Break,
}

#[derive(Debug)]
enum Item {
    Keys(Vec<u8>),
    Paste { rest: VecDeque<u8>, begun: bool },
    Break,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    items: VecDeque<Item>,
    not_before: Option<Instant>,
}

impl Outbox {
    /// Queues keys, or an answer of the emulator.
    pub(super) fn keys(&mut self, bytes: Vec<u8>) {
        match self.items.back_mut() {
            Some(Item::Keys(last)) if last.len() + bytes.len() <= KEYS_PIECE => last.extend(bytes),
            _ if bytes.is_empty() => {}
            _ => self.items.push_back(Item::Keys(bytes)),
        }
    }

    /// Queues a paste; what is typed after it waits for its end, so that the order stays.
    pub(super) fn paste(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.items.push_back(Item::Paste { rest: bytes.into(), begun: false });
        }
    }

    /// Throws away what is left of pastes; how many bytes that was. A bracketed paste that has begun is ended, or
    /// the node would take what is typed next for more of it.
    pub(super) fn stop_pastes(&mut self) -> usize {
        let mut dropped = 0;
        self.items.retain_mut(|item| {
            let Item::Paste { rest, begun } = item else { return true };
            let bytes = rest.make_contiguous();
            if *begun && PASTE_END.ends_with(bytes) {
                return true;
            }
            let stops = match bytes.strip_suffix(PASTE_END) {
                Some(text) if *begun => text.len(),
                _ => bytes.len(),
            };
            rest.drain(..stops);
            dropped += stops;
            !rest.is_empty()
        });
        dropped
    }

    /// Queues a break.
    pub(super) fn send_break(&mut self) {
        self.items.push_back(Item::Break);
    }

    /// When the next thing may go; `None` when there is nothing.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        match self.items.front()? {
            Item::Paste { .. } => Some(self.not_before.unwrap_or(now)),
            Item::Keys(_) | Item::Break => Some(now),
        }
    }

    /// Takes the next thing, at `now`.
    pub(super) fn take(&mut self, now: Instant) -> Option<Out> {
        match self.items.pop_front()? {
            Item::Keys(bytes) => Some(Out::Bytes(bytes)),
            Item::Break => Some(Out::Break),
            Item::Paste { mut rest, .. } => {
                let piece = rest.drain(..rest.len().min(PASTE_PIECE)).collect();
                if !rest.is_empty() {
                    self.items.push_front(Item::Paste { rest, begun: true });
                }
                self.not_before = Some(now + PASTE_GAP);
                Some(Out::Bytes(piece))
            }
        }
    }

    /// Throws everything away: nothing typed for one attachment may reach another.
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.not_before = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_after_a_paste_wait_for_its_end() {
        let mut outbox = Outbox::default();
        let start = Instant::now();
        outbox.keys(b"a".to_vec());
        outbox.keys(b"b".to_vec());
        outbox.paste(vec![b'p'; 40]);
        outbox.keys(b"c".to_vec());
        outbox.send_break();
        assert_eq!(outbox.take(start), Some(Out::Bytes(b"ab".to_vec())), "typed keys travel together");
        assert_eq!(outbox.due(start), Some(start));
        assert_eq!(outbox.take(start), Some(Out::Bytes(vec![b'p'; 32])));
        assert_eq!(outbox.due(start), Some(start + PASTE_GAP), "the next piece is paced");
        assert_eq!(outbox.take(start + PASTE_GAP), Some(Out::Bytes(vec![b'p'; 8])));
        assert_eq!(outbox.due(start), Some(start), "keys are not paced");
        assert_eq!(outbox.take(start), Some(Out::Bytes(b"c".to_vec())));
        assert_eq!(outbox.take(start), Some(Out::Break));
        assert_eq!(outbox.due(start), None);
    }

    #[test]
    fn two_pastes_keep_the_pace_between_them() {
        let mut outbox = Outbox::default();
        let start = Instant::now();
        outbox.paste(vec![1; 8]);
        outbox.paste(vec![2; 8]);
        outbox.take(start);
        assert_eq!(outbox.due(start), Some(start + PASTE_GAP));
        outbox.clear();
        assert_eq!(outbox.due(start), None);
    }

    #[test]
    fn a_paste_is_stopped_and_a_bracket_that_was_opened_is_closed() {
        let start = Instant::now();
        let mut outbox = Outbox::default();
        outbox.keys(b"a".to_vec());
        outbox.paste(vec![b'p'; 100]);
        outbox.keys(b"b".to_vec());
        outbox.take(start);
        outbox.take(start);
        assert_eq!(outbox.stop_pastes(), 68);
        assert_eq!(outbox.take(start), Some(Out::Bytes(b"b".to_vec())), "what was typed stays");
        assert_eq!(outbox.stop_pastes(), 0);
        let bracketed = [&b"\x1b[200~"[..], &[b'p'; 50], PASTE_END].concat();
        outbox.paste(bracketed.clone());
        assert_eq!(outbox.stop_pastes(), 62, "not begun: nothing of it");
        assert_eq!(outbox.take(start), None);
        outbox.paste(bracketed);
        outbox.take(start);
        assert_eq!(outbox.stop_pastes(), 24);
        assert_eq!(outbox.stop_pastes(), 0, "its end goes out");
        assert_eq!(outbox.take(start), Some(Out::Bytes(PASTE_END.to_vec())));
    }
}
