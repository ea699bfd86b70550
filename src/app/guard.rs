//! The guard: what must be proven before a verb is done, in the screen and on the command line alike.
//!
//! Pure, and knows only `fleet`, so that `cli` asks the very same function.

use crate::fleet::{Identify, Node, NodeId, PowerVerb, Verb};

/// What must be proven before a verb is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    None,
    /// A key (`y`), or `--yes`.
    Key,
    /// This word typed: the number of nodes, or the name of the only one.
    Typed(String),
    /// It must not be done at all.
    Refused {
        /// Why, lower case.
        reason: String,
        /// Because of which nodes; empty when it is not about nodes.
        nodes: Vec<NodeId>,
    },
}

/// Decides on `verb` for `nodes`. Reading is always allowed. One read-only node refuses the whole
/// request: doing the rest would look like success.
#[must_use]
pub fn confirm_level(verb: &Verb, nodes: &[&Node], read_only: bool) -> Guard {
    if nodes.is_empty() {
        return Guard::Refused { reason: "there is no node to act on".into(), nodes: Vec::new() };
    }
    if verb.is_read() {
        return Guard::None;
    }
    if read_only {
        return Guard::Refused { reason: "this lightsout is read-only".into(), nodes: Vec::new() };
    }
    let locked: Vec<NodeId> = nodes.iter().filter(|node| node.read_only).map(|node| node.id).collect();
    if !locked.is_empty() {
        return Guard::Refused { reason: "read-only by a tag".into(), nodes: locked };
    }
    if let Verb::Identify(what) = verb {
        // A light harms nobody, but many lit at once send somebody to the wrong machine.
        let harmless = nodes.len() == 1 || *what == Identify::Off;
        return if harmless { Guard::None } else { Guard::Key };
    }
    match nodes {
        [node] if node.protected => Guard::Typed(node.name.clone()),
        [_] if *verb == Verb::Power(PowerVerb::On) => Guard::None,
        [_] => Guard::Key,
        _ => Guard::Typed(nodes.len().to_string()),
    }
}

/// Whether anything may be typed into the console of `node`.
///
/// # Errors
/// Why not, lower case.
pub fn may_type(node: &Node, read_only: bool) -> Result<(), String> {
    if read_only {
        Err("this lightsout is read-only".into())
    } else if node.read_only {
        Err(format!("{} is read-only by a tag", node.name))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{BmcReset, BootDevice, BootSetting};

    fn node(id: u32, protected: bool, read_only: bool) -> Node {
        Node {
            id: NodeId(id),
            name: format!("n{id}"),
            tags: std::collections::BTreeSet::new(),
            protected,
            read_only,
            driver: Some("ipmitool".into()),
            transport: None,
            console: String::new(),
            address: String::new(),
        }
    }

    fn changing() -> Vec<Verb> {
        let mut verbs: Vec<Verb> = PowerVerb::ALL.into_iter().map(Verb::Power).collect();
        verbs.extend(BootDevice::ALL.map(|device| {
            Verb::BootSet(BootSetting { device: Some(device), persistent: false, uefi: false })
        }));
        verbs.extend([Verb::ResetBmc(BmcReset::Warm), Verb::ResetBmc(BmcReset::Cold), Verb::Raw(vec![6, 1])]);
        verbs.push(Verb::FreeSol);
        verbs
    }

    #[test]
    fn one_node_needs_a_key_but_on_needs_nothing() {
        let plain = node(1, false, false);
        for verb in changing() {
            let wanted = if verb == Verb::Power(PowerVerb::On) { Guard::None } else { Guard::Key };
            assert_eq!(confirm_level(&verb, &[&plain], false), wanted, "{verb:?}");
        }
    }

    #[test]
    fn several_or_protected_nodes_need_a_typed_word() {
        let (a, b, held) = (node(1, false, false), node(2, false, false), node(3, true, false));
        for verb in changing() {
            assert_eq!(confirm_level(&verb, &[&a, &b], false), Guard::Typed("2".into()), "{verb:?}");
            assert_eq!(confirm_level(&verb, &[&held], false), Guard::Typed("n3".into()), "{verb:?}");
        }
    }

    #[test]
    fn a_locator_led_is_asked_about_only_where_many_are_lit() {
        let (a, held) = (node(1, false, false), node(3, true, false));
        for what in [Identify::USUAL, Identify::On, Identify::Off] {
            assert_eq!(confirm_level(&Verb::Identify(what), &[&held], false), Guard::None, "{what:?}");
            let wanted = if what == Identify::Off { Guard::None } else { Guard::Key };
            assert_eq!(confirm_level(&Verb::Identify(what), &[&a, &held], false), wanted, "{what:?}");
        }
    }

    #[test]
    fn read_only_refuses_every_change_and_names_the_nodes() {
        let (a, locked) = (node(1, false, false), node(2, false, true));
        for verb in changing().into_iter().chain([Verb::Identify(Identify::Off)]) {
            assert!(matches!(confirm_level(&verb, &[&a], true), Guard::Refused { .. }), "{verb:?}");
            assert!(
                matches!(confirm_level(&verb, &[&a, &locked], false), Guard::Refused { nodes, .. } if nodes == [NodeId(2)]),
                "{verb:?}"
            );
        }
        for verb in [Verb::Status, Verb::BootGet, Verb::Info] {
            assert_eq!(confirm_level(&verb, &[&a, &locked], true), Guard::None);
        }
        assert!(may_type(&a, false).is_ok());
        assert!(may_type(&a, true).is_err());
        assert!(may_type(&locked, false).is_err());
    }
}
