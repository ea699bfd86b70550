//! The command line twins against real BMCs and machines: results, exit codes, JSON, refusals.

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::{Home, command, run};
use serde_json::json;

/// Fast enough for a test, still a pace.
const QUICK: &str = "[poll]\ninterval = \"5s\"\nmin_command_interval = \"200ms\"\n[power]\ntimeout = \"20s\"\nstagger = \"100ms\"";

#[test]
fn power_cycle_on_four_nodes_is_done_and_ipmitool_agrees() {
    let lab = Lab::up(&LabOptions { sims: 4, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let ended = run(home.path(), &["-c", &config, "power", "cycle", "r1n[01-04]", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    // ipmi_sim's off phase is so short that it is seldom seen, and then it is not claimed.
    let mut told = 0;
    for line in ended.out.lines() {
        let (words, nodes) = line.rsplit_once(": ").expect("words and nodes");
        let known = ["on", "power cycle accepted (on, its off phase was not seen)"];
        assert!(known.contains(&words), "{line}");
        told += lightsout::fleet::NodeSet::parse(nodes).expect("a node set").names().len();
    }
    assert_eq!(told, 4, "{ended:?}");
    for node in ["r1n01", "r1n02", "r1n03", "r1n04"] {
        assert_eq!(lab.ipmitool(node, &["power", "status"]).stdout, "Chassis Power is on");
        let commands = lab.node(node).commands().join("\n");
        assert!(
            commands.contains("set power 0") || commands.contains("reset"),
            "{node} saw a cycle: {commands}"
        );
    }
}

#[test]
fn off_and_on_are_seen_by_the_bmc_and_said_as_json() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let ended = run(home.path(), &["-c", &config, "power", "off", "r1n01", "--yes", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let line = &ended.json()[0];
    assert_eq!(
        (&line["v"], &line["node"], &line["ok"], &line["power"], &line["verb"], &line["confirmed"]),
        (&json!(1), &json!("r1n01"), &json!(true), &json!("off"), &json!("power off"), &json!(true))
    );
    assert!(line["elapsed_ms"].is_u64() && line["age_ms"].is_u64(), "{line}");
    assert_eq!(lab.node("r1n01").power(), "off");
    let again = run(home.path(), &["-c", &config, "power", "off", "r1n01", "--yes"]);
    assert_eq!((again.code, again.out.trim()), (0, "already off: r1n01"));
}

#[test]
fn an_accepted_verb_without_effect_is_not_confirmed_and_exits_4() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    lab.node("r1n01").ignore("power");
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let ended = run(home.path(), &["-c", &config, "power", "off", "r1n01", "--yes", "--timeout", "3s"]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(ended.err.contains("not confirmed"), "{}", ended.err);
    let json =
        run(home.path(), &["-c", &config, "power", "off", "r1n01", "--yes", "--timeout", "3s", "--json"]);
    assert_eq!((json.code, &json.json()[0]["confirmed"]), (4, &json!(false)));
}

#[test]
fn boot_device_is_read_back_with_its_flags() {
    let lab = Lab::up(&LabOptions { sims: 0, pyghmi: 1, ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let set = run(
        home.path(),
        &["-c", &config, "boot", "pxe", "p1n01", "--uefi", "--persistent", "--yes", "--json"],
    );
    assert_eq!(set.code, 0, "{set:?}");
    let line = &set.json()[0];
    assert_eq!(
        (&line["device"], &line["persistent"], &line["uefi"], &line["confirmed"]),
        (&json!("pxe"), &json!(true), &json!(true), &json!(true))
    );
    assert_eq!(lab.node("p1n01").boot(), "e004000000", "the BMC's own record");
    let witness = lab.ipmitool("p1n01", &["chassis", "bootparam", "get", "5"]).stdout;
    assert!(witness.contains("Boot parameter data: e004000000"), "{witness}");
    let read = run(home.path(), &["-c", &config, "boot", "status", "p1n01"]);
    assert_eq!((read.code, read.out.trim()), (0, "boot pxe, persistent, uefi: p1n01"));
}

#[test]
fn a_boot_device_that_does_not_hold_is_a_failure_although_ipmitool_exits_0() {
    let lab = Lab::up(&LabOptions { sims: 1, ..LabOptions::default() });
    lab.node("r1n01").refuse("boot");
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let ended = run(home.path(), &["-c", &config, "boot", "pxe", "r1n01", "--yes"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(lab.ipmitool("r1n01", &["chassis", "bootdev", "pxe"]).ok, "ipmitool itself calls it a success");
}

#[test]
fn a_cold_reset_reaches_the_bmc_and_a_refused_one_is_told() {
    let lab = Lab::up(&LabOptions { sims: 1, pyghmi: 1, ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let cold = run(home.path(), &["-c", &config, "bmc", "reset-cold", "p1n01", "--yes", "--json"]);
    assert_eq!(cold.code, 0, "{cold:?}");
    assert_eq!(cold.json()[0]["confirmed"], json!(null));
    let record = lab.node("p1n01").commands().join("\n");
    assert!(record.contains("cold"), "the BMC's own record: {record}");
    let refused = run(home.path(), &["-c", &config, "bmc", "reset-cold", "r1n01", "--yes"]);
    assert_eq!(refused.code, 2, "ipmi_sim answers 0xC1: {refused:?}");
}

#[test]
fn wrong_password_wrong_user_and_dead_address_are_told_apart() {
    let lab = Lab::up(&LabOptions { sims: 1, ..LabOptions::default() });
    let node = lab.node("r1n01");
    let home = Home::new();
    let bmc = |name: &str, address: &str, credentials: &str| {
        format!(
            "[[node]]\nname = \"{name}\"\nbmc = {{ driver = \"ipmitool\", address = \"{address}\", port = {}, \
             credentials = \"{credentials}\", cipher_suites = [3] }}\n",
            node.port()
        )
    };
    let secret = |name: &str, user: &str, password: &str| {
        let file = home.path().join(name);
        std::fs::write(&file, password).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        format!("[credentials.{name}]\nusername = \"{user}\"\npassword_file = \"{}\"\n", file.display())
    };
    let dead = node.address().rsplit_once('.').map(|(net, _)| format!("{net}.250")).unwrap();
    let config = home.config(
        &[
            QUICK.to_owned() + "\n",
            secret("good", "admin", "secret"),
            secret("badpw", "admin", "wrong"),
            secret("baduser", "nobody", "secret"),
            bmc("good", &node.address(), "good"),
            bmc("dead", &dead, "good"),
        ]
        .concat(),
    );
    let ended = run(home.path(), &["-c", &config, "status", "--json"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let class = |name: &str, ended: &crate::support::program::Ended| {
        ended.json().into_iter().find(|line| line["node"] == name).map(|line| line["class"].clone()).unwrap()
    };
    assert_eq!(class("dead", &ended), "unreachable");
    for credentials in ["badpw", "baduser"] {
        let text = std::fs::read_to_string(&config).unwrap();
        let changed = text.replacen("credentials = \"good\"", &format!("credentials = \"{credentials}\""), 1);
        std::fs::write(&config, changed).unwrap();
        let ended = run(home.path(), &["-c", &config, "power", "status", "good", "--json"]);
        assert_eq!((ended.code, class("good", &ended)), (2, json!("auth")), "{credentials}: {ended:?}");
        std::fs::write(&config, text).unwrap();
    }
    let ended = run(home.path(), &["-c", &config, "power", "status", "good", "--json"]);
    assert_eq!(ended.code, 0, "an operator's command clears a final failure: {ended:?}");
}

#[test]
fn usage_refusal_and_read_only_have_their_exit_codes() {
    let home = Home::new();
    let config = home.config(
        "[tags.witness]\nread_only = true\n\
         [[node]]\nname = \"vm1\"\nbmc = { driver = \"qemu\", qmp = \"/nonexistent/a\" }\n\
         [[node]]\nname = \"vm2\"\ntags = [\"witness\"]\nbmc = { driver = \"qemu\", qmp = \"/nonexistent/b\" }\n",
    );
    let code = |args: &[&str]| {
        let mut all = vec!["-c", config.as_str()];
        all.extend(args);
        run(home.path(), &all).code
    };
    assert_eq!(code(&["power", "explode", "vm1"]), 1, "unknown verb");
    assert_eq!(code(&["power", "off", "nosuch", "--yes"]), 1, "unknown node");
    assert_eq!(code(&["bmc", "raw", "vm1", "--yes"]), 1, "raw without bytes");
    assert_eq!(code(&["power", "off", "vm1"]), 3, "no --yes and no terminal");
    assert_eq!(code(&["power", "off", "vm2", "--yes"]), 3, "read-only tag");
    assert_eq!(code(&["power", "off", "vm1", "--yes", "--read-only"]), 3, "--read-only");
    assert_eq!(code(&["power", "reset", "vm1", "--yes"]), 2, "a machine that does not run cannot be reset");
    assert_eq!(code(&[]), 1, "the screen needs a terminal");
    assert_eq!(run(home.path(), &["-c", "/nonexistent.toml", "status"]).code, 1, "no configuration");
}

#[test]
fn a_dry_run_says_what_would_be_sent_and_sends_nothing() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let before = lab.node("r1n01").logins().len();
    for (driver, words) in
        [("ipmitool", "chassis power off"), ("ipmi", "chassis control: power off (00 02 00)")]
    {
        let config = home.config_with(&lab, driver, QUICK);
        let ended = run(home.path(), &["-c", &config, "--dry-run", "power", "off", "r1n01"]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(
            ended.out.contains(words) && ended.out.contains(&lab.node("r1n01").address()),
            "{}",
            ended.out
        );
        assert!(!ended.out.contains("secret"));
    }
    assert_eq!(lab.node("r1n01").power(), "on");
    assert_eq!(lab.node("r1n01").logins().len(), before, "nobody logged in");
}

#[test]
fn an_ipmitool_that_cannot_be_used_is_an_error_at_start() {
    let home = Home::new();
    let password = home.path().join("pw");
    std::fs::write(&password, "pw").unwrap();
    std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    // Some program that is no ipmitool.
    let config = home.config(
        "[paths]\nipmitool = \"/bin/true\"\n[credentials.a]\nusername = \"admin\"\npassword_file = \"pw\"\n\
         [[node]]\nname = \"n1\"\nbmc = { driver = \"ipmitool\", address = \"127.0.0.1\", credentials = \"a\" }\n",
    );
    let ended = run(home.path(), &["-c", &config, "power", "off", "n1", "--yes"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.starts_with("cannot use /bin/true: "), "{}", ended.err);
    assert!(ended.err.contains("hint: install ipmitool 1.8.18 or newer"), "{}", ended.err);
}

#[test]
fn without_ipmitool_the_default_driver_works_and_says_at_once_that_nobody_is_there() {
    let home = Home::new();
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = home.config(&format!(
        "[paths]\nipmitool = \"/nonexistent/ipmitool\"\n[credentials.a]\nusername = \"admin\"\npassword_command = [\"echo\", \"pw\"]\n\
         [[node]]\nname = \"n1\"\nbmc = {{ address = \"127.0.0.1\", port = {free}, credentials = \"a\" }}\n",
    ));
    let began = std::time::Instant::now();
    let ended = run(home.path(), &["-c", &config, "status"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let said = format!("{}{}", ended.out, ended.err);
    assert!(said.contains("port unreachable: nothing listens there"), "{said}");
    assert!(began.elapsed() < std::time::Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn a_password_command_sees_no_other_secret() {
    let home = Home::new();
    let seen = home.path().join("seen");
    // Nobody is asked anything: there is no ipmitool.
    let config = home.config(&format!(
        "[paths]\nipmitool = \"/nonexistent/ipmitool\"\n[credentials.a]\nusername = \"admin\"\npassword_env = \"LAB_SECRET\"\n\
         [credentials.b]\nusername = \"admin\"\n\
         password_command = [\"sh\", \"-c\", \"env > {}; echo pw\"]\n\
         [[node]]\nname = \"n1\"\nbmc = {{ driver = \"ipmitool\", address = \"127.0.0.1\", credentials = \"a\" }}\n\
         [[node]]\nname = \"n2\"\nbmc = {{ driver = \"ipmitool\", address = \"127.0.0.2\", credentials = \"b\" }}\n",
        seen.display()
    ));
    let ended = command(home.path(), &["-c", &config, "status"])
        .env("LAB_SECRET", "hunter2")
        .env("IPMITOOL_PASSWORD", "hunter2")
        .env("IPMI_PASSWORD", "hunter2")
        .env("IPMI_KGKEY", "hunter2")
        .env("PASSWORD_STORE", "kept")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.starts_with("cannot run /nonexistent/ipmitool"), "{said}");
    let seen = std::fs::read_to_string(seen).expect("the command ran");
    // Not shown: it is the whole environment of whoever runs the test.
    let leaked: Vec<&str> = seen.lines().filter(|line| line.ends_with("=hunter2")).collect();
    assert!(leaked.is_empty(), "{leaked:?}");
    assert!(seen.lines().any(|line| line == "PASSWORD_STORE=kept"), "the rest is kept");
}

#[test]
fn machines_under_qemu_obey_and_say_what_they_cannot() {
    let lab = Lab::up(&LabOptions { sims: 0, vms: true, ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let status = run(home.path(), &["-c", &config, "status", "vm[1-2]", "--json"]);
    assert_eq!(status.code, 0, "{status:?}");
    assert!(status.json().iter().all(|line| line["power"] == "on"), "{status:?}");
    let boot = run(home.path(), &["-c", &config, "boot", "pxe", "vm1", "--yes", "--json"]);
    assert_eq!((boot.code, &boot.json()[0]["class"]), (2, &json!("unsupported")));
    let off = run(home.path(), &["-c", &config, "power", "off", "vm1", "--yes"]);
    assert_eq!((off.code, off.out.trim()), (0, "off: vm1"), "{off:?}");
}

#[test]
fn every_verb_leaves_an_audit_line_without_a_secret() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    assert_eq!(run(home.path(), &["-c", &config, "power", "off", "r1n01", "--yes"]).code, 0);
    let audit = home.audit();
    assert!(
        audit.iter().any(|line| line["verb"] == "power off" && line.to_string().contains("r1n01")),
        "{audit:?}"
    );
    assert!(audit.iter().all(|line| line["time"].is_string() && line["uid"].is_u64()), "{audit:?}");
    assert!(!std::fs::read_to_string(home.audit_path()).unwrap().contains("secret"));
    let mode = std::fs::metadata(home.audit_path()).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
}

#[test]
fn nodes_without_a_bmc_are_no_failure_of_a_fleet_but_of_themselves() {
    let home = Home::new();
    // A machine without a process is off.
    let config = home.config(
        "[poll]\nmin_command_interval = \"10ms\"\n[[node]]\nname = \"vm1\"\ntags = [\"lab\"]\n\
         bmc = { driver = \"qemu\", qmp = \"/nonexistent/a\" }\n\
         [[node]]\nname = \"sw1\"\ntags = [\"lab\", \"net\"]\n\
         console = { transport = \"telnet\", host = \"127.0.0.1\", port = 1 }\n",
    );
    let status = |args: &[&str]| run(home.path(), &[&["-c", &config, "status"], args].concat());
    for group in [&[][..], &["all"], &["@lab"], &["@lab,@net"]] {
        let ended = status(group);
        assert_eq!((ended.code, ended.out.trim()), (0, "vm1  off"), "{group:?}: {ended:?}");
    }
    assert_eq!(status(&["--json"]).json().len(), 1);
    for named in ["sw1", "vm1,sw1", "@net", "sw[1]"] {
        let ended = status(&[named]);
        assert_eq!(ended.code, 2, "{named}: {ended:?}");
        assert!(ended.out.contains("sw1  unknown  no BMC is configured (local)"), "{named}: {}", ended.out);
    }
    // What changes something names everybody whom it did not reach.
    let off = run(home.path(), &["-c", &config, "power", "off", "@lab", "--yes"]);
    assert_eq!(off.code, 2, "{off:?}");
    assert!(off.err.contains("sw1: no BMC is configured"), "{}", off.err);
}

#[test]
fn nodes_in_several_words_are_told_how_to_be_one() {
    let home = Home::new();
    let ended = run(home.path(), &["status", "n1", "n2"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("several nodes are one word: n1,n2"), "{}", ended.err);
    let other = run(home.path(), &["status", "--jsn"]);
    assert!(other.code == 1 && !other.err.contains("one word"), "{}", other.err);
}
