//! The lab's BMCs: power, boot device, reset, SOL, users, records and faults.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::support::{
    lab::{Lab, LabOptions, ipmitool},
    sol::Sol,
    wait_for,
};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn an_up_bmc_shows_what_ipmitool_did_and_when_it_logged_in() {
    let lab = Lab::up(&LabOptions::default());
    let node = lab.node("r1n01");
    assert_eq!(lab.ipmitool("r1n01", &["power", "status"]).stdout, "Chassis Power is off");
    assert!(lab.ipmitool("r1n01", &["power", "on"]).ok);
    assert_eq!(node.power(), "on");
    assert!(lab.ipmitool("r1n01", &["chassis", "bootdev", "pxe"]).ok);
    assert_eq!(node.boot(), "pxe");
    assert!(node.commands().iter().any(|line| line.ends_with("set boot pxe")));
    node.set_power("off");
    assert_eq!(lab.ipmitool("r1n01", &["power", "status"]).stdout, "Chassis Power is off");

    let refused = lab.ipmitool_with("r1n01", 3, ("admin", "wrong"), &["power", "status"]);
    assert!(!refused.ok && refused.stderr.contains("RAKP 2 HMAC is invalid"), "{}", refused.stderr);
    let logins = node.logins();
    assert_eq!(logins.len(), 4, "the refused login must not count: {logins:?}");
    assert!(logins.iter().all(|login| login.user == "admin" && !login.sol));
    assert!(node.smallest_login_gap() > 0.0 && node.smallest_login_gap() < 10.0);
}

#[test]
fn a_bmc_can_refuse_and_ignore() {
    let lab = Lab::up(&LabOptions { pyghmi: 1, ..LabOptions::default() });
    for name in ["r1n01", "p1n01"] {
        let node = lab.node(name);
        let before = node.boot();
        node.refuse("boot");
        let said = lab.ipmitool(name, &["chassis", "bootdev", "disk"]);
        assert!(said.stderr.contains("Set Chassis Boot Parameter"), "{}", said.stderr);
        assert_eq!(node.boot(), before);
        node.ignore("power");
        assert!(lab.ipmitool(name, &["power", "on"]).ok);
        assert_eq!(node.power(), "off");
    }
}

#[test]
fn the_power_state_can_lag_behind_a_verb() {
    let lab = Lab::up(&LabOptions { pyghmi: 1, ..LabOptions::default() });
    for name in ["r1n01", "p1n01"] {
        let node = lab.node(name);
        node.lag(1.0);
        assert!(lab.ipmitool(name, &["power", "on"]).ok);
        assert_eq!(lab.ipmitool(name, &["power", "status"]).stdout, "Chassis Power is off");
        wait_for("the node is on", SOON, || (node.power() == "on").then_some(()));
        assert_eq!(lab.ipmitool(name, &["power", "status"]).stdout, "Chassis Power is on");
    }
}

#[test]
fn passwords_may_be_empty_or_of_full_length() {
    let lab = Lab::up(&LabOptions { pyghmi: 1, ..LabOptions::default() });
    let empty = lab.dir().join("empty.pw");
    fs::write(&empty, [0]).expect("the lab's directory");
    for name in ["r1n01", "p1n01"] {
        let file = empty.to_str().expect("a plain path");
        let blank = lab.ipmitool_with(name, 3, ("blank", "?"), &["-f", file, "power", "status"]);
        assert_eq!(blank.stdout, "Chassis Power is off", "{name}: {}", blank.stderr);
    }
    let long = ("long", "12345678901234567890");
    let said = lab.ipmitool_with("p1n01", 3, long, &["power", "status"]);
    assert_eq!(said.stdout, "Chassis Power is off", "{}", said.stderr);
}

#[test]
fn a_pyghmi_bmc_may_want_a_bmc_key() {
    let more = &["--kg", "bmckey"];
    let lab = Lab::up(&LabOptions { sims: 0, pyghmi: 1, more, ..LabOptions::default() });
    for suite in ["3", "17"] {
        let status = |key: &str| {
            let mut command = ipmitool(&lab.node("p1n01"), 3, "admin");
            command.args(["-C", suite, "-K", "power", "status"]);
            command.env("IPMITOOL_PASSWORD", "secret").env("IPMI_KGKEY", key);
            command.output().expect("ipmitool starts").status.success()
        };
        assert!(status("bmckey"));
        assert!(!status("other"));
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
    let lab = Lab::up(&LabOptions { sims: 0, pyghmi: 2, ..LabOptions::default() });
    let node = lab.node("p1n01");
    for suite in [17, 3] {
        let said = lab.ipmitool_with("p1n01", suite, ("admin", "secret"), &["power", "status"]);
        assert_eq!(said.stdout, "Chassis Power is off", "suite {suite}: {}", said.stderr);
    }
    assert!(lab.ipmitool("p1n01", &["raw", "0", "8", "5", "0xe0", "0x04", "0", "0", "0"]).ok);
    assert_eq!(node.boot(), "e004000000");
    assert!(node.commands().iter().any(|line| line.ends_with("admin 0x00 0x08 05e004000000")));

    let viewer = lab.ipmitool_with("p1n01", 17, ("viewer", "viewpw"), &["-L", "USER", "power", "on"]);
    assert!(viewer.stderr.contains("Insufficient privilege level"), "{}", viewer.stderr);
    let nobody = lab.ipmitool_with("p1n01", 17, ("nobody", "secret"), &["power", "status"]);
    assert!(nobody.stderr.contains("unauthorized name"), "{}", nobody.stderr);
    assert_eq!(node.power(), "off");
}

#[test]
fn pyghmi_bmc_without_suite_17_refuses_it() {
    let lab = Lab::up(&LabOptions { sims: 0, pyghmi: 1, more: &["--suites", "3"], ..LabOptions::default() });
    let said = lab.ipmitool_with("p1n01", 17, ("admin", "secret"), &["power", "status"]);
    assert!(said.stderr.contains("no matching cipher suite"), "{}", said.stderr);
    assert!(lab.ipmitool("p1n01", &["power", "status"]).ok);
}

#[test]
fn cold_reset_silences_a_pyghmi_bmc_for_its_outage() {
    let lab = Lab::up(&LabOptions { sims: 0, pyghmi: 1, more: &["--outage", "4"], ..LabOptions::default() });
    assert!(lab.ipmitool("p1n01", &["mc", "reset", "cold"]).ok);
    let since = Instant::now();
    assert!(!lab.ipmitool("p1n01", &["-N", "1", "power", "status"]).ok);
    wait_for("it answers again", SOON, || {
        lab.ipmitool("p1n01", &["-N", "1", "power", "status"]).ok.then_some(())
    });
    assert!(since.elapsed() > Duration::from_secs(3));
    assert!(lab.node("p1n01").commands().iter().any(|line| line.ends_with("cold reset")));
}

#[test]
fn what_is_typed_into_sol_reaches_the_serial_log_and_nothing_else_does() {
    let lab = Lab::up(&LabOptions { pyghmi: 1, ..LabOptions::default() });
    for name in ["r1n01", "p1n01"] {
        let node = lab.node(name);
        let mut sol = Sol::activate(&node);
        sol.shows("SOL Session operational");
        // ipmi_sim may lose the first byte after a start, so it is one that does not matter.
        sol.types("\r");
        sol.types("hello\r");
        sol.shows("you said [hello]");
        sol.types("flood 30\r");
        sol.shows("FLOOD-DONE");
        assert!(sol.seen().contains("line 000029"));
        sol.interrupt();
        let typed = node.typed();
        assert_eq!(String::from_utf8_lossy(&typed).trim_start_matches('\r'), "hello\rflood 30\r", "{name}");
        assert!(node.logins().iter().any(|login| login.sol));
    }
}
