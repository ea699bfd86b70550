//! Every test that goes through public interfaces, in one binary.

mod architecture;
mod bmc;
mod config;
mod lab;
mod support;
