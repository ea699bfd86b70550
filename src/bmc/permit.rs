//! Permission to talk to a BMC: asked before every exchange, held during it.
//!
//! The implementation is `hub::pace`; the trait lives here so that `console` (SOL logs in to the BMC
//! too) can ask without knowing the hub.

use crate::fleet::{Fault, Millis};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// How often the holder of an SOL says that it lives.
pub const SOL_TOLD: Duration = Duration::from_secs(15);

/// Who asks; the order in which permits are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A poll of a node nobody looks at.
    Background,
    /// A poll of a node on screen.
    Visible,
    /// Something an operator asked for.
    Operator,
}

/// Held while one exchange with one BMC runs; dropping it ends the exchange for the pace.
pub struct Permit {
    on_drop: Option<Box<dyn FnOnce() + Send>>,
}

impl Permit {
    /// A permit that calls `on_drop` when the exchange is over.
    #[must_use]
    pub fn new(on_drop: impl FnOnce() + Send + 'static) -> Permit {
        Permit { on_drop: Some(Box::new(on_drop)) }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(on_drop) = self.on_drop.take() {
            on_drop();
        }
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Permit")
    }
}

/// One BMC's gate: gives permits in order of priority, no two at once, none too early.
#[async_trait::async_trait]
pub trait Gate: Send + Sync {
    /// Waits for a permit.
    ///
    /// # Errors
    /// A fault when the BMC may not be talked to at all (authentication failed and no operator has
    /// acted since, state directory unusable).
    async fn permit(&self, priority: Priority) -> Result<Permit, Fault>;

    /// When a permit asked for now could be had at the earliest, for display.
    fn earliest(&self) -> Millis;

    /// Notes that this process holds the BMC's SOL in that session of the BMC, or that it does no longer. To
    /// be said again every [`SOL_TOLD`].
    fn holds_sol(&self, session: Option<u32>) {
        let _ = session;
    }

    /// The session of an SOL that a process of this machine held when it was killed a moment ago. Nobody
    /// else's: later the BMC may have used the number again.
    fn orphaned_sol(&self) -> Option<u32> {
        None
    }
}

/// The cipher suite that last worked with a BMC; shared by its driver, its SOL and other processes.
#[derive(Debug, Default)]
pub struct SuiteMemory(AtomicU8);

impl SuiteMemory {
    /// The suite that worked, if any did.
    #[must_use]
    pub fn get(&self) -> Option<u8> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            stored => Some(stored - 1),
        }
    }

    /// Remembers `suite`; `None` forgets. Suites are below 255.
    pub fn set(&self, suite: Option<u8>) {
        self.0.store(suite.map_or(0, |suite| suite.saturating_add(1)), Ordering::Relaxed);
    }
}
