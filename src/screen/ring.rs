//! The newest raw bytes of a console, from which its screen can be made anew. Called by `emulator`.

use std::collections::VecDeque;

/// Bytes kept.
pub(super) const RING_BYTES: usize = 128 * 1024;
/// Idle marks kept.
const IDLE_MARKS: usize = 256;

/// A window on the end of the stream; offsets count from the stream's first byte.
#[derive(Default)]
pub(super) struct Ring {
    bytes: VecDeque<u8>,
    end: u64,
    /// Offsets at which a silence ended a string: needed to come to the same screen again.
    idles: VecDeque<u64>,
}

impl Ring {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.end += bytes.len() as u64;
        let bytes = &bytes[bytes.len().saturating_sub(RING_BYTES)..];
        let over = (self.bytes.len() + bytes.len()).saturating_sub(RING_BYTES);
        self.bytes.drain(..over);
        self.bytes.extend(bytes);
        while self.idles.front().is_some_and(|&at| at < self.start()) {
            self.idles.pop_front();
        }
    }

    /// Bytes that must not be replayed: their place is kept, and the gate ignores a zero.
    pub(super) fn push_blank(&mut self, count: usize) {
        for _ in 0..count {
            self.push(&[0]);
        }
    }

    pub(super) fn blank(&mut self) {
        self.bytes.iter_mut().for_each(|byte| *byte = 0);
    }

    pub(super) fn mark_idle(&mut self) {
        self.idles.push_back(self.end);
        if self.idles.len() > IDLE_MARKS {
            self.idles.pop_front();
        }
    }

    pub(super) fn start(&self) -> u64 {
        self.end - self.bytes.len() as u64
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// A copy, and the idle marks in it.
    pub(super) fn contents(&self) -> (Vec<u8>, Vec<u64>) {
        (self.bytes.iter().copied().collect(), self.idles.iter().copied().collect())
    }
}
