//! One BMC as a client sees it: login, commands, SOL, keepalive, close. Without I/O and without a clock.
//!
//! The owner (`bmc::ipmi`) gives it datagrams and the time, and sends what [`Client::transmit`] gives,
//! after every call. One session for everything; one command outstanding at a time. Polls are done at
//! the user level the session starts with; the privilege is raised in the same session for the rest.

mod error;
mod job;
mod login;
mod session;
mod sol;

pub use error::{ClientError, Step};
pub use sol::{SolLoss, SolRefusal};

use super::command::Command;
use super::packet::{self, Packet};
use super::sol::SolEnd;
use super::{Privilege, Quirks, Random, Secret, Suite};
use job::Job;
use login::{Login, Next};
use session::{Received, Session};
use sol::Sol;
use std::collections::VecDeque;
use std::time::Duration;

/// For the answers while closing: nobody waits long for a goodbye.
const GOODBYE: Duration = Duration::from_millis(900);
/// For an answer in a session that carries an SOL; with the silence before a keepalive a dead BMC is
/// noticed after 12 s.
const WITH_SOL: Duration = Duration::from_secs(8);

/// Who logs in, and how.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// User name, at most 16 bytes.
    pub user: Vec<u8>,
    /// The password.
    pub password: Secret,
    /// The BMC key, where one is set.
    pub kg: Option<Secret>,
    /// The highest privilege asked for.
    pub privilege: Privilege,
    /// Cipher suites in the order they are tried.
    pub suites: Vec<Suite>,
    /// What this BMC does otherwise.
    pub quirks: Quirks,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Completion code; 0 is success.
    pub code: u8,
    /// The bytes behind it.
    pub data: Vec<u8>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// What came of [`Client::request`].
    Reply(Result<Reply, ClientError>),
    /// The session stands.
    LoggedIn(Suite),
    /// SOL is active: data flows.
    SolActive,
    /// SOL could not be activated.
    SolRefused(SolRefusal),
    /// SOL is over, though nobody asked for it.
    SolLost(SolLoss),
    /// What [`Client::close`] asked for is done: there is no session.
    Closed,
}

/// Datagrams of one BMC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Sent.
    pub sent: u64,
    /// Received.
    pub received: u64,
    /// Of those, what was forged, late, doubled, malformed or not for us.
    pub ignored: u64,
    /// Logins that succeeded.
    pub logins: u64,
}

/// One BMC's client.
#[derive(Debug)]
pub struct Client {
    settings: ClientSettings,
    random: Random,
    state: State,
    jobs: VecDeque<Job>,
    /// The job in front was sent; otherwise what is outstanding is a raise of the privilege for it.
    sent: bool,
    sol: Option<Box<Sol>>,
    /// What our last SOL brought before it was lost.
    last_words: Vec<u8>,
    closing: bool,
    out: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    counters: Counters,
    /// The suite that worked last.
    worked: Option<Suite>,
    used: Duration,
}

#[derive(Debug)]
enum State {
    Idle,
    Login(Box<Login>),
    Open(Box<Session>),
}

impl Client {
    /// A client without a session. `seed` must be random.
    #[must_use]
    pub fn new(settings: ClientSettings, seed: [u8; 32]) -> Client {
        Client {
            settings,
            random: Random::new(seed),
            state: State::Idle,
            jobs: VecDeque::new(),
            sent: false,
            sol: None,
            last_words: Vec::new(),
            closing: false,
            out: VecDeque::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
            worked: None,
            used: Duration::ZERO,
        }
    }

    /// Makes a request; logs in and raises the privilege first where needed. Ends with [`Event::Reply`].
    /// The owner makes one at a time.
    pub fn request(&mut self, now: Duration, command: Command) {
        self.used = now;
        let job = Job::Request { command, again: false, abandoned: false };
        // Before a keepalive that has not been sent.
        let at = usize::from(self.sent || self.raising()).min(self.jobs.len());
        self.jobs.insert(at, job);
        self.advance(now);
    }

    /// Nobody waits for the request any more: it is not sent if it was not yet, and its answer is dropped.
    pub fn abandon(&mut self) {
        let sent = self.sent;
        let mut at = 0;
        self.jobs.retain_mut(|job| {
            let first = std::mem::replace(&mut at, 1) == 0;
            match job {
                Job::Request { abandoned, .. } if first && sent => {
                    *abandoned = true;
                    true
                }
                Job::Request { .. } => false,
                _ => true,
            }
        });
    }

    /// Activates our own SOL; ends with [`Event::SolActive`] or [`Event::SolRefused`].
    pub fn activate_sol(&mut self, now: Duration) {
        self.used = now;
        self.last_words.clear();
        self.sol = Some(Box::new(Sol::new(now)));
        self.jobs.push_back(Job::SolActivate { abandoned: false });
        self.advance(now);
    }

    /// Ends our SOL; the BMC's is free afterwards. What was queued and not sent is lost.
    pub fn deactivate_sol(&mut self, now: Duration) {
        let Some(sol) = self.sol.take() else { return };
        // Not before the BMC has said that it is ours: it would be another's that is ended.
        let mut unanswered = false;
        self.jobs.retain_mut(|job| match job {
            Job::SolActivate { abandoned: false } if !sol.asked => false,
            Job::SolActivate { abandoned } => {
                *abandoned = true;
                unanswered = true;
                true
            }
            _ => true,
        });
        if sol.asked && !unanswered && matches!(self.state, State::Open(_)) {
            self.jobs.push_back(sol.release());
        }
        self.advance(now);
    }

    /// Our SOL's stream, once it is asked for.
    pub fn sol(&mut self) -> Option<&mut SolEnd> {
        self.sol.as_mut().map(|sol| &mut sol.end)
    }

    /// What came before the SOL was lost and was not taken from its stream.
    pub fn last_words(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.last_words)
    }

    /// Ends SOL and session; ends with [`Event::Closed`]. Requests that wait are refused.
    pub fn close(&mut self, now: Duration) {
        if !matches!(self.state, State::Open(_)) {
            self.give_up_login();
            self.fail_jobs(ClientError::Closed);
            self.state = State::Idle;
            self.sol = None;
            self.events.push_back(Event::Closed);
            return;
        }
        self.closing = true;
        self.deactivate_sol(now);
        self.jobs.push_back(Job::CloseSession);
        self.advance(now);
    }

    /// Ends SOL and session without waiting for answers, for when there is no time to. Nothing happens
    /// afterwards that an event would tell; what [`Client::transmit`] gives must still be sent.
    pub fn leave(&mut self, now: Duration) {
        if let State::Open(session) = &mut self.state {
            let goodbye = Command::close_session(session.bmc_id);
            // Not one that is only asked for: it may be another's. If it is ours it ends with the session.
            let free = self.sol.as_ref().is_some_and(|sol| sol.active).then(Command::sol_deactivate);
            for command in free.into_iter().chain([goodbye]) {
                self.out.push_back(session.send(now, &command, GOODBYE, &mut self.random));
            }
        }
        self.give_up_login();
        self.jobs.clear();
        self.sol = None;
        self.state = State::Idle;
        self.sent = false;
        self.closing = false;
    }

    /// Whether there is a session.
    #[must_use]
    pub fn is_logged_in(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// The BMC's id of the session, if there is one.
    #[must_use]
    pub fn session_id(&self) -> Option<u32> {
        match &self.state {
            State::Open(session) => Some(session.bmc_id),
            State::Idle | State::Login(_) => None,
        }
    }

    /// Since when nobody has wanted anything of the session; `None` while somebody does, or without one.
    #[must_use]
    pub fn idle_since(&self) -> Option<Duration> {
        let idle = self.is_logged_in() && self.jobs.is_empty() && self.sol.is_none();
        idle.then_some(self.used)
    }

    /// The suite that worked last.
    #[must_use]
    pub fn suite(&self) -> Option<Suite> {
        self.worked
    }

    /// Departures of this BMC, learnt or configured; they hold from the next login or command on.
    pub fn set_quirks(&mut self, quirks: Quirks) {
        self.settings.quirks = quirks;
    }

    /// The departures in force.
    #[must_use]
    pub fn quirks(&self) -> Quirks {
        self.settings.quirks
    }

    /// The datagrams so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes a datagram that came from the BMC's address.
    pub fn datagram(&mut self, now: Duration, bytes: &[u8]) {
        self.counters.received += 1;
        let taken = match packet::parse(bytes) {
            Ok(Packet::Login { kind, payload }) => self.login_payload(now, kind, payload),
            Ok(Packet::Session(sealed)) => self.session_packet(now, &sealed),
            // The answer to a hello, which says nothing that we need.
            Ok(Packet::Plain { .. }) => true,
            Err(_) => false,
        };
        if !taken {
            self.counters.ignored += 1;
        }
        self.pump_sol(now);
        self.advance(now);
    }

    /// The machine at the BMC's address says that nothing listens there.
    pub fn unreachable(&mut self, now: Duration) {
        let sent = self.sent && self.jobs.front().is_some_and(|job| !job.is_repeatable());
        self.lose_sol(SolLoss::Unreachable);
        self.fail_jobs(ClientError::PortUnreachable { sent });
        self.state = State::Idle;
        self.closing = false;
        self.advance(now);
    }

    /// When [`Client::timeout`] must be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let state = match &self.state {
            State::Idle => None,
            State::Login(login) => Some(login.deadline()),
            State::Open(session) => session.deadline(),
        };
        let sol = self.sol.as_ref().and_then(|sol| sol.deadline(self.jobs.is_empty()));
        [state, sol].into_iter().flatten().min()
    }

    /// Time has passed.
    pub fn timeout(&mut self, now: Duration) {
        if matches!(&self.state, State::Login(login) if login.deadline() <= now) {
            self.give_up_login();
        }
        let next = match &mut self.state {
            State::Login(login) => Some(login.timeout(&self.settings, &mut self.random, now)),
            _ => None,
        };
        if let Some(next) = next {
            if matches!((&self.state, &next), (State::Login(login), Next::Send(_)) if login.step() == Step::OpenSession)
            {
                self.out.push_back(Login::hello(&self.settings));
            }
            self.login_next(now, next);
        }
        if let State::Open(session) = &mut self.state {
            if session.gave_up(now) {
                self.session_lost(now);
            } else if let Some(datagram) = session.retry(now, &mut self.random) {
                self.out.push_back(datagram);
            }
        }
        if let Some(sol) = &mut self.sol {
            sol.end.timeout(now);
            if sol.wants_keepalive(now) && self.jobs.is_empty() {
                self.jobs.push_back(Job::Owner);
            }
        }
        self.pump_sol(now);
        self.advance(now);
    }

    /// The next datagram to send; to be called until `None` after every other call.
    pub fn transmit(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.out.is_empty()
            && let (State::Open(session), Some(sol)) = (&mut self.state, &mut self.sol)
            && sol.asked
            && let Some(payload) = sol.transmit(now)
        {
            let datagram = session.seal(packet::PayloadType::Sol, &payload, &mut self.random);
            self.out.push_back(datagram);
        }
        let datagram = self.out.pop_front()?;
        self.counters.sent += 1;
        Some(datagram)
    }

    /// What happened, oldest first.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn give_up_login(&mut self) {
        if let State::Login(login) = &self.state {
            self.out.extend(login.goodbye(&self.settings, &mut self.random));
        }
    }

    fn raising(&self) -> bool {
        matches!(&self.state, State::Open(session) if session.outstanding.is_some())
    }

    /// Begins what can begin: the login, the raise of the privilege, the job in front.
    fn advance(&mut self, now: Duration) {
        let Some(job) = self.jobs.front() else { return };
        match &mut self.state {
            State::Login(_) => {}
            State::Idle => {
                let mut suites = self.settings.suites.clone();
                // The one that worked goes first.
                suites.sort_by_key(|suite| Some(*suite) != self.worked);
                match Login::start(&self.settings, &suites, &mut self.random, now) {
                    Ok((login, datagram)) => {
                        if self.counters.logins > 0 {
                            self.out.push_back(Login::hello(&self.settings));
                        }
                        self.state = State::Login(Box::new(login));
                        self.out.push_back(datagram);
                    }
                    Err(error) => self.fail_jobs(error),
                }
            }
            State::Open(session) if session.outstanding.is_some() => {}
            State::Open(session) => {
                let command = job.command(session.bmc_id, self.settings.quirks);
                let needed =
                    command.privilege > session.privilege && session.privilege < self.settings.privilege;
                // Also before what is sent once, if it is raised already: it proves that the session lives.
                let proof = !command.repeatable && now.saturating_sub(session.heard) > session::DEAD;
                let no_raise = self.settings.quirks.has(Quirks::NO_RAISE);
                let first = (needed || proof) && !no_raise && !self.closing;
                self.sent = !first;
                let patience = match &self.sol {
                    _ if self.closing => GOODBYE,
                    // A session with an SOL is not given up for a few lost datagrams.
                    Some(_) => WITH_SOL,
                    None => session::DEAD,
                };
                let command = if first { Command::raise(self.settings.privilege) } else { command };
                let datagram = session.send(now, &command, patience, &mut self.random);
                self.out.push_back(datagram);
                if matches!(self.jobs.front(), Some(Job::SolActivate { abandoned: false }))
                    && self.sent
                    && let Some(sol) = &mut self.sol
                {
                    sol.asked = true;
                }
            }
        }
    }

    fn login_payload(&mut self, now: Duration, kind: packet::PayloadType, payload: &[u8]) -> bool {
        let State::Login(login) = &mut self.state else {
            return false;
        };
        match login.receive(&self.settings, &mut self.random, now, kind, payload) {
            None => false,
            Some(next) => {
                self.login_next(now, next);
                true
            }
        }
    }

    fn login_next(&mut self, now: Duration, next: Next) {
        match next {
            Next::Nothing => {}
            Next::Send(datagram) => self.out.push_back(datagram),
            Next::Done(established) => {
                let session = Session::new(*established, now);
                self.worked = Some(session.suite());
                self.counters.logins += 1;
                self.events.push_back(Event::LoggedIn(session.suite()));
                self.state = State::Open(Box::new(session));
                self.sent = false;
            }
            Next::Failed(error, goodbye) => {
                self.out.extend(goodbye);
                self.state = State::Idle;
                self.fail_jobs(error);
            }
        }
    }

    fn session_packet(&mut self, now: Duration, sealed: &packet::Sealed<'_>) -> bool {
        let State::Open(session) = &mut self.state else {
            return false;
        };
        match session.receive(now, sealed) {
            None => false,
            Some(Received::Nothing) => true,
            Some(Received::Sol(payload)) => {
                self.sol.as_mut().is_some_and(|sol| sol.asked && sol.receive(now, &payload))
            }
            Some(Received::Answer { code, data }) => {
                self.answered(now, code, data);
                true
            }
        }
    }

    fn answered(&mut self, now: Duration, code: u8, data: Vec<u8>) {
        if !self.sent {
            // The raise of the privilege.
            if code == 0 {
                if let State::Open(session) = &mut self.state {
                    // A BMC that does not say which level it granted has granted what was asked for.
                    session.privilege = data
                        .first()
                        .and_then(|level| Privilege::from_number(level & 0x0f))
                        .unwrap_or(self.settings.privilege);
                    // A BMC that grants less than it was asked for is not asked again and again.
                    if session.privilege < self.settings.privilege {
                        self.settings.privilege = session.privilege;
                    }
                }
            } else if !matches!(self.jobs.front(), Some(Job::CloseSession))
                && let Some(job) = self.jobs.pop_front()
            {
                // What it was raised for may have been given up meanwhile; a goodbye needs no privilege.
                self.fail(job, ClientError::NotRaised { code });
            }
            return;
        }
        self.sent = false;
        let Some(job) = self.jobs.pop_front() else { return };
        match job {
            Job::Request { abandoned: true, .. } => {}
            Job::Request { .. } => {
                self.used = now;
                self.events.push_back(Event::Reply(Ok(Reply { code, data })));
            }
            // Nobody wants it any more.
            Job::SolActivate { abandoned: true } if code == 0 => self.jobs.push_front(Job::SolDeactivate),
            Job::SolActivate { abandoned: true } => {}
            Job::SolActivate { abandoned: false } => self.sol_activated(now, code, &data),
            Job::Owner => self.sol_owner(now, code, &data),
            Job::SolRelease { owner } => {
                // Stolen a moment ago, or freed by others: then there is nothing of ours to end.
                if sol::holder(code, &data).is_none_or(|holder| holder == owner) {
                    self.jobs.push_front(Job::SolDeactivate);
                }
            }
            Job::SolDeactivate => {}
            Job::CloseSession => self.closed(),
        }
    }

    fn closed(&mut self) {
        self.state = State::Idle;
        self.closing = false;
        self.sol = None;
        self.jobs.retain(|job| !matches!(job, Job::CloseSession));
        self.fail_jobs(ClientError::Closed);
        self.events.push_back(Event::Closed);
    }

    /// No answer: the BMC dropped the session, is being reset, or is gone.
    fn session_lost(&mut self, now: Duration) {
        // It may be there and hear badly: then its slot is freed.
        let said = self.sent && matches!(self.jobs.front(), Some(Job::CloseSession));
        if let State::Open(session) = &mut self.state
            && !said
        {
            let goodbye = Command::close_session(session.bmc_id);
            self.out.push_back(session.send(now, &goodbye, GOODBYE, &mut self.random));
        }
        if self.closing {
            return self.closed();
        }
        self.state = State::Idle;
        let sent = std::mem::replace(&mut self.sent, false);
        if self.sol.as_ref().is_some_and(|sol| sol.asked) {
            self.lose_sol(SolLoss::Silent);
        }
        let Some(job) = self.jobs.pop_front() else { return };
        // The SOL ended with its session: in another one it would be somebody else's that is freed.
        self.jobs.retain(|job| matches!(job, Job::Request { .. } | Job::SolActivate { abandoned: false }));
        match job {
            // Never reached its turn, or may be done twice: once more, in a new session.
            Job::Request { command, again: false, abandoned: false } if !sent || command.repeatable => {
                self.jobs.push_front(Job::Request { command, again: true, abandoned: false });
            }
            job => self.fail(job, if sent { ClientError::Lost } else { ClientError::Closed }),
        }
        self.advance(now);
    }

    fn fail_jobs(&mut self, error: ClientError) {
        self.sent = false;
        while let Some(job) = self.jobs.pop_front() {
            self.fail(job, error);
        }
    }

    fn fail(&mut self, job: Job, error: ClientError) {
        match job {
            Job::Request { abandoned: false, .. } => self.events.push_back(Event::Reply(Err(error))),
            Job::SolActivate { abandoned: false } => {
                self.sol = None;
                self.events.push_back(Event::SolRefused(SolRefusal::Failed(error)));
            }
            Job::CloseSession => self.events.push_back(Event::Closed),
            Job::Request { .. }
            | Job::SolActivate { .. }
            | Job::SolDeactivate
            | Job::SolRelease { .. }
            | Job::Owner => {}
        }
    }
}
