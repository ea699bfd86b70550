//! The program as a whole for a while: its pace as the BMCs saw it, and where its secrets went.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::{Home, run};
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;

/// Shortest time between two logins that a BMC may see, in seconds; what is configured below.
const INTERVAL: f64 = 2.0;

/// Every use of ipmitool is written down, arguments and environment, before it really runs.
fn watched_ipmitool(home: &Path) -> String {
    let script = home.join("ipmitool");
    let text = format!(
        "#!/bin/sh\n{{ printf '%s\\n' \"$@\"; }} >> {0}/argv.log\nenv >> {0}/env.log\nexec /usr/bin/ipmitool \"$@\"\n",
        home.display()
    );
    std::fs::write(&script, text).expect("the directory can be written");
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("it is ours");
    script.display().to_string()
}

#[test]
fn no_two_logins_are_too_close_and_no_secret_leaks() {
    let lab = Lab::up(&LabOptions { sims: 2, pyghmi: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_with(
        &lab,
        "ipmitool",
        &format!(
            "[poll]\ninterval = \"3s\"\nmin_command_interval = \"2s\"\n[power]\ntimeout = \"40s\"\n\
             [paths]\nipmitool = \"{}\"\n",
            watched_ipmitool(home.path())
        ),
    );
    let nodes = ["r1n01", "r1n02", "p1n01"];
    let before: Vec<f64> =
        nodes.iter().map(|node| lab.node(node).logins().last().map_or(0.0, |last| last.time)).collect();
    let mut first = Tui::start(home.path(), &["-c", &config], (120, 40));
    let second = Tui::start(home.path(), &["-c", &config], (80, 24));
    first.wait("3 on");
    second.wait("3 on");
    first.keys("/r1n01\r");
    first.wait_until("only r1n01", SOON, |screen| screen.contains("1/3"));
    first.keys("c");
    first.wait("press enter");
    for _ in 0..10 {
        first.keys("\x1d\x1brrr");
        first.keys("c\r");
    }
    let off = run(home.path(), &["-c", &config, "power", "off", "all", "--yes"]);
    assert_eq!(off.code, 0, "{off:?}");
    let boot = run(home.path(), &["-c", &config, "boot", "pxe", "p1n01", "--uefi", "--yes"]);
    assert_eq!(boot.code, 0, "{boot:?}");
    second.wait("3 off");
    first.wait("● 0 on");
    let logins = || lab.node("r1n02").logins().len();
    let enough = logins() + 3;
    wait_for("three more polls", Duration::from_secs(60), || (logins() >= enough).then_some(()));
    for (node, before) in nodes.iter().zip(before) {
        let times: Vec<f64> =
            lab.node(node).logins().iter().map(|login| login.time).filter(|time| *time > before).collect();
        let gap = times.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        assert!(times.len() > 5, "{node} was talked to: {times:?}");
        assert!(gap >= INTERVAL, "{node}: two accepted logins {gap} s apart: {times:?}");
    }
    let environment = std::fs::read(format!("/proc/{}/environ", first.pid())).expect("it runs");
    assert!(!holds_secret(&environment), "our own environment holds the password");
    drop((first, second));
    let argv = std::fs::read(home.path().join("argv.log")).expect("ipmitool was used");
    let env = std::fs::read(home.path().join("env.log")).expect("ipmitool was used");
    assert!(argv.windows(7).any(|window| window == b"lanplus"), "the arguments were seen");
    assert!(holds_secret(&env), "the password went by the environment of ipmitool");
    assert!(!holds_secret(&argv), "the password was on a command line");
    let mut files = Vec::new();
    below(&home.path().join("state"), &mut files);
    below(&home.path().join("run"), &mut files);
    assert!(files.iter().any(|file| file.ends_with("audit.jsonl")), "{files:?}");
    assert!(files.iter().any(|file| file.ends_with("r1n01.log")), "the console was logged: {files:?}");
    for file in files {
        let text = std::fs::read(&file).unwrap_or_default();
        assert!(!holds_secret(&text), "{} holds the password", file.display());
        let mode = std::fs::metadata(&file).map_or(0, |meta| meta.permissions().mode());
        assert_eq!(mode & 0o077, 0, "{} is readable by others", file.display());
    }
}

fn holds_secret(text: &[u8]) -> bool {
    text.windows(6).any(|window| window == b"secret")
}

fn below(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { below(&path, files) } else { files.push(path) }
    }
}
