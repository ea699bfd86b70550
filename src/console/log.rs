//! The raw log of a console: every byte of the node, as it came. One thread per log owns the file, so that
//! a stalled or full disk never stops a console: its queue is bounded, what does not fit is counted and
//! said. Rotated once, to `.1`. Called by the session task.

use super::shared::{Shared, lock};
use nix::fcntl::OFlag;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Pieces that may wait for the disk (1 MB at most).
const QUEUE: usize = 64;
/// After a failed write the disk is tried again this often at most.
const RETRY: Duration = Duration::from_secs(1);
/// How long the end of a session waits for a stalled disk.
const FLUSH: Duration = Duration::from_secs(2);

/// What was lost since the log was last whole.
#[derive(Default)]
struct Loss {
    bytes: u64,
    why: String,
}

/// Handle of the log thread.
pub(super) struct Log {
    queue: SyncSender<Vec<u8>>,
    loss: Arc<Mutex<Loss>>,
    shared: Arc<Shared>,
    done: oneshot::Receiver<()>,
}

impl Log {
    /// Starts the thread that appends to `path`. `None` when no thread can be had; the status says so.
    pub(super) fn start(path: PathBuf, max_bytes: u64, shared: &Arc<Shared>) -> Option<Log> {
        let (queue, pieces) = sync_channel(QUEUE);
        let (finished, done) = oneshot::channel();
        let loss = Arc::new(Mutex::new(Loss::default()));
        let mut writer = Writer {
            path,
            max_bytes,
            file: None,
            size: 0,
            tried: None,
            loss: Arc::clone(&loss),
            shared: Arc::clone(shared),
        };
        let thread = std::thread::Builder::new().name("console-log".to_owned()).spawn(move || {
            writer.run(&pieces);
            let _ = finished.send(());
        });
        if let Err(error) = thread {
            let text = format!("the log cannot be written: no thread ({error})");
            shared.update(|status| status.log_fault = Some(text));
            return None;
        }
        Some(Log { queue, loss, shared: Arc::clone(shared), done })
    }

    /// Hands a piece over without waiting.
    pub(super) fn write(&self, piece: &[u8]) {
        if self.queue.try_send(piece.to_vec()).is_err() {
            lose(&self.loss, &self.shared, piece.len(), "the disk does not keep up");
        }
    }

    /// Ends the thread after what is queued was written, or after 2 s on a stalled disk.
    pub(super) async fn close(self) {
        drop(self.queue);
        let _ = tokio::time::timeout(FLUSH, self.done).await;
    }
}

/// Counts lost bytes and says so.
fn lose(loss: &Mutex<Loss>, shared: &Shared, bytes: usize, why: &str) {
    let text = {
        let mut loss = lock(loss);
        loss.bytes += bytes as u64;
        why.clone_into(&mut loss.why);
        match loss.bytes {
            0 => loss.why.clone(),
            bytes => format!("{bytes} bytes are missing in the log: {}", loss.why),
        }
    };
    shared.update(|status| status.log_fault = Some(text));
}

/// The thread's side.
struct Writer {
    path: PathBuf,
    max_bytes: u64,
    file: Option<File>,
    size: u64,
    /// When the last failure was.
    tried: Option<Instant>,
    loss: Arc<Mutex<Loss>>,
    shared: Arc<Shared>,
}

impl Writer {
    fn run(&mut self, pieces: &Receiver<Vec<u8>>) {
        // At once, so that a log that cannot be written is known before the first byte comes.
        if let Err(error) = self.ready(0) {
            self.failed(0, &error);
        }
        while let Ok(piece) = pieces.recv() {
            let mut rest = piece.as_slice();
            if let Err(error) = self.append(&mut rest) {
                self.failed(rest.len(), &error);
            } else {
                self.recovered();
            }
        }
    }

    /// Appends, and leaves in `rest` what was not written.
    fn append(&mut self, rest: &mut &[u8]) -> io::Result<()> {
        if self.tried.is_some_and(|tried| tried.elapsed() < RETRY) {
            return Err(io::Error::other(lock(&self.loss).why.clone()));
        }
        self.ready(rest.len() as u64)?;
        while !rest.is_empty() {
            let Some(file) = self.file.as_mut() else {
                return Err(io::ErrorKind::NotFound.into());
            };
            match file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.size += written as u64;
                    *rest = &rest[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Opens the file, and rotates it once when `more` bytes would not fit.
    fn ready(&mut self, more: u64) -> io::Result<()> {
        if self.file.is_none() {
            let (file, size) = open(&self.path)?;
            self.file = Some(file);
            self.size = size;
        }
        if self.size > 0 && self.size + more > self.max_bytes {
            self.file = None;
            let mut old = self.path.clone().into_os_string();
            old.push(".1");
            std::fs::rename(&self.path, old)?;
            return self.ready(more);
        }
        Ok(())
    }

    fn failed(&mut self, lost: usize, error: &io::Error) {
        if self.tried.is_none_or(|tried| tried.elapsed() >= RETRY) {
            self.tried = Some(Instant::now());
            // Reopened at the next try: a file system that came back has a new file.
            self.file = None;
        }
        lose(&self.loss, &self.shared, lost, &error.to_string());
    }

    fn recovered(&mut self) {
        self.tried = None;
        let lost = std::mem::take(&mut *lock(&self.loss));
        if lost.why.is_empty() {
            return;
        }
        self.shared.update(|status| {
            status.log_fault = None;
            status.note = Some(format!("the log is written again, {} bytes are missing", lost.bytes));
        });
    }
}

/// Opens a log for appending, private to the user, never through a link. Gives its size so far.
fn open(path: &Path) -> io::Result<(File, u64)> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NOCTTY).bits())
        .open(path)?;
    let meta = file.metadata()?;
    // A console shows passwords: a log of looser days is closed. Devices (tests write to /dev/full) are left alone.
    if meta.is_file() && meta.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok((file, meta.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::SessionStatus;

    fn shared() -> Arc<Shared> {
        Arc::new(Shared::new(SessionStatus::default(), Arc::new(|| {})))
    }

    #[tokio::test]
    async fn the_log_is_private_and_rotated_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/n1.log");
        let log = Log::start(path.clone(), 10, &shared()).unwrap();
        for piece in [b"12345678", b"abcdefgh", b"ABCDEFGH"] {
            log.write(piece);
        }
        log.close().await;
        assert_eq!(std::fs::read(&path).unwrap(), b"ABCDEFGH");
        let old = directory.path().join("deep/n1.log.1");
        assert_eq!(std::fs::read(old).unwrap(), b"abcdefgh", "only one old log is kept");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[tokio::test]
    async fn a_full_disk_is_said_and_counted() {
        let shared = shared();
        let log = Log::start("/dev/full".into(), 1000, &shared).unwrap();
        log.write(b"hello");
        log.write(b"world");
        log.close().await;
        let fault = shared.look_status().log_fault.unwrap();
        assert!(fault.starts_with("10 bytes are missing"), "{fault}");
        assert!(fault.contains("No space left"), "{fault}");
    }

    #[tokio::test]
    async fn a_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        std::fs::write(&target, b"").unwrap();
        let path = directory.path().join("n1.log");
        std::os::unix::fs::symlink(&target, &path).unwrap();
        let shared = shared();
        let log = Log::start(path, 1000, &shared).unwrap();
        log.write(b"secret");
        log.close().await;
        assert_eq!(std::fs::read(&target).unwrap(), b"");
        assert!(shared.look_status().log_fault.is_some());
    }

    #[tokio::test]
    async fn writing_goes_on_when_the_disk_is_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("n1.log");
        // A directory in the file's place stands for any error that goes away.
        std::fs::create_dir(&path).unwrap();
        let shared = shared();
        let mut writer = Writer {
            path: path.clone(),
            max_bytes: 1000,
            file: None,
            size: 0,
            tried: None,
            loss: Arc::default(),
            shared: Arc::clone(&shared),
        };
        let (queue, pieces) = sync_channel(4);
        queue.send(b"lost".to_vec()).unwrap();
        drop(queue);
        writer.run(&pieces);
        assert!(shared.look_status().log_fault.unwrap().starts_with("4 bytes"));
        std::fs::remove_dir(&path).unwrap();
        writer.tried = None;
        let (queue, pieces) = sync_channel(4);
        queue.send(b"kept".to_vec()).unwrap();
        drop(queue);
        writer.run(&pieces);
        assert_eq!(std::fs::read(&path).unwrap(), b"kept");
        let status = shared.look_status();
        assert_eq!(status.log_fault, None);
        assert!(status.note.unwrap().contains("4 bytes are missing"));
    }
}
