//! What holds for every picture.

use super::fixture::*;
use crate::app::state::Overlay;
use crate::app::{Focus, State};
use crate::fleet::{ConsoleMode, Millis, NodeId};
use crate::theme::{ColorDepth, Role};
use crate::ui::{COLUMNS, Glyphs};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use std::sync::Arc;

fn busy_state(size: (u16, u16)) -> State {
    let mut state = fleet(size, 30);
    open(&mut state, 1, 0, attached(ConsoleMode::Interactive), Some(boot_screen()));
    open(&mut state, 2, 6, attached(ConsoleMode::Monitor), Some(boot_screen()));
    focus(&mut state, 1);
    state
}

#[test]
fn the_same_state_gives_the_same_cells() {
    let state = busy_state((120, 40));
    assert_eq!(buffer(&state, &look()), buffer(&state, &look()));
}

#[test]
fn a_minute_later_only_the_clock_has_changed() {
    let mut state = fleet((100, 30), 10);
    for row in &mut state.nodes {
        row.status.pending = None;
        // The time of the next try is dropped when it has come.
        row.status.next_poll = None;
    }
    let before = buffer(&state, &look());
    state.now = Millis(state.now.0 + 20_000);
    assert_eq!(buffer(&state, &look()), before, "within the minute nothing changes");
    state.poll_interval = std::time::Duration::from_secs(600);
    let before = buffer(&state, &look());
    state.now = Millis(state.now.0 + 60_000);
    let after = buffer(&state, &look());
    let changed: Vec<_> = before.diff(&after).into_iter().map(|(x, y, _)| (x, y)).collect();
    assert!(!changed.is_empty() && changed.iter().all(|(x, y)| *y == 0 && *x >= 94), "{changed:?}");
}

/// One of each, and none.
fn every_overlay() -> Vec<Option<Overlay>> {
    let mut all: Vec<Option<Overlay>> = super::overlays::one_of_each().into_iter().map(Some).collect();
    all.push(None);
    all
}

#[test]
fn ascii_glyphs_are_ascii_everywhere() {
    let look = look_in("default", ColorDepth::Ansi16, Glyphs::Ascii);
    for size in [(80, 24), (120, 40), (40, 10)] {
        let mut state = busy_state(size);
        for overlay in every_overlay() {
            state.overlays = overlay.into_iter().collect();
            let text = text(&buffer(&state, &look));
            assert!(text.is_ascii(), "{text}");
        }
    }
}

/// What code page 437 has of that which we draw, and nothing else.
#[test]
fn box_glyphs_are_those_of_old_fonts_everywhere() {
    let look = look_in("default", ColorDepth::Ansi16, Glyphs::Box);
    let known = "─│┌┐└┘═║╔╗╚╝■·▒►▲▼→≥";
    let mut seen = std::collections::BTreeSet::new();
    for size in [(80, 24), (120, 40), (40, 10)] {
        let mut state = busy_state(size);
        state.table.reverse = true;
        for overlay in every_overlay() {
            state.overlays = overlay.into_iter().collect();
            let text = text(&buffer(&state, &look));
            seen.extend(text.chars().filter(|ch| !ch.is_ascii()));
        }
    }
    assert!(seen.iter().all(|ch| known.contains(*ch)), "{seen:?}");
    assert!("─║■·▒►▲→".chars().all(|ch| seen.contains(&ch)), "{seen:?}");
}

#[test]
fn what_lies_on_a_ground_of_its_own_has_it_everywhere() {
    let look = look_in("dark", ColorDepth::TrueColor, Glyphs::Unicode);
    let ground = |role: Role| look.theme.style(role).bg.expect("the theme has one");
    let screen = ground(Role::Text);
    assert!(ground(Role::Dialog) != screen && ground(Role::Title) != screen);
    let mut state = busy_state((80, 24));
    let title = |buffer: &Buffer| (0..80).all(|x| buffer[(x, 0)].bg == ground(Role::Title));
    assert!(title(&buffer(&state, &look)));
    state.overlays = vec![Overlay::Details { node: NodeId(3), top: 0, info: None }];
    let page = buffer(&state, &look);
    let corner = |symbol: &str| {
        let at = page.content().iter().position(|cell| cell.symbol() == symbol).expect("drawn");
        (at % 80, at / 80)
    };
    let ((left, top), (right, _)) = (corner("┌"), corner("┐"));
    assert!(right > left + 10);
    for x in left..=right {
        for y in top..top + 6 {
            let cell = &page[(u16::try_from(x).expect("small"), u16::try_from(y).expect("small"))];
            assert_eq!(cell.bg, ground(Role::Dialog), "{x},{y} {:?}", cell.symbol());
        }
    }
}

#[test]
fn the_row_under_the_cursor_keeps_the_colour_of_its_state() {
    let look = look_in("dark", ColorDepth::TrueColor, Glyphs::Unicode);
    let buffer = buffer(&fleet((80, 24), 0), &look);
    let cell = (0..80).map(|x| &buffer[(x, 3)]).find(|cell| cell.symbol() == "○").expect("its state");
    assert_eq!(Some(cell.fg), look.theme.style(Role::StateOff).fg);
    assert_eq!(Some(cell.bg), look.theme.style(Role::RowCursor).bg);
}

#[test]
fn tags_that_are_not_long_are_whole_at_80_columns() {
    let shown = picture(&fleet((80, 24), 0), &look());
    assert!(shown.contains("compute,rack1 "), "{shown}");
}

#[test]
fn a_menu_that_does_not_fit_says_that_it_scrolls() {
    let mut state = fleet((40, 10), 0);
    for (cursor, said) in [(0, " 1-6 of 8 · esc "), (7, " 3-8 of 8 · esc ")] {
        let Overlay::Menu(mut menu) = super::overlays::power_menu(vec![NodeId(6)], 0) else { unreachable!() };
        menu.cursor = cursor;
        state.overlays = vec![Overlay::Menu(menu)];
        let shown = picture(&state, &look());
        assert!(shown.contains(said), "{shown}");
    }
    state = fleet((80, 24), 0);
    state.overlays = vec![super::overlays::power_menu(vec![NodeId(6)], 0)];
    assert!(!picture(&state, &look()).contains(" of 8"));
}

#[test]
fn every_size_is_drawn_without_a_panic() {
    for width in (1..48).step_by(3).chain([39, 40, 41, 79, 80, 99, 100, 300]) {
        for height in (1..14).chain([24, 40]) {
            let mut state = busy_state((width, height));
            for overlay in [
                None,
                Some(Overlay::Help { top: 3 }),
                Some(Overlay::Details { node: NodeId(3), top: 0, info: None }),
                Some(Overlay::Command {
                    input: crate::app::state::Input::default(),
                    candidates: vec![("power".into(), "on, off".into()); 3],
                    picked: Some(2),
                    error: None,
                }),
            ] {
                state.overlays = overlay.into_iter().collect();
                buffer(&state, &look());
            }
        }
    }
}

#[test]
fn a_layout_that_is_older_than_the_terminal_is_cut_off() {
    let mut state = busy_state((120, 40));
    state.size = (50, 12);
    buffer(&state, &look());
}

#[test]
fn state_is_readable_without_colours() {
    let text = picture(&fleet((100, 24), 0), &look_in("default", ColorDepth::Mono, Glyphs::Ascii));
    for words in ["* on", "o off", "% off->on", "! unknown", "! 2 unreachable"] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
    let buffer = buffer(&fleet((100, 24), 0), &look_in("default", ColorDepth::Mono, Glyphs::Unicode));
    assert!(buffer.content().iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
}

#[test]
fn the_cursor_row_is_told_by_glyph_and_by_look() {
    let state = fleet((80, 24), 0);
    let buffer = buffer(&state, &look());
    assert_eq!(buffer[(0, 3)].symbol(), "▸");
    assert!((0..80).all(|x| buffer[(x, 3)].modifier.contains(Modifier::REVERSED)));
    assert!(!buffer[(0, 2)].modifier.contains(Modifier::REVERSED));
}

#[test]
fn hostile_text_never_reaches_the_terminal() {
    let mut state = fleet((120, 30), 0);
    let evil = "a\x1b]0;x\x07\u{9b}2J\u{202e}\u{2066}b\nc";
    state.nodes[0].node.name = evil.into();
    state.nodes[0].node.tags = [evil.to_owned()].into();
    state.nodes[0].status.seen.detail = Some(evil.into());
    state.title = evil.into();
    open(&mut state, 1, 0, attached(ConsoleMode::Interactive), None);
    state.panes[0].status.note = Some(evil.into());
    let mut screen = frame(80, 25, &["x"]);
    for (cell, ch) in screen.cells.iter_mut().zip(['\x1b', '\u{9b}', '\u{202e}', '\t', '\u{200b}', '\u{ff}'])
    {
        cell.ch = ch;
    }
    screen.cells[6].marks = Some("\u{202e}\u{301}\x1b".into());
    screen.cells[6].ch = 'e';
    state.panes[0].frame = Some(Arc::new(screen));
    for overlay in [
        None,
        Some(Overlay::Details { node: NodeId(0), top: 0, info: Some(Ok(vec![(evil.into(), evil.into())])) }),
    ] {
        state.overlays = overlay.into_iter().collect();
        let buffer = buffer(&state, &look());
        for cell in buffer.content() {
            let bad =
                cell.symbol().chars().any(|ch| ch.is_control() || ('\u{202a}'..='\u{2069}').contains(&ch));
            assert!(!bad, "{:?}", cell.symbol());
        }
        let shown = text(&buffer);
        assert!(shown.contains('\u{fffd}'), "replaced, not swallowed");
        assert!(!state.overlays.is_empty() || shown.contains("e\u{301}"), "honest marks stay");
    }
}

#[test]
fn cells_that_the_terminal_would_measure_differently_are_replaced() {
    let mut state = fleet((80, 24), 0);
    let mut screen = frame(80, 25, &["漢字x"]);
    // The emulator says one column, the terminal would take two.
    screen.cells[8].ch = '漢';
    // A selector that makes a narrow character wide.
    screen.cells[9].ch = '\u{2764}';
    screen.cells[9].marks = Some("\u{fe0f}".into());
    screen.cells[10].ch = 'z';
    open(&mut state, 1, 0, attached(ConsoleMode::Interactive), Some(screen));
    let buffer = buffer(&state, &look());
    let area = state.layout.panes[0].1.inner();
    let at = |x: u16| buffer[(area.x + x, area.y)].symbol();
    assert_eq!((at(0), at(2), at(4)), ("漢", "字", "x"));
    assert_eq!((at(8), at(9), at(10)), ("\u{fffd}", "\u{2764}", "z"));
}

#[test]
fn a_wide_character_at_either_edge_is_blank() {
    let mut state = fleet((60, 24), 0);
    let lines = format!("{}漢{}", "a".repeat(57), "b".repeat(21));
    let mut screen = frame(80, 25, &[&lines]);
    screen.cursor = Some((0, 0));
    open(&mut state, 1, 0, attached(ConsoleMode::Interactive), Some(screen.clone()));
    let area = state.layout.panes[0].1.inner();
    assert_eq!(area.width, 58);
    let buffer_left = buffer(&state, &look());
    assert_eq!(buffer_left[(area.x + 57, area.y)].symbol(), " ", "no room for its right half");
    assert_eq!(buffer_left[(area.x + 58, area.y)].symbol(), "│", "the frame is whole");
    // Moved sideways so that only the right half would be left.
    let wide = format!("{}漢{}", "a".repeat(7), "b".repeat(71));
    screen = frame(80, 25, &[&wide]);
    screen.cursor = Some((65, 0));
    state.panes[0].frame = Some(Arc::new(screen));
    let moved = buffer(&state, &look());
    assert_eq!(moved[(area.x, area.y)].symbol(), " ");
    assert_eq!(moved[(area.x + 1, area.y)].symbol(), "b");
}

#[test]
fn hidden_text_is_blank_and_reverse_and_colours_are_kept() {
    let mut state = fleet((80, 24), 0);
    let mut screen = frame(80, 25, &["secret"]);
    for cell in &mut screen.cells[..3] {
        cell.style.hidden = true;
    }
    screen.cells[3].style.reverse = true;
    screen.cells[4].style.fg = crate::screen::Color::Rgb(255, 0, 0);
    open(&mut state, 1, 0, attached(ConsoleMode::Interactive), Some(screen));
    let buffer = buffer(&state, &look());
    let area = state.layout.panes[0].1.inner();
    let cell = |x: u16| &buffer[(area.x + x, area.y)];
    assert_eq!(cell(0).symbol(), " ");
    assert!(cell(3).modifier.contains(Modifier::REVERSED) && cell(3).symbol() == "r");
    assert_eq!(cell(4).fg, Color::Indexed(9), "reduced to what the terminal shows");
}

#[test]
fn what_a_node_writes_can_be_read_on_the_ground_of_a_theme() {
    let mut state = fleet((80, 24), 0);
    let mut screen = frame(80, 25, &["white menu"]);
    for cell in &mut screen.cells[..10] {
        cell.style.fg = crate::screen::Color::Indexed(15);
    }
    for cell in &mut screen.cells[6..10] {
        cell.style.bg = crate::screen::Color::Indexed(4);
    }
    open(&mut state, 1, 0, attached(ConsoleMode::Interactive), Some(screen));
    let area = state.layout.panes[0].1.inner();
    let fg = |theme: &str, x: u16| {
        buffer(&state, &look_in(theme, ColorDepth::TrueColor, Glyphs::Unicode))[(area.x + x, area.y)].fg
    };
    assert_eq!((fg("default", 0), fg("default", 6)), (Color::Indexed(15), Color::Indexed(15)));
    assert!(matches!(fg("light", 0), Color::Rgb(r, g, b) if r < 150 && g < 150 && b < 150));
    assert_eq!(fg("light", 6), Color::Indexed(15), "it has its own ground");
}

#[test]
fn the_terminals_cursor_is_only_where_typing_goes() {
    let mut state = busy_state((80, 24));
    let cursor = |state: &State| picture(state, &look()).lines().last().unwrap_or("").starts_with("cursor");
    assert!(cursor(&state), "in the focused console");
    state.overlays.push(Overlay::Help { top: 0 });
    assert!(!cursor(&state), "not under an overlay");
    state.overlays.clear();
    state.focus = Focus::Table;
    assert!(!cursor(&state), "not while the table has the focus");
}

#[test]
fn columns_have_unique_names_and_the_essential_ones_never_drop() {
    let mut names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), COLUMNS.len());
    for column in COLUMNS {
        assert!(column.sort.is_none_or(|key| key.name() == column.name), "sorted by the name of the heading");
    }
    let state = fleet((40, 10), 0);
    let kept: Vec<&str> = crate::ui::columns::fit(&state, 38).iter().map(|(column, _)| column.name).collect();
    assert!(kept.starts_with(&["node", "power"]), "{kept:?}");
}

fn any_char() -> impl proptest::strategy::Strategy<Value = char> {
    use proptest::prelude::*;
    prop_oneof![
        any::<char>(),
        Just('漢'),
        Just('\u{202e}'),
        Just('\u{301}'),
        Just('\u{2764}'),
        Just('\x1b'),
        proptest::char::range('\u{1f1e6}', '\u{1f3ff}'),
    ]
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        cases: 64,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    })]

    /// Whatever a frame says, no symbol is a control or of another width than its cells, and the
    /// pane's own frame stays in its place.
    #[test]
    fn no_frame_breaks_the_screen(
        cells in proptest::collection::vec(
            (any_char(), proptest::option::of(any_char()), 0u8..3),
            160..400,
        ),
        ascii in proptest::bool::ANY,
    ) {
        let mut state = fleet((60, 24), 0);
        let mut screen = frame(80, 25, &[]);
        for (cell, (ch, mark, width)) in screen.cells.iter_mut().zip(&cells) {
            cell.ch = *ch;
            cell.marks = mark.map(|mark| format!("{mark}\u{fe0f}").into());
            cell.width = *width;
        }
        open(&mut state, 1, 0, attached(ConsoleMode::Interactive), Some(screen));
        let glyphs = if ascii { Glyphs::Ascii } else { Glyphs::Unicode };
        let buffer = buffer(&state, &look_in("default", ColorDepth::Ansi16, glyphs));
        let outer = state.layout.panes[0].1;
        for cell in buffer.content() {
            let symbol = cell.symbol();
            proptest::prop_assert!(!symbol.chars().any(crate::ui::glyphs::is_unsafe), "{symbol:?}");
            let width = unicode_width::UnicodeWidthStr::width(symbol);
            proptest::prop_assert!(width == 1 || width == 2, "{symbol:?}");
            proptest::prop_assert!(!ascii || symbol.is_ascii(), "{symbol:?}");
        }
        for y in outer.y + 1..outer.y + outer.height - 1 {
            let left = buffer[(outer.x, y)].symbol();
            let right = &buffer[(outer.x + outer.width - 1, y)];
            proptest::prop_assert_eq!(left, right.symbol());
            let before = buffer[(outer.x + outer.width - 2, y)].symbol();
            proptest::prop_assert_eq!(unicode_width::UnicodeWidthStr::width(before), 1);
        }
    }
}
