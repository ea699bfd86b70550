//! What a BMC tells of the session that holds its SOL (IPMI 2.0, sections 22.20 and 22.29), as words. Pure: the
//! drivers ask.

use crate::ipmi::command::SessionInfo;
use std::net::Ipv4Addr;

/// User number and address of a session, from Get Session Info. Some BMCs leave the address out; no user has number 0.
pub(crate) fn parts(info: &[u8]) -> Option<(Option<u8>, Option<Ipv4Addr>)> {
    let info = SessionInfo::decode(info).ok()?;
    Some(((info.user != 0).then_some(info.user), info.address.map(Ipv4Addr::from)))
}

/// A user's name as the BMC has it: up to 16 bytes, filled with zeros.
pub(crate) fn printable(name: &[u8]) -> Option<String> {
    let name = name.split(|byte| *byte == 0).next()?;
    let name: String = String::from_utf8_lossy(name).chars().filter(|c| !c.is_control()).take(16).collect();
    (!name.trim().is_empty()).then_some(name)
}

/// Both for people; nothing when neither is known.
pub(crate) fn words(name: Option<String>, address: Option<Ipv4Addr>) -> Option<String> {
    match (name, address) {
        (Some(name), Some(address)) => Some(format!("{name} from {address}")),
        (Some(name), None) => Some(name),
        (None, Some(address)) => Some(format!("a session from {address}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bmc_leaves_out_is_not_made_up() {
        assert_eq!(parts(&[1, 63, 2, 2, 4, 0x11]), Some((Some(2), None)), "ipmi_sim");
        let long = [1, 4, 1, 2, 4, 0x11, 10, 0, 0, 7, 0, 0, 0, 0, 0, 0, 1, 2];
        assert_eq!(parts(&long), Some((Some(2), Some(Ipv4Addr::new(10, 0, 0, 7)))));
        assert_eq!(parts(&[0, 63, 2]), None);
        assert_eq!(words(None, None), None);
        assert_eq!(printable(b"ad\x1bmin\0\0x"), Some("admin".to_owned()), "a name may be hostile");
        assert_eq!(printable(&[0; 16]), None);
    }
}
