//! Boot option parameter 5 (IPMI 2.0, table 28-14): its bytes. Pure; shared by the drivers that speak IPMI.

use crate::fleet::{BootDevice, BootSetting};

/// The flags are valid.
const VALID: u8 = 0x80;
/// They hold for all boots.
const PERSISTENT: u8 = 0x40;
/// The firmware is to boot EFI.
const EFI: u8 = 0x20;

/// Device, and byte 1 of the parameter (bits 5 to 2).
const DEVICES: [(BootDevice, u8); 6] = [
    (BootDevice::None, 0x00),
    (BootDevice::Pxe, 0x04),
    (BootDevice::Disk, 0x08),
    (BootDevice::Safe, 0x0c),
    (BootDevice::Cdrom, 0x14),
    (BootDevice::Bios, 0x18),
];

/// What Supermicro calls the UEFI hard disk; the standard's "remote primary" medium.
const SUPERMICRO_DISK: u8 = 0x24;

/// The five bytes that say `setting`; `None` without a device. `disk_24`: the BMC has Supermicro's number for
/// the UEFI hard disk.
pub(super) fn encode(setting: &BootSetting, disk_24: bool) -> Option<[u8; 5]> {
    let device = setting.device?;
    let (_, byte) = DEVICES.iter().find(|row| row.0 == device)?;
    if device == BootDevice::None {
        return Some([VALID, 0, 0, 0, 0]);
    }
    let disk_24 = disk_24 && setting.uefi && device == BootDevice::Disk;
    let byte = if disk_24 { SUPERMICRO_DISK } else { *byte };
    let persistent = if setting.persistent { PERSISTENT } else { 0 };
    let efi = if setting.uefi { EFI } else { 0 };
    Some([VALID | persistent | efi, byte, 0, 0, 0])
}

/// Reads the first two of the five bytes. Flags that are not marked as valid override nothing: firmware does
/// not look at the rest, which may be what was set before they lapsed.
pub(super) fn decode(flags: u8, device: u8) -> BootSetting {
    if flags & VALID == 0 {
        return NO_DEVICE;
    }
    let selector = device & 0x3c;
    let device = if selector == SUPERMICRO_DISK {
        Some(BootDevice::Disk)
    } else {
        DEVICES.iter().find(|row| row.1 == selector).map(|row| row.0)
    };
    if device == Some(BootDevice::None) {
        return NO_DEVICE;
    }
    BootSetting { device, persistent: flags & PERSISTENT != 0, uefi: flags & EFI != 0 }
}

/// No override: its life time and firmware kind mean nothing.
pub(super) const NO_DEVICE: BootSetting =
    BootSetting { device: Some(BootDevice::None), persistent: false, uefi: false };

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(device: BootDevice, persistent: bool, uefi: bool) -> BootSetting {
        BootSetting { device: Some(device), persistent, uefi }
    }

    #[test]
    fn bytes_of_every_kind() {
        let rows = [
            (setting(BootDevice::Pxe, false, false), [0x80, 0x04, 0, 0, 0]),
            (setting(BootDevice::Disk, true, false), [0xc0, 0x08, 0, 0, 0]),
            (setting(BootDevice::Safe, false, true), [0xa0, 0x0c, 0, 0, 0]),
            (setting(BootDevice::Cdrom, true, true), [0xe0, 0x14, 0, 0, 0]),
            (setting(BootDevice::Bios, false, false), [0x80, 0x18, 0, 0, 0]),
        ];
        for (setting, bytes) in rows {
            assert_eq!(encode(&setting, false), Some(bytes));
            assert_eq!(decode(bytes[0], bytes[1]), setting);
        }
        assert_eq!(encode(&setting(BootDevice::None, true, true), false), Some([VALID, 0, 0, 0, 0]));
        assert_eq!(encode(&BootSetting { device: None, persistent: false, uefi: false }, false), None);
    }

    #[test]
    fn supermicro_has_a_number_of_its_own_for_the_disk_of_an_efi_boot() {
        let byte = |setting, disk_24| encode(&setting, disk_24).expect("it has a device")[1];
        assert_eq!(byte(setting(BootDevice::Disk, false, true), true), 0x24);
        assert_eq!(byte(setting(BootDevice::Disk, false, true), false), 0x08);
        assert_eq!(byte(setting(BootDevice::Disk, false, false), true), 0x08);
        assert_eq!(byte(setting(BootDevice::Pxe, false, true), true), 0x04);
    }

    #[test]
    fn what_others_set_is_read_too() {
        // Bits outside 5 to 2 (lock, keyboard) do not change the device.
        assert_eq!(decode(0x80, 0xdb), setting(BootDevice::Bios, false, false));
        assert_eq!(decode(0xa0, 0x24), setting(BootDevice::Disk, false, true));
        assert_eq!(decode(0x60, 0x04), NO_DEVICE, "not valid, whatever else is set");
        assert_eq!(decode(0xe0, 0x00), NO_DEVICE);
        assert_eq!(decode(0x80, 0x3c).device, None);
    }
}
