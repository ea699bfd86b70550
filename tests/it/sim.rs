//! `lightsout sim` before the eyes of clients that others wrote, and `lightsout demo` as a newcomer sees it.

mod theft;

use crate::support::program::{Home, command, run};
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A running `lightsout sim`.
struct Sim {
    child: Child,
    ports: Vec<u16>,
    home: Home,
}

impl Sim {
    fn start(nodes: usize, more: &[&str]) -> Sim {
        let home = Home::new();
        let config = home.path().join("sim.toml").display().to_string();
        let count = nodes.to_string();
        let mut args = vec!["sim", "--nodes", &count, "--speed", "10", "--report", "--config-out", &config];
        args.extend(more);
        let mut child = command(home.path(), &args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("lightsout starts");
        let mut said = child.stderr.take().expect("piped");
        let mut text = [0; 256];
        let length = said.read(&mut text).expect("it says that it serves");
        let text = String::from_utf8_lossy(&text[..length]).into_owned();
        assert!(text.contains("simulated BMCs answer"), "{text}");
        let text = std::fs::read_to_string(&config).expect("a configuration");
        let ports = text
            .lines()
            .filter_map(|line| line.split("port = ").nth(1)?.split(',').next()?.parse().ok())
            .collect();
        Sim { child, ports, home }
    }

    /// Ends it with SIGTERM; gives its report.
    fn end(mut self) -> serde_json::Value {
        kill(Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")), Signal::SIGTERM)
            .expect("it runs");
        let mut text = String::new();
        self.child.stdout.take().expect("piped").read_to_string(&mut text).expect("text");
        assert!(self.child.wait().expect("a child").success());
        serde_json::from_str(text.trim()).expect("a JSON object")
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ipmitool(port: u16, more: &[&str]) -> Output {
    Command::new("ipmitool")
        .args(["-I", "lanplus", "-H", "127.0.0.1", "-U", "admin", "-E", "-p", &port.to_string()])
        .args(more)
        .env("IPMITOOL_PASSWORD", "secret")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .expect("ipmitool is installed")
}

fn out(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn ipmitool_works_with_both_suites_and_without_naming_one() {
    let sim = Sim::start(1, &[]);
    let port = sim.ports[0];
    for suite in [&["-C", "17"][..], &["-C", "3"], &[]] {
        let with = |more: &[&str]| out(&ipmitool(port, &[suite, more].concat()));
        assert_eq!(with(&["power", "status"]), "Chassis Power is on\n", "{suite:?}");
        assert_eq!(with(&["power", "off"]), "Chassis Power Control: Down/Off\n");
        assert_eq!(with(&["power", "status"]), "Chassis Power is off\n");
        assert_eq!(with(&["power", "on"]), "Chassis Power Control: Up/On\n");
        with(&["chassis", "bootdev", "pxe", "options=persistent,efiboot"]);
        assert!(with(&["chassis", "bootparam", "get", "5"]).contains("Boot parameter data: e004000000"));
        assert!(with(&["mc", "info"]).contains("IPMI Version              : 2.0"));
        assert!(with(&["sol", "info"]).contains("Enabled                         : true"));
    }
    let wrong = Command::new("ipmitool")
        .args(["-I", "lanplus", "-C", "17", "-H", "127.0.0.1", "-U", "admin", "-E", "-v"])
        .args(["-p", &port.to_string(), "power", "status"])
        .env("IPMITOOL_PASSWORD", "wrong")
        .stdin(Stdio::null())
        .output()
        .expect("ipmitool is installed");
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("RAKP 2 HMAC is invalid"));
    let free = ipmitool(port, &["-C", "3", "sol", "deactivate"]);
    let said = String::from_utf8_lossy(&[free.stdout, free.stderr].concat()).into_owned();
    assert!(said.contains("SOL payload already de-activated"), "{said}");
}

#[test]
fn a_suite_that_is_not_offered_is_refused() {
    let sim = Sim::start(1, &["--suites", "3"]);
    let refused = ipmitool(sim.ports[0], &["-C", "17", "-v", "power", "status"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("no matching cipher suite"), "{said}");
    assert_eq!(out(&ipmitool(sim.ports[0], &["-C", "3", "power", "status"])), "Chassis Power is on\n");
}

#[test]
fn freeipmi_works_with_both_suites() {
    let sim = Sim::start(2, &[]);
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", sim.ports[0], sim.ports[1]);
    let ipmipower = |more: &[&str]| {
        let output = Command::new("ipmipower")
            .args(["-D", "LAN_2_0", "-u", "admin", "-p", "secret", "-h", &hosts])
            .args(more)
            .stdin(Stdio::null())
            .output()
            .expect("freeipmi-tools is installed");
        out(&output)
    };
    for suite in ["3", "17"] {
        for workaround in [&[][..], &["-W", "opensesspriv"]] {
            let said = ipmipower(&[&["-I", suite, "--stat"], workaround].concat());
            assert_eq!(said.lines().filter(|line| line.ends_with(": on")).count(), 2, "{said}");
        }
    }
    assert_eq!(ipmipower(&["--off"]).lines().filter(|line| line.ends_with(": ok")).count(), 2);
    assert_eq!(ipmipower(&["--stat"]).lines().filter(|line| line.ends_with(": off")).count(), 2);
    let report = sim.end();
    assert_eq!(report["most_sessions"], 1, "{report}");
}

/// A free port below 32768: ipmiconsole takes a higher one for an invalid host name.
fn low_port() -> u16 {
    let first = 10_000 + u16::try_from(std::process::id() % 20_000).expect("small");
    let free = |port: &u16| std::net::UdpSocket::bind(("127.0.0.1", *port)).is_ok();
    (first..32_000).find(free).expect("a port is free")
}

/// Runs a console program on a terminal that `script` makes; gives its keys and what it writes.
fn on_terminal(words: &str) -> (Child, ChildStdin, mpsc::Receiver<Vec<u8>>) {
    let mut child = Command::new("script")
        .args(["-q", "-e", "-f", "-c", words, "/dev/null"])
        .env("IPMITOOL_PASSWORD", "secret")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script is installed");
    let mut reader = child.stdout.take().expect("piped");
    let (send, pieces) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            if send.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    let keys = child.stdin.take().expect("piped");
    (child, keys, pieces)
}

#[test]
fn consoles_of_others_log_in_over_sol_and_leave_it_free() {
    let sim = Sim::start(1, &["--base-port", &low_port().to_string()]);
    let port = sim.ports[0].to_string();
    let ipmiconsole = format!("ipmiconsole -h 127.0.0.1:{port} -u admin -p secret -I 17");
    let tool = format!("ipmitool -I lanplus -C 3 -H 127.0.0.1 -U admin -E -p {port} sol activate");
    for (command, escape) in [(ipmiconsole, "&."), (tool, "~.")] {
        let (mut child, mut terminal, pieces) = on_terminal(&command);
        let mut shown = String::new();
        let mut until = |terminal: &mut ChildStdin, keys: &str, words: &str| {
            terminal.write_all(keys.as_bytes()).expect("the terminal takes keys");
            let from = shown.len();
            wait_for(words, SOON, || {
                while let Ok(piece) = pieces.try_recv() {
                    shown.push_str(&String::from_utf8_lossy(&piece));
                }
                shown[from..].contains(words).then_some(())
            });
        };
        until(&mut terminal, "", "SOL");
        // The first key may be lost with some clients: asked until it answers.
        until(&mut terminal, "\r\r", "login:");
        until(&mut terminal, "root\r", "Password:");
        until(&mut terminal, "x\r", "# ");
        until(&mut terminal, "echo hello there\r", "\nhello there");
        until(&mut terminal, "exit\r", "login:");
        terminal.write_all(format!("\r{escape}").as_bytes()).expect("the terminal takes keys");
        wait_for("its end", SOON, || child.try_wait().expect("a child"));
        let free = ipmitool(sim.ports[0], &["-C", "17", "raw", "0x06", "0x4a", "0x01"]);
        assert_eq!(out(&free).trim(), "01 00 00", "nobody holds the SOL");
    }
}

#[test]
fn pyghmi_reads_and_sets() {
    let sim = Sim::start(1, &[]);
    let python = pyghmi();
    let script = format!(
        "from pyghmi.ipmi import command\n\
         c = command.Command(bmc='127.0.0.1', userid='admin', password='secret', port={})\n\
         print(c.get_power()['powerstate'])\n\
         c.set_bootdev('network', persist=True)\n\
         print(c.get_bootdev()['bootdev'])\n\
         print(c.set_power('off', wait=10)['powerstate'])\n",
        sim.ports[0]
    );
    let said = Command::new(python).args(["-c", &script]).stdin(Stdio::null()).output().expect("it runs");
    assert_eq!(out(&said), "on\nnetwork\noff\n");
}

/// A Python that has pyghmi.
fn pyghmi() -> String {
    let kit = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/labkit");
    let script = format!("import sys; sys.path.insert(0, '{kit}'); import provide; print(provide.pyghmi())");
    let said = Command::new("/usr/bin/python3").args(["-B", "-c", &script]).output().expect("Python runs");
    out(&said).trim().to_owned()
}

#[test]
fn our_own_verbs_work_and_the_report_counts_them() {
    let sim = Sim::start(40, &[]);
    let config = sim.home.path().join("sim.toml").display().to_string();
    let home = Home::new();
    let status = run(home.path(), &["-c", &config, "status", "all", "--json"]);
    assert_eq!(status.code, 0, "{}", status.err);
    let on = status.json().iter().filter(|line| line["power"] == "on").count();
    assert!(status.json().len() == 40 && on > 20 && on < 40, "{}", status.out);
    let report = sim.end();
    assert_eq!((&report["polls"], &report["logins"]), (&40.into(), &40.into()), "{report}");
    // Login, poll, goodbye: 6, 2 and 2 datagrams.
    assert_eq!(report["datagrams"], 400, "{report}");
}

#[test]
fn after_kill_9_the_next_console_frees_what_its_predecessor_held_and_nobody_else_s() {
    let sim = Sim::start(1, &["--sessions", "8"]);
    let config = sim.home.path().join("sim.toml").display().to_string();
    let text = std::fs::read_to_string(&config).expect("a configuration");
    std::fs::write(&config, format!("[poll]\nmin_command_interval = \"500ms\"\n{text}"))
        .expect("it can be written");
    let home = Home::new();
    let open = || Tui::start(home.path(), &["-c", &config, "console", "sim01"], (80, 24));
    let mut killed = open();
    killed.wait("interactive");
    killed.keys("\r");
    killed.wait("sim01 login:");
    killed.signal(Signal::SIGKILL);
    drop(killed);
    // The BMC itself would keep the session, and the SOL with it, for a minute.
    let mut next = open();
    next.wait("interactive");
    next.keys("\r");
    next.wait("sim01 login:");
    next.keys("\x1d.");
    assert_eq!(next.wait_exit(), Some(0));
    let words = format!("ipmitool -I lanplus -C 3 -H 127.0.0.1 -U admin -E -p {} sol activate", sim.ports[0]);
    let (mut stranger, mut keys, pieces) = on_terminal(&words);
    let mut shown = String::new();
    wait_for("the stranger holds the SOL", SOON, || {
        shown.extend(pieces.try_iter().map(|piece| String::from_utf8_lossy(&piece).into_owned()));
        shown.contains("operational").then_some(())
    });
    let mut refused = open();
    refused.wait("admin from 127.0.0.1");
    refused.keys("\x1d.");
    assert_eq!(refused.wait_exit(), Some(0));
    keys.write_all(b"\r~.").expect("the terminal takes keys");
    wait_for("the stranger's end", SOON, || stranger.try_wait().expect("a child"));
}

#[test]
fn what_cannot_be_simulated_is_said() {
    let home = Home::new();
    for (args, words) in [
        (&["--address", "192.0.2.1"][..], "only loopback addresses are served"),
        (&["--nodes", "1000", "--base-port", "65000"], "ports end at 65535"),
        (&["--suites", "0"], "cannot offer cipher suite 0"),
        (&["--nodes", "0"], "0 is not in 1.."),
        (&["--loss", "101"], "at most 100"),
    ] {
        let ended = run(home.path(), &[&["sim"], args].concat());
        assert!(ended.code == 1 && ended.err.contains(words), "{args:?}: {} {}", ended.code, ended.err);
    }
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let ended = run(home.path(), &["sim", "--nodes", "1", "--base-port", &port]);
    assert!(ended.code == 1 && ended.err.contains("Address already in use"), "{}", ended.err);
    let there = home.config("");
    let ended = run(home.path(), &["sim", "--nodes", "1", "--config-out", &there]);
    assert!(ended.code != 0 && ended.err.contains("File exists"), "{}", ended.err);
}

#[test]
fn the_demo_is_a_console_over_a_living_fleet_and_leaves_nothing_behind() {
    let home = Home::new();
    let tmp = home.path().join("tmp");
    std::fs::create_dir(&tmp).expect("a directory");
    let mut tui =
        Tui::start_with(home.path(), &["demo"], (100, 30), &[("TMPDIR", tmp.to_str().expect("text"))]);
    tui.wait_until("the fleet and its broken nodes", Duration::from_secs(30), |screen| {
        let first = screen.lines().next().unwrap_or_default();
        first.contains(" demo ") && first.contains("● 3") && first.contains("! 5 unreachable")
    });
    tui.keys("/r3n03\r");
    tui.wait("authentication failed");
    tui.keys("/r3n05\r");
    tui.wait("port unreachable");
    // A console, typed into.
    tui.keys("/r1n01\rc");
    tui.wait("interactive");
    tui.keys("\r");
    tui.wait("r1n01 login:");
    tui.keys("root\r");
    tui.wait("Password:");
    tui.keys("x\r");
    tui.wait("root@r1n01:~#");
    tui.keys("\x1d.");
    tui.wait_gone("root@r1n01");
    // Off, and seen to be off.
    tui.keys("/r1n02\rpf");
    tui.wait("chassis control");
    wait_for("the question to be answered", SOON, || {
        tui.keys("y");
        (!tui.screen().contains("chassis control")).then_some(())
    });
    tui.wait("○ off");
    tui.keys("q");
    assert_eq!(tui.wait_exit(), Some(0));
    tui.assert_restored();
    assert_eq!(std::fs::read_dir(&tmp).expect("there").count(), 0, "its directory is gone");
}
