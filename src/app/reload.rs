//! Another configuration: who there is now, and what the screen takes of it.
//!
//! Nodes come from the hub ([`Fleet`]), the rest from whoever read the files ([`Reloaded`]). Rows are kept by
//! their ids, which never mean another node; one that is gone stays as a row that nobody sees, for the names in
//! the action log and of open consoles. A console is never closed here.

use super::{
    Effect, State, Taste,
    commands::Context,
    event::Reloaded,
    init::parse_prefix,
    state::{Configured, NodeRow, Notice, Overlay, PrefixState},
    verbs,
};
use crate::fleet::NodeId;
use crate::hub::message::{Fleet, Level, NodeStatus};
use std::collections::BTreeSet;

/// How the notice of a reload that was refused begins.
const REFUSED: &str = "not reloaded";
/// Problems that go to the action log one by one.
const TOLD: usize = 20;

impl State {
    /// The nodes that there are: of all rows, those that are in the configuration.
    pub fn present(&self) -> impl Iterator<Item = &NodeRow> {
        self.nodes.iter().filter(|row| !row.gone)
    }
}

/// Takes the nodes as they are now.
pub(super) fn fleet(state: &mut State, fleet: Fleet) {
    let gone: BTreeSet<NodeId> = fleet.gone.into_iter().collect();
    for pane in &mut state.panes {
        let row = state.nodes.get(pane.node.index());
        if pane.outdated.is_none() && fleet.outdated.contains(&pane.node) && pane.is_open() {
            pane.outdated = Some(row.and_then(|row| row.node.transport.clone()).unwrap_or_default());
        }
    }
    let mut changed: BTreeSet<NodeId> = fleet.outdated.into_iter().collect();
    for node in fleet.nodes {
        let gone = gone.contains(&node.id);
        match state.nodes.get_mut(node.id.index()) {
            Some(row) => {
                if row.node != node {
                    changed.insert(node.id);
                }
                row.node = node;
                row.gone = gone;
            }
            None => {
                let status = NodeStatus::unknown(node.id);
                state.nodes.push(NodeRow { node, status, last: None, gone });
            }
        }
    }
    let table = &mut state.table;
    table.marks.retain(|node| !gone.contains(node));
    table.range = table.range.filter(|node| !gone.contains(node));
    state.inner.dirty = true;
    drop_questions(state, &gone, &changed);
    verbs::recount(state);
}

/// What was about to be done to a node that is gone is not asked any more; nor is a question that was asked of
/// another guard or BMC: what it said does not hold. A menu stays with a node that was only changed, since what is
/// picked in it is asked anew.
fn drop_questions(state: &mut State, gone: &BTreeSet<NodeId>, changed: &BTreeSet<NodeId>) {
    let any = |nodes: &[NodeId], of: &BTreeSet<NodeId>| nodes.iter().any(|node| of.contains(node));
    let about = |overlay: &Overlay| match overlay {
        Overlay::Menu(menu) => any(&menu.targets, gone),
        Overlay::Confirm(confirm) => any(&confirm.targets, gone) || any(&confirm.targets, changed),
        Overlay::Details { node, .. } => gone.contains(node),
        _ => false,
    };
    let Some(first) = state.overlays.iter().position(about) else { return };
    let dropped = state.overlays.split_off(first);
    if dropped.iter().any(|overlay| matches!(overlay, Overlay::Details { .. })) && dropped.len() == 1 {
        return state.warn("this node is no longer in the configuration");
    }
    let changed = dropped.iter().any(|overlay| match overlay {
        Overlay::Confirm(confirm) => !any(&confirm.targets, gone),
        _ => false,
    });
    // Whoever is typing the answer would type it into what lay below.
    state.inner.withdrawn = Some(state.now);
    state.warn(match changed {
        true => "a node of it was changed in the configuration: nothing was done, ask again",
        false => "a node of it is no longer in the configuration: nothing was done",
    });
}

/// The files were read: the screen takes what concerns it, or says what is wrong.
pub(super) fn read(state: &mut State, result: Result<Box<Reloaded>, Vec<String>>, out: &mut Vec<Effect>) {
    match result {
        Ok(reloaded) => taken(state, *reloaded, out),
        Err(problems) => refused(state, &problems),
    }
}

fn taken(state: &mut State, reloaded: Reloaded, out: &mut Vec<Effect>) {
    // Read before; one that cannot be is refused there.
    if let Ok(keys) = parse_prefix(&reloaded.prefix) {
        let prefix = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        if prefix != state.prefix {
            state.prefix_state = PrefixState::None;
            state.prefix = prefix;
            state.inner.prefix = keys;
        }
    }
    state.keys = reloaded.keys;
    let before = std::mem::replace(
        &mut state.inner.configured,
        Configured { taste: reloaded.taste.clone(), mouse: reloaded.mouse },
    );
    if before.mouse != reloaded.mouse && state.mouse != reloaded.mouse {
        state.mouse = reloaded.mouse;
        out.push(Effect::Mouse);
    }
    taste(state, &before.taste, reloaded.taste);
    state.poll_interval = reloaded.poll_interval;
    state.title = reloaded.title;
    // What was wrong before is mended.
    for notice in state.notices.iter_mut().filter(|notice| notice.text.starts_with(REFUSED)) {
        notice.until = notice.until.min(state.now);
    }
    let summary = format!("reloaded: {}", reloaded.changes);
    match reloaded.warnings.as_slice() {
        [] => state.say(summary),
        [only] => state.warn(format!("{summary}; but {only}")),
        [first, rest @ ..] => {
            for warning in rest.iter().take(TOLD) {
                log(state, Level::Warning, warning.clone(), None);
            }
            let text = format!("{summary}; but {first} (and {} more)", rest.len());
            let hint = shows_all(state);
            state.notice(Level::Warning, text, Some(hint));
        }
    }
}

/// What was changed in the configuration holds; what the operator chose in this run stays otherwise.
fn taste(state: &mut State, before: &Taste, new: Taste) {
    let old = std::mem::replace(&mut state.taste, new);
    let new = &mut state.taste;
    if new.theme == before.theme && new.themes.iter().any(|(name, _)| *name == old.theme) {
        new.theme = old.theme;
    }
    if new.columns == before.columns {
        new.columns = old.columns;
    }
    if new.sort != before.sort {
        state.table.sort = new.sort;
    }
}

/// How the action log is opened.
fn shows_all(state: &State) -> String {
    format!("{} shows all", state.keys.key_in(Context::Table, "log"))
}

/// For the action log only: not over the line that sums it up.
fn log(state: &mut State, level: Level, text: String, hint: Option<String>) {
    let at = state.now;
    state.notices.push_back(Notice { level, text, hint, at, until: at, seen: false, logged: false });
}

fn refused(state: &mut State, problems: &[String]) {
    let several = if problems.len() > 1 { problems } else { &[] };
    for problem in several.iter().take(TOLD) {
        let (text, hint) = match problem.split_once('\n') {
            Some((text, hint)) => (text.to_owned(), Some(hint.trim().to_owned())),
            None => (problem.clone(), None),
        };
        log(state, Level::Error, text, hint);
    }
    let first = problems.first().map_or("", |problem| without_directory(problem));
    let (first, help) = first.split_once('\n').map_or((first, None), |(text, help)| (text, Some(help)));
    let more = match problems.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let mut hint = format!("{}, lightsout config check too", shows_all(state));
    if let Some(help) = help.filter(|_| problems.len() == 1) {
        help.trim().clone_into(&mut hint);
    }
    state.notice(Level::Error, format!("{REFUSED}{more}: {first}"), Some(hint));
}

/// A problem that begins with the file's name alone: its path would fill the line. The log has it whole.
fn without_directory(problem: &str) -> &str {
    let path = problem.split(':').next().unwrap_or_default();
    path.rfind('/').filter(|_| path.starts_with('/')).map_or(problem, |slash| &problem[slash + 1..])
}
