use super::*;
use crate::app::guard::{Guard, confirm_level};
use crate::app::state::Question;
use crate::fleet::{ConsoleState, LinePos, SessionStatus};
use proptest::prelude::*;

/// Keys that matter, often; any character, sometimes.
fn some_key() -> impl Strategy<Value = Key> {
    let usual: Vec<Key> = keys(
        "jkgGvpbmcforsyxnNtuiwdzLSq?:/*.[2345 <space><enter><esc><tab><shift-tab><backspace><up><down><pgup><pgdn>\
         <ctrl-]><ctrl-]><ctrl-c><ctrl-d><ctrl-u><ctrl-l><ctrl-w><home><end><left><right><f5>",
    );
    prop_oneof![
        12 => proptest::sample::select(usual),
        1 => any::<char>().prop_filter("no key", |ch| !ch.is_control()).prop_map(Key::char),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Key(Key),
    Line(String),
    Paste(String),
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
        ":power off r1n01",
        ":power on all",
        ":boot pxe",
        ":filter state:on",
        ":console vm1",
        ":mark @rack1",
        "2",
    ];
    prop_oneof![
        30 => some_key().prop_map(Step::Key),
        3 => proptest::sample::select(lines.to_vec()).prop_map(|line| Step::Line(line.to_owned())),
        2 => ".{0,8}".prop_map(Step::Paste),
        1 => (0u16..200, 0u16..60).prop_map(|(columns, rows)| Step::Resize(columns, rows)),
        4 => (0u64..1_000).prop_map(Step::Pass),
        4 => (0u32..12, 0u8..4).prop_map(|(node, value)| Step::Seen(node, value)),
        3 => (0u64..9, 0u8..4).prop_map(|(console, state)| Step::Console(console, state)),
        4 => (0u64..9, 0u64..300, any::<bool>()).prop_map(|(console, top, live)| Step::Frame(console, top, live)),
        1 => (0u64..40, proptest::option::of(0u64..400)).prop_map(|(id, line)| Step::Found(id, line)),
        2 => (0u64..40, 0u32..12, any::<bool>()).prop_map(|(id, node, well)| Step::Result(id, node, well)),
        1 => Just(Step::NotTaken),
    ]
}

/// The only ways to a verb that the guard wants proof for: the question was open, for this verb
/// and these nodes, for 300 ms, and the event is the key that confirms it.
fn check(before: &State, event: &Event, request: &Request, now: u64) {
    let Request::Verb { verb, nodes, .. } = request else {
        return;
    };
    let found: Vec<&Node> = nodes
        .iter()
        .map(|node| &before.nodes[node.index()].node)
        .collect();
    let guard = confirm_level(verb, &found, before.read_only);
    assert!(!matches!(guard, Guard::Refused { .. }), "{verb:?} {nodes:?}");
    if guard == Guard::None {
        return;
    }
    let Some(Overlay::Confirm(confirm)) = before.overlays.last() else {
        panic!("{verb:?} without a question")
    };
    assert_eq!(
        (&confirm.what, &confirm.targets),
        (&Question::Verb(verb.clone()), nodes)
    );
    assert!(now - confirm.opened.0 >= 300);
    let Event::Key(key) = event else {
        panic!("{verb:?} by {event:?}")
    };
    let proof = if matches!(guard, Guard::Typed(_)) {
        "<enter>"
    } else {
        "y"
    };
    assert_eq!(*key, keys(proof)[0]);
}

fn events(step: Step, bench: &Bench, last: Option<&Request>) -> Vec<Event> {
    let power = |value| [Power::On, Power::Off, Power::Unknown][usize::from(value % 3)];
    let hub = |update| vec![Event::Hub(vec![update])];
    match step {
        Step::Key(key) => vec![Event::Key(key)],
        Step::Line(line) => keys(&line)
            .into_iter()
            .chain(keys("<enter>"))
            .map(Event::Key)
            .collect(),
        Step::Paste(text) => vec![Event::Paste(text)],
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
            outcome: if well {
                Outcome::Accepted
            } else {
                Outcome::Refused("busy".into())
            },
            power: Power::On,
            elapsed: Duration::ZERO,
        }))),
        Step::NotTaken => last
            .map(|request| Event::NotTaken(Box::new(request.clone())))
            .into_iter()
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_no_verb_escapes_its_question(
        steps in proptest::collection::vec(step(), 1..120),
        read_only in proptest::bool::weighted(0.1),
    ) {
        let mut bench = Bench::with(read_only, "ctrl-]");
        let mut last: Option<Request> = None;
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
                            check(&before, &event, &request, bench.now);
                            last = Some(*request);
                        }
                        Effect::WakeAt(at) => prop_assert!(at.0 > bench.now),
                        _ => {}
                    }
                }
                let state = &bench.state;
                prop_assert!(state.table.cursor.is_none_or(|node| state.table.order.contains(&node)));
                prop_assert!(state.table.cursor.is_some() || state.table.order.is_empty());
                let shows = |console| state.pane(console).is_some();
                prop_assert!(state.layout.panes.iter().all(|(console, _)| shows(*console)));
                if let crate::app::state::Focus::Pane(console) = state.focus {
                    prop_assert!(shows(console));
                }
                let _ = (crate::app::hints(state), crate::app::help(state), crate::app::view::counts(state));
            }
        }
    }
}
