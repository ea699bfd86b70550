//! The turns of the power-ons of one request: inrush current is real.
//!
//! Pure but for its lock. A turn is where there is room for it, so that one slow BMC holds nobody up; who could not
//! use its turn takes another.

use std::sync::Mutex;
use std::time::Duration;

/// Spreads the power-ons of one request.
#[derive(Debug)]
pub(crate) struct Stagger {
    gap: Duration,
    of: usize,
    turns: Mutex<Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    /// Every turn given, also those that are over; in order.
    reserved: Vec<Duration>,
    sent: Option<Duration>,
}

/// A node's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub at: Duration,
    /// From 1, as the turns are known now.
    pub number: usize,
}

impl Stagger {
    /// `gap` between two power-ons of at most `of` nodes.
    pub fn new(gap: Duration, of: usize) -> Stagger {
        Stagger { gap, of, turns: Mutex::default() }
    }

    /// Turns there can be: one a node.
    pub(super) fn of(&self) -> usize {
        self.of
    }

    /// Reserves the first free turn not before `from`, in exchange for the one at `before`.
    pub(super) fn reserve(&self, from: Duration, before: Option<Duration>) -> Turn {
        let mut turns = self.turns.lock().expect("no panic while it is locked");
        if let Some(old) = before.and_then(|old| turns.reserved.iter().position(|at| *at == old)) {
            turns.reserved.remove(old);
        }
        // What was sent later than its turn keeps its distance, too.
        let mut at = turns.sent.map_or(from, |sent| from.max(sent + self.gap));
        for other in &turns.reserved {
            if at + self.gap <= *other {
                break;
            }
            at = at.max(*other + self.gap);
        }
        let place = turns.reserved.partition_point(|other| *other <= at);
        turns.reserved.insert(place, at);
        Turn { at, number: place + 1 }
    }

    /// A power-on is sent now, unless the one before is too near, since permits come late: then when it could be.
    pub(super) fn take(&self, now: Duration) -> Result<(), Duration> {
        let mut turns = self.turns.lock().expect("no panic while it is locked");
        match turns.sent.map(|last| last + self.gap).filter(|free| now < *free) {
            Some(free) => Err(free),
            None => {
                turns.sent = Some(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn turn(at: u64, number: usize) -> Turn {
        Turn { at: secs(at), number }
    }

    #[test]
    fn turns_are_given_where_there_is_room() {
        let stagger = Stagger::new(secs(2), 9);
        assert_eq!(stagger.reserve(secs(10), None), turn(10, 1));
        assert_eq!(stagger.reserve(secs(10), None), turn(12, 2));
        assert_eq!(stagger.reserve(secs(60), None), turn(60, 3), "a BMC that is slow");
        assert_eq!(stagger.reserve(secs(10), None), turn(14, 3), "holds nobody up");
        assert_eq!(stagger.reserve(secs(7), None), turn(7, 1));
        assert_eq!(stagger.reserve(secs(9), None), turn(16, 5), "9 is too near to 10");
    }

    #[test]
    fn a_turn_that_was_not_used_is_given_back_and_what_was_sent_late_counts() {
        let stagger = Stagger::new(secs(2), 3);
        let first = stagger.reserve(secs(10), None);
        assert_eq!(stagger.take(secs(13)), Ok(()), "late");
        assert_eq!(stagger.take(secs(14)), Err(secs(15)));
        assert_eq!(stagger.reserve(secs(14), Some(first.at)), turn(15, 1));
        assert_eq!(stagger.take(secs(15)), Ok(()));
    }

    #[test]
    fn without_a_gap_everybody_goes_at_once() {
        let stagger = Stagger::new(Duration::ZERO, 3);
        assert_eq!(stagger.reserve(secs(1), None).at, secs(1));
        assert_eq!(stagger.reserve(secs(1), None).at, secs(1));
        assert_eq!((stagger.take(secs(1)), stagger.take(secs(1))), (Ok(()), Ok(())));
    }
}
