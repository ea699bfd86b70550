//! A table of a file, read key by key with places. Every wrong type, wrong unit and unknown key becomes
//! a problem, and reading goes on. Knows TOML and types, not what the keys mean.

use super::error::{At, Place, Problem};
use super::sets::{Set, ports};
use super::words::{found, kind, shown, suggest};
use super::{paths, units};
use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

/// A file's text and what is needed to read it.
pub(super) struct Source {
    pub(super) path: Arc<Path>,
    /// Position among the files that were read.
    pub(super) order: usize,
    /// May hold a password in clear text.
    pub(super) text: Zeroizing<String>,
    /// Where the lines begin; places are asked for at every value.
    pub(super) lines: Vec<usize>,
    /// The file's mode bits; others may read it when any of 0o077 is set.
    pub(super) mode: u32,
    /// Where relative paths start; absolute, so that other processes mean the same by them.
    pub(super) dir: PathBuf,
    /// For `~/`.
    pub(super) home: Option<PathBuf>,
    pub(super) problems: RefCell<Vec<Problem>>,
}

/// Where the lines of `text` begin.
pub(super) fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

impl Source {
    /// The place of a byte offset.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or("");
        Place { order: self.order, line, column: before.chars().count() + 1, file: self.path.clone() }
    }

    /// The same file, to be read again later.
    pub(super) fn copy(&self) -> Source {
        Source {
            path: self.path.clone(),
            text: self.text.clone(),
            lines: self.lines.clone(),
            dir: self.dir.clone(),
            home: self.home.clone(),
            problems: RefCell::new(Vec::new()),
            ..*self
        }
    }

    pub(super) fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// A path as written: `~/` is the home directory, a relative one starts at the file.
    pub(super) fn path(&self, text: &str) -> Result<PathBuf, String> {
        paths::resolve(text, &self.dir, self.home.as_deref())
    }
}

/// A table that is being read.
pub(super) struct Section<'a> {
    pub(super) source: &'a Source,
    table: &'a DeTable<'a>,
    /// `node.bmc`; empty at the top.
    name: String,
    span: Range<usize>,
    asked: Vec<&'static str>,
    /// Not written as TOML: its numbers are texts.
    made: bool,
}

type Value<'a> = &'a Spanned<DeValue<'a>>;

const LIST_HELP: &str = "put it between brackets: [ .. ]";

impl<'a> Section<'a> {
    /// The file as a whole.
    pub(super) fn top(source: &'a Source, table: &'a DeTable<'a>) -> Section<'a> {
        Section { source, table, name: String::new(), span: 0..0, asked: Vec::new(), made: false }
    }

    /// A table that was made from other data; `span` is the place in the file that stands for it. A text that
    /// is a number counts as one.
    pub(super) fn made(
        source: &'a Source,
        name: &str,
        table: &'a DeTable<'a>,
        span: Range<usize>,
    ) -> Section<'a> {
        Section { source, table, name: name.to_owned(), span, asked: Vec::new(), made: true }
    }

    /// Where the table begins.
    pub(super) fn place(&self) -> Place {
        self.source.place(self.span.start)
    }

    /// The whole name of a key here.
    pub(super) fn key(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// Whether the key is there, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.keys().any(|name| name.get_ref() == key)
    }

    /// Where the key is written, if it is.
    pub(super) fn key_place(&self, key: &str) -> Option<Place> {
        let name = self.table.keys().find(|name| name.get_ref() == key)?;
        Some(self.source.place(name.span().start))
    }

    /// Reports a problem with the value of `key`.
    pub(super) fn report(&self, place: &Place, key: &str, text: impl Into<String>, help: impl Into<String>) {
        self.source.report(Problem::new(place, self.key(key), text).help(help));
    }

    /// Reports that `key` is needed and not there. Silent when it is there but could not be read.
    pub(super) fn missing(&self, key: &str, text: &str, help: &str) {
        if !self.has(key) {
            self.report(&self.place(), key, text, help);
        }
    }

    pub(super) fn string(&mut self, key: &'static str, expected: &str) -> Option<At<String>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(At::new(text.clone().into_owned(), self.at(value))),
            other => self.wrong(key, value, expected, text_help(other)),
        }
    }

    /// A text that is checked and turned into something else by `convert`.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        convert: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<At<T>> {
        let text = self.string(key, expected)?;
        match convert(&text.value) {
            Ok(value) => Some(At::new(value, text.place)),
            Err(problem) => {
                let found = format!("cannot read \"{}\": {problem}", shown(&text.value));
                self.report(&text.place, key, found, format!("expected {expected}"));
                None
            }
        }
    }

    /// One of some words.
    pub(super) fn choice(&mut self, key: &'static str, words: &[&str]) -> Option<At<String>> {
        let expected = format!("one of {}", words.join(", "));
        let text = self.string(key, &expected)?;
        if words.contains(&text.value.as_str()) {
            return Some(text);
        }
        let found = format!("there is no {key} \"{}\"", shown(&text.value));
        let mut help = suggest(&text.value, words.iter().copied());
        if !help.starts_with("known") {
            help += &format!(" known: {}", words.join(", "));
        }
        self.report(&text.place, key, found, help);
        None
    }

    /// The value of a secret; its errors never show it.
    pub(super) fn secret(&mut self, key: &'static str) -> Option<At<Zeroizing<String>>> {
        let value = self.value(key)?;
        let place = self.at(value);
        match value.get_ref() {
            DeValue::String(text) => Some(At::new(Zeroizing::new(text.clone().into_owned()), place)),
            other => {
                let text = format!("expected a text, found {}", kind(other));
                self.report(&place, key, text, "put it between quotes");
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Option<At<bool>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(At::new(*flag, self.at(value))),
            _ => self.wrong(key, value, "true or false", "write it without quotes"),
        }
    }

    pub(super) fn integer(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<At<i64>> {
        let value = self.value(key)?;
        self.one_integer(key, value, &range)
    }

    pub(super) fn integers(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<At<Vec<At<i64>>>> {
        let value = self.value(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong(key, value, "a list of numbers such as [17, 3]", LIST_HELP);
        };
        let list: Option<Vec<_>> = items.iter().map(|item| self.one_integer(key, item, &range)).collect();
        Some(At::new(list?, self.at(value)))
    }

    pub(super) fn strings(&mut self, key: &'static str, expected: &str) -> Option<At<Vec<At<String>>>> {
        let value = self.value(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong(key, value, expected, LIST_HELP);
        };
        let list: Option<Vec<_>> = items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Some(At::new(text.clone().into_owned(), self.at(item))),
                other => self.wrong(key, item, "a text in this list", text_help(other)),
            })
            .collect();
        Some(At::new(list?, self.at(value)))
    }

    /// A program and its arguments.
    pub(super) fn program(&mut self, key: &'static str) -> Option<At<Vec<String>>> {
        let words = self.strings(key, "a list of a program and its arguments")?;
        let list: Vec<String> = words.value.into_iter().map(|word| word.value).collect();
        if list.first().is_none_or(String::is_empty) {
            let help = "write [\"program\", \"argument\"]";
            self.report(&words.place, key, "it names no program", help);
            return None;
        }
        Some(At::new(list, words.place))
    }

    /// A port, or a node set of ports.
    pub(super) fn ports(&mut self, key: &'static str) -> Option<At<Set>> {
        if self.value(key)?.get_ref().is_integer() {
            let port = self.integer(key, 1..=65535)?;
            return Some(port.map(|port| Set { text: port.to_string(), names: vec![port.to_string()] }));
        }
        self.parsed(key, "a port such as 4001, or a node set of them such as \"[4001-4016]\"", ports)
    }

    /// A duration of at least `shortest`.
    pub(super) fn duration(&mut self, key: &'static str, shortest: Duration) -> Option<At<Duration>> {
        let expected = "a duration such as \"30s\"";
        let value = self.value(key)?;
        if let DeValue::Integer(number) = value.get_ref() {
            let number = number.as_str();
            let help =
                format!("a number alone has no unit: \"{number}s\" is seconds, \"{number}ms\" milliseconds");
            return self.wrong(key, value, expected, help);
        }
        let duration =
            self.parsed(key, "a duration such as \"500ms\", \"30s\", \"2m\" or \"1h\"", units::duration)?;
        if duration.value >= shortest {
            return Some(duration);
        }
        let text = format!("must be at least {}", units::show_duration(shortest));
        self.report(&duration.place, key, text, format!("expected {expected}"));
        None
    }

    /// A number of bytes, as an integer or with a unit.
    pub(super) fn size(&mut self, key: &'static str) -> Option<At<u64>> {
        let value = self.value(key)?;
        if value.get_ref().is_integer() {
            let number = self.one_integer(key, value, &(1..=i64::MAX))?;
            return Some(number.map(i64::unsigned_abs));
        }
        self.parsed(key, "a size such as \"10MB\"", |text| {
            units::size(text).and_then(
                |size| {
                    if size > 0 { Ok(size) } else { Err("must be more than 0".into()) }
                },
            )
        })
    }

    pub(super) fn path(&mut self, key: &'static str) -> Option<At<PathBuf>> {
        let source = self.source;
        self.parsed(key, "a path", |text| source.path(text))
    }

    /// A table inside this one.
    pub(super) fn section(&mut self, key: &'static str, example: &str) -> Option<Section<'a>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(self.inner(self.key(key), table, value.span())),
            _ => self.wrong(key, value, "a table", format!("write {example}")),
        }
    }

    /// The tables of an array, `[[node]]`.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let help = format!("write [[{key}]], with two brackets, once for each");
        let DeValue::Array(items) = value.get_ref() else {
            let _: Option<()> = self.wrong(key, value, "a list of tables", help.as_str());
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| match item.get_ref() {
                DeValue::Table(table) => Some(self.inner(self.key(key), table, item.span())),
                _ => self.wrong(key, item, "a table", help.as_str()),
            })
            .collect()
    }

    /// The tables whose names the operator chose: `[credentials.lab]`, `[tags.rack1]`.
    pub(super) fn named(&mut self, key: &'static str) -> Vec<(At<String>, Section<'a>)> {
        let example = format!("[{key}.NAME]");
        let Some(outer) = self.section(key, &example) else {
            return Vec::new();
        };
        outer
            .table
            .iter()
            .filter_map(|(name, value)| {
                let place = self.source.place(name.span().start);
                let named = At::new(name.get_ref().clone().into_owned(), place);
                match value.get_ref() {
                    DeValue::Table(table) => {
                        let full = outer.key(&named.value);
                        // A header's own place says more than that of its first key.
                        Some((named, self.inner(full, table, name.span())))
                    }
                    other => {
                        let text = format!("expected a table, found {}", kind(other));
                        let full = outer.key(&named.value);
                        let help = format!("write [{key}.NAME] above it, with a name of your choice");
                        self.source.report(Problem::new(&named.place, full, text).help(help));
                        None
                    }
                }
            })
            .collect()
    }

    /// Every key that is there, whatever it is called, with a text or `false` (which is `None`).
    pub(super) fn texts_or_false(&self) -> Vec<(At<String>, At<Option<String>>)> {
        let mut pairs = Vec::new();
        for (name, value) in self.table {
            let text = match value.get_ref() {
                DeValue::String(text) => Some(text.clone().into_owned()),
                DeValue::Boolean(false) => None,
                _ => {
                    let help =
                        "put the command between quotes, or write false to take the key's meaning away";
                    let _: Option<()> = self.wrong(name.get_ref(), value, "a command or false", help);
                    continue;
                }
            };
            let key = At::new(name.get_ref().clone().into_owned(), self.source.place(name.span().start));
            pairs.push((key, At::new(text, self.at(value))));
        }
        // In the order of the file.
        pairs.sort_by(|a, b| a.0.place.cmp(&b.0.place));
        pairs
    }

    /// Reports every key that nobody has asked for.
    pub(super) fn finish(self) {
        for name in self.table.keys() {
            let key: &str = name.get_ref();
            if self.asked.contains(&key) {
                continue;
            }
            let place = self.source.place(name.span().start);
            let help = suggest(key, self.asked.iter().copied());
            self.report(&place, key, "there is no such key", help);
        }
    }

    fn value(&mut self, key: &'static str) -> Option<Value<'a>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let table: &'a DeTable<'a> = self.table;
        table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn inner(&self, name: String, table: &'a DeTable<'a>, span: Range<usize>) -> Section<'a> {
        Section { source: self.source, table, name, span, asked: Vec::new(), made: self.made }
    }

    fn at(&self, value: Value<'a>) -> Place {
        self.source.place(value.span().start)
    }

    fn one_integer(&self, key: &str, value: Value<'a>, range: &RangeInclusive<i64>) -> Option<At<i64>> {
        let expected = if *range.end() == i64::MAX {
            format!("a whole number from {}", range.start())
        } else {
            format!("a whole number from {} to {}", range.start(), range.end())
        };
        let number = match value.get_ref() {
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str().trim_start_matches('+'), number.radix()).ok()
            }
            DeValue::String(text) if self.made => text.parse().ok(),
            DeValue::String(text) if text.parse::<i64>().is_ok() => {
                return self.wrong(key, value, &expected, "write it without quotes");
            }
            _ => None,
        };
        match number {
            Some(number) if range.contains(&number) => Some(At::new(number, self.at(value))),
            _ => {
                self.wrong(key, value, &expected, "choose one within, or remove the line to have the default")
            }
        }
    }

    fn wrong<T>(&self, key: &str, value: Value<'a>, expected: &str, help: impl Into<String>) -> Option<T> {
        let text = format!("expected {expected}, found {}", found(value.get_ref()));
        self.report(&self.at(value), key, text, help);
        None
    }
}

fn text_help(found: &DeValue<'_>) -> &'static str {
    match found {
        DeValue::Array(_) | DeValue::Table(_) => "give one text between quotes",
        _ => "put it between quotes",
    }
}
