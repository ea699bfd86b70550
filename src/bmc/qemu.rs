//! Driver `qemu`: a virtual machine through its QMP socket.
//!
//! One exchange is one connection, so that other tools get their turn. The machine's process is the
//! machine: without one it is off, and "on" means running the configured start command. Must not
//! decide when to resume a paused machine: the console asks for that.

mod qmp;

use super::driver::{Bmc, Capabilities, DriverContext, DriverRow, Exchange, Reply};
use super::{BmcError, BmcInfo, SuiteMemory};
use crate::config::BmcSettings;
use crate::fleet::{Checkup, FaultClass, Power};
use qmp::{Qmp, QmpError};
use serde_json::Value;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, timeout_at};

/// A monitor on the same machine answers in milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// The word for a machine without a process.
const NO_PROCESS: &str = "no process";

/// The row of [`super::DRIVERS`].
pub(super) const ROW: DriverRow = DriverRow {
    name: "qemu",
    about: "a QEMU virtual machine, through its QMP socket",
    capabilities: Capabilities {
        soft: true,
        cycle: false,
        nmi: true,
        boot: false,
        reset_bmc: false,
        raw: false,
        info: true,
        identify: false,
        sol: false,
    },
    open,
};

/// One virtual machine.
struct Qemu {
    socket: PathBuf,
    start: Option<Vec<String>>,
    limit: Duration,
}

fn open(
    settings: &BmcSettings,
    context: &DriverContext,
    _suites: Arc<SuiteMemory>,
) -> Result<Box<dyn Bmc>, BmcError> {
    let socket = settings.qmp.clone().ok_or_else(|| local("the machine has no QMP socket".to_owned()))?;
    Ok(Box::new(Qemu { socket, start: settings.start.clone(), limit: LIMIT.min(context.limit) }))
}

/// What a start command gets of our environment.
const KEPT: [&str; 8] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "XDG_RUNTIME_DIR"];

fn no_start() -> BmcError {
    BmcError::new(FaultClass::Unsupported, "the machine has no start command, so it could not be started")
        .hint("set start = [\"qemu-system-x86_64\", …] in its bmc table")
        .not_sent()
}

/// What an exchange is on the wire; `None` where a virtual machine has nothing like it.
fn command(exchange: &Exchange) -> Option<&'static str> {
    match exchange {
        Exchange::Power => Some("query-status"),
        Exchange::Off => Some("quit"),
        Exchange::Soft => Some("system_powerdown"),
        Exchange::Reset => Some("system_reset"),
        Exchange::Nmi => Some("inject-nmi"),
        Exchange::Resume => Some("cont"),
        Exchange::Info | Exchange::Checkup => Some("query-version"),
        _ => None,
    }
}

#[async_trait::async_trait]
impl Bmc for Qemu {
    async fn exchange(&mut self, exchange: &Exchange) -> Result<Reply, BmcError> {
        let deadline = Instant::now() + self.limit;
        if *exchange == Exchange::On {
            return self.start(deadline).await;
        }
        let Some(command) = command(exchange) else {
            return Err(unsupported(exchange));
        };
        let Some(mut qmp) = self.connect(deadline).await? else {
            return self.without_process(exchange);
        };
        let done = timeout_at(deadline, converse(&mut qmp, exchange, command)).await;
        match done {
            Err(_) => Err(BmcError::new(
                FaultClass::Timeout,
                format!("no reply to {command} from {} within {} s", self.place(), self.limit.as_secs()),
            )),
            // A machine that quits need not say goodbye.
            Ok(Err(QmpError::Closed)) if *exchange == Exchange::Off => Ok(Reply::Done),
            Ok(Err(error)) => Err(self.failed(&format!("execute {command}"), error)),
            Ok(Ok(reply)) => Ok(reply),
        }
    }

    fn cannot(&self, exchange: &Exchange) -> Option<BmcError> {
        match exchange {
            Exchange::On if self.start.is_some() => None,
            Exchange::On => Some(no_start()),
            _ => command(exchange).is_none().then(|| unsupported(exchange)),
        }
    }

    fn describe(&self, exchange: &Exchange) -> String {
        match (exchange, &self.start) {
            (Exchange::On, Some(start)) => format!("run {}", start.join(" ")),
            _ => command(exchange).map_or_else(
                || unsupported(exchange).reason,
                |command| format!("qmp {}: {command}", self.place()),
            ),
        }
    }
}

impl Qemu {
    fn place(&self) -> std::path::Display<'_> {
        self.socket.display()
    }

    /// A connection that is ready for commands; `None` when no process is behind the socket.
    async fn connect(&self, deadline: Instant) -> Result<Option<Qmp>, BmcError> {
        // Connecting to any other kind of file is refused just as if the machine had ended.
        match self.socket.symlink_metadata().and_then(|_| self.socket.metadata()) {
            Ok(meta) if !meta.file_type().is_socket() => {
                return Err(local(format!("{} is not a socket", self.place())));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        let mut qmp = match timeout_at(deadline, Qmp::connect(&self.socket)).await {
            Ok(Ok(qmp)) => qmp,
            Ok(Err(QmpError::Gone)) => return Ok(None),
            Ok(Err(error)) => return Err(self.failed("connect", error).not_sent()),
            Err(_) => return Err(self.occupied()),
        };
        let greeted = timeout_at(deadline, async {
            qmp.greeting().await?;
            qmp.execute("qmp_capabilities").await
        });
        match greeted.await {
            Ok(Ok(_)) => Ok(Some(qmp)),
            Ok(Err(error)) => Err(self.failed("greet", error).not_sent()),
            Err(_) => Err(self.occupied()),
        }
    }

    /// What an exchange comes to when the machine has no process.
    fn without_process(&self, exchange: &Exchange) -> Result<Reply, BmcError> {
        match exchange {
            Exchange::Power => Ok(Reply::Power(Power::Off, Some(NO_PROCESS.to_owned()))),
            Exchange::Checkup => {
                Ok(Reply::Checkup(Box::new(Checkup::new(Power::Off, Some(NO_PROCESS.to_owned())))))
            }
            // It may have ended by itself since it was last seen; it is as it should be.
            Exchange::Off | Exchange::Soft => Ok(Reply::Done),
            Exchange::Resume => Ok(Reply::Resumed(false)),
            _ => Err(BmcError::new(
                FaultClass::Rejected,
                format!("the machine is not running: nothing listens on {}", self.place()),
            )
            .not_sent()),
        }
    }

    /// Runs the start command in a session of its own, so that the machine outlives us.
    async fn start(&self, deadline: Instant) -> Result<Reply, BmcError> {
        let Some([program, args @ ..]) = self.start.as_deref() else {
            return Err(no_start());
        };
        // A second process on the same disk would destroy it.
        if let Some(mut qmp) = self.connect(deadline).await? {
            let status = timeout_at(deadline, status(&mut qmp)).await.ok().and_then(Result::ok);
            return Err(BmcError::new(
                FaultClass::Rejected,
                format!(
                    "the machine has a process already, status {}",
                    status.as_deref().unwrap_or("unknown")
                ),
            )
            .hint("a paused machine is resumed when its console is attached; power off ends the process")
            .not_sent());
        }
        // setsid forks, so the machine is no child of ours; a missing program would go unnoticed.
        super::program::find(Path::new(program))
            .ok_or_else(|| local(format!("cannot run the start command {program}: not found")))?;
        let setsid = Command::new("setsid")
            .args(["--fork", program])
            .args(args)
            // Our own environment may hold a password (`password_env`).
            .env_clear()
            .envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match timeout_at(deadline, setsid).await {
            Ok(Ok(status)) if status.success() => Ok(Reply::Done),
            Ok(Ok(status)) => Err(local(format!("cannot run the start command: setsid ended with {status}"))),
            Ok(Err(error)) => Err(local(format!("cannot run the start command: setsid: {error}"))),
            Err(_) => Err(BmcError::new(FaultClass::Timeout, "the start command did not start in time")),
        }
    }

    fn occupied(&self) -> BmcError {
        BmcError::new(FaultClass::Busy, format!("no greeting on {}: another client holds it", self.place()))
            .hint("close the other client, or give the machine a second QMP socket")
            .not_sent()
    }

    fn failed(&self, deed: &str, error: QmpError) -> BmcError {
        let place = self.place();
        match error {
            QmpError::Gone | QmpError::Closed => {
                BmcError::new(FaultClass::Timeout, format!("cannot {deed}: the machine closed {place}"))
            }
            QmpError::Full => self.occupied(),
            QmpError::Io(error) => {
                BmcError::new(FaultClass::Local, format!("cannot {deed} on {place}: {error}"))
            }
            QmpError::Garbage(why) => BmcError::new(
                FaultClass::Protocol,
                format!("cannot {deed}: {place} does not speak QMP: {why}"),
            ),
            QmpError::Refused { class, text } => {
                let class =
                    if class == "CommandNotFound" { FaultClass::Unsupported } else { FaultClass::Rejected };
                let text: String = text.chars().filter(|char| !char.is_control()).take(120).collect();
                BmcError::new(class, format!("cannot {deed}: {text}"))
            }
        }
    }
}

async fn converse(qmp: &mut Qmp, exchange: &Exchange, command: &str) -> Result<Reply, QmpError> {
    match exchange {
        Exchange::Power => {
            let (power, detail) = power(qmp).await?;
            Ok(Reply::Power(power, detail))
        }
        Exchange::Resume => {
            // Never on inmigrate, postmigrate, io-error, guest-panicked: cont would lose data there.
            let paused = matches!(status(qmp).await?.as_str(), "prelaunch" | "paused");
            if paused {
                qmp.execute(command).await?;
            }
            Ok(Reply::Resumed(paused))
        }
        Exchange::Info => Ok(Reply::Info(info(qmp).await?)),
        Exchange::Checkup => {
            let (power, detail) = power(qmp).await?;
            let identity = info(qmp).await?;
            Ok(Reply::Checkup(Box::new(Checkup { identity, ..Checkup::new(power, detail) })))
        }
        _ => {
            qmp.execute(command).await?;
            Ok(Reply::Done)
        }
    }
}

/// The power state, and the status where it says more.
async fn power(qmp: &mut Qmp) -> Result<(Power, Option<String>), QmpError> {
    let status = status(qmp).await?;
    // With -no-shutdown the process outlives its guest.
    let power = if status == "shutdown" { Power::Off } else { Power::On };
    Ok((power, (status != "running").then_some(status)))
}

async fn status(qmp: &mut Qmp) -> Result<String, QmpError> {
    let answer = qmp.execute("query-status").await?;
    let status = answer.get("status").and_then(Value::as_str);
    status
        .filter(|status| status.chars().all(|char| char.is_ascii_graphic()))
        .map(str::to_owned)
        .ok_or_else(|| QmpError::Garbage("query-status gave no status".to_owned()))
}

async fn info(qmp: &mut Qmp) -> Result<BmcInfo, QmpError> {
    let version = qmp.execute("query-version").await?;
    let number =
        |field: &str| version.pointer(&format!("/qemu/{field}")).and_then(Value::as_u64).unwrap_or(0);
    let mut info =
        vec![("QEMU".to_owned(), format!("{}.{}.{}", number("major"), number("minor"), number("micro")))];
    let package = version.get("package").and_then(Value::as_str).unwrap_or_default();
    if !package.is_empty() {
        info.push(("Package".to_owned(), package.to_owned()));
    }
    let name = qmp.execute("query-name").await?;
    if let Some(name) = name.get("name").and_then(Value::as_str) {
        info.push(("Name".to_owned(), name.to_owned()));
    }
    info.push(("Status".to_owned(), status(qmp).await?));
    Ok(info)
}

fn unsupported(exchange: &Exchange) -> BmcError {
    let (reason, hint) = match exchange {
        Exchange::On => ("the machine has no start command", None),
        Exchange::Cycle => ("a virtual machine has no power cycle of its own", Some("use reboot or reset")),
        Exchange::BootSet(_) | Exchange::BootGet | Exchange::KeepBootFlags => (
            "the boot device of a virtual machine cannot be changed while it exists",
            Some("change its start command"),
        ),
        _ => ("a virtual machine has no BMC", None),
    };
    let error = BmcError::new(FaultClass::Unsupported, reason).not_sent();
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn local(reason: String) -> BmcError {
    BmcError::new(FaultClass::Local, reason).not_sent()
}
