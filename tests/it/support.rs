//! What integration tests share. Owns waiting; a test must not sleep or poll by itself.

pub mod lab;
pub mod relay;
pub mod sol;

use std::{
    thread,
    time::{Duration, Instant},
};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Waits until `look` gives a value; fails the test, naming `what`, when `limit` has passed.
pub fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        thread::park_timeout(LOOK);
    }
}
