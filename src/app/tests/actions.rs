//! The action log: entries, retry, cancel, copy; and the question before an SOL is freed.

use super::*;
use crate::app::actions::{self, ShareKind};
use crate::app::state::ActionLog;
use crate::fleet::{Fault, FaultClass, PowerVerb, SolHolder};
use crate::hub::message::{Level, Pending, Phase};

const OFF: Verb = Verb::Power(PowerVerb::Off);

fn failure(reason: &str) -> Outcome {
    Outcome::Failed(Fault { class: FaultClass::Timeout, reason: reason.into(), hint: None })
}

/// r1n01 to r1n04 were told to go off.
fn off_of_four() -> (Bench, RequestId) {
    let mut bench = Bench::new();
    bench.keys(":power off r1n[01-04]<enter>").pass(400).keys("4<enter>");
    let (id, _, nodes) = bench.verb().expect("asked");
    assert_eq!(nodes, [0, 1, 2, 3]);
    (bench, id)
}

fn log(bench: &Bench) -> ActionLog {
    match bench.state.overlays.last() {
        Some(Overlay::Actions(log)) => *log,
        other => panic!("no log but {other:?}"),
    }
}

fn selected(bench: &Bench) -> String {
    let action = actions::selected(&bench.state, log(bench)).expect("an entry");
    format!("{} {}", action.verb.words(), bench.state.folded(&action.nodes))
}

fn shares(bench: &Bench) -> Vec<String> {
    let action = bench.state.actions.back().expect("an entry");
    actions::shares(&bench.state, action).into_iter().map(|share| share.text).collect()
}

fn copies(bench: &mut Bench) -> Vec<String> {
    let effects = std::mem::take(&mut bench.effects);
    let copied = |effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    };
    effects.into_iter().filter_map(copied).collect()
}

fn pending(bench: &mut Bench, id: Option<RequestId>, node: u32, phase: Phase) {
    let mut status = bench.status(node, Power::On);
    status.pending = Some(Pending {
        id,
        by: None,
        verb: OFF,
        from: Power::On,
        since: Millis(bench.now),
        allowed: Duration::from_secs(60),
        phase,
    });
    bench.hub(Update::Node(Box::new(status)));
}

#[test]
fn an_entry_tells_how_far_it_is_and_folds_its_results() {
    let (mut bench, id) = off_of_four();
    let progress = |bench: &Bench| actions::progress_text(bench.state.actions.back().expect("an entry"));
    assert_eq!(progress(&bench), "0 done, 4 waiting");
    assert_eq!(shares(&bench), ["asked, no answer yet: r1n[01-04]"]);
    bench.result(id, 0, OFF, Outcome::Confirmed).result(id, 1, OFF, failure("no answer"));
    pending(&mut bench, Some(id), 2, Phase::Observing);
    pending(&mut bench, Some(id), 3, Phase::Sending);
    assert_eq!(progress(&bench), "1 done, 1 failed, 2 waiting");
    assert_eq!(
        shares(&bench),
        [
            "confirmed: r1n01 · 1.0s",
            "failed (no answer): r1n02 · 1.0s",
            "sent, waiting to see it: r1n03",
            "being sent: r1n04"
        ]
    );
    bench.result(id, 2, OFF, Outcome::Confirmed).result(id, 3, OFF, Outcome::Cancelled { sent: None });
    assert_eq!(progress(&bench), "", "the results say it all");
    let kinds: Vec<ShareKind> = actions::shares(&bench.state, bench.state.actions.back().expect("an entry"))
        .into_iter()
        .map(|share| share.kind)
        .collect();
    assert_eq!(kinds, [ShareKind::Good, ShareKind::Trouble, ShareKind::Trouble]);
    assert!(shares(&bench)[0].starts_with("confirmed: r1n[01,03]"), "{:?}", shares(&bench));
    // The notice at the end is folded, too.
    assert_eq!(
        bench.said(),
        "power off: 2 confirmed, 1 failed: r1n02 (no answer), 1 cancelled, nothing had been sent: r1n04"
    );
}

#[test]
fn a_bmc_that_is_asked_again_is_told_from_one_that_waits_for_its_turn() {
    let (mut bench, id) = off_of_four();
    pending(&mut bench, Some(id), 0, Phase::Queued);
    pending(&mut bench, Some(id), 1, Phase::Queued);
    let mut status = bench.state.nodes[1].status.clone();
    let fault = Fault { class: FaultClass::Timeout, reason: "no answer".into(), hint: None };
    status.seen.freshness = Freshness::Failed(fault);
    bench.hub(Update::Node(Box::new(status)));
    let told = shares(&bench);
    assert!(told.contains(&"waiting for its turn: r1n01".to_owned()), "{told:?}");
    assert!(told.contains(&"not sent, no answer yet, asked again: r1n02".to_owned()), "{told:?}");
}

#[test]
fn a_reason_that_names_its_node_or_its_bmc_is_told_once_for_all() {
    let (mut bench, id) = off_of_four();
    let hint = |reason: &str, hint: &str| {
        Outcome::Failed(Fault { class: FaultClass::Auth, reason: reason.into(), hint: Some(hint.into()) })
    };
    for node in 0..3 {
        let reason = format!("cannot log in to 10.1.1.{node}: no answer");
        bench.result(id, node, OFF, hint(&reason, "check its cable"));
    }
    bench.result(id, 3, OFF, hint("cannot power off r1n04: it is off", "check its cable"));
    assert_eq!(
        shares(&bench),
        [
            "failed (cannot log in to the BMC: no answer): r1n[01-03] · 1.0s",
            "failed (cannot power off r1n04: it is off): r1n04 · 1.0s"
        ],
        "what is that of one node names it"
    );
    let action = bench.state.actions.back().expect("an entry");
    let hints: Vec<Option<String>> =
        actions::shares(&bench.state, action).into_iter().map(|share| share.hint).collect();
    assert_eq!(hints, [Some("check its cable".to_owned()), None], "said once, where it belongs");
    assert_eq!(
        bench.said(),
        "power off: 3 failed: r1n[01-03] (cannot log in to the BMC: no answer), 1 failed: r1n04 (cannot power \
         off r1n04: it is off)"
    );
}

#[test]
fn only_a_whole_word_is_the_name_of_a_node() {
    let (mut bench, id) = off_of_four();
    bench.result(id, 0, OFF, failure("r1n010 and x-r1n01 and 10.1.1.0.5"));
    bench.result(id, 1, OFF, failure("the node0 and x-the node and 10.1.1.0.5"));
    assert_eq!(shares(&bench)[0], "failed (r1n010 and x-r1n01 and 10.1.1.0.5): r1n01 · 1.0s");
}

#[test]
fn what_many_bmcs_are_is_folded() {
    let mut bench = Bench::new();
    bench.keys(":bmc info r1n[01-03]<enter>");
    let (id, ..) = bench.verb().expect("asked");
    for (node, firmware) in [(0, "2.41"), (1, "2.40"), (2, "2.41")] {
        let rows =
            [("Manufacturer ID", "674"), ("Product ID", "256 (0x0100)"), ("Firmware Revision", firmware)];
        let rows = rows.map(|(label, value)| (label.to_owned(), value.to_owned())).to_vec();
        bench.result(id, node, Verb::Info, Outcome::Info(rows));
    }
    assert_eq!(
        shares(&bench),
        [
            "manufacturer 674, product 256, firmware 2.41: r1n[01,03] · 1.0s",
            "manufacturer 674, product 256, firmware 2.40: r1n02 · 1.0s"
        ]
    );
}

#[test]
fn a_log_of_notices_only_scrolls_from_its_end() {
    let mut bench = Bench::new();
    for node in 0..40 {
        bench.state.warn(format!("something about {node}"));
    }
    bench.keys("Lj");
    assert_eq!(log(&bench).scroll, 0, "it begins at its end");
    bench.keys("kkk");
    assert_eq!(log(&bench).scroll, -3);
    bench.keys("gG");
    assert_eq!(log(&bench).scroll, 0);
    bench.keys("k");
    assert_eq!(log(&bench).scroll, -1);
}

#[test]
fn staggered_nodes_say_their_turn_in_the_log_and_in_the_table() {
    let mut bench = Bench::new();
    bench.keys(":power on r1n[01-04]<enter>").pass(400).keys("4<enter>");
    let (id, ..) = bench.verb().expect("asked");
    for node in 1..4 {
        let due = Millis(START + 500 * u64::from(node) + 20_000);
        let number = usize::try_from(node).expect("small") + 1;
        pending(&mut bench, Some(id), node, Phase::Turn { number, of: 4, due });
    }
    assert_eq!(
        shares(&bench),
        ["asked, no answer yet: r1n01", "staggered, turns 2 to 4 of 4, due 22:31:30 to 22:31:31: r1n[02-04]"]
    );
    let row = bench.state.row(NodeId(3)).expect("a row");
    let note = super::super::view::note(row, &bench.state.keys, bench.state.now, 0);
    assert_eq!(note, "turn 4 of 4, due 22:31:31");
}

#[test]
fn retry_asks_as_the_verb_does_for_exactly_the_failed_nodes() {
    let (mut bench, id) = off_of_four();
    bench.keys("L").keys("r");
    assert!(bench.said().contains("it failed nowhere"), "{}", bench.said());
    bench.result(id, 0, OFF, Outcome::Confirmed);
    bench.result(id, 1, OFF, failure("no answer"));
    bench.result(id, 2, OFF, Outcome::Cancelled { sent: None });
    bench.result(id, 3, OFF, Outcome::NotConfirmed { reason: "it is on".into() });
    bench.keys("r");
    assert_eq!(bench.confirm().folded, "r1n[02,04]");
    bench.pass(400).keys("y<enter>");
    assert_eq!(bench.requests(), [], "two nodes want their number");
    bench.keys("2<enter>");
    let (again, words, nodes) = bench.verb().expect("asked");
    assert_eq!((words.as_str(), nodes), ("power off", vec![1, 3]));
    assert_ne!(again, id);
    assert_eq!(selected(&bench), "power off r1n[02,04]", "the new entry is the selected one");
    // One that failed once more: a key is enough for one node.
    bench.result(again, 1, OFF, Outcome::Confirmed).result(again, 3, OFF, Outcome::Refused("busy".into()));
    bench.keys("r").pass(400).keys("y");
    assert_eq!(bench.verb().expect("asked").2, [3]);
}

#[test]
fn a_retry_does_not_get_past_the_guard() {
    let (mut bench, id) = off_of_four();
    for node in 0..4 {
        bench.result(id, node, OFF, failure("no answer"));
    }
    bench.state.read_only = true;
    bench.keys("Lr");
    let refused =
        bench.state.notices.iter().any(|notice| notice.text.contains("this lightsout is read-only"));
    assert!(refused, "{:?}", bench.state.notices);
    bench.pass(400).keys("y4<enter>");
    assert_eq!(bench.requests(), []);
}

#[test]
fn cancel_stops_what_has_no_result_and_nothing_of_another_entry() {
    let (mut bench, id) = off_of_four();
    bench.result(id, 0, OFF, Outcome::Confirmed);
    pending(&mut bench, Some(id), 1, Phase::Queued);
    pending(&mut bench, Some(RequestId(9_999)), 2, Phase::Observing);
    bench.keys("Lx");
    assert_eq!(bench.requests(), [Request::Cancel { nodes: vec![NodeId(1), NodeId(3)] }]);
    for node in 1..4 {
        bench.result(id, node, OFF, Outcome::Cancelled { sent: None });
    }
    bench.keys("x");
    assert!(bench.said().contains("it has ended everywhere"), "{}", bench.said());
    assert_eq!(bench.requests(), []);

    let mut bench = Bench::new();
    bench.keys(":bmc info r1n[01-02]<enter>Lx");
    assert!(bench.said().contains("ends by itself"), "{}", bench.said());
}

#[test]
fn names_are_copied_from_an_entry() {
    let (mut bench, id) = off_of_four();
    bench.result(id, 2, OFF, failure("no answer")).result(id, 3, OFF, failure("no answer"));
    bench.keys("Ly");
    assert_eq!(copies(&mut bench), ["r1n[01-04]"]);
    bench.keys("Y");
    assert_eq!(copies(&mut bench), ["r1n[03-04]"]);
    let mut bench = Bench::new();
    bench.keys("LyYrx");
    assert_eq!(copies(&mut bench), [""; 0]);
    assert!(bench.said().contains("nothing was done yet"), "{}", bench.said());
}

#[test]
fn entries_are_selected_and_the_newest_stays_the_newest() {
    let mut bench = Bench::new();
    for node in ["r1n01", "r1n02", "r1n03"] {
        bench.keys(&format!(":power on {node}<enter>"));
    }
    bench.keys("L");
    assert_eq!(selected(&bench), "power on r1n03");
    bench.keys("k");
    assert_eq!(selected(&bench), "power on r1n02");
    bench.keys("kkk");
    assert_eq!(selected(&bench), "power on r1n01");
    bench.keys("jj");
    assert_eq!((selected(&bench).as_str(), log(&bench).selected), ("power on r1n03", None));
    bench.keys("g");
    assert_eq!(selected(&bench), "power on r1n01");
    bench.keys("<pgdn>");
    assert_eq!((selected(&bench).as_str(), log(&bench).scroll), ("power on r1n01", 10));
    bench.keys("G");
    assert_eq!((selected(&bench).as_str(), log(&bench).scroll), ("power on r1n03", 0));
    for way_out in ["<esc>", "q", "L", "<enter>", "<ctrl-c>"] {
        bench.keys(way_out);
        assert!(bench.state.overlays.is_empty(), "{way_out}");
        bench.keys("L");
    }
}

#[test]
fn the_question_before_an_sol_is_freed_says_who_holds_it() {
    let mut bench = Bench::new();
    let console = bench.attach();
    bench.keys("<ctrl-]><esc>mf");
    let holders = bench.confirm().holders.clone().expect("asked");
    assert_eq!(bench.confirm().consoles, 1, "our own");
    let asked = bench.effects.iter().any(|effect| {
        matches!(effect, Effect::Hub(request)
            if matches!(&**request, Request::Verb { id, verb: Verb::SolHolder, .. } if *id == holders.id))
    });
    assert!(asked);
    let held = SolHolder::Held(Some("eve from 10.0.0.7".into()));
    bench.result(holders.id, 0, Verb::SolHolder, Outcome::SolHolder(held));
    let told = bench.confirm().holders.clone().expect("told").told;
    assert_eq!(told, [(NodeId(0), "eve from 10.0.0.7".to_owned())]);
    assert!(bench.state.actions.is_empty(), "a question is no action");
    bench.pass(400).keys("y");
    assert_eq!(bench.verb().expect("asked").1, "bmc free-sol");
    // An answer that comes late finds nobody.
    bench.result(holders.id, 0, Verb::SolHolder, Outcome::SolHolder(SolHolder::Unknown));

    // A console that only waits for the SOL is not closed with it.
    let busy =
        crate::fleet::ConsoleState::Busy { holder: None, hint: String::new(), steal: false, retry: None };
    let mut status = bench.state.pane(console).expect("open").status.clone();
    status.state = busy;
    bench.hub(Update::Console(console, Box::new(status)));
    bench.keys("mf");
    assert_eq!(bench.confirm().consoles, 0);
}

#[test]
fn what_cannot_be_asked_is_said_in_the_question() {
    let mut bench = Bench::new();
    bench.keys("mf");
    let request = bench
        .effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Hub(request) if matches!(&**request, Request::Verb { .. }) => Some((**request).clone()),
            _ => None,
        })
        .expect("asked");
    bench.event(Event::NotTaken(Box::new(request)));
    let told = bench.confirm().holders.clone().expect("told").told;
    assert!(told[0].1.contains("busy"), "{told:?}");
    assert!(!bench.state.notices.iter().any(|notice| notice.level == Level::Error));
}

#[test]
fn a_lit_locator_led_stands_in_the_note_while_it_lasts() {
    use crate::hub::message::Lit;
    let mut bench = Bench::new();
    let mut status = bench.status(0, Power::On);
    status.locator = Some(Lit::Until(Millis(START + 240_000)));
    bench.hub(Update::Node(Box::new(status)));
    let note = |bench: &Bench| {
        let row = bench.state.row(NodeId(0)).expect("a row");
        super::super::view::note(row, &bench.state.keys, bench.state.now, 0)
    };
    assert_eq!(note(&bench), "locator LED on until 22:35");
    bench.pass(240_000);
    assert_eq!(note(&bench), "");
}

#[test]
fn many_locator_leds_are_asked_about() {
    let mut bench = Bench::new();
    bench.keys("<space><space>ml");
    assert_eq!(bench.requests(), []);
    bench.pass(400).keys("y");
    assert_eq!(bench.verb().map(|verb| verb.2), Some(vec![0, 1]));
    bench.keys(":bmc identify 300s<enter>");
    let Some(Overlay::Command { error: Some(error), .. }) = bench.state.overlays.last() else { panic!() };
    assert!(error.contains("1 to 255 seconds"), "{error}");
}
