//! term

pub mod backend;
