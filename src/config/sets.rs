//! Node sets in the configuration: names, addresses, sockets, and how they are zipped.

use super::error::{At, Problem};
use super::section::Source;
use super::words::shown;
use crate::fleet::NodeSet;

/// Longest node name; console logs are called after it.
const LONGEST_NAME: usize = 200;
/// `sun_path` of unix(7), without its NUL.
const LONGEST_SOCKET: usize = 107;

/// A node set with the text it was written as.
pub(super) struct Set {
    pub(super) text: String,
    pub(super) names: Vec<String>,
}

fn set(text: &str, check: impl Fn(&str) -> Result<(), String>) -> Result<Set, String> {
    let names = NodeSet::parse(text).map_err(|error| error.problem)?.names().to_vec();
    names.iter().try_for_each(|name| check(name))?;
    Ok(Set { text: text.to_owned(), names })
}

pub(super) fn names(text: &str) -> Result<Set, String> {
    set(text, |name| {
        let problem = if name == "all" {
            "\"all\" means every node".to_owned()
        } else if name.len() > LONGEST_NAME {
            format!("a name has at most {LONGEST_NAME} bytes")
        } else if name.starts_with(['-', '.']) {
            format!("the name \"{}\" begins with \"-\" or \".\"", shown(name))
        } else if let Some(bad) = name.chars().find(|c| !(c.is_alphanumeric() || "-_.:".contains(*c))) {
            format!("a name has letters, digits, \"-\", \"_\", \".\" and \":\", but no {bad:?}")
        } else {
            return Ok(());
        };
        Err(problem)
    })
}

/// Addresses reach a program's arguments, so none may look like an option.
pub(super) fn addresses(text: &str) -> Result<Set, String> {
    set(text, |address| {
        let colons = address.matches(':').count();
        let problem = if address.starts_with('-') {
            format!("\"{}\" begins with \"-\"", shown(address))
        } else if colons == 1 {
            format!("\"{}\" holds a port, which is a key of its own: port = ..", shown(address))
        } else if let Some(bad) =
            address.chars().find(|c| !(c.is_ascii_alphanumeric() || "-_.:%".contains(*c)))
        {
            format!("an address holds no {bad:?}")
        } else {
            return Ok(());
        };
        Err(problem)
    })
}

pub(super) fn ports(text: &str) -> Result<Set, String> {
    set(text, |port| match port.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err(format!("\"{}\" is no port", shown(port))),
    })
}

pub(super) fn sockets(text: &str, source: &Source) -> Result<Set, String> {
    let set = set(text, |_| Ok(()))?;
    let names: Result<Vec<String>, String> = set
        .names
        .iter()
        .map(|name| {
            let path = source.path(name)?;
            if path.as_os_str().len() > LONGEST_SOCKET {
                return Err(format!("the path of a socket has at most {LONGEST_SOCKET} bytes"));
            }
            path.into_os_string().into_string().map_err(|_| "the path is not UTF-8".to_owned())
        })
        .collect();
    Ok(Set { text: set.text, names: names? })
}

/// Checks that `other` can be zipped with the names of the node.
///
/// # Errors
/// A problem with both lengths and both expressions.
pub(super) fn zip(name: &Set, other: &At<Set>, key: &str, what: &str) -> Result<(), Problem> {
    let (nodes, values) = (name.names.len(), other.value.names.len());
    if nodes == values {
        return Ok(());
    }
    let text = format!(
        "\"{}\" is {}, but name \"{}\" is {}",
        shown(&other.value.text),
        count(values, what),
        shown(&name.text),
        count(nodes, "node"),
    );
    let help = if values == 1 {
        format!("every node needs its own {what}: write a node set of {nodes}")
    } else {
        "the first belongs to the first, the second to the second: make both sets equally long".to_owned()
    };
    Err(Problem::new(&other.place, format!("node.{key}"), text).help(help))
}

fn count(number: usize, word: &str) -> String {
    match (number, word.ends_with('s')) {
        (1, _) => format!("1 {word}"),
        (_, true) => format!("{number} {word}es"),
        (_, false) => format!("{number} {word}s"),
    }
}
