//! Drivers: what speaks to one node's BMC or monitor.
//!
//! Owns the trait [`Bmc`], the error classes, the table [`DRIVERS`] and one file a driver. A driver
//! executes exactly the exchange it is given and decides nothing about pace: `hub` calls it while it
//! holds a [`Permit`] for that BMC. Must not know `app` or `ui`.

mod boot;
pub mod driver;
pub mod error;
pub(crate) mod holder;
pub mod ipmi;
pub mod ipmitool;
pub mod permit;
mod program;
mod qemu;
mod remedy;
mod words;

pub use driver::{
    Bmc, BmcInfo, Capabilities, DRIVERS, DriverContext, DriverRow, Exchange, Reply, driver_names, open,
};
pub use error::BmcError;
pub use permit::{Gate, Permit, Priority, SOL_TOLD, SuiteMemory};
pub(crate) use program::find as find_program;
pub use remedy::remedy;
