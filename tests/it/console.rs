//! Consoles on real BMCs, machines and sockets: one session at a time, driven as the hub drives it.

mod command;
mod ending;
mod peers;
mod sol;
mod stream;
mod unix;

use crate::support::{lab::Node, wait_for};
use lightsout::bmc::{Bmc, BmcError, DriverContext, Exchange, Gate, Permit, Priority, Reply, SuiteMemory};
use lightsout::config::{BmcSettings, ConsoleSettings, Credentials, Privilege, Secret};
use lightsout::console::{Session, SessionCommand, SessionSpec, spawn_session};
use lightsout::fleet::{ConsoleMode, ConsoleState, Fault, Millis, View};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longer than a lost keepalive, a back-off and a login together.
const LATER: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(20);

/// A gate that always opens, and remembers how many permits were given and are held.
#[derive(Default)]
struct Open {
    given: AtomicUsize,
    held: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Gate for Open {
    async fn permit(&self, priority: Priority) -> Result<Permit, Fault> {
        assert_eq!(priority, Priority::Operator);
        self.given.fetch_add(1, Ordering::SeqCst);
        assert_eq!(self.held.fetch_add(1, Ordering::SeqCst), 0, "one exchange at a time");
        let held = Arc::clone(&self.held);
        Ok(Permit::new(move || {
            held.fetch_sub(1, Ordering::SeqCst);
        }))
    }

    fn earliest(&self) -> Millis {
        Millis(0)
    }
}

/// A driver that only remembers what it was asked.
struct Asked(Arc<Mutex<Vec<Exchange>>>);

#[async_trait::async_trait]
impl Bmc for Asked {
    async fn exchange(&mut self, exchange: &Exchange) -> Result<Reply, BmcError> {
        self.0.lock().expect("not poisoned").push(exchange.clone());
        Ok(match exchange {
            Exchange::Resume => Reply::Resumed(true),
            _ => Reply::Done,
        })
    }

    fn describe(&self, _exchange: &Exchange) -> String {
        String::new()
    }
}

/// A session, and what stands around it.
struct Console {
    session: Session,
    gate: Arc<Open>,
    asked: Arc<Mutex<Vec<Exchange>>>,
}

/// What a test may want otherwise.
struct Wanted {
    bmc: Option<BmcSettings>,
    console: ConsoleSettings,
    mode: ConsoleMode,
    by_operator: bool,
    log: Option<PathBuf>,
    log_max_bytes: u64,
    /// The node's own driver instead of one that only remembers.
    real_driver: bool,
    context: DriverContext,
}

impl Wanted {
    /// The SOL of a node, as the operator opens it.
    fn sol(driver: &str, node: &Node, private_dir: &Path) -> Wanted {
        Wanted::bmc(bmc(driver, &node.address(), node.port(), "secret"), private_dir)
    }

    /// The SOL of a BMC, as the operator opens it.
    fn bmc(bmc: BmcSettings, private_dir: &Path) -> Wanted {
        Wanted {
            bmc: Some(bmc),
            console: ConsoleSettings { transport: "sol".into(), ..ConsoleSettings::default() },
            mode: ConsoleMode::Interactive,
            by_operator: true,
            log: None,
            log_max_bytes: 1 << 20,
            real_driver: false,
            context: context(private_dir),
        }
    }

    /// A socket, as the operator opens it.
    fn socket(path: &Path, private_dir: &Path) -> Wanted {
        let unix = ConsoleSettings {
            transport: "unix".into(),
            path: Some(path.to_owned()),
            ..ConsoleSettings::default()
        };
        Wanted::console(unix, private_dir)
    }

    /// A console without a BMC, as the operator opens it.
    fn console(console: ConsoleSettings, private_dir: &Path) -> Wanted {
        Wanted {
            bmc: None,
            console,
            mode: ConsoleMode::Interactive,
            by_operator: true,
            log: None,
            log_max_bytes: 1 << 20,
            real_driver: false,
            context: context(private_dir),
        }
    }

    /// A driver of the same process for its BMC.
    fn driver(&self) -> Box<dyn Bmc> {
        let bmc = self.bmc.as_ref().expect("a BMC");
        lightsout::bmc::open(bmc, &self.context, Arc::default()).expect("a driver")
    }

    fn open(self) -> Console {
        let gate = Arc::new(Open::default());
        let asked = Arc::default();
        let context = self.context.clone();
        let suites = Arc::new(SuiteMemory::default());
        let driver: Box<dyn Bmc> = match &self.bmc {
            Some(_) if self.real_driver => self.driver(),
            _ => Box::new(Asked(Arc::clone(&asked))),
        };
        let spec = SessionSpec {
            node: "n1".to_owned(),
            console: ConsoleSettings { log: self.log.is_some(), ..self.console },
            bmc: self.bmc,
            context,
            suites,
            gate: gate.clone(),
            driver: Some(driver),
            mode: self.mode,
            by_operator: self.by_operator,
            resumed: Arc::new(|| {}),
            log: self.log,
            log_max_bytes: self.log_max_bytes,
            scrollback: 2000,
        };
        let session = spawn_session(spec, Arc::new(|| {}));
        let live = View { top: None, rows: 25 };
        assert!(session.send(SessionCommand::View(Some(live))).is_ok());
        Console { session, gate, asked }
    }
}

impl Console {
    fn state(&self) -> ConsoleState {
        self.session.status().state
    }

    /// Waits until it is attached.
    fn attached(&self) {
        wait_for("attached", LATER, || match self.state() {
            ConsoleState::Attached { .. } => Some(()),
            state => {
                let for_good = matches!(state, ConsoleState::Closed { retry: None, .. });
                assert!(!for_good, "{state:?}");
                None
            }
        });
    }

    /// Waits until it is closed; gives why, and whether it is tried again.
    fn closed(&self) -> (Fault, bool) {
        wait_for("closed", LATER, || match self.state() {
            ConsoleState::Closed { fault, retry, .. } => Some((fault, retry.is_some())),
            _ => None,
        })
    }

    /// Waits until it is busy; gives the hint.
    fn busy(&self) -> String {
        wait_for("busy", SOON, || match self.state() {
            ConsoleState::Busy { hint, .. } => Some(hint),
            _ => None,
        })
    }

    /// The live screen as text.
    fn screen(&self) -> String {
        let Some(frame) = self.session.frame() else {
            return String::new();
        };
        (0..frame.rows).map(|row| frame.line_text(row) + "\n").collect()
    }

    /// Waits until the screen shows `text`.
    fn shows(&self, text: &str) {
        let end = Instant::now() + LATER;
        wait_for(text, 2 * LATER, || {
            let screen = self.screen();
            let shown = screen.contains(text);
            assert!(shown || Instant::now() < end, "no {text:?} on:\n{screen}");
            shown.then_some(())
        });
    }

    fn types(&self, bytes: &[u8]) {
        assert!(self.session.send(SessionCommand::Input(bytes.to_vec())).is_ok());
    }
}

fn context(private_dir: &Path) -> DriverContext {
    DriverContext {
        network: Arc::default(),
        ipmitool: "ipmitool".into(),
        private_dir: private_dir.to_owned(),
        limit: Duration::from_secs(10),
    }
}

/// The BMC of a lab's node.
fn bmc(driver: &str, address: &str, port: u16, password: &str) -> BmcSettings {
    BmcSettings {
        driver: driver.to_owned(),
        address: Some(address.to_owned()),
        port,
        credentials: Some(Arc::new(Credentials {
            name: "lab".to_owned(),
            username: "admin".to_owned(),
            password: Secret::new(password.as_bytes().to_vec()),
        })),
        privilege: Privilege::Administrator,
        cipher_suites: vec![17, 3],
        kg: None,
        quirks: None,
        keep_login: true,
        qmp: None,
        start: None,
    }
}

/// A directory that only we can enter.
fn private() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(mode).tempdir().expect("a directory")
}
