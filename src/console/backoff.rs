//! How long a lost console waits before it is opened again. Owned by the session task.

use std::time::Duration;

/// A gap never grows past this.
const LONGEST: Duration = Duration::from_secs(60);
/// The gap after the first loss.
const SHORTEST: Duration = Duration::from_secs(5);
/// An attachment that lasted this long proves the way is sound: the next loss starts over.
const SOUND: Duration = Duration::from_secs(60);

/// Doubling gaps from 5 s to 60 s.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    losses: u32,
}

impl Backoff {
    /// The gap before the next attempt.
    pub(super) fn next(&mut self) -> Duration {
        let gap = SHORTEST.saturating_mul(1 << self.losses.min(4));
        self.losses = self.losses.saturating_add(1);
        gap.min(LONGEST)
    }

    /// An attachment ended that had lasted `for_`. A short one counts as a further loss, or a BMC that
    /// accepts and drops at once would be asked every 5 s for ever.
    pub(super) fn attached(&mut self, for_: Duration) {
        if for_ >= SOUND {
            self.losses = 0;
        }
    }

    /// The operator asked: start over.
    pub(super) fn reset(&mut self) {
        self.losses = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(backoff: &mut Backoff, count: usize) -> Vec<u64> {
        (0..count).map(|_| backoff.next().as_secs()).collect()
    }

    #[test]
    fn gaps_grow_and_stay_bounded() {
        assert_eq!(seconds(&mut Backoff::default(), 7), [5, 10, 20, 40, 60, 60, 60]);
    }

    #[test]
    fn only_a_long_attachment_starts_over() {
        let mut backoff = Backoff::default();
        seconds(&mut backoff, 2);
        backoff.attached(Duration::from_secs(1));
        assert_eq!(backoff.next().as_secs(), 20, "dropped at once: the gap goes on growing");
        backoff.attached(Duration::from_secs(60));
        assert_eq!(backoff.next().as_secs(), 5);
        backoff.reset();
        assert_eq!(backoff.next().as_secs(), 5);
    }
}
