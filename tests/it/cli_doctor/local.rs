//! What is looked at on this machine: configuration, tools, terminal, directories, modes, output.

use super::*;

/// A machine that is not there, with a start command.
const NOBODY: &str = "[poll]\nmin_command_interval = \"10ms\"\n[[node]]\nname = \"vm1\"\nbmc = { driver = \"qemu\", qmp = \"/nonexistent/a\", start = [\"true\"] }\n";

fn doctor(home: &Home, config: &str) -> (i32, Vec<Value>) {
    let ended = run(home.path(), &["-c", config, "doctor", "--json"]);
    (ended.code, ended.json())
}

/// A directory with a program of that name.
fn program(dir: &Path, name: &str, script: &str) {
    fs::create_dir_all(dir).expect("it can be made");
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("it can be written");
    mode(path, 0o755);
}

#[test]
fn a_missing_configuration_does_not_stop_the_rest() {
    let home = Home::new();
    let ended = run(home.path(), &["doctor"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.out.contains("FAIL") && ended.out.contains("no configuration found"), "{}", ended.out);
    for section in ["\nterminal\n", "\ndirectories\n", "\nmachine\n"] {
        assert!(ended.out.contains(section), "no {section} in {}", ended.out);
    }
    assert!(ended.out.contains("remedy: start with: mkdir -p"), "{}", ended.out);
}

#[test]
fn a_broken_configuration_is_told_with_its_places_and_the_rest_is_done() {
    let home = Home::new();
    let config = home.config(
        "[poll]\nintervall = \"5s\"\n[[node]]\nname = \"n1\"\nbmc = { driver = \"ipmi\", privilege = \"ROOT\" }\n",
    );
    let (code, checks) = doctor(&home, &config);
    assert_eq!(code, 1);
    let failures: Vec<String> =
        checks.iter().filter(|line| line["level"] == "fail").map(ToString::to_string).collect();
    let all = failures.join("\n");
    for said in ["config.toml:2:1", "poll.intervall", "config.toml:5", "address", "credentials", "privilege"]
    {
        assert!(all.contains(said), "no {said} in {all}");
    }
    assert!(checks.iter().any(|line| line["check"] == "state_dir" && line["level"] == "ok"), "{checks:#?}");
    assert!(checks.iter().any(|line| line["check"] == "clock"), "{checks:#?}");
}

#[test]
fn nodes_that_do_not_exist_are_a_usage_error() {
    let home = Home::new();
    let config = home.config(NOBODY);
    let ended = run(home.path(), &["-c", &config, "doctor", "vm9"]);
    assert_eq!((ended.code, ended.out.as_str()), (1, ""));
    assert!(ended.err.contains("vm9"), "{}", ended.err);
}

#[test]
fn passwords_and_configurations_that_others_reach_are_told() {
    let home = Home::new();
    let login = |source: &str| {
        format!(
            "[credentials.c]\nusername = \"u\"\n{source}\n[[node]]\nname = \"n1\"\n\
             bmc = {{ address = \"127.0.0.1\", port = 9, credentials = \"c\" }}\n"
        )
    };
    let config = home.config(&login("password = \"hunter2\""));
    mode(&config, 0o644);
    let (code, checks) = doctor(&home, &config);
    let all = serde_json::to_string(&checks).unwrap();
    assert_eq!(code, 1);
    assert!(all.contains("clear text") && all.contains("chmod 600") && !all.contains("hunter2"), "{all}");
    let file = home.path().join("pw");
    fs::write(&file, "hunter2\n").unwrap();
    mode(&file, 0o640);
    let config = home.config(&login(&format!("password_file = \"{}\"", file.display())));
    let (code, checks) = doctor(&home, &config);
    let all = serde_json::to_string(&checks).unwrap();
    assert!(code == 1 && all.contains("mode 0640") && !all.contains("hunter2"), "{all}");
    mode(&file, 0o600);
    mode(&config, 0o666);
    let ended = run(home.path(), &["-c", &config, "doctor", "--no-login", "--json"]);
    let checks = ended.json();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(find(&checks, "file", &config)["level"], "warn", "others can write it");
    assert!(text(find(&checks, "secret-files", ""), "text").contains("one"), "{checks:#?}");
}

#[test]
fn an_empty_password_and_a_low_privilege_are_warnings() {
    let home = Home::new();
    let config = home.config(
        "[credentials.c]\nusername = \"u\"\npassword = \"\"\n[[node]]\nname = \"n[1-2]\"\n\
         bmc = { address = \"10.1.1.[1-2]\", credentials = \"c\", privilege = \"USER\" }\n",
    );
    mode(&config, 0o600);
    let ended = run(home.path(), &["-c", &config, "doctor", "--no-login", "--json"]);
    let checks = ended.json();
    assert!(text(find(&checks, "credentials", "c"), "text").contains("empty"), "{checks:#?}");
    let privilege = find(&checks, "privilege", "USER");
    assert_eq!(privilege["level"], "warn");
    assert!(text(privilege, "text").starts_with("n[1-2]"), "{privilege}");
}

#[test]
fn a_tool_that_is_missing_is_named_with_the_nodes_that_need_it() {
    let home = Home::new();
    let config = home.config(
        "[paths]\nipmitool = \"/nonexistent/ipmitool\"\n[credentials.c]\nusername = \"u\"\n\
         password_command = [\"/nonexistent/pass\"]\n[[node]]\nname = \"t[1-2]\"\n\
         bmc = { driver = \"ipmitool\", address = \"10.1.1.[1-2]\", credentials = \"c\" }\n\
         [[node]]\nname = \"vm1\"\nbmc = { driver = \"qemu\", qmp = \"/nonexistent/q\", start = [\"/nonexistent/kvm\"] }\n\
         console = { transport = \"command\", argv = [\"/nonexistent/virsh\", \"console\", \"vm1\"] }\n",
    );
    let ended = run(home.path(), &["-c", &config, "doctor", "--no-login", "--json"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let checks = ended.json();
    let tool = find(&checks, "ipmitool", "");
    assert!(text(tool, "text").contains("not found; needed by t[1-2]"), "{tool}");
    assert!(text(tool, "remedy").contains("install"), "{tool}");
    assert!(
        text(find(&checks, "start", "/nonexistent/kvm"), "text").contains("needed by vm1"),
        "{checks:#?}"
    );
    assert_eq!(find(&checks, "console", "/nonexistent/virsh")["level"], "fail", "{checks:#?}");
    let password = find(&checks, "password_command", "/nonexistent/pass");
    assert!(text(password, "text").contains("t[1-2]"), "no login, so it was not run: {password}");
    let useless = home.path().join("bin");
    program(&useless, "ipmitool", "echo '  -N seconds'; echo '  -R retry'; echo '  lanplus  RMCP+'");
    let text_of = fs::read_to_string(&config).unwrap();
    let config = home
        .config(&text_of.replace("/nonexistent/ipmitool", &useless.join("ipmitool").display().to_string()));
    let checks = run(home.path(), &["-c", &config, "doctor", "--no-login", "--json"]).json();
    assert!(
        text(find(&checks, "ipmitool", ""), "text").contains("does not know the option -C"),
        "{checks:#?}"
    );
}

#[test]
fn tools_that_tell_their_version_are_asked_and_no_other_program_is_run() {
    let home = Home::new();
    let bin = home.path().join("bin");
    program(
        &bin,
        "qemu-system-test",
        "test $# = 1 && test $1 = --version && echo 'QEMU emulator version 7.2.22'",
    );
    program(&bin, "ssh", "test \"$*\" = -V && echo 'OpenSSH_9.2p1' >&2");
    program(&bin, "virsh", "exec sleep 600");
    program(&bin, "start-vm2", &format!("touch {}/started", bin.display()));
    let node = |name: &str, start: &str, argv: &str| {
        format!(
            "[[node]]\nname = \"{name}\"\nbmc = {{ driver = \"qemu\", qmp = \"/nonexistent/{name}\", start = [\"{0}/{start}\"] }}\n\
             console = {{ transport = \"command\", argv = [\"{0}/{argv}\", \"x\"] }}\n",
            bin.display()
        )
    };
    let config = node("vm1", "qemu-system-test", "ssh") + &node("vm2", "start-vm2", "virsh");
    let config = home.config(&config);
    let checks = run(home.path(), &["-c", &config, "doctor", "--no-login", "--json"]).json();
    let told = |check: &str, name: &str| {
        text(find(&checks, check, &bin.join(name).display().to_string()), "text").to_owned()
    };
    assert!(told("start", "qemu-system-test").contains("QEMU emulator version 7.2.22 (vm1)"), "{checks:#?}");
    assert!(told("console", "ssh").contains("OpenSSH_9.2p1 (vm1)"), "{checks:#?}");
    assert!(
        told("console", "virsh").ends_with("virsh (vm2)"),
        "it hangs, and is not waited for: {checks:#?}"
    );
    assert!(told("start", "start-vm2").ends_with("start-vm2 (vm2)"), "{checks:#?}");
    assert!(!bin.join("started").exists(), "a script is not run to see what it says");
}

#[test]
fn tmux_is_asked_for_what_makes_esc_slow() {
    let home = Home::new();
    let config = home.config(NOBODY);
    let bin = home.path().join("bin");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let checks = |escape: &str, clipboard: &str, terminal: &str| {
        let script = format!(
            "case \"$*\" in -V) echo 'tmux 3.3a';; *escape-time) echo {escape};; *set-clipboard) echo {clipboard};; \
             *allow-passthrough) echo off;; *default-terminal) echo {terminal};; *) exit 1;; esac"
        );
        program(&bin, "tmux", &script);
        let ended = command(home.path(), &["-c", &config, "doctor", "--json"])
            .env("PATH", &path)
            .env("TMUX", "/tmp/nobody,1,0")
            .output()
            .unwrap();
        let out = String::from_utf8(ended.stdout).unwrap();
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let slow = checks("500", "external", "xterm");
    assert_eq!(text(find(&slow, "tmux", ""), "text"), "tmux 3.3a");
    for (check, found, remedy) in [
        ("escape-time", "500 ms", "set -sg escape-time 10"),
        ("set-clipboard", "external", "set -s set-clipboard on"),
        ("default-terminal", "xterm", "tmux-256color"),
    ] {
        let check = find(&slow, check, found);
        assert_eq!(check["level"], "warn");
        assert!(text(check, "remedy").contains(remedy), "{check}");
    }
    let quick = checks("10", "on", "tmux-256color");
    for (check, found) in
        [("escape-time", "10 ms"), ("set-clipboard", "on"), ("default-terminal", "tmux-256color")]
    {
        assert_eq!(find(&quick, check, found)["level"], "ok");
    }
}

#[test]
fn a_tmux_that_hangs_is_not_waited_for() {
    let home = Home::new();
    let config = home.config(NOBODY);
    let bin = home.path().join("bin");
    program(&bin, "tmux", "exec sleep 600");
    let ended = command(home.path(), &["-c", &config, "doctor", "--json"])
        .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
        .env("TMUX", "/tmp/nobody,1,0")
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ended.stdout);
    assert!(out.contains("tmux does not answer"), "{out}");
}

#[test]
fn a_terminal_gets_colours_its_size_and_whole_words() {
    let home = Home::new();
    let config = home.config(NOBODY);
    let mut tui = Tui::start(home.path(), &["-c", &config, "doctor"], (70, 50));
    let code = tui.wait_exit();
    tui.wait("0 failed, ");
    assert_eq!(code, Some(0));
    tui.wait("columns and panes are left out below 80x24");
    let raw = String::from_utf8_lossy(&tui.raw()).into_owned();
    assert!(raw.contains("\x1b[32m") && raw.contains("\x1b[33m! warn"), "{raw}");
    let screen = tui.screen();
    assert!(screen.lines().all(|line| line.chars().count() <= 70), "{screen}");
    let mut plain = Tui::start_with(home.path(), &["-c", &config, "doctor"], (80, 60), &[("NO_COLOR", "1")]);
    assert_eq!(plain.wait_exit(), Some(0));
    plain.wait("0 failed, ");
    plain.wait("NO_COLOR is set");
    let raw = String::from_utf8_lossy(&plain.raw()).into_owned();
    assert!(!raw.contains("\x1b["), "{raw}");
}

#[test]
fn modes_and_kinds_of_files_and_directories_are_told() {
    let home = Home::new();
    let state = home.path().join("state/lightsout");
    fs::create_dir_all(state.join("consoles/vm1.log")).unwrap();
    for path in ["state", "state/lightsout", "state/lightsout/consoles"] {
        mode(home.path().join(path), 0o700);
    }
    fs::write(state.join("audit.jsonl"), "").unwrap();
    mode(state.join("audit.jsonl"), 0o644);
    fs::create_dir_all(home.path().join("run/lightsout")).unwrap();
    mode(home.path().join("run/lightsout"), 0o700);
    fs::write(home.path().join("run/lightsout/fleet.v0"), "").unwrap();
    let config =
        home.config(&format!("{NOBODY}console = {{ transport = \"unix\", path = \"/nonexistent/s\" }}\n"));
    let (code, checks) = doctor(&home, &config);
    assert_eq!(code, 0, "{checks:#?}");
    let audit = find(&checks, "audit-trail", &state.join("audit.jsonl").display().to_string());
    assert_eq!(audit["level"], "warn");
    assert!(text(audit, "remedy").starts_with("run chmod 600 "), "{audit}");
    let stale = home.path().join("run/lightsout/fleet.v0").display().to_string();
    assert!(text(find(&checks, "shared-file", &stale), "remedy").contains(&format!("rm {stale}")));
    assert_eq!(find(&checks, "logs", "vm1")["level"], "warn", "a directory in place of a log");
    mode(&state, 0o755);
    fs::write(home.path().join("run/lightsout/fleet.v1"), "something else").unwrap();
    let (code, checks) = doctor(&home, &config);
    assert_eq!(code, 1, "{checks:#?}");
    assert_eq!(find(&checks, "state_dir", &state.display().to_string())["level"], "warn");
    let shared = find(&checks, "shared-file", "");
    assert!(text(shared, "text").contains("not lightsout's shared state"), "{shared}");
    assert!(text(shared, "remedy").contains("remove"), "{shared}");
    let login = find(&checks, "login", "");
    assert!(text(login, "text").starts_with("not tried"), "{login}");
    mode(home.path().join("run/lightsout"), 0o2770);
    fs::remove_file(home.path().join("run/lightsout/fleet.v1")).unwrap();
    let (_, checks) = doctor(&home, &config);
    let runtime = find(&checks, "runtime_dir", &home.path().join("run/lightsout").display().to_string());
    assert!(text(runtime, "text").starts_with("shared by the group "), "{runtime}");
    mode(home.path().join("run/lightsout"), 0o777);
    let (_, checks) = doctor(&home, &config);
    assert!(text(find(&checks, "runtime_dir", ""), "text").contains("everybody may write"), "{checks:#?}");
}

#[test]
fn too_few_open_files_are_told() {
    let home = Home::new();
    let config = home.config(NOBODY);
    let words = format!("ulimit -Sn 40; exec {} -c {config} doctor --json", env!("CARGO_BIN_EXE_lightsout"));
    let ended = std::process::Command::new("sh")
        .args(["-c", &words])
        .envs(crate::support::tui::environment(home.path()))
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ended.stdout).into_owned();
    let checks: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let files = find(&checks, "open-files", "");
    assert_eq!((&files["level"], ended.status.code()), (&json!("warn"), Some(0)), "{out}");
    assert!(text(files, "remedy").contains("ulimit -n"), "{files}");
}

#[test]
fn what_cannot_be_printed_is_an_error_and_a_reader_that_left_is_none() {
    let home = Home::new();
    let config = home.config(NOBODY);
    for args in [&["status"][..], &["doctor"], &["config", "default"], &["--help"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ended = command(home.path(), &[&["-c", &config], args].concat()).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("cannot write to standard output"), "{args:?}: {said}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = command(home.path(), &[&["-c", &config], args].concat()).stdout(writer).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!((ended.status.code(), said.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn every_parameter_the_old_drivers_validated_is_named_with_its_place() {
    let good = "[credentials.c]\nusername = \"u\"\npassword_env = \"HOME\"\n";
    for (credentials, node, key, said) in [
        (good, "bmc = { credentials = \"c\" }", "node.bmc.address", "needs the address"),
        (good, "bmc = { address = \"10.1.1.1\" }", "node.bmc.credentials", "needs credentials"),
        ("[credentials.c]\npassword_env = \"HOME\"\n", "", "credentials.c.username", "user"),
        ("[credentials.c]\nusername = \"u\"\n", "", "password", "no password"),
        (good, "bmc = { address = \"a\", credentials = \"c\", privilege = \"ROOT\" }", "privilege", "ROOT"),
        (good, "bmc = { address = \"a\", credentials = \"c\", port = 70000 }", "port", "70000"),
        (good, "console = { transport = \"telnet\", host = \"a\", port = 0 }", "port", "0"),
        (good, "bmc = { address = \"a\", credentials = \"c\", cipher_suites = [99] }", "cipher_suites", "99"),
        (
            good,
            "bmc = { address = \"a\", credentials = \"c\", kg_file = \"/nonexistent/kg\" }",
            "kg_file",
            "cannot",
        ),
        (
            "[credentials.c]\nusername = \"u\"\npassword = \"longer than twenty bytes\"\n",
            "",
            "password",
            "20",
        ),
        (good, "bmc = { driver = \"qemu\" }", "qmp", "QMP"),
        (good, "bmc = { driver = \"qemu\", qmp = \"/q\", address = \"a\" }", "address", "no use"),
        (good, "console = { transport = \"unix\" }", "path", "path"),
    ] {
        let home = Home::new();
        let config = home.config(&format!("{credentials}[[node]]\nname = \"n1\"\n{node}\n"));
        mode(&config, 0o600);
        let ended = run(home.path(), &["-c", &config, "doctor", "--json"]);
        let checks = ended.json();
        let failed: Vec<&Value> = checks.iter().filter(|line| line["level"] == "fail").collect();
        let named = failed.iter().any(|line| {
            let told = text(line, "text");
            told.contains(key) && told.contains(said) && text(line, "subject").contains("config.toml:")
        });
        assert!(ended.code == 1 && named, "{node}: {failed:?}");
    }
}

#[test]
fn a_fleet_without_nodes_is_a_warning() {
    let home = Home::new();
    let config = home.config("theme = \"default\"\n");
    let (code, checks) = doctor(&home, &config);
    assert_eq!(code, 0, "{checks:?}");
    assert!(text(find(&checks, "setting", ""), "text").contains("no node"), "{checks:?}");
}

#[test]
fn a_poor_terminal_gets_plain_characters_and_screen_is_asked_its_version() {
    let home = Home::new();
    let config = home.config(NOBODY);
    let bin = home.path().join("bin");
    // As GNU screen does.
    program(&bin, "screen", "echo 'Screen version 4.09.00 (GNU) 30-Jan-22'; exit 1");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("a path"));
    let ended = command(home.path(), &["-c", &config, "doctor"])
        .env("PATH", path)
        .env("STY", "1.pts")
        .env_remove("TMUX")
        .env("TERM", "dumb")
        .env("LC_ALL", "POSIX")
        .env("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
        .output()
        .expect("lightsout starts");
    let out = String::from_utf8(ended.stdout).expect("UTF-8");
    assert!(out.is_ascii(), "{out}");
    for said in
        ["! warn  TERM", "! warn  locale", "Screen version 4.09.00", "10 frames a second", "through screen"]
    {
        assert!(out.contains(said), "no {said} in {out}");
    }
    assert_eq!(ended.status.code(), Some(0), "{out}");
}

#[test]
fn a_serial_adapter_that_is_not_plugged_in_is_told_as_that() {
    let home = Home::new();
    let config = home.config(
        "[[node]]\nname = \"fw1\"\nconsole = { transport = \"serial\", device = \"/nonexistent/ttyUSB9\" }\n",
    );
    let (code, checks) = doctor(&home, &config);
    assert_eq!(code, 1);
    let port = checks.iter().find(|line| line["check"] == "console").expect("looked at");
    assert_eq!(
        (&port["level"], &port["text"]),
        (&"fail".into(), &"there is no device /nonexistent/ttyUSB9".into())
    );
    assert!(port["remedy"].to_string().contains("plug its adapter in"), "{port}");
}

#[test]
fn a_console_server_is_looked_up_and_not_connected_to() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    server.set_nonblocking(true).expect("set");
    let port = server.local_addr().expect("bound").port();
    let home = Home::new();
    let node = |name: &str, transport: &str, host: &str| {
        format!(
            "[[node]]\nname = \"{name}\"\nconsole = {{ transport = \"{transport}\", host = \"{host}\", port = {port} }}\n"
        )
    };
    let config = home.config(&format!(
        "{}{}",
        node("t1", "telnet", "localhost"),
        node("t2", "tcp", "127.0.0.1").replace(&port.to_string(), "9")
    ));
    let (code, checks) = doctor(&home, &config);
    assert_eq!(code, 0, "{checks:#?}");
    for (name, words) in [("t1", format!("localhost:{port} is ")), ("t2", "127.0.0.1:9;".to_owned())] {
        let told = text(find(&checks, "console", name), "text");
        assert!(told.starts_with(&words) && told.ends_with("not connected to"), "{told}");
    }
    assert!(server.accept().is_err(), "it may drop whoever has the port");
    // No resolver can be asked for a label of more than 63 bytes, so nothing leaves this machine.
    let long = "x".repeat(70);
    let config = home.config(&node("t1", "telnet", &long));
    let (code, checks) = doctor(&home, &config);
    assert_eq!(code, 1);
    let check = find(&checks, "console", "t1");
    assert!(text(check, "text").contains(&long) && text(check, "remedy").contains("host"), "{check}");
}
