//! A session in a simulated BMC, from Open Session to its end.

use super::{HALF, IDLE};
use crate::ipmi::crypto::Exchanged;
use crate::ipmi::message::Request;
use crate::ipmi::packet::{self, PayloadType, Sealed};
use crate::ipmi::window::Window;
use crate::ipmi::{Keys, Privilege, Suite};
use std::net::SocketAddr;
use std::time::Duration;

/// An answer: completion code and bytes.
pub(super) type Answer = (u8, Vec<u8>);

/// How long a request is known for a retransmission.
const REPEATS: Duration = Duration::from_secs(5);

pub(super) struct Session {
    pub suite: Suite,
    pub console_id: u32,
    pub bmc_id: u32,
    /// Highest privilege asked for at Open Session.
    pub asked: Privilege,
    pub exchanged: Option<Exchanged>,
    /// Index of the user, once known.
    pub user: usize,
    /// Highest privilege granted.
    pub highest: Privilege,
    pub privilege: Privilege,
    keys: Option<Keys>,
    peer: SocketAddr,
    used: Duration,
    sequence: u32,
    window: Window,
    last: Option<(Duration, [u8; 3], Vec<u8>, Answer)>,
}

impl Session {
    pub fn new(
        suite: Suite,
        console_id: u32,
        bmc_id: u32,
        asked: Privilege,
        peer: SocketAddr,
        now: Duration,
    ) -> Session {
        Session {
            suite,
            console_id,
            bmc_id,
            asked,
            exchanged: None,
            user: 0,
            highest: Privilege::User,
            privilege: Privilege::User,
            keys: None,
            peer,
            used: now,
            sequence: 0,
            window: Window::default(),
            last: None,
        }
    }

    pub fn activate(&mut self, keys: Keys, highest: Privilege) {
        self.keys = Some(keys);
        self.highest = highest;
        self.privilege = highest.min(Privilege::User);
    }

    pub fn active(&self) -> bool {
        self.keys.is_some()
    }

    pub fn expired(&self, now: Duration) -> bool {
        now.saturating_sub(self.used) > if self.active() { IDLE } else { HALF }
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub fn open(&mut self, now: Duration, from: SocketAddr, sealed: &Sealed<'_>) -> Option<Vec<u8>> {
        let payload = packet::open(self.keys.as_ref()?, sealed).ok()?;
        if !self.window.accept(sealed.sequence) {
            return None;
        }
        self.used = now;
        self.peer = from;
        Some(payload)
    }

    pub fn seal(
        &mut self,
        kind: PayloadType,
        payload: &[u8],
        vector: [u8; 16],
    ) -> Option<(SocketAddr, Vec<u8>)> {
        let keys = self.keys.as_ref()?;
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let datagram = packet::seal(keys, kind, self.console_id, self.sequence, payload, vector);
        Some((self.peer, datagram))
    }

    /// The answer given to the same request a moment ago: a retransmission is not carried out again.
    pub fn repeated(&self, now: Duration, request: &Request<'_>) -> Option<Answer> {
        let (at, head, data, answer) = self.last.as_ref()?;
        let same = *head == [request.seq, request.netfn, request.command] && data == request.data;
        (same && now.saturating_sub(*at) < REPEATS).then(|| answer.clone())
    }

    pub fn answered(&mut self, now: Duration, request: &Request<'_>, answer: &Answer) {
        let head = [request.seq, request.netfn, request.command];
        self.last = Some((now, head, request.data.to_vec(), answer.clone()));
    }
}
