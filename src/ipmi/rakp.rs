//! The login's payloads: Open Session and RAKP messages 1 to 4 (sections 13.17 to 13.24).

use super::{DecodeError, Privilege, Suite, take};

/// RMCP+ status codes (table 13-15).
pub mod status {
    /// No errors.
    pub const OK: u8 = 0x00;
    /// Insufficient resources to create a session.
    pub const NO_RESOURCES: u8 = 0x01;
    /// Invalid session id.
    pub const INVALID_SESSION: u8 = 0x02;
    /// Invalid role.
    pub const INVALID_ROLE: u8 = 0x09;
    /// Unauthorised role or privilege level requested.
    pub const UNAUTHORISED_ROLE: u8 = 0x0a;
    /// Insufficient resources to create a session at the requested role.
    pub const NO_RESOURCES_FOR_ROLE: u8 = 0x0b;
    /// Unauthorised name.
    pub const UNAUTHORISED_NAME: u8 = 0x0d;
    /// Invalid integrity check value: the password or the BMC key is wrong.
    pub const INVALID_INTEGRITY: u8 = 0x0f;
    /// No cipher suite match with proposed algorithms.
    pub const NO_SUITE: u8 = 0x11;

    /// What a status means: lower case, no full stop.
    #[must_use]
    pub fn words(status: u8) -> &'static str {
        match status {
            OK => "no errors",
            NO_RESOURCES => "insufficient resources for a session",
            INVALID_SESSION => "invalid session id",
            0x03 => "invalid payload type",
            0x04 => "invalid authentication algorithm",
            0x05 => "invalid integrity algorithm",
            0x06 => "no matching authentication payload",
            0x07 => "no matching integrity payload",
            0x08 => "inactive session id",
            INVALID_ROLE => "invalid role",
            UNAUTHORISED_ROLE => "unauthorised role or privilege level",
            NO_RESOURCES_FOR_ROLE => "insufficient resources for a session with this role",
            0x0c => "invalid name length",
            UNAUTHORISED_NAME => "unauthorised name",
            0x0e => "unauthorised globally unique id",
            INVALID_INTEGRITY => "invalid integrity check value",
            0x10 => "invalid confidentiality algorithm",
            NO_SUITE => "no cipher suite matches",
            0x12 => "illegal or unrecognised parameter",
            _ => "reserved status",
        }
    }

    /// Whether another cipher suite may succeed. Roles are among these because some BMCs allow a
    /// privilege level only with certain suites.
    #[must_use]
    pub fn refuses_suite(status: u8) -> bool {
        matches!(status, 0x04..=0x07 | INVALID_ROLE | UNAUTHORISED_ROLE | 0x10 | NO_SUITE | 0x12)
    }
}

/// RMCP+ Open Session Request (table 13-9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSessionRequest {
    /// Chosen by the sender; in each answer.
    pub tag: u8,
    /// Highest privilege asked for; `None`: the highest that the suite allows.
    pub privilege: Option<Privilege>,
    /// The remote console's session id.
    pub console_id: u32,
    /// Numbers of the algorithms proposed: authentication, integrity, confidentiality.
    pub algorithms: [u8; 3],
}

/// RMCP+ Open Session Response (table 13-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSessionResponse {
    /// Of the request.
    pub tag: u8,
    /// See [`status`].
    pub status: u8,
    /// Number of the highest privilege allowed.
    pub privilege: u8,
    /// Of the request.
    pub console_id: u32,
    /// The BMC's session id.
    pub bmc_id: u32,
    /// The algorithms the BMC chose.
    pub algorithms: [u8; 3],
}

/// RAKP message 1 (table 13-11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rakp1 {
    /// Chosen by the sender.
    pub tag: u8,
    /// The BMC's session id.
    pub bmc_id: u32,
    /// The remote console's random number.
    pub console_random: [u8; 16],
    /// Privilege asked for, and [`NAME_ONLY`].
    pub role: u8,
    /// User name, at most 16 bytes.
    pub user: Vec<u8>,
}

/// Role bit: look up the user by name alone, not by name and privilege.
pub const NAME_ONLY: u8 = 0x10;

/// RAKP message 2 (table 13-12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rakp2 {
    /// Of RAKP message 1.
    pub tag: u8,
    /// See [`status`].
    pub status: u8,
    /// The remote console's session id.
    pub console_id: u32,
    /// The BMC's random number.
    pub bmc_random: [u8; 16],
    /// The BMC's globally unique id.
    pub guid: [u8; 16],
    /// By which the BMC proves that it knows the password.
    pub code: Vec<u8>,
}

/// RAKP message 3 (table 13-13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rakp3 {
    /// Chosen by the sender.
    pub tag: u8,
    /// See [`status`]: the remote console refuses a BMC with it.
    pub status: u8,
    /// The BMC's session id.
    pub bmc_id: u32,
    /// By which the remote console proves that it knows the password.
    pub code: Vec<u8>,
}

/// RAKP message 4 (table 13-14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rakp4 {
    /// Of RAKP message 3.
    pub tag: u8,
    /// See [`status`].
    pub status: u8,
    /// The remote console's session id.
    pub console_id: u32,
    /// Integrity check value.
    pub code: Vec<u8>,
}

impl OpenSessionRequest {
    /// Its payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.tag, self.privilege.map_or(0, Privilege::number), 0, 0];
        bytes.extend(self.console_id.to_le_bytes());
        for (kind, algorithm) in (0_u8..).zip(self.algorithms) {
            bytes.extend([kind, 0, 0, 8, algorithm, 0, 0, 0]);
        }
        bytes
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// Too short, or an algorithm without its frame.
    pub fn decode(mut bytes: &[u8]) -> Result<OpenSessionRequest, DecodeError> {
        const WHAT: &str = "an open session request";
        let [tag, privilege, _, _] = *take(&mut bytes, WHAT)?;
        let console_id = u32::from_le_bytes(*take(&mut bytes, WHAT)?);
        let privilege = Privilege::from_number(privilege & 0x0f);
        Ok(OpenSessionRequest { tag, privilege, console_id, algorithms: algorithms(bytes, WHAT)? })
    }
}

fn algorithms(mut bytes: &[u8], what: &'static str) -> Result<[u8; 3], DecodeError> {
    let mut algorithms = [0; 3];
    for (kind, algorithm) in (0_u8..).zip(&mut algorithms) {
        let payload = take::<8>(&mut bytes, what)?;
        if payload[0] != kind {
            return Err(DecodeError::Invalid("the algorithms of a session"));
        }
        // A length of 0 proposes "any" (section 13.17).
        *algorithm = if payload[3] == 0 { 0xff } else { payload[4] & 0x3f };
    }
    Ok(algorithms)
}

impl OpenSessionResponse {
    /// Its payload; what follows the session id is left out of a refusal.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.tag, self.status, self.privilege, 0];
        bytes.extend(self.console_id.to_le_bytes());
        if self.status == status::OK {
            bytes.extend(self.bmc_id.to_le_bytes());
            for (kind, algorithm) in (0_u8..).zip(self.algorithms) {
                bytes.extend([kind, 0, 0, 8, algorithm, 0, 0, 0]);
            }
        }
        bytes
    }

    /// Reads a payload; of a refusal only tag, status and session id.
    ///
    /// # Errors
    /// Too short.
    pub fn decode(mut bytes: &[u8]) -> Result<OpenSessionResponse, DecodeError> {
        const WHAT: &str = "an open session response";
        let [tag, status] = *take(&mut bytes, WHAT)?;
        if status != status::OK {
            // Refusals are cut off in different places by different BMCs.
            let console_id = bytes.get(2..6).and_then(|id| id.try_into().ok()).map_or(0, u32::from_le_bytes);
            let (privilege, bmc_id, algorithms) = (0, 0, [0; 3]);
            return Ok(OpenSessionResponse { tag, status, privilege, console_id, bmc_id, algorithms });
        }
        let [privilege, _] = *take(&mut bytes, WHAT)?;
        let console_id = u32::from_le_bytes(*take(&mut bytes, WHAT)?);
        let bmc_id = u32::from_le_bytes(*take(&mut bytes, WHAT)?);
        let algorithms = algorithms(bytes, WHAT)?;
        Ok(OpenSessionResponse { tag, status, privilege, console_id, bmc_id, algorithms })
    }
}

impl Rakp1 {
    /// Its payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.tag, 0, 0, 0];
        bytes.extend(self.bmc_id.to_le_bytes());
        bytes.extend(self.console_random);
        bytes.extend([self.role, 0, 0, u8::try_from(self.user.len()).unwrap_or(u8::MAX)]);
        bytes.extend(&self.user);
        bytes
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// Too short, or a name longer than 16 bytes.
    pub fn decode(mut bytes: &[u8]) -> Result<Rakp1, DecodeError> {
        const WHAT: &str = "RAKP message 1";
        let [tag, _, _, _] = *take(&mut bytes, WHAT)?;
        let bmc_id = u32::from_le_bytes(*take(&mut bytes, WHAT)?);
        let console_random = *take(&mut bytes, WHAT)?;
        let [role, _, _, length] = *take(&mut bytes, WHAT)?;
        if length > 16 {
            return Err(DecodeError::Invalid("the length of a user name"));
        }
        let user = bytes.get(..usize::from(length)).ok_or(DecodeError::Short(WHAT))?.to_vec();
        Ok(Rakp1 { tag, bmc_id, console_random, role, user })
    }
}

impl Rakp2 {
    /// Its payload; a refusal ends after the session id.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.tag, self.status, 0, 0];
        bytes.extend(self.console_id.to_le_bytes());
        if self.status == status::OK {
            bytes.extend(self.bmc_random);
            bytes.extend(self.guid);
            bytes.extend(&self.code);
        }
        bytes
    }

    /// Reads a payload. `suite` tells how long the code is; what a BMC adds behind it is not read.
    ///
    /// # Errors
    /// Too short.
    pub fn decode(mut bytes: &[u8], suite: Suite) -> Result<Rakp2, DecodeError> {
        const WHAT: &str = "RAKP message 2";
        let [tag, status, _, _] = *take(&mut bytes, WHAT)?;
        let console_id = u32::from_le_bytes(*take(&mut bytes, WHAT)?);
        if status != status::OK {
            let (bmc_random, guid, code) = ([0; 16], [0; 16], Vec::new());
            return Ok(Rakp2 { tag, status, console_id, bmc_random, guid, code });
        }
        let (bmc_random, guid) = (*take(&mut bytes, WHAT)?, *take(&mut bytes, WHAT)?);
        let code = bytes.get(..suite.rakp_length()).ok_or(DecodeError::Short(WHAT))?.to_vec();
        Ok(Rakp2 { tag, status, console_id, bmc_random, guid, code })
    }
}

impl Rakp3 {
    /// Its payload; a refusal carries no code.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.tag, self.status, 0, 0];
        bytes.extend(self.bmc_id.to_le_bytes());
        bytes.extend(&self.code);
        bytes
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// Too short.
    pub fn decode(mut bytes: &[u8]) -> Result<Rakp3, DecodeError> {
        const WHAT: &str = "RAKP message 3";
        let [tag, status, _, _] = *take(&mut bytes, WHAT)?;
        let bmc_id = u32::from_le_bytes(*take(&mut bytes, WHAT)?);
        Ok(Rakp3 { tag, status, bmc_id, code: bytes.to_vec() })
    }
}

impl Rakp4 {
    /// Its payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.tag, self.status, 0, 0];
        bytes.extend(self.console_id.to_le_bytes());
        if self.status == status::OK {
            bytes.extend(&self.code);
        }
        bytes
    }

    /// Reads a payload. `suite` tells how long the code is; what a BMC adds behind it is not read.
    ///
    /// # Errors
    /// Too short.
    pub fn decode(mut bytes: &[u8], suite: Suite) -> Result<Rakp4, DecodeError> {
        const WHAT: &str = "RAKP message 4";
        let [tag, status, _, _] = *take(&mut bytes, WHAT)?;
        let console_id = u32::from_le_bytes(*take(&mut bytes, WHAT)?);
        let code = match status {
            status::OK => bytes.get(..suite.integrity_length()).ok_or(DecodeError::Short(WHAT))?.to_vec(),
            _ => Vec::new(),
        };
        Ok(Rakp4 { tag, status, console_id, code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_read_what_the_other_wrote() {
        let request = OpenSessionRequest {
            tag: 5,
            privilege: Some(Privilege::Administrator),
            console_id: 0xa1b2_c3d4,
            algorithms: Suite::Seventeen.algorithms(),
        };
        assert_eq!(request.encode().len(), 32);
        assert_eq!(OpenSessionRequest::decode(&request.encode()), Ok(request));
        let response = OpenSessionResponse {
            tag: 5,
            status: status::OK,
            privilege: 4,
            console_id: 7,
            bmc_id: 8,
            algorithms: Suite::Three.algorithms(),
        };
        assert_eq!(response.encode().len(), 36);
        assert_eq!(OpenSessionResponse::decode(&response.encode()), Ok(response));
        let first = Rakp1 { tag: 1, bmc_id: 8, console_random: [4; 16], role: 0x14, user: b"admin".to_vec() };
        assert_eq!(Rakp1::decode(&first.encode()), Ok(first));
        for suite in [Suite::Three, Suite::Seventeen] {
            let code = vec![9; suite.rakp_length()];
            let second = Rakp2 { tag: 1, status: 0, console_id: 7, bmc_random: [1; 16], guid: [2; 16], code };
            assert_eq!(Rakp2::decode(&second.encode(), suite), Ok(second));
            let third = Rakp3 { tag: 2, status: 0, bmc_id: 8, code: vec![8; suite.rakp_length()] };
            assert_eq!(Rakp3::decode(&third.encode()), Ok(third));
            let code = vec![9; suite.integrity_length()];
            let fourth = Rakp4 { tag: 2, status: 0, console_id: 7, code };
            assert_eq!(Rakp4::decode(&fourth.encode(), suite), Ok(fourth));
        }
    }

    #[test]
    fn refusals_of_any_length_are_read() {
        let refusal = [5, status::NO_SUITE, 0, 0, 7, 0, 0, 0];
        for length in 2..=refusal.len() {
            let read = OpenSessionResponse::decode(&refusal[..length]).expect("a refusal");
            assert_eq!(read.status, status::NO_SUITE);
        }
        let short = Rakp2::decode(&[1, status::UNAUTHORISED_NAME, 0, 0, 7, 0, 0, 0], Suite::Three);
        assert_eq!(short.expect("a refusal").status, status::UNAUTHORISED_NAME);
    }

    #[test]
    fn a_name_longer_than_sixteen_bytes_is_refused() {
        let long = Rakp1 { tag: 1, bmc_id: 8, console_random: [4; 16], role: 4, user: vec![b'a'; 17] };
        assert!(Rakp1::decode(&long.encode()).is_err());
    }
}
