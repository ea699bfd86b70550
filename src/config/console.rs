//! `console = { .. }` as written, and what each transport needs. `assemble` makes settings of it.

use super::error::{At, Place};
use super::load::LoadOptions;
use super::section::Section;
use super::sets::{Set, addresses, sockets};
use super::settings::{Charset, Flow, Parity, SerialLine};
use super::units;

/// Port of telnet (IANA).
const TELNET_PORT: &str = "23";

/// What is written of a console, its own values checked, its sets expanded but not yet zipped.
pub(super) struct RawConsole {
    pub(super) place: Place,
    pub(super) transport: String,
    /// Socket of transport `unix`, device of transport `serial`.
    pub(super) path: Option<At<Set>>,
    pub(super) host: Option<At<Set>>,
    pub(super) port: Option<At<Set>>,
    pub(super) argv: Option<At<Vec<String>>>,
    pub(super) escape: Option<Vec<u8>>,
    pub(super) line: SerialLine,
    pub(super) charset: Option<Charset>,
    pub(super) size: Option<(u16, u16)>,
    pub(super) force_wrap: bool,
    pub(super) log: bool,
}

/// A key with the transports that have a use for it.
const KEYS: &[(&str, &[&str])] = &[
    ("path", &["unix"]),
    ("device", &["serial"]),
    ("host", &["tcp", "telnet"]),
    ("port", &["tcp", "telnet"]),
    ("argv", &["command"]),
    ("escape", &["command"]),
    ("baud", &["serial", "telnet"]),
    ("data_bits", &["serial", "telnet"]),
    ("parity", &["serial", "telnet"]),
    ("stop_bits", &["serial", "telnet"]),
    ("flow", &["serial", "telnet"]),
];

/// What a transport cannot do without: key, and how it is written.
const NEEDS: &[(&str, &str, &str)] = &[
    ("unix", "path", "write path = \"/run/vm1.serial\""),
    ("tcp", "host", "write host = \"ts1\" and port = 4001"),
    ("tcp", "port", "write port = 4001, or a node set, port = \"[4001-4016]\""),
    ("telnet", "host", "write host = \"ts1\""),
    ("command", "argv", "write argv = [\"ssh\", \"-t\", \"jump\", \"console\", \"{name}\"]"),
    ("serial", "device", "write device = \"/dev/ttyS0\""),
];

impl RawConsole {
    pub(super) fn read(mut section: Section<'_>, options: &LoadOptions<'_>) -> Option<RawConsole> {
        section.missing(
            "transport",
            "a console has no transport",
            &format!("write one of {}", options.transports.join(", ")),
        );
        let transport = section.choice("transport", options.transports);
        let source = section.source;
        let socket = section
            .parsed("path", "the path of a socket, or a node set of them", |text| sockets(text, source));
        let device = section
            .parsed("device", "the path of a device, or a node set of them", |text| sockets(text, source));
        let host = section.parsed("host", "a host name, an address, or a node set of them", addresses);
        let port = section.ports("port");
        let argv = section.program("argv");
        let escape = section.parsed("escape", "\"none\", a key such as \"~\" or \"ctrl-]\", or two", escape);
        let line = line(&mut section);
        let charset = section.parsed("charset", "utf-8, cp437 or latin-1", charset);
        let size = section.parsed("size", "columns x rows such as \"80x25\"", units::screen_size);
        let force_wrap = section.boolean("force_wrap");
        let log = section.boolean("log");
        if let Some(transport) = &transport {
            check_keys(&transport.value, &section);
        }
        let default_port =
            transport.as_ref().filter(|transport| transport.value == "telnet").map(|transport| {
                let set = Set { text: TELNET_PORT.to_owned(), names: vec![TELNET_PORT.to_owned()] };
                At::new(set, transport.place.clone())
            });
        section.finish();
        let transport = transport?;
        Some(RawConsole {
            place: transport.place,
            transport: transport.value,
            path: socket.or(device),
            host,
            port: port.or(default_port),
            argv,
            escape: escape.map(|escape| escape.value),
            line,
            charset: charset.map(|charset| charset.value),
            size: size.map(|size| size.value),
            force_wrap: force_wrap.is_some_and(|force| force.value),
            log: log.is_none_or(|log| log.value),
        })
    }

    /// A node set of places, one for each node, or the one that all nodes share.
    pub(super) fn of(set: Option<&At<Set>>, at: usize) -> Option<&String> {
        let names = &set?.value.names;
        if names.len() == 1 { names.first() } else { names.get(at) }
    }
}

/// Transports that this room does not know may have all keys.
fn check_keys(transport: &str, section: &Section<'_>) {
    let known = transport == "sol" || NEEDS.iter().any(|(name, ..)| *name == transport);
    if !known {
        return;
    }
    for (name, key, help) in NEEDS {
        if *name == transport {
            section.missing(key, &format!("transport {transport} needs {key}"), help);
        }
    }
    for (key, users) in KEYS {
        if let Some(place) = section.key_place(key).filter(|_| !users.contains(&transport)) {
            let text = format!("transport {transport} has no use for it");
            section.report(&place, key, text, format!("it belongs to transport {}", users.join(" and ")));
        }
    }
}

fn line(section: &mut Section<'_>) -> SerialLine {
    let number = |at: At<i64>| u32::try_from(at.value).unwrap_or(u32::MAX);
    let bits = |at: At<i64>| u8::try_from(at.value).unwrap_or(u8::MAX);
    SerialLine {
        baud: section.integer("baud", 50..=4_000_000).map(number),
        data_bits: section.integer("data_bits", 5..=8).map(bits),
        parity: section.parsed("parity", "none, even or odd", parity).map(|parity| parity.value),
        stop_bits: section.integer("stop_bits", 1..=2).map(bits),
        flow: section.parsed("flow", "none, hardware or software", flow).map(|flow| flow.value),
    }
}

fn parity(text: &str) -> Result<Parity, String> {
    match text {
        "none" => Ok(Parity::None),
        "even" => Ok(Parity::Even),
        "odd" => Ok(Parity::Odd),
        _ => Err("there is no such parity".into()),
    }
}

fn flow(text: &str) -> Result<Flow, String> {
    match text {
        "none" => Ok(Flow::None),
        "hardware" => Ok(Flow::Hardware),
        "software" => Ok(Flow::Software),
        _ => Err("there is no such flow control".into()),
    }
}

fn charset(text: &str) -> Result<Charset, String> {
    match text.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => Ok(Charset::Utf8),
        "cp437" => Ok(Charset::Cp437),
        "latin-1" | "latin1" => Ok(Charset::Latin1),
        _ => Err("there is no such character set".into()),
    }
}

/// The bytes of `ctrl-]`, `~` or `ctrl-e c`; none of `none`.
fn escape(text: &str) -> Result<Vec<u8>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let keys: Vec<&str> = text.split_whitespace().collect();
    if keys.is_empty() || keys.len() > 2 {
        return Err("it is one key or two".into());
    }
    keys.into_iter().map(key).collect()
}

/// Typed bytes as people write keys: `ctrl-e c`.
#[must_use]
pub fn key_words(bytes: &[u8]) -> String {
    let word = |byte: &u8| match *byte {
        control @ ..0x20 => format!("ctrl-{}", char::from(control | 0x40).to_ascii_lowercase()),
        other => char::from(other).to_string(),
    };
    bytes.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn key(word: &str) -> Result<u8, String> {
    let (name, control) = match word.strip_prefix("ctrl-") {
        Some(name) => (name, true),
        None => (word, false),
    };
    match (name.as_bytes(), control) {
        ([byte @ 0x21..=0x7e], false) => Ok(*byte),
        ([byte @ (b'@'..=b'_' | b'a'..=b'z')], true) => Ok(byte & 0x1f),
        _ => Err(format!("\"{}\" is no key", super::words::shown(word))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_one_key_or_two() {
        assert_eq!(escape("ctrl-]"), Ok(vec![0x1d]));
        assert_eq!(escape("~"), Ok(vec![b'~']));
        assert_eq!(escape("ctrl-e c"), Ok(vec![5, b'c']));
        assert_eq!(escape("none"), Ok(vec![]));
        assert_eq!(key_words(&[5, b'c']), "ctrl-e c");
        for wrong in ["", "ctrl-", "ctrl-ä", "F1", "a b c"] {
            assert!(escape(wrong).is_err(), "{wrong}");
        }
    }
}
