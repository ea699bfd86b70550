//! Our own format: `{"v": 1, "nodes": [{"name": .., "tags": [..], "attributes": {..}, "bmc": {..},
//! "console": {..}}]}`. `bmc` and `console` have the keys of a `[[node]]`. Pure.

use super::entry::{Entry, Found, scalar};
use crate::config::words::{shown, shown_long, suggest};
use serde_json::{Map, Value};

/// The only version there is.
const VERSION: u64 = 1;
const KEYS: [&str; 5] = ["name", "tags", "attributes", "bmc", "console"];
const SHAPE: &str = "it is no {\"v\": 1, \"nodes\": [..]}";

pub(super) fn read(text: &str) -> Found {
    let whole: Value = match serde_json::from_str(text) {
        Ok(whole) => whole,
        Err(error) => return Found::nothing(format!("it is no JSON: {}", shown_long(&error.to_string()))),
    };
    let Value::Object(mut whole) = whole else {
        return Found::nothing(SHAPE);
    };
    match whole.get("v").map(Value::as_u64) {
        Some(Some(VERSION)) => {}
        Some(_) => return Found::nothing("its \"v\" is not 1, the version that is understood"),
        None => return Found::nothing(format!("{SHAPE}: \"v\" is missing")),
    }
    let Some(Value::Array(nodes)) = whole.remove("nodes") else {
        return Found::nothing(format!("{SHAPE}: \"nodes\" is no list"));
    };
    let mut found = Found::default();
    for (number, node) in (1..).zip(nodes) {
        match node_of(node) {
            Ok(entry) if found.has(&entry.name) => {
                found.trouble(None, format!("node {} is there twice", shown(&entry.name)));
            }
            Ok(entry) => {
                let slot = found.entry(&entry.name);
                *slot = entry;
            }
            Err(text) => found.trouble(None, format!("number {number} of \"nodes\": {text}")),
        }
    }
    found
}

fn node_of(node: Value) -> Result<Entry, String> {
    let Value::Object(mut node) = node else {
        return Err("it is no object".into());
    };
    let Some(Value::String(name)) = node.remove("name") else {
        return Err("it has no \"name\"".into());
    };
    let wrong = |key: &str, wanted: &str| format!("\"{key}\" of {} is no {wanted}", shown(&name));
    if let Some(key) = node.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let help = suggest(key, KEYS.into_iter());
        return Err(format!("{} has a key \"{}\": {help}", shown(&name), shown(key)));
    }
    let mut tags = Vec::new();
    match node.remove("tags").unwrap_or(Value::Null) {
        Value::Null => {}
        Value::Array(list) => {
            for tag in list {
                let Value::String(tag) = tag else {
                    return Err(wrong("tags", "list of texts"));
                };
                tags.push(tag);
            }
        }
        _ => return Err(wrong("tags", "list of texts")),
    }
    let mut table = |key: &str| -> Result<Map<String, Value>, String> {
        match node.remove(key).unwrap_or(Value::Null) {
            Value::Null => Ok(Map::new()),
            Value::Object(table) => Ok(table),
            _ => Err(wrong(key, "object")),
        }
    };
    let attributes = table("attributes")?;
    let attributes = attributes.into_iter().filter_map(|(key, value)| Some((key, scalar(&value)?))).collect();
    let (bmc, console) = (table("bmc")?, table("console")?);
    Ok(Entry { name, tags, attributes, bmc, console })
}
