//! What is done with an input, for each fuzz target: one function each, which must return. Also run by the plain
//! tests on every seed (`tests/it/fuzz.rs`).

use super::ipmi::client::{Client, ClientSettings};
use super::ipmi::command::{ChassisControl, ChassisStatus, Command, DeviceId, SessionInfo};
use super::ipmi::crypto::{BLOCK, Exchanged};
use super::ipmi::message::{Request, Response};
use super::ipmi::packet::{self, Packet, PayloadType};
use super::ipmi::rakp::{OpenSessionRequest, OpenSessionResponse, Rakp1, Rakp2, Rakp3, Rakp4};
use super::ipmi::sol::{Role, SolEnd};
use super::ipmi::{Keys, Privilege, Quirks, Secret, Suite, completion, quirks};
use super::peer::{PASSWORD, Peer};
use super::script::Script;
use super::sim::{Bmc, BmcSpec, User};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use std::net::SocketAddr;
use std::time::Duration;

/// A target.
pub type Target = fn(&[u8]);

/// All of them by name.
pub const TARGETS: [(&str, Target); 7] = [
    ("packet", packet),
    ("message", message),
    ("rakp", rakp),
    ("command", command),
    ("sol", sol),
    ("client", client),
    ("bmc", bmc),
];

const SUITES: [Suite; 2] = [Suite::Three, Suite::Seventeen];

/// A datagram: as it is, and with its end signed by somebody who knows the keys.
pub fn packet(data: &[u8]) {
    for suite in SUITES {
        let exchanged = session(suite);
        let keys = exchanged.keys(&secret());
        open(&keys, data);
        if let Some(signed) = data.get(4..) {
            let mut forged = data.to_vec();
            forged.extend(integrity(&exchanged, signed));
            open(&keys, &forged);
        }
        let sealed = packet::seal(&keys, PayloadType::Sol, 5, 6, &data[..data.len().min(900)], [1; BLOCK]);
        assert_eq!(open(&keys, &sealed).as_deref(), Some(&data[..data.len().min(900)]));
    }
}

fn open(keys: &Keys, datagram: &[u8]) -> Option<Vec<u8>> {
    match packet::parse(datagram) {
        Ok(Packet::Session(sealed)) => packet::open(keys, &sealed).ok(),
        _ => None,
    }
}

fn secret() -> Secret {
    Secret::new(PASSWORD).expect("short enough")
}

/// A session both sides agree on.
fn session(suite: Suite) -> Exchanged {
    Exchanged {
        suite,
        console_id: 5,
        bmc_id: 6,
        console_random: [1; 16],
        bmc_random: [2; 16],
        guid: [3; 16],
        role: 0x14,
        user: b"admin".to_vec(),
    }
}

/// The authentication code of a packet, computed here a second time (section 13.32).
fn integrity(exchanged: &Exchanged, signed: &[u8]) -> Vec<u8> {
    fn code<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let mut mac = <M as KeyInit>::new_from_slice(key).expect("keys of any length are taken");
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    }
    let hash = match exchanged.suite {
        Suite::Three => code::<Hmac<Sha1>>,
        Suite::Seventeen => code::<Hmac<Sha256>>,
    };
    let mut key = [0; 20];
    key[..PASSWORD.len()].copy_from_slice(PASSWORD);
    let role = [exchanged.role, u8::try_from(exchanged.user.len()).expect("a short name")];
    let session = hash(&key, &[&exchanged.console_random, &exchanged.bmc_random, &role, &exchanged.user]);
    let mut code = hash(&hash(&session, &[&[1; 20]]), &[signed]);
    code.truncate(exchanged.suite.integrity_length());
    code
}

/// A message inside a session.
pub fn message(data: &[u8]) {
    if let Ok(request) = Request::decode(data) {
        assert_eq!(Request::decode(&request.encode()), Ok(request));
    }
    if let Ok(response) = Response::decode(data) {
        let again = response.encode();
        assert_eq!(Response::decode(&again), Ok(Response { checksums: true, ..response }));
    }
}

/// A payload of the login.
pub fn rakp(data: &[u8]) {
    // "Any algorithm" is only read: neither of our ends writes it.
    if let Ok(read) = OpenSessionRequest::decode(data)
        && !read.algorithms.contains(&0xff)
    {
        assert_eq!(OpenSessionRequest::decode(&read.encode()), Ok(read));
    }
    if let Ok(read) = OpenSessionResponse::decode(data)
        && !read.algorithms.contains(&0xff)
    {
        assert_eq!(OpenSessionResponse::decode(&read.encode()), Ok(read));
    }
    if let Ok(read) = Rakp1::decode(data) {
        assert_eq!(Rakp1::decode(&read.encode()), Ok(read));
    }
    if let Ok(read) = Rakp3::decode(data) {
        assert_eq!(Rakp3::decode(&read.encode()), Ok(read));
    }
    for suite in SUITES {
        let exchanged = session(suite);
        if let Ok(read) = Rakp2::decode(data, suite) {
            assert!(exchanged.check_rakp2(&secret(), &read.code).is_err());
            assert_eq!(Rakp2::decode(&read.encode(), suite), Ok(read));
        }
        if let Ok(read) = Rakp4::decode(data, suite) {
            assert!(exchanged.check_rakp4(&secret(), &read.code).is_err());
            assert_eq!(Rakp4::decode(&read.encode(), suite), Ok(read));
        }
    }
}

/// The data of an answer.
pub fn command(data: &[u8]) {
    let _ = ChassisStatus::decode(data);
    if let Ok(device) = DeviceId::decode(data) {
        let _ = quirks::Quirks::for_device(device.manufacturer, device.product).names();
    }
    let _ = SessionInfo::decode(data);
    if let Some(raw) = Command::raw(data) {
        assert!(!format!("{raw:?}").is_empty());
    }
    for &code in data {
        assert!(!completion::words(code).is_empty());
    }
}

/// Both ends of an SOL, fed by somebody who keeps to no rule.
pub fn sol(data: &[u8]) {
    for role in [Role::Console, Role::Bmc] {
        let mut end = SolEnd::new(role, 1, 32);
        let (mut now, mut came, mut out) = (Duration::ZERO, 0, 0);
        for (step, bytes) in Script(data) {
            match step % 8 {
                0..=2 => {
                    came += bytes.len();
                    let _ = end.receive(now, bytes);
                }
                3 => {
                    end.queue(bytes);
                }
                4 => {
                    now += Duration::from_millis(u64::from(step) * 8);
                    end.timeout(now);
                }
                5 => out += end.take_data().len(),
                6 => end.send_break(),
                _ => end.set_capacity(bytes.len() * 7),
            }
            for _ in 0..4 {
                let Some(payload) = end.transmit(now) else { break };
                assert!((4..=254).contains(&payload.len()));
            }
            while end.event().is_some() {}
        }
        out += end.take_data().len();
        assert!(out <= came, "more came out than went in");
    }
}

/// A client against a BMC that knows the password and says anything.
pub fn client(data: &[u8]) {
    let quirks = u8::from(data.first().is_some_and(|byte| byte & 1 != 0));
    let settings = ClientSettings {
        user: b"admin".to_vec(),
        password: secret(),
        kg: None,
        privilege: Privilege::Administrator,
        suites: vec![Suite::Seventeen, Suite::Three],
        quirks: if quirks == 1 { Quirks::for_device(10_876, 0) } else { Quirks::default() },
    };
    let mut client = Client::new(settings, [1; 32]);
    let (mut peer, mut now) = (Peer::default(), Duration::from_secs(1));
    let mut lost = false;
    for (step, bytes) in Script(data) {
        let said = match step % 16 {
            // Anything from the BMC's address.
            0 => Some(bytes.to_vec()),
            1 | 2 => peer.answer(bytes),
            3 => peer.say(PayloadType::Ipmi, bytes, 1),
            4 | 5 => peer.say(PayloadType::Sol, bytes, 1),
            6 => peer.say(PayloadType::Sol, bytes, step >> 4),
            7 => {
                lost = !lost;
                None
            }
            8 => {
                client.request(now, Command::chassis_status());
                None
            }
            9 => {
                client.request(now, Command::chassis_control(ChassisControl::Cycle));
                None
            }
            10 => {
                client.activate_sol(now);
                None
            }
            11 => {
                if let Some(sol) = client.sol() {
                    sol.queue(bytes);
                    sol.take_data();
                }
                None
            }
            12 => {
                now += Duration::from_millis(u64::from(step) * 40);
                client.timeout(now);
                None
            }
            13 => {
                client.deactivate_sol(now);
                None
            }
            14 => {
                match step >> 4 {
                    0..=4 => client.close(now),
                    5..=8 => client.leave(now),
                    9..=12 => client.abandon(),
                    _ => client.unreachable(now),
                }
                None
            }
            // To the next deadline, as the owner does.
            _ => {
                if let Some(deadline) = client.deadline() {
                    now = now.max(deadline);
                    client.timeout(now);
                }
                None
            }
        };
        if let Some(said) = said {
            client.datagram(now, &said);
        }
        // Login messages go to and fro by themselves; nothing else is answered unasked, so this ends.
        for _ in 0..64 {
            let Some(sent) = client.transmit(now) else { break };
            if let Some(answer) = peer.datagram(&sent).filter(|_| !lost) {
                client.datagram(now, &answer);
            }
        }
        assert!(client.transmit(now).is_none(), "it never stops sending");
        while client.event().is_some() {}
    }
}

/// A simulated BMC under anything at all, with a client that knows the password in between.
pub fn bmc(data: &[u8]) {
    let password = secret();
    let admin =
        User { name: b"admin".to_vec(), password: password.clone(), privilege: Privilege::Administrator };
    let spec = BmcSpec {
        name: "fuzz".into(),
        port: 623,
        users: vec![admin],
        kg: None,
        suites: SUITES.to_vec(),
        sessions: 2,
        outage: Duration::from_secs(1),
        power: true,
        speed: 50.0,
        device: (20_974, 1),
        record: false,
    };
    let mut bmc = Bmc::new(spec, [2; 32]);
    let settings = ClientSettings {
        user: b"admin".to_vec(),
        password,
        kg: None,
        privilege: Privilege::Administrator,
        suites: vec![if data.len().is_multiple_of(2) { Suite::Three } else { Suite::Seventeen }],
        quirks: Quirks::default(),
    };
    let mut client = Client::new(settings, [1; 32]);
    let (ours, strange) =
        (SocketAddr::from(([127, 0, 0, 1], 1000)), SocketAddr::from(([127, 0, 0, 2], 2000)));
    let mut now = Duration::from_secs(1);
    for (step, bytes) in Script(data) {
        match step % 8 {
            0 | 1 => bmc.datagram(now, strange, bytes),
            // Any command, signed.
            2..=4 => {
                if let Some(raw) = Command::raw(bytes) {
                    client.request(now, raw);
                }
            }
            5 => match client.sol() {
                Some(sol) => {
                    sol.queue(bytes);
                    sol.take_data();
                }
                None => client.activate_sol(now),
            },
            6 => {
                now += Duration::from_millis(u64::from(step) * 20);
                client.timeout(now);
                bmc.timeout(now);
            }
            _ if step >> 4 == 7 => client.close(now),
            _ => now += Duration::from_millis(u64::from(step)),
        }
        for _ in 0..64 {
            let sent = client.transmit(now);
            if let Some(sent) = &sent {
                bmc.datagram(now, ours, sent);
            }
            bmc.timeout(now);
            let mut answered = false;
            while let Some((to, answer)) = bmc.transmit(now) {
                answered = true;
                if to == ours {
                    client.datagram(now, &answer);
                }
            }
            if sent.is_none() && !answered {
                break;
            }
        }
        while client.event().is_some() {}
    }
}
