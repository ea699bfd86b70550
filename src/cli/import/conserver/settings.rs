//! What a console or a default has been given, own and included. Pure.

use super::super::{Remark, Spot};
use super::lex::Pair;
use super::subst::{self, Values};
use std::collections::{BTreeMap, BTreeSet};

/// What consoles and defaults may have (conserver.cf(5)), and what is left out with its reason.
const KEYS: [(&str, Option<&str>); 45] = [
    ("aliases", Some("a node has one name")),
    ("baud", None),
    ("break", Some("the serial break is sent")),
    ("breaklist", Some("the serial break is sent")),
    ("device", None),
    ("devicesubst", None),
    ("exec", None),
    ("execrunas", Some("programs run as the user of lightsout")),
    ("execsubst", None),
    ("host", None),
    ("idlestring", Some("nothing is typed into a console by itself")),
    ("idletimeout", Some("nothing is typed into a console by itself")),
    ("initcmd", Some("no program runs at the start of a console")),
    ("initrunas", Some("no program runs at the start of a console")),
    ("initspinmax", Some("a lost console is opened again with growing pauses")),
    ("initspintimer", Some("a lost console is opened again with growing pauses")),
    ("initsubst", Some("no program runs at the start of a console")),
    ("ipmiciphersuite", None),
    ("ipmikg", None),
    ("ipmiprivlevel", None),
    ("ipmiworkaround", None),
    ("logfile", Some("ours are NODE.log in log_dir")),
    ("logfilemax", Some("log_max_size in [console] is for all")),
    ("master", None),
    ("motd", Some("there is no message of the day")),
    ("options", None),
    ("parity", None),
    ("password", None),
    ("port", None),
    ("portbase", None),
    ("portinc", None),
    ("protocol", None),
    ("replstring", None),
    ("ro", Some("whoever reads the configuration may use it; see read_only of tags")),
    ("rw", Some("whoever reads the configuration may use it; see read_only of tags")),
    ("tasklist", Some("tasks are not known")),
    ("timestamp", Some("our raw logs have no timestamps")),
    ("type", None),
    ("uds", None),
    ("udssubst", None),
    ("username", None),
    // Older spellings that 8.2 still takes.
    ("flow", Some("see options")),
    ("initport", Some("no program runs at the start of a console")),
    ("region", Some("it is not known")),
    ("sslenabled", Some("there is no daemon")),
];

/// Options that mean something to us, and those that are left out.
const OPTIONS: [(&str, Option<&str>); 14] = [
    ("ixon", None),
    ("ixany", Some("flow is hardware, software or none")),
    ("ixoff", None),
    ("crtscts", None),
    ("cstopb", None),
    ("hupcl", Some("the port is left as it is")),
    ("ondemand", Some("a console is opened when it is looked at, or by the operator")),
    ("striphigh", Some("all eight bits are shown")),
    ("reinitoncc", Some("a lost console is opened again")),
    ("autoreinit", Some("a lost console is opened again")),
    ("unloved", Some("there is no daemon")),
    ("login", Some("see read_only of tags")),
    ("telnet", Some("see transport")),
    ("nologin", Some("see read_only of tags")),
];

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Value {
    pub text: String,
    pub spot: Spot,
}

/// Values by key, later ones in place of earlier ones.
#[derive(Clone, Default)]
pub struct Settings {
    values: BTreeMap<String, Value>,
    options: BTreeMap<String, bool>,
    left_out: BTreeSet<Remark>,
}

impl Settings {
    /// Takes everything of an included default over.
    pub fn include(&mut self, other: &Settings) {
        self.values.extend(other.values.iter().map(|(key, value)| (key.clone(), value.clone())));
        self.options.extend(other.options.iter().map(|(key, on)| (key.clone(), *on)));
        self.left_out.extend(other.left_out.iter().cloned());
    }

    /// Takes one value.
    pub fn set(&mut self, pair: &Pair) -> Result<(), String> {
        let Some((_, why)) = KEYS.iter().find(|(key, _)| *key == pair.key) else {
            return Err(format!("there is no keyword \"{}\"", pair.key));
        };
        if pair.key == "options" {
            return self.set_options(pair);
        }
        if let Some(why) = why.filter(|_| !pair.value.is_empty()) {
            self.left_out.insert((pair.spot.clone(), format!("{}: {why}", pair.key)));
        }
        let value = Value { text: pair.value.clone(), spot: pair.spot.clone() };
        self.values.insert(pair.key.clone(), value);
        Ok(())
    }

    fn set_options(&mut self, pair: &Pair) -> Result<(), String> {
        if pair.value.is_empty() {
            self.options.clear();
        }
        for word in pair.value.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty())
        {
            let (name, on) = word.strip_prefix('!').map_or((word, true), |name| (name, false));
            let Some((_, why)) = OPTIONS.iter().find(|(option, _)| *option == name) else {
                return Err(format!("there is no option \"{name}\""));
            };
            if let Some(why) = why {
                self.left_out.insert((pair.spot.clone(), format!("option {word}: {why}")));
            }
            self.options.insert(name.to_owned(), on);
        }
        Ok(())
    }

    /// What has no place with us, at the places where it was written.
    pub fn left_out(&self) -> impl Iterator<Item = (&Spot, &str)> {
        self.left_out.iter().map(|(spot, text)| (spot, text.as_str()))
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// `None` where it is not set or empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).map(|value| value.text.as_str()).filter(|text| !text.is_empty())
    }

    pub fn option(&self, name: &str, default: bool) -> bool {
        self.options.get(name).copied().unwrap_or(default)
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.text(key)?.parse().ok()
    }

    /// `portbase + portinc * port`, where that is a port.
    pub fn port(&self) -> Option<u16> {
        let port = self.calculated_port()?;
        u16::try_from(port).ok().filter(|port| *port > 0)
    }

    fn calculated_port(&self) -> Option<i64> {
        let base = self.number("portbase").unwrap_or(0);
        let step = self.number("portinc").unwrap_or(1);
        base.checked_add(step.checked_mul(self.number("port")?)?)
    }

    /// The value of `key` with the substitutions of `how` made; `&` has no meaning here.
    pub fn substituted(&self, key: &str, how: &str, console: &str) -> Result<String, String> {
        let text = self.text(key).unwrap_or_default();
        let Some(rules) = self.text(how) else {
            return Ok(text.to_owned());
        };
        let values = Values {
            console,
            host: self.text("host").unwrap_or_default(),
            replacement: self.text("replstring").unwrap_or_default(),
            baud: self.number("baud"),
            port: self.number("port"),
            calculated: self.calculated_port(),
        };
        subst::apply(text, rules, &values).map_err(|problem| format!("{how} \"{rules}\": {problem}"))
    }
}
