//! The configuration: which files, what is wrong with them, and what every node needs of it.
//!
//! What can be wrong is found by `config` (address, user, password, privilege, sockets: named with their
//! place); here it is told, and what it says of the fleet is told beside it.

use super::check::Check;
use crate::config::{ConfigErrors, Loaded, NodeSettings, Privilege, Secret, SecretSource, Settings};
use crate::fleet::NodeSet;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The section.
pub(super) fn checks(result: &Result<Loaded, ConfigErrors>) -> Vec<Check> {
    match result {
        Ok(loaded) => {
            let mut checks: Vec<Check> = loaded.files.iter().map(|path| file(path)).collect();
            for warning in &loaded.warnings {
                checks.push(Check::warn("setting", "", warning, "lightsout config show prints what holds"));
            }
            checks.extend(loaded.faults.iter().map(problem));
            checks.extend(fleet(&loaded.settings));
            checks
        }
        Err(errors) => errors.problems.iter().map(problem).collect(),
    }
}

fn problem(problem: &crate::config::Problem) -> Check {
    let place = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
    let key = if problem.key.is_empty() { String::new() } else { format!("{}: ", problem.key) };
    let help = problem.help.clone().unwrap_or_else(|| "lightsout config check tells it again".into());
    Check::fail("setting", place, format!("{key}{}", problem.text), help)
}

fn file(path: &Path) -> Check {
    let shown = path.display().to_string();
    let mode = std::fs::metadata(path).map_or(0, |meta| meta.permissions().mode());
    if mode & 0o022 != 0 {
        let text =
            format!("others can write it (mode {:04o}), and it names programs that you run", mode & 0o7777);
        return Check::warn("file", &shown, text, format!("run chmod go-w {shown}"));
    }
    Check::ok("file", shown, "read")
}

fn fleet(settings: &Settings) -> Vec<Check> {
    let nodes = &settings.nodes;
    if nodes.is_empty() {
        return Vec::new();
    }
    let counted = |count: BTreeMap<&str, usize>| {
        count.into_iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
    };
    let mut drivers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut transports: BTreeMap<&str, usize> = BTreeMap::new();
    for node in nodes {
        *drivers.entry(node.bmc.as_ref().map_or("without", |bmc| &bmc.driver)).or_default() += 1;
        *transports
            .entry(node.console.as_ref().map_or("without", |console| &console.transport))
            .or_default() += 1;
    }
    let mut checks = vec![
        Check::ok("nodes", "", nodes.len().to_string()),
        Check::ok("drivers", "", counted(drivers)),
        Check::ok("consoles", "", counted(transports)),
    ];
    checks.extend(users(settings));
    checks.extend(privileges(nodes));
    checks
}

/// Each credential once: its user and where its password comes from.
fn users(settings: &Settings) -> Vec<Check> {
    let used: BTreeMap<&str, _> = settings
        .nodes
        .iter()
        .filter_map(|node| node.bmc.as_ref()?.credentials.as_ref())
        .map(|credentials| (credentials.name.as_str(), credentials))
        .collect();
    let tell = |(name, credentials): (&str, &std::sync::Arc<crate::config::Credentials>)| {
        let user = match credentials.username.as_str() {
            "" => "the anonymous user".to_owned(),
            user => format!("user {user}"),
        };
        let source = source(&credentials.password);
        let asked_later = matches!(credentials.password.source(), Some(SecretSource::Command(_)));
        if credentials.password.expose().is_empty() && !asked_later {
            let text = format!("{user}, {source}: it is empty, so everybody who knows the user may log in");
            return Check::warn("credentials", name, text, "set a password on the BMC and in its source");
        }
        Check::ok("credentials", name, format!("{user}, {source}"))
    };
    used.into_iter().map(tell).collect()
}

fn source(password: &Secret) -> String {
    match password.source() {
        Some(SecretSource::File(path)) => format!("password in {}", path.display()),
        Some(SecretSource::Env(name)) => format!("password in ${name}"),
        Some(SecretSource::Command(program)) => format!("password from {program}"),
        Some(SecretSource::Inline) | None => "password in the configuration".into(),
    }
}

/// Which privilege levels are asked for; a low one lets polls through and no verb.
fn privileges(nodes: &[NodeSettings]) -> Vec<Check> {
    let mut by_level: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in nodes {
        if let Some(bmc) = node.bmc.as_ref().filter(|bmc| bmc.address.is_some()) {
            by_level.entry(bmc.privilege.name()).or_default().push(&node.name);
        }
    }
    let tell = |(level, names): (&str, Vec<&str>)| {
        let low = [Privilege::Callback, Privilege::User].iter().any(|low| low.name() == level);
        let folded = NodeSet::fold(&names);
        if low {
            let remedy = "configure privilege = \"OPERATOR\" or \"ADMINISTRATOR\" where verbs shall work";
            let text = format!("{folded}: enough to look, not for power verbs and SOL");
            return Check::warn("privilege", level, text, remedy);
        }
        let nodes = if names.len() == 1 { folded } else { format!("{} nodes", names.len()) };
        Check::ok("privilege", level, nodes)
    };
    by_level.into_iter().map(tell).collect()
}
