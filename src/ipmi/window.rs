//! Which received session sequence numbers are new (section 6.12.13), generously: BMCs skip numbers, so
//! any step forward is taken; what was seen, or is too old to tell, is not.

/// How far back numbers are remembered.
const WIDTH: u32 = 64;

/// The numbers received in one session.
#[derive(Debug, Clone, Default)]
pub struct Window {
    newest: Option<u32>,
    /// Bit `n`: `newest - n` was received.
    seen: u64,
}

impl Window {
    /// Whether `sequence` is new; it is remembered. 0 is no number inside a session.
    pub fn accept(&mut self, sequence: u32) -> bool {
        let Some(newest) = self.newest else {
            self.newest = Some(sequence);
            self.seen = 1;
            return sequence != 0;
        };
        if sequence == 0 {
            return false;
        }
        let ahead = sequence.wrapping_sub(newest);
        if ahead == 0 {
            return false;
        }
        if ahead < u32::MAX / 2 {
            self.seen = if ahead < WIDTH { (self.seen << ahead) | 1 } else { 1 };
            self.newest = Some(sequence);
            return true;
        }
        let back = newest.wrapping_sub(sequence);
        let fresh = back < WIDTH && self.seen & (1 << back) == 0;
        if fresh {
            self.seen |= 1 << back;
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_taken_once_in_any_order() {
        let mut window = Window::default();
        for sequence in [1, 2, 5, 3, 4] {
            assert!(window.accept(sequence), "{sequence}");
        }
        for sequence in [1, 2, 3, 4, 5, 0] {
            assert!(!window.accept(sequence), "{sequence}");
        }
    }

    #[test]
    fn steps_of_any_size_go_forward_and_old_ones_are_stale() {
        let mut window = Window::default();
        assert!(window.accept(10));
        assert!(window.accept(100_000));
        assert!(!window.accept(10), "too old to tell");
        assert!(window.accept(99_990));
        assert!(window.accept(u32::MAX / 2));
        assert!(window.accept(u32::MAX - 5));
        assert!(window.accept(1), "it wraps round");
    }
}
