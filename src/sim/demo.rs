//! The demo's fleet: four racks, and a few nodes broken in instructive ways.

use super::{Faults, Fleet, FleetSpec, LoginStep, SimError};
use std::fmt::Write;
use std::time::Duration;

/// Nodes in a rack.
const RACK: usize = 12;

/// Sets a fault.
type Fault = fn(&mut Faults);

/// Nodes with a fault, and the fault.
const BROKEN: &[(&str, Fault)] = &[
    // Names the old power state for 15 s.
    ("r2n06", |faults| faults.stale_power = Duration::from_secs(15)),
    // Accepts every chassis verb and does nothing.
    ("r2n08", |faults| faults.ignore_verbs = true),
    // A bad line: one datagram in ten is lost.
    ("r2n11", |faults| (faults.loss, faults.delay) = (10, Duration::from_millis(80))),
    // Its BMC hangs.
    ("r3n07", |faults| faults.silent = true),
    // All its session slots are taken.
    ("r3n09", |faults| faults.no_sessions = true),
    // Its BMC breaks off each login.
    ("r3n10", |faults| faults.silent_in = Some(LoginStep::Rakp3)),
];
/// Configured with a wrong password.
const WRONG_PASSWORD: &str = "r3n03";
/// Nothing listens at its address.
const UNPLUGGED: &str = "r3n05";
/// Its SOL is held by somebody else.
const HELD: &str = "r1n12";

/// A running demo fleet and the configuration for it.
pub struct Demo {
    fleet: Fleet,
    /// Port of the node that is not there.
    unplugged: u16,
}

impl Demo {
    /// Starts the fleet on free ports, on the current tokio runtime.
    ///
    /// # Errors
    /// See [`SimError`].
    pub fn start() -> Result<Demo, SimError> {
        let names: Vec<String> =
            (1..=4).flat_map(|rack| (1..=RACK).map(move |node| format!("r{rack}n{node:02}"))).collect();
        let spec = FleetSpec { names, outage: Duration::from_secs(20), ..FleetSpec::default() };
        let fleet = Fleet::start(&spec)?;
        for (name, fault) in BROKEN {
            if let Some(bmc) = fleet.bmc(name) {
                bmc.faults(fault);
            }
        }
        if let Some(bmc) = fleet.bmc(HELD) {
            bmc.with(|bmc, _| bmc.steal_sol());
        }
        // A port that was free a moment ago, and that nothing listens on.
        let unplugged = std::net::UdpSocket::bind((spec.address, 0))
            .and_then(|socket| socket.local_addr())
            .map_or(9, |address| address.port());
        Ok(Demo { fleet, unplugged })
    }

    /// The configuration without the parts that say where files are kept. It holds the demo's password.
    #[must_use]
    pub fn configuration(&self) -> String {
        let mut text = String::from(
            "[poll]\ninterval = \"5s\"\nmin_command_interval = \"1s\"\n\n\
             [power]\ntimeout = \"30s\"\nsoft_timeout = \"60s\"\n\n\
             [credentials.demo]\nusername = \"admin\"\npassword = \"secret\"\n\n\
             [credentials.mistyped]\nusername = \"admin\"\npassword = \"secert\"\n\n\
             [tags.production]\nprotected = true\n\n",
        );
        for bmc in self.fleet.bmcs() {
            let name = bmc.name();
            let tags = match name.get(..2) {
                Some("r1") => "\"rack1\", \"compute\"",
                Some("r2") => "\"rack2\", \"compute\"",
                Some("r3") => "\"rack3\", \"storage\"",
                _ => "\"rack4\", \"production\"",
            };
            let port = if name == UNPLUGGED { self.unplugged } else { bmc.address().port() };
            let credentials = if name == WRONG_PASSWORD { "mistyped" } else { "demo" };
            let _ = writeln!(
                text,
                "[[node]]\nname = \"{name}\"\ntags = [{tags}]\nbmc = {{ driver = \"ipmi\", address = \"{}\", \
                 port = {port}, credentials = \"{credentials}\" }}\nconsole = {{ transport = \"sol\" }}\n",
                bmc.address().ip(),
            );
        }
        text
    }
}
