//! Runs the programs that a configuration names: password commands and inventories. The output of a password
//! command is a secret as a whole and appears in no error.

use super::credentials::Refusal;
use super::words::{reason, shown_long};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long it may take; it may ask its user something (not through standard input).
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// More than any password; a program that writes more is ended by the broken pipe.
pub(super) const MOST_PASSWORD: usize = 4096;
/// As much of its complaints as is kept.
const MOST_COMPLAINTS: usize = 4096;
/// What is read at once: as much as a pipe holds.
const PIECE: usize = 65_536;
/// Pieces on their way from a pipe's thread.
const PIECES: usize = 16;
/// How long what it left in a pipe may take to arrive after its end.
const REST: Duration = Duration::from_secs(1);
const HELP: &str = "run it by hand; it has no standard input";

/// Variables that hold secrets of ipmitool's.
pub(super) const SECRETS: [&str; 3] = ["IPMITOOL_PASSWORD", "IPMI_PASSWORD", "IPMI_KGKEY"];

/// A program and how it is run.
pub(super) struct Job<'a> {
    pub(super) program: &'a str,
    pub(super) arguments: &'a [String],
    /// Variables that hold secrets it has no business with.
    pub(super) hidden: &'a [&'a str],
    /// It is ended after this.
    pub(super) limit: Duration,
    /// Bytes of output that are taken.
    pub(super) most: usize,
    /// What its output is, for errors.
    pub(super) gives: &'a str,
    /// In a process group of its own, which is ended as a whole. Then it cannot ask through the terminal.
    pub(super) apart: bool,
    /// A screen has the terminal, and when this is set nobody waits for the output any more.
    pub(super) over: Option<&'a AtomicBool>,
}

impl Job<'_> {
    /// Runs it to its end and gives its output. It gets our environment without the variables that hold
    /// other secrets: ipmitool's and `hidden`.
    ///
    /// # Errors
    /// It cannot be run, fails, takes longer than `limit`, gives more than `most`, or gives nothing and keeps
    /// its output open.
    pub(super) fn run(&self) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let program = self.program;
        let mut command = Command::new(program);
        for name in SECRETS.iter().chain(self.hidden) {
            command.env_remove(name);
        }
        if self.apart {
            command.process_group(0);
        }
        if self.over.is_some() {
            // gpg's agent, which is nobody's child, would ask on that terminal.
            command.env_remove("GPG_TTY");
        }
        let mut child = command
            .args(self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                let help = "it is run without a shell; write [\"sh\", \"-c\", \"...\"] for one";
                (format!("cannot run {program}: {}", reason(&error)), help.to_owned())
            })?;
        let mut output = Pipe::new(child.stdout.take(), self.most);
        let mut complaints = Pipe::new(child.stderr.take(), MOST_COMPLAINTS);
        let status = self
            .wait(&mut child, &mut output, &mut complaints)
            .map_err(|problem| (format!("{program} {problem}"), HELP.to_owned()))?;
        output.finish();
        if output.bytes.len() >= self.most {
            return Err((format!("{program} gave more than {} bytes", self.most), HELP.into()));
        }
        if !status.success() {
            complaints.finish();
            let said = String::from_utf8_lossy(&complaints.bytes);
            let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            let said = shown_long(&said.join("; "));
            return Err((format!("{program} failed ({status}): {said}"), HELP.into()));
        }
        if output.bytes.is_empty() && !output.ended {
            return Err((format!("{program} gave no {}", self.gives), HELP.into()));
        }
        Ok(output.bytes)
    }

    /// Waits for its end and takes what it writes on the way, so that it need not wait for us.
    fn wait(
        &self,
        child: &mut Child,
        output: &mut Pipe,
        complaints: &mut Pipe,
    ) -> Result<ExitStatus, String> {
        let deadline = Instant::now() + self.limit;
        loop {
            output.take();
            complaints.take();
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < deadline && !self.is_given_up() && !self.asks(child) => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Ok(None) => {
                    let asks = self.asks(child);
                    // It may just have ended by itself, which is as good.
                    match i32::try_from(child.id()) {
                        Ok(group) if self.apart => {
                            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
                        }
                        _ => {
                            let _ = child.kill();
                        }
                    }
                    let _ = child.wait();
                    return Err(match (asks, self.is_given_up()) {
                        (true, _) => "wants to ask on the terminal, which it cannot have here".to_owned(),
                        (false, true) => "was not waited for: the screen ended".to_owned(),
                        (false, false) => format!("did not end within {} s", self.limit.as_secs()),
                    });
                }
                Err(error) => return Err(format!("cannot be waited for: {error}")),
            }
        }
    }
}

impl Job<'_> {
    fn is_given_up(&self) -> bool {
        self.over.is_some_and(|over| over.load(Ordering::Relaxed))
    }

    /// Whether it was stopped for reading from the terminal, or writing to it, where it stands apart.
    fn asks(&self, child: &Child) -> bool {
        let Ok(pid) = i32::try_from(child.id()) else { return false };
        // Its end is left for whoever waits for it.
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let terminal = |signal| matches!(signal, Signal::SIGTTIN | Signal::SIGTTOU);
        self.apart
            && matches!(waitid(Id::Pid(Pid::from_raw(pid)), flags),
                Ok(WaitStatus::Stopped(_, signal)) if terminal(signal))
    }
}

/// What came through a pipe so far. A thread reads it, so that neither of two can block the other.
struct Pipe {
    pieces: mpsc::Receiver<Zeroizing<Vec<u8>>>,
    bytes: Zeroizing<Vec<u8>>,
    /// Nothing more will come.
    ended: bool,
}

impl Pipe {
    fn new(pipe: Option<impl Read + Send + 'static>, most: usize) -> Pipe {
        let (sender, pieces) = mpsc::sync_channel(PIECES);
        if let Some(pipe) = pipe {
            std::thread::spawn(move || collect(pipe, most, &sender));
        }
        // A password never makes it grow, which would leave a copy behind that nobody wipes.
        Pipe { pieces, bytes: Zeroizing::new(Vec::with_capacity(most.min(PIECE))), ended: false }
    }

    /// Takes what is there.
    fn take(&mut self) {
        while let Ok(piece) = self.pieces.try_recv() {
            self.bytes.extend_from_slice(&piece);
        }
    }

    /// Takes the rest. A grandchild that keeps the pipe open does not hold us up.
    fn finish(&mut self) {
        let deadline = Instant::now() + REST;
        loop {
            match self.pieces.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(piece) => self.bytes.extend_from_slice(&piece),
                Err(error) => {
                    self.ended = error == mpsc::RecvTimeoutError::Disconnected;
                    return;
                }
            }
        }
    }
}

fn collect(mut pipe: impl Read, most: usize, sender: &mpsc::SyncSender<Zeroizing<Vec<u8>>>) {
    let mut left = most;
    while left > 0 {
        let mut piece = Zeroizing::new(vec![0; left.min(PIECE)]);
        match pipe.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => {
                piece.truncate(length);
                left -= length;
                if sender.send(piece).is_err() {
                    break;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: Job<'_> = Job {
        program: "sh",
        arguments: &[],
        hidden: &[],
        limit: Duration::from_secs(20),
        most: MOST_PASSWORD,
        gives: "password",
        apart: false,
        over: None,
    };

    fn shell(script: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        Job { arguments: &["-c".to_owned(), script.to_owned()], ..PASSWORD }.run()
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        let started = Instant::now();
        let limit = Duration::from_millis(50);
        let job = Job { program: "sleep", arguments: &["60".to_owned()], limit, ..PASSWORD };
        let (text, _) = job.run().expect_err("too slow");
        assert!(text.starts_with("sleep did not end within"), "{text}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_grandchild_that_keeps_the_pipe_open_does_not_hold_us_up() {
        let started = Instant::now();
        let output = shell("echo secret; sleep 8 & exit 0").expect("its output");
        assert_eq!(output.as_slice(), b"secret\n");
        let (text, _) = shell("sleep 8 & exit 0").expect_err("no output");
        assert_eq!(text, "sh gave no password");
        assert!(started.elapsed() < Duration::from_secs(7));
    }

    #[test]
    fn endless_output_ends_the_program() {
        let (text, _) = Job { program: "yes", ..PASSWORD }.run().expect_err("endless");
        assert_eq!(text, "yes gave more than 4096 bytes");
    }

    #[test]
    fn one_that_is_run_apart_is_ended_with_its_children() {
        let place = tempfile::tempdir().expect("a directory");
        let pid = place.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", pid.display());
        let arguments = ["-c".to_owned(), script];
        let limit = Duration::from_secs(2);
        Job { arguments: &arguments, limit, apart: true, ..PASSWORD }.run().expect_err("too slow");
        let pid = std::fs::read_to_string(pid).expect("the child's id");
        let stat = format!("/proc/{}/stat", pid.trim());
        // Gone, or dead and not yet collected by whoever inherits it; killed is not yet dead.
        let alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        let patience = Instant::now() + Duration::from_secs(10);
        while alive() && Instant::now() < patience {
            std::thread::yield_now();
        }
        assert!(!alive(), "the child outlived its parent");
    }

    #[test]
    fn one_that_nobody_waits_for_any_more_is_ended_with_its_children() {
        let over = AtomicBool::new(false);
        let arguments = ["-c".to_owned(), "sleep 600 & wait".to_owned()];
        let job = Job { arguments: &arguments, apart: true, over: Some(&over), ..PASSWORD };
        let (text, _) = std::thread::scope(|scope| {
            let running = scope.spawn(|| job.run());
            over.store(true, Ordering::Relaxed);
            running.join().expect("it ends").expect_err("given up")
        });
        assert_eq!(text, "sh was not waited for: the screen ended");
    }

    #[test]
    fn much_output_is_taken_while_the_program_runs() {
        let script = "head -c 8000000 /dev/zero".to_owned();
        let job = Job { arguments: &["-c".to_owned(), script], most: 10_000_000, ..PASSWORD };
        assert_eq!(job.run().expect("its output").len(), 8_000_000);
    }

    #[test]
    fn complaints_are_one_line_without_control_characters() {
        let (text, _) = shell("printf 'a\\033[31m\\n\\nb\\n' >&2; exit 1").expect_err("it failed");
        assert_eq!(text, "sh failed (exit status: 1): a\\u{1b}[31m; b");
    }
}
