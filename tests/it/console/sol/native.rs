//! What a console does on the BMC's own login and could not do through ipmitool.

use super::super::{Console, LATER, SOON, Wanted, private};
use super::{NOTICED, the_thief_keeps_it};
use crate::support::{
    lab::{Lab, LabOptions, Node},
    sol::Sol,
    wait_for,
};
use lightsout::bmc::{Exchange, Reply};
use lightsout::console::SessionCommand;
use lightsout::fleet::{FaultClass, Power};
use std::path::Path;
use std::time::{Duration, Instant};

fn sim() -> (Lab, Node) {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    (lab, node)
}

/// A console on its own BMC's login that is open.
fn attached(node: &Node, dir: &Path) -> Console {
    let console = Wanted::sol("ipmi", node, dir).open();
    console.attached();
    console
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_theft_is_told_and_not_taken_back() {
    let lab = Lab::up(&LabOptions { sims: 1, pyghmi: 1, ..LabOptions::default() });
    let dir = private();
    for name in ["r1n01", "p1n01"] {
        let node = lab.node(name);
        let console = attached(&node, dir.path());
        let stolen = Instant::now();
        assert!(lab.ipmitool(name, &["sol", "deactivate"]).ok);
        let thief = Sol::activate(&node);
        thief.shows("[SOL Session operational.");
        let (fault, retried) = console.closed();
        let after = stolen.elapsed();
        println!("{name}: the theft was noticed after {after:?}");
        assert!(after < NOTICED, "{after:?}");
        // pyghmi's BMC does not tell whose a session is.
        let thief_name = if name == "r1n01" { "admin" } else { "another session" };
        assert_eq!(fault.class, FaultClass::Busy);
        assert_eq!(fault.reason, format!("the console was taken over by {thief_name}"));
        assert!(!retried);
        the_thief_keeps_it(thief, console).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bmc_that_dies_under_an_idle_sol_is_noticed() {
    let (lab, node) = sim();
    let dir = private();
    let console = attached(&node, dir.path());
    lab.kill("r1n01");
    let dead = Instant::now();
    let (fault, retried) = console.closed();
    println!("the death was noticed after {:?}", dead.elapsed());
    assert!(dead.elapsed() < NOTICED, "{:?}", dead.elapsed());
    assert!(retried && fault.reason.starts_with("the console was lost"), "{fault:?}");
    lab.start("r1n01");
    console.attached();
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polls_and_console_share_one_login() {
    let (_lab, node) = sim();
    let dir = private();
    let wanted = Wanted::sol("ipmi", &node, dir.path());
    let mut driver = wanted.driver();
    driver.keep_login(true);
    let power = driver.exchange(&Exchange::Power).await.expect("an answer");
    assert!(matches!(power, Reply::Power(Power::On | Power::Off, _)), "{power:?}");
    let console = wanted.open();
    console.attached();
    console.types(b"\rhello\r");
    console.shows("you said [hello]");
    driver.exchange(&Exchange::Power).await.expect("an answer beside the console");
    console.types(b"again\r");
    console.shows("you said [again]");
    assert_eq!(node.login_attempts(), 1);
    // Its end ends the SOL only.
    console.session.stop().await;
    let witness = Sol::activate(&node);
    witness.shows("[SOL Session operational.");
    witness.interrupt();
    driver.exchange(&Exchange::Power).await.expect("an answer after the console");
    assert_eq!(node.login_attempts(), 2, "the witness's and ours");
    driver.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_s_echo_comes_at_once() {
    let (_lab, node) = sim();
    let dir = private();
    let console = attached(&node, dir.path());
    console.types(b"\r");
    console.shows("login:");
    let mut slowest = Duration::ZERO;
    let mut typed = String::from("login: ");
    for key in "abcdefghijklmnopqrst".chars() {
        let pressed = Instant::now();
        console.types(key.to_string().as_bytes());
        typed.push(key);
        console.shows(&typed);
        slowest = slowest.max(pressed.elapsed());
    }
    println!("key to screen: {slowest:?} at worst");
    // A lost or unacknowledged packet would cost a retransmission's 150 ms.
    assert!(slowest < Duration::from_millis(140), "{slowest:?}");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_first_key_is_lost_from_session_to_session() {
    let (_lab, node) = sim();
    let dir = private();
    for _ in 0..4 {
        // ipmi_sim takes a first packet that has the number of the last session's last for a duplicate.
        let console = attached(&node, dir.path());
        console.types(b"k");
        wait_for("the echo", SOON, || (console.session.status().received > 0).then_some(()));
        console.session.stop().await;
    }
    assert_eq!(node.typed(), b"kkkk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_break_is_sent_anywhere_in_its_place() {
    let (_lab, node) = sim();
    let dir = private();
    let console = attached(&node, dir.path());
    console.types(b"\rhalf");
    console.shows("login: half");
    console.types(b"a");
    assert!(console.session.send(SessionCommand::Break).is_ok());
    console.types(b"b\r");
    console.shows("b]");
    console.session.stop().await;
    // ipmi_sim passes a break on to its line as telnet's: IAC BRK.
    let typed = node.typed();
    assert!(typed.ends_with(b"\rhalfa\xff\xf3b\r"), "{typed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_handle_frees_the_sol() {
    let (_lab, node) = sim();
    let dir = private();
    let console = attached(&node, dir.path());
    console.types(b"\rhalf");
    console.shows("login: half");
    drop(console);
    super::super::ending::free_and_untouched(&node, "\rhalf");
}

#[test]
fn a_runtime_that_ends_under_a_console_types_nothing() {
    let (lab, node) = sim();
    let dir = private();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let console = runtime.block_on(async { Wanted::sol("ipmi", &node, dir.path()).open() });
    console.attached();
    console.types(b"\rhalf");
    console.shows("login: half");
    drop(runtime);
    drop(console);
    wait_for("a free SOL", LATER, || {
        lab.ipmitool("r1n01", &["sol", "deactivate"]).stderr.contains("already de-activated").then_some(())
    });
    assert_eq!(node.typed(), b"\rhalf");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_arrives_whole() {
    let lab = Lab::up(&LabOptions { sims: 1, pyghmi: 1, ..LabOptions::default() });
    let dir = private();
    for name in ["r1n01", "p1n01"] {
        let node = lab.node(name);
        let log = dir.path().join(name);
        let mut wanted = Wanted::sol("ipmi", &node, dir.path());
        wanted.log = Some(log.clone());
        let console = wanted.open();
        console.attached();
        console.types(b"\rflood 2000\r");
        let began = Instant::now();
        console.shows("FLOOD-DONE");
        let took = began.elapsed();
        let received = console.session.status().received;
        println!("{name}: {received} bytes in {took:?}");
        console.session.stop().await;
        let logged = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
        for line in 0..2000 {
            assert!(logged.contains(&format!("\nline {line:06} ")), "{name}: line {line}");
        }
    }
}
