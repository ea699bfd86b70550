//! Where a key was written first that TOML finds twice: its parser tells the second place only.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The offset of the key called as the one at `again` that stands nearest before it. Two keys of one table
/// with another table of such a key between them are the rare exception; both lines are named even then.
pub(super) fn first(tree: &DeTable<'_>, text: &str, again: Range<usize>) -> Option<usize> {
    let written = text.get(again.clone())?;
    let name = written.trim_matches(['"', '\'']);
    let mut found = None;
    in_table(tree, name, again.start, &mut found);
    found.or_else(|| header(text, again.start))
}

/// The same header on a line before: the parser has put its table under the second one.
fn header(text: &str, again: usize) -> Option<usize> {
    let start = text.get(..again)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..)?.lines().next()?.trim();
    let mut at = 0;
    for before in text.get(..start)?.split_inclusive('\n') {
        if line.starts_with('[') && before.trim() == line {
            return Some(at);
        }
        at += before.len();
    }
    None
}

fn in_table(table: &DeTable<'_>, name: &str, before: usize, found: &mut Option<usize>) {
    for (key, value) in table {
        let at = key.span().start;
        if key.get_ref() == name && at < before {
            *found = (*found).max(Some(at));
        }
        in_value(value, name, before, found);
    }
}

fn in_value(value: &Spanned<DeValue<'_>>, name: &str, before: usize, found: &mut Option<usize>) {
    match value.get_ref() {
        DeValue::Table(table) => in_table(table, name, before, found),
        DeValue::Array(items) => items.iter().for_each(|item| in_value(item, name, before, found)),
        _ => {}
    }
}
