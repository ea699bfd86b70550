//! One ipmitool in a pseudo-terminal, and what it complains of.
//!
//! How it ends decides what is left behind (measured with ipmitool 1.8.19):
//! - SIGINT makes it close its login, which frees the BMC's SOL. SIGTERM, SIGHUP and SIGKILL leave it active.
//! - When the terminal goes away (our own death by any signal) it reads end-of-file and frees the SOL,
//!   provided it ignores SIGHUP. portable-pty resets that signal, so a shell sets it before the exec.

use super::ESCAPE;
use crate::bmc::ipmitool::{PasswordFile, SolCommand};
use crate::console::pty::{Pty, Run, Running};
use crate::console::transport::Ending;
use crate::fleet::FaultClass;
use nix::sys::signal::Signal;
use portable_pty::CommandBuilder;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// Ignores SIGHUP, sends the tool's complaints to the file in `$1`, becomes the tool.
const SHELL: &str = r#"trap "" HUP; errors=$1; shift; exec "$@" 2>"$errors""#;
/// Of the tool's complaints so much is read at most.
const MAX_WORDS: u64 = 64 * 1024;

/// How a child ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Exit {
    /// Its exit code; `None` when a signal ended it, or it has not ended.
    pub(super) code: Option<u32>,
    /// What it said on its standard error.
    pub(super) words: String,
}

/// A running ipmitool.
pub(super) struct Child {
    pty: Pty,
    errors: Errors,
    /// The password file, if there is one: needed until the login is through, kept to the end.
    _guard: Option<PasswordFile>,
}

/// A child and both directions of its terminal.
pub(super) struct Started {
    pub(super) child: Child,
    /// What it prints; ends with it.
    pub(super) output: mpsc::Receiver<Vec<u8>>,
    /// What is typed into it.
    pub(super) input: mpsc::Sender<Vec<u8>>,
}

impl Child {
    /// Starts it.
    pub(super) fn start(command: SolCommand, private_dir: &Path) -> Result<Started, Ending> {
        let errors = Errors::create(private_dir).map_err(|error| local(&error.to_string()))?;
        let mut builder = CommandBuilder::new("/bin/sh");
        builder.args(["-c", SHELL, "sh"]);
        builder.arg(&errors.path);
        builder.arg(&command.program);
        builder.args(with_escape(&command.args));
        builder.env_clear();
        for (name, value) in &command.env {
            builder.env(name, OsStr::from_bytes(value.expose()));
        }
        builder.cwd("/");
        let run = Run { command: builder, size: (80, 24), plain: true, signal: Signal::SIGINT };
        let Running { pty, output, input } = Pty::start(run).map_err(|error| local(&error))?;
        Ok(Started { child: Child { pty, errors, _guard: command.guard }, output, input })
    }

    /// Waits until it has ended by itself; kills what does not.
    pub(super) async fn exited(&mut self, limit: Duration) -> Exit {
        if !self.pty.gone(limit).await {
            self.pty.kill(limit).await;
        }
        Exit { code: self.pty.code(), words: self.errors.read() }
    }

    /// What it has said so far on its standard error.
    pub(super) fn said(&mut self) -> String {
        self.errors.read()
    }

    /// Asks it to end in order; whether it has, within `limit`.
    pub(super) async fn interrupt_and_wait(&mut self, limit: Duration) -> bool {
        self.pty.end(limit).await
    }

    /// What ends it by force from elsewhere.
    pub(super) fn killer(&self) -> impl FnOnce() + Send + 'static {
        self.pty.killer()
    }

    /// Ends it by force.
    pub(super) async fn kill_and_wait(&mut self, limit: Duration) {
        self.pty.kill(limit).await;
    }
}

fn local(error: &str) -> Ending {
    let text = format!("cannot open the console: no terminal for ipmitool ({error})");
    Ending::failed(FaultClass::Local, text, None)
}

/// The arguments with [`ESCAPE`], which is no text, in the place of the escape character.
fn with_escape(args: &[String]) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.iter().map(OsString::from).collect();
    if let Some(at) = args.iter().position(|arg| arg == "-e")
        && let Some(escape) = args.get_mut(at + 1)
    {
        *escape = OsStr::from_bytes(&[ESCAPE]).to_owned();
    }
    args
}

/// The file that takes the child's standard error: a stream of its own, so that no word of the tool can be
/// taken for the node's, and no word of the node for the tool's.
struct Errors {
    path: PathBuf,
    file: File,
}

impl Errors {
    fn create(directory: &Path) -> io::Result<Errors> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("sol-{}-{number}.err", std::process::id()));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Errors { path, file })
    }

    fn read(&mut self) -> String {
        let mut words = Vec::new();
        let _ = self.file.rewind();
        let _ = (&self.file).take(MAX_WORDS).read_to_end(&mut words);
        String::from_utf8_lossy(&words).into_owned()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
