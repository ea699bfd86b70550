//! [`update`]: one event in, the state changed, effects out.
//!
//! Called by `runtime` for every event, and by nobody else. What an event means is decided in the
//! siblings; here is what must hold after each of them.

use super::{
    Effect, Event, State, answers, input, layout, mouse, panes, reload, several,
    state::{Focus, Overlay},
    table, verbs,
};
use crate::fleet::{Millis, NodeId, View};
use crate::hub::message::{ConsoleId, ConsoleRequest, Request};
use std::time::Duration;

/// How long a new confirmation ignores every key: whoever types ahead has not read it.
pub(super) const BLIND: Duration = Duration::from_millis(300);

/// How long every key is ignored after a question was withdrawn: whoever types its word sees that it is gone.
pub(super) const WITHDRAWN: Duration = Duration::from_millis(1000);

/// Handles `event`, which happened at `now`.
#[must_use]
pub fn update(state: &mut State, event: Event, now: Millis) -> Vec<Effect> {
    state.now = now;
    let mut out = Vec::new();
    let tick = matches!(event, Event::Tick);
    let over = over(state);
    match event {
        Event::Key(key) => input::key(state, key, &mut out),
        Event::Mouse(what) => mouse::mouse(state, what, &mut out),
        Event::Paste(text) => input::paste(state, &text, &mut out),
        Event::Resize(columns, rows) => state.size = (columns, rows),
        Event::Hub(updates) => updates.into_iter().for_each(|one| answers::take(state, one, &mut out)),
        Event::Frame(console, frame) => panes::frame(state, console, frame),
        Event::NotTaken(request) => answers::not_taken(state, *request),
        Event::Notice(level, text) => state.notice(level, text, None),
        Event::Reloaded(result) => reload::read(state, result, &mut out),
        Event::Theme(name) => {
            state.say(format!("theme {name}"));
            state.taste.theme = name;
        }
        Event::Tick => send_again(state, &mut out),
        Event::Terminate => {
            state.quitting = true;
            out.push(Effect::Quit);
        }
    }
    if self::over(state) != over {
        state.epoch += 1;
    }
    settle(state, &mut out);
    let wake = wake(state);
    if tick || state.inner.wake != Some(wake) {
        state.inner.wake = Some(wake);
        out.push(Effect::WakeAt(wake));
    }
    out
}

/// What lies over the screen, as far as a click could mistake one for another.
fn over(state: &State) -> (usize, Option<std::mem::Discriminant<Overlay>>) {
    (state.overlays.len(), state.overlays.last().map(std::mem::discriminant))
}

/// What follows from the state, whatever the event was: the division of the screen, the order of
/// the table, what the hub must know of what is on screen.
fn settle(state: &mut State, out: &mut Vec<Effect>) {
    several::settle(state);
    verbs::name_holder(state);
    if matches!(state.focus, Focus::Table) {
        state.zoom = false;
    }
    state.layout = layout::compute(state);
    table::refresh(state);
    if state.quitting {
        return;
    }
    watch(state, out);
    show(state, out);
}

/// Tells the hub which nodes are on screen.
fn watch(state: &mut State, out: &mut Vec<Effect>) {
    let page = state.layout.page();
    let mut nodes: Vec<NodeId> = state.table.order.iter().skip(state.table.top).take(page).copied().collect();
    let shown = |pane: &&super::state::Pane| state.layout.pane(pane.console).is_some();
    nodes.extend(state.panes.iter().filter(shown).map(|pane| pane.node));
    nodes.sort_unstable();
    nodes.dedup();
    if nodes != state.inner.watched {
        state.inner.watched.clone_from(&nodes);
        out.push(Effect::Hub(Box::new(Request::Watch { nodes })));
    }
}

/// Tells each console what of it is looked at.
fn show(state: &mut State, out: &mut Vec<Effect>) {
    let mut shown: Vec<(ConsoleId, View)> = Vec::new();
    for (console, area) in &state.layout.panes {
        let top = state.pane(*console).and_then(|pane| pane.scroll.as_ref()).map(|scroll| scroll.top);
        // The live screen has the console's size, whatever room it is given.
        let rows = top.map_or(0, |_| area.inner().height);
        shown.push((*console, View { top, rows }));
    }
    for (console, _) in &state.inner.shown {
        let gone = shown.iter().all(|(id, _)| id != console);
        if gone && state.pane(*console).is_some() {
            out.push(panes::request(*console, ConsoleRequest::View(None)));
        }
    }
    for (console, view) in &shown {
        if !state.inner.shown.contains(&(*console, *view)) {
            out.push(panes::request(*console, ConsoleRequest::View(Some(*view))));
        }
    }
    state.inner.shown = shown;
}

/// Sends what the hub could not take when it was sent first.
fn send_again(state: &mut State, out: &mut Vec<Effect>) {
    for request in std::mem::take(&mut state.inner.again) {
        out.push(Effect::Hub(Box::new(request)));
    }
    if std::mem::take(&mut state.inner.resend) {
        state.inner.watched.clear();
        // A console of which nothing is shown must hear it again, too.
        let known: Vec<ConsoleId> = state.panes.iter().map(|pane| pane.console).collect();
        let nothing = View { top: Some(u64::MAX), rows: 0 };
        state.inner.shown = known.into_iter().map(|console| (console, nothing)).collect();
    }
}

/// When the screen changes next although nothing happens.
fn wake(state: &State) -> Millis {
    const MINUTE: u64 = 60_000;
    let now = state.now.0;
    // Whole minutes of UTC are whole minutes of local time: no zone is off by seconds.
    let mut next = (now / MINUTE).saturating_add(1).saturating_mul(MINUTE);
    let mut at = |millis: u64| {
        if millis > now {
            next = next.min(millis);
        }
    };
    if let Some(notice) = state.current_notice() {
        at(notice.until.0);
    }
    if let Some(Overlay::Confirm(confirm)) = state.overlays.last() {
        at((confirm.opened + BLIND).0);
    }
    if !state.inner.again.is_empty() || state.inner.resend {
        at(now + 1000);
    }
    // On whole steps of the clock, not of each verb: a hundred pending verbs are one redraw.
    let pending = state.nodes.iter().filter_map(|row| row.status.pending.as_ref());
    let step = pending.map(|pending| super::view::elapsed_step(state.now.since(pending.since))).min();
    if let Some(step) = step.and_then(|step| u64::try_from(step.as_millis()).ok()) {
        at((now / step).saturating_add(1).saturating_mul(step));
    }
    Millis(next)
}
