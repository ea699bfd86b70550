//! The mouse: what lies where on the screen, and what a click or the wheel does there.
//!
//! `ui` notes every place that can be clicked while it draws it ([`Spots`]), so that a place always is where
//! its column, row or button was seen; `runtime` hands the note back with the click. Nothing of the mouse ever
//! reaches a node: this file sends nothing to a console but what is looked at.

use super::{
    Area, Effect, Key, KeyCode, State, overlay, palette, panes, scroll,
    state::{Overlay, PrefixState},
    table,
};
use crate::fleet::{NodeId, SortKey};
use crate::hub::message::ConsoleId;
use std::time::Duration;

/// Two clicks on a row within this time open its details.
const DOUBLE: Duration = Duration::from_millis(400);

/// Rows and lines that a notch of the wheel moves.
const NOTCH: isize = 3;

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button was pressed.
    Press,
    /// The wheel was turned away from the operator.
    WheelUp,
    /// The wheel was turned towards the operator.
    WheelDown,
}

/// What the mouse did, and to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What it did.
    pub kind: MouseKind,
    /// What was drawn there.
    pub spot: Option<Spot>,
    /// [`State::epoch`] of the drawing that the operator clicked on.
    pub epoch: u64,
}

/// Something that was drawn and can be clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// The table, where there is no row.
    Table,
    /// The row of a node.
    Row(NodeId),
    /// The heading of a column.
    Heading(SortKey),
    /// A console, frame included.
    Pane(ConsoleId),
    /// A box that lies over the screen, where nothing else of it is.
    Over,
    /// A row of the open menu.
    Item(usize),
    /// A candidate of the command prompt.
    Candidate(usize),
    /// A button that works like this key.
    Button(Key),
}

/// What can be clicked, as it was drawn; later ones lie over earlier ones.
#[derive(Debug, Clone, Default)]
pub struct Spots {
    spots: Vec<(Area, Spot)>,
    epoch: u64,
}

impl Spots {
    /// For a drawing of `state`.
    #[must_use]
    pub fn of(state: &State) -> Spots {
        Spots { spots: Vec::new(), epoch: state.epoch }
    }

    /// Notes what is drawn at `area`.
    pub fn add(&mut self, area: Area, spot: Spot) {
        self.spots.push((area, spot));
    }

    /// What the mouse did at a cell, counted from 0.
    #[must_use]
    pub fn hit(&self, kind: MouseKind, (column, row): (u16, u16)) -> Mouse {
        let within = |area: &Area| {
            let (right, bottom) = (area.x.saturating_add(area.width), area.y.saturating_add(area.height));
            (area.x..right).contains(&column) && (area.y..bottom).contains(&row)
        };
        let found = self.spots.iter().rev().find(|(area, _)| within(area));
        Mouse { kind, spot: found.map(|(_, spot)| *spot), epoch: self.epoch }
    }
}

/// The mouse was used.
pub(super) fn mouse(state: &mut State, mouse: Mouse, out: &mut Vec<Effect>) {
    // A box was opened or closed since: what lay under the pointer is not what the operator saw there.
    if !state.mouse || state.quitting || state.layout.too_small || mouse.epoch != state.epoch {
        return;
    }
    match mouse.kind {
        MouseKind::Press => press(state, mouse.spot, out),
        MouseKind::WheelUp => wheel(state, mouse.spot, -NOTCH),
        MouseKind::WheelDown => wheel(state, mouse.spot, NOTCH),
    }
}

fn press(state: &mut State, spot: Option<Spot>, out: &mut Vec<Effect>) {
    state.seen_notices();
    let before = state.inner.clicked.take();
    // A click takes the place of the command key that was awaited.
    state.prefix_state = PrefixState::None;
    match (state.overlays.last(), spot) {
        (Some(_), Some(Spot::Item(at))) => overlay::pick(state, at, out),
        (Some(_), Some(Spot::Candidate(at))) => palette::pick(state, at),
        (Some(_), Some(Spot::Button(key))) => overlay::key(state, key, out),
        (Some(_), Some(Spot::Over)) => {}
        // Beside a list or a menu is out of it. A question is answered, a line is typed to its end.
        (
            Some(Overlay::Menu(_) | Overlay::Help { .. } | Overlay::Details { .. } | Overlay::Actions { .. }),
            _,
        ) => overlay::key(state, Key::plain(KeyCode::Esc), out),
        (Some(_), _) => {}
        (None, Some(Spot::Row(node))) => row(state, node, before),
        (None, Some(Spot::Heading(key))) => table::sort_by(state, key),
        (None, Some(Spot::Table)) => panes::leave(state),
        (None, Some(Spot::Pane(console))) if state.pane(console).is_some() => panes::focus(state, console),
        (None, _) => {}
    }
}

/// The cursor goes to the row; twice, its details come.
fn row(state: &mut State, node: NodeId, before: Option<(NodeId, crate::fleet::Millis)>) {
    if !state.table.order.contains(&node) {
        return;
    }
    panes::leave(state);
    state.table.cursor = Some(node);
    match before {
        Some((same, at)) if same == node && state.now >= at && state.now.since(at) <= DOUBLE => {
            state.overlays.push(Overlay::Details { node, top: 0, info: None });
        }
        _ => state.inner.clicked = Some((node, state.now)),
    }
}

fn wheel(state: &mut State, spot: Option<Spot>, by: isize) {
    match (state.overlays.last(), spot) {
        (Some(Overlay::Filter { .. }) | None, Some(Spot::Row(_) | Spot::Table | Spot::Heading(_))) => {
            table::wheel(state, by);
        }
        (None, Some(Spot::Pane(console))) => scroll::wheel(state, console, by),
        (Some(_), _) => overlay::wheel(state, by),
        (None, _) => {}
    }
}
