//! Puts the nodes together: zips their sets, finds what is there twice, gives them what their tags mean.
//! Reads no secret; `build` attaches those.

use super::console::RawConsole;
use super::credentials::RawCredentials;
use super::draft::RawTag;
use super::error::{At, Place, Problem};
use super::inventory;
use super::node::{IPMI_PORT, RawBmc, RawNode};
use super::sets::{Set, zip};
use super::settings::{BmcSettings, ConsoleSettings, NodeSettings, TagSettings};
use super::words::suggest;
use crate::fleet::NodeSet;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// The nodes as they are put together.
pub(super) struct Fleet<'p> {
    tags: BTreeMap<String, RawTag>,
    nodes: Vec<Pending>,
    /// Where each name is from.
    names: HashMap<String, Place>,
    /// Where each BMC and socket is from and whose it is.
    owners: HashMap<String, (Place, String)>,
    /// What is claimed again: by place, key and the place of the first claim.
    shared: BTreeMap<(Place, &'static str, Place), Shared>,
    /// How often that happened.
    claimed_twice: usize,
    wanted: BTreeSet<String>,
    used_tags: BTreeSet<String>,
    /// Nodes with which something is wrong are left out: the problem need not be the end of all.
    apart: bool,
    /// See [`ConsoleSettings::hidden`].
    hidden: Arc<[String]>,
    problems: &'p mut Vec<Problem>,
}

/// BMCs or sockets that were claimed twice, and whose they are.
#[derive(Default)]
struct Shared {
    identities: Vec<String>,
    claimants: Vec<String>,
    owners: Vec<String>,
}

/// A node whose secrets are not read yet.
pub(super) struct Pending {
    place: Place,
    pub(super) settings: NodeSettings,
    pub(super) credentials: Option<String>,
    pub(super) kg_file: Option<At<PathBuf>>,
}

/// What [`Fleet::finish`] gives.
pub(super) struct Assembled {
    pub(super) nodes: Vec<Pending>,
    /// Every tag in use or configured.
    pub(super) tags: BTreeMap<String, TagSettings>,
    /// Names of the credentials that nodes use.
    pub(super) wanted: BTreeSet<String>,
    pub(super) warnings: Vec<String>,
}

impl<'p> Fleet<'p> {
    pub(super) fn new(
        tags: BTreeMap<String, RawTag>,
        hidden: Arc<[String]>,
        problems: &'p mut Vec<Problem>,
    ) -> Fleet<'p> {
        Fleet {
            tags,
            hidden,
            nodes: Vec::new(),
            names: HashMap::new(),
            owners: HashMap::new(),
            shared: BTreeMap::new(),
            claimed_twice: 0,
            wanted: BTreeSet::new(),
            used_tags: BTreeSet::new(),
            apart: false,
            problems,
        }
    }

    pub(super) fn expand(&mut self, raw: Vec<RawNode>, credentials: &BTreeMap<String, RawCredentials>) {
        for node in raw {
            let name = node.bmc.as_ref().and_then(|bmc| bmc.credentials.as_ref());
            let had = name.is_none_or(|name| self.want(name, credentials));
            if had || !self.apart {
                self.expand_one(node);
            }
        }
        self.report_shared();
    }

    /// Whether nothing was wrong so far.
    pub(super) fn is_right(&self) -> bool {
        self.problems.is_empty()
    }

    /// Expands nodes of inventories; those with which something is wrong are left out. Gives the problems.
    pub(super) fn expand_apart(
        &mut self,
        raw: Vec<RawNode>,
        credentials: &BTreeMap<String, RawCredentials>,
    ) -> Vec<Problem> {
        let before = std::mem::take(self.problems);
        self.apart = true;
        self.expand(raw, credentials);
        self.apart = false;
        let mut faults = std::mem::replace(self.problems, before);
        let mut told = BTreeSet::new();
        faults.retain(|fault| told.insert((fault.place.clone(), fault.text.clone())));
        inventory::limit(&mut faults);
        faults
    }

    /// Whether there are such credentials; reports it if not.
    fn want(&mut self, name: &At<String>, credentials: &BTreeMap<String, RawCredentials>) -> bool {
        if credentials.contains_key(&name.value) {
            self.wanted.insert(name.value.clone());
            return true;
        }
        let text = format!("there are no credentials \"{}\"", name.value);
        let help = if credentials.is_empty() {
            format!("write a [credentials.{}] with username and password_file", name.value)
        } else {
            suggest(&name.value, credentials.keys().map(String::as_str))
        };
        self.problems.push(Problem::new(&name.place, "node.bmc.credentials", text).help(help));
        false
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
            let claimed = self.claimed_twice;
            let bmc = raw.bmc.as_ref().map(|bmc| self.bmc(bmc, name, at));
            let console = raw.console.as_ref().map(|console| self.console(console, name, at));
            // It would act on the node that it shares with.
            if self.apart && self.claimed_twice > claimed {
                continue;
            }
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
            self.problems.push(Problem::new(&name.place, "node.name", text).help(help));
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
        // A console server has one address for many nodes, and a port for each.
        let console = raw.console.as_ref();
        for (set, key, what) in [
            (console.and_then(|console| console.host.as_ref()), "console.host", "host"),
            (console.and_then(|console| console.port.as_ref()), "console.port", "port"),
        ] {
            if let Some(set) = set.filter(|set| set.value.names.len() > 1) {
                self.problems.extend(zip(&raw.name.value, set, key, what).err());
            }
        }
        let start = raw.bmc.as_ref().and_then(|bmc| bmc.start.as_ref());
        self.check_command(raw, start, "node.bmc.start", "start command", "start the same machine");
        let argv = console.and_then(|console| console.argv.as_ref());
        self.check_command(raw, argv, "node.console.argv", "command", "open the same console");
        self.problems.len() == before
    }

    /// A command of several nodes must name its node.
    fn check_command(
        &mut self,
        raw: &RawNode,
        words: Option<&At<Vec<String>>>,
        key: &str,
        what: &str,
        would: &str,
    ) {
        if let Some(words) = words
            && raw.name.value.names.len() > 1
            && !words.value.iter().any(|word| word.contains("{name}"))
        {
            let text = format!("one {what} for several nodes would {would} for each");
            let help = "write {name} where the node's name belongs";
            self.problems.push(Problem::new(&words.place, key, text).help(help));
        }
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
            quirks: raw.quirks.clone(),
            keep_login: raw.keep_login,
            qmp: qmp.map(PathBuf::from),
            start: raw.start.as_ref().map(|words| named(&words.value, name)),
        }
    }

    fn console(&mut self, raw: &RawConsole, name: &str, at: usize) -> ConsoleSettings {
        let of = |set: &Option<At<Set>>| RawConsole::of(set.as_ref(), at).cloned();
        let (path, host, port) = (of(&raw.path), of(&raw.host), of(&raw.port));
        if let (Some(set), Some(path)) = (&raw.path, &path) {
            let serial = raw.transport == "serial";
            let key = if serial { "node.console.device" } else { "node.console.path" };
            self.own(path.clone(), set, key, name);
        }
        if let (Some(set), Some(host), Some(port)) = (&raw.host, &host, &port) {
            self.own(format!("tcp {}:{port}", host.to_ascii_lowercase()), set, "node.console.host", name);
        }
        ConsoleSettings {
            transport: raw.transport.clone(),
            path: path.map(PathBuf::from),
            host,
            port: port.and_then(|port| port.parse().ok()),
            argv: raw.argv.iter().flat_map(|words| named(&words.value, name)).collect(),
            escape: raw.escape.clone(),
            hidden: Arc::clone(&self.hidden),
            line: raw.line,
            charset: raw.charset,
            size: raw.size,
            force_wrap: raw.force_wrap,
            log: raw.log,
        }
    }

    /// Two nodes with one BMC or one socket would act on each other.
    fn own(&mut self, identity: String, set: &At<Set>, key: &'static str, node: &str) {
        match self.owners.get(&identity) {
            Some((first, owner)) => {
                let shared = self.shared.entry((set.place.clone(), key, first.clone())).or_default();
                shared.identities.push(identity);
                shared.claimants.push(node.to_owned());
                shared.owners.push(owner.clone());
                self.claimed_twice += 1;
            }
            None => {
                self.owners.insert(identity, (set.place.clone(), node.to_owned()));
            }
        }
    }

    /// Reports what [`Fleet::own`] found, folded.
    fn report_shared(&mut self) {
        for ((place, key, first), shared) in std::mem::take(&mut self.shared) {
            let (what, owners) = (NodeSet::fold(&shared.identities), NodeSet::fold(&shared.owners));
            // Of an inventory the place does not tell whose it was to be.
            let claimants = NodeSet::fold(&shared.claimants);
            let text = format!("{what} of {claimants} already belongs to {owners} at {first}");
            let help = "each belongs to one node: what is done to one node would be done to the other";
            self.problems.push(Problem::new(&place, key, text).help(help));
        }
    }

    /// The nodes, and what was learnt on the way. Only if they are `complete` is it a mistake that nobody uses
    /// something.
    pub(super) fn finish(self, credentials: &BTreeMap<String, RawCredentials>, complete: bool) -> Assembled {
        let mut warnings = Vec::new();
        let mut idle: BTreeMap<&Place, Vec<&str>> = BTreeMap::new();
        for node in &self.nodes {
            if node.settings.bmc.is_none() && node.settings.console.is_none() {
                idle.entry(&node.place).or_default().push(&node.settings.name);
            }
        }
        for (place, names) in idle {
            let (word, verb) = if names.len() == 1 { ("node", "has") } else { ("nodes", "have") };
            let names = NodeSet::fold(&names);
            warnings.push(format!("{place}: {word} {names} {verb} neither bmc nor console"));
        }
        for (name, raw) in credentials {
            if complete && !self.wanted.contains(name) {
                warnings.push(format!("{}: no node uses the credentials \"{name}\"", raw.name.place));
            }
        }
        let mut tags: BTreeMap<String, TagSettings> = BTreeMap::new();
        for tag in &self.used_tags {
            tags.insert(tag.clone(), TagSettings::default());
        }
        for (name, raw) in &self.tags {
            let on = |flag: &Option<At<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
            if complete && !self.used_tags.contains(name) {
                let help = suggest(name, self.used_tags.iter().map(String::as_str));
                let place = &raw.name.place;
                warnings
                    .push(format!("{place}: no node has the tag \"{name}\", so it protects nothing; {help}"));
            }
            let tag = TagSettings { protected: on(&raw.protected), read_only: on(&raw.read_only) };
            tags.insert(name.clone(), tag);
        }
        Assembled { nodes: self.nodes, tags, wanted: self.wanted, warnings }
    }
}

/// A command's words with the node's name where it belongs.
fn named(words: &[String], name: &str) -> Vec<String> {
    words.iter().map(|word| word.replace("{name}", name)).collect()
}
