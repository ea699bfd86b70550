//! What may be bound where. `config` asks through [`key_rules`], with the names of the file's own lines.
//!
//! Three things are kept from everybody: no control key and no single letter does anything destructive;
//! what a split or mangled escape sequence looks like (Esc, then letters) only moves and shows; and a way
//! out is always left.

use super::Keymap;
use crate::app::{
    Key, KeyCode,
    commands::{Args, Command, Context},
    palette,
    state::MenuPick,
};
use crate::config::{KeyBinding, KeyFault, KeyRules};

/// Names of the contexts, as `[keys.NAME]`.
const CONTEXTS: [&str; 7] = ["table", "pane", "scroll", "power-menu", "boot-menu", "bmc-menu", "action-log"];

/// Last bytes and middle bytes of the sequences that terminals send for keys.
const OF_SEQUENCES: &str = "ABCDEFHMPQRSZO[~";

/// What a split sequence may set off: it changes what is seen and nothing else, and what is typed next
/// means the same as before.
const MOVES_AND_SHOWS: &[&str] = &[
    "up",
    "down",
    "half page up",
    "half page down",
    "page up",
    "page down",
    "top",
    "bottom",
    "details",
    "help",
    "sort",
    "reverse",
    "log",
    "redraw",
    "back",
    "poll",
    "mouse",
    "table",
    "scrollback",
    "previous console",
    "log file",
    "end selection",
    "search backward",
    "next match",
    "previous match",
    "select",
    "select lines",
    "line down",
    "line up",
    "column left",
    "column right",
    "word",
    "word back",
    "line start",
    "line end",
    "scroll half down",
    "scroll half up",
    "scroll down",
    "scroll up",
    "oldest",
    "newest",
];

/// Commands without a menu row that type or signal something to the node.
const REACHES_THE_NODE: &[&str] = &["break", "size", "steal"];

/// The keys that move within a menu and leave it.
const OF_MENUS: &[&str] = &["j", "k", "q", "up", "down", "enter", "esc", "ctrl-c"];

/// Besides these, the keys that move in lists.
const OF_LISTS: &[&str] =
    &["g", "G", "home", "end", "pgup", "pgdn", "space", "ctrl-u", "ctrl-d", "ctrl-f", "ctrl-b"];

/// What `config` checks `[keys.*]` with.
#[must_use]
pub fn key_rules() -> KeyRules {
    KeyRules { contexts: &CONTEXTS, key: spelled, command: allowed, whole }
}

impl Context {
    /// Every context, in the order of [`CONTEXTS`].
    pub const ALL: [Context; 7] = [
        Context::Table,
        Context::Pane,
        Context::Scroll,
        Context::PowerMenu,
        Context::BootMenu,
        Context::BmcMenu,
        Context::Log,
    ];

    /// Its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        let at = Context::ALL.iter().position(|context| *context == self);
        at.map_or("", |at| CONTEXTS[at])
    }

    pub(super) fn named(name: &str) -> Option<Context> {
        Context::ALL.into_iter().find(|context| context.name() == name)
    }

    /// The command that opens it, if it is a menu or the action log, whose rows are bound as those of a menu are.
    #[must_use]
    pub fn opened_by(self) -> Option<&'static str> {
        match self {
            Context::PowerMenu => Some("power"),
            Context::BootMenu => Some("boot"),
            Context::BmcMenu => Some("bmc"),
            Context::Log => Some("log"),
            Context::Table | Context::Pane | Context::Scroll => None,
        }
    }
}

fn fault(text: impl Into<String>, help: impl Into<String>) -> KeyFault {
    KeyFault { text: text.into(), help: help.into() }
}

fn spelled(text: &str) -> Result<String, KeyFault> {
    read(text).map(|key| key.to_string())
}

/// Reads a key, in the one way in which it arrives from a terminal: ctrl-i is tab, shift-a is A.
pub(super) fn read(text: &str) -> Result<Key, KeyFault> {
    let Some(mut key) = Key::parse(text) else {
        let names = || crate::app::key::names().map(|(name, _)| name);
        let word = text.to_lowercase();
        let near =
            names().max_by(|a, b| strsim::jaro_winkler(a, &word).total_cmp(&strsim::jaro_winkler(b, &word)));
        return Err(match near.filter(|name| strsim::jaro_winkler(name, &word) > 0.75) {
            Some(name) => fault("there is no such key", format!("did you mean \"{name}\"?")),
            None => fault(
                "there is no such key",
                "a key is a character such as \"x\", or \"ctrl-x\", \"f5\", \"shift-f5\", \"space\", \"pgup\"",
            ),
        });
    };
    if key.alt {
        return Err(fault(
            "a key with alt cannot be bound",
            "on a slow line it cannot be told from esc and the key after it; take a function key",
        ));
    }
    if text.to_ascii_lowercase().contains("shift-")
        && let KeyCode::Char(ch) = key.code
    {
        if key.ctrl || !ch.is_alphabetic() {
            let help = "write the character that shift makes, such as \"A\" or \"!\"";
            return Err(fault("terminals do not tell shift with this key", help));
        }
        key.code = ch.to_uppercase().next().map_or(key.code, KeyCode::Char);
    }
    if let (KeyCode::Char(ch), true) = (key.code, key.ctrl) {
        return match ch {
            'i' => Ok(Key::plain(KeyCode::Tab)),
            'm' => Ok(Key::plain(KeyCode::Enter)),
            '[' => Ok(Key::plain(KeyCode::Esc)),
            '?' => Ok(Key::plain(KeyCode::Backspace)),
            '@' => Ok(Key::ctrl(' ')),
            '/' => Ok(Key::ctrl('_')),
            'a'..='z' | ']' | '\\' | '^' | '_' | ' ' => Ok(key),
            _ => Err(fault(
                "terminals do not send this key",
                "ctrl goes with letters, space and the characters ] \\ ^ _",
            )),
        };
    }
    Ok(key)
}

fn allowed(context: &str, key: &str, command: &str) -> Result<(), KeyFault> {
    let context = Context::named(context).ok_or_else(|| fault("there is no such context", ""))?;
    meant(context, read(key)?, command).map(|_| ())
}

/// The command, with its argument, that `text` means when it is bound to `key` in `context`.
pub(super) fn meant(context: Context, key: Key, text: &str) -> Result<(&'static Command, &str), KeyFault> {
    let text = text.trim().trim_start_matches(':');
    let Some((command, arg)) = palette::parse(text) else {
        let help = match palette::near(text, "") {
            Some(name) => format!("did you mean \"{name}\"?"),
            None => "lightsout config keys lists what is bound; false unbinds a key".into(),
        };
        return Err(fault(format!("no command is called \"{}\"", shown(text)), help));
    };
    let name = command.name;
    if command.args == Args::None && !arg.is_empty() {
        let help = match palette::near(text, name) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("write \"{name}\" alone"),
        };
        return Err(fault(format!("{name} takes nothing more: \"{}\"", shown(arg)), help));
    }
    belongs(context, command, arg)?;
    safe(context, key, command)?;
    Ok((command, arg))
}

/// Whether a command can be run from a context at all.
fn belongs(context: Context, command: &Command, arg: &str) -> Result<(), KeyFault> {
    let name = command.name;
    let here = command.keys.iter().any(|bind| bind.context == context);
    if context.opened_by().is_some() {
        if !here {
            let rows: Vec<&str> = crate::app::commands::bound(context).map(|(row, _)| row.name).collect();
            let help = format!("its rows: {}", rows.join(", "));
            return Err(fault(format!("{name} is no row of this menu"), help));
        }
        if !arg.is_empty() {
            return Err(fault("a row of a menu takes nothing more", "it acts on the nodes of the menu"));
        }
        return Ok(());
    }
    if !here && !command.in_palette() {
        let only = command.keys.first().map_or("", |bind| bind.context.name());
        return Err(fault(format!("{name} does nothing here"), format!("it belongs to [keys.{only}]")));
    }
    Ok(())
}

/// Whether so much may hang on one key.
fn safe(context: Context, key: Key, command: &Command) -> Result<(), KeyFault> {
    let name = command.name;
    if name == "quit" && (key == Key::plain(KeyCode::Esc) || key == Key::ctrl('c')) {
        return Err(fault(format!("{key} never quits"), "it goes one level out; take another key"));
    }
    let menu = context.opened_by().is_some();
    if menu && OF_MENUS.iter().any(|fixed| Key::parse(fixed) == Some(key)) {
        return Err(fault(format!("{key} moves in menus and leaves them"), "take another key"));
    }
    if context == Context::Log && OF_LISTS.iter().any(|fixed| Key::parse(fixed) == Some(key)) {
        return Err(fault(format!("{key} moves in lists"), "take another key"));
    }
    let of_sequence = match key.code {
        KeyCode::Esc => true,
        KeyCode::Char(ch) => !key.ctrl && OF_SEQUENCES.contains(ch),
        _ => false,
    };
    if of_sequence && !MOVES_AND_SHOWS.contains(&name) {
        return Err(fault(
            format!(
                "{name} cannot hang on {key}: an arrow or function key split by a slow line looks like it"
            ),
            "only what moves and shows may; take another key",
        ));
    }
    let deed = match command.pick() {
        Some(MenuPick::Verb(verb)) => !verb.is_read(),
        Some(MenuPick::Boot(_) | MenuPick::Raw) => true,
        Some(MenuPick::Persistent | MenuPick::Uefi | MenuPick::Cancel) => false,
        // After the prefix a letter is no slip of the hand.
        None => REACHES_THE_NODE.contains(&name) && context != Context::Pane,
    };
    if deed && !(menu && key.typed().is_some()) && !matches!(key.code, KeyCode::F(_)) {
        let help = if menu {
            "take a letter or a function key"
        } else {
            "it has its menu and its place after \":\"; a function key may have it"
        };
        return Err(fault(
            format!("{name} acts on machines: no control key and no single letter may do that"),
            help,
        ));
    }
    Ok(())
}

/// A way out is left in every place that has none of its own.
fn whole(own: &[KeyBinding]) -> Result<(), KeyFault> {
    let keymap = Keymap::new(own);
    let out = [
        (Context::Table, &["command", "quit"][..], "the table could never be left"),
        (Context::Pane, &["table"], "a console could never be left for the table"),
        (Context::Scroll, &["leave scrollback", "end selection"], "the scrollback could never be left"),
    ];
    for (context, names, what) in out {
        if !keymap.bound(context).any(|one| names.contains(&one.command.name)) {
            let help = format!("leave a key of [keys.{}] to {}", context.name(), names.join(" or "));
            return Err(fault(what, help));
        }
    }
    Ok(())
}

/// Text of a file for a message: short, no control characters.
fn shown(text: &str) -> String {
    text.chars().take(60).map(|ch| if ch.is_control() { '?' } else { ch }).collect()
}
