//! What a session's task, its shard, its log thread and its handle share: status, newest frame, view.
//! Every lock is held for a copy only, never across an await.

use crate::fleet::{ConsoleMode, ConsoleState, Millis, SessionStatus, View};
use crate::screen::Frame;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes an operator may have waiting for one node (a large paste); beyond it `send` refuses.
const MAX_PENDING: usize = 256 * 1024;

/// Locks `mutex`; a holder that panicked left plain data behind, which stays usable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The wall clock, for what is shown.
pub(super) fn wall_clock() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The view that is asked for, with a number that grows with every change.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    pub(super) view: Option<View>,
    pub(super) serial: u64,
}

/// See the module.
pub(super) struct Shared {
    status: Mutex<SessionStatus>,
    frame: Mutex<Option<Arc<Frame>>>,
    wanted: Mutex<Wanted>,
    /// The newest frame has been looked at since it was published.
    fetched: AtomicBool,
    /// Keys can reach the node.
    writable: AtomicBool,
    /// Bytes taken by `send` and not yet handed to the transport.
    pending: AtomicUsize,
    /// A wake-up is on its way and nobody has looked since.
    woken: AtomicBool,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Shared {
    pub(super) fn new(status: SessionStatus, wake: Arc<dyn Fn() + Send + Sync>) -> Shared {
        Shared {
            status: Mutex::new(status),
            frame: Mutex::new(None),
            wanted: Mutex::new(Wanted::default()),
            fetched: AtomicBool::new(true),
            writable: AtomicBool::new(false),
            pending: AtomicUsize::new(0),
            woken: AtomicBool::new(false),
            wake,
        }
    }

    /// Calls the owner, once until it looks.
    pub(super) fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            (self.wake)();
        }
    }

    /// For the handle. Looking re-arms the wake-up first, so that nothing new falls between the two.
    pub(super) fn look_status(&self) -> SessionStatus {
        self.woken.store(false, Ordering::Release);
        lock(&self.status).clone()
    }

    /// For the handle.
    pub(super) fn look_frame(&self) -> Option<Arc<Frame>> {
        self.woken.store(false, Ordering::Release);
        self.fetched.store(true, Ordering::Release);
        lock(&self.frame).clone()
    }

    /// Changes the status and says so when something visible came of it.
    pub(super) fn update(&self, change: impl FnOnce(&mut SessionStatus)) {
        let changed = {
            let mut status = lock(&self.status);
            let before = status.clone();
            change(&mut status);
            let attached = matches!(status.state, ConsoleState::Attached { .. });
            self.writable.store(attached && status.mode == ConsoleMode::Interactive, Ordering::Release);
            *status != before
        };
        if changed {
            self.wake();
        }
    }

    /// Enters a state.
    pub(super) fn state(&self, state: ConsoleState) {
        self.update(|status| status.state = state);
    }

    /// Says something once.
    pub(super) fn note(&self, note: impl Into<String>) {
        let note = Some(note.into());
        self.update(|status| status.note = note);
    }

    /// Counts bytes of the node. Wakes only for the first: the count itself is fetched with the next frame.
    pub(super) fn received(&self, bytes: usize) {
        let first = {
            let mut status = lock(&self.status);
            status.received += bytes as u64;
            let silent = ConsoleState::Attached { silent: true };
            let first = status.state == silent;
            if first {
                status.state = ConsoleState::Attached { silent: false };
            }
            first
        };
        if first {
            self.wake();
        }
    }

    /// Whether bytes can flow now.
    pub(super) fn attached(&self) -> bool {
        matches!(lock(&self.status).state, ConsoleState::Attached { .. })
    }

    /// Who may type now.
    pub(super) fn mode(&self) -> ConsoleMode {
        lock(&self.status).mode
    }

    /// Whether keys can reach the node now.
    pub(super) fn writable(&self) -> bool {
        self.writable.load(Ordering::Acquire)
    }

    /// Whether there is no link and none on its way.
    pub(super) fn over(&self) -> bool {
        lock(&self.status).state.is_over()
    }

    /// Makes room for `bytes` typed bytes, if there is room.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        let grow = |pending: usize| pending.checked_add(bytes).filter(|sum| *sum <= MAX_PENDING);
        self.pending.fetch_update(Ordering::AcqRel, Ordering::Acquire, grow).is_ok()
    }

    /// Typed bytes left the queue, sent or thrown away.
    pub(super) fn release(&self, bytes: usize) {
        let shrink = |pending: usize| Some(pending.saturating_sub(bytes));
        let _ = self.pending.fetch_update(Ordering::AcqRel, Ordering::Acquire, shrink);
    }

    /// Asks for a view.
    pub(super) fn want(&self, view: Option<View>) {
        let mut wanted = lock(&self.wanted);
        wanted.view = view;
        wanted.serial += 1;
    }

    /// For the shard.
    pub(super) fn wanted(&self) -> Wanted {
        *lock(&self.wanted)
    }

    /// Whether the last frame has been looked at.
    pub(super) fn frame_fetched(&self) -> bool {
        self.fetched.load(Ordering::Acquire)
    }

    /// Publishes a frame; the one before it is forgotten.
    pub(super) fn publish(&self, frame: Frame) {
        self.fetched.store(false, Ordering::Release);
        *lock(&self.frame) = Some(Arc::new(frame));
        self.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wake_ups_coalesce_until_somebody_looks() {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        let wake = Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let shared = Shared::new(SessionStatus::default(), wake);
        shared.note("one");
        shared.note("two");
        shared.publish(Frame::default());
        assert_eq!(woken.load(Ordering::SeqCst), 1);
        assert_eq!(shared.look_status().note.as_deref(), Some("two"));
        shared.note("two");
        assert_eq!(woken.load(Ordering::SeqCst), 1, "nothing is new");
        shared.publish(Frame::default());
        assert_eq!(woken.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn keys_are_taken_only_where_they_can_go_and_only_so_many() {
        let shared = Shared::new(SessionStatus::default(), Arc::new(|| {}));
        shared.state(ConsoleState::Attached { silent: true });
        assert!(!shared.writable(), "a monitor");
        shared.update(|status| status.mode = ConsoleMode::Interactive);
        assert!(shared.writable());
        assert!(shared.reserve(MAX_PENDING));
        assert!(!shared.reserve(1));
        shared.release(1);
        assert!(shared.reserve(1));
        shared.state(ConsoleState::Connecting);
        assert!(!shared.writable());
    }

    #[test]
    fn the_first_byte_ends_the_silence() {
        let shared = Shared::new(SessionStatus::default(), Arc::new(|| {}));
        shared.state(ConsoleState::Attached { silent: true });
        shared.received(5);
        let status = shared.look_status();
        assert_eq!((status.state, status.received), (ConsoleState::Attached { silent: false }, 5));
    }
}
