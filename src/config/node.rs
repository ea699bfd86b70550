//! `[[node]]` as written, and what its driver and transport need. `assemble` makes nodes of it.

use super::console::RawConsole;
use super::error::{At, Place};
use super::load::LoadOptions;
use super::section::Section;
use super::sets::{Set, addresses, names, sockets};
use super::settings::Privilege;
use super::words::{shown, suggest};
use std::path::PathBuf;

/// Port of IPMI (IANA `asf-rmcp`).
pub(super) const IPMI_PORT: u16 = 623;
/// Cipher suites in the order they are tried by default.
const SUITES: [u8; 2] = [17, 3];

/// A `[[node]]` as written, its own values checked, its sets expanded but not yet zipped.
pub(super) struct RawNode {
    pub(super) place: Place,
    /// The names, and the text they came from.
    pub(super) name: At<Set>,
    pub(super) tags: Vec<At<String>>,
    pub(super) bmc: Option<RawBmc>,
    pub(super) console: Option<RawConsole>,
}

/// `bmc = { .. }`.
pub(super) struct RawBmc {
    pub(super) driver: String,
    pub(super) address: Option<At<Set>>,
    pub(super) port: u16,
    pub(super) credentials: Option<At<String>>,
    pub(super) privilege: Privilege,
    pub(super) cipher_suites: Vec<u8>,
    pub(super) kg_file: Option<At<PathBuf>>,
    pub(super) quirks: Option<Vec<String>>,
    pub(super) keep_login: bool,
    pub(super) qmp: Option<At<Set>>,
    pub(super) start: Option<At<Vec<String>>>,
}

impl RawNode {
    /// `None` when it has no usable name, which is reported. A part that could not be read is left out
    /// and reported.
    pub(super) fn read(mut section: Section<'_>, options: &LoadOptions<'_>) -> Option<RawNode> {
        section.missing(
            "name",
            "a node has no name",
            "write name = \"n1\" or a node set, name = \"n[01-16]\"",
        );
        let name = section.parsed("name", "a name such as \"n1\" or a node set such as \"n[01-16]\"", names);
        let tags = section.strings("tags", "a list of tags such as [\"rack1\"]");
        let tags = tags.map(|tags| tags.value).unwrap_or_default();
        let tags = tags.into_iter().filter(|tag| check_tag(tag, &section)).collect();
        let bmc = section
            .section("bmc", "bmc = { address = \"10.1.1.1\", credentials = \"lab\" }")
            .and_then(|bmc| RawBmc::read(bmc, options));
        let console = section
            .section("console", "console = { transport = \"sol\" }")
            .and_then(|console| RawConsole::read(console, options));
        if let (Some(console), None, false) = (&console, &bmc, section.has("bmc"))
            && console.transport == "sol"
        {
            let help = "SOL goes through the BMC: add bmc = { address = .., credentials = .. }";
            section.report(&console.place, "console.transport", "sol needs a bmc", help);
        }
        if let (Some(console), Some(bmc)) = (&console, &bmc)
            && console.transport == "sol"
            && !["ipmi", "ipmitool"].contains(&bmc.driver.as_str())
        {
            let text = format!("sol needs a bmc with driver ipmi or ipmitool, not {}", bmc.driver);
            section.report(
                &console.place,
                "console.transport",
                text,
                "a virtual machine has transport \"unix\"",
            );
        }
        let place = section.place();
        section.finish();
        Some(RawNode { place, name: name?, tags, bmc, console })
    }
}

impl RawBmc {
    fn read(mut section: Section<'_>, options: &LoadOptions<'_>) -> Option<RawBmc> {
        let driver_given = section.has("driver");
        let driver = section.choice("driver", options.drivers);
        let source = section.source;
        let address = section.parsed("address", "a host name, an address, or a node set of them", addresses);
        let port = section.integer("port", 1..=65535);
        let credentials = section.string("credentials", "the name of [credentials.NAME]");
        let privilege = section.parsed("privilege", "CALLBACK, USER, OPERATOR or ADMINISTRATOR", privilege);
        let cipher_suites = suites(&mut section);
        let quirks = quirks(&mut section, options.quirks);
        let keep_login = section.boolean("keep_login");
        let kg_file = section.path("kg_file");
        let qmp = section
            .parsed("qmp", "the path of a QMP socket, or a node set of them", |text| sockets(text, source));
        let start = section.program("start");
        let driver = match driver {
            Some(driver) => driver.value,
            None if driver_given => {
                section.finish();
                return None;
            }
            None => "ipmi".to_owned(),
        };
        check_driver_keys(&driver, &section);
        let cipher_suites =
            cipher_suites.map_or_else(|| SUITES.to_vec(), |suites| checked_suites(suites, &driver, &section));
        section.finish();
        Some(RawBmc {
            driver,
            address,
            port: port.and_then(|port| u16::try_from(port.value).ok()).unwrap_or(IPMI_PORT),
            credentials,
            privilege: privilege.map(|privilege| privilege.value).unwrap_or_default(),
            cipher_suites,
            kg_file,
            quirks,
            keep_login: keep_login.is_none_or(|keep| keep.value),
            qmp,
            start,
        })
    }
}

/// What a driver needs and what it has no use for. Drivers that this room does not know may have all keys.
fn check_driver_keys(driver: &str, section: &Section<'_>) {
    match driver {
        "ipmi" | "ipmitool" => {
            let help = "write address = \"10.1.1.1\" or a node set, address = \"10.1.1.[1-16]\"";
            section.missing("address", &format!("driver {driver} needs the address of the BMC"), help);
            let help = "write credentials = \"NAME\" and a [credentials.NAME]";
            section.missing("credentials", &format!("driver {driver} needs credentials"), help);
            let useless = format!("driver {driver} has no use for it");
            for key in ["qmp", "start"] {
                refuse(section, key, &useless, "is driver = \"qemu\" meant?");
            }
            if driver == "ipmitool" {
                for key in ["quirks", "keep_login"] {
                    refuse(section, key, &useless, "is driver = \"ipmi\" meant?");
                }
            }
        }
        "qemu" => {
            let help = "write qmp = \"/run/vm1.qmp\"";
            section.missing("qmp", "driver qemu needs the path of a QMP socket", help);
            let keys = [
                "address",
                "port",
                "credentials",
                "privilege",
                "cipher_suites",
                "kg_file",
                "quirks",
                "keep_login",
            ];
            for key in keys {
                refuse(section, key, "driver qemu has no use for it", "is driver = \"ipmi\" meant?");
            }
        }
        _ => {}
    }
}

fn refuse(section: &Section<'_>, key: &str, text: &str, help: &str) {
    if let Some(place) = section.key_place(key) {
        section.report(&place, key, text, help);
    }
}

/// `None` when they are not given, or wrong, which is reported.
fn suites(section: &mut Section<'_>) -> Option<At<Vec<u8>>> {
    let list = section.integers("cipher_suites", 0..=17)?;
    let suites: Vec<u8> = list.value.iter().filter_map(|suite| u8::try_from(suite.value).ok()).collect();
    if suites.is_empty() {
        section.report(&list.place, "cipher_suites", "the list is empty", "the default is [17, 3]");
    }
    Some(At::new(suites, list.place))
}

/// Driver `ipmi` has no others than 3 and 17; ipmitool may.
fn checked_suites(suites: At<Vec<u8>>, driver: &str, section: &Section<'_>) -> Vec<u8> {
    if let Some(other) = suites.value.iter().find(|suite| driver == "ipmi" && !SUITES.contains(suite)) {
        let text = format!("driver ipmi has the cipher suites 3 and 17, not {other}");
        let help = match other {
            0..=2 => "suites 0 to 2 leave the password or the commands unprotected",
            _ => "driver = \"ipmitool\" may know it",
        };
        section.report(&suites.place, "cipher_suites", text, help);
    }
    suites.value
}

/// Each must be one of `known`.
fn quirks(section: &mut Section<'_>, known: &[&str]) -> Option<Vec<String>> {
    let list = section.strings("quirks", "a list of quirks, or [] for none")?;
    for quirk in &list.value {
        if !known.contains(&quirk.value.as_str()) {
            let text = format!("there is no quirk \"{}\"", shown(&quirk.value));
            section.report(&quirk.place, "quirks", text, suggest(&quirk.value, known.iter().copied()));
        }
    }
    Some(list.value.into_iter().map(|quirk| quirk.value).collect())
}

fn check_tag(tag: &At<String>, section: &Section<'_>) -> bool {
    let good = !tag.value.is_empty() && tag.value.chars().all(|c| c.is_alphanumeric() || "-_.:".contains(c));
    if !good {
        let text = format!("\"{}\" cannot be a tag", shown(&tag.value));
        let help = "a tag has letters, digits, \"-\", \"_\", \".\" and \":\"; \"@\" is written only where it is used";
        section.report(&tag.place, "tags", text, help);
    }
    good
}

fn privilege(text: &str) -> Result<Privilege, String> {
    [Privilege::Callback, Privilege::User, Privilege::Operator, Privilege::Administrator]
        .into_iter()
        .find(|level| level.name().eq_ignore_ascii_case(text))
        .ok_or_else(|| "there is no such privilege".into())
}
