//! An established session: numbers, sealing, and the one command that is outstanding in it.

use super::login::Established;
use crate::ipmi::command::Command;
use crate::ipmi::message::{Request, Response};
use crate::ipmi::packet::{self, PayloadType, Sealed};
use crate::ipmi::window::Window;
use crate::ipmi::{Keys, Privilege, Random};
use std::time::Duration;

/// Before an unanswered repeatable command is sent again; doubled each time.
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// The longest gap between two tries.
const LONGEST_RETRY: Duration = Duration::from_secs(2);
/// For the answer to what is sent once.
const ONCE: Duration = Duration::from_secs(5);
/// A repeatable command unanswered for so long: the BMC has dropped the session, or is gone.
pub(super) const DEAD: Duration = Duration::from_millis(3400);

#[derive(Debug)]
pub(super) struct Session {
    keys: Keys,
    pub console_id: u32,
    pub bmc_id: u32,
    pub privilege: Privilege,
    sequence: u32,
    window: Window,
    rq_seq: u8,
    pub outstanding: Option<Outstanding>,
    /// When something authentic last came.
    pub heard: Duration,
}

/// The command that is waited for.
#[derive(Debug)]
pub(super) struct Outstanding {
    netfn: u8,
    command: u8,
    rq_seq: u8,
    message: Vec<u8>,
    repeatable: bool,
    tries: u32,
    retry_at: Duration,
    give_up: Duration,
}

/// What came in the session.
pub(super) enum Received {
    /// The answer to the outstanding command.
    Answer { code: u8, data: Vec<u8> },
    /// A payload of SOL.
    Sol(Vec<u8>),
    /// Authentic, but late, doubled or unasked.
    Nothing,
}

impl Session {
    pub fn new(established: Established, now: Duration) -> Session {
        let Established { keys, console_id, bmc_id, privilege } = established;
        Session {
            keys,
            console_id,
            bmc_id,
            privilege,
            sequence: 0,
            window: Window::default(),
            rq_seq: 0,
            outstanding: None,
            heard: now,
        }
    }

    pub fn suite(&self) -> crate::ipmi::Suite {
        self.keys.suite()
    }

    pub fn seal(&mut self, kind: PayloadType, payload: &[u8], random: &mut Random) -> Vec<u8> {
        // 0 is no number inside a session (section 6.12.9).
        self.sequence = self.sequence.wrapping_add(1).max(1);
        packet::seal(&self.keys, kind, self.bmc_id, self.sequence, payload, random.bytes())
    }

    /// Sends a command; there must be none outstanding. `patience` is for repeatable ones.
    pub fn send(
        &mut self,
        now: Duration,
        command: &Command,
        patience: Duration,
        random: &mut Random,
    ) -> Vec<u8> {
        self.rq_seq = (self.rq_seq + 1) & 0x3f;
        let Command { netfn, lun, command: number, data, repeatable, .. } = command;
        let request = Request { seq: self.rq_seq, netfn: *netfn, lun: *lun, command: *number, data };
        let message = request.encode();
        let datagram = self.seal(PayloadType::Ipmi, &message, random);
        self.outstanding = Some(Outstanding {
            netfn: *netfn,
            command: *number,
            rq_seq: self.rq_seq,
            message,
            repeatable: *repeatable,
            tries: 1,
            retry_at: now + FIRST_RETRY + jitter(random),
            give_up: now + if *repeatable { patience } else { ONCE },
        });
        datagram
    }

    pub fn deadline(&self) -> Option<Duration> {
        let outstanding = self.outstanding.as_ref()?;
        Some(match outstanding.repeatable {
            true => outstanding.retry_at.min(outstanding.give_up),
            false => outstanding.give_up,
        })
    }

    /// Whether the outstanding command's time is up.
    pub fn gave_up(&self, now: Duration) -> bool {
        self.outstanding.as_ref().is_some_and(|outstanding| now >= outstanding.give_up)
    }

    /// The command once more, if it is time: with its number, in a new packet.
    pub fn retry(&mut self, now: Duration, random: &mut Random) -> Option<Vec<u8>> {
        let outstanding = self.outstanding.as_mut().filter(|out| out.repeatable && now >= out.retry_at)?;
        let gap = (FIRST_RETRY * 2_u32.pow(outstanding.tries.min(4))).min(LONGEST_RETRY);
        outstanding.tries += 1;
        outstanding.retry_at = now + gap + jitter(random);
        let message = outstanding.message.clone();
        Some(self.seal(PayloadType::Ipmi, &message, random))
    }

    /// Opens a packet. `None` when it is not of this session, forged, seen before or senseless.
    pub fn receive(&mut self, now: Duration, sealed: &Sealed<'_>) -> Option<Received> {
        if sealed.session != self.console_id {
            return None;
        }
        let payload = packet::open(&self.keys, sealed).ok()?;
        if !self.window.accept(sealed.sequence) {
            return None;
        }
        self.heard = now;
        match sealed.kind {
            PayloadType::Sol => Some(Received::Sol(payload)),
            PayloadType::Ipmi => {
                let response = Response::decode(&payload).ok()?;
                let ours = self.outstanding.as_ref().is_some_and(|outstanding| {
                    outstanding.rq_seq == response.seq
                        && outstanding.netfn | 1 == response.netfn
                        && outstanding.command == response.command
                });
                if !ours {
                    return Some(Received::Nothing);
                }
                if response.code == crate::ipmi::completion::DUPLICATE {
                    // It works on our first copy; its answer comes.
                    return Some(Received::Nothing);
                }
                self.outstanding = None;
                Some(Received::Answer { code: response.code, data: response.data.to_vec() })
            }
            _ => None,
        }
    }
}

fn jitter(random: &mut Random) -> Duration {
    Duration::from_millis(u64::from(random.below(100)))
}
