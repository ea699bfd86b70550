//! What stands in a theme file: `inherits`, `[palette]`, `[roles]`, and the same two for 16 colours.
//!
//! ```toml
//! about = "mine"
//! inherits = "dark"
//! [palette]
//! alarm = "#ff5f5f"
//! [roles]
//! "state.failed" = { fg = "alarm", mods = ["bold"] }
//! [palette-16]
//! alarm = "bright-red"
//! ```
//! Reads text, finds no file; called by `load`.

use super::{ColorDepth, Role};
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// What is wrong, and in which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// From 1; `None` for the file as a whole.
    pub(super) line: Option<usize>,
    pub(super) problem: String,
}

/// Colours by the names that themes give them.
pub(super) type Palette = BTreeMap<String, Color>;

/// The styles of a theme as far as it sets them, before inheritance fills the others.
pub(super) type Partial = Vec<Option<Style>>;

/// A theme file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// One line for lists.
    #[serde(default)]
    pub(super) about: String,
    /// The theme that sets what this one does not.
    pub(super) inherits: Option<Spanned<String>>,
    #[serde(default)]
    palette: Words,
    #[serde(default, rename = "palette-16")]
    palette_16: Words,
    #[serde(default)]
    roles: Roles,
    #[serde(default, rename = "roles-16")]
    roles_16: Roles,
    #[serde(skip)]
    text: String,
}

type Words = BTreeMap<String, Spanned<String>>;
type Roles = BTreeMap<Spanned<String>, RawStyle>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStyle {
    fg: Option<Spanned<String>>,
    bg: Option<Spanned<String>>,
    #[serde(default)]
    mods: Vec<Spanned<String>>,
}

impl File {
    /// Reads a file's text.
    pub(super) fn parse(text: &str) -> Result<File, Mistake> {
        let mut file: File = toml::from_str(text).map_err(|error| Mistake {
            line: error.span().map(|span| line_at(text, span.start)),
            problem: error.message().replace('\n', " "),
        })?;
        text.clone_into(&mut file.text);
        Ok(file)
    }

    /// The line of `inherits`.
    pub(super) fn parent_line(&self) -> Option<usize> {
        self.inherits.as_ref().map(|name| line_at(&self.text, name.span().start))
    }

    /// Puts this file's colours, or those for 16 colours, over what `palette` has.
    pub(super) fn add_palette(&self, for_16: bool, palette: &mut Palette) -> Result<(), Mistake> {
        let words = if for_16 { &self.palette_16 } else { &self.palette };
        for (name, word) in words {
            let value = color(word.get_ref())
                .map_err(|problem| self.mistake(word, format!("palette colour \"{name}\": {problem}")))?;
            palette.insert(name.clone(), value);
        }
        Ok(())
    }

    /// The styles that this file sets, its words looked up in `palette`.
    pub(super) fn styles(&self, depth: ColorDepth, palette: &Palette) -> Result<Partial, Mistake> {
        let mut styles: Partial = vec![None; Role::ALL.len()];
        for (name, style) in &self.roles {
            styles[self.role(name)? as usize] = Some(self.style(name, style, palette)?);
        }
        // Looked at whatever the depth is: a mistake must not wait for a poorer terminal.
        for (name, style) in &self.roles_16 {
            let (role, style) = (self.role(name)?, self.style(name, style, palette)?);
            if depth <= ColorDepth::Ansi16 {
                styles[role as usize] = Some(style);
            }
        }
        Ok(styles)
    }

    fn role(&self, name: &Spanned<String>) -> Result<Role, Mistake> {
        let word = name.get_ref();
        let known = Role::ALL.iter().find(|role| role.name() == word).copied();
        known.ok_or_else(|| self.mistake(name, unknown("role", word, Role::ALL.iter().map(|r| r.name()))))
    }

    fn style(&self, name: &Spanned<String>, raw: &RawStyle, palette: &Palette) -> Result<Style, Mistake> {
        let role = name.get_ref();
        let look_up = |word: &Option<Spanned<String>>| {
            let Some(word) = word else {
                return Ok(None);
            };
            match palette.get(word.get_ref()) {
                Some(color) => Ok(Some(*color)),
                None => color_or(word.get_ref(), palette)
                    .map(Some)
                    .map_err(|problem| self.mistake(word, format!("role \"{role}\": {problem}"))),
            }
        };
        let mut mods = Modifier::empty();
        for word in &raw.mods {
            let known = MODIFIERS.iter().find(|(name, _)| name == word.get_ref());
            let (_, modifier) = known.ok_or_else(|| {
                let problem = unknown("attribute", word.get_ref(), MODIFIERS.iter().map(|(name, _)| *name));
                self.mistake(word, format!("role \"{role}\": {problem}"))
            })?;
            mods |= *modifier;
        }
        Ok(Style { fg: look_up(&raw.fg)?, bg: look_up(&raw.bg)?, add_modifier: mods, ..Style::default() })
    }

    fn mistake<T>(&self, at: &Spanned<T>, problem: String) -> Mistake {
        Mistake { line: Some(line_at(&self.text, at.span().start)), problem }
    }
}

/// The line of a byte, from 1.
fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
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
    color_or(word, &Palette::new())
}

/// The same; a wrong word may also be meant as one of `palette`.
fn color_or(word: &str, palette: &Palette) -> Result<Color, String> {
    if word == "default" {
        return Ok(Color::Reset);
    }
    if let Some(index) = (0u8..).zip(COLORS).find(|(_, name)| *name == word).map(|(index, _)| index) {
        return Ok(Color::Indexed(index));
    }
    if let Ok(index) = word.parse::<u8>() {
        return Ok(Color::Indexed(index));
    }
    let hex = word.strip_prefix('#');
    let digits = hex.filter(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if let Some(value) = digits.and_then(|hex| u32::from_str_radix(hex, 16).ok()) {
        let [_, r, g, b] = value.to_be_bytes();
        return Ok(Color::Rgb(r, g, b));
    }
    if hex.is_some() {
        return Err(format!("\"{}\" is no colour: it takes six digits, \"#rrggbb\"", clean(word)));
    }
    Err(unknown("colour", word, COLORS.into_iter().chain(palette.keys().map(String::as_str))))
}

fn unknown<'a>(kind: &str, word: &str, known: impl Iterator<Item = &'a str>) -> String {
    format!("unknown {kind} \"{}\"{}", clean(word), near(word, known))
}

/// `, did you mean "x"?` if one of these is likely meant by `word`.
pub(super) fn near<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.map(|name| (strsim::jaro_winkler(word, name), name));
    let near = near.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0));
    near.map_or(String::new(), |(_, name)| format!(", did you mean \"{}\"?", clean(name)))
}

/// A word of a file as it may be shown.
pub(super) fn clean(word: &str) -> String {
    word.chars().take(60).map(|ch| if ch.is_control() { '\u{fffd}' } else { ch }).collect()
}
