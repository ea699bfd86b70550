//! `[[inventory]]`: nodes that another program or file knows. Reads the section, gets the text, and makes a
//! [`RawNode`] of each node that it takes, as if it had been written; `build` puts them beside the others. The
//! text is data, not configuration: what is wrong with it is told apart from what is wrong with a file.

mod ansible;
mod entry;
mod filter;
mod genders;
mod hosts;
mod json;
mod template;

#[cfg(test)]
mod tests;

use super::command::{self, Job};
use super::error::{At, Problem};
use super::load::{Inventories, LoadOptions};
use super::node::RawNode;
use super::section::{Section, Source};
use super::words::{reason, shown, shown_long};
use crate::fleet::NodeSet;
use entry::{Entry, Found};
use filter::Filter;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

/// More than any inventory; a program that writes more is ended.
const MOST_BYTES: usize = 64 << 20;
/// As many problems of one inventory are told; who has more will look at the first.
const MOST_PROBLEMS: usize = 20;
/// Reads the text of a format.
type Reader = fn(&str) -> Found;
const FORMATS: [(&str, Reader); 4] =
    [("json", json::read), ("ansible", ansible::read), ("genders", genders::read), ("hosts", hosts::read)];

/// A `[[inventory]]` as written.
pub(super) struct RawInventory {
    /// The file, whose text is parsed again for the templates.
    source: Source,
    /// Which `[[inventory]]` of the file.
    index: usize,
    from: At<From>,
    format: Reader,
    filter: Option<At<Filter>>,
}

enum From {
    Command(Vec<String>),
    File(PathBuf),
}

impl RawInventory {
    /// `None` when it says nothing usable about where nodes come from, which is reported.
    pub(super) fn read(mut section: Section<'_>, index: usize) -> Option<RawInventory> {
        let command = section.program("command").map(|words| words.map(From::Command));
        let file = section.path("file").map(|path| path.map(From::File));
        let place = section.place();
        let help = "write command = [\"program\", \"argument\"] or file = \"/etc/genders\"";
        match (section.has("command"), section.has("file")) {
            (true, true) => {
                let text = "command and file are given, but only one can be meant";
                section.report(&place, "command", text, "write two [[inventory]]");
            }
            (false, false) => section.report(&place, "command", "an inventory needs its source", help),
            _ => {}
        }
        let format_given = section.has("format");
        let format = section.choice("format", &FORMATS.map(|(name, _)| name));
        let filter = section.parsed("nodes", "names such as \"r1n*,@compute,!*-bmc\"", Filter::parse);
        let _ = section.strings("tags", "a list of tags such as [\"rack1\"]");
        let _ = section.section("bmc", "bmc = { address = \"{name}-bmc\", credentials = \"lab\" }");
        let _ = section.section("console", "console = { transport = \"sol\" }");
        let source = section.source.copy();
        section.finish();
        let format = match format {
            Some(named) => FORMATS.into_iter().find(|(name, _)| *name == named.value)?.1,
            None if format_given => return None,
            None => json::read,
        };
        Some(RawInventory { source, index, from: command.or(file)?, format, filter })
    }

    fn key(&self) -> &'static str {
        match self.from.value {
            From::Command(_) => "inventory.command",
            From::File(_) => "inventory.file",
        }
    }

    fn problem(&self, text: impl Into<String>) -> Problem {
        Problem::new(&self.from.place, self.key(), text)
    }

    /// Gets its nodes. Whatever is wrong with them goes to `faults`, and the node is left out.
    fn nodes(&self, options: &LoadOptions<'_>, hidden: &[&str], faults: &mut Vec<Problem>) -> Vec<RawNode> {
        let bytes = match &self.from.value {
            From::Command(_) if options.inventories == Inventories::Files => return Vec::new(),
            From::Command(words) => run(words, options, hidden),
            From::File(path) => read_file(path),
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err((text, help)) => {
                faults.push(self.problem(text).help(help));
                return Vec::new();
            }
        };
        let found = match std::str::from_utf8(&bytes) {
            Ok(text) if text.trim().is_empty() => Found::nothing("it is empty"),
            Ok(text) => (self.format)(text),
            Err(error) => {
                let before = &bytes[..error.valid_up_to()];
                let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
                let mut found = Found::default();
                found.trouble(line, "it is not UTF-8");
                found
            }
        };
        let mut problems: Vec<Problem> =
            found.troubles.iter().map(|trouble| self.problem(self.in_text(trouble))).collect();
        let silent = found.entries.is_empty() && problems.is_empty();
        let all = found.entries.len();
        let taken: Vec<Entry> = match &self.filter {
            Some(filter) => found.entries.into_iter().filter(|entry| filter.value.takes(entry)).collect(),
            None => found.entries,
        };
        if silent {
            problems.push(self.problem(format!("{} names no node", self.what())));
        } else if let Some(filter) = self.filter.as_ref().filter(|_| taken.is_empty() && all > 0) {
            let text = format!("none of the {all} nodes of {} is taken", self.what());
            problems.push(
                Problem::new(&filter.place, "inventory.nodes", text)
                    .help("names with * and ?, @tag, and ! before what is left out"),
            );
        }
        let nodes = self.make(&taken, options, &mut problems);
        limit(&mut problems);
        faults.append(&mut problems);
        nodes
    }

    /// The source, for people.
    fn what(&self) -> String {
        match &self.from.value {
            From::Command(words) => format!("what {} gave", shown(words.first().map_or("", String::as_str))),
            From::File(path) => shown_long(&path.display().to_string()),
        }
    }

    fn in_text(&self, trouble: &entry::Trouble) -> String {
        match (&self.from.value, trouble.line) {
            (From::File(path), Some(line)) => format!("{}:{line}: {}", path.display(), trouble.text),
            (_, Some(line)) => format!("{}, line {line}: {}", self.what(), trouble.text),
            (_, None) => format!("{}: {}", self.what(), trouble.text),
        }
    }

    /// Makes the nodes. Equal problems of several are told once, with their names.
    fn make(
        &self,
        entries: &[Entry],
        options: &LoadOptions<'_>,
        problems: &mut Vec<Problem>,
    ) -> Vec<RawNode> {
        // It was parsed once already, so this cannot fail.
        let (tree, _) = DeTable::parse_recoverable(&self.source.text);
        let Some((template, span)) = inventory_of(tree.get_ref(), self.index) else {
            return Vec::new();
        };
        let own = source_span(template, &self.from.value).unwrap_or(span);
        let mut wrong: Vec<(Problem, Vec<&str>)> = Vec::new();
        let mut nodes = Vec::new();
        for entry in entries {
            let made = self.make_one(template, entry, &own, options);
            let found = self.source.problems.take();
            match made {
                Some(node) if found.is_empty() => nodes.push(node),
                _ => {
                    for problem in found {
                        let full = wrong.len() > MOST_PROBLEMS;
                        match wrong.iter_mut().find(|(known, _)| *known == problem) {
                            Some((_, names)) => names.push(&entry.name),
                            None if full => {}
                            None => wrong.push((problem, vec![&entry.name])),
                        }
                    }
                }
            }
        }
        problems.extend(wrong.into_iter().map(|(mut problem, names)| {
            let word = if names.len() == 1 { "node" } else { "nodes" };
            problem.text += &format!(" ({word} {})", shown_long(&NodeSet::fold(&names)));
            problem
        }));
        nodes
    }

    /// Problems are left in the source.
    fn make_one(
        &self,
        template: &DeTable<'_>,
        entry: &Entry,
        span: &Range<usize>,
        options: &LoadOptions<'_>,
    ) -> Option<RawNode> {
        if entry.name.contains(['[', ']', ',']) {
            let text = "the name is not one node";
            self.source.report(self.problem(text).help("an inventory names each node by itself"));
            return None;
        }
        match template::fill(template, entry, span) {
            Ok(table) => {
                let mut node =
                    RawNode::read(Section::made(&self.source, "inventory", &table, span.clone()), options)?;
                node.place = self.from.place.clone();
                Some(node)
            }
            Err(gaps) => {
                for (span, text) in gaps {
                    let place = self.source.place(span.start);
                    let help = "give it to them, or take other nodes with nodes = \"@ATTRIBUTE\"";
                    self.source.report(Problem::new(&place, "inventory", text).help(help));
                }
                None
            }
        }
    }
}

/// The nodes of all inventories, each got once and in their order. What is wrong goes to `faults`.
pub(super) fn gather(
    inventories: &[RawInventory],
    options: &LoadOptions<'_>,
    hidden: &[&str],
    faults: &mut Vec<Problem>,
) -> Vec<RawNode> {
    inventories.iter().flat_map(|inventory| inventory.nodes(options, hidden, faults)).collect()
}

/// Keeps the first problems and tells how many more there are.
pub(super) fn limit(problems: &mut Vec<Problem>) {
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    problems.truncate(MOST_PROBLEMS);
    if let Some(last) = problems.last_mut().filter(|_| more > 0) {
        last.help = Some(format!("and {more} more of this inventory"));
    }
}

fn inventory_of<'t, 'a>(tree: &'t DeTable<'a>, index: usize) -> Option<(&'t DeTable<'a>, Range<usize>)> {
    let DeValue::Array(list) = template::get(tree, "inventory")?.get_ref() else {
        return None;
    };
    let item = list.get(index)?;
    match item.get_ref() {
        DeValue::Table(table) => Some((table, item.span())),
        _ => None,
    }
}

fn source_span(template: &DeTable<'_>, from: &From) -> Option<Range<usize>> {
    let key = match from {
        From::Command(_) => "command",
        From::File(_) => "file",
    };
    Some(template::get(template, key)?.span())
}

type Bytes = Result<Zeroizing<Vec<u8>>, (String, String)>;

fn run(words: &[String], options: &LoadOptions<'_>, hidden: &[&str]) -> Bytes {
    let (program, arguments) =
        words.split_first().ok_or(("it names no program".to_owned(), String::new()))?;
    let job = Job {
        program,
        arguments,
        hidden,
        limit: command::LIMIT,
        most: MOST_BYTES,
        gives: "inventory",
        apart: true,
        over: options.screen_over,
    };
    job.run()
}

fn read_file(path: &Path) -> Bytes {
    let name = path.display();
    let unreadable = |error: std::io::Error| {
        let help = "a relative path starts at the configuration file".to_owned();
        (format!("cannot read {name}: {}", reason(&error)), help)
    };
    // Checked before it is opened: opening a named pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err((format!("{name} is no regular file"), "name a file".into()));
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MOST_BYTES as u64).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() >= MOST_BYTES {
        return Err((format!("{name} has more than {MOST_BYTES} bytes"), "name an inventory".into()));
    }
    Ok(bytes)
}
