//! Privilege levels (section 6.8).

/// What a session may do. Ordered: a higher level may do all that a lower one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Privilege {
    /// Callback.
    Callback = 1,
    /// User: reads.
    User = 2,
    /// Operator: chassis verbs on most BMCs.
    Operator = 3,
    /// Administrator.
    Administrator = 4,
}

impl Privilege {
    /// The level of a privilege number; `None` for reserved ones and OEM.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Privilege> {
        [Privilege::Callback, Privilege::User, Privilege::Operator, Privilege::Administrator]
            .into_iter()
            .find(|level| level.number() == number)
    }

    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}
