//! The BMC's side of the login (sections 13.17 to 13.24).

use super::{Bmc, LoginStep, Session};
use crate::ipmi::crypto::Exchanged;
use crate::ipmi::packet::{self, PayloadType};
use crate::ipmi::rakp::{
    NAME_ONLY, OpenSessionRequest, OpenSessionResponse, Rakp1, Rakp2, Rakp3, Rakp4, status,
};
use crate::ipmi::{Privilege, Suite};
use std::net::SocketAddr;
use std::time::Duration;

impl Bmc {
    pub(super) fn login(&mut self, now: Duration, from: SocketAddr, kind: PayloadType, payload: &[u8]) {
        let step = match kind {
            PayloadType::OpenSessionRequest => LoginStep::OpenSession,
            PayloadType::Rakp1 => LoginStep::Rakp1,
            PayloadType::Rakp3 => LoginStep::Rakp3,
            _ => return,
        };
        if self.faults.silent_in == Some(step) {
            return;
        }
        let answer = match step {
            LoginStep::OpenSession => self.open_session(now, from, payload),
            LoginStep::Rakp1 => self.rakp1(payload),
            _ => self.rakp3(payload),
        };
        match answer {
            Some(datagram) => self.send(from, datagram),
            None => self.stats.malformed += 1,
        }
    }

    fn open_session(&mut self, now: Duration, from: SocketAddr, payload: &[u8]) -> Option<Vec<u8>> {
        let request = OpenSessionRequest::decode(payload).ok()?;
        self.sessions.retain(|_, session| !session.expired(now));
        let mut response = OpenSessionResponse {
            tag: request.tag,
            status: status::OK,
            privilege: 0,
            console_id: request.console_id,
            bmc_id: 0,
            algorithms: request.algorithms,
        };
        match self.agree(request.algorithms) {
            None => response.status = status::NO_SUITE,
            Some(_) if self.faults.no_sessions || self.sessions.len() >= self.spec.sessions => {
                response.status = status::NO_RESOURCES;
            }
            Some(suite) => {
                let id = self.random.session_id();
                let asked = request.privilege.unwrap_or(Privilege::Administrator);
                let session = Session::new(suite, request.console_id, id, asked, from, now);
                self.sessions.insert(id, session);
                response.bmc_id = id;
                response.privilege = asked.number();
                response.algorithms = suite.algorithms();
            }
        }
        Some(packet::login(PayloadType::OpenSessionResponse, &response.encode()))
    }

    /// The suite for what was proposed; 0xff stands for any.
    fn agree(&self, algorithms: [u8; 3]) -> Option<Suite> {
        let fits = |suite: &&Suite| {
            suite.algorithms().iter().zip(algorithms).all(|(ours, theirs)| theirs == 0xff || *ours == theirs)
                && !self.faults.refuse_suites.contains(&suite.id())
        };
        self.spec.suites.iter().find(fits).copied()
    }

    fn rakp1(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        let message = Rakp1::decode(payload).ok()?;
        let session = self.sessions.get_mut(&message.bmc_id).filter(|session| !session.active())?;
        let mut answer = Rakp2 {
            tag: message.tag,
            status: status::OK,
            console_id: session.console_id,
            bmc_random: self.random.bytes(),
            guid: self.guid,
            code: Vec::new(),
        };
        let wanted = Privilege::from_number(message.role & 0x0f).unwrap_or(session.asked);
        let found = self.spec.users.iter().position(|user| user.name == message.user);
        match found.map(|index| (index, &self.spec.users[index])) {
            None => answer.status = status::UNAUTHORISED_NAME,
            Some((_, user)) if user.privilege < wanted && message.role & NAME_ONLY == 0 => {
                answer.status = status::UNAUTHORISED_NAME;
            }
            Some((_, user)) if user.privilege < wanted => answer.status = status::UNAUTHORISED_ROLE,
            Some((index, user)) => {
                let exchanged = Exchanged {
                    suite: session.suite,
                    console_id: session.console_id,
                    bmc_id: session.bmc_id,
                    console_random: message.console_random,
                    bmc_random: answer.bmc_random,
                    guid: answer.guid,
                    role: message.role,
                    user: message.user.clone(),
                };
                answer.code = exchanged.rakp2_code(&user.password);
                session.exchanged = Some(exchanged);
                session.user = index;
            }
        }
        if answer.status != status::OK {
            self.sessions.remove(&message.bmc_id);
        }
        Some(packet::login(PayloadType::Rakp2, &answer.encode()))
    }

    fn rakp3(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        let message = Rakp3::decode(payload).ok()?;
        let session = self.sessions.get_mut(&message.bmc_id).filter(|session| !session.active())?;
        if message.status != status::OK {
            // The console says that our proof is wrong: it has another password.
            self.stats.refused += 1;
            let console_id = session.console_id;
            self.sessions.remove(&message.bmc_id);
            let answer = Rakp4 { tag: message.tag, status: message.status, console_id, code: Vec::new() };
            return Some(packet::login(PayloadType::Rakp4, &answer.encode()));
        }
        let exchanged = session.exchanged.clone()?;
        let user = &self.spec.users[session.user];
        let mut answer =
            Rakp4 { tag: message.tag, status: status::OK, console_id: session.console_id, code: Vec::new() };
        if exchanged.check_rakp3(&user.password, &message.code).is_err() {
            answer.status = status::INVALID_INTEGRITY;
            self.stats.refused += 1;
            self.sessions.remove(&message.bmc_id);
        } else {
            let kg = self.spec.kg.as_ref().unwrap_or(&user.password);
            answer.code = exchanged.rakp4_code(kg);
            session.activate(exchanged.keys(kg), session.asked.min(user.privilege));
            self.stats.logins += 1;
            let standing = self.sessions();
            self.stats.most_sessions = self.stats.most_sessions.max(standing);
        }
        Some(packet::login(PayloadType::Rakp4, &answer.encode()))
    }
}
