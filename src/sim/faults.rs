//! Faults on demand, as data: what the network and the BMC do wrong.

use std::time::Duration;

/// A message of the login a BMC may stay silent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginStep {
    /// Get Channel Authentication Capabilities.
    Capabilities,
    /// Open Session Request.
    OpenSession,
    /// RAKP message 1.
    Rakp1,
    /// RAKP message 3.
    Rakp3,
    /// Everything inside a session.
    Session,
}

/// What goes wrong with one BMC. Percentages are of datagrams, in each direction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Datagrams that are lost, per cent.
    pub loss: u8,
    /// Datagrams that come twice, per cent.
    pub duplicate: u8,
    /// Datagrams that come late by [`Faults::late`], so that others overtake them, per cent.
    pub reorder: u8,
    /// How late those are.
    pub late: Duration,
    /// Every datagram takes so long.
    pub delay: Duration,
    /// It says nothing at all.
    pub silent: bool,
    /// It says nothing in this step.
    pub silent_in: Option<LoginStep>,
    /// Its IPMI messages have wrong checksums inside right authentication codes.
    pub bad_checksums: bool,
    /// For so long after a verb it names the power state from before.
    pub stale_power: Duration,
    /// No session is free.
    pub no_sessions: bool,
    /// Cipher suites it refuses, by id.
    pub refuse_suites: Vec<u8>,
    /// It accepts chassis verbs and does nothing.
    pub ignore_verbs: bool,
    /// It does not tell whether its locator LED is lit, as many do not.
    pub mute_locator: bool,
    /// Completion codes it gives instead: network function, command, code.
    pub codes: Vec<(u8, u8, u8)>,
}
