//! [`Themes`]: which themes there are, and how one becomes a [`Theme`] through its parents.
//!
//! An operator's own are `NAME.toml` in the directories that are handed in; they stand before the
//! embedded ones of the same name. Called by `runtime` and `cli`.

use super::file::{File, Mistake, Palette, Partial, clean, near};
use super::{ColorDepth, Role, Theme, contrast};
use ratatui::style::Style;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The embedded themes. `default` comes first: every other theme that names no parent inherits it.
const EMBEDDED: [(&str, &str); 6] = [
    ("default", include_str!("../../themes/default.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../themes/colour-blind.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// How much of a theme file is read; more is none.
const MAX_BYTES: u64 = 256 * 1024;

/// Why a theme cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// There is no such theme.
    #[error("there is no theme \"{name}\"{near}\nthere are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Which one was likely meant, as a question.
        near: String,
        /// The names that there are.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read theme {file}: {reason}")]
    Unreadable {
        /// Its path.
        file: String,
        /// The system's words.
        reason: String,
    },
    /// The file is no theme.
    #[error("cannot use theme {place}: {problem}")]
    Wrong {
        /// File and line; the file is a path, or `themes/NAME.toml` for an embedded one.
        place: String,
        /// What is wrong, with the role.
        problem: String,
    },
}

impl ThemeError {
    /// On one line, with the file's name and not its whole path: for a notice on the screen.
    #[must_use]
    pub fn brief(&self) -> String {
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        match self {
            ThemeError::Unknown { .. } => self.to_string().replace('\n', "; "),
            ThemeError::Unreadable { file, reason } => format!("cannot read theme {}: {reason}", name(file)),
            ThemeError::Wrong { place, problem } => {
                format!("{}: {}", name(place), problem.replace('\n', "; "))
            }
        }
    }
}

/// A theme that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// Its file; `None` for an embedded one.
    pub file: Option<PathBuf>,
    /// One line about it; empty when the file says nothing or cannot be read.
    pub about: String,
}

/// Where themes are found.
#[derive(Debug, Clone, Default)]
pub struct Themes {
    dirs: Vec<PathBuf>,
}

/// A theme on the way from the one asked for to the last parent.
struct Link {
    name: String,
    /// Index into the directories, their number for the embedded ones.
    level: usize,
    /// As errors name it.
    shown: String,
    file: File,
}

impl Themes {
    /// Themes of these directories, the first goes before the others, and the embedded ones.
    #[must_use]
    pub fn new(dirs: Vec<PathBuf>) -> Themes {
        Themes { dirs }
    }

    /// Every name once: the embedded ones, then the operators' own in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.files().into_iter().map(|(name, _)| name).collect()
    }

    /// Every theme once, in the order of [`Themes::names`].
    #[must_use]
    pub fn list(&self) -> Vec<Found> {
        let about = |name: &str| self.link(name, 0).map(|link| link.file.about).unwrap_or_default();
        let found = self.files().into_iter();
        found.map(|(name, file)| Found { about: about(&name), name, file }).collect()
    }

    /// Names with their files; nothing is read.
    fn files(&self) -> Vec<(String, Option<PathBuf>)> {
        let mut own: BTreeMap<String, PathBuf> = BTreeMap::new();
        // What cannot be listed holds no theme: the error comes with the theme that is asked for.
        for entry in self.dirs.iter().rev().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten()
        {
            let path = entry.path();
            let name = path.file_stem().and_then(|stem| stem.to_str()).filter(|name| is_name(name));
            if let (Some(name), Some("toml")) = (name, path.extension().and_then(|end| end.to_str())) {
                own.insert(name.to_owned(), path);
            }
        }
        let embedded = EMBEDDED.iter().map(|(name, _)| ((*name).to_owned(), own.remove(*name)));
        let mut all: Vec<(String, Option<PathBuf>)> = embedded.collect();
        all.extend(own.into_iter().map(|(name, path)| (name, Some(path))));
        all
    }

    /// Loads a theme. Without colours the theme `mono` is taken whatever was asked for, since it says
    /// with attributes what others say with colours.
    ///
    /// # Errors
    /// An unknown name, an unreadable file, an unknown role, colour or attribute, a circle of parents.
    pub fn load(&self, name: &str, depth: ColorDepth) -> Result<Theme, ThemeError> {
        // What there is not is an error without colours, too.
        self.link(name, 0)?;
        let wanted = if depth == ColorDepth::Mono { "mono" } else { name };
        let chain = self.chain(wanted)?;
        let styles = resolve(&chain, depth)?;
        // Ours are tested; and what is readable is a matter of the full colours.
        let own = chain.iter().any(|link| link.level < self.dirs.len());
        let warnings = if own && depth != ColorDepth::Mono {
            let full = resolve(&chain, ColorDepth::TrueColor)?;
            let faults = contrast::faults(&full, contrast::USUAL);
            faults.iter().map(|fault| format!("theme {name}: {fault}")).collect()
        } else {
            Vec::new()
        };
        Ok(Theme::new(wanted, depth, &styles, warnings))
    }

    /// The theme, its parent, its parent's parent, to the embedded default.
    fn chain(&self, name: &str) -> Result<Vec<Link>, ThemeError> {
        let mut chain = vec![self.link(name, 0)?];
        while let Some(last) = chain.last() {
            let next = match &last.file.inherits {
                // A theme that is called like its parent stands before it: the parent is the next one.
                Some(parent) if *parent.get_ref() == last.name => self.link(parent.get_ref(), last.level + 1),
                Some(parent) => self.link(parent.get_ref(), 0),
                None if last.name == "default" && last.level == self.dirs.len() => break,
                None => self.link("default", self.dirs.len()),
            };
            let next = next.map_err(|error| match error {
                ThemeError::Unknown { .. } => wrong(&last.shown, last.file.parent_line(), error.to_string()),
                other => other,
            })?;
            if chain.iter().any(|link| link.name == next.name && link.level == next.level) {
                let names: Vec<&str> = chain.iter().map(|link| link.name.as_str()).collect();
                let problem = format!("the themes inherit in a circle: {}, {}", names.join(", "), next.name);
                return Err(wrong(&last.shown, last.file.parent_line(), problem));
            }
            chain.push(next);
        }
        Ok(chain)
    }

    /// The theme of this name in the directories from `level` on, else the embedded one.
    fn link(&self, name: &str, level: usize) -> Result<Link, ThemeError> {
        let made = |level: usize, shown: String, text: &str| match File::parse(text) {
            Ok(file) => Ok(Link { name: name.to_owned(), level, shown, file }),
            Err(Mistake { line, problem }) => Err(wrong(&shown, line, problem)),
        };
        // A name is a file's stem, never a path.
        let dirs = self.dirs.iter().enumerate().skip(level).filter(|_| is_name(name));
        for (level, dir) in dirs {
            let path = dir.join(format!("{name}.toml"));
            let shown = path.display().to_string();
            match read(&path) {
                Ok(text) => return made(level, shown, &text),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(error) => return Err(ThemeError::Unreadable { file: shown, reason: reason(&error) }),
            }
        }
        match EMBEDDED.iter().find(|(known, _)| *known == name && level <= self.dirs.len()) {
            Some((_, text)) => made(self.dirs.len(), format!("themes/{name}.toml"), text),
            None => Err(self.unknown(name)),
        }
    }

    fn unknown(&self, name: &str) -> ThemeError {
        let known = self.names();
        ThemeError::Unknown {
            name: clean(name),
            near: near(name, known.iter().map(String::as_str)),
            known: known.join(", "),
        }
    }
}

/// The styles of a chain: the nearest file that sets a role wins, colours are looked up in the palettes
/// of all, so that a theme may change one colour of its parent.
fn resolve(chain: &[Link], depth: ColorDepth) -> Result<Vec<Style>, ThemeError> {
    let told = |link: &Link, mistake: Mistake| wrong(&link.shown, mistake.line, mistake.problem);
    let mut palette = Palette::new();
    for link in chain.iter().rev() {
        link.file.add_palette(false, &mut palette).map_err(|mistake| told(link, mistake))?;
    }
    // A parent's choice for 16 colours was made with care; a child's fine shade brought down to the
    // nearest of them would more likely be the ground itself.
    let mut sixteen = palette.clone();
    for link in chain.iter().rev() {
        link.file.add_palette(true, &mut sixteen).map_err(|mistake| told(link, mistake))?;
    }
    if depth <= ColorDepth::Ansi16 {
        palette = sixteen;
    }
    let mut merged: Partial = vec![None; Role::ALL.len()];
    for link in chain {
        let styles = link.file.styles(depth, &palette).map_err(|mistake| told(link, mistake))?;
        for (slot, style) in merged.iter_mut().zip(styles) {
            *slot = slot.or(style);
        }
    }
    Ok(merged.into_iter().map(Option::unwrap_or_default).collect())
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && !name.contains(|ch: char| "/\\".contains(ch) || ch.is_control())
}

fn read(path: &std::path::Path) -> std::io::Result<String> {
    use std::io::Read;
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other("it is longer than 256 KiB"));
    }
    Ok(text)
}

/// The system's words without its number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or("unknown error");
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn wrong(file: &str, line: Option<usize>, problem: String) -> ThemeError {
    let place = line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
    ThemeError::Wrong { place, problem }
}

#[cfg(test)]
mod tests;
