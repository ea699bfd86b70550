//! ConMan's conman.conf (conman.conf(5), 0.2.7): `SERVER`, `GLOBAL` and `CONSOLE` directives. Pure.

mod lex;

#[cfg(test)]
mod tests;

use super::output::{
    Imported, Login, Node, clean, is_baud, is_host, is_name, is_path, is_username, quote, quote_list,
    tells_password,
};
use super::{Remark, Spot};
use lex::{Directive, Pair};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

const SERVER_KEYS: [&str; 14] = [
    "coredump",
    "coredumpdir",
    "execpath",
    "keepalive",
    "logdir",
    "logfile",
    "loopback",
    "nofile",
    "pidfile",
    "port",
    "resetcmd",
    "syslog",
    "tcpwrappers",
    "timestamp",
];
const CONSOLE_KEYS: [&str; 6] = ["name", "dev", "log", "logopts", "seropts", "ipmiopts"];

/// `GLOBAL` values, which hold for the consoles below them.
#[derive(Default)]
struct Globals {
    log: Option<String>,
    serial: Option<Serial>,
    login: Option<Login>,
    execpath: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Serial {
    baud: u32,
    data_bits: u8,
    parity: &'static str,
    stop_bits: u8,
}

/// Reads the text.
///
/// # Errors
/// Everything that ConMan would refuse, and what we cannot read.
pub fn import(text: &str) -> Result<Imported, Vec<Remark>> {
    let mut reader = Reader {
        out: Imported::new("conman"),
        errors: Vec::new(),
        globals: Globals::default(),
        names: BTreeSet::new(),
    };
    for directive in lex::directives(text, &mut reader.errors) {
        reader.directive(&directive);
    }
    if reader.errors.is_empty() {
        return Ok(reader.out);
    }
    reader.errors.sort_by(|a, b| a.0.cmp(&b.0));
    Err(reader.errors)
}

struct Reader {
    out: Imported,
    errors: Vec<Remark>,
    globals: Globals,
    names: BTreeSet<String>,
}

impl Reader {
    fn error(&mut self, spot: &Spot, text: impl AsRef<str>) {
        self.errors.push((spot.clone(), clean(text.as_ref())));
    }

    fn directive(&mut self, directive: &Directive) {
        match directive.word.as_str() {
            "server" => directive.pairs.iter().for_each(|pair| self.server(pair)),
            "global" => directive.pairs.iter().for_each(|pair| self.global(pair)),
            "console" => self.console(directive),
            other => {
                let text = format!("there is no directive \"{other}\", but SERVER, GLOBAL and CONSOLE");
                self.error(&directive.spot, text);
            }
        }
    }

    fn server(&mut self, pair: &Pair) {
        if !SERVER_KEYS.contains(&pair.key.as_str()) {
            self.error(&pair.spot, format!("SERVER has no \"{}\"", pair.key));
            return;
        }
        if pair.key == "execpath" {
            self.globals.execpath = Some(pair.value.clone());
            return;
        }
        let text = match pair.key.as_str() {
            "logdir" => format!("server logdir \"{}\": log_dir in [console] says where ours go", pair.value),
            "resetcmd" => "server resetcmd: a node's bmc does that".to_owned(),
            "timestamp" => "server timestamp: our raw logs have none".to_owned(),
            key => format!("server {key}: there is no daemon"),
        };
        self.out.leave_out(&pair.spot, text);
    }

    fn global(&mut self, pair: &Pair) {
        match pair.key.as_str() {
            "log" => {
                self.log_name(pair);
                self.globals.log = Some(pair.value.clone());
            }
            "logopts" => self.log_options(pair),
            "seropts" => self.globals.serial = self.serial(pair).or(self.globals.serial.take()),
            "ipmiopts" => self.globals.login = self.login(pair).or(self.globals.login.take()),
            other => self.error(&pair.spot, format!("GLOBAL has no \"{other}\"")),
        }
    }

    fn log_name(&mut self, pair: &Pair) {
        if !pair.value.is_empty() {
            let text = format!("log name \"{}\": ours are NODE.log in log_dir", pair.value);
            self.out.leave_out(&pair.spot, text);
        }
    }

    fn log_options(&mut self, pair: &Pair) {
        self.out.leave_out(&pair.spot, format!("logopts \"{}\": our logs are raw", pair.value));
    }

    fn console(&mut self, directive: &Directive) {
        for (at, pair) in directive.pairs.iter().enumerate() {
            if !CONSOLE_KEYS.contains(&pair.key.as_str()) {
                self.error(&pair.spot, format!("CONSOLE has no \"{}\"", pair.key));
            } else if directive.pairs[..at].iter().any(|before| before.key == pair.key) {
                self.error(&pair.spot, format!("\"{}\" is given twice", pair.key));
            }
        }
        let get = |key: &str| directive.pairs.iter().find(|pair| pair.key == key);
        // What is wrong with these is told, whatever becomes of the console.
        let serial = get("seropts").and_then(|pair| self.serial(pair)).or(self.globals.serial.clone());
        let login = get("ipmiopts").and_then(|pair| self.login(pair)).or(self.globals.login.clone());
        if let Some(pair) = get("log") {
            self.log_name(pair);
        }
        if let Some(pair) = get("logopts") {
            self.log_options(pair);
        }
        let (Some(name), Some(dev)) = (get("name"), get("dev")) else {
            self.error(&directive.spot, "CONSOLE needs name=\"..\" and dev=\"..\"");
            return;
        };
        let name = name.value.clone();
        if !self.names.insert(name.clone()) {
            self.error(&directive.spot, format!("there is a console \"{name}\" already"));
            return;
        }
        if !is_name(&name) {
            let text = format!("console \"{name}\": that cannot be the name of a node");
            self.out.leave_out(&directive.spot, text);
            return;
        }
        let log = get("log").map(|pair| &pair.value).or(self.globals.log.as_ref());
        let log = log.is_some_and(|log| !log.is_empty());
        let dev = dev.value.replace("%N", &name);
        let mut node = Node { spot: directive.spot.clone(), name, ..Node::default() };
        if let Err(text) = self.device(&dev, &mut node, serial, login) {
            let text = format!("console \"{}\": {text}", node.name);
            self.out.leave_out(&directive.spot, text);
            return;
        }
        if !log {
            node.console.push(("log", "false".into()));
        }
        self.out.nodes.push(node);
    }

    /// What ConMan makes of `dev`, in its order; `Err` says why it cannot be had.
    fn device(
        &mut self,
        dev: &str,
        node: &mut Node,
        serial: Option<Serial>,
        login: Option<Login>,
    ) -> Result<(), String> {
        let prefixed = |prefix: &str| {
            let (head, rest) = dev.split_at_checked(prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then_some(rest)
        };
        if let Some(host) = prefixed("ipmi:") {
            if !is_host(host) {
                return Err(format!("\"{host}\" is no host"));
            }
            let login = login.unwrap_or_else(|| Login { spot: node.spot.clone(), ..Login::default() });
            node.bmc = self.out.bmc(host, &login);
            node.console.push(("transport", quote("sol")));
        } else if let Some(path) = prefixed("unix:") {
            if !is_path(path) {
                return Err(format!("\"{path}\" is no absolute path of a socket"));
            }
            node.console = vec![("transport", quote("unix")), ("path", quote(path))];
        } else if let Some((host, port)) = telnet(dev) {
            if !is_host(host) {
                return Err(format!("\"{host}\" is no host"));
            }
            node.console =
                vec![("transport", quote("telnet")), ("host", quote(host)), ("port", port.to_string())];
        } else if dev.starts_with("/dev/") && !dev.contains(char::is_whitespace) {
            if !is_path(dev) {
                return Err(format!("\"{dev}\" is no path of a serial port"));
            }
            let serial = serial.unwrap_or(Serial { baud: 9600, data_bits: 8, parity: "none", stop_bits: 1 });
            node.console = vec![
                ("transport", quote("serial")),
                ("device", quote(dev)),
                ("baud", serial.baud.to_string()),
                ("data_bits", serial.data_bits.to_string()),
                ("parity", quote(serial.parity)),
                ("stop_bits", serial.stop_bits.to_string()),
            ];
        } else {
            let argv: Vec<String> = dev.split_whitespace().map(str::to_owned).collect();
            let Some(program) = argv.first() else {
                return Err("dev is empty".into());
            };
            if argv.iter().any(|word| word.contains(char::is_control)) {
                return Err("dev holds a control character".into());
            }
            if tells_password(&argv) {
                return Err("its command holds a password: write one that reads it from a file".into());
            }
            if !program.starts_with('/') {
                let path = self.globals.execpath.as_deref().unwrap_or("no execpath");
                let text = format!("program \"{program}\" is looked up in PATH, not in {path}");
                self.out.leave_out(&node.spot.clone(), text);
            }
            node.console = vec![("transport", quote("command")), ("argv", quote_list(&argv))];
        }
        Ok(())
    }

    /// `bps[,<databits>[<parity>[<stopbits>]]]`.
    fn serial(&mut self, pair: &Pair) -> Option<Serial> {
        let read = || {
            let (baud, rest) = pair.value.split_once(',').unwrap_or((&pair.value, ""));
            let mut serial =
                Serial { baud: baud.trim().parse().ok()?, data_bits: 8, parity: "none", stop_bits: 1 };
            let mut rest = rest.trim().chars();
            if let Some(bits) = rest.next() {
                serial.data_bits = bits.to_digit(10).filter(|bits| (5..=8).contains(bits))? as u8;
            }
            if let Some(parity) = rest.next() {
                serial.parity = match parity.to_ascii_lowercase() {
                    'n' => "none",
                    'e' => "even",
                    'o' => "odd",
                    _ => return None,
                };
            }
            if let Some(bits) = rest.next() {
                serial.stop_bits = bits.to_digit(10).filter(|bits| (1..=2).contains(bits))? as u8;
            }
            (is_baud(serial.baud) && rest.next().is_none()).then_some(serial)
        };
        let serial = read();
        if serial.is_none() {
            self.error(&pair.spot, format!("cannot read seropts \"{}\": write \"9600,8n1\"", pair.value));
        }
        serial
    }

    /// `U:name,P:password,K:key,C:suite,L:level,W:workaround`. No error shows its text.
    fn login(&mut self, pair: &Pair) -> Option<Login> {
        let mut login = Login { spot: pair.spot.clone(), ..Login::default() };
        let mut good = true;
        for part in pair.value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (letter, value) = part.split_once(':').unwrap_or(("", part));
            let problem = match letter.to_ascii_uppercase().as_str() {
                "U" if !is_username(value) => {
                    Some("a user name has at most 16 bytes, none of them a control character")
                }
                "U" => {
                    login.username = value.to_owned();
                    None
                }
                "P" => {
                    login.password = Zeroizing::new(value.to_owned());
                    None
                }
                "K" => {
                    login.key = Zeroizing::new(value.to_owned());
                    None
                }
                _ if value.is_empty() && ["C", "L", "W"].contains(&letter.to_ascii_uppercase().as_str()) => {
                    None
                }
                "C" => match value.parse().ok().filter(|suite| *suite <= 17) {
                    Some(suite) => {
                        login.cipher_suite = Some(suite);
                        None
                    }
                    None => Some("C: is a cipher suite from 0 to 17"),
                },
                "L" => match value.to_ascii_lowercase().as_str() {
                    "user" => {
                        login.privilege = Some("USER");
                        None
                    }
                    "op" | "operator" => {
                        login.privilege = Some("OPERATOR");
                        None
                    }
                    "admin" | "administrator" => {
                        login.privilege = Some("ADMINISTRATOR");
                        None
                    }
                    _ => Some("L: is user, op or admin"),
                },
                "W" => {
                    self.workaround(pair, value, &mut login);
                    None
                }
                _ => Some("ipmiopts are U:, P:, K:, C:, L: and W:, separated by commas"),
            };
            if let Some(problem) = problem {
                self.error(&pair.spot, problem);
                good = false;
            }
        }
        good.then_some(login)
    }

    /// FreeIPMI's names of workarounds (ipmiconsole(8)).
    fn workaround(&mut self, pair: &Pair, value: &str, login: &mut Login) {
        match value.to_ascii_lowercase().as_str() {
            "opensesspriv" => login.quirks.push("open-highest"),
            "serialalertsdeferred" => login.quirks.push("sol-deferred-alerts"),
            "default" | "none" => {}
            _ => self.out.leave_out(
                &pair.spot,
                format!("workaround \"{value}\": quirks are known by manufacturer and product"),
            ),
        }
    }
}

/// `host:port`.
fn telnet(dev: &str) -> Option<(&str, u16)> {
    let (host, port) = dev.rsplit_once(':')?;
    if host.contains(['/', ' ', '\t']) {
        return None;
    }
    let port: u16 = port.parse().ok()?;
    (port > 0).then_some((host, port))
}
