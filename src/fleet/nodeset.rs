//! Node sets in hostlist notation: `n[01-16,20]`, `r[1-2]n[01-04]`, `a,b,c`.
//!
//! Owns reading ([`NodeSet::parse`]), writing ([`NodeSet::fold`]) and looking nodes up
//! ([`NodeSet::resolve`]). `config` expands names, addresses and socket paths with it, `cli` and `app`
//! resolve what operators type, everybody who prints several nodes folds them. No I/O.

mod expand;
mod fold;
mod resolve;

#[cfg(test)]
mod tests;

pub use resolve::nearest;

use super::{Node, NodeId};

/// Most names that one node set may expand to; a typing mistake must not fill the memory.
pub const MAX_NAMES: usize = 100_000;

/// A list of names in the order they were written, expanded from hostlist notation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeSet {
    names: Vec<String>,
}

/// Why a node set cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read node set \"{text}\": {problem}")]
pub struct NodeSetError {
    /// The text as given.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}

impl NodeSet {
    /// Expands `text`: names separated by commas, each with any number of `[..]` of comma separated
    /// numbers and ranges; the last bracket runs fastest. A range is padded like its start: `[08-12]` is
    /// 08 to 12. A bare IPv6 address is one name, not a set, and `[fe80::1]` is the name `fe80::1`. Names
    /// written twice are kept twice.
    ///
    /// # Errors
    /// Unbalanced brackets, empty names, ranges that run backwards or whose ends are padded
    /// differently, more than 100,000 names.
    pub fn parse(text: &str) -> Result<NodeSet, NodeSetError> {
        expand::expand(text)
            .map(|names| NodeSet { names })
            .map_err(|problem| NodeSetError::new(text, problem))
    }

    /// The nodes that `text` means, in the order written, each once: node sets, `@tag` and `all`,
    /// separated by commas; `@rack[1-3]` is three tags.
    ///
    /// # Errors
    /// What [`NodeSet::parse`] refuses, and names and tags that no node has, with the nearest that exists.
    pub fn resolve(text: &str, nodes: &[Node]) -> Result<Vec<NodeId>, NodeSetError> {
        resolve::resolve(text, nodes).map_err(|problem| NodeSetError::new(text, problem))
    }

    /// The names in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Folds names into hostlist notation: `r1n[01-03,07],vm3`; short, in natural order, keeps zero
    /// padding, each name once.
    #[must_use]
    pub fn fold<S: AsRef<str>>(names: &[S]) -> String {
        fold::fold(names.iter().map(AsRef::as_ref))
    }
}

impl NodeSetError {
    fn new(text: &str, problem: String) -> NodeSetError {
        NodeSetError { text: text.to_owned(), problem }
    }
}
