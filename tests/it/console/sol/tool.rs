//! What only ipmitool can do to a console.

use super::super::ending::ipmitool_of;
use super::super::{SOON, Wanted, private};
use crate::support::{
    lab::{Lab, LabOptions},
    wait_for,
};
use lightsout::console::SessionCommand;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_ipmitool_is_told_and_opened_again() {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let dir = private();
    let console = Wanted::sol("ipmitool", &node, dir.path()).open();
    console.attached();
    let pid = ipmitool_of(std::process::id(), &node.address());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let (fault, retried) = console.closed();
    assert!(retried, "{fault:?}");
    console.attached();
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_break_is_sent_at_a_line_s_start_only_and_leaves_no_words_on_the_screen() {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    let dir = private();
    let console = Wanted::sol("ipmitool", &node, dir.path()).open();
    console.attached();
    console.types(b"\r\rhalf");
    console.shows("login: half");
    assert!(console.session.send(SessionCommand::Break).is_ok());
    wait_for("the refusal", SOON, || {
        console.session.status().note.filter(|note| note.contains("press enter"))
    });
    console.types(b"\r");
    console.shows("you said [half]");
    assert!(console.session.send(SessionCommand::Break).is_ok());
    console.types(b"after\r");
    console.shows("after]");
    assert!(!console.screen().contains("send break"), "{}", console.screen());
    console.session.stop().await;
    // ipmi_sim passes a break on to its line as telnet's: IAC BRK.
    let typed = node.typed();
    assert!(typed.ends_with(b"half\r\xff\xf3after\r"), "{typed:?}");
}
