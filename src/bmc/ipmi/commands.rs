//! What is sent for each exchange and what its answers mean. Pure; called by the driver.
//!
//! Sections are those of the IPMI 2.0 specification, revision 1.1.

use crate::bmc::{BmcInfo, Exchange, Reply, boot};
use crate::fleet::verb::raw_without_secret;
use crate::fleet::{BmcReset, BootDevice, BootSetting, Identify, Locator, Power};
use crate::ipmi::command::{ChassisControl, ChassisStatus, Command, DeviceId};
use crate::ipmi::{Privilege, Quirks};

/// Deactivate Payload (section 24.2) says that nothing was active.
pub(super) const ALREADY_FREE: u8 = 0x80;

/// One command of an exchange.
pub(super) struct Step {
    pub(super) command: Command,
    /// Its refusal ends nothing: the BMC can do what is asked without it.
    pub(super) tolerable: bool,
    /// Its answer is the answer of the exchange.
    pub(super) decides: bool,
}

/// The commands of `exchange`, in order; `None` where IPMI has none. Reads need no more than a user, verbs
/// go with `highest`.
pub(super) fn steps(exchange: &Exchange, highest: Privilege, quirks: Quirks) -> Option<Vec<Step>> {
    let command = match exchange {
        Exchange::Power | Exchange::Locator => Command::chassis_status(),
        // To be on or off can be asked for twice; what has a pulse cannot.
        Exchange::Off => Command { repeatable: true, ..Command::chassis_control(ChassisControl::Off) },
        Exchange::On => Command { repeatable: true, ..Command::chassis_control(ChassisControl::On) },
        Exchange::Cycle => Command::chassis_control(ChassisControl::Cycle),
        Exchange::Reset => Command::chassis_control(ChassisControl::Reset),
        Exchange::Nmi => Command::chassis_control(ChassisControl::Diagnostic),
        Exchange::Soft => Command::chassis_control(ChassisControl::Soft),
        Exchange::KeepBootFlags => Command::set_boot_option(3, &[0x08]),
        Exchange::BootSet(setting) => return boot_set(setting, highest, quirks),
        Exchange::BootGet => Command::boot_option(5),
        Exchange::ResetBmc(kind) => Command::reset(*kind == BmcReset::Cold),
        Exchange::Info => Command::device_id(),
        Exchange::Raw(bytes) => Command::raw(bytes)?,
        Exchange::Identify(Identify::For(seconds)) => Command::identify(seconds.get(), false),
        Exchange::Identify(Identify::On) => Command::identify(0, true),
        Exchange::Identify(Identify::Off) => Command::identify(0, false),
        Exchange::SolDeactivate => Command::sol_deactivate(),
        // What follows depends on its answer: see `holder`.
        Exchange::SolHolder => Command::sol_owner(),
        // In steps of its own.
        Exchange::Checkup | Exchange::Resume => return None,
    };
    Some(vec![Step { command: with_privilege(command, highest), tolerable: false, decides: true }])
}

/// What needs more than a user goes with all we may have: one raise a session is enough.
fn with_privilege(command: Command, highest: Privilege) -> Command {
    let privilege =
        if command.privilege > Privilege::User { highest } else { command.privilege.min(highest) };
    Command { privilege, ..command }
}

/// Set System Boot Options (section 28.12, table 28-14): announced (parameter 0), acknowledged for every
/// party so that firmware does not ignore the flags (4), set (5), announced as done (0).
fn boot_set(setting: &BootSetting, highest: Privilege, quirks: Quirks) -> Option<Vec<Step>> {
    let flags = boot::encode(setting, quirks.has(Quirks::EFI_DISK_24))?;
    let set = |parameter: u8, data: &[u8], decides: bool| Step {
        command: with_privilege(Command::set_boot_option(parameter, data), highest),
        tolerable: !decides,
        decides,
    };
    Some(vec![
        set(0, &[0x01], false),
        set(4, &[0x01, 0x01], false),
        set(5, &flags, true),
        set(0, &[0x00], false),
    ])
}

/// What the answer `data` to the deciding command says; `None` when it cannot be understood.
pub(super) fn reply(exchange: &Exchange, data: &[u8]) -> Option<Reply> {
    match exchange {
        Exchange::Power => {
            let status = ChassisStatus::decode(data).ok()?;
            Some(Reply::Power(if status.power { Power::On } else { Power::Off }, None))
        }
        Exchange::Locator => {
            let led = ChassisStatus::decode(data).ok()?.locator;
            Some(Reply::Locator(led.map(Locator::from)))
        }
        // Get System Boot Options (section 28.13): version, parameter with its validity, data.
        Exchange::BootGet => match data {
            [_, parameter, ..] if parameter & 0x80 != 0 => Some(Reply::Boot(boot::NO_DEVICE)),
            [_, parameter, flags, device, ..] if parameter & 0x7f == 5 => {
                Some(Reply::Boot(boot::decode(*flags, *device)))
            }
            _ => None,
        },
        Exchange::Info => identity(data).map(Reply::Info),
        Exchange::Raw(_) => Some(Reply::Raw(data.to_vec())),
        _ => Some(Reply::Done),
    }
}

/// What a controller supports besides (section 20.1, byte 7).
const SUPPORT: [&str; 8] = [
    "Sensor Device",
    "SDR Repository Device",
    "SEL Device",
    "FRU Inventory Device",
    "IPMB Event Receiver",
    "IPMB Event Generator",
    "Bridge",
    "Chassis Device",
];

pub(super) fn identity(data: &[u8]) -> Option<BmcInfo> {
    let id = DeviceId::decode(data).ok()?;
    let mut rows: BmcInfo = Vec::new();
    let mut row = |label: &str, value: String| rows.push((label.to_owned(), value));
    row("Device ID", id.device.to_string());
    row("Device Revision", id.revision.to_string());
    // The minor part is BCD.
    row("Firmware Revision", format!("{}.{:02x}", id.firmware.0, id.firmware.1));
    row("IPMI Version", format!("{}.{}", id.ipmi.0, id.ipmi.1));
    row("Manufacturer ID", id.manufacturer.to_string());
    row("Product ID", format!("{0} (0x{0:04x})", id.product));
    row("Device Available", if id.updating { "no" } else { "yes" }.to_owned());
    let support = data.get(5).copied().unwrap_or(0);
    let named = SUPPORT.iter().enumerate().filter(|(bit, _)| support & (1 << bit) != 0);
    let support: Vec<&str> = named.map(|(_, name)| *name).collect();
    if !support.is_empty() {
        row("Additional Device Support", support.join(", "));
    }
    if let Some(auxiliary) = id.auxiliary {
        let bytes: Vec<String> = auxiliary.iter().map(|byte| format!("0x{byte:02x}")).collect();
        row("Aux Firmware Rev Info", bytes.join(" "));
    }
    Some(rows)
}

/// The exchange for people: what it is, and the bytes that decide; no secret.
pub(super) fn describe(exchange: &Exchange, highest: Privilege) -> Option<String> {
    let words = match exchange {
        Exchange::Power => "get chassis status".to_owned(),
        Exchange::Off => "chassis control: power off".to_owned(),
        Exchange::On => "chassis control: power on".to_owned(),
        Exchange::Cycle => "chassis control: power cycle".to_owned(),
        Exchange::Reset => "chassis control: hard reset".to_owned(),
        Exchange::Nmi => "chassis control: diagnostic interrupt".to_owned(),
        Exchange::Soft => "chassis control: soft shutdown".to_owned(),
        Exchange::KeepBootFlags => "set boot options: keep the flags".to_owned(),
        Exchange::BootSet(setting) => {
            let device = setting.device.unwrap_or(BootDevice::None).name();
            let how = [(setting.persistent, " persistent"), (setting.uefi, " uefi")];
            let how: String = how.into_iter().filter(|(yes, _)| *yes).map(|(_, word)| word).collect();
            format!("set boot options: {device}{how}")
        }
        Exchange::BootGet => "get boot options".to_owned(),
        Exchange::ResetBmc(BmcReset::Cold) => "cold reset".to_owned(),
        Exchange::ResetBmc(BmcReset::Warm) => "warm reset".to_owned(),
        Exchange::Info => "get device id".to_owned(),
        Exchange::Raw(_) => "raw".to_owned(),
        Exchange::Identify(what) => format!("chassis identify: {}", what.word()),
        Exchange::Locator => "get chassis status".to_owned(),
        Exchange::SolDeactivate => "deactivate payload: SOL".to_owned(),
        Exchange::SolHolder => "get payload instance info: SOL".to_owned(),
        Exchange::Checkup | Exchange::Resume => return None,
    };
    let step = steps(exchange, highest, Quirks::default())?.into_iter().find(|step| step.decides)?;
    let Command { netfn, command, data, .. } = step.command;
    let bytes = [&[netfn, command], data.as_slice()].concat();
    let (shown, hidden) = raw_without_secret(&bytes);
    let shown: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    let hidden = if hidden > 0 { format!(" and {hidden} bytes not shown") } else { String::new() };
    Some(format!("{words} ({}{hidden})", shown.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADMIN: Privilege = Privilege::Administrator;

    #[test]
    fn what_is_shown_is_what_is_sent() {
        let rows = [
            (Exchange::Power, "get chassis status (00 01)"),
            (Exchange::Off, "chassis control: power off (00 02 00)"),
            (Exchange::On, "chassis control: power on (00 02 01)"),
            (Exchange::Cycle, "chassis control: power cycle (00 02 02)"),
            (Exchange::Reset, "chassis control: hard reset (00 02 03)"),
            (Exchange::Nmi, "chassis control: diagnostic interrupt (00 02 04)"),
            (Exchange::Soft, "chassis control: soft shutdown (00 02 05)"),
            (Exchange::KeepBootFlags, "set boot options: keep the flags (00 08 03 08)"),
            (
                Exchange::BootSet(BootSetting {
                    device: Some(BootDevice::Pxe),
                    persistent: true,
                    uefi: true,
                }),
                "set boot options: pxe persistent uefi (00 08 05 e0 04 00 00 00)",
            ),
            (Exchange::BootGet, "get boot options (00 09 05 00 00)"),
            (Exchange::ResetBmc(BmcReset::Cold), "cold reset (06 02)"),
            (Exchange::ResetBmc(BmcReset::Warm), "warm reset (06 03)"),
            (Exchange::Info, "get device id (06 01)"),
            (Exchange::Raw(vec![6, 0x38, 0x8e]), "raw (06 38 8e)"),
            (Exchange::SolDeactivate, "deactivate payload: SOL (06 49 01 01 00 00 00 00)"),
            (Exchange::SolHolder, "get payload instance info: SOL (06 4b 01 01)"),
            (Exchange::Identify(Identify::USUAL), "chassis identify: 240s (00 04 f0)"),
            (Exchange::Identify(Identify::On), "chassis identify: on (00 04 00 01)"),
            (Exchange::Identify(Identify::Off), "chassis identify: off (00 04 00)"),
            (Exchange::Locator, "get chassis status (00 01)"),
        ];
        for (exchange, expected) in rows {
            assert_eq!(describe(&exchange, ADMIN).as_deref(), Some(expected));
        }
        assert_eq!(describe(&Exchange::Resume, ADMIN), None);
        let password = describe(&Exchange::Raw([&[6, 0x47, 2, 2][..], b"hunter2"].concat()), ADMIN);
        assert_eq!(password.as_deref(), Some("raw (06 47 and 9 bytes not shown)"));
    }

    #[test]
    fn what_has_a_pulse_is_not_repeated() {
        let repeats =
            |exchange| steps(&exchange, ADMIN, Quirks::default()).expect("commands")[0].command.repeatable;
        for exchange in [Exchange::Power, Exchange::On, Exchange::Off, Exchange::BootGet, Exchange::Info] {
            assert!(repeats(exchange.clone()), "{exchange:?}");
        }
        for exchange in [
            Exchange::Soft,
            Exchange::Cycle,
            Exchange::Reset,
            Exchange::Nmi,
            Exchange::ResetBmc(BmcReset::Warm),
            Exchange::Raw(vec![0, 1]),
        ] {
            assert!(!repeats(exchange.clone()), "{exchange:?}");
        }
    }

    #[test]
    fn polls_need_no_more_than_a_user_and_verbs_what_is_configured() {
        let needs = |exchange, highest| {
            steps(&exchange, highest, Quirks::default()).expect("commands")[0].command.privilege
        };
        assert_eq!(needs(Exchange::Power, ADMIN), Privilege::User);
        assert_eq!(needs(Exchange::Power, Privilege::Callback), Privilege::Callback);
        assert_eq!(needs(Exchange::On, ADMIN), ADMIN);
        assert_eq!(needs(Exchange::On, Privilege::Operator), Privilege::Operator);
    }

    #[test]
    fn a_boot_device_is_set_as_ipmitool_does() {
        let setting = BootSetting { device: Some(BootDevice::Disk), persistent: false, uefi: false };
        let steps = steps(&Exchange::BootSet(setting), ADMIN, Quirks::default()).expect("commands");
        let sent: Vec<(&[u8], bool)> =
            steps.iter().map(|step| (step.command.data.as_slice(), step.tolerable)).collect();
        let expected: [(&[u8], bool); 4] =
            [(&[0, 1], true), (&[4, 1, 1], true), (&[5, 0x80, 0x08, 0, 0, 0], false), (&[0, 0], true)];
        assert_eq!(sent, expected);
    }

    #[test]
    fn answers_are_read() {
        let power = |byte| reply(&Exchange::Power, &[byte, 0, 0]);
        assert_eq!(power(0x21), Some(Reply::Power(Power::On, None)));
        assert_eq!(power(0x60), Some(Reply::Power(Power::Off, None)));
        assert_eq!(reply(&Exchange::Power, &[]), None);
        let pxe = BootSetting { device: Some(BootDevice::Pxe), persistent: true, uefi: false };
        assert_eq!(reply(&Exchange::BootGet, &[1, 5, 0xc0, 4, 0, 0, 0]), Some(Reply::Boot(pxe)));
        let none = reply(&Exchange::BootGet, &[1, 0x85, 0xc0, 4, 0, 0, 0]);
        assert_eq!(none, Some(Reply::Boot(boot::NO_DEVICE)), "invalid or locked");
        assert_eq!(reply(&Exchange::BootGet, &[1, 4, 0xc0, 4]), None, "of another parameter");
        assert_eq!(reply(&Exchange::BootGet, &[1]), None);
        let not_valid = reply(&Exchange::BootGet, &[1, 5, 0x40, 4, 0, 0, 0]);
        assert_eq!(
            not_valid,
            Some(Reply::Boot(boot::NO_DEVICE)),
            "flags that are not valid override nothing"
        );
        let led = |misc| reply(&Exchange::Locator, &[0x21, 0, misc]);
        assert_eq!(led(0x50), Some(Reply::Locator(Some(Locator::Timed))));
        assert_eq!(led(0x00), Some(Reply::Locator(None)));
        assert_eq!(reply(&Exchange::Locator, &[]), None);
        assert_eq!(reply(&Exchange::Raw(vec![6, 1]), &[1, 2]), Some(Reply::Raw(vec![1, 2])));
        assert_eq!(reply(&Exchange::Off, &[]), Some(Reply::Done));
    }

    #[test]
    fn identity_is_labels_and_values() {
        // Device id 32, revision 1, firmware 1.02, IPMI 2.0, manufacturer 4753, product 3842.
        let data = [0x20, 0x81, 0x01, 0x02, 0x02, 0x85, 0x91, 0x12, 0x00, 0x02, 0x0f, 1, 2, 3, 4];
        let Some(Reply::Info(rows)) = reply(&Exchange::Info, &data) else { panic!("no identity") };
        let value = |label: &str| {
            rows.iter().find(|row| row.0 == label).map(|row| row.1.as_str()).unwrap_or("missing")
        };
        assert_eq!((value("Device ID"), value("Device Revision")), ("32", "1"));
        assert_eq!((value("Firmware Revision"), value("IPMI Version")), ("1.02", "2.0"));
        assert_eq!((value("Manufacturer ID"), value("Product ID")), ("4753", "3842 (0x0f02)"));
        assert_eq!(value("Additional Device Support"), "Sensor Device, SEL Device, Chassis Device");
        assert_eq!(value("Aux Firmware Rev Info"), "0x01 0x02 0x03 0x04");
        assert_eq!(reply(&Exchange::Info, &data[..5]), None);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_read_or_refused(data in proptest::collection::vec(0_u8.., 0..40)) {
            for exchange in [Exchange::Power, Exchange::BootGet, Exchange::Info, Exchange::Raw(vec![6, 1])] {
                let read = reply(&exchange, &data);
                proptest::prop_assert!(read.is_some() || data.len() < 11 || exchange == Exchange::BootGet);
            }
        }
    }
}
