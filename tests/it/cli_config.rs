//! `lightsout config` and the rest of the command line that needs no terminal.

use std::os::unix::fs::PermissionsExt;

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::{Home, run};
use serde_json::json;

const QUICK: &str = "[poll]\ninterval = \"5s\"\nmin_command_interval = \"200ms\"\n[power]\ntimeout = \"20s\"";
const FLEET: &str = "[credentials.lab]\nusername = \"admin\"\npassword = \"hunter2\"\n\
    [[node]]\nname = \"r1n[01-03]\"\n\
    bmc = { address = \"10.1.1.[1-3]\", credentials = \"lab\" }\nconsole = { transport = \"sol\" }\n\
    [[node]]\nname = \"vm1\"\nbmc = { driver = \"qemu\", qmp = \"/run/vm1.qmp\" }\n";

#[test]
fn config_show_and_path_tell_what_holds_and_no_secret() {
    let home = Home::new();
    let config = home.config(FLEET);
    std::fs::set_permissions(&config, PermissionsExt::from_mode(0o600)).unwrap();
    let check = run(home.path(), &["-c", &config, "config", "check"]);
    assert_eq!((check.code, check.out.trim()), (0, "ok: 4 nodes, 3 with a console"), "{check:?}");
    let show = run(home.path(), &["-c", &config, "config", "show"]);
    assert_eq!(show.code, 0, "{show:?}");
    for known in ["r1n01", "r1n02", "10.1.1.3", "/run/vm1.qmp", "min_command_interval", "admin"] {
        assert!(show.out.contains(known), "no {known} in {}", show.out);
    }
    assert!(!show.out.contains("hunter2") && !show.err.contains("hunter2"), "{show:?}");
    let path = run(home.path(), &["-c", &config, "config", "path"]);
    assert_eq!((path.code, path.out.trim()), (0, config.as_str()));
    assert_eq!(run(home.path(), &["-c", "/nonexistent.toml", "config", "path"]).code, 1);
}

#[test]
fn config_check_names_every_mistake_and_exits_1() {
    let home = Home::new();
    let config =
        home.config("[poll]\nintervall = \"5s\"\n[[node]]\nname = \"vm1\"\nbmc = { driver = \"qemu\" }\n");
    for what in ["check", "show", "path"] {
        let ended = run(home.path(), &["-c", &config, "config", what]);
        assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{what}: {ended:?}");
        for said in ["config.toml:2", "poll.intervall", "interval", "config.toml:5", "qmp"] {
            assert!(ended.err.contains(said), "{what}: no {said} in {}", ended.err);
        }
    }
}

#[test]
fn config_default_is_a_configuration() {
    let home = Home::new();
    let default = run(home.path(), &["config", "default"]);
    assert_eq!((default.code, default.err.as_str()), (0, ""), "it needs no configuration");
    assert!(default.out.contains("#min_command_interval = \"5s\""), "{}", default.out);
    let config = home.config(&format!("{}\n[[node]]\nname = \"a\"\n", default.out));
    let check = run(home.path(), &["-c", &config, "config", "check"]);
    assert_eq!((check.code, check.out.trim()), (0, "ok: 1 nodes, 0 with a console"), "{check:?}");
}

#[test]
fn no_wait_returns_when_the_bmc_accepted() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    lab.node("r1n01").ignore("power");
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let ended = run(home.path(), &["-c", &config, "power", "off", "r1n01", "--yes", "--no-wait"]);
    assert_eq!((ended.code, ended.out.trim()), (0, "power off accepted: r1n01"), "{ended:?}");
    let json = run(home.path(), &["-c", &config, "power", "off", "r1n01", "--yes", "--no-wait", "--json"]);
    assert_eq!((json.code, &json.json()[0]["confirmed"]), (0, &json!(null)), "it was not looked at");
    let told = lab.node("r1n01").commands().iter().filter(|line| line.contains("set power 0")).count();
    assert_eq!(told, 2);
}

#[test]
fn the_bmc_is_identified_reset_and_given_raw_bytes() {
    let lab = Lab::up(&LabOptions { sims: 0, pyghmi: 1, ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let witness = lab.ipmitool("p1n01", &["raw", "0x06", "0x01"]).stdout;
    let raw = run(home.path(), &["-c", &config, "bmc", "raw", "p1n01", "--yes", "--", "0x06", "01"]);
    assert_eq!((raw.code, raw.out.trim()), (0, format!("raw {}: p1n01", witness.trim()).as_str()), "{raw:?}");
    let firmware = lab.ipmitool("p1n01", &["mc", "info"]).stdout;
    let firmware = firmware.lines().find(|line| line.starts_with("Firmware Revision")).unwrap();
    let firmware = firmware.rsplit(' ').next().unwrap();
    let info = run(home.path(), &["-c", &config, "bmc", "info", "p1n01"]);
    assert_eq!(info.code, 0, "{info:?}");
    assert!(info.out.starts_with("p1n01:\n") && info.out.contains(firmware), "{firmware}: {}", info.out);
    let json = run(home.path(), &["-c", &config, "bmc", "info", "p1n01", "--json"]);
    assert!(json.json()[0]["info"].to_string().contains(firmware), "{}", json.out);
    let refused = run(home.path(), &["-c", &config, "bmc", "reset-warm", "p1n01"]);
    assert_eq!(refused.code, 3, "it asks: {refused:?}");
    let warm = run(home.path(), &["-c", &config, "bmc", "reset-warm", "p1n01", "--yes"]);
    assert_eq!((warm.code, warm.out.trim()), (0, "bmc reset-warm accepted: p1n01"), "{warm:?}");
    let record = lab.node("p1n01").commands().join("\n");
    assert!(record.contains("warm") && !record.contains("cold"), "the BMC's own record: {record}");
}
