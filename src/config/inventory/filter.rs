//! `nodes = ".."` of an inventory: which of its nodes are taken. Pure.

use super::entry::Entry;
use crate::config::glob;
use crate::fleet::NodeSet;

/// Terms of a filter: a node is taken when a term takes it, or none does so but there are only exclusions, and
/// no exclusion takes it.
#[derive(Debug, Default)]
pub(super) struct Filter {
    take: Vec<Term>,
    leave: Vec<Term>,
}

#[derive(Debug)]
enum Term {
    Name(String),
    /// A tag, or an attribute that the node has.
    Tag(String),
}

impl Filter {
    /// Reads `r1n*,@compute,!*-bmc`: names with `*`, `?` and ranges, `@tag`, and `!` before what is left out.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Filter, String> {
        let names = NodeSet::parse(text).map_err(|error| error.problem)?;
        let mut filter = Filter::default();
        for name in names.names() {
            let (list, name) = match name.strip_prefix('!') {
                Some(name) => (&mut filter.leave, name),
                None => (&mut filter.take, name.as_str()),
            };
            let term = match name.strip_prefix('@') {
                Some(tag) => Term::Tag(tag.to_owned()),
                None => Term::Name(name.to_owned()),
            };
            if matches!(&term, Term::Name(text) | Term::Tag(text) if text.is_empty()) {
                return Err("a name is empty".into());
            }
            list.push(term);
        }
        Ok(filter)
    }

    pub(super) fn takes(&self, entry: &Entry) -> bool {
        let any = |terms: &[Term]| terms.iter().any(|term| term.fits(entry));
        (self.take.is_empty() || any(&self.take)) && !any(&self.leave)
    }
}

impl Term {
    fn fits(&self, entry: &Entry) -> bool {
        match self {
            Term::Name(pattern) => glob::matches(pattern, &entry.name),
            Term::Tag(pattern) => {
                entry.tags.iter().chain(entry.attributes.keys()).any(|tag| glob::matches(pattern, tag))
            }
        }
    }
}
