//! The command line on a terminal: one console, questions, an interrupt, what the screen's options do.

use std::time::Duration;

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::{Home, command, run};
use crate::support::sol::Sol;
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;
use crate::tui_console::make_it_talk;

const QUICK: &str = "[poll]\ninterval = \"5s\"\nmin_command_interval = \"200ms\"\n[power]\ntimeout = \"20s\"";
/// A machine that is not there: enough to draw a table.
const NOBODY: &str = "[[node]]\nname = \"vm1\"\nbmc = { driver = \"qemu\", qmp = \"/nonexistent/a\" }\n";

fn one_sim() -> Lab {
    Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() })
}

/// Whether the BMC was told to change its power.
fn power_was_set(lab: &Lab, node: &str) -> bool {
    lab.node(node).commands().iter().any(|line| line.contains("set power"))
}

#[test]
fn one_console_takes_the_terminal_and_gives_it_back() {
    let lab = one_sim();
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config, "console", "r1n01"], (80, 24));
    tui.wait("r1n01 ·");
    make_it_talk(&mut tui, "foxtrot");
    assert!(!tui.screen().contains("NODE"), "the console has the whole screen");
    let typed = lab.node("r1n01").typed();
    assert!(typed.ends_with(b"foxtrot\r"), "{:?}", String::from_utf8_lossy(&typed));
    tui.keys("\x1d.");
    assert_eq!(tui.wait_exit(), Some(0));
    tui.assert_restored();
    assert_eq!(lab.node("r1n01").typed(), typed, "leaving types nothing");
    let sol = Sol::activate(&lab.node("r1n01"));
    sol.shows("SOL Session operational");
    sol.interrupt();
}

#[test]
fn one_console_only_to_look_at_types_nothing() {
    let lab = one_sim();
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let before = lab.node("r1n01").typed();
    let mut tui = Tui::start(home.path(), &["-c", &config, "console", "r1n01", "--monitor"], (80, 24));
    tui.wait("r1n01 · SOL · monitor");
    tui.wait("attached, no output yet");
    tui.keys("never\r");
    tui.wait("monitoring r1n01: keys are not sent");
    tui.keys("\x1db");
    tui.keys("\x1d.");
    assert_eq!(tui.wait_exit(), Some(0));
    tui.assert_restored();
    assert_eq!(lab.node("r1n01").typed(), before);
}

#[test]
fn a_console_that_does_not_exist_is_refused_in_words() {
    let home = Home::new();
    let config = home.config(NOBODY);
    for (node, said) in [("vm9", "there is no node \"vm9\""), ("vm1", "no console is configured for vm1")] {
        let mut tui = Tui::start(home.path(), &["-c", &config, "console", node], (80, 24));
        let code = tui.wait_exit();
        tui.wait(said);
        assert!(matches!(code, Some(1 | 2)), "{node}: {code:?}");
    }
}

#[test]
fn a_verb_asks_on_the_terminal_and_takes_only_the_right_answer() {
    let lab = Lab::up(&LabOptions { sims: 2, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let logins = || (lab.node("r1n01").logins().len(), lab.node("r1n02").logins().len());
    let before = logins();
    let one = "power off on r1n01? type y to go on:";
    let two = "power off on r1n[01-02]? type 2 to go on:";
    for (nodes, question, answer) in
        [("r1n01", one, "n"), ("r1n01", one, ""), ("r1n[01-02]", two, "y"), ("r1n[01-02]", two, "3")]
    {
        let mut tui = Tui::start(home.path(), &["-c", &config, "power", "off", nodes], (100, 24));
        tui.wait(question);
        tui.keys(&format!("{answer}\r"));
        assert_eq!(tui.wait_exit(), Some(3), "{nodes}: {answer:?}");
        tui.wait("not confirmed, nothing was sent");
    }
    assert_eq!(logins(), before, "nobody logged in");
    assert!(home.audit().is_empty(), "what was not asked for leaves no trail: {:?}", home.audit());
    for (nodes, question, answer, said) in
        [("r1n01", one, "y", "off: r1n01"), ("r1n[01-02]", two, "2", "off: r1n02")]
    {
        let mut tui = Tui::start(home.path(), &["-c", &config, "power", "off", nodes], (100, 24));
        tui.wait(question);
        tui.keys(&format!("{answer}\r"));
        assert_eq!(tui.wait_exit(), Some(0), "{nodes}");
        tui.wait(said);
    }
    assert_eq!((lab.node("r1n01").power(), lab.node("r1n02").power()), ("off".into(), "off".into()));
}

#[test]
fn an_interrupted_wait_says_what_was_sent() {
    let lab = one_sim();
    lab.node("r1n01").ignore("power");
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let args = ["-c", &config, "power", "off", "r1n01", "--yes", "--timeout", "60s"];
    let mut tui = Tui::start(home.path(), &args, (100, 24));
    wait_for("the BMC was told", SOON, || power_was_set(&lab, "r1n01").then_some(()));
    let looked = lab.node("r1n01").logins().len();
    wait_for("a look at the effect", SOON, || (lab.node("r1n01").logins().len() > looked).then_some(()));
    tui.keys("\x03");
    assert_eq!(tui.wait_exit(), Some(4));
    tui.wait("interrupted: no longer waiting");
    tui.wait("off had been sent");
    assert!(tui.screen().contains("r1n01:"), "the node is named");
}

#[test]
fn a_verb_pending_in_another_lightsout_refuses_a_second_one() {
    let lab = one_sim();
    lab.node("r1n01").ignore("power");
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut first = command(home.path(), &["-c", &config, "power", "off", "r1n01", "--yes"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("lightsout starts");
    wait_for("the first one's verb", SOON, || power_was_set(&lab, "r1n01").then_some(()));
    let second = run(home.path(), &["-c", &config, "power", "reset", "r1n01", "--yes"]);
    assert_eq!(second.code, 3, "{second:?}");
    let named = format!("(process {})", first.id());
    assert!(
        second.err.contains("power off is pending, by") && second.err.contains(&named),
        "it names the other verb and its process {}: {}",
        first.id(),
        second.err
    );
    assert!(!lab.node("r1n01").commands().iter().any(|line| line.contains("reset")), "nothing was sent");
    let status = run(home.path(), &["-c", &config, "power", "status", "r1n01"]);
    assert_eq!((status.code, status.out.trim()), (0, "on: r1n01"), "reading is never refused");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(first.id().try_into().expect("a process id fits")),
        nix::sys::signal::Signal::SIGTERM,
    )
    .expect("it runs");
    let ended = wait_for("its end", Duration::from_secs(20), || first.try_wait().expect("our child"));
    assert_eq!(ended.code(), Some(4), "SIGTERM ends the waiting in order");
}

#[test]
fn an_unknown_theme_is_refused_with_those_there_are() {
    let home = Home::new();
    let config = home.config(NOBODY);
    let mut tui = Tui::start(home.path(), &["-c", &config, "--theme", "nosuch"], (120, 24));
    assert_eq!(tui.wait_exit(), Some(1));
    tui.wait("there is no theme \"nosuch\"");
    let known = lightsout::theme::Themes::default().names();
    assert!(known.len() > 1 && known.iter().all(|name| tui.screen().contains(name)), "{known:?}");
    assert!(!tui.raw().windows(8).any(|bytes| bytes == b"\x1b[?1049h"), "the screen was not taken");
}

/// The colours among the SGR parameters of everything drawn.
fn colours(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw).into_owned();
    text.split("\x1b[")
        .filter_map(|rest| rest.split_once('m'))
        .map(|(parameters, _)| parameters)
        .filter(|parameters| parameters.chars().all(|ch| ch.is_ascii_digit() || ";:".contains(ch)))
        .filter(|parameters| {
            parameters
                .split([';', ':'])
                .any(|number| matches!(number.parse(), Ok(30..=38_u32 | 40..=48 | 90..=97 | 100..=107)))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn color_never_draws_no_colour() {
    let home = Home::new();
    let config = home.config(NOBODY);
    let drawn = |args: &[&str], env: &[(&str, &str)]| {
        let mut all = vec!["-c", config.as_str()];
        all.extend(args);
        let mut tui = Tui::start_with(home.path(), &all, (80, 24), env);
        tui.wait("no process");
        tui.keys("p");
        tui.wait("power off, hard");
        colours(&tui.raw())
    };
    assert!(!drawn(&[], &[]).is_empty(), "by default there are colours");
    assert_eq!(drawn(&["--color", "never"], &[]), Vec::<String>::new());
    assert_eq!(drawn(&[], &[("NO_COLOR", "1")]), Vec::<String>::new());
    assert!(!drawn(&["--color", "16"], &[("NO_COLOR", "1")]).is_empty(), "the option is stronger");
}
