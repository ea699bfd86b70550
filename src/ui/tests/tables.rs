//! The table, the title, the lines at the bottom.

use super::fixture::*;
use crate::app::message::Level;
use crate::app::state::Notice;
use crate::fleet::{ConsoleMode, Filter, Millis, NodeId, SortKey};
use crate::theme::ColorDepth;
use crate::ui::Glyphs;
use insta::assert_snapshot;

fn notice(level: Level, text: &str, hint: Option<&str>) -> Notice {
    Notice {
        at: super::fixture::NOW,
        level,
        text: text.into(),
        hint: hint.map(Into::into),
        until: Millis(u64::MAX),
        seen: false,
        logged: false,
    }
}

#[test]
fn every_state_at_80x24() {
    assert_snapshot!(picture(&fleet((80, 24), 0), &look()));
}

#[test]
fn every_state_at_120x40() {
    assert_snapshot!(picture(&fleet((120, 40), 40), &look()));
}

#[test]
fn every_state_at_200x50() {
    assert_snapshot!(picture(&fleet((200, 50), 480), &look()));
}

#[test]
fn columns_drop_at_40x10() {
    assert_snapshot!(picture(&fleet((40, 10), 20), &look()));
}

#[test]
fn columns_drop_at_60x12() {
    assert_snapshot!(picture(&fleet((60, 12), 20), &look()));
}

#[test]
fn ascii_at_80x24() {
    let mut state = fleet((80, 24), 0);
    state.table.marks.insert(NodeId(1));
    assert_snapshot!(picture(&state, &look_in("mono", ColorDepth::Mono, Glyphs::Ascii)));
}

#[test]
fn too_small_at_20x5() {
    assert_snapshot!(picture(&fleet((20, 5), 0), &look()));
}

#[test]
fn marks_filter_and_sort() {
    let mut state = fleet((100, 24), 0);
    state.table.marks = [NodeId(1), NodeId(2), NodeId(6)].into();
    state.table.filter = Filter::parse("r1n");
    state.table.order.truncate(5);
    state.table.sort = SortKey::State;
    state.table.reverse = true;
    state.read_only = true;
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn a_range_is_drawn_as_marked() {
    let mut state = fleet((80, 24), 0);
    state.table.range = Some(NodeId(3));
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn nothing_passes_the_filter() {
    let mut state = fleet((80, 24), 0);
    state.table.filter = Filter::parse("nope");
    state.table.order.clear();
    state.table.cursor = None;
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn an_error_with_its_hint() {
    let mut state = fleet((80, 24), 0);
    let text = "power off: 3 confirmed, 1 failed: r1n04";
    state.notices.push_back(notice(Level::Error, text, Some("L shows all")));
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn a_long_warning_is_cut_and_its_hint_left_out() {
    let mut state = fleet((80, 24), 0);
    let text =
        "the disk under the console logs is full: 12 consoles are not logged since 22:27, others still are";
    state.notices.push_back(notice(Level::Warning, text, Some("free some room")));
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn scrolled_down_a_long_fleet() {
    let mut state = fleet((80, 24), 472);
    state.table.top = 300;
    state.table.cursor = Some(state.table.order[310]);
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn ending() {
    let mut state = fleet((80, 24), 0);
    state.quitting = true;
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn columns_that_were_chosen_in_their_order() {
    let mut state = fleet((80, 24), 0);
    state.taste.columns = ["power", "node", "boot", "note"].map(Into::into).into();
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn boxes_at_80x24() {
    let mut state = fleet((80, 24), 0);
    state.table.marks.insert(NodeId(1));
    open(&mut state, 1, 0, attached(ConsoleMode::Interactive), Some(boot_screen()));
    focus(&mut state, 1);
    assert_snapshot!(picture(&state, &look_in("default", ColorDepth::Ansi16, Glyphs::Box)));
}
