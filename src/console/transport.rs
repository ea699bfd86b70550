//! The transport trait and the table of transports. A transport opens a link that carries a console's
//! bytes and ends it in order; it decides nothing about retries, mode, log or emulator: the session
//! task, its only caller, does.

use super::shared::lock;
use crate::bmc::{Bmc, BmcError, DriverContext, Exchange, Gate, Priority, Reply, SuiteMemory};
use crate::config::{BmcSettings, ConsoleSettings};
use crate::fleet::{Fault, FaultClass, Millis};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// Pieces a link may have waiting for the session; when they are full the link stops reading, and TCP
/// window, PTY and delayed SOL acknowledgements carry the pressure back to the node.
pub(super) const PIECES: usize = 16;
/// Largest piece in bytes.
pub(super) const PIECE: usize = 16 * 1024;

/// What surrounds a console; owned by its session task.
pub(super) struct Around {
    pub(super) node: String,
    pub(super) console: ConsoleSettings,
    pub(super) bmc: Option<BmcSettings>,
    pub(super) context: DriverContext,
    pub(super) suites: Arc<SuiteMemory>,
    pub(super) gate: Arc<dyn Gate>,
    pub(super) driver: Driver,
    /// The next opening may take the console from whoever has it.
    pub(super) steal: bool,
    /// Says something to the operator once.
    pub(super) say: Arc<dyn Fn(String) + Send + Sync>,
}

/// The driver for exchanges beside the console: taken out for one, and back in its place afterwards, also
/// when the exchange was broken off.
#[derive(Clone)]
pub(super) struct Driver(Arc<Mutex<Option<Box<dyn Bmc>>>>);

impl Driver {
    pub(super) fn new(driver: Option<Box<dyn Bmc>>) -> Driver {
        Driver(Arc::new(Mutex::new(driver)))
    }

    /// One exchange with the permit it needs. `None` when there is no driver or it is in use.
    pub(super) async fn exchange(
        &self,
        gate: &dyn Gate,
        exchange: &Exchange,
    ) -> Option<Result<Reply, BmcError>> {
        let mut lent = Lent { driver: lock(&self.0).take(), home: self };
        let driver = lent.driver.as_mut()?;
        Some(match gate.permit(Priority::Operator).await {
            Ok(_permit) => driver.exchange(exchange).await,
            Err(fault) => Err(BmcError::new(fault.class, fault.reason).not_sent()),
        })
    }
}

struct Lent<'a> {
    driver: Option<Box<dyn Bmc>>,
    home: &'a Driver,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            *lock(&self.home.0) = Some(driver);
        }
    }
}

/// How far opening has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Waits for the BMC's pace, at least until then.
    Waiting(Millis),
    /// Logging in or connecting.
    Connecting,
}

/// An open link. Dropping both ends is not enough to end it: [`Transport::close`] does that.
pub(super) struct Link {
    /// Pieces from the node, at most [`PIECE`] bytes each; ends when the link is over.
    pub(super) reader: mpsc::Receiver<Vec<u8>>,
    /// Bytes to the node, in order.
    pub(super) writer: mpsc::Sender<Vec<u8>>,
    /// What came from the node while the link was being opened.
    pub(super) first: Vec<u8>,
}

/// Why a link could not be opened, or is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// Somebody else holds it. Never taken from them, never retried onto them.
    Busy { holder: Option<String>, hint: String },
    /// It was ours until somebody else took it. Never taken back.
    Stolen { holder: Option<String>, hint: String },
    /// It failed.
    Failed {
        fault: Fault,
        /// Whether trying again by itself makes sense.
        retry: bool,
    },
    /// It worked until the other side ended it in order, perhaps for somebody who wants it: tried again by
    /// itself only after they had the time to take it.
    Dismissed(Fault),
}

impl Ending {
    /// A failure; whether it is retried follows from its class: what only an operator can mend is not.
    pub(super) fn failed(class: FaultClass, reason: impl Into<String>, hint: Option<&str>) -> Ending {
        Ending::from(Fault { class, reason: reason.into(), hint: hint.map(str::to_owned) })
    }
}

impl From<Fault> for Ending {
    fn from(fault: Fault) -> Ending {
        let retry = !matches!(fault.class, FaultClass::Auth | FaultClass::Unsupported | FaultClass::Local);
        Ending::Failed { fault, retry }
    }
}

impl From<BmcError> for Ending {
    fn from(error: BmcError) -> Ending {
        Ending::from(Fault::from(error))
    }
}

/// The question who has a console, and its answer.
pub(super) type Holder = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// Carries one console's bytes.
#[async_trait::async_trait]
pub(super) trait Transport: Send {
    /// Opens the link. The future may be dropped at any point; `close` must be called afterwards.
    async fn open(
        &mut self,
        around: &mut Around,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Link, Ending>;

    /// Asks who has the console, where an ending could not tell. Dropped, it asks no more.
    fn holder(&self, _around: &Around) -> Option<Holder> {
        None
    }

    /// Whether it can take a console from its holder, when [`Around::steal`] says so.
    fn can_steal(&self) -> bool {
        false
    }

    /// Removes from a piece what the tool said and the node did not.
    fn clean(&mut self, piece: Vec<u8>) -> Vec<u8> {
        piece
    }

    /// Removes from the operator's bytes what the tool would take as its own command.
    fn guard(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    /// The piece to write for a serial break; an empty one where the link's writer knows it as that.
    ///
    /// # Errors
    /// A text that says why it cannot be sent now.
    fn break_bytes(&mut self) -> Result<Vec<u8>, String>;

    /// Why the link is over; called when its reader has ended.
    async fn ended(&mut self) -> Ending;

    /// Ends the link, or an opening that was broken off, in order, and waits until nothing of it is left.
    async fn close(&mut self, around: &mut Around);
}

/// Row of [`TRANSPORTS`].
pub struct TransportRow {
    /// Its name in the configuration.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    open: fn() -> Box<dyn Transport>,
}

/// The transport that goes by the way of the BMC: without a driver there is none.
pub const OF_THE_BMC: &str = "sol";

/// Every transport.
pub static TRANSPORTS: &[TransportRow] = &[
    TransportRow {
        name: OF_THE_BMC,
        about: "serial-over-LAN of the node's BMC, by the way of its driver",
        open: || Box::new(super::sol::Sol::default()),
    },
    TransportRow {
        name: "unix",
        about: "a unix socket that carries a serial line, such as a virtual machine's",
        open: || Box::new(super::unix::Unix::default()),
    },
    TransportRow {
        name: "tcp",
        about: "a plain TCP port that carries a serial line",
        open: || Box::new(super::tcp::Tcp::default()),
    },
    TransportRow {
        name: "telnet",
        about: "a port of a console server that speaks telnet, with line settings and break (RFC 2217)",
        open: || Box::new(super::telnet::Telnet::default()),
    },
    TransportRow {
        name: "command",
        about: "a program in a pseudo-terminal: ssh, virsh console, conserver's console",
        open: || Box::new(super::command::Command::default()),
    },
    TransportRow {
        name: "serial",
        about: "a serial port of this machine",
        open: || Box::new(super::serial::Serial::default()),
    },
];

/// The names, for the configuration's check.
#[must_use]
pub fn transport_names() -> Vec<&'static str> {
    TRANSPORTS.iter().map(|row| row.name).collect()
}

/// The transport of that name.
pub(super) fn transport(name: &str) -> Option<Box<dyn Transport>> {
    let row = TRANSPORTS.iter().find(|row| row.name == name)?;
    Some((row.open)())
}
