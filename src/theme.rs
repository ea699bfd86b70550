//! Looks: what each part of the screen is called ([`Role`]), how it looks ([`Theme`]), and what the
//! outer terminal can show of it ([`ColorDepth`]).
//!
//! Themes are TOML files; those in `themes/` are embedded. Knows neither `app` nor `ui`, reads no
//! environment: `runtime` hands the values in, `ui` asks for styles.

mod depth;
mod load;
mod role;

pub use depth::ColorDepth;
pub use load::{ThemeError, load, names};
pub use role::Role;

use ratatui::style::{Color, Modifier, Style};

/// A complete look: one style for every role, in colours that the terminal can show.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    name: String,
    depth: ColorDepth,
    styles: Vec<Style>,
}

impl Theme {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The colours that it may use; a node's colours are reduced to them, too.
    #[must_use]
    pub fn depth(&self) -> ColorDepth {
        self.depth
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    fn new(name: &str, depth: ColorDepth, styles: Vec<Style>) -> Theme {
        let styles = styles.into_iter().map(|style| reduced(style, depth)).collect();
        Theme { name: name.to_owned(), depth, styles }
    }
}

fn reduced(mut style: Style, depth: ColorDepth) -> Style {
    style.fg = style.fg.map(|color| depth.reduce(color));
    style.bg = style.bg.map(|color| depth.reduce(color));
    style
}

/// The styles of a theme file as far as it sets them, before inheritance fills the others.
type Partial = Vec<Option<Style>>;

fn plain(fg: Option<Color>, bg: Option<Color>, mods: Modifier) -> Style {
    Style { fg, bg, add_modifier: mods, ..Style::default() }
}
