//! A byte stream as a console's link: one task that carries both ways, with what a protocol adds in between.
//! Called by the transports whose other side is a socket or a device.

use super::shared::lock;
use super::transport::{Ending, Link, PIECE, PIECES};
use crate::fleet::FaultClass;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// How long a serial break lasts: more than a character at 50 baud takes.
const BREAK: Duration = Duration::from_millis(300);
/// Bytes that may wait for the other side; with more it is not listened to either.
const BACKLOG: usize = 4096;

/// What a protocol does to the bytes. The default does nothing.
pub(super) trait Codec: Send + 'static {
    /// What of the received bytes is the node's; what must be answered goes to `reply`.
    fn receive(&mut self, bytes: Vec<u8>, reply: &mut Vec<u8>) -> Vec<u8> {
        let _ = reply;
        bytes
    }

    /// Typed bytes as the other side wants them.
    fn encode(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    /// Begins or ends a serial break.
    fn set_break(&mut self, on: bool, out: &mut Vec<u8>) {
        let _ = (on, out);
    }

    /// The other side asked us to wait.
    fn suspended(&self) -> bool {
        false
    }
}

/// No protocol.
pub(super) struct Plain;

impl Codec for Plain {}

/// The task of an open stream. Dropped without [`Stream::close`] it ends without being waited for.
#[derive(Default)]
pub(super) struct Stream {
    task: Option<JoinHandle<()>>,
    error: Arc<Mutex<Option<io::Error>>>,
}

impl Stream {
    /// Carries the bytes of `stream`. An empty piece from the session is a serial break.
    pub(super) fn start<S, C>(&mut self, stream: S, codec: C, hello: Vec<u8>) -> Link
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
        C: Codec,
    {
        let (to_session, reader) = mpsc::channel(PIECES);
        let (writer, from_session) = mpsc::channel(PIECES);
        let error = Arc::default();
        self.error = Arc::clone(&error);
        let task = tokio::spawn(async move {
            if let Err(why) = carry(stream, codec, hello, &to_session, from_session).await {
                *lock(&error) = Some(why);
            }
        });
        if let Some(before) = self.task.replace(task) {
            before.abort();
        }
        Link { reader, writer, first: Vec::new() }
    }

    /// Why it is over: `closed` unless something failed.
    pub(super) fn ended(&self, closed: &str, hint: Option<&str>) -> Ending {
        match lock(&self.error).take() {
            Some(error) => {
                let text = format!("the console was lost: {error}");
                Ending::failed(FaultClass::Unreachable, text, None)
            }
            None => Ending::failed(FaultClass::Unreachable, format!("the console was lost: {closed}"), hint),
        }
    }

    /// Ends it; when this returns the socket or device is closed.
    pub(super) async fn close(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Carries until one side is over. Reads and writes are independent: a node that prints while it does not
/// read, or the other way round, blocks nothing.
async fn carry<S, C>(
    stream: S,
    mut codec: C,
    hello: Vec<u8>,
    to_session: &mpsc::Sender<Vec<u8>>,
    mut from_session: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
    C: Codec,
{
    let (mut read, mut write) = tokio::io::split(stream);
    let mut buffer = vec![0; PIECE];
    let mut out = hello;
    let mut breaking: Option<Instant> = None;
    let mut typing = true;
    loop {
        let may_type = typing && out.is_empty() && breaking.is_none() && !codec.suspended();
        tokio::select! {
            // Room first, then bytes: a piece that was read always has a place.
            got = async { (to_session.reserve().await, read.read(&mut buffer).await) },
                if out.len() < BACKLOG =>
            {
                let (Ok(room), length) = got else { return Ok(()) };
                match length? {
                    0 => return Ok(()),
                    length => room.send(codec.receive(buffer[..length].to_vec(), &mut out)),
                }
            }
            wrote = write.write(&out), if !out.is_empty() => {
                let length = wrote?;
                if length == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                out.drain(..length);
            }
            typed = from_session.recv(), if may_type => match typed {
                None => typing = false,
                Some(bytes) if bytes.is_empty() => {
                    codec.set_break(true, &mut out);
                    breaking = Some(Instant::now() + BREAK);
                }
                Some(bytes) => out.extend(codec.encode(bytes)),
            },
            () = sleep_until(breaking.unwrap_or_else(Instant::now)), if breaking.is_some() => {
                codec.set_break(false, &mut out);
                breaking = None;
            }
            () = to_session.closed() => return Ok(()),
        }
    }
}
