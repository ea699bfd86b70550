//! Consoles.

use super::fixture::*;
use crate::app::state::{Input, PrefixState, Scroll};
use crate::app::{Keymap, State};
use crate::config::KeyBinding;
use crate::fleet::{ConsoleMode, ConsoleState, FaultClass, LinePos};
use crate::screen::Frame;
use crate::theme::ColorDepth;
use crate::ui::Glyphs;
use insta::assert_snapshot;
use std::sync::Arc;

const INTERACTIVE: ConsoleMode = ConsoleMode::Interactive;

fn one(size: (u16, u16), status: ConsoleState, mode: ConsoleMode, frame: Option<Frame>) -> State {
    let mut state = fleet(size, 0);
    open(&mut state, 1, 0, session(status, mode), frame);
    focus(&mut state, 1);
    state
}

fn live(size: (u16, u16)) -> State {
    one(size, ConsoleState::Attached { silent: false }, INTERACTIVE, Some(boot_screen()))
}

fn two(size: (u16, u16)) -> State {
    let mut state = live(size);
    open(&mut state, 2, 6, attached(ConsoleMode::Monitor), Some(frame(80, 25, &["SeaBIOS", "Booting"])));
    state.panes[1].unseen = true;
    state
}

#[test]
fn one_pane_at_80x24() {
    assert_snapshot!(picture(&live((80, 24)), &look()));
}

#[test]
fn a_long_transport_is_whole_in_the_table_where_some_node_has_it() {
    let mut state = live((80, 24));
    state.nodes[0].node.transport = Some("command".to_owned());
    state.panes[0].unseen = true;
    let picture = picture(&state, &look());
    assert!(picture.contains("● command 1+"), "{picture}");
}

#[test]
fn two_panes_stacked_at_80x24() {
    assert_snapshot!(picture(&two((80, 24)), &look()));
}

#[test]
fn two_panes_side_by_side_at_120x40() {
    assert_snapshot!(picture(&two((120, 40)), &look()));
}

#[test]
fn consoles_that_are_typed_into_together_at_80x24() {
    let mut state = two((80, 24));
    state.panes[1].status.mode = INTERACTIVE;
    state.several = state.panes.iter().map(|pane| pane.console).collect();
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn three_panes_at_200x50() {
    let mut state = two((200, 50));
    let status = session(ConsoleState::Connecting, INTERACTIVE);
    open(&mut state, 3, 1, status, None);
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn a_pane_at_40x10() {
    assert_snapshot!(picture(&live((40, 10)), &look()));
}

#[test]
fn a_zoomed_pane() {
    let mut state = two((80, 30));
    state.zoom = true;
    assert_snapshot!(picture(&lay_out(state), &look()));
}

#[test]
fn panes_in_ascii() {
    let mut state = two((80, 24));
    let lines = ["┌─ Boot ─┐", "│ ► disk │", "╞════════╡", "└────────┘ 漢é"];
    state.panes[0].frame = Some(Arc::new(frame(80, 25, &lines)));
    assert_snapshot!(picture(&state, &look_in("mono", ColorDepth::Mono, Glyphs::Ascii)));
}

#[test]
fn a_silent_console_says_what_to_do() {
    let empty = frame(80, 25, &[]);
    let state = one((80, 24), ConsoleState::Attached { silent: true }, INTERACTIVE, Some(empty));
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn a_busy_console_says_who_holds_it() {
    let busy = ConsoleState::Busy {
        holder: Some("operator anna from 10.0.0.7".into()),
        hint: "one session at a time has it".into(),
        steal: true,
        retry: None,
    };
    let mut state = one((80, 24), busy, INTERACTIVE, None);
    assert_snapshot!(picture(&state, &look()));
    state.read_only = true;
    assert!(!picture(&state, &look()).contains("takes it"), "what would be refused is not offered");
}

#[test]
fn a_closed_console_keeps_its_last_screen() {
    let closed = ConsoleState::Closed {
        holder: None,
        fault: fault(FaultClass::Timeout, "the BMC ended the session: no answer within 30 s"),
        retry: Some(ago(0) + std::time::Duration::from_secs(60)),
    };
    let state = one((80, 24), closed, INTERACTIVE, Some(boot_screen()));
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn a_robbed_console_that_waits_says_its_next_try_once() {
    let robbed = ConsoleState::Closed {
        holder: None,
        fault: fault(FaultClass::Busy, "the console was taken over by eve"),
        retry: Some(ago(0) + std::time::Duration::from_secs(30)),
    };
    let seen = picture(&one((80, 24), robbed, INTERACTIVE, None), &look());
    assert_eq!(seen.matches("next try").count(), 1, "{seen}");
    assert!(seen.contains("ctrl-] o tries again"), "{seen}");
}

#[test]
fn a_log_that_is_read_along_is_not_called_ours_and_says_whether_it_is_waited() {
    for (retry, said) in [(None, "watching its log ━"), (Some(ago(0)), "watching its log, waiting ━")] {
        let watching = ConsoleState::Watching { steal: true, retry };
        let seen = picture(&one((80, 24), watching, INTERACTIVE, None), &look());
        assert!(seen.contains(said) && !seen.contains("logging"), "{seen}");
    }
}

#[test]
fn a_console_that_waits_for_the_pace_and_is_not_logged() {
    let waiting = ConsoleState::Waiting { until: ago(0) + std::time::Duration::from_secs(3) };
    let mut state = one((80, 24), waiting, ConsoleMode::Monitor, None);
    state.panes[0].status.log_fault = Some("disk full".into());
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn the_view_follows_the_cursor_of_a_bigger_grid() {
    let lines: Vec<String> = (0..25).map(|row| format!("row {row} {}", "0123456789".repeat(7))).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut state = live((60, 24));
    state.panes[0].frame = Some(Arc::new(frame(80, 25, &lines)));
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn an_armed_prefix_is_said() {
    let mut state = live((80, 24));
    state.prefix_state = PrefixState::Armed;
    assert_snapshot!(picture(&state, &look()));
}

fn scrolled(mut scroll: Scroll) -> State {
    let mut state = live((80, 24));
    let lines: Vec<String> = (0..20).map(|line| format!("line {} of the history", 100 + line)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut history = frame(80, 20, &lines);
    history.live = false;
    history.cursor = None;
    history.top = 100;
    history.oldest = 10;
    history.live_top = 400;
    state.panes[0].frame = Some(Arc::new(history));
    scroll.top = 102;
    state.panes[0].scroll = Some(scroll);
    state
}

fn at(line: u64, col: u16) -> LinePos {
    LinePos { line, col }
}

fn scroll(cursor: LinePos) -> Scroll {
    Scroll {
        top: 102,
        cursor,
        select: None,
        typing: None,
        search: None,
        awaiting: None,
        found: None,
        message: None,
    }
}

#[test]
fn scrollback_says_where_it_is() {
    assert_snapshot!(picture(&scrolled(scroll(at(105, 3))), &look()));
}

#[test]
fn scrollback_search_is_typed_in_the_frame() {
    let mut view = scroll(at(105, 3));
    let input = Input { text: "hist".into(), cursor: 4 };
    view.typing = Some((input, false));
    assert_snapshot!(picture(&scrolled(view), &look()));
}

#[test]
fn scrollback_search_says_that_nothing_was_found() {
    let mut view = scroll(at(105, 3));
    view.search = Some(("nope".into(), true));
    view.message = Some("not found".into());
    assert_snapshot!(picture(&scrolled(view), &look()));
}

#[test]
fn selection_and_match_are_highlighted_cell_by_cell() {
    let look = look();
    let mut view = scroll(at(104, 4));
    view.select = Some((at(103, 5), false));
    view.found = Some((at(104, 2), at(104, 3)));
    let state = scrolled(view);
    let buffer = buffer(&state, &look);
    let area = state.layout.panes[0].1.inner();
    let picked = |line: u16, col: u16| {
        let cell = &buffer[(area.x + col, area.y + line - 102)];
        let reversed = cell.modifier.contains(ratatui::style::Modifier::REVERSED);
        let matched = cell.bg == ratatui::style::Color::Indexed(3);
        (reversed, matched)
    };
    assert_eq!(picked(103, 4), (false, false));
    assert_eq!(picked(103, 5), (true, false), "the selection starts here");
    assert_eq!(picked(103, 77), (true, false), "and goes on to the end of the line");
    assert_eq!(picked(104, 1), (true, false));
    assert!(picked(104, 2).1, "the match shows inside the selection");
    assert_eq!(picked(104, 4), (true, false), "the cursor's cell is included");
    assert_eq!(picked(104, 5), (false, false));
}

#[test]
fn a_place_says_how_it_is_attached_and_a_session_what_a_reload_made_of_its_node() {
    let place = one((80, 24), ConsoleState::Detached, ConsoleMode::Monitor, None);
    let text = picture(&place, &look());
    assert!(
        text.contains("r1n01 · SOL · detached") && text.contains("detached; enter attaches it"),
        "{text}"
    );
    let mut state = live((80, 24));
    state.panes[0].outdated = Some("unix".into());
    let text = picture(&state, &look());
    assert!(text.contains("r1n01 · unix socket · interactive"), "what it was opened with: {text}");
    assert!(text.contains("opened with older settings; ctrl-] o takes the new"), "{text}");
    let own = |key: &str, command: Option<&str>| KeyBinding {
        context: "pane".into(),
        key: key.into(),
        command: command.map(str::to_owned),
    };
    state.keys = Keymap::new(&[own("o", None), own("u", Some("reopen"))]);
    let text = picture(&state, &look());
    assert!(text.contains("opened with older settings; ctrl-] u takes the new"), "{text}");
    state.nodes[0].gone = true;
    let text = picture(&state, &look());
    assert!(text.contains("no longer in the configuration"), "{text}");
}
