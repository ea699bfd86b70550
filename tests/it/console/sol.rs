//! SOL sessions on real BMCs, with both drivers where they do the same.

mod native;
mod sim;
mod tool;

use super::{Console, SOON, Wanted, bmc, private};
use crate::support::{
    lab::{Lab, LabOptions},
    sol::Sol,
    wait_for,
};
use lightsout::bmc::Exchange;
use lightsout::console::SessionCommand;
use lightsout::fleet::{ConsoleMode, ConsoleState, FaultClass};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What ends an idle SOL is noticed within this time.
const NOTICED: Duration = Duration::from_secs(15);

macro_rules! with_both_drivers {
    ($($test:ident)*) => {
        mod ipmi {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test("ipmi").await;
            })*
        }

        mod ipmitool {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test("ipmitool").await;
            })*
        }
    };
}

with_both_drivers! {
    two_consoles_are_typed_into_and_stopped_in_order
    a_held_sol_is_busy_and_is_not_taken
    a_held_sol_is_taken_when_the_operator_asks_for_it
    a_held_sol_is_attached_to_when_it_is_free_if_the_operator_waits
    an_sol_that_somebody_ended_is_left_to_them_for_a_while
    a_wrong_password_is_final
    a_dead_bmc_is_unreachable_and_tried_again
    a_bmc_reset_under_an_open_sol_is_noticed_and_the_console_comes_back
    a_bmc_that_falls_silent_under_an_idle_sol_is_noticed
    a_login_that_hangs_is_left_without_waiting_for_the_bmc
    monitor_mode_sends_nothing_not_even_answers
    a_paste_arrives_whole_and_in_order
    reopening_while_logging_in_ends_the_first_login
}

async fn two_consoles_are_typed_into_and_stopped_in_order(driver: &str) {
    let lab = Lab::up(&LabOptions { sims: 1, pyghmi: 1, ..LabOptions::default() });
    let dir = private();
    let nodes = [lab.node("r1n01"), lab.node("p1n01")];
    let log = dir.path().join("logs/r1n01.log");
    let consoles: Vec<Console> = nodes
        .iter()
        .map(|node| {
            let mut wanted = Wanted::sol(driver, node, dir.path());
            wanted.log = Some(log.with_file_name(node.address()));
            wanted.open()
        })
        .collect();
    for console in &consoles {
        console.attached();
        // Beside ipmitool the BMC is asked whose the SOL is.
        if driver == "ipmi" {
            assert_eq!(console.gate.held.load(Ordering::SeqCst), 0, "data is no exchange");
            assert_eq!(
                console.gate.given.load(Ordering::SeqCst),
                1,
                "a refused suite costs no second permit"
            );
        }
    }
    for (console, node) in consoles.iter().zip(&nodes) {
        // Every byte that a key can give, first a newline.
        console.types(b"\r\r");
        console.types(b"to ");
        console.types(node.address().as_bytes());
        console.types(b".~.\x1e.");
        console.types(b"\xff");
        console.types(b"\r");
        console.shows(&format!("[to {}.~.", node.address()));
        assert!(!console.screen().contains("SOL Session operational"));
        assert!(console.session.status().received > 0);
    }
    for console in consoles {
        console.session.stop().await;
    }
    for node in &nodes {
        let typed = node.typed();
        let all = format!("\r\rto {}.~.\u{1e}.", node.address()).into_bytes();
        if driver == "ipmi" {
            assert_eq!(typed, [&all[..], b"\xff\r"].concat(), "every byte and nothing else");
        } else {
            // Not ipmitool's escape, and the first key may get lost.
            let all = [&all[..], b"\r"].concat();
            assert!(
                typed == all || typed == all[1..],
                "{typed:?}: nothing else was typed, at the end either"
            );
        }
        // Free at once.
        let witness = Sol::activate(node);
        witness.shows("[SOL Session operational.");
        witness.interrupt();
        let logged = std::fs::read(log.with_file_name(node.address())).expect("a log");
        let logged = String::from_utf8_lossy(&logged);
        assert!(logged.contains("\r\nyou said [to "), "the log is raw");
        assert!(!logged.contains("\r\r\n") && !logged.contains("SOL Session"), "{logged:?}");
    }
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .expect("a directory")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter(|name| name.ends_with(".err"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

async fn a_held_sol_is_busy_and_is_not_taken(driver: &str) {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let mut holder = Sol::activate(&node);
    holder.shows("[SOL Session operational.");
    let dir = private();
    let console = Wanted::sol(driver, &node, dir.path()).open();
    assert!(console.busy().contains("throws the other one out"));
    assert!(console.session.send(SessionCommand::Input(b"x".to_vec())).is_err());
    holder.types("\r\rstill mine\r");
    holder.shows("you said [still mine]");
    holder.interrupt();
    assert!(console.session.send(SessionCommand::Reopen).is_ok());
    console.attached();
    let asked = console.asked.lock().expect("not poisoned").clone();
    assert!(!asked.contains(&Exchange::SolDeactivate), "nothing was freed by force");
    console.session.stop().await;
}

async fn a_held_sol_is_taken_when_the_operator_asks_for_it(driver: &str) {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let holder = Sol::activate(&node);
    holder.shows("[SOL Session operational.");
    let dir = private();
    let mut wanted = Wanted::sol(driver, &node, dir.path());
    wanted.real_driver = true;
    let console = wanted.open();
    console.busy();
    assert!(console.state().can_steal());
    wait_for("the holder's name", SOON, || match console.state() {
        ConsoleState::Busy { holder, .. } => holder.filter(|name| name == "admin"),
        _ => None,
    });
    assert!(console.session.send(SessionCommand::Steal).is_ok());
    console.attached();
    console.types(b"\r\rnow ours\r");
    console.shows("you said [now ours]");
    // A second packet: ipmi_sim loses the next session's first one otherwise.
    console.types(b"second\r");
    console.shows("you said [second]");
    // Asked for once: who takes it from us keeps it.
    assert!(lab.ipmitool("r1n01", &["sol", "deactivate"]).ok);
    let thief = Sol::activate(&node);
    thief.shows("[SOL Session operational.");
    let stolen = Instant::now();
    let (fault, retried) = console.closed();
    assert!(stolen.elapsed() < NOTICED, "{:?}", stolen.elapsed());
    assert!(fault.class == FaultClass::Busy && !retried, "{fault:?}");
    wait_for("the thief's name", SOON, || {
        console.closed().0.reason.ends_with("taken over by admin").then_some(())
    });
    the_thief_keeps_it(thief, console).await;
}

/// Whoever took it from us types on, also when our console is closed.
async fn the_thief_keeps_it(mut thief: Sol, console: Console) {
    thief.types("\r\rmine now\r");
    thief.shows("you said [mine now]");
    console.session.stop().await;
    thief.types("still\r");
    thief.shows("you said [still]");
    thief.interrupt();
}

async fn a_held_sol_is_attached_to_when_it_is_free_if_the_operator_waits(driver: &str) {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let holder = Sol::activate(&node);
    holder.shows("[SOL Session operational.");
    let dir = private();
    let console = Wanted::sol(driver, &node, dir.path()).open();
    console.busy();
    assert!(console.session.send(SessionCommand::Wait).is_ok());
    wait_for("a next try", SOON, || match console.state() {
        ConsoleState::Busy { retry, .. } => retry,
        _ => None,
    });
    holder.interrupt();
    console.attached();
    console.session.stop().await;
}

async fn an_sol_that_somebody_ended_is_left_to_them_for_a_while(driver: &str) {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let dir = private();
    let mut wanted = Wanted::sol(driver, &node, dir.path());
    wanted.real_driver = true;
    let console = wanted.open();
    console.attached();
    if driver == "ipmitool" {
        let gate = console.gate.clone();
        let asked = || (gate.given.load(Ordering::SeqCst) > 2).then_some(());
        wait_for("the answer whose the SOL is", 2 * NOTICED, asked);
    }
    assert!(lab.ipmitool("r1n01", &["sol", "deactivate"]).ok);
    let (fault, retry) = wait_for("the end", 3 * NOTICED, || match console.state() {
        ConsoleState::Closed { fault, retry, .. } => Some((fault, retry?)),
        _ => None,
    });
    assert!(fault.reason.contains("ended the SOL"), "{fault:?}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    assert!(Duration::from_millis(retry.0) > now + Duration::from_secs(40), "{retry:?}");
    // A person who types one command after the other gets it.
    let thief = Sol::activate(&node);
    thief.shows("[SOL Session operational.");
    console.session.stop().await;
    thief.interrupt();
}

async fn a_wrong_password_is_final(driver: &str) {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let dir = private();
    let mut wanted = Wanted::sol(driver, &node, dir.path());
    wanted.bmc = Some(bmc(driver, &node.address(), node.port(), "wrong"));
    let console = wanted.open();
    let (fault, retried) = console.closed();
    assert_eq!(fault.class, FaultClass::Auth, "{fault:?}");
    assert!(!retried);
    console.session.stop().await;
}

async fn a_dead_bmc_is_unreachable_and_tried_again(driver: &str) {
    let lab = Lab::up(&LabOptions::default());
    lab.kill("r1n01");
    let dir = private();
    let console = Wanted::sol(driver, &lab.node("r1n01"), dir.path()).open();
    let (fault, retried) = console.closed();
    assert_eq!(fault.class, FaultClass::Unreachable, "{fault:?}");
    assert!(retried);
    lab.start("r1n01");
    console.attached();
    console.session.stop().await;
}

async fn a_bmc_reset_under_an_open_sol_is_noticed_and_the_console_comes_back(driver: &str) {
    let lab = Lab::up(&LabOptions { sims: 0, pyghmi: 1, ..LabOptions::default() });
    let node = lab.node("p1n01");
    let dir = private();
    let console = Wanted::sol(driver, &node, dir.path()).open();
    console.attached();
    assert!(lab.ipmitool("p1n01", &["mc", "reset", "cold"]).ok);
    let (fault, retried) = console.closed();
    assert!(matches!(fault.class, FaultClass::Timeout | FaultClass::Unreachable), "{fault:?}");
    assert!(fault.reason.starts_with("the console was lost"), "{fault:?}");
    assert!(retried);
    assert!(console.session.send(SessionCommand::Input(b"lost".to_vec())).is_err());
    console.attached();
    console.types(b"\r\rback\r");
    console.shows("you said [back]");
    console.session.stop().await;
    assert!(!String::from_utf8_lossy(&node.typed()).contains("lost"));
}

async fn a_bmc_that_falls_silent_under_an_idle_sol_is_noticed(driver: &str) {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let dir = private();
    let console = Wanted::sol(driver, &node, dir.path()).open();
    console.attached();
    lab.silence("r1n01");
    let silent = Instant::now();
    let (fault, retried) = console.closed();
    assert_eq!(fault.class, FaultClass::Timeout, "{fault:?}");
    assert!(retried);
    // ipmitool takes 25 s.
    assert!(driver != "ipmi" || silent.elapsed() < NOTICED, "{:?}", silent.elapsed());
    let stopping = Instant::now();
    console.session.stop().await;
    assert!(stopping.elapsed() < SOON, "a dead BMC does not keep us");
}

async fn a_login_that_hangs_is_left_without_waiting_for_the_bmc(driver: &str) {
    let lab = Lab::up(&LabOptions::default());
    lab.freeze("r1n01");
    let dir = private();
    let console = Wanted::sol(driver, &lab.node("r1n01"), dir.path()).open();
    wait_for("logging in", SOON, || (console.gate.held.load(Ordering::SeqCst) == 1).then_some(()));
    let (asked, gate) = (console.asked.clone(), console.gate.clone());
    console.session.stop().await;
    assert!(asked.lock().expect("not poisoned").is_empty());
    assert_eq!(gate.held.load(Ordering::SeqCst), 0, "the permit is given back");
}

async fn monitor_mode_sends_nothing_not_even_answers(driver: &str) {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let dir = private();
    let mut wanted = Wanted::sol(driver, &node, dir.path());
    wanted.mode = ConsoleMode::Monitor;
    let console = wanted.open();
    console.attached();
    assert!(console.session.send(SessionCommand::Input(b"no\r".to_vec())).is_err());
    assert!(console.session.send(SessionCommand::Break).is_err());
    assert!(console.session.send(SessionCommand::Mode(ConsoleMode::Interactive)).is_ok());
    wait_for("interactive", SOON, || {
        (console.session.status().mode == ConsoleMode::Interactive).then_some(())
    });
    console.types(b"\r\ryes\r");
    console.shows("you said [yes]");
    console.session.stop().await;
    assert!(!String::from_utf8_lossy(&node.typed()).contains("no"));
}

async fn a_paste_arrives_whole_and_in_order(driver: &str) {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let dir = private();
    let console = Wanted::sol(driver, &node, dir.path()).open();
    console.attached();
    console.types(b"\r\r");
    let text: String = (0..100).map(|number| format!("{number:03} ")).collect();
    assert!(console.session.send(SessionCommand::Paste(text.clone().into_bytes())).is_ok());
    console.types(b"end\r");
    console.shows("end] len=403");
    console.session.stop().await;
    assert!(String::from_utf8_lossy(&node.typed()).ends_with(&format!("\r{text}end\r")));
}

async fn reopening_while_logging_in_ends_the_first_login(driver: &str) {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    lab.freeze("r1n01");
    let dir = private();
    let console = Wanted::sol(driver, &node, dir.path()).open();
    wait_for("logging in", SOON, || (console.gate.held.load(Ordering::SeqCst) == 1).then_some(()));
    assert!(matches!(console.state(), ConsoleState::Connecting | ConsoleState::Waiting { .. }));
    assert!(console.session.send(SessionCommand::Reopen).is_ok());
    wait_for("a second permit", SOON, || (console.gate.given.load(Ordering::SeqCst) == 2).then_some(()));
    lab.thaw("r1n01");
    console.attached();
    console.session.stop().await;
}
