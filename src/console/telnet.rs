//! Transport `telnet`: a serial line behind a console server that speaks telnet, with its line settings and a
//! true break where the server takes them (RFC 2217).
//!
//! The protocol itself is [`protocol`], without I/O. A port that turns out not to speak telnet gets no byte that
//! the operator did not type: it may be a raw line to a node.

mod options;
mod protocol;

use super::stream::{Codec, Stream};
use super::tcp::{CLOSED, connect};
use super::transport::{Around, Ending, Link, Stage, Transport};
use protocol::Protocol;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One console's connection.
#[derive(Default)]
pub(super) struct Telnet {
    stream: Stream,
    /// The server has shown that it speaks telnet.
    speaks: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl Transport for Telnet {
    async fn open(
        &mut self,
        around: &mut Around,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Link, Ending> {
        let stream = connect(around, stage).await?;
        self.speaks = Arc::default();
        let line = Line {
            protocol: Protocol::new(around.console.line),
            speaks: Arc::clone(&self.speaks),
            say: Arc::clone(&around.say),
        };
        Ok(self.stream.start(stream, line, Vec::new()))
    }

    fn break_bytes(&mut self) -> Result<Vec<u8>, String> {
        if self.speaks.load(Ordering::Acquire) {
            return Ok(Vec::new());
        }
        Err("the server has not shown that it speaks telnet; a break would be typed as text".into())
    }

    async fn ended(&mut self) -> Ending {
        self.stream.ended("the server closed it", Some(CLOSED))
    }

    async fn close(&mut self, _around: &mut Around) {
        self.stream.close().await;
    }
}

/// The protocol at work on a stream.
struct Line {
    protocol: Protocol,
    speaks: Arc<AtomicBool>,
    say: Arc<dyn Fn(String) + Send + Sync>,
}

impl Codec for Line {
    fn receive(&mut self, bytes: Vec<u8>, reply: &mut Vec<u8>) -> Vec<u8> {
        let mut data = Vec::with_capacity(bytes.len());
        self.protocol.receive(&bytes, &mut data, reply);
        self.speaks.store(self.protocol.speaks(), Ordering::Release);
        if let Some(note) = self.protocol.take_note() {
            (self.say)(note);
        }
        data
    }

    fn encode(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        self.protocol.encode(&bytes)
    }

    fn set_break(&mut self, on: bool, out: &mut Vec<u8>) {
        self.protocol.set_break(on, out);
    }

    fn suspended(&self) -> bool {
        self.protocol.suspended()
    }
}
