//! A genders file, `nodeattr --expand`, and the bare names of `nodeattr -A` (genders 1.22, TUTORIAL): a line is
//! `nodes attribute[=value],..`. Pure.

use super::entry::Found;
use crate::config::words::shown;
use crate::fleet::NodeSet;

/// An attribute without value is a tag, one with a value is `{ATTRIBUTE}` for templates.
pub(super) fn read(text: &str) -> Found {
    let mut found = Found::default();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.split('#').next().unwrap_or_default();
        let mut words = text.split_whitespace();
        let Some(nodes) = words.next() else {
            continue;
        };
        let attributes = words.next().unwrap_or_default();
        if let Some(more) = words.next() {
            let text = format!(
                "\"{}\" stands behind the attributes, which have no blanks between them",
                shown(more)
            );
            found.trouble(line, text);
            continue;
        }
        let nodes = match NodeSet::parse(nodes) {
            Ok(nodes) => nodes,
            Err(error) => {
                found.trouble(line, format!("cannot read \"{}\": {}", shown(nodes), error.problem));
                continue;
            }
        };
        for name in nodes.names() {
            for attribute in attributes.split(',').filter(|attribute| !attribute.is_empty()) {
                add(&mut found, line, name, attribute);
            }
            found.entry(name);
        }
    }
    found
}

fn add(found: &mut Found, line: usize, name: &str, attribute: &str) {
    let entry = found.entry(name);
    let (key, value) = match attribute.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (attribute, None),
    };
    if entry.attributes.contains_key(key) || entry.tags.iter().any(|tag| tag == key) {
        let text = format!("{} has the attribute \"{}\" twice", shown(name), shown(key));
        found.trouble(line, text);
        return;
    }
    match value {
        None => entry.tag(key),
        Some(value) => {
            // "%n" is the node, "%%" a per cent sign.
            let value =
                value.split("%%").map(|piece| piece.replace("%n", name)).collect::<Vec<_>>().join("%");
            entry.attributes.insert(key.to_owned(), value);
        }
    }
}
