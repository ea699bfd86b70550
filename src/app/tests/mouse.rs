use super::*;
use crate::app::state::Focus;
use crate::app::{Area, KeyCode, Mouse, MouseKind, Spot, Spots};
use crate::fleet::SortKey;
use proptest::prelude::*;

impl Bench {
    fn mouse(&mut self, kind: MouseKind, spot: Spot) -> &mut Bench {
        let epoch = self.state.epoch;
        self.event(Event::Mouse(Mouse { kind, spot: Some(spot), epoch }));
        self
    }

    fn click(&mut self, spot: Spot) -> &mut Bench {
        self.mouse(MouseKind::Press, spot)
    }
}

fn row(node: u32) -> Spot {
    Spot::Row(NodeId(node))
}

#[test]
fn what_lies_on_top_is_hit_and_beside_it_nothing() {
    let bench = Bench::new();
    let mut spots = Spots::of(&bench.state);
    let area = |x, y, width, height| Area { x, y, width, height };
    spots.add(area(0, 1, 80, 10), Spot::Table);
    spots.add(area(0, 2, 80, 1), row(0));
    spots.add(area(10, 2, 5, 3), Spot::Over);
    let hit = |column, line| spots.hit(MouseKind::Press, (column, line)).spot;
    assert_eq!(hit(0, 0), None);
    assert_eq!(hit(79, 1), Some(Spot::Table));
    assert_eq!(hit(80, 1), None);
    assert_eq!(hit(9, 2), Some(row(0)));
    assert_eq!(hit(10, 2), Some(Spot::Over));
    assert_eq!(hit(14, 4), Some(Spot::Over));
    assert_eq!(hit(15, 4), Some(Spot::Table));
    assert_eq!(hit(u16::MAX, u16::MAX), None);
}

#[test]
fn a_click_moves_the_cursor_and_two_open_the_details() {
    let mut bench = Bench::new();
    bench.click(row(3));
    assert_eq!(bench.cursor(), "r1n04");
    bench.pass(401).click(row(3));
    assert!(bench.state.overlays.is_empty(), "too slow for one double click");
    bench.pass(100).click(row(2));
    assert!(bench.state.overlays.is_empty(), "two rows are no double click");
    bench.pass(400).click(row(2));
    assert!(matches!(bench.state.overlays[..], [Overlay::Details { node: NodeId(2), .. }]));
    assert_eq!(bench.requests(), []);
}

#[test]
fn a_heading_sorts_and_again_turns_it_round() {
    let mut bench = Bench::new();
    bench.click(Spot::Heading(SortKey::State));
    assert_eq!((bench.state.table.sort, bench.state.table.reverse), (SortKey::State, false));
    bench.click(Spot::Heading(SortKey::State));
    assert_eq!((bench.state.table.sort, bench.state.table.reverse), (SortKey::State, true));
    bench.click(Spot::Heading(SortKey::Name));
    assert_eq!((bench.state.table.sort, bench.state.table.reverse), (SortKey::Name, false));
    assert!(bench.shown().starts_with("r1n01"));
}

#[test]
fn clicks_give_the_keys_to_consoles_and_back_and_end_an_awaited_command() {
    let mut bench = Bench::new();
    let first = bench.attach();
    bench.keys("<ctrl-]>");
    bench.click(row(1));
    assert_eq!((bench.state.focus, bench.cursor()), (Focus::Table, "r1n02"));
    let second = bench.attach();
    bench.keys("<ctrl-]>");
    bench.click(Spot::Pane(second));
    bench.keys(".");
    assert_eq!(bench.typed(), b".", "the click took the place of the command key");
    bench.click(Spot::Pane(first));
    assert_eq!(bench.state.focus, Focus::Pane(first));
    bench.click(Spot::Table);
    assert_eq!(bench.state.focus, Focus::Table);
    bench.click(Spot::Pane(ConsoleId(77)));
    assert_eq!(bench.state.focus, Focus::Table, "it was closed since it was drawn");
    assert_eq!(bench.typed(), b"");
}

#[test]
fn the_wheel_scrolls_the_table_and_takes_the_cursor_along_only_when_it_must() {
    let mut bench = Bench::new();
    bench.event(Event::Resize(80, 8));
    assert_eq!(bench.state.layout.page(), 4);
    bench.keys("j").mouse(MouseKind::WheelDown, row(0));
    assert_eq!((bench.state.table.top, bench.cursor()), (3, "r1n04"));
    bench.mouse(MouseKind::WheelDown, Spot::Table).mouse(MouseKind::WheelDown, Spot::Table);
    assert_eq!((bench.state.table.top, bench.cursor()), (6, "s1"));
    bench.mouse(MouseKind::WheelUp, Spot::Table);
    assert_eq!((bench.state.table.top, bench.cursor()), (3, "s1"));
}

#[test]
fn the_wheel_over_a_console_looks_back_and_sends_nothing() {
    let mut bench = Bench::new();
    let console = bench.attach();
    let pane = Spot::Pane(console);
    bench.mouse(MouseKind::WheelUp, pane);
    assert!(bench.state.panes[0].scroll.is_none(), "nothing was shown yet");
    bench.event(Event::Frame(console, picture(&["one"; 5], 100, true)));
    bench.mouse(MouseKind::WheelDown, pane);
    assert!(bench.state.panes[0].scroll.is_none(), "downwards there is nothing");
    bench.keys("<ctrl-]><esc>").mouse(MouseKind::WheelUp, pane);
    let top = |bench: &Bench| bench.state.panes[0].scroll.as_ref().map(|scroll| scroll.top);
    let first = top(&bench).expect("looks back");
    assert_eq!(bench.state.focus, Focus::Table, "the keys stay where they are");
    bench.mouse(MouseKind::WheelUp, pane);
    assert_eq!(top(&bench), Some(first - 3));
    for _ in 0..60 {
        bench.mouse(MouseKind::WheelDown, pane);
    }
    assert!(top(&bench).expect("it stays") > first, "what is typed next must not reach the node");
    assert_eq!(bench.typed(), b"");
}

#[test]
fn menu_rows_work_like_their_keys_and_beside_the_menu_is_out() {
    let mut bench = Bench::new();
    bench.keys("p").click(Spot::Item(0));
    assert_eq!(bench.verb().map(|(_, verb, nodes)| (verb, nodes)), Some(("power on".into(), vec![0])));
    bench.keys("p").click(Spot::Item(1));
    assert_eq!(bench.confirm().folded, "r1n01");
    assert_eq!(bench.requests(), []);
    bench.pass(400).keys("<esc>p").click(Spot::Over);
    assert!(matches!(bench.state.overlays[..], [Overlay::Menu(_)]));
    bench.mouse(MouseKind::WheelDown, Spot::Over);
    assert!(matches!(&bench.state.overlays[..], [Overlay::Menu(menu)] if menu.cursor == 1));
    bench.click(row(4));
    assert!(bench.state.overlays.is_empty());
    assert_eq!(bench.cursor(), "r1n01", "the click only closed the menu");
    bench.keys("p").click(Spot::Item(99));
    assert_eq!(bench.requests(), []);
}

#[test]
fn a_question_takes_clicks_on_its_buttons_only_and_not_at_once() {
    let yes = Spot::Button(Key::char('y'));
    let cancel = Spot::Button(Key::plain(KeyCode::Esc));
    let mut bench = Bench::new();
    bench.keys("pf").pass(299).click(yes);
    bench.click(cancel);
    assert_eq!((bench.requests(), bench.state.overlays.len()), (vec![], 1));
    bench.pass(1).click(row(2)).click(Spot::Over);
    assert_eq!(bench.state.overlays.len(), 1, "beside it is no answer");
    bench.click(yes);
    assert_eq!(bench.verb().map(|(_, verb, _)| verb), Some("power off".into()));
    // Where a word is asked for, no click says yes, also with the word typed.
    bench.keys(":mark @rack1<enter>pf").pass(300).keys("6").click(yes);
    assert_eq!(bench.requests(), []);
    bench.click(cancel);
    assert_eq!((bench.requests(), bench.said()), (vec![], "nothing was done"));
}

#[test]
fn a_click_on_what_was_drawn_before_a_box_opened_does_nothing() {
    let mut bench = Bench::new();
    bench.keys("p");
    let mut spots = Spots::of(&bench.state);
    spots.add(Area { x: 0, y: 0, width: 80, height: 24 }, Spot::Item(0));
    bench.keys("<esc>b");
    let late = spots.hit(MouseKind::Press, (1, 1));
    bench.event(Event::Mouse(late));
    assert!(matches!(bench.state.overlays[..], [Overlay::Menu(_)]));
    assert_eq!(bench.requests(), []);
}

#[test]
fn a_candidate_is_put_into_the_line_and_run_by_enter_only() {
    let mut bench = Bench::new();
    bench.keys(":power o").click(Spot::Candidate(0));
    assert!(
        matches!(&bench.state.overlays[..], [Overlay::Command { input, .. }] if input.text == "power on")
    );
    assert_eq!(bench.requests(), []);
    bench.click(Spot::Candidate(99)).keys("<enter>");
    assert_eq!(bench.verb().map(|(_, verb, _)| verb), Some("power on".into()));
}

#[test]
fn the_command_turns_it_off_and_on() {
    let mut bench = Bench::new();
    for on in [false, true] {
        bench.keys(":mouse<enter>");
        assert_eq!(bench.state.mouse, on);
        assert!(bench.effects.contains(&Effect::Mouse));
        assert!(bench.said().starts_with(if on { "mouse on" } else { "mouse off" }));
        bench.effects.clear();
    }
}

pub(super) fn any_kind() -> impl Strategy<Value = MouseKind> {
    proptest::sample::select(vec![MouseKind::Press, MouseKind::WheelUp, MouseKind::WheelDown])
}

pub(super) fn any_spot() -> impl Strategy<Value = Spot> {
    prop_oneof![
        Just(Spot::Table),
        Just(Spot::Over),
        (0u32..12).prop_map(row),
        (0u64..5).prop_map(|id| Spot::Pane(ConsoleId(id))),
        (0usize..12).prop_map(Spot::Item),
        (0usize..12).prop_map(Spot::Candidate),
        Just(Spot::Heading(SortKey::Age)),
        Just(Spot::Button(Key::char('y'))),
        Just(Spot::Button(Key::plain(KeyCode::Esc))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is clicked, wherever the keys are: no node gets a byte, and no verb that needs a word is sent.
    #[test]
    fn the_mouse_types_nothing(
        steps in proptest::collection::vec((any_kind(), any_spot(), 0u64..500, 0usize..8), 0..60),
    ) {
        let mut bench = Bench::new();
        let first = bench.attach();
        bench.event(Event::Frame(first, picture(&["one"; 5], 100, true)));
        bench.keys("<ctrl-]><esc>*");
        for (kind, spot, wait, between) in steps {
            bench.keys(["", "p", "b", "m", ":", "/", "L", "?"][if bench.state.focus == Focus::Table { between } else { 0 }]);
            bench.effects.clear();
            bench.pass(wait);
            bench.mouse(kind, spot);
            for request in bench.requests() {
                let typed = matches!(
                    &request,
                    Request::Console { what: ConsoleRequest::Input(_) | ConsoleRequest::Paste(_) | ConsoleRequest::Break, .. }
                );
                prop_assert!(!typed, "{request:?}");
                let changes = matches!(&request, Request::Verb { verb, .. } if !verb.is_read());
                prop_assert!(!changes, "ten nodes are marked: {request:?}");
            }
        }
    }
}
