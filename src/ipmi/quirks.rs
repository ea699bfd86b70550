//! What single BMCs do otherwise than the specification says, as data: selected by manufacturer and
//! product (Get Device ID, section 20.1), or by name in the configuration.

/// Which departures hold for one BMC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks(u16);

/// A row of [`QUIRKS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirk {
    /// Its name in the configuration.
    pub name: &'static str,
    /// What is done otherwise, and for whom.
    pub about: &'static str,
    bit: u16,
}

impl Quirks {
    /// RAKP message 1 asks to look the user up by name and privilege.
    pub const LOOKUP_BY_PRIVILEGE: Quirks = Quirks(1);
    /// Open Session asks for the highest privilege there is, not for the configured one.
    pub const OPEN_HIGHEST: Quirks = Quirks(2);
    /// SOL is activated with serial alerts deferred.
    pub const SOL_DEFERRED_ALERTS: Quirks = Quirks(4);
    /// The hard disk of an EFI boot is device 0x24.
    pub const EFI_DISK_24: Quirks = Quirks(8);
    /// Packets of SOL hold at most 32 bytes, whatever the BMC says.
    pub const SOL_SMALL: Quirks = Quirks(16);
    /// The privilege is never raised: the session starts at the one it asked for.
    pub const NO_RAISE: Quirks = Quirks(32);

    /// Whether all of `other` hold.
    #[must_use]
    pub fn has(self, other: Quirks) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub fn with(self, other: Quirks) -> Quirks {
        Quirks(self.0 | other.0)
    }

    /// The quirk of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Quirks> {
        QUIRKS.iter().find(|quirk| quirk.name == name).map(|quirk| Quirks(quirk.bit))
    }

    /// Their names.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        QUIRKS.iter().filter(|quirk| self.0 & quirk.bit != 0).map(|quirk| quirk.name).collect()
    }

    /// What is known of a product.
    #[must_use]
    pub fn for_device(manufacturer: u32, product: u16) -> Quirks {
        DEVICES
            .iter()
            .filter(|row| {
                row.manufacturer == manufacturer && row.product.is_none_or(|known| known == product)
            })
            .fold(Quirks::default(), |all, row| all.with(row.quirks))
    }
}

/// Every quirk.
pub static QUIRKS: &[Quirk] = &[
    Quirk {
        name: "lookup-by-privilege",
        about: "look the user up by name and privilege, not by name only (BMCs with one name at several levels)",
        bit: Quirks::LOOKUP_BY_PRIVILEGE.0,
    },
    Quirk {
        name: "open-highest",
        about: "ask for the highest privilege when a session is opened (FreeIPMI's opensesspriv)",
        bit: Quirks::OPEN_HIGHEST.0,
    },
    Quirk {
        name: "sol-deferred-alerts",
        about: "activate SOL with serial alerts deferred; boards that refuse it otherwise",
        bit: Quirks::SOL_DEFERRED_ALERTS.0,
    },
    Quirk {
        name: "efi-disk-24",
        about: "the hard disk of an EFI boot is device 0x24 (Supermicro)",
        bit: Quirks::EFI_DISK_24.0,
    },
    Quirk {
        name: "sol-small",
        about: "at most 32 bytes in an SOL packet; BMCs that name a size they do not take",
        bit: Quirks::SOL_SMALL.0,
    },
    Quirk {
        name: "no-raise",
        about: "never raise the privilege in a session; BMCs that refuse it but grant it from the start",
        bit: Quirks::NO_RAISE.0,
    },
];

struct Device {
    manufacturer: u32,
    product: Option<u16>,
    quirks: Quirks,
}

/// IANA enterprise numbers of manufacturers, as Get Device ID gives them.
const DEVICES: &[Device] = &[
    // Supermicro, under both of its numbers.
    Device { manufacturer: 10_876, product: None, quirks: Quirks::EFI_DISK_24 },
    Device { manufacturer: 47_488, product: None, quirks: Quirks::EFI_DISK_24 },
    // Intel: SOL packets above 32 bytes are acknowledged and cut.
    Device { manufacturer: 343, product: None, quirks: Quirks::SOL_SMALL },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_flags_belong_together() {
        for quirk in QUIRKS {
            let one = Quirks::from_name(quirk.name).expect("it has a name");
            assert_eq!(one.names(), [quirk.name]);
        }
        assert_eq!(Quirks::from_name("nonsense"), None);
    }

    #[test]
    fn a_product_brings_its_quirks() {
        assert!(Quirks::for_device(10_876, 7).has(Quirks::EFI_DISK_24));
        assert_eq!(Quirks::for_device(674, 7), Quirks::default());
    }
}
