//! Results in words: one line for many nodes, folded.

use super::{State, commands::Context, state::Action};
use crate::fleet::{BootSetting, NodeId, Verb};
use crate::hub::message::{Level, Outcome, VerbResult};

/// Groups that a line names before it points at the action log.
const GROUPS: usize = 4;

/// Whether the operator must look at it.
#[must_use]
pub fn is_trouble(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::NotConfirmed { .. } | Outcome::Failed(_) | Outcome::Refused(_) | Outcome::Cancelled { .. }
    )
}

/// One outcome in words.
#[must_use]
pub fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Confirmed => "confirmed".into(),
        Outcome::Already => "already so".into(),
        Outcome::Accepted => "accepted".into(),
        Outcome::Unseen { reason } => format!("accepted ({reason})"),
        Outcome::NotConfirmed { reason } => format!("not confirmed ({reason})"),
        Outcome::Status => "read".into(),
        Outcome::Boot(setting) => boot_text(setting),
        Outcome::Info(_) | Outcome::Checkup(_) => "answered".into(),
        Outcome::Raw(bytes) if bytes.is_empty() => "accepted, no data".into(),
        Outcome::Raw(bytes) => {
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("answered {}", hex.join(" "))
        }
        Outcome::SolHolder(holder) => format!("SOL held by {holder}"),
        Outcome::Failed(fault) => format!("failed ({})", fault.reason),
        Outcome::Refused(why) => format!("refused ({why})"),
        Outcome::Cancelled { sent: None } => "cancelled, nothing had been sent".into(),
        Outcome::Cancelled { sent: Some(sent) } => format!("cancelled, sent already: {sent}"),
    }
}

/// A boot device in words: `pxe once`, `disk always uefi`, `none`.
#[must_use]
pub fn boot_text(setting: &BootSetting) -> String {
    use crate::fleet::BootDevice;
    let device = match setting.device {
        Some(BootDevice::None) => return "none".into(),
        Some(device) => device.name(),
        None => "other",
    };
    let span = if setting.persistent { "always" } else { "once" };
    let uefi = if setting.uefi { " uefi" } else { "" };
    format!("{device} {span}{uefi}")
}

/// What to do about the failures, each said once.
#[must_use]
pub fn hints(results: &[VerbResult]) -> Vec<&str> {
    let mut hints: Vec<&str> = Vec::new();
    for result in results {
        if let Outcome::Failed(fault) = &result.outcome
            && let Some(hint) = fault.hint.as_deref()
            && !hints.contains(&hint)
        {
            hints.push(hint);
        }
    }
    hints
}

/// Results with the same words, in the order in which they came first.
pub(super) fn groups(results: &[VerbResult]) -> Vec<(String, Vec<&VerbResult>)> {
    let mut groups: Vec<(String, Vec<&VerbResult>)> = Vec::new();
    for result in results {
        let word = word(&result.outcome);
        match groups.iter_mut().find(|(other, _)| *other == word) {
            Some((_, same)) => same.push(result),
            None => groups.push((word, vec![result])),
        }
    }
    groups
}

/// `power off: 3 confirmed, 1 failed: r1n04 (no answer)`.
#[must_use]
pub fn of(state: &State, action: &Action) -> (Level, String) {
    let verb = action.verb.words();
    if let [result] = action.results.as_slice() {
        let level = level_of(&result.outcome);
        return (level, format!("{verb}: {} {}", state.name(result.node), word(&result.outcome)));
    }
    let mut groups: Vec<(&Outcome, Vec<NodeId>)> = groups(&action.results)
        .into_iter()
        .filter_map(|(_, results)| {
            let nodes = results.iter().map(|result| result.node).collect();
            results.first().map(|result| (&result.outcome, nodes))
        })
        .collect();
    // What went well first, as a number; trouble by name.
    groups.sort_by_key(|(outcome, _)| is_trouble(outcome));
    let more = groups.len().saturating_sub(GROUPS);
    let mut level = Level::Info;
    let mut parts: Vec<String> = Vec::new();
    for (outcome, nodes) in &groups {
        if gravity(level_of(outcome)) > gravity(level) {
            level = level_of(outcome);
        }
        if parts.len() < GROUPS {
            parts.push(group(state, outcome, nodes, &action.verb));
        }
    }
    if more > 0 {
        let log = state.keys.key_in(Context::Table, "log");
        parts.push(format!("{more} more kinds of result ({log} shows all)"));
    }
    (level, format!("{verb}: {}", parts.join(", ")))
}

fn group(state: &State, outcome: &Outcome, nodes: &[NodeId], verb: &Verb) -> String {
    let (count, word) = (nodes.len(), word(outcome));
    // Readings are what was asked for: whose they are matters.
    if !is_trouble(outcome) && !verb.is_read() {
        return format!("{count} {word}");
    }
    let names = state.folded(nodes);
    match word.split_once(" (") {
        Some((word, reason)) => format!("{count} {word}: {names} ({reason}"),
        None => format!("{count} {word}: {names}"),
    }
}

fn level_of(outcome: &Outcome) -> Level {
    match outcome {
        Outcome::Failed(_) => Level::Error,
        outcome if is_trouble(outcome) => Level::Warning,
        _ => Level::Info,
    }
}

fn gravity(level: Level) -> u8 {
    match level {
        Level::Info => 0,
        Level::Warning => 1,
        Level::Error => 2,
    }
}
