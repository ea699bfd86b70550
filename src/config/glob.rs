//! `*` and `?` in file names of `include` and in names of an inventory's filter. Pure.

/// Whether `text` is what `pattern` means: `*` stands for any characters, `?` for one, all else for itself.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Where the last star was, and how much of the text it covers so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((back, covered)) => {
                    star = Some((back, covered + 1));
                    at = back + 1;
                    seen = covered + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, good) in [
            ("*", "", true),
            ("*.toml", "a.toml", true),
            ("*.toml", "a.toml~", false),
            ("r?n*", "r1n01", true),
            ("r?n*", "rn01", false),
            ("*-bmc", "a-b-bmc", true),
            ("a*b*c", "abbbcbc", true),
            ("a*b*c", "abbbcb", false),
            ("", "a", false),
            ("[a]", "a", false),
        ] {
            assert_eq!(matches(pattern, text), good, "{pattern} {text}");
        }
    }
}
