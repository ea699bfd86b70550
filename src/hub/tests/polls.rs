//! Schedules as a front end sees them.

use super::fake::{Bench, ids, secs, unreachable};
use crate::bmc::{BmcError, Exchange};
use crate::config::ConsoleSettings;
use crate::fleet::{FaultClass, Freshness, Power, PowerVerb, Verb};
use crate::hub::message::{Outcome, PollReason, Request, Update};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn all_states_are_known_within_seconds_and_polled_each_interval() {
    let bench = Bench::new();
    bench.world.set("n7", |machine| machine.power = Power::Off);
    let start = Instant::now();
    let mut front = bench.start(bench.settings(200), true);
    front.all_seen(200).await;
    assert!(start.elapsed() < secs(2), "{:?}", start.elapsed());
    assert_eq!(front.node(7).seen.value, Power::Off);
    assert_eq!(front.node(8).seen.value, Power::On);
    assert_eq!(front.node(8).seen.freshness, Freshness::Fresh);
    assert_eq!(front.node(8).why, PollReason::Interval);
    front.during(secs(100)).await;
    let polls = bench.world.made("n3").len();
    assert!((4..=5).contains(&polls), "{polls} polls in 100 s");
    bench.world.assert_pace(secs(5));
}

#[tokio::test(start_paused = true)]
async fn no_more_are_in_flight_than_allowed() {
    let bench = Bench::new();
    let mut settings = bench.settings(20);
    settings.poll.max_in_flight = 4;
    for n in 0..20 {
        bench.world.set(&format!("n{n}"), |machine| machine.latency = secs(1));
    }
    let start = Instant::now();
    let mut front = bench.start(settings, true);
    front.all_seen(20).await;
    // Three at a time: one slot is kept for operators.
    assert!(start.elapsed() >= secs(6), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_failing_bmc_is_asked_less_and_less_and_what_was_seen_stays() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), true);
    front.all_seen(1).await;
    bench.world.set("n0", |machine| machine.fault = Some(unreachable()));
    front.until(|front| front.node(0).why == PollReason::BackOff { failures: 3 }).await;
    let status = front.node(0);
    assert_eq!(status.seen.value, Power::Unknown, "never guessed");
    assert_eq!(status.seen.last_seen.map(|(power, _)| power), Some(Power::On));
    assert!(
        matches!(&status.seen.freshness, Freshness::Failed(fault) if fault.class == FaultClass::Unreachable)
    );
    assert!(status.next_poll.is_some());
    let made = bench.world.made("n0");
    let gaps: Vec<Duration> = made.windows(2).map(|two| two[1].start - two[0].start).collect();
    assert!(gaps[1] >= secs(30) && gaps[2] >= secs(60), "{gaps:?}");
    bench.world.set("n0", |machine| machine.fault = None);
    front.until(|front| front.node(0).seen.value == Power::On).await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_once_until_an_operator_acts() {
    let bench = Bench::new();
    let wrong = BmcError::new(FaultClass::Auth, "wrong password").not_sent();
    bench.world.set("n0", |machine| machine.fault = Some(wrong));
    let mut front = bench.start(bench.settings(1), true);
    front.until(|front| front.node(0).why == PollReason::AuthFinal).await;
    assert_eq!(front.node(0).next_poll, None);
    front.during(secs(1000)).await;
    assert_eq!(bench.world.made("n0").len(), 1, "a lock-out is not provoked");
    front.hub.stop().await;
    // Nor by starting again.
    let mut front = bench.start(bench.settings(1), true);
    front.during(secs(100)).await;
    assert_eq!(bench.world.made("n0").len(), 1);
    assert_eq!(front.node(0).why, PollReason::AuthFinal);
    bench.world.set("n0", |machine| machine.fault = None);
    front.send(Request::Poll { nodes: ids(&[0]) });
    front.until(|front| front.node(0).seen.value == Power::On).await;
    assert_eq!(front.node(0).why, PollReason::Interval);
}

#[tokio::test(start_paused = true)]
async fn a_verb_is_an_operators_act_too() {
    let bench = Bench::new();
    let wrong = BmcError::new(FaultClass::Auth, "wrong password").not_sent();
    bench.world.set("n0", |machine| machine.fault = Some(wrong));
    let mut front = bench.start(bench.settings(1), true);
    front.until(|front| front.node(0).why == PollReason::AuthFinal).await;
    let result = front.power(PowerVerb::Off, 0).await;
    assert!(matches!(&result.outcome, Outcome::Failed(fault) if fault.class == FaultClass::Auth));
    assert_eq!(bench.world.made("n0").len(), 2, "one more try, not more");
    bench.world.set("n0", |machine| machine.fault = None);
    let result = front.verb(Verb::Status, 0).await;
    assert_eq!((result.outcome, result.power), (Outcome::Status, Power::On));
}

#[tokio::test(start_paused = true)]
async fn polls_of_one_node_that_wait_become_one() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), false);
    front.during(secs(1)).await;
    for _ in 0..5 {
        front.send(Request::Poll { nodes: ids(&[0]) });
    }
    front.all_seen(1).await;
    front.during(secs(100)).await;
    assert_eq!(bench.world.made("n0").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_on_screen_is_polled_first() {
    let bench = Bench::new();
    let mut settings = bench.settings(10);
    settings.poll.max_in_flight = 1;
    for n in 0..10 {
        bench.world.set(&format!("n{n}"), |machine| machine.latency = secs(1));
    }
    let mut front = bench.start(settings, true);
    front.send(Request::Watch { nodes: ids(&[8, 9]) });
    front.all_seen(10).await;
    let place = |n: &str| bench.world.made(n)[0].start;
    // The one that was in flight before anybody looked is the only one ahead.
    let ahead = (0..8).filter(|n| place(&format!("n{n}")) < place("n9")).count();
    assert!(ahead <= 1, "{ahead} went ahead");
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_is_overdue_is_stale() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), true);
    front.all_seen(1).await;
    // The next poll hangs, up to the hub's own limit.
    bench.world.set("n0", |machine| machine.latency = secs(10_000));
    front.until(|front| front.node(0).seen.freshness != Freshness::Fresh).await;
    assert_eq!(front.node(0).seen.freshness, Freshness::Stale, "before the poll fails");
    assert_eq!(front.node(0).seen.value, Power::On);
    front.until(|front| matches!(front.node(0).seen.freshness, Freshness::Failed(_))).await;
}

#[tokio::test(start_paused = true)]
async fn nodes_without_a_driver_say_so_and_broken_drivers_are_told_once() {
    let bench = Bench::new();
    let mut settings = bench.settings(4);
    settings.nodes[0].bmc = None;
    settings.nodes[1].bmc = Some(super::fake::bmc("broken"));
    settings.nodes[2].bmc = Some(super::fake::bmc("broken"));
    let mut front = bench.start(settings, true);
    front.until(|front| front.node(3).seen.value == Power::On).await;
    assert_eq!(front.node(0).why, PollReason::NoDriver);
    assert_eq!(front.node(0).seen.freshness, Freshness::Never);
    assert!(
        matches!(&front.node(1).seen.freshness, Freshness::Failed(fault) if fault.reason.contains("tool"))
    );
    let notices = front.others.iter().filter(|update| matches!(update, Update::Notice { .. })).count();
    assert_eq!(notices, 1);
    let result = front.power(PowerVerb::Off, 1).await;
    assert!(matches!(result.outcome, Outcome::Failed(_)));
}

#[tokio::test(start_paused = true)]
async fn with_broken_drivers_only_the_hub_starts_for_consoles_that_go_without() {
    let bench = Bench::new();
    let mut settings = bench.settings(2);
    for node in &mut settings.nodes {
        node.bmc = Some(super::fake::bmc("broken"));
    }
    let console = |transport: &str| ConsoleSettings {
        transport: transport.into(),
        path: Some("/nonexistent/serial".into()),
        ..ConsoleSettings::default()
    };
    settings.nodes[0].console = Some(console("sol"));
    let fault = bench.try_start(settings.clone(), true, false).err().expect("nothing could be done");
    assert!(fault.reason.contains("tool"), "{}", fault.reason);
    settings.nodes[1].console = Some(console("unix"));
    let mut front = bench.start(settings, true);
    front.until(|front| front.others.iter().any(|update| matches!(update, Update::Notice { .. }))).await;
    assert!(matches!(front.node(1).seen.freshness, Freshness::Failed(_)));
}

#[tokio::test(start_paused = true)]
async fn nodes_that_share_a_bmc_share_its_pace() {
    let bench = Bench::new();
    let mut settings = bench.settings(2);
    settings.nodes[1].bmc = Some(super::fake::bmc("n0"));
    let mut front = bench.start(settings, true);
    front.all_seen(2).await;
    front.during(secs(200)).await;
    bench.world.assert_pace(secs(5));
    assert!(bench.world.exchanges("n0").iter().all(|exchange| *exchange == Exchange::Power));
}
