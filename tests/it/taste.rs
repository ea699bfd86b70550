//! Themes and columns as an operator has them: files of one's own, the command line, the screen.

use crate::support::program::{Home, run};
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;

/// Machines that are not there: enough to draw a table.
const NOBODY: &str = "[[node]]\nname = \"vm[1-3]\"\ntags = [\"spare\"]\n\
    bmc = { driver = \"qemu\", qmp = \"/nonexistent/[1-3]\" }\n";

/// The ground of `dark` and of `light`, as 24 bits.
const DARK: &[u8] = b"48;2;29;32;40";
const LIGHT: &[u8] = b"48;2;250;248;243";

/// A theme of this user's.
fn theme(home: &Home, name: &str, text: &str) {
    let dir = home.path().join("config/lightsout/themes");
    std::fs::create_dir_all(&dir).expect("made");
    std::fs::write(dir.join(format!("{name}.toml")), text).expect("written");
}

fn has(raw: &[u8], bytes: &[u8]) -> bool {
    raw.windows(bytes.len()).any(|window| window == bytes)
}

/// Waits until something is drawn in a colour.
fn drawn_in(tui: &Tui, colour: &[u8]) {
    wait_for("the colour", SOON, || has(&tui.raw(), colour).then_some(()));
}

#[test]
fn an_unknown_theme_is_refused_by_every_command() {
    let home = Home::new();
    let config = home.config(NOBODY);
    theme(&home, "mine", "");
    for command in [&["status"][..], &["power", "on", "vm1"], &["config", "check"], &["config", "show"]] {
        let ended = run(home.path(), &[&["-c", &config, "--theme", "nope"], command].concat());
        assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{command:?}: {ended:?}");
        let known = "there is no theme \"nope\"; there are default, dark, light, high-contrast, colour-blind, mono, mine";
        assert!(ended.err.contains(known), "{command:?}: {}", ended.err);
    }
    let config = home.config(&format!("theme = \"drak\"\n{NOBODY}"));
    let ended = run(home.path(), &["-c", &config, "config", "check"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.err.contains("config.toml:1") && ended.err.contains("did you mean \"dark\"?"),
        "{}",
        ended.err
    );
    // The option is stronger than the configuration, for what is shown, too.
    let config = home.config(&format!("theme = \"mine\"\n{NOBODY}"));
    let ended = run(home.path(), &["-c", &config, "--theme", "light", "config", "show"]);
    assert!(ended.out.contains("theme = \"light\""), "{ended:?}");
}

#[test]
fn own_themes_are_listed_and_checked() {
    let home = Home::new();
    theme(&home, "mine", "about = \"for the night\"\ninherits = \"dark\"\n");
    let list = run(home.path(), &["config", "themes"]);
    assert_eq!((list.code, list.err.as_str()), (0, ""), "it needs no configuration: {list:?}");
    for name in lightsout::theme::Themes::default().names() {
        let line = list.out.lines().find(|line| line.starts_with(&format!("{name} ")));
        assert!(line.is_some_and(|line| line.contains("  built in  ")), "{name}: {}", list.out);
    }
    let mine = list.out.lines().last().expect("a line");
    assert!(mine.starts_with("mine ") && mine.ends_with("themes/mine.toml  for the night"), "{mine}");

    theme(&home, "pale", "inherits = \"dark\"\n[roles]\n\"state.on\" = { fg = \"#223322\" }\n");
    let config = home.config(&format!("theme = \"pale\"\n{NOBODY}"));
    let check = run(home.path(), &["-c", &config, "config", "check"]);
    assert_eq!(check.code, 0, "it is used all the same: {check:?}");
    for part in ["warning: theme pale: ", "role \"state.on\"", "contrast 1.", "4.5 is needed"] {
        assert!(check.err.contains(part), "{part}: {}", check.err);
    }

    theme(&home, "broken", "[roles]\n\n\"state.onn\" = { fg = \"red\" }\n");
    let wanted = "broken.toml:3: unknown role \"state.onn\", did you mean \"state.on\"?";
    let config = home.config(&format!("theme = \"broken\"\n{NOBODY}"));
    for args in [&["-c", config.as_str(), "config", "check"][..], &["config", "themes"]] {
        let ended = run(home.path(), args);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.err.contains(wanted), "{}", ended.err);
    }
    let mut tui = Tui::start(home.path(), &["-c", &config], (200, 24));
    assert_eq!(tui.wait_exit(), Some(1));
    tui.wait(wanted);
    assert!(!has(&tui.raw(), b"\x1b[?1049h"), "the screen was not taken");
}

#[test]
fn a_theme_is_taken_while_the_screen_is_up() {
    let home = Home::new();
    theme(&home, "broken", "inherits = \"round\"\n");
    theme(&home, "round", "inherits = \"broken\"\n");
    theme(&home, "pale", "inherits = \"light\"\n[roles]\nheader = { fg = \"#eeeeee\" }\n");
    let config = home.config(&format!("theme = \"dark\"\n{NOBODY}"));
    let env = [("COLORTERM", "truecolor")];
    let mut tui = Tui::start_with(home.path(), &["-c", &config], (100, 24), &env);
    tui.wait("vm3");
    assert!(has(&tui.raw(), DARK) && !has(&tui.raw(), LIGHT));
    tui.keys(":theme broken\r");
    tui.wait("inherit in a circle: broken, round, broken");
    tui.keys(":theme lig\t\r");
    drawn_in(&tui, LIGHT);
    tui.keys(":theme pale\r");
    tui.wait("theme pale: role \"header\" is hard to read on");
    // Read anew from its file.
    theme(&home, "pale", "inherits = \"light\"\n[roles]\nheader = { fg = \"#010203\" }\n");
    tui.keys(":theme pale\r");
    drawn_in(&tui, b"38;2;1;2;3");
    tui.keys("q");
    assert_eq!(tui.wait_exit(), Some(0));
}

#[test]
fn without_colours_a_theme_that_is_not_there_is_said_all_the_same() {
    let home = Home::new();
    let config = home.config(NOBODY);
    let mut tui = Tui::start_with(home.path(), &["-c", &config], (100, 24), &[("NO_COLOR", "1")]);
    tui.wait("vm3");
    tui.keys(":theme light\r");
    tui.wait("this terminal shows no colours: light looks like mono");
    tui.keys(":theme nope\r");
    tui.wait("there is no theme \"nope\"");
    assert!(!has(&tui.raw(), LIGHT));
    tui.keys("q");
    assert_eq!(tui.wait_exit(), Some(0));
}

#[test]
fn columns_and_order_are_as_configured_until_they_are_changed() {
    let home = Home::new();
    let table = "[table]\ncolumns = [\"power\", \"node\", \"note\"]\nsort = \"power\"\n";
    let config = home.config(&format!("{table}{NOBODY}"));
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait_until("the columns", SOON, |screen| {
        let header = screen.lines().nth(1).unwrap_or_default();
        header.split_whitespace().collect::<Vec<_>>() == ["POWER▾", "NODE", "NOTE"]
    });
    tui.keys(":columns ta\t\r");
    tui.wait("columns: power, node, tags, note");
    tui.wait("TAGS");
    tui.keys(":columns node,power\r");
    tui.wait_gone("TAGS");
    tui.keys("q");
    assert_eq!(tui.wait_exit(), Some(0));
}

#[test]
fn glyphs_are_those_of_the_setting() {
    let home = Home::new();
    for (setting, drawn) in [("unicode", "▸ vm1"), ("box", "► vm1"), ("ascii", "> vm1")] {
        let config = home.config(&format!("[screen]\nglyphs = \"{setting}\"\n{NOBODY}"));
        let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
        tui.wait(drawn);
        tui.keys("q");
        assert_eq!(tui.wait_exit(), Some(0));
    }
}
