//! The command line: clap types and the scriptable twin of every verb.
//!
//! The outermost room together with `runtime`: it may print, and it decides exit codes. Knows
//! nothing of `ui`'s insides.

mod args;
mod complete;
mod demo;
mod doctor;
mod exit;
mod generate;
mod import;
mod out;
mod report;
mod sim;
mod themes;
mod verbs;

use crate::config::{self, ConfigErrors, Inventories, LoadOptions, Loaded, Secrets};
use crate::fleet::Verb;
use crate::{app, bmc, console, runtime};
use args::{Cli, Command, ConfigWord};
use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use exit::Exit;
use out::{clean, say, say_error, say_fault};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use verbs::Job;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    // Passwords and keys must not land in a core file; where that cannot be had, the rest works all the same.
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
    survive_reloads();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors.
            let printed = error.print();
            if let Some(hint) = one_word(&error) {
                say_error(hint);
            }
            if error.use_stderr() {
                return ExitCode::from(Exit::Usage.code());
            }
            out::note(printed);
            return ended(Exit::Done);
        }
    };
    ended(dispatch(&cli).unwrap_or_else(|error| {
        say_error(&format!("{error:#}"));
        Exit::Failed
    }))
}

/// Who rolls a configuration out signals every lightsout: one that only starts must not die of it, nor a reboot
/// between its off and its on. A handler, not a mask, which programs that we run would inherit; it stays when its
/// runtime is gone. The screen listens for itself.
fn survive_reloads() {
    let reload = tokio::signal::unix::SignalKind::user_defined1();
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
        let _inside = runtime.enter();
        let _ = tokio::signal::unix::signal(reload);
    }
}

/// What whoever wrote nodes as several words should know.
fn one_word(error: &clap::Error) -> Option<&'static str> {
    let argument = match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(argument) => argument,
        _ => return None,
    };
    let extra = error.kind() == ErrorKind::UnknownArgument && !argument.starts_with('-');
    extra.then_some("  hint: several nodes are one word: n1,n2 or n[1-2]")
}

/// The exit code. What could not be printed was not told, so it is trouble of this machine whatever else it is.
fn ended(exit: Exit) -> ExitCode {
    let exit = match out::failure() {
        None => exit,
        Some(error) => {
            say_error(&format!("cannot write to standard output: {error}"));
            Exit::Usage
        }
    };
    ExitCode::from(exit.code())
}

fn dispatch(cli: &Cli) -> anyhow::Result<Exit> {
    match &cli.command {
        Some(Command::Config { what }) => return Ok(config_command(cli, *what)),
        Some(Command::Sim(args)) => return sim::run(args),
        Some(Command::Demo) => return demo::run(cli),
        Some(Command::Import { format, file }) => return Ok(import::run(*format, file)),
        Some(Command::Generate { what }) => return generate::run(*what),
        Some(Command::Complete(args)) => return Ok(complete::run(cli, args)),
        Some(Command::Doctor { nodes, no_login, json }) => {
            return doctor::run(cli, nodes.as_deref(), *no_login, *json);
        }
        _ => {}
    }
    let verb = match cli.command.as_ref().map(verb_of).transpose() {
        Ok(verb) => verb.flatten(),
        Err(problem) => {
            say_error(&problem);
            return Ok(Exit::Usage);
        }
    };
    // A dry run sends nothing, so it needs no password either.
    let secrets = if cli.common.dry_run { Secrets::Check } else { Secrets::Read };
    let Some(loaded) = load(cli, secrets, Inventories::Lenient) else {
        return Ok(Exit::Usage);
    };
    match (&cli.command, verb) {
        (Some(command), Some(verb)) => {
            let job = job(cli, command, verb);
            let exit = verbs::run(&job, &loaded)?;
            Ok(if is_short(&job.nodes, &loaded) { exit.max(Exit::Failed) } else { exit })
        }
        (Some(Command::Console { node, monitor }), _) => {
            match loaded.settings.nodes.iter().find(|known| known.name == *node) {
                None => {
                    say_error(&format!("there is no node \"{node}\" in the configuration"));
                    return Ok(Exit::Usage);
                }
                Some(known) if known.console.is_none() => {
                    say_error(&format!("no console is configured for {node}"));
                    return Ok(Exit::Usage);
                }
                Some(_) => {}
            }
            screen(cli, loaded, Some(runtime::Single { node: node.clone(), monitor: *monitor }))
        }
        _ => screen(cli, loaded, None),
    }
}

/// Whether nodes that are meant are missing: a tag or all of them, and an inventory failed.
fn is_short(nodes: &str, loaded: &Loaded) -> bool {
    let collective = |piece: &str| piece.trim() == "all" || piece.trim().starts_with('@');
    !loaded.faults.is_empty() && nodes.split(',').any(collective)
}

/// The verb a command stands for, if it is one.
fn verb_of(command: &Command) -> Result<Option<Verb>, String> {
    Ok(match command {
        Command::Status { .. } => Some(Verb::Status),
        Command::Power { verb, .. } => Some(verb.verb()),
        Command::Boot { device, persistent, uefi, .. } => Some(device.verb(*persistent, *uefi)),
        Command::Bmc { verb, bytes, light, .. } => Some(verb.verb(bytes, *light)?),
        _ => None,
    })
}

fn job(cli: &Cli, command: &Command, verb: Verb) -> Job {
    let mut job = Job {
        verb,
        nodes: String::new(),
        yes: false,
        json: false,
        wait: true,
        timeout: None,
        table: false,
        dry_run: cli.common.dry_run,
        read_only: cli.common.read_only,
        aside: false,
    };
    match command {
        Command::Status { nodes, json } => {
            (job.nodes, job.json, job.table) = (nodes.clone(), *json, true);
        }
        Command::Power { nodes, how, no_wait, timeout, .. } => {
            (job.nodes, job.yes, job.json) = (nodes.clone(), how.yes, how.json);
            (job.wait, job.timeout) = (!no_wait, *timeout);
        }
        Command::Boot { nodes, how, .. } | Command::Bmc { nodes, how, .. } => {
            (job.nodes, job.yes, job.json) = (nodes.clone(), how.yes, how.json);
        }
        _ => {}
    }
    job
}

/// Opens the screen, on the fleet or on one console.
fn screen(cli: &Cli, mut loaded: Loaded, single: Option<runtime::Single>) -> anyhow::Result<Exit> {
    if cli.common.dry_run {
        say_error("--dry-run belongs to the verbs; the screen shows what would be sent before it asks");
        return Ok(Exit::Usage);
    }
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        say_error("the screen needs a terminal on standard input and output");
        say_error("  hint: lightsout status prints a table; see lightsout --help");
        return Ok(Exit::Usage);
    }
    override_screen(cli, &mut loaded);
    // Standard error is hidden behind the screen.
    let notices = loaded.faults.iter().map(|fault| clean(&format!("nodes are missing: {}", fault.text)));
    let options = runtime::Options {
        read_only: cli.common.read_only,
        operator: operator(),
        themes: themes::all(),
        single,
        load: again(cli),
        notices: notices.collect(),
    };
    match runtime::run(loaded, options) {
        Ok(()) => Ok(Exit::Done),
        Err(runtime::StartError::Fault(fault)) => {
            say_fault(&fault);
            Ok(Exit::Usage)
        }
        Err(runtime::StartError::Other(error)) => Err(error),
    }
}

/// What the command line says of the screen, on top of the configuration.
fn override_screen(cli: &Cli, loaded: &mut Loaded) {
    if let Some(theme) = &cli.common.theme {
        loaded.settings.theme.clone_from(theme);
    }
    if let Some(color) = cli.common.color {
        color.word().clone_into(&mut loaded.settings.screen.color);
    }
}

/// Reads the same configuration again while the screen lives.
fn again(cli: &Cli) -> runtime::Load {
    let cli = cli.clone();
    Arc::new(move |over| {
        // What an inventory cannot name now is not taken away: the fleet stays as it was.
        let path = cli.common.config.clone();
        let read = read_beside(path, Secrets::Read, Inventories::Strict, Some(over));
        let mut loaded = read.map_err(|errors| {
            errors.problems.iter().map(|problem| clean(&problem.to_string())).collect::<Vec<_>>()
        })?;
        override_screen(&cli, &mut loaded);
        Ok(loaded)
    })
}

fn config_command(cli: &Cli, what: ConfigWord) -> Exit {
    match what {
        ConfigWord::Default => {
            say(config::DEFAULT.trim_end());
            return Exit::Done;
        }
        ConfigWord::Themes => return themes::list(),
        _ => {}
    }
    let inventories = match what {
        ConfigWord::Check => Inventories::Strict,
        _ => Inventories::Lenient,
    };
    let Some(loaded) = load(cli, Secrets::Check, inventories) else {
        return Exit::Usage;
    };
    match what {
        ConfigWord::Check => {
            let settings = &loaded.settings;
            if !themes::check(&settings.theme) {
                return Exit::Usage;
            }
            let consoles = settings.nodes.iter().filter(|node| node.console.is_some()).count();
            say(&format!("ok: {} nodes, {consoles} with a console", settings.nodes.len()));
        }
        ConfigWord::Show => say(loaded.settings.render().trim_end()),
        ConfigWord::Keys => say(app::Keymap::new(&loaded.settings.keys).render().trim_end()),
        ConfigWord::Path => loaded.files.iter().for_each(|file| say(&file.display().to_string())),
        ConfigWord::Default | ConfigWord::Themes => {}
    }
    Exit::Done
}

/// Reads the configuration; says everything that is wrong with it.
fn load(cli: &Cli, secrets: Secrets, inventories: Inventories) -> Option<Loaded> {
    match read(cli.common.config.clone(), secrets, inventories) {
        Ok(mut loaded) => {
            loaded.faults.iter().for_each(|fault| say_error(&format!("warning: {fault}")));
            loaded.warnings.iter().for_each(|warning| say_error(&format!("warning: {warning}")));
            if let Some(theme) = &cli.common.theme {
                let known = themes::all().names();
                if !known.contains(theme) {
                    say_error(&format!("there is no theme \"{theme}\"; there are {}", known.join(", ")));
                    return None;
                }
                loaded.settings.theme.clone_from(theme);
            }
            Some(loaded)
        }
        Err(errors) => {
            say_error(errors.to_string().trim_end());
            None
        }
    }
}

/// Reads the configuration, from `path` if one is named.
fn read(path: Option<PathBuf>, secrets: Secrets, inventories: Inventories) -> Result<Loaded, ConfigErrors> {
    read_beside(path, secrets, inventories, None)
}

/// The same, beside a screen or not; see [`LoadOptions::screen_over`].
fn read_beside(
    path: Option<PathBuf>,
    secrets: Secrets,
    inventories: Inventories,
    screen_over: Option<&AtomicBool>,
) -> Result<Loaded, ConfigErrors> {
    let (drivers, transports) = (bmc::driver_names(), console::transport_names());
    let known = themes::all().names();
    let themes: Vec<&str> = known.iter().map(String::as_str).collect();
    let (quirks, columns) = (bmc::ipmi::quirk_names(), runtime::column_names());
    let mut options = LoadOptions::new(&drivers, &transports, &themes);
    (options.quirks, options.columns) = (&quirks, &columns);
    options.keys = app::key_rules();
    options.path = path;
    options.secrets = secrets;
    options.inventories = inventories;
    options.screen_over = screen_over;
    config::load(&options)
}

/// The operator's name for the audit trail: who logged in, also under sudo.
fn operator() -> String {
    ["SUDO_USER", "LOGNAME", "USER"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| format!("uid {}", nix::unistd::getuid()))
}
