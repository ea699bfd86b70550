//! The nodes by their ids: who is who now.
//!
//! A name has one id for as long as the process lives. A node that a reload adds gets the next one; one that
//! it removes leaves a tombstone; one that comes back gets its old id. So a number that is on its way (a
//! request, a verb's result, a pane) never means another node, and nobody has to translate numbers. Written
//! by the reload only; read by the router, the consoles and the end of the hub.

use super::node::Node;
use crate::fleet::NodeId;
use std::sync::{Arc, RwLock};

/// See the module.
#[derive(Default)]
pub(crate) struct Roster {
    nodes: RwLock<Vec<Arc<Node>>>,
}

impl Roster {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Vec<Arc<Node>>> {
        self.nodes.read().expect("no panic while the roster is locked")
    }

    /// A node, or its tombstone.
    pub fn get(&self, id: NodeId) -> Option<Arc<Node>> {
        self.read().get(id.index()).cloned()
    }

    /// Everybody, tombstones too, in the order of ids.
    pub fn all(&self) -> Vec<Arc<Node>> {
        self.read().clone()
    }

    /// Enters a node: in the place of its id, or as the next.
    pub fn enter(&self, node: Arc<Node>) {
        let mut nodes = self.nodes.write().expect("no panic while the roster is locked");
        let index = node.id.index();
        match nodes.get_mut(index) {
            Some(place) => *place = node,
            None => nodes.push(node),
        }
    }
}
