//! Pace: who may talk to which BMC, and when.
//!
//! Owns the [`Planner`] (pure: takes `now`, gives grants) and its asynchronous shell [`Pace`]. One
//! exchange at a time per BMC, `min_command_interval` from the end of one to the start of the next
//! whoever asks, operators before visible before background, a bounded number in flight with slots
//! that only operators get, and few for BMCs that do not answer. What other processes do is added by
//! [`super::line::BmcGate`]. Must not know drivers or nodes.

use super::clock::Clock;
use crate::bmc::Priority;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// Names a BMC within the planner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BmcKey(pub u32);

/// A place in the queue: higher priority first, then first come, first served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket {
    priority: Reverse<Priority>,
    seq: u64,
}

/// How many exchanges may be in flight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Shortest time from the end of one exchange to the start of the next with the same BMC.
    pub interval: Duration,
    /// In all.
    pub total: usize,
    /// Of those, how many polls may take; the rest is for operators.
    pub polls: usize,
    /// Of those, how many polls of BMCs that never answered may take, those that failed included.
    pub unproven: usize,
    /// Of those, how many polls of BMCs that did not answer may take.
    pub failing: usize,
}

impl Limits {
    /// An eighth is kept for operators, a quarter may be held by the dead, and a quarter of the polls is
    /// kept for BMCs that do answer: a dead rack must not make the living look old.
    pub fn new(interval: Duration, max_in_flight: usize) -> Limits {
        let total = max_in_flight.max(1);
        let kept = if total == 1 { 0 } else { (total / 8).max(1) };
        let polls = total - kept;
        Limits { interval, total, polls, unproven: polls - polls / 4, failing: (total / 4).max(1) }
    }
}

#[derive(Debug, Default)]
struct BmcPace {
    running: Option<Class>,
    not_before: Duration,
    /// It answered at least once.
    proven: bool,
    failing: bool,
    /// Who waits for it; the first is next.
    queue: BTreeSet<Ticket>,
    place: Place,
}

/// How an exchange is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Operator,
    Poll,
    UnprovenPoll,
    FailingPoll,
}

const CLASSES: [Class; 4] = [Class::Operator, Class::Poll, Class::UnprovenPoll, Class::FailingPoll];

/// Where a BMC is entered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// Nobody waits for it, or an exchange with it runs.
    #[default]
    Nowhere,
    /// Its own pace holds it until then.
    Held(Duration),
    /// It waits for a slot of this class with this ticket.
    Ready(Class, Ticket),
}

/// Decides, without a clock of its own. Each BMC that somebody waits for is entered once, by its first
/// ticket, so that a decision does not cost more in a large fleet.
#[derive(Debug)]
pub(crate) struct Planner {
    limits: Limits,
    bmcs: HashMap<BmcKey, BmcPace>,
    /// Whose ticket is in whose queue.
    waiting: HashMap<Ticket, BmcKey>,
    ready: [BTreeMap<Ticket, BmcKey>; CLASSES.len()],
    held: BTreeSet<(Duration, BmcKey)>,
    /// Exchanges in flight, by class.
    counts: [usize; CLASSES.len()],
    next_seq: u64,
}

impl Planner {
    pub fn new(limits: Limits) -> Planner {
        Planner {
            limits,
            bmcs: HashMap::new(),
            waiting: HashMap::new(),
            ready: Default::default(),
            held: BTreeSet::new(),
            counts: Default::default(),
            next_seq: 0,
        }
    }

    /// Other limits from now on; what is in flight or held stays so.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Queues somebody who wants an exchange with `bmc`.
    pub fn ask(&mut self, bmc: BmcKey, priority: Priority) -> Ticket {
        let ticket = Ticket { priority: Reverse(priority), seq: self.next_seq };
        self.next_seq += 1;
        self.ask_again(bmc, ticket);
        ticket
    }

    /// Queues again at the old place, after a grant that could not be used.
    pub fn ask_again(&mut self, bmc: BmcKey, ticket: Ticket) {
        self.bmcs.entry(bmc).or_default().queue.insert(ticket);
        self.waiting.insert(ticket, bmc);
        self.enter(bmc);
    }

    /// Takes somebody out of the queue.
    pub fn forget(&mut self, ticket: Ticket) {
        let Some(key) = self.waiting.remove(&ticket) else {
            return;
        };
        if let Some(bmc) = self.bmcs.get_mut(&key) {
            bmc.queue.remove(&ticket);
        }
        self.enter(key);
    }

    /// Enters a BMC where it belongs now. What is held is let go by [`Planner::grant`].
    fn enter(&mut self, key: BmcKey) {
        let Some(bmc) = self.bmcs.get_mut(&key) else {
            return;
        };
        let place = match bmc.queue.first() {
            None => Place::Nowhere,
            Some(_) if bmc.running.is_some() => Place::Nowhere,
            // Zero: it was let go, or was never held.
            Some(_) if !bmc.not_before.is_zero() => Place::Held(bmc.not_before),
            Some(&ticket) => Place::Ready(bmc.class(ticket), ticket),
        };
        if place == bmc.place {
            return;
        }
        match std::mem::replace(&mut bmc.place, place) {
            Place::Nowhere => {}
            Place::Held(at) => {
                self.held.remove(&(at, key));
            }
            Place::Ready(class, ticket) => {
                self.ready[class as usize].remove(&ticket);
            }
        }
        match place {
            Place::Nowhere => {}
            Place::Held(at) => {
                self.held.insert((at, key));
            }
            Place::Ready(class, ticket) => {
                self.ready[class as usize].insert(ticket, key);
            }
        }
    }

    /// Everybody who may start now, in order; each counts as in flight until [`Planner::end`].
    pub fn grant(&mut self, now: Duration) -> Vec<(Ticket, BmcKey)> {
        while let Some(&(at, key)) = self.held.first().filter(|(at, _)| *at <= now) {
            self.held.remove(&(at, key));
            if let Some(bmc) = self.bmcs.get_mut(&key) {
                bmc.not_before = Duration::ZERO;
                bmc.place = Place::Nowhere;
            }
            self.enter(key);
        }
        let mut granted = Vec::new();
        while let Some((class, ticket, key)) = self.first() {
            self.waiting.remove(&ticket);
            self.counts[class as usize] += 1;
            if let Some(bmc) = self.bmcs.get_mut(&key) {
                bmc.running = Some(class);
                bmc.queue.remove(&ticket);
            }
            self.enter(key);
            granted.push((ticket, key));
        }
        granted
    }

    /// Who is first of those for whom there is a slot.
    fn first(&self) -> Option<(Class, Ticket, BmcKey)> {
        CLASSES
            .into_iter()
            .filter(|class| self.has_slot(*class))
            .filter_map(|class| {
                self.ready[class as usize].first_key_value().map(|(ticket, key)| (class, *ticket, *key))
            })
            .min_by_key(|(_, ticket, _)| *ticket)
    }

    fn has_slot(&self, class: Class) -> bool {
        let limits = &self.limits;
        let count = |class: Class| self.counts[class as usize];
        let (unproven, failing) = (count(Class::UnprovenPoll), count(Class::FailingPoll));
        let polls = count(Class::Poll) + unproven + failing;
        polls + count(Class::Operator) < limits.total
            && match class {
                Class::Operator => true,
                Class::Poll => polls < limits.polls,
                Class::UnprovenPoll => polls < limits.polls && unproven + failing < limits.unproven,
                Class::FailingPoll => polls < limits.polls && failing < limits.failing,
            }
    }

    /// What was granted is over. The next starts at `next` at the earliest.
    pub fn end(&mut self, key: BmcKey, next: Duration) {
        let Some(bmc) = self.bmcs.get_mut(&key) else {
            return;
        };
        bmc.not_before = bmc.not_before.max(next);
        if let Some(class) = bmc.running.take() {
            self.counts[class as usize] -= 1;
        }
        self.enter(key);
    }

    /// Whether the BMC answered when last asked; those that did not share few slots.
    pub fn failing(&mut self, key: BmcKey, failing: bool) {
        let bmc = self.bmcs.entry(key).or_default();
        bmc.failing = failing;
        bmc.proven |= !failing;
        self.enter(key);
    }

    /// When time alone lets somebody start who could not at the last grant; `None` when only an end can.
    pub fn wake(&self) -> Option<Duration> {
        self.held.first().map(|(at, _)| *at)
    }

    /// The earliest start that this BMC's own pace allows.
    pub fn earliest(&self, key: BmcKey, now: Duration) -> Duration {
        self.bmcs.get(&key).map_or(now, |bmc| match bmc.running {
            Some(_) => now + self.limits.interval,
            None => bmc.not_before.max(now),
        })
    }
}

impl BmcPace {
    fn class(&self, ticket: Ticket) -> Class {
        match ticket.priority.0 {
            Priority::Operator => Class::Operator,
            _ if self.failing => Class::FailingPoll,
            _ if !self.proven => Class::UnprovenPoll,
            _ => Class::Poll,
        }
    }
}

/// The planner with a queue of tasks that wait.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: Clock,
    inner: Mutex<Inner>,
    timer: Notify,
}

#[derive(Debug)]
struct Inner {
    planner: Planner,
    waiters: BTreeMap<Ticket, oneshot::Sender<Slot>>,
    /// When to grant again. Of the clock reading of the last grant: by a later one, whoever became due
    /// in between would count as neither granted nor waited for.
    wake: Option<Duration>,
}

/// A granted slot. Dropped unused, it goes back at once without counting as an exchange.
#[derive(Debug)]
pub(crate) struct Slot {
    pace: Arc<Pace>,
    key: BmcKey,
    next: Duration,
    /// The place in the queue it was granted for.
    pub ticket: Ticket,
}

impl Slot {
    /// Whose slot it is.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// The next exchange with this BMC starts at `next` at the earliest.
    pub fn not_before(&mut self, next: Duration) {
        self.next = self.next.max(next);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let (key, next) = (self.key, self.next);
        self.pace.change(|planner| planner.end(key, next));
    }
}

/// Takes a waiter out of the queue when its task loses interest.
struct Waiting<'a> {
    pace: &'a Pace,
    ticket: Ticket,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waiter = {
            let mut inner = self.pace.lock();
            inner.planner.forget(self.ticket);
            inner.waiters.remove(&self.ticket)
        };
        drop(waiter);
    }
}

impl Pace {
    pub fn new(clock: Clock, limits: Limits) -> Arc<Pace> {
        Arc::new(Pace {
            clock,
            inner: Mutex::new(Inner { planner: Planner::new(limits), waiters: BTreeMap::new(), wake: None }),
            timer: Notify::new(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic while the pace is locked")
    }

    /// Changes the planner and hands out what that allows.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut Planner)) {
        let mut unused = Vec::new();
        {
            let mut inner = self.lock();
            change(&mut inner.planner);
            let now = self.clock.mono();
            for (ticket, key) in inner.planner.grant(now) {
                let slot = Slot { pace: Arc::clone(self), key, next: Duration::ZERO, ticket };
                match inner.waiters.remove(&ticket) {
                    Some(waiter) => unused.extend(waiter.send(slot).err()),
                    None => unused.push(slot),
                }
            }
            inner.wake = inner.planner.wake();
        }
        // Dropped without the lock: a slot's end takes it.
        drop(unused);
        self.timer.notify_one();
    }

    /// Waits for a slot; with `again` at the place of an earlier grant.
    pub async fn wait(self: &Arc<Self>, key: BmcKey, priority: Priority, again: Option<Ticket>) -> Slot {
        loop {
            let (send, receive) = oneshot::channel();
            let ticket = {
                let mut inner = self.lock();
                let ticket = match again {
                    Some(ticket) => {
                        inner.planner.ask_again(key, ticket);
                        ticket
                    }
                    None => inner.planner.ask(key, priority),
                };
                inner.waiters.insert(ticket, send);
                ticket
            };
            let waiting = Waiting { pace: self, ticket };
            self.change(|_| ());
            let slot = receive.await;
            drop(waiting);
            if let Ok(slot) = slot {
                return slot;
            }
        }
    }

    /// See [`Planner::set_limits`].
    pub fn set_limits(self: &Arc<Self>, limits: Limits) {
        self.change(|planner| planner.set_limits(limits));
    }

    /// Shortest time from the end of one exchange to the start of the next with the same BMC.
    pub fn interval(&self) -> Duration {
        self.lock().planner.limits.interval
    }

    /// See [`Planner::failing`].
    pub fn failing(self: &Arc<Self>, key: BmcKey, failing: bool) {
        self.lock().planner.failing(key, failing);
    }

    /// See [`Planner::earliest`].
    pub fn earliest(&self, key: BmcKey) -> Duration {
        let now = self.clock.mono();
        self.lock().planner.earliest(key, now)
    }

    /// Wakes those for whom time alone was missing; runs until it is dropped.
    pub async fn run(self: Arc<Self>) {
        loop {
            let wake = self.lock().wake;
            match wake {
                None => self.timer.notified().await,
                Some(at) => {
                    // A microsecond more, so that rounding never wakes too early in a busy loop.
                    let at = self.clock.instant(at + Duration::from_micros(1));
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => self.change(|_| ()),
                        () = self.timer.notified() => {}
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
