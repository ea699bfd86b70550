//! What a simulated BMC answers to commands.

use super::sessions::Answer;
use super::{Bmc, BootFlags, Sol};
use crate::ipmi::Privilege;
use crate::ipmi::completion as code;
use crate::ipmi::message::{Request, netfn};
use crate::ipmi::sol::{Role, SolEnd};
use crate::sim::machine::{Control, Device};
use std::time::Duration;

/// Boot flags lapse after this unless the timer is stopped (section 28.12, parameter 3).
const FLAGS: Duration = Duration::from_secs(60);
/// Data in an SOL packet to and from this BMC.
const SOL_DATA: u16 = 200;

fn ok(data: &[u8]) -> Answer {
    (code::OK, data.to_vec())
}

fn refuse(code: u8) -> Answer {
    (code, Vec::new())
}

impl Bmc {
    /// Commands that are answered without a session (section 22, table G-1).
    pub(super) fn before_session(&mut self, request: &Request<'_>) -> Answer {
        match (request.netfn, request.command) {
            (netfn::APP, 0x37) => ok(&self.guid.clone()),
            (netfn::APP, 0x38) => self.capabilities(request.data),
            (netfn::APP, 0x54) => self.suites(request.data),
            _ => refuse(code::PRIVILEGE),
        }
    }

    fn capabilities(&self, data: &[u8]) -> Answer {
        let Some([channel, level]) = data.first_chunk::<2>() else {
            return refuse(code::INVALID_LENGTH);
        };
        if Privilege::from_number(level & 0x0f).is_none() {
            return refuse(code::INVALID_DATA);
        }
        let kg = if self.spec.kg.is_some() { 0x20 } else { 0 };
        // Without the extended bit an IPMI 1.5 client asks: there is nothing for it but RMCP+.
        let extended = if channel & 0x80 != 0 { 0x80 } else { 0 };
        ok(&[0x01, extended, kg | 0x04, 0x02, 0, 0, 0, 0])
    }

    fn suites(&self, data: &[u8]) -> Answer {
        let Some([_, _, index]) = data.first_chunk::<3>() else {
            return refuse(code::INVALID_LENGTH);
        };
        let mut records = Vec::new();
        for suite in &self.spec.suites {
            let [authentication, integrity, confidentiality] = suite.algorithms();
            records.extend([0xc0, suite.id(), authentication, 0x40 | integrity, 0x80 | confidentiality]);
        }
        let from = usize::from(index & 0x3f) * 16;
        let page = records.get(from..).unwrap_or_default();
        let mut answer = vec![0x01];
        answer.extend(&page[..page.len().min(16)]);
        ok(&answer)
    }

    /// The answer in a session.
    pub(super) fn answer(&mut self, now: Duration, id: u32, request: &Request<'_>) -> Answer {
        let key = (request.netfn, request.command);
        if let Some((.., code)) = self.faults.codes.iter().find(|(netfn, number, _)| (*netfn, *number) == key)
        {
            return refuse(*code);
        }
        let Some(session) = self.sessions.get(&id) else {
            return refuse(code::NO_RESPONSE);
        };
        if session.privilege < needed(key) {
            return refuse(code::PRIVILEGE);
        }
        let data = request.data;
        match key {
            (netfn::CHASSIS, 0x01) => self.chassis_status(now),
            (netfn::CHASSIS, 0x02) => self.control(now, data),
            (netfn::CHASSIS, 0x04) => self.identify(now, data),
            (netfn::CHASSIS, 0x08) => self.set_boot_option(now, data),
            (netfn::CHASSIS, 0x09) => self.boot_option(now, data),
            (netfn::APP, 0x01) => self.device_id(),
            (netfn::APP, 0x02 | 0x03 | 0x08) => ok(&[]),
            (netfn::APP, 0x04) => ok(&[0x55, 0x00]),
            (netfn::APP, 0x37) => ok(&self.guid.clone()),
            (netfn::APP, 0x38) => self.capabilities(data),
            (netfn::APP, 0x54) => self.suites(data),
            (netfn::APP, 0x3b) => self.set_privilege(id, data),
            (netfn::APP, 0x3c) => self.close_session(data),
            (netfn::APP, 0x3d) => self.session_info(id, data),
            (netfn::APP, 0x41) => ok(&[0x12, 0x04]),
            (netfn::APP, 0x42) => ok(&[0x01, 0x04, 0x01, 0x80, 0xf2, 0x1b, 0x00, 0x00, 0x00]),
            (netfn::APP, 0x44) => self.user_access(data),
            (netfn::APP, 0x46) => self.user_name(data),
            (netfn::APP, 0x48) => self.activate_sol(id, data),
            (netfn::APP, 0x49) => self.deactivate_sol(data),
            (netfn::APP, 0x4a) => ok(&[1, u8::from(self.sol_active()), 0]),
            (netfn::APP, 0x4b) => self.sol_owner(),
            (netfn::APP, 0x4d) => ok(&[0x02, 0, 0, 0]),
            (netfn::APP, 0x4e) => ok(&[0x03, 0, 0x3f, 0, 0, 0, 0, 0]),
            (netfn::APP, 0x4f) => ok(&[0x10]),
            (netfn::TRANSPORT, 0x21) => ok(&[]),
            (netfn::TRANSPORT, 0x22) => self.sol_parameter(data),
            _ => refuse(code::INVALID_COMMAND),
        }
    }

    /// What follows an answer that was sent.
    pub(super) fn after(&mut self, now: Duration, id: u32, request: &Request<'_>, answer: u8) {
        if answer != code::OK {
            return;
        }
        match (request.netfn, request.command) {
            (netfn::APP, 0x02) => self.go_down(now, self.spec.outage),
            (netfn::APP, 0x03) => self.go_down(now, self.spec.outage / 10),
            (netfn::APP, 0x3c) => {
                let closed = request.data.first_chunk::<4>().map_or(id, |id| u32::from_le_bytes(*id));
                self.sessions.remove(&closed);
                if self.sol.as_ref().is_some_and(|sol| sol.session == closed) {
                    self.sol = None;
                }
                self.stats.closed += 1;
            }
            _ => {}
        }
    }

    fn go_down(&mut self, now: Duration, outage: Duration) {
        self.down_until = now + outage;
        self.drop_sessions();
        self.thief = None;
    }

    fn shown_power(&mut self, now: Duration) -> bool {
        match self.stale {
            Some((power, until)) if now < until => power,
            _ => self.machine.power(),
        }
    }

    fn chassis_status(&mut self, now: Duration) -> Answer {
        let locator = if self.faults.mute_locator { 0 } else { 0x40 | (self.locator(now) as u8) << 4 };
        ok(&[u8::from(self.shown_power(now)), 0, locator])
    }

    /// Chassis Identify (section 28.5): 15 s unless it says otherwise, 0 is off, the second byte for good.
    fn identify(&mut self, now: Duration, data: &[u8]) -> Answer {
        let seconds = data.first().copied().unwrap_or(15);
        let for_good = data.get(1).is_some_and(|byte| byte & 0x01 != 0);
        if self.faults.ignore_verbs {
            return ok(&[]);
        }
        self.lit = match (for_good, seconds) {
            (true, _) => Some(None),
            (false, 0) => None,
            (false, seconds) => Some(Some(now + Duration::from_secs(seconds.into()))),
        };
        ok(&[])
    }

    fn control(&mut self, now: Duration, data: &[u8]) -> Answer {
        let control = match data.first().map(|byte| byte & 0x0f) {
            Some(0) => Control::Off,
            Some(1) => Control::On,
            Some(2) => Control::Cycle,
            Some(3) => Control::Reset,
            Some(4) => Control::Diagnostic,
            Some(5) => Control::Soft,
            Some(_) => return refuse(code::INVALID_DATA),
            None => return refuse(code::INVALID_LENGTH),
        };
        if self.faults.ignore_verbs {
            return ok(&[]);
        }
        let before = self.shown_power(now);
        if !self.faults.stale_power.is_zero() {
            self.stale = Some((before, now + self.faults.stale_power));
        }
        if matches!(control, Control::On | Control::Cycle | Control::Reset) {
            let device = self.boot_device(now);
            self.machine.set_device(device);
        }
        if self.machine.control(now, control) { ok(&[]) } else { refuse(code::WRONG_STATE) }
    }

    /// Where the machine boots from now; a device for one boot is used up.
    fn boot_device(&mut self, now: Duration) -> Device {
        let [flags, device, ..] = self.flags(now).bytes;
        if flags & 0x80 == 0 {
            return Device::Disk;
        }
        if flags & 0x40 == 0 {
            self.flags = BootFlags::default();
        }
        match (device >> 2) & 0x0f {
            1 => Device::Network,
            5 => Device::Cdrom,
            6 => Device::Setup,
            _ => Device::Disk,
        }
    }

    fn flags(&mut self, now: Duration) -> BootFlags {
        if self.flags.until.is_some_and(|until| now >= until) {
            self.flags = BootFlags::default();
        }
        self.flags
    }

    fn set_boot_option(&mut self, now: Duration, data: &[u8]) -> Answer {
        let Some((parameter, bytes)) = data.split_first() else {
            return refuse(code::INVALID_LENGTH);
        };
        match parameter & 0x7f {
            3 => self.keep_flags = bytes.first().is_some_and(|byte| byte & 0x08 != 0),
            5 => {
                let Some(bytes) = bytes.first_chunk::<5>() else {
                    return refuse(code::INVALID_LENGTH);
                };
                let until = (bytes[0] & 0x40 == 0 && !self.keep_flags).then(|| now + FLAGS);
                self.flags = BootFlags { bytes: *bytes, until };
                self.keep_flags = false;
            }
            0 | 1 | 2 | 4 | 6 | 7 => {
                self.parameters.insert(parameter & 0x7f, bytes.to_vec());
            }
            _ => return refuse(0x80),
        }
        ok(&[])
    }

    fn boot_option(&mut self, now: Duration, data: &[u8]) -> Answer {
        let Some(parameter) = data.first().map(|byte| byte & 0x7f) else {
            return refuse(code::INVALID_LENGTH);
        };
        let mut answer = vec![0x01, parameter];
        match parameter {
            5 => answer.extend(self.flags(now).bytes),
            0..=4 | 6 | 7 => match self.parameters.get(&parameter) {
                Some(bytes) => answer.extend(bytes),
                None => answer.extend([0; 2]),
            },
            _ => return refuse(0x80),
        }
        ok(&answer)
    }

    fn device_id(&self) -> Answer {
        let (manufacturer, product) = self.spec.device;
        let mut answer = vec![0x20, 0x81, 0x02, 0x41, 0x02, 0xbf];
        answer.extend(&manufacturer.to_le_bytes()[..3]);
        answer.extend(product.to_le_bytes());
        answer.extend([0, 0, 0, 1]);
        ok(&answer)
    }

    fn set_privilege(&mut self, id: u32, data: &[u8]) -> Answer {
        let (Some(session), Some(level)) = (self.sessions.get_mut(&id), data.first()) else {
            return refuse(code::INVALID_LENGTH);
        };
        if level & 0x0f != 0 {
            match Privilege::from_number(level & 0x0f) {
                None => return refuse(code::INVALID_DATA),
                Some(wanted) if wanted > session.highest => return refuse(0x81),
                Some(wanted) => session.privilege = wanted,
            }
        }
        let level = session.privilege.number();
        ok(&[level])
    }

    fn close_session(&mut self, data: &[u8]) -> Answer {
        let Some(id) = data.first_chunk::<4>() else {
            return refuse(code::INVALID_LENGTH);
        };
        // Invalid session id in the request (section 22.19).
        if self.sessions.contains_key(&u32::from_le_bytes(*id)) { ok(&[]) } else { refuse(0x87) }
    }

    fn session_info(&self, id: u32, data: &[u8]) -> Answer {
        let wanted = match data {
            [0x00, ..] => id,
            [0xff, a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]),
            _ => return refuse(code::INVALID_DATA),
        };
        let most = u8::try_from(self.spec.sessions).unwrap_or(0x3f);
        let active = u8::try_from(self.sessions()).unwrap_or(0x3f);
        let Some(session) = self.sessions.get(&wanted).filter(|session| session.active()) else {
            return ok(&[0, most, active]);
        };
        let user = u8::try_from(session.user + 2).unwrap_or(0x3f);
        let mut answer = vec![1, most, active, user, session.privilege.number(), 0x11];
        match session.peer().ip() {
            std::net::IpAddr::V4(address) => answer.extend(address.octets()),
            std::net::IpAddr::V6(_) => answer.extend([0; 4]),
        }
        answer.extend([0; 6]);
        answer.extend(session.peer().port().to_le_bytes());
        ok(&answer)
    }

    fn user_access(&self, data: &[u8]) -> Answer {
        let Some([_, number]) = data.first_chunk::<2>() else {
            return refuse(code::INVALID_LENGTH);
        };
        let count = u8::try_from(self.spec.users.len()).unwrap_or(0x3f);
        let user = usize::from(number & 0x3f).checked_sub(2).and_then(|index| self.spec.users.get(index));
        let access = user.map_or(0x0f, |user| 0x30 | user.privilege.number());
        ok(&[0x0f, count, 1, access])
    }

    fn user_name(&self, data: &[u8]) -> Answer {
        let number = data.first().map_or(0, |number| usize::from(number & 0x3f));
        let mut name = [0; 16];
        let user = number.checked_sub(2).and_then(|index| self.spec.users.get(index));
        if let Some(user) = user {
            name[..user.name.len().min(16)].copy_from_slice(&user.name[..user.name.len().min(16)]);
        } else if number != 1 {
            return refuse(code::INVALID_DATA);
        }
        ok(&name)
    }

    fn activate_sol(&mut self, id: u32, data: &[u8]) -> Answer {
        let Some([kind, instance, options]) = data.first_chunk::<3>() else {
            return refuse(code::INVALID_LENGTH);
        };
        if kind & 0x3f != 1 || *instance != 1 {
            return refuse(code::INVALID_DATA);
        }
        if options & 0xc0 != 0xc0 {
            // Not without encryption and authentication (section 24.1).
            return refuse(0x84);
        }
        if self.sol_active() {
            return refuse(0x80);
        }
        let first = 1 + u8::try_from(self.random.below(15)).unwrap_or(0);
        let end = SolEnd::new(Role::Bmc, first, usize::from(SOL_DATA));
        self.sol = Some(Sol { session: id, end });
        let size = (SOL_DATA + 4).to_le_bytes();
        let port = self.spec.port.to_le_bytes();
        ok(&[0, 0, 0, 0, size[0], size[1], size[0], size[1], port[0], port[1], 0xff, 0xff])
    }

    fn deactivate_sol(&mut self, data: &[u8]) -> Answer {
        if data.first().is_none_or(|kind| kind & 0x3f != 1) {
            return refuse(code::INVALID_DATA);
        }
        if !self.sol_active() {
            return refuse(0x80);
        }
        self.sol = None;
        self.thief = None;
        ok(&[])
    }

    fn sol_owner(&self) -> Answer {
        let owner = self.sol.as_ref().map(|sol| sol.session).or(self.thief).unwrap_or(0);
        let mut answer = owner.to_le_bytes().to_vec();
        answer.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        ok(&answer)
    }

    fn sol_parameter(&self, data: &[u8]) -> Answer {
        let Some([channel, parameter]) = data.first_chunk::<2>() else {
            return refuse(code::INVALID_LENGTH);
        };
        let port = self.spec.port.to_le_bytes();
        let bytes: &[u8] = match parameter {
            _ if channel & 0x80 != 0 => &[],
            0 => &[0],
            1 => &[1],
            2 => &[0x02],
            3 => &[0x0c, 0x60],
            4 => &[7, 50],
            5 | 6 => &[0x0a],
            7 => &[1],
            8 => &port,
            _ => return refuse(0x80),
        };
        let mut answer = vec![0x11];
        answer.extend(bytes);
        ok(&answer)
    }
}

/// The privilege a command needs (appendix G).
fn needed(command: (u8, u8)) -> Privilege {
    match command {
        (netfn::CHASSIS, 0x02 | 0x04 | 0x08 | 0x09) => Privilege::Operator,
        (netfn::APP, 0x02 | 0x03 | 0x47) | (netfn::TRANSPORT, 0x21) => Privilege::Administrator,
        _ => Privilege::User,
    }
}
