//! The scrollback: a frozen view of a console's history, moved and searched with vi keys.

use super::{
    Effect, Key, KeyCode, State,
    commands::{self, Context},
    panes::request,
    state::{Input, Pane, Scroll},
};
use crate::fleet::LinePos;
use crate::hub::message::{ConsoleId, ConsoleRequest, RequestId};

/// A move of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Motion {
    /// Columns.
    Columns(i32),
    /// Lines.
    Lines(i64),
    /// Half pages.
    Half(i64),
    /// Pages.
    Page(i64),
    /// To the oldest line.
    Oldest,
    /// To the newest line.
    Newest,
    /// To the first column.
    LineStart,
    /// To the last character.
    LineEnd,
    /// To the next word.
    Word,
    /// To the word before.
    WordBack,
}

/// What can be reached.
struct Bounds {
    oldest: u64,
    newest: u64,
    columns: u16,
    rows: u16,
}

fn bounds(state: &State, pane: &Pane) -> Option<Bounds> {
    let frame = pane.frame.as_ref()?;
    let (columns, grid) = state.inner.grid.get(&pane.console).copied().unwrap_or((frame.cols, frame.rows));
    let rows = state.layout.pane(pane.console).map_or(1, |area| area.inner().height);
    Some(Bounds {
        oldest: frame.oldest,
        newest: (frame.live_top + u64::from(grid)).saturating_sub(1).max(frame.oldest),
        columns: columns.max(1),
        rows: rows.max(1),
    })
}

/// Freezes the view of a console.
pub(super) fn enter(state: &mut State, console: ConsoleId) -> Result<(), String> {
    let pane = state.pane(console).ok_or("this console is closed")?;
    if pane.scroll.is_some() {
        return Ok(());
    }
    let nothing = "there is nothing to look back at yet";
    let frame = pane.frame.as_ref().ok_or(nothing)?;
    let bounds = bounds(state, pane).ok_or(nothing)?;
    let (col, row) = frame.cursor.unwrap_or((0, frame.rows.saturating_sub(1)));
    let cursor = LinePos { line: frame.top + u64::from(row), col };
    let scroll = Scroll {
        top: (bounds.newest + 1).saturating_sub(u64::from(bounds.rows)).max(bounds.oldest),
        cursor,
        select: None,
        typing: None,
        search: None,
        awaiting: None,
        found: None,
        message: None,
    };
    if let Some(pane) = state.pane_mut(console) {
        pane.scroll = Some(scroll);
    }
    put(state, console, cursor);
    Ok(())
}

/// Puts the cursor somewhere, and the view around it.
fn put(state: &mut State, console: ConsoleId, to: LinePos) {
    let Some(bounds) = state.pane(console).and_then(|pane| bounds(state, pane)) else {
        return;
    };
    let Some(scroll) = state.pane_mut(console).and_then(|pane| pane.scroll.as_mut()) else {
        return;
    };
    let line = to.line.clamp(bounds.oldest, bounds.newest);
    let rows = u64::from(bounds.rows);
    scroll.cursor = LinePos { line, col: to.col.min(bounds.columns - 1) };
    let most = (bounds.newest + 1).saturating_sub(rows).max(bounds.oldest);
    let top = scroll.top.clamp((line + 1).saturating_sub(rows), line);
    scroll.top = top.clamp(bounds.oldest, most);
}

/// Scrolls by lines with the wheel. Upwards it freezes a live view, if there is more than is seen; it never goes
/// back to the live screen by itself, for what is typed next would reach the node.
pub(super) fn wheel(state: &mut State, console: ConsoleId, by: isize) {
    let Some(pane) = state.pane(console) else {
        return;
    };
    if pane.scroll.is_none() {
        let more = |bounds: Bounds| bounds.newest - bounds.oldest >= u64::from(bounds.rows);
        if by > 0 || !bounds(state, pane).is_some_and(more) || enter(state, console).is_err() {
            return;
        }
    }
    let Some(bounds) = state.pane(console).and_then(|pane| bounds(state, pane)) else {
        return;
    };
    let Some(scroll) = state.pane_mut(console).and_then(|pane| pane.scroll.as_mut()) else {
        return;
    };
    let rows = u64::from(bounds.rows);
    let most = (bounds.newest + 1).saturating_sub(rows).max(bounds.oldest);
    let by = i64::try_from(by).unwrap_or(0);
    scroll.top = scroll.top.saturating_add_signed(by).clamp(bounds.oldest, most);
    let line = scroll.cursor.line.clamp(scroll.top, scroll.top + rows - 1);
    let to = LinePos { line, ..scroll.cursor };
    put(state, console, to);
}

/// The history moved on: what was the oldest line may be gone.
pub(super) fn clamp(state: &mut State, console: ConsoleId) {
    if let Some(cursor) =
        state.pane(console).and_then(|pane| pane.scroll.as_ref()).map(|scroll| scroll.cursor)
    {
        put(state, console, cursor);
    }
}

/// Moves the cursor of the focused console's frozen view.
pub(super) fn go(state: &mut State, motion: Motion) -> Result<(), String> {
    let (console, cursor) = current(state)?;
    let pane = state.pane(console).ok_or("this console is closed")?;
    let Some(bounds) = bounds(state, pane) else {
        return Ok(());
    };
    let LinePos { line, col } = cursor;
    let rows = i64::from(bounds.rows);
    let lines = |by: i64| LinePos { line: line.saturating_add_signed(by), col };
    let page = match motion {
        Motion::Half(n) => Some(n * (rows / 2).max(1)),
        Motion::Page(n) => Some(n * rows),
        _ => None,
    };
    let text: Vec<char> = line_chars(pane, line);
    let to = match motion {
        Motion::Columns(by) => {
            LinePos { line, col: u16::try_from((i32::from(col) + by).max(0)).unwrap_or(u16::MAX) }
        }
        Motion::Lines(by) => lines(by),
        Motion::Half(_) | Motion::Page(_) => lines(page.unwrap_or(0)),
        Motion::Oldest => LinePos { line: bounds.oldest, col: 0 },
        Motion::Newest => LinePos { line: bounds.newest, col: 0 },
        Motion::LineStart => LinePos { line, col: 0 },
        Motion::LineEnd => LinePos { line, col: last_column(&text) },
        Motion::Word => match next_word(&text, usize::from(col)) {
            Some(col) => LinePos { line, col },
            None if line < bounds.newest => LinePos { line: line + 1, col: 0 },
            None => LinePos { line, col: last_column(&text) },
        },
        Motion::WordBack => match previous_word(&text, usize::from(col)) {
            Some(col) => LinePos { line, col },
            None if line > bounds.oldest => {
                LinePos { line: line - 1, col: last_column(&line_chars(pane, line - 1)) }
            }
            None => LinePos { line, col: 0 },
        },
    };
    if let (Some(by), Some(scroll)) = (page, state.pane_mut(console).and_then(|pane| pane.scroll.as_mut())) {
        scroll.top = scroll.top.saturating_add_signed(by);
    }
    put(state, console, to);
    if let Some(scroll) = state.pane_mut(console).and_then(|pane| pane.scroll.as_mut()) {
        scroll.message = None;
    }
    Ok(())
}

/// The characters of a line, cell by cell, if the picture shows it.
fn line_chars(pane: &Pane, line: u64) -> Vec<char> {
    let frame = pane.frame.as_ref();
    frame
        .and_then(|frame| {
            let row = u16::try_from(line.checked_sub(frame.top)?).ok()?;
            (row < frame.rows).then(|| frame.row(row).iter().map(|cell| cell.ch).collect())
        })
        .unwrap_or_default()
}

fn last_column(text: &[char]) -> u16 {
    let last = text.iter().rposition(|ch| !ch.is_whitespace() && *ch != '\0').unwrap_or(0);
    u16::try_from(last).unwrap_or(0)
}

fn blank(text: &[char], at: usize) -> bool {
    text.get(at).is_none_or(|ch| ch.is_whitespace() || *ch == '\0')
}

fn next_word(text: &[char], col: usize) -> Option<u16> {
    let starts = |at: &usize| !blank(text, *at) && blank(text, at - 1);
    (col + 1..text.len()).find(starts).and_then(|at| u16::try_from(at).ok())
}

fn previous_word(text: &[char], col: usize) -> Option<u16> {
    let starts = |at: &usize| !blank(text, *at) && (*at == 0 || blank(text, at - 1));
    (0..col.min(text.len())).rev().find(starts).and_then(|at| u16::try_from(at).ok())
}

/// The focused console whose view is frozen, and its cursor.
fn current(state: &State) -> Result<(ConsoleId, LinePos), String> {
    let pane = state.meant_pane()?;
    match &pane.scroll {
        Some(scroll) => Ok((pane.console, scroll.cursor)),
        None => Err("this is no scrollback".into()),
    }
}

fn current_mut(state: &mut State) -> Result<(ConsoleId, &mut Scroll), String> {
    let (console, _) = current(state)?;
    let scroll = state.pane_mut(console).and_then(|pane| pane.scroll.as_mut());
    scroll.map(|scroll| (console, scroll)).ok_or_else(|| "this is no scrollback".into())
}

/// Goes one level out: the selection, then the scrollback.
pub(super) fn back(state: &mut State) -> Result<(), String> {
    if current_mut(state)?.1.select.take().is_none() {
        leave(state)?;
    }
    Ok(())
}

/// Back to the live screen.
pub(super) fn leave(state: &mut State) -> Result<(), String> {
    let (console, _) = current(state)?;
    if let Some(pane) = state.pane_mut(console) {
        pane.scroll = None;
    }
    Ok(())
}

/// Begins a selection, or ends it when it is of this kind.
pub(super) fn select(state: &mut State, lines: bool) -> Result<(), String> {
    let (_, scroll) = current_mut(state)?;
    scroll.select = match scroll.select {
        Some((_, kind)) if kind == lines => None,
        Some((from, _)) => Some((from, lines)),
        None => Some((scroll.cursor, lines)),
    };
    Ok(())
}

/// Asks for the text of the selection, or of the cursor's line.
pub(super) fn copy(state: &mut State, out: &mut Vec<Effect>) -> Result<(), String> {
    let id = RequestId(state.next_id());
    let (console, scroll) = current_mut(state)?;
    let (from, lines) = scroll.select.take().unwrap_or((scroll.cursor, true));
    let (from, to) = (from.min(scroll.cursor), from.max(scroll.cursor));
    state.inner.copy = Some(id);
    out.push(request(console, ConsoleRequest::Copy { id, from, to, lines }));
    Ok(())
}

/// Begins to type a pattern.
pub(super) fn type_search(state: &mut State, backward: bool) -> Result<(), String> {
    let (_, scroll) = current_mut(state)?;
    scroll.typing = Some((Input::default(), backward));
    scroll.message = None;
    Ok(())
}

/// Searches again, the same way or the other.
pub(super) fn again(state: &mut State, other_way: bool, out: &mut Vec<Effect>) -> Result<(), String> {
    let id = RequestId(state.next_id());
    let (console, scroll) = current_mut(state)?;
    let (pattern, backward) = scroll.search.clone().ok_or("nothing was searched yet; / searches")?;
    let from = scroll.cursor;
    scroll.awaiting = Some(id);
    scroll.message = Some("searching".into());
    let what = ConsoleRequest::Search { id, pattern, from, backward: backward != other_way };
    out.push(request(console, what));
    Ok(())
}

/// The answer to a search; `false` when nobody waits for it.
pub(super) fn found(
    state: &mut State,
    id: RequestId,
    found: Result<Option<(LinePos, LinePos)>, String>,
) -> bool {
    let waits = |pane: &&mut Pane| pane.scroll.as_ref().is_some_and(|scroll| scroll.awaiting == Some(id));
    let Some(pane) = state.panes.iter_mut().find(waits) else {
        return false;
    };
    let console = pane.console;
    let Some(scroll) = pane.scroll.as_mut() else {
        return false;
    };
    scroll.awaiting = None;
    match found {
        Ok(Some((from, to))) => {
            scroll.found = Some((from, to));
            scroll.message = None;
            put(state, console, from);
        }
        Ok(None) => {
            let pattern = scroll.search.as_ref().map_or("", |(pattern, _)| pattern);
            scroll.message = Some(format!("not found: {pattern}"));
        }
        Err(why) => scroll.message = Some(why),
    }
    true
}

/// A key in the scrollback. Nothing of it ever reaches the node.
pub(super) fn key(state: &mut State, console: ConsoleId, key: Key, out: &mut Vec<Effect>) {
    let Some(scroll) = state.pane_mut(console).and_then(|pane| pane.scroll.as_mut()) else {
        return;
    };
    let Some((input, backward)) = &mut scroll.typing else {
        commands::press(state, Context::Scroll, key, out);
        return;
    };
    match key.code {
        KeyCode::Esc => scroll.typing = None,
        KeyCode::Char('c') if key.ctrl => scroll.typing = None,
        KeyCode::Enter => {
            let backward = *backward;
            let text = std::mem::take(&mut input.text);
            scroll.typing = None;
            // Nothing typed: the last pattern once more, in this direction.
            let pattern = match &scroll.search {
                Some((last, _)) if text.is_empty() => last.clone(),
                _ => text,
            };
            if pattern.is_empty() {
                return;
            }
            scroll.search = Some((pattern, backward));
            if let Err(why) = again(state, false, out) {
                state.warn(why);
            }
        }
        KeyCode::Backspace if input.text.is_empty() => scroll.typing = None,
        _ => {
            input.key(key);
        }
    }
}
