//! From what the files say to [`Settings`]: defaults, checks over several keys, secrets.

use super::assemble::{Assembled, Fleet, Pending};
use super::command::SECRETS;
use super::credentials::{RawCredentials, read_kg};
use super::draft::Draft;
use super::error::{At, Problem};
use super::inventory;
use super::load::{Inventories, LoadOptions};
use super::paths;
use super::secret::Secret;
use super::settings::{
    Credentials, NodeSettings, PollSettings, PowerSettings, ScreenSettings, Settings, TableSettings,
};
use super::units::show_duration;
use crate::fleet::SortKey;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Makes the settings. Whatever is wrong with the files goes to `problems`; then the settings must not be used.
/// Also given are warnings and what is wrong with inventories.
pub(super) fn build(
    draft: Draft,
    options: &LoadOptions<'_>,
    problems: &mut Vec<Problem>,
) -> (Settings, Vec<String>, Vec<Problem>) {
    check_intervals(&draft, problems);
    let state_dir = draft.state_dir.map(|path| path.value);
    let state_dir = state_dir.or_else(|| paths::state_dir(options.env)).unwrap_or_else(|| {
        let text = "cannot tell where to keep the audit trail: neither HOME nor XDG_STATE_HOME is set";
        problems.push(Problem::nowhere(text).help("set one of them, or state_dir in [paths]"));
        PathBuf::new()
    });
    let hidden = variables(&draft.credentials).into_iter().chain(SECRETS).map(str::to_owned).collect();
    let mut fleet = Fleet::new(draft.tags, hidden, problems);
    fleet.expand(draft.nodes, &draft.credentials);
    let mut faults = Vec::new();
    // Programs run last, and only when nothing else is wrong.
    if fleet.is_right() && !draft.inventories.is_empty() {
        let hidden = variables(&draft.credentials);
        let nodes = inventory::gather(&draft.inventories, options, &hidden, &mut faults);
        faults.extend(fleet.expand_apart(nodes, &draft.credentials));
    }
    let Assembled { nodes, tags, wanted, mut warnings } = fleet.finish(&draft.credentials, faults.is_empty());
    // Here, so that no password command runs for nothing.
    if options.inventories == Inventories::Strict {
        problems.append(&mut faults);
    }
    let nodes = attach_secrets(nodes, &draft.credentials, &wanted, options, problems);
    if nodes.is_empty() {
        warnings.push("no node is configured".into());
    }
    let number = |value: Option<At<i64>>, default: u32| {
        value.map_or(default, |number| u32::try_from(number.value).unwrap_or(default))
    };
    let prefix = or(draft.prefix, || "ctrl-]".to_owned());
    let keys = draft.keys.finish(&options.keys, &prefix, problems);
    let settings = Settings {
        theme: or(draft.theme, || "default".to_owned()),
        poll: PollSettings {
            interval: or(draft.interval, || INTERVAL),
            min_command_interval: or(draft.min_command_interval, || MIN_COMMAND_INTERVAL),
            max_in_flight: number(draft.max_in_flight, 64) as usize,
        },
        power: PowerSettings {
            timeout: or(draft.timeout, || Duration::from_secs(60)),
            soft_timeout: or(draft.soft_timeout, || Duration::from_secs(600)),
            stagger: or(draft.stagger, || Duration::from_millis(500)),
        },
        screen: ScreenSettings {
            fps: number(draft.fps, 30),
            fps_ssh: number(draft.fps_ssh, 10),
            prefix,
            color: or(draft.color, || "auto".to_owned()),
            glyphs: or(draft.glyphs, || "auto".to_owned()),
            restore: or(draft.restore, || true),
            mouse: or(draft.mouse, || false),
        },
        table: TableSettings {
            columns: or(draft.columns, || options.columns.iter().map(|name| (*name).to_owned()).collect()),
            sort: draft.sort.and_then(|word| SortKey::named(&word.value)).unwrap_or_default(),
        },
        keys,
        log_dir: or(draft.log_dir, || state_dir.join("consoles")),
        log_max_bytes: or(draft.log_max_size, || 10_000_000),
        scrollback: number(draft.scrollback, 2000) as usize,
        state_dir,
        runtime_dir: or(draft.runtime_dir, || {
            paths::runtime_dir(&options.shared_runtime, options.env, options.euid)
        }),
        ipmitool: or(draft.ipmitool, || PathBuf::from("ipmitool")),
        nodes,
        tags,
    };
    (settings, warnings, faults)
}

/// The environment variables that hold passwords.
fn variables(credentials: &BTreeMap<String, RawCredentials>) -> Vec<&str> {
    credentials.values().filter_map(RawCredentials::variable).collect()
}

const INTERVAL: Duration = Duration::from_secs(30);
const MIN_COMMAND_INTERVAL: Duration = Duration::from_secs(5);

fn or<T>(value: Option<At<T>>, default: impl FnOnce() -> T) -> T {
    value.map_or_else(default, |value| value.value)
}

fn check_intervals(draft: &Draft, problems: &mut Vec<Problem>) {
    let value = |at: &Option<At<Duration>>, default| at.as_ref().map_or(default, |at| at.value);
    let interval = value(&draft.interval, INTERVAL);
    let shortest = value(&draft.min_command_interval, MIN_COMMAND_INTERVAL);
    let (key, place) = match (&draft.interval, &draft.min_command_interval) {
        (Some(at), _) => ("poll.interval", &at.place),
        (None, Some(at)) => ("poll.min_command_interval", &at.place),
        (None, None) => return,
    };
    if interval < shortest {
        let text = format!(
            "the interval of {} is shorter than the min_command_interval of {}",
            show_duration(interval),
            show_duration(shortest)
        );
        problems.push(
            Problem::new(place, key, text).help("no BMC can be polled more often than it may be talked to"),
        );
    }
}

/// Reads every secret once. Commands last, and only when nothing is wrong: they may ask their user.
fn attach_secrets(
    nodes: Vec<Pending>,
    credentials: &BTreeMap<String, RawCredentials>,
    wanted: &BTreeSet<String>,
    options: &LoadOptions<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<NodeSettings> {
    let mut known: HashMap<&str, Option<Arc<Credentials>>> = HashMap::new();
    // One credential's command has no business with another's password.
    let hidden = variables(credentials);
    let read = |raw: &RawCredentials, problems: &mut Vec<Problem>| {
        raw.resolve(options, &hidden, problems).map(Arc::new)
    };
    for (name, raw) in credentials.iter().filter(|(_, raw)| !raw.is_command()) {
        known.insert(name, read(raw, problems));
    }
    let kgs = read_kgs(&nodes, problems);
    for (name, raw) in credentials.iter().filter(|(_, raw)| raw.is_command()) {
        if wanted.contains(name) && problems.is_empty() {
            known.insert(name, read(raw, problems));
        }
    }
    nodes
        .into_iter()
        .map(|mut node| {
            if let Some(bmc) = &mut node.settings.bmc {
                let name = node.credentials.as_deref();
                bmc.credentials = name.and_then(|name| known.get(name).cloned().flatten());
                let printable = bmc.driver == "ipmitool";
                bmc.kg = node.kg_file.and_then(|path| kgs.get(&(path.value, printable)).cloned().flatten());
            }
            node.settings
        })
        .collect()
}

/// A Kg file, and whether its key must be printable, as ipmitool needs it.
type KgFile = (PathBuf, bool);

/// Reads each Kg file once for each kind of driver.
fn read_kgs(nodes: &[Pending], problems: &mut Vec<Problem>) -> HashMap<KgFile, Option<Secret>> {
    let mut kgs = HashMap::new();
    for node in nodes {
        let (Some(bmc), Some(path)) = (&node.settings.bmc, &node.kg_file) else {
            continue;
        };
        let file = (path.value.clone(), bmc.driver == "ipmitool");
        if kgs.contains_key(&file) {
            continue;
        }
        let kg = match read_kg(&file.0, file.1) {
            Ok(kg) => Some(kg),
            Err((text, help)) => {
                problems.push(Problem::new(&path.place, "node.bmc.kg_file", text).help(help));
                None
            }
        };
        kgs.insert(file, kg);
    }
    kgs
}
