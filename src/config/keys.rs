//! `[keys.*]`: what the operator binds to which key.
//!
//! What keys, contexts and commands there are, and what may be bound where, is the front end's business:
//! it comes in as [`KeyRules`]. Here are places, layers and what stands there twice.

use super::error::{At, Place, Problem};
use super::section::Section;
use super::words::shown;
use std::collections::BTreeMap;

/// A key of a context and what it is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBinding {
    /// The context's name.
    pub context: String,
    /// The key, spelled as [`KeyRules::key`] spells it.
    pub key: String,
    /// The command as typed after `:`; `None` takes the key's meaning away.
    pub command: Option<String>,
}

/// What is wrong with a key or its command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFault {
    /// What, lower case, one line.
    pub text: String,
    /// What to do.
    pub help: String,
}

/// What `[keys.*]` is checked with.
#[derive(Clone, Copy)]
pub struct KeyRules {
    /// Names of the contexts.
    pub contexts: &'static [&'static str],
    /// The one spelling of a key.
    pub key: fn(&str) -> Result<String, KeyFault>,
    /// Whether a key may run a command in a context: context, key, command.
    pub command: fn(&str, &str, &str) -> Result<(), KeyFault>,
    /// Whether one can work with what all bindings together leave.
    pub whole: fn(&[KeyBinding]) -> Result<(), KeyFault>,
}

impl KeyRules {
    /// Rules of a program without keys: there are no contexts.
    pub(super) const NONE: KeyRules = KeyRules {
        contexts: &[],
        key: |text| Ok(text.to_owned()),
        command: |_, _, _| Ok(()),
        whole: |_| Ok(()),
    };
}

/// The bindings as far as files have them, by context and key.
#[derive(Default)]
pub(super) struct RawKeys(BTreeMap<(String, String), At<Option<String>>>);

impl RawKeys {
    /// Takes the bindings of a file over; those of lower layers give way.
    pub(super) fn read(&mut self, top: &mut Section<'_>, rules: &KeyRules) {
        let Some(mut keys) = top.section("keys", "[keys.table]") else {
            return;
        };
        for context in rules.contexts {
            if let Some(section) = keys.section(context, "[keys.table]") {
                self.read_context(context, section, rules);
            }
        }
        keys.finish();
    }

    fn read_context(&mut self, context: &str, section: Section<'_>, rules: &KeyRules) {
        let mut here: BTreeMap<String, (String, Place)> = BTreeMap::new();
        for (written, command) in section.texts_or_false() {
            let report = |text: String, help: String| {
                section.report(&written.place, &shown(&written.value), text, help)
            };
            let key = match (rules.key)(&written.value) {
                Ok(key) => key,
                Err(fault) => {
                    report(fault.text, fault.help);
                    continue;
                }
            };
            if let Some((first, place)) = here.get(&key) {
                let spelling = if *first == written.value {
                    String::new()
                } else {
                    format!(", as \"{}\"", shown(first))
                };
                report(
                    format!("this key is already bound at {place}{spelling}"),
                    "a key does one thing in a context: remove one of the two".into(),
                );
                continue;
            }
            here.insert(key.clone(), (written.value.clone(), written.place.clone()));
            if let Some(text) = &command.value
                && let Err(fault) = (rules.command)(context, &key, text)
            {
                section.report(&command.place, &shown(&written.value), fault.text, fault.help);
                continue;
            }
            self.0.insert((context.to_owned(), key), At::new(command.value, written.place));
        }
    }

    /// The bindings; what they cannot be together goes to `problems`.
    pub(super) fn finish(
        self,
        rules: &KeyRules,
        prefix: &str,
        problems: &mut Vec<Problem>,
    ) -> Vec<KeyBinding> {
        let prefix = prefix.split_whitespace().next().and_then(|first| (rules.key)(first).ok());
        let mut places: Vec<Place> = Vec::new();
        let mut bindings = Vec::new();
        for ((context, key), At { value: command, place }) in self.0 {
            if context == "pane" && command.is_some() && Some(&key) == prefix.as_ref() {
                let text = "this is the prefix: pressed twice it goes to the node";
                let help = "take another key, or another prefix in [screen]";
                problems.push(Problem::new(&place, format!("keys.pane.{key}"), text).help(help));
            }
            places.push(place);
            bindings.push(KeyBinding { context, key, command });
        }
        if let (Err(fault), Some(place)) = ((rules.whole)(&bindings), places.iter().min()) {
            problems.push(Problem::new(place, "keys", fault.text).help(fault.help));
        }
        bindings
    }
}
