//! BMCs that reset, fall silent, die or want a key, as the operator sees them.

use std::time::Duration;

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::{Home, run};
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;
use crate::tui_console::{make_it_talk, open_console};
use crate::tui_table::press_y_until_gone;

const QUICK: &str = "[poll]\ninterval = \"2s\"\nmin_command_interval = \"300ms\"\n[power]\ntimeout = \"20s\"";
const LONG: Duration = Duration::from_secs(90);

/// The line of a node in the table; the title above it may name the node too.
fn line_of<'a>(screen: &'a str, node: &str) -> &'a str {
    screen.lines().skip(1).find(|line| line.contains(node)).unwrap_or("")
}

/// Whether `text` holds `words` and, somewhere behind them, a time of day such as `22:31`.
fn says_with_clock(text: &str, words: &str) -> bool {
    let Some(at) = text.find(words) else { return false };
    let rest: Vec<char> = text[at + words.len()..].chars().collect();
    rest.windows(5)
        .any(|five| five[2] == ':' && [0, 1, 3, 4].iter().all(|&place| five[place].is_ascii_digit()))
}

#[test]
fn a_cold_reset_ends_the_console_in_words_and_it_comes_back() {
    let lab = Lab::up(&LabOptions { sims: 0, pyghmi: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (100, 30));
    tui.wait("● 1 on");
    open_console(&mut tui, "p1n01");
    make_it_talk(&mut tui, "juliet");
    tui.keys("\x1d\x1bmc");
    tui.wait("bmc reset-cold p1n01?");
    tui.wait("(06 02)");
    press_y_until_gone(&mut tui);
    tui.wait_until("the reset is said in the table", SOON, |screen| {
        says_with_clock(line_of(screen, "p1n01"), "resetting since")
    });
    tui.wait_until("the console's end, with its next try", LONG, |screen| {
        screen.contains("closed: the console was lost") && says_with_clock(screen, "next try")
    });
    tui.wait_until("it is attached again", LONG, |screen| {
        !screen.contains("closed:") && line_of(screen, "▸").contains("● sol")
    });
    tui.keys("1");
    make_it_talk(&mut tui, "kilo");
    tui.wait_until("the table is over it", LONG, |screen| !screen.contains("resetting"));
    assert!(lab.node("p1n01").commands().iter().any(|line| line.contains("cold")));
}

#[test]
fn a_bmc_that_falls_silent_within_a_verb_ends_it_in_words() {
    let lab = Lab::up(&LabOptions { sims: 2, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let settings = QUICK.replace("\"20s\"", "\"6s\"");
    let config = home.config_of(&lab, &settings);
    lab.node("r1n01").ignore("power");
    let mut tui = Tui::start(home.path(), &["-c", &config], (120, 24));
    tui.wait("● 2 on");
    tui.keys("pf");
    tui.wait("power off r1n01?");
    press_y_until_gone(&mut tui);
    let told = || lab.node("r1n01").commands().iter().any(|line| line.contains("set power 0"));
    wait_for("the BMC was told", SOON, || told().then_some(()));
    lab.silence("r1n01");
    tui.wait_until("the verb is waited for", SOON, |screen| line_of(screen, "r1n01").contains("on→off"));
    tui.wait_until("the verb has ended, in words", LONG, |screen| {
        !line_of(screen, "r1n01").contains("on→off")
            && screen.contains("power off: ")
            && screen.contains("not confirmed")
    });
    tui.wait_until("no answer, and since when", LONG, |screen| {
        says_with_clock(line_of(screen, "r1n01"), "no answer since")
    });
    assert!(line_of(&tui.screen(), "r1n02").contains("● on"), "its neighbour is as before");
    lab.node("r1n02").set_power("off");
    tui.wait_until("the table lives on", SOON, |screen| line_of(screen, "r1n02").contains("○ off"));
}

#[test]
fn a_dead_bmc_says_when_it_is_asked_next_and_is_seen_again() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (120, 24));
    tui.wait("● 1 on");
    lab.kill("r1n01");
    tui.wait_until("no answer, since when, and when next", LONG, |screen| {
        let line = line_of(screen, "r1n01");
        says_with_clock(line, "no answer since")
            && says_with_clock(line, "next try")
            && line.contains("! unknown")
    });
    tui.wait("! 1 unreachable");
    lab.start("r1n01");
    lab.node("r1n01").set_power("off");
    tui.keys("r");
    tui.wait_until("it is back, with its true state", LONG, |screen| {
        line_of(screen, "r1n01").contains("○ off") && !screen.contains("no answer")
    });
}

#[test]
fn a_bmc_key_opens_and_a_wrong_one_is_named() {
    let more = &["--kg", "bmckey", "--power", "on"];
    let lab = Lab::up(&LabOptions { sims: 0, pyghmi: 1, more, ..LabOptions::default() });
    let home = Home::new();
    let config = |key: Option<&str>| {
        let path = home.config_of(&lab, QUICK);
        let Some(key) = key else { return path };
        let file = home.path().join("bmc.kg");
        std::fs::write(&file, key).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let with = format!("credentials = \"lab\", kg_file = \"{}\" }}", file.display());
        home.config(&text.replace("credentials = \"lab\" }", &with))
    };
    for key in [Some("other"), None] {
        let path = config(key);
        let status = run(home.path(), &["-c", &path, "status", "--json"]);
        assert_eq!((status.code, &status.json()[0]["class"]), (2, &"auth".into()), "{key:?}: {status:?}");
        let reason = status.json()[0]["reason"].to_string();
        let words = run(home.path(), &["-c", &path, "power", "status", "p1n01"]).err;
        assert!(words.contains("Kg"), "{key:?}: it names the key: {words} ({reason})");
        assert!(!words.contains("other"), "{words}");
    }
    let path = config(Some("bmckey"));
    let status = run(home.path(), &["-c", &path, "power", "status", "p1n01"]);
    assert_eq!((status.code, status.out.trim()), (0, "on: p1n01"), "{status:?}");
    let off = run(home.path(), &["-c", &path, "power", "off", "p1n01", "--yes"]);
    assert_eq!((off.code, lab.node("p1n01").power()), (0, "off".into()), "{off:?}");
    let mut tui = Tui::start(home.path(), &["-c", &path, "console", "p1n01"], (80, 24));
    tui.wait("p1n01 ·");
    make_it_talk(&mut tui, "lima");
}
