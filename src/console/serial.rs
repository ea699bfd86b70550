//! Transport `serial`: a serial port of this machine, alone.
//!
//! Two programs on one port steal each other's bytes, so the port is locked in all customary ways: `TIOCEXCL` and
//! `flock` by the library that opens it, and the lock file that minicom, cu and conserver look for.

mod lock_file;

use super::stream::{Codec, Stream};
use super::transport::{Around, Ending, Link, Stage, Transport};
use crate::config::{Flow, Parity, SerialLine};
use crate::fleet::FaultClass;
use lock_file::LockFile;
use std::io;
use std::path::Path;
use tokio_serial::{DataBits, ErrorKind, FlowControl, SerialPort, SerialStream, StopBits};

/// What a port is set to unless the configuration says otherwise.
const BAUD: u32 = 115_200;
/// What to do about a port that is in use.
const BUSY_HINT: &str = "end the other program, then reopen";

/// One console's port.
#[derive(Default)]
pub(super) struct Serial {
    stream: Stream,
    /// Held as long as the port is open.
    lock: Option<LockFile>,
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
        self.lock = LockFile::take(&device).map_err(busy)?;
        let (port, control) = open(&device, around.console.line).map_err(|error| refused(&device, error))?;
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
        self.lock = None;
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

/// The port, and a second handle for its control lines.
fn open(device: &Path, line: SerialLine) -> tokio_serial::Result<(SerialStream, Box<dyn SerialPort>)> {
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
    let port = tokio_serial::new(device.to_string_lossy(), line.baud.unwrap_or(BAUD))
        .data_bits(data_bits)
        .parity(parity)
        .stop_bits(stop_bits)
        .flow_control(flow)
        .open_native()?;
    let control = port.try_clone()?;
    Ok((SerialStream::try_from(port)?, control))
}

fn busy(holder: String) -> Ending {
    Ending::Busy { holder: Some(holder), hint: BUSY_HINT.to_owned() }
}

fn refused(device: &Path, error: tokio_serial::Error) -> Ending {
    // The library has one word for a device that is not there and for one that is taken.
    if error.kind() == ErrorKind::NoDevice && device.exists() {
        return busy("another program on this machine".to_owned());
    }
    let device = device.display();
    let error = io::Error::from(error);
    let (class, why, hint) = match error.kind() {
        io::ErrorKind::NotFound => (
            FaultClass::Unreachable,
            format!("there is no device {device}"),
            "check the device's name, and whether its adapter is plugged in",
        ),
        io::ErrorKind::PermissionDenied => (
            FaultClass::Local,
            format!("no permission for {device}"),
            "serial ports usually belong to the group dialout: usermod -aG dialout USER",
        ),
        _ => (FaultClass::Local, format!("{device}: {error}"), "is it a serial port?"),
    };
    Ending::failed(class, format!("cannot open the console: {why}"), Some(hint))
}
