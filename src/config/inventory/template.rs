//! From a node of an inventory and the template in its `[[inventory]]` to the table of a `[[node]]`. The places of
//! the template stay, so that an error names the line that is to be changed. Pure.

use super::entry::Entry;
use crate::config::words::{shown, suggest};
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// What cannot be filled in: where in the template, and why.
pub(super) type Gap = (Range<usize>, String);

/// Makes the table of a node: its name, its tags below those of the template, and `bmc` and `console` with its
/// own keys over those of the template. `span` is the place of what is not from the template.
///
/// # Errors
/// Every placeholder that means nothing for this node.
pub(super) fn fill<'a>(
    template: &DeTable<'a>,
    entry: &Entry,
    span: &Range<usize>,
) -> Result<DeTable<'a>, Vec<Gap>> {
    let mut gaps = Vec::new();
    let mut node = DeTable::new();
    let mut put = |key: &'static str, span: &Range<usize>, value: DeValue<'a>| {
        node.insert(Spanned::new(span.clone(), Cow::Borrowed(key)), Spanned::new(span.clone(), value));
    };
    put("name", span, text(entry.name.clone()));
    let mut tags = DeArray::default();
    if let Some(value) = get(template, "tags")
        && let DeValue::Array(list) = value.get_ref()
    {
        for item in list {
            tags.push(filled(item, entry, &mut gaps));
        }
    }
    for tag in &entry.tags {
        tags.push(Spanned::new(span.clone(), text(tag.clone())));
    }
    put("tags", span, DeValue::Array(tags));
    for (key, own) in [("bmc", &entry.bmc), ("console", &entry.console)] {
        let mut table = DeTable::new();
        let mut place = span.clone();
        if let Some(value) = get(template, key) {
            place = value.span();
            if let DeValue::Table(given) = value.get_ref() {
                for (name, item) in
                    given.iter().filter(|(name, _)| !own.contains_key(name.get_ref().as_ref()))
                {
                    table.insert(name.clone(), filled(item, entry, &mut gaps));
                }
            }
        }
        for (name, value) in own {
            if let Some(value) = from_json(value, span) {
                table.insert(Spanned::new(span.clone(), Cow::Owned(name.clone())), value);
            }
        }
        if !table.is_empty() {
            put(key, &place, DeValue::Table(table));
        }
    }
    if gaps.is_empty() { Ok(node) } else { Err(gaps) }
}

fn text<'a>(text: String) -> DeValue<'a> {
    DeValue::String(Cow::Owned(text))
}

/// A value of a table by its key.
pub(super) fn get<'t, 'a>(table: &'t DeTable<'a>, key: &str) -> Option<&'t Spanned<DeValue<'a>>> {
    table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
}

/// The value with every placeholder in its texts replaced.
fn filled<'a>(value: &Spanned<DeValue<'a>>, entry: &Entry, gaps: &mut Vec<Gap>) -> Spanned<DeValue<'a>> {
    let span = value.span();
    let new = match value.get_ref() {
        DeValue::String(old) => match placeholders(old, entry) {
            Ok(new) => text(new),
            Err(problem) => {
                gaps.push((span.clone(), problem));
                value.get_ref().clone()
            }
        },
        DeValue::Array(list) => DeValue::Array(list.iter().map(|item| filled(item, entry, gaps)).collect()),
        DeValue::Table(table) => DeValue::Table(
            table.iter().map(|(name, item)| (name.clone(), filled(item, entry, gaps))).collect(),
        ),
        other => other.clone(),
    };
    Spanned::new(span, new)
}

/// Replaces `{name}` and `{ATTRIBUTE}`. Braces that hold anything but a word stay.
fn placeholders(template: &str, entry: &Entry) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let word = from[1..].split('}').next().unwrap_or_default();
        let is_word = |c: char| c.is_alphanumeric() || "_-.:".contains(c);
        if word.is_empty() || !word.chars().all(is_word) || !from[1 + word.len()..].starts_with('}') {
            out.push('{');
            rest = &from[1..];
            continue;
        }
        let value = value_of(word, entry)?;
        // It may end up as a word of a command line, which must not take it for an option.
        if out.is_empty() && value.starts_with('-') {
            return Err(format!("\"{word}\" begins with \"-\""));
        }
        if value.chars().any(char::is_control) {
            return Err(format!("\"{word}\" holds a control character"));
        }
        out.push_str(value);
        rest = &from[word.len() + 2..];
    }
    out.push_str(rest);
    Ok(out)
}

fn value_of<'e>(word: &str, entry: &'e Entry) -> Result<&'e str, String> {
    if word == "name" {
        return Ok(&entry.name);
    }
    entry.attributes.get(word).map(String::as_str).ok_or_else(|| {
        let own = entry.attributes.keys().map(String::as_str).filter(|key| *key != "name");
        let known = own.chain(["name"]);
        format!("there is no attribute \"{}\"; {}", shown(word), shown_known(&suggest(word, known)))
    })
}

/// A host of Ansible may have hundreds of variables.
fn shown_known(help: &str) -> String {
    crate::config::words::shown_long(help)
}

/// Numbers become texts, which the reader of a made table takes for numbers where it wants them.
fn from_json<'a>(value: &Value, span: &Range<usize>) -> Option<Spanned<DeValue<'a>>> {
    let value = match value {
        Value::Null => return None,
        Value::Bool(flag) => DeValue::Boolean(*flag),
        Value::Number(number) => text(number.to_string()),
        Value::String(words) => text(words.clone()),
        Value::Array(list) => DeValue::Array(list.iter().filter_map(|item| from_json(item, span)).collect()),
        Value::Object(table) => DeValue::Table(
            table
                .iter()
                .filter_map(|(name, item)| {
                    Some((Spanned::new(span.clone(), Cow::Owned(name.clone())), from_json(item, span)?))
                })
                .collect(),
        ),
    };
    Some(Spanned::new(span.clone(), value))
}
