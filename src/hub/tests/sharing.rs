//! Two hubs on one fleet: as two processes, since each opens the shared file for itself.

use super::fake::{Bench, ids, secs};
use crate::bmc::{BmcError, Exchange};
use crate::fleet::{FaultClass, Power, PowerVerb, Verb};
use crate::hub::message::{Outcome, PollReason, Request};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn two_keep_one_pace_and_take_each_others_polls() {
    let bench = Bench::new();
    let mut one = bench.start(bench.settings(3), true);
    let mut two = bench.start(bench.settings(3), true);
    one.all_seen(3).await;
    two.all_seen(3).await;
    tokio::join!(one.during(secs(300)), two.during(secs(300)));
    bench.world.assert_pace(secs(5));
    let polls = bench.world.made("n0").len();
    assert!((10..=13).contains(&polls), "{polls} polls in 300 s, not twice as many");
    assert!(two.node(0).seen.at.is_some());
}

#[tokio::test(start_paused = true)]
async fn verbs_of_two_keep_the_pace() {
    let bench = Bench::new();
    bench.world.set("n1", |machine| machine.off_phase = Some(secs(20)));
    let mut one = bench.start(bench.settings(2), true);
    let mut two = bench.start(bench.settings(2), false);
    one.all_seen(2).await;
    let a = one.ask(Verb::Power(PowerVerb::Off), &[0]);
    let b = two.ask(Verb::Power(PowerVerb::Cycle), &[1]);
    let c = two.ask(Verb::Info, &[0, 1]);
    assert_eq!(one.results(a, 1).await[0].outcome, Outcome::Confirmed);
    assert_eq!(two.results(b, 1).await[0].outcome, Outcome::Confirmed);
    two.results(c, 2).await;
    bench.world.assert_pace(secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_password_in_raw_bytes_is_neither_shared_nor_audited() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.latency = secs(8));
    let mut one = bench.start(bench.settings(1), true);
    let mut two = bench.start(bench.settings(1), true);
    let set = one.ask(Verb::Raw([&[6, 0x47, 2, 2][..], b"hunter2"].concat()), &[0]);
    one.until(|front| front.node(0).pending.is_some()).await;
    two.until(|front| front.node(0).pending.is_some()).await;
    let seen = two.node(0).pending.expect("pending").verb;
    assert_eq!(seen, Verb::Raw(vec![6, 0x47]), "the other sees which request it is");
    let record = std::fs::read(bench.dir.path().join("run/fleet.v1")).expect("the shared file");
    assert!(!String::from_utf8_lossy(&record).contains("104,117,110"), "h, u, n");
    one.results(set, 1).await;
    one.hub.stop().await;
    let trail = std::fs::read_to_string(bench.dir.path().join("state/audit.jsonl")).expect("a trail");
    assert!(trail.contains("bmc raw 06 47 (9 bytes not shown)") && !trail.contains("68 75"), "{trail}");
}

#[tokio::test(start_paused = true)]
async fn a_verb_of_the_other_is_shown_and_refuses_ours() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(100)));
    let mut one = bench.start(bench.settings(1), true);
    let mut two = bench.start(bench.settings(1), true);
    one.all_seen(1).await;
    let soft = one.ask(Verb::Power(PowerVerb::Soft), &[0]);
    two.until(|two| two.node(0).pending.is_some()).await;
    let pending = two.node(0).pending.clone().expect("shown");
    assert_eq!((pending.id, pending.verb), (None, Verb::Power(PowerVerb::Soft)));
    two.send(Request::Cancel { nodes: ids(&[0]) });
    two.until(|two| !two.others.is_empty()).await;
    let refused = two.power(PowerVerb::Reset, 0).await;
    assert!(matches!(&refused.outcome, Outcome::Refused(why) if why.contains("alice")), "{refused:?}");
    assert_eq!(one.results(soft, 1).await[0].outcome, Outcome::Confirmed);
    two.until(|two| two.node(0).pending.is_none() && two.node(0).seen.value == Power::Off).await;
}

#[tokio::test(start_paused = true)]
async fn off_takes_over_from_the_other() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = None);
    let mut one = bench.start(bench.settings(1), false);
    let mut two = bench.start(bench.settings(1), false);
    let soft = one.ask(Verb::Power(PowerVerb::Soft), &[0]);
    one.observing().await;
    bench.world.set("n0", |machine| machine.effect = Some(secs(1)));
    assert_eq!(two.power(PowerVerb::Off, 0).await.outcome, Outcome::Confirmed);
    let soft = one.results(soft, 1).await.remove(0);
    assert!(matches!(&soft.outcome, Outcome::Cancelled { sent: Some(_) }), "{soft:?}");
    assert_eq!(bench.world.sent("n0"), [Exchange::Soft, Exchange::Off]);
}

#[tokio::test(start_paused = true)]
async fn a_final_authentication_failure_is_final_for_both() {
    let bench = Bench::new();
    let wrong = BmcError::new(FaultClass::Auth, "wrong password").not_sent();
    let mut one = bench.start(bench.settings(1), true);
    let mut two = bench.start(bench.settings(1), true);
    one.all_seen(1).await;
    two.all_seen(1).await;
    bench.world.set("n0", |machine| machine.fault = Some(wrong));
    one.until(|one| one.node(0).why == PollReason::AuthFinal).await;
    two.until(|two| two.node(0).why == PollReason::AuthFinal).await;
    let tries = bench.world.made("n0").len();
    tokio::join!(one.during(secs(300)), two.during(secs(300)));
    assert_eq!(bench.world.made("n0").len(), tries);
    bench.world.set("n0", |machine| machine.fault = None);
    one.send(Request::Poll { nodes: ids(&[0]) });
    one.until(|one| one.node(0).seen.value == Power::On).await;
    two.until(|two| two.node(0).seen.value == Power::On).await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_by_one_of_many_that_wait_for_their_turn() {
    let bench = Bench::new();
    let wrong = BmcError::new(FaultClass::Auth, "wrong password").not_sent();
    bench.world.set("n0", |machine| machine.fault = Some(wrong));
    let mut settings = bench.settings(1);
    // Shorter than the time after which they look at what others have noted.
    settings.poll.min_command_interval = Duration::from_millis(100);
    let mut fronts: Vec<_> = (0..10).map(|_| bench.start(settings.clone(), true)).collect();
    for front in &mut fronts {
        front.until(|front| front.node(0).why == PollReason::AuthFinal).await;
    }
    assert_eq!(bench.world.made("n0").len(), 1);
}
