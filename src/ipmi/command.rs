//! The commands we send, and what their answers say.

use super::message::netfn;
use super::{DecodeError, Privilege, take};

/// A command for a BMC.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// Network function, even.
    pub netfn: u8,
    /// Logical unit.
    pub lun: u8,
    /// Command.
    pub command: u8,
    /// Its bytes.
    pub data: Vec<u8>,
    /// The privilege it needs.
    pub privilege: Privilege,
    /// Whether it may be sent again when no answer comes. Never for what must not happen twice.
    pub repeatable: bool,
}

impl std::fmt::Debug for Command {
    // The bytes may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Command({:02x} {:02x}, {} bytes)", self.netfn, self.command, self.data.len())
    }
}

fn read(netfn: u8, command: u8, data: &[u8]) -> Command {
    Command { netfn, lun: 0, command, data: data.to_vec(), privilege: Privilege::User, repeatable: true }
}

fn change(netfn: u8, command: u8, data: &[u8]) -> Command {
    let privilege = Privilege::Administrator;
    Command { netfn, lun: 0, command, data: data.to_vec(), privilege, repeatable: false }
}

/// Chassis control (section 28.3, table 28-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ChassisControl {
    /// Power down, at once.
    Off = 0,
    /// Power up.
    On = 1,
    /// Power cycle.
    Cycle = 2,
    /// Hard reset.
    Reset = 3,
    /// Diagnostic interrupt.
    Diagnostic = 4,
    /// Shut down by ACPI.
    Soft = 5,
}

impl Command {
    /// Get Device ID (section 20.1).
    #[must_use]
    pub fn device_id() -> Command {
        read(netfn::APP, 0x01, &[])
    }

    /// Cold (`true`) or warm reset of the BMC (sections 20.2 and 20.3).
    #[must_use]
    pub fn reset(cold: bool) -> Command {
        change(netfn::APP, if cold { 0x02 } else { 0x03 }, &[])
    }

    /// Get Channel Authentication Capabilities of this channel (section 22.13), with IPMI 2.0 data.
    #[must_use]
    pub fn authentication_capabilities(privilege: Privilege) -> Command {
        read(netfn::APP, 0x38, &[0x8e, privilege.number()])
    }

    /// Set Session Privilege Level (section 22.18).
    #[must_use]
    pub fn raise(privilege: Privilege) -> Command {
        read(netfn::APP, 0x3b, &[privilege.number()])
    }

    /// Close Session (section 22.19).
    #[must_use]
    pub fn close_session(bmc_id: u32) -> Command {
        read(netfn::APP, 0x3c, &bmc_id.to_le_bytes())
    }

    /// Get Session Info of the session with this id (section 22.20).
    #[must_use]
    pub fn session_info(bmc_id: u32) -> Command {
        let mut data = vec![0xff];
        data.extend(bmc_id.to_le_bytes());
        read(netfn::APP, 0x3d, &data)
    }

    /// Get User Name (section 22.29).
    #[must_use]
    pub fn user_name(number: u8) -> Command {
        Command { privilege: Privilege::Operator, ..read(netfn::APP, 0x46, &[number & 0x3f]) }
    }

    /// Activate SOL, instance 1, encrypted and authenticated (section 24.1).
    #[must_use]
    pub fn sol_activate(deferred_alerts: bool) -> Command {
        let options = if deferred_alerts { 0xc6 } else { 0xc0 };
        change(netfn::APP, 0x48, &[0x01, 0x01, options, 0, 0, 0])
    }

    /// Deactivate SOL, instance 1, whoever holds it (section 24.2).
    #[must_use]
    pub fn sol_deactivate() -> Command {
        // Twice is as good as once: the second finds it free.
        Command { repeatable: true, ..change(netfn::APP, 0x49, &[0x01, 0x01, 0, 0, 0, 0]) }
    }

    /// Get Payload Instance Info of SOL, instance 1 (section 24.5): whose it is.
    #[must_use]
    pub fn sol_owner() -> Command {
        read(netfn::APP, 0x4b, &[0x01, 0x01])
    }

    /// Get SOL Configuration Parameters of this channel (section 26.3): parameter 1, whether SOL is enabled.
    #[must_use]
    pub fn sol_enabled() -> Command {
        Command { privilege: Privilege::Operator, ..read(netfn::TRANSPORT, 0x22, &[0x0e, 1, 0, 0]) }
    }

    /// Get Chassis Status (section 28.2).
    #[must_use]
    pub fn chassis_status() -> Command {
        read(netfn::CHASSIS, 0x01, &[])
    }

    /// Chassis Control (section 28.3).
    #[must_use]
    pub fn chassis_control(control: ChassisControl) -> Command {
        Command { privilege: Privilege::Operator, ..change(netfn::CHASSIS, 0x02, &[control as u8]) }
    }

    /// Chassis Identify (section 28.5): the locator LED, on for so many seconds (0: off) or for good.
    #[must_use]
    pub fn identify(seconds: u8, for_good: bool) -> Command {
        // The second byte is newer than the command: it is left out where it says nothing.
        let data: &[u8] = if for_good { &[seconds, 0x01] } else { &[seconds] };
        Command { privilege: Privilege::Operator, repeatable: true, ..change(netfn::CHASSIS, 0x04, data) }
    }

    /// Set System Boot Options (section 28.12): a parameter and its bytes.
    #[must_use]
    pub fn set_boot_option(parameter: u8, bytes: &[u8]) -> Command {
        let mut data = vec![parameter];
        data.extend(bytes);
        // Setting the same twice changes nothing.
        Command { privilege: Privilege::Operator, repeatable: true, ..change(netfn::CHASSIS, 0x08, &data) }
    }

    /// Get System Boot Options (section 28.13).
    #[must_use]
    pub fn boot_option(parameter: u8) -> Command {
        Command { privilege: Privilege::Operator, ..read(netfn::CHASSIS, 0x09, &[parameter, 0, 0]) }
    }

    /// Any bytes: network function, command, data. `None` when there are fewer than two.
    #[must_use]
    pub fn raw(bytes: &[u8]) -> Option<Command> {
        let (head, data) = bytes.split_first_chunk::<2>()?;
        Some(change(head[0] & 0x3e, head[1], data))
    }

    /// Network function, command and data, as [`Command::raw`] and `ipmitool raw` take them.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        [&[self.netfn, self.command], self.data.as_slice()].concat()
    }
}

/// What Get Chassis Status says (table 28-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChassisStatus {
    /// The system's power is on.
    pub power: bool,
    /// The locator LED; `None` where the BMC does not tell.
    pub locator: Option<LocatorLed>,
}

/// The locator LED ("chassis identify") in a chassis status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LocatorLed {
    /// Off.
    Off = 0,
    /// On for a time.
    Timed = 1,
    /// On until it is turned off.
    On = 2,
}

impl ChassisStatus {
    /// Reads an answer's bytes.
    ///
    /// # Errors
    /// Too short.
    pub fn decode(mut data: &[u8]) -> Result<ChassisStatus, DecodeError> {
        let [state] = *take(&mut data, "a chassis status")?;
        // Some BMCs leave the rest out. Bit 6: the state in bits 5 and 4 means something.
        let misc = data.get(1).copied().filter(|misc| misc & 0x40 != 0);
        let locator = misc.and_then(|misc| match misc >> 4 & 0x03 {
            0 => Some(LocatorLed::Off),
            1 => Some(LocatorLed::Timed),
            2 => Some(LocatorLed::On),
            _ => None,
        });
        Ok(ChassisStatus { power: state & 1 != 0, locator })
    }
}

/// What Get Device ID says (table 20-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceId {
    /// Device id.
    pub device: u8,
    /// Device revision, 4 bits.
    pub revision: u8,
    /// Firmware revision: major (7 bits), minor (BCD).
    pub firmware: (u8, u8),
    /// The device is being initialised or updated.
    pub updating: bool,
    /// IPMI version: major, minor.
    pub ipmi: (u8, u8),
    /// IANA enterprise number, 20 bits.
    pub manufacturer: u32,
    /// Product id of the manufacturer.
    pub product: u16,
    /// Auxiliary firmware revision, if there is one.
    pub auxiliary: Option<[u8; 4]>,
}

impl DeviceId {
    /// Reads an answer's bytes.
    ///
    /// # Errors
    /// Too short.
    pub fn decode(mut data: &[u8]) -> Result<DeviceId, DecodeError> {
        const WHAT: &str = "a device id";
        let [device, revision, major, minor, ipmi, _] = *take(&mut data, WHAT)?;
        let [first, second, third] = *take(&mut data, WHAT)?;
        let product = u16::from_le_bytes(*take(&mut data, WHAT)?);
        Ok(DeviceId {
            device,
            revision: revision & 0x0f,
            firmware: (major & 0x7f, minor),
            updating: major & 0x80 != 0,
            ipmi: (ipmi & 0x0f, ipmi >> 4),
            manufacturer: u32::from_le_bytes([first, second, third & 0x0f, 0]),
            product,
            auxiliary: data.get(..4).and_then(|bytes| bytes.try_into().ok()),
        })
    }
}

/// Who holds a session, as Get Session Info says (table 22-25).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionInfo {
    /// Number of the user.
    pub user: u8,
    /// The remote console's IPv4 address, where the BMC tells.
    pub address: Option<[u8; 4]>,
}

impl SessionInfo {
    /// Reads an answer's bytes.
    ///
    /// # Errors
    /// Too short, or the session is not active.
    pub fn decode(mut data: &[u8]) -> Result<SessionInfo, DecodeError> {
        const WHAT: &str = "a session's information";
        take::<3>(&mut data, WHAT)?;
        let [user, _, _] = *take(&mut data, WHAT)?;
        let address = data.first_chunk::<4>().copied().filter(|address| *address != [0; 4]);
        Ok(SessionInfo { user: user & 0x3f, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_happen_twice_is_repeatable() {
        for control in [ChassisControl::On, ChassisControl::Off, ChassisControl::Cycle] {
            assert!(!Command::chassis_control(control).repeatable);
        }
        assert!(!Command::reset(true).repeatable && !Command::sol_activate(false).repeatable);
        assert!(!Command::raw(&[6, 1]).expect("two bytes").repeatable, "nobody knows what it does");
        assert!(Command::chassis_status().repeatable && Command::device_id().repeatable);
    }

    #[test]
    fn a_chassis_status_tells_the_locator_led_only_where_it_says_so() {
        let read = |data: &[u8]| ChassisStatus::decode(data).expect("whole").locator;
        assert_eq!(read(&[0x21, 0, 0x40]), Some(LocatorLed::Off));
        assert_eq!(read(&[0x21, 0, 0x50, 0x7f]), Some(LocatorLed::Timed));
        assert_eq!(read(&[0x21, 0, 0x6f]), Some(LocatorLed::On));
        assert_eq!(read(&[0x21, 0, 0x70]), None, "reserved");
        assert_eq!(read(&[0x21, 0, 0x20]), None, "the state is not supported");
        assert_eq!(read(&[0x21]), None, "a short answer");
        assert_eq!(Command::identify(60, false).data, [60]);
        assert_eq!(Command::identify(0, true).data, [0, 1]);
    }

    #[test]
    fn a_device_id_is_read() {
        let data = [0x20, 0x81, 0x02, 0x45, 0x02, 0xbf, 0x7c, 0x2a, 0x00, 0x34, 0x12, 1, 2, 3, 4];
        let id = DeviceId::decode(&data).expect("whole");
        assert_eq!((id.device, id.revision, id.firmware), (0x20, 1, (2, 0x45)));
        assert_eq!((id.ipmi, id.manufacturer, id.product), ((2, 0), 10_876, 0x1234));
        assert_eq!(id.auxiliary, Some([1, 2, 3, 4]));
        assert_eq!(DeviceId::decode(&data[..11]).expect("whole").auxiliary, None);
        assert!(DeviceId::decode(&data[..10]).is_err());
    }

    #[test]
    fn bytes_of_a_raw_command_are_not_printed() {
        let command = Command::raw(&[0x06, 0x47, 0x02, 0x02, b's', b'3', b'c']).expect("bytes");
        assert!(!format!("{command:?}").contains("115"));
    }
}
