//! The action log: which entry is meant, how far it is, and what can be done with it again.
//!
//! `ui` draws it from here; `overlay` and `commands::log` call the rest. Verbs go through `verbs::ask` like any
//! other, so that the guard sees them.

use super::{
    Effect, State,
    state::{Action, ActionLog, Overlay},
    summary, verbs, view,
};
use crate::fleet::{Millis, NodeId};
use crate::hub::message::{Outcome, Phase, Request, RequestId, VerbResult};
use std::time::Duration;

/// How far an action is, in nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Ended well.
    pub done: usize,
    /// Ended otherwise.
    pub failed: usize,
    /// The operator stopped waiting.
    pub cancelled: usize,
    /// No result yet.
    pub waiting: usize,
}

/// Nodes of an action that are equally far, or came to the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// What came of it, or what is waited for, with the names.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// How it is to be seen.
    pub kind: ShareKind,
}

/// How a line of an action is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareKind {
    /// Ended well.
    Good,
    /// The operator must look at it.
    Trouble,
    /// Not ended.
    Waiting,
}

/// Counts an action's nodes.
#[must_use]
pub fn progress(action: &Action) -> Progress {
    let mut progress =
        Progress { waiting: action.nodes.len().saturating_sub(action.results.len()), ..Progress::default() };
    for result in &action.results {
        match &result.outcome {
            Outcome::Cancelled { .. } => progress.cancelled += 1,
            outcome if summary::is_trouble(outcome) => progress.failed += 1,
            _ => progress.done += 1,
        }
    }
    progress
}

/// `9 done, 1 failed, 6 waiting`; empty once everything has ended, when the results speak for themselves.
#[must_use]
pub fn progress_text(action: &Action) -> String {
    let Progress { done, failed, cancelled, waiting } = progress(action);
    if waiting == 0 || action.nodes.len() < 2 {
        return String::new();
    }
    let parts = [(done, "done"), (failed, "failed"), (cancelled, "cancelled"), (waiting, "waiting")];
    let shown = parts.iter().filter(|(count, word)| *count > 0 || *word == "done");
    shown.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// An action's nodes folded by result: what went well, then trouble, then what is still waited for.
#[must_use]
pub fn shares(state: &State, action: &Action) -> Vec<Share> {
    let mut shares: Vec<Share> = summary::groups(state, &action.results)
        .into_iter()
        .map(|group| {
            let nodes: Vec<NodeId> = group.results.iter().map(|result| result.node).collect();
            let trouble = group.results.iter().any(|result| summary::is_trouble(&result.outcome));
            let text = format!("{}: {} · {}", group.word, state.folded(&nodes), took(&group.results));
            let hint = group.results.iter().find_map(|result| match &result.outcome {
                Outcome::Failed(fault) => fault.hint.clone(),
                _ => None,
            });
            Share { text, hint, kind: if trouble { ShareKind::Trouble } else { ShareKind::Good } }
        })
        .collect();
    shares.sort_by_key(|share| share.kind == ShareKind::Trouble);
    let mut said: Vec<String> = Vec::new();
    for share in &mut shares {
        share.hint = share.hint.take().filter(|hint| !said.contains(hint));
        said.extend(share.hint.clone());
    }
    shares.extend(waiting(state, action));
    shares
}

/// `6.4s`, `2.1-6.4s`.
fn took(results: &[&VerbResult]) -> String {
    let seconds = |time: Option<Duration>| time.unwrap_or_default().as_secs_f32();
    let shortest = seconds(results.iter().map(|result| result.elapsed).min());
    let longest = seconds(results.iter().map(|result| result.elapsed).max());
    let (shortest, longest) = (format!("{shortest:.1}"), format!("{longest:.1}"));
    if shortest == longest { format!("{longest}s") } else { format!("{shortest}-{longest}s") }
}

/// What is waited for, folded by how far the nodes are.
fn waiting(state: &State, action: &Action) -> Vec<Share> {
    let mut turns: Vec<(usize, usize, Millis, NodeId)> = Vec::new();
    let mut others: Vec<(&str, Vec<NodeId>)> = Vec::new();
    for node in rest(action) {
        let status = state.row(node).map(|row| &row.status);
        let pending = status.and_then(|status| status.pending.as_ref());
        let word = match pending.filter(|pending| pending.id == Some(action.id)).map(|pending| pending.phase)
        {
            Some(Phase::Turn { number, of, due }) => {
                turns.push((number, of, due, node));
                continue;
            }
            Some(Phase::Sending) => "being sent",
            Some(Phase::Observing) => "sent, waiting to see it",
            Some(Phase::Queued) if status.is_some_and(view::silent) => "not sent, no answer yet, asked again",
            Some(Phase::Queued) => "waiting for its turn",
            None => "asked, no answer yet",
        };
        match others.iter_mut().find(|(other, _)| *other == word) {
            Some((_, nodes)) => nodes.push(node),
            None => others.push((word, vec![node])),
        }
    }
    let mut lines: Vec<String> =
        others.iter().map(|(word, nodes)| format!("{word}: {}", state.folded(nodes))).collect();
    turns.sort_unstable_by_key(|(number, _, due, _)| (*due, *number));
    if let (Some(first), Some(last)) = (turns.first(), turns.last()) {
        let nodes: Vec<NodeId> = turns.iter().map(|(.., node)| *node).collect();
        let at = |due: Millis| view::clock_seconds(due, state.utc_offset);
        let when = if turns.len() == 1 {
            format!("turn {} of {}, due {}", first.0, first.1, at(first.2))
        } else {
            format!("turns {} to {} of {}, due {} to {}", first.0, last.0, first.1, at(first.2), at(last.2))
        };
        lines.push(format!("staggered, {when}: {}", state.folded(&nodes)));
    }
    lines.into_iter().map(|text| Share { text, hint: None, kind: ShareKind::Waiting }).collect()
}

/// The nodes without a result.
fn rest(action: &Action) -> Vec<NodeId> {
    // Of a long log nearly every entry has ended, and all are looked at for every picture.
    if action.results.len() >= action.nodes.len() {
        return Vec::new();
    }
    let ended = |node: &NodeId| action.results.iter().any(|result| result.node == *node);
    action.nodes.iter().copied().filter(|node| !ended(node)).collect()
}

/// The nodes where it failed, was refused or not confirmed; not those where the operator stopped it.
fn failed(action: &Action) -> Vec<NodeId> {
    let failed = |outcome: &Outcome| {
        matches!(outcome, Outcome::Failed(_) | Outcome::Refused(_) | Outcome::NotConfirmed { .. })
    };
    action.results.iter().filter(|result| failed(&result.outcome)).map(|result| result.node).collect()
}

fn log_of(state: &mut State) -> Option<&mut ActionLog> {
    state.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Actions(log) => Some(log),
        _ => None,
    })
}

/// Index of the entry that keys act on: the newest, when what was selected is gone.
fn position(state: &State, selected: Option<RequestId>) -> Option<usize> {
    let at = selected.and_then(|id| state.actions.iter().position(|action| action.id == id));
    at.or_else(|| state.actions.len().checked_sub(1))
}

/// The entry that keys act on.
#[must_use]
pub fn selected(state: &State, log: ActionLog) -> Option<&Action> {
    state.actions.get(position(state, log.selected)?)
}

/// Selects another entry, `step` further on; scrolls where there are only notices.
pub(super) fn select(state: &mut State, step: isize) {
    let Some(log) = log_of(state).copied() else { return };
    let Some(at) = position(state, log.selected) else {
        scroll(state, step);
        // It begins at its end.
        if let Some(log) = log_of(state) {
            log.scroll = log.scroll.min(0);
        }
        return;
    };
    let last = state.actions.len() - 1;
    let to = at.saturating_add_signed(step).min(last);
    // The newest is not named: when another comes, that is the newest.
    let chosen = state.actions.get(to).map(|action| action.id).filter(|_| to < last);
    if let Some(log) = log_of(state) {
        *log = ActionLog { selected: chosen, scroll: 0 };
    }
}

/// Scrolls by lines; what lies beyond the ends is `ui`'s to cut off, but the way back must not be long.
pub(super) fn scroll(state: &mut State, lines: isize) {
    let most: usize =
        state.actions.iter().map(|action| 4 + action.results.len()).sum::<usize>() + 3 * state.notices.len();
    let most = isize::try_from(most).unwrap_or(isize::MAX);
    if let Some(log) = log_of(state) {
        log.scroll = log.scroll.saturating_add(lines).clamp(-most, most);
    }
}

/// The entry that a command of the log means.
fn meant(state: &mut State) -> Result<Action, String> {
    let log = log_of(state).copied().unwrap_or_default();
    selected(state, log).cloned().ok_or_else(|| "nothing was done yet".to_owned())
}

/// Does it again on exactly the nodes where it failed.
pub(super) fn retry(state: &mut State, out: &mut Vec<Effect>) -> Result<(), String> {
    let action = meant(state)?;
    let nodes = failed(&action);
    if nodes.is_empty() {
        return Err(format!("{}: it failed nowhere", action.verb.words()));
    }
    // The entry names them: that the filter hides some is no surprise.
    verbs::ask(state, action.verb, (nodes, 0), out)
}

/// Stops waiting for the nodes that have no result yet. What was sent stays sent, and is said.
pub(super) fn cancel_rest(state: &mut State, out: &mut Vec<Effect>) -> Result<(), String> {
    let action = meant(state)?;
    let words = action.verb.words();
    if action.verb.is_read() {
        return Err(format!("{words}: what only reads ends by itself"));
    }
    let ours = |node: &NodeId| {
        let pending = state.row(*node).and_then(|row| row.status.pending.as_ref());
        // A verb that took over is another entry's.
        pending.and_then(|pending| pending.id).is_none_or(|id| id == action.id)
    };
    let nodes: Vec<NodeId> = rest(&action).into_iter().filter(ours).collect();
    if nodes.is_empty() {
        return Err(format!("{words}: it has ended everywhere"));
    }
    state.say(format!("cancelling {words}: {}", state.folded(&nodes)));
    out.push(Effect::Hub(Box::new(Request::Cancel { nodes })));
    Ok(())
}

/// Copies the names of all its nodes.
pub(super) fn copy(state: &mut State, out: &mut Vec<Effect>) -> Result<(), String> {
    let action = meant(state)?;
    copied(state, &action.nodes, out);
    Ok(())
}

/// Copies the names of those where it failed.
pub(super) fn copy_failed(state: &mut State, out: &mut Vec<Effect>) -> Result<(), String> {
    let action = meant(state)?;
    let nodes = failed(&action);
    if nodes.is_empty() {
        return Err(format!("{}: it failed nowhere", action.verb.words()));
    }
    copied(state, &nodes, out);
    Ok(())
}

/// Copies names, folded.
pub(super) fn copied(state: &mut State, nodes: &[NodeId], out: &mut Vec<Effect>) {
    let text = state.folded(nodes);
    state.say(format!("copied {text}"));
    out.push(Effect::Copy(text));
}
