//! IPMI 2.0 over LAN (RMCP+) without I/O: wire formats, keys, and the state machines above them.
//!
//! Owns every byte that goes to or comes from a BMC. Takes bytes and `now` (a monotonic [`Duration`] of
//! any origin) and gives bytes and events; must not know sockets, clocks or tasks. `bmc` drives the
//! client side, `sim` the BMC's side, `console` the SOL. Sections are those of the "Intelligent Platform
//! Management Interface Specification, Second Generation, v2.0", revision 1.1.
//!
//! [`Duration`]: std::time::Duration

pub mod client;
pub mod command;
pub mod completion;
pub mod crypto;
pub mod message;
pub mod packet;
pub mod privilege;
pub mod quirks;
pub mod rakp;
mod random;
pub mod sol;
pub mod window;

pub use crypto::{Keys, Secret, Suite};
pub use privilege::Privilege;
pub use quirks::Quirks;
pub use random::Random;

/// Why received bytes are not what they should be. The text names the part, never its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It ends too early.
    #[error("{0} is cut short")]
    Short(&'static str),
    /// A field has a value that the format does not allow.
    #[error("{0} is not valid")]
    Invalid(&'static str),
    /// Not signed with the session's key, or changed on the way.
    #[error("the authentication code is wrong")]
    Forged,
}

/// Splits off the first `N` bytes.
pub(crate) fn take<'a, const N: usize>(
    bytes: &mut &'a [u8],
    what: &'static str,
) -> Result<&'a [u8; N], DecodeError> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(DecodeError::Short(what))?;
    *bytes = rest;
    Ok(head)
}
