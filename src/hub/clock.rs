//! The hub's two clocks: monotonic time, comparable between processes of one boot, and wall time
//! for what is shown.
//!
//! Monotonic time is a [`Duration`] since the machine's boot (`CLOCK_MONOTONIC`), so that it can be
//! written into the shared file; it runs on tokio's clock, so that tests can pause it.

use crate::fleet::Millis;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Reads both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    base: Duration,
}

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Clock {
        // The instant first: a thread that is held up in between must not stamp the end of an exchange
        // too early, or others start too early. Of several readings the one that was held up least.
        let reading = || {
            let started = Instant::now();
            let base = boot_time();
            (started.elapsed(), Clock { started, base })
        };
        let mut best = reading();
        for _ in 0..4 {
            let other = reading();
            if other.0 < best.0 {
                best = other;
            }
        }
        best.1
    }

    /// Monotonic time since the machine's boot.
    pub fn mono(&self) -> Duration {
        self.base + self.started.elapsed()
    }

    /// The instant to sleep until for a monotonic time.
    pub fn instant(&self, mono: Duration) -> Instant {
        self.started + mono.saturating_sub(self.base)
    }

    /// Wall time now.
    pub fn wall(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// Wall time of a monotonic time, past or to come.
    pub fn wall_at(&self, mono: Duration) -> Millis {
        let (now, wall) = (self.mono(), self.wall());
        if mono >= now {
            wall + (mono - now)
        } else {
            let ago = u64::try_from((now - mono).as_millis()).unwrap_or(u64::MAX);
            Millis(wall.0.saturating_sub(ago))
        }
    }
}

fn boot_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_lags_behind_the_machine_s_own() {
        for _ in 0..1000 {
            let clock = Clock::system();
            let machine = boot_time();
            assert!(clock.mono() >= machine, "{clock:?} at {machine:?}");
        }
    }
}
