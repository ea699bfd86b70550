//! One check's result, and the report that prints them: a line a check, the remedy on a line of its own.

use crate::cli::exit::Exit;
use crate::cli::out::{clean, print, say};
use serde_json::json;

/// Version of the JSON lines.
const VERSION: u32 = 1;

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

/// Prints checks and keeps count.
pub(super) struct Report {
    json: bool,
    coloured: bool,
    unicode: bool,
    counts: [usize; 3],
    exit: Exit,
    begun: bool,
}

impl Report {
    /// Nothing is printed yet. Neither `coloured` nor `unicode` concerns JSON.
    pub fn new(json: bool, coloured: bool, unicode: bool) -> Report {
        Report { json, coloured, unicode, counts: [0; 3], exit: Exit::Done, begun: false }
    }

    /// Prints the checks under a heading; nothing when there are none.
    pub fn section(&mut self, title: &str, checks: Vec<Check>) {
        self.heading(title, !checks.is_empty());
        let width = checks.iter().map(|check| check.check.len()).max().unwrap_or(0);
        for check in checks {
            self.line(&check, width);
            if let Some(remedy) = check.remedy.as_deref().filter(|_| !self.json) {
                self.remedy(remedy);
            }
        }
    }

    /// The same, with the remedies that several checks have in common told once for all of them, under
    /// what `folds` makes of the subjects.
    pub fn folded(&mut self, title: &str, checks: &[Check], folds: impl Fn(&[String]) -> String) {
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
        if self.json || remedies.is_empty() {
            return;
        }
        self.heading("what to do", true);
        for (topic, remedy, mut subjects) in remedies {
            subjects.retain(|subject| !subject.is_empty());
            let between = if subjects.is_empty() { "" } else { ": " };
            print(&format!("  {}", clean(&format!("{topic}{between}{}", folds(&subjects)))));
            self.remedy(remedy);
        }
    }

    /// The last line, and how the program ends.
    pub fn end(self) -> Exit {
        let [ok, warned, failed] = self.counts;
        if !self.json {
            let warnings = if warned == 1 { "warning" } else { "warnings" };
            say(&format!("\n{failed} failed, {warned} {warnings}, {ok} ok"));
        }
        self.exit
    }

    fn heading(&mut self, title: &str, wanted: bool) {
        if self.json || !wanted {
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
        if self.json {
            let line = json!({
                "v": VERSION, "check": check, "subject": subject, "level": word.to_lowercase(), "text": text,
                "remedy": remedy,
            });
            return say(&line.to_string());
        }
        let glyph = if self.unicode { glyph } else { ascii };
        let sign = self.paint(colour, &format!("{glyph} {word:4}"));
        let between = if subject.is_empty() || text.is_empty() { "" } else { ": " };
        print(&format!("  {sign}  {check:width$}  {}{between}{}", clean(subject), clean(text)));
    }

    fn remedy(&self, remedy: &str) {
        for (number, line) in remedy.lines().enumerate() {
            let lead = if number == 0 { "remedy: " } else { "        " };
            print(&format!("          {lead}{}", clean(line.trim())));
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{colour}m{text}\x1b[m") } else { text.to_owned() }
    }
}
