//! What programs of this machine say of themselves: tmux of its options, tools of their versions. Nothing that is
//! asked can ask back, and nobody is waited for. Called by the sections of `doctor`.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;

/// What a program may take for its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Programs that tell their version, and how each is asked: nothing else is run, since a script may do anything with
/// an option that it does not know, also start a machine.
const TELL: [(&str, &str); 10] = [
    ("kvm", "--version"),
    ("qemu-kvm", "--version"),
    ("ssh", "-V"),
    ("console", "-V"),
    ("conman", "-V"),
    ("ipmiconsole", "--version"),
    ("virsh", "--version"),
    ("minicom", "--version"),
    ("screen", "-v"),
    ("setsid", "--version"),
];

/// The first line a program prints; `None` when it prints nothing or takes its time.
pub(super) async fn ask(program: &str, args: &[&str]) -> Option<String> {
    // GNU screen prints its version and exits with 1.
    first_line(&output(program.as_ref(), args).await?.stdout)
}

/// The version of a program that is known to tell it.
pub(super) async fn version(program: &Path) -> Option<String> {
    let name = program.file_name()?.to_str()?;
    let option = match TELL.iter().find(|(known, _)| *known == name) {
        Some((_, option)) => option,
        None if name.starts_with("qemu-system-") => "--version",
        None => return None,
    };
    let output = output(program.as_os_str(), &[option]).await?;
    // OpenSSH tells it on standard error.
    first_line(&output.stdout).or_else(|| first_line(&output.stderr).filter(|_| output.status.success()))
}

async fn output(program: &OsStr, args: &[&str]) -> Option<Output> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).kill_on_drop(true).output();
    tokio::time::timeout(PATIENCE, output).await.ok()?.ok()
}

fn first_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or_default().trim();
    (!line.is_empty()).then(|| line.chars().take(80).collect())
}
