//! Derived texts: what the table and the title say of a node, so that `ui` only draws.
//!
//! Everything here is a pure function of the state; nothing moves while nothing happens, except in
//! the coarse steps that `update` asks to be woken for.

use super::{Keymap, State, commands::Context, state::NodeRow, summary};
use crate::fleet::{ConsoleMode, ConsoleState, Fault, FaultClass, Freshness, Millis, NodeId, Power, Verb};
use crate::hub::message::{Lit, NodeStatus, Outcome, Phase, PollReason};
use std::time::Duration;

/// Nodes by what is seen of them; every node is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Powered.
    pub on: usize,
    /// Not powered.
    pub off: usize,
    /// Not known, without a failure.
    pub unknown: usize,
    /// The newest poll failed.
    pub failed: usize,
}

/// Counts all nodes.
#[must_use]
pub fn counts(state: &State) -> Counts {
    let mut counts = Counts::default();
    for row in state.present() {
        let seen = &row.status.seen;
        match (&seen.freshness, seen.value) {
            (Freshness::Failed(_), _) => counts.failed += 1,
            (_, Power::On) => counts.on += 1,
            (_, Power::Off) => counts.off += 1,
            (_, Power::Unknown) if row.node.driver.is_some() => counts.unknown += 1,
            // Without a power driver there is nothing to be known.
            (_, Power::Unknown) => {}
        }
    }
    counts
}

/// Which glyph and colour stand before a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyph {
    /// Powered.
    On,
    /// Not powered.
    Off,
    /// A verb runs.
    Pending,
    /// Not known.
    Unknown,
    /// The newest poll failed.
    Failed,
    /// There is nothing to know: no driver.
    Nothing,
}

/// The POWER cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerCell {
    /// Glyph and colour.
    pub glyph: Glyph,
    /// The word: `on`, `off→on`, `unknown`.
    pub word: String,
    /// The reading is older than it should be.
    pub stale: bool,
}

/// What the POWER cell says. The arrow is `→`; `ui` replaces it where the terminal has only ASCII.
#[must_use]
pub fn power_cell(row: &NodeRow) -> PowerCell {
    let seen = &row.status.seen;
    let stale = matches!(seen.freshness, Freshness::Stale);
    let cell = |glyph, word: &str| PowerCell { glyph, word: word.to_owned(), stale };
    if let Some(pending) = &row.status.pending {
        let word = match pending.verb.target() {
            Some(target) => format!("{}→{}", pending.from, target),
            None => short(&pending.verb),
        };
        return cell(Glyph::Pending, &word);
    }
    if row.node.driver.is_none() {
        return cell(Glyph::Nothing, "-");
    }
    match (&seen.freshness, seen.value) {
        (Freshness::Failed(_), value) => cell(Glyph::Failed, value.name()),
        (_, Power::On) => cell(Glyph::On, "on"),
        (_, Power::Off) => cell(Glyph::Off, "off"),
        (_, Power::Unknown) => cell(Glyph::Unknown, "unknown"),
    }
}

/// The BOOT cell: `pxe once`, or nothing when it is not known or nothing is set.
#[must_use]
pub fn boot_cell(row: &NodeRow) -> Option<String> {
    row.status.boot.as_ref().map(summary::boot_text).filter(|text| text != "none")
}

/// Age of the last real reading, and only when it is overdue: more than two intervals old.
/// In coarse steps: minutes, hours, days.
#[must_use]
pub fn age(row: &NodeRow, now: Millis, poll_interval: Duration) -> Option<String> {
    let (_, at) = row.status.seen.last_seen?;
    let age = now.since(at);
    if age <= poll_interval * 2 {
        return None;
    }
    let seconds = age.as_secs();
    Some(match seconds {
        0..60 => "<1m".into(),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    })
}

/// A time of day, `22:31`, local.
#[must_use]
pub fn clock(at: Millis, utc_offset: i32) -> String {
    let seconds = i64::try_from(at.0 / 1000).unwrap_or(0) + i64::from(utc_offset);
    let minutes = seconds.div_euclid(60).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The same to the second: for what comes within the minute.
#[must_use]
pub fn clock_seconds(at: Millis, utc_offset: i32) -> String {
    let seconds = i64::try_from(at.0 / 1000).unwrap_or(0) + i64::from(utc_offset);
    format!("{}:{:02}", clock(at, utc_offset), seconds.rem_euclid(60))
}

/// How often an elapsed time moves on: it stands in a line that is redrawn for it.
#[must_use]
pub fn elapsed_step(elapsed: Duration) -> Duration {
    match elapsed.as_secs() {
        0..60 => Duration::from_secs(2),
        60..600 => Duration::from_secs(10),
        _ => Duration::from_secs(60),
    }
}

/// An elapsed time rounded down to its step: `12s`, `1m20s`, `12m`.
#[must_use]
pub fn elapsed(time: Duration) -> String {
    let step = elapsed_step(time).as_secs();
    span(time.as_secs() / step * step)
}

fn span(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        // A limit is often said in seconds: `60s`, `90s`.
        (0 | 1, _) if seconds <= 90 => format!("{seconds}s"),
        (minutes, 0) => format!("{minutes}m"),
        (minutes, rest) => format!("{minutes}m{rest:02}s"),
    }
}

/// Whether the BMC gave no answer when it was last asked. A verb that has sent nothing yet asks it again until its
/// time is up.
pub(super) fn silent(status: &NodeStatus) -> bool {
    let silence = |class| matches!(class, FaultClass::Unreachable | FaultClass::Timeout);
    matches!(&status.seen.freshness, Freshness::Failed(fault) if silence(fault.class))
}

/// The NOTE cell: the most pressing thing to know of a node; empty when there is none.
#[must_use]
pub fn note(row: &NodeRow, keys: &Keymap, now: Millis, utc_offset: i32) -> String {
    let status = &row.status;
    let at = |time: Millis| clock(time, utc_offset);
    if let Some(pending) = &status.pending {
        let other = pending.by.as_ref().map_or_else(String::new, |by| format!(" ({by})"));
        return match pending.phase {
            Phase::Queued if silent(status) => {
                let (since, allowed) = (now.since(pending.since), pending.allowed);
                format!("no answer {} of {}{other}", elapsed(since), span(allowed.as_secs()))
            }
            Phase::Queued if now.since(pending.since).as_secs() < 5 => format!("waiting for its turn{other}"),
            Phase::Queued => format!("waiting for its turn {}{other}", elapsed(now.since(pending.since))),
            Phase::Turn { number, of, due } => {
                format!("turn {number} of {of}, due {}{other}", clock_seconds(due, utc_offset))
            }
            Phase::Sending => format!("sending {}{other}", pending.verb.words()),
            Phase::Observing => {
                let (since, allowed) = (now.since(pending.since), pending.allowed);
                format!("waiting {} of {}{other}", elapsed(since), span(allowed.as_secs()))
            }
        };
    }
    if let Some(since) = status.resetting {
        return format!("resetting since {}", at(since));
    }
    if status.why == PollReason::AuthFinal {
        return format!("authentication failed; {} tries again", keys.key_in(Context::Table, "poll"));
    }
    if let Freshness::Failed(fault) = &status.seen.freshness {
        let next = status.next_poll.filter(|next| *next > now);
        let next = next.map_or(String::new(), |next| format!(", next try {}", at(next)));
        return format!("{}{next}", failure(row, fault, utc_offset));
    }
    if let Some((result, when)) = &row.last {
        let verb = short(&result.verb);
        return match &result.outcome {
            // The row is narrow, and names the node: what counts is why. The details have all of it.
            Outcome::Failed(fault) => format!("{verb} failed: {}, {}", why(fault), at(*when)),
            outcome => format!("{verb} {}, {}", summary::word(outcome), at(*when)),
        };
    }
    match status.locator {
        Some(Lit::On) => "locator LED on".into(),
        Some(Lit::Until(until)) if until > now => format!("locator LED on until {}", at(until)),
        _ => status.seen.detail.clone().unwrap_or_default(),
    }
}

fn failure(row: &NodeRow, fault: &Fault, utc_offset: i32) -> String {
    match (fault.class, row.status.seen.last_seen) {
        (FaultClass::Unreachable | FaultClass::Timeout, Some((_, seen))) => {
            format!("no answer since {}", clock(seen, utc_offset))
        }
        _ if fault.reason.starts_with("cannot log in to ") => why(fault).to_owned(),
        _ => fault.reason.clone(),
    }
}

/// Why, without what could not be done.
fn why(fault: &Fault) -> &str {
    match fault.reason.split_once(": ") {
        Some((deed, why)) if deed.starts_with("cannot ") => why,
        _ => &fault.reason,
    }
}

/// A verb where there is little room: `cycle`, `bmc reset-cold`.
fn short(verb: &Verb) -> String {
    verb.words().trim_start_matches("power ").to_owned()
}

/// The CONSOLE cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleCell {
    /// The transport's name.
    pub transport: String,
    /// Number of its pane, from 1, as the keys 1 to 9 count.
    pub number: usize,
    /// What to draw before it.
    pub state: ConsoleGlyph,
    /// Something came that nobody looked at.
    pub unseen: bool,
}

/// Glyph and colour of a console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleGlyph {
    /// Attached, the operator may type.
    Interactive,
    /// Attached, read-only.
    Monitor,
    /// On its way.
    Connecting,
    /// Held by somebody else.
    Busy,
    /// Ended.
    Closed,
    /// A place from an earlier run.
    Detached,
}

/// What the CONSOLE cell says; `None` when no console of the node is open.
#[must_use]
pub fn console_cell(state: &State, node: NodeId) -> Option<ConsoleCell> {
    let (at, pane) = state.panes.iter().enumerate().find(|(_, pane)| pane.node == node)?;
    let glyph = match (&pane.status.state, pane.status.mode) {
        (ConsoleState::Attached { .. }, ConsoleMode::Interactive) => ConsoleGlyph::Interactive,
        (ConsoleState::Attached { .. }, ConsoleMode::Monitor) => ConsoleGlyph::Monitor,
        (ConsoleState::Waiting { .. } | ConsoleState::Connecting, _) => ConsoleGlyph::Connecting,
        (ConsoleState::Busy { .. } | ConsoleState::Watching { .. }, _) => ConsoleGlyph::Busy,
        (ConsoleState::Closed { .. }, _) => ConsoleGlyph::Closed,
        (ConsoleState::Detached, _) => ConsoleGlyph::Detached,
    };
    let configured = || state.row(node).and_then(|row| row.node.transport.clone());
    Some(ConsoleCell {
        transport: pane.outdated.clone().or_else(configured).unwrap_or_default(),
        number: at + 1,
        state: glyph,
        unseen: pane.unseen,
    })
}
