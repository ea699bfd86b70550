//! Merged settings as TOML for `config show`, without any secret: where one came from is shown instead.

use super::console::key_words;
use super::secret::{Secret, SecretSource};
use super::settings::{
    BmcSettings, Charset, ConsoleSettings, Credentials, Flow, NodeSettings, Parity, SerialLine, Settings,
};
use super::units::{show_duration, show_size};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};
use std::path::Path;
use std::sync::Arc;

impl Settings {
    /// The settings as TOML: defaults filled in, node sets expanded, secrets left out.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        render(self, &mut out).expect("writing to a string does not fail");
        out
    }
}

fn render(settings: &Settings, out: &mut String) -> fmt::Result {
    let Settings { poll, power, screen, .. } = settings;
    writeln!(out, "theme = {}", quote(&settings.theme))?;
    writeln!(out, "\n[poll]")?;
    writeln!(out, "interval = \"{}\"", show_duration(poll.interval))?;
    writeln!(out, "min_command_interval = \"{}\"", show_duration(poll.min_command_interval))?;
    writeln!(out, "max_in_flight = {}", poll.max_in_flight)?;
    writeln!(out, "\n[power]")?;
    writeln!(out, "timeout = \"{}\"", show_duration(power.timeout))?;
    writeln!(out, "soft_timeout = \"{}\"", show_duration(power.soft_timeout))?;
    writeln!(out, "stagger = \"{}\"", show_duration(power.stagger))?;
    writeln!(out, "\n[screen]")?;
    writeln!(out, "fps = {}", screen.fps)?;
    writeln!(out, "fps_ssh = {}", screen.fps_ssh)?;
    writeln!(out, "prefix = {}", quote(&screen.prefix))?;
    writeln!(out, "color = {}", quote(&screen.color))?;
    writeln!(out, "glyphs = {}", quote(&screen.glyphs))?;
    writeln!(out, "mouse = {}", screen.mouse)?;
    let columns: Vec<String> = settings.table.columns.iter().map(|name| quote(name)).collect();
    writeln!(out, "\n[table]")?;
    writeln!(out, "columns = [{}]", columns.join(", "))?;
    writeln!(out, "sort = {}", quote(settings.table.sort.name()))?;
    let mut context = "";
    for binding in &settings.keys {
        if binding.context != context {
            context = &binding.context;
            writeln!(out, "\n[keys.{context}]")?;
        }
        let command = binding.command.as_ref().map_or_else(|| "false".to_owned(), |command| quote(command));
        writeln!(out, "{} = {command}", quote(&binding.key))?;
    }
    writeln!(out, "\n[console]")?;
    writeln!(out, "scrollback = {}", settings.scrollback)?;
    writeln!(out, "log_dir = {}", quote_path(&settings.log_dir))?;
    writeln!(out, "log_max_size = \"{}\"", show_size(settings.log_max_bytes))?;
    writeln!(out, "\n[paths]")?;
    writeln!(out, "state_dir = {}", quote_path(&settings.state_dir))?;
    writeln!(out, "runtime_dir = {}", quote_path(&settings.runtime_dir))?;
    writeln!(out, "ipmitool = {}", quote_path(&settings.ipmitool))?;
    for (name, tag) in &settings.tags {
        if tag.protected || tag.read_only {
            writeln!(out, "\n[tags.{}]", bare(name))?;
            writeln!(out, "protected = {}", tag.protected)?;
            writeln!(out, "read_only = {}", tag.read_only)?;
        }
    }
    let credentials: BTreeMap<&str, &Arc<Credentials>> = settings
        .nodes
        .iter()
        .filter_map(|node| node.bmc.as_ref()?.credentials.as_ref())
        .map(|credentials| (credentials.name.as_str(), credentials))
        .collect();
    for credentials in credentials.values() {
        writeln!(out, "\n[credentials.{}]", bare(&credentials.name))?;
        writeln!(out, "username = {}", quote(&credentials.username))?;
        render_password(&credentials.password, out)?;
    }
    settings.nodes.iter().try_for_each(|node| render_node(node, out))
}

fn render_password(password: &Secret, out: &mut String) -> fmt::Result {
    match password.source() {
        Some(SecretSource::File(path)) => writeln!(out, "password_file = {}", quote_path(path)),
        Some(SecretSource::Env(name)) => writeln!(out, "password_env = {}", quote(name)),
        Some(SecretSource::Command(program)) => {
            writeln!(out, "# password_command = [{}, ..]  (arguments not shown)", quote(program))
        }
        Some(SecretSource::Inline) | None => writeln!(out, "# password = (set)"),
    }
}

fn render_node(node: &NodeSettings, out: &mut String) -> fmt::Result {
    writeln!(out, "\n[[node]]")?;
    writeln!(out, "name = {}", quote(&node.name))?;
    if !node.tags.is_empty() {
        let tags: Vec<String> = node.tags.iter().map(|tag| quote(tag)).collect();
        writeln!(out, "tags = [{}]", tags.join(", "))?;
    }
    if let Some(bmc) = &node.bmc {
        writeln!(out, "bmc = {{ {} }}", bmc_fields(bmc).join(", "))?;
    }
    if let Some(console) = &node.console {
        writeln!(out, "console = {{ {} }}", console_fields(console).join(", "))?;
    }
    Ok(())
}

fn bmc_fields(bmc: &BmcSettings) -> Vec<String> {
    let mut fields = vec![field("driver", quote(&bmc.driver))];
    if let Some(address) = &bmc.address {
        // An address has no brackets left, so it is a set of one.
        fields.push(field("address", quote(address)));
        fields.push(field("port", bmc.port));
        fields.push(field("privilege", quote(bmc.privilege.name())));
        fields.push(field("cipher_suites", format!("{:?}", bmc.cipher_suites)));
    }
    if let Some(credentials) = &bmc.credentials {
        fields.push(field("credentials", quote(&credentials.name)));
    }
    if let Some(SecretSource::File(path)) = bmc.kg.as_ref().and_then(Secret::source) {
        fields.push(field("kg_file", quote_path(path)));
    }
    if let Some(quirks) = &bmc.quirks {
        let names: Vec<String> = quirks.iter().map(|name| quote(name)).collect();
        fields.push(field("quirks", format!("[{}]", names.join(", "))));
    }
    if !bmc.keep_login {
        fields.push(field("keep_login", false));
    }
    if let Some(qmp) = &bmc.qmp {
        fields.push(field("qmp", quote_path(qmp)));
    }
    if let Some(start) = &bmc.start {
        let words: Vec<String> = start.iter().map(|word| quote(word)).collect();
        fields.push(field("start", format!("[{}]", words.join(", "))));
    }
    fields
}

fn console_fields(console: &ConsoleSettings) -> Vec<String> {
    let mut fields = vec![field("transport", quote(&console.transport))];
    if let Some(path) = &console.path {
        let key = if console.transport == "serial" { "device" } else { "path" };
        fields.push(field(key, quote_path(path)));
    }
    if let Some(host) = &console.host {
        fields.push(field("host", quote(host)));
    }
    if let Some(port) = console.port {
        fields.push(field("port", port));
    }
    if !console.argv.is_empty() {
        let words: Vec<String> = console.argv.iter().map(|word| quote(word)).collect();
        fields.push(field("argv", format!("[{}]", words.join(", "))));
    }
    if let Some(escape) = &console.escape {
        let words = if escape.is_empty() { "none".to_owned() } else { key_words(escape) };
        fields.push(field("escape", quote(&words)));
    }
    line_fields(&console.line, &mut fields);
    if let Some(charset) = console.charset {
        let name = match charset {
            Charset::Utf8 => "utf-8",
            Charset::Cp437 => "cp437",
            Charset::Latin1 => "latin-1",
        };
        fields.push(field("charset", quote(name)));
    }
    if let Some((columns, rows)) = console.size {
        fields.push(field("size", quote(&format!("{columns}x{rows}"))));
    }
    if console.force_wrap {
        fields.push(field("force_wrap", true));
    }
    if !console.log {
        fields.push(field("log", false));
    }
    fields
}

fn line_fields(line: &SerialLine, fields: &mut Vec<String>) {
    if let Some(baud) = line.baud {
        fields.push(field("baud", baud));
    }
    if let Some(bits) = line.data_bits {
        fields.push(field("data_bits", bits));
    }
    if let Some(parity) = line.parity {
        let word = match parity {
            Parity::None => "none",
            Parity::Even => "even",
            Parity::Odd => "odd",
        };
        fields.push(field("parity", quote(word)));
    }
    if let Some(bits) = line.stop_bits {
        fields.push(field("stop_bits", bits));
    }
    if let Some(flow) = line.flow {
        let word = match flow {
            Flow::None => "none",
            Flow::Hardware => "hardware",
            Flow::Software => "software",
        };
        fields.push(field("flow", quote(word)));
    }
}

fn field(key: &str, value: impl Display) -> String {
    format!("{key} = {value}")
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A key, quoted where it must be.
fn bare(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !key.is_empty() && key.bytes().all(plain) { key.to_owned() } else { quote(key) }
}

fn quote_path(path: &Path) -> String {
    quote(&path.to_string_lossy())
}
