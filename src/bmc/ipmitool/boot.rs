//! Boot option parameter 5 (IPMI 2.0, table 28-14): its bytes, and ipmitool's commands for it.

use super::argv::words;
use crate::fleet::{BootDevice, BootSetting};

/// The flags are valid.
const VALID: u8 = 0x80;
/// They hold for all boots.
const PERSISTENT: u8 = 0x40;
/// The firmware is to boot EFI.
const EFI: u8 = 0x20;

/// Device, ipmitool's word, and byte 1 of the parameter (bits 5 to 2).
const DEVICES: [(BootDevice, &str, u8); 6] = [
    (BootDevice::None, "none", 0x00),
    (BootDevice::Pxe, "pxe", 0x04),
    (BootDevice::Disk, "disk", 0x08),
    (BootDevice::Safe, "safe", 0x0c),
    (BootDevice::Cdrom, "cdrom", 0x14),
    (BootDevice::Bios, "bios", 0x18),
];

/// What Supermicro calls the UEFI hard disk; the standard's "remote primary" medium.
const SUPERMICRO_DISK: u8 = 0x24;

/// The command that sets `setting`; `None` without a device. Legacy devices go the way of ipmitool's
/// own command, which also acknowledges the boot information (parameter 4); it cannot say EFI.
pub(super) fn command(setting: &BootSetting) -> Option<Vec<String>> {
    let device = setting.device?;
    let (_, word, byte) = DEVICES.iter().find(|row| row.0 == device)?;
    if device == BootDevice::None {
        return Some(words("chassis bootdev none"));
    }
    if setting.uefi {
        let flags = VALID | EFI | if setting.persistent { PERSISTENT } else { 0 };
        return Some(words(&format!("raw 0x00 0x08 0x05 {flags:#04x} {byte:#04x} 0x00 0x00 0x00")));
    }
    let options = if setting.persistent { " options=persistent" } else { "" };
    Some(words(&format!("chassis bootdev {word}{options}")))
}

/// Reads what `chassis bootparam get 5` printed. Only the line with the bytes is trusted; the words
/// below it differ between versions.
///
/// A clear "valid" bit is not read as "no device": `ipmi_sim` never sets it, and other tools do not
/// ask for it either.
pub(super) fn parse(stdout: &str) -> Option<BootSetting> {
    let lines = || stdout.lines().map(str::trim);
    if lines().any(|line| line == "Boot parameter 5 is invalid/locked") {
        return Some(BootSetting { device: Some(BootDevice::None), persistent: false, uefi: false });
    }
    let hex = lines().find_map(|line| line.strip_prefix("Boot parameter data: "))?;
    let flags = u8::from_str_radix(hex.get(0..2)?, 16).ok()?;
    let selector = u8::from_str_radix(hex.get(2..4)?, 16).ok()? & 0x3c;
    let device = if selector == SUPERMICRO_DISK {
        Some(BootDevice::Disk)
    } else {
        DEVICES.iter().find(|row| row.2 == selector).map(|row| row.0)
    };
    if device == Some(BootDevice::None) {
        // Life time and firmware kind of no override mean nothing.
        return Some(BootSetting { device, persistent: false, uefi: false });
    }
    Some(BootSetting { device, persistent: flags & PERSISTENT != 0, uefi: flags & EFI != 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(device: BootDevice, persistent: bool, uefi: bool) -> BootSetting {
        BootSetting { device: Some(device), persistent, uefi }
    }

    #[test]
    fn commands_of_every_kind() {
        let rows = [
            (setting(BootDevice::Pxe, false, false), "chassis bootdev pxe"),
            (setting(BootDevice::Disk, true, false), "chassis bootdev disk options=persistent"),
            (setting(BootDevice::Pxe, false, true), "raw 0x00 0x08 0x05 0xa0 0x04 0x00 0x00 0x00"),
            (setting(BootDevice::Disk, true, true), "raw 0x00 0x08 0x05 0xe0 0x08 0x00 0x00 0x00"),
            (setting(BootDevice::Safe, true, true), "raw 0x00 0x08 0x05 0xe0 0x0c 0x00 0x00 0x00"),
            (setting(BootDevice::Cdrom, true, true), "raw 0x00 0x08 0x05 0xe0 0x14 0x00 0x00 0x00"),
            (setting(BootDevice::Bios, true, true), "raw 0x00 0x08 0x05 0xe0 0x18 0x00 0x00 0x00"),
            (setting(BootDevice::None, true, true), "chassis bootdev none"),
        ];
        for (setting, expected) in rows {
            assert_eq!(command(&setting).expect("it has a device").join(" "), expected);
        }
        assert_eq!(command(&BootSetting { device: None, persistent: false, uefi: false }), None);
    }

    #[test]
    fn bytes_are_read_and_words_are_not() {
        let rows = [
            ("e004000000", setting(BootDevice::Pxe, true, true)),
            ("8004000000", setting(BootDevice::Pxe, false, false)),
            ("c008000000", setting(BootDevice::Disk, true, false)),
            ("a024000000", setting(BootDevice::Disk, false, true)),
            ("800c000000", setting(BootDevice::Safe, false, false)),
            ("8014000000", setting(BootDevice::Cdrom, false, false)),
            // Bits outside 5 to 2 (lock, keyboard) do not change the device.
            ("80db000000", setting(BootDevice::Bios, false, false)),
            ("e000000000", setting(BootDevice::None, false, false)),
            ("0004000000", setting(BootDevice::Pxe, false, false)),
        ];
        for (hex, expected) in rows {
            let text = format!(
                "Boot parameter 5 is valid/unlocked\nBoot parameter data: {hex}\n Boot Flags :\n   - Boot Device Selector : Something else\n"
            );
            assert_eq!(parse(&text), Some(expected), "{hex}");
        }
    }

    #[test]
    fn an_unknown_device_is_no_device_of_ours() {
        let read = parse("Boot parameter data: 803c000000").expect("bytes");
        assert_eq!(read.device, None);
    }

    #[test]
    fn an_invalid_parameter_names_no_device() {
        let text = "Boot parameter version: 1\nBoot parameter 5 is invalid/locked\nBoot parameter data: 8004000000\n";
        assert_eq!(parse(text), Some(setting(BootDevice::None, false, false)));
    }

    #[test]
    fn anything_else_cannot_be_understood() {
        for text in [
            "",
            "Boot parameter data: e",
            "Boot parameter data: zz04000000",
            "x Boot parameter data: 8004000000",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
