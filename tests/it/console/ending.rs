//! The doors through which a console is left without order: a dropped handle, a stuck ipmitool. Our own death
//! is tried with the real program in `tui_console`.

use super::{Open, SOON, Wanted, bmc, private};
use crate::support::{
    lab::{Lab, LabOptions, Node},
    relay::Relay,
    sol::Sol,
    wait_for,
};
use lightsout::bmc::Exchange;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::sync::atomic::Ordering;

/// The ipmitool of a console that `parent` started with `word`, such as its BMC's address, on its command line.
pub fn ipmitool_of(parent: u32, word: &str) -> Pid {
    wait_for("ipmitool", SOON, || {
        std::fs::read_dir("/proc").expect("proc").find_map(|entry| {
            let entry = entry.ok()?;
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line);
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let of: u32 = stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()?;
            let words: Vec<_> = line.split('\0').collect();
            (of == parent
                && words[0].ends_with("ipmitool")
                && words.contains(&word)
                && words.contains(&"activate"))
            .then_some(Pid::from_raw(pid))
        })
    })
}

fn gone(pid: Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
}

/// SOL is free at once, and the line received `typed` (its first byte may have got lost) and nothing else.
pub fn free_and_untouched(node: &Node, typed: &str) {
    let witness = Sol::activate(node);
    witness.shows("[SOL Session operational.");
    witness.interrupt();
    let got = String::from_utf8_lossy(&node.typed()).into_owned();
    assert!(got == typed || got == typed[1..], "{got:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_handle_ends_the_console_in_order() {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let dir = private();
    let console = Wanted::sol("ipmitool", &node, dir.path()).open();
    console.attached();
    console.types(b"\r\rhalf");
    console.shows("login: half");
    let ipmitool = ipmitool_of(std::process::id(), &node.address());
    drop(console);
    wait_for("ipmitool's end", SOON, || gone(ipmitool).then_some(()));
    free_and_untouched(&node, "\r\rhalf");
}

#[test]
fn a_runtime_that_ends_under_a_console_types_nothing() {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let dir = private();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let console = runtime.block_on(async { Wanted::sol("ipmitool", &node, dir.path()).open() });
    console.attached();
    console.types(b"\r\rhalf");
    console.shows("login: half");
    let ipmitool = ipmitool_of(std::process::id(), &node.address());
    // As unwinding would: the task is dropped where it stands.
    drop(runtime);
    wait_for("ipmitool's end", SOON, || gone(ipmitool).then_some(()));
    free_and_untouched(&node, "\r\rhalf");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_ipmitool_is_killed_and_its_sol_freed_through_the_driver() {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let dir = private();
    let mut wanted = Wanted::sol("ipmitool", &node, dir.path());
    wanted.real_driver = true;
    let console = wanted.open();
    console.attached();
    let ipmitool = ipmitool_of(std::process::id(), &node.address());
    let gate = console.gate.clone();
    wait_for("the login and the question who owns it", SOON, || (given(&gate) == 2).then_some(()));
    kill(ipmitool, Signal::SIGSTOP).unwrap();
    console.session.stop().await;
    assert!(gone(ipmitool));
    assert_eq!(given(&gate), 3, "freeing waits for its turn");
    let said = lab.ipmitool("r1n01", &["sol", "deactivate"]);
    assert!(said.stderr.contains("already de-activated"), "{}", said.stderr);
}

/// How many permits were given.
fn given(gate: &Open) -> usize {
    gate.given.load(Ordering::SeqCst)
}

/// Whether the ipmitool of a console has said `text`.
fn said(private: &Path, text: &str) -> Option<()> {
    let files = std::fs::read_dir(private).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut errors = files.filter(|path| path.extension().is_some_and(|ending| ending == "err"));
    errors.any(|path| std::fs::read_to_string(path).is_ok_and(|words| words.contains(text))).then_some(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ipmitool_killed_between_login_and_banner_has_its_sol_freed() {
    let lab = Lab::up(&LabOptions::default());
    let dir = private();
    // The login goes through, what follows does not come back: ipmitool cannot know what the BMC did.
    let relay = Relay::to(&lab.node("r1n01"), 9);
    let console = Wanted::bmc(bmc("ipmitool", "127.0.0.1", relay.port(), "secret"), dir.path()).open();
    wait_for("the login", SOON, || said(dir.path(), "Running Get VSO Capabilities"));
    let (asked, gate) = (console.asked.clone(), console.gate.clone());
    // So that it cannot end in order, however patient we are.
    kill(ipmitool_of(std::process::id(), &relay.port().to_string()), Signal::SIGSTOP).unwrap();
    console.session.stop().await;
    assert_eq!(*asked.lock().unwrap(), [Exchange::SolDeactivate]);
    assert_eq!(given(&gate), 2, "with a permit of its own");
    assert_eq!(gate.held.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ipmitool_killed_in_its_login_costs_nobody_an_sol() {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    lab.freeze("r1n01");
    let dir = private();
    let console = Wanted::sol("ipmitool", &node, dir.path()).open();
    kill(ipmitool_of(std::process::id(), &node.address()), Signal::SIGSTOP).unwrap();
    let asked = console.asked.clone();
    console.session.stop().await;
    assert!(asked.lock().unwrap().is_empty(), "an SOL that is active now is somebody else's");
}
