//! How the front end starts: options in, a [`State`] out.

use super::{
    Key, KeyCode, Keymap, State, Taste,
    state::{Configured, Focus, Inner, NodeRow, PrefixState, Table},
};
use crate::fleet::{Millis, Node};
use crate::hub::message::NodeStatus;
use std::collections::VecDeque;
use std::time::Duration;

/// What a driver can do at all; the rest is greyed. Power on, off and reset can always be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    /// ACPI shutdown.
    pub soft: bool,
    /// Chassis cycle.
    pub cycle: bool,
    /// Diagnostic interrupt.
    pub nmi: bool,
    /// Boot device.
    pub boot: bool,
    /// BMC reset.
    pub reset_bmc: bool,
    /// Raw bytes.
    pub raw: bool,
    /// Controller information.
    pub info: bool,
    /// Locator LED.
    pub identify: bool,
    /// SOL that can be freed.
    pub sol: bool,
}

/// What a front end is started with.
#[derive(Debug, Clone)]
pub struct StateOptions<'a> {
    /// All nodes, in the order of their ids.
    pub nodes: Vec<Node>,
    /// The whole program is read-only.
    pub read_only: bool,
    /// Name of the fleet, for the title.
    pub title: String,
    /// The prefix as people write it: `ctrl-]`, `ctrl-e c`.
    pub prefix: &'a str,
    /// What the keys mean.
    pub keys: Keymap,
    /// The mouse is asked for.
    pub mouse: bool,
    /// How often each node's power is read.
    pub poll_interval: Duration,
    /// Local time minus UTC in seconds.
    pub utc_offset: i32,
    /// Columns and rows of the outer terminal.
    pub size: (u16, u16),
    /// Now.
    pub now: Millis,
    /// What each driver can do, by its name; a driver that is not listed can do everything.
    pub abilities: Vec<(String, Abilities)>,
    /// Theme and columns.
    pub taste: Taste,
}

/// Reads a prefix: one key or two, the first with ctrl or alt, or a function key, because it is
/// taken from what the operator types to the node.
///
/// # Errors
/// A line that says what is wrong.
pub fn parse_prefix(text: &str) -> Result<Vec<Key>, String> {
    let keys = text
        .split_whitespace()
        .map(|word| {
            Key::parse(word)
                .ok_or_else(|| format!("cannot read the prefix \"{text}\": no key is called \"{word}\""))
        })
        .collect::<Result<Vec<Key>, String>>()?;
    match keys.as_slice() {
        [first] | [first, _] if first.ctrl || first.alt || matches!(first.code, KeyCode::F(_)) => Ok(keys),
        [_] | [_, _] => {
            Err(format!("cannot use the prefix \"{text}\": it must begin with ctrl, alt or a function key"))
        }
        _ => Err(format!("cannot use the prefix \"{text}\": it must be one key or two")),
    }
}

impl State {
    /// The state before the first event.
    ///
    /// # Errors
    /// A line for the operator when the prefix cannot be read.
    pub fn new(options: StateOptions<'_>) -> Result<State, String> {
        let prefix = parse_prefix(options.prefix)?;
        let nodes = options
            .nodes
            .into_iter()
            .map(|node| NodeRow { status: NodeStatus::unknown(node.id), node, last: None, gone: false })
            .collect();
        let configured = Configured { taste: options.taste.clone(), mouse: options.mouse };
        let mut state = State {
            nodes,
            table: Table { sort: options.taste.sort, ..Table::default() },
            panes: Vec::new(),
            focus: Focus::Table,
            last_pane: None,
            zoom: false,
            overlays: Vec::new(),
            notices: VecDeque::new(),
            actions: VecDeque::new(),
            now: options.now,
            utc_offset: options.utc_offset,
            size: options.size,
            layout: super::Layout::default(),
            read_only: options.read_only,
            title: options.title,
            prefix: prefix.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            keys: options.keys,
            mouse: options.mouse,
            epoch: 0,
            prefix_state: PrefixState::None,
            several: Vec::new(),
            poll_interval: options.poll_interval,
            quitting: false,
            taste: options.taste,
            inner: Inner {
                prefix,
                abilities: options.abilities,
                configured,
                dirty: true,
                ..Inner::default()
            },
        };
        state.layout = super::layout::compute(&state);
        super::table::refresh(&mut state);
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        assert_eq!(parse_prefix("ctrl-]"), Ok(vec![Key::ctrl(']')]));
        assert_eq!(parse_prefix("ctrl-e c"), Ok(vec![Key::ctrl('e'), Key::char('c')]));
        for bad in ["", "x", "ctrl-e c d", "ctrl-foo", "enter"] {
            assert!(parse_prefix(bad).is_err(), "{bad}");
        }
    }
}
