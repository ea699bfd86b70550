//! What is missing or in the way on this machine, said on the screen while the rest goes on.

use std::time::Duration;

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::{Home, run};
use crate::support::tui::{SOON, Tui};
use crate::tui_console::{make_it_talk, open_console};
use crate::tui_table::press_y_until_gone;

const QUICK: &str = "[poll]\ninterval = \"5s\"\nmin_command_interval = \"500ms\"";
const NO_IPMITOOL: &str = "[paths]\nipmitool = \"/nonexistent/ipmitool\"\n\
    [credentials.lab]\nusername = \"admin\"\npassword_command = [\"echo\", \"secret\"]\n\
    [[node]]\nname = \"r1n[01-02]\"\nbmc = { driver = \"ipmitool\", address = \"127.0.0.[1-2]\", credentials = \"lab\" }\n\
    console = { transport = \"sol\" }\n";
/// A guest boots in 3 s on an idle machine; this one may be busy.
const BOOT: Duration = Duration::from_secs(60);
const HINT: &str = "install it (apt install ipmitool) or name its path in the configuration";

/// What a box says, without its frame and its line breaks.
fn words(screen: &str) -> String {
    screen.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn without_ipmitool_its_nodes_say_so_and_a_machine_beside_them_works() {
    let lab = Lab::up(&LabOptions { sims: 0, vms: true, ..LabOptions::default() });
    let home = Home::new();
    let vm = format!(
        "[[node]]\nname = \"vm1\"\nbmc = {{ driver = \"qemu\", qmp = \"{}\" }}\n\
         console = {{ transport = \"unix\", path = \"{}\" }}\n",
        lab.node("vm1").qmp().display(),
        lab.node("vm1").serial().display()
    );
    let config = home.config(&format!("{QUICK}\n{NO_IPMITOOL}{vm}"));
    let mut tui = Tui::start(home.path(), &["-c", &config], (80, 24));
    tui.wait("1 on");
    tui.wait_until("a notice, and the reason at each node", SOON, |screen| {
        let (notice, at): (Vec<&str>, Vec<&str>) =
            screen.lines().filter(|line| line.contains("cannot run")).partition(|line| line.starts_with('!'));
        notice.len() == 1 && at.len() == 2 && at.iter().all(|line| line.contains("! unknown"))
    });
    tui.keys("\r");
    tui.wait_until("the hint, in the details where there is room for it", SOON, |screen| {
        words(screen).contains(HINT)
    });
    tui.keys("\x1b");
    open_console(&mut tui, "vm1");
    tui.wait("nteractive");
    tui.keys("\r");
    tui.wait_until("the guest's login", BOOT, |screen| screen.contains("vm1 login:"));
    tui.keys("\x1d.");
    open_console(&mut tui, "r1n01");
    tui.wait("closed: cannot");
    tui.wait("install");
    tui.keys("\x1d.");
    tui.keys("/vm1\r");
    tui.wait_gone("r1n01");
    tui.keys("pf");
    tui.wait("power off vm1?");
    press_y_until_gone(&mut tui);
    tui.wait_until("vm1 is off", SOON, |screen| screen.contains("○ 1 off"));
}

#[test]
fn without_ipmitool_and_nothing_else_it_ends_with_what_to_do() {
    let home = Home::new();
    let config = home.config(NO_IPMITOOL);
    let ended = run(home.path(), &["-c", &config, "status"]);
    assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{ended:?}");
    assert!(ended.err.contains("cannot run") && ended.err.contains(HINT), "{}", ended.err);
    let mut tui = Tui::start(home.path(), &["-c", &config], (120, 24));
    assert_eq!(tui.wait_exit(), Some(1));
    tui.wait("cannot run");
    tui.wait(HINT);
    assert!(!tui.raw().windows(8).any(|bytes| bytes == b"\x1b[?1049h"), "the screen was not taken");
}

#[test]
fn a_state_directory_that_cannot_be_written_is_said_and_verbs_go_on() {
    let lab = Lab::up(&LabOptions { sims: 1, more: &["--power", "on"], ..LabOptions::default() });
    let home = Home::new();
    std::fs::write(home.path().join("state"), "a file, no directory").unwrap();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (200, 24));
    tui.wait("● 1 on");
    tui.keys("pf");
    tui.wait("power off r1n01?");
    press_y_until_gone(&mut tui);
    tui.wait(&format!("cannot write the audit trail {}", home.audit_path().display()));
    tui.wait("verbs go on without a trail; set state_dir to a directory that you can write");
    tui.wait_until("the verb goes on", SOON, |screen| screen.contains("○ 1 off"));
    assert_eq!(lab.node("r1n01").power(), "off");
    open_console(&mut tui, "r1n01");
    tui.wait("r1n01 · SOL · interactive  not logged: ");
    make_it_talk(&mut tui, "india");
}
