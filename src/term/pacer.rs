//! When the next frame may be drawn.

use std::time::{Duration, Instant};

/// Draws the first change after silence at once, then no oftener than the cap.
#[derive(Debug)]
pub struct Pacer {
    interval: Duration,
    last: Option<Instant>,
    dirty: bool,
}

impl Pacer {
    /// At most `fps` frames a second (at least 1).
    #[must_use]
    pub fn new(fps: u32) -> Pacer {
        Pacer { interval: Duration::from_secs(1) / fps.max(1), last: None, dirty: false }
    }

    /// Another cap from now on.
    pub fn set_fps(&mut self, fps: u32) {
        self.interval = Duration::from_secs(1) / fps.max(1);
    }

    /// Something to be seen has changed.
    pub fn mark(&mut self) {
        self.dirty = true;
    }

    /// When to draw: `None` when nothing has changed, otherwise `now` or later.
    #[must_use]
    pub fn next(&self, now: Instant) -> Option<Instant> {
        let earliest = self.last.map_or(now, |last| last + self.interval);
        self.dirty.then(|| earliest.max(now))
    }

    /// A frame was drawn at `now`.
    pub fn drawn(&mut self, now: Instant) {
        self.last = Some(now);
        self.dirty = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_change_after_silence_is_drawn_at_once_then_the_cap_holds() {
        let start = Instant::now();
        let tenth = Duration::from_millis(100);
        let mut pacer = Pacer::new(10);
        assert_eq!(pacer.next(start), None, "nothing changed, nothing is drawn");
        pacer.mark();
        assert_eq!(pacer.next(start), Some(start));
        pacer.drawn(start);
        assert_eq!(pacer.next(start), None);
        pacer.mark();
        let soon = start + Duration::from_millis(10);
        assert_eq!(pacer.next(soon), Some(start + tenth));
        let later = start + Duration::from_secs(3);
        assert_eq!(pacer.next(later), Some(later), "after silence at once again");
    }

    #[test]
    fn a_cap_of_zero_counts_as_one() {
        let start = Instant::now();
        let mut pacer = Pacer::new(0);
        pacer.drawn(start);
        pacer.mark();
        assert_eq!(pacer.next(start), Some(start + Duration::from_secs(1)));
    }
}
