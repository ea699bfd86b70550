//! Integration tests: the real binary and rooms against real BMCs, machines and terminals.

mod bmc;
mod console;
mod lab;
mod support;
