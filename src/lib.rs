//! `lightsout`: a lights-out console for a fleet of machines.
//!
//! The rooms and the arrows between them are checked by `tests/it/architecture.rs`.

pub mod app;
pub mod bmc;
pub mod cli;
pub mod config;
pub mod console;
pub mod fleet;
pub mod hub;
pub mod ipmi;
pub mod runtime;
pub mod screen;
pub mod sim;
pub mod term;
pub mod theme;
pub mod ui;
