//! Another configuration while everything runs.
//!
//! Either all of it takes effect or nothing: what can fail (the shared file) is done first. Nodes are told
//! apart by name (see [`super::roster`]), and each is left alone as far as it can be:
//! - Unchanged, or with other tags or another console only: its line, login, observation, schedule and pending
//!   verb stay.
//! - Its BMC settings are others: it gets a new line, on the BMC's old gate where it is the same BMC. A verb
//!   that is pending ends on the old line first, because half a verb on each would be none (see
//!   [`super::actor`]); then the old login is closed.
//! - Gone: the same, with a tombstone for a line, which refuses everything.
//!
//! Open consoles are not touched at all: each keeps the settings it was opened with until it is reopened (see
//! [`super::consoles`]). Directories and the ipmitool program are taken at the start only; what of them was
//! changed is said. Called by the router, which owns the ways to all actors.

use super::handle::tell_broken_drivers;
use super::message::{Changes, Fleet, Update};
use super::node::Node;
use super::pace::Limits;
use super::router::Router;
use crate::config::{self, NodeSettings, Settings};
use crate::fleet::{Fault, NodeId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What [`super::HubHandle::reload`] sends.
pub(crate) struct Reload {
    pub settings: Arc<Settings>,
    pub reply: oneshot::Sender<Result<Changes, Fault>>,
}

/// What becomes of the nodes of the new configuration.
#[derive(Default)]
struct Plan<'a> {
    /// A new line, for a node that there was, or is again (`Some`), or that is new.
    lines: Vec<(Option<NodeId>, &'a NodeSettings)>,
    /// Other tags, another console.
    settings: Vec<(NodeId, &'a NodeSettings)>,
    /// No longer there.
    gone: Vec<NodeId>,
    /// Nodes whose consoles would be opened with something else now.
    outdated: Vec<NodeId>,
    changes: Changes,
}

fn plan<'a>(nodes: &[Arc<Node>], settings: &'a Settings) -> Plan<'a> {
    let mut plan = Plan::default();
    let known: HashMap<&str, &Arc<Node>> = nodes.iter().map(|node| (node.name.as_str(), node)).collect();
    for new in &settings.nodes {
        let Some(node) = known.get(new.name.as_str()) else {
            plan.changes.added += 1;
            plan.lines.push((None, new));
            continue;
        };
        let old = node.settings();
        if old.bmc != new.bmc || old.console != new.console {
            plan.outdated.push(node.id);
        }
        if node.gone {
            plan.changes.added += 1;
            plan.lines.push((Some(node.id), new));
        } else if *old != *new {
            plan.changes.changed += 1;
            match old.bmc == new.bmc {
                true => plan.settings.push((node.id, new)),
                false => plan.lines.push((Some(node.id), new)),
            }
        }
    }
    let names: HashSet<&str> = settings.nodes.iter().map(|node| node.name.as_str()).collect();
    let gone = nodes.iter().filter(|node| !node.gone && !names.contains(node.name.as_str()));
    plan.gone = gone.map(|node| node.id).collect();
    plan.changes.removed = plan.gone.len();
    plan
}

/// Settings that are taken at the start only, and differ.
fn later(old: &Settings, new: &Settings) -> Vec<String> {
    let differ = [
        ("state_dir", old.state_dir != new.state_dir),
        ("runtime_dir", old.runtime_dir != new.runtime_dir),
        ("ipmitool", old.ipmitool != new.ipmitool),
    ];
    differ.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
}

impl Router {
    /// Takes another configuration; nothing is changed when it cannot.
    pub(super) fn reload(&mut self, settings: Arc<Settings>) -> Result<Changes, Fault> {
        let nodes = self.roster.all();
        let Plan { lines, settings: milder, gone, outdated, mut changes } = plan(&nodes, &settings);
        let opened = self.lines.open_all(lines.iter().map(|(_, node)| *node))?;
        tell_broken_drivers(lines.iter().map(|(_, node)| *node), &opened, &self.context.outbox);

        let old = self.context.settings();
        changes.later = later(&old, &settings);
        let (before, after) = (&old.poll, &settings.poll);
        if (before.min_command_interval, before.max_in_flight)
            != (after.min_command_interval, after.max_in_flight)
        {
            self.lines.pace.set_limits(Limits::new(after.min_command_interval, after.max_in_flight));
        }
        self.context.set_settings(Arc::clone(&settings));
        if before.interval != after.interval {
            nodes.iter().for_each(|node| node.set_interval(after.interval));
        }
        for (id, new) in milder {
            if let Some(node) = self.roster.get(id) {
                node.set_settings(new.clone());
            }
        }
        let mut added = Vec::new();
        for ((id, new), line) in lines.into_iter().zip(opened) {
            match id {
                None => added.push(self.add(new.clone(), line)),
                Some(id) => self.replace(Node::new(id, new.clone(), Arc::clone(&self.context), line)),
            }
        }
        for id in gone {
            let settings = (*nodes[id.index()].settings()).clone();
            self.replace(Node::tombstone(id, settings, Arc::clone(&self.context)));
        }
        self.tell_fleet(outdated);
        // A front end forgets what it is told of a node that it does not know yet.
        added.iter().for_each(|node| node.publish());
        self.context.audit.reload(&changes.to_string());
        Ok(changes)
    }

    fn tell_fleet(&self, outdated: Vec<NodeId>) {
        let nodes = self.roster.all();
        self.context.outbox.fleet(Update::Fleet(Box::new(Fleet {
            nodes: nodes.iter().map(|node| config::node(node.id, &node.settings())).collect(),
            gone: nodes.iter().filter(|node| node.gone).map(|node| node.id).collect(),
            outdated,
        })));
    }
}
