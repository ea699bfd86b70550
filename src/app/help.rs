//! Hints, help and the README's key table: all read off [`COMMANDS`].

use super::{
    Keymap, State,
    commands::{COMMANDS, Command, Context},
    state::{ConfirmLevel, Focus, Overlay, PrefixState, Question},
};
use crate::fleet::ConsoleState;

/// A part of the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpSection {
    /// Heading.
    pub title: String,
    /// Keys, and what they do.
    pub rows: Vec<(String, String)>,
}

/// The hint line: key and word, the most useful first.
#[must_use]
pub fn hints(state: &State) -> Vec<(String, String)> {
    let fixed: &[(&str, &str)] = match state.overlays.last() {
        Some(Overlay::Menu(_)) => &[("key", "pick"), ("j k", "move"), ("enter", "pick"), ("esc", "close")],
        Some(Overlay::Confirm(confirm)) => match (&confirm.level, &confirm.what) {
            (ConfirmLevel::Key, Question::Steal { .. }) => &[("enter", "leave it"), ("y", "take it")],
            (ConfirmLevel::Key, Question::Several { .. }) => &[("enter", "cancel"), ("y", "type into all")],
            (ConfirmLevel::Key, Question::Quit { .. }) => &[("enter", "stay"), ("y", "leave")],
            (ConfirmLevel::Key, _) => &[("enter", "cancel"), ("y", "do it")],
            (ConfirmLevel::Typed { word, .. }, _) => {
                return vec![
                    ("esc".to_owned(), "cancel".to_owned()),
                    (format!("{word}, enter"), "do it".to_owned()),
                ];
            }
        },
        Some(Overlay::Filter { .. }) => &[("enter", "keep"), ("esc", "undo"), ("up down", "move")],
        Some(Overlay::Command { .. }) => &[("enter", "run"), ("tab", "complete"), ("esc", "close")],
        Some(Overlay::Raw { .. }) => &[("enter", "send"), ("esc", "back")],
        Some(Overlay::Help { .. } | Overlay::Details { .. }) => {
            &[("j k", "scroll"), ("g G", "ends"), ("esc", "close")]
        }
        Some(Overlay::Actions(_)) => {
            let mut hints = vec![("j k".to_owned(), "entry".to_owned())];
            hints.extend(bound_hints(state, Context::Log, ""));
            hints.push(("esc".to_owned(), "close".to_owned()));
            return hints;
        }
        None => return base_hints(state),
    };
    fixed.iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect()
}

fn base_hints(state: &State) -> Vec<(String, String)> {
    let Focus::Pane(console) = state.focus else {
        let mark = || (state.keys.key_in(Context::Table, "range"), "mark range".to_owned());
        let range = state.table.range.map(|_| mark());
        // Marks outlive what was done with them: the way out is shown while there are some.
        let unmark = (!state.table.marks.is_empty())
            .then(|| (state.keys.key_in(Context::Table, "unmark"), "unmark".to_owned()));
        return range.into_iter().chain(unmark).chain(bound_hints(state, Context::Table, "")).collect();
    };
    let pane = state.pane(console);
    let scroll = pane.and_then(|pane| pane.scroll.as_ref());
    let detached = pane.is_some_and(|pane| matches!(pane.status.state, ConsoleState::Detached));
    match (state.prefix_state, scroll) {
        (PrefixState::None, Some(scroll)) if scroll.typing.is_some() => {
            vec![("enter".into(), "search".into()), ("esc".into(), "cancel".into())]
        }
        (PrefixState::None, Some(_)) => bound_hints(state, Context::Scroll, ""),
        (PrefixState::None, None) if detached => {
            let help = (state.after_prefix("help"), "help".into());
            vec![("enter".into(), "attach".into()), ("esc".into(), "table".into()), help]
        }
        (PrefixState::None, None) => {
            let mut hints = bound_hints(state, Context::Pane, &format!("{} ", state.prefix));
            hints.truncate(3);
            hints.push((state.after_prefix("help"), "help".into()));
            hints
        }
        (PrefixState::Half | PrefixState::Armed, _) => bound_hints(state, Context::Pane, ""),
    }
}

/// The hints of a context. In a console its own commands come first.
fn bound_hints(state: &State, context: Context, before: &str) -> Vec<(String, String)> {
    let mut seen: Vec<&str> = Vec::new();
    let mut hints: Vec<(bool, String, String)> = Vec::new();
    for bound in state.keys.bound(context) {
        let command = bound.command;
        // With an argument of its own it is another deed than its word says.
        if !command.hint.is_empty() && bound.arg.is_empty() && !seen.contains(&command.name) {
            seen.push(command.name);
            let shared = command.keys.iter().any(|bind| bind.context != context);
            hints.push((
                shared && context == Context::Pane,
                format!("{before}{}", bound.key),
                command.hint.to_owned(),
            ));
        }
    }
    hints.sort_by_key(|(shared, _, _)| *shared);
    hints.into_iter().map(|(_, key, word)| (key, word)).collect()
}

/// The help for where the operator is.
#[must_use]
pub fn help(state: &State) -> Vec<HelpSection> {
    let (contexts, title): (&[Context], String) = match state.focus {
        Focus::Table => (&[Context::Table], "Keys in the table".into()),
        Focus::Pane(_) => (&[Context::Pane], format!("After the prefix {}", state.prefix)),
    };
    let scrolled = match state.focus {
        Focus::Pane(console) => state.pane(console).is_some_and(|pane| pane.scroll.is_some()),
        Focus::Table => false,
    };
    let mut sections: Vec<HelpSection> =
        contexts.iter().map(|context| section(state, &title, *context)).collect();
    if state.focus == Focus::Table {
        for (menu, context) in [
            ("Power menu", Context::PowerMenu),
            ("Boot menu", Context::BootMenu),
            ("BMC menu", Context::BmcMenu),
            ("Action log", Context::Log),
        ] {
            let key = state.keys.key_in(Context::Table, context.opened_by().unwrap_or_default());
            sections.push(section(state, &format!("{menu} ({key})"), context));
        }
    } else {
        sections[0].rows.push((
            state.prefix.clone(),
            "sends the prefix itself to the node once; every other key goes there unchanged".into(),
        ));
        let scroll = section(state, "Scrollback", Context::Scroll);
        sections.insert(usize::from(!scrolled), scroll);
    }
    sections
}

fn section(state: &State, title: &str, context: Context) -> HelpSection {
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut last: Option<(&str, bool)> = None;
    for bound in state.keys.bound(context) {
        let special = bound.own && !bound.arg.is_empty();
        match rows.last_mut() {
            Some((keys, _)) if last == Some((bound.command.name, false)) && !special => {
                keys.push(' ');
                keys.push_str(&bound.key.to_string());
            }
            _ if special => {
                rows.push((bound.key.to_string(), format!("{} {}", bound.command.name, bound.arg)))
            }
            _ => rows.push((bound.key.to_string(), bound.command.help.to_owned())),
        }
        last = Some((bound.command.name, special));
    }
    HelpSection { title: title.to_owned(), rows }
}

impl State {
    /// How a command is reached from inside a console: prefix and key, or as it is typed after `:`.
    #[must_use]
    pub fn after_prefix(&self, command: &str) -> String {
        match self.keys.key_in(Context::Pane, command) {
            typed if typed.starts_with(':') && typed.len() > 1 => typed,
            key => format!("{} {key}", self.prefix),
        }
    }
}

/// Every default key in Markdown, for the README.
#[must_use]
pub fn key_table() -> String {
    let keymap = Keymap::default();
    let mut text = String::new();
    for group in COMMANDS {
        text.push_str(&format!("### {}\n\n| key | command | what it does |\n|---|---|---|\n", group.title));
        for command in group.commands {
            text.push_str(&line(&keymap, command));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn line(keymap: &Keymap, command: &Command) -> String {
    let keys = keymap.keys_of(command);
    let keys: Vec<String> =
        keys.split(", ").filter(|key| !key.is_empty()).map(|key| format!("`{key}`")).collect();
    let typed = if command.in_palette() { format!("`:{}`", command.name) } else { String::new() };
    format!("| {} | {} | {} |\n", keys.join(" "), typed, command.help)
}
