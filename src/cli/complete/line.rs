//! A command line as a shell has it, up to the cursor: its words, and the one that is being typed. Pure.

use std::path::PathBuf;

/// The words of the command; quotes and backslashes are gone.
#[derive(Debug, Default, PartialEq)]
pub struct Line {
    /// The program and all words before the last.
    pub words: Vec<String>,
    /// The word at the cursor; empty behind a blank.
    pub last: String,
    /// The last word as typed.
    raw: String,
}

/// The characters that bash leaves in the word although it breaks there (`rl_special_prefixes`).
const KEPT: [char; 2] = ['@', '$'];

impl Line {
    /// Reads any text; what is not closed ends with the text.
    pub fn read(text: &str) -> Line {
        let mut line = Line::default();
        let mut quote: Option<char> = None;
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if quote.is_none() && c.is_whitespace() {
                if !line.raw.is_empty() {
                    line.words.push(std::mem::take(&mut line.last));
                    line.raw.clear();
                }
                continue;
            }
            line.raw.push(c);
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None | Some('"'), '\\') => {
                    if let Some(next) = chars.next() {
                        line.raw.push(next);
                        line.last.push(next);
                    }
                }
                (_, c) => line.last.push(c),
            }
        }
        // Variables that are set for the command stand before it.
        let set = line.words.iter().take_while(|word| word.contains('=')).count();
        line.words.drain(..set);
        line
    }

    /// The file of `--config`, if the line names one.
    pub fn config(&self) -> Option<PathBuf> {
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            let file = match word.as_str() {
                "--" => return None,
                "-c" | "--config" => words.next().cloned(),
                word => word
                    .strip_prefix("--config=")
                    .or_else(|| word.strip_prefix("-c").filter(|file| !file.is_empty()))
                    .map(str::to_owned),
            };
            if let Some(file) = file {
                let home = std::env::var_os("HOME").map(PathBuf::from);
                return Some(match (file.strip_prefix("~/"), home) {
                    (Some(rest), Some(home)) => home.join(rest),
                    _ => PathBuf::from(file),
                });
            }
        }
        None
    }

    /// What of a candidate stands behind the last of `breaks`: bash replaces only that part of the word.
    pub fn rest<'c>(&self, candidate: &'c str, breaks: &str) -> &'c str {
        let Some((at, c)) = self.last.char_indices().rfind(|(_, c)| breaks.contains(*c)) else {
            return candidate;
        };
        let cut = if KEPT.contains(&c) { at } else { at + c.len_utf8() };
        candidate.get(cut..).unwrap_or(candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_quotes_and_what_is_being_typed() {
        let line = Line::read("A=1 lightsout  -c 'my file' status r1\\ n");
        assert_eq!(
            (line.words, line.last.as_str()),
            (["lightsout", "-c", "my file", "status"].map(str::to_owned).to_vec(), "r1 n")
        );
        let line = Line::read("lightsout status ");
        assert_eq!((line.words.len(), line.last.as_str()), (2, ""));
        assert_eq!(Line::read("lightsout \"a b").last, "a b");
    }

    #[test]
    fn the_configuration_that_the_line_names() {
        for (text, file) in [
            ("lightsout -c a status ", Some("a")),
            ("lightsout --config=b status ", Some("b")),
            ("lightsout -cc status ", Some("c")),
            ("lightsout --config", None),
            ("lightsout bmc raw n -- -c d ", None),
        ] {
            assert_eq!(Line::read(text).config(), file.map(PathBuf::from), "{text}");
        }
    }

    #[test]
    fn bash_gets_what_is_behind_its_break() {
        let breaks = " \t\n\"'@><=;|&(:";
        assert_eq!(Line::read("x --config=a").rest("--config=a.toml", breaks), "a.toml");
        assert_eq!(Line::read("x a:b").rest("a:bc", breaks), "bc");
        assert_eq!(Line::read("x @ra").rest("@rack1", breaks), "@rack1");
        assert_eq!(Line::read("x n1,@ra").rest("n1,@rack1", breaks), "@rack1");
        assert_eq!(Line::read("x r1").rest("r1n01", breaks), "r1n01");
    }
}
