//! The front end's side of the hub, and its start and end.

use super::audit::Audit;
use super::clock::Clock;
use super::consoles::{Consoles, Spawner, spawner};
use super::dirs::{self, PrivateDir, local};
use super::line::Line;
use super::lines::Lines;
use super::message::{Changes, ConsoleId, Level, Request, Update};
use super::node::{Context, Node, Opener};
use super::outbox::Outbox;
use super::pace::{Limits, Pace};
use super::reload::Reload;
use super::roster::Roster;
use super::router::{Leftover, Router};
use super::shared::Shared;
use crate::bmc::DriverContext;
use crate::config::{ConsoleSettings, NodeSettings, Settings};
use crate::console::{self, session};
use crate::fleet::Fault;
use crate::screen::Frame;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

/// Requests that may wait for the hub.
const REQUESTS: usize = 256;
/// Wall-clock limit of one exchange.
pub(super) const EXCHANGE: Duration = Duration::from_secs(20);
/// At the end: for exchanges in flight, so that no login stays open on a BMC.
const LAST_EXCHANGES: Duration = Duration::from_secs(5);
/// At the end: for the goodbyes to BMCs.
const LAST_LOGINS: Duration = Duration::from_secs(2);
/// At the end: for consoles, so that no SOL stays active, beyond the pace: a little more than they need.
const LAST_CONSOLES: Duration = session::ENDING.saturating_add(Duration::from_secs(1));

/// How a hub is started.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// Poll on our own; off for the command line twins.
    pub poll: bool,
    /// Refuse every verb and all console input.
    pub read_only: bool,
    /// Operator's name for the audit trail.
    pub operator: String,
}

/// The running hub; its end is awaited with [`Hub::stop`]. Dropped instead, its tasks end without
/// being waited for.
pub struct Hub {
    stop: oneshot::Sender<()>,
    router: JoinHandle<Leftover>,
    pace: Timer,
    trail: JoinHandle<()>,
    context: Arc<Context>,
    consoles: Arc<Consoles>,
    private: PrivateDir,
}

/// The pace's timer, which knows no end of its own.
struct Timer(JoinHandle<()>);

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A cheap handle that front ends hold.
#[derive(Clone)]
pub struct HubHandle {
    requests: mpsc::Sender<Request>,
    reloads: mpsc::Sender<Reload>,
    outbox: Arc<Outbox>,
    consoles: Arc<Consoles>,
}

/// The hub's queue is full or the hub has ended; the request was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hub is busy or has ended; the request was not taken")]
pub struct NotTaken;

impl Hub {
    /// Starts the hub on the current tokio runtime.
    ///
    /// # Errors
    /// A text for the operator: state or runtime directory unusable, no driver can be opened.
    pub async fn start(settings: Arc<Settings>, options: HubOptions) -> Result<(Hub, HubHandle), Fault> {
        Hub::start_with(settings, options, Clock::system(), Arc::new(crate::bmc::open), spawner())
    }

    /// The same with another clock, other drivers and other consoles.
    pub(crate) fn start_with(
        settings: Arc<Settings>,
        options: HubOptions,
        clock: Clock,
        opener: Opener,
        spawner: Spawner,
    ) -> Result<(Hub, HubHandle), Fault> {
        let runtime = &settings.runtime_dir;
        let ownership = dirs::runtime_dir(runtime)?;
        let shared = Shared::open(runtime, ownership, EXCHANGE)?;
        let private = shared.table_lock(|| PrivateDir::create(runtime))??;
        let drivers = DriverContext {
            network: Arc::default(),
            ipmitool: settings.ipmitool.clone(),
            private_dir: private.path().to_owned(),
            limit: EXCHANGE,
        };
        let limits = Limits::new(settings.poll.min_command_interval, settings.poll.max_in_flight);
        let pace = Pace::new(clock, limits);
        let mut factory = Lines::new(shared, Arc::clone(&pace), clock, Arc::clone(&opener), drivers.clone());
        let lines = factory.open_all(&settings.nodes)?;
        if let Some(fault) = nothing_works(&settings.nodes, &lines) {
            return Err(fault);
        }
        let outbox = Arc::new(Outbox::default());
        let (audit, trail) = Audit::start(&settings.state_dir, &options.operator, Arc::clone(&outbox));
        tell_broken_drivers(&settings.nodes, &lines, &outbox);
        let context = Arc::new(Context {
            settings: RwLock::new(Arc::clone(&settings)),
            options,
            clock,
            outbox: Arc::clone(&outbox),
            audit,
            opener,
            drivers,
        });
        let roster = Arc::new(Roster::default());
        let consoles = Consoles::new(Arc::clone(&context), Arc::clone(&roster), spawner);
        let mut router = Router::new(Arc::clone(&context), roster, Arc::clone(&consoles), factory);
        for (node, line) in settings.nodes.iter().zip(lines) {
            router.add(node.clone(), line).publish();
        }
        let (requests, queue) = mpsc::channel(REQUESTS);
        let (reloads, reloading) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel();
        let hub = Hub {
            stop,
            router: tokio::spawn(router.run(queue, reloading, stopped)),
            pace: Timer(tokio::spawn(pace.run())),
            trail,
            context,
            consoles: Arc::clone(&consoles),
            private,
        };
        let handle = HubHandle { requests, reloads, outbox, consoles };
        Ok((hub, handle))
    }

    /// Ends in order: pending verbs are left to the BMCs, consoles are detached (SOL freed), all
    /// tasks joined. At most some seconds, and one interval of the pace when an SOL must be freed by hand.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let Leftover { nodes, actors } = self.router.await.unwrap_or_default();
        let exchanges = async {
            let deadline = tokio::time::Instant::now() + LAST_EXCHANGES;
            for mut actor in actors {
                if tokio::time::timeout_at(deadline, &mut actor).await.is_err() {
                    actor.abort();
                    let _ = actor.await;
                }
            }
        };
        // An ipmitool that had to be killed needs another turn at its BMC to free the SOL.
        let limit = LAST_CONSOLES + self.context.settings().poll.min_command_interval;
        let consoles = tokio::time::timeout(limit, self.consoles.stop());
        let _ = tokio::join!(exchanges, consoles);
        close_logins(&nodes).await;
        drop(self.pace);
        self.context.outbox.end();
        self.context.audit.flush().await;
        self.trail.abort();
        let _ = self.trail.await;
        drop(self.private);
    }
}

/// Closes every login that stayed open: a BMC keeps one that is merely left for a minute.
async fn close_logins(nodes: &[Arc<Node>]) {
    let mut closing = JoinSet::new();
    for node in nodes.iter().filter(|node| node.line.is_ok()) {
        let node = Arc::clone(node);
        closing.spawn(async move {
            if let Ok(line) = &node.line {
                line.close().await;
            }
        });
    }
    let all = async { while closing.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_LOGINS, all).await;
}

/// A fault when there are nodes with drivers, none of them can be opened, and there is no console that
/// goes without.
fn nothing_works(nodes: &[NodeSettings], lines: &[Result<Line, Fault>]) -> Option<Fault> {
    let alone = |console: &ConsoleSettings| console.transport != console::OF_THE_BMC;
    if nodes.iter().filter_map(|node| node.console.as_ref()).any(alone) {
        return None;
    }
    let mut broken = None;
    for (node, line) in nodes.iter().zip(lines) {
        match line {
            Ok(_) => return None,
            Err(fault) if node.bmc.is_some() => broken = Some(fault.clone()),
            Err(_) => {}
        }
    }
    broken
}

/// One notice for each way in which drivers are broken, not one for each node.
pub(super) fn tell_broken_drivers<'a>(
    nodes: impl IntoIterator<Item = &'a NodeSettings>,
    lines: &[Result<Line, Fault>],
    outbox: &Outbox,
) {
    let mut told: Vec<&Fault> = Vec::new();
    for (node, line) in nodes.into_iter().zip(lines) {
        if let (Some(_), Err(fault)) = (&node.bmc, line)
            && !told.contains(&fault)
        {
            told.push(fault);
            outbox.notice(Level::Error, fault.reason.clone(), fault.hint.clone());
        }
    }
}

impl HubHandle {
    /// Asks without waiting.
    ///
    /// # Errors
    /// [`NotTaken`] when the queue is full.
    pub fn try_send(&self, request: Request) -> Result<(), NotTaken> {
        self.requests.try_send(request).map_err(|_| NotTaken)
    }

    /// Lets the hub take other settings, and says what changed; see [`super::reload`]. For whoever read the
    /// configuration: settings hold secrets and are no message of a front end's.
    ///
    /// # Errors
    /// They cannot be taken; then the old ones hold, whole.
    pub async fn reload(&self, settings: Arc<Settings>) -> Result<Changes, Fault> {
        let (reply, answer) = oneshot::channel();
        let ended = || local("cannot reload: the hub has ended", None);
        self.reloads.send(Reload { settings, reply }).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    /// Waits until there is something new, and takes all of it. `None` when the hub has ended.
    /// Only one task may call it.
    pub async fn updates(&self) -> Option<Vec<Update>> {
        loop {
            let taken = self.outbox.take().await?;
            let mut updates = taken.updates;
            for console in taken.woken {
                updates.extend(self.consoles.news(console));
            }
            if !updates.is_empty() {
                return Some(updates);
            }
        }
    }

    /// The newest frame of a console.
    #[must_use]
    pub fn frame(&self, console: ConsoleId) -> Option<Arc<Frame>> {
        self.consoles.frame(console)
    }
}
