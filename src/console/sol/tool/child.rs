//! One ipmitool in a pseudo-terminal: its two threads and its end.
//!
//! How it ends decides what is left behind (measured with ipmitool 1.8.19):
//! - SIGINT makes it close its login, which frees the BMC's SOL. SIGTERM, SIGHUP and SIGKILL leave it active.
//! - When the terminal goes away (our own death by any signal) it reads end-of-file and frees the SOL,
//!   provided it ignores SIGHUP. portable-pty resets that signal, so a shell sets it before the exec.
//! - portable-pty's writer types newline and ctrl-D when it is dropped. Hence the terminal's end-of-file
//!   character is switched off, and the writer thread keeps the writer until the child is gone.
//!
//! Dropping [`Child`] interrupts it and leaves the rest to the threads, so unwinding types nothing either.

use super::ESCAPE;
use crate::bmc::ipmitool::{PasswordFile, SolCommand};
use crate::console::shared::lock;
use crate::console::transport::{Ending, PIECE, PIECES};
use crate::fleet::FaultClass;
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{SetArg, SpecialCharacterIndices, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::Pid;
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc as blocking};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Ignores SIGHUP, sends the tool's complaints to the file in `$1`, becomes the tool.
const SHELL: &str = r#"trap "" HUP; errors=$1; shift; exec "$@" 2>"$errors""#;
/// Of the tool's complaints so much is read at most.
const MAX_WORDS: u64 = 64 * 1024;
/// The thread that reaps looks this often once the terminal has reached its end.
const REAP_STEP: Duration = Duration::from_millis(2);

/// How a child ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Exit {
    /// Its exit code; `None` when a signal ended it, or it has not ended.
    pub(super) code: Option<u32>,
    /// What it said on its standard error.
    pub(super) words: String,
}

/// The process, as long as it is not reaped; the lock makes a signal to a stranger impossible.
type Process = Arc<Mutex<Box<dyn portable_pty::Child + Send + Sync>>>;

/// A running ipmitool.
pub(super) struct Child {
    process: Process,
    /// `Some` when it is gone.
    gone: watch::Receiver<Option<Option<u32>>>,
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
        let errors = Errors::create(private_dir).map_err(|error| local(&error))?;
        let pair = native_pty_system().openpty(PtySize::default()).map_err(|error| local(&*error))?;
        make_plain(&*pair.master).map_err(|error| local(&error))?;
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
        let reader = pair.master.try_clone_reader().map_err(|error| local(&*error))?;
        let writer = pair.master.take_writer().map_err(|error| local(&*error))?;
        let process = pair.slave.spawn_command(builder).map_err(|error| local(&*error))?;
        // Our own end of the child's side, or the reader never sees the end.
        drop(pair.slave);
        let process: Process = Arc::new(Mutex::new(process));
        let (say_gone, gone) = watch::channel(None);
        let child = Child { process: Arc::clone(&process), gone, errors, _guard: command.guard };
        let (to_session, output) = mpsc::channel(PIECES);
        let (input, from_session) = mpsc::channel(PIECES);
        let (tell_writer, child_gone) = blocking::channel();
        let master = pair.master;
        thread("sol-writer", move || {
            write_all(writer, from_session, &child_gone);
            drop(master);
        })?;
        thread("sol-reader", move || {
            read_all(reader, &to_session);
            drop(to_session);
            let code = reap(&process);
            let _ = tell_writer.send(());
            say_gone.send_replace(Some(code));
        })?;
        Ok(Started { child, output, input })
    }

    /// Waits until it has ended by itself; kills what does not.
    pub(super) async fn exited(&mut self, limit: Duration) -> Exit {
        if !self.wait(limit).await {
            self.kill_and_wait(limit).await;
        }
        let code = (*self.gone.borrow()).flatten();
        Exit { code, words: self.errors.read() }
    }

    /// What it has said so far on its standard error.
    pub(super) fn said(&mut self) -> String {
        self.errors.read()
    }

    /// Asks it to end in order; whether it has, within `limit`.
    pub(super) async fn interrupt_and_wait(&mut self, limit: Duration) -> bool {
        signal(&self.process, Signal::SIGINT);
        self.wait(limit).await
    }

    /// Ends it by force.
    pub(super) async fn kill_and_wait(&mut self, limit: Duration) {
        signal(&self.process, Signal::SIGKILL);
        self.wait(limit).await;
    }

    async fn wait(&mut self, limit: Duration) -> bool {
        let gone = self.gone.wait_for(Option::is_some);
        matches!(tokio::time::timeout(limit, gone).await, Ok(Ok(_)))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        signal(&self.process, Signal::SIGINT);
    }
}

fn local(error: &(impl std::fmt::Display + ?Sized)) -> Ending {
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

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Ending> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(128 * 1024)
        .spawn(work)
        .map(drop)
        .map_err(|error| local(&error))
}

/// Makes the terminal a plain pipe both ways: no echo, no translation, no signals, no end-of-file character.
fn make_plain(master: &dyn MasterPty) -> io::Result<()> {
    let name = master.tty_name().ok_or(io::ErrorKind::NotFound)?;
    let tty = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(name)?;
    let mut settings = tcgetattr(&tty)?;
    cfmakeraw(&mut settings);
    settings.control_chars[SpecialCharacterIndices::VEOF as usize] = 0;
    tcsetattr(&tty, SetArg::TCSANOW, &settings)?;
    Ok(())
}

/// Carries what comes out. When nobody takes it any more it is thrown away, so that a child that is ending
/// is not stuck in a write.
fn read_all(mut reader: Box<dyn Read + Send>, to_session: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; PIECE];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => drop(to_session.blocking_send(buffer[..length].to_vec())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Carries what goes in, and keeps the writer until the child is gone.
fn write_all(
    mut writer: Box<dyn Write + Send>,
    mut from_session: mpsc::Receiver<Vec<u8>>,
    child_gone: &blocking::Receiver<()>,
) {
    while let Some(bytes) = from_session.blocking_recv() {
        if writer.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = child_gone.recv();
    drop(writer);
}

/// Waits for a child whose terminal has reached its end. Not with a blocking wait, which would hold the
/// lock that its signals need.
fn reap(process: &Process) -> Option<u32> {
    loop {
        match lock(process).try_wait() {
            Ok(Some(status)) => return status.signal().is_none().then(|| status.exit_code()),
            Ok(None) => {}
            Err(_) => return None,
        }
        std::thread::sleep(REAP_STEP);
    }
}

/// Signals the child if it is still there.
fn signal(process: &Process, signal: Signal) {
    let mut process = lock(process);
    if !matches!(process.try_wait(), Ok(None)) {
        return;
    }
    if let Some(pid) = process.process_id().and_then(|pid| i32::try_from(pid).ok()) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
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
