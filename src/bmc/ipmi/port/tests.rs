//! The socket on loopback.
