//! What a simulated BMC counts and keeps, for tests and for the report of `lightsout sim`.

use crate::ipmi::message::{Request, netfn};
use std::time::Duration;

/// A command that came in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Duration,
    /// In which session.
    pub session: u32,
    /// Network function and command.
    pub command: (u8, u8),
    /// Its bytes.
    pub data: Vec<u8>,
}

impl Record {
    pub(super) fn of(at: Duration, session: u32, request: &Request<'_>) -> Record {
        Record { at, session, command: (request.netfn, request.command), data: request.data.to_vec() }
    }
}

/// Counters of one BMC.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Datagrams received, before faults.
    pub received: u64,
    /// Datagrams sent, after faults.
    pub sent: u64,
    /// That were no packets.
    pub malformed: u64,
    /// For sessions that do not exist.
    pub strange: u64,
    /// Whose authentication code was wrong, or that came twice.
    pub forged: u64,
    /// Logins that succeeded.
    pub logins: u64,
    /// Logins refused for a wrong password.
    pub refused: u64,
    /// Sessions closed by their client.
    pub closed: u64,
    /// The most sessions at the same time.
    pub most_sessions: usize,
    /// Power readings.
    pub polls: u64,
    /// When the power was first read.
    pub first_poll: Option<Duration>,
    /// Shortest and longest time between two power readings.
    pub gaps: Option<(Duration, Duration)>,
    /// First bytes typed on its console.
    pub typed: Vec<u8>,
    /// When the power was last read.
    pub(super) polled: Option<Duration>,
}

impl Stats {
    pub(super) fn command(&mut self, now: Duration, request: &Request<'_>) {
        if (request.netfn, request.command) != (netfn::CHASSIS, 0x01) {
            return;
        }
        self.polls += 1;
        self.first_poll.get_or_insert(now);
        if let Some(before) = self.polled.replace(now) {
            let gap = now.saturating_sub(before);
            let (least, most) = self.gaps.unwrap_or((gap, gap));
            self.gaps = Some((least.min(gap), most.max(gap)));
        }
    }
}
