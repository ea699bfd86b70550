//! What is wrong with a configuration: all problems, each with its place.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A place in a file, for people: lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Position of the file among those that were read, so that problems sort as the files are read.
    pub(super) order: usize,
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
    /// The file.
    pub file: Arc<Path>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

impl<T> At<T> {
    pub(super) fn new(value: T, place: Place) -> At<T> {
        At { value, place }
    }

    pub(super) fn map<U>(self, map: impl FnOnce(T) -> U) -> At<U> {
        At::new(map(self.value), self.place)
    }
}

/// One thing that is wrong. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where; `None` when it is in no file (nothing found, environment).
    pub place: Option<Place>,
    /// The key, `node.bmc.driver`; empty for a file as a whole.
    pub key: String,
    /// What is wrong, lower case, one line.
    pub text: String,
    /// The likely meaning or what to do.
    pub help: Option<String>,
}

impl Problem {
    pub(super) fn new(place: &Place, key: impl Into<String>, text: impl Into<String>) -> Problem {
        Problem { place: Some(place.clone()), key: key.into(), text: text.into(), help: None }
    }

    pub(super) fn nowhere(text: impl Into<String>) -> Problem {
        Problem { place: None, key: String::new(), text: text.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.text)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a configuration, in the order of the files; at least one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The problems.
    pub problems: Vec<Problem>,
}

impl ConfigErrors {
    pub(super) fn new(mut problems: Vec<Problem>) -> ConfigErrors {
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        ConfigErrors { problems }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
