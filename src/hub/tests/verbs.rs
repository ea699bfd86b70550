//! Verbs as a front end sees them.

use super::fake::{Bench, Machine, ids, secs, unreachable};
use crate::bmc::{BmcError, Exchange};
use crate::fleet::{BmcReset, BootDevice, BootSetting, FaultClass, Freshness, Power, PowerVerb, Verb};
use crate::hub::message::{Outcome, Phase, PollReason, Request, Update};
use std::time::Duration;

fn fault(outcome: &Outcome) -> (FaultClass, &str) {
    match outcome {
        Outcome::Failed(fault) => (fault.class, &fault.reason),
        other => panic!("not a failure: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn off_is_sent_once_and_confirmed_by_looking() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(12)));
    let mut front = bench.start(bench.settings(1), true);
    front.all_seen(1).await;
    let result = front.power(PowerVerb::Off, 0).await;
    assert_eq!((result.outcome, result.power), (Outcome::Confirmed, Power::Off));
    assert_eq!(bench.world.sent("n0"), [Exchange::Off]);
    let phases: Vec<_> = front.history.iter().filter_map(|n| n.pending.as_ref()).map(|p| p.phase).collect();
    assert!(phases.contains(&Phase::Observing), "{phases:?}");
    front.until(|front| front.node(0).pending.is_none()).await;
    bench.world.assert_pace(secs(5));
}

#[tokio::test(start_paused = true)]
async fn what_is_so_already_is_not_sent() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), false);
    assert_eq!(front.power(PowerVerb::On, 0).await.outcome, Outcome::Already);
    bench.world.set("n0", |machine| machine.power = Power::Off);
    front.during(secs(10)).await;
    assert_eq!(front.power(PowerVerb::Soft, 0).await.outcome, Outcome::Already);
    for verb in [PowerVerb::Cycle, PowerVerb::Reset, PowerVerb::Nmi] {
        let result = front.power(verb, 0).await;
        let (class, reason) = fault(&result.outcome);
        assert_eq!(class, FaultClass::Rejected);
        assert!(reason.contains("is off"), "{reason}");
    }
    assert!(bench.world.sent("n0").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_does_not_show_is_not_success() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = None);
    let mut front = bench.start(bench.settings(1), false);
    let result = front.power(PowerVerb::Off, 0).await;
    assert!(
        matches!(&result.outcome, Outcome::NotConfirmed { reason } if reason.contains("it is on")),
        "{result:?}"
    );
    assert!(result.elapsed >= secs(60) && result.elapsed < secs(80), "{:?}", result.elapsed);
    assert_eq!(bench.world.sent("n0"), [Exchange::Off]);
}

#[tokio::test(start_paused = true)]
async fn without_waiting_accepted_ends_it() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), false);
    let id = front.ask_with(Verb::Power(PowerVerb::Off), &[0], None, false);
    let result = front.results(id, 1).await.remove(0);
    assert_eq!(result.outcome, Outcome::Accepted);
    assert_eq!(bench.world.exchanges("n0"), [Exchange::Power, Exchange::Off]);
}

#[tokio::test(start_paused = true)]
async fn reset_and_nmi_can_only_be_accepted() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), false);
    assert_eq!(front.power(PowerVerb::Reset, 0).await.outcome, Outcome::Accepted);
    assert_eq!(front.power(PowerVerb::Nmi, 0).await.outcome, Outcome::Accepted);
    assert_eq!(bench.world.sent("n0"), [Exchange::Reset, Exchange::Nmi]);
}

#[tokio::test(start_paused = true)]
async fn soft_has_a_time_limit_of_its_own() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(300)));
    let mut front = bench.start(bench.settings(1), false);
    assert_eq!(front.power(PowerVerb::Soft, 0).await.outcome, Outcome::Confirmed);
}

#[tokio::test(start_paused = true)]
async fn a_cycle_whose_off_phase_is_seen_is_confirmed() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| {
        machine.effect = Some(secs(2));
        machine.off_phase = Some(secs(6));
    });
    let mut front = bench.start(bench.settings(1), false);
    let result = front.power(PowerVerb::Cycle, 0).await;
    assert_eq!((result.outcome, result.power), (Outcome::Confirmed, Power::On));
    assert!(front.history.iter().any(|node| node.seen.value == Power::Off), "it was seen off");
    bench.world.assert_pace(secs(5));
    // A short one is caught where the pace allows.
    let mut settings = bench.settings(2);
    settings.poll.min_command_interval = Duration::from_millis(200);
    bench.world.set("n1", |machine| machine.off_phase = Some(secs(1)));
    let mut front = bench.start(settings, false);
    assert_eq!(front.power(PowerVerb::Cycle, 1).await.outcome, Outcome::Confirmed);
}

#[tokio::test(start_paused = true)]
async fn a_cycle_that_does_nothing_or_too_quickly_is_not_confirmed() {
    for off_phase in [None, Some(Duration::from_millis(100))] {
        let bench = Bench::new();
        bench.world.set("n0", |machine| machine.off_phase = off_phase);
        let mut front = bench.start(bench.settings(1), false);
        let result = front.power(PowerVerb::Cycle, 0).await;
        let Outcome::Unseen { reason } = &result.outcome else { panic!("{result:?}") };
        assert_eq!((reason.as_str(), result.power), ("on, its off phase was not seen", Power::On));
        let made = bench.world.made("n0");
        let cycle = made.iter().find(|made| made.exchange == Exchange::Cycle).expect("sent");
        let last = made.last().expect("looked").end.expect("ended");
        let looked = last - cycle.end.expect("ended");
        assert!(looked >= secs(10) && looked < secs(16), "as long as a late off phase may take: {looked:?}");
        // Doubt about the sending is not lifted by the state from before.
        bench.world.set("n0", |machine| {
            machine.refusals.push_back(BmcError::new(FaultClass::Timeout, "no answer in time"));
        });
        let result = front.power(PowerVerb::Cycle, 0).await;
        assert!(fault(&result.outcome).1.ends_with("it may have been carried out"), "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cycle_that_ends_in_off_is_not_confirmed() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.off_phase = Some(secs(1000)));
    let mut front = bench.start(bench.settings(1), false);
    let result = front.power(PowerVerb::Cycle, 0).await;
    assert!(
        matches!(&result.outcome, Outcome::NotConfirmed { reason } if reason.contains("it is off")),
        "{result:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reboot_is_off_seen_then_on_seen() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(8)));
    let mut front = bench.start(bench.settings(1), false);
    let result = front.power(PowerVerb::Reboot, 0).await;
    assert_eq!((result.outcome, result.power), (Outcome::Confirmed, Power::On));
    assert_eq!(bench.world.sent("n0"), [Exchange::Off, Exchange::On]);
    let all = bench.world.exchanges("n0");
    let (off, on) = (
        all.iter().position(|e| *e == Exchange::Off).expect("sent"),
        all.iter().position(|e| *e == Exchange::On).expect("sent"),
    );
    assert!(on > off + 1, "off was looked at before on: {all:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reboot_whose_off_is_not_seen_is_not_turned_on() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = None);
    let mut front = bench.start(bench.settings(1), false);
    let result = front.power(PowerVerb::Reboot, 0).await;
    assert!(matches!(&result.outcome, Outcome::NotConfirmed { reason } if reason.contains("not turned on")));
    assert_eq!(bench.world.sent("n0"), [Exchange::Off]);
}

#[tokio::test(start_paused = true)]
async fn a_reboot_whose_off_finds_it_off_turns_it_on_again() {
    let wrong_state = || {
        let mut error = BmcError::new(FaultClass::Rejected, "not supported in the present state (0xd5)");
        error.code = Some(0xd5);
        error
    };
    let bench = Bench::new();
    // The first copy of the request was carried out, and its answer was lost.
    bench.world.set("n0", |machine| {
        machine.coming.push_back((tokio::time::Instant::now() + secs(1), Power::Off));
        machine.refusals.push_back(wrong_state());
    });
    bench.world.set("n1", |machine| machine.refusals.push_back(wrong_state()));
    let mut front = bench.start(bench.settings(2), false);
    let result = front.power(PowerVerb::Reboot, 0).await;
    assert_eq!((result.outcome, result.power), (Outcome::Confirmed, Power::On));
    assert_eq!(bench.world.sent("n0"), [Exchange::Off, Exchange::On]);
    // Refused though it is on: nothing more is done.
    let result = front.power(PowerVerb::Reboot, 1).await;
    assert_eq!(fault(&result.outcome).0, FaultClass::Rejected);
    assert_eq!(bench.world.sent("n1"), [Exchange::Off]);
}

#[tokio::test(start_paused = true)]
async fn only_what_never_reached_the_bmc_is_sent_again() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| {
        machine.refusals.push_back(BmcError::new(FaultClass::Busy, "no free session").not_sent());
        machine.refusals.push_back(unreachable());
    });
    let mut front = bench.start(bench.settings(2), false);
    assert_eq!(front.power(PowerVerb::Off, 0).await.outcome, Outcome::Confirmed);
    assert_eq!(bench.world.sent("n0").len(), 3);
    // Silence after sending: perhaps it was carried out; never twice.
    bench.world.set("n1", |machine| {
        machine.refusals.push_back(BmcError::new(FaultClass::Timeout, "no answer in time"));
    });
    let result = front.power(PowerVerb::Reset, 1).await;
    let (class, reason) = fault(&result.outcome);
    assert!(class == FaultClass::Timeout && reason.contains("may have been carried out"), "{reason}");
    assert_eq!(bench.world.sent("n1"), [Exchange::Reset]);
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_about_the_deed_is_no_refusal() {
    let killed = || BmcError::new(FaultClass::Local, "ipmitool was ended by a signal");
    let coded = |class, code| {
        let mut error = BmcError::new(class, format!("code {code:#04x}"));
        error.code = Some(code);
        error
    };
    let doubtful = [
        killed(),
        coded(FaultClass::Busy, 0xc3),
        coded(FaultClass::Rejected, 0xce),
        coded(FaultClass::Busy, 0xcf),
    ];
    for error in doubtful {
        let bench = Bench::new();
        bench.world.set("n0", |machine| machine.refusals.push_back(error.clone()));
        let mut front = bench.start(bench.settings(1), false);
        let result = front.power(PowerVerb::Reset, 0).await;
        let (class, reason) = fault(&result.outcome);
        assert_eq!(class, error.class);
        assert!(reason.ends_with("; it may have been carried out"), "{reason}");
        assert_eq!(bench.world.sent("n0"), [Exchange::Reset], "never twice");
        // What can be looked at is looked at.
        bench.world.set("n0", |machine| {
            machine.refusals.push_back(error);
            machine.coming.push_back((tokio::time::Instant::now() + secs(9), Power::Off));
        });
        assert_eq!(front.power(PowerVerb::Off, 0).await.outcome, Outcome::Confirmed);
    }
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.refusals.push_back(coded(FaultClass::Busy, 0xc0)));
    let mut front = bench.start(bench.settings(1), false);
    let result = front.power(PowerVerb::Reset, 0).await;
    assert_eq!(fault(&result.outcome), (FaultClass::Busy, "code 0xc0"));
}

#[tokio::test(start_paused = true)]
async fn silence_after_off_is_still_confirmed_by_looking() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| {
        machine.refusals.push_back(BmcError::new(FaultClass::Timeout, "no answer in time"));
        machine.coming.push_back((tokio::time::Instant::now() + secs(9), Power::Off));
    });
    let mut front = bench.start(bench.settings(1), false);
    assert_eq!(front.power(PowerVerb::Off, 0).await.outcome, Outcome::Confirmed);
    assert_eq!(bench.world.sent("n0"), [Exchange::Off]);
}

#[tokio::test(start_paused = true)]
async fn a_bmc_that_says_no_is_a_failure_at_once() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| {
        machine.refusals.push_back(BmcError::new(FaultClass::Rejected, "refused (0xd5)"));
    });
    let mut front = bench.start(bench.settings(1), false);
    let result = front.power(PowerVerb::Nmi, 0).await;
    assert_eq!(fault(&result.outcome), (FaultClass::Rejected, "refused (0xd5)"));
    assert!(result.elapsed < secs(10));
}

/// As the driver words 0xd4: the BMC took the login and refused the command.
fn no_privilege() -> BmcError {
    let mut error = BmcError::new(FaultClass::Auth, "insufficient privilege (0xd4)");
    error.code = Some(0xd4);
    error
}

#[tokio::test(start_paused = true)]
async fn a_command_above_ones_privilege_fails_and_the_bmc_is_polled_on() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.refusals.push_back(no_privilege()));
    let mut front = bench.start(bench.settings(1), true);
    front.all_seen(1).await;
    let result = front.power(PowerVerb::Off, 0).await;
    assert_eq!(fault(&result.outcome), (FaultClass::Auth, "insufficient privilege (0xd4)"));
    let before = bench.world.made("n0").len();
    front.during(secs(100)).await;
    assert!(front.history.iter().all(|status| status.why != PollReason::AuthFinal));
    assert_eq!((front.node(0).seen.value, front.node(0).seen.freshness), (Power::On, Freshness::Fresh));
    assert!(bench.world.made("n0").len() >= before + 3);
    front.hub.stop().await;
    // Nor is it final for other processes.
    let mut front = bench.start(bench.settings(1), true);
    front.all_seen(1).await;
    assert_eq!(front.node(0).why, PollReason::Interval);
}

#[tokio::test(start_paused = true)]
async fn a_user_who_may_not_read_the_state_is_no_failed_login() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.fault = Some(no_privilege()));
    let mut front = bench.start(bench.settings(1), true);
    front.until(|front| front.node(0).why == PollReason::BackOff { failures: 3 }).await;
    assert!(front.node(0).next_poll.is_some());
    bench.world.set("n0", |machine| machine.fault = None);
    front.until(|front| front.node(0).seen.value == Power::On).await;
}

#[tokio::test(start_paused = true)]
async fn passing_trouble_while_confirming_is_looked_past() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(20)));
    let mut front = bench.start(bench.settings(1), false);
    let id = front.ask(Verb::Power(PowerVerb::Off), &[0]);
    front.observing().await;
    bench.world.set("n0", |machine| machine.fault = Some(unreachable()));
    front.during(secs(12)).await;
    bench.world.set("n0", |machine| machine.fault = None);
    assert_eq!(front.results(id, 1).await[0].outcome, Outcome::Confirmed);
}

#[tokio::test(start_paused = true)]
async fn a_dead_bmc_fails_a_verb_when_its_time_is_up() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.fault = Some(unreachable()));
    let mut front = bench.start(bench.settings(1), false);
    let id = front.ask_with(Verb::Power(PowerVerb::Off), &[0], Some(secs(20)), true);
    let result = front.results(id, 1).await.remove(0);
    assert_eq!(fault(&result.outcome).0, FaultClass::Unreachable);
    assert!(result.elapsed <= secs(26), "{:?}", result.elapsed);
    // A reading is one try.
    let before = bench.world.made("n0").len();
    let result = front.verb(Verb::Status, 0).await;
    assert_eq!(fault(&result.outcome).0, FaultClass::Unreachable);
    assert_eq!(bench.world.made("n0").len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn without_waiting_the_first_failed_login_ends_it() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.fault = Some(unreachable()));
    let mut front = bench.start(bench.settings(1), false);
    for verb in [Verb::Power(PowerVerb::Off), Verb::Raw(vec![6, 1])] {
        let before = bench.world.made("n0").len();
        let id = front.ask_with(verb, &[0], None, false);
        let result = front.results(id, 1).await.remove(0);
        assert_eq!(fault(&result.outcome).0, FaultClass::Unreachable);
        assert_eq!(bench.world.made("n0").len(), before + 1, "one try");
    }
    let id = front.ask_with(Verb::Power(PowerVerb::Off), &[0], None, true);
    front.results(id, 1).await;
    assert!(bench.world.made("n0").len() > 4, "who waits has it tried until the time is up");
}

#[tokio::test(start_paused = true)]
async fn a_second_verb_is_refused_and_off_takes_over() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(300)));
    let mut front = bench.start(bench.settings(1), false);
    let soft = front.ask(Verb::Power(PowerVerb::Soft), &[0]);
    front.observing().await;
    let result = front.power(PowerVerb::Reset, 0).await;
    assert!(
        matches!(&result.outcome, Outcome::Refused(why) if why.contains("power soft is pending")),
        "{result:?}"
    );
    // Reading is no second verb.
    assert_eq!(front.verb(Verb::Status, 0).await.outcome, Outcome::Status);
    bench.world.set("n0", |machine| machine.effect = Some(secs(1)));
    assert_eq!(front.power(PowerVerb::Off, 0).await.outcome, Outcome::Confirmed);
    let soft = front.results(soft, 1).await.remove(0);
    assert!(
        matches!(&soft.outcome, Outcome::Cancelled { sent: Some(sent) } if sent.contains("soft")),
        "{soft:?}"
    );
    assert_eq!(bench.world.sent("n0"), [Exchange::Soft, Exchange::Off]);
}

#[tokio::test(start_paused = true)]
async fn cancelling_says_what_was_sent() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = None);
    let mut front = bench.start(bench.settings(1), false);
    let first = front.ask(Verb::Power(PowerVerb::Off), &[0]);
    front.observing().await;
    front.send(Request::Cancel { nodes: ids(&[0]) });
    let result = front.results(first, 1).await.remove(0);
    assert!(matches!(&result.outcome, Outcome::Cancelled { sent: Some(sent) } if sent.contains("off")));
    // The pace holds the next one back: nothing has been sent when it is cancelled.
    let second = front.ask(Verb::Power(PowerVerb::Reset), &[0]);
    front.until(|front| front.node(0).pending.is_some()).await;
    front.send(Request::Cancel { nodes: ids(&[0]) });
    assert_eq!(front.results(second, 1).await[0].outcome, Outcome::Cancelled { sent: None });
    assert_eq!(bench.world.sent("n0"), [Exchange::Off]);
}

#[tokio::test(start_paused = true)]
async fn read_only_refuses_all_but_reading() {
    let bench = Bench::new();
    let mut front = bench.start_as(bench.settings(1), false, true);
    for verb in [Verb::Power(PowerVerb::Off), Verb::ResetBmc(BmcReset::Warm), Verb::Raw(vec![6, 1])] {
        assert!(matches!(front.verb(verb, 0).await.outcome, Outcome::Refused(_)));
    }
    assert_eq!(front.verb(Verb::Status, 0).await.outcome, Outcome::Status);
    front.hub.stop().await;
    let mut settings = bench.settings(2);
    settings.nodes[0].read_only = true;
    let mut front = bench.start(settings, false);
    let result = front.power(PowerVerb::Off, 0).await;
    assert!(matches!(&result.outcome, Outcome::Refused(why) if why.contains("n0 is read-only")));
    assert_eq!(front.power(PowerVerb::Off, 1).await.outcome, Outcome::Confirmed);
    assert!(bench.world.sent("n0").is_empty());
}

#[tokio::test(start_paused = true)]
async fn power_on_of_many_is_staggered() {
    let bench = Bench::new();
    for n in 0..10 {
        bench.world.set(&format!("n{n}"), |machine| {
            *machine = Machine { power: Power::Off, latency: Duration::from_millis(5), ..Machine::default() };
        });
    }
    let mut front = bench.start(bench.settings(10), false);
    let nodes: Vec<u32> = (0..10).collect();
    let id = front.ask(Verb::Power(PowerVerb::On), &nodes);
    let results = front.results(id, 10).await;
    assert!(results.iter().all(|result| result.outcome == Outcome::Confirmed), "{results:?}");
    let mut sent: Vec<_> = (0..10)
        .flat_map(|n| bench.world.made(&format!("n{n}")))
        .filter(|made| made.exchange == Exchange::On)
        .map(|made| made.start)
        .collect();
    sent.sort();
    assert_eq!(sent.len(), 10);
    assert!(sent.windows(2).all(|two| two[1] - two[0] >= Duration::from_millis(500)), "{sent:?}");
    assert!(sent[9] - sent[0] < secs(7), "staggered, not stalled: {:?}", sent[9] - sent[0]);
}

#[tokio::test(start_paused = true)]
async fn a_boot_device_is_read_back() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), false);
    let wanted = BootSetting { device: Some(BootDevice::Pxe), persistent: true, uefi: true };
    assert_eq!(front.verb(Verb::BootSet(wanted), 0).await.outcome, Outcome::Boot(wanted));
    let order = [Exchange::KeepBootFlags, Exchange::BootSet(wanted), Exchange::BootGet];
    assert_eq!(bench.world.exchanges("n0"), order);
    front.until(|front| front.node(0).boot == Some(wanted)).await;
    bench.world.set("n0", |machine| machine.keeps_uefi = false);
    let result = front.verb(Verb::BootSet(wanted), 0).await;
    let (class, reason) = fault(&result.outcome);
    assert_eq!(class, FaultClass::Rejected);
    assert!(reason.contains("uefi") && !reason.contains("persistent"), "{reason}");
    bench.world.assert_pace(secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_bmc_reset_shows_until_the_bmc_is_back() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), true);
    front.all_seen(1).await;
    let result = front.verb(Verb::ResetBmc(BmcReset::Cold), 0).await;
    assert_eq!(result.outcome, Outcome::Accepted);
    front.until(|front| front.node(0).resetting.is_some()).await;
    bench.world.set("n0", |machine| machine.fault = Some(unreachable()));
    front.during(secs(60)).await;
    assert!(front.node(0).resetting.is_some());
    bench.world.set("n0", |machine| machine.fault = None);
    front.until(|front| front.node(0).resetting.is_none()).await;
    assert_eq!(front.node(0).seen.value, Power::On);
}

#[tokio::test(start_paused = true)]
async fn a_bmc_reset_in_doubt_is_no_success() {
    for class in [FaultClass::Timeout, FaultClass::Protocol] {
        let bench = Bench::new();
        let mut front = bench.start(bench.settings(1), true);
        front.all_seen(1).await;
        let doubt = BmcError::new(class, "the BMC fell silent");
        bench.world.set("n0", |machine| machine.refusals.push_back(doubt));
        let result = front.verb(Verb::ResetBmc(BmcReset::Warm), 0).await;
        let told = fault(&result.outcome);
        assert_eq!(told, (class, "the BMC fell silent; it may have been carried out"));
        assert_eq!(bench.world.sent("n0").len(), 1);
        // If it was carried out, silence is what is to be expected.
        front.until(|front| front.node(0).resetting.is_some()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn info_raw_and_describe() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), false);
    let info = front.verb(Verb::Info, 0).await.outcome;
    assert_eq!(info, Outcome::Info(vec![("maker".into(), "test".into())]));
    assert_eq!(front.verb(Verb::Raw(vec![6, 1]), 0).await.outcome, Outcome::Raw(vec![6, 1]));
    front.send(Request::Describe {
        id: crate::hub::message::RequestId(77),
        verb: Verb::Power(PowerVerb::Reboot),
        node: ids(&[0])[0],
    });
    front.until(|front| !front.others.is_empty()).await;
    let Update::Described { text, .. } = &front.others[0] else { panic!("described") };
    assert_eq!(text, "Off to n0; then On to n0");
}

#[tokio::test(start_paused = true)]
async fn the_end_leaves_nothing_running_and_says_so() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = None);
    let mut front = bench.start(bench.settings(1), true);
    let id = front.ask(Verb::Power(PowerVerb::Off), &[0]);
    front.observing().await;
    front.hub.stop().await;
    let mut outcome = None;
    while let Some(updates) = front.handle.updates().await {
        for update in updates {
            if let Update::Done(result) = update {
                assert_eq!(result.id, id);
                outcome = Some(result.outcome);
            }
        }
    }
    assert!(matches!(outcome, Some(Outcome::Cancelled { sent: Some(_) })), "{outcome:?}");
    let left: Vec<_> = std::fs::read_dir(bench.dir.path().join("run"))
        .expect("there")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(left, ["fleet.v1"], "the private directory is gone");
    let trail = std::fs::read_to_string(bench.dir.path().join("state/audit.jsonl")).expect("a trail");
    assert!(trail.contains("\"result\":\"cancelled\""), "{trail}");
}

#[tokio::test(start_paused = true)]
async fn a_state_directory_that_cannot_be_written_stops_no_verb() {
    let bench = Bench::new();
    std::fs::write(bench.dir.path().join("state"), "a file is in the way").expect("write");
    let mut front = bench.start(bench.settings(1), false);
    assert_eq!(front.power(PowerVerb::Off, 0).await.outcome, Outcome::Confirmed);
    let notices = front
        .others
        .iter()
        .filter(|update| matches!(update, Update::Notice { text, .. } if text.contains("audit trail")))
        .count();
    assert_eq!(notices, 1);
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_panics_fails_its_verb_and_not_the_node() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.panics = true);
    let mut front = bench.start(bench.settings(1), true);
    front.all_seen(1).await;
    let result = front.power(PowerVerb::Off, 0).await;
    assert_eq!(fault(&result.outcome).0, FaultClass::Local);
    bench.world.set("n0", |machine| machine.panics = false);
    assert_eq!(front.power(PowerVerb::Off, 0).await.outcome, Outcome::Confirmed);
    front.until(|front| front.node(0).pending.is_none() && front.node(0).seen.value == Power::Off).await;
}

#[tokio::test(start_paused = true)]
async fn every_request_for_every_node_gets_one_result() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(1), false);
    // Not a node; the same node twice.
    let id = front.ask(Verb::Power(PowerVerb::Off), &[9, 0, 0]);
    let results = front.results(id, 3).await;
    let outcomes: Vec<_> = results.iter().map(|result| (result.node.0, &result.outcome)).collect();
    assert!(outcomes.iter().any(|(node, outcome)| *node == 9 && matches!(outcome, Outcome::Failed(_))));
    assert!(outcomes.iter().any(|(node, outcome)| *node == 0 && matches!(outcome, Outcome::Refused(_))));
    assert!(outcomes.contains(&(0, &Outcome::Confirmed)), "{outcomes:?}");
    front.during(secs(60)).await;
    assert_eq!(front.done.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_dropped_ends_its_tasks() {
    let bench = Bench::new();
    let mut front = bench.start(bench.settings(3), true);
    front.all_seen(3).await;
    let before = bench.world.made("n0").len();
    drop(front);
    tokio::time::sleep(secs(300)).await;
    assert_eq!(bench.world.made("n0").len(), before);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}
