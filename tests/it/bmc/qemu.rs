//! Driver `qemu`.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    thread,
    time::Duration,
};

use lightsout::{
    bmc::{Exchange, Reply},
    config::BmcSettings,
    fleet::{FaultClass, Power},
};

use super::{Change, Opened, opened, settings, try_open};
use crate::support::{
    lab::{Lab, LabOptions},
    wait_for,
};

const SOON: Duration = Duration::from_secs(20);

fn vms() -> Lab {
    Lab::up(&LabOptions { sims: 1, vms: true, ..LabOptions::default() })
}

fn vm_settings(lab: &Lab, socket: &Path) -> BmcSettings {
    BmcSettings {
        driver: "qemu".into(),
        address: None,
        qmp: Some(socket.to_owned()),
        credentials: None,
        ..settings(&lab.node("r1n01"))
    }
}

fn vm(lab: &Lab, name: &str) -> Opened {
    opened(&vm_settings(lab, &lab.node(name).qmp()))
}

#[tokio::test]
async fn a_paused_machine_is_resumed_once_and_only_then() {
    let lab = vms();
    let mut paused = vm(&lab, "vm2");
    let state = paused.driver.exchange(&Exchange::Power).await;
    assert_eq!(state, Ok(Reply::Power(Power::On, Some("prelaunch".into()))));
    assert_eq!(paused.driver.exchange(&Exchange::Resume).await, Ok(Reply::Resumed(true)));
    assert_eq!(paused.driver.exchange(&Exchange::Power).await, Ok(Reply::Power(Power::On, None)));
    assert_eq!(paused.driver.exchange(&Exchange::Resume).await, Ok(Reply::Resumed(false)));
}

#[tokio::test]
async fn verbs_identity_and_the_end_of_the_process() {
    let lab = vms();
    let mut vm = vm(&lab, "vm1");
    assert_eq!(vm.driver.exchange(&Exchange::Power).await, Ok(Reply::Power(Power::On, None)));
    let Reply::Info(info) = vm.driver.exchange(&Exchange::Info).await.expect("it tells") else {
        panic!("not an identity");
    };
    assert!(info.iter().any(|(label, value)| label == "QEMU" && value.contains('.')), "{info:?}");
    for exchange in [Exchange::Reset, Exchange::Nmi, Exchange::Soft] {
        assert_eq!(vm.driver.exchange(&exchange).await, Ok(Reply::Done), "{exchange:?}");
    }
    assert_eq!(vm.driver.exchange(&Exchange::Off).await, Ok(Reply::Done));
    let socket = lab.node("vm1").qmp();
    wait_for("the process to end", SOON, || UnixStream::connect(&socket).err().map(drop));
    let state = vm.driver.exchange(&Exchange::Power).await;
    assert_eq!(state, Ok(Reply::Power(Power::Off, Some("no process".into()))));
    // Off is as it should be; a reset is not possible.
    assert_eq!(vm.driver.exchange(&Exchange::Off).await, Ok(Reply::Done));
    assert_eq!(vm.driver.exchange(&Exchange::Resume).await, Ok(Reply::Resumed(false)));
    let error = vm.driver.exchange(&Exchange::Reset).await.expect_err("no process");
    assert_eq!((error.class, error.not_sent), (FaultClass::Rejected, true), "{error}");
}

#[tokio::test]
async fn what_a_machine_cannot_do_is_said() {
    let lab = vms();
    let mut vm = vm(&lab, "vm1");
    for exchange in [
        Exchange::Cycle,
        Exchange::BootGet,
        Exchange::KeepBootFlags,
        Exchange::ResetBmc(lightsout::fleet::BmcReset::Cold),
        Exchange::Raw(vec![6, 1]),
        Exchange::SolDeactivate,
        Exchange::On,
    ] {
        let error = vm.driver.exchange(&exchange).await.expect_err("it cannot");
        assert_eq!((error.class, error.not_sent), (FaultClass::Unsupported, true), "{exchange:?}: {error}");
    }
    assert!(vm.driver.describe(&Exchange::Soft).ends_with(": system_powerdown"));
}

#[tokio::test]
async fn a_monitor_held_by_another_client_is_busy() {
    let lab = vms();
    let path = lab.node("vm1").qmp();
    let holder = UnixStream::connect(&path).expect("a socket");
    let mut greeting = String::new();
    BufReader::new(&holder).read_line(&mut greeting).expect("the first client is greeted");
    let change = Change { limit: Duration::from_millis(800), ..Change::default() };
    let mut vm = try_open(&vm_settings(&lab, &path), &change).expect("opens");
    let error = vm.driver.exchange(&Exchange::Off).await.expect_err("taken");
    assert_eq!((error.class, error.not_sent), (FaultClass::Busy, true), "{error}");
    assert!(error.reason.contains("another client"), "{error}");
    drop(holder);
    let mut vm = self::vm(&lab, "vm1");
    assert_eq!(vm.driver.exchange(&Exchange::Power).await, Ok(Reply::Power(Power::On, None)));
}

#[tokio::test]
async fn a_missing_or_dead_socket_is_a_machine_without_process() {
    let lab = vms();
    let dir = tempfile::tempdir().expect("a directory");
    let off = Ok(Reply::Power(Power::Off, Some("no process".into())));
    let missing = dir.path().join("missing");
    assert_eq!(opened(&vm_settings(&lab, &missing)).driver.exchange(&Exchange::Power).await, off);
    let dead = dir.path().join("dead");
    drop(UnixListener::bind(&dead).expect("a socket"));
    assert_eq!(opened(&vm_settings(&lab, &dead)).driver.exchange(&Exchange::Power).await, off);
    let file = dir.path().join("file");
    fs::write(&file, "").expect("writable");
    let error =
        opened(&vm_settings(&lab, &file)).driver.exchange(&Exchange::Power).await.expect_err("no socket");
    assert_eq!(error.class, FaultClass::Local, "{error}");
    let mut none = vm_settings(&lab, &file);
    none.qmp = None;
    assert_eq!(try_open(&none, &Change::default()).err().expect("refused").class, FaultClass::Local);
}

#[tokio::test]
async fn on_runs_the_start_command_and_never_a_second_process() {
    let lab = vms();
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join("qmp");
    let pid = dir.path().join("pid");
    let mut settings = vm_settings(&lab, &socket);
    let command = format!(
        "qemu-system-x86_64 -machine pc,graphics=off -accel tcg -m 16 -nodefaults -display none -S -pidfile {} -qmp unix:{},server,nowait",
        pid.display(),
        socket.display()
    );
    settings.start = Some(command.split(' ').map(str::to_owned).collect());
    let mut vm = opened(&settings);
    assert!(vm.driver.describe(&Exchange::On).starts_with("run qemu-system-x86_64 "));
    assert_eq!(vm.driver.exchange(&Exchange::On).await, Ok(Reply::Done));
    let process = wait_for("the machine to run", SOON, || {
        let pid = fs::read_to_string(&pid).ok()?;
        UnixStream::connect(&socket).ok().map(|_| pid.trim().to_owned())
    });
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let session = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(3)).map(str::to_owned);
    let own = fs::read_to_string("/proc/self/stat").expect("ours");
    let own = own.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(3)).map(str::to_owned);
    assert_ne!(session, own, "it has a session of its own");
    let error = vm.driver.exchange(&Exchange::On).await.expect_err("it exists");
    assert_eq!((error.class, error.not_sent), (FaultClass::Rejected, true), "{error}");
    assert!(error.reason.contains("prelaunch"), "{error}");
    assert_eq!(vm.driver.exchange(&Exchange::Off).await, Ok(Reply::Done));
    wait_for("the machine to end", SOON, || (!Path::new(&format!("/proc/{process}")).exists()).then_some(()));

    settings.start = Some(vec!["qemu-of-another-world".into()]);
    let error = opened(&settings).driver.exchange(&Exchange::On).await.expect_err("not found");
    assert_eq!(error.class, FaultClass::Local, "{error}");
}

/// A monitor that says `lines` on connecting, then answers each command with the next of `answers`.
fn monitor(socket: &Path, lines: &'static str, answers: &'static [&'static str]) -> thread::JoinHandle<()> {
    let listener = UnixListener::bind(socket).expect("a socket");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.write_all(lines.as_bytes()).expect("it listens");
        let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
        for answer in answers {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a command");
            stream.write_all(answer.as_bytes()).expect("it listens");
        }
    })
}

#[tokio::test]
async fn events_may_come_before_the_greeting_and_before_replies() {
    let lab = vms();
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join("qmp");
    let event = "{\"event\": \"RESET\", \"timestamp\": {}}\n{\"QMP\": {}}\n";
    let answers =
        &["{\"return\": {}}\n", "{\"event\": \"STOP\"}\n{\"return\": {\"status\": \"io-error\"}}\n"];
    let monitor = monitor(&socket, event, answers);
    let state = opened(&vm_settings(&lab, &socket)).driver.exchange(&Exchange::Power).await;
    assert_eq!(state, Ok(Reply::Power(Power::On, Some("io-error".into()))));
    monitor.join().expect("it ended");
}

#[tokio::test]
async fn a_machine_in_trouble_is_never_resumed() {
    let lab = vms();
    let dir = tempfile::tempdir().expect("a directory");
    for status in ["inmigrate", "postmigrate", "io-error", "guest-panicked", "shutdown"] {
        let socket = dir.path().join(status);
        let answer: &'static str = format!("{{\"return\": {{\"status\": \"{status}\"}}}}\n").leak();
        let answers: &'static [&'static str] = Box::leak(Box::new(["{\"return\": {}}\n", answer]));
        let monitor = monitor(&socket, "{\"QMP\": {}}\n", answers);
        let resumed = opened(&vm_settings(&lab, &socket)).driver.exchange(&Exchange::Resume).await;
        assert_eq!(resumed, Ok(Reply::Resumed(false)), "{status}");
        monitor.join().expect("no further command was read");
    }
}

#[tokio::test]
async fn refusals_and_garbage_have_their_class() {
    let lab = vms();
    let dir = tempfile::tempdir().expect("a directory");
    let refuse = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no \\u001b way\"}}\n";
    let unknown = "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"what\"}}\n";
    let rows: [(&str, &'static [&'static str], FaultClass); 4] = [
        ("refused", Box::leak(Box::new(["{\"return\": {}}\n", refuse])), FaultClass::Rejected),
        ("unknown", Box::leak(Box::new(["{\"return\": {}}\n", unknown])), FaultClass::Unsupported),
        ("garbage", &["{\"return\": {}}\n", "login: \n"], FaultClass::Protocol),
        ("closed", &["{\"return\": {}}\n"], FaultClass::Timeout),
    ];
    for (name, answers, class) in rows {
        let socket = dir.path().join(name);
        let monitor = monitor(&socket, "{\"QMP\": {}}\n", answers);
        let error =
            opened(&vm_settings(&lab, &socket)).driver.exchange(&Exchange::Nmi).await.expect_err(name);
        assert_eq!(error.class, class, "{name}: {error}");
        assert!(!error.reason.contains('\u{1b}'), "{error}");
        monitor.join().expect("it ended");
    }
}
