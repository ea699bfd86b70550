//! Integration tests: the real binary and rooms against real BMCs, machines and terminals.

mod lab;
mod support;
