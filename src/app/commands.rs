//! [`COMMANDS`]: everything that can be pressed or typed after `:`.
//!
//! Hints, help, the palette, the keymap and the key table of the README follow from it. A command
//! is added as a row in one of the files beside; nothing else knows its key.

mod console;
mod log;
mod scrollback;
mod table;
mod verbs;

use super::{Effect, Key, State, keymap::Bound, palette, state::MenuPick};

/// Where a key means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// The table has the focus.
    Table,
    /// A console has the focus and the prefix was pressed.
    Pane,
    /// A console shows its history.
    Scroll,
    /// The power menu.
    PowerMenu,
    /// The boot menu.
    BootMenu,
    /// The BMC menu.
    BmcMenu,
    /// The action log.
    Log,
}

/// A default key.
#[derive(Debug, Clone, Copy)]
pub struct Bind {
    /// Where.
    pub context: Context,
    /// Which, as [`Key::parse`] reads it.
    pub key: &'static str,
    /// What the command gets as its argument.
    pub arg: &'static str,
}

/// What a command takes after its name; for completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Args {
    /// Nothing.
    None,
    /// Nodes, or none for the marked ones.
    Nodes,
    /// One node, or none for the cursor's.
    Node,
    /// `persistent`, `uefi`, and nodes.
    Boot,
    /// Seconds (`60s`), and nodes.
    Identify,
    /// A filter.
    Filter,
    /// A sort key.
    Sort,
    /// A theme.
    Theme,
    /// Columns of the table.
    Columns,
    /// Hexadecimal bytes.
    Bytes,
    /// A word or number.
    Text,
}

/// A command's function: what was typed after its name, effects out; an error is one line.
pub type Function = fn(&mut State, &str, &mut Vec<Effect>) -> Result<(), String>;

/// What a command does.
#[derive(Debug, Clone)]
pub enum Run {
    /// This.
    Do(Function),
    /// A row of a verb menu; the guard decides whether it is asked first.
    Pick(MenuPick),
}

/// A row of [`COMMANDS`].
#[derive(Debug, Clone)]
pub struct Command {
    /// As typed after `:`.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Its keys.
    pub keys: &'static [Bind],
    /// What it takes.
    pub args: Args,
    /// One line.
    pub help: &'static str,
    /// Its word in the hint line; empty keeps it out.
    pub hint: &'static str,
    /// What it does.
    pub run: Run,
}

impl Command {
    /// The menu row that it is, if it is one.
    #[must_use]
    pub fn pick(&self) -> Option<&MenuPick> {
        match &self.run {
            Run::Pick(pick) => Some(pick),
            Run::Do(_) => None,
        }
    }

    /// Whether the palette offers it: what only works in the scrollback or the action log cannot be typed there, and
    /// a toggle is said with the device.
    #[must_use]
    pub fn in_palette(&self) -> bool {
        let there = |bind: &Bind| matches!(bind.context, Context::Scroll | Context::Log);
        let only_there = !self.keys.is_empty() && self.keys.iter().all(there);
        !only_there && !matches!(self.pick(), Some(MenuPick::Persistent | MenuPick::Uefi))
    }
}

/// A group of commands, with its heading.
#[derive(Debug)]
pub struct Group {
    /// Heading in help and README.
    pub title: &'static str,
    /// Its commands, the most used first.
    pub commands: &'static [Command],
}

/// Every command.
pub static COMMANDS: &[Group] = &[
    Group { title: "Table", commands: table::ROWS },
    Group { title: "Power, boot device, BMC", commands: verbs::ROWS },
    Group { title: "Console", commands: console::ROWS },
    Group { title: "Scrollback", commands: scrollback::ROWS },
    Group { title: "Action log", commands: log::ROWS },
];

/// Every command, without the groups.
pub fn all() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().flat_map(|group| group.commands)
}

/// Every default key of a context with its command, in the order of the table.
pub fn bound(context: Context) -> impl Iterator<Item = (&'static Command, &'static Bind)> {
    all().flat_map(move |command| {
        let here = command.keys.iter().filter(move |bind| bind.context == context);
        here.map(move |bind| (command, bind))
    })
}

/// Runs what `key` means in `context`; `false` when it means nothing there.
pub(super) fn press(state: &mut State, context: Context, key: Key, out: &mut Vec<Effect>) -> bool {
    let Some(Bound { command, arg, .. }) = state.keys.get(context, key).cloned() else {
        return false;
    };
    let result = match &command.run {
        Run::Do(run) => run(state, &arg, out),
        Run::Pick(pick) => palette::verb(state, command.args, pick, &arg, out),
    };
    if let Err(why) = result {
        state.warn(why);
    }
    true
}

/// A key of a context.
const fn key(context: Context, key: &'static str) -> Bind {
    Bind { context, key, arg: "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_key_can_be_read_and_means_one_thing() {
        for context in Context::ALL {
            let mut seen = HashSet::new();
            for (command, bind) in bound(context) {
                let key = Key::parse(bind.key).unwrap_or_else(|| panic!("{}: {}", command.name, bind.key));
                assert!(seen.insert(key), "{context:?} {} twice: {}", bind.key, command.name);
            }
            assert!(!seen.is_empty(), "{context:?}");
        }
    }

    #[test]
    fn names_are_unique_and_explained() {
        let mut seen = HashSet::new();
        for command in all() {
            assert!(!command.help.is_empty(), "{}", command.name);
            for name in std::iter::once(&command.name).chain(command.aliases) {
                assert!(seen.insert(*name), "{name}");
                assert_eq!(*name, name.to_lowercase());
            }
        }
    }
}
