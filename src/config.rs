//! Configuration: loads, merges and validates the TOML into typed settings; holds the secrets.
//!
//! Errors name file, line, key and the likely meaning, all of them at once. The names of drivers,
//! transports and themes are passed in by `cli` (this room knows no other but `fleet`). The way of a
//! file: `load` finds it, `section` reads it with places, `draft` merges the layers, `assemble` makes the
//! nodes, `build` checks the whole and makes the [`Settings`].

mod assemble;
mod build;
mod command;
mod console;
mod credentials;
mod draft;
pub mod error;
mod glob;
mod inventory;
mod keys;
pub mod load;
mod node;
mod paths;
mod render;
pub mod secret;
mod section;
mod sets;
pub mod settings;
mod twice;
mod units;
mod words;

pub use console::key_words;
pub use error::{ConfigErrors, Place, Problem};
pub use keys::{KeyBinding, KeyFault, KeyRules};
pub use load::{Inventories, LoadOptions, Loaded, Secrets, candidates, load, read_whole};
pub use paths::theme_dirs;
pub use secret::{Secret, SecretSource};
pub use settings::{
    BmcSettings, Charset, ConsoleSettings, Credentials, Flow, NodeSettings, Parity, PollSettings,
    PowerSettings, Privilege, ScreenSettings, SerialLine, Settings, TableSettings, TagSettings,
};
pub use units::duration as parse_duration;

use crate::fleet::{Node, NodeId};

/// The commented default file that `config default` prints. Uncommented, it equals the defaults.
pub const DEFAULT: &str = include_str!("../assets/config.toml");

/// The fleet's nodes, numbered in the order of the configuration.
#[must_use]
pub fn nodes(settings: &Settings) -> Vec<Node> {
    (0..).zip(&settings.nodes).map(|(id, settings)| node(NodeId(id), settings)).collect()
}

/// One node, without its secrets.
#[must_use]
pub fn node(id: NodeId, node: &NodeSettings) -> Node {
    Node {
        id,
        name: node.name.clone(),
        tags: node.tags.iter().cloned().collect(),
        protected: node.protected,
        read_only: node.read_only,
        driver: node.bmc.as_ref().map(|bmc| bmc.driver.clone()),
        transport: node.console.as_ref().map(|console| console.transport.clone()),
        console: node.console.as_ref().map(ConsoleSettings::place).unwrap_or_default(),
        address: node.bmc.as_ref().map(BmcSettings::place).unwrap_or_default(),
    }
}
