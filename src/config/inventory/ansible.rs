//! An Ansible inventory: what `ansible-inventory --list` prints, or an INI file. Groups become tags, variables
//! become attributes. Pure.

mod ini;

use super::entry::{Found, scalar};
use crate::config::words::shown_long;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

type Variables = BTreeMap<String, String>;

/// Groups that mean nothing: every host is in them, or in no other.
const NO_TAGS: [&str; 2] = ["all", "ungrouped"];

/// The inventory as its groups have it.
#[derive(Debug, Default)]
struct Groups {
    /// In the order of their first appearance.
    hosts: Vec<String>,
    known: BTreeSet<String>,
    /// Groups that a host is in directly.
    of_host: BTreeMap<String, BTreeSet<String>>,
    /// Groups that a group is in directly.
    parents: BTreeMap<String, BTreeSet<String>>,
    group_variables: BTreeMap<String, Variables>,
    host_variables: BTreeMap<String, Variables>,
}

/// Nodes are its hosts; `{address}` is `ansible_host`, or the name where that is not set.
pub(super) fn read(text: &str) -> Found {
    let start = text.trim_start();
    if start.starts_with('{') {
        return match serde_json::from_str(start) {
            Ok(Value::Object(whole)) => from_json(&whole).into_found(),
            Ok(_) => Found::nothing("it is no JSON object"),
            Err(error) => Found::nothing(format!("it is no JSON: {}", shown_long(&error.to_string()))),
        };
    }
    if start.starts_with("---") || start.starts_with("all:") {
        let text = "this is YAML, which is not read: \
            use command = [\"ansible-inventory\", \"-i\", \"FILE\", \"--list\"]";
        return Found::nothing(text);
    }
    let (groups, troubles) = ini::read(text);
    let mut found = groups.into_found();
    found.troubles = troubles;
    found
}

fn from_json(whole: &serde_json::Map<String, Value>) -> Groups {
    let mut groups = Groups::default();
    let names = |value: Option<&Value>| -> Vec<String> {
        match value {
            Some(Value::Array(list)) => list.iter().filter_map(scalar).collect(),
            // Some scripts give an object with the names as keys.
            Some(Value::Object(table)) => table.keys().cloned().collect(),
            _ => Vec::new(),
        }
    };
    for (group, value) in whole.iter().filter(|(group, _)| *group != "_meta") {
        // Scripts may give a bare list of hosts.
        let hosts = if value.is_array() { Some(value) } else { value.get("hosts") };
        for host in names(hosts) {
            groups.host(&host, group);
        }
        for child in names(value.get("children")) {
            groups.child(&child, group);
        }
        groups.group_variables.insert(group.clone(), variables(value.get("vars")));
    }
    if let Some(Value::Object(hosts)) = whole.get("_meta").and_then(|meta| meta.get("hostvars")) {
        for (host, value) in hosts {
            groups.host(host, "all");
            groups.host_variables.insert(host.clone(), variables(Some(value)));
        }
    }
    groups
}

fn variables(value: Option<&Value>) -> Variables {
    let Some(Value::Object(table)) = value else {
        return Variables::new();
    };
    table.iter().filter_map(|(key, value)| Some((key.clone(), scalar(value)?))).collect()
}

impl Groups {
    fn host(&mut self, host: &str, group: &str) {
        if self.known.insert(host.to_owned()) {
            self.hosts.push(host.to_owned());
        }
        self.of_host.entry(host.to_owned()).or_default().insert(group.to_owned());
    }

    fn child(&mut self, child: &str, parent: &str) {
        self.parents.entry(child.to_owned()).or_default().insert(parent.to_owned());
    }

    /// All groups of a host, the outermost first. A circle of groups ends where it began.
    fn all_of(&self, host: &str) -> Vec<&str> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut order: Vec<&str> = Vec::new();
        let mut next: Vec<&str> = self.of_host.get(host).into_iter().flatten().map(String::as_str).collect();
        while !next.is_empty() {
            let mut above = Vec::new();
            for group in next {
                if seen.insert(group) {
                    order.push(group);
                    above.extend(self.parents.get(group).into_iter().flatten().map(String::as_str));
                }
            }
            next = above;
        }
        order.retain(|group| *group != "all");
        order.push("all");
        order.reverse();
        order
    }

    fn into_found(self) -> Found {
        let mut found = Found::default();
        for host in &self.hosts {
            let groups = self.all_of(host);
            let entry = found.entry(host);
            entry.attributes.insert("address".into(), host.clone());
            for group in &groups {
                if !NO_TAGS.contains(group) {
                    entry.tag(group);
                }
                entry.attributes.extend(self.group_variables.get(*group).cloned().unwrap_or_default());
            }
            entry.attributes.extend(self.host_variables.get(host).cloned().unwrap_or_default());
            if let Some(address) = entry.attributes.get("ansible_host").cloned() {
                entry.attributes.insert("address".into(), address);
            }
        }
        found
    }
}
