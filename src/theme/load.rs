//! Reads theme files: `inherits`, `[palette]`, `[roles]`.
//!
//! ```toml
//! inherits = "default"
//! [palette]
//! alarm = "#ff5f5f"
//! [roles]
//! "state.failed" = { fg = "alarm", mods = ["bold"] }
//! ```

use super::{ColorDepth, Partial, Role, Theme, plain};
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The embedded themes. `default` comes first: every other theme that names no parent inherits it.
const EMBEDDED: [(&str, &str); 2] = [
    ("default", include_str!("../../themes/default.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// How many themes may inherit from each other; more is a circle.
const MAX_PARENTS: usize = 8;

/// Why a theme cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// There is no such theme.
    #[error("no theme is called \"{name}\"\nthere are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
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
    #[error("cannot use theme {file}: {problem}")]
    Wrong {
        /// Its path, or `themes/NAME.toml` for an embedded one.
        file: String,
        /// What is wrong, with the role.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTheme {
    inherits: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(default)]
    roles: BTreeMap<String, RawStyle>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStyle {
    fg: Option<String>,
    bg: Option<String>,
    #[serde(default)]
    mods: Vec<String>,
}

/// Names of the embedded themes.
#[must_use]
pub fn names() -> Vec<&'static str> {
    EMBEDDED.iter().map(|(name, _)| *name).collect()
}

/// Loads a theme: `NAME.toml` in `dir` (the user's themes), if it is there, else the embedded one.
/// Without colours the theme `mono` is taken whatever was asked for, since it says with attributes
/// what others say with colours.
///
/// # Errors
/// An unknown name, an unreadable file, an unknown role, colour or attribute, a circle of parents.
pub fn load(name: &str, depth: ColorDepth, dir: Option<&Path>) -> Result<Theme, ThemeError> {
    let wanted = if depth == ColorDepth::Mono { "mono" } else { name };
    let mut partial: Partial = vec![None; Role::ALL.len()];
    let mut next = Some(wanted.to_owned());
    let mut parents = 0;
    while let Some(current) = next {
        let (file, text) = source(&current, dir)?;
        if parents == MAX_PARENTS {
            return Err(ThemeError::Wrong {
                file,
                problem: "themes inherit from each other in a circle".to_owned(),
            });
        }
        parents += 1;
        let raw: RawTheme = toml::from_str(&text)
            .map_err(|error| ThemeError::Wrong { file: file.clone(), problem: at_line(&text, &error) })?;
        let mine = styles(&raw).map_err(|problem| ThemeError::Wrong { file, problem })?;
        for (slot, style) in partial.iter_mut().zip(mine) {
            *slot = slot.or(style);
        }
        // The embedded default is the end of every line.
        next = raw.inherits.or_else(|| (current != "default").then(|| "default".to_owned()));
    }
    let styles = partial.into_iter().map(Option::unwrap_or_default).collect();
    Ok(Theme::new(wanted, depth, styles))
}

/// `line 7: unknown field ...`, on one line.
fn at_line(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', " ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

fn source(name: &str, dir: Option<&Path>) -> Result<(String, String), ThemeError> {
    // A name is a file's stem, never a path.
    let plain_name = !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
    if let Some(path) = dir.filter(|_| plain_name).map(|dir| dir.join(format!("{name}.toml"))) {
        match std::fs::read_to_string(&path) {
            Ok(text) => return Ok((path.display().to_string(), text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(ThemeError::Unreadable {
                    file: path.display().to_string(),
                    reason: error.to_string(),
                });
            }
        }
    }
    match EMBEDDED.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => Ok((format!("themes/{name}.toml"), (*text).to_owned())),
        None => Err(ThemeError::Unknown { name: name.to_owned(), known: names().join(", ") }),
    }
}

fn styles(raw: &RawTheme) -> Result<Partial, String> {
    let mut styles: Partial = vec![None; Role::ALL.len()];
    for (name, style) in &raw.roles {
        let Some(role) = Role::ALL.iter().find(|role| role.name() == name) else {
            return Err(unknown("role", name, Role::ALL.iter().map(|role| role.name())));
        };
        let style = style_of(style, &raw.palette).map_err(|problem| format!("role \"{name}\": {problem}"))?;
        styles[*role as usize] = Some(style);
    }
    Ok(styles)
}

fn style_of(raw: &RawStyle, palette: &BTreeMap<String, String>) -> Result<Style, String> {
    let look_up = |word: &Option<String>| {
        let word = word.as_deref();
        word.map(|word| color(palette.get(word).map_or(word, String::as_str))).transpose()
    };
    let mut mods = Modifier::empty();
    for word in &raw.mods {
        mods |= MODIFIERS
            .iter()
            .find(|(name, _)| name == word)
            .map(|(_, modifier)| *modifier)
            .ok_or_else(|| unknown("attribute", word, MODIFIERS.iter().map(|(name, _)| *name)))?;
    }
    Ok(plain(look_up(&raw.fg)?, look_up(&raw.bg)?, mods))
}

const MODIFIERS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

const COLORS: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// `default`, one of the 16 names, a number below 256, or `#rrggbb`.
fn color(word: &str) -> Result<Color, String> {
    if word == "default" {
        return Ok(Color::Reset);
    }
    if let Some(index) = (0u8..).zip(COLORS).find(|(_, name)| *name == word).map(|(index, _)| index) {
        return Ok(Color::Indexed(index));
    }
    if let Ok(index) = word.parse::<u8>() {
        return Ok(Color::Indexed(index));
    }
    let hex = word.strip_prefix('#').filter(|hex| hex.len() == 6);
    if let Some(value) = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()) {
        let [_, r, g, b] = value.to_be_bytes();
        return Ok(Color::Rgb(r, g, b));
    }
    Err(unknown("colour", word, COLORS.into_iter()))
}

fn unknown<'a>(kind: &str, word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.map(|name| (strsim::jaro_winkler(word, name), name));
    let near = near.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, name)) => format!("unknown {kind} \"{word}\", did you mean \"{name}\"?"),
        None => format!("unknown {kind} \"{word}\""),
    }
}

#[cfg(test)]
mod tests;
