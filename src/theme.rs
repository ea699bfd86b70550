//! Looks: what each part of the screen is called ([`Role`]), how it looks ([`Theme`]), and what the
//! outer terminal can show of it ([`ColorDepth`]).
//!
//! Themes are TOML files; those in `themes/` are embedded, [`Themes`] also finds the operators' own.
//! Knows neither `app` nor `ui`, reads no environment: `runtime` and `cli` say where to look, `ui` asks
//! for styles.

mod contrast;
mod depth;
mod file;
mod load;
mod node;
mod role;

pub use depth::ColorDepth;
pub use load::{Found, ThemeError, Themes};
pub use role::Role;

use ratatui::style::{Color, Style};

/// A complete look: one style for every role, in colours that the terminal can show.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    name: String,
    depth: ColorDepth,
    styles: Vec<Style>,
    node: Option<node::NodeColors>,
    warnings: Vec<String>,
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

    /// What is hard to read of an operator's own theme; one line for each role.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn new(name: &str, depth: ColorDepth, styles: &[Style], warnings: Vec<String>) -> Theme {
        let styles: Vec<Style> = styles.iter().map(|style| reduced(*style, depth)).collect();
        let node = node::NodeColors::new(styles[Role::Text as usize], depth);
        Theme { name: name.to_owned(), depth, styles, node, warnings }
    }
}

fn reduced(mut style: Style, depth: ColorDepth) -> Style {
    style.fg = style.fg.map(|color| depth.reduce(color));
    style.bg = style.bg.map(|color| depth.reduce(color));
    style
}

/// Red, green and blue of a colour, the terminal's own 16 as xterm has them; `None` for the terminal's
/// own foreground and background, which nobody knows.
fn rgb(color: Color) -> Option<(u8, u8, u8)> {
    match color {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index) => Some(depth::rgb_of(index)),
        _ => None,
    }
}
