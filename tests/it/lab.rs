//! The lab itself: what the other tests trust it for. Here how it comes and goes.

mod bmcs;
mod machines;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::support::{
    lab::{Lab, LabOptions, lab_command},
    wait_for,
};

const SOON: Duration = Duration::from_secs(10);

/// The pids in a lab's `processes.json`, and that of its resident process.
fn processes(dir: &Path) -> Vec<i32> {
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(dir.join(name)).expect("the lab writes it")).expect("JSON")
    };
    let children = read("processes.json");
    let mut all: Vec<Value> = children.as_object().expect("an object").values().cloned().collect();
    all.push(read("daemon.json"));
    all.iter().map(|who| i32::try_from(who[0].as_i64().expect("a pid")).expect("a pid")).collect()
}

fn alive(pid: i32) -> bool {
    // A zombie waits for whoever adopted it and is as good as gone.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
}

#[test]
fn down_leaves_no_process_and_no_directory_and_may_be_called_twice() {
    let lab = Lab::up(&LabOptions { sims: 2, pyghmi: 1, ..LabOptions::default() });
    let dir = lab.dir().to_owned();
    let pids = processes(&dir);
    assert_eq!(pids.len(), 4);
    assert!(pids.iter().all(|pid| alive(*pid)));

    let down = lab_command("down", &dir).output().expect("tests/lab starts");
    assert!(down.status.success());
    assert!(!dir.exists());
    assert!(!pids.iter().any(|pid| alive(*pid)));

    let again = lab_command("down", &dir).output().expect("tests/lab starts");
    assert!(again.status.success());
}

#[test]
fn a_lab_ends_with_the_process_it_was_started_for() {
    let dir = std::env::temp_dir().join(format!("lightsout-it-until-{}", std::process::id()));
    let mut owner =
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat starts");
    let up = lab_command("up", &dir)
        .args(["1", "--pyghmi", "0", "--no-guest", "--no-vms", "--until-pid", &owner.id().to_string()])
        .output()
        .expect("tests/lab starts");
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let pids = processes(&dir);

    owner.kill().expect("cat runs");
    owner.wait().expect("cat ends");
    wait_for("the lab is gone", SOON, || {
        (!dir.exists() && !pids.iter().any(|pid| alive(*pid))).then_some(())
    });
}

#[test]
fn bmcs_end_even_when_the_labs_resident_process_is_killed() {
    let lab = Lab::up(&LabOptions::default());
    let pids = processes(lab.dir());
    let resident = *pids.last().expect("a resident process");
    kill(Pid::from_raw(resident), Signal::SIGKILL).expect("it runs");
    wait_for("every process is gone", SOON, || (!pids.iter().any(|pid| alive(*pid))).then_some(()));
}

#[test]
fn two_labs_side_by_side_do_not_meet() {
    let first = Lab::up(&LabOptions::default());
    let second = Lab::up(&LabOptions::default());
    assert_ne!(first.node("r1n01").address(), second.node("r1n01").address());
    assert!(first.ipmitool("r1n01", &["power", "on"]).ok);
    assert_eq!(first.node("r1n01").power(), "on");
    assert_eq!(second.node("r1n01").power(), "off");
    assert_eq!(second.node("r1n01").logins().len(), 0);
}

#[test]
fn the_configuration_and_its_password_are_written() {
    let lab = Lab::up(&LabOptions { sims: 6, vms: true, ..LabOptions::default() });
    let text = fs::read_to_string(lab.config()).expect("a configuration");
    let config: toml::Table = text.parse().expect("TOML");
    let nodes = config["node"].as_array().expect("nodes");
    let names: Vec<&str> = nodes.iter().filter_map(|node| node["name"].as_str()).collect();
    assert_eq!(names, ["r1n[01-04]", "r1n05", "r1n06", "vm1", "vm2"]);
    let mode = fs::metadata(lab.password_file()).expect("a password file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
