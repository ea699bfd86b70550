//! Consoles behind TCP ports, telnet and serial ports: servers that misbehave, and devices of this machine.

use super::{Console, SOON, Wanted, private};
use crate::support::wait_for;
use lightsout::config::{ConsoleSettings, SerialLine};
use lightsout::console::SessionCommand;
use lightsout::fleet::{ConsoleState, FaultClass};
use nix::pty::{OpenptyResult, openpty};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

const IAC: u8 = 255;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;

/// Listens on a free port, and runs `serve` in a thread for every client.
fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(serve));
    port
}

/// The next bytes of the client, until `wanted` stands in them.
fn read_until(client: &mut TcpStream, wanted: &[u8]) -> Vec<u8> {
    client.set_read_timeout(Some(SOON)).expect("a socket");
    let (mut all, mut buffer) = (Vec::new(), [0; 512]);
    while !all.windows(wanted.len()).any(|bytes| bytes == wanted) {
        let length = client.read(&mut buffer).expect("what the console sends");
        assert_ne!(length, 0, "closed after {all:?}");
        all.extend(&buffer[..length]);
    }
    all
}

fn at(transport: &str, port: u16) -> ConsoleSettings {
    ConsoleSettings {
        transport: transport.into(),
        host: Some("127.0.0.1".into()),
        port: Some(port),
        ..ConsoleSettings::default()
    }
}

fn open(settings: ConsoleSettings, dir: &Path) -> Console {
    Wanted::console(settings, dir).open()
}

/// Waits until the console says `text` on its frame.
fn notes(console: &Console, text: &str) {
    wait_for(text, SOON, || console.session.status().note.filter(|note| note.contains(text)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tcp_port_carries_every_byte_and_is_opened_again() {
    let (typed, seen) = mpsc::channel();
    let port = server(move |mut client| {
        client.write_all(b"login: ").expect("written");
        typed.send(read_until(&mut client, b"Q")).expect("the test waits");
    });
    let dir = private();
    let console = open(at("tcp", port), dir.path());
    console.shows("login:");
    console.types(b"a\xff\r\0Q");
    assert_eq!(seen.recv_timeout(SOON).expect("typed"), b"a\xff\r\0Q");
    let (fault, retried) = console.closed();
    assert!(fault.reason.contains("the server closed it") && retried, "{fault:?}");
    assert!(console.session.send(SessionCommand::Reopen).is_ok());
    console.attached();
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_where_nobody_listens_is_said_with_its_number() {
    let dir = private();
    let port = TcpListener::bind("127.0.0.1:0").expect("loopback").local_addr().expect("bound").port();
    let console = open(at("telnet", port), dir.path());
    let (fault, retried) = console.closed();
    assert_eq!(fault.class, FaultClass::Unreachable);
    assert!(retried && fault.reason.contains(&format!("nothing listens on port {port}")), "{fault:?}");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telnet_server_that_refuses_and_talks_garbage_still_carries_the_console() {
    let (typed, seen) = mpsc::channel();
    let port = server(move |mut client| {
        // Refusals of what was never asked, a subnegotiation in pieces, commands that do not exist.
        let garbage = [
            IAC, DONT, 44, IAC, WONT, 1, IAC, 250, 99, IAC, 7, IAC, IAC, 240, IAC, 17, IAC, WILL, 200, IAC,
            DO, 24,
        ];
        client.write_all(&garbage).expect("written");
        client.write_all(b"node> ").expect("written");
        let mut all = read_until(&mut client, &[IAC, WONT, 24]);
        client.write_all(&[IAC, DONT, 44, IAC, DONT, 0, IAC, WONT, 0]).expect("written");
        client.write_all(b"refused ").expect("written");
        all.extend(read_until(&mut client, b"\r\0"));
        typed.send(all).expect("the test waits");
        client.write_all(b"\r\ndone\r\n").expect("written");
        let _ = client.read(&mut [0; 16]);
    });
    let dir = private();
    let line = SerialLine { baud: Some(9600), ..SerialLine::default() };
    let console = open(ConsoleSettings { line, ..at("telnet", port) }, dir.path());
    console.shows("node> refused");
    notes(&console, "RFC 2217 refused");
    console.types(b"ls\r");
    console.shows("done");
    let all = seen.recv_timeout(SOON).expect("typed");
    assert!(all.ends_with(b"ls\r\0"), "{all:?}");
    assert!(all.windows(3).any(|bytes| bytes == [IAC, DONT, 200]), "{all:?}");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raw_port_gets_no_byte_that_nobody_typed_and_no_break() {
    let (typed, seen) = mpsc::channel();
    let port = server(move |mut client| {
        client.write_all(b"raw> ").expect("written");
        typed.send(read_until(&mut client, b"x")).expect("the test waits");
    });
    let dir = private();
    let line = SerialLine { baud: Some(9600), ..SerialLine::default() };
    let console = open(ConsoleSettings { line, ..at("telnet", port) }, dir.path());
    console.shows("raw>");
    assert!(console.session.send(SessionCommand::Break).is_ok());
    notes(&console, "no break was sent");
    console.types(b"\r\xffx");
    assert_eq!(seen.recv_timeout(SOON).expect("typed"), b"\r\xffx");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_wait_gets_the_keys_when_it_says_go_on() {
    let (typed, seen) = mpsc::channel();
    let (go, going) = mpsc::channel::<()>();
    let going = std::sync::Mutex::new(going);
    let port = server(move |mut client| {
        client.write_all(&[IAC, DO, 44]).expect("written");
        read_until(&mut client, &[IAC, WILL, 44]);
        client.write_all(&[IAC, 250, 44, 108, IAC, 240]).expect("written");
        client.write_all(b"full ").expect("written");
        going.lock().expect("one client").recv_timeout(SOON).expect("the test says so");
        client.set_nonblocking(true).expect("a socket");
        let early = client.read(&mut [0; 64]).err().map(|error| error.kind());
        assert_eq!(early, Some(std::io::ErrorKind::WouldBlock), "nothing while it waits");
        client.set_nonblocking(false).expect("a socket");
        client.write_all(&[IAC, 250, 44, 109, IAC, 240]).expect("written");
        typed.send(read_until(&mut client, b"key")).expect("the test waits");
    });
    let dir = private();
    let console = open(at("telnet", port), dir.path());
    console.shows("full");
    notes(&console, "keys are held back");
    console.types(b"key");
    go.send(()).expect("the server waits");
    assert!(seen.recv_timeout(SOON).expect("typed").ends_with(b"key"));
    notes(&console, "takes keys again");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_break_is_the_line_s_own_where_the_server_has_it_and_telnet_s_elsewhere() {
    const BREAK: u8 = 243;
    let control = |value: u8| [IAC, 250, 44, 5, value, IAC, 240];
    // It offers RFC 2217 although no setting of the line is configured.
    let offers = [IAC, DO, 44].as_slice();
    let plain = [IAC, WILL, 1].as_slice();
    for (offer, wanted) in [(offers, [control(5), control(6)].concat()), (plain, vec![IAC, BREAK])] {
        let (typed, seen) = mpsc::channel();
        let port = server(move |mut client| {
            client.write_all(offer).expect("written");
            client.write_all(b"line ").expect("written");
            typed.send(read_until(&mut client, b"after")).expect("the test waits");
        });
        let dir = private();
        let console = open(at("telnet", port), dir.path());
        console.shows("line");
        console.types(b"before");
        assert!(console.session.send(SessionCommand::Break).is_ok());
        console.types(b"after");
        let all = seen.recv_timeout(SOON).expect("typed");
        let wanted = [b"before", &wanted[..], b"after"].concat();
        assert!(all.ends_with(&wanted), "{all:?}");
        assert_eq!(console.session.status().note, None);
        console.session.stop().await;
    }
}

/// A serial port: its other end, and its device.
fn serial_port() -> (File, PathBuf, OpenptyResult) {
    let pair = openpty(None, None).expect("a pseudo-terminal");
    let device = nix::unistd::ttyname(&pair.slave).expect("it has a name");
    let line = File::from(pair.master.try_clone().expect("another handle"));
    (line, device, pair)
}

fn serial(device: &Path) -> ConsoleSettings {
    ConsoleSettings {
        transport: "serial".into(),
        path: Some(device.to_owned()),
        ..ConsoleSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serial_port_carries_both_ways_and_belongs_to_one() {
    let (mut line, device, _pair) = serial_port();
    let dir = private();
    let console = open(serial(&device), dir.path());
    console.attached();
    line.write_all(b"boot\r\n").expect("written");
    console.shows("boot");
    console.types(b"\x03ok\r");
    let mut typed = [0; 4];
    line.read_exact(&mut typed).expect("what was typed");
    assert_eq!(&typed, b"\x03ok\r", "the line is a plain one");

    let second = open(serial(&device), dir.path());
    let holder = wait_for("busy", SOON, || match second.state() {
        ConsoleState::Busy { holder, .. } => holder,
        _ => None,
    });
    assert!(!holder.is_empty());
    console.session.stop().await;
    assert!(second.session.send(SessionCommand::Reopen).is_ok());
    second.attached();
    second.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_serial_port_is_said_and_opened_when_it_comes() {
    let dir = private();
    let device = dir.path().join("ttyUSB0");
    let console = open(serial(&device), dir.path());
    let (fault, retried) = console.closed();
    assert!(fault.reason.contains("there is no device") && retried, "{fault:?}");
    let (mut line, real, _pair) = serial_port();
    std::os::unix::fs::symlink(&real, &device).expect("a link");
    assert!(console.session.send(SessionCommand::Reopen).is_ok());
    console.attached();
    line.write_all(b"plugged in").expect("written");
    console.shows("plugged in");
    console.session.stop().await;

    std::fs::write(dir.path().join("file"), "no port").expect("a file");
    let console = open(serial(&dir.path().join("file")), dir.path());
    let (fault, retried) = console.closed();
    assert!(fault.hint.is_some_and(|hint| hint.contains("is it a serial port?")) && !retried);
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_hangs_up_is_told() {
    let (line, device, pair) = serial_port();
    let dir = private();
    let console = open(serial(&device), dir.path());
    console.attached();
    drop((line, pair));
    let (fault, retried) = console.closed();
    assert!(fault.reason.starts_with("the console was lost") && retried, "{fault:?}");
    tokio::time::timeout(Duration::from_secs(20), console.session.stop()).await.expect("it ends");
}
