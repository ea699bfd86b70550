//! `lightsout doctor`: looks at everything that has to work, says what it found and what to do.
//!
//! A section is a list of checks, made by a file of its own; `check` prints them and keeps count. Works
//! without a terminal, without a configuration and with a broken one. Never asks for a privilege, and no
//! program it starts can ask on the terminal. Each BMC is logged in to once, through the hub.
//!
//! | what the old drivers' validation looked at | here |
//! |---|---|
//! | Ironic: address, user, password, privilege, terminal port | `configuration`: named with their place |
//! | Ironic: an ipmitool that is usable (`-N`, `-R`) | `tools` |
//! | Ironic, later: port, Kg, cipher suites, length of the password | `configuration` |
//! | Ganeti: kvm and socat are there, and which version; parameters that contradict each other | `tools`, `nodes` (sockets); `configuration` |
//! | ctys: report of tools and permissions, no probe that may hang at a prompt | all; nothing is asked with privilege |

mod ask;
mod check;
mod configuration;
mod hosts;
mod machine;
mod nodes;
mod places;
mod terminal;
mod tools;

use super::exit::Exit;
use super::{Cli, operator, read, say_error};
use crate::config::{self, Inventories, Loaded, Secrets};
use crate::fleet::{NodeId, NodeSet};
use crate::term::Caps;
use crate::theme::ColorDepth;
use check::{Report, Style};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Which nodes are logged in to.
struct Targets {
    nodes: Vec<NodeId>,
    /// They were named one by one: what failed for good is tried again.
    named: bool,
}

/// Prints the report. Nothing is logged in to when `no_login`.
pub(super) fn run(cli: &Cli, nodes: Option<&str>, no_login: bool, json: bool) -> anyhow::Result<Exit> {
    let no_login = no_login || cli.common.dry_run;
    // Without logins no password is needed, and no program that asks for one is run.
    let secrets = if no_login { Secrets::Check } else { Secrets::Read };
    let result = read(cli.common.config.clone(), secrets, Inventories::Lenient);
    let targets = match result.as_ref().map(|loaded| targets(loaded, nodes)) {
        Ok(Err(problem)) => {
            say_error(&problem);
            return Ok(Exit::Usage);
        }
        Ok(Ok(targets)) => Some(targets),
        Err(_) => None,
    };
    // What a broken configuration says of directories is not known; the defaults are looked at.
    let (loaded, whole) = match &result {
        Ok(loaded) => (Some(loaded.clone()), true),
        Err(_) => (read(Some(PathBuf::from("/dev/null")), Secrets::Check, Inventories::Files).ok(), false),
    };
    let mut report = report(cli, loaded.as_ref(), json);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let exit = runtime.block_on(async {
        report.section("configuration", configuration::checks(&result));
        let settings = loaded.as_ref().map(|loaded| &loaded.settings);
        if let Some(settings) = settings.filter(|_| whole) {
            report.section("tools", tools::checks(settings).await);
        }
        report.section("terminal", terminal::checks(cli, settings).await);
        if let Some(settings) = settings {
            report.section("directories", places::checks(settings, whole));
            report.section("machine", machine::checks(settings, loaded.as_ref()));
            if let Some(targets) = &targets {
                let doctor = nodes::Doctor { settings, targets, no_login, operator: operator() };
                doctor.run(&mut report).await?;
            }
        }
        if !whole {
            report.section("nodes", vec![nodes::not_without_configuration()]);
        }
        Ok(report.end())
    });
    // A resolver that was given up on may still take its time.
    runtime.shutdown_background();
    exit
}

fn targets(loaded: &Loaded, asked: Option<&str>) -> Result<Targets, String> {
    let nodes = config::nodes(&loaded.settings);
    let text = asked.unwrap_or("all");
    let found = NodeSet::resolve(text, &nodes).map_err(|error| error.to_string())?;
    if found.is_empty() && asked.is_some() {
        return Err(format!("\"{text}\" names no node"));
    }
    let named = asked.is_some_and(|text| text != "all" && !text.contains('@'));
    Ok(Targets { nodes: found, named })
}

fn report(cli: &Cli, loaded: Option<&Loaded>, json: bool) -> Report {
    let env = |name: &str| std::env::var(name).ok();
    let setting = |of: fn(&config::ScreenSettings) -> &String| {
        loaded.map_or_else(|| "auto".to_owned(), |loaded| of(&loaded.settings.screen).clone())
    };
    let color =
        cli.common.color.map_or_else(|| setting(|screen| &screen.color), |color| color.word().to_owned());
    let coloured = std::io::stdout().is_terminal() && ColorDepth::choose(&color, env) != ColorDepth::Mono;
    let unicode = Caps::detect(env).wants_unicode(&setting(|screen| &screen.glyphs));
    let columns = terminal::columns();
    Report::new(Style { json, coloured, unicode, columns })
}
