//! From what the files say to [`Settings`]: defaults, checks over several keys, secrets, nodes.

use super::credentials::{RawCredentials, read_kg};
use super::draft::{Draft, RawTag};
use super::error::{At, Place, Problem};
use super::load::LoadOptions;
use super::node::{IPMI_PORT, RawBmc, RawConsole, RawNode, Set, zip};
use super::paths;
use super::secret::Secret;
use super::section::suggest;
use super::settings::{
    BmcSettings, ConsoleSettings, Credentials, NodeSettings, PollSettings, PowerSettings, ScreenSettings,
    Settings, TagSettings,
};
use super::units::show_duration;
use crate::fleet::NodeSet;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Makes the settings. Whatever is wrong goes to `problems`; then the settings must not be used.
pub(super) fn build(
    draft: Draft,
    options: &LoadOptions<'_>,
    problems: &mut Vec<Problem>,
) -> (Settings, Vec<String>) {
    check_intervals(&draft, problems);
    let state_dir = draft.state_dir.map(|path| path.value);
    let state_dir = state_dir
        .or_else(|| paths::state_dir(options.env))
        .unwrap_or_else(|| {
            let text = "cannot tell where to keep the audit trail: neither HOME nor XDG_STATE_HOME is set";
            problems.push(Problem::nowhere(text).help("set one of them, or state_dir in [paths]"));
            PathBuf::new()
        });
    let mut fleet = Fleet::new(draft.tags, problems);
    fleet.expand(draft.nodes, &draft.credentials);
    let (nodes, tags, wanted, mut warnings) = fleet.finish(&draft.credentials);
    let nodes = attach_secrets(nodes, &draft.credentials, &wanted, options, problems);
    if nodes.is_empty() {
        warnings.push("no node is configured".into());
    }
    let number = |value: Option<At<i64>>, default: u32| {
        value.map_or(default, |number| u32::try_from(number.value).unwrap_or(default))
    };
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
            prefix: or(draft.prefix, || "ctrl-]".to_owned()),
            color: or(draft.color, || "auto".to_owned()),
            glyphs: or(draft.glyphs, || "auto".to_owned()),
        },
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
    (settings, warnings)
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

/// The nodes as they are put together.
struct Fleet<'p> {
    tags: BTreeMap<String, RawTag>,
    nodes: Vec<Pending>,
    /// Where each name is from.
    names: HashMap<String, Place>,
    /// Where each BMC and socket is from and whose it is.
    owners: HashMap<String, (Place, String)>,
    /// What is claimed again: by place, key and the place of the first claim; what, and whose it is.
    shared: BTreeMap<(Place, &'static str, Place), (Vec<String>, Vec<String>)>,
    wanted: BTreeSet<String>,
    used_tags: BTreeSet<String>,
    problems: &'p mut Vec<Problem>,
}

/// A node whose secrets are not read yet.
struct Pending {
    place: Place,
    settings: NodeSettings,
    credentials: Option<String>,
    kg_file: Option<At<PathBuf>>,
}

impl<'p> Fleet<'p> {
    fn new(tags: BTreeMap<String, RawTag>, problems: &'p mut Vec<Problem>) -> Fleet<'p> {
        Fleet {
            tags,
            nodes: Vec::new(),
            names: HashMap::new(),
            owners: HashMap::new(),
            shared: BTreeMap::new(),
            wanted: BTreeSet::new(),
            used_tags: BTreeSet::new(),
            problems,
        }
    }

    fn expand(&mut self, raw: Vec<RawNode>, credentials: &BTreeMap<String, RawCredentials>) {
        for node in raw {
            if let Some(name) = node.bmc.as_ref().and_then(|bmc| bmc.credentials.as_ref()) {
                self.want(name, credentials);
            }
            self.expand_one(node);
        }
        self.report_shared();
    }

    fn want(&mut self, name: &At<String>, credentials: &BTreeMap<String, RawCredentials>) {
        if credentials.contains_key(&name.value) {
            self.wanted.insert(name.value.clone());
            return;
        }
        let text = format!("there are no credentials \"{}\"", name.value);
        let help = if credentials.is_empty() {
            format!(
                "write a [credentials.{}] with username and password_file",
                name.value
            )
        } else {
            suggest(&name.value, credentials.keys().map(String::as_str))
        };
        self.problems
            .push(Problem::new(&name.place, "node.bmc.credentials", text).help(help));
    }

    fn expand_one(&mut self, raw: RawNode) {
        // Both are looked at; a node that repeats another would repeat its address too.
        let (new, fits) = (self.check_names(&raw.name), self.check_lengths(&raw));
        if !new || !fits {
            return;
        }
        let tags: Vec<String> = raw.tags.iter().map(|tag| tag.value.clone()).collect();
        self.used_tags.extend(tags.iter().cloned());
        let flag = |get: fn(&RawTag) -> &Option<At<bool>>| {
            tags.iter()
                .filter_map(|tag| self.tags.get(tag))
                .any(|tag| get(tag).as_ref().is_some_and(|flag| flag.value))
        };
        let (protected, read_only) = (flag(|tag| &tag.protected), flag(|tag| &tag.read_only));
        for (at, name) in raw.name.value.names.iter().enumerate() {
            let bmc = raw.bmc.as_ref().map(|bmc| self.bmc(bmc, name, at));
            let console = raw
                .console
                .as_ref()
                .map(|console| self.console(console, name, at));
            self.nodes.push(Pending {
                place: raw.place.clone(),
                settings: NodeSettings {
                    name: name.clone(),
                    tags: tags.clone(),
                    protected,
                    read_only,
                    bmc,
                    console,
                },
                credentials: raw
                    .bmc
                    .as_ref()
                    .and_then(|bmc| bmc.credentials.as_ref())
                    .map(|name| name.value.clone()),
                kg_file: raw.bmc.as_ref().and_then(|bmc| bmc.kg_file.clone()),
            });
        }
    }

    /// Reports names that exist already, folded, once for each place where they were first.
    fn check_names(&mut self, name: &At<Set>) -> bool {
        let mut twice: BTreeMap<Place, Vec<&str>> = BTreeMap::new();
        for one in &name.value.names {
            match self.names.get(one) {
                Some(first) => twice.entry(first.clone()).or_default().push(one),
                None => {
                    self.names.insert(one.clone(), name.place.clone());
                }
            }
        }
        for (first, names) in &twice {
            let word = if names.len() == 1 { "node" } else { "nodes" };
            let text = format!("{word} {} already configured at {first}", NodeSet::fold(names));
            let help = "every node has one [[node]]: remove or rename one";
            self.problems
                .push(Problem::new(&name.place, "node.name", text).help(help));
        }
        twice.is_empty()
    }

    fn check_lengths(&mut self, raw: &RawNode) -> bool {
        let address = raw.bmc.as_ref().and_then(|bmc| bmc.address.as_ref());
        let qmp = raw.bmc.as_ref().and_then(|bmc| bmc.qmp.as_ref());
        let path = raw.console.as_ref().and_then(|console| console.path.as_ref());
        let sets = [
            (address, "bmc.address", "address"),
            (qmp, "bmc.qmp", "socket"),
            (path, "console.path", "socket"),
        ];
        let before = self.problems.len();
        for (set, key, what) in sets {
            if let Some(set) = set {
                self.problems.extend(zip(&raw.name.value, set, key, what).err());
            }
        }
        if let Some(start) = raw.bmc.as_ref().and_then(|bmc| bmc.start.as_ref())
            && raw.name.value.names.len() > 1
            && !start.value.iter().any(|word| word.contains("{name}"))
        {
            let text = "one start command for several nodes would start the same machine for each";
            self.problems.push(
                Problem::new(&start.place, "node.bmc.start", text)
                    .help("write {name} where the node's name belongs"),
            );
        }
        self.problems.len() == before
    }

    fn bmc(&mut self, raw: &RawBmc, name: &str, at: usize) -> BmcSettings {
        let address = raw.address.as_ref().map(|set| set.value.names[at].clone());
        let qmp = raw.qmp.as_ref().map(|set| set.value.names[at].clone());
        if let (Some(set), Some(address)) = (&raw.address, &address) {
            let port = match raw.port {
                IPMI_PORT => String::new(),
                port => format!(":{port}"),
            };
            let identity = format!("{}{port}", address.to_ascii_lowercase());
            self.own(identity, set, "node.bmc.address", name);
        }
        if let (Some(set), Some(path)) = (&raw.qmp, &qmp) {
            self.own(path.clone(), set, "node.bmc.qmp", name);
        }
        BmcSettings {
            driver: raw.driver.clone(),
            address,
            port: raw.port,
            credentials: None,
            privilege: raw.privilege,
            cipher_suites: raw.cipher_suites.clone(),
            kg: None,
            qmp: qmp.map(PathBuf::from),
            start: raw.start.as_ref().map(|words| {
                words
                    .value
                    .iter()
                    .map(|word| word.replace("{name}", name))
                    .collect()
            }),
        }
    }

    fn console(&mut self, raw: &RawConsole, name: &str, at: usize) -> ConsoleSettings {
        let path = raw.path.as_ref().map(|set| set.value.names[at].clone());
        if let (Some(set), Some(path)) = (&raw.path, &path) {
            self.own(path.clone(), set, "node.console.path", name);
        }
        ConsoleSettings {
            transport: raw.transport.clone(),
            path: path.map(PathBuf::from),
            charset: raw.charset,
            size: raw.size,
            log: raw.log,
        }
    }

    /// Two nodes with one BMC or one socket would act on each other.
    fn own(&mut self, identity: String, set: &At<Set>, key: &'static str, node: &str) {
        match self.owners.get(&identity) {
            Some((first, owner)) => {
                let shared = self
                    .shared
                    .entry((set.place.clone(), key, first.clone()))
                    .or_default();
                shared.0.push(identity);
                shared.1.push(owner.clone());
            }
            None => {
                self.owners.insert(identity, (set.place.clone(), node.to_owned()));
            }
        }
    }

    /// Reports what [`Fleet::own`] found, folded.
    fn report_shared(&mut self) {
        for ((place, key, first), (identities, owners)) in std::mem::take(&mut self.shared) {
            let (what, owners) = (NodeSet::fold(&identities), NodeSet::fold(&owners));
            let text = format!("{what} already belongs to {owners} at {first}");
            let help = "each belongs to one node: what is done to one node would be done to the other";
            self.problems.push(Problem::new(&place, key, text).help(help));
        }
    }

    #[expect(clippy::type_complexity, reason = "taken apart at once by its only caller")]
    fn finish(
        self,
        credentials: &BTreeMap<String, RawCredentials>,
    ) -> (
        Vec<Pending>,
        BTreeMap<String, TagSettings>,
        BTreeSet<String>,
        Vec<String>,
    ) {
        let mut warnings = Vec::new();
        for node in &self.nodes {
            if node.settings.bmc.is_none() && node.settings.console.is_none() {
                let name = &node.settings.name;
                warnings.push(format!("{}: node {name} has neither bmc nor console", node.place));
            }
        }
        for (name, raw) in credentials {
            if !self.wanted.contains(name) {
                warnings.push(format!(
                    "{}: no node uses the credentials \"{name}\"",
                    raw.name.place
                ));
            }
        }
        let mut tags: BTreeMap<String, TagSettings> = BTreeMap::new();
        for tag in &self.used_tags {
            tags.insert(tag.clone(), TagSettings::default());
        }
        for (name, raw) in &self.tags {
            let on = |flag: &Option<At<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
            if !self.used_tags.contains(name) {
                let help = suggest(name, self.used_tags.iter().map(String::as_str));
                let place = &raw.name.place;
                warnings.push(format!(
                    "{place}: no node has the tag \"{name}\", so it protects nothing; {help}"
                ));
            }
            let tag = TagSettings {
                protected: on(&raw.protected),
                read_only: on(&raw.read_only),
            };
            tags.insert(name.clone(), tag);
        }
        (self.nodes, tags, self.wanted, warnings)
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
    let read = |raw: &RawCredentials, problems: &mut Vec<Problem>| {
        raw.resolve(options.env, options.secrets, problems).map(Arc::new)
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
                bmc.kg = node
                    .kg_file
                    .and_then(|path| kgs.get(&path.value).cloned().flatten());
            }
            node.settings
        })
        .collect()
}

/// Reads each Kg file once.
fn read_kgs(nodes: &[Pending], problems: &mut Vec<Problem>) -> HashMap<PathBuf, Option<Secret>> {
    let mut kgs = HashMap::new();
    for node in nodes {
        let (Some(bmc), Some(path)) = (&node.settings.bmc, &node.kg_file) else {
            continue;
        };
        if kgs.contains_key(&path.value) {
            continue;
        }
        let kg = match read_kg(&path.value, bmc.driver == "ipmitool") {
            Ok(kg) => Some(kg),
            Err((text, help)) => {
                problems.push(Problem::new(&path.place, "node.bmc.kg_file", text).help(help));
                None
            }
        };
        kgs.insert(path.value.clone(), kg);
    }
    kgs
}
