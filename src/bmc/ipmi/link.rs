//! One BMC of driver `ipmi`: its login with everything that goes through it, shared by driver and SOL.
//!
//! Owns the client's state machine ([`Client`]) and feeds it: datagrams, errors and deadlines from `port`,
//! commands from a [`Turn`]. Decides how long a login lasts. Datagrams go out from whoever made them
//! necessary, so that a poll needs no other task. What is said by it is worded in `classify`.

use super::network::Network;
use super::port::{Peer, Port, plain};
use super::sol::SolSide;
use super::timers::Tick;
use crate::bmc::words::{self, NO_NAME};
use crate::bmc::{BmcError, SuiteMemory};
use crate::config::{BmcSettings, Credentials, Secret};
use crate::fleet::FaultClass;
use crate::ipmi::client::{Client, ClientError, Event, Reply};
use crate::ipmi::command::{Command, DeviceId};
use crate::ipmi::{Quirks, Suite, completion};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// BMCs end a session after 60 s of silence, give or take 3 s. One that is not used this long is closed, so
/// that it is never the BMC that ends it.
const IDLE: Duration = Duration::from_secs(45);
/// How long a close waits for the BMC's answer.
const CLOSING: Duration = Duration::from_secs(1);

/// Where a BMC is and how one logs in to it: what makes two links the same.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) address: String,
    pub(super) port: u16,
    pub(super) credentials: Option<Arc<Credentials>>,
    pub(super) kg: Option<Secret>,
    pub(super) privilege: crate::config::Privilege,
    pub(super) suites: Vec<u8>,
    pub(super) quirks: Option<Vec<String>>,
}

impl Login {
    pub(super) fn of(settings: &BmcSettings, address: &str) -> Login {
        Login {
            address: address.to_owned(),
            port: settings.port,
            credentials: settings.credentials.clone(),
            kg: settings.kg.clone(),
            privilege: settings.privilege,
            suites: settings.cipher_suites.clone(),
            quirks: settings.quirks.clone(),
        }
    }
}

impl PartialEq for Login {
    fn eq(&self, other: &Login) -> bool {
        let who = |login: &Login| {
            login.credentials.as_ref().map(|one| (one.username.clone(), one.password.clone()))
        };
        let rest = |login: &Login| {
            (login.address.clone(), login.port, login.kg.clone(), login.privilege, login.suites.clone())
        };
        who(self) == who(other) && rest(self) == rest(other) && self.quirks == other.quirks
    }
}

/// One BMC as this process speaks with it.
pub struct Link {
    number: u64,
    me: Weak<Link>,
    network: Arc<Network>,
    login: Login,
    place: String,
    /// Wall-clock limit of one command, login included.
    limit: Duration,
    suites: Arc<SuiteMemory>,
    /// Held while commands are exchanged: one at a time.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// Rung when nobody wants anything of the login, and when it was closed.
    free: Notify,
}

pub(super) struct State {
    pub(super) client: Client,
    path: Option<Path>,
    /// Whether a login may stay open while nothing is exchanged.
    keep: bool,
    /// A turn is held: its commands belong to one login.
    held: bool,
    closing: bool,
    waiter: Option<Waiter>,
    /// Its entry among the port's timers.
    entered: Option<Tick>,
    /// What ICMP last said.
    errno: Option<i32>,
    pub(super) sol: Option<SolSide>,
    /// The BMC was asked what it is, for its quirks.
    identified: bool,
}

/// The way to the BMC, as long as there is a login or an attempt at one.
struct Path {
    port: Arc<Port>,
    to: SocketAddr,
}

/// Who waits for an answer.
struct Waiter {
    answer: oneshot::Sender<Result<Reply, Failure>>,
    until: Duration,
    before: Before,
}

/// How things stood when a command was asked for.
#[derive(Clone, Copy)]
struct Before {
    logged_in: bool,
    logins: u64,
    received: u64,
}

/// Why a command has no reply.
#[derive(Debug)]
pub(super) enum Failure {
    /// Says the client.
    Client { error: ClientError, not_sent: bool },
    /// Says ICMP, with an error number.
    Undelivered { errno: i32, not_sent: bool },
    /// The wall-clock limit passed: nothing came from the BMC at all; it answered, but did not log us in;
    /// it has the command, maybe.
    Overdue { heard: bool, not_sent: bool },
    /// It did not come to speaking with the BMC.
    Local(BmcError),
}

impl Link {
    pub(super) fn new(
        network: &Arc<Network>,
        login: Login,
        place: String,
        limit: Duration,
        suites: Arc<SuiteMemory>,
        client: Client,
    ) -> Arc<Link> {
        Arc::new_cyclic(|me| Link {
            number: network.number(),
            me: me.clone(),
            network: Arc::clone(network),
            login,
            place,
            limit,
            suites,
            turn: tokio::sync::Mutex::new(()),
            state: Mutex::new(State {
                client,
                path: None,
                keep: false,
                held: false,
                closing: false,
                waiter: None,
                entered: None,
                errno: None,
                sol: None,
                identified: false,
            }),
            free: Notify::new(),
        })
    }

    pub(super) fn login(&self) -> &Login {
        &self.login
    }

    /// The BMC for people.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether a login may stay open after an exchange. Closes an open one that nobody uses when it may not.
    pub fn keep(&self, keep: bool) {
        let mut state = self.state();
        if std::mem::replace(&mut state.keep, keep) != keep {
            self.settle(&mut state);
        }
    }

    /// Closes the login unless a console uses it, and waits for the BMC's answer for at most a second.
    pub async fn close(&self) {
        self.keep(false);
        self.until(CLOSING, |state| !state.closing).await;
    }

    /// Datagrams that were ignored because they were forged, stale or no answer to anything.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.state().client.counters().ignored
    }

    /// Waits until no other commands are exchanged with this BMC, then gives it to the caller.
    pub(super) async fn turn(&self) -> Turn<'_> {
        let guard = self.turn.lock().await;
        self.state().held = true;
        Turn { link: self, _guard: guard }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while a link is locked")
    }

    /// Does something with the client, then sends what it wants to send and tells what came of it.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut State, Duration) -> T) -> T {
        let mut state = self.state();
        let result = act(&mut state, self.network.now());
        self.settle(&mut state);
        result
    }

    /// Sends and tells everything there is, closes what need not stay open, and enters the next deadline.
    fn settle(&self, state: &mut State) {
        let now = self.network.now();
        loop {
            while let Some(datagram) = state.client.transmit(now) {
                self.send(state, now, &datagram);
            }
            if let Some(event) = state.client.event() {
                self.happened(state, event);
            } else if state.may_close(now) {
                state.closing = true;
                state.client.close(now);
            } else {
                break;
            }
        }
        if state.client.idle_since().is_some() || !state.client.is_logged_in() {
            self.free.notify_waiters();
        }
        self.schedule(state);
    }

    fn send(&self, state: &mut State, now: Duration, datagram: &[u8]) {
        let Some(path) = &state.path else { return };
        if let Err(error) = path.port.send(path.to, datagram) {
            state.errno = error.raw_os_error();
            state.client.unreachable(now);
        }
    }

    fn happened(&self, state: &mut State, event: Event) {
        match event {
            Event::Reply(result) => {
                let errno = state.errno.take();
                if let Some(waiter) = state.waiter.take() {
                    let result = result.map_err(|error| {
                        // The client means the session it was in when it failed; an earlier one may have
                        // carried the request too.
                        let not_sent = error.not_sent() && !state.was_in(waiter.before);
                        match (error, errno) {
                            (ClientError::PortUnreachable { .. }, Some(errno)) => {
                                Failure::Undelivered { errno, not_sent }
                            }
                            (error, _) => Failure::Client { error, not_sent },
                        }
                    });
                    // Nobody waits any more: the answer is of no use.
                    let _ = waiter.answer.send(result);
                }
            }
            Event::LoggedIn(suite) => self.suites.set(Some(suite.id())),
            Event::Closed => {
                state.closing = false;
                SolSide::happened(state, Event::Closed);
            }
            other => SolSide::happened(state, other),
        }
    }

    /// Enters the next deadline, if the entry there is comes too late.
    fn schedule(&self, state: &mut State) {
        let Some(path) = &state.path else { return };
        let idle = state.idle_at();
        let limit = state.waiter.as_ref().map(|waiter| waiter.until);
        let Some(at) = [state.client.deadline(), idle, limit].into_iter().flatten().min() else { return };
        let tick = Tick::after(at);
        if state.entered.is_some_and(|entered| entered <= tick) {
            return;
        }
        if let Some(entered) = state.entered.replace(tick) {
            path.port.withdraw(entered, self.number);
        }
        path.port.enter(tick, self.number, self.peer());
    }

    /// Ends SOL and login at once, unless the link is in use by whoever calls.
    pub(super) fn leave(&self) {
        let Ok(mut state) = self.state.try_lock() else { return };
        let now = self.network.now();
        state.client.leave(now);
        while let Some(datagram) = state.client.transmit(now) {
            self.send(&mut state, now, &datagram);
        }
    }

    fn peer(&self) -> Weak<dyn Peer> {
        // A method call: `Weak::clone(&self.me)` would be coerced too early.
        let me: Weak<Link> = self.me.clone();
        me
    }

    /// Takes the way to `to`; `None` gives it up.
    fn go(&self, to: Option<SocketAddr>) -> Result<(), BmcError> {
        let mut state = self.state();
        if state.path.as_ref().map(|path| path.to) == to {
            return Ok(());
        }
        if let Some(path) = state.path.take() {
            path.port.leave(path.to, &self.peer());
            if let Some(entered) = state.entered.take() {
                path.port.withdraw(entered, self.number);
            }
        }
        if let Some(to) = to {
            let port = self.network.port(to).map_err(|error| {
                let text = format!("cannot open a socket for {}: {error}", self.place);
                BmcError::new(FaultClass::Local, text).not_sent()
            })?;
            port.join(to, self.peer());
            state.path = Some(Path { port, to });
        }
        Ok(())
    }

    /// The BMC's addresses, best first.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, BmcError> {
        let Login { address, port, .. } = &self.login;
        if let Ok(literal) = address.parse::<IpAddr>() {
            return Ok(vec![plain(SocketAddr::new(literal, *port))]);
        }
        let found =
            tokio::time::timeout(self.limit, tokio::net::lookup_host((address.as_str(), *port))).await;
        let mut all: Vec<SocketAddr> = match found {
            Ok(Ok(found)) => found.map(plain).collect(),
            _ => Vec::new(),
        };
        all.dedup();
        if all.is_empty() {
            return Err(words::login_error(FaultClass::Unreachable, &self.place, NO_NAME, None));
        }
        Ok(all)
    }

    /// Waits until the BMC has answered what was sent to free an SOL.
    pub(super) async fn until_free(&self, limit: Duration) {
        self.until(limit, |state| state.client.idle_since().is_some() || !state.client.is_logged_in()).await;
    }

    /// A BMC that does not answer frees what it holds by itself, so waiting has a limit.
    async fn until(&self, limit: Duration, what: impl Fn(&State) -> bool) {
        let met = async {
            loop {
                let mut free = std::pin::pin!(self.free.notified());
                free.as_mut().enable();
                if what(&self.state()) {
                    return;
                }
                free.await;
            }
        };
        let _ = tokio::time::timeout(limit, met).await;
    }
}

impl State {
    /// When the login, if there is one, has been idle for long enough to be closed.
    fn idle_at(&self) -> Option<Duration> {
        if self.held || self.closing {
            return None;
        }
        let since = self.client.idle_since()?;
        Some(if self.keep { since + IDLE } else { since })
    }

    fn sol_news(&self) {
        if let Some(sol) = &self.sol {
            sol.news();
        }
    }

    /// Whether there was a session at any time since.
    fn was_in(&self, before: Before) -> bool {
        before.logged_in || self.client.counters().logins > before.logins
    }

    fn may_close(&self, now: Duration) -> bool {
        self.idle_at().is_some_and(|at| at <= now)
    }
}

impl Peer for Link {
    fn datagram(&self, bytes: &[u8]) {
        self.with(|state, now| {
            state.client.datagram(now, bytes);
            state.sol_news();
        });
    }

    fn undelivered(&self, errno: i32) {
        self.with(|state, now| {
            state.errno = Some(errno);
            state.client.unreachable(now);
            state.sol_news();
        });
    }

    fn due(&self) {
        self.with(|state, now| {
            state.entered = None;
            if state.client.deadline().is_some_and(|at| at <= now) {
                state.client.timeout(now);
                state.sol_news();
            }
            if let Some(waiter) = state.waiter.take_if(|waiter| waiter.until <= now) {
                let heard = state.client.counters().received > waiter.before.received;
                let not_sent = !state.was_in(waiter.before);
                state.client.abandon();
                let _ = waiter.answer.send(Err(Failure::Overdue { heard, not_sent }));
            }
        });
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let (now, number, me) = (self.network.now(), self.number, self.peer());
        let state = self.state.get_mut().expect("no panic while a link is locked");
        state.client.leave(now);
        if let Some(path) = state.path.take() {
            // The BMC's answer is not waited for.
            while let Some(datagram) = state.client.transmit(now) {
                let _ = path.port.send(path.to, &datagram);
            }
            path.port.leave(path.to, &me);
            if let Some(entered) = state.entered.take() {
                path.port.withdraw(entered, number);
            }
        }
        self.network.forget(&self.login);
    }
}

/// The right to exchange commands with a BMC. A login that may not stay open is closed when it is dropped.
pub(super) struct Turn<'l> {
    link: &'l Link,
    _guard: tokio::sync::MutexGuard<'l, ()>,
}

impl Turn<'_> {
    /// Exchanges one command; logs in first where there is no login.
    pub(super) async fn request(&mut self, command: &Command) -> Result<Reply, Failure> {
        let link = self.link;
        let known = {
            let state = link.state();
            state.path.as_ref().filter(|_| state.client.is_logged_in() && !state.closing).map(|path| path.to)
        };
        if known.is_some() {
            return self.send(command).await;
        }
        link.until(CLOSING, |state| !state.closing).await;
        let addresses = link.addresses().await.map_err(Failure::Local)?;
        let mut last = None;
        for to in addresses {
            link.go(Some(to)).map_err(Failure::Local)?;
            match self.send(command).await {
                // Nobody is there: the name's next address may be better.
                Err(failure @ Failure::Undelivered { not_sent: true, .. }) => last = Some(failure),
                result => return result,
            }
        }
        Err(last.expect("a name has an address"))
    }

    /// Asks the BMC what it is, if its quirks depend on that and it was not asked yet.
    pub(super) async fn identify(&mut self) -> Result<(), Failure> {
        let link = self.link;
        if link.login.quirks.is_some() || link.state().identified {
            return Ok(());
        }
        let reply = self.request(&Command::device_id()).await?;
        // One that does not tell has no known quirks; one that is busy is asked again.
        if reply.code == 0 || !completion::is_later(reply.code) {
            let quirks = DeviceId::decode(&reply.data)
                .map_or_else(|_| Quirks::default(), |id| Quirks::for_device(id.manufacturer, id.product));
            let mut state = link.state();
            state.client.set_quirks(quirks);
            state.identified = true;
        }
        Ok(())
    }

    /// The same, with a login in any case.
    pub(super) async fn prepare(&mut self) -> Result<(), Failure> {
        self.identify().await?;
        // A login that is being closed, since the turn before could not keep it, is none.
        let usable = {
            let state = self.link.state();
            state.client.is_logged_in() && !state.closing
        };
        if !usable {
            self.request(&Command::device_id()).await?;
        }
        Ok(())
    }

    /// The quirks in force.
    pub(super) fn quirks(&self) -> Quirks {
        self.link.state().client.quirks()
    }

    /// The cipher suite that works.
    pub(super) fn suite(&self) -> Option<Suite> {
        self.link.state().client.suite()
    }

    /// Ends the login: the BMC forgets it.
    pub(super) fn end_login(&mut self) {
        self.link.with(|state, now| {
            state.closing = true;
            state.client.close(now);
        });
    }

    async fn send(&mut self, command: &Command) -> Result<Reply, Failure> {
        let (answer, answered) = oneshot::channel();
        self.link.with(|state, now| {
            let counters = state.client.counters();
            state.errno = None;
            state.waiter = Some(Waiter {
                answer,
                until: now + self.link.limit,
                before: Before {
                    logged_in: state.client.is_logged_in(),
                    logins: counters.logins,
                    received: counters.received,
                },
            });
            state.client.request(now, command.clone());
        });
        answered.await.unwrap_or_else(|_| {
            Err(Failure::Local(BmcError::new(FaultClass::Local, "the network was shut down")))
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.link.with(|state, _| {
            if state.waiter.take().is_some() {
                state.client.abandon();
            }
            state.held = false;
        });
    }
}
