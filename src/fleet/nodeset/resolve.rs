//! Node sets, tags and `all` to the nodes they mean.

use super::expand;
use crate::fleet::{Node, NodeId};
use std::collections::{BTreeSet, HashMap, HashSet};

/// # Errors
/// A text for [`super::NodeSetError`].
pub(super) fn resolve(text: &str, nodes: &[Node]) -> Result<Vec<NodeId>, String> {
    let by_name: HashMap<&str, NodeId> = nodes.iter().map(|node| (node.name.as_str(), node.id)).collect();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    let mut add = |id: NodeId| {
        if seen.insert(id) {
            found.push(id);
        }
    };
    for piece in expand::split(text)? {
        let mut names = Vec::new();
        if piece == "all" {
            nodes.iter().for_each(|node| add(node.id));
        } else if let Some(tags) = piece.strip_prefix('@') {
            expand::expand_piece(tags, &mut names)?;
            for tag in names {
                let mut tagged = nodes.iter().filter(|node| node.tags.contains(&tag)).peekable();
                if tagged.peek().is_none() {
                    return Err(no_such_tag(&tag, nodes));
                }
                tagged.for_each(|node| add(node.id));
            }
        } else {
            expand::expand_piece(piece, &mut names)?;
            for name in names {
                match by_name.get(name.as_str()) {
                    Some(id) => add(*id),
                    None => unknown.push(name),
                }
            }
        }
    }
    if unknown.is_empty() { Ok(found) } else { Err(no_such_node(&unknown, nodes)) }
}

fn no_such_node(unknown: &[String], nodes: &[Node]) -> String {
    let mut text = format!("no node is called \"{}\"", super::NodeSet::fold(unknown));
    if let [name] = unknown {
        if nodes.iter().any(|node| node.tags.contains(name)) {
            text.push_str(&format!("; the tag is written @{name}"));
        } else if let Some(near) = nearest(name, nodes.iter().map(|node| node.name.as_str())) {
            text.push_str(&format!("; did you mean \"{near}\"?"));
        }
    }
    text
}

fn no_such_tag(tag: &str, nodes: &[Node]) -> String {
    let tags: BTreeSet<&str> = nodes.iter().flat_map(|node| node.tags.iter().map(String::as_str)).collect();
    match nearest(tag, tags.into_iter()) {
        Some(near) => format!("no node has the tag \"{tag}\"; did you mean @{near}?"),
        None => format!("no node has the tag \"{tag}\""),
    }
}

/// The candidate that `name` was most likely meant to be: at most a third of it (but one letter always)
/// is different; among equals the one with the longest common start.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters: Vec<char> = name.to_lowercase().chars().collect();
    let limit = (letters.len() / 3).max(1);
    candidates
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.to_lowercase().chars().collect();
            if other.len().abs_diff(letters.len()) > limit {
                return None;
            }
            let distance = distance(&letters, &other);
            let common = letters.iter().zip(&other).take_while(|(a, b)| a == b).count();
            (distance <= limit).then_some((distance, std::cmp::Reverse(common), candidate))
        })
        .min()
        .map(|(_, _, candidate)| candidate)
}

/// Levenshtein distance, one row at a time.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
