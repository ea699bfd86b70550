//! Typing into several consoles at once: armed after a question, and off as soon as it is not certain any more who
//! gets what. The only writer of [`State::several`]; every byte still passes [`panes::send`].

use super::{
    Effect, State, panes,
    state::{Confirm, ConfirmLevel, Focus, Input, Overlay, Question},
    verbs,
};
use crate::fleet::NodeId;
use crate::hub::message::{ConsoleId, ConsoleRequest};

/// Asks whether to begin, or ends it: then at once, not when a paste is through.
pub(super) fn toggle(state: &mut State, out: &mut Vec<Effect>) -> Result<(), String> {
    if !state.several.is_empty() {
        out.extend(state.several.iter().map(|console| panes::request(*console, ConsoleRequest::StopPaste)));
        end(state, "");
        return Ok(());
    }
    let open = state.panes.iter().map(|pane| pane.console);
    let consoles: Vec<ConsoleId> = open.filter(|console| panes::sendable(state, *console).is_ok()).collect();
    if consoles.len() < 2 {
        return Err("typing into several consoles needs two that are attached and interactive".into());
    }
    let targets = nodes(state, &consoles);
    let protected =
        targets.iter().filter_map(|node| state.row(*node)).filter(|row| row.node.protected).count();
    let level = if protected > 0 {
        ConfirmLevel::Typed { word: targets.len().to_string(), input: Input::default() }
    } else {
        ConfirmLevel::Key
    };
    let confirm = Confirm {
        folded: state.folded(&targets),
        targets,
        protected,
        ..verbs::question(state, Question::Several { consoles }, level)
    };
    state.overlays.push(Overlay::Confirm(Box::new(confirm)));
    Ok(())
}

/// The operator said yes.
pub(super) fn begin(state: &mut State, consoles: Vec<ConsoleId>) {
    // One of them gets the keys, whoever had them when the question came.
    let focused = matches!(state.focus, Focus::Pane(console) if consoles.contains(&console));
    if let (false, Some(first)) = (focused, consoles.first()) {
        panes::focus(state, *first);
    }
    state.several = consoles;
}

/// Sends to the focused console, and to all others if they are typed into together. `what` makes the bytes as each
/// console wants them.
pub(super) fn send(
    state: &mut State,
    focused: ConsoleId,
    what: impl Fn(&State, ConsoleId) -> Option<ConsoleRequest>,
    out: &mut Vec<Effect>,
) {
    let consoles = if state.several.contains(&focused) { state.several.clone() } else { vec![focused] };
    for console in consoles {
        if let Some(what) = what(state, console) {
            panes::send(state, console, what, out);
        }
    }
}

/// What must hold after every event: all of them can be typed into, and one of them has the keys.
pub(super) fn settle(state: &mut State) {
    if state.several.is_empty() {
        return;
    }
    let (kept, lost): (Vec<_>, Vec<_>) =
        state.several.iter().partition(|console| panes::sendable(state, **console).is_ok());
    let gone = nodes(state, &lost);
    let gone = if gone.is_empty() { "a console that was closed".to_owned() } else { state.folded(&gone) };
    let focused = matches!(state.focus, Focus::Pane(console) if kept.contains(&console));
    state.several = kept;
    match (lost.is_empty(), focused && state.several.len() > 1) {
        (true, true) => {}
        (true, false) => end(state, ""),
        (false, true) => state.warn(format!("no longer typed into: {gone}")),
        (false, false) => end(state, &format!("{gone} cannot be typed into any more; ")),
    }
}

fn end(state: &mut State, why: &str) {
    state.several.clear();
    state.warn(format!("{why}what you type goes to one console again"));
}

fn nodes(state: &State, consoles: &[ConsoleId]) -> Vec<NodeId> {
    state.panes.iter().filter(|pane| consoles.contains(&pane.console)).map(|pane| pane.node).collect()
}

impl State {
    /// The nodes whose consoles are typed into together, in the order of the panes.
    #[must_use]
    pub fn several_nodes(&self) -> Vec<NodeId> {
        nodes(self, &self.several)
    }
}
