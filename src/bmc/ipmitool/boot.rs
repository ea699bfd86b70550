//! ipmitool's commands for boot option parameter 5, and what it prints of it.

use super::argv::words;
use crate::bmc::boot::{NO_DEVICE, decode, encode};
use crate::fleet::{BootDevice, BootSetting};

/// The command that sets `setting`; `None` without a device. Legacy devices go the way of ipmitool's
/// own command, which also acknowledges the boot information (parameter 4); it cannot say EFI.
pub(super) fn command(setting: &BootSetting) -> Option<Vec<String>> {
    let device = setting.device?;
    if device == BootDevice::None {
        return Some(words("chassis bootdev none"));
    }
    if setting.uefi {
        let [flags, byte, ..] = encode(setting, false)?;
        return Some(words(&format!("raw 0x00 0x08 0x05 {flags:#04x} {byte:#04x} 0x00 0x00 0x00")));
    }
    let options = if setting.persistent { " options=persistent" } else { "" };
    Some(words(&format!("chassis bootdev {}{options}", device.name())))
}

/// Reads what `chassis bootparam get 5` printed. Only the line with the bytes is trusted; the words
/// below it differ between versions.
pub(super) fn parse(stdout: &str) -> Option<BootSetting> {
    let lines = || stdout.lines().map(str::trim);
    if lines().any(|line| line == "Boot parameter 5 is invalid/locked") {
        return Some(NO_DEVICE);
    }
    let hex = lines().find_map(|line| line.strip_prefix("Boot parameter data: "))?;
    let flags = u8::from_str_radix(hex.get(0..2)?, 16).ok()?;
    let device = u8::from_str_radix(hex.get(2..4)?, 16).ok()?;
    Some(decode(flags, device))
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
            // Not valid: the words below the bytes name a device all the same.
            ("0004000000", setting(BootDevice::None, false, false)),
            ("6008000000", setting(BootDevice::None, false, false)),
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
