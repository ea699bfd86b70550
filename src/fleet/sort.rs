//! The table's order.

use super::{Freshness, Millis, Node, Observation, Power};
use std::cmp::Ordering;

/// What the table is sorted by; ties are broken by name, in natural order (`n2` before `n10`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// Natural order of names.
    #[default]
    Name,
    /// The order of the configuration.
    Config,
    /// Trouble first: failed, unknown, off, on.
    State,
    /// First tag, then name.
    Tag,
    /// Oldest reading first.
    Age,
}

impl SortKey {
    /// Every key, in the order `s` walks through.
    pub const ALL: [SortKey; 5] =
        [SortKey::Name, SortKey::State, SortKey::Tag, SortKey::Age, SortKey::Config];

    /// Their words, in the same order.
    pub const WORDS: [&'static str; 5] = ["node", "power", "tags", "age", "config"];

    /// The key's word: the name of the column that shows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        let at = SortKey::ALL.iter().position(|key| *key == self);
        at.map_or("", |at| SortKey::WORDS[at])
    }

    /// The key of a word; those of the filter (`name`, `state`, `tag`) are understood, too.
    #[must_use]
    pub fn named(word: &str) -> Option<SortKey> {
        match word {
            "name" => Some(SortKey::Name),
            "state" => Some(SortKey::State),
            "tag" => Some(SortKey::Tag),
            _ => SortKey::ALL.into_iter().find(|key| key.name() == word),
        }
    }

    /// Orders two nodes; nodes that differ are never equal.
    #[must_use]
    pub fn compare(self, a: (&Node, &Observation), b: (&Node, &Observation)) -> Ordering {
        let by_key = match self {
            SortKey::Name => Ordering::Equal,
            SortKey::Config => a.0.id.cmp(&b.0.id),
            SortKey::State => rank(a.1).cmp(&rank(b.1)),
            SortKey::Tag => by_tag(a.0.tags.first(), b.0.tags.first()),
            SortKey::Age => oldest(a.1).cmp(&oldest(b.1)),
        };
        by_key.then_with(|| natural(&a.0.name, &b.0.name)).then_with(|| a.0.id.cmp(&b.0.id))
    }
}

/// Trouble first.
fn rank(seen: &Observation) -> u8 {
    match (&seen.freshness, seen.value) {
        (Freshness::Failed(_), _) => 0,
        (_, Power::Unknown) => 1,
        (_, Power::Off) => 2,
        (_, Power::On) => 3,
    }
}

/// Nodes without a tag come last.
fn by_tag(a: Option<&String>, b: Option<&String>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => natural(a, b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// When the power was last really seen. `None`, never, sorts first; a failed poll is no reading.
fn oldest(seen: &Observation) -> Option<Millis> {
    seen.last_seen.map(|(_, at)| at)
}

/// Natural order: runs of digits compare as numbers, `n2` before `n10`; what is equal then (`n1`, `n01`)
/// compares as text, so that only equal texts are equal.
#[must_use]
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    loop {
        let (Some(x), Some(y)) = (left.first(), right.first()) else {
            return left.len().cmp(&right.len()).then_with(|| a.cmp(b));
        };
        let ordering = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (number_a, rest_a) = digits(left);
            let (number_b, rest_b) = digits(right);
            (left, right) = (rest_a, rest_b);
            number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b))
        } else {
            let ordering = x.cmp(y);
            (left, right) = (&left[1..], &right[1..]);
            ordering
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
}

/// The leading run of digits without its zeros, and the rest.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let zeros = text[..length].iter().take_while(|byte| **byte == b'0').count();
    (&text[zeros..length], &text[length..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Fault, FaultClass, NodeId};
    use proptest::prelude::*;

    fn node(id: u32, name: &str, tags: &[&str]) -> Node {
        Node {
            id: NodeId(id),
            name: name.into(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            protected: false,
            read_only: false,
            driver: None,
            transport: None,
            console: String::new(),
            address: String::new(),
        }
    }

    fn seen(value: Power, last: Option<u64>) -> Observation {
        Observation {
            value,
            last_seen: last.map(|at| (Power::On, Millis(at))),
            freshness: Freshness::Fresh,
            ..Observation::default()
        }
    }

    fn failed(last: Option<u64>) -> Observation {
        Observation {
            at: Some(Millis(99)),
            freshness: Freshness::Failed(Fault {
                class: FaultClass::Unreachable,
                reason: "no answer".into(),
                hint: None,
            }),
            ..seen(Power::Unknown, last)
        }
    }

    fn order(key: SortKey) -> Vec<String> {
        let mut rows = [
            (node(0, "n10", &["b"]), seen(Power::On, Some(50))),
            (node(1, "n2", &["rack10"]), seen(Power::Off, Some(40))),
            (node(2, "n1", &["rack2"]), seen(Power::Unknown, None)),
            (node(3, "a", &[]), failed(Some(10))),
            (node(4, "n3", &["a", "z"]), seen(Power::On, Some(50))),
        ];
        rows.sort_by(|a, b| key.compare((&a.0, &a.1), (&b.0, &b.1)));
        rows.into_iter().map(|(node, _)| node.name).collect()
    }

    #[test]
    fn every_key_has_its_order() {
        assert_eq!(order(SortKey::Name), ["a", "n1", "n2", "n3", "n10"]);
        assert_eq!(order(SortKey::Config), ["n10", "n2", "n1", "a", "n3"]);
        assert_eq!(order(SortKey::State), ["a", "n1", "n2", "n3", "n10"]);
        assert_eq!(order(SortKey::Tag), ["n3", "n10", "n1", "n2", "a"]);
        assert_eq!(order(SortKey::Age), ["n1", "a", "n2", "n3", "n10"]);
    }

    #[test]
    fn digits_compare_as_numbers() {
        assert_eq!(natural("n2", "n10"), Ordering::Less);
        assert_eq!(natural("r1n10", "r1n9"), Ordering::Greater);
        assert_eq!(natural("n01", "n1"), Ordering::Less);
        assert_eq!(natural("n", "n1"), Ordering::Less);
        assert_eq!(natural("n1a", "n01b"), Ordering::Less);
    }

    proptest! {
        #[test]
        fn natural_is_a_total_order(mut names in prop::collection::vec("[ab0-2]{0,5}", 3)) {
            names.sort_by(|a, b| natural(a, b));
            prop_assert!(natural(&names[0], &names[2]).is_le());
            prop_assert_eq!(natural(&names[0], &names[1]).is_eq(), names[0] == names[1]);
            prop_assert_eq!(natural(&names[0], &names[1]), natural(&names[1], &names[0]).reverse());
        }
    }
}
