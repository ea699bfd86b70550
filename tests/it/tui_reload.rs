//! Another configuration while the screen lives, the screen as it was left, and ten of them at once.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lightsout::sim::{Fleet, FleetSpec};
use nix::sys::signal::Signal;

use crate::support::program::Home;
use crate::support::tui::{SOON, Tui};
use crate::support::wait_for;

/// Simulated BMCs, a console on a socket, and a configuration of them that a test may rewrite.
struct Site {
    home: Home,
    fleet: Fleet,
    socket: PathBuf,
    /// Clients that the socket ever had.
    clients: Arc<AtomicUsize>,
    _runtime: tokio::runtime::Runtime,
}

impl Site {
    fn new(bmcs: usize) -> Site {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let inside = runtime.enter();
        let names = (1..=bmcs).map(|number| format!("s{number}")).collect();
        let spec = FleetSpec { names, on: 100, record: true, ..FleetSpec::default() };
        let fleet = Fleet::start(&spec).expect("ports are free");
        drop(inside);
        let home = Home::new();
        let socket = home.path().join("serial");
        let clients = Arc::new(AtomicUsize::new(0));
        echo(&socket, Arc::clone(&clients));
        Site { home, fleet, socket, clients, _runtime: runtime }
    }

    /// The part of a configuration for one of the BMCs.
    fn bmc(&self, name: &str) -> String {
        let port = self.fleet.bmc(name).expect("it is there").address().port();
        format!(
            "[[node]]\nname = \"{name}\"\ntags = [\"rack1\"]\n\
             bmc = {{ driver = \"ipmi\", address = \"127.0.0.1\", port = {port}, credentials = \"sim\" }}\n"
        )
    }

    /// The part for the console on the socket.
    fn console(&self) -> String {
        let socket = self.socket.display();
        format!("[[node]]\nname = \"con1\"\nconsole = {{ transport = \"unix\", path = \"{socket}\" }}\n")
    }

    /// Writes the configuration; its path.
    fn config(&self, settings: &str, nodes: &[String]) -> String {
        let secret = "[credentials.sim]\nusername = \"admin\"\npassword = \"secret\"\n";
        self.config_with(settings, secret, nodes)
    }

    fn config_with(&self, settings: &str, credentials: &str, nodes: &[String]) -> String {
        let poll = "[poll]\ninterval = \"2s\"\nmin_command_interval = \"500ms\"\n";
        let path = self.home.config(&format!("{settings}\n{poll}{credentials}{}", nodes.concat()));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
        path
    }

    fn start(&self, config: &str) -> Tui {
        Tui::start(self.home.path(), &["-c", config], (100, 30))
    }

    fn clients(&self) -> usize {
        self.clients.load(Ordering::SeqCst)
    }

    fn layout(&self) -> PathBuf {
        let files = std::fs::read_dir(self.home.path().join("state/lightsout")).expect("there");
        let mut found = files.flatten().map(|file| file.path());
        found.find(|path| path.extension().is_some_and(|it| it == "json")).expect("a layout was kept")
    }
}

/// Serves a socket whose clients get back in brackets what they type.
fn echo(path: &Path, clients: Arc<AtomicUsize>) {
    let listener = UnixListener::bind(path).expect("a free path");
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            clients.fetch_add(1, Ordering::SeqCst);
            std::thread::spawn(move || {
                let mut buffer = [0; 256];
                while let Ok(length @ 1..) = client.read(&mut buffer) {
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    if client.write_all(format!("<{text}>").as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

/// How many polls of `name` there were.
fn polls(site: &Site, name: &str) -> u64 {
    site.fleet.bmc(name).expect("it is there").stats().polls
}

fn open_console(tui: &mut Tui) {
    tui.keys("/con1\r");
    tui.wait_until("con1 under the cursor", SOON, |screen| {
        screen.lines().any(|line| line.contains('▸') && line.contains("con1"))
    });
    tui.keys("c");
    tui.wait("attached, no output yet");
}

/// Types a letter at the focused console and waits until it comes back.
fn echoes(tui: &mut Tui, letter: char) {
    tui.keys(&letter.to_string());
    tui.wait(&format!("<{letter}>"));
}

fn is_on(screen: &str, node: &str) -> bool {
    screen.lines().skip(1).any(|line| line.contains(node) && line.contains("● on"))
}

#[test]
fn a_reload_brings_and_takes_nodes_and_a_console_stays_open() {
    let site = Site::new(2);
    let config = site.config("", &[site.bmc("s1"), site.console()]);
    let mut tui = site.start(&config);
    tui.wait_until("s1 is on", SOON, |screen| is_on(screen, "s1"));
    open_console(&mut tui);
    echoes(&mut tui, 'a');
    site.config("[screen]\nprefix = \"ctrl-g\"\n", &[site.bmc("s1"), site.bmc("s2")]);
    tui.keys("\x1d\x1b:filter\r\r:reload\r");
    tui.wait("reloaded: 1 node added, 1 removed");
    tui.wait_until("s2 is polled", SOON, |screen| is_on(screen, "s2"));
    tui.wait("no longer in the configuration");
    let rows = |screen: &str| {
        screen.lines().filter(|line| line.contains("con1") && !line.contains("con1 ·")).count()
    };
    tui.wait_until("con1 has no row", SOON, |screen| rows(screen) == 0);
    tui.keys("\t");
    echoes(&mut tui, 'b');
    tui.keys("\x07o");
    tui.wait("any more: it stays as it is");
    echoes(&mut tui, 'c');
    assert_eq!(site.clients(), 1, "one connection all the time");
    assert_eq!(site.fleet.bmc("s1").unwrap().stats().logins, 1, "what was not changed kept its login");
    tui.keys("\x07.");
    tui.wait_gone("con1");
    tui.keys("q");
    assert_eq!(tui.wait_exit(), Some(0));
    let audited =
        site.home.audit().iter().any(|line| line["verb"] == "reload" && line["operator"].is_string());
    assert!(audited, "{:?}", site.home.audit());
}

#[test]
fn an_sol_console_outlives_its_node_and_its_password_and_takes_the_new_one_when_reopened() {
    let site = Site::new(1);
    let sol = site.bmc("s1") + "console = { transport = \"sol\" }\n";
    let credentials = "[credentials.sim]\nusername = \"admin\"\npassword = \"secret\"\n\
                       [credentials.wrong]\nusername = \"admin\"\npassword = \"guess\"\n";
    let config = site.config_with("", credentials, std::slice::from_ref(&sol));
    let bmc = site.fleet.bmc("s1").expect("it is there");
    let typed = |text: &str| {
        wait_for(&format!("{text} reaches the node"), SOON, || {
            bmc.stats().typed.ends_with(text.as_bytes()).then_some(())
        });
    };
    let mut tui = site.start(&config);
    tui.wait_until("s1 is on", SOON, |screen| is_on(screen, "s1"));
    tui.keys("c");
    tui.wait("s1 · SOL · interactive");
    tui.keys("one");
    typed("one");
    site.config_with("", credentials, &[site.console()]);
    tui.signal(Signal::SIGUSR1);
    tui.wait("no longer in the configuration");
    tui.keys("two");
    typed("onetwo");
    let polls_then = polls(&site, "s1");
    site.config_with("", credentials, &[sol.replace("\"sim\"", "\"wrong\""), site.console()]);
    tui.signal(Signal::SIGUSR1);
    tui.wait("opened with older settings; ctrl-] o takes the new");
    wait_for("the new password is tried for polls", SOON, || (bmc.stats().refused == 1).then_some(()));
    tui.keys("six");
    typed("onetwosix");
    tui.keys("\x1do");
    tui.wait("closed: ");
    tui.wait_gone("opened with older settings");
    assert_eq!(polls(&site, "s1"), polls_then, "no poll with the old password");
    tui.keys("\x1d.");
    tui.wait_gone("s1 ·");
    wait_for("no login is left", SOON, || (bmc.with(|bmc, _| bmc.sessions()) == 0).then_some(()));
}

#[test]
fn a_broken_configuration_changes_nothing_and_says_where_it_is_wrong() {
    let site = Site::new(1);
    let good = [site.bmc("s1"), site.console()];
    let config = site.config("", &good);
    let mut tui = site.start(&config);
    tui.wait_until("s1 is on", SOON, |screen| is_on(screen, "s1"));
    open_console(&mut tui);
    echoes(&mut tui, 'a');
    site.config("thema = \"default\"\n[screen]\nprefix = \"x\"\n", &[site.bmc("s1")]);
    tui.signal(Signal::SIGUSR1);
    tui.wait("not reloaded (and 1 more)");
    tui.wait("config.toml:1:1");
    echoes(&mut tui, 'b');
    tui.keys("\x1d\x1bL");
    tui.wait("prefix");
    tui.wait("did you mean");
    tui.keys("\x1b");
    tui.wait_gone("did you mean");
    let before = polls(&site, "s1");
    wait_for("s1 is polled as before", SOON, || (polls(&site, "s1") > before + 1).then_some(()));
    std::fs::write(&config, "").unwrap();
    tui.signal(Signal::SIGUSR1);
    tui.wait("not reloaded: there is no node in it");
    std::fs::remove_file(&config).unwrap();
    tui.keys(":reload\r");
    tui.wait("not reloaded: cannot read");
    site.config("", &good);
    tui.keys(":reload\r");
    tui.wait("reloaded: no node changed");
    tui.keys("\t");
    echoes(&mut tui, 'c');
    assert_eq!(site.clients(), 1);
}

#[test]
fn a_password_command_that_takes_its_time_stops_nothing_and_gets_no_keys() {
    let site = Site::new(1);
    let fifo = site.home.path().join("password");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // The first would wait for what is typed, if it were given the terminal.
    let script = format!("cat; cat {}", fifo.display());
    let credentials = format!(
        "[credentials.sim]\nusername = \"admin\"\npassword_command = [\"sh\", \"-c\", \"{script}\"]\n"
    );
    let nodes = [site.bmc("s1"), site.console()];
    let config = site.config_with("", &credentials, &nodes);
    let answer = |text: &str| std::fs::write(&fifo, text).unwrap();
    let mut tui = site.start(&config);
    answer("wrong\n");
    tui.wait("authentication failed");
    open_console(&mut tui);
    tui.keys("\x1d\x1b:reload\r\t");
    for letter in ['a', 'b', 'c'] {
        echoes(&mut tui, letter);
    }
    answer("secret\n");
    tui.wait("reloaded: 1 node changed");
    tui.keys("\x1d\x1b/s1\r");
    tui.wait_until("the new password is used", SOON, |screen| is_on(screen, "s1"));
    assert_eq!(site.fleet.bmc("s1").unwrap().stats().refused, 1, "the wrong one was tried once");
}

#[test]
fn the_screen_comes_back_as_it_was_left_and_consoles_wait_for_the_operator() {
    let site = Site::new(2);
    let config = site.config("", &[site.bmc("s1"), site.bmc("s2"), site.console()]);
    let mut tui = site.start(&config);
    tui.wait_until("s1 is on", SOON, |screen| is_on(screen, "s1"));
    open_console(&mut tui);
    echoes(&mut tui, 'a');
    tui.keys("\x1d\x1b:sort tag\r:reverse\r");
    // The line drops: nobody is asked, and all is kept.
    tui.signal(Signal::SIGHUP);
    tui.wait_exit();
    let mode = std::fs::metadata(site.layout()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let mut tui = site.start(&config);
    tui.wait("detached; enter attaches it");
    tui.wait("filter con1 1/3");
    tui.keys("\tx");
    tui.wait("con1 is detached; enter attaches it");
    assert_eq!(site.clients(), 1, "nothing is attached by itself");
    tui.keys("\r");
    tui.wait("attached, no output yet");
    echoes(&mut tui, 'b');
    assert_eq!(site.clients(), 2);
    tui.keys("\x1d.");
    tui.wait_gone("con1 ·");
    tui.keys("q");
    assert_eq!(tui.wait_exit(), Some(0));

    std::fs::write(site.layout(), "no layout at all").unwrap();
    let mut tui = site.start(&config);
    tui.wait("cannot use the layout in");
    tui.wait_until("all is as on the first day", SOON, |screen| is_on(screen, "s2"));
    tui.keys("q");
    tui.wait_exit();
    site.config("[screen]\nrestore = false\n", &[site.bmc("s1"), site.console()]);
    std::fs::remove_file(site.layout()).unwrap();
    let mut tui = site.start(&config);
    tui.wait_until("s1 is on", SOON, |screen| is_on(screen, "s1"));
    tui.keys("/s1\r");
    tui.wait("filter s1 1/2");
    tui.keys("q");
    tui.wait_exit();
    let kept = std::fs::read_dir(site.home.path().join("state/lightsout")).unwrap().flatten();
    let kept: Vec<_> = kept.filter(|file| file.path().extension().is_some_and(|it| it == "json")).collect();
    assert!(kept.is_empty(), "nothing is kept when it is not wanted: {kept:?}");
}

#[test]
fn ten_screens_cost_a_bmc_what_one_does() {
    let site = Site::new(2);
    let config = site.config("", &[site.bmc("s1"), site.bmc("s2")]);
    let mut screens: Vec<Tui> = (0..10).map(|_| site.start(&config)).collect();
    for tui in &screens {
        tui.wait_until("both are on", Duration::from_secs(60), |screen| {
            is_on(screen, "s1") && is_on(screen, "s2")
        });
    }
    let polls = |name: &str| polls(&site, name);
    let (began, before) = (std::time::Instant::now(), [polls("s1"), polls("s2")]);
    wait_for("ten more polls of each", Duration::from_secs(60), || {
        (polls("s1") >= before[0] + 10 && polls("s2") >= before[1] + 10).then_some(())
    });
    // An interval of 2 s, ten per cent less at most.
    let most = began.elapsed().as_secs_f64() / 1.8 + 2.0;
    for (name, before) in ["s1", "s2"].into_iter().zip(before) {
        let made = f64::from(u32::try_from(polls(name) - before).unwrap());
        assert!(made <= most, "{name}: {made} polls where one screen makes {most}");
        let stats = site.fleet.bmc(name).unwrap().stats();
        assert_eq!((stats.logins, stats.most_sessions), (1, 1), "{name}: only the one that polls logs in");
        let (shortest, _) = stats.gaps.expect("many polls");
        assert!(shortest >= Duration::from_millis(500), "{name}: polls {shortest:?} apart");
    }
    // A verb pending in one is seen in the others and refused there.
    site.fleet.bmc("s1").unwrap().faults(|faults| faults.ignore_verbs = true);
    screens[0].keys("/s1\rpf");
    screens[0].wait("power off s1?");
    crate::tui_table::press_y_until_gone(&mut screens[0]);
    for tui in &screens[1..] {
        tui.wait(&format!("process {})", screens[0].pid()));
    }
    screens[9].keys("/s1\rps");
    screens[9].wait("power soft s1?");
    crate::tui_table::press_y_until_gone(&mut screens[9]);
    screens[9].wait("power off is pending in another lightsout (");
}

#[test]
fn a_wrong_password_in_one_is_tried_by_none_until_an_operator_acts() {
    let site = Site::new(2);
    let wrong = "[credentials.sim]\nusername = \"admin\"\npassword = \"secret\"\n\
                 [credentials.wrong]\nusername = \"admin\"\npassword = \"guess\"\n";
    let nodes = [site.bmc("s1"), site.bmc("s2").replace("\"sim\"", "\"wrong\"")];
    let config = site.config_with("", wrong, &nodes);
    let mut screens: Vec<Tui> = (0..3).map(|_| site.start(&config)).collect();
    for tui in &screens {
        tui.wait_until("one is on, the other refuses", SOON, |screen| {
            is_on(screen, "s1") && screen.contains("authentication failed")
        });
    }
    let refused = || site.fleet.bmc("s2").expect("it is there").stats().refused;
    let before = polls(&site, "s1");
    wait_for("five intervals", SOON, || (polls(&site, "s1") >= before + 5).then_some(()));
    assert_eq!(refused(), 1, "one of them tried, once");
    screens[2].keys("/s2\r");
    screens[2].wait("filter s2 1/2");
    screens[2].keys("r");
    wait_for("it is tried once more", SOON, || (refused() == 2).then_some(()));
    let before = polls(&site, "s1");
    wait_for("five intervals", SOON, || (polls(&site, "s1") >= before + 5).then_some(()));
    assert_eq!(refused(), 2, "by the one that was asked");
}

#[test]
fn an_inventory_that_fails_takes_no_node_away() {
    let site = Site::new(2);
    let list = site.home.path().join("list.json");
    let write = |names: &[&str]| {
        let node = |name: &&str| {
            let port = site.fleet.bmc(name).expect("it is there").address().port();
            format!(
                "{{\"name\": \"{name}\", \"bmc\": {{\"address\": \"127.0.0.1\", \"port\": {port}, \
                 \"credentials\": \"sim\"}}}}"
            )
        };
        let nodes: Vec<String> = names.iter().map(node).collect();
        let text = format!("{{\"v\": 1, \"nodes\": [{}]}}", nodes.join(", "));
        std::fs::write(&list, text).expect("it can be written");
    };
    write(&["s1"]);
    let inventory = format!("[[inventory]]\ncommand = [\"cat\", \"{}\"]\n", list.display());
    let config = site.config("", &[inventory]);
    let mut tui = site.start(&config);
    tui.wait_until("s1 is on", SOON, |screen| is_on(screen, "s1"));
    write(&["s1", "s2"]);
    tui.keys(":reload\r");
    tui.wait("reloaded: 1 node added");
    tui.wait_until("s2 is on", SOON, |screen| is_on(screen, "s2"));
    std::fs::remove_file(&list).expect("it is there");
    tui.keys(":reload\r");
    tui.wait("not reloaded");
    let before = polls(&site, "s2");
    wait_for("s2 is polled as before", SOON, || (polls(&site, "s2") > before + 1).then_some(()));
    assert!(is_on(&tui.screen(), "s1") && is_on(&tui.screen(), "s2"), "{}", tui.screen());
}

#[test]
fn a_password_command_that_asks_on_the_terminal_gets_neither_screen_nor_keys() {
    let site = Site::new(1);
    let asks = site.home.path().join("asks");
    let script = format!(
        "if test -e {}; then printf 'Vault:' > /dev/tty; read -r word < /dev/tty; echo $word; else echo secret; fi",
        asks.display()
    );
    let credentials = format!(
        "[credentials.sim]\nusername = \"admin\"\npassword_command = [\"sh\", \"-c\", \"{script}\"]\n"
    );
    let config = site.config_with("", &credentials, &[site.bmc("s1"), site.console()]);
    let mut tui = site.start(&config);
    tui.wait_until("s1 is on", SOON, |screen| is_on(screen, "s1"));
    open_console(&mut tui);
    std::fs::write(&asks, "").unwrap();
    tui.keys("\x1d\x1b:reload\r");
    tui.wait("wants to ask on the terminal");
    tui.keys("\t");
    for letter in ['a', 'b', 'c'] {
        echoes(&mut tui, letter);
    }
    assert!(!String::from_utf8_lossy(&tui.raw()).contains("Vault:"), "{}", tui.screen());
    std::fs::remove_file(&asks).unwrap();
    tui.signal(Signal::SIGUSR1);
    tui.wait("reloaded: no node changed");
}

#[test]
fn leaving_ends_an_inventory_that_is_being_asked() {
    let site = Site::new(0);
    let (hangs, pid) = (site.home.path().join("hangs"), site.home.path().join("pid"));
    let script = format!(
        "test -e {} && {{ sleep 600 & echo $! > {}; wait; }}; printf '{{\\\"v\\\": 1, \\\"nodes\\\": []}}'",
        hangs.display(),
        pid.display()
    );
    let inventory = format!("[[inventory]]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n");
    let config = site.config("", &[site.console(), inventory]);
    let mut tui = site.start(&config);
    tui.wait("con1");
    std::fs::write(&hangs, "").unwrap();
    tui.signal(Signal::SIGUSR1);
    let pid =
        wait_for("the command runs", SOON, || std::fs::read_to_string(&pid).ok()?.trim().parse::<i32>().ok());
    tui.keys("q");
    assert_eq!(tui.wait_exit(), Some(0));
    wait_for("the end of what the command started", SOON, || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    });
}

#[test]
fn a_reload_that_is_asked_of_one_that_only_starts_does_not_end_it() {
    let site = Site::new(1);
    let (fifo, runs) = (site.home.path().join("password"), site.home.path().join("runs"));
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let script = format!("if mkdir {}; then cat {}; else echo secret; fi", runs.display(), fifo.display());
    let credentials = format!(
        "[credentials.sim]\nusername = \"admin\"\npassword_command = [\"sh\", \"-c\", \"{script}\"]\n"
    );
    let config = site.config_with("", &credentials, &[site.bmc("s1")]);
    let mut tui = site.start(&config);
    wait_for("it starts", SOON, || runs.exists().then_some(()));
    tui.signal(Signal::SIGUSR1);
    std::fs::write(&fifo, "secret\n").unwrap();
    tui.wait_until("s1 is on", SOON, |screen| is_on(screen, "s1"));
    tui.signal(Signal::SIGUSR1);
    tui.wait("reloaded: no node changed");
    tui.keys("q");
    assert_eq!(tui.wait_exit(), Some(0));
}

#[test]
fn what_is_written_while_an_older_configuration_is_being_read_is_taken_too() {
    let site = Site::new(0);
    let (fifo, runs) = (site.home.path().join("inventory"), site.home.path().join("runs"));
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let script = format!(
        "mkdir {} && cat {}; printf '{{\\\"v\\\": 1, \\\"nodes\\\": []}}'",
        runs.display(),
        fifo.display()
    );
    let slow = format!("[[inventory]]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n");
    let config = site.config("", &[site.console()]);
    let tui = site.start(&config);
    tui.wait("con1");
    site.config("", &[site.console(), slow]);
    tui.signal(Signal::SIGUSR1);
    wait_for("the first is being read", SOON, || runs.exists().then_some(()));
    site.config("", &[site.console(), "[[node]]\nname = \"newest\"\n".to_owned()]);
    tui.signal(Signal::SIGUSR1);
    tui.wait("read once more after that");
    std::fs::write(&fifo, "").unwrap();
    tui.wait("newest");
}
