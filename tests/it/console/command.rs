//! Consoles of programs in a pseudo-terminal: well-behaved ones and others.

use super::{Console, SOON, Wanted, private};
use crate::support::wait_for;
use lightsout::config::ConsoleSettings;
use lightsout::console::SessionCommand;
use lightsout::fleet::FaultClass;
use std::fs;
use std::path::Path;

fn command(argv: &[&str]) -> ConsoleSettings {
    ConsoleSettings {
        transport: "command".into(),
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        ..ConsoleSettings::default()
    }
}

fn shell(script: &str, dir: &Path) -> Console {
    Wanted::console(command(&["sh", "-c", script]), dir).open()
}

/// The process id that a script wrote.
fn pid(file: &Path) -> i32 {
    wait_for("a process id", SOON, || fs::read_to_string(file).ok()?.trim().parse().ok())
}

fn lives(pid: i32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_asked_in_the_pane_and_typed_without_echo() {
    let dir = private();
    let console = shell(
        "stty -echo; printf 'Password: '; read -r word; stty echo; echo; [ \"$word\" = pass ] && echo let in; exec cat",
        dir.path(),
    );
    console.shows("Password:");
    console.types(b"pass\r");
    console.shows("let in");
    assert!(!console.screen().contains("pass\n"), "{}", console.screen());
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_fails_at_once_is_tried_three_times() {
    let dir = private();
    let count = dir.path().join("count");
    let script = format!("echo x >> {}; echo no route; exit 7", count.display());
    let console = shell(&script, dir.path());
    for round in 1..=3 {
        let (fault, retried) = console.closed();
        assert_eq!(fault.reason, "sh ended with exit code 7");
        assert_eq!(retried, round < 3, "round {round}");
        console.shows("no route");
        if round < 3 {
            assert!(console.session.send(SessionCommand::Reopen).is_ok());
            let tries = "x\n".repeat(round + 1);
            wait_for("the next try", SOON, || (fs::read_to_string(&count).ok()? == tries).then_some(()));
        }
    }
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_logs_out_is_not_logged_in_again() {
    let dir = private();
    let console = shell("read -r line; echo bye", dir.path());
    console.attached();
    console.types(b"exit\r");
    let (fault, retried) = console.closed();
    assert!(!retried && fault.reason == "sh has ended", "{fault:?}");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_program_is_said_by_name() {
    let dir = private();
    let console = Wanted::console(command(&["no-such-console", "n1"]), dir.path()).open();
    let (fault, retried) = console.closed();
    assert_eq!(fault.class, FaultClass::Local);
    assert!(!retried && fault.reason.contains("there is no program no-such-console"), "{fault:?}");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn detaching_ends_the_program_and_what_it_started_and_types_nothing() {
    let dir = private();
    let (own, child, typed) = (dir.path().join("own"), dir.path().join("child"), dir.path().join("typed"));
    let script = format!(
        "trap '' HUP; sleep 300 & echo $! > {}; echo $$ > {}; cat > {}; sleep 300",
        child.display(),
        own.display(),
        typed.display()
    );
    let console = shell(&script, dir.path());
    let (own, child) = (pid(&own), pid(&child));
    assert!(lives(own) && lives(child));
    console.session.stop().await;
    assert!(!lives(own), "it ignores the hang-up and is killed");
    wait_for("its child to end", SOON, || (!lives(child)).then_some(()));
    assert_eq!(fs::read(&typed).expect("what cat was given"), b"", "nothing was typed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_own_escape_is_kept_from_it_and_said() {
    let dir = private();
    let settings = ConsoleSettings {
        escape: Some(vec![0x1d]),
        ..command(&["sh", "-c", "stty raw -echo; echo ready; exec cat -v"])
    };
    let console = Wanted::console(settings, dir.path()).open();
    console.shows("ready");
    console.types(b"a\x1db\r");
    wait_for("a note", SOON, || {
        console.session.status().note.filter(|note| note.contains("ctrl-] was not sent"))
    });
    console.shows("ab^M");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_ssh_both_escapes_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let dir = private();
    let ssh = dir.path().join("ssh");
    fs::write(&ssh, "#!/bin/sh\nstty raw -echo; echo ready; exec cat -v\n").expect("a script");
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).expect("it can be run");
    let argv = [ssh.to_str().expect("UTF-8"), "-t", "kvm1", "virsh", "console", "vm1"];
    let settings = ConsoleSettings { escape: Some(vec![0x1d]), ..command(&argv) };
    let console = Wanted::console(settings, dir.path()).open();
    console.shows("ready");
    console.types(b"a\x1d.\r~.b");
    console.shows("a.^M~~.b");
    console.session.stop().await;
    // A wrapper changes nothing about it.
    let argv = ["env", "LC_ALL=C", ssh.to_str().expect("UTF-8"), "console1"];
    let console = Wanted::console(command(&argv), dir.path()).open();
    console.shows("ready");
    console.types(b"\r~.b");
    console.shows("^M~~.b");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_of_bmcs_are_not_in_its_environment() {
    let dir = private();
    let settings = ConsoleSettings {
        // Any variable that is surely there stands for one with a password.
        hidden: vec!["PATH".to_owned()].into(),
        ..command(&[
            "/bin/sh",
            "-c",
            "echo \"home=$HOME\" term=$TERM; /usr/bin/env | /bin/grep -c ^PATH= || echo hidden; exec /bin/cat",
        ])
    };
    let console = Wanted::console(settings, dir.path()).open();
    console.shows("term=xterm-256color");
    console.shows("hidden");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_leaves_behind_does_not_keep_its_console_open() {
    let dir = private();
    let (away, deaf) = (dir.path().join("away"), dir.path().join("deaf"));
    // One has a session of its own, as a shared connection of ssh's; one is only deaf to the hang-up. Both keep
    // the terminal open, whose output ctrl-s has stopped.
    let script = format!(
        "trap '' HUP; setsid sleep 60 & echo $! > {}; sleep 60 & echo $! > {}; read -r word; exit 3",
        away.display(),
        deaf.display()
    );
    let console = shell(&script, dir.path());
    let (away, deaf) = (pid(&away), pid(&deaf));
    console.types(b"\x13word\r");
    assert_eq!(console.closed().0.reason, "sh ended with exit code 3");
    assert!(lives(away), "it was sent away on purpose");
    wait_for("the end of what was not", SOON, || (!lives(deaf)).then_some(()));
    console.session.stop().await;
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(away), nix::sys::signal::Signal::SIGKILL);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_words_of_a_program_that_leaves_something_behind_are_shown() {
    let dir = private();
    let console = shell("setsid sleep 5 & seq 1 3000; echo last; exit 3", dir.path());
    assert_eq!(console.closed().0.reason, "sh ended with exit code 3");
    console.shows("last");
    console.session.stop().await;
}
