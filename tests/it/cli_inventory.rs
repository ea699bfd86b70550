//! A failing inventory at the command line and on the screen: the other nodes go on, and it is said.

use crate::support::program::{Home, run};
use crate::support::tui::{SOON, Tui};

const NODE: &str = "[[node]]\nname = \"vm1\"\nbmc = { driver = \"qemu\", qmp = \"/nonexistent/a\" }\n";
const BAD: &str = "[[inventory]]\ncommand = [\"sh\", \"-c\", \"echo 'no route' >&2; exit 1\"]\n";
const GOOD: &str = "[[inventory]]\ncommand = [\"echo\", '{\"v\": 1, \"nodes\": [{\"name\": \"vm2\"}]}']\n\
    bmc = { driver = \"qemu\", qmp = \"/nonexistent/{name}\" }\n";

#[test]
fn check_calls_it_an_error_and_a_verb_goes_on_without_its_nodes() {
    let home = Home::new();
    let config = home.config(&format!("{NODE}{BAD}{GOOD}"));
    let check = run(home.path(), &["-c", &config, "config", "check"]);
    assert_eq!((check.code, check.out.as_str()), (1, ""), "{check:?}");
    assert!(check.err.contains("config.toml:5:11: inventory.command: sh failed (exit status: 1): no route"));
    let dry = |nodes: &str| run(home.path(), &["-c", &config, "--dry-run", "power", "on", nodes]);
    for nodes in ["vm1", "vm2"] {
        let ended = dry(nodes);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.err.contains("warning: ") && ended.err.contains("no route"), "{}", ended.err);
    }
    let all = dry("all");
    assert_eq!(all.code, 2, "some of all are missing: {all:?}");
    assert!(all.out.contains("vm1") && all.out.contains("vm2"), "{}", all.out);
    let config = home.config(&format!("{NODE}{GOOD}"));
    let check = run(home.path(), &["-c", &config, "config", "check"]);
    assert_eq!((check.code, check.out.trim()), (0, "ok: 2 nodes, 0 with a console"), "{check:?}");
}

#[test]
fn doctor_calls_it_a_failure_and_looks_at_the_rest() {
    let home = Home::new();
    let config = home.config(&format!("{NODE}{BAD}"));
    let doctor = run(home.path(), &["-c", &config, "doctor", "--no-login", "--json"]);
    let line = doctor.json().into_iter().find(|line| line["text"].to_string().contains("no route"));
    let line = line.unwrap_or_else(|| panic!("{}", doctor.out));
    assert_eq!((&line["level"], doctor.code), (&serde_json::json!("fail"), 1), "{}", doctor.out);
    assert!(doctor.json().iter().any(|line| line["check"] == "drivers"), "{}", doctor.out);
}

#[test]
fn the_screen_shows_the_other_nodes_and_says_what_is_missing() {
    let home = Home::new();
    let config = home.config(&format!("{NODE}{BAD}"));
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait_until("the node and what went wrong", SOON, |screen| {
        screen.contains("vm1") && screen.contains("nodes are missing: sh failed")
    });
    tui.keys("q");
    assert_eq!(tui.wait_exit(), Some(0));
    tui.assert_restored();
}
