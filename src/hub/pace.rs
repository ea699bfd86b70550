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
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// Names a BMC within the planner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BmcKey(pub u32);

/// A place in the queue: higher priority first, then first come, first served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    running: Option<Kind>,
    not_before: Duration,
    /// It answered at least once.
    proven: bool,
    failing: bool,
}

/// How an exchange in flight is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Operator,
    Poll,
    UnprovenPoll,
    FailingPoll,
}

/// Decides, without a clock of its own.
#[derive(Debug)]
pub(crate) struct Planner {
    limits: Limits,
    bmcs: HashMap<BmcKey, BmcPace>,
    waiting: BTreeMap<Ticket, BmcKey>,
    in_flight: usize,
    polls: usize,
    unproven: usize,
    failing: usize,
    next_seq: u64,
}

impl Planner {
    pub fn new(limits: Limits) -> Planner {
        Planner {
            limits,
            bmcs: HashMap::new(),
            waiting: BTreeMap::new(),
            in_flight: 0,
            polls: 0,
            unproven: 0,
            failing: 0,
            next_seq: 0,
        }
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
        self.bmcs.entry(bmc).or_default();
        self.waiting.insert(ticket, bmc);
    }

    /// Takes somebody out of the queue.
    pub fn forget(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
    }

    /// Everybody who may start now, in order; each counts as in flight until [`Planner::end`].
    pub fn grant(&mut self, now: Duration) -> Vec<(Ticket, BmcKey)> {
        let mut granted = Vec::new();
        for (&ticket, &key) in &self.waiting {
            if self.in_flight >= self.limits.total {
                break;
            }
            let Some(bmc) = self.bmcs.get_mut(&key) else {
                continue;
            };
            if bmc.running.is_some() || now < bmc.not_before {
                continue;
            }
            let kind = match ticket.priority.0 {
                Priority::Operator => Kind::Operator,
                _ if self.polls >= self.limits.polls => break,
                _ if bmc.failing && self.failing >= self.limits.failing => continue,
                _ if bmc.failing => Kind::FailingPoll,
                _ if !bmc.proven && self.unproven + self.failing >= self.limits.unproven => continue,
                _ if !bmc.proven => Kind::UnprovenPoll,
                _ => Kind::Poll,
            };
            bmc.running = Some(kind);
            self.in_flight += 1;
            self.polls += usize::from(kind != Kind::Operator);
            self.unproven += usize::from(kind == Kind::UnprovenPoll);
            self.failing += usize::from(kind == Kind::FailingPoll);
            granted.push((ticket, key));
        }
        for (ticket, _) in &granted {
            self.waiting.remove(ticket);
        }
        granted
    }

    /// What was granted is over. The next starts at `next` at the earliest.
    pub fn end(&mut self, key: BmcKey, next: Duration) {
        let Some(bmc) = self.bmcs.get_mut(&key) else {
            return;
        };
        bmc.not_before = bmc.not_before.max(next);
        if let Some(kind) = bmc.running.take() {
            self.in_flight -= 1;
            self.polls -= usize::from(kind != Kind::Operator);
            self.unproven -= usize::from(kind == Kind::UnprovenPoll);
            self.failing -= usize::from(kind == Kind::FailingPoll);
        }
    }

    /// Whether the BMC answered when last asked; those that did not share few slots.
    pub fn failing(&mut self, key: BmcKey, failing: bool) {
        let bmc = self.bmcs.entry(key).or_default();
        bmc.failing = failing;
        bmc.proven |= !failing;
    }

    /// When time alone lets somebody start who could not at `now`, the time of the last grant; `None`
    /// when only an end can.
    pub fn wake(&self, now: Duration) -> Option<Duration> {
        self.waiting
            .values()
            .filter_map(|key| self.bmcs.get(key))
            .filter(|bmc| bmc.running.is_none() && bmc.not_before > now)
            .map(|bmc| bmc.not_before)
            .min()
    }

    /// The earliest start that this BMC's own pace allows.
    pub fn earliest(&self, key: BmcKey, now: Duration) -> Duration {
        self.bmcs.get(&key).map_or(now, |bmc| match bmc.running {
            Some(_) => now + self.limits.interval,
            None => bmc.not_before.max(now),
        })
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
            inner.wake = inner.planner.wake(now);
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
