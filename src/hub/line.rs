//! The line to one BMC: its gate (pace, shared record, authentication mark) and its driver.
//!
//! [`BmcGate`] adds to [`super::pace`] what other processes do; it is the `bmc::Gate` of polls, verbs
//! and SOL alike. [`Line`] executes exchanges under a grant. Must not know verbs or schedules.

use super::clock::Clock;
use super::pace::{BmcKey, Pace, Slot as PaceSlot};
use super::shared::{Begin, ExchangeLock, Login, Seen, Shared, Slot};
use crate::bmc::{Bmc, BmcError, Exchange, Gate, Permit, Priority, Reply, SuiteMemory};
use crate::fleet::{Fault, FaultClass, Millis};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Gap between tries while another process holds the BMC's record; the record's number spreads it.
const HELD: Duration = Duration::from_millis(20);

/// One BMC's gate.
#[derive(Debug)]
pub(crate) struct BmcGate {
    pace: Arc<Pace>,
    key: BmcKey,
    shared: Arc<Shared>,
    slot: Slot,
    clock: Clock,
    /// Which credentials are used.
    login: Login,
    auth: Mutex<Option<Fault>>,
}

/// Leave for one exchange. Dropped before [`Granted::start`], it counts for nothing.
#[derive(Debug)]
pub(crate) struct Granted {
    // The lock goes before the slot: who gets the slot next must find the record free.
    lock: ExchangeLock,
    started: Option<Duration>,
    slot: PaceSlot,
    clock: Clock,
}

impl Granted {
    /// The exchange starts now.
    pub fn start(&mut self) {
        let now = self.clock.mono();
        self.lock.start(now);
        self.started = Some(now);
    }

    /// The exchange ended now; gives that time.
    pub fn end(&mut self) -> Duration {
        let now = self.clock.mono();
        if let Some(start) = self.started.take() {
            self.lock.end(start, now);
            let interval = self.slot.pace().interval();
            self.slot.not_before(now + interval);
        }
        now
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        self.end();
    }
}

impl BmcGate {
    /// No exchange may start earlier, by the pace of this process.
    pub fn earliest_mono(&self) -> Duration {
        self.pace.earliest(self.key)
    }

    pub fn new(
        pace: Arc<Pace>,
        key: u32,
        shared: Arc<Shared>,
        slot: Slot,
        clock: Clock,
        login: Login,
    ) -> BmcGate {
        let key = BmcKey(key);
        let gate = BmcGate { pace, key, shared, slot, clock, login, auth: Mutex::default() };
        gate.reload_auth();
        gate
    }

    /// Waits for leave to make one exchange.
    ///
    /// # Errors
    /// Authentication failed and no operator has acted since; the shared file cannot be locked.
    pub async fn acquire(&self, priority: Priority) -> Result<Granted, Fault> {
        let mut again = None;
        loop {
            if let Some(fault) = self.auth_fault() {
                return Err(fault);
            }
            let mut slot = self.pace.wait(self.key, priority, again).await;
            again = Some(slot.ticket);
            let now = self.clock.mono();
            match self.shared.try_begin(self.slot, now, self.pace.interval())? {
                Begin::Locked(lock) => {
                    // Another process may just have been refused, and told us nothing yet.
                    self.reload_auth();
                    if let Some(fault) = self.auth_fault() {
                        return Err(fault);
                    }
                    return Ok(Granted { lock, started: None, slot, clock: self.clock });
                }
                Begin::NotBefore(next) => slot.not_before(next),
                Begin::Held => {
                    let spread = Duration::from_millis(u64::from(self.key.0 % 30));
                    slot.not_before(now + HELD + spread);
                }
            }
        }
    }

    /// Why nobody may log in, if authentication failed for good.
    pub fn auth_fault(&self) -> Option<Fault> {
        self.auth.lock().expect("no panic while it is locked").clone()
    }

    /// Authentication failed: final, here and in other processes, until an operator acts.
    pub fn auth_failed(&self, fault: &Fault) {
        self.shared.set_auth_failed(self.slot, Some((self.login, fault.reason.clone(), self.clock.wall().0)));
        *self.auth.lock().expect("no panic while it is locked") = Some(fault.clone());
    }

    /// An operator acts, or it worked after all.
    pub fn clear_auth(&self) {
        if self.auth.lock().expect("no panic while it is locked").take().is_some() {
            self.shared.set_auth_failed(self.slot, None);
        }
    }

    /// Takes over what other processes noted of the same credentials. What they noted of others says
    /// nothing of ours, neither for nor against.
    pub fn reload_auth(&self) {
        let noted = self.shared.auth_failed(self.slot);
        let mut auth = self.auth.lock().expect("no panic while it is locked");
        match noted {
            None => *auth = None,
            Some((login, reason, _)) if login == self.login && auth.is_none() => {
                let hint =
                    "authentication failed before and is not tried again: ask for a poll to try once more";
                *auth = Some(Fault { class: FaultClass::Auth, reason, hint: Some(hint.into()) });
            }
            Some(_) => {}
        }
    }

    /// The record shared with other processes.
    pub fn record(&self) -> (&Arc<Shared>, Slot) {
        (&self.shared, self.slot)
    }
}

#[async_trait::async_trait]
impl Gate for BmcGate {
    async fn permit(&self, priority: Priority) -> Result<Permit, Fault> {
        let mut granted = self.acquire(priority).await?;
        granted.start();
        Ok(Permit::new(move || drop(granted)))
    }

    fn earliest(&self) -> Millis {
        self.clock.wall_at(self.pace.earliest(self.key))
    }

    fn holds_sol(&self, session: Option<u32>) {
        self.shared.hold_sol(self.slot, session, self.clock.mono());
    }

    fn orphaned_sol(&self) -> Option<u32> {
        self.shared.orphaned_sol(self.slot, self.clock.mono())
    }
}

/// The gate of a node without a BMC: there is nothing to pace.
#[derive(Debug)]
pub(crate) struct OpenGate(pub Clock);

#[async_trait::async_trait]
impl Gate for OpenGate {
    async fn permit(&self, _: Priority) -> Result<Permit, Fault> {
        Ok(Permit::new(|| ()))
    }

    fn earliest(&self) -> Millis {
        self.0.wall()
    }
}

/// A node's way to its BMC.
pub(crate) struct Line {
    /// Shared by all nodes and consoles of the BMC.
    pub gate: Arc<BmcGate>,
    /// Shared likewise.
    pub suites: Arc<SuiteMemory>,
    /// Not there while an exchange runs, which the gate allows one of.
    driver: Mutex<Option<Box<dyn Bmc>>>,
    /// Why the machine could never be turned on from here.
    pub no_on: Option<BmcError>,
    /// See [`Bmc::may_break_off`].
    pub may_break_off: bool,
    clock: Clock,
    /// Beyond the driver's own limit: a driver that breaks its promise must not hold a BMC for ever.
    limit: Duration,
}

/// A lent driver, put back when dropped.
struct Lent<'a> {
    line: &'a Line,
    driver: Option<Box<dyn Bmc>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.line.driver.lock().expect("no panic while it is locked") = self.driver.take();
    }
}

impl Line {
    pub fn new(
        gate: Arc<BmcGate>,
        suites: Arc<SuiteMemory>,
        driver: Box<dyn Bmc>,
        clock: Clock,
        limit: Duration,
    ) -> Line {
        let (no_on, may_break_off) = (driver.cannot(&Exchange::On), driver.may_break_off());
        Line {
            gate,
            suites,
            driver: Mutex::new(Some(driver)),
            no_on,
            may_break_off,
            clock,
            limit: limit + Duration::from_secs(5),
        }
    }

    /// Executes one exchange; gives the time of its end with the result. `keep`: the login may stay open.
    pub async fn execute(
        &self,
        mut granted: Granted,
        exchange: &Exchange,
        keep: bool,
    ) -> (Duration, Result<Reply, BmcError>) {
        let taken = self.driver.lock().expect("no panic while it is locked").take();
        let Some(driver) = taken else {
            let error =
                BmcError::new(FaultClass::Local, "the driver is in use by another exchange").not_sent();
            return (self.clock.mono(), Err(error));
        };
        let mut lent = Lent { line: self, driver: Some(driver) };
        granted.start();
        let driver = lent.driver.as_mut().expect("put there above");
        driver.keep_login(keep);
        let running = driver.exchange(exchange);
        let result = match tokio::time::timeout(self.limit, running).await {
            Ok(result) => result,
            Err(_) => {
                Err(BmcError::new(FaultClass::Timeout, format!("no result after {} s", self.limit.as_secs())))
            }
        };
        let at = granted.end();
        self.note(at, &result);
        drop(lent);
        drop(granted);
        (at, result)
    }

    /// Closes a login that stayed open. Closing is no command, so the pace is not asked.
    pub async fn close(&self) {
        let driver = self.driver.lock().expect("no panic while it is locked").take();
        if let Some(mut driver) = driver {
            driver.close().await;
        }
    }

    fn note(&self, at: Duration, result: &Result<Reply, BmcError>) {
        let (shared, slot) = self.gate.record();
        match result {
            Ok(reply) => {
                self.gate.clear_auth();
                self.gate.pace.failing(self.gate.key, false);
                if let Some((power, detail)) = reply.power() {
                    shared.set_seen(
                        slot,
                        Seen {
                            boot: String::new(),
                            mono: u64::try_from(at.as_micros()).unwrap_or(u64::MAX),
                            wall: self.clock.wall().0,
                            power,
                            detail: detail.map(|detail| detail.chars().take(30).collect()),
                        },
                    );
                }
            }
            Err(error) => {
                let dead = matches!(error.class, FaultClass::Unreachable | FaultClass::Timeout);
                self.gate.pace.failing(self.gate.key, dead);
                if error.refused_login() {
                    self.gate.auth_failed(&error.clone().into());
                }
            }
        }
        let suite = self.suites.get();
        if suite != shared.suite(slot) {
            shared.set_suite(slot, suite);
        }
    }
}
