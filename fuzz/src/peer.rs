//! The BMC's side of a session, as far as it takes to say anything at all inside one: it logs any client in that
//! knows the password, and then signs what the fuzzer wants said.

use super::ipmi::crypto::Exchanged;
use super::ipmi::message::{Request, Response};
use super::ipmi::packet::{self, Packet, PayloadType};
use super::ipmi::rakp::{OpenSessionRequest, OpenSessionResponse, Rakp1, Rakp2, Rakp3, Rakp4};
use super::ipmi::{Keys, Secret, Suite};

/// The password of the only user.
pub const PASSWORD: &[u8] = b"secret";
const BMC_ID: u32 = 0x0403_0201;

/// A BMC with one session.
#[derive(Debug, Default)]
pub struct Peer {
    exchanged: Option<Exchanged>,
    keys: Option<Keys>,
    sequence: u32,
    /// Sequence number, network function, unit and command of the last request.
    asked: (u8, u8, u8, u8),
}

impl Peer {
    /// Takes what the client sent; answers the login by itself.
    pub fn datagram(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        match packet::parse(bytes).ok()? {
            Packet::Plain { .. } => None,
            Packet::Login { kind, payload } => self.login(kind, payload),
            Packet::Session(sealed) => {
                let opened =
                    packet::open(self.keys.as_ref()?, &sealed).expect("the client signs what it sends");
                if sealed.kind == PayloadType::Ipmi {
                    let request =
                        Request::decode(&opened).expect("the client sends messages that can be read");
                    self.asked = (request.seq, request.netfn, request.lun, request.command);
                }
                None
            }
        }
    }

    fn login(&mut self, kind: PayloadType, payload: &[u8]) -> Option<Vec<u8>> {
        let password = Secret::new(PASSWORD).ok()?;
        match kind {
            PayloadType::OpenSessionRequest => {
                let asked = OpenSessionRequest::decode(payload).ok()?;
                let suite = Suite::from_algorithms(asked.algorithms)?;
                self.keys = None;
                self.exchanged = Some(Exchanged {
                    suite,
                    console_id: asked.console_id,
                    bmc_id: BMC_ID,
                    console_random: [0; 16],
                    bmc_random: [7; 16],
                    guid: [9; 16],
                    role: 0,
                    user: Vec::new(),
                });
                let answer = OpenSessionResponse {
                    tag: asked.tag,
                    status: 0,
                    privilege: 4,
                    console_id: asked.console_id,
                    bmc_id: BMC_ID,
                    algorithms: asked.algorithms,
                };
                Some(packet::login(PayloadType::OpenSessionResponse, &answer.encode()))
            }
            PayloadType::Rakp1 => {
                let asked = Rakp1::decode(payload).ok()?;
                let known = self.exchanged.as_mut()?;
                known.console_random = asked.console_random;
                known.role = asked.role;
                known.user = asked.user;
                let answer = Rakp2 {
                    tag: asked.tag,
                    status: 0,
                    console_id: known.console_id,
                    bmc_random: known.bmc_random,
                    guid: known.guid,
                    code: known.rakp2_code(&password),
                };
                Some(packet::login(PayloadType::Rakp2, &answer.encode()))
            }
            PayloadType::Rakp3 => {
                let asked = Rakp3::decode(payload).ok()?;
                let known = self.exchanged.as_ref()?;
                if asked.status != 0 {
                    return None;
                }
                known.check_rakp3(&password, &asked.code).expect("the client knows the password");
                self.keys = Some(known.keys(&password));
                self.sequence = 0;
                let answer = Rakp4 {
                    tag: asked.tag,
                    status: 0,
                    console_id: known.console_id,
                    code: known.rakp4_code(&password),
                };
                Some(packet::login(PayloadType::Rakp4, &answer.encode()))
            }
            _ => None,
        }
    }

    /// A signed payload for the client, if it is logged in. `step` is how far the number of the packet goes on.
    pub fn say(&mut self, kind: PayloadType, payload: &[u8], step: u8) -> Option<Vec<u8>> {
        let id = self.exchanged.as_ref()?.console_id;
        self.sequence = self.sequence.wrapping_add(u32::from(step));
        Some(packet::seal(self.keys.as_ref()?, kind, id, self.sequence, payload, [3; 16]))
    }

    /// The answer to the client's last request: completion code and data.
    pub fn answer(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (&code, data) = bytes.split_first()?;
        let (seq, netfn, lun, command) = self.asked;
        let response = Response { seq, netfn: netfn | 1, lun, command, code, data, checksums: true };
        self.say(PayloadType::Ipmi, &response.encode(), 1)
    }
}
