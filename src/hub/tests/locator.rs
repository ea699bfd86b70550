//! The locator LED and the freeing of an SOL, as a front end sees them.

use super::fake::{Bench, ids, secs};
use crate::bmc::Exchange;
use crate::fleet::{FaultClass, Identify, Locator, Power, PowerVerb, SolHolder, Verb};
use crate::hub::message::{Lit, Outcome, Phase, Request};
use std::num::NonZeroU8;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_lit_locator_led_is_confirmed_where_the_bmc_tells_it() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(2), false);
    let lit = front.verb(Verb::Identify(Identify::USUAL), 0).await;
    assert_eq!(lit.outcome, Outcome::Confirmed);
    assert_eq!(bench.world.sent("n0"), [Exchange::Identify(Identify::USUAL), Exchange::Locator]);
    front.until(|front| matches!(front.node(0).locator, Some(Lit::Until(_)))).await;
    bench.world.assert_pace(secs(5));

    bench.world.set("n1", |machine| machine.tells_led = false);
    assert_eq!(front.verb(Verb::Identify(Identify::On), 1).await.outcome, Outcome::Accepted);
    front.until(|front| front.node(1).locator == Some(Lit::On)).await;
    front.verb(Verb::Identify(Identify::Off), 1).await;
    front.until(|front| front.node(1).locator.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_locator_led_that_stays_as_it_was_is_not_confirmed() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.led = Locator::On);
    let mut front = bench.start(bench.settings(1), false);
    let off = front.verb(Verb::Identify(Identify::Off), 0).await.outcome;
    assert_eq!(off, Outcome::NotConfirmed { reason: "the locator LED is still on".into() });
}

#[tokio::test(start_paused = true)]
async fn an_led_that_was_lit_for_less_than_a_look_takes_is_accepted() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), false);
    let second = Identify::For(NonZeroU8::MIN);
    let id = front.ask(Verb::Identify(second), &[0]);
    let asked = |front: &super::fake::Front| {
        let pending = front.node(0).pending;
        pending.is_some_and(|pending| pending.phase == Phase::Observing)
    };
    front.until(asked).await;
    bench.world.set("n0", |machine| machine.led = Locator::Off);
    assert_eq!(front.results(id, 1).await[0].outcome, Outcome::Accepted);
}

#[tokio::test(start_paused = true)]
async fn an_sol_is_freed_once_and_its_holder_can_be_asked() {
    let bench = Bench::new();
    let who = SolHolder::Held(Some("eve from 10.0.0.7".into()));
    bench.world.set("n0", |machine| machine.holder = who.clone());
    let mut front = bench.start(bench.settings(1), false);
    assert_eq!(front.verb(Verb::SolHolder, 0).await.outcome, Outcome::SolHolder(who));
    assert_eq!(front.verb(Verb::FreeSol, 0).await.outcome, Outcome::Accepted);
    assert_eq!(bench.world.sent("n0"), [Exchange::SolHolder, Exchange::SolDeactivate]);
    // The trail has the deed, not the question.
    front.hub.stop().await;
    let trail = std::fs::read_to_string(bench.dir.path().join("state/audit.jsonl")).expect("a trail");
    assert!(trail.contains("bmc free-sol") && !trail.contains("sol holder"), "{trail}");
}

#[tokio::test(start_paused = true)]
async fn a_read_only_hub_lights_and_frees_nothing() {
    let bench = Bench::new();
    let mut front = bench.start_as(bench.settings(1), false, true);
    for verb in [Verb::FreeSol, Verb::Identify(Identify::USUAL)] {
        assert!(matches!(front.verb(verb, 0).await.outcome, Outcome::Refused(_)));
    }
    assert!(matches!(front.verb(Verb::SolHolder, 0).await.outcome, Outcome::SolHolder(_)));
    assert_eq!(bench.world.sent("n0"), [Exchange::SolHolder]);
}

#[tokio::test(start_paused = true)]
async fn staggered_power_ons_tell_their_turns_and_when_they_are_due() {
    let bench = Bench::new();
    for n in 0..5 {
        bench.world.set(&format!("n{n}"), |machine| machine.power = Power::Off);
    }
    let mut settings = bench.settings(5);
    settings.power.stagger = secs(2);
    let mut front = bench.start(settings, false);
    let id = front.ask(Verb::Power(PowerVerb::On), &[0, 1, 2, 3, 4]);
    front.results(id, 5).await;
    let mut turns: Vec<(usize, usize, u64)> = Vec::new();
    for phase in front.history.iter().filter_map(|node| node.pending.as_ref()).map(|pending| pending.phase) {
        if let Phase::Turn { number, of, due } = phase
            && !turns.iter().any(|turn| turn.0 == number)
        {
            turns.push((number, of, due.0));
        }
    }
    turns.sort_unstable();
    assert_eq!(
        turns.iter().map(|turn| (turn.0, turn.1)).collect::<Vec<_>>(),
        [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    );
    let last = Duration::from_millis(turns[4].2 - turns[0].2);
    assert!(last >= secs(7) && last <= secs(9), "the last is due 8 s after the first: {last:?}");
}

#[tokio::test(start_paused = true)]
async fn one_power_on_has_no_turn_and_the_rest_of_many_can_be_cancelled() {
    let bench = Bench::new();
    for n in 0..4 {
        bench.world.set(&format!("n{n}"), |machine| machine.power = Power::Off);
    }
    let mut settings = bench.settings(4);
    settings.power.stagger = secs(100);
    settings.power.timeout = secs(1000);
    let mut front = bench.start(settings, false);
    front.power(PowerVerb::On, 3).await;
    let waits = |node: &crate::hub::message::NodeStatus| {
        node.pending.as_ref().is_some_and(|pending| matches!(pending.phase, Phase::Turn { .. }))
    };
    assert!(!front.history.iter().any(waits), "nobody to take turns with");
    let id = front.ask(Verb::Power(PowerVerb::On), &[0, 1, 2]);
    front.until(|front| front.done.iter().any(|done| done.id == id)).await;
    front.send(Request::Cancel { nodes: ids(&[0, 1, 2]) });
    let results = front.results(id, 3).await;
    let unsent = results.iter().filter(|result| result.outcome == Outcome::Cancelled { sent: None }).count();
    assert_eq!(unsent, 2, "{results:?}");
}

#[tokio::test(start_paused = true)]
async fn one_verb_at_a_time_and_a_refused_led_is_a_failure() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = None);
    let mut front = bench.start(bench.settings(1), false);
    front.ask(Verb::Power(PowerVerb::Soft), &[0]);
    front.observing().await;
    let refused = front.verb(Verb::FreeSol, 0).await.outcome;
    assert!(
        matches!(&refused, Outcome::Refused(why) if why.contains("power soft is pending")),
        "{refused:?}"
    );
    let fault = crate::bmc::BmcError::new(FaultClass::Unsupported, "no such LED");
    front.send(Request::Cancel { nodes: ids(&[0]) });
    front.until(|front| front.node(0).pending.is_none()).await;
    bench.world.set("n0", |machine| machine.refusals = [fault].into());
    let failed = front.verb(Verb::Identify(Identify::On), 0).await;
    assert!(matches!(&failed.outcome, Outcome::Failed(fault) if fault.class == FaultClass::Unsupported));
    assert_eq!(front.node(0).locator, None);
}
