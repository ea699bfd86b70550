//! Our SOL within the session: activation, whose it is, and how it is lost.

use super::job::Job;
use super::{Client, ClientError, Event};
use crate::ipmi::Quirks;
use crate::ipmi::sol::{Role, SAFE_CAPACITY, SolEnd, SolEvent};
use std::time::Duration;

/// After so long without a word of the SOL its owner is asked for: that keeps it alive, finds a dead BMC
/// and a theft.
const KEEPALIVE: Duration = Duration::from_secs(4);

/// Why SOL could not be activated (table 24-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SolRefusal {
    /// Active on another session.
    Busy,
    /// Disabled in the BMC.
    Disabled,
    /// As many payloads are active as the BMC takes.
    Limit,
    /// Not with, or not without, encryption.
    Encryption,
    /// Another completion code.
    Code(u8),
    /// The login or the session failed.
    Failed(ClientError),
}

/// Why SOL is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SolLoss {
    /// Another session has it now; its id in the BMC.
    Stolen(u32),
    /// The BMC ended it, or somebody freed it.
    Deactivated,
    /// The BMC does not answer any more.
    Silent,
    /// Nothing listens there any more (ICMP).
    Unreachable,
}

#[derive(Debug)]
pub(super) struct Sol {
    pub end: SolEnd,
    /// Activation was sent: the BMC may have an SOL that must be freed, and data may come.
    pub asked: bool,
    /// Activation was accepted.
    pub active: bool,
    /// When the BMC last said something about it.
    heard: Duration,
    /// The owner as the BMC named it when the SOL was certainly ours.
    owner: Option<u32>,
}

impl Sol {
    pub fn new(now: Duration) -> Sol {
        let end = SolEnd::new(Role::Console, 1, SAFE_CAPACITY);
        Sol { end, asked: false, active: false, heard: now, owner: None }
    }

    pub fn receive(&mut self, now: Duration, payload: &[u8]) -> bool {
        self.heard = now;
        self.end.receive(now, payload).is_ok()
    }

    /// Data waits for the activation, acknowledgements do not.
    pub fn transmit(&mut self, now: Duration) -> Option<Vec<u8>> {
        self.end.transmit(now)
    }

    /// When it needs a timeout; keepalives wait for other commands.
    pub fn deadline(&self, quiet: bool) -> Option<Duration> {
        let keepalive = (self.active && quiet).then(|| self.due());
        [self.end.deadline().filter(|_| self.asked), keepalive].into_iter().flatten().min()
    }

    fn due(&self) -> Duration {
        if self.owner.is_none() { self.heard } else { self.heard + KEEPALIVE }
    }

    /// How it is given up: not without asking whose it is, where the BMC tells, as it may have been stolen since
    /// that was last asked.
    pub fn release(&self) -> Job {
        match self.owner {
            Some(owner) if owner != 0 => Job::SolRelease { owner },
            _ => Job::SolDeactivate,
        }
    }

    pub fn wants_keepalive(&self, now: Duration) -> bool {
        self.active && now >= self.due()
    }
}

impl Client {
    pub(super) fn sol_activated(&mut self, now: Duration, code: u8, data: &[u8]) {
        let refusal = match code {
            0 => {
                let Some(sol) = &mut self.sol else { return };
                sol.active = true;
                sol.heard = now;
                let small = self.settings.quirks.has(Quirks::SOL_SMALL);
                sol.end.set_capacity(if small { SAFE_CAPACITY } else { capacity(data) });
                // Not earlier: a BMC throws away what comes before it has activated SOL.
                sol.end.probe();
                self.events.push_back(Event::SolActive);
                return;
            }
            0x80 => SolRefusal::Busy,
            0x81 => SolRefusal::Disabled,
            0x82 => SolRefusal::Limit,
            0x83 | 0x84 => SolRefusal::Encryption,
            code => SolRefusal::Code(code),
        };
        self.sol = None;
        self.events.push_back(Event::SolRefused(refusal));
    }

    /// Whose the SOL is, of our own.
    pub(super) fn sol_owner(&mut self, now: Duration, code: u8, data: &[u8]) {
        let Some(sol) = self.sol.as_mut().filter(|sol| sol.active) else {
            return;
        };
        sol.heard = now;
        let Some(holder) = holder(code, data) else {
            // It cannot tell; that it answered is all we learn.
            sol.owner = sol.owner.or(Some(0));
            return;
        };
        match sol.owner {
            // Some BMCs name something else than the session's id: what they name while it is ours is us.
            None => sol.owner = Some(holder),
            Some(0) => {}
            Some(owner) if owner == holder => {}
            Some(_) if holder == 0 => self.lose_sol(SolLoss::Deactivated),
            Some(_) => self.lose_sol(SolLoss::Stolen(holder)),
        }
    }

    /// Looks at what the stream says besides data.
    pub(super) fn pump_sol(&mut self, now: Duration) {
        let Some(sol) = &mut self.sol else { return };
        let mut loss = None;
        while let Some(event) = sol.end.event() {
            match event {
                SolEvent::Deactivating => loss = Some(SolLoss::Deactivated),
                SolEvent::Silent => loss = Some(SolLoss::Silent),
                SolEvent::Overrun | SolEvent::Break | SolEvent::Unavailable(_) => {}
            }
        }
        if let Some(loss) = loss
            && sol.active
        {
            sol.heard = now;
            self.lose_sol(loss);
        }
    }

    pub(super) fn lose_sol(&mut self, loss: SolLoss) {
        let Some(mut sol) = self.sol.take() else { return };
        if sol.active {
            self.last_words = sol.end.take_data();
            self.events.push_back(Event::SolLost(loss));
        }
    }
}

/// The session that holds the SOL, by Payload Instance Info (section 24.5): 0 when nobody does, `None` when the
/// BMC cannot tell.
pub(super) fn holder(code: u8, data: &[u8]) -> Option<u32> {
    data.first_chunk::<4>().map(|id| u32::from_le_bytes(*id)).filter(|_| code == 0)
}

/// How much data a packet to the BMC may hold: what it says, or what any BMC takes when it says nonsense.
fn capacity(data: &[u8]) -> usize {
    let inbound = data.get(4..6).map_or(0, |size| usize::from(u16::from_le_bytes([size[0], size[1]])));
    match inbound {
        // The size counts the header of four bytes with some BMCs.
        9..=1024 => inbound - 4,
        _ => SAFE_CAPACITY,
    }
}
