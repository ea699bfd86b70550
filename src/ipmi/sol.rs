//! One end of a serial-over-LAN payload stream (section 15.9, table 15-2): numbers, acknowledgements,
//! retransmission.
//!
//! Takes decrypted payloads and gives payloads to seal; each byte comes out once and in order, whatever the
//! network does to the datagrams. `ipmi::client` uses the remote console's end, `sim` the BMC's.

use super::{DecodeError, take};
use std::collections::VecDeque;
use std::time::Duration;

/// Data that fits into a packet of any BMC; also what a BMC that names an absurd size gets.
pub const SAFE_CAPACITY: usize = 32;
/// The longest data we put into a packet.
const LONGEST: usize = 250;
/// Bytes that may wait in either direction.
const ROOM: usize = 16 * 1024;
/// Received packets remembered, to tell late duplicates from new data.
const REMEMBERED: usize = 7;
/// Unanswered transmissions of one packet after which the peer counts as silent.
const TRIES: u32 = 12;
/// Between retransmissions, at most; also while the peer says that it cannot take data now.
const LONGEST_RETRY: Duration = Duration::from_secs(1);
/// Transmissions of the opening packet, which some BMCs never acknowledge.
const PROBES: u32 = 2;
/// After each of them; keys wait for it.
const PROBE_GAP: Duration = Duration::from_millis(150);
/// A packet for which there is no room is answered after this: before a BMC gives the packet up (3.5 s by
/// the specification's defaults, 5 s in ipmi_sim), and late, since ipmi_sim sends again at once.
const PATIENCE: Duration = Duration::from_millis(2500);
/// What was typed for a node that takes nothing for so long is thrown away: it must not be acted on when
/// somebody switches the node on much later.
const STALE: Duration = Duration::from_secs(5);

/// Bits of the fourth byte. What 0x10 means depends on who sent it.
mod bits {
    pub const UNAVAILABLE: u8 = 0x20;
    /// From the console: send a break. From the BMC: SOL is being deactivated.
    pub const BREAK_OR_DEACTIVATING: u8 = 0x10;
    pub const OVERRUN: u8 = 0x08;
    pub const BREAK_SEEN: u8 = 0x04;
}

/// Which end this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The remote console.
    Console,
    /// The BMC.
    Bmc,
}

/// What happened besides data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SolEvent {
    /// The BMC lost bytes of the node (console's end).
    Overrun,
    /// A break: the node sent one (console's end), or the console asks for one (BMC's end).
    Break,
    /// The BMC cannot pass data to the node, or can again: the node is off, most likely.
    Unavailable(bool),
    /// The BMC ends this SOL.
    Deactivating,
    /// A packet stayed unanswered through every retransmission.
    Silent,
}

/// What a packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Data,
    /// See [`SolEnd::probe`].
    Probe,
    /// Sent once: of a break that was not acknowledged nobody knows whether it was made, and a second one
    /// means something else to the node.
    Break,
}

/// A packet on its way.
#[derive(Debug)]
struct Flight {
    number: u8,
    data: Vec<u8>,
    purpose: Purpose,
    tries: u32,
    sent_at: Duration,
    retry_at: Duration,
    /// To be sent now.
    due: bool,
}

#[derive(Debug)]
enum Outgoing {
    Data(VecDeque<u8>),
    /// A packet without data.
    Empty(Purpose),
}

/// A packet that came when there was no room, until there is or until `until`.
#[derive(Debug)]
struct Held {
    number: u8,
    data: Vec<u8>,
    until: Duration,
}

/// One end.
#[derive(Debug)]
pub struct SolEnd {
    role: Role,
    capacity: usize,
    number: u8,
    outbox: VecDeque<Outgoing>,
    queued: usize,
    flight: Option<Flight>,
    /// Nothing new is sent before: the peer took nothing of the last packet.
    not_before: Duration,
    /// How often in a row it took nothing.
    refusals: u32,
    /// Number and count of the packet to acknowledge.
    owed: Option<(u8, usize)>,
    held: Option<Held>,
    /// The newest packets taken, newest last.
    taken: VecDeque<(u8, Vec<u8>)>,
    inbox: Vec<u8>,
    /// Smoothed round trip.
    round_trip: Option<Duration>,
    unavailable_since: Option<Duration>,
    /// Bits to tell with every packet (BMC's end).
    status: u8,
    events: VecDeque<SolEvent>,
}

impl SolEnd {
    /// An end whose first packet has the number `first` (1 to 15) and that puts `capacity` bytes into one.
    /// A console begins with 1, the only number that OpenBMC takes, and a [`SolEnd::probe`].
    #[must_use]
    pub fn new(role: Role, first: u8, capacity: usize) -> SolEnd {
        SolEnd {
            role,
            capacity: capacity.clamp(1, LONGEST),
            number: first.clamp(1, 15),
            outbox: VecDeque::new(),
            queued: 0,
            flight: None,
            not_before: Duration::ZERO,
            refusals: 0,
            owed: None,
            held: None,
            taken: VecDeque::new(),
            inbox: Vec::new(),
            round_trip: None,
            unavailable_since: None,
            status: 0,
            events: VecDeque::new(),
        }
    }

    /// Begins with a packet without data, to find out whether the BMC knows its number already: ipmi_sim
    /// keeps the last one from session to session, and takes a first packet that has it for a duplicate,
    /// acknowledges it and throws it away. What is acknowledged was taken, so the data goes on with the next
    /// number; otherwise the number is used again. To be called by a console before anything is queued.
    pub fn probe(&mut self) {
        self.outbox.push_back(Outgoing::Empty(Purpose::Probe));
    }

    /// The largest data of a packet, once the peer has told what it takes.
    pub fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.clamp(1, LONGEST);
    }

    /// Queues bytes to send; gives how many there was room for.
    pub fn queue(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        if count > 0 {
            if !matches!(self.outbox.back(), Some(Outgoing::Data(_))) {
                self.outbox.push_back(Outgoing::Data(VecDeque::new()));
            }
            if let Some(Outgoing::Data(data)) = self.outbox.back_mut() {
                data.extend(&bytes[..count]);
            }
            self.queued += count;
        }
        count
    }

    /// How many bytes [`SolEnd::queue`] takes now.
    #[must_use]
    pub fn room(&self) -> usize {
        ROOM - self.queued
    }

    /// Whether everything queued was acknowledged.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.outbox.is_empty() && self.flight.is_none()
    }

    /// Queues a break, behind the data queued before it (console's end). It is made once at most.
    pub fn send_break(&mut self) {
        self.outbox.push_back(Outgoing::Empty(Purpose::Break));
    }

    /// Tells the console that the node takes no data, or does again (BMC's end).
    pub fn set_unavailable(&mut self, unavailable: bool) {
        self.status = if unavailable { bits::UNAVAILABLE } else { 0 };
    }

    /// What arrived since the last call. Until it is called the peer is held back once much waits; call
    /// [`SolEnd::transmit`] afterwards.
    pub fn take_data(&mut self) -> Vec<u8> {
        let mut data = std::mem::take(&mut self.inbox);
        if let Some(held) = self.held.take() {
            self.accept(held.number, &held.data);
            data.append(&mut self.inbox);
        }
        data
    }

    /// What happened, oldest first.
    pub fn event(&mut self) -> Option<SolEvent> {
        self.events.pop_front()
    }

    /// Takes a payload from the peer.
    ///
    /// # Errors
    /// It is shorter than its header.
    pub fn receive(&mut self, now: Duration, payload: &[u8]) -> Result<(), DecodeError> {
        let mut data = payload;
        let [number, acknowledged, count, bits] = *take(&mut data, "an SOL packet")?;
        let (number, acknowledged) = (number & 0x0f, acknowledged & 0x0f);
        self.note_bits(now, bits);
        if acknowledged != 0 {
            self.acknowledged(now, acknowledged, usize::from(count));
        }
        if number != 0 {
            self.take_packet(now, number, data, bits);
        }
        Ok(())
    }

    fn note_bits(&mut self, now: Duration, bits: u8) {
        if self.role == Role::Bmc {
            return;
        }
        let unavailable = bits & bits::UNAVAILABLE != 0;
        if unavailable != self.unavailable_since.is_some() {
            self.unavailable_since = unavailable.then_some(now);
            self.events.push_back(SolEvent::Unavailable(unavailable));
        }
        for (bit, event) in [
            (bits::OVERRUN, SolEvent::Overrun),
            (bits::BREAK_SEEN, SolEvent::Break),
            (bits::BREAK_OR_DEACTIVATING, SolEvent::Deactivating),
        ] {
            if bits & bit != 0 && !self.events.contains(&event) {
                self.events.push_back(event);
            }
        }
    }

    fn acknowledged(&mut self, now: Duration, number: u8, count: usize) {
        let Some(mut flight) = self.flight.take_if(|flight| flight.number == number) else {
            return;
        };
        if flight.tries == 1 {
            let sample = now.saturating_sub(flight.sent_at);
            self.round_trip = Some(self.round_trip.map_or(sample, |old| (old * 7 + sample) / 8));
        }
        let count = count.min(flight.data.len());
        self.queued -= count;
        if count > 0 || flight.data.is_empty() {
            self.refusals = 0;
        } else {
            self.refusals += 1;
            self.not_before = now + self.retry(1 + self.refusals);
            if self.unavailable_since.is_some_and(|since| now >= since + STALE) {
                self.outbox.clear();
                self.queued = 0;
                return;
            }
        }
        // The rest goes under a new number, also when that is all of it: the BMC knows this number now.
        let rest: VecDeque<u8> = flight.data.drain(count..).collect();
        match self.outbox.front_mut() {
            _ if rest.is_empty() => {}
            Some(Outgoing::Data(data)) => {
                for byte in rest.into_iter().rev() {
                    data.push_front(byte);
                }
            }
            _ => self.outbox.push_front(Outgoing::Data(rest)),
        }
    }

    fn take_packet(&mut self, now: Duration, number: u8, data: &[u8], bits: u8) {
        // A retransmission may have grown: only what is new of it counts.
        if let Some((last, before)) = self.taken.back_mut()
            && *last == number
            && data.starts_with(before)
        {
            let tail = &data[before.len()..];
            if self.inbox.len() + tail.len() <= ROOM {
                self.inbox.extend(tail);
                before.extend(tail);
            }
            self.owed = Some((number, before.len()));
            return;
        }
        if self.taken.iter().any(|(old, before)| *old == number && before == data) {
            self.owed = Some((number, data.len()));
            return;
        }
        if self.inbox.len() + data.len() > ROOM {
            let same = self.held.take().filter(|held| held.number == number);
            let until = same.map_or(now + PATIENCE, |held| held.until);
            self.held = Some(Held { number, data: data.to_vec(), until });
            return;
        }
        if self.role == Role::Bmc && bits & bits::BREAK_OR_DEACTIVATING != 0 {
            self.events.push_back(SolEvent::Break);
        }
        self.accept(number, data);
    }

    fn accept(&mut self, number: u8, data: &[u8]) {
        self.inbox.extend(data);
        self.taken.push_back((number, data.to_vec()));
        if self.taken.len() > REMEMBERED {
            self.taken.pop_front();
        }
        self.owed = Some((number, data.len()));
    }

    /// The gap before the next transmission of a packet that was sent `tries` times.
    fn retry(&self, tries: u32) -> Duration {
        // Real BMCs are slow to answer and hurt by early retries; the simulated end knows its network.
        let (first, least) = match self.role {
            Role::Console => (Duration::from_millis(500), Duration::from_millis(150)),
            Role::Bmc => (Duration::from_millis(200), Duration::from_millis(40)),
        };
        let base = self.round_trip.map_or(first, |round_trip| (round_trip * 2).max(least));
        (base * tries.min(4)).min(LONGEST_RETRY)
    }

    /// When [`SolEnd::timeout`] must be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let retry = self.flight.as_ref().filter(|flight| !flight.due).map(|flight| flight.retry_at);
        let next = (self.flight.is_none() && !self.outbox.is_empty()).then_some(self.not_before);
        let held = self.held.as_ref().map(|held| held.until);
        retry.into_iter().chain(next).chain(held).min()
    }

    /// Time has passed.
    pub fn timeout(&mut self, now: Duration) {
        if let Some(held) = self.held.take_if(|held| now >= held.until) {
            // Nothing of it was taken. Not with the bit for "refused", after which ipmi_sim never sends again.
            self.owed = Some((held.number, 0));
        }
        let Some(flight) = self.flight.as_mut().filter(|flight| now >= flight.retry_at && !flight.due) else {
            return;
        };
        match flight.purpose {
            Purpose::Data if flight.tries >= TRIES => {
                // Not 1: its acknowledgement says nothing about the round trip.
                flight.tries = 2;
                self.events.push_back(SolEvent::Silent);
            }
            Purpose::Data => {}
            Purpose::Probe if flight.tries < PROBES => {}
            Purpose::Probe | Purpose::Break => {
                self.number = flight.number;
                self.flight = None;
                return;
            }
        }
        flight.due = true;
    }

    /// The next payload to send; to be called until `None` after everything else.
    pub fn transmit(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.flight.is_none() && now >= self.not_before {
            self.flight = self.next_flight(now);
        }
        let retry = self.retry(self.flight.as_ref().map_or(1, |flight| flight.tries + 1));
        let Some(flight) = self.flight.as_mut().filter(|flight| flight.due) else {
            let (number, count) = self.owed.take()?;
            return Some(vec![0, number, u8::try_from(count).unwrap_or(u8::MAX), self.status]);
        };
        flight.due = false;
        flight.tries += 1;
        flight.sent_at = now;
        flight.retry_at = now + if flight.purpose == Purpose::Probe { PROBE_GAP } else { retry };
        let (number, count) = self.owed.take().unwrap_or_default();
        let is_break = flight.purpose == Purpose::Break;
        let bits = self.status | if is_break { bits::BREAK_OR_DEACTIVATING } else { 0 };
        let mut payload = vec![flight.number, number, u8::try_from(count).unwrap_or(u8::MAX), bits];
        payload.extend(&flight.data);
        Some(payload)
    }

    fn next_flight(&mut self, now: Duration) -> Option<Flight> {
        let (data, purpose) = match self.outbox.front_mut()? {
            Outgoing::Empty(purpose) => (Vec::new(), *purpose),
            Outgoing::Data(waiting) => {
                (waiting.drain(..waiting.len().min(self.capacity)).collect::<Vec<u8>>(), Purpose::Data)
            }
        };
        if !matches!(self.outbox.front(), Some(Outgoing::Data(waiting)) if !waiting.is_empty()) {
            self.outbox.pop_front();
        }
        let number = self.number;
        self.number = if number == 15 { 1 } else { number + 1 };
        Some(Flight { number, data, purpose, tries: 0, sent_at: now, retry_at: now, due: true })
    }
}

#[cfg(test)]
mod tests;
