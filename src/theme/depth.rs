//! How many colours the outer terminal shows, and how a colour is brought down to that.

use ratatui::style::Color;

/// Colours that the outer terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColorDepth {
    /// None: attributes only.
    Mono,
    /// The terminal's own 16.
    Ansi16,
    /// The 256 of xterm.
    Indexed256,
    /// 24 bits.
    TrueColor,
}

/// Red, green and blue of the first 16 colours as xterm has them; only used to find the nearest.
const ANSI: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The steps of the 6x6x6 cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl ColorDepth {
    /// The words of the setting and of `--color`.
    pub const WORDS: [&'static str; 5] = ["auto", "truecolor", "256", "16", "never"];

    /// Decides from the setting (one of [`ColorDepth::WORDS`], others count as `auto`) and from the
    /// environment, whose values `env` looks up. A setting other than `auto` wins over `NO_COLOR`.
    #[must_use]
    pub fn choose(setting: &str, env: impl Fn(&str) -> Option<String>) -> ColorDepth {
        match setting {
            "truecolor" => return ColorDepth::TrueColor,
            "256" => return ColorDepth::Indexed256,
            "16" => return ColorDepth::Ansi16,
            "never" => return ColorDepth::Mono,
            _ => {}
        }
        let value = |name: &str| env(name).unwrap_or_default();
        let term = value("TERM");
        if !value("NO_COLOR").is_empty() || matches!(term.as_str(), "" | "dumb") || is_vt(&term) {
            return ColorDepth::Mono;
        }
        // GNU screen hands COLORTERM through but cannot show 24 bits; tmux also calls itself
        // `screen` and can.
        let in_screen = term.starts_with("screen") && value("TMUX").is_empty();
        let truecolor =
            matches!(value("COLORTERM").as_str(), "truecolor" | "24bit") || term.ends_with("-direct");
        if truecolor && !in_screen && term != "linux" {
            ColorDepth::TrueColor
        } else if term.contains("256color") {
            ColorDepth::Indexed256
        } else {
            ColorDepth::Ansi16
        }
    }

    /// The nearest colour that can be shown.
    #[must_use]
    pub fn reduce(self, color: Color) -> Color {
        match (self, color) {
            (_, Color::Reset) | (ColorDepth::Mono, _) => Color::Reset,
            (ColorDepth::Indexed256, Color::Rgb(r, g, b)) => Color::Indexed(nearest_256(r, g, b)),
            (ColorDepth::Ansi16, Color::Rgb(r, g, b)) => Color::Indexed(nearest_16(r, g, b)),
            (ColorDepth::Ansi16, Color::Indexed(index)) if index > 15 => {
                let (r, g, b) = rgb_of(index);
                Color::Indexed(nearest_16(r, g, b))
            }
            (_, color) => color,
        }
    }
}

/// The monochrome terminals that are still met on service ports.
fn is_vt(term: &str) -> bool {
    ["vt52", "vt100", "vt102", "vt220", "vt320"].contains(&term)
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let one = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    one(a.0, b.0) + one(a.1, b.1) + one(a.2, b.2)
}

fn nearest_16(r: u8, g: u8, b: u8) -> u8 {
    let nearest = (0u8..16).min_by_key(|&index| distance(ANSI[usize::from(index)], (r, g, b)));
    nearest.unwrap_or(7)
}

fn nearest_256(r: u8, g: u8, b: u8) -> u8 {
    // Never one of the first 16: operators change those.
    let nearest = (16u8..=255).min_by_key(|&index| distance(rgb_of(index), (r, g, b)));
    nearest.unwrap_or(15)
}

/// Red, green and blue of one of the 256 colours (xterm's cube and grey ramp).
pub(super) fn rgb_of(index: u8) -> (u8, u8, u8) {
    match index {
        0..=15 => ANSI[usize::from(index)],
        16..=231 => {
            let cube = usize::from(index - 16);
            (STEPS[cube / 36], STEPS[cube / 6 % 6], STEPS[cube % 6])
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(setting: &str, env: &[(&str, &str)]) -> ColorDepth {
        let env: Vec<(String, String)> = env.iter().map(|&(k, v)| (k.into(), v.into())).collect();
        ColorDepth::choose(setting, |name| {
            env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn the_setting_wins_over_the_environment() {
        let env = [("NO_COLOR", "1"), ("TERM", "dumb")];
        assert_eq!(choose("truecolor", &env), ColorDepth::TrueColor);
        assert_eq!(choose("256", &env), ColorDepth::Indexed256);
        assert_eq!(choose("16", &env), ColorDepth::Ansi16);
        assert_eq!(choose("never", &[("COLORTERM", "truecolor"), ("TERM", "xterm")]), ColorDepth::Mono);
    }

    #[test]
    fn the_environment_decides_for_auto() {
        for (env, depth) in [
            (vec![("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], ColorDepth::TrueColor),
            (vec![("TERM", "xterm-256color")], ColorDepth::Indexed256),
            (vec![("TERM", "xterm")], ColorDepth::Ansi16),
            (vec![("TERM", "linux"), ("COLORTERM", "truecolor")], ColorDepth::Ansi16),
            (vec![("TERM", "screen-256color"), ("COLORTERM", "truecolor")], ColorDepth::Indexed256),
            (
                vec![("TERM", "screen-256color"), ("COLORTERM", "truecolor"), ("TMUX", "/tmp/x,1,0")],
                ColorDepth::TrueColor,
            ),
            (vec![("TERM", "xterm"), ("NO_COLOR", "1")], ColorDepth::Mono),
            (vec![("TERM", "xterm"), ("NO_COLOR", "")], ColorDepth::Ansi16),
            (vec![("TERM", "vt220")], ColorDepth::Mono),
            (vec![], ColorDepth::Mono),
        ] {
            assert_eq!(choose("auto", &env), depth, "{env:?}");
        }
    }

    #[test]
    fn colours_come_down_to_the_nearest() {
        let orange = Color::Rgb(255, 135, 0);
        assert_eq!(ColorDepth::TrueColor.reduce(orange), orange);
        assert_eq!(ColorDepth::Indexed256.reduce(orange), Color::Indexed(208));
        assert_eq!(ColorDepth::Ansi16.reduce(Color::Indexed(196)), Color::Indexed(9));
        assert_eq!(ColorDepth::Ansi16.reduce(Color::Indexed(244)), Color::Indexed(8));
        assert_eq!(ColorDepth::Ansi16.reduce(Color::Indexed(3)), Color::Indexed(3));
        assert_eq!(ColorDepth::Mono.reduce(Color::Red), Color::Reset);
    }
}
