//! The real program in a pseudo-terminal: keys in, screen out, waits with names.
//!
//! What it draws is read by an emulator that is not ours (avt).

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::wait_for;

/// The usual limit for something to appear on the screen.
pub const SOON: Duration = Duration::from_secs(15);

/// A running `lightsout` on a terminal of its own.
pub struct Tui {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    terminal: avt::Terminal,
    raw: Vec<u8>,
    /// The tail of a character that was cut by a read.
    partial: Vec<u8>,
    ended: bool,
}

impl Tui {
    /// Starts `lightsout` with `args` in a terminal of `cols` by `rows`, state and runtime files below `home`.
    pub fn start(home: &Path, args: &[&str], (cols, rows): (u16, u16)) -> Tui {
        Tui::start_with(home, args, (cols, rows), &[])
    }

    /// The same with more environment.
    pub fn start_with(home: &Path, args: &[&str], (cols, rows): (u16, u16), env: &[(&str, &str)]) -> Tui {
        let pty = native_pty_system()
            .openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })
            .expect("a pseudo-terminal can be had");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lightsout"));
        command.args(args);
        for (name, value) in environment(home) {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        for name in ["SSH_CONNECTION", "TMUX", "NO_COLOR", "COLORTERM", "LIGHTSOUT_CONFIG"] {
            command.env_remove(name);
        }
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).expect("lightsout starts");
        drop(pty.slave);
        let mut output = pty.master.try_clone_reader().expect("the terminal can be read");
        let keys = pty.master.take_writer().expect("the terminal can be written");
        let seen = Arc::new(Mutex::new(Seen {
            terminal: avt::Terminal::new(cols.into(), rows.into()).expect("a size above zero"),
            raw: Vec::new(),
            partial: Vec::new(),
            ended: false,
        }));
        let reader = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                reader.lock().unwrap().take(&buffer[..count]);
            }
            reader.lock().unwrap().ended = true;
        });
        Tui { child, master: Some(pty.master), keys: Some(keys), seen }
    }

    /// Types `keys`, byte for byte.
    pub fn keys(&mut self, keys: &str) {
        let writer = self.keys.as_mut().expect("the terminal is open");
        writer.write_all(keys.as_bytes()).expect("the terminal takes keys");
        writer.flush().expect("the terminal takes keys");
    }

    /// The screen as lines without trailing blanks.
    pub fn screen(&self) -> String {
        let seen = self.seen.lock().unwrap();
        let lines: Vec<String> =
            seen.terminal.screen().visible_lines().map(|line| line.text().trim_end().to_owned()).collect();
        lines.join("\n")
    }

    /// The first line that holds `needle`.
    pub fn line(&self, needle: &str) -> Option<String> {
        self.screen().lines().find(|line| line.contains(needle)).map(str::to_owned)
    }

    /// Everything the program wrote to the terminal.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.lock().unwrap().raw.clone()
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
        self.seen.lock().unwrap().terminal.resize(cols.into(), rows.into());
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().expect("the terminal is open").resize(size).expect("the terminal can be resized");
    }

    /// The program's process id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.process_id().expect("it was started")).expect("a process id fits")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("it runs");
    }

    /// Closes the terminal under it, as a dropped line does.
    pub fn hang_up(&mut self) {
        self.keys = None;
        self.master = None;
    }

    /// Waits for its end; the exit code, or `None` after a signal.
    pub fn wait_exit(&mut self) -> Option<u32> {
        let status =
            wait_for("lightsout ends", Duration::from_secs(20), || self.child.try_wait().expect("it is our child"));
        (status.signal().is_none()).then_some(status.exit_code())
    }

    /// Whether the terminal is as a shell needs it: canonical, echoing, main screen, cursor shown.
    pub fn assert_restored(&self) {
        let flags = self.master.as_ref().and_then(|master| master.get_termios()).expect("the terminal is open");
        use nix::sys::termios::LocalFlags;
        assert!(
            flags.local_flags.bits() & (LocalFlags::ICANON | LocalFlags::ECHO).bits()
                == (LocalFlags::ICANON | LocalFlags::ECHO).bits(),
            "the terminal is still raw"
        );
        let raw = wait_for("the main screen is back", SOON, || {
            let raw = self.raw();
            (rfind(&raw, b"\x1b[?1049l") > rfind(&raw, b"\x1b[?1049h")).then_some(raw)
        });
        assert!(rfind(&raw, b"\x1b[?25h") >= rfind(&raw, b"\x1b[?25l"), "the cursor is hidden");
        assert!(rfind(&raw, b"\x1b[?2004l") >= rfind(&raw, b"\x1b[?2004h"), "bracketed paste is on");
        assert!(rfind(&raw, b"\x1b[?2026l") >= rfind(&raw, b"\x1b[?2026h"), "a synchronized update is open");
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the screen when the test failed ---\n{}\n---", self.screen());
        }
        if let Ok(None) = self.child.try_wait() {
            // SIGTERM ends it in order, so that no SOL stays behind; its end is waited for a while.
            let _ = kill(Pid::from_raw(self.pid()), Signal::SIGTERM);
            for _ in 0..500 {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::park_timeout(Duration::from_millis(10));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
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
