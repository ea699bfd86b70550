//! The whole hub on simulated BMCs and paused time: through its public handle only.

pub(super) mod fake;
mod locator;
mod panics;
mod polls;
mod reload;
mod sharing;
mod verbs;
