//! Our SOL is stolen by FreeIPMI's `ipmiconsole`, in the middle of a word.

use super::{Sim, low_port, on_terminal};
use crate::support::program::run;
use crate::support::tui::Tui;
use crate::support::wait_for;
use std::io::Write;
use std::time::{Duration, Instant};

/// A theft is told within this time.
const TOLD: Duration = Duration::from_secs(15);

#[test]
fn a_theft_in_mid_typing_is_said_and_not_taken_back_until_the_operator_frees_it() {
    let sim = Sim::start(1, &["--base-port", &low_port().to_string()]);
    let home = sim.home.path();
    let config = home.join("sim.toml").display().to_string();
    let mut tui = Tui::start(home, &["-c", &config], (80, 24));
    tui.wait("● on");
    tui.keys("c");
    tui.wait("interactive");
    tui.keys("\r");
    tui.wait("login:");
    tui.keys("ro");
    tui.wait("login: ro");

    let port = sim.ports[0];
    let thief = format!("ipmiconsole -h 127.0.0.1:{port} -u admin -p secret -I 17");
    let (mut child, mut keys, pieces) = on_terminal(&thief);
    let mut shown = String::new();
    let stolen = Instant::now();
    let mut thief_sees = |words: &str| {
        while let Ok(piece) = pieces.try_recv() {
            shown.push_str(&String::from_utf8_lossy(&piece));
        }
        shown.contains(words)
    };
    wait_for("the thief's SOL", TOLD, || thief_sees("SOL").then_some(()));
    // The operator has not seen it yet and types on.
    tui.keys("ZZZ");
    tui.wait_until("the theft to be told", TOLD, |screen| screen.contains("taken over by"));
    assert!(stolen.elapsed() < TOLD, "{:?}", stolen.elapsed());
    tui.keys("ZZZ");
    tui.wait("is not attached");
    keys.write_all(b"\r\rthief\r").expect("it takes keys");
    wait_for("the thief's own echo", TOLD, || thief_sees("thief").then_some(()));
    assert!(!thief_sees("ZZZ"), "what was typed after the theft went nowhere");

    let freed = run(home, &["-c", &config, "bmc", "free-sol", "sim01", "--yes"]);
    assert_eq!(freed.code, 0, "{freed:?}");
    assert!(tui.screen().contains("taken over by"), "nothing was taken back by itself");
    tui.keys("\x1do");
    tui.wait("interactive");
    tui.keys("\r");
    tui.wait_gone("taken over by");
    tui.keys("\x1d\x1bq");
    tui.wait("quit lightsout?");
    child.kill().expect("it runs");
    child.wait().expect("a child");
}
