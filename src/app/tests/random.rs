use super::*;
use crate::app::guard::{Guard, confirm_level};
use crate::app::state::Question;
use crate::app::{Mouse, MouseKind, Spot};
use crate::fleet::{ConsoleState, LinePos, SessionStatus};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// Keys that matter, often; any character, sometimes.
fn some_key() -> impl Strategy<Value = Key> {
    let usual: Vec<Key> = keys(
        "jkgGvpbmcforsyxnNtuiwdzLSq?:/*.[2345 <space><enter><esc><tab><shift-tab><backspace><up><down><pgup><pgdn>\
         <ctrl-]><ctrl-]><ctrl-c><ctrl-d><ctrl-u><ctrl-l><ctrl-w><home><end><left><right><f5>",
    );
    prop_oneof![
        6 => proptest::sample::select(usual),
        1 => any::<char>().prop_filter("no key", |ch| !ch.is_control()).prop_map(Key::char),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Key(Key),
    Line(&'static str),
    Paste(String),
    Mouse(MouseKind, Spot),
    Resize(u16, u16),
    Pass(u64),
    Seen(u32, u8),
    Console(u64, u8),
    Frame(u64, u64, bool),
    Found(u64, Option<u64>),
    Result(u64, u32, bool),
    NotTaken,
}

fn step() -> impl Strategy<Value = Step> {
    let lines = [
        ":power off r1n01<enter>",
        ":power on all<enter>",
        ":boot pxe<enter>",
        ":filter state:on<enter>",
        ":console vm1<enter>",
        ":mark @rack1<enter>",
        "pf",
        "bp",
        "mc",
        "<ctrl-]>pr",
        "y",
        "y<enter>",
        "2<enter>",
    ];
    prop_oneof![
        15 => some_key().prop_map(Step::Key),
        8 => proptest::sample::select(lines.to_vec()).prop_map(Step::Line),
        6 => (super::mouse::any_kind(), super::mouse::any_spot()).prop_map(|(kind, spot)| Step::Mouse(kind, spot)),
        2 => ".{0,8}".prop_map(Step::Paste),
        1 => (0u16..200, 0u16..60).prop_map(|(columns, rows)| Step::Resize(columns, rows)),
        10 => (0u64..1_000).prop_map(Step::Pass),
        4 => (0u32..12, 0u8..4).prop_map(|(node, value)| Step::Seen(node, value)),
        3 => (0u64..9, 0u8..4).prop_map(|(console, state)| Step::Console(console, state)),
        4 => (0u64..9, 0u64..300, any::<bool>()).prop_map(|(console, top, live)| Step::Frame(console, top, live)),
        1 => (0u64..40, proptest::option::of(0u64..400)).prop_map(|(id, line)| Step::Found(id, line)),
        2 => (0u64..40, 0u32..12, any::<bool>()).prop_map(|(id, node, well)| Step::Result(id, node, well)),
        1 => Just(Step::NotTaken),
    ]
}

/// The only ways to a verb that the guard wants proof for: the question was open, for this verb
/// and these nodes, for 300 ms, and the event is the key that confirms it. Whether it was such a verb.
fn check(before: &State, event: &Event, request: &Request, now: u64) -> bool {
    let Request::Verb { verb, nodes, .. } = request else {
        return false;
    };
    let found: Vec<&Node> = nodes.iter().map(|node| &before.nodes[node.index()].node).collect();
    let guard = confirm_level(verb, &found, before.read_only);
    assert!(!matches!(guard, Guard::Refused { .. }), "{verb:?} {nodes:?}");
    if guard == Guard::None {
        return false;
    }
    let Some(Overlay::Confirm(confirm)) = before.overlays.last() else {
        panic!("{verb:?} without a question")
    };
    assert_eq!((&confirm.what, &confirm.targets), (&Question::Verb(verb.clone()), nodes));
    assert!(now - confirm.opened.0 >= 300);
    let typed = matches!(guard, Guard::Typed(_));
    let key = match event {
        Event::Key(key) => *key,
        // The button of a question that wants no word.
        Event::Mouse(Mouse { kind: MouseKind::Press, spot: Some(Spot::Button(key)), .. }) if !typed => *key,
        other => panic!("{verb:?} by {other:?}"),
    };
    assert_eq!(key, keys(if typed { "<enter>" } else { "y" })[0]);
    true
}

fn events(step: Step, bench: &Bench, last: Option<&Request>) -> Vec<Event> {
    let power = |value| [Power::On, Power::Off, Power::Unknown][usize::from(value % 3)];
    let hub = |update| vec![Event::Hub(vec![update])];
    match step {
        Step::Key(key) => vec![Event::Key(key)],
        Step::Line(line) => keys(line).into_iter().map(Event::Key).collect(),
        Step::Paste(text) => vec![Event::Paste(text)],
        Step::Mouse(kind, spot) => {
            vec![Event::Mouse(Mouse { kind, spot: Some(spot), epoch: bench.state.epoch })]
        }
        Step::Resize(columns, rows) => vec![Event::Resize(columns, rows)],
        Step::Pass(_) => vec![Event::Tick],
        Step::Seen(node, value) => hub(Update::Node(Box::new(bench.status(node, power(value))))),
        Step::Console(console, state) => {
            let mut status = SessionStatus::default();
            if state > 0 {
                status.state = ConsoleState::Attached { silent: false };
                status.mode = crate::fleet::ConsoleMode::Interactive;
            }
            hub(Update::Console(ConsoleId(console), Box::new(status)))
        }
        Step::Frame(console, top, live) => {
            vec![
                Event::Hub(vec![Update::Frame(ConsoleId(console))]),
                Event::Frame(ConsoleId(console), picture(&["a b"; 5], top, live)),
            ]
        }
        Step::Found(id, line) => hub(Update::Found {
            id: RequestId(id),
            found: Ok(line.map(|line| (LinePos { line, col: 900 }, LinePos { line, col: 901 }))),
        }),
        Step::Result(id, node, well) => hub(Update::Done(Box::new(VerbResult {
            id: RequestId(id),
            node: NodeId(node),
            verb: Verb::Info,
            outcome: if well { Outcome::Accepted } else { Outcome::Refused("busy".into()) },
            power: Power::On,
            elapsed: Duration::ZERO,
        }))),
        Step::NotTaken => {
            last.map(|request| Event::NotTaken(Box::new(request.clone()))).into_iter().collect()
        }
    }
}

fn play(steps: Vec<Step>, read_only: bool) -> Result<usize, TestCaseError> {
    let mut bench = Bench::with(read_only, "ctrl-]");
    let mut last: Option<Request> = None;
    let mut proven = 0;
    for step in steps {
        if let Step::Pass(millis) = step {
            bench.now += millis;
        }
        for event in events(step, &bench, last.as_ref()) {
            let before = bench.state.clone();
            let effects = update(&mut bench.state, event.clone(), Millis(bench.now));
            for effect in effects {
                match effect {
                    Effect::Hub(request) => {
                        proven += usize::from(check(&before, &event, &request, bench.now));
                        last = Some(*request);
                    }
                    Effect::WakeAt(at) => prop_assert!(at.0 > bench.now),
                    _ => {}
                }
            }
            sound(&bench.state)?;
        }
    }
    Ok(proven)
}

/// What must hold after every event.
fn sound(state: &State) -> Result<(), TestCaseError> {
    let table = &state.table;
    prop_assert!(table.cursor.is_none_or(|node| table.order.contains(&node)));
    prop_assert!(table.cursor.is_some() || table.order.is_empty());
    prop_assert!(table.top == 0 || table.top < table.order.len() || state.layout.page() == 0);
    let shows = |console| state.pane(console).is_some();
    prop_assert!(state.layout.panes.iter().all(|(console, _)| shows(*console)));
    if let crate::app::state::Focus::Pane(console) = state.focus {
        prop_assert!(shows(console));
    }
    let _ = (crate::app::hints(state), crate::app::help(state), crate::app::view::counts(state));
    Ok(())
}

#[test]
fn nothing_panics_and_no_verb_escapes_its_question() {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let proven = std::cell::Cell::new(0);
    let steps = (proptest::collection::vec(step(), 1..120), proptest::bool::weighted(0.1));
    let result = runner.run(&steps, |(steps, read_only)| {
        proven.set(proven.get() + play(steps, read_only)?);
        Ok(())
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
    // Otherwise it would have looked at nothing.
    assert!(proven.get() > 0);
}
