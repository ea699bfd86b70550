//! A lab of real BMCs and machines for one test: `tests/lab` with typed access to what it shows and records.
//!
//! Owns nothing but the calls; every process belongs to the lab's resident process, which ends when this test process
//! does, however it dies. Two labs never meet: start one per test (0.2 s for one `ipmi_sim`).

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{self, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};

/// What a lab consists of; the default is one `ipmi_sim` and nothing else.
#[derive(Clone, Debug)]
pub struct LabOptions {
    /// `ipmi_sim` BMCs, `r1n01` and on: cipher suite 3 only, no BMC reset, boot device without flags.
    pub sims: usize,
    /// pyghmi BMCs, `p1n01` and on: cipher suites 3 and 17, exact boot flags, BMC resets.
    pub pyghmi: usize,
    /// An `ipmi_sim` joined to a QEMU guest, `g1`.
    pub guest: bool,
    /// QEMU VMs: `vm1` runs, `vm2` is started paused.
    pub vms: bool,
    /// Further options of `tests/lab up`, such as `--suites 3` or `--power on`.
    pub more: &'static [&'static str],
}

impl Default for LabOptions {
    fn default() -> Self {
        Self { sims: 1, pyghmi: 0, guest: false, vms: false, more: &[] }
    }
}

/// A running lab; dropping it takes it down.
#[derive(Debug)]
pub struct Lab {
    dir: PathBuf,
    spec: Value,
}

impl Lab {
    /// Brings a lab up; returns when every BMC and VM in it answers.
    pub fn up(options: &LabOptions) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = PathBuf::from(format!("/tmp/lightsout-it-{}-{count}", process::id()));
        let output = lab_command("up", &dir)
            .arg(options.sims.to_string())
            .args(["--pyghmi", &options.pyghmi.to_string()])
            .arg(if options.guest { "--guest" } else { "--no-guest" })
            .arg(if options.vms { "--vms" } else { "--no-vms" })
            .args(["--json", "--until-pid", &process::id().to_string()])
            .args(options.more)
            .output()
            .expect("tests/lab starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tests/lab up failed: {said}");
        let spec = serde_json::from_slice(&output.stdout).expect("tests/lab up --json prints JSON");
        Self { dir, spec }
    }

    /// The lab's directory, gone when the lab is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A configuration of lightsout with all nodes of the lab.
    pub fn config(&self) -> PathBuf {
        text(&self.spec, "config").into()
    }

    /// A file with the password of user `admin`, mode 0600.
    pub fn password_file(&self) -> PathBuf {
        text(&self.spec, "password_file").into()
    }

    /// The node of this name, such as `r1n01`.
    pub fn node(&self, name: &str) -> Node {
        let nodes = self.spec["nodes"].as_array().expect("a lab has nodes");
        let spec = nodes.iter().find(|node| node["name"] == name);
        Node { spec: spec.ok_or(name).expect("a node that the lab has").clone() }
    }

    /// Runs ipmitool as an independent witness: user `admin`, suite 3, one try, which takes 4 s when nobody
    /// answers (`-N 1` in front of `arguments` halves that).
    pub fn ipmitool(&self, node: &str, arguments: &[&str]) -> Said {
        self.ipmitool_with(node, 3, ("admin", "secret"), arguments)
    }

    /// The same with a cipher suite and a user (also `oper`/`operpw` and `viewer`/`viewpw` with `-L` in
    /// `arguments`, `long`/`12345678901234567890` with pyghmi only, and `blank` with the empty password).
    pub fn ipmitool_with(&self, node: &str, suite: u8, user: (&str, &str), arguments: &[&str]) -> Said {
        let mut command = ipmitool(&self.node(node), suite, user.0);
        let output = command.env("IPMITOOL_PASSWORD", user.1).args(arguments).output();
        output.expect("ipmitool starts").into()
    }

    /// The BMC gets no datagram and sends none, as if its cable were cut; what is sent meanwhile is lost.
    pub fn silence(&self, node: &str) {
        self.control("silence", node);
    }

    /// Ends [`Lab::silence`].
    pub fn resume(&self, node: &str) {
        self.control("resume", node);
    }

    /// Stops the process of a BMC or VM (SIGSTOP); what is sent meanwhile is handled after [`Lab::thaw`].
    pub fn freeze(&self, node: &str) {
        self.control("freeze", node);
    }

    /// Ends [`Lab::freeze`].
    pub fn thaw(&self, node: &str) {
        self.control("thaw", node);
    }

    /// Kills a BMC, whose port is then unreachable, or a VM.
    pub fn kill(&self, node: &str) {
        self.control("kill", node);
    }

    /// Starts a killed BMC or VM again; returns when it answers.
    pub fn start(&self, node: &str) {
        self.control("start", node);
    }

    fn control(&self, what: &str, node: &str) {
        let mut socket = UnixStream::connect(text(&self.spec, "control")).expect("the lab runs");
        writeln!(socket, "{}", json!({"do": what, "node": node})).expect("the lab listens");
        let mut answer = String::new();
        BufReader::new(socket).read_line(&mut answer).expect("the lab answers");
        let answer: Value = serde_json::from_str(&answer).expect("the lab answers in JSON");
        assert_eq!(answer["ok"], true, "{what} {node}: {}", answer["error"]);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A failure here must not hide the test's own; the lab ends with this process in any case.
        let _ = lab_command("down", &self.dir).stdout(Stdio::null()).status();
    }
}

/// One node: where it answers, and the state and records of its BMC.
#[derive(Clone, Debug)]
pub struct Node {
    spec: Value,
}

impl Node {
    /// The BMC's address.
    pub fn address(&self) -> String {
        text(&self.spec, "address")
    }

    /// The BMC's port.
    pub fn port(&self) -> u16 {
        self.spec["port"].as_u64().and_then(|port| port.try_into().ok()).expect("a BMC has a port")
    }

    /// A VM's QMP socket.
    pub fn qmp(&self) -> PathBuf {
        text(&self.spec, "qmp").into()
    }

    /// A VM's serial socket.
    pub fn serial(&self) -> PathBuf {
        text(&self.spec, "serial").into()
    }

    /// The power state as the BMC itself has it: `on` or `off`.
    pub fn power(&self) -> String {
        self.read("power").trim().to_owned()
    }

    /// Changes the power state behind everybody's back, as a hand on the button would (not for the guest).
    pub fn set_power(&self, state: &str) {
        fs::write(self.file("power"), format!("{state}\n")).expect("the lab runs");
    }

    /// The boot device: ipmi_sim's word, or the five bytes of boot option parameter 5 in hex from a pyghmi BMC.
    pub fn boot(&self) -> String {
        self.read("boot").trim().to_owned()
    }

    /// What the BMC was told, a line each: `TIME set power 1` from ipmi_sim, `TIME user netfn command data` from pyghmi.
    pub fn commands(&self) -> Vec<String> {
        self.read("log").lines().map(str::to_owned).collect()
    }

    /// Every byte that the node's serial line received, that is, what was typed into SOL.
    pub fn typed(&self) -> Vec<u8> {
        let log = self.read("serial.log");
        let hex: String = log.lines().filter_map(|line| line.split_once(' ')).map(|(_, hex)| hex).collect();
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let digits: Vec<u8> = hex.as_bytes().iter().filter_map(digit).collect();
        digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    /// What the guest has printed on its serial line.
    pub fn printed(&self) -> String {
        self.read("serial.out")
    }

    /// The logins that the BMC accepted, oldest first, from its packets.
    pub fn logins(&self) -> Vec<Login> {
        let output =
            lab_command("logins", Path::new(&text(&self.spec, "dir")).parent().expect("a node's directory"))
                .arg("--json")
                .output()
                .expect("tests/lab starts");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("a JSON object a line"))
            .find(|bmc| bmc["node"] == self.spec["name"])
            .and_then(|bmc| bmc["logins"].as_array().cloned())
            .unwrap_or_default()
            .iter()
            .map(|login| Login {
                time: login["time"].as_f64().expect("a login has a time"),
                user: text(login, "user"),
                sol: login["sol"] == true,
            })
            .collect()
    }

    /// How often somebody began to log in (RAKP 1), whether it was accepted or not, from the BMC's packets.
    pub fn login_attempts(&self) -> usize {
        self.read("packets.log").lines().filter(|line| line.contains(" > rakp1 ")).count()
    }

    /// The smallest time between two accepted logins in seconds; infinite for fewer than two.
    pub fn smallest_login_gap(&self) -> f64 {
        self.logins().windows(2).map(|pair| pair[1].time - pair[0].time).fold(f64::INFINITY, f64::min)
    }

    /// From now on the BMC refuses to set `what`: `power`, `reset`, `shutdown`, `boot` (`nmi` with pyghmi).
    pub fn refuse(&self, what: &str) {
        fs::write(self.file(&format!("refuse.{what}")), "").expect("the lab runs");
    }

    /// From now on the BMC accepts to set `what` and does nothing.
    pub fn ignore(&self, what: &str) {
        fs::write(self.file(&format!("ignore.{what}")), "").expect("the lab runs");
    }

    /// From now on the power state follows a verb only after `seconds` (not for the guest).
    pub fn lag(&self, seconds: f32) {
        fs::write(self.file("lag"), seconds.to_string()).expect("the lab runs");
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new(&text(&self.spec, "dir")).join(name)
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.file(name)).unwrap_or_default()).into_owned()
    }
}

/// A login that a BMC accepted.
#[derive(Clone, Debug)]
pub struct Login {
    /// When, in seconds of Unix time.
    pub time: f64,
    /// The user name.
    pub user: String,
    /// Whether SOL was carried in it.
    pub sol: bool,
}

/// What a finished command said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Whether it exited with 0.
    pub ok: bool,
    /// Its standard output without the last newline.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            ok: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).trim_end().to_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// `ipmitool` pointed at a node, password expected in `IPMITOOL_PASSWORD`.
pub fn ipmitool(node: &Node, suite: u8, user: &str) -> Command {
    let mut command = Command::new("ipmitool");
    command
        .args(["-I", "lanplus", "-v", "-N", "1", "-R", "2", "-E", "-U", user, "-C", &suite.to_string()])
        .args(["-H", &node.address(), "-p", &node.port().to_string()])
        .stdin(Stdio::null());
    command
}

/// `tests/lab COMMAND --dir DIR`, for what [`Lab`] does not wrap.
pub fn lab_command(command: &str, dir: &Path) -> Command {
    let mut lab = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab"));
    lab.arg(command).arg("--dir").arg(dir).stdin(Stdio::null());
    lab
}

fn text(object: &Value, key: &str) -> String {
    object[key].as_str().ok_or((key, object)).expect("a key with text").to_owned()
}
