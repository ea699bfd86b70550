//! The colours that a node writes with, on a theme's ground of its own: made for a terminal's ground,
//! yellow or white on a light one, dark blue on a dark one could not be read.

use super::contrast::ratio;
use super::{ColorDepth, Theme, rgb};
use ratatui::style::{Color, Style};

/// What is enough for text, and what is enough for a colour that only comes near.
const READABLE: f64 = 4.5;
const VISIBLE: f64 = 3.0;
/// Steps from a node's colour to the theme's own foreground.
const STEPS: u32 = 16;

/// The terminal's 16 as they are shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NodeColors {
    /// As text on the theme's ground.
    text: Vec<Color>,
    /// The foreground upon each as a background, where the theme's own cannot be read.
    upon: Vec<Option<Color>>,
}

impl NodeColors {
    /// For a theme whose ordinary text looks like this; `None` where the ground is the terminal's own.
    pub(super) fn new(ordinary: Style, depth: ColorDepth) -> Option<NodeColors> {
        let (fg, ground) = (ordinary.fg?, ordinary.bg?);
        let (text, ground) = (rgb(fg)?, rgb(ground)?);
        let colors = (0..16).map(Color::Indexed);
        let shown = |color: Color| {
            let Some(own) = rgb(color) else {
                return fg;
            };
            if depth <= ColorDepth::Ansi16 {
                return if ratio(own, ground) >= VISIBLE { color } else { fg };
            }
            let mixed = (0..=STEPS).map(|step| mix(own, text, step));
            let found = mixed.map(|(r, g, b)| depth.reduce(Color::Rgb(r, g, b)));
            let mut readable =
                found.filter(|color| rgb(*color).is_some_and(|c| ratio(c, ground) >= READABLE));
            readable.next().unwrap_or(fg)
        };
        let upon = |color: Color| {
            let under = rgb(color)?;
            let (black, white) = (Color::Indexed(0), Color::Indexed(15));
            let better = if ratio((0, 0, 0), under) > ratio((255, 255, 255), under) { black } else { white };
            (ratio(text, under) < VISIBLE).then_some(better)
        };
        Some(NodeColors { text: colors.clone().map(shown).collect(), upon: colors.map(upon).collect() })
    }
}

impl Theme {
    /// A node's foreground as it is shown; `None` stands for the ordinary one. A foreground that comes
    /// with a background of the node's own is left alone: they belong together.
    #[must_use]
    pub fn node_foreground(&self, fg: Option<Color>, bg: Option<Color>) -> Option<Color> {
        let Some(colors) = &self.node else {
            return fg;
        };
        match (fg, bg) {
            (Some(Color::Indexed(index)), None) => colors.text.get(usize::from(index)).copied().or(fg),
            (None, Some(Color::Indexed(index))) => colors.upon.get(usize::from(index)).copied().flatten(),
            _ => fg,
        }
    }
}

fn mix(from: (u8, u8, u8), to: (u8, u8, u8), step: u32) -> (u8, u8, u8) {
    let one = |a: u8, b: u8| {
        let sum = u32::from(a) * (STEPS - step) + u32::from(b) * step;
        u8::try_from(sum / STEPS).unwrap_or(u8::MAX)
    };
    (one(from.0, to.0), one(from.1, to.1), one(from.2, to.2))
}

#[cfg(test)]
mod tests {
    use super::super::{Role, Themes};
    use super::*;

    fn theme(name: &str, depth: ColorDepth) -> Theme {
        Themes::default().load(name, depth).expect("embedded")
    }

    #[test]
    fn what_a_node_writes_can_be_read_on_every_ground() {
        for name in ["dark", "light", "high-contrast", "colour-blind"] {
            for depth in [ColorDepth::TrueColor, ColorDepth::Indexed256, ColorDepth::Ansi16] {
                let theme = theme(name, depth);
                let ground = theme.style(Role::Text).bg.and_then(rgb).expect("its own");
                let need = if depth == ColorDepth::Ansi16 { VISIBLE } else { READABLE };
                for color in (0..16).map(Color::Indexed) {
                    let shown = theme.node_foreground(Some(color), None).and_then(rgb).expect("a colour");
                    assert!(ratio(shown, ground) >= need, "{name} {depth:?} {color:?}: {shown:?}");
                    let upon = theme.node_foreground(None, Some(color));
                    let upon = upon.or(theme.style(Role::Text).fg).and_then(rgb).expect("a colour");
                    let under = rgb(color).expect("known");
                    assert!(ratio(upon, under) >= VISIBLE, "{name} {depth:?} upon {color:?}: {upon:?}");
                }
            }
        }
    }

    #[test]
    fn what_belongs_together_and_what_lies_on_the_terminals_ground_is_left_alone() {
        let (yellow, blue) = (Some(Color::Indexed(11)), Some(Color::Indexed(4)));
        let light = theme("light", ColorDepth::TrueColor);
        assert_ne!(light.node_foreground(yellow, None), yellow);
        assert_eq!(light.node_foreground(yellow, blue), yellow);
        assert_eq!(light.node_foreground(None, None), None);
        let default = theme("default", ColorDepth::TrueColor);
        assert_eq!(default.node_foreground(yellow, None), yellow);
        assert_eq!(default.node_foreground(None, blue), None);
    }
}
