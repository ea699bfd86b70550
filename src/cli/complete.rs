//! `lightsout complete`, which the scripts of `generate completions` call: what may stand at the cursor. It runs
//! no program, touches no BMC, and says nothing when something is wrong: a shell is no place for errors.

mod line;

use super::args::{Cli, CompleteArgs, ShellWord};
use super::exit::Exit;
use super::out::{clean, print};
use super::{read, say};
use crate::config::{Inventories, Secrets};
use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};
use line::Line;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

/// What the configuration has for a node set.
#[derive(Default)]
struct Names {
    nodes: Vec<String>,
    tags: BTreeSet<String>,
}

/// Prints the candidates, one a line, as the shell wants them.
pub fn run(cli: &Cli, args: &CompleteArgs) -> Exit {
    let line = Line::read(&args.line);
    let names = Arc::new(names(line.config().or_else(|| cli.common.config.clone())));
    let mut words: Vec<OsString> = line.words.iter().map(OsString::from).collect();
    let index = words.len();
    words.push(OsString::from(&line.last));
    let here = std::env::current_dir().ok();
    let found = complete(&mut command(&names), words, index, here.as_deref()).unwrap_or_default();
    let wants_options = line.last.starts_with('-');
    let candidates: Vec<&CompletionCandidate> = found
        .iter()
        // A shell offers what there is to say before how it can be said.
        .filter(|candidate| wants_options || !candidate.get_value().to_string_lossy().starts_with('-'))
        .collect();
    for candidate in candidates {
        let value = candidate.get_value().to_string_lossy();
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default();
        match args.shell {
            ShellWord::Bash => say(line.rest(&value, &args.breaks)),
            ShellWord::Zsh if help.is_empty() => say(&value.replace(':', "\\:")),
            ShellWord::Zsh => say(&format!("{}:{help}", value.replace(':', "\\:"))),
            ShellWord::Fish => say_fish(&value, help),
        }
    }
    Exit::Done
}

/// fish wants a tab, which `say` would take for a hostile character.
fn say_fish(value: &str, help: &str) {
    print(&format!("{}\t{}", clean(value), clean(help)));
}

/// The command line with the nodes, tags and themes that there are.
fn command(names: &Arc<Names>) -> Command {
    with_names(Cli::command(), names)
}

fn with_names(command: Command, names: &Arc<Names>) -> Command {
    let named = |arg: &Arg, name: &str| {
        arg.get_value_names().is_some_and(|words| words.iter().any(|word| word.as_str() == name))
    };
    command
        .mut_args(|arg| {
            let names = Arc::clone(names);
            if named(&arg, "NODES") {
                arg.add(ArgValueCompleter::new(move |current: &OsStr| names.sets(current)))
            } else if named(&arg, "NODE") {
                arg.add(ArgValueCompleter::new(move |current: &OsStr| names.one(current)))
            } else if arg.get_id() == "theme" {
                arg.add(ArgValueCompleter::new(|current: &OsStr| {
                    matching(super::themes::all().names(), current, "")
                }))
            } else {
                arg
            }
        })
        .mut_subcommands(|sub| with_names(sub, names))
}

fn names(config: Option<PathBuf>) -> Names {
    let Ok(loaded) = read(config, Secrets::Check, Inventories::Files) else {
        return Names::default();
    };
    let tags = loaded.settings.nodes.iter().flat_map(|node| node.tags.iter().cloned()).collect();
    Names { nodes: loaded.settings.nodes.into_iter().map(|node| node.name).collect(), tags }
}

impl Names {
    /// A node.
    fn one(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        matching(&self.nodes, current, "")
    }

    /// The last piece of a node set: a node, `@tag` or `all`; nothing inside brackets.
    fn sets(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let Some(text) = current.to_str() else {
            return Vec::new();
        };
        if text.rfind('[') > text.rfind(']') {
            return Vec::new();
        }
        let start =
            text.rfind(',').filter(|comma| Some(*comma) > text.rfind(']')).map_or(0, |comma| comma + 1);
        let (before, piece) = text.split_at(start);
        if let Some(tag) = piece.strip_prefix('@') {
            return matching(&self.tags, OsStr::new(tag), &format!("{before}@"));
        }
        let mut found = matching(&self.nodes, OsStr::new(piece), before);
        if before.is_empty() {
            found.extend(matching(["all"], OsStr::new(piece), ""));
        }
        if piece.is_empty() {
            found.extend(matching(&self.tags, OsStr::new(""), &format!("{before}@")));
        }
        found
    }
}

/// The words that begin with what is there, with `before` in front.
fn matching<S: AsRef<str>>(
    words: impl IntoIterator<Item = S>,
    current: &OsStr,
    before: &str,
) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    words
        .into_iter()
        .filter(|word| word.as_ref().starts_with(current.as_ref()))
        .map(|word| CompletionCandidate::new(format!("{before}{}", word.as_ref())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offered(names: &Arc<Names>, text: &str) -> Vec<String> {
        let line = Line::read(text);
        let mut words: Vec<OsString> = line.words.iter().map(OsString::from).collect();
        let index = words.len();
        words.push(OsString::from(&line.last));
        let found = complete(&mut command(names), words, index, None).unwrap_or_default();
        found.iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_node_set_is_completed_piece_by_piece() {
        let tags = BTreeSet::from(["rack1".to_owned()]);
        let names = Arc::new(Names { nodes: vec!["n1".into(), "n2".into()], tags });
        assert_eq!(offered(&names, "lightsout boot pxe n[1-2],n"), ["n[1-2],n1", "n[1-2],n2"]);
        assert_eq!(offered(&names, "lightsout boot pxe n1,@"), ["n1,@rack1"]);
        assert_eq!(offered(&names, "lightsout boot pxe n[1,n"), [""; 0]);
        assert_eq!(offered(&names, "lightsout console n"), ["n1", "n2"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]
        #[test]
        fn any_line_is_completed(
            text in "lightsout ((power|bmc|raw|config|-c|--config=|--theme|--|-|on|n1|\\[|,|@|\"|'|\\\\) ?|\\PC){0,12}",
            breaks in "\\PC{0,5}",
        ) {
            let names = Arc::new(Names { nodes: vec!["n1".into()], tags: BTreeSet::new() });
            let line = Line::read(&text);
            let _ = line.config();
            for candidate in offered(&names, &text) {
                prop_assert!(candidate.ends_with(line.rest(&candidate, &breaks)));
            }
        }
    }
}
