//! Results in words: one line for many nodes, folded.

use super::{State, commands::Context, state::Action};
use crate::fleet::{BootSetting, NodeId};
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
        Outcome::Info(rows) => identity_text(rows),
        Outcome::Checkup(_) => "answered".into(),
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

/// Which BMC it is, in few words, so that equal ones fold: `manufacturer 674, product 256, firmware 2.41`.
fn identity_text(rows: &[(String, String)]) -> String {
    let told = [
        ("QEMU", "QEMU"),
        ("manufacturer", "Manufacturer ID"),
        ("product", "Product ID"),
        ("firmware", "Firmware Revision"),
    ];
    let parts: Vec<String> = told
        .iter()
        .filter_map(|(word, label)| {
            let (_, value) = rows.iter().find(|row| row.0 == *label)?;
            // `1 (0x0001)`
            Some(format!("{word} {}", value.split(' ').next().unwrap_or_default()))
        })
        .collect();
    if parts.is_empty() { "answered".into() } else { parts.join(", ") }
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

/// Results that came to the same.
pub(super) struct Group<'a> {
    /// In words. A reason names its node and BMC only while it is that of one node.
    pub word: String,
    /// Whose.
    pub results: Vec<&'a VerbResult>,
    /// The word without what is one node's own.
    common: String,
}

/// Results that came to the same, in the order in which they came first.
pub(super) fn groups<'a>(state: &State, results: &'a [VerbResult]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for result in results {
        let word = word(&result.outcome);
        let common = match state.row(result.node) {
            Some(row) if is_trouble(&result.outcome) => {
                let placeless = swapped(&word, &row.node.address, "the BMC");
                swapped(&placeless, &row.node.name, "the node")
            }
            _ => word.clone(),
        };
        match groups.iter_mut().find(|group| group.common == common) {
            Some(group) => {
                if group.word != word {
                    group.word.clone_from(&common);
                }
                group.results.push(result);
            }
            None => groups.push(Group { word, results: vec![result], common }),
        }
    }
    groups
}

/// `text` with another word for `own`, where that stands alone: a node may be called `a`.
fn swapped(text: &str, own: &str, other: &str) -> String {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let mut new = String::with_capacity(text.len());
    let mut done = 0;
    // An empty name is found everywhere.
    for (at, _) in text.match_indices(own).filter(|_| !own.is_empty()) {
        let end = at + own.len();
        if !part(text[..at].chars().next_back()) && !part(text[end..].chars().next()) {
            new.push_str(&text[done..at]);
            new.push_str(other);
            done = end;
        }
    }
    new.push_str(&text[done..]);
    new
}

/// `power off: 3 confirmed, 1 failed: r1n04 (no answer)`.
#[must_use]
pub fn of(state: &State, action: &Action) -> (Level, String) {
    let verb = action.verb.words();
    if let [result] = action.results.as_slice() {
        let level = level_of(&result.outcome);
        return (level, format!("{verb}: {} {}", state.name(result.node), word(&result.outcome)));
    }
    let mut groups: Vec<(&Outcome, String, Vec<NodeId>)> = groups(state, &action.results)
        .into_iter()
        .filter_map(|group| {
            let nodes = group.results.iter().map(|result| result.node).collect();
            group.results.first().map(|result| (&result.outcome, group.word, nodes))
        })
        .collect();
    // What went well first, as a number; trouble by name.
    groups.sort_by_key(|(outcome, ..)| is_trouble(outcome));
    let more = groups.len().saturating_sub(GROUPS);
    let mut level = Level::Info;
    let mut parts: Vec<String> = Vec::new();
    for (outcome, word, nodes) in &groups {
        if gravity(level_of(outcome)) > gravity(level) {
            level = level_of(outcome);
        }
        if parts.len() < GROUPS {
            // Readings are what was asked for: whose they are matters.
            let named = is_trouble(outcome) || action.verb.is_read();
            parts.push(if named {
                named_group(state, word, nodes)
            } else {
                format!("{} {word}", nodes.len())
            });
        }
    }
    if more > 0 {
        let log = state.keys.key_in(Context::Table, "log");
        parts.push(format!("{more} more kinds of result ({log} shows all)"));
    }
    (level, format!("{verb}: {}", parts.join(", ")))
}

fn named_group(state: &State, word: &str, nodes: &[NodeId]) -> String {
    let (count, names) = (nodes.len(), state.folded(nodes));
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
