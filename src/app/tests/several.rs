use super::*;
use crate::app::state::Question;
use crate::fleet::{ConsoleMode, ConsoleState};
use crate::screen::Modes;

/// Consoles of as many nodes, attached; the last has the keys.
fn consoles(bench: &mut Bench, count: usize) -> Vec<ConsoleId> {
    let mut consoles = Vec::new();
    for _ in 0..count {
        consoles.push(bench.attach());
        bench.keys("<ctrl-]><esc>j");
    }
    bench.keys("<tab>");
    bench.effects.clear();
    consoles
}

/// Asked and confirmed.
fn together(count: usize) -> (Bench, Vec<ConsoleId>) {
    let mut bench = Bench::new();
    let consoles = consoles(&mut bench, count);
    bench.keys("<ctrl-]>i").pass(1000).keys("y").pass(1000);
    assert_eq!(bench.state.several, consoles, "{}", bench.said());
    bench.effects.clear();
    (bench, consoles)
}

/// Who got what.
fn got(bench: &mut Bench) -> Vec<(ConsoleId, Vec<u8>)> {
    let each = bench.requests().into_iter().filter_map(|request| match request {
        Request::Console { console, what: ConsoleRequest::Input(bytes) | ConsoleRequest::Paste(bytes) } => {
            Some((console, bytes))
        }
        _ => None,
    });
    each.collect()
}

#[test]
fn every_key_and_paste_goes_to_all_until_it_is_ended() {
    let (mut bench, all) = together(3);
    let mut frame = crate::screen::Frame::clone(&picture(&["x"], 100, true));
    frame.modes = Modes { app_cursor: true, ..Modes::default() };
    bench.event(Event::Frame(all[1], std::sync::Arc::new(frame)));
    bench.keys("l<up>");
    let each = |keys: [&[u8]; 3]| all.iter().copied().zip(keys.map(<[u8]>::to_vec)).collect::<Vec<_>>();
    let arrows = each([b"\x1b[A", b"\x1bOA", b"\x1b[A"]);
    assert_eq!(got(&mut bench), [each([b"l"; 3]), arrows].concat(), "each as its node wants it");
    bench.event(Event::Paste("a\nb".into()));
    assert_eq!(got(&mut bench), each([b"a\rb"; 3]));
    // Going round to look at the others changes nothing; a break is for the one that is looked at.
    bench.keys("<ctrl-]>nq");
    assert_eq!(got(&mut bench), each([b"q"; 3]));
    bench.keys("<ctrl-]>b");
    assert_eq!(bench.requests().len(), 1);
    bench.keys("<ctrl-]>i");
    let stopped =
        all.iter().map(|console| Request::Console { console: *console, what: ConsoleRequest::StopPaste });
    assert_eq!(bench.requests(), stopped.collect::<Vec<_>>(), "what is still going out stops, too");
    assert!(bench.said().contains("one console again"));
    bench.keys("x");
    assert_eq!(got(&mut bench), [(all[0], b"x".to_vec())]);
}

#[test]
fn it_is_asked_and_needs_two_that_can_be_typed_into() {
    let mut bench = Bench::new();
    let all = consoles(&mut bench, 3);
    bench.keys("<ctrl-]>m<ctrl-]>i");
    assert_eq!(bench.confirm().what, Question::Several { consoles: all[..2].to_vec() }, "not the monitor");
    bench.keys("y").pass(1000).keys("<enter>");
    assert!(bench.state.several.is_empty(), "typed ahead, then enter");
    bench.pass(1000).keys("<ctrl-]>n<ctrl-]>m<ctrl-]>i");
    assert!(bench.state.overlays.is_empty() && bench.said().contains("needs two"), "{}", bench.said());
}

#[test]
fn a_protected_node_needs_the_count_typed() {
    let mut bench = Bench::new();
    consoles(&mut bench, 2);
    bench.state.nodes[1].node.protected = true;
    bench.keys("<ctrl-]>i").pass(1000).keys("y<enter>");
    assert!(bench.state.several.is_empty());
    bench.keys("2<enter>");
    assert_eq!(bench.state.several.len(), 2);
}

#[test]
fn from_the_table_one_of_them_gets_the_keys() {
    let mut bench = Bench::new();
    let all = consoles(&mut bench, 2);
    bench.keys("<ctrl-]><esc>:type into several<enter>").pass(1000).keys("y").pass(1000);
    bench.effects.clear();
    bench.keys("a");
    assert_eq!(got(&mut bench), [(all[0], b"a".to_vec()), (all[1], b"a".to_vec())]);
}

#[test]
fn it_ends_where_it_is_not_certain_who_is_typed_into() {
    type Step = for<'a> fn(&'a mut Bench, &[ConsoleId]) -> &'a mut Bench;
    let lost = |bench: &mut Bench, console| {
        let mut status = bench.state.pane(console).unwrap().status.clone();
        status.state = ConsoleState::Connecting;
        bench.hub(Update::Console(console, Box::new(status)));
    };
    let cases: [(Step, usize); 5] = [
        (|bench, _| bench.keys("<ctrl-]><esc><tab>"), 0),
        (|bench, _| bench.keys("<ctrl-]>.<tab>"), 0),
        (|bench, _| bench.keys("<ctrl-]>m"), 0),
        (
            |bench, _| {
                bench.keys("<ctrl-]><esc>");
                bench.attach();
                bench
            },
            0,
        ),
        (
            |bench, all| {
                bench.state.pane_mut(all[0]).unwrap().status.mode = ConsoleMode::Monitor;
                bench.event(Event::Tick);
                bench
            },
            2,
        ),
    ];
    for (at, (step, left)) in cases.into_iter().enumerate() {
        let (mut bench, all) = together(3);
        step(&mut bench, &all);
        assert_eq!(bench.state.several.len(), left, "case {at}: {}", bench.said());
    }
    let (mut bench, all) = together(3);
    lost(&mut bench, all[0]);
    assert!(bench.said().contains("no longer typed into: r1n01"), "{}", bench.said());
    bench.effects.clear();
    bench.keys("a");
    assert_eq!(got(&mut bench).len(), 2);
    lost(&mut bench, all[1]);
    assert!(bench.state.several.is_empty() && bench.said().contains("one console again"));
    bench.effects.clear();
    bench.keys("a");
    assert_eq!(got(&mut bench), [(all[2], b"a".to_vec())], "what comes back is not typed into by itself");
}
