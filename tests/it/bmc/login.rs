//! Logins that fail, are slow, or take a second suite: with each driver that speaks IPMI where its words are
//! not the point, else with driver `ipmitool`.

use std::{
    fs,
    net::UdpSocket,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use lightsout::{
    bmc::{Exchange, Reply},
    config::Privilege,
    fleet::FaultClass,
};

use super::{BOTH, Change, credentials, lab, opened, settings, settings_of, stand_in, try_open};
use crate::support::{
    lab::{Lab, LabOptions},
    relay::{Relay, Way, payload},
};

#[tokio::test]
async fn wrong_password_and_wrong_user_are_told_apart_and_were_not_sent() {
    let lab = lab(1, 1);
    for driver in BOTH {
        for name in ["r1n01", "p1n01"] {
            let mut settings = settings_of(driver, &lab.node(name));
            settings.credentials = credentials("admin", "wrong");
            let error = opened(&settings).driver.exchange(&Exchange::Off).await.expect_err("wrong password");
            assert_eq!((error.class, error.not_sent), (FaultClass::Auth, true), "{name}: {error}");
            assert!(error.reason.contains("wrong password"), "{name}: {error}");
            settings.credentials = credentials("nobody", "secret");
            let error = opened(&settings).driver.exchange(&Exchange::Off).await.expect_err("wrong user");
            assert_eq!((error.class, error.not_sent), (FaultClass::Auth, true), "{name}: {error}");
            assert!(error.reason.contains("does not know this user"), "{name}: {error}");
        }
    }
}

#[tokio::test]
async fn a_refused_suite_leads_to_the_next_which_is_remembered() {
    let lab = Lab::up(&LabOptions { sims: 1, pyghmi: 1, more: &["--suites", "3"], ..LabOptions::default() });
    for name in ["r1n01", "p1n01"] {
        let mut bmc = opened(&settings(&lab.node(name)));
        let line = bmc.driver.describe(&Exchange::Power);
        assert!(line.contains("-C 17"), "{line}");
        bmc.driver.exchange(&Exchange::Power).await.expect("suite 3 works");
        assert_eq!(bmc.suites.get(), Some(3), "{name}");
        let line = bmc.driver.describe(&Exchange::Power);
        assert!(line.contains("-C 3"), "{line}");
    }
    let mut only_17 = settings(&lab.node("p1n01"));
    only_17.cipher_suites = vec![17];
    let mut bmc = opened(&only_17);
    let error = bmc.driver.exchange(&Exchange::Power).await.expect_err("not offered");
    assert_eq!((error.class, error.not_sent), (FaultClass::Unsupported, true), "{error}");
    assert!(error.reason.contains("cipher suite"), "{error}");
    assert_eq!(bmc.suites.get(), None);
}

#[tokio::test]
async fn suite_17_is_used_where_it_is_offered() {
    let lab = lab(0, 1);
    for driver in BOTH {
        let mut bmc = opened(&settings_of(driver, &lab.node("p1n01")));
        bmc.driver.exchange(&Exchange::Power).await.expect("it answers");
        assert_eq!(bmc.suites.get(), Some(17));
    }
}

#[tokio::test]
async fn a_dead_address_is_unreachable_within_seconds() {
    let lab = lab(1, 0);
    for driver in BOTH {
        // Bound, so that nobody answers, not even the kernel with "port unreachable".
        let hole = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let mut dead = settings_of(driver, &lab.node("r1n01"));
        dead.address = Some("127.0.0.1".into());
        dead.port = hole.local_addr().expect("bound").port();
        let began = Instant::now();
        let error = opened(&dead).driver.exchange(&Exchange::Off).await.expect_err("nobody answers");
        assert_eq!((error.class, error.not_sent), (FaultClass::Unreachable, true), "{error}");
        assert!(error.reason.contains("no answer"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());

        // What must not be sent twice is waited for longer, but not up to the limit.
        let error = opened(&dead).driver.exchange(&Exchange::Reset).await.expect_err("nobody answers");
        assert_eq!((error.class, error.not_sent), (FaultClass::Unreachable, true), "{error}");

        let impatient = Change { limit: Duration::from_secs(1), ..Change::default() };
        let mut bmc = try_open(&dead, &impatient).expect("opens");
        let began = Instant::now();
        let error = bmc.driver.exchange(&Exchange::Off).await.expect_err("nobody answers");
        assert_eq!((error.class, error.not_sent), (FaultClass::Unreachable, true), "{error}");
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());

        lab.kill("r1n01");
        let error = opened(&settings_of(driver, &lab.node("r1n01")))
            .driver
            .exchange(&Exchange::Off)
            .await
            .expect_err("killed");
        assert_eq!((error.class, error.not_sent), (FaultClass::Unreachable, true), "{error}");

        dead.address = Some("no-such-host.invalid".into());
        let error = opened(&dead).driver.exchange(&Exchange::Off).await.expect_err("no such name");
        assert_eq!((error.class, error.not_sent), (FaultClass::Unreachable, true), "{error}");
        assert!(error.reason.contains("does not resolve"), "{error}");
    }
}

#[tokio::test]
async fn a_bmc_that_falls_silent_is_a_timeout_not_an_unreachable_one() {
    let lab = lab(0, 1);
    let node = lab.node("p1n01");
    let through = |count| {
        let relay = Relay::to(&node, count);
        let mut settings = settings(&node);
        settings.address = Some("127.0.0.1".into());
        settings.port = relay.port();
        (relay, settings)
    };
    // During the login: certainly not sent.
    let (_login, settings) = through(3);
    let mut login = opened(&settings);
    // In mid-command, told by ipmitool.
    let (_told, settings) = through(9);
    let mut told = opened(&settings);
    // In mid-command, cut by our own limit.
    let (_cut, settings) = through(9);
    let limit = Duration::from_secs(4);
    let mut cut = try_open(&settings, &Change { limit, ..Change::default() }).expect("opens");
    let (login, told, cut) = tokio::join!(
        login.driver.exchange(&Exchange::Off),
        told.driver.exchange(&Exchange::Off),
        cut.driver.exchange(&Exchange::Off)
    );
    let login = login.expect_err("silent");
    assert_eq!((login.class, login.not_sent), (FaultClass::Timeout, true), "{login}");
    let told = told.expect_err("silent");
    assert_eq!((told.class, told.not_sent), (FaultClass::Timeout, false), "{told}");
    assert!(told.reason.contains("fell silent"), "{told}");
    let cut = cut.expect_err("silent");
    assert_eq!((cut.class, cut.not_sent), (FaultClass::Timeout, false), "{cut}");
}

/// IPMI messages in a session, as [`payload`] tells them.
const IPMI: u8 = 0;
const RAKP_1: u8 = 0x12;
/// The command's place among the IPMI messages of a session: after the privilege level and four probes.
const COMMAND: usize = 6;

#[tokio::test]
async fn a_command_after_a_login_that_was_started_over_may_have_been_carried_out() {
    let lab = lab(0, 1);
    let node = lab.node("p1n01");
    node.set_power("on");
    let (mut first, mut answers) = (true, 0);
    // One RAKP 1 gets lost; the BMC falls silent once it has the command.
    let relay = Relay::with(&node, move |way, datagram| match (way, payload(datagram)) {
        (Way::There, Some(RAKP_1)) => !std::mem::take(&mut first),
        (Way::Back, Some(IPMI)) => {
            answers += 1;
            answers < COMMAND
        }
        _ => true,
    });
    let mut settings = settings(&node);
    settings.address = Some("127.0.0.1".into());
    settings.port = relay.port();
    settings.cipher_suites = vec![3];
    let error = opened(&settings).driver.exchange(&Exchange::Off).await.expect_err("silent");
    assert_eq!(node.power(), "off", "it was carried out");
    assert_eq!((error.class, error.not_sent), (FaultClass::Timeout, false), "{error}");
}

#[tokio::test]
async fn what_must_not_be_done_twice_is_sent_once_although_its_answer_is_lost() {
    let lab = lab(0, 1);
    let node = lab.node("p1n01");
    node.set_power("on");
    let rows = [
        (Exchange::Soft, "0x00 0x02 05"),
        (Exchange::Cycle, "0x00 0x02 02"),
        (Exchange::Reset, "0x00 0x02 03"),
        (Exchange::Nmi, "0x00 0x02 04"),
        (Exchange::Raw(vec![6, 8]), "0x06 0x08"),
    ];
    let mut running = tokio::task::JoinSet::new();
    for (exchange, _) in rows.clone() {
        let mut answers = 0;
        let relay = Relay::with(&node, move |way, datagram| {
            answers += usize::from((way, payload(datagram)) == (Way::Back, Some(IPMI)));
            answers != COMMAND || way == Way::There
        });
        let mut settings = settings(&node);
        settings.address = Some("127.0.0.1".into());
        settings.port = relay.port();
        settings.cipher_suites = vec![3];
        running.spawn(async move {
            let error = opened(&settings).driver.exchange(&exchange).await.expect_err("no answer");
            assert_eq!((error.class, error.not_sent), (FaultClass::Timeout, false), "{exchange:?}: {error}");
            drop(relay);
        });
    }
    running.join_all().await;
    let commands = node.commands();
    for (exchange, record) in rows {
        let times = commands.iter().filter(|line| line.ends_with(record)).count();
        assert_eq!(times, 1, "{exchange:?}: {commands:?}");
    }
}

#[tokio::test]
async fn a_frozen_bmc_fails_and_answers_again_once_thawed() {
    let lab = lab(1, 0);
    for driver in BOTH {
        let mut settings = settings_of(driver, &lab.node("r1n01"));
        settings.cipher_suites = vec![3];
        let mut bmc = opened(&settings);
        bmc.driver.exchange(&Exchange::Power).await.expect("alive");
        lab.freeze("r1n01");
        let error = bmc.driver.exchange(&Exchange::Power).await.expect_err("frozen");
        assert_eq!(error.class, FaultClass::Unreachable, "{error}");
        lab.thaw("r1n01");
        bmc.driver.exchange(&Exchange::Power).await.expect("alive again");
    }
}

#[tokio::test]
async fn a_bmc_that_goes_before_the_close_has_answered_all_the_same() {
    let lab = lab(0, 1);
    let node = lab.node("p1n01");
    let relay = Relay::to(&node, 10);
    let mut settings = settings(&node);
    settings.address = Some("127.0.0.1".into());
    settings.port = relay.port();
    assert_eq!(opened(&settings).driver.exchange(&Exchange::On).await, Ok(Reply::Done));
    assert_eq!(node.power(), "on");
}

/// An `ipmi_sim` of our own whose `viewer` has an empty password, made from a lab's files.
struct Passwordless(Child);

impl Passwordless {
    fn beside(lab: &Path, port: u16, dir: &Path) -> Self {
        let files = find(lab, "lan.conf");
        let source = files.parent().expect("a directory");
        let config = fs::read_to_string(&files).expect("readable");
        let address =
            config.lines().find(|line| line.trim_start().starts_with("addr ")).expect("an addr line");
        let config = config.replace("\"viewpw\"", "\"\"").replace(address, &format!("addr 127.0.0.1 {port}"));
        let config: String = config
            .lines()
            .filter(|line| !["sol ", "serial "].iter().any(|word| line.trim_start().starts_with(word)))
            .map(|line| format!("{line}\n"))
            .collect();
        fs::write(dir.join("lan.conf"), config).expect("writable");
        fs::copy(source.join("cmd.emu"), dir.join("cmd.emu")).expect("a lab's file");
        let child = Command::new("ipmi_sim")
            .arg("-c")
            .arg(dir.join("lan.conf"))
            .arg("-f")
            .arg(dir.join("cmd.emu"))
            .arg("-s")
            .arg(dir)
            .arg("-n")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("ipmi_sim starts"))
    }
}

impl Drop for Passwordless {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn find(dir: &Path, name: &str) -> PathBuf {
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).expect("readable").flatten() {
            let path = entry.path();
            if path.file_name().is_some_and(|file| file == name) {
                return path;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push(path);
            }
        }
    }
    unreachable!("no {name} in the lab");
}

#[tokio::test]
async fn an_empty_password_logs_in_and_leaves_no_file() {
    let lab = lab(1, 0);
    let node = lab.node("r1n01");
    let dir = tempfile::tempdir().expect("a directory");
    let port = {
        let free = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        free.local_addr().expect("bound").port()
    };
    let _sim = Passwordless::beside(lab.dir(), port, dir.path());
    let mut settings = settings(&node);
    settings.address = Some("127.0.0.1".into());
    settings.port = port;
    settings.cipher_suites = vec![3];
    settings.privilege = Privilege::User;
    settings.credentials = credentials("viewer", "");
    let mut bmc = opened(&settings);
    let mut reply = bmc.driver.exchange(&Exchange::Power).await;
    if reply.is_err() {
        // It may still have been starting.
        reply = bmc.driver.exchange(&Exchange::Power).await;
    }
    assert!(matches!(reply, Ok(Reply::Power(..))), "{reply:?}");
    let left: Vec<_> = fs::read_dir(bmc.private.path()).expect("readable").flatten().collect();
    assert!(left.iter().all(|entry| entry.file_name() == "home"), "{left:?}");
    // The same without the password is refused, so it was the empty one that was taken.
    settings.credentials = credentials("viewer", "viewpw");
    let error = opened(&settings).driver.exchange(&Exchange::Power).await.expect_err("wrong");
    assert_eq!(error.class, FaultClass::Auth);
}

#[tokio::test]
async fn a_bmc_without_free_sessions_is_busy() {
    let lab = lab(1, 0);
    let dir = tempfile::tempdir().expect("a directory");
    let tool = stand_in(
        dir.path(),
        "echo 'Error in open session response message : insufficient resources for session' >&2\n\
         echo 'Error: Unable to establish IPMI v2 / RMCP+ session' >&2\nexit 1",
    );
    let mut bmc =
        try_open(&settings(&lab.node("r1n01")), &Change { tool, ..Change::default() }).expect("opens");
    let error = bmc.driver.exchange(&Exchange::Power).await.expect_err("full");
    assert_eq!((error.class, error.not_sent), (FaultClass::Busy, true), "{error}");
    assert!(error.hint.is_some());
}
