//! The action log and the locator LED as an operator uses them, on the real program.

use std::os::unix::fs::PermissionsExt;

use lightsout::ipmi::command::LocatorLed;
use lightsout::sim::{Fleet, FleetSpec, configuration};

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::Home;
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;
use crate::tui_table::press_y_until_gone;

const QUICK: &str = "[poll]\ninterval = \"5s\"\nmin_command_interval = \"500ms\"\n[power]\ntimeout = \"8s\"\nstagger = \"3s\"";

/// A configuration that holds a password in clear text: for nobody else.
fn private(home: &Home, fleet: &Fleet, spec: &FleetSpec) -> String {
    let config = home.config(&format!("{QUICK}\n{}", configuration(fleet, spec)));
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    config
}

/// The dialog takes no keys in its first 300 ms: the word is typed until it stands there.
fn type_word(tui: &mut Tui, word: &str) {
    wait_for("the word is taken", SOON, || {
        tui.keys(&format!("\x15{word}"));
        tui.screen().contains(&format!("then enter: {word}")).then_some(())
    });
    tui.keys("\r");
    tui.wait_gone("then enter:");
}

#[test]
fn what_failed_is_done_again_from_the_action_log() {
    let lab = Lab::up(&LabOptions { sims: 3, more: &["--power", "on"], ..LabOptions::default() });
    lab.node("r1n02").refuse("power");
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait("3 on");
    tui.keys("*pf");
    tui.wait("type 3, then enter");
    type_word(&mut tui, "3");
    tui.keys("L");
    tui.wait("┌ actions");
    tui.wait_until("the results, folded", SOON, |screen| {
        screen.contains("confirmed: r1n[01,03]") && screen.contains(": r1n02 · ")
    });
    lab.node("r1n02").set_power("on");
    let offs =
        |node: &str| lab.node(node).commands().iter().filter(|line| line.ends_with("set power 0")).count();
    let before = (offs("r1n01"), offs("r1n02"));
    tui.keys("Y");
    tui.wait_until("a copy of the failed", SOON, |_| {
        // OSC 52 with "r1n02" in base64.
        String::from_utf8_lossy(&tui.raw()).contains("\x1b]52;c;cjFuMDI=")
    });
    tui.keys("r");
    tui.wait("power off r1n02?");
    // One too many copies the entry's names.
    wait_for("y is taken", SOON, || {
        tui.keys("y");
        (!tui.screen().contains("power off r1n02?")).then_some(())
    });
    wait_for("it is sent again", SOON, || (offs("r1n02") > before.1).then_some(()));
    assert_eq!(offs("r1n01"), before.0, "and nowhere else");
    tui.wait_until("a second entry with its result", SOON, |screen| {
        screen.lines().any(|line| line.contains('▸') && line.contains("power off r1n02"))
            && screen.matches(": r1n02 · ").count() == 2
    });
}

#[test]
fn staggered_power_ons_say_their_turn_and_the_rest_is_cancelled() {
    let lab = Lab::up(&LabOptions { sims: 4, more: &["--power", "off"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, &QUICK.replace("\"3s\"", "\"30s\""));
    let mut tui = Tui::start(home.path(), &["-c", &config], (100, 24));
    tui.wait("4 off");
    tui.keys("*po");
    tui.wait("type 4, then enter");
    type_word(&mut tui, "4");
    tui.wait_until("turns in the table", SOON, |screen| {
        ["turn 2 of 4, due ", "turn 3 of 4, due ", "turn 4 of 4, due "]
            .iter()
            .all(|turn| screen.contains(turn))
    });
    tui.keys("L");
    tui.wait_until("turns and progress in the log", SOON, |screen| {
        screen.contains("1 done, 3 waiting") && screen.contains("staggered, turns 2 to 4 of 4, due ")
    });
    tui.keys("x");
    tui.wait_until("the rest was not sent", SOON, |screen| {
        screen.contains("cancelled, nothing had been sent: r1n") && !screen.contains("waiting")
    });
    let sent = |node: &str| lab.node(node).commands().iter().any(|line| line.ends_with("set power 1"));
    assert_eq!(["r1n01", "r1n02", "r1n03", "r1n04"].iter().filter(|node| sent(node)).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locator_led_is_lit_from_the_menu_and_noted_in_the_table() {
    let spec =
        FleetSpec { names: vec!["s1".into(), "s2".into()], on: 100, record: true, ..FleetSpec::default() };
    let fleet = Fleet::start(&spec).expect("ports are free");
    let home = Home::new();
    let config = private(&home, &fleet, &spec);
    let mut tui = Tui::start(home.path(), &["-c", &config], (100, 24));
    tui.wait("2 on");
    let led = |name: &str| fleet.bmc(name).expect("it is there").with(|bmc, now| bmc.locator(now));
    tui.keys("jml");
    tui.wait("locator LED on until ");
    tui.wait("bmc identify 240s: s2 confirmed");
    assert_eq!((led("s1"), led("s2")), (LocatorLed::Off, LocatorLed::Timed));
    tui.keys(":bmc identify off\r");
    tui.wait("bmc identify off: s2 confirmed");
    tui.wait_gone("locator LED on");
    assert_eq!(led("s2"), LocatorLed::Off);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn freeing_an_sol_says_whose_it_is_and_our_own_pane_says_that_it_went() {
    let spec = FleetSpec { names: vec!["s1".into()], on: 100, record: true, ..FleetSpec::default() };
    let fleet = Fleet::start(&spec).expect("ports are free");
    let bmc = fleet.bmc("s1").expect("it is there");
    let home = Home::new();
    let config = private(&home, &fleet, &spec);
    let mut tui = Tui::start(home.path(), &["-c", &config], (100, 30));
    tui.wait("1 on");
    tui.keys("c");
    tui.wait("nteractive");
    wait_for("the SOL is ours", SOON, || bmc.with(|bmc, _| bmc.sol_active()).then_some(()));
    tui.keys("\x1d\x1bmf");
    tui.wait("bmc free-sol s1?");
    tui.wait("1 console here, which will be closed");
    tui.wait_until("who holds it, as the BMC tells it", SOON, |screen| screen.contains("from 127.0.0.1"));
    press_y_until_gone(&mut tui);
    tui.wait("the SOL was freed");
    wait_for("it is free", SOON, || (!bmc.with(|bmc, _| bmc.sol_active())).then_some(()));
}
