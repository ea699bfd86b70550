//! One check's result, and the report that prints them: a line a check, the remedy on a line of its own.

use crate::cli::exit::Exit;
use crate::cli::out::{clean, print, say};
use crate::fleet::NodeSet;
use serde_json::json;

/// Version of the JSON lines.
const VERSION: u32 = 1;

/// No line is broken to less than that.
const NARROW: usize = 30;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// It works, but something is odd or will be in the way.
    Warn,
    /// It does not work; how the program ends because of it.
    Fail(Exit),
}

/// A check and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    /// What was looked at, `escape-time`.
    pub check: &'static str,
    /// Whose or where, such as a node or a path; may be empty.
    pub subject: String,
    /// What happened, above the subjects it happened to, where remedies are folded; may be empty.
    pub topic: &'static str,
    /// How it ended.
    pub level: Level,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Check {
    /// All is well.
    pub fn ok(check: &'static str, subject: impl Into<String>, text: impl Into<String>) -> Check {
        Check { check, subject: subject.into(), topic: "", level: Level::Ok, text: text.into(), remedy: None }
    }

    /// Odd, with what to do about it.
    pub fn warn(
        check: &'static str,
        subject: impl Into<String>,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Check {
        Check { level: Level::Warn, remedy: Some(remedy.into()), ..Check::ok(check, subject, text) }
    }

    /// Something of this machine or of the configuration does not work.
    pub fn fail(
        check: &'static str,
        subject: impl Into<String>,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Check {
        Check { level: Level::Fail(Exit::Usage), ..Check::warn(check, subject, text, remedy) }
    }
}

/// How the report looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// One JSON object a line; the rest does not concern it.
    pub json: bool,
    /// With colours.
    pub coloured: bool,
    /// With glyphs beyond ASCII.
    pub unicode: bool,
    /// Columns of the terminal, if it is one: lines are broken between words.
    pub columns: Option<usize>,
}

/// Prints checks and keeps count.
pub(super) struct Report {
    style: Style,
    counts: [usize; 3],
    exit: Exit,
    begun: bool,
}

impl Report {
    /// Nothing is printed yet.
    pub fn new(style: Style) -> Report {
        Report { style, counts: [0; 3], exit: Exit::Done, begun: false }
    }

    /// Prints the checks under a heading; nothing when there are none.
    pub fn section(&mut self, title: &str, checks: Vec<Check>) {
        self.heading(title, !checks.is_empty());
        let width = checks.iter().map(|check| check.check.len()).max().unwrap_or(0);
        for check in checks {
            self.line(&check, width);
            if let Some(remedy) = check.remedy.as_deref().filter(|_| !self.style.json) {
                self.remedy(remedy);
            }
        }
    }

    /// The same for nodes, with the remedies that several have in common told once, for the node set.
    pub fn folded(&mut self, title: &str, checks: &[Check]) {
        self.heading(title, !checks.is_empty());
        let width = checks.iter().map(|check| check.check.len()).max().unwrap_or(0);
        let mut remedies: Vec<(&str, &str, Vec<String>)> = Vec::new();
        for check in checks {
            self.line(check, width);
            let Some(remedy) = check.remedy.as_deref() else { continue };
            let topic = if check.topic.is_empty() { check.check } else { check.topic };
            match remedies.iter_mut().find(|(title, known, _)| (*title, *known) == (topic, remedy)) {
                Some((.., subjects)) => subjects.push(check.subject.clone()),
                None => remedies.push((topic, remedy, vec![check.subject.clone()])),
            }
        }
        if self.style.json || remedies.is_empty() {
            return;
        }
        self.heading("what to do", true);
        for (topic, remedy, mut subjects) in remedies {
            subjects.retain(|subject| !subject.is_empty());
            let between = if subjects.is_empty() { "" } else { ": " };
            print(&format!("  {}", clean(&format!("{topic}{between}{}", NodeSet::fold(&subjects)))));
            self.remedy(remedy);
        }
    }

    /// The last line, and how the program ends.
    pub fn end(self) -> Exit {
        let [ok, warned, failed] = self.counts;
        if !self.style.json {
            let warnings = if warned == 1 { "warning" } else { "warnings" };
            say(&format!("\n{failed} failed, {warned} {warnings}, {ok} ok"));
        }
        self.exit
    }

    fn heading(&mut self, title: &str, wanted: bool) {
        if self.style.json || !wanted {
            return;
        }
        if std::mem::replace(&mut self.begun, true) {
            print("");
        }
        print(&self.paint("1", title));
    }

    fn line(&mut self, check: &Check, width: usize) {
        let (index, word, glyph, ascii, colour) = match check.level {
            Level::Ok => (0, "ok", "✓", "+", "32"),
            Level::Warn => (1, "warn", "!", "!", "33"),
            Level::Fail(exit) => {
                self.exit = self.exit.max(exit);
                (2, "FAIL", "✗", "x", "31")
            }
        };
        self.counts[index] += 1;
        let Check { check, subject, text, remedy, .. } = check;
        if self.style.json {
            let line = json!({
                "v": VERSION, "check": check.replace(' ', "-"), "subject": subject, "level": word.to_lowercase(), "text": text,
                "remedy": remedy,
            });
            return say(&line.to_string());
        }
        let glyph = if self.style.unicode { glyph } else { ascii };
        let sign = self.paint(colour, &format!("{glyph} {word:4}"));
        let between = if subject.is_empty() || text.is_empty() { "" } else { ": " };
        let text = clean(&format!("{subject}{between}{text}"));
        self.block(&format!("  {sign}  {check:width$}  "), 12 + width, &text);
    }

    fn remedy(&self, remedy: &str) {
        for (number, line) in remedy.lines().enumerate() {
            let lead = if number == 0 { "remedy: " } else { "        " };
            self.block(&format!("          {lead}"), 18, &clean(line.trim()));
        }
    }

    /// `text` behind `lead`, which takes `indent` columns, and under itself where it needs several lines.
    fn block(&self, lead: &str, indent: usize, text: &str) {
        let room =
            self.style.columns.map_or(usize::MAX, |columns| columns.saturating_sub(indent).max(NARROW));
        for (number, line) in broken(text, room).iter().enumerate() {
            print(&if number == 0 { format!("{lead}{line}") } else { format!("{:indent$}{line}", "") });
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.style.coloured { format!("\x1b[{colour}m{text}\x1b[m") } else { text.to_owned() }
    }
}

/// Lines of at most `room` characters, broken between words; a longer word has a line of its own.
fn broken(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("never empty");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(broken("", 10), [""]);
        assert_eq!(broken("one two three", usize::MAX), ["one two three"]);
        assert_eq!(broken("one two three", 7), ["one two", "three"]);
        assert_eq!(broken("a /very/long/path b", 5), ["a", "/very/long/path", "b"]);
    }
}
