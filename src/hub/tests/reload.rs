//! Another configuration while the hub runs: what stays, what changes, what ends.

use super::fake::{Bench, Front, bmc, ids, secs};
use crate::bmc::{BmcError, Exchange};
use crate::config::{Credentials, Secret, Settings};
use crate::fleet::{FaultClass, Freshness, NodeId, Power, PowerVerb, Verb};
use crate::hub::message::{Changes, Fleet, Outcome, PollReason, Request, RequestId, Update};
use std::sync::Arc;
use tokio::time::Instant;

/// Asks for a reload; what changed.
async fn reload(front: &Front, settings: &Settings) -> Changes {
    front.handle.reload(Arc::new(settings.clone())).await.expect("taken")
}

/// Nodes that are known, and a verb on the first whose effect is waited for.
async fn pending(bench: &Bench, nodes: usize, verb: Verb) -> (Front, RequestId) {
    let mut front = bench.start(bench.settings(nodes), true);
    front.all_seen(nodes).await;
    let asked = front.ask(verb, &[0]);
    front.observing().await;
    (front, asked)
}

/// One node, with another BMC than at the start.
fn moved(bench: &Bench) -> Settings {
    let mut settings = bench.settings(1);
    settings.nodes[0].bmc = Some(bmc("moved"));
    settings
}

fn fleets(front: &Front) -> Vec<&Fleet> {
    let found = front.others.iter().filter_map(|update| match update {
        Update::Fleet(fleet) => Some(fleet.as_ref()),
        _ => None,
    });
    found.collect()
}

fn credentials(password: &str) -> Option<Arc<Credentials>> {
    let password = Secret::new(password.as_bytes().to_vec());
    Some(Arc::new(Credentials { name: "lab".into(), username: "admin".into(), password }))
}

#[tokio::test(start_paused = true)]
async fn nodes_come_and_go_and_the_others_are_left_alone() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(2), true);
    front.all_seen(2).await;
    let (before, polls) = (front.node(1), bench.world.made("n1").len());
    let mut settings = bench.settings(3);
    settings.nodes.remove(0);
    let changes = reload(&front, &settings).await;
    assert_eq!(changes.to_string(), "1 node added, 1 removed");
    front.until(|front| front.node(2).seen.value == Power::On).await;
    let fleet = fleets(&front).pop().expect("told").clone();
    let names: Vec<&str> = fleet.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(
        (names, fleet.gone),
        (vec!["n0", "n1", "n2"], vec![NodeId(0)]),
        "no number has another meaning"
    );
    assert_eq!((front.node(1).seen, bench.world.made("n1").len()), (before.seen, polls), "left alone");
    let gone = bench.world.made("n0").len();
    let refused = front.power(PowerVerb::Off, 0).await.outcome;
    assert!(
        matches!(&refused, Outcome::Failed(fault) if fault.reason == "n0 is no longer in the configuration"),
        "{refused:?}"
    );
    front.send(Request::Poll { nodes: ids(&[0]) });
    front.during(secs(100)).await;
    assert_eq!(bench.world.made("n0").len(), gone, "nothing is asked of it any more");
    assert!(bench.world.made("n1").len() > polls && bench.world.made("n2").len() > 2, "the others live on");
    assert_eq!(bench.world.closed("n0"), 1, "no login stays open");
    bench.world.assert_pace(secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_comes_back_is_the_same_one_and_keeps_the_pace() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(2), true);
    front.all_seen(2).await;
    let mut fewer = bench.settings(2);
    fewer.nodes.remove(0);
    reload(&front, &fewer).await;
    assert_eq!(reload(&front, &bench.settings(2)).await.to_string(), "1 node added");
    let polls = bench.world.made("n0").len();
    front.until(|_| bench.world.made("n0").len() > polls).await;
    assert_eq!(front.power(PowerVerb::Off, 0).await.outcome, Outcome::Confirmed);
    assert!(fleets(&front).last().is_some_and(|fleet| fleet.gone.is_empty()));
    bench.world.assert_pace(secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_pending_verb_is_not_touched_by_what_changes_beside_it() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(100)));
    let (mut front, soft) = pending(&bench, 2, Verb::Power(PowerVerb::Soft)).await;
    let mut settings = bench.settings(3);
    settings.nodes[0].tags = vec!["new".into()];
    settings.nodes[1].bmc = Some(bmc("elsewhere"));
    assert_eq!(reload(&front, &settings).await.to_string(), "1 node added, 2 changed");
    assert!(front.node(0).pending.is_some());
    assert_eq!(front.results(soft, 1).await[0].outcome, Outcome::Confirmed);
    assert_eq!(bench.world.sent("n0"), [Exchange::Soft]);
    assert_eq!(bench.world.closed("n0"), 0, "its login stays");
}

#[tokio::test(start_paused = true)]
async fn a_verb_ends_where_it_began_and_then_the_new_bmc_is_asked() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(40)));
    bench.world.set("moved", |machine| machine.power = Power::On);
    let (mut front, off) = pending(&bench, 1, Verb::Power(PowerVerb::Off)).await;
    let settings = moved(&bench);
    assert_eq!(reload(&front, &settings).await.to_string(), "1 node changed");
    let other = front.power(PowerVerb::Reset, 0).await.outcome;
    assert!(matches!(&other, Outcome::Refused(why) if why.contains("power off is pending")), "{other:?}");
    assert_eq!(bench.world.made("moved").len(), 0, "the verb has not ended");
    assert_eq!(front.results(off, 1).await[0].outcome, Outcome::Confirmed);
    front.until(|front| front.node(0).pending.is_none() && front.node(0).seen.value == Power::On).await;
    assert_eq!(bench.world.sent("n0"), [Exchange::Off]);
    let (old, begun) = (bench.world.made("n0").len(), Instant::now());
    assert_eq!(front.power(PowerVerb::Off, 0).await.outcome, Outcome::Confirmed);
    assert_eq!(bench.world.sent("moved"), [Exchange::Off], "{:?}", begun.elapsed());
    front.during(secs(100)).await;
    assert_eq!(bench.world.made("n0").len(), old, "the old BMC is left alone");
    assert_eq!(bench.world.closed("n0"), 1, "without a login");
}

#[tokio::test(start_paused = true)]
async fn an_off_that_takes_over_after_a_change_is_for_the_bmc_that_was_named() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| (machine.power, machine.effect) = (Power::Off, Some(secs(40))));
    bench.world.set("moved", |machine| machine.power = Power::On);
    let (mut front, on) = pending(&bench, 1, Verb::Power(PowerVerb::On)).await;
    let settings = moved(&bench);
    reload(&front, &settings).await;
    assert_eq!(front.power(PowerVerb::Off, 0).await.outcome, Outcome::Confirmed);
    assert!(matches!(front.results(on, 1).await[0].outcome, Outcome::Cancelled { .. }));
    assert_eq!(bench.world.sent("n0"), [Exchange::On], "the old BMC is some other machine's");
    assert_eq!(bench.world.sent("moved"), [Exchange::Off]);
    bench.world.assert_pace(secs(5));
}

#[tokio::test(start_paused = true)]
async fn an_off_that_takes_over_before_a_change_is_done_before_it() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(40)));
    bench.world.set("moved", |machine| machine.power = Power::On);
    let (mut front, _) = pending(&bench, 1, Verb::Power(PowerVerb::Soft)).await;
    let settings = moved(&bench);
    let off = front.ask(Verb::Power(PowerVerb::Off), &[0]);
    reload(&front, &settings).await;
    assert_eq!(front.results(off, 1).await[0].outcome, Outcome::Confirmed);
    assert_eq!(bench.world.sent("n0"), [Exchange::Soft, Exchange::Off]);
    front.until(|_| !bench.world.made("moved").is_empty()).await;
    assert!(bench.world.sent("moved").is_empty(), "nobody asked it of this machine");
    bench.world.assert_pace(secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_verb_that_a_change_overtakes_is_not_sent_to_another_machine() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), true);
    front.all_seen(1).await;
    let mut settings = moved(&bench);
    let off = front.ask(Verb::Power(PowerVerb::Off), &[0]);
    reload(&front, &settings).await;
    let refused = front.results(off, 1).await[0].outcome.clone();
    assert!(matches!(&refused, Outcome::Refused(why) if why.contains("was changed")), "{refused:?}");
    front.until(|_| !bench.world.made("moved").is_empty()).await;
    assert_eq!((bench.world.sent("n0"), bench.world.sent("moved")), (vec![], vec![]));
    settings.nodes[0].bmc.as_mut().expect("a BMC").credentials = credentials("new");
    let off = front.ask(Verb::Power(PowerVerb::Off), &[0]);
    reload(&front, &settings).await;
    assert_eq!(front.results(off, 1).await[0].outcome, Outcome::Confirmed, "the same BMC");
    assert_eq!(bench.world.sent("moved"), [Exchange::Off]);
}

/// Only with more than one processor does a front end take what is new while the reload goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_nodes_are_told_of_before_what_is_known_of_them() {
    let bench = Bench::new();
    let front = bench.start(bench.settings(1), false);
    let mut settings = bench.settings(2000);
    settings.nodes[1..].iter_mut().for_each(|node| node.bmc = None);
    let handle = front.handle.clone();
    let reloading = tokio::spawn(async move { handle.reload(Arc::new(settings)).await });
    let (mut known, mut told) = (1, 0);
    while told < 1999 {
        for update in front.handle.updates().await.expect("the hub lives") {
            match update {
                Update::Fleet(fleet) => known = fleet.nodes.len(),
                Update::Node(status) => {
                    assert!(status.node.index() < known, "{:?}", status.node);
                    told += usize::from(status.node != NodeId(0));
                }
                _ => {}
            }
        }
    }
    reloading.await.expect("it ends").expect("taken");
    front.hub.stop().await;
}

#[tokio::test(start_paused = true)]
async fn there_and_back_while_a_verb_runs_is_as_if_nothing_had_been_but_tags_hold_at_once() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(40)));
    let (mut front, soft) = pending(&bench, 1, Verb::Power(PowerVerb::Soft)).await;
    let mut settings = moved(&bench);
    reload(&front, &settings).await;
    settings.nodes[0].bmc = Some(bmc("n0"));
    settings.nodes[0].read_only = true;
    reload(&front, &settings).await;
    let refused = front.power(PowerVerb::Off, 0).await.outcome;
    assert_eq!(refused, Outcome::Refused("n0 is read-only by a tag".into()), "also what would take over");
    assert_eq!(front.results(soft, 1).await[0].outcome, Outcome::Confirmed);
    let made = bench.world.made("n0").len();
    front.until(|front| front.node(0).why == PollReason::Interval).await;
    front.during(secs(150)).await;
    assert!(bench.world.made("n0").len() > made + 2 && bench.world.made("moved").is_empty());
    bench.world.assert_pace(secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_verb_of_a_node_that_is_taken_away_ends_where_it_began() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(40)));
    let (mut front, off) = pending(&bench, 2, Verb::Power(PowerVerb::Off)).await;
    let mut settings = bench.settings(2);
    settings.nodes.remove(0);
    reload(&front, &settings).await;
    let refused = front.power(PowerVerb::On, 0).await.outcome;
    assert!(matches!(&refused, Outcome::Failed(fault) if fault.reason.contains("no longer")), "{refused:?}");
    assert_eq!(front.results(off, 1).await[0].outcome, Outcome::Confirmed);
    let made = bench.world.made("n0").len();
    front.during(secs(100)).await;
    assert_eq!(bench.world.made("n0").len(), made, "and then nothing is asked any more");
}

#[tokio::test(start_paused = true)]
async fn a_new_password_is_tried_at_once_at_the_old_pace_and_the_old_one_never_again() {
    let bench = Bench::new();
    let wrong = BmcError::new(FaultClass::Auth, "wrong password").not_sent();
    bench.world.set("n0", |machine| machine.fault = Some(wrong.clone()));
    let mut settings = bench.settings(1);
    settings.nodes[0].bmc.as_mut().expect("a BMC").credentials = credentials("wrong");
    let mut front = bench.start(settings.clone(), true);
    front.until(|front| front.node(0).why == PollReason::AuthFinal).await;
    reload(&front, &settings).await;
    front.during(secs(100)).await;
    assert_eq!(bench.world.made("n0").len(), 1, "reading the same again is no reason to lock an account");
    bench.world.set("n0", |machine| machine.fault = None);
    settings.nodes[0].bmc.as_mut().expect("a BMC").credentials = credentials("right");
    reload(&front, &settings).await;
    front.until(|front| front.node(0).seen.value == Power::On).await;
    bench.world.assert_pace(secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_poll_of_a_dead_bmc_does_not_hold_the_change_up_for_long() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.latency = secs(1_000_000));
    let mut front = bench.start(bench.settings(1), true);
    front.until(|_| bench.world.made("n0").len() == 1).await;
    let mut settings = bench.settings(1);
    settings.nodes[0].bmc = Some(bmc("alive"));
    let began = Instant::now();
    reload(&front, &settings).await;
    let asked = front.ask(Verb::Info, &[0]);
    assert!(matches!(front.results(asked, 1).await[0].outcome, Outcome::Info(_)), "asked of the new one");
    // The fake cannot be broken off: its exchange runs into the limit.
    assert!(began.elapsed() < secs(40), "{:?}", began.elapsed());
    assert_eq!(bench.world.exchanges("alive").iter().filter(|one| **one == Exchange::Info).count(), 1);
    front.until(|front| front.node(0).seen.freshness == Freshness::Fresh).await;
}

#[tokio::test(start_paused = true)]
async fn intervals_and_tags_are_taken_without_a_new_line() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), true);
    front.all_seen(1).await;
    let mut settings = bench.settings(1);
    settings.poll.interval = secs(8);
    settings.poll.min_command_interval = secs(2);
    settings.nodes[0].read_only = true;
    assert_eq!(reload(&front, &settings).await.to_string(), "1 node changed");
    let refused = front.power(PowerVerb::Off, 0).await.outcome;
    assert_eq!(refused, Outcome::Refused("n0 is read-only by a tag".into()));
    let before = bench.world.made("n0").len();
    front.during(secs(80)).await;
    let polls = bench.world.made("n0").len() - before;
    assert!((9..=11).contains(&polls), "{polls} polls in 80 s");
    settings.nodes[0].read_only = false;
    settings.poll.min_command_interval = secs(20);
    settings.poll.interval = secs(20);
    reload(&front, &settings).await;
    let from = bench.world.made("n0").len();
    front.during(secs(100)).await;
    let made = bench.world.made("n0").split_off(from);
    let gaps = made.windows(2).map(|pair| pair[1].start - pair[0].end.unwrap_or(pair[0].start));
    assert!(gaps.clone().count() > 2 && gaps.clone().all(|gap| gap >= secs(20)), "{:?}", gaps.min());
    assert_eq!(bench.world.closed("n0"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_changes_nothing_says_so_and_is_audited() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), true);
    front.all_seen(1).await;
    let mut settings = bench.settings(1);
    settings.state_dir = bench.dir.path().join("elsewhere");
    let changes = reload(&front, &settings).await;
    assert_eq!(
        (changes.to_string(), changes.later),
        ("no node changed".into(), vec!["state_dir".to_owned()])
    );
    front.hub.stop().await;
    let trail = std::fs::read_to_string(bench.dir.path().join("state/audit.jsonl")).expect("a trail");
    assert!(
        trail.contains("\"verb\":\"reload\"") && trail.contains("\"result\":\"no node changed\""),
        "{trail}"
    );
}

#[tokio::test(start_paused = true)]
async fn leaving_while_a_change_waits_leaves_no_login() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = None);
    let (front, _) = pending(&bench, 1, Verb::Power(PowerVerb::Soft)).await;
    let settings = moved(&bench);
    reload(&front, &settings).await;
    front.hub.stop().await;
    assert_eq!(bench.world.closed("n0"), 1);
}
