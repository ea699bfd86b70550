//! `/etc/hosts` (hosts(5)): a line is an address and its names. Pure.

use super::entry::Found;
use crate::config::words::shown;
use std::net::IpAddr;

/// The first name of a line is the node, `{address}` its address, `{alias}` its second name. This machine's own
/// addresses, multicast and a name that was there before (its other address) are passed over.
pub(super) fn read(text: &str) -> Found {
    let mut found = Found::default();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.split('#').next().unwrap_or_default();
        let mut words = text.split_whitespace();
        let Some(address) = words.next() else {
            continue;
        };
        // A link-local address has its interface behind it.
        let bare = address.split('%').next().unwrap_or_default();
        let Ok(parsed) = bare.parse::<IpAddr>() else {
            found.trouble(line, format!("\"{}\" is no address", shown(address)));
            continue;
        };
        let Some(name) = words.next() else {
            found.trouble(line, format!("{address} has no name"));
            continue;
        };
        // fe00::0 and ff00::0 are names of whole networks.
        let network = matches!(parsed, IpAddr::V6(v6) if v6.segments()[0] == 0xfe00);
        if parsed.is_loopback() || parsed.is_unspecified() || parsed.is_multicast() || network {
            continue;
        }
        if found.has(name) {
            continue;
        }
        let entry = found.entry(name);
        entry.attributes.insert("address".into(), address.to_owned());
        if let Some(alias) = words.next() {
            entry.attributes.insert("alias".into(), alias.to_owned());
        }
    }
    found
}
