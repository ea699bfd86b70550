//! Transport `tcp`: a serial line behind a plain TCP port, such as a terminal server's raw ports and QEMU's.
//! Also how `telnet` connects.

use super::stream::{Plain, Stream};
use super::transport::{Around, Ending, Link, Stage, Transport};
use crate::fleet::FaultClass;
use nix::sys::socket::{setsockopt, sockopt};
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Name lookup and connection together.
const CONNECT: Duration = Duration::from_secs(10);
/// A server that vanished (power, firewall) is noticed after 15 + 3 x 5 s: an idle console says nothing for days.
const IDLE: u32 = 15;
const PROBE: u32 = 5;
const PROBES: u32 = 3;

/// One console's connection.
#[derive(Default)]
pub(super) struct Tcp(Stream);

#[async_trait::async_trait]
impl Transport for Tcp {
    async fn open(
        &mut self,
        around: &mut Around,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Link, Ending> {
        let stream = connect(around, stage).await?;
        Ok(self.0.start(stream, Plain, Vec::new()))
    }

    fn break_bytes(&mut self) -> Result<Vec<u8>, String> {
        Err("a plain TCP port cannot carry a break; transport \"telnet\" can, where the server speaks it"
            .into())
    }

    async fn ended(&mut self) -> Ending {
        self.0.ended("the server closed it", Some(CLOSED))
    }

    async fn close(&mut self, _around: &mut Around) {
        self.0.close().await;
    }
}

/// What can be said of a server that closed a connection.
pub(super) const CLOSED: &str = "many servers let in one client for each port: look at what it said last";

/// A connection to the console's host and port.
pub(super) async fn connect(
    around: &Around,
    stage: &(dyn Fn(Stage) + Send + Sync),
) -> Result<TcpStream, Ending> {
    let (Some(host), Some(port)) = (&around.console.host, around.console.port) else {
        let text = format!("cannot open the console of {}: it has no host or port", around.node);
        return Err(Ending::failed(FaultClass::Local, text, None));
    };
    stage(Stage::Connecting);
    let connected = timeout(CONNECT, TcpStream::connect((host.as_str(), port))).await;
    let stream = connected
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|error| refused(host, port, &error))?;
    // Keys travel alone; a lost option only makes it slower to notice a dead server.
    let _ = stream.set_nodelay(true);
    let _ = setsockopt(&stream, sockopt::KeepAlive, &true);
    let _ = setsockopt(&stream, sockopt::TcpKeepIdle, &IDLE);
    let _ = setsockopt(&stream, sockopt::TcpKeepInterval, &PROBE);
    let _ = setsockopt(&stream, sockopt::TcpKeepCount, &PROBES);
    Ok(stream)
}

fn refused(host: &str, port: u16, error: &io::Error) -> Ending {
    let (class, why, hint) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            FaultClass::Unreachable,
            format!("nothing listens on port {port} of {host}"),
            Some("check the port, and whether the console server runs"),
        ),
        io::ErrorKind::TimedOut => (
            FaultClass::Timeout,
            format!("{host} port {port} does not answer"),
            Some("check the address, the network and the firewall"),
        ),
        _ => (FaultClass::Unreachable, format!("{host} port {port}: {error}"), None),
    };
    Ending::failed(class, format!("cannot open the console: {why}"), hint)
}
