//! A console's pane: its frame, its screen or its history, and what to say when there is none.
//!
//! ```text
//! ┏ r1n01 · SOL · interactive · logging ━━━━━━━━━━━━━┓
//! ┃ login: _                                         ┃
//! ┗ 80x10 of 80x25 ━━━━━━━━━━━━━━━━━━━ ctrl-] prefix ┛
//! ```
//! The focused pane has heavy lines: never by colour alone.

mod scroll;

use super::canvas::Canvas;
use super::{blit, glyphs, words};
use crate::app::commands::Context;
use crate::app::state::{NodeRow, Pane, PrefixState};
use crate::app::{Area, Focus, Spot, State, guard, view};
use crate::fleet::{ConsoleMode, ConsoleState, FaultClass, Millis, NodeId};
use crate::screen::Frame;
use crate::theme::Role;
use ratatui::style::Style;

pub(super) fn draw_all(canvas: &mut Canvas<'_>, state: &State) {
    for (console, area) in &state.layout.panes {
        if let Some(pane) = state.panes.iter().find(|pane| pane.console == *console) {
            canvas.spot(*area, Spot::Pane(*console));
            draw(canvas, state, pane, *area);
        }
    }
}

fn draw(canvas: &mut Canvas<'_>, state: &State, pane: &Pane, area: Area) {
    let focused = state.focus == Focus::Pane(pane.console);
    let (lines, role) =
        if focused { (&glyphs::HEAVY, Role::FrameFocus) } else { (&glyphs::LIGHT, Role::Frame) };
    let style = canvas.style(role);
    canvas.frame(area, lines, style);
    titles(canvas, state, pane, area, style);
    let inner = area.inner();
    if inner.width == 0 || inner.height == 0 {
        return;
    }
    if let Some(scroll) = &pane.scroll {
        scroll::draw(canvas, pane, scroll, area, focused);
    } else {
        live(canvas, state, pane, area, focused);
    }
    let armed = focused && state.prefix_state != PrefixState::None;
    let banner = canvas.style(Role::Banner);
    let y = area.y + area.height - 1;
    if armed {
        let text = match state.prefix_state {
            PrefixState::Half => format!("{}: first key typed", state.prefix),
            _ => format!("{}: command? ({} help)", state.prefix, state.keys.key_in(Context::Pane, "help")),
        };
        canvas.on_frame_right(area, y, 0, &text, banner);
    }
}

/// The top line: node, transport, mode, logging; cut from the right.
fn titles(canvas: &mut Canvas<'_>, state: &State, pane: &Pane, area: Area, style: Style) {
    let row = state.row(pane.node);
    let number = state.panes.iter().position(|other| other.console == pane.console).unwrap_or(0) + 1;
    let configured = || row.and_then(|row| row.node.transport.as_deref());
    let transport = pane.outdated.as_deref().or_else(configured).unwrap_or("");
    let mut words = vec![state.name(pane.node), transport_words(transport)];
    let together = state.several.contains(&pane.console);
    words.push(match (&pane.status.state, pane.status.mode) {
        (ConsoleState::Attached { .. }, _) if together => "TYPED INTO TOGETHER",
        (ConsoleState::Attached { .. }, ConsoleMode::Interactive) => "interactive",
        (ConsoleState::Attached { .. }, ConsoleMode::Monitor) => "monitor",
        (ConsoleState::Waiting { .. } | ConsoleState::Connecting, _) => "connecting",
        (ConsoleState::Busy { .. }, _) => "busy",
        (ConsoleState::Watching { retry: None, .. }, _) => "watching its log",
        (ConsoleState::Watching { retry: Some(_), .. }, _) => "watching its log, waiting",
        (ConsoleState::Closed { .. }, _) => "closed",
        (ConsoleState::Detached, _) => "detached",
    });
    let fault = pane.status.log_fault.as_ref().map(|fault| format!("not logged: {fault}"));
    // What is read along is another's log.
    let watching = matches!(pane.status.state, ConsoleState::Watching { .. });
    if fault.is_none() && pane.status.log.is_some() && !watching {
        words.push("logging");
    }
    let room = area.width.saturating_sub(4);
    while words.len() > 1 && canvas.width(&words.join(" · ")) > room {
        words.pop();
    }
    let title = if together { canvas.style(Role::Banner) } else { style };
    let mut used = canvas.on_frame(area, area.y, 0, &words.join(" · "), title);
    if let Some(fault) = fault {
        let style = canvas.style(Role::NoticeError);
        used += canvas.on_frame(area, area.y, used, &fault, style);
    }
    if state.panes.len() > 1 {
        let unseen = if pane.unseen { "+" } else { "" };
        let role = if pane.unseen { canvas.style(Role::FrameUnseen) } else { style };
        canvas.on_frame_right(area, area.y, used, &format!("{number}{unseen}"), role);
    }
}

/// A transport as people say it.
fn transport_words(name: &str) -> &str {
    match name {
        "sol" => "SOL",
        "unix" => "unix socket",
        "tcp" => "TCP",
        "serial" => "serial port",
        other => other,
    }
}

fn live(canvas: &mut Canvas<'_>, state: &State, pane: &Pane, area: Area, focused: bool) {
    let inner = area.inner();
    let bottom = area.y + area.height - 1;
    let attached = matches!(pane.status.state, ConsoleState::Attached { .. });
    let mut left = String::new();
    if let Some(frame) = &pane.frame {
        let (from, top) = blit::viewport(frame, inner.width, inner.height);
        for y in 0..inner.height.min(frame.rows.saturating_sub(top)) {
            let line = Area { y: inner.y + y, height: 1, ..inner };
            blit::row(canvas, frame.row(top + y), from, line);
        }
        if frame.cols > inner.width || frame.rows > inner.height {
            let (width, height) = (inner.width.min(frame.cols), inner.height.min(frame.rows));
            left = format!("{width}x{height} of {}x{}", frame.cols, frame.rows);
        }
        if !attached {
            let style = canvas.look().theme.style(Role::Stale);
            canvas.patch(inner, style);
        }
        if let Some((x, y)) = frame.cursor.filter(|_| focused && attached) {
            let (x, y) = (x.saturating_sub(from), y.saturating_sub(top));
            if x < inner.width && y < inner.height {
                canvas.set_cursor(inner.x + x, inner.y + y);
            }
        }
    }
    for note in pane.status.note.iter().cloned().chain(configured_otherwise(state, pane)) {
        left = if left.is_empty() { note } else { format!("{left} · {note}") };
    }
    let style = canvas.style(if focused { Role::FrameFocus } else { Role::Frame });
    let used = canvas.on_frame(area, bottom, 0, &left, style);
    if focused {
        canvas.on_frame_right(area, bottom, used, &format!("{} prefix", state.prefix), style);
    }
    let lines = standing(state, pane);
    message(canvas, inner, &lines, pane.frame.is_some() && !attached);
}

/// What a reload made of the node, if the session is not what the configuration says any more.
fn configured_otherwise(state: &State, pane: &Pane) -> Option<String> {
    if state.row(pane.node).is_some_and(|row| row.gone) {
        return Some("no longer in the configuration".into());
    }
    let again = || state.after_prefix("reopen");
    pane.outdated.as_ref().map(|_| format!("opened with older settings; {} takes the new", again()))
}

/// What to say of a session that shows no output; the first line is what counts.
fn standing(state: &State, pane: &Pane) -> Vec<(String, Role)> {
    let again = format!("{} tries again", state.after_prefix("reopen"));
    match &pane.status.state {
        ConsoleState::Detached => {
            vec![("detached; enter attaches it".into(), Role::Text), ("esc: table".into(), Role::HintText)]
        }
        ConsoleState::Attached { silent: false } => Vec::new(),
        // Over what an earlier session left on the screen there is nothing to say.
        ConsoleState::Attached { silent: true } if pane.frame.as_ref().is_some_and(|frame| !blank(frame)) => {
            Vec::new()
        }
        ConsoleState::Attached { silent: true } => {
            let press = match pane.status.mode {
                ConsoleMode::Interactive => "; press enter",
                ConsoleMode::Monitor => "",
            };
            vec![(format!("attached, no output yet{press}"), Role::Dim)]
        }
        ConsoleState::Connecting => vec![("connecting".into(), Role::StatePending)],
        ConsoleState::Waiting { until } => {
            let at = words::clock_seconds(*until, state.utc_offset);
            vec![(format!("waiting for the BMC's pace until {at}"), Role::StatePending)]
        }
        // The log is what counts; the frame says what it is.
        ConsoleState::Watching { .. } => Vec::new(),
        ConsoleState::Busy { holder, hint, steal, retry } => {
            let held = match holder {
                Some(holder) => format!("busy: held by {holder}"),
                None => "busy: somebody else holds this console".into(),
            };
            let mut lines = vec![(held, Role::NoticeWarn), (hint.clone(), Role::Text)];
            lines.extend(offers(state, pane.node, *steal, *retry));
            lines.push((again, Role::HintText));
            lines
        }
        ConsoleState::Closed { fault, retry, .. } => {
            let mut lines = vec![(format!("closed: {}", fault.reason), Role::NoticeError)];
            lines.extend(fault.hint.iter().map(|hint| (hint.clone(), Role::Text)));
            if fault.class == FaultClass::Busy {
                lines.extend(offers(state, pane.node, true, *retry));
            }
            lines.push(match retry {
                // Said already, with what can be done meanwhile.
                Some(_) if fault.class == FaultClass::Busy => (again, Role::HintText),
                Some(at) => {
                    let at = view::clock_seconds(*at, state.utc_offset);
                    (format!("next try {at}; {} tries now", state.after_prefix("reopen")), Role::HintText)
                }
                None => (again, Role::HintText),
            });
            lines
        }
    }
}

/// What can be done about a console that somebody else has.
fn offers(state: &State, node: NodeId, steal: bool, retry: Option<Millis>) -> Vec<(String, Role)> {
    let mut lines = vec![format!("{} reads along in its log", state.after_prefix("watch log"))];
    let may = |row: &NodeRow| guard::may_type(&row.node, state.read_only).is_ok();
    if steal && state.row(node).is_some_and(may) {
        lines.insert(0, format!("{} takes it, after a question", state.after_prefix("steal")));
    }
    lines.push(match retry {
        Some(at) => {
            format!("waiting until it is free; next try {}", view::clock_seconds(at, state.utc_offset))
        }
        None => format!("{} waits until it is free", state.after_prefix("wait")),
    });
    lines.into_iter().map(|line| (line, Role::HintText)).collect()
}

fn blank(frame: &Frame) -> bool {
    (0..frame.rows).all(|row| frame.line_text(row).is_empty())
}

/// Lines in the middle of the pane; over an old screen, in a box at its bottom.
fn message(canvas: &mut Canvas<'_>, inner: Area, lines: &[(String, Role)], over_screen: bool) {
    let width = inner.width.saturating_sub(2);
    let wrapped: Vec<(String, Role)> = lines
        .iter()
        .filter(|(text, _)| !text.is_empty())
        .flat_map(|(text, role)| {
            words::wrap(text, usize::from(width)).into_iter().map(move |line| (line, *role))
        })
        .collect();
    let height = u16::try_from(wrapped.len()).unwrap_or(u16::MAX).min(inner.height);
    if height == 0 {
        return;
    }
    let space = inner.height - height;
    let top = inner.y + if over_screen { space } else { space / 2 };
    for (y, (line, role)) in (top..top + height).zip(wrapped) {
        let style = canvas.style(role);
        if over_screen {
            canvas.fill(Area { y, height: 1, ..inner }, style);
        }
        let used = canvas.width(&line).min(width);
        canvas.put(inner.x + 1 + (width - used) / 2, y, width, &line, style);
    }
}
