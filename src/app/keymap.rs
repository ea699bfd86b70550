//! The keymap: what every key means in every context, built once from [`COMMANDS`] and what the
//! configuration says of `[keys.*]`.
//!
//! Pressing, hints, help, menus and the palette all ask it, so that they never disagree. What may be bound
//! where is decided in `rules`; this file only puts together what was found right.
//!
//! [`COMMANDS`]: super::COMMANDS

mod rules;

pub use rules::key_rules;

use super::{
    Key,
    commands::{self, Command, Context},
};
use crate::config::KeyBinding;

/// A key that does something.
#[derive(Debug, Clone)]
pub struct Bound {
    /// Where.
    pub context: Context,
    /// Which.
    pub key: Key,
    /// What it does.
    pub command: &'static Command,
    /// What the command gets as its argument.
    pub arg: String,
    /// It comes from the configuration.
    pub own: bool,
}

/// Every key that does something, in the order of the commands, the defaults of a command first.
#[derive(Debug, Clone)]
pub struct Keymap {
    bound: Vec<Bound>,
}

impl Default for Keymap {
    fn default() -> Keymap {
        Keymap::new(&[])
    }
}

impl Keymap {
    /// The defaults with these bindings over them. A binding that [`key_rules`] would refuse is left out:
    /// the configuration has been checked before.
    #[must_use]
    pub fn new(own: &[KeyBinding]) -> Keymap {
        let mut bound: Vec<Bound> = commands::all().flat_map(defaults).collect();
        for binding in own {
            let (Some(context), Ok(key)) = (Context::named(&binding.context), rules::read(&binding.key))
            else {
                continue;
            };
            bound.retain(|one| (one.context, one.key) != (context, key));
            let meant = binding.command.as_deref().and_then(|text| rules::meant(context, key, text).ok());
            if let Some((command, arg)) = meant {
                bound.push(Bound { context, key, command, arg: arg.to_owned(), own: true });
            }
        }
        let order: Vec<&str> = commands::all().map(|command| command.name).collect();
        bound.sort_by_key(|one| order.iter().position(|name| *name == one.command.name));
        Keymap { bound }
    }

    /// What a key means in a context.
    #[must_use]
    pub fn get(&self, context: Context, key: Key) -> Option<&Bound> {
        self.bound.iter().find(|one| one.context == context && one.key == key)
    }

    /// Every key of a context, in the order of the commands.
    pub fn bound(&self, context: Context) -> impl Iterator<Item = &Bound> {
        self.bound.iter().filter(move |one| one.context == context)
    }

    /// The keys of a command in a context.
    pub fn of(&self, context: Context, command: &str) -> impl Iterator<Item = &Bound> {
        self.bound(context).filter(move |one| one.command.name == command)
    }

    /// A command's keys in words, each once: `j, down`.
    #[must_use]
    pub fn keys_of(&self, command: &Command) -> String {
        let mut keys: Vec<String> = Vec::new();
        // With an argument of one's own it is another deed.
        let plain = |one: &&Bound| one.command.name == command.name && (!one.own || one.arg.is_empty());
        for one in self.bound.iter().filter(plain) {
            let key = match one.context.opened_by() {
                Some(menu) => format!("{} {}", self.key_in(Context::Table, menu), one.key),
                None if one.context == Context::Pane => format!("prefix {}", one.key),
                None => one.key.to_string(),
            };
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys.join(", ")
    }

    /// The first key of a command in a context; as it is typed after `:` when no key is bound to it.
    #[must_use]
    pub fn key_in(&self, context: Context, command: &str) -> String {
        let found = self.of(context, command).find(|one| one.arg.is_empty());
        found.map_or_else(|| format!(":{command}"), |one| one.key.to_string())
    }

    /// The whole keymap as the configuration would say it, for `lightsout config keys`.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        for context in Context::ALL {
            text.push_str(&format!("[keys.{}]\n", context.name()));
            let mut rows: Vec<(String, String)> = Vec::new();
            for one in self.bound(context) {
                let words = format!("{} {}", one.command.name, one.arg);
                let own = if one.own { "yours: " } else { "" };
                let line = format!("{} = {}", quoted(&one.key.to_string()), quoted(words.trim_end()));
                rows.push((line, format!("{own}{}", one.command.help)));
            }
            let gone = commands::bound(context).filter_map(|(_, bind)| Key::parse(bind.key));
            for key in gone.filter(|key| self.get(context, *key).is_none()) {
                rows.push((format!("{} = false", quoted(&key.to_string())), "yours: nothing".into()));
            }
            let width = rows.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
            for (line, help) in rows {
                text.push_str(&format!("{line:width$}  # {help}\n"));
            }
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

/// A command's keys as they are without a configuration.
fn defaults(command: &'static Command) -> impl Iterator<Item = Bound> {
    command.keys.iter().filter_map(move |bind| {
        let key = Key::parse(bind.key)?;
        Some(Bound { context: bind.context, key, command, arg: bind.arg.to_owned(), own: false })
    })
}

/// A basic string of TOML; keys and commands hold no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests;
