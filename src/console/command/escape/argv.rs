//! What the arguments of a console program say of its escape: which program it is behind a `sudo`, and which escape
//! it was given. Pure.

use super::{KNOWN, Known};
use std::path::Path;

/// Programs that start the one that their arguments name, and leave its keys alone.
const STARTERS: &[&str] = &[
    "sudo", "doas", "env", "nice", "ionice", "chrt", "timeout", "stdbuf", "setsid", "nohup", "setpriv",
    "runuser", "sshpass", "nsenter",
];
/// Options of ssh(1) that are followed by a value.
const SSH_VALUES: &str = "BbcDEeFIiJLlmOopPQRSWw";

/// An escape by the arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// They say nothing of it.
    Usual,
    /// It has none.
    None,
    /// It is this one.
    Keys(Vec<u8>),
    /// It is this one, and reaches the node by what follows.
    Typed(u8, Vec<u8>),
}

/// The known program that is started in the end, by its name, and its arguments.
pub(super) fn started<'a>(
    name: &str,
    arguments: &'a [String],
) -> Option<(&'static Known, &'static str, &'a [String])> {
    let known = |name: &str| {
        KNOWN.iter().find_map(|known| Some((known, *known.names.iter().find(|other| **other == name)?)))
    };
    if let Some((known, name)) = known(name) {
        return Some((known, name, arguments));
    }
    if !STARTERS.contains(&name) {
        return None;
    }
    arguments.iter().enumerate().find_map(|(at, word)| {
        let (known, name) = known(Path::new(word).file_name()?.to_str()?)?;
        Some((known, name, &arguments[at + 1..]))
    })
}

/// What the arguments of a known program choose, by one of its options.
pub(super) fn chosen(name: &str, options: &[&str], arguments: &[String]) -> Chosen {
    match name {
        "ssh" => return ssh(arguments),
        "telnet" if arguments.iter().any(|word| word == "-E") => return Chosen::None,
        "picocom" if arguments.iter().any(|word| word == "-n" || word == "--no-escape") => {
            return Chosen::None;
        }
        _ => {}
    }
    let value = arguments.iter().enumerate().find_map(|(at, word)| {
        options.iter().find_map(|option| match word.strip_prefix(option)? {
            "" => arguments.get(at + 1).map(String::as_str),
            rest if option.starts_with("--") => rest.strip_prefix('='),
            rest => Some(rest),
        })
    });
    match value {
        None => Chosen::Usual,
        Some("" | "none") => Chosen::None,
        // picocom is given the letter of a control key.
        Some(letter) if name == "picocom" => keys(&format!("^{}", letter.trim_start_matches('^'))),
        Some(value) => match keys(value) {
            Chosen::Keys(keys) if name == "screen" && keys.len() == 2 => Chosen::Typed(keys[0], keys),
            chosen => chosen,
        },
    }
}

/// Characters, with `^X` for control keys; what is written otherwise says nothing.
fn keys(text: &str) -> Chosen {
    let mut keys = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        keys.push(match (byte, rest.len()) {
            (b'^', 1..) => match rest.next().map(|byte| byte.to_ascii_uppercase()) {
                Some(b'?') => 0x7f,
                Some(byte @ b'@'..=b'_') => byte & 0x1f,
                _ => return Chosen::Usual,
            },
            (byte, _) => byte,
        });
    }
    if keys.is_empty() || keys.len() > 2 { Chosen::Usual } else { Chosen::Keys(keys) }
}

/// ssh takes no escape where it gives the other side no terminal: with a command, unless one is asked for.
fn ssh(arguments: &[String]) -> Chosen {
    let mut chosen = Chosen::Usual;
    // Asked for, refused, or as it comes.
    let mut terminal = None;
    let mut words = arguments.iter().peekable();
    let mut host = false;
    let mut command = false;
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            // Behind the host there may be more options, and then the command.
            command = host;
            if command {
                break;
            }
            host = true;
            continue;
        };
        for (at, letter) in letters.char_indices() {
            match letter {
                't' => terminal = Some(true),
                'T' | 'N' => terminal = Some(false),
                _ if SSH_VALUES.contains(letter) => {
                    let rest = &letters[at + 1..];
                    let value = if rest.is_empty() { words.next().map_or("", String::as_str) } else { rest };
                    match (letter, value.split_once(['=', ' '])) {
                        ('e', _) => chosen = ssh_escape(value),
                        ('W', _) => terminal = Some(false),
                        ('o', Some((key, value))) if key.eq_ignore_ascii_case("EscapeChar") => {
                            chosen = ssh_escape(value);
                        }
                        ('o', Some((key, value))) if key.eq_ignore_ascii_case("RequestTTY") => {
                            terminal = match value {
                                "no" => Some(false),
                                "yes" | "force" => Some(true),
                                _ => terminal,
                            };
                        }
                        _ => {}
                    }
                    break;
                }
                _ => {}
            }
        }
    }
    if terminal.unwrap_or(!command) { chosen } else { Chosen::None }
}

fn ssh_escape(value: &str) -> Chosen {
    if value == "none" { Chosen::None } else { keys(value) }
}
