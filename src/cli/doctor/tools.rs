//! Programs that the configuration needs: there, executable, new enough, and which version. None is looked for that no
//! node needs.

use super::ask;
use super::check::Check;
use crate::bmc::{self, ipmitool};
use crate::config::{NodeSettings, SecretSource, Settings};
use crate::fleet::NodeSet;
use std::collections::BTreeMap;
use std::path::Path;

/// The section.
pub(super) async fn checks(settings: &Settings) -> Vec<Check> {
    let mut checks = vec![ipmi_tool(settings)];
    let mut wanted: BTreeMap<(&'static str, &str), Vec<&str>> = BTreeMap::new();
    for node in &settings.nodes {
        for (what, program) in programs(node) {
            wanted.entry((what, program)).or_default().push(&node.name);
        }
    }
    for ((what, name), nodes) in &wanted {
        checks.push(program(what, name, &NodeSet::fold(nodes)).await);
    }
    checks
}

/// What a node needs, and for what.
fn programs(node: &NodeSettings) -> Vec<(&'static str, &str)> {
    let mut programs = Vec::new();
    if let Some(bmc) = &node.bmc {
        if let Some(program) = bmc.start.as_ref().and_then(|words| words.first()) {
            // It is run in a session of its own.
            programs.extend([("start", program.as_str()), ("start", "setsid")]);
        }
        let password = bmc.credentials.as_ref().and_then(|credentials| credentials.password.source());
        if let Some(SecretSource::Command(program)) = password {
            programs.push(("password_command", program));
        }
    }
    if let Some(program) = node.console.as_ref().and_then(|console| console.argv.first()) {
        programs.push(("console", program));
    }
    programs
}

async fn program(what: &'static str, name: &str, nodes: &str) -> Check {
    match bmc::find_program(Path::new(name)) {
        Some(path) => {
            let version = ask::version(&path).await.map(|version| format!(", {version}"));
            Check::ok(what, name, format!("{}{} ({nodes})", path.display(), version.unwrap_or_default()))
        }
        None => Check::fail(
            what,
            name,
            format!("not found or not executable; needed by {nodes}"),
            "install it, chmod +x it, or correct its name in the configuration",
        ),
    }
}

fn ipmi_tool(settings: &Settings) -> Check {
    let users: Vec<&str> = settings
        .nodes
        .iter()
        .filter(|node| node.bmc.as_ref().is_some_and(|bmc| bmc.driver == "ipmitool"))
        .map(|node| node.name.as_str())
        .collect();
    if users.is_empty() {
        return Check::ok("ipmitool", "", "not needed: no node has driver = \"ipmitool\"");
    }
    match ipmitool::probe(&settings.ipmitool) {
        Ok((path, version)) => {
            let version = version.unwrap_or_else(|| "it does not tell its version".into());
            Check::ok("ipmitool", path.display().to_string(), format!("{version}, knows -C, -N and -R"))
        }
        Err(error) => {
            let text = format!("{error}; needed by {}", NodeSet::fold(&users));
            Check::fail("ipmitool", "", text, bmc::remedy(&error.into()))
        }
    }
}
