//! One simulated BMC: sessions, users, commands, SOL. Pure: datagrams and time in, datagrams out.
//!
//! What it answers is the specification's; clients we did not write are the test of it.

mod commands;
mod login;
mod record;
mod sessions;

pub use record::{Record, Stats};

use super::faults::{Faults, LoginStep};
use super::machine::Machine;
use crate::ipmi::command::LocatorLed;
use crate::ipmi::message::{Request, Response};
use crate::ipmi::packet::{self, Packet, PayloadType, Sealed};
use crate::ipmi::sol::{SolEnd, SolEvent};
use crate::ipmi::{Privilege, Random, Secret, Suite};
use sessions::Session;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// A session nobody uses is closed after this (section 6.12.15).
const IDLE: Duration = Duration::from_secs(60);
/// A login that stopped half-way frees its slot after this.
const HALF: Duration = Duration::from_secs(10);
/// Between lines a machine says by itself while somebody watches.
const MURMUR: Duration = Duration::from_secs(20);

/// Who may log in.
#[derive(Debug, Clone)]
pub struct User {
    /// Name, at most 16 bytes.
    pub name: Vec<u8>,
    /// Password.
    pub password: Secret,
    /// Highest privilege.
    pub privilege: Privilege,
}

/// What a BMC is.
#[derive(Debug, Clone)]
pub struct BmcSpec {
    /// Name of its machine.
    pub name: String,
    /// UDP port it says it listens on.
    pub port: u16,
    /// Users, numbered from 2 on (user 1 is the anonymous one, disabled).
    pub users: Vec<User>,
    /// The BMC key, if one is set.
    pub kg: Option<Secret>,
    /// Cipher suites offered.
    pub suites: Vec<Suite>,
    /// Sessions at the same time.
    pub sessions: usize,
    /// Silence after a cold reset; a tenth of it after a warm one.
    pub outage: Duration,
    /// The machine is on.
    pub power: bool,
    /// How much faster than real time its machine lives.
    pub speed: f64,
    /// Manufacturer (IANA) and product.
    pub device: (u32, u16),
    /// Whether every command is kept for [`Bmc::records`].
    pub record: bool,
}

/// An SOL that is active.
struct Sol {
    /// The session that holds it.
    session: u32,
    end: SolEnd,
}

/// A datagram that a fault holds back.
struct Held {
    at: Duration,
    outward: bool,
    whom: SocketAddr,
    bytes: Vec<u8>,
}

/// Boot option 5 and when it lapses.
#[derive(Debug, Clone, Copy, Default)]
struct BootFlags {
    bytes: [u8; 5],
    /// Lapses then, unless the timer was stopped (parameter 3).
    until: Option<Duration>,
}

/// One BMC.
pub struct Bmc {
    spec: BmcSpec,
    faults: Faults,
    machine: Machine,
    random: Random,
    guid: [u8; 16],
    sessions: BTreeMap<u32, Session>,
    sol: Option<Sol>,
    /// Somebody else's SOL, made up by [`Bmc::steal_sol`].
    thief: Option<u32>,
    flags: BootFlags,
    keep_flags: bool,
    parameters: BTreeMap<u8, Vec<u8>>,
    /// The locator LED is lit: until then, or `None` for good.
    lit: Option<Option<Duration>>,
    down_until: Duration,
    /// Power state named until then.
    stale: Option<(bool, Duration)>,
    murmur_at: Duration,
    out: VecDeque<(SocketAddr, Vec<u8>)>,
    /// Datagrams that faults hold back.
    held: Vec<Held>,
    /// Of those, what goes out now.
    late: VecDeque<(SocketAddr, Vec<u8>)>,
    stats: Stats,
    records: Vec<Record>,
}

impl Bmc {
    /// A BMC without sessions. `seed` is for its random numbers.
    #[must_use]
    pub fn new(spec: BmcSpec, seed: [u8; 32]) -> Bmc {
        let mut random = Random::new(seed);
        Bmc {
            machine: Machine::new(&spec.name, spec.power, spec.speed),
            spec,
            faults: Faults::default(),
            guid: random.bytes(),
            random,
            sessions: BTreeMap::new(),
            sol: None,
            thief: None,
            flags: BootFlags::default(),
            keep_flags: false,
            parameters: BTreeMap::new(),
            lit: None,
            down_until: Duration::ZERO,
            stale: None,
            murmur_at: Duration::ZERO,
            out: VecDeque::new(),
            held: Vec::new(),
            late: VecDeque::new(),
            stats: Stats::default(),
            records: Vec::new(),
        }
    }

    /// Its faults.
    pub fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Its machine.
    pub fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// What it counted.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Every command so far, if they are kept.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Sessions that stand now.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.values().filter(|session| session.active()).count()
    }

    /// Whether an SOL is active.
    #[must_use]
    pub fn sol_active(&self) -> bool {
        self.sol.is_some() || self.thief.is_some()
    }

    /// Its locator LED.
    #[must_use]
    pub fn locator(&self, now: Duration) -> LocatorLed {
        match self.lit {
            Some(None) => LocatorLed::On,
            Some(Some(until)) if now < until => LocatorLed::Timed,
            _ => LocatorLed::Off,
        }
    }

    /// Forgets every session, as a BMC that restarts does: nobody is told.
    pub fn drop_sessions(&mut self) {
        self.sessions.clear();
        self.sol = None;
    }

    /// Somebody else takes the SOL: its holder is not told, as with real BMCs.
    pub fn steal_sol(&mut self) {
        self.sol = None;
        self.thief = Some(self.random.session_id());
    }

    /// Takes a datagram.
    pub fn datagram(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) {
        self.stats.received += 1;
        for late in self.fate() {
            if late.is_zero() {
                self.arrived(now, from, bytes);
            } else {
                let bytes = bytes.to_vec();
                self.held.push(Held { at: now + late, outward: false, whom: from, bytes });
            }
        }
        self.pump(now);
    }

    /// How often a datagram comes through, and how late each time.
    fn fate(&mut self) -> Vec<Duration> {
        let Faults { loss, duplicate, reorder, late, delay, .. } = self.faults;
        if loss == 0 && duplicate == 0 && reorder == 0 {
            return vec![delay];
        }
        let mut dice = |per_cent: u8| self.random.below(100) < u32::from(per_cent);
        if dice(loss) {
            return Vec::new();
        }
        let copies = if dice(duplicate) { 2 } else { 1 };
        (0..copies).map(|_| delay + if dice(reorder) { late } else { Duration::ZERO }).collect()
    }

    fn arrived(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) {
        if self.faults.silent || now < self.down_until {
            return;
        }
        match packet::parse(bytes) {
            Ok(Packet::Plain { message }) => self.plain(from, message, packet::plain),
            // The same in RMCP+ framing, as ipmitool asks for the cipher suites.
            Ok(Packet::Login { kind: PayloadType::Ipmi, payload }) => {
                self.plain(from, payload, |message| packet::login(PayloadType::Ipmi, message));
            }
            Ok(Packet::Login { kind, payload }) => self.login(now, from, kind, payload),
            Ok(Packet::Session(sealed)) => self.session(now, from, &sealed),
            Err(_) => self.stats.malformed += 1,
        }
    }

    /// A command before a session: only those that the specification allows there.
    fn plain(&mut self, from: SocketAddr, message: &[u8], framed: fn(&[u8]) -> Vec<u8>) {
        let Ok(request) = Request::decode(message) else {
            self.stats.malformed += 1;
            return;
        };
        if self.faults.silent_in == Some(LoginStep::Capabilities) {
            return;
        }
        let (code, data) = self.before_session(&request);
        let message = response(&request, code, &data).encode();
        self.send(from, framed(&message));
    }

    fn session(&mut self, now: Duration, from: SocketAddr, sealed: &Sealed<'_>) {
        if self.faults.silent_in == Some(LoginStep::Session) {
            return;
        }
        let Some(session) = self.sessions.get_mut(&sealed.session) else {
            self.stats.strange += 1;
            return;
        };
        let Some(payload) = session.open(now, from, sealed) else {
            self.stats.forged += 1;
            return;
        };
        match sealed.kind {
            PayloadType::Sol => {
                if let Some(sol) = self.sol.as_mut().filter(|sol| sol.session == sealed.session) {
                    let _ = sol.end.receive(now, &payload);
                }
            }
            PayloadType::Ipmi => self.command(now, sealed.session, &payload),
            _ => self.stats.malformed += 1,
        }
    }

    fn command(&mut self, now: Duration, id: u32, payload: &[u8]) {
        let Ok(request) = Request::decode(payload) else {
            self.stats.malformed += 1;
            return;
        };
        self.stats.command(now, &request);
        if self.spec.record {
            self.records.push(Record::of(now, id, &request));
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let repeated = session.repeated(now, &request);
        let (code, data) = match repeated {
            Some(before) => before,
            None => {
                let answer = self.answer(now, id, &request);
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.answered(now, &request, &answer);
                }
                answer
            }
        };
        let mut message = response(&request, code, &data).encode();
        if self.faults.bad_checksums
            && let Some(last) = message.last_mut()
        {
            *last ^= 0x55;
        }
        self.reply(id, PayloadType::Ipmi, &message);
        // What ends a session or the BMC's service does so after its answer.
        self.after(now, id, &request, code);
    }

    fn reply(&mut self, id: u32, kind: PayloadType, payload: &[u8]) {
        let vector = self.random.bytes();
        if let Some((to, datagram)) =
            self.sessions.get_mut(&id).and_then(|session| session.seal(kind, payload, vector))
        {
            self.send(to, datagram);
        }
    }

    fn send(&mut self, to: SocketAddr, datagram: Vec<u8>) {
        self.out.push_back((to, datagram));
    }

    /// Time has passed.
    pub fn timeout(&mut self, now: Duration) {
        let (mut due, held): (Vec<Held>, Vec<Held>) =
            std::mem::take(&mut self.held).into_iter().partition(|held| held.at <= now);
        self.held = held;
        due.sort_by_key(|held| held.at);
        for Held { outward, whom, bytes, .. } in due {
            if outward {
                self.late.push_back((whom, bytes));
            } else {
                self.arrived(now, whom, &bytes);
            }
        }
        self.pump(now);
    }

    /// Moves bytes between machine and SOL.
    fn pump(&mut self, now: Duration) {
        self.machine.tick(now);
        let Some(sol) = &mut self.sol else {
            self.machine.take_output();
            return;
        };
        if !self.sessions.contains_key(&sol.session) {
            self.sol = None;
            return;
        }
        sol.end.timeout(now);
        let typed = sol.end.take_data();
        if !typed.is_empty() {
            self.stats.typed.extend(typed.iter().take(4096_usize.saturating_sub(self.stats.typed.len())));
            self.machine.input(now, &typed);
        }
        while let Some(event) = sol.end.event() {
            if event == SolEvent::Break {
                self.machine.send_break(now);
            }
        }
        if now >= self.murmur_at {
            if !self.murmur_at.is_zero() {
                self.machine.murmur(now);
            }
            self.murmur_at = now + MURMUR;
        }
        sol.end.set_unavailable(!self.machine.power());
        // A serial line waits for nobody: what finds no room is lost, as on a real one.
        let output = self.machine.take_output();
        sol.end.queue(&output);
        let session = sol.session;
        let mut payloads = Vec::new();
        while let Some(payload) = sol.end.transmit(now) {
            payloads.push(payload);
        }
        for payload in payloads {
            self.reply(session, PayloadType::Sol, &payload);
        }
    }

    /// When [`Bmc::timeout`] must be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let held = self.held.iter().map(|held| held.at).min();
        let sol = self.sol.as_ref().and_then(|sol| sol.end.deadline());
        let murmur = self.sol.as_ref().map(|_| self.murmur_at);
        [held, sol, murmur, self.machine.deadline()].into_iter().flatten().min()
    }

    /// The next datagram to send and its receiver; to be called until `None` after everything else.
    pub fn transmit(&mut self, now: Duration) -> Option<(SocketAddr, Vec<u8>)> {
        if let Some(late) = self.late.pop_front() {
            self.stats.sent += 1;
            return Some(late);
        }
        loop {
            let (to, datagram) = self.out.pop_front()?;
            let mut through = None;
            for late in self.fate() {
                if late.is_zero() && through.is_none() {
                    through = Some(datagram.clone());
                } else {
                    let bytes = datagram.clone();
                    self.held.push(Held { at: now + late, outward: true, whom: to, bytes });
                }
            }
            if let Some(datagram) = through {
                self.stats.sent += 1;
                return Some((to, datagram));
            }
        }
    }
}

fn response<'a>(request: &Request<'_>, code: u8, data: &'a [u8]) -> Response<'a> {
    let Request { seq, netfn, lun, command, .. } = *request;
    Response { seq, netfn: netfn | 1, lun, command, code, data, checksums: true }
}

impl std::fmt::Debug for Bmc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bmc").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
