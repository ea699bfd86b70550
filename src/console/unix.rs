//! Transport `unix`: a socket that carries a serial line, such as QEMU's.
//!
//! QEMU serves one client; a second one connects and hangs, silent. Whether we are served is read from the
//! kernel's own list (see [`listing`]): that needs no tool, no monitor and no exchange with anything, and it
//! holds for every program behind a socket, also for those that do serve several.

mod listing;

use super::stream::{Plain, Stream};
use super::transport::{Around, Ending, Link, Stage, Transport};
use crate::fleet::FaultClass;
use listing::{Listing, listing};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};

/// A full backlog blocks the connecting itself.
const CONNECT: Duration = Duration::from_secs(5);
/// A program that has a client, and has not taken us by then, will not.
const TAKEN: Duration = Duration::from_secs(1);
/// A program without a client may be slow (a paused machine on a loaded host) but not that slow.
const DEAF: Duration = Duration::from_secs(5);
/// Between two looks at the kernel's list.
const LOOK: Duration = Duration::from_millis(10);

/// One console's socket.
#[derive(Default)]
pub(super) struct Unix(Stream);

#[async_trait::async_trait]
impl Transport for Unix {
    async fn open(
        &mut self,
        around: &mut Around,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Link, Ending> {
        let Some(path) = around.console.path.clone() else {
            let text = format!("cannot open the console of {}: it has no path", around.node);
            return Err(Ending::failed(FaultClass::Local, text, None));
        };
        stage(Stage::Connecting);
        // While somebody else is kept waiting, another in the queue would only fill it.
        let start = Instant::now();
        while let Listing { served: 1.., waiting: 1.. } = listing(&path) {
            if start.elapsed() >= TAKEN {
                return Err(taken());
            }
            sleep(LOOK).await;
        }
        let stream = timeout(CONNECT, UnixStream::connect(&path))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::WouldBlock.into()))
            .map_err(|error| refused(&path, &error))?;
        served(&path).await?;
        Ok(self.0.start(stream, Plain, Vec::new()))
    }

    fn break_bytes(&mut self) -> Result<Vec<u8>, String> {
        Err("a unix socket cannot carry a break".to_owned())
    }

    async fn ended(&mut self) -> Ending {
        self.0.ended("its socket was closed", Some("the machine behind it has probably quit"))
    }

    async fn close(&mut self, _around: &mut Around) {
        self.0.close().await;
    }
}

/// Waits until the program behind the socket has taken our connection.
async fn served(path: &Path) -> Result<(), Ending> {
    let start = Instant::now();
    loop {
        match listing(path) {
            // Nobody waits: we are served, or the list says nothing about this socket (another network namespace).
            Listing { waiting: 0, .. } => return Ok(()),
            Listing { served: 1.., .. } if start.elapsed() >= TAKEN => return Err(taken()),
            _ if start.elapsed() >= DEAF => {
                let text = format!("cannot open the console: nothing answers behind {}", path.display());
                return Err(Ending::failed(FaultClass::Timeout, text, None));
            }
            _ => sleep(LOOK).await,
        }
    }
}

fn taken() -> Ending {
    Ending::Busy {
        holder: Some("another client of the socket".to_owned()),
        hint: "the socket serves one client: close the other one and reopen".to_owned(),
    }
}

fn refused(path: &Path, error: &io::Error) -> Ending {
    let path = path.display();
    let (class, why, hint) = match error.kind() {
        io::ErrorKind::NotFound => (
            FaultClass::Unreachable,
            format!("there is no socket {path}"),
            Some("the machine behind it is probably not running"),
        ),
        io::ErrorKind::ConnectionRefused => (
            FaultClass::Unreachable,
            format!("nothing listens on {path}"),
            Some("the machine behind it has probably quit"),
        ),
        // The queue of those who wait to be served is full.
        io::ErrorKind::WouldBlock => return taken(),
        io::ErrorKind::PermissionDenied => (
            FaultClass::Local,
            format!("no permission for {path}"),
            Some("check the socket's owner and mode"),
        ),
        _ => (FaultClass::Unreachable, format!("{path}: {error}"), None),
    };
    Ending::failed(class, format!("cannot open the console: {why}"), hint)
}
