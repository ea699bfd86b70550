//! Results of verbs for people (folded) and for programs (one JSON object a line).

use super::exit;
use crate::fleet::{BootSetting, Fault, Node, NodeSet, Power, Verb};
use crate::hub::message::{Outcome, VerbResult};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Version of the JSON lines.
const VERSION: u32 = 1;

/// One node's result as a JSON object, for `--json`.
pub fn json_line(node: &Node, result: &VerbResult, age_ms: Option<u64>) -> String {
    let mut object = Map::new();
    let ok = exit::class(&result.outcome).is_none();
    object.insert("v".into(), json!(VERSION));
    object.insert("node".into(), json!(node.name));
    object.insert("ok".into(), json!(ok));
    object.insert("power".into(), json!(result.power.name()));
    object.insert("age_ms".into(), age_ms.map_or(Value::Null, |age| json!(age)));
    if let Some(class) = exit::class(&result.outcome) {
        object.insert("class".into(), json!(class));
        object.insert("reason".into(), json!(reason(&result.outcome)));
    }
    if result.verb != Verb::Status {
        object.insert("verb".into(), json!(result.verb.words()));
        object.insert("confirmed".into(), confirmed(&result.outcome));
        object.insert(
            "elapsed_ms".into(),
            json!(u64::try_from(result.elapsed.as_millis()).unwrap_or(u64::MAX)),
        );
    }
    match &result.outcome {
        Outcome::Boot(setting) => {
            object.insert("device".into(), json!(setting.device.map(crate::fleet::BootDevice::name)));
            object.insert("persistent".into(), json!(setting.persistent));
            object.insert("uefi".into(), json!(setting.uefi));
        }
        Outcome::Info(rows) => {
            let rows: Map<String, Value> =
                rows.iter().map(|(label, value)| (label.clone(), json!(value))).collect();
            object.insert("info".into(), Value::Object(rows));
        }
        Outcome::Raw(bytes) => {
            object.insert("bytes".into(), json!(hex(bytes)));
        }
        _ => {}
    }
    Value::Object(object).to_string()
}

/// What `--dry-run --json` says of one node.
pub fn would_send(node: &str, verb: &Verb, command: &str) -> String {
    json!({"v": VERSION, "node": node, "verb": verb.words(), "would_send": command}).to_string()
}

/// `true`, `false`, or null where the effect cannot be seen.
fn confirmed(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Confirmed | Outcome::Already | Outcome::Boot(_) => Value::Bool(true),
        Outcome::Accepted
        | Outcome::Unseen { .. }
        | Outcome::Status
        | Outcome::Info(_)
        | Outcome::Checkup(_)
        | Outcome::Raw(_)
        | Outcome::SolHolder(_) => Value::Null,
        _ => Value::Bool(false),
    }
}

fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed(fault) => fault.reason.clone(),
        Outcome::Refused(reason) | Outcome::NotConfirmed { reason } => reason.clone(),
        Outcome::Cancelled { sent: Some(sent) } => format!("cancelled after {sent}"),
        Outcome::Cancelled { sent: None } => "cancelled, nothing was sent".into(),
        _ => String::new(),
    }
}

/// Results for people: nodes with the same result are folded into one line.
/// Good results first, then what went wrong, each with its hint on a line of its own.
pub fn folded(nodes: &[Node], results: &[VerbResult]) -> Report {
    let mut good: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut bad: BTreeMap<(String, Option<String>), Vec<String>> = BTreeMap::new();
    for result in results {
        let name = nodes[result.node.index()].name.clone();
        if exit::class(&result.outcome).is_some() {
            bad.entry(complaint(result)).or_default().push(name);
        } else {
            good.entry(success(result)).or_default().push(name);
        }
    }
    let good = good.into_iter().map(|(words, names)| line(&words, &names)).collect();
    let bad = bad
        .into_iter()
        .map(|((words, hint), names)| {
            let hint = hint.map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
            format!("{}: {words}{hint}", NodeSet::fold(&names))
        })
        .collect();
    Report { good, bad }
}

/// Lines for standard output and for standard error.
pub struct Report {
    /// What went well.
    pub good: Vec<String>,
    /// What did not.
    pub bad: Vec<String>,
}

/// `on: r1n[01-14]`, or, where the words have lines of their own, the nodes first.
fn line(words: &str, names: &[String]) -> String {
    let folded = NodeSet::fold(names);
    if words.contains('\n') { format!("{folded}:\n{words}") } else { format!("{words}: {folded}") }
}

fn success(result: &VerbResult) -> String {
    match &result.outcome {
        Outcome::Confirmed if matches!(result.verb, Verb::Identify(_)) => result.verb.words(),
        Outcome::SolHolder(holder) => format!("SOL held by {holder}"),
        Outcome::Already => format!("already {}", result.power),
        Outcome::Accepted => format!("{} accepted", result.verb.words()),
        Outcome::Unseen { reason } => format!("{} accepted ({reason})", result.verb.words()),
        Outcome::Boot(setting) => boot_words(setting),
        Outcome::Info(rows) => {
            let width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
            let rows: Vec<String> =
                rows.iter().map(|(label, value)| format!("  {label:width$}  {value}")).collect();
            rows.join("\n")
        }
        Outcome::Raw(bytes) if bytes.is_empty() => "raw accepted, no data".into(),
        Outcome::Raw(bytes) => format!("raw {}", hex(bytes)),
        _ => result.power.to_string(),
    }
}

fn complaint(result: &VerbResult) -> (String, Option<String>) {
    let words = result.verb.words();
    match &result.outcome {
        Outcome::Failed(Fault { class, reason, hint }) => {
            (format!("{reason} ({})", class.name()), hint.clone())
        }
        Outcome::NotConfirmed { reason } => {
            (format!("{words} was accepted but not confirmed: {reason}"), None)
        }
        Outcome::Refused(reason) => (format!("{words} refused: {reason}"), None),
        other => (format!("{words}: {}", reason(other)), None),
    }
}

/// `boot pxe, persistent, uefi`.
fn boot_words(setting: &BootSetting) -> String {
    let device = setting.device.map_or("unknown device", crate::fleet::BootDevice::name);
    if setting.device == Some(crate::fleet::BootDevice::None) {
        return "boot none".into();
    }
    let life = if setting.persistent { "persistent" } else { "once" };
    let firmware = if setting.uefi { "uefi" } else { "legacy" };
    format!("boot {device}, {life}, {firmware}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The table of `status`: a row a node, in the order asked.
pub fn status_table(nodes: &[Node], results: &[VerbResult]) -> Vec<String> {
    let width =
        results.iter().map(|result| nodes[result.node.index()].name.chars().count()).max().unwrap_or(0);
    results
        .iter()
        .map(|result| {
            let name = &nodes[result.node.index()].name;
            let glyph = match result.power {
                Power::On => "on",
                Power::Off => "off",
                Power::Unknown => "unknown",
            };
            match &result.outcome {
                Outcome::Failed(fault) => {
                    format!("{name:width$}  {glyph:7}  {} ({})", fault.reason, fault.class.name())
                }
                other if exit::class(other).is_some() => {
                    format!("{name:width$}  {glyph:7}  {}", reason(other))
                }
                _ => format!("{name:width$}  {glyph}"),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{FaultClass, NodeId, PowerVerb};
    use crate::hub::message::RequestId;
    use std::time::Duration;

    fn node(id: u32, name: &str) -> Node {
        Node {
            id: NodeId(id),
            name: name.into(),
            tags: Default::default(),
            protected: false,
            read_only: false,
            driver: Some("ipmitool".into()),
            transport: None,
            console: String::new(),
            address: String::new(),
        }
    }

    fn result(id: u32, verb: Verb, outcome: Outcome, power: Power) -> VerbResult {
        VerbResult {
            id: RequestId(1),
            node: NodeId(id),
            verb,
            outcome,
            power,
            elapsed: Duration::from_millis(1500),
        }
    }

    #[test]
    fn json_says_null_where_nothing_can_be_confirmed() {
        let verb = Verb::Power(PowerVerb::Reset);
        let line = json_line(&node(0, "a"), &result(0, verb, Outcome::Accepted, Power::On), None);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["confirmed"], Value::Null);
        assert_eq!(value["ok"], true);
        assert_eq!(value["elapsed_ms"], 1500);
        assert_eq!(value["v"], 1);
    }

    #[test]
    fn a_change_that_was_not_seen_is_success_and_not_confirmed() {
        let unseen = Outcome::Unseen { reason: "on, its off phase was not seen".into() };
        let unseen = result(0, Verb::Power(PowerVerb::Cycle), unseen, Power::On);
        let value: Value = serde_json::from_str(&json_line(&node(0, "a"), &unseen, None)).unwrap();
        assert_eq!((&value["ok"], &value["confirmed"]), (&json!(true), &Value::Null));
        let report = folded(&[node(0, "a")], &[unseen]);
        assert_eq!(report.good, ["power cycle accepted (on, its off phase was not seen): a"]);
        assert!(report.bad.is_empty());
    }

    #[test]
    fn json_names_class_and_reason_of_a_failure() {
        let fault = Fault { class: FaultClass::Auth, reason: "wrong password".into(), hint: None };
        let line =
            json_line(&node(0, "a"), &result(0, Verb::Status, Outcome::Failed(fault), Power::Unknown), None);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&value["class"], &value["reason"]), (&json!("auth"), &json!("wrong password")));
        assert_eq!(value["power"], "unknown");
        assert!(value.get("verb").is_none());
    }

    #[test]
    fn equal_results_are_folded_and_failures_stand_apart() {
        let nodes = [node(0, "n1"), node(1, "n2"), node(2, "n3")];
        let verb = Verb::Power(PowerVerb::Off);
        let fault =
            Fault { class: FaultClass::Unreachable, reason: "no answer".into(), hint: Some("look".into()) };
        let results = [
            result(0, verb.clone(), Outcome::Confirmed, Power::Off),
            result(1, verb.clone(), Outcome::Confirmed, Power::Off),
            result(2, verb, Outcome::Failed(fault), Power::Unknown),
        ];
        let report = folded(&nodes, &results);
        assert_eq!(report.good.len(), 1);
        assert!(report.good[0].starts_with("off: n"), "{}", report.good[0]);
        assert_eq!(report.bad, ["n3: no answer (unreachable)\n  hint: look"]);
    }
}
