//! This machine: its clock, how many files a process may have, room for answers that come at once.

use super::check::Check;
use crate::config::{Loaded, Settings};
use nix::sys::resource::{Resource, getrlimit};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// No version of this program is older: an earlier clock was never set. 2026-01-01.
const OLDEST: Duration = Duration::from_secs(1_767_225_600);
/// Clocks of file servers differ by that much and nobody minds.
const SKEW: Duration = Duration::from_secs(120);
/// Open files of the program itself, of an exchange by a process of its own, and of a console.
const FILES: (u64, u64, u64) = (64, 6, 6);
/// Consoles that somebody may have open at a time.
const CONSOLES: usize = 64;
/// From so many BMCs on, answers that come at once need more room than a system gives by default.
const MANY: usize = 500;
/// What an answer takes of the socket's buffer, with the kernel's own.
const ANSWER: usize = 1024;

/// The section.
pub(super) fn checks(settings: &Settings, loaded: Option<&Loaded>) -> Vec<Check> {
    let mut checks = vec![clock(loaded), files(settings)];
    checks.extend(buffer(settings));
    checks
}

/// Times in the audit trail and "next try 22:32" are only as good as the clock.
fn clock(loaded: Option<&Loaded>) -> Check {
    let now = SystemTime::now();
    let shown = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M %Z").to_string();
    let remedy = "set the clock, best by NTP (timedatectl set-ntp true)";
    if now.duration_since(UNIX_EPOCH).unwrap_or_default() < OLDEST {
        return Check::warn("clock", shown, "long past: it was never set", remedy);
    }
    let files = loaded.map(|loaded| loaded.files.as_slice()).unwrap_or_default();
    let newer = files.iter().find(|path| {
        let changed = path.metadata().and_then(|meta| meta.modified());
        changed.is_ok_and(|changed| changed > now + SKEW)
    });
    match newer {
        Some(path) => {
            let text = format!("{} was changed later than that", path.display());
            Check::warn("clock", shown, text, remedy)
        }
        None => Check::ok("clock", shown, ""),
    }
}

fn files(settings: &Settings) -> Check {
    let Ok((limit, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return Check::warn("open files", "", "the limit cannot be read", "ulimit -n shows it");
    };
    let children =
        settings.nodes.iter().filter_map(|node| node.bmc.as_ref()).filter(|bmc| bmc.driver != "ipmi");
    let children = children.count().min(settings.poll.max_in_flight);
    let consoles = settings.nodes.iter().filter(|node| node.console.is_some()).count().min(CONSOLES);
    let (own, exchange, console) = FILES;
    let needed = own + exchange * children as u64 + console * consoles as u64;
    if limit < needed {
        let how = if hard < needed { " (and the hard limit in limits.conf)" } else { "" };
        let text = format!("{limit} may be open; {needed} may be needed");
        return Check::warn(
            "open files",
            "",
            text,
            format!("run ulimit -n {}{how}", needed.next_power_of_two()),
        );
    }
    Check::ok("open files", "", format!("{limit} may be open, {needed} may be needed"))
}

/// Only where a fleet is so large that it matters.
fn buffer(settings: &Settings) -> Option<Check> {
    let bmcs = settings.nodes.iter().filter_map(|node| node.bmc.as_ref()).filter(|bmc| bmc.driver == "ipmi");
    let bmcs = bmcs.count();
    if bmcs < MANY {
        return None;
    }
    let most = std::fs::read_to_string("/proc/sys/net/core/rmem_max").ok()?.trim().parse::<usize>().ok()?;
    let wanted = bmcs * ANSWER;
    if most < wanted && !nix::unistd::geteuid().is_root() {
        let text = format!("{most} bytes at most; answers of {bmcs} BMCs at once would need {wanted}");
        let remedy = format!("run sysctl net.core.rmem_max={} as root", wanted.next_power_of_two());
        return Some(Check::warn("UDP buffer", "", text, remedy));
    }
    Some(Check::ok("UDP buffer", "", format!("{most} bytes at most, {wanted} wanted")))
}
