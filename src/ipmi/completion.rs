//! Completion codes (table 5-2) in words.

/// Success.
pub const OK: u8 = 0x00;
/// Node busy: later.
pub const BUSY: u8 = 0xc0;
/// Invalid command.
pub const INVALID_COMMAND: u8 = 0xc1;
/// Timed out inside.
pub const TIMEOUT: u8 = 0xc3;
/// Out of space: later.
pub const OUT_OF_SPACE: u8 = 0xc4;
/// Request data length invalid.
pub const INVALID_LENGTH: u8 = 0xc7;
/// Parameter out of range.
pub const OUT_OF_RANGE: u8 = 0xc9;
/// Invalid data field.
pub const INVALID_DATA: u8 = 0xcc;
/// The response could not be given; the request may have been carried out.
pub const NO_RESPONSE: u8 = 0xce;
/// A duplicate of a request in work: the answer to that one comes.
pub const DUPLICATE: u8 = 0xcf;
/// BMC initialisation in progress: later.
pub const INITIALISING: u8 = 0xd2;
/// Insufficient privilege level.
pub const PRIVILEGE: u8 = 0xd4;
/// Not supported in the present state.
pub const WRONG_STATE: u8 = 0xd5;

/// What a code means: lower case, no full stop.
#[must_use]
pub fn words(code: u8) -> &'static str {
    match code {
        0x00 => "success",
        BUSY => "node busy",
        INVALID_COMMAND => "invalid command",
        0xc2 => "invalid command for this logical unit",
        TIMEOUT => "timed out inside the BMC",
        OUT_OF_SPACE => "out of space",
        0xc5 => "reservation cancelled",
        0xc6 => "request cut short",
        INVALID_LENGTH => "invalid length of the request",
        0xc8 => "the request is too long",
        OUT_OF_RANGE => "parameter out of range",
        0xca => "cannot return so many bytes",
        0xcb => "not present",
        INVALID_DATA => "invalid data in the request",
        0xcd => "illegal for this sensor or record",
        NO_RESPONSE => "the response could not be given",
        DUPLICATE => "duplicate request",
        0xd0 => "sensor records are being updated",
        0xd1 => "firmware is being updated",
        INITIALISING => "BMC initialisation in progress",
        0xd3 => "destination unavailable",
        PRIVILEGE => "insufficient privilege level",
        WRONG_STATE => "not supported in the present state",
        0xd6 => "disabled by the firmware",
        0x80..=0xbe => "refused for a reason of this command",
        0x01..=0x7e => "refused for a reason of the manufacturer",
        _ => "unspecified error",
    }
}

/// Whether the same request may succeed a little later.
#[must_use]
pub fn is_later(code: u8) -> bool {
    matches!(code, BUSY | TIMEOUT | OUT_OF_SPACE | INITIALISING)
}
