//! The table's filter: terms ANDed, `!x` inverse, `state:off`, `tag:rack3`, a node set, or any text.
//!
//! It is parsed at every key, so a term that is only half typed must not empty the table: what is not
//! there yet (`state:`, `@`, `!`) matches everything, an unfinished node set (`r1n[01`) is searched as
//! the text before its bracket, an unfinished state (`state:o`) is every state that begins so.
//! Under `!` an unfinished term is left out altogether, because its inverse would hide the rows.

use super::{Freshness, Node, NodeSet, Observation, Power};
use std::collections::HashSet;

/// A parsed filter; the empty one matches every node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    inverse: bool,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// Any of these.
    States(Vec<State>),
    Tag(String),
    Names(HashSet<String>),
    /// Lower case.
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    On,
    Off,
    Unknown,
    Failed,
    Stale,
}

const STATES: [(&str, State); 5] = [
    ("on", State::On),
    ("off", State::Off),
    ("unknown", State::Unknown),
    ("failed", State::Failed),
    ("stale", State::Stale),
];

impl Filter {
    /// Parses `text`; every text is a filter (what is no known term is searched in name, tags, address
    /// and transport, letters of either case).
    #[must_use]
    pub fn parse(text: &str) -> Filter {
        Filter { terms: text.split_whitespace().filter_map(term).collect() }
    }

    /// Whether `node`, seen as `seen`, passes.
    #[must_use]
    pub fn matches(&self, node: &Node, seen: &Observation) -> bool {
        self.terms.iter().all(|term| term.what.matches(node, seen) != term.inverse)
    }

    /// Whether it passes everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

impl What {
    fn matches(&self, node: &Node, seen: &Observation) -> bool {
        match self {
            What::States(states) => states.iter().any(|state| state.holds(seen)),
            What::Tag(tag) => node.tags.contains(tag),
            What::Names(names) => names.contains(&node.name),
            What::Text(text) => {
                contains(&node.name, text)
                    || contains(&node.address, text)
                    || node.tags.iter().any(|tag| contains(tag, text))
                    || node.transport.as_ref().is_some_and(|name| contains(name, text))
            }
        }
    }
}

impl State {
    fn holds(self, seen: &Observation) -> bool {
        match self {
            State::On => seen.value == Power::On,
            State::Off => seen.value == Power::Off,
            State::Unknown => seen.value == Power::Unknown,
            State::Failed => matches!(seen.freshness, Freshness::Failed(_)),
            State::Stale => seen.freshness == Freshness::Stale,
        }
    }
}

/// `None` for a term that says nothing yet.
fn term(text: &str) -> Option<Term> {
    let (inverse, body) = match text.strip_prefix('!') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let (what, finished) = what(body)?;
    (finished || !inverse).then_some(Term { inverse, what })
}

/// The meaning of a term and whether it is complete.
fn what(body: &str) -> Option<(What, bool)> {
    if let Some(word) = body.strip_prefix("state:") {
        return states(word, body);
    }
    if let Some(tag) = body.strip_prefix("tag:").or_else(|| body.strip_prefix('@')) {
        return (!tag.is_empty()).then(|| (What::Tag(tag.to_owned()), true));
    }
    if !body.contains(['[', ',']) {
        return text(body, true);
    }
    match NodeSet::parse(body.trim_end_matches(',')) {
        Ok(set) => Some((What::Names(set.names().iter().cloned().collect()), true)),
        Err(_) => text(body.split(['[', ',']).next().unwrap_or(""), false),
    }
}

fn states(word: &str, body: &str) -> Option<(What, bool)> {
    if word.is_empty() {
        return None;
    }
    if let Some((_, state)) = STATES.iter().find(|(name, _)| *name == word) {
        return Some((What::States(vec![*state]), true));
    }
    let begun: Vec<State> =
        STATES.iter().filter(|(name, _)| name.starts_with(word)).map(|(_, state)| *state).collect();
    if begun.is_empty() { text(body, true) } else { Some((What::States(begun), false)) }
}

fn text(text: &str, finished: bool) -> Option<(What, bool)> {
    (!text.is_empty()).then(|| (What::Text(text.to_ascii_lowercase()), finished))
}

/// Whether `needle`, already lower case, is in `text`; ASCII letters of either case are equal. Allocates
/// nothing: it runs for every node at every key.
fn contains(text: &str, needle: &str) -> bool {
    text.as_bytes().windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Fault, FaultClass, NodeId};

    fn node(name: &str) -> Node {
        Node {
            id: NodeId(0),
            name: name.into(),
            tags: ["rack3".to_owned(), "Compute".to_owned()].into(),
            protected: false,
            read_only: false,
            driver: Some("ipmitool".into()),
            transport: Some("sol".into()),
            console: String::new(),
            address: "10.1.1.7".into(),
        }
    }

    fn seen(value: Power, freshness: Freshness) -> Observation {
        Observation { value, freshness, ..Observation::default() }
    }

    fn passes(text: &str) -> bool {
        Filter::parse(text).matches(&node("r1n01"), &seen(Power::Off, Freshness::Fresh))
    }

    #[test]
    fn text_is_searched_in_name_tags_address_and_transport() {
        for text in ["", "  ", "1N0", "compute", "RACK", "10.1.1.7", "SOL"] {
            assert!(passes(text), "{text}");
        }
        for text in ["r1n02", "ipmitool", "rack33"] {
            assert!(!passes(text), "{text}");
        }
    }

    #[test]
    fn terms_are_anded_and_inverted() {
        assert!(passes("r1 state:off !vm"));
        assert!(!passes("r1 state:on"));
        assert!(!passes("r1 !state:off"));
        assert!(passes("!r1n[02-03]"));
        assert!(!passes("!r1n[01-03]"));
    }

    #[test]
    fn states_are_values_and_freshness() {
        let fault = Fault { class: FaultClass::Timeout, reason: String::new(), hint: None };
        let cases = [
            (seen(Power::On, Freshness::Fresh), ["on"].as_slice()),
            (seen(Power::Off, Freshness::Stale), &["off", "stale"]),
            (seen(Power::Unknown, Freshness::Failed(fault)), &["unknown", "failed"]),
            (seen(Power::Unknown, Freshness::Never), &["unknown"]),
        ];
        for (seen, expected) in cases {
            for (word, _) in STATES {
                assert_eq!(
                    Filter::parse(&format!("state:{word}")).matches(&node("n"), &seen),
                    expected.contains(&word),
                    "{word} {seen:?}"
                );
            }
        }
    }

    #[test]
    fn tags_and_node_sets_are_exact() {
        assert!(passes("tag:rack3"));
        assert!(passes("@rack3"));
        assert!(!passes("@rack"));
        assert!(passes("r1n[01-03]"));
        assert!(passes("vm3,r1n01"));
        assert!(passes("r1n01,"));
        assert!(!passes("r1n[1-3]"));
    }

    #[test]
    fn a_half_typed_term_does_not_empty_the_table() {
        for text in [
            "state:",
            "state:o",
            "tag:",
            "@",
            "!",
            "!state:",
            "!state:of",
            "!@",
            "r1n[",
            "r1n[01",
            "r1n[01-",
            "[",
            "!r1n[01",
            "r1n[3-1]",
            ",",
        ] {
            assert!(passes(text), "{text}");
        }
        assert!(!passes("vm[01"));
        assert!(!passes("state:s"));
        assert!(Filter::parse("! @ state:").is_empty());
    }

    #[test]
    fn sets_narrow_ten_thousand_nodes() {
        let nodes: Vec<Node> = (0..10_000).map(|i| node(&format!("r1n{i:05}"))).collect();
        let seen = seen(Power::On, Freshness::Fresh);
        let filter = Filter::parse("r1n[00100-00299] !r1n[00200-00299] state:on");
        let found = nodes.iter().filter(|node| filter.matches(node, &seen)).count();
        assert_eq!(found, 100);
    }
}
