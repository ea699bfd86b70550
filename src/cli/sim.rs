//! `lightsout sim`: simulated BMCs on loopback until it is ended.

use super::args::SimArgs;
use super::{Exit, say, say_error};
use crate::ipmi::Suite;
use crate::sim::{self, Faults, Fleet, FleetSpec, Stats};
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
    let all: Vec<_> = fleet.bmcs().iter().map(|bmc| (bmc.name(), bmc.stats())).collect();
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let shortest = all.iter().filter_map(|(_, stats)| Some(stats.gaps?.0)).min().unwrap_or_default();
    let mut longest: Vec<_> = all.iter().filter_map(|(name, stats)| Some((stats.gaps?.1, name))).collect();
    longest.sort_unstable_by(|one, other| other.cmp(one));
    let firsts = || all.iter().filter_map(|(_, stats)| stats.first_poll);
    // From the first power reading of any BMC to the first of the last one: how long a table took to fill.
    let filled = firsts().max().unwrap_or_default().saturating_sub(firsts().min().unwrap_or_default());
    let sum = |of: fn(&Stats) -> u64| all.iter().map(|(_, stats)| of(stats)).sum::<u64>();
    let report = serde_json::json!({
        "bmcs": all.len(),
        "unpolled": all.iter().filter(|(_, stats)| stats.polls == 0).count(),
        "polls": sum(|stats| stats.polls),
        "datagrams": sum(|stats| stats.received + stats.sent),
        "logins": sum(|stats| stats.logins),
        "most_sessions": all.iter().map(|(_, stats)| stats.most_sessions).max(),
        "first_table_ms": millis(filled),
        "shortest_gap_ms": millis(shortest),
        "longest_gap_ms": millis(longest.first().map_or(Duration::ZERO, |(gap, _)| *gap)),
        // The worst by name: a BMC that had something else to do may be late for a reason.
        "longest_gaps": longest.iter().take(5)
            .map(|(gap, name)| serde_json::json!({ "bmc": name, "ms": millis(*gap) })).collect::<Vec<_>>(),
    });
    say(&report.to_string());
}
