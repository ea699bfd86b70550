//! Consoles that other console servers already have: Debian's conserver, ConMan and ser2net.

use super::unix::{echo, server};
use super::{SOON, Wanted, private};
use crate::support::wait_for;
use lightsout::config::{ConsoleSettings, SerialLine};
use lightsout::console::SessionCommand;
use nix::pty::openpty;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A console server in the foreground; dropping it ends it.
struct Server(Child);

impl Server {
    /// Starts it and waits until it listens.
    fn start(program: &str, arguments: &[&str], port: u16) -> Server {
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", program])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the package is installed by tests/lab provide");
        let server = Server(child);
        wait_for(program, SOON, || TcpStream::connect(("127.0.0.1", port)).ok());
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("loopback").local_addr().expect("bound").port()
}

/// A program that plays the node: it says so, and shows what it gets.
fn node(dir: &Path) -> PathBuf {
    let path = dir.join("node");
    fs::write(&path, "#!/bin/sh\nstty raw -echo\nprintf 'node is up\\r\\n'\nexec cat -v\n")
        .expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    path
}

fn command(argv: &[&str]) -> ConsoleSettings {
    ConsoleSettings {
        transport: "command".into(),
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        ..ConsoleSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conserver_s_console_is_alive_in_a_pane_and_its_escape_is_the_node_s() {
    let dir = private();
    let (config, port, second) = (dir.path().join("conserver.cf"), free_port(), free_port());
    let text = format!(
        "config * {{ defaultaccess trusted; passwdfile /dev/null; logfile {0}/server.log; }}\n\
         console n1 {{ master 127.0.0.1; rw *; type exec; exec {1}; logfile {0}/n1.log; }}\n\
         access * {{ trusted 127.0.0.1; }}\n",
        dir.path().display(),
        node(dir.path()).display()
    );
    fs::write(&config, text).expect("a configuration");
    let (port, second) = (port.to_string(), second.to_string());
    let arguments = ["-C", config.to_str().expect("UTF-8"), "-M", "127.0.0.1", "-p", &port, "-b", &second];
    let _server = Server::start("/usr/sbin/conserver", &arguments, port.parse().expect("a port"));
    let console =
        Wanted::console(command(&["console", "-M", "127.0.0.1", "-p", &port, "n1"]), dir.path()).open();
    console.shows("help]");
    console.types(b"hello");
    console.shows("hello");
    // Its escape, and the key after it that would leave: both are typed into the node.
    console.types(b"\x05c.");
    console.shows("^Ec.");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conman_s_console_is_alive_in_a_pane_and_its_escape_is_the_node_s() {
    let dir = private();
    let (config, port) = (dir.path().join("conman.conf"), free_port());
    let node = dir.path().join("node.sock");
    server(&node, echo);
    let text = format!(
        "server loopback=on\nserver port={port}\nserver pidfile=\"{0}/pid\"\nserver logfile=\"{0}/log\"\n\
         console name=\"n1\" dev=\"unix:{1}\"\n",
        dir.path().display(),
        node.display()
    );
    fs::write(&config, text).expect("a configuration");
    let _server = Server::start("/usr/sbin/conmand", &["-F", "-c", config.to_str().expect("UTF-8")], port);
    let server = format!("127.0.0.1:{port}");
    let console = Wanted::console(command(&["conman", "-d", &server, "n1"]), dir.path()).open();
    console.shows("opened");
    console.types(b"fish & chips, &.");
    console.shows("fish & chips, &.");
    console.session.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ser2net_is_alive_in_a_pane_with_the_line_as_it_is_configured() {
    let dir = private();
    let pair = openpty(None, None).expect("a pseudo-terminal");
    let device = nix::unistd::ttyname(&pair.slave).expect("it has a name");
    let (config, port) = (dir.path().join("ser2net.yaml"), free_port());
    let text = format!(
        "connection: &n1\n  accepter: telnet(rfc2217),tcp,127.0.0.1,{port}\n  connector: serialdev,{},9600n81,local\n",
        device.display()
    );
    fs::write(&config, text).expect("a configuration");
    let _server = Server::start(
        "/usr/sbin/ser2net",
        &["-n", "-c", config.to_str().expect("UTF-8"), "-P", dir.path().join("pid").to_str().expect("UTF-8")],
        port,
    );
    let settings = ConsoleSettings {
        transport: "telnet".into(),
        host: Some("127.0.0.1".into()),
        port: Some(port),
        line: SerialLine { baud: Some(19_200), ..SerialLine::default() },
        ..ConsoleSettings::default()
    };
    let mut line = File::from(pair.master.try_clone().expect("another handle"));
    let console = Wanted::console(settings, dir.path()).open();
    console.attached();
    wait_for("the line's new speed", SOON, || {
        let settings = nix::sys::termios::tcgetattr(&pair.slave).ok()?;
        (nix::sys::termios::cfgetospeed(&settings) == nix::sys::termios::BaudRate::B19200).then_some(())
    });
    line.write_all(b"switch> ").expect("written");
    console.shows("switch>");
    console.types(b"show\r\xff");
    let mut typed = [0; 6];
    line.read_exact(&mut typed).expect("what was typed");
    assert_eq!(&typed, b"show\r\xff", "binary in both directions");
    assert!(console.session.send(SessionCommand::Break).is_ok());
    console.types(b"x");
    let mut typed = [0; 1];
    line.read_exact(&mut typed).expect("what was typed after a break");
    assert_eq!(console.session.status().note, None, "the break was sent");
    console.session.stop().await;
}
