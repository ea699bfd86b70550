//! The steps verbs are made of: claim, look, send, observe, wait; every wait can be cancelled.

use super::stagger::{Stagger, Turn};
use crate::bmc::{BmcError, Exchange, Priority, Reply};
use crate::fleet::{Fault, FaultClass, Millis, Power, Verb};
use crate::hub::audit::Tally;
use crate::hub::consoles::Consoles;
use crate::hub::line::{Granted, Line};
use crate::hub::message::{Outcome, Pending, Phase, RequestId, Update, VerbResult};
use crate::hub::node::Node;
use crate::hub::plan::Looks;
use crate::hub::shared::{Claim, PendingRecord};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// `Err` ends the verb with that outcome.
pub(super) type Step<T> = Result<T, Outcome>;

/// Between looks at whether another process asks us to give way, or ended its verb.
const NOTICE: Duration = Duration::from_millis(250);
/// Shortest gap between two tries to send, however short the pace is.
const RETRY: Duration = Duration::from_secs(1);

/// For an exchange of another that is under way when the time is up.
const TURN: Duration = Duration::from_secs(30);

/// Who is so little too early for the one before, which was as little late, need not take another turn.
const LATE: Duration = Duration::from_millis(100);

/// Gap between looks for a state that passes, unless the pace wants more.
const QUICK: Duration = Duration::from_millis(500);

/// Why a verb is told to stop; `None` while it is not.
pub(crate) type Cancel = watch::Receiver<Option<&'static str>>;

/// One verb on one node.
pub(crate) struct Job {
    pub node: Arc<Node>,
    pub id: RequestId,
    pub verb: Verb,
    pub timeout: Option<Duration>,
    pub wait: bool,
    /// When it was asked for.
    pub asked: Duration,
    pub stagger: Arc<Stagger>,
    pub consoles: Arc<Consoles>,
    /// Of changing verbs.
    pub tally: Option<Arc<Tally>>,
    /// The result has been told.
    pub told: bool,
}

impl Job {
    /// Tells the result; the job's last act.
    pub fn done(mut self, outcome: Outcome) {
        self.tell(outcome);
    }

    fn tell(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let context = &self.node.context;
        let result = VerbResult {
            id: self.id,
            node: self.node.id,
            verb: self.verb.clone(),
            outcome,
            power: self.node.power(),
            elapsed: context.clock.mono().saturating_sub(self.asked),
        };
        if let Some(tally) = &self.tally {
            tally.add(&self.node.name, &result);
        }
        context.outbox.push(Update::Done(Box::new(result)));
    }
}

/// Whoever asked gets a result, also from a job that is aborted or panics.
impl Drop for Job {
    fn drop(&mut self) {
        if !self.told {
            self.tell(Outcome::Failed(Fault {
                class: FaultClass::Local,
                reason: "ended before its result was known; it may have been carried out".into(),
                hint: None,
            }));
        }
    }
}

/// What came of a sending.
#[derive(Debug)]
pub(super) enum Sent {
    /// Accepted.
    Reply(Reply),
    /// No clear answer: it may have been carried out.
    Perhaps(Fault),
    /// Certainly not carried out.
    Refused(BmcError),
}

/// What came of observing.
#[derive(Debug)]
pub(super) enum Observed {
    /// The state came.
    Reached,
    /// The state is there, but the other one that should have come before was not seen.
    Unchanged,
    /// The time is up; what was seen instead.
    Missed(String),
}

/// Whether a request that reached the BMC was certainly not carried out.
fn is_refusal(error: &BmcError) -> bool {
    match error.class {
        // `Local` may be a driver's process that somebody killed at any moment.
        FaultClass::Unreachable | FaultClass::Timeout | FaultClass::Protocol | FaultClass::Local => false,
        // "Timed out inside", "the answer could not be given" and "duplicate" say nothing about the
        // deed (IPMI 2.0, table 5-2).
        FaultClass::Auth | FaultClass::Busy | FaultClass::Unsupported | FaultClass::Rejected => {
            !matches!(error.code, Some(0xc3 | 0xce | 0xcf))
        }
    }
}

/// A running verb.
pub(super) struct Run<'a> {
    pub node: &'a Node,
    pub job: &'a Job,
    cancel: Cancel,
    claim: Option<Claim>,
    allowed: Duration,
    /// Sending, and reading the state before, may be tried again until then.
    give_up: Duration,
    /// What was sent, for who cancels.
    sent: Vec<&'static str>,
    /// A permit that [`Run::take_turn`] won for the next sending.
    turn: Option<Granted>,
}

impl<'a> Run<'a> {
    pub fn new(job: &'a Job, cancel: Cancel) -> Run<'a> {
        let node: &Node = &job.node;
        let allowed = super::allowed(node, &job.verb, job.timeout);
        Run {
            node,
            job,
            cancel,
            claim: None,
            allowed,
            give_up: node.context.clock.mono() + allowed,
            sent: Vec::new(),
            turn: None,
        }
    }

    pub fn now(&self) -> Duration {
        self.node.context.clock.mono()
    }

    fn line(&self) -> Step<&'a Line> {
        self.node.line.as_ref().map_err(|fault| Outcome::Failed(fault.clone()))
    }

    /// Resolves when the verb has to stop.
    async fn stopped(&mut self) -> Outcome {
        loop {
            let told = *self.cancel.borrow();
            if let Some(why) = told {
                return self.cancelled(why);
            }
            if self.claim.as_ref().is_some_and(Claim::preempted) {
                return self.cancelled("another lightsout's power off took over");
            }
            let watch = self.claim.is_some();
            tokio::select! {
                changed = self.cancel.changed() => if changed.is_err() {
                    return self.cancelled("the program ends");
                },
                () = tokio::time::sleep(NOTICE), if watch => {}
            }
        }
    }

    fn cancelled(&self, why: &str) -> Outcome {
        let sent =
            (!self.sent.is_empty()).then(|| format!("{} had been sent when {why}", self.sent.join(" and ")));
        Outcome::Cancelled { sent }
    }

    /// Runs `work` unless the verb is stopped first.
    async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Step<T> {
        tokio::select! {
            biased;
            outcome = self.stopped() => Err(outcome),
            result = work => Ok(result),
        }
    }

    async fn wait_until(&mut self, at: Duration) -> Step<()> {
        let at = self.node.context.clock.instant(at);
        self.unless_stopped(tokio::time::sleep_until(at)).await
    }

    /// Waits for a permit, at most until the verb's time is up.
    async fn permit(&mut self) -> Step<Granted> {
        let line = self.line()?;
        // The last look is due when the time is up, and still waits for its turn.
        let until =
            self.give_up.max(self.now()) + self.node.context.settings().poll.min_command_interval + TURN;
        let until = self.node.context.clock.instant(until);
        let granted = tokio::time::timeout_at(until, line.gate.acquire(Priority::Operator));
        match self.unless_stopped(granted).await? {
            Ok(granted) => granted.map_err(Outcome::Failed),
            Err(_) => Err(self.no_turn()),
        }
    }

    /// Others kept the BMC, or all slots, busy for longer than the verb may take.
    fn no_turn(&self) -> Outcome {
        let sent = match self.sent.as_slice() {
            [] => "nothing was sent".to_owned(),
            sent => format!("{} had been sent", sent.join(" and ")),
        };
        Outcome::Failed(Fault {
            class: FaultClass::Busy,
            reason: format!("no turn at the BMC within {} s; {sent}", self.allowed.as_secs()),
            hint: Some("another lightsout may hold it, or too many exchanges run (max_in_flight)".into()),
        })
    }

    /// Makes the node's pending verb ours, across processes. `off` asks another process to give way.
    pub async fn claim(&mut self) -> Step<()> {
        let node = self.node;
        let (shared, slot) = self.line()?.gate.record();
        let (since, from) = (node.context.clock.wall(), node.power());
        let operator = &node.context.options.operator;
        let verb = self.job.verb.without_secret();
        let record = PendingRecord::new(&verb, operator, since.0, self.allowed, from);
        let off = self.job.verb == Verb::Power(crate::fleet::PowerVerb::Off);
        loop {
            if let Some(claim) = shared.claim(slot, &record).map_err(Outcome::Failed)? {
                self.claim = Some(claim);
                break;
            }
            let other = shared.foreign_pending(slot);
            if !off
                || other.as_ref().is_some_and(|other| other.verb == self.job.verb)
                || self.now() >= self.give_up
            {
                let who = other.map_or_else(
                    || "another verb is pending on this BMC".to_owned(),
                    |other| {
                        format!("{} is pending in another lightsout ({})", other.verb.words(), other.who())
                    },
                );
                return Err(Outcome::Refused(who));
            }
            shared.preempt(slot, operator);
            self.wait_until(self.now() + NOTICE).await?;
        }
        node.pending(Some(Pending {
            id: Some(self.job.id),
            by: None,
            verb: self.job.verb.clone(),
            from,
            since,
            allowed: self.allowed,
            phase: Phase::Queued,
        }));
        Ok(())
    }

    /// Tells how far it is.
    pub fn phase(&self, phase: Phase) {
        self.node.phase(phase, None, None);
    }

    /// Makes one exchange under a permit of its own. Once it has begun it is not cancelled: a login
    /// that is cut off stays open on the BMC.
    pub async fn ask(&mut self, exchange: &Exchange) -> Step<Result<Reply, BmcError>> {
        let granted = self.permit().await?;
        self.exchange(granted, exchange).await
    }

    async fn exchange(&mut self, granted: Granted, exchange: &Exchange) -> Step<Result<Reply, BmcError>> {
        let start = self.now();
        let (at, mut result) = self.line()?.execute(granted, exchange, self.node.keeps_login()).await;
        if let Ok(Reply::Checkup(checkup)) = &mut result {
            checkup.took = at.saturating_sub(start);
        }
        if let Some((power, detail)) = result.as_ref().ok().and_then(Reply::power) {
            let wall = self.node.context.clock.wall();
            self.node.observed(at, wall, power, detail.map(str::to_owned));
        }
        match (&result, exchange) {
            (Err(error), Exchange::Power | Exchange::Checkup) => self.node.failed(at, error.clone().into()),
            (Err(error), _) if error.refused_login() => self.node.failed(at, error.clone().into()),
            _ => {}
        }
        Ok(result)
    }

    /// Reads the power state.
    pub async fn look(&mut self) -> Step<Result<Power, Fault>> {
        Ok(match self.ask(&Exchange::Power).await? {
            Ok(Reply::Power(power, _)) => Ok(power),
            Ok(other) => Err(super::unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }

    /// The same, content with what another process read since this was asked.
    pub async fn look_or_take(&mut self) -> Step<Result<Power, Fault>> {
        let granted = self.permit().await?;
        if self.node.take_reading(self.job.asked) {
            return Ok(Ok(self.node.power()));
        }
        Ok(match self.exchange(granted, &Exchange::Power).await? {
            Ok(Reply::Power(power, _)) => Ok(power),
            Ok(other) => Err(super::unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }

    /// The state before the verb. A reading so young that the pace forbids another is good enough
    /// to act on, but not to leave the verb out (`skips`).
    pub async fn state_before(&mut self, skips: impl Fn(Power) -> bool) -> Step<Power> {
        if let Some(seen) = self.node.newest_reading() {
            let age = self.now().saturating_sub(Duration::from_micros(seen.mono));
            let young = age < self.node.context.settings().poll.min_command_interval;
            if young && seen.power != Power::Unknown && !skips(seen.power) {
                self.node.take_reading(Duration::ZERO);
                self.node.from(seen.power);
                return Ok(seen.power);
            }
        }
        loop {
            let fault = match self.look().await? {
                Ok(state) => {
                    self.node.from(state);
                    return Ok(state);
                }
                Err(fault) => fault,
            };
            match fault.class {
                // It answers, only not with its state: what was asked for can still be done.
                FaultClass::Rejected | FaultClass::Unsupported | FaultClass::Protocol => {
                    return Ok(Power::Unknown);
                }
                FaultClass::Auth | FaultClass::Local => return Err(Outcome::Failed(fault)),
                FaultClass::Unreachable | FaultClass::Timeout | FaultClass::Busy => {}
            }
            if !self.may_try_again(fault.class) {
                return Err(Outcome::Failed(fault));
            }
            self.pause().await?;
        }
    }

    /// Waits before another try; the gate adds the pace.
    pub async fn pause(&mut self) -> Step<()> {
        self.wait_until(self.now() + RETRY).await
    }

    /// Whether an exchange that failed may be tried again. Who does not want to wait is told at once.
    pub fn may_try_again(&self, class: FaultClass) -> bool {
        let passing = matches!(class, FaultClass::Unreachable | FaultClass::Timeout | FaultClass::Busy);
        passing && self.job.wait && self.now() + RETRY <= self.give_up
    }

    /// Waits for this node's turn among the power-ons of its request. The time limit counts anew.
    pub async fn take_turn(&mut self) -> Step<()> {
        let of = self.job.stagger.of();
        let mut turn = None;
        loop {
            // The pace that its BMC keeps is no turn of others.
            let from = self.line()?.gate.earliest_mono().max(self.now());
            let Turn { at, number } = self.job.stagger.reserve(from, turn);
            turn = Some(at);
            let due = self.node.context.clock.wall_at(at);
            self.phase(if of > 1 { Phase::Turn { number, of, due } } else { Phase::Queued });
            self.wait_until(at).await?;
            let granted = self.permit().await?;
            let mut taken = self.job.stagger.take(self.now());
            if let Err(free) = taken
                && free <= self.now() + LATE
            {
                self.wait_until(free).await?;
                taken = self.job.stagger.take(self.now());
            }
            if taken.is_ok() {
                self.turn = Some(granted);
                self.give_up = self.now() + self.allowed;
                return Ok(());
            }
        }
    }

    /// Sends `exchange`, once: it is tried again only where it certainly never reached the BMC.
    pub async fn send(&mut self, exchange: &Exchange) -> Step<Sent> {
        loop {
            let granted = match self.turn.take() {
                Some(granted) => granted,
                None => self.permit().await?,
            };
            self.phase(Phase::Sending);
            let result = self.exchange(granted, exchange).await?;
            let error = match result {
                Ok(reply) => {
                    self.note_sent(exchange);
                    return Ok(Sent::Reply(reply));
                }
                Err(error) => error,
            };
            if error.not_sent {
                if !self.may_try_again(error.class) {
                    return Ok(Sent::Refused(error));
                }
                self.pause().await?;
                continue;
            }
            if is_refusal(&error) {
                return Ok(Sent::Refused(error));
            }
            self.note_sent(exchange);
            return Ok(Sent::Perhaps(error.into()));
        }
    }

    fn note_sent(&mut self, exchange: &Exchange) {
        self.sent.push(match exchange {
            Exchange::On => "on",
            Exchange::Off => "off",
            Exchange::Soft => "soft",
            Exchange::Cycle => "cycle",
            Exchange::Reset => "reset",
            Exchange::Nmi => "nmi",
            Exchange::BootSet(_) => "the boot device",
            Exchange::ResetBmc(_) => "the BMC reset",
            Exchange::Identify(_) => "identify",
            Exchange::SolDeactivate => "free-sol",
            _ => "the request",
        });
    }

    /// Looks with growing gaps until `target` is seen, or the time is up. With `settles`, `target`
    /// counts only after another state was seen; it is looked for as often as the pace allows for so
    /// long, and after that `target` is what it came to.
    pub async fn observe(&mut self, target: Power, settles: Duration) -> Step<Observed> {
        let accepted = self.now();
        let poll = self.node.context.settings().poll.clone();
        let mut looks = Looks::new(accepted, self.allowed, poll.min_command_interval, poll.interval);
        let quick = QUICK.max(poll.min_command_interval);
        let settled = accepted + settles.min(self.allowed);
        let mut other_seen = settles.is_zero();
        let mut newest = String::from("it was not looked at");
        let mut since = Some(self.node.context.clock.wall());
        loop {
            let now = self.now();
            let at = if !other_seen && now < settled {
                (now + quick).min(settled)
            } else if let Some(at) = looks.next(now) {
                at
            } else {
                return Ok(Observed::Missed(newest));
            };
            let next: Millis = self.node.context.clock.wall_at(at);
            self.node.phase(Phase::Observing, since.take(), Some(next));
            self.wait_until(at).await?;
            match self.look().await? {
                Ok(state) if state == target && other_seen => return Ok(Observed::Reached),
                Ok(state) if state == target && self.now() >= settled => return Ok(Observed::Unchanged),
                Ok(state) => {
                    other_seen |= state != Power::Unknown && state != target;
                    newest = format!("it is {state} after {} s", (self.now() - accepted).as_secs());
                }
                Err(fault) if fault.class == FaultClass::Auth => return Err(Outcome::Failed(fault)),
                // Passing trouble while a machine changes its state is common: look again.
                Err(fault) => newest = fault.reason,
            }
        }
    }
}
