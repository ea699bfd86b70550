//! One ipmitool process: started in its own process group, bounded in time and output, and never
//! left behind.

use super::secrets::Login;
use crate::bmc::{BmcError, program as programs};
use crate::fleet::FaultClass;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::{Instant, timeout_at};

/// More output than this is not kept; no command of ours prints a tenth of it.
const OUTPUT_MAX: usize = 64 * 1024;

/// How a process ended and what it said.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Exit status; `None` when a signal ended it, ours or another's.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The wall-clock limit passed and we ended it.
    pub timed_out: bool,
}

/// Ends the whole process group when dropped, so that a cancelled exchange leaves nothing behind.
struct Group(Option<Pid>);

impl Group {
    fn end(&mut self) {
        if let Some(group) = self.0.take() {
            // It may be gone already.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs `program` to its end or to `deadline`.
pub(super) async fn run(
    program: &Path,
    args: &[String],
    login: &Login,
    deadline: Instant,
) -> Result<Outcome, BmcError> {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .envs(login.env.iter().map(|(name, value)| (name, OsStr::from_bytes(value.expose()))))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| cannot_run(program, &error.to_string()))?;
    // Declared after the child, hence dropped before it: the group is ended while its leader's id
    // cannot have been given to another process.
    let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = timeout_at(deadline, async {
        tokio::join!(drain(stdout, &mut out), drain(stderr, &mut err));
        child.wait().await
    })
    .await;
    let timed_out = ended.is_err();
    let status = match ended {
        Ok(status) => {
            // The leader has been waited for, and its id may belong to somebody else by now.
            group.0 = None;
            status
        }
        Err(_) => {
            group.end();
            child.wait().await
        }
    };
    // By then it may have done its work.
    let status = status.map_err(|error| {
        BmcError::new(FaultClass::Local, format!("cannot tell how ipmitool ended: {error}"))
    })?;
    Ok(Outcome {
        status: status.code(),
        stdout: String::from_utf8_lossy(&out).into_owned(),
        stderr: String::from_utf8_lossy(&err).into_owned(),
        timed_out,
    })
}

/// Reads to the end and keeps the beginning; what was read stays in `kept` if this is dropped.
async fn drain(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = [0; 4096];
    loop {
        match pipe.read(&mut chunk).await {
            Ok(0) => return,
            Ok(count) => {
                let room = OUTPUT_MAX.saturating_sub(kept.len()).min(count);
                kept.extend_from_slice(&chunk[..room]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Finds the binary.
pub(super) fn find(program: &Path) -> Result<PathBuf, BmcError> {
    programs::find(program).ok_or_else(|| {
        cannot_run(program, "not found")
            .hint("install it (apt install ipmitool) or name its path in the configuration")
    })
}

fn cannot_run(program: &Path, why: &str) -> BmcError {
    BmcError::new(FaultClass::Local, format!("cannot run {}: {why}", program.display())).not_sent()
}
