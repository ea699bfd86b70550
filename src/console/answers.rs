//! How many of the emulator's answers (device attributes, cursor position) go back to the node. Pure; used
//! by the session task. A node that is fed its own answers would otherwise talk to itself for ever.

use std::time::Duration;
use tokio::time::Instant;

/// Answers in a second at most.
const MOST: usize = 10;
const SECOND: Duration = Duration::from_secs(1);
/// Every answer begins with it.
const ESC: u8 = 0x1b;

/// The allowance of the current second.
#[derive(Debug, Default)]
pub(super) struct Answers {
    since: Option<Instant>,
    sent: usize,
}

impl Answers {
    /// What of `answers`, one after another, may be sent at `now`.
    pub(super) fn pass(&mut self, answers: &[u8], now: Instant) -> Vec<u8> {
        if self.since.is_none_or(|since| now >= since + SECOND) {
            *self = Answers { since: Some(now), sent: 0 };
        }
        let mut passed = Vec::new();
        for byte in answers {
            if *byte == ESC {
                self.sent += 1;
                if self.sent > MOST {
                    break;
                }
            }
            passed.push(*byte);
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_a_second_and_no_half_ones() {
        let mut answers = Answers::default();
        let start = Instant::now();
        assert_eq!(answers.pass(b"\x1b[?6c\x1b[0n", start), b"\x1b[?6c\x1b[0n");
        assert_eq!(answers.pass(&b"\x1b[1;1R".repeat(50), start), b"\x1b[1;1R".repeat(8));
        assert_eq!(answers.pass(b"\x1b[0n", start + SECOND / 2), b"");
        assert_eq!(answers.pass(b"\x1b[0n", start + SECOND), b"\x1b[0n");
    }
}
