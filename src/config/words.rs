//! Words for errors: suggestions, values as they are shown. Pure.

use toml::de::DeValue;

/// `did you mean "x"?`, else everything there is.
pub(super) fn suggest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let nearest = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), candidate), *candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1));
    match nearest {
        Some((_, candidate)) => format!("did you mean \"{candidate}\"?"),
        None if known.is_empty() => "there are none".into(),
        None => {
            let mut known = known;
            known.sort_unstable();
            format!("known: {}", known.join(", "))
        }
    }
}

/// A value for an error message: short, on one line, no control characters and nothing invisible that would
/// change the order of what follows.
pub(super) fn shown(text: &str) -> String {
    cut(text, 60)
}

/// The same with more room, for what a program says.
pub(super) fn shown_long(text: &str) -> String {
    cut(text, 300)
}

fn cut(text: &str, length: usize) -> String {
    let line: String = text
        .chars()
        .take(length)
        .flat_map(|c| {
            // Quotes and the like are no danger; `escape_debug` would escape them too.
            if c.is_ascii() && !c.is_control() { c.to_string() } else { c.escape_debug().to_string() }
                .chars()
                .collect::<Vec<_>>()
        })
        .collect();
    if text.chars().count() > length { format!("{line}…") } else { line }
}

/// A value as an error names it.
pub(super) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text \"{}\"", shown(text)),
        DeValue::Integer(number) => format!("the number {}", number.as_str()),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(flag) => format!("{flag}"),
        other => kind(other).to_owned(),
    }
}

/// The type of a value, where the value may be a secret.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// An I/O error in words, without its number.
pub(super) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or("unknown error");
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_one_line_that_cannot_turn_round() {
        assert_eq!(shown("rack \"é\"\\ 木"), "rack \"é\"\\ 木");
        assert_eq!(shown("a\nb\x1b[2J\u{9b}\u{202e}\u{200b}c"), "a\\nb\\u{1b}[2J\\u{9b}\\u{202e}\\u{200b}c");
        assert_eq!(shown(&"x".repeat(61)), format!("{}…", "x".repeat(60)));
    }
}
