//! The mouse in the real program: what it does, that no node sees it, that it is given back.

use nix::sys::signal::Signal;

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::Home;
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;
use crate::tui_console::{make_it_talk, open_console};

const MOUSE: &str = "[screen]\nmouse = true\n[poll]\ninterval = \"5s\"\nmin_command_interval = \"300ms\"";
const NODES: &str =
    "[[node]]\nname = \"vm[1-5]\"\nbmc = { driver = \"qemu\", qmp = \"/nonexistent/[1-5]\" }\n";

/// A report of the mouse on the first cell of `word`.
fn report(screen: &str, button: u8, word: &str) -> String {
    let found = screen.lines().enumerate().find_map(|(y, line)| {
        let at = line.find(word)?;
        Some((line[..at].chars().count() + 1, y + 1))
    });
    assert!(found.is_some(), "no {word:?} on\n{screen}");
    let (x, y) = found.expect("it was looked at");
    format!("\x1b[<{button};{x};{y}M\x1b[<{button};{x};{y}m")
}

fn click(tui: &mut Tui, word: &str) {
    let report = report(&tui.screen(), 0, word);
    tui.keys(&report);
}

fn cursor_on(tui: &Tui, node: &str) {
    tui.wait_until(&format!("the cursor on {node}"), SOON, |screen| {
        screen.lines().any(|line| line.starts_with('▸') && line.contains(node))
    });
}

fn last(raw: &[u8], wanted: &str) -> Option<usize> {
    raw.windows(wanted.len()).rposition(|window| window == wanted.as_bytes())
}

#[test]
fn clicks_move_sort_open_and_pick_and_a_question_is_answered_by_its_buttons() {
    let home = Home::new();
    let config = home.config(&format!("{MOUSE}\n{NODES}"));
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait("vm5");
    click(&mut tui, "vm3");
    cursor_on(&tui, "vm3");
    click(&mut tui, "POWER");
    tui.wait("sorted by");
    click(&mut tui, "vm4");
    click(&mut tui, "vm4");
    tui.wait("┌ vm4");
    // Beside the list is out of it.
    tui.keys("\x1b[<0;1;1M");
    tui.wait_gone("┌ vm4");
    tui.keys("p");
    tui.wait("┌ power: vm4");
    click(&mut tui, "power off, hard");
    tui.wait("power off vm4?");
    wait_for("the button takes a click after its first 300 ms", SOON, || {
        if tui.screen().contains("[ Cancel ]") {
            click(&mut tui, "[ Cancel ]");
        }
        tui.screen().contains("nothing was done").then_some(())
    });
    tui.keys("q");
    assert_eq!(tui.wait_exit(), Some(0));
    tui.assert_restored();
}

#[test]
fn no_node_sees_the_mouse_however_its_reports_are_torn() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, MOUSE);
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait("r1n01");
    open_console(&mut tui, "r1n01");
    for n in 0..30 {
        make_it_talk(&mut tui, &format!("w{n:02}"));
    }
    let before = lab.node("r1n01").typed();
    // A click into the console that has the keys, cut at every byte behind its first; another report is
    // before it, as on a line that is slow because much comes at once.
    let (lead, torn) = ("\x1b[<35;9;20M", "\x1b[<0;10;20M");
    for cut in 1..torn.len() {
        tui.keys(&format!("{lead}{}", &torn[..cut]));
        std::thread::park_timeout(std::time::Duration::from_millis(150));
        tui.keys(&torn[cut..]);
    }
    // The wheel looks back.
    tui.keys("\x1b[<64;10;20M\x1b[<64;10;20M");
    tui.wait("scrollback 0 of");
    // q is ours there; the word after it is the node's again, and all that it got.
    tui.keys("q");
    tui.wait_gone("scrollback 0 of");
    tui.keys("end\r");
    wait_for("the word at the node", SOON, || lab.node("r1n01").typed().ends_with(b"end\r").then_some(()));
    assert_eq!(lab.node("r1n01").typed()[before.len()..], *b"end\r");
}

#[test]
fn the_mouse_is_off_by_default_and_given_back_by_every_door() {
    let home = Home::new();
    let config = home.config(NODES);
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait("vm5");
    assert_eq!(last(&tui.raw(), "\x1b[?1000h"), None, "nobody asked for it");
    tui.keys("\x1b[<0;10;5M");
    tui.keys(":mouse\r");
    tui.wait("mouse on");
    cursor_on(&tui, "vm1");
    wait_for("the terminal is asked for the mouse", SOON, || last(&tui.raw(), "\x1b[?1000h\x1b[?1006h"));
    click(&mut tui, "vm2");
    cursor_on(&tui, "vm2");
    // Suspended, the shell has it; afterwards we have it again.
    tui.signal(Signal::SIGTSTP);
    let state = format!("/proc/{}/stat", tui.pid());
    wait_for("all of it stands still", SOON, || {
        std::fs::read_to_string(&state).ok().filter(|text| text.contains(") T "))
    });
    tui.assert_restored();
    tui.resize(90, 20);
    tui.signal(Signal::SIGCONT);
    wait_for("the mouse is asked for again", SOON, || {
        (last(&tui.raw(), "\x1b[?1000h") > last(&tui.raw(), "\x1b[?1049l")).then_some(())
    });
    tui.wait_until("drawn in its new size", SOON, |screen| {
        screen.lines().nth(19).is_some_and(|line| line.contains("? help"))
    });
    click(&mut tui, "vm3");
    cursor_on(&tui, "vm3");
    tui.keys(":mouse\r");
    tui.wait("mouse off");
    wait_for("it is given back", SOON, || {
        (last(&tui.raw(), "\x1b[?1000l") > last(&tui.raw(), "\x1b[?1000h")).then_some(())
    });
    tui.keys("q");
    tui.wait_exit();
    let config = home.config(&format!("{MOUSE}\n{NODES}"));
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR2] {
        let mut tui =
            Tui::start_with(home.path(), &["-c", &config], (80, 24), &[("LIGHTSOUT_PANIC_ON", "USR2")]);
        tui.wait("vm5");
        assert!(last(&tui.raw(), "\x1b[?1000h").is_some());
        tui.signal(signal);
        assert!(tui.wait_exit().is_some(), "{signal} ends it in order");
        tui.assert_restored();
    }
}
