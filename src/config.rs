//! Configuration: loads, merges and validates the TOML into typed settings; holds the secrets.
//!
//! Errors name file, line, key and the likely meaning, all of them at once. The names of drivers,
//! transports and themes are passed in by `cli` (this room knows no other but `fleet`).

pub mod secret;
pub mod settings;

pub use secret::Secret;
pub use settings::{
    BmcSettings, Charset, ConsoleSettings, Credentials, NodeSettings, PollSettings, PowerSettings, Privilege,
    ScreenSettings, Settings,
};
