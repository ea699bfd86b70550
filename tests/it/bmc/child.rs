//! Driver `ipmitool`: its processes and what strangers can see of them.

use std::{fs, net::UdpSocket, time::Duration};

use lightsout::{bmc::Exchange, config::Secret, fleet::FaultClass};

use super::{Change, credentials, lab, opened, program, settings, stand_in, try_open};
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(10);

/// The command lines of the processes that talk to this port.
fn talking_to(port: u16) -> Vec<(i32, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains("ipmitool") && line.contains(&format!("-p {port} ")) {
            found.push((pid, line));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_a_command_line_and_a_dropped_exchange_leaves_no_process() {
    let lab = lab(1, 0);
    let hole = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = hole.local_addr().expect("bound").port();
    let mut settings = settings(&lab.node("r1n01"));
    settings.address = Some("127.0.0.1".into());
    settings.port = port;
    settings.credentials = credentials("admin", "hunter2hunter2");
    settings.kg = Some(Secret::new(b"kgkgkgkg".to_vec()));
    let mut bmc = opened(&settings);
    let task = tokio::spawn(async move { bmc.driver.exchange(&Exchange::Power).await });
    let (pid, line) = wait_for("ipmitool to run", SOON, || {
        talking_to(port).into_iter().find(|(_, line)| line.contains("power"))
    });
    for secret in ["hunter2", "kgkg"] {
        assert!(!line.contains(secret), "{line}");
    }
    let environment = fs::read(format!("/proc/{pid}/environ")).expect("ours");
    let names: Vec<String> = environment
        .split(|byte| *byte == 0)
        .filter_map(|pair| String::from_utf8_lossy(pair).split_once('=').map(|(name, _)| name.to_owned()))
        .collect();
    let known = ["LC_ALL", "HOME", "PATH", "IPMITOOL_PASSWORD", "IPMI_KGKEY"];
    assert!(names.iter().all(|name| known.contains(&name.as_str())), "{names:?}");
    task.abort();
    assert!(task.await.is_err(), "it was still running");
    wait_for("ipmitool to be gone", SOON, || talking_to(port).is_empty().then_some(()));
}

#[tokio::test]
async fn children_of_the_tool_end_with_it() {
    let lab = lab(1, 0);
    let dir = tempfile::tempdir().expect("a directory");
    let note = dir.path().join("pid");
    let tool = stand_in(dir.path(), &format!("sleep 1000 & echo $! > {}; wait", note.display()));
    let change = Change { limit: Duration::from_secs(3), tool };
    let mut bmc = try_open(&settings(&lab.node("r1n01")), &change).expect("opens");
    let error = bmc.driver.exchange(&Exchange::Power).await.expect_err("it never ends");
    assert_eq!(error.class, FaultClass::Unreachable, "{error}");
    let pid = fs::read_to_string(&note).expect("it had started");
    wait_for("the grandchild to be gone", SOON, || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.map_or(Some(()), |stat| stat.contains(") Z ").then_some(()))
    });
}

#[tokio::test]
async fn a_missing_ipmitool_is_told_when_the_driver_opens() {
    let lab = lab(1, 0);
    let settings = settings(&lab.node("r1n01"));
    let tool = "ipmitool-of-another-world";
    let error = try_open(&settings, &Change { tool, ..Change::default() }).err().expect("not there");
    assert_eq!((error.class, error.not_sent), (FaultClass::Local, true));
    assert!(error.reason.contains("not found"), "{error}");
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("apt install ipmitool")));
}

#[tokio::test]
async fn an_unusable_ipmitool_is_told_when_the_driver_opens_and_asked_once() {
    let lab = lab(1, 0);
    let settings = settings(&lab.node("r1n01"));
    let usable = tempfile::tempdir().expect("a directory");
    let asked = usable.path().join("asked");
    let help = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ipmitool");
    let tool = program(usable.path(), &format!("echo x >> {}; exec {help} -h", asked.display()));
    for _ in 0..3 {
        assert!(try_open(&settings, &Change { tool, ..Change::default() }).is_ok());
    }
    assert_eq!(fs::read_to_string(&asked).expect("asked"), "x\n");

    let rows = [
        ("echo '  -R retry' >&2; echo '  lanplus  RMCP+'", "it does not know the option -N"),
        ("echo 'cannot load libcrypto' >&2; exit 127", "it said \"cannot load libcrypto\""),
        ("sleep 1000", "did not end within 5 s"),
    ];
    for (script, words) in rows {
        let dir = tempfile::tempdir().expect("a directory");
        let asked = dir.path().join("asked");
        let tool = program(dir.path(), &format!("echo x >> {}; {script}", asked.display()));
        for _ in 0..2 {
            let error = try_open(&settings, &Change { tool, ..Change::default() }).err().expect("unusable");
            assert_eq!((error.class, error.not_sent), (FaultClass::Local, true), "{error}");
            assert!(error.reason.contains(words), "{error}");
            assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("1.8.18")), "{error:?}");
        }
        assert_eq!(fs::read_to_string(&asked).expect("asked"), "x\n", "{script}");
    }
}
