//! Where a key or a paste goes: overlay, console or table.

use super::{
    Effect, Key, KeyCode, State,
    commands::{self, Context},
    overlay, panes,
    state::{Focus, Overlay, PrefixState},
    update::{BLIND, WITHDRAWN},
};

/// A key was pressed.
pub(super) fn key(state: &mut State, key: Key, out: &mut Vec<Effect>) {
    if state.quitting {
        return;
    }
    if key.alt && !goes_to_the_node(state, key) {
        // On a slow line Esc and the key after it arrive together and look like alt and that key.
        // None of our keys has alt, so they are taken apart again.
        self::key(state, Key::plain(KeyCode::Esc), out);
        self::key(state, Key { alt: false, ..key }, out);
        return;
    }
    if withdrawn(state) {
        return;
    }
    state.seen_notices();
    if state.layout.too_small {
        small(state, key, out);
    } else if !state.overlays.is_empty() {
        overlay::key(state, key, out);
    } else if let Focus::Pane(console) = state.focus {
        // An enter after the `y`, out of habit, is not for the node.
        if state.inner.answered.is_none_or(|at| state.now.since(at) >= BLIND || state.now < at) {
            panes::key(state, console, key, out);
        }
    } else if !commands::press(state, Context::Table, key, out) && key == Key::ctrl('c') {
        let quit = state.keys.key_in(Context::Table, "quit");
        state.say(format!("ctrl-c does not end lightsout; {quit} does"));
    }
}

/// Whether a question has just gone away by itself. A clock that was set back counts as time enough.
fn withdrawn(state: &State) -> bool {
    state.inner.withdrawn.is_some_and(|at| state.now >= at && state.now.since(at) < WITHDRAWN)
}

/// Whether a key is for the focused console, or for its prefix, not for one of our own contexts.
fn goes_to_the_node(state: &State, key: Key) -> bool {
    let Focus::Pane(console) = state.focus else {
        return false;
    };
    let scrolling = state.pane(console).is_some_and(|pane| pane.scroll.is_some());
    let armed = state.prefix_state == PrefixState::Armed && !state.inner.prefix.contains(&key);
    state.overlays.is_empty() && !scrolling && !armed
}

/// Nothing can be seen: nothing may happen but leaving.
fn small(state: &mut State, key: Key, out: &mut Vec<Effect>) {
    if key.code == KeyCode::Esc && !state.overlays.is_empty() {
        overlay::key(state, key, out);
    } else if state.overlays.is_empty() && state.focus == Focus::Table && quits(state, key) {
        commands::press(state, Context::Table, key, out);
    }
}

fn quits(state: &State, key: Key) -> bool {
    state.keys.get(Context::Table, key).is_some_and(|bound| bound.command.name == "quit")
}

/// Text was pasted. It goes into a line that is being typed or to a console; it never presses a
/// hotkey and never proves that the operator has read a question.
pub(super) fn paste(state: &mut State, text: &str, out: &mut Vec<Effect>) {
    if state.quitting || state.layout.too_small || withdrawn(state) {
        return;
    }
    match (state.overlays.last(), state.focus) {
        (Some(Overlay::Filter { .. } | Overlay::Command { .. } | Overlay::Raw { .. }), _) => {
            overlay::paste(state, text);
        }
        (None, Focus::Pane(console)) => panes::paste(state, console, text, out),
        _ => state.warn("pasted text was ignored: nothing is being typed here"),
    }
}
