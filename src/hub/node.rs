//! Everything the hub knows of one node, shared by its actor and its verbs.
//!
//! Every change is published at once; the outbox coalesces. Locks are held for moments, never across
//! an await.

use super::audit::Audit;
use super::clock::Clock;
use super::dirs::local;
use super::handle::HubOptions;
use super::line::Line;
use super::message::{Lit, NodeStatus, Pending, Phase, PollReason};
use super::outbox::Outbox;
use super::plan::{Schedule, Whose};
use super::shared::Seen;
use crate::bmc::{Bmc, BmcError, DriverContext, Priority, SuiteMemory};
use crate::config::{BmcSettings, NodeSettings, Settings};
use crate::fleet::{BootSetting, Fault, FaultClass, Freshness, Millis, NodeId, Power};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::sync::Notify;

/// Opens a driver: `bmc::open`, or a test's.
pub(crate) type Opener = Arc<
    dyn Fn(&BmcSettings, &DriverContext, Arc<SuiteMemory>) -> Result<Box<dyn Bmc>, BmcError> + Send + Sync,
>;

/// What all parts of the hub share.
pub(crate) struct Context {
    /// What holds for the whole fleet now; a node's own are in [`Node::settings`].
    pub settings: RwLock<Arc<Settings>>,
    pub options: HubOptions,
    pub clock: Clock,
    pub outbox: Arc<Outbox>,
    pub audit: Audit,
    pub opener: Opener,
    pub drivers: DriverContext,
}

impl Context {
    /// The settings that hold now.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().expect("no panic while the settings are locked"))
    }

    /// Others from now on.
    pub fn set_settings(&self, settings: Arc<Settings>) {
        *self.settings.write().expect("no panic while the settings are locked") = settings;
    }
}

/// One node, with one line to its BMC for all its life: a node whose BMC is changed by a reload becomes
/// another `Node` of the same id.
pub(crate) struct Node {
    pub id: NodeId,
    pub name: String,
    pub context: Arc<Context>,
    /// `Err` when it has no driver, or the driver cannot be opened.
    pub line: Result<Line, Fault>,
    /// Rung when a queued poll should ask again with another priority.
    pub priority_changed: Notify,
    /// Rung when its actor should look at the schedule again.
    pub wake: Notify,
    /// It is no longer in the configuration: a tombstone, so that its id never means another node.
    pub gone: bool,
    /// What it is; tags and console may be changed by a reload.
    settings: RwLock<Arc<NodeSettings>>,
    /// Whether what becomes known of it is told: of one node's successive lives, one.
    live: AtomicBool,
    /// This process has its console open, which may hold a login with the BMC.
    console: AtomicBool,
    state: Mutex<State>,
}

struct State {
    status: NodeStatus,
    schedule: Schedule,
    /// The pending verb of another process; ours goes before.
    foreign: Option<Pending>,
    visible: bool,
    /// When an operator last asked for a poll that has not been made yet.
    asked: Option<Duration>,
    /// The newest reading was made by another process.
    theirs: bool,
}

impl Node {
    /// A node that is not told of before [`Node::publish`].
    pub fn new(id: NodeId, settings: NodeSettings, context: Arc<Context>, line: Result<Line, Fault>) -> Node {
        let now = context.clock.mono();
        let seed = u64::from(id.0) ^ (u64::from(std::process::id()) << 32);
        let mut schedule = Schedule::new(context.settings().poll.interval, now, seed);
        let mut status = NodeStatus::unknown(id);
        match &line {
            Ok(line) => {
                let (shared, slot) = line.gate.record();
                if let Some(seen) = shared.seen(slot) {
                    status.seen.last_seen = Some((seen.power, Millis(seen.wall)));
                }
                if let Some(fault) = line.gate.auth_fault() {
                    schedule.failure(now, FaultClass::Auth);
                    status.seen.freshness = Freshness::Failed(fault);
                }
            }
            Err(fault) => {
                if settings.bmc.is_some() {
                    status.seen.freshness = Freshness::Failed(fault.clone());
                }
            }
        }
        let node = Node {
            id,
            name: settings.name.clone(),
            line,
            gone: false,
            settings: RwLock::new(Arc::new(settings)),
            live: AtomicBool::new(false),
            priority_changed: Notify::new(),
            wake: Notify::new(),
            console: AtomicBool::new(false),
            state: Mutex::new(State {
                status,
                schedule,
                foreign: None,
                visible: false,
                asked: None,
                theirs: false,
            }),
            context,
        };
        node.look_at_others();
        node
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().expect("no panic while a node is locked");
        let before = state.status.clone();
        let result = change(&mut state);
        let State { status, schedule, foreign, .. } = &mut *state;
        let clock = &self.context.clock;
        if status.pending.as_ref().is_none_or(|pending| pending.id.is_none()) {
            status.pending.clone_from(foreign);
        }
        let (due, why) = match &self.line {
            Err(_) => (None, PollReason::NoDriver),
            Ok(_) if status.pending.as_ref().is_some_and(|pending| pending.id.is_some()) => {
                (status.next_poll, PollReason::Confirming)
            }
            Ok(_) if !self.context.options.poll && schedule.reason() != PollReason::AuthFinal => {
                (None, schedule.reason())
            }
            Ok(_) => (schedule.due().map(|due| clock.wall_at(due)), schedule.reason()),
        };
        if status.why != why || !near(due, status.next_poll) {
            status.next_poll = due;
        }
        status.why = why;
        match schedule.resetting() {
            None => status.resetting = None,
            Some(since) if status.resetting.is_none() => status.resetting = Some(clock.wall_at(since)),
            Some(_) => {}
        }
        if *status != before && self.live.load(Ordering::Relaxed) {
            if only_times_differ(&before, status) {
                self.context.outbox.quiet_node(status.clone());
            } else {
                self.context.outbox.node(status.clone());
            }
        }
        result
    }

    /// What remains of a node that is no longer in the configuration: nothing is asked of it any more.
    pub fn tombstone(id: NodeId, settings: NodeSettings, context: Arc<Context>) -> Node {
        let fault = local(format!("{} is no longer in the configuration", settings.name), None);
        Node { gone: true, ..Node::new(id, settings, context, Err(fault)) }
    }

    /// What it is now.
    pub fn settings(&self) -> Arc<NodeSettings> {
        Arc::clone(&self.settings.read().expect("no panic while a node's settings are locked"))
    }

    /// Takes other tags and another console; its line stays what it is.
    pub fn set_settings(&self, settings: NodeSettings) {
        *self.settings.write().expect("no panic while a node's settings are locked") = Arc::new(settings);
    }

    /// Another poll interval holds.
    pub fn set_interval(&self, interval: Duration) {
        let now = self.context.clock.mono();
        self.change(|state| state.schedule.set_interval(interval, now));
        self.wake.notify_one();
    }

    /// Takes the place of `before`, the same node's life until now, which is told of no more.
    pub fn succeed(&self, before: &Node) {
        before.live.store(false, Ordering::Relaxed);
        let visible = before.state.lock().expect("no panic while a node is locked").visible;
        self.change(|state| state.visible = visible);
        self.publish();
    }

    /// Publishes what is known, changed or not.
    pub fn publish(&self) {
        self.live.store(true, Ordering::Relaxed);
        self.change(|_| ());
        // Queued under the lock: what changes meanwhile comes after it.
        let state = self.state.lock().expect("no panic while a node is locked");
        self.context.outbox.node(state.status.clone());
    }

    /// The power state as it is believed now.
    pub fn power(&self) -> Power {
        self.state.lock().expect("no panic while a node is locked").status.seen.value
    }

    /// We made a reading.
    pub fn observed(&self, at: Duration, wall: Millis, power: Power, detail: Option<String>) {
        self.seen(at, wall, power, detail, Whose::Ours);
    }

    fn seen(&self, at: Duration, wall: Millis, power: Power, detail: Option<String>, whose: Whose) {
        self.change(|state| {
            state.schedule.success(at, whose);
            state.theirs = whose != Whose::Ours;
            if state.asked.is_some_and(|asked| at >= asked) {
                state.asked = None;
            }
            let seen = &mut state.status.seen;
            seen.value = power;
            seen.at = Some(wall);
            seen.detail = detail;
            seen.freshness = Freshness::Fresh;
            if power != Power::Unknown {
                seen.last_seen = Some((power, wall));
            }
        });
    }

    /// A reading failed. What was last seen stays known.
    pub fn failed(&self, at: Duration, fault: Fault) {
        // Only a refused login is final, and the gate knows. A user who may log in but not read the state
        // locks nobody out: such a BMC is asked less and less.
        let login_refused = self.line.as_ref().is_ok_and(|line| line.gate.auth_fault().is_some());
        let class = match fault.class {
            FaultClass::Auth if !login_refused => FaultClass::Rejected,
            class => class,
        };
        self.change(|state| {
            state.schedule.failure(at, class);
            state.asked = None;
            let seen = &mut state.status.seen;
            seen.value = Power::Unknown;
            seen.at = Some(self.context.clock.wall());
            seen.detail = None;
            seen.freshness = Freshness::Failed(fault);
        });
    }

    /// Takes a reading that another process made, if it is newer than `after` and nothing was sent
    /// to the BMC since.
    pub fn take_reading(&self, after: Duration) -> bool {
        let Some(seen) = self.newest_reading() else {
            return false;
        };
        let at = Duration::from_micros(seen.mono);
        // At `after` itself the exchange had ended before it was asked for.
        if at <= after || at > self.context.clock.mono() {
            return false;
        }
        let console = self.console.load(Ordering::Relaxed);
        let whose = if console { Whose::TheirsUntilNow } else { Whose::Theirs };
        self.seen(at, Millis(seen.wall), seen.power, seen.detail, whose);
        true
    }

    /// The reading of the BMC's newest exchange, by any process; `None` when something else was
    /// exchanged since.
    pub fn newest_reading(&self) -> Option<Seen> {
        let (shared, slot) = self.line.as_ref().ok()?.gate.record();
        shared.seen(slot).filter(|seen| shared.is_newest(slot, seen))
    }

    /// A due poll takes what is newer than this instead of asking.
    pub fn poll_wants(&self) -> Duration {
        let state = self.state.lock().expect("no panic while a node is locked");
        let interval = self.context.settings().poll.interval;
        // With a login of our own we poll, rather than look on while another keeps one too.
        let share = if self.console.load(Ordering::Relaxed) { 0.5 } else { 0.9 };
        let recent = self.context.clock.mono().saturating_sub(interval.mul_f64(share));
        state.asked.unwrap_or(recent)
    }

    /// Our console of it was opened or closed.
    pub fn console(&self, open: bool) {
        self.console.store(open, Ordering::Relaxed);
    }

    /// Whether our console of it is open.
    pub fn has_console(&self) -> bool {
        self.console.load(Ordering::Relaxed)
    }

    /// Whether a login with its BMC may stay open: in the process that polls it, and in no other.
    pub fn keeps_login(&self) -> bool {
        let theirs = self.state.lock().expect("no panic while a node is locked").theirs;
        self.context.options.poll && (!theirs || self.console.load(Ordering::Relaxed))
    }

    /// The reading is overdue.
    pub fn stale(&self) {
        self.change(|state| {
            if state.status.seen.freshness == Freshness::Fresh {
                state.status.seen.freshness = Freshness::Stale;
            }
        });
    }

    /// When the next poll is due, and when the reading becomes stale. While a verb of ours runs,
    /// which looks itself, only an operator's poll is due.
    pub fn times(&self, verb_runs: bool) -> (Option<Duration>, Option<Duration>) {
        let state = self.state.lock().expect("no panic while a node is locked");
        let stale = match state.status.seen.freshness {
            Freshness::Fresh => state.schedule.stale_at(),
            _ => None,
        };
        let scheduled = self.context.options.poll && !verb_runs;
        let due = if scheduled { state.schedule.due() } else { state.asked };
        (due, stale)
    }

    /// How urgent its next poll is.
    pub fn priority(&self) -> Priority {
        let state = self.state.lock().expect("no panic while a node is locked");
        match (state.asked, state.visible) {
            (Some(_), _) => Priority::Operator,
            (None, true) => Priority::Visible,
            (None, false) => Priority::Background,
        }
    }

    /// It is on screen, or no longer.
    pub fn visible(&self, visible: bool) {
        self.change(|state| state.visible = visible);
        self.priority_changed.notify_one();
    }

    /// An operator asks for a poll; clears a final authentication failure.
    pub fn asked(&self) {
        self.operator_acts();
        let now = self.context.clock.mono();
        self.change(|state| {
            state.asked = Some(now);
            state.schedule.asked(now);
        });
        self.priority_changed.notify_one();
    }

    /// An operator does something with its BMC: what was final is tried once more.
    pub fn operator_acts(&self) {
        let Ok(line) = &self.line else { return };
        line.gate.clear_auth();
        let now = self.context.clock.mono();
        self.change(|state| {
            if state.schedule.reason() == PollReason::AuthFinal {
                state.schedule.asked(now);
            }
        });
        self.wake.notify_one();
    }

    /// A verb ended that was not observed: a look is due.
    pub fn look_soon(&self) {
        let now = self.context.clock.mono();
        self.change(|state| {
            if state.schedule.resetting().is_none() {
                state.schedule.soon(now);
            }
        });
    }

    /// Our verb's progress, or its end.
    pub fn pending(&self, pending: Option<Pending>) {
        self.change(|state| {
            state.status.pending = pending;
            state.status.next_poll = None;
        });
    }

    /// The state that was read before our verb.
    pub fn from(&self, from: Power) {
        self.change(|state| {
            if let Some(pending) = &mut state.status.pending {
                pending.from = from;
            }
        });
    }

    /// Our verb's phase and when it looks next.
    pub fn phase(&self, phase: Phase, since: Option<Millis>, next_look: Option<Millis>) {
        self.change(|state| {
            if let Some(pending) = &mut state.status.pending {
                pending.phase = phase;
                pending.since = since.unwrap_or(pending.since);
            }
            state.status.next_poll = next_look;
        });
    }

    /// The boot device as read back.
    pub fn boot(&self, boot: BootSetting) {
        self.change(|state| state.status.boot = Some(boot));
    }

    /// The locator LED as we lit it.
    pub fn locator(&self, lit: Option<Lit>) {
        self.change(|state| state.status.locator = lit);
    }

    /// The BMC accepted its reset.
    pub fn bmc_reset(&self, at: Duration) {
        self.change(|state| state.schedule.reset(at));
    }

    /// Whether a verb of another process is shown as pending.
    pub fn has_foreign(&self) -> bool {
        self.state.lock().expect("no panic while a node is locked").foreign.is_some()
    }

    /// Takes over pending verbs and authentication marks of other processes.
    pub fn look_at_others(&self) {
        let Ok(line) = &self.line else { return };
        let (shared, slot) = line.gate.record();
        let foreign = shared.foreign_pending(slot).map(|pending| Pending {
            id: None,
            by: Some(pending.who()),
            verb: pending.verb,
            from: pending.from,
            since: Millis(pending.since),
            allowed: Duration::from_millis(pending.allowed),
            phase: Phase::Observing,
        });
        let had = line.gate.auth_fault();
        line.gate.reload_auth();
        let has = line.gate.auth_fault();
        let now = self.context.clock.mono();
        self.change(|state| {
            let ended = state.foreign.is_some() && foreign.is_none();
            state.foreign.clone_from(&foreign);
            match (&had, has) {
                (None, Some(fault)) => {
                    state.schedule.failure(now, FaultClass::Auth);
                    state.status.seen.value = Power::Unknown;
                    state.status.seen.freshness = Freshness::Failed(fault);
                }
                (Some(_), None) if state.schedule.due().is_none() => state.schedule.asked(now),
                _ if ended => state.schedule.soon(now),
                _ => {}
            }
        });
        if had != line.gate.auth_fault() {
            self.priority_changed.notify_one();
        }
        self.wake.notify_one();
    }
}

/// Whether a reading only confirmed what was known.
fn only_times_differ(before: &NodeStatus, after: &NodeStatus) -> bool {
    let (old, new) = (&before.seen, &after.seen);
    before.why == after.why
        && before.pending == after.pending
        && before.boot == after.boot
        && before.resetting == after.resetting
        && before.locator == after.locator
        && (old.value, &old.freshness, &old.detail) == (new.value, &new.freshness, &new.detail)
        && old.last_seen.map(|(power, _)| power) == new.last_seen.map(|(power, _)| power)
        && before.next_poll.is_some() == after.next_poll.is_some()
}

/// The two clocks are read one after the other at each publication: that is no change.
fn near(a: Option<Millis>, b: Option<Millis>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.0.abs_diff(b.0) < 250,
        (a, b) => a == b,
    }
}
