//! The real program in a pseudo-terminal: keys in, screen out, waits with names.
//!
//! What it draws is read by an emulator that is not ours (avt).

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

use super::wait_for;

/// The usual limit for something to appear on the screen.
pub const SOON: Duration = Duration::from_secs(15);

/// A running `lightsout` on a terminal of its own.
pub struct Tui {
    child: Child,
    master: Option<File>,
    slave: Option<File>,
    seen: Arc<Mutex<Seen>>,
    reader: Option<(UnixStream, JoinHandle<()>)>,
}

struct Seen {
    terminal: avt::Terminal,
    raw: Vec<u8>,
    /// The tail of a character that was cut by a read.
    partial: Vec<u8>,
}

impl Tui {
    /// Starts `lightsout` with `args` in a terminal of `cols` by `rows`, state and runtime files below `home`.
    pub fn start(home: &Path, args: &[&str], size: (u16, u16)) -> Tui {
        Tui::start_with(home, args, size, &[])
    }

    /// The same with more environment.
    pub fn start_with(home: &Path, args: &[&str], (cols, rows): (u16, u16), env: &[(&str, &str)]) -> Tui {
        let (master, slave) = open_terminal();
        set_size(&slave, cols, rows);
        let side = || Stdio::from(slave.try_clone().expect("a descriptor can be had"));
        // setsid makes the terminal the controlling one, then becomes lightsout.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(env!("CARGO_BIN_EXE_lightsout")).args(args);
        command
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .envs(environment(home))
            .env("TERM", "xterm-256color");
        for name in ["SSH_CONNECTION", "TMUX", "NO_COLOR", "COLORTERM", "LIGHTSOUT_CONFIG"] {
            command.env_remove(name);
        }
        command.envs(env.iter().copied());
        let child = command.spawn().expect("lightsout starts");
        let seen = Arc::new(Mutex::new(Seen {
            terminal: avt::Terminal::new(cols.into(), rows.into()).expect("a size above zero"),
            raw: Vec::new(),
            partial: Vec::new(),
        }));
        let (stop, stopped) = UnixStream::pair().expect("a socket pair can be had");
        let (from, into) = (master.try_clone().expect("a descriptor can be had"), Arc::clone(&seen));
        let thread = std::thread::spawn(move || read(from, &stopped, &into));
        Tui { child, master: Some(master), slave: Some(slave), seen, reader: Some((stop, thread)) }
    }

    /// Types `keys`, byte for byte.
    pub fn keys(&mut self, keys: &str) {
        let mut master = self.master.as_ref().expect("the terminal is open");
        master.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// The screen as lines without trailing blanks.
    pub fn screen(&self) -> String {
        let seen = self.seen.lock().expect("the reader does not panic");
        let lines: Vec<String> =
            seen.terminal.screen().visible_lines().map(|line| line.text().trim_end().to_owned()).collect();
        lines.join("\n")
    }

    /// Everything the program wrote to the terminal.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.lock().expect("the reader does not panic").raw.clone()
    }

    /// Waits until the screen holds `needle`.
    pub fn wait(&self, needle: &str) {
        self.wait_until(&format!("\"{needle}\" on the screen"), SOON, |screen| screen.contains(needle));
    }

    /// Waits until the screen no longer holds `needle`.
    pub fn wait_gone(&self, needle: &str) {
        self.wait_until(&format!("no \"{needle}\" on the screen"), SOON, |screen| !screen.contains(needle));
    }

    /// Waits until `condition` holds of the screen; shows the screen when it does not.
    pub fn wait_until(&self, what: &str, limit: Duration, condition: impl Fn(&str) -> bool) {
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for(what, limit, || condition(&self.screen()).then_some(()));
        }));
        assert!(found.is_ok(), "not within {limit:?}: {what}; the screen was:\n{}", self.screen());
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, cols: u16, rows: u16) {
        self.seen.lock().expect("the reader does not panic").terminal.resize(cols.into(), rows.into());
        set_size(self.slave.as_ref().expect("the terminal is open"), cols, rows);
    }

    /// The program's process id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id fits")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("it runs");
    }

    /// Closes the terminal under it, as a dropped line does.
    pub fn hang_up(&mut self) {
        self.stop_reading();
        self.slave = None;
        self.master = None;
    }

    /// Waits for its end; the exit code, or `None` after a signal.
    pub fn wait_exit(&mut self) -> Option<i32> {
        let ended = || self.child.try_wait().expect("it is our child");
        let status = wait_for("lightsout ends", Duration::from_secs(20), ended);
        if status.signal().is_some() { None } else { status.code() }
    }

    fn stop_reading(&mut self) {
        if let Some((mut stop, thread)) = self.reader.take() {
            let _ = stop.write_all(&[0]);
            let _ = thread.join();
        }
    }

    /// Whether the terminal is as a shell needs it: canonical, echoing, main screen, cursor shown.
    pub fn assert_restored(&self) {
        let flags = tcgetattr(self.slave.as_ref().expect("the terminal is open")).expect("it is a terminal");
        assert!(
            flags.local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO),
            "the terminal is still raw"
        );
        let raw = wait_for("the main screen is back", SOON, || {
            let raw = self.raw();
            (rfind(&raw, b"\x1b[?1049l") > rfind(&raw, b"\x1b[?1049h")).then_some(raw)
        });
        assert!(rfind(&raw, b"\x1b[?25h") >= rfind(&raw, b"\x1b[?25l"), "the cursor is hidden");
        assert!(rfind(&raw, b"\x1b[?2004l") >= rfind(&raw, b"\x1b[?2004h"), "bracketed paste is on");
        assert!(rfind(&raw, b"\x1b[?1000l") > rfind(&raw, b"\x1b[?1000h"), "the mouse is still ours");
        assert!(rfind(&raw, b"\x1b[?2026l") >= rfind(&raw, b"\x1b[?2026h"), "a synchronized update is open");
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let text = format!("--- the screen when the test failed ---\n{}\n---\n", self.screen());
            let _ = std::io::stderr().write_all(text.as_bytes());
        }
        // SIGTERM ends it in order, so that no SOL stays behind; its end is waited for a while.
        for _ in 0..500 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            let _ = kill(Pid::from_raw(self.pid()), Signal::SIGTERM);
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.stop_reading();
    }
}

/// Both sides of a new terminal. No other child started meanwhile inherits them: a terminal is only gone
/// when nobody holds it.
fn open_terminal() -> (File, File) {
    let master =
        posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a terminal can be had");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("a new terminal can be unlocked");
    let name = ptsname_r(&master).expect("a terminal has a name");
    let slave = File::options().read(true).write(true).custom_flags(nix::libc::O_NOCTTY).open(name);
    (File::from(OwnedFd::from(master)), slave.expect("a new terminal can be opened"))
}

fn set_size(slave: &File, cols: u16, rows: u16) {
    let slave = slave.try_clone().expect("a descriptor can be had");
    let size = [cols.to_string(), rows.to_string()];
    let stty = Command::new("stty").args(["cols", &size[0], "rows", &size[1]]).stdin(slave).status();
    assert!(stty.is_ok_and(|status| status.success()), "the terminal can be resized");
}

/// Reads what the program draws until it is told to stop or the terminal has gone.
fn read(mut master: File, stopped: &UnixStream, into: &Mutex<Seen>) {
    let mut buffer = [0; 65536];
    loop {
        let mut fds =
            [PollFd::new(master.as_fd(), PollFlags::POLLIN), PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
        let polled = poll(&mut fds, PollTimeout::NONE);
        if polled.is_err() || fds[1].any() != Some(false) {
            return;
        }
        match master.read(&mut buffer) {
            Ok(count @ 1..) => into.lock().expect("the reader does not panic").take(&buffer[..count]),
            _ => return,
        }
    }
}

impl Seen {
    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.partial.extend_from_slice(bytes);
        let valid = match std::str::from_utf8(&self.partial) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let text = String::from_utf8_lossy(&self.partial[..valid]).into_owned();
        self.partial.drain(..valid);
        self.terminal.feed(text.as_str());
    }
}

/// The environment of a `lightsout` whose files all lie below `home`.
pub fn environment(home: &Path) -> Vec<(&'static str, String)> {
    let below = |name: &str| home.join(name).display().to_string();
    vec![
        ("HOME", home.display().to_string()),
        ("XDG_CONFIG_HOME", below("config")),
        ("XDG_STATE_HOME", below("state")),
        ("XDG_RUNTIME_DIR", below("run")),
        ("LANG", "C.UTF-8".into()),
        ("LC_ALL", "C.UTF-8".into()),
    ]
}

fn rfind(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).rposition(|window| window == needle)
}
