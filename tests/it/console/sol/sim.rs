//! Consoles on simulated BMCs, whose network can be made as bad as it takes.

use super::super::{Console, LATER, Wanted, bmc, private};
use super::NOTICED;
use crate::support::wait_for;
use lightsout::console::SessionCommand;
use lightsout::fleet::{ConsoleState, FaultClass};
use lightsout::sim::{Fleet, FleetSpec, SimBmc};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A fleet of one machine that is on and waits for a login, and its console.
fn simulated(dir: &Path) -> (Fleet, SimBmc, Console) {
    let spec = FleetSpec { names: vec!["s1".to_owned()], on: 100, record: true, ..FleetSpec::default() };
    let fleet = Fleet::start(&spec).expect("a fleet");
    let sim = fleet.bmcs()[0].clone();
    let mut wanted = Wanted::bmc(bmc("ipmi", "127.0.0.1", sim.address().port(), "secret"), dir);
    wanted.log = Some(dir.join("s1.log"));
    wanted.log_max_bytes = 1 << 30;
    let console = wanted.open();
    console.attached();
    (fleet, sim, console)
}

fn log_in(console: &Console) {
    console.types(b"\r");
    console.shows("s1 login:");
    console.types(b"root\r");
    console.shows("Password:");
    console.types(b"x\r");
    console.shows("root@s1:~#");
}

/// How often `text` is in the console's log.
fn logged(dir: &Path, text: &str) -> usize {
    let log = std::fs::read(dir.join("s1.log")).unwrap_or_default();
    String::from_utf8_lossy(&log).matches(text).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_serial_line_loses_nothing_when_one_in_twenty_datagrams_is_lost() {
    const LINES: usize = 250;
    const ROUNDS: usize = 10;
    let dir = private();
    let (_fleet, sim, console) = simulated(dir.path());
    log_in(&console);
    sim.faults(|faults| faults.loss = 5);
    let before = console.session.status().received;
    let began = Instant::now();
    for round in 1..=ROUNDS {
        console.types(format!("flood {LINES}\r").as_bytes());
        let last = format!("\n{LINES:06} the quick");
        wait_for("the flood's last line", LATER, || (logged(dir.path(), &last) >= round).then_some(()));
    }
    let took = began.elapsed();
    let bytes = console.session.status().received - before;
    let rate = f64::from(u32::try_from(bytes).expect("not so many")) / took.as_secs_f64();
    println!("{bytes} bytes in {took:?}: {rate:.0} bytes/s at 5 % loss each way");
    for line in 1..=LINES {
        let text = format!("\n{line:06} the quick brown fox jumps over the lazy dog\r");
        assert_eq!(logged(dir.path(), &text), ROUNDS, "line {line}");
    }
    assert!(rate > 11_520.0, "{rate} bytes/s: less than a line of 115,200 baud");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_arrive_once_and_in_order_through_a_bad_network() {
    let dir = private();
    let (_fleet, sim, console) = simulated(dir.path());
    sim.faults(|faults| {
        faults.loss = 10;
        faults.duplicate = 20;
        faults.reorder = 20;
        faults.late = Duration::from_millis(30);
        faults.delay = Duration::from_millis(5);
    });
    let typed: String = (0..120).map(|number| format!("{number:03} ")).collect();
    for chunk in typed.as_bytes().chunks(7) {
        console.types(chunk);
    }
    wait_for("every key", LATER, || (sim.stats().typed.len() >= typed.len()).then_some(()));
    console.session.stop().await;
    assert_eq!(String::from_utf8_lossy(&sim.stats().typed), typed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_s_echo_takes_two_round_trips_at_most() {
    let dir = private();
    let (_fleet, sim, console) = simulated(dir.path());
    log_in(&console);
    let delay = Duration::from_millis(60);
    sim.faults(|faults| faults.delay = delay);
    let mut shown = String::from("~# ");
    let mut all = Vec::new();
    for key in "ls -la".chars() {
        let pressed = Instant::now();
        console.types(key.to_string().as_bytes());
        shown.push(key);
        console.shows(shown.trim_end());
        let took = pressed.elapsed();
        println!("key to screen: {took:?} with a round trip of {:?}", delay * 2);
        all.push(took);
    }
    // Most keys: one that this machine held up is no round trip more.
    all.sort_unstable();
    assert!(all[all.len() / 2] < delay * 4, "{all:?}");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_session_is_all_a_console_takes_and_a_theft_is_told() {
    let dir = private();
    let (_fleet, sim, console) = simulated(dir.path());
    assert_eq!(sim.with(|bmc, _| bmc.sessions()), 1);
    // A thief who comes before the BMC was asked whose the SOL is could be us.
    wait_for("the owner", NOTICED, || {
        sim.records().iter().any(|record| record.command == (6, 0x4b)).then_some(())
    });
    let stolen = Instant::now();
    sim.with(|bmc, _| bmc.steal_sol());
    let (fault, retried) = console.closed();
    println!("the theft was noticed after {:?}", stolen.elapsed());
    assert!(stolen.elapsed() < NOTICED, "{:?}", stolen.elapsed());
    assert!(fault.class == FaultClass::Busy && !retried, "{fault:?}");
    console.session.stop().await;
    assert!(sim.with(|bmc, _| bmc.sol_active()), "still the thief's");
    assert_eq!(sim.with(|bmc, _| bmc.sessions()), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_console_costs_a_datagram_each_way_in_four_seconds() {
    let dir = private();
    let (_fleet, sim, console) = simulated(dir.path());
    // The login's answers and the opening packet are over when the first keepalive is.
    let count = || sim.stats().received;
    let first = count();
    wait_for("a keepalive", NOTICED, || (count() > first).then_some(()));
    let (before, began) = (count(), Instant::now());
    wait_for("two more", NOTICED, || (count() >= before + 2).then_some(()));
    println!("{} datagrams in {:?}", count() - before, began.elapsed());
    assert!(began.elapsed() > Duration::from_secs(7), "{:?}", began.elapsed());
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_sol_names_its_holder() {
    let dir = private();
    let (_fleet, sim, console) = simulated(dir.path());
    // With sockets and a login of its own, as another process.
    let mut other = Wanted::bmc(bmc("ipmi", "127.0.0.1", sim.address().port(), "secret"), dir.path());
    other.log = Some(dir.path().join("s1.log"));
    let other = other.open();
    other.busy();
    let state = other.state();
    let ConsoleState::Busy { holder, .. } = state else { panic!("{state:?}") };
    assert_eq!(holder.as_deref(), Some("admin from 127.0.0.1"));
    // One permit for the try and the question.
    assert_eq!(other.gate.given.load(Ordering::SeqCst), 1);
    // A BMC that does not let it be taken: said, and not tried again.
    sim.faults(|faults| faults.codes = vec![(0x06, 0x49, 0xd4)]);
    assert!(other.session.send(SessionCommand::Steal).is_ok());
    let (fault, retried) = other.closed();
    assert!(fault.reason.starts_with("the console could not be taken from its holder"), "{fault:?}");
    assert!(!retried);
    sim.faults(|faults| faults.codes.clear());
    // Its holder's log is read along, and nothing is sent.
    assert!(other.session.send(SessionCommand::Watch).is_ok());
    wait_for("watching", LATER, || matches!(other.state(), ConsoleState::Watching { .. }).then_some(()));
    console.types(b"\r");
    console.shows("s1 login:");
    other.shows("s1 login:");
    assert!(other.session.send(SessionCommand::Input(b"x".to_vec())).is_err());
    console.types(b"root\r");
    console.shows("Password:");
    // Who waits until it is free goes on reading, and has it then.
    assert!(other.session.send(SessionCommand::Reopen).is_ok());
    other.busy();
    assert!(other.session.send(SessionCommand::Watch).is_ok());
    assert!(other.session.send(SessionCommand::Wait).is_ok());
    let waits = || matches!(other.state(), ConsoleState::Watching { retry: Some(_), .. }).then_some(());
    wait_for("watching and waiting", LATER, waits);
    console.session.stop().await;
    wait_for("its turn", LATER, || matches!(other.state(), ConsoleState::Attached { .. }).then_some(()));
    other.session.stop().await;
}
