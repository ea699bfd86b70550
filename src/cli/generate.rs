//! `lightsout generate`: completion scripts and the manual page, for packagers and for `eval` in a shell's start
//! file. Needs no configuration.

use super::args::{Cli, GenerateWord, ShellWord};
use super::exit::Exit;
use super::out::print;
use clap::{Arg, Command, CommandFactory};
use std::io::Write;

const BASH: &str = include_str!("../../assets/complete.bash");
const ZSH: &str = include_str!("../../assets/complete.zsh");
const FISH: &str = include_str!("../../assets/complete.fish");

/// Sections of the manual page that the command line's types do not know, in roff (man(7)).
const SECTIONS: &str = include_str!("../../assets/sections.man");

/// Prints what was asked for.
///
/// # Errors
/// The manual page could not be put together.
pub fn run(what: GenerateWord) -> anyhow::Result<Exit> {
    let text = match what {
        GenerateWord::Completions { shell: ShellWord::Bash } => BASH.to_owned(),
        GenerateWord::Completions { shell: ShellWord::Zsh } => ZSH.to_owned(),
        GenerateWord::Completions { shell: ShellWord::Fish } => FISH.to_owned(),
        GenerateWord::Man => String::from_utf8(man()?)?,
    };
    print(text.trim_end());
    Ok(Exit::Done)
}

/// One page with all commands: who looks for an option should not have to guess its page.
fn man() -> std::io::Result<Vec<u8>> {
    let mut command = Cli::command();
    command.build();
    let page = clap_mangen::Man::new(command.clone().after_help(None::<&str>))
        .title("LIGHTSOUT")
        .manual("User Commands");
    let mut out = Vec::new();
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    writeln!(out, ".SH SYNOPSIS\n.B lightsout\n[\\fIOPTIONS\\fR] [\\fICOMMAND\\fR ...]")?;
    writeln!(out, ".SH DESCRIPTION")?;
    writeln!(
        out,
        "Without a command, the console: a table of all nodes, their serial consoles beside it, and verbs for\n\
         one node or many. With a command, the scriptable twin of a verb."
    )?;
    writeln!(out, ".PP\n\\fINODES\\fR is a node set (r1n[01-16,20]), a tag (@rack1) or \\fBall\\fR.")?;
    page.render_options_section(&mut out)?;
    writeln!(out, ".SH COMMANDS")?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        subcommand(sub, sub.get_name(), &mut out)?;
    }
    out.extend_from_slice(SECTIONS.as_bytes());
    page.render_version_section(&mut out)?;
    Ok(out)
}

/// `.SS` with what it is for, and an entry for each of its own arguments. Commands of a command follow it.
fn subcommand(command: &Command, path: &str, out: &mut Vec<u8>) -> std::io::Result<()> {
    let positionals: Vec<String> = command.get_positionals().map(usage).collect();
    writeln!(
        out,
        ".SS \"{}\"",
        escape(&format!("{path} {}", positionals.join(" ")).trim().replace('"', ""))
    )?;
    if let Some(about) = command.get_about() {
        writeln!(out, "{}.", escape(&about.to_string()))?;
    }
    for arg in command.get_arguments().filter(|arg| !arg.is_global_set() && !arg.is_hide_set()) {
        if ["help", "version"].contains(&arg.get_id().as_str()) {
            continue;
        }
        argument(arg, out)?;
    }
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        subcommand(sub, &format!("{path} {}", sub.get_name()), out)?;
    }
    Ok(())
}

fn argument(arg: &Arg, out: &mut Vec<u8>) -> std::io::Result<()> {
    writeln!(out, ".TP\n\\fB{}\\fR", escape(&usage(arg)))?;
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if !help.is_empty() {
        writeln!(out, "{}.", escape(&help))?;
    }
    for value in arg.get_possible_values().iter().filter(|value| !value.is_hide_set()) {
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        let between = if help.is_empty() { "" } else { ": " };
        writeln!(
            out,
            ".RS\n.IP \\(bu 2\n\\fB{}\\fR{between}{}\n.RE",
            escape(value.get_name()),
            escape(&help)
        )?;
    }
    Ok(())
}

/// `--timeout TIME`, `NODES`, `[NODES]`.
fn usage(arg: &Arg) -> String {
    let value = arg.get_value_names().and_then(|names| names.first()).map(|name| name.to_string());
    let takes = arg.get_action().takes_values();
    match (arg.get_long(), value) {
        (Some(long), Some(value)) if takes => format!("--{long} {value}"),
        (Some(long), _) => format!("--{long}"),
        (None, Some(value)) if arg.is_required_set() => value,
        (None, value) => format!("[{}]", value.unwrap_or_else(|| arg.get_id().to_string())),
    }
}

/// Text that roff takes as text.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\n', " ");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
