//! Writes frames to the outer terminal from a thread of its own, so that a slow line never blocks
//! `runtime`: there is one slot, and while it is taken nothing should be drawn. The next drawing is made
//! from the newest state, so a slow line coalesces by itself.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::Notify;

#[derive(Default)]
struct Slot {
    bytes: Vec<u8>,
    writing: bool,
    closing: bool,
    broken: bool,
}

impl Slot {
    fn is_idle(&self) -> bool {
        self.bytes.is_empty() && !self.writing
    }
}

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
    idle: Notify,
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        // The slot is plain bytes: a panic elsewhere cannot leave it half changed.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, bytes: &[u8]) {
        let mut slot = self.slot();
        if !slot.broken {
            slot.bytes.extend_from_slice(bytes);
            self.changed.notify_all();
        }
    }
}

/// The writing thread; dropping it waits a moment for the last bytes.
pub struct FrameWriter {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Collects the bytes of one frame; `flush` hands them over. Give it to the ratatui backend, which
/// brackets the frame as a synchronized update. Never fails: [`FrameWriter::is_broken`] tells.
pub struct FrameSink {
    shared: Arc<Shared>,
    frame: Vec<u8>,
}

impl FrameWriter {
    /// Starts the thread that writes to `out`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(out: impl Write + Send + 'static) -> io::Result<FrameWriter> {
        let shared = Arc::new(Shared::default());
        let mine = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("frames".to_owned()).spawn(move || run(&mine, out))?;
        Ok(FrameWriter { shared, thread: Some(thread) })
    }

    /// A sink for frames.
    #[must_use]
    pub fn sink(&self) -> FrameSink {
        FrameSink { shared: Arc::clone(&self.shared), frame: Vec::new() }
    }

    /// Whether the frame before is still being written: draw later.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.shared.slot().is_idle()
    }

    /// Whether the terminal has gone: nothing more is written.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.shared.slot().broken
    }

    /// Returns as soon as the slot is free.
    pub async fn ready(&self) {
        loop {
            let idle = self.shared.idle.notified();
            if !self.is_busy() {
                return;
            }
            idle.await;
        }
    }

    /// Bytes that belong to no frame (clipboard); written in order with the frames.
    pub fn send(&self, bytes: &[u8]) {
        self.shared.put(bytes);
    }

    /// Waits until everything is written, `limit` at most, and ends the thread. A terminal that takes
    /// nothing keeps the thread, not us. Returns whether everything was written.
    pub fn close(&mut self, limit: Duration) -> bool {
        let Some(thread) = self.thread.take() else {
            return true;
        };
        let mut slot = self.shared.slot();
        slot.closing = true;
        self.shared.changed.notify_all();
        let (slot, _) = self
            .shared
            .changed
            .wait_timeout_while(slot, limit, |slot| !slot.is_idle())
            .unwrap_or_else(PoisonError::into_inner);
        let written = slot.is_idle();
        drop(slot);
        // A thread that is idle and told to close ends now; its panic was reported by the hook.
        written && thread.join().is_ok()
    }
}

impl Drop for FrameWriter {
    fn drop(&mut self) {
        self.close(Duration::from_millis(500));
    }
}

impl Write for FrameSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.frame.is_empty() {
            self.shared.put(&self.frame);
            self.frame.clear();
        }
        Ok(())
    }
}

fn run(shared: &Shared, mut out: impl Write) {
    loop {
        let bytes = {
            let slot = shared.slot();
            let waited = shared.changed.wait_while(slot, |slot| slot.bytes.is_empty() && !slot.closing);
            let mut slot = waited.unwrap_or_else(PoisonError::into_inner);
            if slot.bytes.is_empty() {
                return;
            }
            slot.writing = true;
            std::mem::take(&mut slot.bytes)
        };
        let result = out.write_all(&bytes).and_then(|()| out.flush());
        let mut slot = shared.slot();
        slot.writing = false;
        if result.is_err() {
            slot.broken = true;
            slot.bytes.clear();
        }
        shared.changed.notify_all();
        drop(slot);
        shared.idle.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    /// A terminal that takes one write each time it is allowed to.
    struct Slow {
        allow: Receiver<()>,
        got: SyncSender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.allow.recv().map_err(io::Error::other)?;
            self.got.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (FrameWriter, SyncSender<()>, Receiver<Vec<u8>>) {
        let (allow, allowed) = sync_channel(16);
        let (send, got) = sync_channel(16);
        let writer = FrameWriter::start(Slow { allow: allowed, got: send });
        (writer.expect("thread"), allow, got)
    }

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_frame_is_one_write() {
        let (writer, allow, got) = slow();
        let mut sink = writer.sink();
        sink.write_all(b"he").expect("memory");
        sink.write_all(b"llo").expect("memory");
        assert!(!writer.is_busy(), "nothing is handed over before flush");
        sink.flush().expect("memory");
        assert!(writer.is_busy());
        allow.send(()).expect("alive");
        assert_eq!(got.recv_timeout(PATIENCE).expect("written"), b"hello");
        tokio::time::timeout(PATIENCE, writer.ready()).await.expect("free again");
        sink.flush().expect("memory");
        assert!(!writer.is_busy(), "an empty frame writes nothing");
    }

    #[tokio::test]
    async fn a_slow_line_says_busy_and_never_blocks() {
        let (writer, allow, got) = slow();
        let mut sink = writer.sink();
        for text in ["one", "two"] {
            sink.write_all(text.as_bytes()).expect("memory");
            sink.flush().expect("memory");
        }
        assert!(writer.is_busy());
        writer.send(b"clip");
        for _ in 0..3 {
            allow.send(()).expect("alive");
        }
        tokio::time::timeout(PATIENCE, writer.ready()).await.expect("free again");
        let all: Vec<u8> = got.try_iter().flatten().collect();
        let text = String::from_utf8(all).expect("ascii");
        assert_eq!(text, "onetwoclip", "what was handed over comes in order");
    }

    #[test]
    fn closing_does_not_wait_for_a_terminal_that_takes_nothing() {
        let (mut writer, allow, _got) = slow();
        writer.send(b"stuck");
        assert!(!writer.close(Duration::from_millis(1)));
        drop(allow);
    }

    #[tokio::test]
    async fn a_terminal_that_has_gone_is_said_and_swallows_the_rest() {
        let (writer, allow, _got) = slow();
        drop(allow);
        writer.send(b"lost");
        tokio::time::timeout(PATIENCE, writer.ready()).await.expect("given up");
        assert!(writer.is_broken());
        writer.send(b"more");
        assert!(!writer.is_busy());
    }
}
