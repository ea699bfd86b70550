use super::*;
use crate::app::state::{Focus, PrefixState, Question};
use crate::fleet::{ConsoleMode, ConsoleState, Fault, FaultClass, SessionStatus};
use crate::screen::Modes;

#[test]
fn a_console_is_opened_once_and_then_found_again() {
    let mut bench = Bench::new();
    bench.keys("c");
    let console = bench.state.panes[0].console;
    assert_eq!(bench.state.focus, Focus::Pane(console));
    let what = ConsoleRequest::Attach { node: NodeId(0), mode: ConsoleMode::Interactive };
    assert_eq!(bench.requests(), [Request::Console { console, what }]);
    bench.keys("<ctrl-]><esc>c");
    assert_eq!((bench.state.panes.len(), bench.state.focus), (1, Focus::Pane(console)));
    assert_eq!(bench.requests(), []);
    bench.keys("<ctrl-]><esc>Gc");
    assert!(bench.said().contains("no console is configured for xbare"));
}

#[test]
fn keys_reach_the_node_unchanged() {
    let mut bench = Bench::new();
    bench.attach();
    bench.keys("ls<enter><esc><ctrl-c><f10><tab>q?:");
    assert_eq!(bench.typed(), b"ls\r\x1b\x03\x1b[21~\tq?:");
    assert!(bench.state.overlays.is_empty() && !bench.state.quitting);
}

#[test]
fn the_prefix_addresses_us() {
    let cases: [(&str, &[u8], &str); 6] = [
        ("<ctrl-]>xa", b"a", "is no command; nothing was sent"),
        ("<ctrl-]><ctrl-]>a", b"\x1da", ""),
        ("<ctrl-]><ctrl-c>a", b"a", "is no command"),
        ("<ctrl-]>ra", b"stty rows 2 cols 20\ra", ""),
        ("<ctrl-]>la", b"a", "no log is written"),
        ("<ctrl-]>?<esc>a", b"a", ""),
    ];
    for (keys, bytes, said) in cases {
        let mut bench = Bench::new();
        let console = bench.attach();
        bench.event(Event::Frame(console, picture(&["a", "b"], 100, true)));
        bench.keys(keys);
        assert_eq!(bench.typed(), bytes, "{keys}");
        assert!(bench.said().contains(said), "{keys}: {}", bench.said());
    }
}

#[test]
fn a_prefix_of_two_keys() {
    let cases: [(&str, &[u8], bool); 6] = [
        ("a", b"a", true),
        ("<ctrl-e>", b"", true),
        // No prefix: both keys were meant for the node.
        ("<ctrl-e>x", b"\x05x", true),
        ("<ctrl-e><ctrl-e>a", b"\x05a", true),
        ("<ctrl-e>c<ctrl-e>ca", b"\x05ca", true),
        ("<ctrl-e>c.", b"", false),
    ];
    for (keys, bytes, open) in cases {
        let mut bench = Bench::with(false, "ctrl-e c");
        bench.attach();
        bench.keys(keys);
        assert_eq!(bench.typed(), bytes, "{keys}");
        assert_eq!(bench.state.panes.len() == 1, open, "{keys}");
    }
    assert_eq!(Bench::with(false, "ctrl-e c").state.prefix, "ctrl-e c");
}

#[test]
fn there_is_no_time_limit_on_the_prefix() {
    let mut bench = Bench::new();
    bench.attach();
    bench.keys("<ctrl-]>").pass(3_600_000);
    assert_eq!(bench.state.prefix_state, PrefixState::Armed);
    bench.keys(".");
    assert!(bench.state.panes.is_empty());
}

#[test]
fn commands_after_the_prefix() {
    let ask = |keys: &str| {
        let mut bench = Bench::new();
        bench.attach();
        bench.keys(keys);
        bench.requests()
    };
    let one = |what| vec![Request::Console { console: ConsoleId(1), what }];
    assert_eq!(ask("<ctrl-]>."), one(ConsoleRequest::Detach));
    assert_eq!(ask("<ctrl-]>b"), one(ConsoleRequest::Break));
    assert_eq!(ask("<ctrl-]>o"), one(ConsoleRequest::Reopen));
    assert_eq!(ask("<ctrl-]>e"), one(ConsoleRequest::NextCharset));
    assert_eq!(ask("<ctrl-]>m"), one(ConsoleRequest::Mode(ConsoleMode::Monitor)));
    assert_eq!(ask("<ctrl-]><esc>"), []);
}

#[test]
fn the_power_menu_of_a_console_is_about_its_node_alone() {
    let mut bench = Bench::new();
    bench.keys("jjj");
    bench.attach();
    bench.keys("<ctrl-]><esc>g<space><space><tab><ctrl-]>pf").pass(400).keys("y");
    assert_eq!(bench.verb().unwrap().2, [3]);
    assert!(matches!(bench.state.focus, Focus::Pane(_)));
}

#[test]
fn a_monitor_sends_nothing() {
    let mut bench = Bench::new();
    let console = bench.attach();
    bench.keys("<ctrl-]>m");
    bench.requests();
    bench.keys("reboot<enter><ctrl-]>b<ctrl-]>r");
    bench.event(Event::Paste("rm -rf".into()));
    assert_eq!(bench.requests(), []);
    assert!(bench.state.notices.iter().filter(|n| n.text.contains("takes the keyboard")).count() == 1);
    bench.keys("<ctrl-]>mx");
    assert_eq!(bench.typed(), b"x");
    let _ = console;
}

#[test]
fn read_only_consoles_cannot_be_made_interactive() {
    let mut program = Bench::with(true, "ctrl-]");
    program.attach();
    let mut tagged = Bench::new();
    tagged.keys("/t1<enter>");
    tagged.attach();
    for mut bench in [program, tagged] {
        assert_eq!(bench.state.panes[0].status.mode, ConsoleMode::Monitor);
        bench.keys("<ctrl-]>mx<ctrl-]>b");
        assert_eq!(bench.requests(), []);
        // Not even when the hub claims that it is interactive.
        let status = SessionStatus {
            state: ConsoleState::Attached { silent: false },
            mode: ConsoleMode::Interactive,
            ..SessionStatus::default()
        };
        bench.hub(Update::Console(ConsoleId(1), Box::new(status)));
        bench.keys("x");
        assert_eq!(bench.requests(), []);
    }
}

#[test]
fn nothing_is_typed_into_a_console_that_is_not_attached() {
    let fault = Fault { class: FaultClass::Unreachable, reason: "no answer".into(), hint: None };
    let states = [
        ConsoleState::Connecting,
        ConsoleState::Waiting { until: Millis(START) },
        ConsoleState::Busy { holder: None, hint: String::new(), steal: true, retry: None },
        ConsoleState::Closed { fault, holder: None, retry: None },
    ];
    for state in states {
        let mut bench = Bench::new();
        let console = bench.attach();
        let status = SessionStatus {
            state: state.clone(),
            mode: ConsoleMode::Interactive,
            ..SessionStatus::default()
        };
        bench.hub(Update::Console(console, Box::new(status)));
        bench.keys("x<enter>");
        assert_eq!(bench.requests(), [], "{state:?}");
        bench.keys("<ctrl-]>o");
        assert_eq!(bench.requests().len(), 1, "{state:?}");
    }
}

#[test]
fn a_console_is_taken_from_its_holder_only_after_a_question() {
    let busy =
        |steal| ConsoleState::Busy { holder: Some("anna".into()), hint: String::new(), steal, retry: None };
    let with = |read_only: bool, state: ConsoleState| {
        let mut bench = Bench::with(read_only, "ctrl-]");
        let console = bench.attach();
        let status = SessionStatus { state, ..SessionStatus::default() };
        bench.hub(Update::Console(console, Box::new(status)));
        bench.requests();
        (bench, console)
    };
    let (mut bench, console) = with(false, busy(true));
    bench.keys("<ctrl-]>s").pass(1000).keys("<enter>");
    assert_eq!(bench.requests(), [], "enter leaves it");
    bench.pass(1000);
    bench.keys("<ctrl-]>sy");
    assert_eq!(bench.requests(), [], "y before the question could be read");
    let holder = Some("anna".to_owned());
    assert_eq!(bench.confirm().what, Question::Steal { console, holder });
    bench.pass(1000).keys("y");
    assert_eq!(bench.requests(), [Request::Console { console, what: ConsoleRequest::Steal }]);
    // Another has it than the question named.
    let (mut bench, console) = with(false, busy(true));
    bench.keys("<ctrl-]>s").pass(1000);
    let ConsoleState::Busy { hint, steal, retry, .. } = busy(true) else { unreachable!() };
    let state = ConsoleState::Busy { holder: Some("berta".into()), hint, steal, retry };
    bench.hub(Update::Console(console, Box::new(SessionStatus { state, ..SessionStatus::default() })));
    bench.keys("y");
    assert_eq!(bench.requests(), []);
    assert_eq!(bench.said(), "it is held by berta now: nothing was done, ask again");
    // The name comes while the question is open: it is about that holder from then on.
    let held = |name: Option<&str>| ConsoleState::Busy {
        holder: name.map(str::to_owned),
        hint: String::new(),
        steal: true,
        retry: None,
    };
    let becomes = |bench: &mut Bench, console, state| {
        bench.hub(Update::Console(console, Box::new(SessionStatus { state, ..SessionStatus::default() })));
    };
    let (mut bench, console) = with(false, held(None));
    bench.keys("<ctrl-]>s").pass(1000);
    becomes(&mut bench, console, held(Some("anna")));
    let holder = Some("anna".to_owned());
    assert_eq!(bench.confirm().what, Question::Steal { console, holder });
    becomes(&mut bench, console, held(Some("berta")));
    bench.keys("y");
    assert_eq!(bench.requests(), []);
    // One that was stolen names the thief.
    let fault = Fault { class: FaultClass::Busy, reason: "taken over by anna".into(), hint: None };
    let robbed = ConsoleState::Closed { fault, holder: Some("anna".into()), retry: None };
    let (mut bench, console) = with(false, robbed);
    bench.keys("<ctrl-]>s");
    let holder = Some("anna".to_owned());
    assert_eq!(bench.confirm().what, Question::Steal { console, holder });
    // What was stolen from us may be taken back, by the operator alone.
    let fault = Fault { class: FaultClass::Busy, reason: "taken over".into(), hint: None };
    let (mut bench, _) = with(false, ConsoleState::Closed { fault, holder: None, retry: None });
    bench.keys("<ctrl-]>s").pass(1000).keys("y");
    assert_eq!(bench.requests().len(), 1);
    for (read_only, state) in [
        (false, busy(false)),
        (true, busy(true)),
        (false, ConsoleState::Attached { silent: false }),
        (false, ConsoleState::Connecting),
    ] {
        let (mut bench, _) = with(read_only, state.clone());
        bench.keys("<ctrl-]>s").pass(1000).keys("y");
        assert!(
            !bench
                .requests()
                .iter()
                .any(|request| matches!(request, Request::Console { what: ConsoleRequest::Steal, .. })),
            "{state:?}"
        );
    }
    let (mut bench, console) = with(true, busy(true));
    bench.keys("<ctrl-]>t<ctrl-]>L");
    let wanted = [ConsoleRequest::Wait, ConsoleRequest::Watch].map(|what| Request::Console { console, what });
    assert_eq!(bench.requests(), wanted, "looking and waiting change nothing");
}

#[test]
fn pastes_go_as_pastes() {
    let mut bench = Bench::new();
    let console = bench.attach();
    let paste = |bench: &mut Bench| match bench.requests().pop() {
        Some(Request::Console { what: ConsoleRequest::Paste(bytes), .. }) => bytes,
        other => panic!("{other:?}"),
    };
    bench.event(Event::Paste("a\r\nb\nc".into()));
    assert_eq!(paste(&mut bench), b"a\rb\rc");
    let mut frame = Frame::clone(&picture(&["x"], 100, true));
    frame.modes = Modes { bracketed_paste: true, ..Modes::default() };
    bench.event(Event::Frame(console, Arc::new(frame)));
    bench.event(Event::Paste("a\x1b[201~b".into()));
    assert_eq!(paste(&mut bench), b"\x1b[200~ab\x1b[201~");
    bench.keys("<ctrl-]>");
    bench.event(Event::Paste(".".into()));
    assert_eq!((bench.requests(), bench.state.panes.len()), (vec![], 1));
}

#[test]
fn going_between_table_and_consoles() {
    let mut bench = Bench::new();
    let first = bench.attach();
    bench.keys("<ctrl-]><esc>j");
    let second = bench.attach();
    let focus = |keys: &str| {
        let mut bench = Bench { state: bench.state.clone(), now: bench.now, effects: Vec::new() };
        bench.keys(keys);
        (bench.state.focus, bench.state.zoom)
    };
    assert_eq!(focus("<ctrl-]>n"), (Focus::Pane(first), false));
    assert_eq!(focus("<ctrl-]>N"), (Focus::Pane(first), false));
    assert_eq!(focus("<ctrl-]><esc>"), (Focus::Table, false));
    assert_eq!(focus("<ctrl-]><esc><tab>"), (Focus::Pane(second), false));
    assert_eq!(focus("<ctrl-]><esc>1"), (Focus::Pane(first), false));
    assert_eq!(focus("<ctrl-]><esc>7"), (Focus::Table, false));
    assert_eq!(focus("<ctrl-]><esc>z"), (Focus::Pane(second), true));
    assert_eq!(focus("<ctrl-]>z"), (Focus::Pane(second), true));
    assert_eq!(focus("<ctrl-]>z<ctrl-]>z"), (Focus::Pane(second), false));
    assert_eq!(focus("<ctrl-]>z<ctrl-]><esc>"), (Focus::Table, false));
    assert_eq!(focus("<ctrl-]>.<tab>"), (Focus::Pane(first), false));
    assert_eq!(focus("<ctrl-]>.<tab><ctrl-]>.<tab>"), (Focus::Table, false));
    assert_eq!(focus("<ctrl-]><esc>:detach<enter>1"), (Focus::Pane(first), false));
}

#[test]
fn late_news_of_a_closed_console_are_dropped() {
    let mut bench = Bench::new();
    let console = bench.attach();
    bench.keys("<ctrl-]>.");
    bench.effects.clear();
    bench.hub(Update::Frame(console)).hub(Update::Console(console, Box::default()));
    bench.event(Event::Frame(console, picture(&["x"], 100, true)));
    assert!(bench.state.panes.is_empty());
    assert!(bench.state.inner.grid.is_empty());
    assert!(!bench.effects.contains(&Effect::FetchFrame(console)));
}

#[test]
fn only_consoles_on_screen_are_looked_at() {
    let views = |bench: &mut Bench| {
        let effects = std::mem::take(&mut bench.effects);
        let mut views: Vec<(u64, bool)> = Vec::new();
        for effect in effects {
            if let Effect::Hub(request) = effect
                && let Request::Console { console, what: ConsoleRequest::View(view) } = *request
            {
                views.push((console.0, view.is_some()));
            }
        }
        views
    };
    let mut bench = Bench::new();
    bench.keys("c");
    assert_eq!(views(&mut bench), [(1, true)]);
    bench.keys("<ctrl-]><esc>jc<ctrl-]><esc>jc");
    // 80x24 has room for two: the oldest is hidden.
    assert_eq!(views(&mut bench), [(2, true), (1, false), (3, true)]);
    bench.keys("<ctrl-]>z");
    assert_eq!(views(&mut bench), [(2, false)]);
    bench.event(Event::Frame(ConsoleId(1), picture(&["x"], 100, true)));
    bench.hub(Update::Frame(ConsoleId(1))).hub(Update::Frame(ConsoleId(3)));
    let fetched: Vec<&Effect> = bench.effects.iter().filter(|e| matches!(e, Effect::FetchFrame(_))).collect();
    assert_eq!(fetched, [&Effect::FetchFrame(ConsoleId(3))]);
    // What the hub could not take is said again.
    bench.effects.clear();
    let what = ConsoleRequest::View(None);
    bench.event(Event::NotTaken(Box::new(Request::Console { console: ConsoleId(2), what })));
    assert_eq!(views(&mut bench), []);
    bench.pass(1000);
    assert_eq!(views(&mut bench), [(1, false), (2, false), (3, true)]);
}

#[test]
fn a_detach_is_never_lost() {
    let mut bench = Bench::new();
    bench.attach();
    bench.keys("<ctrl-]>.");
    let request = bench.requests().pop().unwrap();
    bench.event(Event::NotTaken(Box::new(request.clone())));
    assert_eq!(bench.requests(), []);
    bench.pass(1000);
    assert_eq!(bench.requests(), [request]);
}

#[test]
fn output_of_a_console_without_focus_is_marked() {
    let mut bench = Bench::new();
    let console = bench.attach();
    bench.event(Event::Frame(console, picture(&["a"], 100, true)));
    bench.keys("<ctrl-]><esc>");
    bench.event(Event::Frame(console, picture(&["a"], 100, true)));
    assert!(!bench.state.panes[0].unseen);
    bench.event(Event::Frame(console, picture(&["b"], 100, true)));
    assert!(bench.state.panes[0].unseen);
    bench.keys("<tab>");
    assert!(!bench.state.panes[0].unseen);
}

#[test]
fn an_end_is_told_once_and_so_is_its_recovery() {
    let mut bench = Bench::new();
    let console = bench.attach();
    let fault = Fault { class: FaultClass::Timeout, reason: "the BMC went silent".into(), hint: None };
    let states = [
        ConsoleState::Closed { fault, holder: None, retry: Some(Millis(START + 60_000)) },
        ConsoleState::Connecting,
    ];
    for state in states.iter().cycle().take(7) {
        let status = SessionStatus { state: state.clone(), ..SessionStatus::default() };
        bench.hub(Update::Console(console, Box::new(status)));
        bench.pass(60_000);
    }
    let told = |bench: &Bench, what: &str| {
        bench.state.notices.iter().filter(|notice| notice.text.contains(what)).count()
    };
    assert_eq!((told(&bench, "went silent"), told(&bench, "again")), (1, 0));
    bench.attached(console);
    bench.attached(console);
    assert_eq!(told(&bench, "attached again"), 1);
}

#[test]
fn an_enter_after_the_answer_does_not_reach_the_node() {
    let mut bench = Bench::new();
    bench.attach();
    bench.keys("<ctrl-]>pf").pass(400).keys("y<enter>");
    assert_eq!(bench.typed(), b"");
    bench.pass(300).keys("x");
    assert_eq!(bench.typed(), b"x");
}

#[test]
fn a_zoom_leaves_the_table_where_it_was() {
    let mut bench = Bench::new();
    bench.event(Event::Resize(80, 16));
    bench.keys("jjjj");
    bench.attach();
    bench.keys("<ctrl-]><esc>");
    let before = bench.state.table.top;
    bench.keys("<tab><ctrl-]>z<ctrl-]><esc>");
    assert_eq!(bench.state.table.top, before);
}

#[test]
fn esc_and_a_key_that_arrive_together_are_two_keys_of_ours_and_one_of_the_nodes() {
    let mut bench = Bench::new();
    bench.attach();
    bench.keys("<alt-j>");
    assert_eq!(bench.typed(), b"\x1bj", "the node gets what was sent");
    let cursor = bench.state.table.cursor;
    bench.keys("<ctrl-]><alt-j>");
    assert_eq!(bench.state.focus, Focus::Table, "esc went to the table");
    assert_ne!(bench.state.table.cursor, cursor, "and j moved there");
    assert_eq!(bench.typed(), b"", "nothing of it reached the node");
    bench.keys("p<alt-k>");
    assert!(bench.state.overlays.is_empty(), "esc closed the menu");
    assert_eq!(bench.state.table.cursor, cursor);
}
