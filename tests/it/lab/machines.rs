//! The lab's QEMU machines: the guest behind a BMC and the VMs with sockets.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use serde_json::Value;

use crate::support::{
    lab::{Lab, LabOptions, Node},
    sol::Sol,
    wait_for,
};

const SOON: Duration = Duration::from_secs(10);
/// A guest boots in 3 s on an idle machine; this one may be busy.
const BOOT: Duration = Duration::from_secs(90);

#[test]
fn the_guest_boots_into_sol_and_obeys_its_power_button() {
    let lab = Lab::up(&LabOptions { sims: 0, guest: true, ..LabOptions::default() });
    let guest = lab.node("g1");
    assert_eq!(lab.ipmitool("g1", &["power", "status"]).stdout, "Chassis Power is off");
    assert!(lab.ipmitool("g1", &["power", "on"]).ok);
    assert_eq!(guest.power(), "on");
    wait_for("the guest's login prompt", BOOT, || guest.printed().contains("g1 login:").then_some(()));

    let mut sol = Sol::activate(&guest);
    sol.shows("SOL Session operational");
    sol.types("\rroot\r");
    sol.types("echo $((6*7))-alive\r");
    sol.shows("42-alive");
    sol.interrupt();

    assert!(lab.ipmitool("g1", &["power", "soft"]).ok);
    wait_for("the guest is off", BOOT, || (guest.power() == "off").then_some(()));
    assert_eq!(lab.ipmitool("g1", &["power", "status"]).stdout, "Chassis Power is off");
    assert!(guest.printed().contains("reboot: Power down"), "it was not the guest that switched itself off");
}

#[test]
fn one_vm_runs_with_a_login_on_its_serial_socket_and_one_is_paused_before_its_start() {
    let lab = Lab::up(&LabOptions { sims: 0, vms: true, ..LabOptions::default() });
    assert_eq!(qmp_status(&lab.node("vm1")), "running");
    assert_eq!(qmp_status(&lab.node("vm2")), "prelaunch");

    // Before there is a client QEMU throws the serial output away: ask until it answers.
    let mut serial = UnixStream::connect(lab.node("vm1").serial()).expect("the socket is free");
    serial.set_read_timeout(Some(Duration::from_millis(500))).expect("a duration");
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

/// The status that QEMU reports over QMP.
fn qmp_status(vm: &Node) -> String {
    let mut stream = UnixStream::connect(vm.qmp()).expect("the QMP socket is free");
    stream.write_all(br#"{"execute":"qmp_capabilities"}{"execute":"query-status"}"#).expect("QEMU reads");
    let mut lines = BufReader::new(stream).lines();
    wait_for("QEMU's status", SOON, || {
        let answer: Value = serde_json::from_str(&lines.next()?.ok()?).ok()?;
        answer["return"]["status"].as_str().map(str::to_owned)
    })
}
