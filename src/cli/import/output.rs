//! What an importer gives, and its TOML. Pure.

use super::{Remark, Spot};
use std::collections::BTreeSet;
use std::fmt::{self, Write};
use zeroize::Zeroizing;

/// Consoles and credentials as they were understood.
#[derive(Default)]
pub struct Imported {
    /// For file names and credentials: `conman` or `conserver`.
    pub tool: &'static str,
    pub nodes: Vec<Node>,
    pub left_out: BTreeSet<Remark>,
    credentials: Vec<Credentials>,
    keys: Vec<Zeroizing<String>>,
}

/// A `[[node]]`.
#[derive(Default)]
pub struct Node {
    pub spot: Spot,
    pub name: String,
    /// Keys and values, the values as TOML.
    pub bmc: Vec<(&'static str, String)>,
    /// The same.
    pub console: Vec<(&'static str, String)>,
}

struct Credentials {
    name: String,
    username: String,
    /// Kept to tell them apart, never shown.
    password: Zeroizing<String>,
    spot: Spot,
}

/// What is told of a BMC, whatever the tool calls it.
#[derive(Default, Clone)]
pub struct Login {
    pub username: String,
    pub password: Zeroizing<String>,
    /// The BMC key; none if empty.
    pub key: Zeroizing<String>,
    /// `USER`, `OPERATOR`, `ADMINISTRATOR`.
    pub privilege: Option<&'static str>,
    pub cipher_suite: Option<u8>,
    pub quirks: Vec<&'static str>,
    /// Where it was written.
    pub spot: Spot,
}

impl Imported {
    pub fn new(tool: &'static str) -> Imported {
        Imported { tool, ..Imported::default() }
    }

    pub fn leave_out(&mut self, spot: &Spot, text: impl Into<String>) {
        self.left_out.insert((spot.clone(), clean(&text.into())));
    }

    /// The keys of a `bmc` for this login; equal logins share their credentials.
    pub fn bmc(&mut self, address: &str, login: &Login) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        let other = login.cipher_suite.filter(|suite| ![3, 17].contains(suite));
        if let Some(suite) = other {
            fields.push(("driver", quote("ipmitool")));
            let text =
                format!("cipher suite {suite} is not known to driver ipmi, so driver ipmitool is used");
            self.leave_out(&login.spot, text);
        }
        fields.push(("address", quote(address)));
        fields.push(("credentials", quote(&self.credentials(login))));
        if let Some(privilege) = login.privilege {
            fields.push(("privilege", quote(privilege)));
        }
        if let Some(suite) = login.cipher_suite {
            fields.push(("cipher_suites", format!("[{suite}]")));
        }
        if !login.quirks.is_empty() && other.is_none() {
            let quirks: Vec<String> = login.quirks.iter().map(|quirk| quote(quirk)).collect();
            fields.push(("quirks", format!("[{}]", quirks.join(", "))));
        }
        if !login.key.is_empty() {
            let at = self.keys.iter().position(|key| *key == login.key).unwrap_or_else(|| {
                self.keys.push(login.key.clone());
                self.keys.len() - 1
            });
            fields.push(("kg_file", quote(&self.key_file(at))));
        }
        fields
    }

    fn credentials(&mut self, login: &Login) -> String {
        let known = self
            .credentials
            .iter()
            .find(|known| known.username == login.username && known.password == login.password);
        if let Some(known) = known {
            return known.name.clone();
        }
        let name = numbered(self.tool, self.credentials.len());
        self.credentials.push(Credentials {
            name: name.clone(),
            username: login.username.clone(),
            password: login.password.clone(),
            spot: login.spot.clone(),
        });
        name
    }

    fn key_file(&self, at: usize) -> String {
        format!("{}.kg", numbered(self.tool, at))
    }

    /// The secret files that the operator is to create.
    pub fn files(&self) -> Vec<String> {
        let passwords = self.credentials.iter().map(|one| {
            let what = if one.password.is_empty() { "empty, there was no password" } else { "the password" };
            format!("{}.pw, mode 600: {what}, from {}", one.name, words(&one.spot))
        });
        let keys = (0..self.keys.len()).map(|at| format!("{}, mode 600: the BMC key", self.key_file(at)));
        passwords.chain(keys).collect()
    }

    /// All of it as TOML, with what was left out in comments at the top.
    pub fn render(&self, file: &str) -> String {
        let mut out = String::new();
        self.write(file, &mut out).expect("writing to a string does not fail");
        out
    }

    fn write(&self, file: &str, out: &mut String) -> fmt::Result {
        writeln!(out, "# From {} by \"lightsout import {}\".", clean(file), self.tool)?;
        for (spot, text) in &self.left_out {
            writeln!(out, "# left out: {}: {text}", words(spot))?;
        }
        for file in self.files() {
            writeln!(out, "# to create: {file}")?;
        }
        for credentials in &self.credentials {
            writeln!(out, "\n[credentials.{}]", credentials.name)?;
            writeln!(out, "username = {}", quote(&credentials.username))?;
            writeln!(out, "password_file = \"{}.pw\"", credentials.name)?;
        }
        for node in &self.nodes {
            writeln!(out, "\n[[node]] # {}", words(&node.spot))?;
            writeln!(out, "name = {}", quote(&node.name))?;
            if !node.bmc.is_empty() {
                writeln!(out, "bmc = {}", inline(&node.bmc))?;
            }
            writeln!(out, "console = {}", inline(&node.console))?;
        }
        Ok(())
    }
}

/// `conman`, `conman2`, `conman3`.
fn numbered(tool: &str, at: usize) -> String {
    if at == 0 { tool.to_owned() } else { format!("{tool}{}", at + 1) }
}

/// `line 12`, with the file if it is an included one.
fn words(spot: &Spot) -> String {
    if spot.file.is_empty() {
        format!("line {}", spot.line)
    } else {
        format!("{} line {}", clean(&spot.file), spot.line)
    }
}

fn inline(fields: &[(&'static str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", fields.join(", "))
}

/// A text as TOML.
pub fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Words as TOML.
pub fn quote_list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
    format!("[{}]", words.join(", "))
}

/// Text for a comment or a terminal: one line, no control characters, not endless.
pub fn clean(text: &str) -> String {
    let line: String = text.chars().take(200).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > 200 { line + "…" } else { line }
}

/// Whether it can be the name of a node, as the configuration wants it.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && name != "all"
        && !name.starts_with(['-', '.'])
        && name.chars().all(|c| c.is_alphanumeric() || "-_.:".contains(c))
}

/// Whether it can be a host: letters, digits and what addresses have; no option, no node set.
pub fn is_host(host: &str) -> bool {
    !host.is_empty()
        && !host.starts_with('-')
        && host.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:%".contains(c))
        && host.matches(':').count() != 1
}

/// Whether a serial port can have this rate, in bits per second.
pub fn is_baud(rate: u32) -> bool {
    (50..=4_000_000).contains(&rate)
}

/// Whether it can be the user name of a BMC (IPMI 2.0, section 22.28).
pub fn is_username(name: &str) -> bool {
    name.len() <= 16 && !name.chars().any(char::is_control)
}

/// Whether it can be a path: absolute, and not read as a node set.
pub fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path.len() <= 107
        && !path.contains(['[', ']', ','])
        && !path.contains(char::is_control)
}

/// Whether a command has a password among its words, as far as that can be told.
pub fn tells_password(argv: &[String]) -> bool {
    let is =
        |names: &[&str]| argv.iter().any(|word| names.contains(&word.rsplit('/').next().unwrap_or_default()));
    let has = |option: &str| argv.iter().any(|word| word.starts_with(option));
    has("--password")
        || (is(&["ipmitool", "ipmiconsole", "sshpass"]) && (has("-P") || has("-p")))
        || argv.iter().any(|word| word.starts_with("SSHPASS=") || word.starts_with("IPMI_PASSWORD="))
}
