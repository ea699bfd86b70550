//! Datagrams: RMCP header, session header, payload, trailer (sections 13.1 and 13.6, table 13-8).

use super::crypto::BLOCK;
use super::{DecodeError, Keys, take};

/// RMCP: version 6, no acknowledgement wanted, class IPMI (section 13.1.3).
const RMCP: [u8; 4] = [0x06, 0x00, 0xff, 0x07];
/// Authentication type of RMCP+ packets.
const RMCP_PLUS: u8 = 0x06;
/// Authentication type "none" of IPMI 1.5 packets, used before a session only.
const NONE: u8 = 0x00;
const ENCRYPTED: u8 = 0x80;
const AUTHENTICATED: u8 = 0x40;
/// Next header, always.
const NEXT_HEADER: u8 = 0x07;
/// No payload is longer; larger sizes are hostile.
const LONGEST: usize = 1024;

/// What a payload holds (table 13-16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PayloadType {
    /// An IPMI message.
    Ipmi = 0x00,
    /// Serial over LAN.
    Sol = 0x01,
    /// RMCP+ Open Session Request.
    OpenSessionRequest = 0x10,
    /// RMCP+ Open Session Response.
    OpenSessionResponse = 0x11,
    /// RAKP message 1.
    Rakp1 = 0x12,
    /// RAKP message 2.
    Rakp2 = 0x13,
    /// RAKP message 3.
    Rakp3 = 0x14,
    /// RAKP message 4.
    Rakp4 = 0x15,
}

impl PayloadType {
    /// The type of that number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<PayloadType> {
        use PayloadType::{Ipmi, OpenSessionRequest, OpenSessionResponse, Rakp1, Rakp2, Rakp3, Rakp4, Sol};
        [Ipmi, Sol, OpenSessionRequest, OpenSessionResponse, Rakp1, Rakp2, Rakp3, Rakp4]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

/// A received datagram, not yet checked or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// IPMI 1.5 framing without authentication: an IPMI message before there is a session.
    Plain {
        /// The message.
        message: &'a [u8],
    },
    /// RMCP+ outside a session: the login.
    Login {
        /// What the payload is.
        kind: PayloadType,
        /// Its bytes.
        payload: &'a [u8],
    },
    /// RMCP+ inside a session: to be given to [`open`].
    Session(Sealed<'a>),
}

/// A signed packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// What the payload is.
    pub kind: PayloadType,
    /// The receiver's session id.
    pub session: u32,
    /// Session sequence number; not to be believed before [`open`].
    pub sequence: u32,
    encrypted: bool,
    authenticated: bool,
    payload: &'a [u8],
    /// From the authentication type on, with what follows the payload.
    signed: &'a [u8],
}

/// Takes a datagram apart.
///
/// # Errors
/// It is no IPMI packet, is cut short, or has a payload of a type that is not ours.
pub fn parse(datagram: &[u8]) -> Result<Packet<'_>, DecodeError> {
    const WHAT: &str = "a packet";
    let mut rest = datagram;
    let rmcp = take::<4>(&mut rest, WHAT)?;
    if rmcp[0] != RMCP[0] || rmcp[3] & 0x9f != RMCP[3] {
        return Err(DecodeError::Invalid("the RMCP header"));
    }
    let signed = rest;
    match take::<1>(&mut rest, WHAT)?[0] {
        NONE => {
            take::<8>(&mut rest, WHAT)?;
            let length = usize::from(take::<1>(&mut rest, WHAT)?[0]);
            // Some stacks add a byte of padding behind it (section 13.6, legacy pad).
            Ok(Packet::Plain { message: rest.get(..length).ok_or(DecodeError::Short(WHAT))? })
        }
        RMCP_PLUS => {
            let kind = take::<1>(&mut rest, WHAT)?[0];
            let (encrypted, authenticated) = (kind & ENCRYPTED != 0, kind & AUTHENTICATED != 0);
            let kind =
                PayloadType::from_number(kind & 0x3f).ok_or(DecodeError::Invalid("the payload type"))?;
            let session = u32::from_le_bytes(*take(&mut rest, WHAT)?);
            let sequence = u32::from_le_bytes(*take(&mut rest, WHAT)?);
            let length = usize::from(u16::from_le_bytes(*take(&mut rest, WHAT)?));
            if length > LONGEST {
                return Err(DecodeError::Invalid("the length of a payload"));
            }
            let payload = rest.get(..length).ok_or(DecodeError::Short(WHAT))?;
            if session == 0 {
                return Ok(Packet::Login { kind, payload });
            }
            Ok(Packet::Session(Sealed { kind, session, sequence, encrypted, authenticated, payload, signed }))
        }
        _ => Err(DecodeError::Invalid("the authentication type")),
    }
}

/// Checks a packet's authentication code and decrypts its payload.
///
/// # Errors
/// [`DecodeError::Forged`] when it is not signed with these keys, else what is wrong with it.
pub fn open(keys: &Keys, packet: &Sealed<'_>) -> Result<Vec<u8>, DecodeError> {
    if !packet.authenticated {
        return Err(DecodeError::Forged);
    }
    let end = packet.signed.len().checked_sub(keys.suite().integrity_length());
    let (signed, code) = packet.signed.split_at(end.ok_or(DecodeError::Short("a packet"))?);
    // The code must lie behind the payload, with pad length and next header before it.
    if signed.len() < 12 + packet.payload.len() + 2 {
        return Err(DecodeError::Short("a packet"));
    }
    keys.check(signed, code)?;
    if packet.encrypted { keys.decrypt(packet.payload) } else { Ok(packet.payload.to_vec()) }
}

/// A datagram for a session: encrypted and signed. `vector` must be random and is used once.
#[must_use]
pub fn seal(
    keys: &Keys,
    kind: PayloadType,
    session: u32,
    sequence: u32,
    payload: &[u8],
    vector: [u8; BLOCK],
) -> Vec<u8> {
    let mut packet = Vec::with_capacity(payload.len() + 72);
    packet.extend(RMCP);
    packet.push(RMCP_PLUS);
    packet.push(kind as u8 | ENCRYPTED | AUTHENTICATED);
    packet.extend(session.to_le_bytes());
    packet.extend(sequence.to_le_bytes());
    let encrypted = BLOCK + (payload.len() / BLOCK + 1) * BLOCK;
    packet.extend(u16::try_from(encrypted).unwrap_or(u16::MAX).to_le_bytes());
    keys.encrypt(payload, vector, &mut packet);
    // Pad so that the signed part, with pad length and next header, is a multiple of 4 long.
    let pad = (4 - (packet.len() - RMCP.len() + 2) % 4) % 4;
    packet.extend(std::iter::repeat_n(0xff, pad));
    packet.push(u8::try_from(pad).unwrap_or(0));
    packet.push(NEXT_HEADER);
    keys.sign(&mut packet, RMCP.len());
    packet
}

/// A datagram of the login.
#[must_use]
pub fn login(kind: PayloadType, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(payload.len() + 16);
    packet.extend(RMCP);
    packet.extend([RMCP_PLUS, kind as u8]);
    packet.extend([0; 8]);
    packet.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_le_bytes());
    packet.extend(payload);
    packet
}

/// An IPMI message before a session, in IPMI 1.5 framing.
#[must_use]
pub fn plain(message: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(message.len() + 14);
    packet.extend(RMCP);
    packet.push(NONE);
    packet.extend([0; 8]);
    packet.push(u8::try_from(message.len()).unwrap_or(u8::MAX));
    packet.extend(message);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipmi::crypto::{Exchanged, Secret};
    use crate::ipmi::{Random, Suite};

    fn keys(suite: Suite, password: &[u8]) -> Keys {
        let mut random = Random::new([7; 32]);
        let exchanged = Exchanged {
            suite,
            console_id: 1,
            bmc_id: 2,
            console_random: random.bytes(),
            bmc_random: random.bytes(),
            guid: random.bytes(),
            role: 0x14,
            user: b"admin".to_vec(),
        };
        exchanged.keys(&Secret::new(password).expect("short"))
    }

    fn sealed(datagram: &[u8]) -> Sealed<'_> {
        match parse(datagram) {
            Ok(Packet::Session(packet)) => packet,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_sealed_is_opened_at_every_length() {
        for suite in [Suite::Three, Suite::Seventeen] {
            let keys = keys(suite, b"secret");
            for length in 0..300_usize {
                let payload: Vec<u8> = (0..length).map(|n| n.to_le_bytes()[0]).collect();
                let datagram = seal(&keys, PayloadType::Sol, 9, 5, &payload, [3; BLOCK]);
                let packet = sealed(&datagram);
                assert_eq!((packet.kind, packet.session, packet.sequence), (PayloadType::Sol, 9, 5));
                assert_eq!(open(&keys, &packet).as_ref(), Ok(&payload), "{length}");
                assert!(!datagram.windows(16).any(|part| length >= 16 && part == &payload[..16]));
            }
        }
    }

    #[test]
    fn lengths_are_those_of_real_bmcs() {
        // Get Chassis Status: 64 bytes with suite 3, 68 with suite 17.
        for (suite, length) in [(Suite::Three, 64), (Suite::Seventeen, 68)] {
            assert_eq!(seal(&keys(suite, b"x"), PayloadType::Ipmi, 1, 1, &[0; 7], [0; 16]).len(), length);
        }
    }

    #[test]
    fn no_changed_bit_and_no_other_key_gets_through() {
        for suite in [Suite::Three, Suite::Seventeen] {
            let right = keys(suite, b"secret");
            let datagram = seal(&right, PayloadType::Ipmi, 9, 5, b"payload", [3; BLOCK]);
            assert_eq!(open(&keys(suite, b"Secret"), &sealed(&datagram)), Err(DecodeError::Forged));
            for byte in 4..datagram.len() {
                for bit in 0..8 {
                    let mut changed = datagram.clone();
                    changed[byte] ^= 1 << bit;
                    if let Ok(Packet::Session(packet)) = parse(&changed) {
                        assert!(open(&right, &packet).is_err(), "byte {byte}, bit {bit}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_cut_is_an_error_and_no_panic() {
        let keys = keys(Suite::Three, b"secret");
        let datagram = seal(&keys, PayloadType::Ipmi, 9, 5, b"payload", [3; BLOCK]);
        for length in 0..datagram.len() {
            if let Ok(Packet::Session(packet)) = parse(&datagram[..length]) {
                assert!(open(&keys, &packet).is_err(), "{length}");
            }
        }
    }

    #[test]
    fn a_packet_without_a_code_is_forged() {
        let keys = keys(Suite::Three, b"secret");
        let mut datagram = seal(&keys, PayloadType::Ipmi, 9, 5, b"payload", [3; BLOCK]);
        datagram[5] &= !AUTHENTICATED;
        assert_eq!(open(&keys, &sealed(&datagram)), Err(DecodeError::Forged));
    }

    #[test]
    fn packets_before_a_session_are_told_apart() {
        assert_eq!(parse(&plain(b"message")), Ok(Packet::Plain { message: b"message" }));
        let datagram = login(PayloadType::Rakp1, b"rakp");
        assert_eq!(parse(&datagram), Ok(Packet::Login { kind: PayloadType::Rakp1, payload: b"rakp" }));
        assert!(parse(b"\x06\x00\xff\x06\x00\x00\x11\xbe\x80\x00\x00\x00").is_err(), "RMCP ping");
    }
}
