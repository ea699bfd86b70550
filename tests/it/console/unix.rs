//! Consoles on unix sockets: QEMU's, and servers that misbehave.

use super::{SOON, Wanted, private};
use crate::support::{
    lab::{Lab, LabOptions},
    wait_for,
};
use lightsout::bmc::Exchange;
use lightsout::config::{BmcSettings, Privilege};
use lightsout::console::SessionCommand;
use lightsout::fleet::{ConsoleMode, FaultClass, LinePos, View};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Listens, and runs `serve` in a thread for every client.
pub(super) fn server(path: &Path, serve: impl Fn(UnixStream) + Send + Sync + 'static) {
    let listener = UnixListener::bind(path).expect("a free path");
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(client));
        }
    });
}

/// Sends every byte back.
pub(super) fn echo(mut client: UnixStream) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        if client.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

/// The same, until a key of the test ends the connection.
fn echo_until_q(mut client: UnixStream) {
    let mut byte = [0; 1];
    while let Ok(1) = client.read(&mut byte) {
        if byte == *b"Q" || client.write_all(&byte).is_err() {
            return;
        }
    }
}

/// The monitor of a VM, for sessions only: the driver beside them is a test's own.
fn machine(qmp: &Path) -> BmcSettings {
    BmcSettings {
        driver: "qemu".to_owned(),
        address: None,
        port: 623,
        credentials: None,
        privilege: Privilege::default(),
        cipher_suites: vec![],
        kg: None,
        quirks: None,
        keep_login: true,
        qmp: Some(qmp.to_owned()),
        start: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_arrive_and_a_closed_socket_is_opened_again() {
    let dir = private();
    let path = dir.path().join("serial.sock");
    server(&path, echo_until_q);
    let console = Wanted::socket(&path, dir.path()).open();
    console.attached();
    assert_eq!(console.gate.given.load(Ordering::SeqCst), 0, "a socket needs no turn at a BMC");
    console.types(b"h\xffello");
    console.shows("ello");
    console.types(b"Q");
    let (fault, retried) = console.closed();
    assert_eq!(fault.class, FaultClass::Unreachable);
    assert!(retried);
    console.attached();
    console.types(b" again");
    console.shows("ello again");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_and_a_word_stop_a_paste() {
    let dir = private();
    let path = dir.path().join("serial.sock");
    server(&path, echo_until_q);
    for stops in [SessionCommand::Input(vec![3]), SessionCommand::StopPaste] {
        let console = Wanted::socket(&path, dir.path()).open();
        console.attached();
        // Nobody waits for the end of this one: it takes five minutes.
        let paste = [&b"begun "[..], &[b'.'; 250_000]].concat();
        assert!(console.session.send(SessionCommand::Paste(paste)).is_ok());
        console.shows("begun .");
        assert!(console.session.send(stops).is_ok());
        let said = |note: &String| note.starts_with("the paste was stopped: 24");
        wait_for("the note", SOON, || console.session.status().note.filter(said));
        console.types(b"after");
        console.shows("after");
        console.session.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_socket_is_said_and_attached_when_it_comes() {
    let dir = private();
    let path = dir.path().join("serial.sock");
    let console = Wanted::socket(&path, dir.path()).open();
    let (fault, retried) = console.closed();
    assert_eq!(fault.class, FaultClass::Unreachable);
    assert!(fault.reason.contains("there is no socket"), "{fault:?}");
    assert!(retried);
    server(&path, echo);
    assert!(console.session.send(SessionCommand::Reopen).is_ok());
    console.attached();
    console.session.stop().await;

    drop(UnixListener::bind(dir.path().join("left.sock")).unwrap());
    let console = Wanted::socket(&dir.path().join("left.sock"), dir.path()).open();
    assert!(console.closed().0.reason.contains("nothing listens"));
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_qemu_socket_is_busy() {
    let lab = Lab::up(&LabOptions { sims: 0, vms: true, ..LabOptions::default() });
    let dir = private();
    let path = lab.node("vm1").serial();
    let other = UnixStream::connect(&path).unwrap();
    let console = Wanted::socket(&path, dir.path()).open();
    assert!(console.busy().contains("one client"));
    drop(other);
    assert!(console.session.send(SessionCommand::Reopen).is_ok());
    console.attached();
    console.types(b"\r");
    console.shows("login:");
    console.session.stop().await;
    // Its end frees the socket for the next one.
    let console = Wanted::socket(&path, dir.path()).open();
    console.attached();
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_with_many_clients_is_not_busy() {
    let dir = private();
    let path = dir.path().join("serial.sock");
    server(&path, echo);
    let _first = UnixStream::connect(&path).unwrap();
    let console = Wanted::socket(&path, dir.path()).open();
    console.attached();
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_machine_is_resumed_for_an_operator_who_can_type_only() {
    let dir = private();
    let path = dir.path().join("serial.sock");
    server(&path, echo);
    let asked = |mode, by_operator| {
        let mut wanted = Wanted::socket(&path, dir.path());
        wanted.bmc = Some(machine(&dir.path().join("qmp.sock")));
        wanted.mode = mode;
        wanted.by_operator = by_operator;
        wanted.open()
    };
    let console = asked(ConsoleMode::Interactive, true);
    wait_for("the word of it", SOON, || {
        console.session.status().note.filter(|note| note.contains("resumed"))
    });
    console.types(b"x");
    console.shows("x");
    assert_eq!(*console.asked.lock().unwrap(), [Exchange::Resume], "once per attach");
    assert_eq!(console.gate.given.load(Ordering::SeqCst), 1);
    console.session.stop().await;

    let console = asked(ConsoleMode::Interactive, false);
    console.attached();
    console.types(b"y");
    console.shows("y");
    assert!(console.asked.lock().unwrap().is_empty());
    console.session.stop().await;

    let console = asked(ConsoleMode::Monitor, true);
    console.attached();
    assert!(console.session.send(SessionCommand::Mode(ConsoleMode::Interactive)).is_ok());
    wait_for("interactive", SOON, || console.session.send(SessionCommand::Input(b"z".to_vec())).ok());
    console.shows("z");
    assert!(console.asked.lock().unwrap().is_empty(), "a switch of the mode is no attach");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_paused_meanwhile_is_not_resumed_by_a_link_that_comes_back() {
    let dir = private();
    let path = dir.path().join("serial.sock");
    server(&path, echo_until_q);
    let mut wanted = Wanted::socket(&path, dir.path());
    wanted.bmc = Some(machine(&dir.path().join("qmp.sock")));
    let console = wanted.open();
    let resumes = || console.asked.lock().unwrap().len();
    wait_for("the first resume", SOON, || (resumes() == 1).then_some(()));
    console.types(b"Q");
    assert!(console.closed().1, "it is opened again by itself");
    console.attached();
    console.types(b"back");
    console.shows("back");
    assert_eq!(resumes(), 1, "nobody asked for this one");
    assert!(console.session.send(SessionCommand::Reopen).is_ok());
    wait_for("a second resume, asked for", SOON, || (resumes() == 2).then_some(()));
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_paused_machine_runs_when_an_operator_attaches() {
    let lab = Lab::up(&LabOptions { sims: 0, vms: true, ..LabOptions::default() });
    let vm = lab.node("vm2");
    let dir = private();
    let log = dir.path().join("vm2.log");
    let open = |mode| {
        let mut wanted = Wanted::socket(&vm.serial(), dir.path());
        wanted.bmc = Some(machine(&vm.qmp()));
        wanted.real_driver = true;
        wanted.mode = mode;
        wanted.log = Some(log.clone());
        wanted.open()
    };
    let watched = open(ConsoleMode::Monitor);
    watched.attached();
    watched.session.stop().await;
    let console = open(ConsoleMode::Interactive);
    wait_for("the word of it", SOON, || {
        console.session.status().note.filter(|note| note.contains("resumed"))
    });
    console.shows("vm2 login:");
    console.session.stop().await;
    // Attached first, resumed then: its very first words are here.
    let log = std::fs::read(&log).unwrap();
    assert!(String::from_utf8_lossy(&log).contains("[    0.000000] Linux version"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_neither_starves_another_console_nor_loses_a_byte() {
    let dir = private();
    let (loud, quiet) = (dir.path().join("loud.sock"), dir.path().join("quiet.sock"));
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let (ending, counted) = (Arc::clone(&stop), Arc::clone(&sent));
    server(&loud, move |mut client| {
        let line =
            b"line of a kernel that has much to say about nothing in particular 0123456789\r\n".repeat(128);
        while !ending.load(Ordering::SeqCst) && client.write_all(&line).is_ok() {
            counted.fetch_add(line.len() as u64, Ordering::SeqCst);
        }
        let _ = client.write_all(b"THE-END");
        counted.fetch_add(7, Ordering::SeqCst);
        // Keeps the connection until the session ends it.
        let _ = client.read(&mut [0]);
    });
    server(&quiet, echo);
    let mut wanted = Wanted::socket(&loud, dir.path());
    wanted.log = Some("/dev/full".into());
    let flooded = wanted.open();
    let console = Wanted::socket(&quiet, dir.path()).open();
    console.attached();
    wait_for("a flood", SOON, || (flooded.session.status().received > 10_000_000).then_some(()));
    let mut slowest = Duration::ZERO;
    for key in b'a'..=b'z' {
        let typed = Instant::now();
        console.types(&[key]);
        console.shows(&format!("{}\n", (b'a'..=key).map(char::from).collect::<String>()));
        slowest = slowest.max(typed.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "a key took {slowest:?} beside a flood");
    stop.store(true, Ordering::SeqCst);
    flooded.shows("THE-END");
    let status = flooded.session.status();
    assert_eq!(status.received, sent.load(Ordering::SeqCst), "back-pressure, not loss");
    assert!(status.log_fault.unwrap().contains("No space left"), "a full disk stops no console");
    flooded.session.stop().await;
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_bytes_reach_only_the_screen_and_answers_only_a_writable_console() {
    let dir = private();
    let path = dir.path().join("serial.sock");
    let received = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&received);
    server(&path, move |mut client| {
        let mut hostile =
            b"\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1bP+q544e\x1b\\\x1b[200000000b\xff\xfe\x1b[c".to_vec();
        hostile.extend(b"\x1b[6n".repeat(500));
        hostile.extend(b"\x1b[2J\x1b[Hsafe \x1b]unterminated");
        let _ = client.write_all(&hostile);
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = client.read(&mut buffer) {
            sink.lock().unwrap().extend_from_slice(&buffer[..length]);
            if buffer[..length].contains(&b'!') {
                let _ = client.write_all(b"\nvisible again");
            }
        }
    });
    let mut wanted = Wanted::socket(&path, dir.path());
    wanted.mode = ConsoleMode::Monitor;
    let console = wanted.open();
    console.shows("safe");
    assert!(console.session.send(SessionCommand::Mode(ConsoleMode::Interactive)).is_ok());
    wait_for("a key to go", SOON, || console.session.send(SessionCommand::Input(b"!".to_vec())).ok());
    console.shows("visible again");
    assert_eq!(*received.lock().unwrap(), b"!", "a monitor answers nothing");
    console.session.stop().await;

    received.lock().unwrap().clear();
    let console = Wanted::socket(&path, dir.path()).open();
    console.shows("safe");
    wait_for("an answer", SOON, || (!received.lock().unwrap().is_empty()).then_some(()));
    console.types(b"!");
    console.shows("visible again");
    let answers = received.lock().unwrap().iter().filter(|byte| **byte == 0x1b).count();
    assert!((1..=20).contains(&answers), "{answers} answers to 501 questions");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_is_seen_searched_copied_and_stays_still() {
    let dir = private();
    let path = dir.path().join("serial.sock");
    server(&path, |mut client| {
        for number in 0..100 {
            let _ = client.write_all(format!("number {number:03}\r\n").as_bytes());
        }
        echo(client);
    });
    let console = Wanted::socket(&path, dir.path()).open();
    console.shows("number 099");
    let (reply, found) = tokio::sync::oneshot::channel();
    let search = SessionCommand::Search {
        pattern: "number 010".to_owned(),
        from: LinePos { line: 99, col: 0 },
        backward: true,
        reply,
    };
    assert!(console.session.send(search).is_ok());
    let (first, last) = found.await.unwrap().unwrap().unwrap();
    assert_eq!((first, last), (LinePos { line: 10, col: 0 }, LinePos { line: 10, col: 9 }));
    let (reply, text) = tokio::sync::oneshot::channel();
    let copy = SessionCommand::Copy { from: first, to: LinePos { line: 11, col: 9 }, lines: true, reply };
    assert!(console.session.send(copy).is_ok());
    assert_eq!(text.await.unwrap().trim_end(), "number 010\nnumber 011");
    let frozen = View { top: Some(10), rows: 3 };
    assert!(console.session.send(SessionCommand::View(Some(frozen))).is_ok());
    console.shows("number 010\nnumber 011\nnumber 012\n");
    assert!(!console.session.frame().unwrap().live);
    console.types(b"more\r\n");
    wait_for("the echo", SOON, || (console.session.status().received >= 1206).then_some(()));
    assert!(console.screen().starts_with("number 010"), "a frozen view stays");
    let live = View { top: None, rows: 25 };
    assert!(console.session.send(SessionCommand::View(Some(live))).is_ok());
    console.shows("more");
    assert!(console.session.send(SessionCommand::NextCharset).is_ok());
    wait_for("the charset", SOON, || console.session.status().note.filter(|note| note.contains("cp437")));
    console.session.stop().await;
}
