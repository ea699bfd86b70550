//! Consoles: opening, closing, focus, and what reaches the node.
//!
//! Every byte to a node passes [`send`], which alone decides whether it may.

use super::{
    Effect, Key, KeyCode, State,
    commands::{self, Context},
    encode::{encode, encode_paste},
    guard, scroll, several,
    state::{Focus, Pane, PrefixState},
};
use crate::fleet::{ConsoleMode, ConsoleState, NodeId, SessionStatus};
use crate::hub::message::{ConsoleId, ConsoleRequest, Request};
use crate::screen::{Frame, Modes};
use std::sync::Arc;

/// Consoles that may be open at once.
const MOST: usize = 64;

/// A request for a console.
pub(super) fn request(console: ConsoleId, what: ConsoleRequest) -> Effect {
    Effect::Hub(Box::new(Request::Console { console, what }))
}

impl State {
    /// An open console.
    #[must_use]
    pub fn pane(&self, console: ConsoleId) -> Option<&Pane> {
        self.panes.iter().find(|pane| pane.console == console)
    }

    pub(super) fn pane_mut(&mut self, console: ConsoleId) -> Option<&mut Pane> {
        self.panes.iter_mut().find(|pane| pane.console == console)
    }

    /// The console that a command means: the focused one, or that of the cursor's node.
    pub(super) fn meant_pane(&self) -> Result<&Pane, String> {
        let found = match self.focus {
            Focus::Pane(console) => self.pane(console),
            Focus::Table => self.panes.iter().find(|pane| Some(pane.node) == self.table.cursor),
        };
        found.ok_or_else(|| {
            let open = self.keys.key_in(Context::Table, "console");
            format!("no console of this node is open; {open} opens it")
        })
    }

    /// A number that was never used.
    pub(super) fn next_id(&mut self) -> u64 {
        self.inner.last_id += 1;
        self.inner.last_id
    }
}

/// Opens the console of a node, or goes to it when it is open.
pub(super) fn attach(state: &mut State, node: NodeId, out: &mut Vec<Effect>) -> Result<(), String> {
    if let Some(pane) = state.panes.iter().find(|pane| pane.node == node && pane.is_open()) {
        let console = pane.console;
        focus(state, console);
        return Ok(());
    }
    let row = state.row(node).filter(|row| !row.gone).ok_or("there is no such node any more")?;
    if row.node.transport.is_none() {
        return Err(format!("no console is configured for {}", row.node.name));
    }
    let mode = match guard::may_type(&row.node, state.read_only) {
        Ok(()) => ConsoleMode::Interactive,
        Err(_) => ConsoleMode::Monitor,
    };
    let place = state.panes.iter().position(|pane| pane.node == node);
    if place.is_none() && state.panes.len() >= MOST {
        return Err(format!("{MOST} consoles are open; close one first"));
    }
    let console = ConsoleId(state.next_id());
    let pane = new_pane(console, node, SessionStatus { mode, ..SessionStatus::default() });
    match place {
        // The place from an earlier run becomes a console: with a number of its own, as any other.
        Some(at) => {
            let old = std::mem::replace(&mut state.panes[at], pane).console;
            state.inner.shown.retain(|(id, _)| *id != old);
        }
        None => state.panes.push(pane),
    }
    out.push(request(console, ConsoleRequest::Attach { node, mode }));
    focus(state, console);
    Ok(())
}

fn new_pane(console: ConsoleId, node: NodeId, status: SessionStatus) -> Pane {
    Pane { console, node, status, frame: None, scroll: None, unseen: false, outdated: None }
}

/// A place for the console of a node, which is not attached.
pub(super) fn place(state: &mut State, node: NodeId) {
    let has = state.panes.iter().any(|pane| pane.node == node);
    let can = state.row(node).is_some_and(|row| row.node.transport.is_some());
    if can && !has && state.panes.len() < MOST {
        let console = ConsoleId(state.next_id());
        let status = SessionStatus { state: ConsoleState::Detached, ..SessionStatus::default() };
        state.panes.push(new_pane(console, node, status));
        state.last_pane = Some(console);
    }
}

/// Ends a session and starts it again; a place is attached.
pub(super) fn reopen(state: &mut State, console: ConsoleId, out: &mut Vec<Effect>) -> Result<(), String> {
    let pane = state.pane(console).ok_or("this console is closed")?;
    let (node, open) = (pane.node, pane.is_open());
    if !open {
        return attach(state, node, out);
    }
    if state.row(node).is_none_or(|row| row.gone || row.node.transport.is_none()) {
        let name = state.name(node);
        return Err(format!("{name} has no console in the configuration any more: it stays as it is"));
    }
    if let Some(pane) = state.pane_mut(console) {
        pane.outdated = None;
    }
    out.push(request(console, ConsoleRequest::Reopen));
    Ok(())
}

/// Opens the console of `node` and nothing else, filling the screen (`lightsout console NODE`); `monitor`
/// only looks. The caller's next event settles the rest.
///
/// # Errors
/// The node has no console.
pub fn open_single(state: &mut State, node: NodeId, monitor: bool) -> Result<Vec<Effect>, String> {
    let mut out = Vec::new();
    attach(state, node, &mut out)?;
    state.zoom = true;
    if monitor {
        for pane in &mut state.panes {
            pane.status.mode = ConsoleMode::Monitor;
        }
        for effect in &mut out {
            if let Effect::Hub(request) = effect
                && let Request::Console { what: ConsoleRequest::Attach { mode, .. }, .. } = request.as_mut()
            {
                *mode = ConsoleMode::Monitor;
            }
        }
    }
    Ok(out)
}

/// Gives the keys to a console.
pub(super) fn focus(state: &mut State, console: ConsoleId) {
    state.focus = Focus::Pane(console);
    state.last_pane = Some(console);
    state.prefix_state = PrefixState::None;
    if let Some(pane) = state.pane_mut(console) {
        pane.unseen = false;
    }
}

/// Gives the keys back to the table.
pub(super) fn leave(state: &mut State) {
    state.focus = Focus::Table;
    state.zoom = false;
    state.prefix_state = PrefixState::None;
}

/// Ends a session.
pub(super) fn detach(state: &mut State, console: ConsoleId, out: &mut Vec<Effect>) {
    let open = state.pane(console).is_some_and(Pane::is_open);
    forget(state, console);
    if open {
        out.push(request(console, ConsoleRequest::Detach));
    }
}

/// Closes a pane without a word to the hub.
pub(super) fn forget(state: &mut State, console: ConsoleId) {
    let at = state.panes.iter().position(|pane| pane.console == console).unwrap_or(0);
    state.panes.retain(|pane| pane.console != console);
    state.inner.shown.retain(|(id, _)| *id != console);
    state.inner.grid.remove(&console);
    state.inner.ended.remove(&console);
    if state.focus == Focus::Pane(console) {
        leave(state);
    }
    if state.last_pane == Some(console) {
        let next = at.min(state.panes.len().saturating_sub(1));
        state.last_pane = state.panes.get(next).map(|pane| pane.console);
    }
}

/// Goes to the console `by` places further on.
pub(super) fn neighbour(state: &mut State, by: isize) -> Result<(), String> {
    let current = match state.focus {
        Focus::Pane(console) => Some(console),
        Focus::Table => state.last_pane,
    };
    let count = isize::try_from(state.panes.len()).unwrap_or(0);
    let at = state.panes.iter().position(|pane| Some(pane.console) == current);
    let at = at.and_then(|at| isize::try_from(at).ok()).unwrap_or(0);
    if count == 0 {
        let open = state.keys.key_in(Context::Table, "console");
        return Err(format!("no console is open; {open} opens one"));
    }
    let next = usize::try_from((at + by).rem_euclid(count)).unwrap_or(0);
    let console = state.panes[next].console;
    focus(state, console);
    Ok(())
}

/// A newer picture came.
pub(super) fn frame(state: &mut State, console: ConsoleId, frame: Arc<Frame>) {
    if frame.live {
        state.inner.grid.insert(console, (frame.cols, frame.rows));
    }
    let focused = state.focus == Focus::Pane(console);
    let Some(pane) = state.pane_mut(console) else {
        state.inner.grid.remove(&console);
        return;
    };
    if let Some(before) = pane.frame.as_ref().filter(|before| before.live && frame.live) {
        pane.unseen |= !focused && before.cells != frame.cells;
    }
    // A picture of the other kind was on its way when the view was changed.
    if frame.live == pane.scroll.is_none() || pane.frame.is_none() {
        pane.frame = Some(frame);
        scroll::clamp(state, console);
    }
}

/// A key while a console has the focus.
///
/// With a prefix of two keys, the first one waits for the second: what is no prefix then goes to
/// the node, both keys; the first key twice goes to it once. After the whole prefix, its first key
/// goes to the node.
pub(super) fn key(state: &mut State, console: ConsoleId, key: Key, out: &mut Vec<Effect>) {
    let first = state.inner.prefix.first().copied();
    let second = state.inner.prefix.get(1).copied();
    match std::mem::take(&mut state.prefix_state) {
        PrefixState::None if Some(key) == first => {
            state.prefix_state = if second.is_some() { PrefixState::Half } else { PrefixState::Armed };
        }
        PrefixState::None => plain(state, console, key, out),
        PrefixState::Half if Some(key) == second => state.prefix_state = PrefixState::Armed,
        PrefixState::Half => {
            if let Some(first) = first {
                plain(state, console, first, out);
            }
            if Some(key) != first {
                plain(state, console, key, out);
            }
        }
        PrefixState::Armed if Some(key) == first => plain(state, console, key, out),
        PrefixState::Armed => {
            if !commands::press(state, Context::Pane, key, out) {
                let (prefix, help) = (&state.prefix, state.after_prefix("help"));
                state.warn(format!("{prefix} {key} is no command; nothing was sent ({help} lists them)"));
            }
        }
    }
}

/// A key that is no part of the prefix.
fn plain(state: &mut State, console: ConsoleId, key: Key, out: &mut Vec<Effect>) {
    let Some(pane) = state.pane(console) else { return };
    if pane.scroll.is_some() {
        scroll::key(state, console, key, out);
        return;
    }
    if !pane.is_open() {
        let node = pane.node;
        match key.code {
            KeyCode::Enter => {
                if let Err(why) = attach(state, node, out) {
                    state.warn(why);
                }
            }
            KeyCode::Esc => leave(state),
            _ => state.warn(format!("{} is detached; enter attaches it", state.name(node))),
        }
        return;
    }
    let what = |state: &State, console| {
        let bytes = encode(key, modes(state.pane(console)?));
        (!bytes.is_empty()).then_some(ConsoleRequest::Input(bytes))
    };
    several::send(state, console, what, out);
}

/// Text was pasted while a console has the focus.
pub(super) fn paste(state: &mut State, console: ConsoleId, text: &str, out: &mut Vec<Effect>) {
    if std::mem::take(&mut state.prefix_state) != PrefixState::None {
        state.warn("a paste is no command; nothing was sent");
        return;
    }
    match state.pane_mut(console) {
        Some(Pane { scroll: Some(scroll), .. }) => {
            match &mut scroll.typing {
                Some((input, _)) => input.insert(text),
                None => {
                    let leave = state.keys.key_in(Context::Scroll, "leave scrollback");
                    state.warn(format!("pasted text was ignored: this is the scrollback; {leave} leaves it"));
                }
            }
            return;
        }
        Some(_) => {}
        None => return,
    }
    let what = |state: &State, console| {
        let bytes = encode_paste(text, modes(state.pane(console)?));
        (!bytes.is_empty()).then_some(ConsoleRequest::Paste(bytes))
    };
    several::send(state, console, what, out);
}

fn modes(pane: &Pane) -> Modes {
    pane.frame.as_ref().map_or_else(Modes::default, |frame| frame.modes)
}

/// Sends something that the node would see, if it may be sent; says why not otherwise.
pub(super) fn send(state: &mut State, console: ConsoleId, what: ConsoleRequest, out: &mut Vec<Effect>) {
    match sendable(state, console) {
        Ok(()) => out.push(request(console, what)),
        Err(why) => state.warn(why),
    }
}

/// Whether what is typed may go to a console and would reach its node.
///
/// # Errors
/// Why not.
pub(super) fn sendable(state: &State, console: ConsoleId) -> Result<(), String> {
    let pane = state.pane(console).ok_or("this console is closed")?;
    let row = state.row(pane.node).ok_or("there is no such node")?;
    let (name, again) = (&row.node.name, state.after_prefix("reopen"));
    guard::may_type(&row.node, state.read_only).map_err(|why| format!("nothing was sent: {why}"))?;
    if pane.status.mode == ConsoleMode::Monitor {
        let mode = state.after_prefix("mode");
        return Err(format!("monitoring {name}: keys are not sent; {mode} takes the keyboard"));
    }
    match &pane.status.state {
        ConsoleState::Attached { .. } => Ok(()),
        ConsoleState::Detached => Err(format!("{name} is detached; enter attaches it")),
        ConsoleState::Waiting { .. } | ConsoleState::Connecting => {
            Err(format!("{name} is not attached yet; nothing was sent"))
        }
        ConsoleState::Busy { .. } => Err(format!("{name} is held by somebody else; {again} tries again")),
        ConsoleState::Watching { .. } => {
            Err(format!("{name} is not attached, this is its log; {again} tries to attach"))
        }
        ConsoleState::Closed { .. } => Err(format!("{name} is not attached; {again} opens it again")),
    }
}
