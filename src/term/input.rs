//! Reads the outer terminal.
//!
//! A thread waits for bytes and decodes them: crossterm's reader is not used because it reads for ever
//! once the terminal has gone, and because it decides on a lone Esc too early for a slow line.

use super::{Decoder, Input, tty};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Inputs that wait for `runtime`; when it is full the thread waits and the terminal keeps the rest.
const QUEUE: usize = 256;

/// Keys, pastes and resizes of the outer terminal. Dropping it ends the reading thread.
pub struct Inputs {
    receiver: Option<mpsc::Receiver<Input>>,
    resized: Signal,
    stop: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Inputs {
    /// Starts reading standard input. Must be called inside the tokio runtime.
    ///
    /// # Errors
    /// No descriptor, thread or signal handler is to be had.
    pub fn start(decoder: Decoder) -> io::Result<Inputs> {
        Inputs::over(io::stdin().as_fd().try_clone_to_owned()?, decoder)
    }

    /// The same over any descriptor that can be polled.
    ///
    /// # Errors
    /// No descriptor, thread or signal handler is to be had.
    pub fn over(source: OwnedFd, decoder: Decoder) -> io::Result<Inputs> {
        let (stop, stopped) = UnixStream::pair()?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        let resized = signal(SignalKind::window_change())?;
        let thread = std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || run(File::from(source), &stopped, decoder, &sender))?;
        Ok(Inputs { receiver: Some(receiver), resized, stop, thread: Some(thread) })
    }

    /// The next input. After [`Input::Closed`] only resizes can still come, so waiting again does no
    /// harm. Cancel safe.
    pub async fn next(&mut self) -> Input {
        let Some(receiver) = &mut self.receiver else {
            // Nothing is left to read: only the size can change.
            if self.resized.recv().await.is_none() {
                std::future::pending::<()>().await;
            }
            return size();
        };
        tokio::select! {
            input = receiver.recv() => match input {
                Some(Input::Closed) | None => {
                    self.receiver = None;
                    Input::Closed
                }
                Some(input) => input,
            },
            Some(()) = self.resized.recv() => size(),
        }
    }
}

impl Inputs {
    /// Another input, if one is there already.
    pub fn try_next(&mut self) -> Option<Input> {
        let input = self.receiver.as_mut()?.try_recv().ok()?;
        if input == Input::Closed {
            self.receiver = None;
        }
        Some(input)
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        // Without a receiver a thread that waits for room ends; the byte wakes one that waits for input.
        self.receiver = None;
        let _ = self.stop.write_all(&[0]);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn size() -> Input {
    let (columns, rows) = tty::size();
    Input::Resize(columns, rows)
}

fn run(mut source: File, stopped: &UnixStream, mut decoder: Decoder, sender: &mpsc::Sender<Input>) {
    let mut buffer = [0; 4096];
    loop {
        let inputs = match wait(&source, stopped, decoder.deadline()) {
            Wake::Stop => return,
            Wake::Time => decoder.expire(Instant::now()),
            Wake::Bytes => match source.read(&mut buffer) {
                Ok(length) if length > 0 => decoder.push(&buffer[..length], Instant::now()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // End of file, or an error: a terminal that has gone says either.
                _ => vec![Input::Closed],
            },
        };
        for input in inputs {
            let last = input == Input::Closed;
            if sender.blocking_send(input).is_err() || last {
                return;
            }
        }
    }
}

enum Wake {
    Bytes,
    Time,
    Stop,
}

fn wait(source: &File, stopped: &UnixStream, deadline: Option<Instant>) -> Wake {
    let timeout = deadline.map_or(PollTimeout::NONE, |deadline| {
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up: waking too early would poll again and again without time passing.
        PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX)
    });
    let mut fds =
        [PollFd::new(source.as_fd(), PollFlags::POLLIN), PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, timeout) {
        // Interrupted: come again, the deadline is looked at anew.
        Err(nix::errno::Errno::EINTR) | Ok(0) => Wake::Time,
        Err(_) => Wake::Stop,
        Ok(_) if fds[1].any().unwrap_or(true) => Wake::Stop,
        // Also on hang-up and error: the read says which.
        Ok(_) => Wake::Bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{Key, KeyCode};
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn start() -> (UnixStream, Inputs) {
        let (ours, theirs) = UnixStream::pair().expect("pair");
        let decoder = Decoder::new(Duration::from_millis(25), false);
        (ours, Inputs::over(OwnedFd::from(theirs), decoder).expect("starts"))
    }

    async fn next(inputs: &mut Inputs) -> Input {
        tokio::time::timeout(PATIENCE, inputs.next()).await.expect("an input")
    }

    #[tokio::test]
    async fn keys_come_and_a_lone_esc_comes_after_its_hold() {
        let (mut tty, mut inputs) = start();
        tty.write_all(b"a\x1d\x1b").expect("written");
        assert_eq!(next(&mut inputs).await, Input::Key(KeyCode::Char('a').into()));
        let prefix = Key { ctrl: true, ..Key::plain(KeyCode::Char(']')) };
        assert_eq!(next(&mut inputs).await, Input::Key(prefix));
        assert_eq!(next(&mut inputs).await, Input::Key(KeyCode::Esc.into()));
    }

    #[tokio::test]
    async fn a_terminal_that_goes_is_told_once_and_then_nothing_more_comes() {
        let (tty, mut inputs) = start();
        drop(tty);
        assert_eq!(next(&mut inputs).await, Input::Closed);
        let more = tokio::time::timeout(Duration::from_millis(20), inputs.next()).await;
        assert!(more.is_err(), "waiting again must not spin");
    }

    #[tokio::test]
    async fn dropping_ends_the_thread_also_when_its_queue_is_full() {
        let (mut tty, inputs) = start();
        tty.write_all(&[b'x'; 4000]).expect("written");
        drop(inputs);
        let (_tty, inputs) = start();
        drop(inputs);
    }
}
