//! The driver trait and the table of drivers.

use super::{BmcError, SuiteMemory};
use crate::config::BmcSettings;
use crate::fleet::{BmcReset, BootSetting, Checkup, Identify, Locator, Power, SolHolder};
use crate::ipmi::command::LocatorLed;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// One login with a BMC, or one connection to a monitor, and what is done in it. Verbs that need
/// several are composed in `hub::verb`, so that every step waits for its own permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// Read the power state.
    Power,
    /// Chassis control on (IPMI 2.0, section 28.3); a VM's start command.
    On,
    /// Hard off.
    Off,
    /// ACPI shutdown.
    Soft,
    /// Chassis power cycle.
    Cycle,
    /// Hard reset.
    Reset,
    /// Diagnostic interrupt.
    Nmi,
    /// Stop the 60 s timer that clears the boot flags (raw 00 08 03 08); its refusal is not fatal.
    KeepBootFlags,
    /// Set the boot device.
    BootSet(BootSetting),
    /// Read the boot device.
    BootGet,
    /// Reset the controller.
    ResetBmc(BmcReset),
    /// Identify the controller.
    Info,
    /// Everything that one login tells.
    Checkup,
    /// Raw bytes.
    Raw(Vec<u8>),
    /// Turn the locator LED on or off.
    Identify(Identify),
    /// Read the locator LED.
    Locator,
    /// End the SOL, whoever holds it; already free is success.
    SolDeactivate,
    /// Who holds the SOL.
    SolHolder,
    /// Continue a VM that is in `prelaunch` or `paused`, and only then.
    Resume,
}

/// What an exchange gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Accepted; what came of it must be observed.
    Done,
    /// Power state, with a word such as `paused` where the driver has one.
    Power(Power, Option<String>),
    /// Boot device as read back.
    Boot(BootSetting),
    /// Identity, in order.
    Info(BmcInfo),
    /// What one login told.
    Checkup(Box<Checkup>),
    /// Raw answer.
    Raw(Vec<u8>),
    /// The locator LED; `None`: the BMC does not tell.
    Locator(Option<Locator>),
    /// Who holds the SOL.
    SolHolder(SolHolder),
    /// Whether a paused machine was resumed (`Exchange::Resume`).
    Resumed(bool),
}

impl From<LocatorLed> for Locator {
    fn from(led: LocatorLed) -> Locator {
        match led {
            LocatorLed::Off => Locator::Off,
            LocatorLed::Timed => Locator::Timed,
            LocatorLed::On => Locator::On,
        }
    }
}

impl Reply {
    /// The power state, where the answer holds one, with the driver's own word for it.
    #[must_use]
    pub fn power(&self) -> Option<(Power, Option<&str>)> {
        match self {
            Reply::Power(power, detail) => Some((*power, detail.as_deref())),
            Reply::Checkup(checkup) => Some((checkup.power, checkup.detail.as_deref())),
            _ => None,
        }
    }
}

/// Label and value, in the order to show.
pub type BmcInfo = Vec<(String, String)>;

/// What a driver can do at all; the screen greys the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// ACPI shutdown.
    pub soft: bool,
    /// Chassis cycle.
    pub cycle: bool,
    /// Diagnostic interrupt.
    pub nmi: bool,
    /// Boot device.
    pub boot: bool,
    /// BMC reset.
    pub reset_bmc: bool,
    /// Raw bytes.
    pub raw: bool,
    /// Controller information.
    pub info: bool,
    /// Locator LED.
    pub identify: bool,
    /// It has an SOL that can be freed.
    pub sol: bool,
}

/// Speaks to one BMC or monitor. Calls are serialised by the caller.
#[async_trait::async_trait]
pub trait Bmc: Send {
    /// Executes one exchange. Must end within its own wall-clock limit and leave no process behind,
    /// also when the future is dropped.
    ///
    /// # Errors
    /// Classed; see [`BmcError`].
    async fn exchange(&mut self, exchange: &Exchange) -> Result<Reply, BmcError>;

    /// Why an exchange can never succeed here, known without asking anybody: a composed verb must not
    /// begin what it cannot finish.
    fn cannot(&self, exchange: &Exchange) -> Option<BmcError> {
        let _ = exchange;
        None
    }

    /// Whether a login may stay open after an exchange, because this process polls the BMC, or is closed
    /// with it. Drivers without a lasting login ignore it.
    fn keep_login(&mut self, keep: bool) {
        let _ = keep;
    }

    /// Whether a reading may be broken off at any moment by dropping its future, and leaves nothing on the
    /// BMC that would not be closed. A program that is killed in the middle of a login does.
    fn may_break_off(&self) -> bool {
        false
    }

    /// Closes a login that stayed open; at the end of the program, or to free the BMC's slot.
    async fn close(&mut self) {}

    /// What would be sent, for `--dry-run` and confirmations: one line, no secret.
    fn describe(&self, exchange: &Exchange) -> String;
}

/// What drivers need besides a node's own settings.
#[derive(Debug, Clone)]
pub struct DriverContext {
    /// Path or name of ipmitool.
    pub ipmitool: PathBuf,
    /// A private directory (0700) of this process for password files and the short vendor list.
    pub private_dir: PathBuf,
    /// Wall-clock limit of one exchange.
    pub limit: Duration,
    /// The sockets that all BMCs of driver `ipmi` share.
    pub network: Arc<super::ipmi::Network>,
}

/// Makes a driver for one node.
pub type Open = fn(&BmcSettings, &DriverContext, Arc<SuiteMemory>) -> Result<Box<dyn Bmc>, BmcError>;

/// A row of [`DRIVERS`].
pub struct DriverRow {
    /// Its name in the configuration.
    pub name: &'static str,
    /// What it is, for help and errors.
    pub about: &'static str,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Makes one for a node.
    pub open: Open,
}

/// Every driver.
pub static DRIVERS: &[DriverRow] = &[super::ipmi::ROW, super::ipmitool::ROW, super::qemu::ROW];

/// The names, for the configuration's check.
#[must_use]
pub fn driver_names() -> Vec<&'static str> {
    DRIVERS.iter().map(|row| row.name).collect()
}

/// Opens the driver that `settings` names.
///
/// # Errors
/// `Local` when there is no such driver or its tool is missing.
pub fn open(
    settings: &BmcSettings,
    context: &DriverContext,
    suites: Arc<SuiteMemory>,
) -> Result<Box<dyn Bmc>, BmcError> {
    let row = DRIVERS.iter().find(|row| row.name == settings.driver).ok_or_else(|| {
        BmcError::new(crate::fleet::FaultClass::Local, format!("there is no driver \"{}\"", settings.driver))
    })?;
    (row.open)(settings, context, suites)
}
