use super::*;
use crate::app::layout::{Area, compute};
use crate::app::view;
use crate::fleet::{Fault, FaultClass, PowerVerb};
use crate::hub::message::{Pending, Phase};

fn sized(columns: u16, rows: u16, consoles: usize) -> Bench {
    let mut bench = Bench::new();
    for _ in 0..consoles {
        bench.attach();
        bench.keys("<ctrl-]><esc>j");
    }
    bench.event(Event::Resize(columns, rows));
    bench
}

#[test]
fn the_screen_is_divided_without_overlap_or_loss() {
    for columns in [40u16, 79, 80, 99, 100, 132, 250] {
        for rows in [8u16, 10, 13, 24, 40, 70] {
            for consoles in 0..5 {
                for keys in ["", "<tab>", "<tab><ctrl-]>z"] {
                    let mut bench = sized(columns, rows, consoles);
                    bench.keys(keys);
                    let layout = &bench.state.layout;
                    let label = format!("{columns}x{rows} {consoles} {keys}: {layout:?}");
                    let mut areas: Vec<Area> = layout.panes.iter().map(|(_, area)| *area).collect();
                    areas.extend([layout.title, layout.table, layout.notice, layout.hints]);
                    let cells: u32 = areas.iter().map(|a| u32::from(a.width) * u32::from(a.height)).sum();
                    assert_eq!(cells, u32::from(columns) * u32::from(rows), "{label}");
                    assert!(
                        areas.iter().all(|a| a.x + a.width <= columns && a.y + a.height <= rows),
                        "{label}"
                    );
                    if let crate::app::state::Focus::Pane(console) = bench.state.focus {
                        assert!(layout.pane(console).is_some(), "{label}");
                    }
                    assert!(layout.panes.iter().all(|(_, a)| a.height >= 4 && a.width >= 40), "{label}");
                    if layout.panes.is_empty() || rows >= 13 && !bench.state.zoom {
                        assert!(layout.table.height >= 5, "{label}");
                    }
                }
            }
        }
    }
}

#[test]
fn panes_stack_and_from_100_columns_stand_side_by_side() {
    let bench = sized(80, 24, 2);
    let panes = &bench.state.layout.panes;
    assert_eq!((panes.len(), panes[0].1.width, panes[0].1.x), (2, 80, 0));
    assert!(panes[1].1.y > panes[0].1.y && bench.state.layout.page() >= 5);
    let bench = sized(120, 40, 2);
    let panes = &bench.state.layout.panes;
    assert_eq!((panes[0].1.width, panes[1].1.x, panes[0].1.y), (60, 60, panes[1].1.y));
}

#[test]
fn a_tiny_terminal_keeps_everything_going() {
    let mut bench = sized(80, 24, 1);
    bench.keys("<tab>");
    bench.event(Event::Resize(20, 5));
    assert!(bench.state.layout.too_small);
    bench.keys("reboot<enter>");
    assert_eq!(bench.typed(), b"");
    bench.seen(0, Power::On);
    bench.event(Event::Resize(80, 24));
    assert_eq!(bench.state.nodes[0].status.seen.value, Power::On);
    bench.keys("x");
    assert_eq!(bench.typed(), b"x");
    let mut bench = Bench::new();
    bench.event(Event::Resize(0, 0));
    bench.keys("pofqy");
    assert!(bench.state.quitting);
    assert_eq!(bench.requests(), []);
    assert!(compute(&bench.state).too_small);
}

#[test]
fn counts_count_every_node_once() {
    let mut bench = Bench::new();
    bench.seen(0, Power::On).seen(1, Power::On).seen(2, Power::Off);
    let mut status = bench.status(3, Power::Unknown);
    status.seen.freshness = Freshness::Failed(no_answer());
    bench.hub(Update::Node(Box::new(status)));
    let counts = view::counts(&bench.state);
    assert_eq!((counts.on, counts.off, counts.unknown, counts.failed), (2, 1, 5, 1));
}

fn no_answer() -> Fault {
    Fault { class: FaultClass::Unreachable, reason: "no answer".into(), hint: None }
}

#[test]
fn notes_say_the_most_pressing_thing() {
    let mut bench = Bench::new();
    let now = Millis(START);
    let note = |bench: &mut Bench, change: &dyn Fn(&mut NodeStatus)| {
        let mut status = bench.status(0, Power::Off);
        change(&mut status);
        bench.hub(Update::Node(Box::new(status)));
        view::note(&bench.state.nodes[0], &bench.state.keys, now, 3600)
    };
    let before = |seconds: u64| Millis(START - seconds * 1000);
    assert_eq!(note(&mut bench, &|_| {}), "");
    let pending = |s: &mut NodeStatus| {
        s.pending = Some(Pending {
            id: Some(RequestId(1)),
            by: None,
            verb: Verb::Power(PowerVerb::On),
            from: Power::Off,
            since: before(13),
            allowed: Duration::from_secs(60),
            phase: Phase::Observing,
        });
    };
    assert_eq!(note(&mut bench, &pending), "waiting 12s of 60s");
    assert_eq!(view::power_cell(&bench.state.nodes[0]).word, "off→on");
    let failed = |s: &mut NodeStatus| {
        s.seen.freshness = Freshness::Failed(no_answer());
        s.seen.last_seen = Some((Power::On, before(250)));
        s.next_poll = Some(Millis(START + 60_000));
    };
    let unsent = |s: &mut NodeStatus| {
        pending(s);
        if let Some(pending) = &mut s.pending {
            pending.phase = Phase::Queued;
        }
    };
    assert_eq!(note(&mut bench, &unsent), "waiting for its turn 12s");
    let asked_again = |s: &mut NodeStatus| {
        unsent(s);
        failed(s);
    };
    assert_eq!(note(&mut bench, &asked_again), "no answer 12s of 60s", "no turn of others is waited for");
    assert_eq!(note(&mut bench, &failed), "no answer since 23:27, next try 23:32");
    assert_eq!(view::age(&bench.state.nodes[0], now, Duration::from_secs(30)).as_deref(), Some("4m"));
    let auth = |s: &mut NodeStatus| {
        failed(s);
        s.why = PollReason::AuthFinal;
    };
    assert_eq!(note(&mut bench, &auth), "authentication failed; r tries again");
    assert_eq!(note(&mut bench, &|s| s.resetting = Some(before(60))), "resetting since 23:30");
    assert_eq!(note(&mut bench, &|s| s.seen.detail = Some("paused".into())), "paused");
}

#[test]
fn ages_are_coarse_and_only_overdue() {
    let mut bench = Bench::new();
    bench.seen(0, Power::On);
    let ages = [
        (0, None),
        (60, None),
        (61, Some("1m")),
        (179, Some("2m")),
        (7_300, Some("2h")),
        (200_000, Some("2d")),
    ];
    for (seconds, age) in ages {
        let now = Millis(START + seconds * 1000);
        let text = view::age(&bench.state.nodes[0], now, Duration::from_secs(30));
        assert_eq!(text.as_deref(), age, "{seconds}");
    }
    assert_eq!(view::age(&bench.state.nodes[1], Millis(START + 999_999_999), Duration::from_secs(30)), None);
}

#[test]
fn a_pending_verb_wakes_in_coarse_steps() {
    let mut bench = Bench::new();
    let mut status = bench.status(0, Power::Off);
    status.pending = Some(Pending {
        id: None,
        by: None,
        verb: Verb::Power(PowerVerb::On),
        from: Power::Off,
        since: Millis(START - 500),
        allowed: Duration::from_secs(60),
        phase: Phase::Observing,
    });
    bench.hub(Update::Node(Box::new(status)));
    assert_eq!(bench.effects.last(), Some(&Effect::WakeAt(Millis(START + 2_000))));
}

#[test]
fn everything_is_bounded() {
    let mut bench = Bench::new();
    for n in 0..1_000 {
        bench.hub(Update::Notice {
            level: crate::hub::message::Level::Info,
            text: format!("{n}"),
            hint: None,
        });
        bench.keys("po");
    }
    assert_eq!((bench.state.notices.len(), bench.state.actions.len()), (50, 200));
}
