//! The lock files of serial ports: `/run/lock/LCK..ttyS0` holds the process id of who uses the port, in ten
//! characters (Filesystem Hierarchy Standard 3.0, section 5.9).

use nix::fcntl::OFlag;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where they are.
const DIRECTORY: &str = "/run/lock";

/// More than a lock file has.
const MOST_BYTES: u64 = 64;

/// Removed when dropped.
pub(super) struct LockFile(PathBuf);

impl LockFile {
    /// Takes the lock of a device. Where the directory is not ours to write in there is none: then only `flock`
    /// protects.
    ///
    /// # Errors
    /// Who has it, in words.
    pub(super) fn take(device: &Path) -> Result<Option<LockFile>, String> {
        let name = device.canonicalize().unwrap_or_else(|_| device.to_owned());
        let name = name.strip_prefix("/dev").unwrap_or(&name).to_string_lossy().replace('/', "_");
        LockFile::take_path(Path::new(DIRECTORY).join(format!("LCK..{name}")))
    }

    fn take_path(path: PathBuf) -> Result<Option<LockFile>, String> {
        match create(&path) {
            Ok(()) => return Ok(Some(LockFile(path))),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Ok(None),
            Err(_) => {}
        }
        if let Some(holder) = holder(&path) {
            return Err(holder);
        }
        // Left behind by a program that died.
        let _ = fs::remove_file(&path);
        Ok(create(&path).is_ok().then_some(LockFile(path)))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    writeln!(file, "{:>10}", std::process::id())
}

/// Who holds it, if that process lives.
fn holder(path: &Path) -> Option<String> {
    // Everybody may put something here: a named pipe would be waited for, a device read without end.
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return Some(format!("{}, which is no lock file", path.display()));
    }
    let mut text = String::new();
    // It may be another one by now.
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    file.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    let pid: i32 = text.split_whitespace().next()?.parse().ok()?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    Some(format!("{name} (process {pid})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_holder_s_lock_is_taken_and_a_living_one_s_is_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("LCK..ttyS9");
        let lock = LockFile::take_path(path.clone()).expect("free").expect("writable");
        let holder = LockFile::take_path(path.clone()).err().expect("held");
        assert!(holder.contains(&format!("process {}", std::process::id())), "{holder}");
        drop(lock);
        assert!(!path.exists());
        fs::write(&path, "   4194399\n").expect("a lock of nobody");
        assert!(LockFile::take_path(path).expect("free").is_some());
    }

    #[test]
    fn a_pipe_or_a_link_in_its_place_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("LCK..ttyS9");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("made");
        assert!(LockFile::take_path(path.clone()).err().is_some_and(|why| why.ends_with("is no lock file")));
        let path = dir.path().join("LCK..ttyS8");
        std::os::unix::fs::symlink("/dev/zero", &path).expect("made");
        assert!(LockFile::take_path(path).is_err());
    }
}
