//! Finding a program the way the shell does. Used by the drivers and transports that run one, and by
//! `lightsout doctor`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The file behind `program`: itself when it has a slash, else the first one in `PATH`.
pub(crate) fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return executable(program).then(|| program.to_owned());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| executable(file))
}

fn executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
