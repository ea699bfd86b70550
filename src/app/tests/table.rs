use super::*;

#[test]
fn moving() {
    let cases = [
        ("j", "r1n02"),
        ("<down><down>k", "r1n02"),
        ("jj<up>", "r1n02"),
        ("G", "xbare"),
        ("Gg", "r1n01"),
        ("<end>", "xbare"),
        ("<end><home>", "r1n01"),
        ("kkk", "r1n01"),
        ("Gjjj", "xbare"),
        ("<pgdn>", "xbare"),
        ("<pgdn><pgup>", "r1n01"),
        ("<ctrl-d><ctrl-d><ctrl-u>", "r1n01"),
    ];
    for (keys, cursor) in cases {
        assert_eq!(Bench::new().keys(keys).cursor(), cursor, "{keys}");
    }
}

#[test]
fn marking() {
    let cases = [
        ("<space>", "r1n01"),
        ("<space><space>", "r1n[01-02]"),
        ("<space>k<space>", ""),
        ("vjj<space>", "r1n[01-03]"),
        ("jjvkkv", "r1n[01-03]"),
        ("vjj<esc>", ""),
        ("vjjp", "r1n[01-03]"),
        ("/r1n0<enter>*", "r1n[01-06]"),
        ("*u", ""),
        (":mark<space>vm1<enter>", "vm1"),
        ("/vm<enter>:mark all<enter>:unmark xbare,s1,t1<enter>", "r1n[01-06],vm1"),
        ("/vm<enter>:mark shown<enter>", "vm1"),
        (":mark @rack1<enter>:unmark r1n01<enter>", "r1n[02-06]"),
    ];
    for (keys, marks) in cases {
        assert_eq!(Bench::new().keys(keys).marks(), marks, "{keys}");
    }
}

#[test]
fn the_filter_works_while_it_is_typed_and_esc_takes_it_back() {
    let mut bench = Bench::new();
    bench.keys("/vm");
    assert_eq!((bench.shown().as_str(), bench.cursor()), ("vm1", "vm1"));
    bench.keys("<esc>");
    assert_eq!(bench.state.table.order.len(), 10);
    bench.keys("/vm<enter>");
    assert_eq!((bench.shown().as_str(), bench.state.overlays.len()), ("vm1", 0));
    bench.keys("<esc>");
    assert_eq!(bench.state.table.order.len(), 10);
    bench.keys("/nothing like it<enter>");
    assert_eq!((bench.shown().as_str(), bench.cursor()), ("", ""));
    bench.keys("<space>pcyr<enter>");
    assert_eq!(bench.requests(), []);
}

#[test]
fn the_filter_follows_what_is_seen() {
    let mut bench = Bench::new();
    bench.keys("/state:off<enter>").seen(2, Power::Off).seen(4, Power::Off);
    assert_eq!(bench.shown(), "r1n03 r1n05");
    bench.seen(2, Power::On);
    assert_eq!((bench.shown().as_str(), bench.cursor()), ("r1n05", "r1n05"));
}

#[test]
fn the_cursor_stays_on_its_node_when_the_order_changes() {
    let mut bench = Bench::new();
    bench.keys("jj").seen(0, Power::On).seen(1, Power::Off);
    bench.keys(":sort state<enter>");
    assert_eq!(bench.cursor(), "r1n03");
    assert!(bench.shown().ends_with("r1n02 r1n01"), "{}", bench.shown());
    bench.seen(2, Power::On);
    assert_eq!(bench.cursor(), "r1n03");
    bench.keys("S");
    assert_eq!(bench.cursor(), "r1n03");
    assert!(bench.shown().starts_with("r1n03 r1n01 r1n02"), "{}", bench.shown());
    bench.keys("s");
    assert_eq!(bench.said(), "sorted by tags");
    bench.keys(":sort colour<enter>");
    assert!(matches!(bench.state.overlays.last(), Some(Overlay::Command { error: Some(_), .. })));
}

#[test]
fn the_node_under_the_cursor_stays_on_its_line_of_the_screen() {
    let mut bench = Bench::new();
    bench.event(Event::Resize(80, 8));
    bench.keys(":sort state<enter>Gkk");
    let line = |bench: &Bench| {
        let at = bench.state.table.order.iter().position(|node| Some(*node) == bench.state.table.cursor);
        at.unwrap() - bench.state.table.top
    };
    let (cursor, before) = (bench.cursor().to_owned(), line(&bench));
    // Rows above it sink to the end of the table.
    bench.seen(0, Power::On).seen(1, Power::On);
    assert_eq!((bench.cursor(), line(&bench)), (cursor.as_str(), before));
}

#[test]
fn rows_stand_still_while_a_menu_or_a_question_is_open() {
    let mut bench = Bench::new();
    bench.keys(":sort state<enter>");
    let before = bench.shown();
    bench.keys("p").seen(0, Power::On).seen(1, Power::On);
    assert_eq!(bench.shown(), before);
    bench.keys("f").seen(2, Power::On);
    assert_eq!(bench.shown(), before);
    assert_eq!(bench.confirm().folded, "r1n01");
    bench.pass(400).keys("<esc>");
    assert!(bench.shown().ends_with("r1n01 r1n02 r1n03"), "{}", bench.shown());
}

#[test]
fn polling_and_copying_take_the_marked_nodes_or_the_cursors() {
    let mut bench = Bench::new();
    bench.keys("jr");
    assert_eq!(bench.requests(), [Request::Poll { nodes: vec![NodeId(1)] }]);
    bench.keys("y");
    assert!(bench.effects.contains(&Effect::Copy("r1n02".into())));
    bench.keys("g<space><space><space>ry");
    assert!(bench.effects.contains(&Effect::Copy("r1n[01-03]".into())));
    let nodes = vec![NodeId(0), NodeId(1), NodeId(2)];
    assert_eq!(bench.requests(), [Request::Poll { nodes }]);
    // Without marks a filter says what is meant; marks come first.
    bench.keys("/tag:vms<enter>y");
    assert!(bench.effects.contains(&Effect::Copy("r1n[01-03]".into())));
    bench.effects.clear();
    bench.keys("u/<ctrl-u>r1n0[4-6]<enter>y");
    assert!(bench.effects.contains(&Effect::Copy("r1n[04-06]".into())));
}

#[test]
fn overlays_open_and_close_one_level_at_a_time() {
    for keys in ["?", "<enter>", "L", ":", "/", "p", "b", "m"] {
        let mut bench = Bench::new();
        bench.keys(keys);
        assert_eq!(bench.state.overlays.len(), 1, "{keys}");
        bench.keys("<ctrl-c>");
        assert_eq!(bench.state.overlays.len(), 0, "{keys}");
        bench.keys(keys).keys("<esc>");
        assert_eq!(bench.state.overlays.len(), 0, "{keys}");
    }
    let mut bench = Bench::new();
    bench.keys("mr");
    assert_eq!(bench.state.overlays.len(), 2);
    bench.keys("<esc><esc><esc><esc>");
    assert!(bench.state.overlays.is_empty() && !bench.state.quitting);
}

#[test]
fn lists_scroll_within_their_text() {
    let mut bench = Bench::new();
    bench.keys("?jj<pgdn>k");
    assert_eq!(bench.state.overlays.last(), Some(&Overlay::Help { top: 11 }));
    bench.keys("g");
    assert_eq!(bench.state.overlays.last(), Some(&Overlay::Help { top: 0 }));
    bench.keys("G");
    assert!(matches!(bench.state.overlays.last(), Some(Overlay::Help { top: 20..200 })));
}

#[test]
fn quitting_asks_only_when_something_would_be_lost() {
    let mut bench = Bench::new();
    bench.keys("<ctrl-c><esc>");
    assert!(!bench.state.quitting && bench.said().contains("q does"));
    bench.keys("q");
    assert!(bench.effects.contains(&Effect::Quit) && bench.state.quitting);

    let mut bench = Bench::new();
    bench.attach();
    bench.keys("<ctrl-]><esc>q");
    assert!(!bench.effects.contains(&Effect::Quit));
    bench.keys("y").pass(400).keys("<enter>");
    assert!(!bench.effects.contains(&Effect::Quit) && bench.state.overlays.is_empty());
    bench.keys("q").pass(400).keys("y");
    assert!(bench.effects.contains(&Effect::Quit));

    // A console that ended for good is nothing that could be lost.
    let mut bench = Bench::new();
    let console = bench.attach();
    let mut status = bench.state.pane(console).unwrap().status.clone();
    let fault =
        crate::fleet::Fault { class: crate::fleet::FaultClass::Local, reason: "exit 1".into(), hint: None };
    status.state = crate::fleet::ConsoleState::Closed { fault, holder: None, retry: None };
    bench.hub(Update::Console(console, Box::new(status)));
    bench.keys("<ctrl-]><esc>q");
    assert!(bench.effects.contains(&Effect::Quit));

    let mut bench = Bench::new();
    bench.attach();
    bench.event(Event::Terminate);
    assert!(bench.effects.contains(&Effect::Quit));
}

#[test]
fn a_paste_into_the_table_presses_nothing() {
    let mut bench = Bench::new();
    for text in ["pfy", "q", "\u{1b}", "c", "*r", ":quit\n"] {
        bench.event(Event::Paste(text.into()));
    }
    assert_eq!(bench.requests(), []);
    assert!(bench.state.overlays.is_empty() && !bench.state.quitting && bench.marks().is_empty());
    bench.keys("/");
    bench.event(Event::Paste("r1n0[1-2]\n".into()));
    assert_eq!(bench.state.table.filter_text, "r1n0[1-2]");
    bench.keys("<esc>:");
    bench.event(Event::Paste("power on\n".into()));
    assert_eq!(bench.requests(), []);
}

#[test]
fn only_what_is_on_screen_is_watched() {
    let mut bench = Bench::new();
    bench.event(Event::Resize(80, 8));
    let watched = |bench: &mut Bench| {
        let found = bench.effects.iter().rev().find_map(|effect| match effect {
            Effect::Hub(request) => match request.as_ref() {
                Request::Watch { nodes } => Some(nodes.iter().map(|node| node.0).collect::<Vec<u32>>()),
                _ => None,
            },
            _ => None,
        });
        bench.effects.clear();
        found
    };
    assert_eq!(watched(&mut bench), Some(vec![0, 1, 2, 3]));
    bench.keys("j");
    assert_eq!(watched(&mut bench), None);
    bench.keys("G");
    assert_eq!(watched(&mut bench), Some(vec![6, 7, 8, 9]));
    bench.event(Event::NotTaken(Box::new(Request::Watch { nodes: vec![] })));
    assert_eq!(watched(&mut bench), None);
    bench.pass(1000);
    assert_eq!(watched(&mut bench), Some(vec![6, 7, 8, 9]));
}

#[test]
fn redraw_and_wake() {
    let mut bench = Bench::new();
    bench.keys("<ctrl-l>");
    assert!(bench.effects.contains(&Effect::Redraw));
    // 22:31:10: the next minute, unless something moves before.
    let mut bench = Bench::new();
    bench.event(Event::Tick);
    assert_eq!(bench.effects.last(), Some(&Effect::WakeAt(Millis(START + 50_000))));
    bench.keys("s");
    assert_eq!(bench.effects.last(), Some(&Effect::WakeAt(Millis(START + 5_000))));
    bench.pass(5_000);
    assert_eq!(bench.said(), "");
}

#[test]
fn sorting_is_said_by_the_names_of_columns_and_of_filters() {
    let mut bench = Bench::new();
    for (typed, said) in [("power", "power"), ("state", "power"), ("tags", "tags"), ("name", "node")] {
        bench.keys(&format!(":sort {typed}<enter>"));
        assert_eq!(bench.said(), format!("sorted by {said}"));
    }
}
