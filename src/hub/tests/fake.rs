//! Simulated BMCs, a front end that remembers what it was told, and named waits on virtual time.

use crate::bmc::{Bmc, BmcError, Exchange, Reply};
use crate::config::{
    BmcSettings, NodeSettings, PollSettings, PowerSettings, Privilege, ScreenSettings, Settings,
    TableSettings,
};
use crate::fleet::{
    BootDevice, BootSetting, Fault, FaultClass, Identify, Locator, NodeId, Power, PowerVerb, SolHolder, Verb,
};
use crate::hub::clock::Clock;
use crate::hub::message::{NodeStatus, Phase, Request, RequestId, Update, VerbResult};
use crate::hub::{Hub, HubHandle, HubOptions, consoles};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

pub(super) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// One BMC and its node.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub power: Power,
    /// How long an exchange takes.
    pub latency: Duration,
    /// How long a power verb takes to show; `None`: it never does.
    pub effect: Option<Duration>,
    pub coming: VecDeque<(Instant, Power)>,
    /// How long it is off in a cycle; `None`: a cycle does nothing.
    pub off_phase: Option<Duration>,
    /// Every exchange fails so.
    pub fault: Option<BmcError>,
    /// The next exchanges that are no readings fail so.
    pub refusals: VecDeque<BmcError>,
    pub boot: BootSetting,
    pub keeps_uefi: bool,
    pub keeps_flags: bool,
    pub led: Locator,
    /// It says whether its LED is lit.
    pub tells_led: bool,
    pub holder: SolHolder,
    /// The driver itself fails at the next exchange that is no reading.
    pub panics: bool,
}

impl Default for Machine {
    fn default() -> Machine {
        Machine {
            power: Power::On,
            latency: Duration::from_millis(100),
            effect: Some(Duration::from_millis(500)),
            coming: VecDeque::new(),
            off_phase: None,
            fault: None,
            refusals: VecDeque::new(),
            boot: BootSetting { device: Some(BootDevice::None), persistent: false, uefi: false },
            keeps_uefi: true,
            keeps_flags: false,
            led: Locator::Off,
            tells_led: true,
            holder: SolHolder::Nobody,
            panics: false,
        }
    }
}

/// One exchange that was made.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub place: String,
    pub exchange: Exchange,
    pub start: Instant,
    pub end: Option<Instant>,
}

/// All BMCs, by address, and everything that reached them.
#[derive(Debug, Default)]
pub(super) struct World {
    machines: Mutex<HashMap<String, Machine>>,
    made: Mutex<Vec<Made>>,
    /// Places whose login was closed.
    closed: Mutex<Vec<String>>,
}

impl World {
    pub fn set(&self, place: &str, change: impl FnOnce(&mut Machine)) {
        change(self.machines.lock().expect("fine").entry(place.into()).or_default());
    }

    pub fn made(&self, place: &str) -> Vec<Made> {
        let made = self.made.lock().expect("fine");
        made.iter().filter(|made| made.place == place).cloned().collect()
    }

    pub fn closed(&self, place: &str) -> usize {
        self.closed.lock().expect("fine").iter().filter(|closed| *closed == place).count()
    }

    pub fn exchanges(&self, place: &str) -> Vec<Exchange> {
        self.made(place).into_iter().map(|made| made.exchange).collect()
    }

    /// What reached the BMC besides readings.
    pub fn sent(&self, place: &str) -> Vec<Exchange> {
        let mut all = self.exchanges(place);
        all.retain(|exchange| *exchange != Exchange::Power);
        all
    }

    /// Panics unless exchanges with each BMC kept apart.
    pub fn assert_pace(&self, interval: Duration) {
        let made = self.made.lock().expect("fine").clone();
        let mut ends: HashMap<String, Instant> = HashMap::new();
        for one in made {
            if let Some(end) = ends.get(&one.place) {
                let gap = one.start.saturating_duration_since(*end);
                assert!(gap >= interval, "{one:?} came {gap:?} after the one before");
            }
            // One that never ended blocks for ever.
            let end = one.end.unwrap_or(one.start + secs(1_000_000));
            ends.insert(one.place, end);
        }
    }
}

struct Fake {
    world: Arc<World>,
    place: String,
}

#[async_trait::async_trait]
impl Bmc for Fake {
    async fn exchange(&mut self, exchange: &Exchange) -> Result<Reply, BmcError> {
        let index = {
            let mut made = self.world.made.lock().expect("fine");
            made.push(Made {
                place: self.place.clone(),
                exchange: exchange.clone(),
                start: Instant::now(),
                end: None,
            });
            made.len() - 1
        };
        let latency =
            self.world.machines.lock().expect("fine").entry(self.place.clone()).or_default().latency;
        tokio::time::sleep(latency).await;
        let now = Instant::now();
        self.world.made.lock().expect("fine")[index].end = Some(now);
        let machine = self.world.machines.lock().expect("fine").get(&self.place).cloned();
        let panics = machine.expect("made above").panics && *exchange != Exchange::Power;
        assert!(!panics, "the driver fails on purpose");
        let mut machines = self.world.machines.lock().expect("fine");
        machines.get_mut(&self.place).expect("made above").answer(exchange, now)
    }

    async fn close(&mut self) {
        self.world.closed.lock().expect("fine").push(self.place.clone());
    }

    fn describe(&self, exchange: &Exchange) -> String {
        format!("{exchange:?} to {}", self.place)
    }
}

impl Machine {
    fn answer(&mut self, exchange: &Exchange, now: Instant) -> Result<Reply, BmcError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        while let Some((_, power)) = self.coming.pop_front_if(|(at, _)| now >= *at) {
            self.power = power;
        }
        if !matches!(exchange, Exchange::Power)
            && let Some(refusal) = self.refusals.pop_front()
        {
            return Err(refusal);
        }
        let coming = match exchange {
            Exchange::On => Some(Power::On),
            Exchange::Off | Exchange::Soft => Some(Power::Off),
            _ => None,
        };
        if let (Some(power), Some(after)) = (coming, self.effect) {
            self.coming = [(now + after, power)].into();
        }
        if let (Exchange::Cycle, Some(after), Some(off)) = (exchange, self.effect, self.off_phase) {
            self.coming = [(now + after, Power::Off), (now + after + off, Power::On)].into();
        }
        Ok(match exchange {
            Exchange::Power => Reply::Power(self.power, None),
            Exchange::KeepBootFlags if !self.keeps_flags => {
                return Err(BmcError::new(FaultClass::Rejected, "refused (0xc1)"));
            }
            Exchange::BootSet(setting) => {
                self.boot = *setting;
                self.boot.uefi &= self.keeps_uefi;
                Reply::Done
            }
            Exchange::BootGet => Reply::Boot(self.boot),
            Exchange::Identify(Identify::For(_)) => {
                self.led = Locator::Timed;
                Reply::Done
            }
            Exchange::Identify(Identify::On) => {
                self.led = Locator::On;
                Reply::Done
            }
            // An LED that cannot be turned off, for once.
            Exchange::Identify(Identify::Off) => Reply::Done,
            Exchange::Locator => Reply::Locator(self.tells_led.then_some(self.led)),
            Exchange::SolHolder => Reply::SolHolder(self.holder.clone()),
            Exchange::Raw(bytes) => Reply::Raw(bytes.clone()),
            Exchange::Info => Reply::Info(vec![("maker".into(), "test".into())]),
            _ => Reply::Done,
        })
    }
}

pub(super) fn bmc(address: &str) -> BmcSettings {
    BmcSettings {
        driver: "fake".into(),
        address: Some(address.into()),
        port: 623,
        credentials: None,
        privilege: Privilege::default(),
        cipher_suites: vec![17, 3],
        kg: None,
        quirks: None,
        keep_login: true,
        qmp: None,
        start: None,
    }
}

/// Settings for `count` nodes `n0`, `n1` … with BMCs of the same names.
pub(in crate::hub) fn settings(dir: &Path, count: usize) -> Settings {
    let nodes = (0..count)
        .map(|n| NodeSettings {
            name: format!("n{n}"),
            tags: Vec::new(),
            protected: false,
            read_only: false,
            bmc: Some(bmc(&format!("n{n}"))),
            console: None,
        })
        .collect();
    Settings {
        theme: "default".into(),
        poll: PollSettings { interval: secs(30), min_command_interval: secs(5), max_in_flight: 64 },
        power: PowerSettings {
            timeout: secs(60),
            soft_timeout: secs(600),
            stagger: Duration::from_millis(500),
        },
        table: TableSettings::default(),
        screen: ScreenSettings {
            fps: 30,
            fps_ssh: 10,
            prefix: "ctrl-]".into(),
            color: "auto".into(),
            glyphs: "auto".into(),
            restore: true,
            mouse: false,
        },
        keys: Vec::new(),
        log_dir: dir.join("state/consoles"),
        log_max_bytes: 1 << 20,
        scrollback: 2000,
        state_dir: dir.join("state"),
        runtime_dir: dir.join("run"),
        ipmitool: "ipmitool".into(),
        nodes,
        tags: BTreeMap::new(),
    }
}

/// A laboratory: directories, BMCs, one clock for all hubs in it.
pub(super) struct Bench {
    pub dir: TempDir,
    pub world: Arc<World>,
    clock: Clock,
}

impl Bench {
    pub fn new() -> Bench {
        Bench { dir: tempfile::tempdir().expect("tempdir"), world: Arc::default(), clock: Clock::system() }
    }

    pub fn settings(&self, count: usize) -> Settings {
        settings(self.dir.path(), count)
    }

    pub fn start(&self, settings: Settings, poll: bool) -> Front {
        self.start_as(settings, poll, false)
    }

    pub fn start_as(&self, settings: Settings, poll: bool, read_only: bool) -> Front {
        self.try_start(settings, poll, read_only).expect("starts")
    }

    pub fn try_start(&self, settings: Settings, poll: bool, read_only: bool) -> Result<Front, Fault> {
        let world = Arc::clone(&self.world);
        let options = HubOptions { poll, read_only, operator: "alice".into() };
        let (hub, handle) = Hub::start_with(
            Arc::new(settings),
            options,
            self.clock,
            Arc::new(move |bmc, _, _| {
                let place = bmc.address.clone().unwrap_or_default();
                if place == "broken" {
                    return Err(BmcError::new(FaultClass::Local, "cannot run the tool"));
                }
                Ok(Box::new(Fake { world: Arc::clone(&world), place }))
            }),
            consoles::spawner(),
        )?;
        Ok(Front {
            hub,
            handle,
            nodes: BTreeMap::new(),
            history: Vec::new(),
            done: Vec::new(),
            others: Vec::new(),
            next: 0,
        })
    }
}

/// A front end.
pub(super) struct Front {
    pub hub: Hub,
    pub handle: HubHandle,
    pub nodes: BTreeMap<NodeId, NodeStatus>,
    pub history: Vec<NodeStatus>,
    pub done: Vec<VerbResult>,
    pub others: Vec<Update>,
    next: u64,
}

impl Front {
    /// Takes what is new.
    async fn take(&mut self) {
        let updates = tokio::time::timeout(secs(3600), self.handle.updates())
            .await
            .expect("something happens within an hour")
            .expect("the hub lives");
        for update in updates {
            match update {
                Update::Node(status) => {
                    self.history.push((*status).clone());
                    self.nodes.insert(status.node, *status);
                }
                Update::Done(result) => self.done.push(*result),
                other => self.others.push(other),
            }
        }
    }

    /// Waits until `reached`.
    pub async fn until(&mut self, reached: impl Fn(&Front) -> bool) {
        while !reached(self) {
            self.take().await;
        }
    }

    /// Takes what comes for so long.
    pub async fn during(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while tokio::time::timeout_at(end, self.take()).await.is_ok() {}
    }

    pub fn node(&self, id: u32) -> NodeStatus {
        let id = NodeId(id);
        self.nodes.get(&id).cloned().unwrap_or_else(|| NodeStatus::unknown(id))
    }

    /// A verb of ours waits for an observation.
    pub async fn observing(&mut self) {
        let observes = |node: &NodeStatus| {
            node.pending.as_ref().is_some_and(|pending| pending.phase == Phase::Observing)
        };
        self.until(|front| front.nodes.values().any(observes)).await;
    }

    pub fn ask(&mut self, verb: Verb, nodes: &[u32]) -> RequestId {
        self.ask_with(verb, nodes, None, true)
    }

    pub fn ask_with(
        &mut self,
        verb: Verb,
        nodes: &[u32],
        timeout: Option<Duration>,
        wait: bool,
    ) -> RequestId {
        self.next += 1;
        let id = RequestId(self.next);
        let nodes = ids(nodes);
        self.send(Request::Verb { id, verb, nodes, timeout, wait });
        id
    }

    pub fn send(&self, request: Request) {
        self.handle.try_send(request).expect("room");
    }

    /// Waits for `count` results of a request.
    pub async fn results(&mut self, id: RequestId, count: usize) -> Vec<VerbResult> {
        self.until(|front| front.done.iter().filter(|done| done.id == id).count() >= count).await;
        self.done.iter().filter(|done| done.id == id).cloned().collect()
    }

    /// Asks for a verb on one node and waits for its result.
    pub async fn verb(&mut self, verb: Verb, node: u32) -> VerbResult {
        let id = self.ask(verb, &[node]);
        self.results(id, 1).await.remove(0)
    }

    pub async fn power(&mut self, verb: PowerVerb, node: u32) -> VerbResult {
        self.verb(Verb::Power(verb), node).await
    }

    /// Every node has been seen.
    pub async fn all_seen(&mut self, count: usize) {
        self.until(|front| front.nodes.values().filter(|node| node.seen.at.is_some()).count() == count).await;
    }
}

pub(super) fn ids(nodes: &[u32]) -> Vec<NodeId> {
    nodes.iter().map(|id| NodeId(*id)).collect()
}

pub(super) fn unreachable() -> BmcError {
    BmcError::new(FaultClass::Unreachable, "no answer").not_sent()
}
