//! When which link wants to be called: one ordered set for all of them. Pure; called by `port`.
//!
//! A link has at most one entry. One that wants to be called later than its entry says is left where it is
//! and asked when the entry is due: most deadlines move away with each answer, and moving them all would
//! cost more than asking.

use std::collections::BTreeMap;
use std::time::Duration;

/// Deadlines are rounded up to this, so that many are served by one wake-up of the engine.
const GRAIN: Duration = Duration::from_millis(20);

/// A rounded deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(u64);

impl Tick {
    /// The first tick that is not before `at`.
    pub(super) fn after(at: Duration) -> Tick {
        Tick(u64::try_from(at.as_millis().div_ceil(GRAIN.as_millis())).unwrap_or(u64::MAX))
    }

    /// Its time.
    pub(super) fn time(self) -> Duration {
        GRAIN.saturating_mul(u32::try_from(self.0).unwrap_or(u32::MAX))
    }
}

/// The entries, each with what is to be called.
pub(super) struct Timers<T>(BTreeMap<(Tick, u64), T>);

impl<T> Default for Timers<T> {
    fn default() -> Timers<T> {
        Timers(BTreeMap::new())
    }
}

impl<T> Timers<T> {
    /// Enters `id` at `tick`. Says whether that is the earliest now.
    pub(super) fn enter(&mut self, tick: Tick, id: u64, what: T) -> bool {
        let earliest = self.next().is_none_or(|next| tick < next);
        self.0.insert((tick, id), what);
        earliest
    }

    /// Removes the entry.
    pub(super) fn remove(&mut self, tick: Tick, id: u64) {
        self.0.remove(&(tick, id));
    }

    /// Takes an entry that is due at `now`.
    pub(super) fn due(&mut self, now: Duration) -> Option<T> {
        let entry = self.0.first_entry().filter(|entry| entry.key().0.time() <= now)?;
        Some(entry.remove())
    }

    /// When the first entry is due.
    pub(super) fn next(&self) -> Option<Tick> {
        self.0.first_key_value().map(|((tick, _), _)| *tick)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn entries_come_in_order_and_not_early() {
        let mut timers = Timers::default();
        assert!(timers.enter(Tick::after(ms(61)), 1, "b"));
        assert!(timers.enter(Tick::after(ms(19)), 2, "a"));
        assert!(!timers.enter(Tick::after(ms(80)), 3, "c"), "others are earlier or as early");
        assert_eq!(timers.next().map(Tick::time), Some(ms(20)));
        assert_eq!(timers.due(ms(19)), None);
        assert_eq!(timers.due(ms(20)), Some("a"));
        assert_eq!(timers.due(ms(79)), None);
        assert_eq!(
            (timers.due(ms(80)), timers.due(ms(80)), timers.due(ms(99))),
            (Some("b"), Some("c"), None)
        );
    }

    #[test]
    fn a_removed_entry_does_not_come() {
        let mut timers = Timers::default();
        timers.enter(Tick::after(ms(20)), 1, ());
        timers.enter(Tick::after(ms(20)), 2, ());
        timers.remove(Tick::after(ms(20)), 1);
        assert_eq!((timers.due(ms(20)), timers.due(ms(20))), (Some(()), None));
    }
}
