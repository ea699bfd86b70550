//! conserver's conserver.cf (conserver.cf(5), 8.2.7): blocks, defaults that consoles include, substitutions. Pure
//! but for the files that `#include` names, which the caller reads.

mod lex;
mod settings;
mod subst;

#[cfg(test)]
mod tests;

use super::output::{
    Imported, Login, Node, clean, is_baud, is_host, is_name, is_path, is_username, quote, quote_list,
    tells_password,
};
use super::{Remark, Spot};
use lex::Block;
use settings::{Settings, Value};
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// Blocks without consoles, and why they have no place here.
const OTHER_BLOCKS: [(&str, &str); 5] = [
    ("access", "who may come from where: there is no daemon"),
    ("break", "break sequences: ours is the serial break"),
    ("config", "the daemon's settings: there is no daemon"),
    ("group", "users: ours are those who may read the configuration"),
    ("task", "tasks are not known"),
];

/// Reads the text; `open` gives the text of an included file.
///
/// # Errors
/// Everything that conserver would refuse, and what we cannot read.
pub fn import(text: &str, open: &dyn Fn(&str) -> Result<String, String>) -> Result<Imported, Vec<Remark>> {
    let mut reader = Reader {
        out: Imported::new("conserver"),
        errors: Vec::new(),
        defaults: BTreeMap::new(),
        names: BTreeSet::new(),
    };
    for block in lex::blocks(text, open, &mut reader.errors) {
        reader.block(&block);
    }
    if reader.errors.is_empty() {
        return Ok(reader.out);
    }
    reader.errors.sort_by(|a, b| a.0.cmp(&b.0));
    reader.errors.dedup();
    Err(reader.errors)
}

struct Reader {
    out: Imported,
    errors: Vec<Remark>,
    defaults: BTreeMap<String, Settings>,
    names: BTreeSet<String>,
}

impl Reader {
    fn error(&mut self, spot: &Spot, text: impl AsRef<str>) {
        self.errors.push((spot.clone(), clean(text.as_ref())));
    }

    fn block(&mut self, block: &Block) {
        match block.kind.as_str() {
            "default" => {
                let settings = self.settings(block, Settings::default());
                self.defaults.insert(block.name.clone(), settings);
            }
            "console" => {
                let above = self.defaults.get("*").cloned().unwrap_or_default();
                let settings = self.settings(block, above);
                self.console(block, &settings);
            }
            kind => match OTHER_BLOCKS.iter().find(|(known, _)| *known == kind) {
                Some((_, why)) if !block.pairs.is_empty() => {
                    self.out.leave_out(&block.spot, format!("{kind} {}: {why}", block.name));
                }
                Some(_) => {}
                None => self.error(&block.spot, format!("there is no block \"{kind}\"")),
            },
        }
    }

    fn settings(&mut self, block: &Block, mut settings: Settings) -> Settings {
        for pair in &block.pairs {
            if pair.key == "include" {
                match self.defaults.get(&pair.value) {
                    Some(included) => settings.include(included),
                    None => self.error(&pair.spot, format!("there is no default \"{}\" above", pair.value)),
                }
                continue;
            }
            if let Err(problem) = settings.set(pair) {
                self.error(&pair.spot, problem);
            }
        }
        settings
    }

    fn console(&mut self, block: &Block, settings: &Settings) {
        let name = block.name.clone();
        if !self.names.insert(name.clone()) {
            self.error(&block.spot, format!("there is a console \"{name}\" already"));
            return;
        }
        settings.left_out().for_each(|(spot, text)| self.out.leave_out(spot, text));
        if !is_name(&name) {
            self.out.leave_out(&block.spot, format!("console \"{name}\": that cannot be the name of a node"));
            return;
        }
        let mut node = Node { spot: block.spot.clone(), name, ..Node::default() };
        match self.transport(&mut node, settings) {
            Ok(true) => {}
            Ok(false) => return,
            Err(Fault::Wrong(spot, text)) => {
                self.error(&spot, format!("console \"{}\": {text}", node.name));
                return;
            }
            Err(Fault::Ours(text)) => {
                self.out.leave_out(&block.spot, format!("console \"{}\": {text}", node.name));
                return;
            }
        }
        let log = settings.text("logfile").is_some_and(|log| log != "/dev/null");
        if !log {
            node.console.push(("log", "false".into()));
        }
        self.out.nodes.push(node);
    }

    /// Whether there is something to import.
    fn transport(&mut self, node: &mut Node, settings: &Settings) -> Result<bool, Fault> {
        let kind = settings.get("type").ok_or_else(|| Fault::wrong(&node.spot, "it has no type"))?;
        let need = |key: &str| {
            let text = format!("type {} needs {key}", kind.text);
            settings
                .get(key)
                .filter(|value| !value.text.is_empty())
                .ok_or(Fault::Wrong(node.spot.clone(), text))
        };
        if let Some(master) = settings.get("master")
            && ["device", "exec", "uds"].contains(&kind.text.as_str())
            && !["localhost", "127.0.0.1", "::1"].contains(&master.text.as_str())
        {
            let text = format!("master {}: its {} consoles are on that machine", master.text, kind.text);
            self.out.leave_out(&master.spot, text);
        }
        match kind.text.as_str() {
            "host" => {
                let (host, port) = (need("host")?, need("port")?);
                let host = checked(host, is_host, "is no host")?;
                let number = settings.port().ok_or_else(|| {
                    Fault::Ours(format!("port \"{}\" is no number from 1 to 65535", clean(&port.text)))
                })?;
                let raw = settings.text("protocol").is_some_and(|protocol| protocol == "raw");
                let transport = if raw { "tcp" } else { "telnet" };
                node.console = vec![
                    ("transport", quote(transport)),
                    ("host", quote(&host)),
                    ("port", number.to_string()),
                ];
            }
            "device" => {
                let device = settings.substituted("device", "devicesubst", &node.name);
                let device = Value { text: device.map_err(Fault::Ours)?, spot: need("device")?.spot.clone() };
                let device = checked(&device, is_path, "is no path of a serial port")?;
                node.console = vec![("transport", quote("serial")), ("device", quote(&device))];
                self.serial(node, settings)?;
            }
            "uds" => {
                let path = settings.substituted("uds", "udssubst", &node.name);
                let path = Value { text: path.map_err(Fault::Ours)?, spot: need("uds")?.spot.clone() };
                let path = checked(&path, is_path, "is no path of a socket")?;
                node.console = vec![("transport", quote("unix")), ("path", quote(&path))];
            }
            "exec" => {
                let command = settings.substituted("exec", "execsubst", &node.name).map_err(Fault::Ours)?;
                let argv = words_of(&command);
                if tells_password(&command.split_whitespace().map(str::to_owned).collect::<Vec<_>>()) {
                    let text = "its command holds a password: write one that reads it from a file";
                    return Err(Fault::Ours(text.into()));
                }
                if command.chars().any(char::is_control) {
                    return Err(Fault::Ours("its command holds a control character".into()));
                }
                node.console = vec![("transport", quote("command")), ("argv", quote_list(&argv))];
            }
            "ipmi" => {
                let host = checked(need("host")?, is_host, "is no host")?;
                let login = self.login(node, settings)?;
                node.bmc = self.out.bmc(&host, &login);
                node.console = vec![("transport", quote("sol"))];
            }
            "noop" => {
                self.out
                    .leave_out(&node.spot, format!("console \"{}\": type noop has no console", node.name));
                return Ok(false);
            }
            other => return Err(Fault::wrong(&kind.spot, format!("there is no type \"{other}\""))),
        }
        Ok(true)
    }

    fn serial(&mut self, node: &mut Node, settings: &Settings) -> Result<(), Fault> {
        if let Some(baud) = settings.get("baud") {
            let rate = baud.text.parse().ok().filter(|rate| is_baud(*rate));
            let rate = rate.ok_or_else(|| Fault::wrong(&baud.spot, "baud is a number such as 9600"))?;
            node.console.push(("baud", rate.to_string()));
        }
        if let Some(parity) = settings.get("parity") {
            match parity.text.as_str() {
                word @ ("none" | "even" | "odd") => node.console.push(("parity", quote(word))),
                "mark" | "space" => {
                    let text = format!("parity {}: ours are none, even and odd", parity.text);
                    self.out.leave_out(&parity.spot, text);
                }
                _ => return Err(Fault::wrong(&parity.spot, "parity is none, even, odd, mark or space")),
            }
        }
        if settings.option("cstopb", false) {
            node.console.push(("stop_bits", "2".into()));
        }
        let software = settings.option("ixon", true) || settings.option("ixoff", true);
        let flow = match (settings.option("crtscts", false), software) {
            (true, _) => "hardware",
            (false, true) => "software",
            (false, false) => "none",
        };
        node.console.push(("flow", quote(flow)));
        Ok(())
    }

    fn login(&mut self, node: &Node, settings: &Settings) -> Result<Login, Fault> {
        let text = |key: &str| settings.text(key).unwrap_or_default().to_owned();
        let mut login = Login { username: text("username"), ..Login::default() };
        if !is_username(&login.username) {
            let text = "a user name of IPMI 2.0 has at most 16 bytes, none of them a control character";
            return Err(Fault::Ours(text.into()));
        }
        login.password = Zeroizing::new(text("password"));
        login.key = Zeroizing::new(text("ipmikg"));
        let spot = settings.get("password").or(settings.get("username")).map(|value| value.spot.clone());
        login.spot = spot.unwrap_or_else(|| node.spot.clone());
        if let Some(level) = settings.get("ipmiprivlevel") {
            login.privilege = Some(match level.text.as_str() {
                "user" => "USER",
                "operator" => "OPERATOR",
                "admin" => "ADMINISTRATOR",
                _ => return Err(Fault::wrong(&level.spot, "ipmiprivlevel is user, operator or admin")),
            });
        }
        if let Some(suite) = settings.get("ipmiciphersuite").filter(|suite| suite.text != "-1") {
            let number = suite.text.parse().ok().filter(|number| *number <= 17);
            let wrong = "ipmiciphersuite is a number from -1 to 17";
            login.cipher_suite = Some(number.ok_or_else(|| Fault::wrong(&suite.spot, wrong))?);
        }
        if let Some(list) = settings.get("ipmiworkaround") {
            for word in list.text.split([',', ' ']).filter(|word| !word.is_empty()) {
                match word {
                    "privilege" => login.quirks.push("open-highest"),
                    "serial-alerts" => login.quirks.push("sol-deferred-alerts"),
                    "default" => {}
                    off if off.starts_with('!') => {}
                    _ => self.out.leave_out(
                        &list.spot,
                        format!("ipmiworkaround {word}: quirks are known by manufacturer and product"),
                    ),
                }
            }
        }
        Ok(login)
    }
}

/// Why a console is not imported.
enum Fault {
    /// conserver would refuse it too.
    Wrong(Spot, String),
    /// We have nothing for it.
    Ours(String),
}

impl Fault {
    fn wrong(spot: &Spot, text: impl Into<String>) -> Fault {
        Fault::Wrong(spot.clone(), text.into())
    }
}

fn checked(value: &Value, good: fn(&str) -> bool, problem: &str) -> Result<String, Fault> {
    if good(&value.text) {
        Ok(value.text.clone())
    } else {
        Err(Fault::Ours(format!("\"{}\" {problem}", clean(&value.text))))
    }
}

/// The words of a simple command, else a shell with it, as conserver runs it.
fn words_of(command: &str) -> Vec<String> {
    if command.trim().is_empty() {
        return vec!["/bin/sh".into(), "-i".into()];
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || " \t_./:@%+,=-".contains(c);
    let first = command.split_whitespace().next().unwrap_or_default();
    let builtin = ["exec", "cd", "exit", "export", "set", "umask", "trap"].contains(&first);
    if command.chars().all(plain) && !first.contains('=') && !builtin {
        return command.split_whitespace().map(str::to_owned).collect();
    }
    vec!["/bin/sh".into(), "-ce".into(), command.to_owned()]
}
