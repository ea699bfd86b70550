//! What comes after the prefix, three consoles at once, and a second lightsout beside the first.

use std::time::Duration;

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::Home;
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;
use crate::tui_console::{make_it_talk, open_console};
use crate::tui_table::press_y_until_gone;

const QUICK: &str = "[poll]\ninterval = \"5s\"\nmin_command_interval = \"300ms\"\n[power]\ntimeout = \"60s\"";

/// A guest boots in 3 s on an idle machine; this one may be busy.
const BOOT: Duration = Duration::from_secs(60);

/// The console that has the keys: its frame is heavy.
fn focused(tui: &Tui, node: &str) {
    tui.wait(&format!("┏ {node} ·"));
}

#[test]
fn three_consoles_at_80x24_are_all_reached_and_alive() {
    let lab = Lab::up(&LabOptions {
        sims: 1,
        pyghmi: 1,
        vms: true,
        more: &["--power", "on"],
        ..LabOptions::default()
    });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait("vm1");
    for node in ["r1n01", "p1n01", "vm1"] {
        open_console(&mut tui, node);
        focused(&tui, node);
        tui.wait_until("attached", SOON, |screen| {
            screen.contains("attached, no output yet") || screen.contains("login:")
        });
        tui.keys("\x1d\x1b");
    }
    // By number from the table, by n and N from one to the next, in the order of opening, round about.
    tui.keys("1");
    focused(&tui, "r1n01");
    make_it_talk(&mut tui, "mike");
    tui.keys("\x1dn");
    focused(&tui, "p1n01");
    make_it_talk(&mut tui, "november");
    tui.keys("\x1dn");
    focused(&tui, "vm1");
    tui.keys("\r");
    tui.wait_until("the guest's login", BOOT, |screen| screen.contains("vm1 login:"));
    tui.keys("\x1dn");
    focused(&tui, "r1n01");
    tui.keys("\x1dN");
    focused(&tui, "vm1");
    tui.keys("\x1dN");
    focused(&tui, "p1n01");
    make_it_talk(&mut tui, "oscar");
    tui.keys("\x1dz");
    tui.wait_until("zoomed: this one alone", SOON, |screen| {
        screen.contains("┏ p1n01 ·") && !screen.contains("vm1 ·") && !screen.contains("NODE")
    });
    tui.keys("\x1dn");
    focused(&tui, "vm1");
    for (node, foreign) in [("r1n01", "november"), ("p1n01", "mike")] {
        let typed = String::from_utf8_lossy(&lab.node(node).typed()).into_owned();
        assert!(!typed.contains(foreign), "{node} got what was typed for another: {typed:?}");
    }
}

#[test]
fn a_break_is_sent_or_refused_in_words() {
    let lab = Lab::up(&LabOptions { sims: 0, vms: true, ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (100, 30));
    tui.wait("vm1");
    open_console(&mut tui, "vm1");
    tui.wait("● unix 1");
    tui.keys("\x1db");
    tui.wait("no break was sent: a unix socket cannot carry a break");
}

#[test]
fn reopening_ends_the_session_and_begins_another() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_with(&lab, "ipmitool", QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (100, 30));
    tui.wait("r1n01");
    open_console(&mut tui, "r1n01");
    make_it_talk(&mut tui, "papa");
    let sessions = || lab.node("r1n01").logins().iter().filter(|login| login.sol).count();
    let before = sessions();
    assert!(before > 0, "the lab sees which logins carry SOL");
    tui.keys("\x1do");
    tui.wait("r1n01 · SOL · connecting");
    make_it_talk(&mut tui, "quebec");
    assert_eq!(sessions(), before + 1, "what was typed went through another session");
}

#[test]
fn the_size_is_typed_at_the_node() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (100, 30));
    tui.wait("r1n01");
    open_console(&mut tui, "r1n01");
    make_it_talk(&mut tui, "romeo");
    let before = lab.node("r1n01").typed().len();
    tui.keys("\x1dr");
    wait_for("the console's size, not the window's, at the node", SOON, || {
        (lab.node("r1n01").typed()[before..] == *b"stty rows 25 cols 80\r").then_some(())
    });
}

#[test]
fn a_sol_break_reaches_the_node_s_line_and_is_told_where_it_cannot() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_with(&lab, "ipmitool", QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait("r1n01");
    open_console(&mut tui, "r1n01");
    make_it_talk(&mut tui, "sierra");
    let before = lab.node("r1n01").typed().len();
    tui.keys("\x1db");
    // ipmi_sim passes a break on to its line as telnet's, IAC BRK, and not before the next key.
    tui.keys("tango\r");
    wait_for("the break, before what is typed after it", SOON, || {
        (lab.node("r1n01").typed()[before..] == *b"\xff\xf3tango\r").then_some(())
    });
    tui.keys("half\x1db");
    tui.wait("no break was sent: press enter first");
    assert!(lab.node("r1n01").typed()[before..].ends_with(b"half"), "and nothing was");
}

#[test]
fn a_verb_pending_in_one_lightsout_is_seen_in_the_other() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    lab.node("r1n01").ignore("power");
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut first = Tui::start(home.path(), &["-c", &config], (120, 24));
    let mut second = Tui::start(home.path(), &["-c", &config], (120, 24));
    first.wait("● 1 on");
    second.wait("● 1 on");
    first.keys("pf");
    first.wait("power off r1n01?");
    press_y_until_gone(&mut first);
    first.wait("on→off");
    second.wait("on→off");
    let operator = |line: &serde_json::Value| line["operator"].as_str().map(str::to_owned);
    let operator = home.audit().iter().find_map(operator).expect("the request is in the trail");
    let other = format!("({operator}, process {})", first.pid());
    second.wait(&other);
    assert!(!first.screen().contains(&other), "it is the first one's own");
    // It cannot be cancelled, nor another begun, from here.
    second.keys("px");
    second.wait(&format!("begun in another lightsout {other}; cancel it there"));
    second.keys("\x1b");
    second.keys("pr");
    second.wait("power reset r1n01?");
    press_y_until_gone(&mut second);
    second.wait(&format!("power off is pending in another lightsout {other}"));
    assert!(!lab.node("r1n01").commands().iter().any(|line| line.contains("reset")), "nothing was sent");
    first.keys("px");
    first.wait_until("cancelled", SOON, |screen| !screen.contains("on→off"));
    second.wait_until("no verb is pending any more", Duration::from_secs(15), |screen| {
        !screen.contains("on→off") && !screen.contains(&other)
    });
}

#[test]
fn what_is_typed_into_several_reaches_all_of_them_and_no_other() {
    let home = Home::new();
    let out = home.path().join("got-");
    // What reaches each program is in a file of its own; a `G` ends it.
    let script = format!(
        "stty raw -echo; echo ready; while c=$(dd bs=1 count=1 2>/dev/null) && [ \"$c\" != G ]; do \
         printf %s \"$c\" >>{}{{name}}; done",
        out.display()
    );
    let config = home.config(&format!(
        "[[node]]\nname = \"n[1-4]\"\nconsole = {{ transport = \"command\", argv = [\"sh\", \"-c\", '{script}'] }}\n"
    ));
    let got = |node: &str| std::fs::read_to_string(format!("{}{node}", out.display())).unwrap_or_default();
    let reaches = |node: &str, text: &str| {
        wait_for(&format!("{text} at {node}"), SOON, || (got(node) == text).then_some(()));
    };
    let mut tui = Tui::start(home.path(), &["-c", &config], (100, 40));
    tui.wait("n4");
    for node in ["n1", "n2", "n3"] {
        open_console(&mut tui, node);
        focused(&tui, node);
        tui.wait("interactive");
        tui.keys("\x1d\x1b");
    }
    // The fourth is only watched.
    open_console(&mut tui, "n4");
    focused(&tui, "n4");
    tui.keys("\x1dm");
    tui.wait("n4 · command · monitor");
    tui.keys("\x1d\x1b1");
    focused(&tui, "n1");
    tui.keys("\x1di");
    tui.wait("type into 3 consoles?");
    press_y_until_gone(&mut tui);
    tui.wait("ctrl-] i ends typing into 3: n[1-3]");
    wait_for("a key that counts", SOON, || {
        tui.keys("a");
        got("n1").contains('a').then_some(())
    });
    tui.keys("Zbc");
    wait_for("what was typed last", SOON, || got("n1").ends_with("Zbc").then_some(()));
    let all = got("n1");
    for node in ["n2", "n3"] {
        reaches(node, &all);
    }
    assert_eq!(got("n4"), "");
    // One that ends is left out, aloud; the others go on.
    tui.keys("\x1di");
    tui.wait("one console again");
    tui.keys("\x1dnG");
    tui.wait("n2 · command · closed");
    tui.keys("\x1dNd");
    reaches("n1", &format!("{all}d"));
    assert_eq!((got("n2"), got("n3")), (all.clone(), all));
}
