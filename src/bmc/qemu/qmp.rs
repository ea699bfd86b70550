//! One connection to a QEMU monitor (QMP): greeting, capabilities, commands, one at a time.
//!
//! JSON lines by hand: six commands need a hundred lines, where the crate `qapi` brings every type of
//! the protocol to compile and still leaves events before the greeting and an occupied socket to us.

use serde_json::{Value, json};
use std::io;
use std::path::Path;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// A monitor that says more than this in one exchange is not one.
const READ_MAX: u64 = 1024 * 1024;

/// Why a conversation with a monitor failed.
#[derive(Debug)]
pub(super) enum QmpError {
    /// No process listens: there is no socket, or nobody behind it.
    Gone,
    /// The socket takes no further client.
    Full,
    /// The monitor closed the connection.
    Closed,
    /// Anything else of the operating system's.
    Io(io::Error),
    /// Not the protocol.
    Garbage(String),
    /// The monitor refuses: class and description.
    Refused {
        /// `CommandNotFound`, `GenericError`, …
        class: String,
        /// For people.
        text: String,
    },
}

impl From<io::Error> for QmpError {
    fn from(error: io::Error) -> QmpError {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => QmpError::Gone,
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
                QmpError::Closed
            }
            // The queue of the listening socket is full: others wait there already.
            io::ErrorKind::WouldBlock => QmpError::Full,
            _ => QmpError::Io(error),
        }
    }
}

/// A connection. The monitor serves one client; a second one is left without a greeting.
pub(super) struct Qmp {
    stream: BufReader<tokio::io::Take<UnixStream>>,
}

impl Qmp {
    /// Connects without waiting for the greeting.
    pub(super) async fn connect(path: &Path) -> Result<Qmp, QmpError> {
        let stream = UnixStream::connect(path).await?;
        Ok(Qmp { stream: BufReader::new(stream.take(READ_MAX)) })
    }

    /// Waits for the greeting, which events may precede.
    pub(super) async fn greeting(&mut self) -> Result<(), QmpError> {
        while self.message().await?.get("QMP").is_none() {}
        Ok(())
    }

    /// Executes a command without arguments and waits for its reply, past any events.
    pub(super) async fn execute(&mut self, command: &str) -> Result<Value, QmpError> {
        let mut line = json!({ "execute": command }).to_string();
        line.push('\n');
        self.stream.get_mut().get_mut().write_all(line.as_bytes()).await?;
        loop {
            let mut message = self.message().await?;
            if let Some(value) = message.get_mut("return") {
                return Ok(value.take());
            }
            if let Some(error) = message.get("error") {
                let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
                return Err(QmpError::Refused {
                    class: field("class").to_owned(),
                    text: field("desc").to_owned(),
                });
            }
        }
    }

    async fn message(&mut self) -> Result<Value, QmpError> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(QmpError::Closed);
        }
        serde_json::from_slice(&line).map_err(|error| QmpError::Garbage(error.to_string()))
    }
}
