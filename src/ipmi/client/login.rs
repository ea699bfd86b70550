//! The login: Open Session and RAKP 1 to 4, for each cipher suite in turn (section 13.14).
//!
//! A lost Open Session is sent again. A lost RAKP message is not: retransmitted ones break some BMCs, so the
//! login starts over with a new session id and tag.

use super::{ClientError, ClientSettings, Step};
use crate::ipmi::command::Command;
use crate::ipmi::crypto::Exchanged;
use crate::ipmi::message::{Request, netfn};
use crate::ipmi::packet::{self, PayloadType};
use crate::ipmi::rakp::{
    NAME_ONLY, OpenSessionRequest, OpenSessionResponse, Rakp1, Rakp2, Rakp3, Rakp4, status,
};
use crate::ipmi::{Keys, Privilege, Quirks, Random, Suite};
use std::time::Duration;

/// A BMC that has answered nothing by then is not there.
const NOBODY: Duration = Duration::from_millis(5500);
/// One that has answered something is tried for so long.
const SOMEBODY: Duration = Duration::from_secs(15);
/// Before the first Open Session Request is sent again; doubled each time.
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// For RAKP messages 2 and 4; then the login starts over. Longer every other time, up to [`LONGEST_RAKP`]:
/// each round leaves a session half open, which a BMC with few slots keeps for a while.
const RAKP: Duration = Duration::from_secs(1);
const LONGEST_RAKP: Duration = Duration::from_secs(3);
/// While sessions that we left half open take up the BMC's slots.
const SLOTS: Duration = Duration::from_secs(2);
/// So often a right proof of the BMC's may be followed by its refusal of ours.
const DISTURBED: u32 = 3;

/// A login under way.
#[derive(Debug)]
pub(super) struct Login {
    /// Suites still to be tried after this one.
    later: Vec<Suite>,
    suite: Suite,
    began: Duration,
    heard: bool,
    /// When the message is given up.
    retry_at: Duration,
    /// Times the Open Session Request of this round was sent.
    tries: u32,
    tag: u8,
    state: State,
    /// Rounds that were given up after the BMC had opened a session.
    half_open: u32,
    /// Rounds in which the BMC refused our proof.
    disturbed: u32,
    /// Open Session Requests sent, over all rounds.
    opens: u32,
    /// The refusal that says most.
    refused: Option<ClientError>,
}

#[derive(Debug)]
enum State {
    Open { console_id: u32 },
    Rakp1(Exchanged),
    Rakp3(Exchanged),
}

/// What a step leads to.
pub(super) enum Next {
    /// Wait.
    Nothing,
    /// Send this and wait.
    Send(Vec<u8>),
    /// The session stands.
    Done(Box<Established>),
    /// It failed; the datagram, if any, tells the BMC to forget it.
    Failed(ClientError, Option<Vec<u8>>),
}

/// A session that was agreed on.
pub(super) struct Established {
    pub keys: Keys,
    pub console_id: u32,
    pub bmc_id: u32,
    pub privilege: Privilege,
}

impl Login {
    /// Begins with the first of `suites`; gives the first datagram.
    pub fn start(
        settings: &ClientSettings,
        suites: &[Suite],
        random: &mut Random,
        now: Duration,
    ) -> Result<(Login, Vec<u8>), ClientError> {
        let (&suite, later) = suites.split_first().ok_or(ClientError::NoSuite)?;
        let mut login = Login {
            later: later.to_vec(),
            suite,
            began: now,
            heard: false,
            retry_at: now,
            tries: 0,
            tag: random.bytes::<1>()[0],
            state: State::Open { console_id: 0 },
            half_open: 0,
            disturbed: 0,
            opens: 0,
            refused: None,
        };
        let datagram = login.open(settings, random, now);
        Ok((login, datagram))
    }

    /// A new round: new session id, new tag.
    fn open(&mut self, settings: &ClientSettings, random: &mut Random, now: Duration) -> Vec<u8> {
        let console_id = random.session_id();
        self.tag = self.tag.wrapping_add(1);
        self.tries = 0;
        self.state = State::Open { console_id };
        self.send_open(settings, console_id, random, now)
    }

    fn send_open(
        &mut self,
        settings: &ClientSettings,
        console_id: u32,
        random: &mut Random,
        now: Duration,
    ) -> Vec<u8> {
        let gap = FIRST_RETRY * 2_u32.pow(self.tries.min(2));
        self.tries += 1;
        self.opens += 1;
        self.retry_at = now + gap + Duration::from_millis(u64::from(random.below(100)));
        let highest = settings.quirks.has(Quirks::OPEN_HIGHEST);
        let request = OpenSessionRequest {
            tag: self.tag,
            privilege: (!highest).then_some(settings.privilege),
            console_id,
            algorithms: self.suite.algorithms(),
        };
        packet::login(PayloadType::OpenSessionRequest, &request.encode())
    }

    /// Get Channel Authentication Capabilities outside a session (section 22.13). Its answer is not waited
    /// for: BMCs that know a client by its port take it for the sign that a new one has come, and would
    /// send the answer to Open Session into the session that ended.
    pub fn hello(settings: &ClientSettings) -> Vec<u8> {
        let data = [0x8e, settings.privilege.number()];
        let request = Request { seq: 0, netfn: netfn::APP, lun: 0, command: 0x38, data: &data };
        packet::plain(&request.encode())
    }

    pub fn deadline(&self) -> Duration {
        self.retry_at.min(self.began + if self.heard { SOMEBODY } else { NOBODY })
    }

    /// Which answer is waited for.
    pub fn step(&self) -> Step {
        match self.state {
            State::Open { .. } => Step::OpenSession,
            State::Rakp1(_) => Step::Rakp1,
            State::Rakp3(_) => Step::Rakp3,
        }
    }

    /// Closes the session that the BMC may have already when only its last answer is missing: it would keep
    /// it for a minute. To be sent when the login is given up or starts over.
    pub fn goodbye(&self, settings: &ClientSettings, random: &mut Random) -> Option<Vec<u8>> {
        let State::Rakp3(exchanged) = &self.state else { return None };
        let keys = exchanged.keys(settings.kg.as_ref().unwrap_or(&settings.password));
        let Command { netfn, lun, command, data, .. } = Command::close_session(exchanged.bmc_id);
        let message = Request { seq: 1, netfn, lun, command, data: &data }.encode();
        Some(packet::seal(&keys, PayloadType::Ipmi, exchanged.bmc_id, 1, &message, random.bytes()))
    }

    pub fn timeout(&mut self, settings: &ClientSettings, random: &mut Random, now: Duration) -> Next {
        if now < self.deadline() {
            return Next::Nothing;
        }
        if now >= self.began + if self.heard { SOMEBODY } else { NOBODY } {
            return Next::Failed(ClientError::NoAnswer { step: self.step(), heard: self.heard }, None);
        }
        Next::Send(match self.state {
            State::Open { console_id } => self.send_open(settings, console_id, random, now),
            State::Rakp1(_) | State::Rakp3(_) => {
                self.half_open += 1;
                self.open(settings, random, now)
            }
        })
    }

    /// Takes a payload of the login. What does not fit the message waited for is dropped: it is late,
    /// doubled, or not for us.
    pub fn receive(
        &mut self,
        settings: &ClientSettings,
        random: &mut Random,
        now: Duration,
        kind: PayloadType,
        payload: &[u8],
    ) -> Option<Next> {
        let next = match (&self.state, kind) {
            (State::Open { console_id }, PayloadType::OpenSessionResponse) => {
                let response = OpenSessionResponse::decode(payload).ok()?;
                if response.tag != self.tag {
                    return None;
                }
                let console_id = *console_id;
                if response.status == status::OK && response.console_id != console_id {
                    return None;
                }
                self.opened(settings, random, now, console_id, &response)
            }
            (State::Rakp1(exchanged), PayloadType::Rakp2) => {
                let message = Rakp2::decode(payload, self.suite).ok()?;
                if message.tag != self.tag || message.console_id != exchanged.console_id {
                    return None;
                }
                let exchanged = exchanged.clone();
                self.challenged(settings, random, now, exchanged, message)
            }
            (State::Rakp3(exchanged), PayloadType::Rakp4) => {
                let message = Rakp4::decode(payload, self.suite).ok()?;
                if message.tag != self.tag || message.console_id != exchanged.console_id {
                    return None;
                }
                let exchanged = exchanged.clone();
                self.confirmed(settings, random, now, &exchanged, &message)
            }
            _ => return None,
        };
        self.heard = true;
        Some(next)
    }

    fn opened(
        &mut self,
        settings: &ClientSettings,
        random: &mut Random,
        now: Duration,
        console_id: u32,
        response: &OpenSessionResponse,
    ) -> Next {
        if response.status != status::OK {
            return self.refusal(settings, random, now, Step::OpenSession, response.status);
        }
        // A BMC that answers with other algorithms than were proposed would weaken the session.
        if response.algorithms != self.suite.algorithms() || response.bmc_id == 0 {
            return self.refusal(settings, random, now, Step::OpenSession, status::NO_SUITE);
        }
        let by_name = !settings.quirks.has(Quirks::LOOKUP_BY_PRIVILEGE);
        let exchanged = Exchanged {
            suite: self.suite,
            console_id,
            bmc_id: response.bmc_id,
            console_random: random.bytes(),
            bmc_random: [0; 16],
            guid: [0; 16],
            role: settings.privilege.number() | if by_name { NAME_ONLY } else { 0 },
            user: settings.user.clone(),
        };
        let message = Rakp1 {
            tag: self.tag,
            bmc_id: exchanged.bmc_id,
            console_random: exchanged.console_random,
            role: exchanged.role,
            user: exchanged.user.clone(),
        };
        self.state = State::Rakp1(exchanged);
        self.retry_at = now + self.rakp();
        Next::Send(packet::login(PayloadType::Rakp1, &message.encode()))
    }

    fn challenged(
        &mut self,
        settings: &ClientSettings,
        random: &mut Random,
        now: Duration,
        mut exchanged: Exchanged,
        message: Rakp2,
    ) -> Next {
        if message.status != status::OK {
            return self.refusal(settings, random, now, Step::Rakp1, message.status);
        }
        exchanged.bmc_random = message.bmc_random;
        exchanged.guid = message.guid;
        let mut answer =
            Rakp3 { tag: self.tag, status: status::OK, bmc_id: exchanged.bmc_id, code: Vec::new() };
        if exchanged.check_rakp2(&settings.password, &message.code).is_err() {
            // Said to the BMC, so that it does not keep a half-open session.
            answer.status = status::INVALID_INTEGRITY;
            let datagram = packet::login(PayloadType::Rakp3, &answer.encode());
            return Next::Failed(ClientError::WrongPassword, Some(datagram));
        }
        answer.code = exchanged.rakp3_code(&settings.password);
        self.state = State::Rakp3(exchanged);
        self.retry_at = now + self.rakp();
        Next::Send(packet::login(PayloadType::Rakp3, &answer.encode()))
    }

    fn confirmed(
        &mut self,
        settings: &ClientSettings,
        random: &mut Random,
        now: Duration,
        exchanged: &Exchanged,
        message: &Rakp4,
    ) -> Next {
        if message.status != status::OK {
            return self.refusal(settings, random, now, Step::Rakp3, message.status);
        }
        let kg = settings.kg.as_ref().unwrap_or(&settings.password);
        if exchanged.check_rakp4(kg, &message.code).is_err() {
            return Next::Failed(ClientError::WrongKg, None);
        }
        let raised = settings.quirks.has(Quirks::NO_RAISE);
        Next::Done(Box::new(Established {
            keys: exchanged.keys(kg),
            console_id: exchanged.console_id,
            bmc_id: exchanged.bmc_id,
            // A session begins at the user level, or below it where less was asked for (section 22.18).
            privilege: if raised { settings.privilege } else { settings.privilege.min(Privilege::User) },
        }))
    }

    fn rakp(&self) -> Duration {
        (RAKP * (1 + self.half_open / 2)).min(LONGEST_RAKP)
    }

    fn refusal(
        &mut self,
        settings: &ClientSettings,
        random: &mut Random,
        now: Duration,
        step: Step,
        code: u8,
    ) -> Next {
        let error = ClientError::refused(step, code);
        if error == ClientError::NoFreeSession && self.opens > 1 {
            // The slots are taken by what we left half open, most likely: also each copy of an Open
            // Session Request takes one with some BMCs.
            self.retry_at = now + SLOTS;
            return Next::Nothing;
        }
        if error == ClientError::WrongPassword && self.disturbed < DISTURBED {
            // Its own proof was right, so it has our password: a doubled RAKP message 1 made it forget
            // which random number it had told us.
            self.disturbed += 1;
            return Next::Send(self.open(settings, random, now));
        }
        if status::refuses_suite(code) {
            // A role refused with one suite says more than that the next one is not offered.
            let says_more = matches!(error, ClientError::RoleRefused { .. });
            if self.refused.is_none() || says_more {
                self.refused = Some(error);
            }
            if step == Step::OpenSession {
                // What was refused took no slot.
                self.opens = self.opens.saturating_sub(1);
            }
            if !self.later.is_empty() {
                self.suite = self.later.remove(0);
                return Next::Send(self.open(settings, random, now));
            }
            return Next::Failed(self.refused.take().unwrap_or(ClientError::NoSuite), None);
        }
        Next::Failed(error, None)
    }
}
