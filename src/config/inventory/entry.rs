//! What every format of an inventory gives: nodes by name, with tags and attributes. Pure.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// A node as an inventory knows it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) tags: Vec<String>,
    /// What `{NAME}` means in a template.
    pub(super) attributes: BTreeMap<String, String>,
    /// Keys that stand above those of the template (our own JSON only).
    pub(super) bmc: Map<String, Value>,
    /// The same.
    pub(super) console: Map<String, Value>,
}

/// What is wrong with an inventory's text, and in which line if that is known.
#[derive(Debug, PartialEq)]
pub(super) struct Trouble {
    pub(super) line: Option<usize>,
    pub(super) text: String,
}

/// What was read: what is good, and what is wrong with the rest.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    pub(super) troubles: Vec<Trouble>,
    known: HashMap<String, usize>,
}

impl Found {
    /// Nothing but a trouble with the whole.
    pub(super) fn nothing(text: impl Into<String>) -> Found {
        let mut found = Found::default();
        found.trouble(None, text);
        found
    }

    pub(super) fn trouble(&mut self, line: impl Into<Option<usize>>, text: impl Into<String>) {
        self.troubles.push(Trouble { line: line.into(), text: text.into() });
    }

    /// Whether there is a node of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// The node of this name, new if it was not there.
    pub(super) fn entry(&mut self, name: &str) -> &mut Entry {
        let entries = &mut self.entries;
        let at = *self.known.entry(name.to_owned()).or_insert_with(|| {
            entries.push(Entry { name: name.to_owned(), ..Entry::default() });
            entries.len() - 1
        });
        &mut entries[at]
    }
}

impl Entry {
    /// Adds a tag that it does not have yet.
    pub(super) fn tag(&mut self, tag: &str) {
        if !self.tags.iter().any(|known| known == tag) {
            self.tags.push(tag.to_owned());
        }
    }
}

/// A number, a text or a flag as text; nothing else has one.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
