//! A program in a pseudo-terminal: its three threads and its end. Called by the transports that run one.
//!
//! portable-pty's writer types newline and ctrl-D when it is dropped. Hence the writer thread keeps the writer
//! until the program is gone, and a plain terminal has no end-of-file character.
//!
//! The end is the program's end, not its terminal's: what it left behind in the background (a shared connection of
//! ssh's) may keep the terminal open for hours. Hence a third thread waits for the program.
//!
//! Dropping [`Pty`] signals the program and leaves the rest to the threads, so unwinding types nothing either.

use super::shared::lock;
use super::transport::{PIECE, PIECES};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::termios::{FlowArg, SetArg, SpecialCharacterIndices, cfmakeraw, tcflow, tcgetattr, tcsetattr};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc as blocking};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The last words of a program that has ended arrive within this time, or others keep its terminal open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How a program is run.
pub(super) struct Run {
    /// The program, its arguments and its environment.
    pub(super) command: CommandBuilder,
    /// Columns and rows of its terminal.
    pub(super) size: (u16, u16),
    /// The terminal is a plain pipe both ways: no echo, no translation, no signals. Otherwise it is as a
    /// terminal is at first, for programs that ask for a password before they make it plain themselves.
    pub(super) plain: bool,
    /// What ends the program in order; sent to it and to what it has started.
    pub(super) signal: Signal,
}

/// The process, as long as it is not reaped; the lock makes a signal to a stranger impossible.
type Process = Arc<Mutex<Option<Box<dyn portable_pty::Child + Send + Sync>>>>;

/// A running program.
pub(super) struct Pty {
    process: Process,
    signal: Signal,
    /// `Some` when it is gone: its exit code, `None` when a signal ended it.
    gone: watch::Receiver<Option<Option<u32>>>,
}

/// A program and both directions of its terminal.
pub(super) struct Running {
    pub(super) pty: Pty,
    /// What it prints; ends with it.
    pub(super) output: mpsc::Receiver<Vec<u8>>,
    /// What is typed into it.
    pub(super) input: mpsc::Sender<Vec<u8>>,
}

impl Pty {
    /// Starts it.
    ///
    /// # Errors
    /// There is no terminal, thread or program to be had; the text says which.
    pub(super) fn start(run: Run) -> Result<Running, String> {
        let (cols, rows) = run.size;
        let size = PtySize { cols, rows, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).map_err(|error| error.to_string())?;
        if run.plain {
            make_plain(&*pair.master).map_err(|error| error.to_string())?;
        }
        let reader = pair.master.try_clone_reader().map_err(|error| error.to_string())?;
        let writer = pair.master.take_writer().map_err(|error| error.to_string())?;
        let process = pair.slave.spawn_command(run.command).map_err(|error| error.to_string())?;
        // Our own end of the program's side, or the reader never sees the end.
        drop(pair.slave);
        let pid = process.process_id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw);
        let process: Process = Arc::new(Mutex::new(Some(process)));
        let (say_gone, gone) = watch::channel(None);
        let pty = Pty { process: Arc::clone(&process), signal: run.signal, gone };
        let (to_session, output) = mpsc::channel(PIECES);
        let (input, from_session) = mpsc::channel(PIECES);
        let (tell_writer, program_gone) = blocking::channel();
        let (tell_reaper, read_out) = blocking::channel();
        let over = Arc::new(AtomicBool::new(false));
        let master = pair.master;
        let tty = master.tty_name();
        thread("pty-writer", move || {
            write_all(writer, from_session, &program_gone);
            drop(master);
        })?;
        thread("pty-reader", {
            let over = Arc::clone(&over);
            move || {
                read_all(reader, &to_session, &over);
                drop(to_session);
                let _ = tell_reaper.send(());
            }
        })?;
        thread("pty-reaper", move || {
            ended(pid);
            if read_out.recv_timeout(LAST_WORDS).is_err() {
                // Not the leader, which is dead: what it started and did not send away.
                signal(&process, Signal::SIGKILL);
                over.store(true, Ordering::Release);
                rouse(tty.as_deref());
            }
            let code = reap(&process);
            let _ = tell_writer.send(());
            say_gone.send_replace(Some(code));
        })?;
        Ok(Running { pty, output, input })
    }

    /// Waits until it has ended by itself; whether it has, within `limit`.
    pub(super) async fn gone(&mut self, limit: Duration) -> bool {
        let gone = self.gone.wait_for(Option::is_some);
        matches!(tokio::time::timeout(limit, gone).await, Ok(Ok(_)))
    }

    /// Its exit code; `None` when a signal ended it, or it has not ended.
    pub(super) fn code(&self) -> Option<u32> {
        (*self.gone.borrow()).flatten()
    }

    /// Asks it to end in order; whether it has, within `limit`.
    pub(super) async fn end(&mut self, limit: Duration) -> bool {
        signal(&self.process, self.signal);
        self.gone(limit).await
    }

    /// What ends it by force from elsewhere.
    pub(super) fn killer(&self) -> impl FnOnce() + Send + 'static {
        let process = Arc::clone(&self.process);
        move || signal(&process, Signal::SIGKILL)
    }

    /// Ends it by force.
    pub(super) async fn kill(&mut self, limit: Duration) {
        signal(&self.process, Signal::SIGKILL);
        self.gone(limit).await;
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        signal(&self.process, self.signal);
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), String> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(128 * 1024)
        .spawn(work)
        .map(drop)
        .map_err(|error| error.to_string())
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

/// Carries what comes out, until the end or until it is `over`. When nobody takes it any more it is thrown away,
/// so that a program that is ending is not stuck in a write.
fn read_all(mut reader: Box<dyn Read + Send>, to_session: &mpsc::Sender<Vec<u8>>, over: &AtomicBool) {
    let mut buffer = vec![0; PIECE];
    while !over.load(Ordering::Acquire) {
        match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) if over.load(Ordering::Acquire) => return,
            Ok(length) => drop(to_session.blocking_send(buffer[..length].to_vec())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Ends the wait of a reader on a terminal that others keep open: something is printed there.
fn rouse(tty: Option<&Path>) {
    let Some(tty) = tty else { return };
    let flags = (OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits();
    let done = OpenOptions::new().write(true).custom_flags(flags).open(tty).and_then(|mut tty| {
        // A ctrl-s that was typed holds for whatever is printed; only what was stopped by us is started by us.
        tcflow(&tty, FlowArg::TCOOFF)?;
        tcflow(&tty, FlowArg::TCOON)?;
        tty.write(b"\0")
    });
    if let Err(error) = done {
        tracing::warn!(%error, "a terminal that others keep open is read on until they end");
    }
}

/// Carries what goes in, and keeps the writer until the program is gone.
fn write_all(
    mut writer: Box<dyn Write + Send>,
    mut from_session: mpsc::Receiver<Vec<u8>>,
    program_gone: &blocking::Receiver<()>,
) {
    while let Some(bytes) = from_session.blocking_recv() {
        if writer.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = program_gone.recv();
    drop(writer);
}

/// Waits until the program has ended, and leaves it to be reaped: its number stays its own.
fn ended(pid: Option<Pid>) {
    let Some(pid) = pid else { return };
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
}

/// Takes the end of a program that has ended.
fn reap(process: &Process) -> Option<u32> {
    let status = lock(process).take()?.wait().ok()?;
    status.signal().is_none().then(|| status.exit_code())
}

/// Signals the program and what it has started, if it is still there.
fn signal(process: &Process, signal: Signal) {
    let process = lock(process);
    let pid = process.as_ref().and_then(|process| process.process_id());
    if let Some(pid) = pid.and_then(|pid| i32::try_from(pid).ok()) {
        let pid = Pid::from_raw(pid);
        // It leads its session and so its group; just after the fork it does not yet.
        if killpg(pid, signal).is_err() {
            let _ = kill(pid, signal);
        }
    }
}
