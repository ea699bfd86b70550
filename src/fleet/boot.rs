//! Boot devices.

use serde::{Deserialize, Serialize};

/// Where a node boots from next (IPMI 2.0, section 28.13, boot option parameter 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BootDevice {
    /// No override.
    None,
    /// Network.
    Pxe,
    /// Default hard disk.
    Disk,
    /// Default hard disk, safe mode.
    Safe,
    /// CD or DVD.
    Cdrom,
    /// Firmware setup.
    Bios,
}

impl BootDevice {
    /// Every device, in the order menus show them.
    pub const ALL: [BootDevice; 6] = [
        BootDevice::Pxe,
        BootDevice::Disk,
        BootDevice::Safe,
        BootDevice::Cdrom,
        BootDevice::Bios,
        BootDevice::None,
    ];

    /// The word on the command line, in menus and in the audit trail.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            BootDevice::None => "none",
            BootDevice::Pxe => "pxe",
            BootDevice::Disk => "disk",
            BootDevice::Safe => "safe",
            BootDevice::Cdrom => "cdrom",
            BootDevice::Bios => "bios",
        }
    }
}

/// A boot device with its life time and firmware kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BootSetting {
    /// The device; `None` when the BMC names one that we do not know.
    pub device: Option<BootDevice>,
    /// Holds for all boots, not only for the next.
    pub persistent: bool,
    /// EFI boot, not legacy.
    pub uefi: bool,
}
