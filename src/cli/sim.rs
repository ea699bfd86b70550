//! `lightsout sim`: simulated BMCs on loopback until it is ended.

use super::args::SimArgs;
use super::{Exit, say, say_error};
use crate::ipmi::Suite;
use crate::sim::{self, Faults, Fleet, FleetSpec};
use anyhow::Context;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Serves until SIGINT or SIGTERM.
pub(super) fn run(args: &SimArgs) -> anyhow::Result<Exit> {
    let Some(spec) = spec(args) else {
        return Ok(Exit::Usage);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the simulation")?;
    runtime.block_on(async {
        let fleet = match Fleet::start(&spec) {
            Ok(fleet) => fleet,
            Err(error) => {
                say_error(&error.to_string());
                return Ok(Exit::Usage);
            }
        };
        let configuration = sim::configuration(&fleet, &spec);
        match &args.config_out {
            None => say(configuration.trim_end()),
            Some(path) => {
                let mut file = std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(path)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                file.write_all(configuration.as_bytes())
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
        say_error(&format!("{} simulated BMCs answer; ctrl-c ends them", fleet.bmcs().len()));
        let (mut interrupted, mut terminated) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        if args.report {
            report(&fleet);
        }
        Ok(Exit::Done)
    })
}

fn spec(args: &SimArgs) -> Option<FleetSpec> {
    let mut suites = Vec::new();
    for id in &args.suites {
        let Some(suite) = Suite::from_id(*id) else {
            say_error(&format!("cannot offer cipher suite {id}: there are 3 and 17"));
            return None;
        };
        suites.push(suite);
    }
    if args.loss > 100 {
        say_error("--loss is in per cent: at most 100");
        return None;
    }
    let width = args.nodes.to_string().len().max(2);
    Some(FleetSpec {
        names: (1..=args.nodes).map(|number| format!("sim{number:0width$}")).collect(),
        address: args.address,
        base_port: args.base_port,
        suites,
        sessions: args.sessions,
        outage: args.outage,
        speed: args.speed,
        faults: Faults { loss: args.loss, delay: args.delay, ..Faults::default() },
        ..FleetSpec::default()
    })
}

/// What the BMCs saw: pace, logins, datagrams.
fn report(fleet: &Fleet) {
    let (mut polls, mut datagrams, mut logins, mut most, mut unpolled) = (0, 0, 0, 0, 0);
    let (mut least, mut longest) = (Duration::MAX, Duration::ZERO);
    for bmc in fleet.bmcs() {
        let stats = bmc.stats();
        polls += stats.polls;
        datagrams += stats.received + stats.sent;
        logins += stats.logins;
        most = most.max(stats.most_sessions);
        unpolled += usize::from(stats.polls == 0);
        if let Some((shortest, widest)) = stats.gaps {
            least = least.min(shortest);
            longest = longest.max(widest);
        }
    }
    let least = if longest.is_zero() { Duration::ZERO } else { least };
    say(&format!(
        "{{\"bmcs\":{},\"unpolled\":{unpolled},\"polls\":{polls},\"datagrams\":{datagrams},\"logins\":{logins},\
         \"most_sessions\":{most},\"shortest_gap_ms\":{},\"longest_gap_ms\":{}}}",
        fleet.bmcs().len(),
        least.as_millis(),
        longest.as_millis()
    ));
}
