//! What the outer terminal can do, decided from the environment alone.

use std::time::Duration;

/// What stands between us and the terminal that shows us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Multiplexer {
    /// Nothing.
    None,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

/// What is known of the outer terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// We run on a line that may be slow.
    pub ssh: bool,
    /// The multiplexer around us.
    pub multiplexer: Multiplexer,
    /// The locale is UTF-8 and the font can be expected to have our glyphs.
    pub unicode: bool,
}

impl Caps {
    /// Decides; `env` looks up a variable.
    #[must_use]
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Caps {
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        let term = env("TERM").unwrap_or_default();
        let multiplexer = if set("TMUX") {
            Multiplexer::Tmux
        } else if set("STY") {
            Multiplexer::Screen
        } else {
            Multiplexer::None
        };
        // The first of them that is set decides, as in setlocale(3).
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(&env).find(|value| !value.is_empty());
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        // The kernel's own console has 256 or 512 glyphs, few of ours among them.
        let poor_font = term == "linux" || term == "dumb" || term.starts_with("vt");
        Caps {
            ssh: set("SSH_CONNECTION"),
            multiplexer,
            unicode: (locale.contains("utf-8") || locale.contains("utf8")) && !poor_font,
        }
    }

    /// Whether to draw with Unicode glyphs: the setting (`unicode`, `ascii`, anything else is `auto`) or
    /// what was detected.
    #[must_use]
    pub fn wants_unicode(&self, setting: &str) -> bool {
        match setting {
            "unicode" => true,
            "ascii" => false,
            _ => self.unicode,
        }
    }

    /// How long a lone Esc byte is held back in case it is the first byte of a split sequence.
    #[must_use]
    pub fn esc_hold(&self) -> Duration {
        Duration::from_millis(if self.ssh { 100 } else { 25 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(env: &[(&str, &str)]) -> Caps {
        Caps::detect(|name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_locale_decides_for_unicode_in_the_order_of_setlocale() {
        assert!(detect(&[("TERM", "xterm"), ("LANG", "de_DE.UTF-8")]).unicode);
        assert!(detect(&[("TERM", "xterm"), ("LANG", "C"), ("LC_CTYPE", "C.utf8")]).unicode);
        assert!(!detect(&[("TERM", "xterm"), ("LANG", "C.UTF-8"), ("LC_ALL", "POSIX")]).unicode);
        assert!(detect(&[("TERM", "xterm"), ("LANG", "C.UTF-8"), ("LC_ALL", "")]).unicode);
        assert!(!detect(&[("TERM", "xterm")]).unicode);
        assert!(!detect(&[("TERM", "linux"), ("LANG", "C.UTF-8")]).unicode);
    }

    #[test]
    fn the_setting_wins() {
        let caps = detect(&[("TERM", "xterm"), ("LANG", "C")]);
        assert!(!caps.wants_unicode("auto"));
        assert!(caps.wants_unicode("unicode"));
        assert!(!detect(&[("TERM", "xterm"), ("LANG", "C.UTF-8")]).wants_unicode("ascii"));
    }

    #[test]
    fn ssh_and_multiplexers_are_seen() {
        let caps = detect(&[("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22"), ("TMUX", "/tmp/t,1,0")]);
        assert_eq!(caps.esc_hold(), Duration::from_millis(100));
        assert_eq!(caps.multiplexer, Multiplexer::Tmux);
        let caps = detect(&[("STY", "1.pts")]);
        assert_eq!(caps.esc_hold(), Duration::from_millis(25));
        assert_eq!(caps.multiplexer, Multiplexer::Screen);
    }
}
