//! `lightsout doctor`: what it finds, its remedies and exit codes, and how little it asks of a BMC.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::{Ended, Home, command, run};
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;
use lightsout::sim::{Fleet, FleetSpec, SimBmc, configuration};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

mod local;

const QUICK: &str = "[poll]\ninterval = \"5s\"\nmin_command_interval = \"200ms\"\n";

/// Simulated BMCs and a configuration for them.
struct Sims {
    home: Home,
    config: String,
    fleet: Fleet,
    _runtime: Runtime,
}

impl Sims {
    /// BMCs `s1` and on; `change` edits the configuration's text.
    fn start(nodes: usize, change: impl FnOnce(String) -> String) -> Sims {
        let runtime = Runtime::new().expect("a runtime");
        let names = (1..=nodes).map(|number| format!("s{number}")).collect();
        let spec = FleetSpec { names, on: 100, record: true, ..FleetSpec::default() };
        let fleet = {
            let _inside = runtime.enter();
            Fleet::start(&spec).expect("ports are free")
        };
        let home = Home::new();
        let config = home.config(&change(format!("{QUICK}{}", configuration(&fleet, &spec))));
        mode(&config, 0o600);
        Sims { home, config, fleet, _runtime: runtime }
    }

    fn bmc(&self, name: &str) -> &SimBmc {
        self.fleet.bmc(name).expect("it is there")
    }

    fn doctor(&self, more: &[&str]) -> Ended {
        let mut args = vec!["-c", &self.config, "doctor"];
        args.extend(more);
        run(self.home.path(), &args)
    }
}

fn mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("it is ours");
}

/// The check of that name and subject.
fn find<'v>(checks: &'v [Value], check: &str, subject: &str) -> &'v Value {
    let found = checks.iter().find(|line| line["check"] == check && line["subject"] == subject);
    assert!(found.is_some(), "no {check} of \"{subject}\" in\n{}", Value::Array(checks.to_vec()));
    found.expect("it was looked at above")
}

fn text<'v>(check: &'v Value, key: &str) -> &'v str {
    check[key].as_str().ok_or((key, check)).expect("a key with text")
}

/// The node's part of the configuration, with another value for a key.
fn with(config: String, node: &str, old: &str, new: &str) -> String {
    let at = config.find(&format!("name = \"{node}\"")).expect("the node");
    let (before, after) = config.split_at(at);
    format!("{before}{}", after.replacen(old, new, 1))
}

#[test]
fn a_healthy_fleet_is_ok_with_one_login_each_that_is_closed() {
    let sims = Sims::start(3, |config| config);
    let ended = sims.doctor(&["--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let checks = ended.json();
    assert!(checks.iter().all(|line| line["v"] == 1 && line["level"] == "ok"), "{checks:#?}");
    for name in ["s1", "s2", "s3"] {
        let told = text(find(&checks, "login", name), "text");
        for part in ["on, ", "suite 17", "ADMINISTRATOR", "manufacturer 20974", "product 1", "SOL free", " s"]
        {
            assert!(told.contains(part), "no {part} in {told}");
        }
        let stats = sims.bmc(name).stats();
        assert_eq!((stats.logins, stats.closed, stats.polls), (1, 1, 1), "{stats:?}");
    }
    let plain = sims.doctor(&["s1"]);
    assert_eq!(plain.code, 0, "{plain:?}");
    assert!(!plain.out.contains('\x1b'), "no colours without a terminal");
    assert!(plain.out.contains("\n0 failed, 0 warnings, "), "{}", plain.out);
    assert_eq!(sims.bmc("s2").stats().logins, 1, "only the named node");
    let at = sims.bmc("s1").records();
    let readings: Vec<_> = at.iter().filter(|record| record.command == (0x00, 0x01)).collect();
    let gap = readings[1].at - readings[0].at;
    assert!(gap.as_millis() >= 200, "the pace holds between two processes: {gap:?}");
}

#[test]
fn failures_are_told_apart_and_folded_with_their_remedies() {
    let sims = Sims::start(7, |config| {
        let more = "[credentials.bad]\nusername = \"admin\"\npassword = \"wrong\"\n\
                    [credentials.who]\nusername = \"nobody\"\npassword = \"secret\"\n";
        let config = config.replacen("[[node]]", &format!("{more}[[node]]"), 1);
        let config = with(config, "s2", "\"sim\"", "\"bad\"");
        let config = with(config, "s3", "\"sim\"", "\"bad\"");
        with(config, "s4", "\"sim\"", "\"who\"")
    });
    sims.bmc("s5").faults(|faults| faults.no_sessions = true);
    sims.bmc("s7").faults(|faults| faults.refuse_suites = vec![3, 17]);
    let dead = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = sims.bmc("s6").address().port();
    let changed = fs::read_to_string(&sims.config)
        .unwrap()
        .replace(&format!("port = {port},"), &format!("port = {dead},"));
    fs::write(&sims.config, changed).unwrap();
    let ended = sims.doctor(&["s[1-7]", "--json"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let checks = ended.json();
    for (name, reason, class, remedy) in [
        ("s2", "wrong password", "(auth)", "check the password"),
        ("s4", "does not know this user", "(auth)", "check the user name"),
        ("s5", "no free session", "(busy)", "60 s"),
        ("s6", "nothing listens", "(unreachable)", "IPMI over LAN"),
        ("s7", "refuses the cipher suite", "(unsupported)", "cipher suites that it offers"),
    ] {
        let check = find(&checks, "login", name);
        assert_eq!(check["level"], "fail");
        let told = text(check, "text");
        assert!(told.contains(reason) && told.ends_with(class), "{told}");
        assert!(text(check, "remedy").contains(remedy), "{check}");
    }
    assert_eq!(find(&checks, "login", "s1")["level"], "ok", "the others are looked at all the same");
    let plain = sims.doctor(&["s[1-7]"]);
    assert_eq!(plain.code, 2, "{plain:?}");
    let (_, folded) = plain.out.split_once("\nwhat to do\n").expect("remedies at the end");
    assert!(
        folded.contains("authentication failed: s[2-3]\n          remedy: check the password"),
        "{folded}"
    );
    assert_eq!(folded.matches("check the password").count(), 1, "{folded}");
    assert!(folded.contains("6 failed, 0 warnings"), "{folded}");
}

#[test]
fn a_login_that_failed_for_good_is_left_alone_until_its_node_is_named() {
    let sims = Sims::start(1, |config| config.replace("password = \"secret\"", "password = \"wrong\""));
    let refused = || sims.bmc("s1").stats().refused;
    assert_eq!(sims.doctor(&[]).code, 2);
    let datagrams = sims.bmc("s1").stats().received;
    assert_eq!(refused(), 1, "one try, although two suites may be tried");
    for all in [&["all"][..], &[], &["@rack1"]] {
        let ended = sims.doctor(&[all, &["--json"]].concat());
        assert_eq!(ended.code, 2, "{ended:?}");
        let checks = ended.json();
        let check = find(&checks, "login", "s1");
        assert!(text(check, "text").contains("not tried again"), "{check}");
        assert!(text(check, "remedy").contains("lightsout doctor"), "{check}");
    }
    assert_eq!(sims.bmc("s1").stats().received, datagrams, "not a datagram was sent to it");
    let ended = sims.doctor(&["s1", "--json"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(!text(find(&ended.json(), "login", "s1"), "text").contains("not tried"), "{ended:?}");
    assert!(sims.bmc("s1").stats().received > datagrams, "an operator's act tries once more");
    assert_eq!(refused(), 2, "once more");
}

#[test]
fn what_is_odd_about_a_bmc_is_a_warning_and_exits_0() {
    let sims = Sims::start(2, |config| config);
    sims.bmc("s1").faults(|faults| faults.codes = vec![(0x06, 0x3b, 0x81)]);
    sims.bmc("s2").with(|bmc, _| bmc.steal_sol());
    let ended = sims.doctor(&["--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let checks = ended.json();
    let privilege = find(&checks, "privilege", "s1");
    assert_eq!(privilege["level"], "warn");
    assert!(text(privilege, "text").contains("refuses ADMINISTRATOR"), "{privilege}");
    assert!(text(privilege, "remedy").contains("lower privilege"), "{privilege}");
    assert!(text(find(&checks, "login", "s2"), "text").contains("SOL held by"), "{checks:#?}");
}

#[test]
fn no_login_and_dry_run_leave_the_bmcs_alone() {
    let sims = Sims::start(1, |config| config);
    for args in [&["--no-login", "--json"][..], &["--dry-run", "--json"]] {
        let ended = sims.doctor(args);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.json().iter().all(|line| line["check"] != "login"), "{ended:?}");
    }
    assert_eq!(sims.bmc("s1").stats().received, 0);
}

#[test]
fn the_tool_s_driver_logs_in_once_too() {
    let lab = Lab::up(&LabOptions { sims: 1, pyghmi: 1, ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_with(&lab, "ipmitool", QUICK);
    let before = ["r1n01", "p1n01"].map(|name| lab.node(name).logins().len());
    let ended = run(home.path(), &["-c", &config, "doctor", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let checks = ended.json();
    for name in ["r1n01", "p1n01"] {
        let told = text(find(&checks, "login", name), "text");
        assert!(told.contains("suite ") && told.contains("ADMINISTRATOR"), "{told}");
    }
    let tool = checks.iter().find(|line| line["check"] == "ipmitool").expect("it is needed");
    assert!(text(tool, "text").contains("ipmitool version 1."), "{tool}");
    let after = ["r1n01", "p1n01"].map(|name| lab.node(name).logins().len());
    assert_eq!(after, before.map(|count| count + 1), "one login each");
    let config = home.config_with(&lab, "ipmi", QUICK);
    let told = run(home.path(), &["-c", &config, "doctor", "--json"]).json();
    for name in ["r1n01", "p1n01"] {
        assert_eq!(find(&told, "login", name)["level"], "ok", "{told:#?}");
    }
    assert_eq!(["r1n01", "p1n01"].map(|name| lab.node(name).logins().len()), after.map(|count| count + 1));
}

#[test]
fn machines_and_their_sockets_are_looked_at_without_taking_them() {
    let lab = Lab::up(&LabOptions { sims: 0, vms: true, ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let ended = run(home.path(), &["-c", &config, "doctor", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let checks = ended.json();
    assert!(text(find(&checks, "login", "vm1"), "text").contains("QEMU "), "{checks:#?}");
    assert!(
        text(find(&checks, "login", "vm2"), "text").starts_with("on (prelaunch)"),
        "not resumed: {checks:#?}"
    );
    assert!(text(find(&checks, "console", "vm1"), "text").ends_with("is there"), "{checks:#?}");
    let other = home.config(&format!(
        "[[node]]\nname = \"gone\"\nbmc = {{ driver = \"qemu\", qmp = \"/nonexistent/q\" }}\n\
         console = {{ transport = \"unix\", path = \"/nonexistent/s\" }}\n\
         [[node]]\nname = \"file\"\nconsole = {{ transport = \"unix\", path = \"{0}\" }}\n\
         [[node]]\nname = \"line\"\nconsole = {{ transport = \"serial\", device = \"/dev/null\" }}\n\
         [[node]]\nname = \"nobody\"\nconsole = {{ transport = \"serial\", device = \"/nonexistent/tty\" }}\n\
         [[node]]\nname = \"odd\"\nbmc = {{ driver = \"qemu\", qmp = \"{1}\" }}\n",
        config,
        lab.config().display()
    ));
    let ended = run(home.path(), &["-c", &other, "doctor", "--json"]);
    assert_eq!(ended.code, 1, "a path that is wrong is trouble of this machine: {ended:?}");
    let checks = ended.json();
    for (check, name, level) in [
        ("QMP", "gone", "warn"),
        ("console", "gone", "warn"),
        ("console", "file", "fail"),
        ("console", "line", "ok"),
        ("console", "nobody", "fail"),
        ("login", "odd", "fail"),
    ] {
        assert_eq!(find(&checks, check, name)["level"], level, "{checks:#?}");
    }
}

#[test]
fn an_interrupt_ends_it_with_what_is_known() {
    let sims = Sims::start(2, |config| config);
    sims.bmc("s2").faults(|faults| faults.silent = true);
    let mut child = command(sims.home.path(), &["-c", &sims.config, "doctor", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("lightsout starts");
    wait_for("s1 to be done and s2 to be asked", SOON, || {
        (sims.bmc("s1").stats().closed == 1 && sims.bmc("s2").stats().received > 0).then_some(())
    });
    let mut out = child.stdout.take().expect("piped");
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGINT).expect("it runs");
    let mut text_of = String::new();
    out.read_to_string(&mut text_of).expect("text");
    assert_eq!(child.wait().expect("a child").code(), Some(1), "{text_of}");
    let checks: Vec<Value> = text_of.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(find(&checks, "login", "s1")["level"], "ok");
    assert!(text(find(&checks, "login", "s2"), "text").contains("interrupted"), "{text_of}");
}
