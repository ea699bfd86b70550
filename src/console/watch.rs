//! Reading along in a console's log, which another lightsout on this machine writes while it has the console.
//! Called by the session task; nothing is sent to anybody.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So much of what is there already is shown.
const BACK: u64 = 32 * 1024;
/// Largest piece.
const PIECE: u64 = 16 * 1024;
/// Between two looks at a log that did not grow.
const LOOK: Duration = Duration::from_millis(500);

/// A log that is read along.
pub(super) struct Watch {
    path: PathBuf,
    /// File and offset of the next byte; `None` before the first look.
    at: Option<(u64, u64)>,
}

impl Watch {
    pub(super) fn new(path: PathBuf) -> Watch {
        Watch { path, at: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The next bytes, when there are some.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(super) async fn next(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let (path, at) = (self.path.clone(), self.at);
            // A disk that hangs must not hang the consoles of this thread.
            let read =
                tokio::task::spawn_blocking(move || read(&path, at)).await.map_err(io::Error::other)?;
            let (bytes, at) = read?;
            self.at = Some(at);
            if !bytes.is_empty() {
                return Ok(bytes);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Reads on from `at`; from the start of a log that was begun anew.
fn read(path: &PathBuf, at: Option<(u64, u64)>) -> io::Result<(Vec<u8>, (u64, u64))> {
    let mut file = File::open(path)?;
    let meta = file.metadata()?;
    let from = match at {
        Some((inode, offset)) if inode == meta.ino() && offset <= meta.len() => offset,
        Some(_) => 0,
        None => meta.len().saturating_sub(BACK),
    };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(PIECE).read_to_end(&mut bytes)?;
    let next = from + bytes.len() as u64;
    Ok((bytes, (meta.ino(), next)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[tokio::test(start_paused = true)]
    async fn what_is_there_and_what_comes_is_read_also_over_a_rotation() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("n1.log");
        let mut watch = Watch::new(path.clone());
        assert!(watch.next().await.is_err(), "no log yet");
        std::fs::write(&path, "x".repeat(40_000) + "end").expect("a log");
        let mut seen = watch.next().await.expect("readable");
        seen.extend(watch.next().await.expect("readable"));
        assert_eq!((seen.len() as u64, seen.ends_with(b"end")), (BACK, true));
        let mut log = std::fs::OpenOptions::new().append(true).open(&path).expect("a log");
        log.write_all(b"more").expect("written");
        assert_eq!(watch.next().await.expect("readable"), b"more");
        std::fs::rename(&path, dir.path().join("n1.log.1")).expect("rotated");
        std::fs::write(&path, "anew").expect("a log");
        assert_eq!(watch.next().await.expect("readable"), b"anew");
    }
}
