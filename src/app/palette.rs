//! The `:` prompt, which is also the palette: completion, and running what was typed.

use super::{
    Effect, Key, KeyCode, State,
    commands::{self, Args, Command, Run},
    state::{Focus, Input, MenuPick, Overlay},
    taste, verbs,
};
use crate::fleet::verb::parse_raw;
use crate::fleet::{Identify, NodeId, NodeSet, SortKey, Verb};
use std::time::Duration;

/// Candidates that are offered at once.
const OFFERED: usize = 100;

/// Opens the prompt.
pub(super) fn open(state: &mut State, text: &str) {
    state.overlays.push(Overlay::Command {
        input: Input::new(text),
        candidates: complete(state, text),
        picked: None,
        error: None,
    });
}

/// The text was changed: complete it anew.
pub(super) fn refresh(state: &mut State) {
    let Some(Overlay::Command { input, .. }) = state.overlays.last() else {
        return;
    };
    let found = complete(state, &input.text);
    if let Some(Overlay::Command { candidates, picked, error, .. }) = state.overlays.last_mut() {
        *candidates = found;
        *picked = None;
        *error = None;
    }
}

/// A key in the prompt.
pub(super) fn key(state: &mut State, key: Key, out: &mut Vec<Effect>) {
    let Some(Overlay::Command { input, candidates, picked, .. }) = state.overlays.last_mut() else {
        return;
    };
    let forward = match key.code {
        KeyCode::Esc => {
            state.overlays.pop();
            return;
        }
        KeyCode::Backspace if input.text.is_empty() => {
            state.overlays.pop();
            return;
        }
        KeyCode::Enter => {
            let text = input.text.trim().to_owned();
            // Off first: what runs may put a question on top.
            let prompt = state.overlays.pop();
            if !text.is_empty()
                && let Err(why) = run(state, &text, out)
            {
                state.overlays.extend(prompt);
                if let Some(Overlay::Command { error, .. }) = state.overlays.last_mut() {
                    *error = Some(why);
                }
            }
            return;
        }
        KeyCode::Tab | KeyCode::Down => true,
        KeyCode::BackTab | KeyCode::Up => false,
        _ => {
            if input.key(key) {
                refresh(state);
            }
            return;
        }
    };
    if candidates.is_empty() {
        return;
    }
    let last = candidates.len() - 1;
    let at = match (*picked, forward) {
        (None, true) => 0,
        (None | Some(0), false) => last,
        (Some(at), true) => {
            if at >= last {
                0
            } else {
                at + 1
            }
        }
        (Some(at), false) => at - 1,
    };
    pick(state, at);
}

/// Puts a candidate into the line, as tab does; running it is left to enter.
pub(super) fn pick(state: &mut State, at: usize) {
    if let Some(Overlay::Command { input, candidates, picked, error }) = state.overlays.last_mut()
        && let Some((text, _)) = candidates.get(at)
    {
        *picked = Some(at);
        *error = None;
        *input = Input::new(text);
    }
}

/// The command that a line begins with, and the rest of the line. The longest name wins.
pub(super) fn parse(text: &str) -> Option<(&'static Command, &str)> {
    let names = commands::all().flat_map(|command| {
        let names = std::iter::once(command.name).chain(command.aliases.iter().copied());
        names.map(move |name| (command, name))
    });
    names
        .filter_map(|(command, name)| {
            let rest = text.strip_prefix(name)?;
            (rest.is_empty() || rest.starts_with(' ')).then_some((command, name, rest.trim_start()))
        })
        .max_by_key(|(_, name, _)| name.len())
        .map(|(command, _, rest)| (command, rest))
}

/// Runs a line.
///
/// # Errors
/// What was wrong with it, with the nearest command where none is called so.
pub(super) fn run(state: &mut State, text: &str, out: &mut Vec<Effect>) -> Result<(), String> {
    let Some((command, args)) = parse(text) else {
        return Err(match near(text, "") {
            Some(name) => format!("no command \"{text}\"; did you mean \"{name}\"?"),
            None => format!("no command \"{text}\"; tab lists them"),
        });
    };
    if command.args == Args::None && !args.is_empty() {
        return Err(format!("{} takes nothing more: \"{args}\"", command.name));
    }
    let result = match &command.run {
        Run::Do(run) => run(state, args, out),
        Run::Pick(pick) => verb(state, command.args, pick, args, out),
    };
    // `power of` is the menu `power` for a node called `of`, but hardly meant so.
    result.map_err(|why| match near(text, command.name) {
        Some(name) if !args.is_empty() => format!("{why}; did you mean \"{name}\"?"),
        _ => why,
    })
}

/// The command that is called nearly so, of those whose name goes on after `begin`.
pub(super) fn near(text: &str, begin: &str) -> Option<&'static str> {
    commands::all()
        .filter(|command| command.name.starts_with(begin) && command.name != begin)
        .map(|command| (command.name, strsim::jaro_winkler(command.name, text)))
        .filter(|(_, likeness)| *likeness > if begin.is_empty() { 0.75 } else { 0.95 })
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(name, _)| name)
}

/// A verb typed as a command: options, then nodes; without nodes it acts on the marked ones or the
/// cursor's, as its menu does.
pub(super) fn verb(
    state: &mut State,
    command: Args,
    pick: &MenuPick,
    args: &str,
    out: &mut Vec<Effect>,
) -> Result<(), String> {
    let mut words: Vec<&str> = args.split_whitespace().collect();
    let mut option = |word: &str| {
        let before = words.len();
        words.retain(|other| *other != word);
        words.len() != before
    };
    let verb = match pick {
        MenuPick::Raw if args.is_empty() => return Err("which bytes? for example: bmc raw 06 01".into()),
        MenuPick::Raw => {
            let verb = Verb::Raw(parse_raw(args)?);
            let targets = some_nodes(state, "")?;
            return verbs::ask(state, verb, targets, out);
        }
        MenuPick::Verb(Verb::Identify(what)) if command == Args::Identify => {
            Some(Verb::Identify(lasting(&mut words)?.unwrap_or(*what)))
        }
        MenuPick::Verb(verb) => Some(verb.clone()),
        MenuPick::Boot(device) => Some(verbs::boot(*device, option("persistent"), option("uefi"))),
        MenuPick::Cancel => None,
        MenuPick::Persistent | MenuPick::Uefi => {
            return Err("this is said with the boot device: boot pxe persistent uefi".into());
        }
    };
    let targets = some_nodes(state, &words.join(","))?;
    match verb {
        Some(verb) => verbs::ask(state, verb, targets, out),
        None => verbs::cancel(state, &targets.0, out),
    }
}

/// Takes `60s` off the front, if it stands there.
fn lasting(words: &mut Vec<&str>) -> Result<Option<Identify>, String> {
    let seconds = words.first().and_then(|word| word.strip_suffix('s')).and_then(|text| text.parse().ok());
    let Some(seconds) = seconds else { return Ok(None) };
    words.remove(0);
    Identify::lasting(Duration::from_secs(seconds)).map(Some)
}

/// The nodes that a command names, or those that its menu would act on.
pub(super) fn some_nodes(state: &mut State, text: &str) -> Result<(Vec<NodeId>, usize), String> {
    if text.is_empty() {
        marked(state)
    } else {
        // Named by the operator: that the filter hides them is no surprise.
        Ok((resolve(state, text)?, 0))
    }
}

/// The marked nodes or the cursor's; in a console its own node, whatever the table behind it says.
fn marked(state: &mut State) -> Result<(Vec<NodeId>, usize), String> {
    if let Focus::Pane(_) = state.focus {
        return Ok((vec![state.meant_pane()?.node], 0));
    }
    super::table::end_range(state);
    Ok(state.targets())
}

/// The nodes that a text means: names, node sets, `@tag`, `all`.
pub(super) fn resolve(state: &State, text: &str) -> Result<Vec<NodeId>, String> {
    let nodes: Vec<_> = state.present().map(|row| row.node.clone()).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(",");
    NodeSet::resolve(&text, &nodes).map_err(|error| error.to_string())
}

/// What could complete a line: whole lines, with what they do.
fn complete(state: &State, text: &str) -> Vec<(String, String)> {
    let text = text.trim_start();
    let mut found: Vec<(String, String)> = Vec::new();
    let offered = || commands::all().filter(|command| command.in_palette());
    let explain = |command: &Command| match state.keys.keys_of(command) {
        keys if keys.is_empty() => command.help.to_owned(),
        keys => format!("{} ({keys})", command.help),
    };
    let starts = offered().filter(|command| command.name.starts_with(text));
    found.extend(starts.map(|command| (command.name.to_owned(), explain(command))));
    let within = offered().filter(|command| {
        let alias = command.aliases.iter().any(|alias| alias.starts_with(text));
        !command.name.starts_with(text) && (alias || command.name.contains(text))
    });
    found.extend(within.map(|command| (command.name.to_owned(), explain(command))));
    if text.contains(' ')
        && let Some((command, _)) = parse(text)
    {
        found.extend(arguments(state, command, text));
    }
    found.truncate(OFFERED);
    found
}

fn arguments(state: &State, command: &Command, text: &str) -> Vec<(String, String)> {
    let at = text.rfind([' ', ',']).map_or(0, |at| at + 1);
    let (before, word) = text.split_at(at);
    let mut words: Vec<(String, String)> = Vec::new();
    if command.args == Args::Boot {
        words.push(("persistent".into(), "for all boots".into()));
        words.push(("uefi".into(), "EFI, not legacy".into()));
    }
    if command.args == Args::Identify {
        words.extend(["15s", "60s", "255s"].map(|time| (time.to_owned(), "for so long".to_owned())));
    }
    match command.args {
        Args::Nodes | Args::Boot | Args::Identify => {
            words.extend(state.present().map(|row| (row.node.name.clone(), row.node.address.clone())));
            let tags: std::collections::BTreeSet<&String> =
                state.present().flat_map(|row| &row.node.tags).collect();
            words.extend(tags.into_iter().map(|tag| (format!("@{tag}"), "a tag".to_owned())));
            words.push(("all".into(), "every node".into()));
        }
        Args::Node => {
            words.extend(state.present().map(|row| (row.node.name.clone(), row.node.address.clone())))
        }
        Args::Sort => words.extend(SortKey::ALL.map(|key| (key.name().to_owned(), "sort by it".to_owned()))),
        Args::Filter => {
            for (word, what) in [
                ("state:on", "powered"),
                ("state:off", "not powered"),
                ("state:unknown", "not known"),
                ("tag:", "of a tag"),
            ] {
                words.push((word.into(), what.into()));
            }
        }
        Args::Theme => words.extend(state.taste.themes.iter().cloned()),
        Args::Columns => words.extend(taste::column_words(state)),
        Args::None | Args::Text | Args::Bytes => {}
    }
    words.retain(|(candidate, _)| candidate.starts_with(word) && candidate != word);
    words.into_iter().map(|(candidate, what)| (format!("{before}{candidate}"), what)).collect()
}
