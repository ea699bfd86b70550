//! What the hub tells, and what becomes of requests that it did not take.
//!
//! The one place where late answers are dropped: to a closed console, a closed question, an
//! overtaken search.

use super::{
    Effect, State, panes, reload, scroll,
    state::{Focus, Overlay},
    summary, verbs,
};
use crate::fleet::{ConsoleState, Fault, FaultClass, Millis, Power, PowerVerb, SessionStatus, SortKey, Verb};
use crate::hub::message::{
    ConsoleId, ConsoleRequest, Level, NodeStatus, Outcome, Request, Update, VerbResult,
};
use std::time::Duration;

/// Requests kept to be sent again.
const AGAIN: usize = 64;

/// Takes one update.
pub(super) fn take(state: &mut State, update: Update, out: &mut Vec<Effect>) {
    match update {
        Update::Node(status) => node(state, *status),
        Update::Console(console, status) => session(state, console, *status),
        Update::Frame(console) => {
            if state.pane(console).is_some() && state.layout.pane(console).is_some() {
                out.push(Effect::FetchFrame(console));
            }
        }
        Update::Done(result) => done(state, *result),
        Update::Described { id, text } => {
            if let Some(Overlay::Confirm(confirm)) = state.overlays.last_mut()
                && confirm.describe == Some(id)
            {
                confirm.command = Some(text);
            }
        }
        Update::Found { id, found } => {
            scroll::found(state, id, found);
        }
        Update::Text { id, text } => {
            if state.inner.copy == Some(id) {
                state.inner.copy = None;
                copied(state, text, out);
            }
        }
        Update::Fleet(fleet) => reload::fleet(state, *fleet),
        Update::Notice { level, text, hint } => state.notice(level, text, hint),
    }
}

fn copied(state: &mut State, text: String, out: &mut Vec<Effect>) {
    match text.lines().count() {
        0 => return state.warn("there is nothing to copy here"),
        1 => state.say("copied 1 line"),
        lines => state.say(format!("copied {lines} lines")),
    }
    out.push(Effect::Copy(text));
}

fn node(state: &mut State, status: NodeStatus) {
    let Some(row) = state.nodes.get_mut(status.node.index()) else {
        return;
    };
    if row.status != status {
        // That on or off did not come is no news any more once it is seen.
        let simple =
            |verb: &Verb| matches!(verb, Verb::Power(PowerVerb::On | PowerVerb::Off | PowerVerb::Soft));
        let reached = |(result, _): &(VerbResult, Millis)| {
            simple(&result.verb) && result.verb.target() == Some(status.seen.value)
        };
        if row.last.as_ref().is_some_and(reached) {
            row.last = None;
        }
        let table = &state.table;
        // Of a large fleet most readings change nothing in the order.
        let moves = match table.sort {
            SortKey::Name | SortKey::Config | SortKey::Tag => {
                !table.filter.is_empty() && row.status.seen != status.seen
            }
            SortKey::State | SortKey::Age => row.status.seen != status.seen,
        };
        row.status = status;
        state.inner.dirty |= moves;
        verbs::recount(state);
    }
}

fn session(state: &mut State, console: ConsoleId, status: SessionStatus) {
    let focused = state.focus == Focus::Pane(console);
    let Some(pane) = state.pane_mut(console) else {
        return;
    };
    let node = pane.node;
    let before = std::mem::replace(&mut pane.status, status);
    let after = pane.status.clone();
    let closed = matches!(after.state, ConsoleState::Closed { .. });
    let ended = closed && !matches!(before.state, ConsoleState::Closed { .. });
    pane.unseen |= !focused && (after.received > before.received || ended);
    let name = state.name(node).to_owned();
    if let Some(note) = after.note.filter(|note| before.note.as_ref() != Some(note)) {
        state.say(format!("{name}: {note}"));
    }
    if let Some(fault) = after.log_fault.filter(|fault| before.log_fault.as_ref() != Some(fault)) {
        state.notice(Level::Error, format!("{name}: the console's log is not written: {fault}"), None);
    }
    // A failure is told once and its recovery once, however often it is tried in between.
    match after.state {
        ConsoleState::Closed { fault, .. } if state.inner.ended.insert(console) => {
            state.notice(Level::Warning, format!("{name}: console: {}", fault.reason), fault.hint);
        }
        ConsoleState::Attached { .. } if state.inner.ended.remove(&console) => {
            state.say(format!("{name}: console attached again"));
        }
        _ => {}
    }
}

/// A verb ended on a node: the action log, the node's note, and a notice when it was the last one.
fn done(state: &mut State, result: VerbResult) {
    if let Some(Overlay::Confirm(confirm)) = state.overlays.last_mut()
        && let Some(holders) = confirm.holders.as_mut().filter(|holders| holders.id == result.id)
    {
        let told = match &result.outcome {
            Outcome::SolHolder(holder) => holder.to_string(),
            other => summary::word(other),
        };
        holders.told.push((result.node, told));
        return;
    }
    let Some(action) = state.actions.iter_mut().find(|action| action.id == result.id) else {
        return;
    };
    let known = action.results.iter().any(|old| old.node == result.node);
    if known || !action.nodes.contains(&result.node) {
        return;
    }
    action.results.push(result.clone());
    let over = (action.results.len() == action.nodes.len()).then(|| action.clone());
    if let Some(row) = state.nodes.get_mut(result.node.index()) {
        row.last = summary::is_trouble(&result.outcome).then(|| (result.clone(), state.now));
        if let Outcome::Boot(setting) = result.outcome {
            row.status.boot = Some(setting);
        }
    }
    info(state, &result);
    if let Some(action) = over {
        let (level, text) = summary::of(state, &action);
        let hint = action.results.iter().find_map(|result| match &result.outcome {
            Outcome::Failed(fault) => fault.hint.clone(),
            _ => None,
        });
        state.notice(level, text, hint);
        if let Some(notice) = state.notices.back_mut() {
            notice.logged = true;
        }
    }
}

/// The details overlay that waits for an identity gets it.
fn info(state: &mut State, result: &VerbResult) {
    if result.verb != Verb::Info || state.inner.info != Some(result.id) {
        return;
    }
    state.inner.info = None;
    for overlay in &mut state.overlays {
        if let Overlay::Details { node, info, .. } = overlay
            && *node == result.node
        {
            *info = match &result.outcome {
                Outcome::Info(lines) => Some(Ok(lines.clone())),
                Outcome::Failed(fault) => Some(Err(fault.clone())),
                other => Some(Err(not_done(summary::word(other)))),
            };
        }
    }
}

fn not_done(reason: String) -> Fault {
    Fault { class: FaultClass::Local, reason, hint: None }
}

/// The hub did not take a request. What the operator asked is told; what must not get lost is sent
/// again with the next tick.
pub(super) fn not_taken(state: &mut State, request: Request) {
    let busy = "the hub is busy";
    match request {
        Request::Verb { id, verb, nodes, .. } => {
            for node in nodes {
                done(
                    state,
                    VerbResult {
                        id,
                        node,
                        verb: verb.clone(),
                        outcome: Outcome::Refused(format!("{busy}, nothing was sent")),
                        power: Power::Unknown,
                        elapsed: Duration::ZERO,
                    },
                );
            }
        }
        Request::Cancel { nodes } => {
            let nodes = state.folded(&nodes);
            state.notice(Level::Error, format!("{busy}: nothing was cancelled on {nodes}"), None);
        }
        Request::Poll { .. } => state.warn(format!("{busy}: not polled")),
        Request::Watch { .. } => state.inner.resend = true,
        Request::Describe { id, .. } => {
            if let Some(Overlay::Confirm(confirm)) = state.overlays.last_mut()
                && confirm.describe == Some(id)
            {
                confirm.command = Some(format!("({busy}: it cannot be said what would be sent)"));
            }
        }
        Request::Console { console, what } => console_not_taken(state, console, what),
    }
}

fn console_not_taken(state: &mut State, console: ConsoleId, what: ConsoleRequest) {
    match what {
        ConsoleRequest::View(_) => state.inner.resend = true,
        // A session that nobody shows any more would hold its SOL for ever.
        ConsoleRequest::Detach | ConsoleRequest::Mode(_) => {
            if state.inner.again.len() < AGAIN {
                state.inner.again.push(Request::Console { console, what });
            }
        }
        ConsoleRequest::Attach { .. } => {
            if let Some(pane) = state.pane_mut(console) {
                let node = pane.node;
                panes::forget(state, console);
                let name = state.name(node).to_owned();
                state.notice(
                    Level::Error,
                    format!("the hub is busy: the console of {name} was not opened"),
                    None,
                );
            }
        }
        ConsoleRequest::Search { id, .. } => {
            scroll::found(state, id, Err("the hub is busy: not searched".into()));
        }
        ConsoleRequest::Input(_) | ConsoleRequest::Paste(_) | ConsoleRequest::Break => {
            if let Some(pane) = state.pane(console) {
                let name = state.name(pane.node).to_owned();
                state.notice(
                    Level::Error,
                    format!("the hub is busy: what you typed to {name} was not sent"),
                    None,
                );
            }
        }
        ConsoleRequest::Reopen
        | ConsoleRequest::Steal
        | ConsoleRequest::Wait
        | ConsoleRequest::Watch
        | ConsoleRequest::Copy { .. }
        | ConsoleRequest::StopPaste
        | ConsoleRequest::NextCharset
        | ConsoleRequest::ForceWrap => state.warn("the hub is busy: nothing was done"),
    }
}
