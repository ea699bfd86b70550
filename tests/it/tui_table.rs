//! The screen as an operator uses it: the table, the verbs, the confirmations, the terminal itself.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::Home;
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;

const QUICK: &str = "[poll]\ninterval = \"5s\"\nmin_command_interval = \"500ms\"\n[power]\ntimeout = \"30s\"";

/// The word behind a node's name in the table; the title above it may name the node in its filter.
fn power_of(screen: &str, node: &str) -> Option<String> {
    let line = screen.lines().skip(1).find(|line| line.contains(node))?;
    ["on→off", "off→on", "unknown", "off", "on"]
        .iter()
        .find(|word| line.contains(&format!(" {word}")))
        .map(|&word| word.into())
}

#[test]
fn all_nodes_show_their_true_state_and_p_f_turns_one_off() {
    let lab = Lab::up(&LabOptions {
        sims: 3,
        pyghmi: 1,
        vms: true,
        more: &["--power", "on"],
        ..LabOptions::default()
    });
    lab.node("r1n02").set_power("off");
    // Long enough to be seen on its way also when this machine is busy.
    lab.node("r1n03").lag(3.0);
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait_until("every node with its true power state", Duration::from_secs(10), |screen| {
        ["r1n01", "r1n03", "p1n01", "vm1"].iter().all(|node| power_of(screen, node).as_deref() == Some("on"))
            && power_of(screen, "r1n02").as_deref() == Some("off")
    });
    tui.keys("/r1n03\r");
    tui.wait_gone("r1n01");
    tui.keys("pf");
    tui.wait("power off");
    tui.wait_until("the command that would be sent", SOON, |screen| {
        screen.contains("chassis control: power off")
    });
    press_y_until_gone(&mut tui);
    tui.wait_until("on→off, then off", SOON, |screen| {
        power_of(screen, "r1n03").as_deref() == Some("on→off")
    });
    tui.wait_until("off", SOON, |screen| power_of(screen, "r1n03").as_deref() == Some("off"));
    assert_eq!(lab.ipmitool("r1n03", &["power", "status"]).stdout, "Chassis Power is off");
    tui.keys("q");
    assert_eq!(tui.wait_exit(), Some(0));
    tui.assert_restored();
}

/// Confirms a dialog; its first 300 ms take no keys, so the key is pressed until it counted.
pub fn press_y_until_gone(tui: &mut Tui) {
    wait_for("the confirmation takes y", SOON, || {
        tui.keys("y");
        let gone = wait_gone_briefly(tui);
        gone.then_some(())
    });
}

fn wait_gone_briefly(tui: &Tui) -> bool {
    let end = std::time::Instant::now() + Duration::from_millis(400);
    while std::time::Instant::now() < end {
        if !tui.screen().contains("ancel") {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    false
}

#[test]
fn several_nodes_need_the_count_typed_and_nothing_less() {
    let lab = Lab::up(&LabOptions { sims: 2, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait_until("both on", SOON, |screen| {
        ["r1n01", "r1n02"].iter().all(|node| power_of(screen, node).as_deref() == Some("on"))
    });
    tui.keys("*pf");
    tui.wait("power off 2 nodes?");
    wait_for("an answer is taken", SOON, || {
        tui.keys("y");
        tui.screen().contains("then enter: y").then_some(())
    });
    tui.keys("\r");
    wait_for("esc cancels", SOON, || {
        tui.keys("\x1b");
        wait_gone_briefly(&tui).then_some(())
    });
    assert_eq!((lab.node("r1n01").power(), lab.node("r1n02").power()), ("on".into(), "on".into()));
    tui.keys("pf");
    tui.wait("r1n[01-02]");
    tui.wait_until("the command that would be sent", SOON, |screen| {
        screen.contains("chassis control: power off")
    });
    wait_for("the count is taken", SOON, || {
        tui.keys("\x15\x7f\x7f2\r");
        wait_gone_briefly(&tui).then_some(())
    });
    tui.wait_until("both off", SOON, |screen| {
        ["r1n01", "r1n02"].iter().all(|node| power_of(screen, node).as_deref() == Some("off"))
    });
    assert_eq!((lab.node("r1n01").power(), lab.node("r1n02").power()), ("off".into(), "off".into()));
}

#[test]
fn a_paste_into_the_table_presses_no_key() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "off"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait_until("off", SOON, |screen| power_of(screen, "r1n01").as_deref() == Some("off"));
    tui.keys("\x1b[200~poq\x1b[201~?");
    tui.wait_until("help, and no menu", SOON, |screen| screen.to_lowercase().contains("help"));
    assert_eq!(lab.node("r1n01").power(), "off");
}

#[test]
fn an_arrow_key_split_by_a_slow_line_stays_an_arrow_key() {
    let lab = Lab::up(&LabOptions { sims: 3, ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start_with(home.path(), &["-c", &config], (80, 24), &[("SSH_CONNECTION", "1 2 3 4")]);
    tui.wait("r1n03");
    for part in ["\x1b", "[", "B"] {
        tui.keys(part);
    }
    tui.wait_until("the cursor on the second row", SOON, |screen| {
        screen.lines().any(|line| line.contains('▸') && line.contains("r1n02"))
    });
}

#[test]
fn every_door_restores_the_terminal() {
    let home = Home::new();
    let config =
        home.config("[[node]]\nname = \"vm1\"\nbmc = { driver = \"qemu\", qmp = \"/nonexistent/a\" }\n");
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
        tui.wait("vm1");
        tui.signal(signal);
        assert!(tui.wait_exit().is_some(), "{signal} ends it in order");
        tui.assert_restored();
    }
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait("vm1");
    tui.keys("\x03\x1b\x1b");
    tui.keys("?");
    tui.wait_until("^c and esc do not quit", SOON, |screen| screen.to_lowercase().contains("help"));
    tui.hang_up();
    tui.wait_exit();
}

#[test]
fn a_terminal_of_20x5_gets_one_line_and_everything_goes_on() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (20, 5));
    tui.wait("20x5");
    tui.resize(80, 24);
    tui.wait_until("on", SOON, |screen| power_of(screen, "r1n01").as_deref() == Some("on"));
    tui.resize(20, 5);
    tui.wait("20x5");
}

#[test]
fn an_idle_screen_writes_nothing() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config =
        home.config_with(&lab, "ipmitool", "[poll]\ninterval = \"2s\"\nmin_command_interval = \"200ms\"");
    let tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait_until("on", SOON, |screen| power_of(screen, "r1n01").as_deref() == Some("on"));
    let polls = || lab.node("r1n01").logins().len();
    let settled = polls() + 2;
    wait_for("two more polls", Duration::from_secs(20), || (polls() >= settled).then_some(()));
    let before = tui.raw().len();
    let clock =
        |screen: &str| screen.lines().next().map(|line| line.chars().rev().take(5).collect::<String>());
    let minute = clock(&tui.screen());
    let later = polls() + 2;
    wait_for("two more polls", Duration::from_secs(20), || (polls() >= later).then_some(()));
    if clock(&tui.screen()) == minute {
        assert_eq!(tui.raw().len(), before, "polls that change nothing draw nothing");
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_is_said() {
    let home = Home::new();
    std::fs::write(home.path().join("state"), "a file, no directory").unwrap();
    let config =
        home.config("[[node]]\nname = \"vm1\"\nbmc = { driver = \"qemu\", qmp = \"/nonexistent/a\" }\n");
    let reset = ["-c", config.as_str(), "power", "reset", "vm1", "--yes"];
    let ended = crate::support::program::run(home.path(), &reset);
    let trail = home.audit_path().display().to_string();
    for said in ["cannot write the audit trail", &trail, "  hint: verbs go on without a trail; set state_dir"]
    {
        assert!(ended.err.contains(said), "no {said:?}: {ended:?}");
    }
    assert!(ended.err.contains("vm1: cannot reset vm1: it is off"), "the verb's own result: {ended:?}");
    assert_eq!(ended.code, 2, "{ended:?}");
    assert_eq!(ended.err.matches("audit trail").count(), 1, "it is said once: {ended:?}");
}
