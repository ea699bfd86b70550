//! The table: its order, its cursor, its marks, and whom a verb acts on.
//!
//! The cursor is pinned to a node, not to a row. Called by `update`, `commands` and `overlay`.

use super::{
    State,
    state::{NodeRow, Overlay},
};
use crate::fleet::{Filter, NodeId, NodeSet, SortKey};
use std::collections::BTreeSet;

/// How far a move goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Rows, negative upward.
    Rows(isize),
    /// Half pages.
    Half(isize),
    /// Pages.
    Page(isize),
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

impl State {
    /// The row of a node.
    #[must_use]
    pub fn row(&self, node: NodeId) -> Option<&NodeRow> {
        self.nodes.get(node.index())
    }

    /// The name of a node; for one that does not exist, a question mark.
    #[must_use]
    pub fn name(&self, node: NodeId) -> &str {
        self.row(node).map_or("?", |row| row.node.name.as_str())
    }

    /// Names in folded notation.
    #[must_use]
    pub fn folded(&self, nodes: &[NodeId]) -> String {
        let names: Vec<&str> = nodes.iter().map(|node| self.name(*node)).collect();
        NodeSet::fold(&names)
    }

    /// Whom a verb acts on: the marked nodes in the order of the configuration, or the cursor's;
    /// and how many of them the filter hides.
    #[must_use]
    pub fn targets(&self) -> (Vec<NodeId>, usize) {
        if self.table.marks.is_empty() {
            return (self.table.cursor.into_iter().collect(), 0);
        }
        let shown: BTreeSet<NodeId> = self.table.order.iter().copied().collect();
        let hidden = self.table.marks.iter().filter(|node| !shown.contains(node)).count();
        (self.table.marks.iter().copied().collect(), hidden)
    }

    /// The nodes of the range that is being drawn, both ends included; empty without one.
    #[must_use]
    pub fn range(&self) -> &[NodeId] {
        let at = |node: Option<NodeId>| self.table.order.iter().position(|n| Some(*n) == node);
        match (self.table.range, at(self.table.range), at(self.table.cursor)) {
            (Some(_), Some(a), Some(b)) => &self.table.order[a.min(b)..=a.max(b)],
            _ => &[],
        }
    }
}

/// What a menu or a confirmation is about to act on must not move while the operator looks at it.
fn frozen(state: &State) -> bool {
    let holds =
        |overlay: &Overlay| matches!(overlay, Overlay::Menu(_) | Overlay::Confirm(_) | Overlay::Raw { .. });
    state.overlays.iter().any(holds)
}

/// Makes the order anew if something changed, and keeps cursor and top where they belong.
pub(super) fn refresh(state: &mut State) {
    if state.inner.dirty && !frozen(state) {
        state.inner.dirty = false;
        reorder(state);
    }
    follow(state);
}

fn reorder(state: &mut State) {
    let before = position(state);
    let table = &state.table;
    let mut order: Vec<&NodeRow> =
        state.nodes.iter().filter(|row| table.filter.matches(&row.node, &row.status.seen)).collect();
    let (sort, reverse) = (table.sort, table.reverse);
    order.sort_by(|a, b| {
        let order = sort.compare((&a.node, &a.status.seen), (&b.node, &b.status.seen));
        if reverse { order.reverse() } else { order }
    });
    state.table.order = order.into_iter().map(|row| row.node.id).collect();
    let last = state.table.order.len().saturating_sub(1);
    match position(state) {
        // The node under the cursor stays where it was on the screen.
        Some(now) => {
            let above = before.unwrap_or(now).saturating_sub(state.table.top);
            state.table.top = now.saturating_sub(above);
        }
        None => state.table.cursor = state.table.order.get(before.unwrap_or(0).min(last)).copied(),
    }
    if state.table.range.is_some_and(|node| !state.table.order.contains(&node)) {
        state.table.range = None;
    }
}

/// Scrolls so that the cursor can be seen and no row is wasted.
fn follow(state: &mut State) {
    let page = state.layout.page();
    // Behind a zoomed console it stays as it was.
    if page == 0 {
        return;
    }
    let at = position(state).unwrap_or(0);
    let most = state.table.order.len().saturating_sub(page);
    let top = state.table.top.clamp((at + 1).saturating_sub(page), at);
    state.table.top = top.min(most);
}

fn position(state: &State) -> Option<usize> {
    let cursor = state.table.cursor?;
    state.table.order.iter().position(|node| *node == cursor)
}

/// Moves the cursor.
pub(super) fn go(state: &mut State, step: Step) {
    let page = isize::try_from(state.layout.page().max(1)).unwrap_or(1);
    let last = state.table.order.len().saturating_sub(1);
    let at = position(state).unwrap_or(0);
    let to = match step {
        Step::First => 0,
        Step::Last => last,
        Step::Rows(rows) => at.saturating_add_signed(rows),
        Step::Half(halves) => at.saturating_add_signed(halves * (page / 2).max(1)),
        Step::Page(pages) => at.saturating_add_signed(pages * page),
    };
    state.table.cursor = state.table.order.get(to.min(last)).copied();
}

/// Scrolls by rows; the cursor goes along when it would be left behind.
pub(super) fn wheel(state: &mut State, by: isize) {
    let page = state.layout.page();
    let (Some(at), true) = (position(state), page > 0) else {
        return;
    };
    let most = state.table.order.len().saturating_sub(page);
    let top = state.table.top.saturating_add_signed(by).min(most);
    state.table.top = top;
    let to = at.clamp(top, top + page - 1);
    state.table.cursor = state.table.order.get(to).copied().or(state.table.cursor);
}

/// Sorts by a key; by the one that is in force already, the other way round.
pub(super) fn sort_by(state: &mut State, key: SortKey) {
    let same = state.table.sort == key;
    state.table.reverse = same && !state.table.reverse;
    state.table.sort = key;
    state.inner.dirty = true;
    let order = if state.table.reverse { ", reversed" } else { "" };
    state.say(format!("sorted by {}{order}", key.name()));
}

/// Turns the cursor's mark round and goes down; with a range, marks the range.
pub(super) fn mark(state: &mut State) {
    if end_range(state) {
        return;
    }
    if let Some(node) = state.table.cursor {
        if !state.table.marks.remove(&node) {
            state.table.marks.insert(node);
        }
        go(state, Step::Rows(1));
    }
}

/// Begins a range, or marks the one that was begun.
pub(super) fn range(state: &mut State) {
    if !end_range(state) {
        state.table.range = state.table.cursor;
    }
}

/// Marks the range, if there is one.
pub(super) fn end_range(state: &mut State) -> bool {
    let nodes = state.range().to_vec();
    state.table.marks.extend(nodes);
    state.table.range.take().is_some()
}

/// Marks all that the filter passes.
pub(super) fn mark_all(state: &mut State) {
    let nodes = state.table.order.clone();
    state.table.marks.extend(nodes);
    state.table.range = None;
}

/// Takes a filter's text.
pub(super) fn filter(state: &mut State, text: &str) {
    let text = text.trim();
    text.clone_into(&mut state.table.filter_text);
    state.table.filter = Filter::parse(text);
    state.inner.dirty = true;
}
