//! Hostlist notation to names. Counts before it builds, so that a mistake costs no memory.

use super::MAX_NAMES;
use std::net::Ipv6Addr;

/// Longest text of a name that is looked at; names, addresses and socket paths are far shorter.
const MAX_TEXT: usize = 1024;
/// Digits of the longest number in a range, so that it fits into 64 bits.
const MAX_DIGITS: usize = 18;

/// A piece of a name: text, or what a bracket stands for.
enum Part<'a> {
    Text(&'a str),
    Ranges(Vec<Range>),
}

/// `first..=last`, each written with at least `width` digits.
struct Range {
    first: u64,
    last: u64,
    width: usize,
}

/// The commas that stand outside brackets separate names.
///
/// # Errors
/// A text for [`super::NodeSetError`] when brackets are unbalanced.
pub(super) fn split(text: &str) -> Result<Vec<&str>, String> {
    let mut pieces = Vec::new();
    let mut open = false;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match c {
            '[' if open => return Err("brackets inside brackets".into()),
            ']' if !open => return Err("a \"]\" without its \"[\"".into()),
            '[' => open = true,
            ']' => open = false,
            ',' if !open => {
                pieces.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if open {
        return Err("a \"[\" without its \"]\"".into());
    }
    pieces.push(text[start..].trim());
    Ok(pieces)
}

/// All names of `text`.
///
/// # Errors
/// A text for [`super::NodeSetError`].
pub(super) fn expand(text: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for piece in split(text)? {
        expand_piece(piece, &mut names)?;
    }
    Ok(names)
}

/// Adds the names of one `piece`, which holds no comma outside brackets.
///
/// # Errors
/// A text for [`super::NodeSetError`].
pub(super) fn expand_piece(piece: &str, names: &mut Vec<String>) -> Result<(), String> {
    if piece.is_empty() {
        return Err("a name is empty".into());
    }
    if piece.len() > MAX_TEXT {
        return Err(format!("a name is longer than {MAX_TEXT} bytes"));
    }
    if let Some(address) = bracketed_ipv6(piece) {
        names.push(address.to_owned());
        return Ok(());
    }
    let parts = parts(piece)?;
    let mut count = 1_u64;
    for part in &parts {
        if let Part::Ranges(ranges) = part {
            let here = ranges.iter().fold(0_u64, |sum, range| sum.saturating_add(range.len()));
            count = count.saturating_mul(here);
        }
    }
    if count.saturating_add(names.len() as u64) > MAX_NAMES as u64 {
        return Err(format!("it has more than {MAX_NAMES} names"));
    }
    let mut built = vec![String::new()];
    for part in &parts {
        match part {
            Part::Text(text) => built.iter_mut().for_each(|name| name.push_str(text)),
            Part::Ranges(ranges) => {
                built = built
                    .iter()
                    .flat_map(|name| {
                        ranges.iter().flat_map(move |range| {
                            (range.first..=range.last)
                                .map(move |number| format!("{name}{number:0width$}", width = range.width))
                        })
                    })
                    .collect();
            }
        }
    }
    names.append(&mut built);
    Ok(())
}

impl Range {
    fn len(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

/// `[fe80::1]` and `[fe80::1%eth0]`, as addresses are written in URLs.
fn bracketed_ipv6(piece: &str) -> Option<&str> {
    let inner = piece.strip_prefix('[')?.strip_suffix(']')?;
    let address = inner.split('%').next()?;
    address.parse::<Ipv6Addr>().ok().map(|_| inner)
}

fn parts(piece: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = piece;
    while let Some(open) = rest.find('[') {
        let close = rest.find(']').ok_or("a \"[\" without its \"]\"")?;
        if open > 0 {
            parts.push(Part::Text(&rest[..open]));
        }
        let ranges: Result<Vec<Range>, String> = rest[open + 1..close].split(',').map(range).collect();
        parts.push(Part::Ranges(ranges?));
        rest = &rest[close + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

fn range(text: &str) -> Result<Range, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a number is missing between brackets or commas".into());
    }
    let (start, end) = text.split_once('-').unwrap_or((text, text));
    let (start, end) = (start.trim(), end.trim());
    let (first, last) = (number(start, text)?, number(end, text)?);
    if last < first {
        return Err(format!("the range \"{text}\" runs backwards"));
    }
    let longer_and_padded = end.len() > start.len() && end.starts_with('0');
    if end.len() < start.len() || longer_and_padded {
        return Err(format!("the ends of the range \"{text}\" are not padded alike"));
    }
    Ok(Range { first, last, width: start.len() })
}

fn number(digits: &str, whole: &str) -> Result<u64, String> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("\"{whole}\" is neither a number nor a range of numbers"));
    }
    if digits.len() > MAX_DIGITS {
        return Err(format!("\"{whole}\" has more than {MAX_DIGITS} digits"));
    }
    digits.parse().map_err(|error| format!("\"{whole}\" is no number: {error}"))
}
