//! Simulated BMCs that speak real RMCP+ on loopback, each with a living little machine behind it.
//!
//! Owns machine, BMC, faults and sockets of the simulation; must not know the hub or the screen. Used by
//! `lightsout sim`, by the demo and by tests and benchmarks. [`Machine`] and [`Bmc`] take the time as an
//! argument; only [`Fleet`] has sockets and a clock.

mod bmc;
mod configuration;
mod demo;
mod faults;
mod fleet;
mod machine;
mod server;

pub use bmc::{Bmc, BmcSpec, Record, Stats, User};
pub use configuration::configuration;
pub use demo::Demo;
pub use faults::{Faults, LoginStep};
pub use fleet::{Fleet, FleetSpec, SimBmc, SimError};
pub use machine::{Control, Device, Machine};
