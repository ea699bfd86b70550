//! The lab itself: what the other tests trust it for.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::support::{
    lab::{Lab, LabOptions, Node, lab_command},
    sol::Sol,
    wait_for,
};

const SOON: Duration = Duration::from_secs(10);
/// A guest boots in 3 s on an idle machine; this one may be busy.
const BOOT: Duration = Duration::from_secs(90);

/// The pids in a lab's `processes.json`, and that of its resident process.
fn processes(dir: &Path) -> Vec<i32> {
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(dir.join(name)).expect("the lab writes it")).expect("JSON")
    };
    let children = read("processes.json");
    let mut all: Vec<Value> = children
        .as_object()
        .expect("an object")
        .values()
        .cloned()
        .collect();
    all.push(read("daemon.json"));
    all.iter()
        .map(|who| i32::try_from(who[0].as_i64().expect("a pid")).expect("a pid"))
        .collect()
}

fn alive(pid: i32) -> bool {
    // A zombie waits for whoever adopted it and is as good as gone.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
}

#[test]
fn down_leaves_no_process_and_no_directory_and_may_be_called_twice() {
    let lab = Lab::up(&LabOptions {
        sims: 2,
        pyghmi: 1,
        ..LabOptions::default()
    });
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
    let mut owner = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("cat starts");
    let up = lab_command("up", &dir)
        .args([
            "1",
            "--pyghmi",
            "0",
            "--no-guest",
            "--no-vms",
            "--until-pid",
            &owner.id().to_string(),
        ])
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
    wait_for("every process is gone", SOON, || {
        (!pids.iter().any(|pid| alive(*pid))).then_some(())
    });
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
fn an_up_bmc_shows_what_ipmitool_did_and_when_it_logged_in() {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    assert_eq!(
        lab.ipmitool("r1n01", &["power", "status"]).stdout,
        "Chassis Power is off"
    );
    assert!(lab.ipmitool("r1n01", &["power", "on"]).ok);
    assert_eq!(node.power(), "on");
    assert!(lab.ipmitool("r1n01", &["chassis", "bootdev", "pxe"]).ok);
    assert_eq!(node.boot(), "pxe");
    assert!(node.commands().iter().any(|line| line.ends_with("set boot pxe")));
    node.set_power("off");
    assert_eq!(
        lab.ipmitool("r1n01", &["power", "status"]).stdout,
        "Chassis Power is off"
    );

    let refused = lab.ipmitool_with("r1n01", 3, ("admin", "wrong"), &["power", "status"]);
    assert!(
        !refused.ok && refused.stderr.contains("RAKP 2 HMAC is invalid"),
        "{}",
        refused.stderr
    );
    let logins = node.logins();
    assert_eq!(logins.len(), 4, "the refused login must not count: {logins:?}");
    assert!(logins.iter().all(|login| login.user == "admin" && !login.sol));
    assert!(node.smallest_login_gap() > 0.0 && node.smallest_login_gap() < 10.0);
}

#[test]
fn a_bmc_can_refuse_and_ignore() {
    let lab = Lab::up(&LabOptions {
        pyghmi: 1,
        ..LabOptions::default()
    });
    for name in ["r1n01", "p1n01"] {
        let node = lab.node(name);
        let before = node.boot();
        node.refuse("boot");
        let said = lab.ipmitool(name, &["chassis", "bootdev", "disk"]);
        assert!(
            said.stderr.contains("Set Chassis Boot Parameter"),
            "{}",
            said.stderr
        );
        assert_eq!(node.boot(), before);
        node.ignore("power");
        assert!(lab.ipmitool(name, &["power", "on"]).ok);
        assert_eq!(node.power(), "off");
    }
}

#[test]
fn a_bmc_can_fall_silent_hang_and_die() {
    let lab = Lab::up(&LabOptions::default());
    let status = || lab.ipmitool("r1n01", &["-N", "1", "power", "status"]).ok;
    for (fault, remedy) in [
        (Lab::silence as fn(&Lab, &str), Lab::resume as fn(&Lab, &str)),
        (Lab::freeze, Lab::thaw),
        (Lab::kill, Lab::start),
    ] {
        assert!(status());
        fault(&lab, "r1n01");
        assert!(!status());
        remedy(&lab, "r1n01");
    }
    assert!(status());
}

#[test]
fn pyghmi_bmc_takes_both_suites_keeps_exact_boot_flags_and_knows_privileges() {
    let lab = Lab::up(&LabOptions {
        sims: 0,
        pyghmi: 2,
        ..LabOptions::default()
    });
    let node = lab.node("p1n01");
    for suite in [17, 3] {
        let said = lab.ipmitool_with("p1n01", suite, ("admin", "secret"), &["power", "status"]);
        assert_eq!(
            said.stdout, "Chassis Power is off",
            "suite {suite}: {}",
            said.stderr
        );
    }
    assert!(
        lab.ipmitool("p1n01", &["raw", "0", "8", "5", "0xe0", "0x04", "0", "0", "0"])
            .ok
    );
    assert_eq!(node.boot(), "e004000000");
    assert!(
        node.commands()
            .iter()
            .any(|line| line.ends_with("admin 0x00 0x08 05e004000000"))
    );

    let viewer = lab.ipmitool_with("p1n01", 17, ("viewer", "viewpw"), &["-L", "USER", "power", "on"]);
    assert!(
        viewer.stderr.contains("Insufficient privilege level"),
        "{}",
        viewer.stderr
    );
    let nobody = lab.ipmitool_with("p1n01", 17, ("nobody", "secret"), &["power", "status"]);
    assert!(nobody.stderr.contains("unauthorized name"), "{}", nobody.stderr);
    assert_eq!(node.power(), "off");
}

#[test]
fn pyghmi_bmc_without_suite_17_refuses_it() {
    let lab = Lab::up(&LabOptions {
        sims: 0,
        pyghmi: 1,
        more: &["--suites", "3"],
        ..LabOptions::default()
    });
    let said = lab.ipmitool_with("p1n01", 17, ("admin", "secret"), &["power", "status"]);
    assert!(
        said.stderr.contains("no matching cipher suite"),
        "{}",
        said.stderr
    );
    assert!(lab.ipmitool("p1n01", &["power", "status"]).ok);
}

#[test]
fn cold_reset_silences_a_pyghmi_bmc_for_its_outage() {
    let lab = Lab::up(&LabOptions {
        sims: 0,
        pyghmi: 1,
        more: &["--outage", "4"],
        ..LabOptions::default()
    });
    assert!(lab.ipmitool("p1n01", &["mc", "reset", "cold"]).ok);
    let since = Instant::now();
    assert!(!lab.ipmitool("p1n01", &["-N", "1", "power", "status"]).ok);
    wait_for("it answers again", BOOT, || {
        lab.ipmitool("p1n01", &["-N", "1", "power", "status"])
            .ok
            .then_some(())
    });
    assert!(since.elapsed() > Duration::from_secs(3));
    assert!(
        lab.node("p1n01")
            .commands()
            .iter()
            .any(|line| line.ends_with("cold reset"))
    );
}

#[test]
fn what_is_typed_into_sol_reaches_the_serial_log_and_nothing_else_does() {
    let lab = Lab::up(&LabOptions {
        pyghmi: 1,
        ..LabOptions::default()
    });
    for name in ["r1n01", "p1n01"] {
        let node = lab.node(name);
        let mut sol = Sol::activate(&node);
        sol.shows("SOL Session operational");
        // ipmi_sim may lose the first byte after a start (FACTS.md section 6), so it is one that does not matter.
        sol.types("\r");
        sol.types("hello\r");
        sol.shows("you said [hello]");
        sol.types("flood 30\r");
        sol.shows("FLOOD-DONE");
        assert!(sol.seen().contains("line 000029"));
        sol.interrupt();
        let typed = node.typed();
        assert_eq!(
            String::from_utf8_lossy(&typed).trim_start_matches('\r'),
            "hello\rflood 30\r",
            "{name}"
        );
        assert!(node.logins().iter().any(|login| login.sol));
    }
}

#[test]
fn the_guest_boots_into_sol_and_obeys_its_power_button() {
    let lab = Lab::up(&LabOptions {
        sims: 0,
        guest: true,
        ..LabOptions::default()
    });
    let guest = lab.node("g1");
    assert_eq!(
        lab.ipmitool("g1", &["power", "status"]).stdout,
        "Chassis Power is off"
    );
    assert!(lab.ipmitool("g1", &["power", "on"]).ok);
    assert_eq!(guest.power(), "on");
    wait_for("the guest's login prompt", BOOT, || {
        guest.printed().contains("g1 login:").then_some(())
    });

    let mut sol = Sol::activate(&guest);
    sol.shows("SOL Session operational");
    sol.types("\rroot\r");
    sol.types("echo $((6*7))-alive\r");
    sol.shows("42-alive");
    sol.interrupt();

    assert!(lab.ipmitool("g1", &["power", "soft"]).ok);
    wait_for("the guest is off", BOOT, || {
        (guest.power() == "off").then_some(())
    });
    assert_eq!(
        lab.ipmitool("g1", &["power", "status"]).stdout,
        "Chassis Power is off"
    );
    assert!(
        guest.printed().contains("reboot: Power down"),
        "it was not the guest that switched itself off"
    );
}

#[test]
fn one_vm_runs_with_a_login_on_its_serial_socket_and_one_is_paused_before_its_start() {
    let lab = Lab::up(&LabOptions {
        sims: 0,
        vms: true,
        ..LabOptions::default()
    });
    assert_eq!(qmp_status(&lab.node("vm1")), "running");
    assert_eq!(qmp_status(&lab.node("vm2")), "prelaunch");

    // Before there is a client QEMU throws the serial output away: ask until it answers.
    let mut serial = UnixStream::connect(lab.node("vm1").serial()).expect("the socket is free");
    serial
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("a duration");
    let mut seen = Vec::new();
    wait_for("the login of vm1", BOOT, || {
        serial.write_all(b"\r").expect("QEMU reads");
        let mut chunk = [0; 4096];
        let count = serial.read(&mut chunk).unwrap_or(0);
        seen.extend_from_slice(&chunk[..count]);
        String::from_utf8_lossy(&seen).contains("Welcome").then_some(())
    });
    lab.kill("vm1");
    lab.start("vm1");
    assert_eq!(qmp_status(&lab.node("vm1")), "running");
}

#[test]
fn the_configuration_and_its_password_are_written() {
    use std::os::unix::fs::PermissionsExt;

    let lab = Lab::up(&LabOptions {
        sims: 6,
        vms: true,
        ..LabOptions::default()
    });
    let text = fs::read_to_string(lab.config()).expect("a configuration");
    let config: toml::Table = text.parse().expect("TOML");
    let nodes = config["node"].as_array().expect("nodes");
    let names: Vec<&str> = nodes.iter().filter_map(|node| node["name"].as_str()).collect();
    assert_eq!(names, ["r1n[01-04]", "r1n05", "r1n06", "vm1", "vm2"]);
    let mode = fs::metadata(lab.password_file())
        .expect("a password file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// The status that QEMU reports over QMP.
fn qmp_status(vm: &Node) -> String {
    let mut stream = UnixStream::connect(vm.qmp()).expect("the QMP socket is free");
    stream
        .write_all(br#"{"execute":"qmp_capabilities"}{"execute":"query-status"}"#)
        .expect("QEMU reads");
    let mut lines = BufReader::new(stream).lines();
    wait_for("QEMU's status", SOON, || {
        let answer: Value = serde_json::from_str(&lines.next()?.ok()?).ok()?;
        answer["return"]["status"].as_str().map(str::to_owned)
    })
}
