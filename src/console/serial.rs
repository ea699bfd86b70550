//! Transport `serial`: a serial port of this machine, alone.
//!
//! Two programs on one port steal each other's bytes, so the port is locked in both customary ways: `flock` on the
//! device, and the lock file that minicom, cu and conserver look for.

mod lock_file;

use super::stream::{Codec, Stream};
use super::transport::{Around, Ending, Link, Stage, Transport};
use crate::config::{Flow, Parity, SerialLine};
use crate::fleet::FaultClass;
use lock_file::LockFile;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tokio_serial::{DataBits, FlowControl, SerialPort, SerialPortBuilderExt, SerialStream, StopBits};

/// What a port is set to unless the configuration says otherwise.
const BAUD: u32 = 115_200;
/// What to do about a port that is in use.
const BUSY_HINT: &str = "end the other program, then reopen";

/// One console's port.
#[derive(Default)]
pub(super) struct Serial {
    stream: Stream,
    locks: Option<Locks>,
}

/// Held as long as the port is open.
struct Locks {
    _device: Flock<File>,
    _file: Option<LockFile>,
}

#[async_trait::async_trait]
impl Transport for Serial {
    async fn open(
        &mut self,
        around: &mut Around,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Link, Ending> {
        let Some(device) = around.console.path.clone() else {
            let text = format!("cannot open the console of {}: it has no device", around.node);
            return Err(Ending::failed(FaultClass::Local, text, None));
        };
        stage(Stage::Connecting);
        self.locks = Some(lock(&device)?);
        let port = open(&device, around.console.line).map_err(|error| refused(&device, &error.into()))?;
        let control = port.try_clone().map_err(|error| refused(&device, &error.into()))?;
        Ok(self.stream.start(port, Line { control }, Vec::new()))
    }

    fn break_bytes(&mut self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }

    async fn ended(&mut self) -> Ending {
        self.stream.ended("the serial port hung up", Some("an adapter may have been pulled out"))
    }

    async fn close(&mut self, _around: &mut Around) {
        self.stream.close().await;
        self.locks = None;
    }
}

/// The port's control lines.
struct Line {
    control: Box<dyn SerialPort>,
}

impl Codec for Line {
    fn set_break(&mut self, on: bool, _: &mut Vec<u8>) {
        let done = if on { self.control.set_break() } else { self.control.clear_break() };
        if let Err(error) = done {
            tracing::warn!("the serial port took no break: {error}");
        }
    }
}

/// Locks the device, or says who has it.
fn lock(device: &Path) -> Result<Locks, Ending> {
    let file = LockFile::take(device)
        .map_err(|holder| Ending::Busy { holder: Some(holder), hint: BUSY_HINT.to_owned() })?;
    // Not waiting for a modem's carrier, and not as our controlling terminal.
    let flags = nix::fcntl::OFlag::O_NONBLOCK | nix::fcntl::OFlag::O_NOCTTY;
    let opened = OpenOptions::new().read(true).write(true).custom_flags(flags.bits()).open(device);
    let opened = opened.map_err(|error| refused(device, &error))?;
    match Flock::lock(opened, FlockArg::LockExclusiveNonblock) {
        Ok(locked) => Ok(Locks { _device: locked, _file: file }),
        Err(_) => Err(Ending::Busy {
            holder: Some("another program on this machine".to_owned()),
            hint: BUSY_HINT.to_owned(),
        }),
    }
}

fn open(device: &Path, line: SerialLine) -> tokio_serial::Result<SerialStream> {
    let data_bits = match line.data_bits {
        Some(5) => DataBits::Five,
        Some(6) => DataBits::Six,
        Some(7) => DataBits::Seven,
        _ => DataBits::Eight,
    };
    let parity = match line.parity {
        Some(Parity::Even) => tokio_serial::Parity::Even,
        Some(Parity::Odd) => tokio_serial::Parity::Odd,
        _ => tokio_serial::Parity::None,
    };
    let flow = match line.flow {
        Some(Flow::Hardware) => FlowControl::Hardware,
        Some(Flow::Software) => FlowControl::Software,
        _ => FlowControl::None,
    };
    let stop_bits = if line.stop_bits == Some(2) { StopBits::Two } else { StopBits::One };
    tokio_serial::new(device.to_string_lossy(), line.baud.unwrap_or(BAUD))
        .data_bits(data_bits)
        .parity(parity)
        .stop_bits(stop_bits)
        .flow_control(flow)
        .open_native_async()
}

fn refused(device: &Path, error: &io::Error) -> Ending {
    let device = device.display();
    let (class, why, hint) = match error.kind() {
        io::ErrorKind::NotFound => (
            FaultClass::Unreachable,
            format!("there is no device {device}"),
            Some("check the device's name, and whether its adapter is plugged in"),
        ),
        io::ErrorKind::PermissionDenied => (
            FaultClass::Local,
            format!("no permission for {device}"),
            Some("serial ports usually belong to the group dialout: usermod -aG dialout USER"),
        ),
        io::ErrorKind::ResourceBusy => {
            let holder = Some("another program on this machine".to_owned());
            return Ending::Busy { holder, hint: BUSY_HINT.to_owned() };
        }
        _ => (FaultClass::Local, format!("{device}: {error}"), Some("is it a serial port?")),
    };
    Ending::failed(class, format!("cannot open the console: {why}"), hint)
}
