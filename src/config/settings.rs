//! The typed settings that the rest of the program works with. Already merged, zipped and checked.

use super::words::shown_long;
use super::{KeyBinding, Secret};
use crate::fleet::SortKey;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Everything a configuration says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the theme.
    pub theme: String,
    /// Polling.
    pub poll: PollSettings,
    /// Power verbs.
    pub power: PowerSettings,
    /// The outer screen.
    pub screen: ScreenSettings,
    /// The table of nodes.
    pub table: TableSettings,
    /// `[keys.*]`, checked: what differs from the default keys.
    pub keys: Vec<KeyBinding>,
    /// Directory for console logs; default `$XDG_STATE_HOME/lightsout/consoles`.
    pub log_dir: PathBuf,
    /// A console log is rotated once (`.1`) when it reaches this many bytes.
    pub log_max_bytes: u64,
    /// Scrollback of a console in lines.
    pub scrollback: usize,
    /// Directory of `audit.jsonl` and `lightsout.log`; default `$XDG_STATE_HOME/lightsout`.
    pub state_dir: PathBuf,
    /// Directory of the file shared between processes; default `/run/lightsout` if it is
    /// writable, else `$XDG_RUNTIME_DIR/lightsout`, else a 0700 directory of the user's below `/tmp`.
    pub runtime_dir: PathBuf,
    /// Path of the ipmitool binary, found in `PATH` when it has no slash.
    pub ipmitool: PathBuf,
    /// The nodes, in the order of the file, node sets expanded.
    pub nodes: Vec<NodeSettings>,
    /// Every tag in use or configured, with what it means.
    pub tags: BTreeMap<String, TagSettings>,
}

/// `[poll]`.
#[derive(Debug, Clone)]
pub struct PollSettings {
    /// How often each node's power is read.
    pub interval: Duration,
    /// Shortest time from the end of one exchange with a BMC to the start of the next.
    pub min_command_interval: Duration,
    /// Exchanges in flight over the whole fleet.
    pub max_in_flight: usize,
}

/// `[power]`.
#[derive(Debug, Clone)]
pub struct PowerSettings {
    /// How long a state may take to be confirmed.
    pub timeout: Duration,
    /// The same for an ACPI shutdown.
    pub soft_timeout: Duration,
    /// Between power-ons of many nodes.
    pub stagger: Duration,
}

/// `[screen]`.
#[derive(Debug, Clone)]
pub struct ScreenSettings {
    /// Frames a second on a local terminal.
    pub fps: u32,
    /// Frames a second under `SSH_CONNECTION`.
    pub fps_ssh: u32,
    /// The prefix key inside a console: one or two keys, `ctrl-]` or `ctrl-e c`.
    pub prefix: String,
    /// `auto`, `truecolor`, `256`, `16` or `never`.
    pub color: String,
    /// `auto`, `unicode`, `box` or `ascii`.
    pub glyphs: String,
    /// Whether the screen comes back as it was left: filter, order, places of consoles.
    pub restore: bool,
    /// Clicks and the wheel are ours; the terminal no longer selects text without shift.
    pub mouse: bool,
}

/// `[table]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableSettings {
    /// The columns, from left to right; `node` is among them.
    pub columns: Vec<String>,
    /// How it is sorted at the start.
    pub sort: SortKey,
}

/// `[tags.NAME]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TagSettings {
    /// Destructive verbs on its nodes need typed confirmation.
    pub protected: bool,
    /// No verb and no console input on its nodes.
    pub read_only: bool,
}

/// One node, expanded from a `[[node]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSettings {
    /// Its unique name.
    pub name: String,
    /// Its tags, in the order written.
    pub tags: Vec<String>,
    /// From its tags.
    pub protected: bool,
    /// From its tags.
    pub read_only: bool,
    /// What does its verbs.
    pub bmc: Option<BmcSettings>,
    /// What carries its console.
    pub console: Option<ConsoleSettings>,
}

/// `bmc = { … }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BmcSettings {
    /// Name of the driver, a row of `bmc::DRIVERS`.
    pub driver: String,
    /// Host name or address of the BMC (drivers `ipmi` and `ipmitool`).
    pub address: Option<String>,
    /// UDP port; 623 by default.
    pub port: u16,
    /// User and password, shared by all nodes that name the same credentials.
    pub credentials: Option<Arc<Credentials>>,
    /// Privilege level asked for.
    pub privilege: Privilege,
    /// Cipher suites in the order they are tried; `[17, 3]` by default.
    pub cipher_suites: Vec<u8>,
    /// The BMC key, if one is set.
    pub kg: Option<Secret>,
    /// Quirks of the BMC by name, and no others (driver `ipmi`); chosen by its manufacturer and product when
    /// `None`.
    pub quirks: Option<Vec<String>>,
    /// Whether the login stays open between polls (driver `ipmi`); else each exchange logs in and out.
    pub keep_login: bool,
    /// QMP socket (driver `qemu`).
    pub qmp: Option<PathBuf>,
    /// Start command of a virtual machine (driver `qemu`), run for `power on`.
    pub start: Option<Vec<String>>,
}

impl BmcSettings {
    /// What identifies the controller on this machine, whatever the node is called:
    /// `ipmi:10.1.1.1:623` or `qmp:/run/vm3.qmp`.
    #[must_use]
    pub fn identity(&self) -> String {
        match (&self.qmp, &self.address) {
            (Some(path), _) => format!("qmp:{}", path.display()),
            (None, Some(address)) => format!("ipmi:{address}:{}", self.port),
            (None, None) => "none".to_owned(),
        }
    }

    /// The same for people: `10.1.1.1`, `10.1.1.1:6230`, `/run/vm3.qmp`.
    #[must_use]
    pub fn place(&self) -> String {
        match (&self.qmp, &self.address) {
            (Some(path), _) => path.display().to_string(),
            (None, Some(address)) if self.port == 623 => address.clone(),
            (None, Some(address)) => format!("{address}:{}", self.port),
            (None, None) => String::new(),
        }
    }
}

/// `[credentials.NAME]`, with the secret already read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Its name in the file.
    pub name: String,
    /// User name; empty for the anonymous user.
    pub username: String,
    /// The password; empty is possible.
    pub password: Secret,
}

/// IPMI privilege levels (IPMI 2.0, section 6.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Privilege {
    /// Callback.
    Callback,
    /// User.
    User,
    /// Operator.
    Operator,
    /// Administrator.
    #[default]
    Administrator,
}

impl Privilege {
    /// As ipmitool's `-L` wants it: `ADMINISTRATOR`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Privilege::Callback => "CALLBACK",
            Privilege::User => "USER",
            Privilege::Operator => "OPERATOR",
            Privilege::Administrator => "ADMINISTRATOR",
        }
    }
}

/// `console = { … }`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Name of the transport, a row of `console::TRANSPORTS`.
    pub transport: String,
    /// Path of the socket (transport `unix`) or device (transport `serial`).
    pub path: Option<PathBuf>,
    /// Host name or address (transports `tcp` and `telnet`).
    pub host: Option<String>,
    /// TCP port (transports `tcp` and `telnet`).
    pub port: Option<u16>,
    /// Program and arguments (transport `command`).
    pub argv: Vec<String>,
    /// Bytes that address the program itself and must not reach it from the node's keyboard (transport
    /// `command`); known from the program's name when `None`, none at all when empty.
    pub escape: Option<Vec<u8>>,
    /// Environment variables that hold passwords of BMCs: none of the program's business (transport `command`).
    pub hidden: Arc<[String]>,
    /// What is asked of the serial line (transports `serial` and `telnet`).
    pub line: SerialLine,
    /// Character set; detected when `None`.
    pub charset: Option<Charset>,
    /// Columns and rows; 80x25, grown to what firmware addresses, when `None`.
    pub size: Option<(u16, u16)>,
    /// Long lines wrap although firmware left that switched off.
    pub force_wrap: bool,
    /// Whether a raw log is written; on by default.
    pub log: bool,
}

impl ConsoleSettings {
    /// Where it is, for people: `10.1.2.9:7001`, `/run/vm3.serial`, `virsh console vm3`; empty for `sol`.
    #[must_use]
    pub fn place(&self) -> String {
        match (&self.path, &self.host, self.port) {
            (Some(path), _, _) => path.display().to_string(),
            (None, Some(host), Some(port)) if host.contains(':') => format!("[{host}]:{port}"),
            (None, Some(host), Some(port)) => format!("{host}:{port}"),
            _ => shown_long(&self.argv.join(" ")),
        }
    }
}

/// Settings of a serial line; what is `None` is 115200 8N1 without flow control on a local port, and stays as the
/// server has it behind telnet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SerialLine {
    /// Bits a second.
    pub baud: Option<u32>,
    /// 5 to 8.
    pub data_bits: Option<u8>,
    /// Parity.
    pub parity: Option<Parity>,
    /// 1 or 2.
    pub stop_bits: Option<u8>,
    /// Flow control.
    pub flow: Option<Flow>,
}

/// Parity of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    /// None.
    None,
    /// Even.
    Even,
    /// Odd.
    Odd,
}

/// Flow control of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// None.
    None,
    /// RTS and CTS.
    Hardware,
    /// XON and XOFF.
    Software,
}

/// Character set of a console's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// IBM code page 437.
    Cp437,
    /// ISO 8859-1.
    Latin1,
}
