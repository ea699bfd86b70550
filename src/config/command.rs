//! Runs a password command. Its output is a secret as a whole and appears in no error.

use super::credentials::Refusal;
use super::words::{reason, shown_long};
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long it may take; it may ask its user something (not through standard input).
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// More than any password; a program that writes more is ended by the broken pipe.
const MOST_BYTES: usize = 4096;
/// How long what it left in a pipe may take to arrive after its end.
const REST: Duration = Duration::from_secs(1);
const HELP: &str = "run it by hand; it has no standard input";

/// What came through a pipe, in pieces; disconnected at its end.
type Pipe = mpsc::Receiver<Zeroizing<Vec<u8>>>;

/// Variables that hold secrets of ipmitool's.
pub(super) const SECRETS: [&str; 3] = ["IPMITOOL_PASSWORD", "IPMI_PASSWORD", "IPMI_KGKEY"];

/// Runs `program` to its end and gives its output. It gets our environment without the variables that
/// hold other secrets: ipmitool's and `hidden`.
///
/// # Errors
/// It cannot be run, fails, takes longer than `limit`, or gives nothing and keeps its output open.
pub(super) fn run(
    program: &str,
    arguments: &[String],
    hidden: &[&str],
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mut command = Command::new(program);
    for name in SECRETS.iter().chain(hidden) {
        command.env_remove(name);
    }
    let mut child = command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            let help = "it is run without a shell; write [\"sh\", \"-c\", \"...\"] for one";
            (format!("cannot run {program}: {}", reason(&error)), help.to_owned())
        })?;
    let output = child.stdout.take().map(collect);
    let complaints = child.stderr.take().map(collect);
    let status =
        wait(&mut child, limit).map_err(|problem| (format!("{program} {problem}"), HELP.to_owned()))?;
    let (output, whole) = output.map(gather).unwrap_or_default();
    if !status.success() {
        let (complaints, _) = complaints.map(gather).unwrap_or_default();
        let said = String::from_utf8_lossy(&complaints);
        let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let said = shown_long(&said.join("; "));
        return Err((format!("{program} failed ({status}): {said}"), HELP.into()));
    }
    if output.is_empty() && !whole {
        return Err((format!("{program} gave no password"), HELP.into()));
    }
    Ok(output)
}

/// Reads a pipe in a thread, so that neither of two can block the other.
fn collect(mut pipe: impl Read + Send + 'static) -> Pipe {
    let (sender, receiver) = mpsc::sync_channel(MOST_BYTES);
    std::thread::spawn(move || {
        let mut left = MOST_BYTES;
        while left > 0 {
            let mut piece = Zeroizing::new(vec![0; left]);
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
    });
    receiver
}

/// What came, and whether that is all. A grandchild that keeps the pipe open does not hold us up.
fn gather(pipe: Pipe) -> (Zeroizing<Vec<u8>>, bool) {
    let deadline = Instant::now() + REST;
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES));
    loop {
        match pipe.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(error) => return (bytes, error == mpsc::RecvTimeoutError::Disconnected),
        }
    }
}

fn wait(child: &mut Child, limit: Duration) -> Result<ExitStatus, String> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) => {
                // It may just have ended by itself, which is as good.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("did not end within {} s", limit.as_secs()));
            }
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        run("sh", &["-c".to_owned(), script.to_owned()], &[], Duration::from_secs(20))
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        let started = Instant::now();
        let (text, _) =
            run("sleep", &["60".to_owned()], &[], Duration::from_millis(50)).expect_err("too slow");
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
        assert!(run("yes", &[], &[], Duration::from_secs(20)).is_err());
    }

    #[test]
    fn complaints_are_one_line_without_control_characters() {
        let (text, _) = shell("printf 'a\\033[31m\\n\\nb\\n' >&2; exit 1").expect_err("it failed");
        assert_eq!(text, "sh failed (exit status: 1): a\\u{1b}[31m; b");
    }
}
