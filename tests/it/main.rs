//! Integration tests, one module a room or a promise.

mod backend;
mod screen;
