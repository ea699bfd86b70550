//! The terminal around us: what it can show, and what stands between it and us (ssh, tmux, GNU screen).
//!
//! Decided from the environment as the screen does it; tmux is asked for its options, the terminal nothing.

use super::ask::ask;
use super::check::Check;
use crate::cli::Cli;
use crate::config::Settings;
use crate::term::{Caps, Multiplexer};
use crate::theme::ColorDepth;
use std::io::IsTerminal;

/// The smallest screen on which everything can be seen.
const SMALLEST: (u16, u16) = (80, 24);
/// A longer one makes Esc slow to the touch, in ms.
const ESCAPE_TIME: u64 = 50;

/// The section.
pub(super) async fn checks(cli: &Cli, settings: Option<&Settings>) -> Vec<Check> {
    let caps = Caps::detect(env);
    let mut checks = vec![output(), term(), colours(cli, settings), locale(&caps, settings)];
    checks.extend(size());
    match caps.multiplexer {
        Multiplexer::None => {}
        Multiplexer::Tmux => checks.extend(tmux().await),
        Multiplexer::Screen => checks.extend(screen().await),
    }
    if caps.ssh {
        let fps = settings.map_or(10, |settings| settings.screen.fps_ssh);
        checks.push(Check::ok("ssh", "", format!("at most {fps} frames a second; Esc is held back 100 ms")));
    }
    checks.push(clipboard(&caps));
    checks
}

/// Columns of the terminal that the report is printed on.
pub(super) fn columns() -> Option<usize> {
    let size = std::io::stdout().is_terminal().then(crossterm::terminal::size)?;
    size.ok().map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0)
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn output() -> Check {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Check::ok("terminal", "", "standard input and output are one");
    }
    Check::ok("terminal", "", "standard input or output is none here; the screen needs both")
}

fn term() -> Check {
    match env("TERM").unwrap_or_default().as_str() {
        "" | "dumb" => Check::warn(
            "TERM",
            "",
            "not set, or \"dumb\": drawn without colours",
            "export TERM as your terminal names itself, such as xterm-256color",
        ),
        term => Check::ok("TERM", term, "no terminfo entry is needed"),
    }
}

fn colours(cli: &Cli, settings: Option<&Settings>) -> Check {
    let setting = match (cli.common.color, settings) {
        (Some(color), _) => color.word(),
        (None, Some(settings)) => settings.screen.color.as_str(),
        (None, None) => "auto",
    };
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let from = match (setting, set("NO_COLOR"), set("COLORTERM")) {
        ("auto", Some(_), _) => "NO_COLOR is set".to_owned(),
        ("auto", None, Some(value)) => format!("COLORTERM is {value}"),
        ("auto", None, None) => "from TERM; COLORTERM is not set".to_owned(),
        (setting, ..) => format!("set to {setting}"),
    };
    let depth = match ColorDepth::choose(setting, env) {
        ColorDepth::Mono => "none, attributes only",
        ColorDepth::Ansi16 => "the terminal's own 16",
        ColorDepth::Indexed256 => "256",
        ColorDepth::TrueColor => "24 bits",
    };
    Check::ok("colours", "", format!("{depth} ({from})"))
}

fn locale(caps: &Caps, settings: Option<&Settings>) -> Check {
    let set = settings.map_or("auto", |settings| settings.screen.glyphs.as_str());
    if caps.unicode || set == "ascii" {
        let glyphs = if caps.wants_unicode(set) { "Unicode" } else { "ASCII, as set" };
        return Check::ok("locale", "", format!("glyphs: {glyphs}"));
    }
    let glyphs = if set == "unicode" { "Unicode, as set" } else { "ASCII" };
    let remedy = "export LC_ALL=C.UTF-8 if the terminal shows UTF-8, or set glyphs = \"ascii\" in [screen]";
    Check::warn(
        "locale",
        "",
        format!("not UTF-8, or a terminal with few glyphs: glyphs are {glyphs}"),
        remedy,
    )
}

fn size() -> Option<Check> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let Ok((columns, rows)) = crossterm::terminal::size() else {
        return Some(Check::warn(
            "size",
            "",
            "not told by the terminal: 80x24 is assumed",
            "run stty rows R cols C",
        ));
    };
    let shown = format!("{columns}x{rows}");
    if columns < SMALLEST.0 || rows < SMALLEST.1 {
        let text = "columns and panes are left out below 80x24";
        return Some(Check::warn("size", shown, text, "enlarge the window or the pane"));
    }
    Some(Check::ok("size", shown, ""))
}

/// What lightsout needs of tmux's options (tmux(1), OPTIONS).
async fn tmux() -> Vec<Check> {
    let Some(version) = ask("tmux", &["-V"]).await else {
        return vec![Check::warn("tmux", "", "TMUX is set, but tmux does not answer", "is tmux in PATH?")];
    };
    let mut checks = vec![Check::ok("tmux", "", version)];
    let Some(escape) = option("escape-time").await.and_then(|value| value.parse::<u64>().ok()) else {
        checks.push(Check::warn("escape-time", "", "tmux does not tell it", "set -sg escape-time 10"));
        return checks;
    };
    let found = format!("{escape} ms");
    checks.push(if escape > ESCAPE_TIME {
        let text = "a lone Esc waits that long";
        Check::warn("escape-time", found, text, "set -sg escape-time 10 (in ~/.tmux.conf)")
    } else {
        Check::ok("escape-time", found, "")
    });
    if let Some(value) = option("set-clipboard").await {
        let passes = option("allow-passthrough").await.is_some_and(|value| value != "off");
        checks.push(if value == "on" || passes {
            Check::ok("set-clipboard", value, "y reaches your clipboard if your terminal allows it (OSC 52)")
        } else {
            Check::warn("set-clipboard", value, "y does not reach your clipboard", "set -s set-clipboard on")
        });
    }
    if let Some(value) = option("default-terminal").await {
        checks.push(if value.starts_with("tmux") || value.starts_with("screen") {
            Check::ok("default-terminal", value, "")
        } else {
            let text = "programs in tmux take it for another terminal";
            Check::warn("default-terminal", value, text, "set -g default-terminal tmux-256color")
        });
    }
    checks
}

async fn screen() -> Vec<Check> {
    match ask("screen", &["-v"]).await {
        Some(version) => vec![Check::ok("screen", "", version)],
        None => {
            vec![Check::warn("screen", "", "STY is set, but screen does not answer", "is screen in PATH?")]
        }
    }
}

fn clipboard(caps: &Caps) -> Check {
    let way = match caps.multiplexer {
        Multiplexer::None => "",
        Multiplexer::Tmux => ", through tmux",
        Multiplexer::Screen => ", through screen",
    };
    Check::ok("clipboard", "", format!("by OSC 52{way}, at most 56 kB; the terminal must allow it"))
}

/// A server option, or one that older versions have elsewhere.
async fn option(name: &str) -> Option<String> {
    match ask("tmux", &["show", "-sv", name]).await {
        Some(value) => Some(value),
        None => ask("tmux", &["show", "-gv", name]).await,
    }
}
