//! The INI form of an Ansible inventory: `[group]`, `[group:children]`, `[group:vars]`, hosts with ranges and
//! variables behind them. Pure.

use super::Groups;
use crate::config::inventory::entry::Trouble;
use crate::config::words::shown;
use crate::fleet::nodeset::MAX_NAMES;

/// What the lines below a header are.
enum Part {
    Hosts,
    Children,
    Variables,
}

pub(super) fn read(text: &str) -> (Groups, Vec<Trouble>) {
    let mut groups = Groups::default();
    let mut troubles = Vec::new();
    let mut group = "ungrouped".to_owned();
    let mut part = Part::Hosts;
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        let result = if text.starts_with('[') && text.ends_with(']') {
            header(text).map(|(name, kind)| {
                group = name;
                part = kind;
            })
        } else {
            match part {
                Part::Hosts => hosts(&mut groups, &group, text),
                Part::Children => {
                    groups.child(text.split_whitespace().next().unwrap_or_default(), &group);
                    Ok(())
                }
                Part::Variables => variable(text).map(|(key, value)| {
                    groups.group_variables.entry(group.clone()).or_default().insert(key, value);
                }),
            }
        };
        if let Err(text) = result {
            troubles.push(Trouble { line: Some(line), text });
        }
    }
    (groups, troubles)
}

fn header(text: &str) -> Result<(String, Part), String> {
    let inner = text.trim_start_matches('[').trim_end_matches(']').trim();
    let (name, kind) = inner.split_once(':').unwrap_or((inner, "hosts"));
    let part = match kind {
        "hosts" => Part::Hosts,
        "children" => Part::Children,
        "vars" => Part::Variables,
        other => return Err(format!("there is no \"{}\" of a group, but children and vars", shown(other))),
    };
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(format!("\"{}\" names no group", shown(inner)));
    }
    Ok((name.to_owned(), part))
}

fn hosts(groups: &mut Groups, group: &str, text: &str) -> Result<(), String> {
    let words = words(text)?;
    let Some((pattern, rest)) = words.split_first() else {
        return Ok(());
    };
    let variables: Result<Vec<(String, String)>, String> = rest.iter().map(|word| variable(word)).collect();
    let mut variables = variables?;
    let mut pattern = pattern.as_str();
    if let Some((host, port)) = pattern.rsplit_once(':')
        && !host.rsplit(']').next().is_some_and(|end| end.contains(':'))
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        pattern = host;
        variables.push(("ansible_port".into(), port.to_owned()));
    }
    for host in expand(pattern)? {
        groups.host(&host, group);
        groups.host_variables.entry(host).or_default().extend(variables.iter().cloned());
    }
    Ok(())
}

fn variable(text: &str) -> Result<(String, String), String> {
    let wrong = || format!("\"{}\" is no key=value", shown(text));
    let (key, value) = text.split_once('=').ok_or_else(wrong)?;
    let key = key.trim();
    if key.is_empty() {
        return Err(wrong());
    }
    let value = value.trim();
    let bare = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value);
    Ok((key.to_owned(), bare.to_owned()))
}

/// Words between blanks; quotes hold a word together, `#` behind a blank begins a comment.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None if c == '#' && word.is_none() => break,
            None => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".into());
    }
    words.extend(word);
    Ok(words)
}

/// `n[01:16]`, `n[a:f]`, `n[1:9:2]`: the ranges of Ansible, both ends included, padded like the first.
fn expand(pattern: &str) -> Result<Vec<String>, String> {
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('[') {
        let (range, after) = after.split_once(']').ok_or("a \"[\" without its \"]\"")?;
        let items = range_items(range)?;
        if names.len().saturating_mul(items.len()) > MAX_NAMES {
            return Err(format!("it has more than {MAX_NAMES} names"));
        }
        names = names
            .iter()
            .flat_map(|name| items.iter().map(move |item| format!("{name}{before}{item}")))
            .collect();
        rest = after;
    }
    for name in &mut names {
        name.push_str(rest);
    }
    Ok(names)
}

fn range_items(range: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("cannot read the range [{}]: write [01:16] or [a:f]", shown(range));
    let mut parts = range.split(':');
    let (first, last) = (parts.next().ok_or_else(wrong)?, parts.next().ok_or_else(wrong)?);
    let step: usize = parts.next().map_or(Ok(1), str::parse).map_err(|_| wrong())?;
    if step == 0 || parts.next().is_some() {
        return Err(wrong());
    }
    if let (Ok(from), Ok(to)) = (first.parse::<u32>(), last.parse::<u32>()) {
        if to < from || (to - from) as usize / step >= MAX_NAMES {
            return Err(wrong());
        }
        let width = if first.starts_with('0') { first.len().min(20) } else { 1 };
        return Ok((from..=to).step_by(step).map(|number| format!("{number:0width$}")).collect());
    }
    match (first.as_bytes(), last.as_bytes()) {
        ([from], [to]) if from.is_ascii_alphabetic() && to.is_ascii_alphabetic() && from <= to => {
            Ok((*from..=*to).step_by(step).map(|byte| char::from(byte).to_string()).collect())
        }
        _ => Err(wrong()),
    }
}
