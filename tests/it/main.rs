//! Every test that goes through public interfaces, in one binary.

mod architecture;
mod bmc;
mod config;
mod console;
mod hub;
mod lab;
mod support;
