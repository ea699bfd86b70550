//! Our own trace log, `lightsout.log` in the state directory; never the terminal.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;

/// It starts anew when it is larger than this, keeping the one before.
const MAX_BYTES: u64 = 10 << 20;

/// Starts logging; without a usable directory there is no log, which the hub says.
pub fn start(state_dir: &Path) {
    let Ok(file) = open(state_dir) else { return };
    let filter =
        EnvFilter::try_from_env("LIGHTSOUT_LOG").unwrap_or_else(|_| EnvFilter::new("lightsout=info"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Mutex::new(file))
        .with_ansi(false)
        .try_init();
}

fn open(state_dir: &Path) -> std::io::Result<File> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(state_dir)?;
    let path = state_dir.join("lightsout.log");
    if std::fs::metadata(&path).is_ok_and(|known| known.len() > MAX_BYTES) {
        std::fs::rename(&path, state_dir.join("lightsout.log.1"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}
