//! What of the screen is kept from one run to the next: filter, order, cursor, which consoles were open.
//!
//! Plain data; `runtime` writes and reads it. Nodes are named, since ids belong to one run; who is no longer
//! there is left out. Consoles come back as places only: nothing is ever attached without an operator.

use super::{State, panes, state::Focus, table, taste};
use crate::fleet::{NodeId, SortKey};
use serde::{Deserialize, Serialize};

/// The newest layout that this program writes and reads.
const VERSION: u32 = 1;
/// Longer than any filter that somebody typed.
const LONGEST: usize = 1000;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// Version of the layout.
    v: u32,
    /// Of which configuration.
    config: String,
    filter: String,
    /// Unless it is the configured one.
    sort: Option<String>,
    reverse: bool,
    /// Unless they are the configured ones.
    columns: Option<Vec<String>>,
    cursor: Option<String>,
    /// Nodes whose consoles had a place, in order.
    consoles: Vec<String>,
    /// Whose of them had the keys.
    focus: Option<String>,
    zoom: bool,
}

impl Saved {
    /// Reads what was written for the configuration called `config`.
    ///
    /// # Errors
    /// It is something else, in words.
    pub fn parse(text: &str, config: &str) -> Result<Saved, String> {
        let saved: Saved =
            serde_json::from_str(text).map_err(|error| format!("it is no saved layout: {error}"))?;
        if saved.v != VERSION {
            return Err(format!("it has version {}, not {VERSION}", saved.v));
        }
        if saved.config != config {
            return Err("it belongs to another configuration".into());
        }
        if saved.filter.len() > LONGEST || saved.filter.chars().any(char::is_control) {
            return Err("its filter is none that anybody typed".into());
        }
        Ok(saved)
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts and numbers can be written as JSON")
    }
}

impl State {
    /// What is kept of this screen, for the configuration called `config`.
    #[must_use]
    pub fn saved(&self, config: &str) -> Saved {
        let name = |node: NodeId| self.name(node).to_owned();
        let configured = &self.inner.configured.taste;
        let focused = match self.focus {
            Focus::Pane(console) => self.pane(console),
            Focus::Table => None,
        };
        Saved {
            v: VERSION,
            config: config.to_owned(),
            filter: self.table.filter_text.clone(),
            sort: (self.table.sort != configured.sort).then(|| self.table.sort.name().to_owned()),
            reverse: self.table.reverse,
            columns: (self.taste.columns != configured.columns).then(|| self.taste.columns.clone()),
            cursor: self.table.cursor.map(name),
            consoles: self.panes.iter().map(|pane| name(pane.node)).collect(),
            focus: focused.map(|pane| name(pane.node)),
            zoom: self.zoom,
        }
    }

    /// Takes back what was kept, before the first event.
    pub fn restore(&mut self, saved: &Saved) {
        let sort = SortKey::ALL.into_iter().find(|key| Some(key.name()) == saved.sort.as_deref());
        self.table.sort = sort.unwrap_or(self.table.sort);
        if let Some(columns) = &saved.columns
            && taste::can_be_shown(&self.taste, columns)
        {
            self.taste.columns.clone_from(columns);
        }
        self.table.reverse = saved.reverse;
        table::filter(self, &saved.filter);
        let find = |state: &State, name: &String| {
            state.present().find(|row| row.node.name == *name).map(|row| row.node.id)
        };
        self.table.cursor = saved.cursor.as_ref().and_then(|name| find(self, name)).or(self.table.cursor);
        for name in &saved.consoles {
            if let Some(node) = find(self, name) {
                panes::place(self, node);
            }
        }
        let focus = saved.focus.as_ref().and_then(|name| find(self, name));
        let focused = self.panes.iter().find(|pane| Some(pane.node) == focus).map(|pane| pane.console);
        if let Some(console) = focused {
            panes::focus(self, console);
            self.zoom = saved.zoom;
        }
        let mut parts = Vec::new();
        if !saved.filter.is_empty() {
            parts.push(format!("filter {}", saved.filter));
        }
        match self.panes.len() {
            0 => {}
            1 => parts.push("1 console, detached".into()),
            count => parts.push(format!("{count} consoles, detached")),
        }
        if !parts.is_empty() {
            self.say(format!("as you left it: {}", parts.join("; ")));
        }
        table::refresh(self);
    }
}
