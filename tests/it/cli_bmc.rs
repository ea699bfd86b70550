//! `bmc identify` and `bmc free-sol` on the command line, with ipmi_sim's own records as the witness.

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::{Home, run};
use crate::support::sol::Sol;
use crate::support::tui::Tui;
use serde_json::json;

const QUICK: &str = "[poll]\ninterval = \"5s\"\nmin_command_interval = \"200ms\"";

fn lights(lab: &Lab, node: &str) -> Vec<String> {
    let commands = lab.node(node).commands();
    // Seconds, and whether for good.
    let words = |line: &String| line.split_once("set identify ").map(|(_, words)| words.to_owned());
    commands.iter().filter_map(words).collect()
}

#[test]
fn a_locator_led_is_lit_for_a_time_for_good_and_turned_off() {
    let lab = Lab::up(&LabOptions { sims: 2, ..LabOptions::default() });
    let home = Home::new();
    for driver in ["ipmi", "ipmitool"] {
        let config = home.config_with(&lab, driver, QUICK);
        let before = lights(&lab, "r1n01").len();
        let bmc = |more: &[&str]| {
            let ended = run(home.path(), &[&["-c", &config, "bmc", "identify", "r1n01"], more].concat());
            assert_eq!(ended.code, 0, "{driver} {more:?}: {ended:?}");
            ended.out.trim().to_owned()
        };
        assert_eq!(
            bmc(&["--for", "2m"]),
            "bmc identify 120s accepted: r1n01",
            "ipmi_sim does not tell its LED"
        );
        assert_eq!(bmc(&[]), "bmc identify 240s accepted: r1n01");
        bmc(&["--on"]);
        assert_eq!(bmc(&["--off"]), "bmc identify off accepted: r1n01");
        let lit = &lights(&lab, "r1n01")[before..];
        assert_eq!(lit, ["120 0", "240 0", "0 1", "0 0"], "{driver}");

        let json = run(home.path(), &["-c", &config, "bmc", "identify", "r1n01", "--json"]);
        let line = &json.json()[0];
        assert_eq!((&line["verb"], &line["confirmed"]), (&json!("bmc identify 240s"), &json!(null)));
        let before = lights(&lab, "r1n01").len();
        let dry = run(home.path(), &["-c", &config, "bmc", "identify", "r1n01", "--for", "60s", "--dry-run"]);
        let sends = if driver == "ipmi" { "chassis identify: 60s (00 04 3c)" } else { "chassis identify 60" };
        assert!(dry.code == 0 && dry.out.trim().ends_with(sends), "{dry:?}");
        let locked = run(home.path(), &["-c", &config, "--read-only", "bmc", "identify", "r1n01"]);
        assert_eq!(locked.code, 3, "{locked:?}");
        assert_eq!(lights(&lab, "r1n01").len(), before, "nothing was sent");
    }
    // Many lights at once are asked about, and there is no terminal to ask on.
    let config = home.config_of(&lab, QUICK);
    let many = ["-c", &config, "bmc", "identify", "r1n[01-02]"];
    assert_eq!(run(home.path(), &many).code, 3);
    let both = run(home.path(), &[&many[..], &["--yes"]].concat());
    assert_eq!((both.code, both.out.trim()), (0, "bmc identify 240s accepted: r1n[01-02]"));
    assert_eq!(home.audit().iter().filter(|line| line["verb"] == "bmc identify off").count(), 4);
}

#[test]
fn times_that_cannot_be_and_options_of_others_are_refused() {
    let home = Home::new();
    let config =
        home.config("[[node]]\nname = \"vm1\"\nbmc = { driver = \"qemu\", qmp = \"/nonexistent/a\" }\n");
    let bmc = |args: &[&str]| run(home.path(), &[&["-c", &config, "bmc"], args].concat());
    for wrong in [
        &["identify", "vm1", "--for", "5m"][..],
        &["identify", "vm1", "--for", "0s"],
        &["identify", "vm1", "--on", "--off"],
        &["identify", "vm1", "--for", "9s", "--off"],
        &["info", "vm1", "--off"],
        &["identify", "vm1", "--", "06"],
    ] {
        let ended = bmc(wrong);
        assert!(ended.code == 1 && !ended.err.is_empty(), "{wrong:?}: {ended:?}");
    }
    assert!(bmc(&["identify", "vm1", "--for", "5m"]).err.contains("1 to 255 seconds"));
    for verb in ["identify", "free-sol"] {
        let ended = bmc(&[verb, "vm1", "--yes", "--json"]);
        assert_eq!((ended.code, &ended.json()[0]["class"]), (2, &json!("unsupported")), "{ended:?}");
    }
}

#[test]
fn a_stuck_sol_is_freed_and_free_again_is_success() {
    let lab = Lab::up(&LabOptions { sims: 1, ..LabOptions::default() });
    let home = Home::new();
    for driver in ["ipmi", "ipmitool"] {
        let config = home.config_with(&lab, driver, QUICK);
        let node = lab.node("r1n01");
        let stuck = Sol::activate(&node);
        stuck.shows("SOL Session operational");
        let busy = lab.ipmitool("r1n01", &["raw", "6", "0x48", "1", "1", "0xc0", "0", "0", "0"]);
        assert!(busy.stderr.contains("rsp=0x80"), "held: {busy:?}");
        let asked = run(home.path(), &["-c", &config, "bmc", "free-sol", "r1n01"]);
        assert_eq!(asked.code, 3, "it needs a confirmation: {asked:?}");
        for _ in 0..2 {
            let freed = run(home.path(), &["-c", &config, "bmc", "free-sol", "r1n01", "--yes"]);
            assert_eq!(
                (freed.code, freed.out.trim()),
                (0, "bmc free-sol accepted: r1n01"),
                "{driver}: {freed:?}"
            );
        }
        let next = Sol::activate(&node);
        next.shows("SOL Session operational");
        next.interrupt();
    }
    let freed = home.audit().iter().filter(|line| line["verb"] == "bmc free-sol").count();
    assert_eq!(freed, 8, "a request and a result each");
    // On a terminal the question says first who would lose it.
    let mut holder = Sol::activate(&lab.node("r1n01"));
    holder.shows("SOL Session operational");
    let config = home.config_with(&lab, "ipmi", QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config, "bmc", "free-sol", "r1n01"], (100, 24));
    tui.wait("SOL held by admin");
    tui.wait("bmc free-sol on r1n01? type y to go on:");
    tui.keys("n\r");
    assert_eq!(tui.wait_exit(), Some(3));
    // A signal that was caught while the BMC was asked still ends the question.
    let mut tui = Tui::start(home.path(), &["-c", &config, "bmc", "free-sol", "r1n01"], (100, 24));
    tui.wait("type y to go on:");
    tui.keys("\x03");
    tui.wait("not confirmed, nothing was sent");
    assert_eq!(tui.wait_exit(), Some(3));
    holder.types("\r\rstill mine\r");
    holder.shows("you said [still mine]");
    holder.interrupt();
}

#[test]
fn a_password_in_raw_bytes_is_refused_for_ipmitool_and_named_nowhere() {
    let lab = Lab::up(&LabOptions { sims: 1, ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_with(&lab, "ipmitool", QUICK);
    let bytes: Vec<String> = b"hunter2".iter().map(|byte| format!("{byte:02x}")).collect();
    let raw = format!("06 47 03 02 {}", bytes.join(" "));
    let ended = run(home.path(), &["-c", &config, "bmc", "raw", "r1n01", "--yes", "--", &raw]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("a password or key") && ended.err.contains("driver = \"ipmi\""), "{ended:?}");
    let dry = run(home.path(), &["-c", &config, "bmc", "raw", "r1n01", "--dry-run", "--", &raw]);
    assert!(dry.out.contains("nothing: cannot send"), "{dry:?}");
    assert_eq!(lab.node("r1n01").login_attempts(), 0, "ipmitool was not run");
    let trail = std::fs::read_to_string(home.audit_path()).expect("a trail");
    assert!(
        !trail.contains("68 75") && !ended.err.contains("68 75") && !dry.out.contains("68 75"),
        "{trail}"
    );
}
