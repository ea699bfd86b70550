//! Consoles in panes against real BMCs and machines, and what is left when the program goes.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::Home;
use crate::support::sol::Sol;
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;

const QUICK: &str = "[poll]\ninterval = \"5s\"\nmin_command_interval = \"500ms\"";

macro_rules! with_both_drivers {
    ($($test:ident)*) => {
        mod ipmi {
            $(#[test]
            fn $test() {
                super::$test("ipmi");
            })*
        }

        mod ipmitool {
            $(#[test]
            fn $test() {
                super::$test("ipmitool");
            })*
        }
    };
}

with_both_drivers! {
    two_sol_panes_and_a_vm_live_at_once_and_kill_9_frees_them
    every_door_leaves_the_sol_free_and_types_nothing
    a_busy_sol_is_said_and_not_stolen
    the_prefix_works_and_nothing_else_is_taken
    scrollback_is_frozen_scrolled_searched_and_copied
}

/// Opens the console of a node with the keys an operator presses, and waits until it lives.
pub fn open_console(tui: &mut Tui, node: &str) {
    tui.keys(&format!("/{node}\r"));
    tui.wait_until(&format!("only {node} in the table"), SOON, |screen| {
        screen.lines().any(|line| line.contains('▸') && line.contains(node))
    });
    tui.keys("c");
    tui.wait(&format!("{node} ·"));
}

/// Types a word until the node echoes it (its simulator may lose the first key of a session).
pub fn make_it_talk(tui: &mut Tui, word: &str) {
    tui.wait_until("the console is attached", SOON, |screen| screen.contains("nteractive"));
    wait_for(&format!("the node echoes {word}"), Duration::from_secs(30), || {
        tui.keys(&format!("{word}\r"));
        let end = std::time::Instant::now() + Duration::from_secs(2);
        while std::time::Instant::now() < end {
            if tui.screen().contains(&format!("[{word}]")) {
                return Some(());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        None
    });
}

fn two_sol_panes_and_a_vm_live_at_once_and_kill_9_frees_them(driver: &str) {
    let lab = Lab::up(&LabOptions {
        sims: 1,
        pyghmi: 1,
        vms: true,
        more: &["--power", "on"],
        ..LabOptions::default()
    });
    let home = Home::new();
    let config = home.config_with(&lab, driver, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (160, 48));
    tui.wait("vm1");
    for (node, word) in [("r1n01", "alpha"), ("p1n01", "bravo")] {
        open_console(&mut tui, node);
        make_it_talk(&mut tui, word);
        tui.keys("half");
        tui.wait(&format!("{node} login: half"));
        tui.keys("\x1d\x1b");
    }
    open_console(&mut tui, "vm1");
    tui.keys("\r");
    // An emulated machine takes its time to boot where others are tested beside it.
    tui.wait_until("three panes, the guest's alive", Duration::from_secs(60), |screen| {
        ["r1n01 ·", "p1n01 ·", "vm1 ·", "vm1 login:"].iter().all(|title| screen.contains(title))
    });
    tui.signal(Signal::SIGKILL);
    tui.wait_exit();
    for (node, word) in [("r1n01", "alpha"), ("p1n01", "bravo")] {
        match (driver, node) {
            // Nobody is left who could free it; the BMC does once the login has been silent for long enough.
            ("ipmi", "r1n01") => wait_for("a free SOL", Duration::from_secs(60), || {
                std::thread::park_timeout(Duration::from_secs(1));
                let status = lab.ipmitool(node, &["raw", "0x06", "0x4a", "0x01"]);
                (status.stdout.trim() == "01 00 00").then_some(())
            }),
            // pyghmi's never does.
            ("ipmi", _) => assert!(lab.ipmitool(node, &["sol", "deactivate"]).ok),
            _ => {}
        }
        assert_sol_is_free(&lab, node);
        let typed = String::from_utf8_lossy(&lab.node(node).typed()).into_owned();
        let rest =
            typed.strip_suffix("half").ok_or_else(|| format!("{node}: {typed:?} does not end as typed"));
        let rest = rest.expect("what was typed last");
        // The word may have been typed more than once, and a session's first byte is lost by ipmi_sim.
        let tries: Vec<&str> = rest.split('\r').filter(|part| !part.is_empty()).collect();
        assert!(tries.iter().all(|part| word.ends_with(part)), "{node}: a byte nobody typed: {typed:?}");
    }
}

/// A foreign client can take the SOL at once.
fn assert_sol_is_free(lab: &Lab, node: &str) {
    let sol = Sol::activate(&lab.node(node));
    sol.shows("SOL Session operational");
    sol.interrupt();
}

fn every_door_leaves_the_sol_free_and_types_nothing(driver: &str) {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_with(&lab, driver, QUICK);
    for door in ["quit", "detach", "term", "hup", "hangup", "panic"] {
        let panic: &[(&str, &str)] = if door == "panic" { &[("LIGHTSOUT_PANIC_ON", "USR2")] } else { &[] };
        let mut tui = Tui::start_with(home.path(), &["-c", &config], (100, 30), panic);
        tui.wait("r1n01");
        open_console(&mut tui, "r1n01");
        make_it_talk(&mut tui, "delta");
        let before = lab.node("r1n01").typed();
        match door {
            "quit" => {
                tui.keys("\x1d\x1bq");
                tui.wait("quit lightsout?");
                super::tui_table::press_y_until_gone(&mut tui);
            }
            "detach" => {
                tui.keys("\x1d.");
                tui.wait_gone("r1n01 ·");
                tui.keys("q");
            }
            "term" => tui.signal(Signal::SIGTERM),
            "hup" => tui.signal(Signal::SIGHUP),
            "hangup" => tui.hang_up(),
            _ => tui.signal(Signal::SIGUSR2),
        }
        let code = tui.wait_exit();
        if door == "panic" {
            assert_eq!(code, Some(101), "a panic ends the program");
        }
        if door != "hangup" {
            tui.assert_restored();
        }
        assert_sol_is_free(&lab, "r1n01");
        assert_eq!(lab.node("r1n01").typed(), before, "{door}: a byte was typed that nobody pressed");
    }
}

fn a_busy_sol_is_said_and_not_stolen(driver: &str) {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let mut holder = Sol::activate(&lab.node("r1n01"));
    holder.shows("SOL Session operational");
    let home = Home::new();
    let config = home.config_with(&lab, driver, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait("r1n01");
    open_console(&mut tui, "r1n01");
    // The BMC tells who asks for it; with ipmitool that is asked after its word that it is held.
    tui.wait("busy: held by admin");
    tui.wait("ctrl-] o tries again");
    let said = tui.screen().split_whitespace().collect::<Vec<_>>().join(" ");
    for offer in ["s takes it, after a question", "L reads along in its log", "t waits until it is free"] {
        assert!(said.contains(offer), "{offer}: {said}");
    }
    // Asked, and not done by enter.
    tui.keys("\x1ds");
    tui.wait("take the console of r1n01?");
    tui.wait("they lose it at once");
    wait_for("the question takes enter after its first 300 ms", SOON, || {
        let asks = tui.screen().contains("[ Cancel ]");
        if asks {
            tui.keys("\r");
        }
        (!asks).then_some(())
    });
    wait_for("keys to count again", SOON, || {
        tui.keys("stolen\r");
        tui.screen().contains("r1n01 is held by somebody else").then_some(())
    });
    holder.types("x\r");
    holder.shows("you said [x]");
    assert!(!holder.seen().contains("stolen"), "what was typed at a busy console went nowhere");
    holder.interrupt();
    tui.keys("\x1do");
    tui.wait("attached, no output yet");
}

fn the_prefix_works_and_nothing_else_is_taken(driver: &str) {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_with(&lab, driver, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (100, 30));
    tui.wait("r1n01");
    open_console(&mut tui, "r1n01");
    make_it_talk(&mut tui, "echo");
    let before = lab.node("r1n01").typed().len();
    tui.keys("\x1dX");
    tui.keys("\x03");
    wait_for("ctrl-c reaches the node", SOON, || {
        lab.node("r1n01").typed()[before..].contains(&3).then_some(())
    });
    tui.keys("\x1d\x1d");
    wait_for("the prefix twice sends it once", SOON, || {
        (lab.node("r1n01").typed()[before..] == [3, 0x1d]).then_some(())
    });
    tui.keys("\x1dm");
    tui.wait("onitor");
    tui.keys("never\r");
    tui.keys("\x1dm");
    tui.wait("nteractive");
    tui.keys("z");
    wait_for("keys flow again", SOON, || lab.node("r1n01").typed()[before..].contains(&b'z').then_some(()));
    assert_eq!(&lab.node("r1n01").typed()[before..], [3, 0x1d, b'z'], "monitor mode typed nothing");
    tui.keys("\x1dz");
    tui.wait_gone("NODE");
    tui.keys("\x1dz");
    tui.wait("NODE");
}

fn scrollback_is_frozen_scrolled_searched_and_copied(driver: &str) {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_with(&lab, driver, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (100, 40));
    tui.wait("r1n01");
    open_console(&mut tui, "r1n01");
    make_it_talk(&mut tui, "hello");
    tui.keys("flood 300\r");
    tui.wait_until("the flood is over", Duration::from_secs(60), |screen| screen.contains("FLOOD-DONE"));
    tui.keys("\x1d[");
    tui.keys("?line 000042\r");
    tui.wait_until("the line is found and shown", SOON, |screen| screen.contains("line 000042"));
    tui.keys("Vy");
    wait_for("the line is on the clipboard", SOON, || {
        let raw = tui.raw();
        let start = raw.windows(5).rposition(|window| window == b"\x1b]52;")?;
        let text: Vec<u8> =
            raw[start..].iter().copied().take_while(|byte| *byte != 7 && *byte != 0x5c).collect();
        (text.len() > 20).then_some(())
    });
    tui.keys("q");
    tui.wait("FLOOD-DONE");
}

#[test]
fn a_console_that_cannot_be_had_says_why_and_the_table_lives_on() {
    let lab = Lab::up(&LabOptions { sims: 1, vms: true, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let held = std::os::unix::net::UnixStream::connect(lab.node("vm1").serial()).unwrap();
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait("vm1");
    open_console(&mut tui, "vm1");
    tui.wait("busy: held by another client of the socket");
    tui.wait("the socket serves one client: close the other one and reopen");
    drop(held);
    tui.keys("\x1do");
    tui.wait("attached, no output yet");
    tui.keys("\x1d\x1b");
    lab.kill("vm2");
    open_console(&mut tui, "vm2");
    tui.wait("closed: cannot open the console: nothing listens on");
    tui.wait("the machine behind it has probably quit");
    tui.wait("next try");
    tui.keys("\x1d\x1b");
    tui.wait("p power");
    lab.start("vm2");
    tui.wait_until("it is attached by itself when the machine is back", Duration::from_secs(60), |screen| {
        screen.lines().skip(1).any(|line| line.contains("vm2") && line.contains("● unix"))
    });
}

#[test]
fn a_paused_machine_is_resumed_when_its_console_is_attached_by_the_operator() {
    let lab = Lab::up(&LabOptions { sims: 0, vms: true, ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut looking = Tui::start(home.path(), &["-c", &config, "--read-only"], (80, 24));
    looking.wait("prelaunch");
    open_console(&mut looking, "vm2");
    looking.wait("onitor");
    looking.wait("prelaunch");
    looking.keys("\x1d.");
    looking.wait_gone("vm2 ·");
    looking.keys("q");
    looking.wait_exit();
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait("prelaunch");
    open_console(&mut tui, "vm2");
    tui.wait_gone("prelaunch");
}
