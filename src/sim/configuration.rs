//! A lightsout configuration for a simulated fleet.

use super::{Fleet, FleetSpec};
use std::fmt::Write;

/// The configuration's text: credentials and a node per BMC. It holds a password in clear text, so the file
/// it is written to must be readable by its owner only.
#[must_use]
pub fn configuration(fleet: &Fleet, spec: &FleetSpec) -> String {
    let mut text = String::from("# A simulated fleet. Nobody else may read this file: chmod 600.\n");
    let password = String::from_utf8_lossy(&spec.password);
    let _ = writeln!(
        text,
        "[credentials.sim]\nusername = {}\npassword = {}\n",
        quoted(&spec.user),
        quoted(&password)
    );
    let suites: Vec<String> = spec.suites.iter().map(|suite| suite.id().to_string()).collect();
    let suites = suites.join(", ");
    for (index, bmc) in fleet.bmcs().iter().enumerate() {
        let _ = writeln!(
            text,
            "[[node]]\nname = {}\ntags = [\"rack{}\"]\nbmc = {{ driver = \"ipmi\", address = \"{}\", port = {}, \
             credentials = \"sim\", cipher_suites = [{suites}] }}\nconsole = {{ transport = \"sol\" }}\n",
            quoted(bmc.name()),
            index / 40 + 1,
            bmc.address().ip(),
            bmc.address().port(),
        );
    }
    text
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for ch in text.chars() {
        match ch {
            '"' | '\\' => quoted.extend(['\\', ch]),
            ch if ch.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(ch));
            }
            ch => quoted.push(ch),
        }
    }
    quoted.push('"');
    quoted
}
