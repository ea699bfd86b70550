//! The nodes: one login per BMC through the hub, so that its pace and other processes are respected, and
//! a look at the sockets of machines and consoles.
//!
//! A BMC whose login failed for good is left alone unless the operator named its node.

use super::Targets;
use super::check::{Check, Level, Report};
use super::hosts::Hosts;
use crate::bmc;
use crate::cli::exit::Exit;
use crate::cli::say_error;
use crate::config::{BmcSettings, NodeSettings, Settings};
use crate::fleet::{Checkup, Fault, FaultClass, Freshness, NodeId, Power, SolState, Verb};
use crate::hub::message::{Outcome, PollReason, Request, RequestId, Update};
use crate::hub::{Hub, HubHandle, HubOptions};
use nix::unistd::{AccessFlags, eaccess};
use std::collections::HashMap;
use std::fs::{FileType, Metadata};
use std::io::{ErrorKind, IsTerminal};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

const REQUEST: RequestId = RequestId(1);
/// A turn at a BMC that nobody holds comes sooner.
const TURN: Duration = Duration::from_secs(60);
/// What a BMC that does not answer takes of a slot.
const DEAD: Duration = Duration::from_secs(20);

/// What is looked at.
pub(super) struct Doctor<'a> {
    pub settings: &'a Settings,
    pub targets: &'a Targets,
    pub no_login: bool,
    pub operator: String,
}

/// How a login went.
enum Login {
    Went(Box<Checkup>),
    Failed(Fault),
    /// It failed for good before, and was not tried.
    Marked(Fault),
    /// There is nothing to log in to.
    Left(&'static str),
}

/// In place of the section, when nobody knows the nodes.
pub(super) fn not_without_configuration() -> Check {
    Check::ok("login", "", "no node is looked at before the configuration is right")
}

impl Doctor<'_> {
    /// Logs in and prints the section.
    pub async fn run(&self, report: &mut Report) -> anyhow::Result<()> {
        let nothing = self.no_login || self.targets.nodes.is_empty();
        let logins = if nothing { Ok(HashMap::new()) } else { self.logins().await? };
        let mut checks = Vec::new();
        if let Err(fault) = &logins {
            let remedy = fault.hint.clone().unwrap_or_else(|| "see above".into());
            checks.push(Check::fail("login", "", format!("not tried: {}", fault.reason), remedy));
        }
        let logins = logins.unwrap_or_default();
        let nodes = self.targets.nodes.iter().map(|id| &self.settings.nodes[id.index()]);
        let hosts = Hosts::of(nodes).await;
        for id in &self.targets.nodes {
            let node = &self.settings.nodes[id.index()];
            if let Some(login) = logins.get(id) {
                checks.extend(told(node, login));
            } else if let Some(path) = node.bmc.as_ref().and_then(|bmc| bmc.qmp.as_ref()) {
                checks.push(socket("QMP", &node.name, path));
            }
            checks.extend(console(node, &hosts));
        }
        report.folded("nodes", &checks);
        Ok(())
    }

    /// One login per BMC. `Err`: none could be tried.
    async fn logins(&self) -> anyhow::Result<Result<HashMap<NodeId, Login>, Fault>> {
        let options = HubOptions { poll: false, read_only: true, operator: self.operator.clone() };
        let (hub, handle) = match Hub::start(Arc::new(self.settings.clone()), options).await {
            Ok(started) => started,
            Err(fault) => return Ok(Err(fault)),
        };
        let logins = self.ask(&handle).await;
        hub.stop().await;
        logins.map(Ok)
    }

    /// How long a login may wait for its turn: all before it may be dead.
    fn patience(&self, logins: usize) -> Duration {
        let rounds = logins / self.settings.poll.max_in_flight.max(1);
        TURN + DEAD * u32::try_from(rounds).unwrap_or(u32::MAX)
    }

    async fn ask(&self, hub: &HubHandle) -> anyhow::Result<HashMap<NodeId, Login>> {
        let mut logins = HashMap::new();
        let mut asked: Vec<NodeId> = Vec::new();
        let marked = if self.targets.named { HashMap::new() } else { marked(hub).await };
        for id in &self.targets.nodes {
            if self.settings.nodes[id.index()].bmc.is_none() {
                logins.insert(*id, Login::Left("no BMC is configured: there is nothing to log in to"));
            } else if let Some(fault) = marked.get(id) {
                logins.insert(*id, Login::Marked(fault.clone()));
            } else {
                asked.push(*id);
            }
        }
        if asked.is_empty() {
            return Ok(logins);
        }
        if std::io::stderr().is_terminal() {
            say_error(&format!("\nlogging in to {} BMCs and monitors ...", asked.len()));
        }
        hub.try_send(Request::Verb {
            id: REQUEST,
            verb: Verb::Checkup,
            nodes: asked.clone(),
            timeout: Some(self.patience(asked.len())),
            wait: true,
        })?;
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut missing = asked.len();
        while missing > 0 {
            let updates = tokio::select! {
                updates = hub.updates() => updates,
                _ = interrupt.recv() => None,
                _ = terminate.recv() => None,
            };
            let Some(updates) = updates else { break };
            for update in updates {
                if let Update::Done(result) = update {
                    missing -= 1;
                    logins.insert(result.node, outcome(result.outcome));
                }
            }
        }
        let interrupted =
            Fault { class: FaultClass::Local, reason: "interrupted before it answered".into(), hint: None };
        for id in asked {
            logins.entry(id).or_insert_with(|| Login::Failed(interrupted.clone()));
        }
        Ok(logins)
    }
}

fn told(node: &NodeSettings, login: &Login) -> Vec<Check> {
    let name = &node.name;
    match login {
        Login::Left(why) => vec![Check::ok("login", name, *why)],
        Login::Marked(fault) => {
            let text = format!("{}; it failed before and was not tried again", fault.reason);
            let remedy = "mend it, then name the node: lightsout doctor NODE tries once more";
            let fault = Fault { hint: Some(remedy.into()), ..fault.clone() };
            vec![failed(name, &fault, text)]
        }
        Login::Failed(fault) => vec![failed(name, fault, fault.reason.clone())],
        Login::Went(checkup) => went(node, checkup),
    }
}

/// Whose login failed for good, as other processes noted.
async fn marked(hub: &HubHandle) -> HashMap<NodeId, Fault> {
    // The first updates are everything that is known of every node.
    let updates = hub.updates().await.unwrap_or_default();
    let marks = updates.into_iter().filter_map(|update| match update {
        Update::Node(status) if status.why == PollReason::AuthFinal => match status.seen.freshness {
            Freshness::Failed(fault) => Some((status.node, fault)),
            _ => None,
        },
        _ => None,
    });
    marks.collect()
}

fn outcome(outcome: Outcome) -> Login {
    let local = |reason: String| Fault { class: FaultClass::Local, reason, hint: None };
    match outcome {
        Outcome::Checkup(checkup) => Login::Went(checkup),
        Outcome::Failed(fault) => Login::Failed(fault),
        Outcome::Refused(reason) => Login::Failed(local(reason)),
        Outcome::Cancelled { .. } => Login::Failed(local("ended before it answered".into())),
        other => Login::Failed(local(format!("an answer that does not fit: {other:?}"))),
    }
}

fn failed(name: &str, fault: &Fault, text: String) -> Check {
    let exit = if fault.class == FaultClass::Local { Exit::Usage } else { Exit::Failed };
    let remedy = bmc::remedy(fault);
    let text = format!("{text} ({})", fault.class.name());
    Check { topic: topic(fault.class), level: Level::Fail(exit), ..Check::fail("login", name, text, remedy) }
}

/// What happened, above the nodes it happened to.
fn topic(class: FaultClass) -> &'static str {
    match class {
        FaultClass::Unreachable => "not reached",
        FaultClass::Timeout => "fell silent",
        FaultClass::Auth => "authentication failed",
        FaultClass::Busy => "busy",
        FaultClass::Unsupported => "not supported",
        FaultClass::Rejected => "refused",
        FaultClass::Protocol => "not understood",
        FaultClass::Local => "trouble on this machine",
    }
}

/// A login that went well, and what is odd about the BMC all the same.
fn went(node: &NodeSettings, checkup: &Checkup) -> Vec<Check> {
    let name = &node.name;
    let mut words = vec![match &checkup.detail {
        Some(detail) => format!("{} ({detail})", checkup.power.name()),
        None => checkup.power.name().to_owned(),
    }];
    words.extend(checkup.suite.map(|suite| format!("suite {suite}")));
    words.extend(checkup.privilege.clone());
    let value = |label: &str| checkup.identity.iter().find(|row| row.0 == label).map(|row| row.1.as_str());
    words.extend(value("QEMU").map(|version| format!("QEMU {version}")));
    words.extend(value("Manufacturer ID").map(|maker| format!("manufacturer {maker}")));
    // `1 (0x0001)`
    let product = value("Product ID").and_then(|product| product.split(' ').next());
    words.extend(product.map(|product| format!("product {product}")));
    words.extend(value("Firmware Revision").map(|firmware| format!("firmware {firmware}")));
    match &checkup.sol {
        Some(SolState::Free) => words.push("SOL free".into()),
        Some(SolState::Held(Some(who))) => words.push(format!("SOL held by {who}")),
        Some(SolState::Held(None)) => words.push("SOL held by somebody".into()),
        Some(SolState::Disabled) | None => {}
    }
    words.push(format!("{:.2} s", checkup.took.as_secs_f64()));
    let mut checks = vec![Check::ok("login", name, words.join(", "))];
    if let Some(why) = &checkup.not_raised {
        let remedy = "verbs need it: allow it to the user on the BMC, or configure a lower privilege";
        checks.push(Check::warn("privilege", name, why, remedy));
    }
    let wants_sol = node.console.as_ref().is_some_and(|console| console.transport == "sol");
    if checkup.sol == Some(SolState::Disabled) && wants_sol {
        let remedy = "enable SOL on the BMC (ipmitool sol set enabled true 1)";
        checks.push(Check::warn("SOL", name, "switched off on the BMC", remedy));
    }
    // A machine without a process is off, and so is a wrong path.
    if let Some(BmcSettings { qmp: Some(path), start: None, .. }) = &node.bmc
        && checkup.power == Power::Off
        && checkup.identity.is_empty()
    {
        let text = format!("nothing listens on {}, and no start command is configured", path.display());
        let remedy = "start the machine, correct qmp, or set a start command";
        checks.push(Check::warn("QMP", name, text, remedy));
    }
    checks
}

/// A console's socket or port, as far as it can be looked at without taking it from whom it serves.
fn console(node: &NodeSettings, hosts: &Hosts) -> Option<Check> {
    let console = node.console.as_ref()?;
    let Some(path) = &console.path else {
        return hosts.check(&node.name, console);
    };
    Some(match console.transport.as_str() {
        "serial" => port(&node.name, path),
        _ => socket("console", &node.name, path),
    })
}

fn socket(check: &'static str, name: &str, path: &Path) -> Check {
    let shown = path.display();
    let found = path.metadata();
    if found.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        let text = format!("there is no socket {shown}");
        return Check::warn(check, name, text, "it comes with its machine: start that, or correct the path");
    }
    let remedy = "become a member of its group, or change the socket's owner and mode";
    reachable(check, name, path, found, ("socket", FileTypeExt::is_socket), remedy)
}

fn port(name: &str, path: &Path) -> Check {
    let remedy = "become a member of its group (mostly dialout), then log in anew";
    reachable("console", name, path, path.metadata(), ("serial port", FileTypeExt::is_char_device), remedy)
}

/// Whether `path` is what it should be, and we may read and write it.
fn reachable(
    check: &'static str,
    name: &str,
    path: &Path,
    found: std::io::Result<Metadata>,
    (what, is): (&str, fn(&FileType) -> bool),
    remedy: &str,
) -> Check {
    let shown = path.display();
    match found {
        Err(error) if what == "serial port" && error.kind() == ErrorKind::NotFound => {
            let remedy = "correct the device's name, or plug its adapter in";
            Check::fail(check, name, format!("there is no device {shown}"), remedy)
        }
        Err(error) => {
            let remedy = "correct the path, or check the modes of its directories";
            Check::fail(check, name, format!("{shown}: {error}"), remedy)
        }
        Ok(meta) if !is(&meta.file_type()) => {
            Check::fail(check, name, format!("{shown} is no {what}"), "correct the path")
        }
        Ok(_) if eaccess(path, AccessFlags::R_OK | AccessFlags::W_OK).is_err() => {
            Check::fail(check, name, format!("no permission for {shown}"), remedy)
        }
        Ok(_) => Check::ok(check, name, format!("{shown} is there")),
    }
}
