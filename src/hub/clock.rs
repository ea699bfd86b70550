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
        let base = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
            .map(Duration::from)
            .unwrap_or_default();
        Clock { started: Instant::now(), base }
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
