//! IPMI LAN messages: what a session's payload of type IPMI holds (section 13.8, table 13-8).

use super::{DecodeError, take};

/// The BMC's slave address.
pub const BMC: u8 = 0x20;
/// Remote console software's id, as an address.
pub const CONSOLE: u8 = 0x81;

/// Network function codes of requests (table 5-1); the response's is one more.
pub mod netfn {
    /// Chassis.
    pub const CHASSIS: u8 = 0x00;
    /// Sensor and event.
    pub const SENSOR: u8 = 0x04;
    /// Application.
    pub const APP: u8 = 0x06;
    /// Storage.
    pub const STORAGE: u8 = 0x0a;
    /// Transport.
    pub const TRANSPORT: u8 = 0x0c;
}

/// A request to a BMC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// 6 bits; the response carries the same.
    pub seq: u8,
    /// Network function, even.
    pub netfn: u8,
    /// Logical unit, 2 bits.
    pub lun: u8,
    /// Command.
    pub command: u8,
    /// Its bytes.
    pub data: &'a [u8],
}

/// A BMC's response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// Of the request.
    pub seq: u8,
    /// Network function, odd: the request's plus one.
    pub netfn: u8,
    /// Logical unit, 2 bits.
    pub lun: u8,
    /// Of the request.
    pub command: u8,
    /// Completion code (table 5-2); 0 is success.
    pub code: u8,
    /// Its bytes, without the completion code.
    pub data: &'a [u8],
    /// Whether both checksums were right. Some BMCs get them wrong; in a session the authentication
    /// code decides.
    pub checksums: bool,
}

/// Two's complement checksum (section 13.8): it and the bytes add up to 0.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg()
}

impl<'a> Request<'a> {
    /// Its bytes on the wire.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let head = [BMC, (self.netfn << 2) | (self.lun & 3)];
        let tail = [CONSOLE, (self.seq & 0x3f) << 2, self.command];
        framed(head, tail, None, self.data)
    }

    /// Reads a request, as a BMC does.
    ///
    /// # Errors
    /// Too short, or a checksum is wrong.
    pub fn decode(bytes: &'a [u8]) -> Result<Request<'a>, DecodeError> {
        let (head, tail, data, checksums) = unframed(bytes)?;
        if !checksums {
            return Err(DecodeError::Invalid("the checksum of a request"));
        }
        Ok(Request { seq: tail[1] >> 2, netfn: head[1] >> 2, lun: head[1] & 3, command: tail[2], data })
    }
}

impl<'a> Response<'a> {
    /// Its bytes on the wire.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let head = [CONSOLE, (self.netfn << 2) | (self.lun & 3)];
        let tail = [BMC, (self.seq & 0x3f) << 2, self.command];
        framed(head, tail, Some(self.code), self.data)
    }

    /// Reads a response. Wrong checksums are noted, not refused.
    ///
    /// # Errors
    /// Too short.
    pub fn decode(bytes: &'a [u8]) -> Result<Response<'a>, DecodeError> {
        let (head, tail, data, checksums) = unframed(bytes)?;
        let (code, data) = data.split_first().ok_or(DecodeError::Short("a response"))?;
        let (seq, netfn, lun) = (tail[1] >> 2, head[1] >> 2, head[1] & 3);
        Ok(Response { seq, netfn, lun, command: tail[2], code: *code, data, checksums })
    }
}

fn framed(head: [u8; 2], tail: [u8; 3], code: Option<u8>, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + data.len());
    bytes.extend(head);
    bytes.push(checksum(&head));
    bytes.extend(tail);
    bytes.extend(code);
    bytes.extend(data);
    bytes.push(checksum(&bytes[3..]));
    bytes
}

type Parts<'a> = (&'a [u8; 2], &'a [u8; 3], &'a [u8], bool);

fn unframed(bytes: &[u8]) -> Result<Parts<'_>, DecodeError> {
    const WHAT: &str = "an IPMI message";
    let all = bytes;
    let mut rest = bytes;
    let head = take::<2>(&mut rest, WHAT)?;
    let first = take::<1>(&mut rest, WHAT)?;
    let tail = take::<3>(&mut rest, WHAT)?;
    let (last, data) = rest.split_last().ok_or(DecodeError::Short(WHAT))?;
    let body = all.get(3..all.len() - 1).ok_or(DecodeError::Short(WHAT))?;
    Ok((head, tail, data, first[0] == checksum(head) && *last == checksum(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_ipmitool_sends() {
        // Get Chassis Status with rqSeq 2, as ipmitool 1.8.19 puts it into its session's payload.
        let request = Request { seq: 2, netfn: netfn::CHASSIS, lun: 0, command: 1, data: &[] };
        let bytes = request.encode();
        assert_eq!(bytes, [0x20, 0x00, 0xe0, 0x81, 0x08, 0x01, 0x76]);
        assert_eq!(Request::decode(&bytes), Ok(request));
    }

    #[test]
    fn a_response_keeps_code_and_data() {
        let response =
            Response { seq: 63, netfn: 1, lun: 0, command: 1, code: 0xd4, data: &[1, 2], checksums: true };
        let bytes = response.encode();
        assert_eq!(Response::decode(&bytes), Ok(response));
    }

    #[test]
    fn wrong_checksums_are_noted_in_responses_and_refused_in_requests() {
        let mut bytes = Request { seq: 1, netfn: 6, lun: 0, command: 1, data: &[9] }.encode();
        *bytes.last_mut().expect("bytes") ^= 1;
        assert_eq!(Request::decode(&bytes), Err(DecodeError::Invalid("the checksum of a request")));
        let mut bytes =
            Response { seq: 1, netfn: 7, lun: 0, command: 1, code: 0, data: &[9], checksums: true }.encode();
        bytes[2] ^= 1;
        assert!(!Response::decode(&bytes).expect("readable").checksums);
    }

    #[test]
    fn every_cut_is_an_error_and_no_panic() {
        let bytes =
            Response { seq: 1, netfn: 7, lun: 0, command: 1, code: 0, data: &[], checksums: true }.encode();
        for length in 0..bytes.len() {
            assert!(Response::decode(&bytes[..length]).is_err(), "{length}");
        }
    }
}
