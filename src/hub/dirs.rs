//! The directories of the hub: the runtime directory shared between processes, this process' private
//! directory below it, the state directory.
//!
//! Refuses a directory in which somebody else could put or change files. Called once, at start.

use crate::fleet::{Fault, FaultClass};
use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A fault of this machine.
pub(crate) fn local(reason: impl Into<String>, hint: Option<&str>) -> Fault {
    Fault { class: FaultClass::Local, reason: reason.into(), hint: hint.map(str::to_owned) }
}

/// Creates `path` with mode 0700, if it is missing, with its parents.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether files in a runtime directory belong to one user or to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Ours alone.
    User,
    /// A group's (its id), made so by an administrator: files are readable and writable by it.
    Group(u32),
}

/// Who we are, for [`judge`].
#[derive(Debug)]
struct Us {
    uid: u32,
    groups: Vec<u32>,
}

/// Makes the runtime directory ready.
///
/// # Errors
/// It cannot be created, is no directory, or others could interfere in it.
pub(crate) fn runtime_dir(path: &Path) -> Result<Ownership, Fault> {
    let shown = path.display();
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create_private(path).map_err(|error| {
            local(
                format!("cannot create the runtime directory {shown}: {error}"),
                Some("set runtime_dir to a directory that you can write"),
            )
        })?,
        Err(error) => {
            return Err(local(format!("cannot use the runtime directory {shown}: {error}"), None));
        }
        Ok(_) => {}
    }
    let meta = std::fs::symlink_metadata(path)
        .map_err(|error| local(format!("cannot use the runtime directory {shown}: {error}"), None))?;
    let us = Us {
        uid: nix::unistd::geteuid().as_raw(),
        groups: nix::unistd::getgroups()
            .unwrap_or_default()
            .into_iter()
            .chain([nix::unistd::getegid()])
            .map(nix::unistd::Gid::as_raw)
            .collect(),
    };
    judge(&meta, &us).map_err(|why| {
        local(
            format!("the runtime directory {shown} cannot be trusted: {why}"),
            Some("remove it, or give it to you alone (mode 0700) or to root and your group (mode 2770)"),
        )
    })
}

fn judge(meta: &Metadata, us: &Us) -> Result<Ownership, String> {
    let mode = meta.permissions().mode();
    if !meta.is_dir() {
        return Err("it is no directory".into());
    }
    if mode & 0o002 != 0 {
        return Err("everybody may write in it".into());
    }
    let group = mode & 0o020 != 0;
    match meta.uid() {
        uid if uid == us.uid && !group => Ok(Ownership::User),
        uid if uid == us.uid => Ok(Ownership::Group(meta.gid())),
        0 if group && us.groups.contains(&meta.gid()) => Ok(Ownership::Group(meta.gid())),
        0 => Err("it belongs to root, and you are not of a group that may write in it".into()),
        uid => Err(format!("it belongs to user {uid}")),
    }
}

/// A directory (0700) of this process, removed when dropped; its lock file tells others that we live.
#[derive(Debug)]
pub(crate) struct PrivateDir {
    path: PathBuf,
    _lock: File,
}

impl PrivateDir {
    /// Creates one below `runtime` and removes what dead processes left. The caller holds the
    /// shared file's table lock, so that no two do this at once.
    pub fn create(runtime: &Path) -> Result<PrivateDir, Fault> {
        remove_leftovers(runtime);
        let failed = |path: &Path, error: io::Error| {
            local(format!("cannot create the private directory {}: {error}", path.display()), None)
        };
        let mut number = 0;
        let path = loop {
            let path = runtime.join(format!("{PRIVATE}{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => break path,
                // Of another hub of ours, or of a process in another pid namespace that has our
                // number there. It lives: what the dead left was removed above.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(failed(&path, error)),
            }
        };
        let lock = File::create(path.join(LOCK)).map_err(|error| failed(&path, error))?;
        lock.try_lock().map_err(|error| failed(&path, error.into()))?;
        Ok(PrivateDir { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next start.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

const PRIVATE: &str = "private-";
const LOCK: &str = "lock";

fn remove_leftovers(runtime: &Path) {
    let Ok(entries) = std::fs::read_dir(runtime) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PRIVATE) {
            continue;
        }
        let path = entry.path();
        // Whose it is comes first: what stands for a lock in a stranger's directory is not even opened.
        let ours = std::fs::symlink_metadata(&path)
            .is_ok_and(|meta| meta.is_dir() && meta.uid() == nix::unistd::geteuid().as_raw());
        let alive = || File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err());
        if ours && !alive() {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
    }

    #[test]
    fn a_missing_runtime_directory_is_made_private() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("a/b");
        assert_eq!(runtime_dir(&path), Ok(Ownership::User));
        let meta = std::fs::metadata(&path).expect("made");
        assert_eq!(meta.permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_directory_everybody_can_write_is_refused() {
        let dir = tempfile::tempdir().expect("tempdir");
        mode(dir.path(), 0o777);
        let fault = runtime_dir(dir.path()).expect_err("refused");
        assert!(fault.reason.contains("everybody may write"), "{}", fault.reason);
    }

    #[test]
    fn strangers_directories_are_refused_and_groups_are_shared() {
        let dir = tempfile::tempdir().expect("tempdir");
        let meta = |bits| {
            mode(dir.path(), bits);
            std::fs::metadata(dir.path()).expect("meta")
        };
        let (uid, gid) = (meta(0o700).uid(), meta(0o700).gid());
        let us = |uid, groups: &[u32]| Us { uid, groups: groups.to_vec() };
        assert_eq!(judge(&meta(0o770), &us(uid, &[])), Ok(Ownership::Group(gid)));
        assert!(judge(&meta(0o700), &us(uid + 1, &[gid])).is_err());
        if uid == 0 {
            assert_eq!(judge(&meta(0o770), &us(7, &[gid])), Ok(Ownership::Group(gid)));
            assert!(judge(&meta(0o770), &us(7, &[gid + 1])).is_err());
        }
    }

    #[test]
    fn a_symbolic_link_is_refused() {
        let dir = tempfile::tempdir().expect("tempdir");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).expect("symlink");
        assert!(runtime_dir(&link).is_err());
    }

    #[test]
    fn leftovers_of_the_dead_go_and_the_living_stay() {
        let dir = tempfile::tempdir().expect("tempdir");
        let dead = dir.path().join("private-1-0");
        std::fs::create_dir(&dead).expect("mkdir");
        std::fs::write(dead.join("pw"), "x").expect("write");
        let living = PrivateDir::create(dir.path()).expect("first");
        let second = PrivateDir::create(dir.path()).expect("second");
        assert!(!dead.exists());
        assert!(living.path().exists() && second.path().exists());
        let path = second.path().to_owned();
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn a_living_directory_of_our_number_stays() {
        let dir = tempfile::tempdir().expect("tempdir");
        // As of processes in another pid namespace.
        let living: Vec<_> = (0..64)
            .map(|number| {
                let path = dir.path().join(format!("private-{}-{number}", std::process::id()));
                std::fs::create_dir(&path).expect("mkdir");
                let lock = File::create(path.join(LOCK)).expect("create");
                lock.try_lock().expect("free");
                (path, lock)
            })
            .collect();
        let ours = PrivateDir::create(dir.path()).expect("created");
        for (path, _lock) in &living {
            assert!(path.join(LOCK).exists() && ours.path() != path, "{path:?}");
        }
    }
}
