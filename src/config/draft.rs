//! What the files say, merged: an upper layer's value replaces the lower one's, nodes append. Every value
//! still knows where it was written; nothing is checked here that needs more than the value itself.

use super::credentials::RawCredentials;
use super::error::At;
use super::inventory::RawInventory;
use super::keys::RawKeys;
use super::load::LoadOptions;
use super::node::RawNode;
use super::section::Section;
use super::units;
use super::words::{shown, suggest};
use crate::fleet::SortKey;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Settings as far as files have them.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) theme: Option<At<String>>,
    pub(super) interval: Option<At<Duration>>,
    pub(super) min_command_interval: Option<At<Duration>>,
    pub(super) max_in_flight: Option<At<i64>>,
    pub(super) timeout: Option<At<Duration>>,
    pub(super) soft_timeout: Option<At<Duration>>,
    pub(super) stagger: Option<At<Duration>>,
    pub(super) fps: Option<At<i64>>,
    pub(super) fps_ssh: Option<At<i64>>,
    pub(super) prefix: Option<At<String>>,
    pub(super) color: Option<At<String>>,
    pub(super) glyphs: Option<At<String>>,
    pub(super) restore: Option<At<bool>>,
    pub(super) columns: Option<At<Vec<String>>>,
    pub(super) sort: Option<At<String>>,
    pub(super) mouse: Option<At<bool>>,
    pub(super) keys: RawKeys,
    pub(super) scrollback: Option<At<i64>>,
    pub(super) log_dir: Option<At<PathBuf>>,
    pub(super) log_max_size: Option<At<u64>>,
    pub(super) state_dir: Option<At<PathBuf>>,
    pub(super) runtime_dir: Option<At<PathBuf>>,
    pub(super) ipmitool: Option<At<PathBuf>>,
    pub(super) credentials: BTreeMap<String, RawCredentials>,
    pub(super) tags: BTreeMap<String, RawTag>,
    pub(super) nodes: Vec<RawNode>,
    pub(super) inventories: Vec<RawInventory>,
}

/// `[tags.NAME]`.
pub(super) struct RawTag {
    pub(super) name: At<String>,
    pub(super) protected: Option<At<bool>>,
    pub(super) read_only: Option<At<bool>>,
}

const MILLISECOND: Duration = Duration::from_millis(1);

impl Draft {
    /// Takes the keys of a file over. `top` has been asked for `include` already.
    pub(super) fn read(&mut self, mut top: Section<'_>, options: &LoadOptions<'_>) {
        set(&mut self.theme, top.choice("theme", options.themes));
        self.read_poll(&mut top);
        self.read_power(&mut top);
        self.read_screen(&mut top);
        self.read_table(&mut top, options);
        self.keys.read(&mut top, &options.keys);
        self.read_console(&mut top);
        self.read_paths(&mut top);
        for (name, section) in top.named("credentials") {
            let read = RawCredentials::read(name, section);
            self.credentials.insert(read.name.value.clone(), read);
        }
        for (name, section) in top.named("tags") {
            self.read_tag(name, section);
        }
        for section in top.sections("node") {
            self.nodes.extend(RawNode::read(section, options));
        }
        for (index, section) in top.sections("inventory").into_iter().enumerate() {
            self.inventories.extend(RawInventory::read(section, index));
        }
        top.finish();
    }

    fn read_poll(&mut self, top: &mut Section<'_>) {
        let Some(mut poll) = top.section("poll", "[poll]") else {
            return;
        };
        set(&mut self.interval, poll.duration("interval", MILLISECOND));
        set(&mut self.min_command_interval, poll.duration("min_command_interval", MILLISECOND));
        set(&mut self.max_in_flight, poll.integer("max_in_flight", 1..=4096));
        poll.finish();
    }

    fn read_power(&mut self, top: &mut Section<'_>) {
        let Some(mut power) = top.section("power", "[power]") else {
            return;
        };
        set(&mut self.timeout, power.duration("timeout", MILLISECOND));
        set(&mut self.soft_timeout, power.duration("soft_timeout", MILLISECOND));
        set(&mut self.stagger, power.duration("stagger", Duration::ZERO));
        power.finish();
    }

    fn read_screen(&mut self, top: &mut Section<'_>) {
        let Some(mut screen) = top.section("screen", "[screen]") else {
            return;
        };
        set(&mut self.fps, screen.integer("fps", 1..=120));
        set(&mut self.fps_ssh, screen.integer("fps_ssh", 1..=120));
        let prefix = screen.parsed("prefix", "keys such as \"ctrl-]\" or \"ctrl-e c\"", |text| {
            units::prefix(text).map(|()| text.to_owned())
        });
        set(&mut self.prefix, prefix);
        let colors = ["auto", "truecolor", "256", "16", "never"];
        set(&mut self.color, screen.choice("color", &colors));
        set(&mut self.glyphs, screen.choice("glyphs", &["auto", "unicode", "box", "ascii"]));
        set(&mut self.restore, screen.boolean("restore"));
        set(&mut self.mouse, screen.boolean("mouse"));
        screen.finish();
    }

    fn read_table(&mut self, top: &mut Section<'_>, options: &LoadOptions<'_>) {
        let Some(mut table) = top.section("table", "[table]") else {
            return;
        };
        set(&mut self.columns, columns(&mut table, options.columns));
        set(&mut self.sort, table.choice("sort", &SortKey::WORDS));
        table.finish();
    }

    fn read_console(&mut self, top: &mut Section<'_>) {
        let Some(mut console) = top.section("console", "[console]") else {
            return;
        };
        set(&mut self.scrollback, console.integer("scrollback", 0..=100_000));
        set(&mut self.log_dir, console.path("log_dir"));
        set(&mut self.log_max_size, console.size("log_max_size"));
        console.finish();
    }

    fn read_paths(&mut self, top: &mut Section<'_>) {
        let Some(mut paths) = top.section("paths", "[paths]") else {
            return;
        };
        set(&mut self.state_dir, paths.path("state_dir"));
        set(&mut self.runtime_dir, paths.path("runtime_dir"));
        let source = paths.source;
        let ipmitool = paths.parsed("ipmitool", "a path, or a name to look up in PATH", |text| {
            if text.contains('/') || text.is_empty() { source.path(text) } else { Ok(PathBuf::from(text)) }
        });
        set(&mut self.ipmitool, ipmitool);
        paths.finish();
    }

    fn read_tag(&mut self, name: At<String>, mut section: Section<'_>) {
        let (protected, read_only) = (section.boolean("protected"), section.boolean("read_only"));
        let tag =
            self.tags.entry(name.value.clone()).or_insert(RawTag { name, protected: None, read_only: None });
        set(&mut tag.protected, protected);
        set(&mut tag.read_only, read_only);
        section.finish();
    }
}

/// Names of columns, each once, `node` among them.
fn columns(table: &mut Section<'_>, known: &[&str]) -> Option<At<Vec<String>>> {
    let list = table.strings("columns", "a list of columns such as [\"node\", \"power\"]")?;
    let mut names: Vec<String> = Vec::new();
    let mut wrong = false;
    for At { value, place } in &list.value {
        let problem = if !known.contains(&value.as_str()) {
            let text = format!("there is no column \"{}\"", shown(value));
            Some((text, suggest(value, known.iter().copied())))
        } else if names.contains(value) {
            Some((format!("the column \"{value}\" is there twice"), "remove one".to_owned()))
        } else {
            None
        };
        if let Some((text, help)) = problem {
            table.report(place, "columns", text, help);
            wrong = true;
        }
        names.push(value.clone());
    }
    if !names.iter().any(|name| name == "node") && !wrong {
        table.report(&list.place, "columns", "\"node\" is missing", "it says whose row it is: add it");
        wrong = true;
    }
    (!wrong).then_some(At::new(names, list.place))
}

/// An upper layer replaces what it names and leaves the rest.
fn set<T>(slot: &mut Option<At<T>>, value: Option<At<T>>) {
    if value.is_some() {
        *slot = value;
    }
}
