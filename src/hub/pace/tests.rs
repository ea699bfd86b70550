//! The planner's rules, without a clock; the shell on paused time.

use super::*;
use proptest::prelude::*;

const INTERVAL: Duration = Duration::from_secs(5);

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn planner(max_in_flight: usize) -> Planner {
    Planner::new(Limits::new(INTERVAL, max_in_flight))
}

fn keys(granted: &[(Ticket, BmcKey)]) -> Vec<u32> {
    granted.iter().map(|(_, key)| key.0).collect()
}

#[test]
fn one_at_a_time_and_the_interval_counts_from_the_end() {
    let mut planner = planner(8);
    planner.ask(BmcKey(1), Priority::Operator);
    planner.ask(BmcKey(1), Priority::Operator);
    assert_eq!(keys(&planner.grant(secs(10))), [1]);
    assert!(planner.grant(secs(100)).is_empty(), "the first still runs");
    planner.end(BmcKey(1), secs(100) + INTERVAL);
    assert!(planner.grant(secs(104)).is_empty());
    assert_eq!(planner.wake(), Some(secs(105)));
    assert_eq!(keys(&planner.grant(secs(105))), [1]);
}

#[test]
fn operators_first_then_what_is_seen() {
    let mut planner = planner(1);
    planner.ask(BmcKey(1), Priority::Background);
    planner.ask(BmcKey(2), Priority::Visible);
    planner.ask(BmcKey(3), Priority::Operator);
    planner.ask(BmcKey(4), Priority::Operator);
    let mut order: Vec<u32> = Vec::new();
    for _ in 0..4 {
        let granted = keys(&planner.grant(secs(1)));
        assert_eq!(granted.len(), 1);
        order.extend(&granted);
        planner.end(BmcKey(granted[0]), secs(2));
    }
    assert_eq!(order, [3, 4, 2, 1]);
}

#[test]
fn polls_leave_slots_for_operators() {
    let mut planner = planner(8);
    for n in 0..20 {
        planner.failing(BmcKey(n), false);
        planner.ask(BmcKey(n), Priority::Visible);
    }
    assert_eq!(planner.grant(secs(1)).len(), 7);
    planner.ask(BmcKey(50), Priority::Operator);
    assert_eq!(keys(&planner.grant(secs(1))), [50]);
    planner.ask(BmcKey(51), Priority::Operator);
    assert!(planner.grant(secs(1)).is_empty(), "the total is a limit for operators, too");
}

#[test]
fn the_dead_hold_a_quarter_at_most() {
    let mut planner = planner(8);
    for n in 0..10 {
        planner.failing(BmcKey(n), true);
        planner.ask(BmcKey(n), Priority::Background);
    }
    planner.ask(BmcKey(20), Priority::Background);
    assert_eq!(keys(&planner.grant(secs(1))), [0, 1, 20]);
    planner.ask(BmcKey(5), Priority::Operator);
    assert_eq!(keys(&planner.grant(secs(1))), [5], "an operator's exchange is not capped");
}

#[test]
fn who_never_answered_leaves_slots_to_who_does() {
    let mut planner = planner(8);
    for n in 0..20 {
        planner.ask(BmcKey(n), Priority::Visible);
    }
    assert_eq!(planner.grant(secs(1)).len(), 6, "a first sweep may take most");
    planner.failing(BmcKey(30), false);
    planner.ask(BmcKey(30), Priority::Background);
    assert_eq!(keys(&planner.grant(secs(1))), [30], "it answers and need not wait for a dead rack");
    planner.failing(BmcKey(0), true);
    planner.end(BmcKey(0), secs(2));
    assert_eq!(keys(&planner.grant(secs(3))), [6], "the sweep goes on");
}

#[test]
fn a_place_is_kept_when_a_grant_could_not_be_used() {
    let mut planner = planner(1);
    planner.ask(BmcKey(1), Priority::Operator);
    planner.ask(BmcKey(2), Priority::Operator);
    let (ticket, key) = planner.grant(secs(1))[0];
    planner.ask_again(key, ticket);
    planner.end(key, Duration::ZERO);
    assert_eq!(keys(&planner.grant(secs(1))), [1], "before the one that came later");
}

#[derive(Debug, Clone)]
enum Step {
    Ask(u32, u8),
    End(usize),
    Forget(usize),
    Pass(u64),
    Fail(u32, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6u32, 0..3u8).prop_map(|(bmc, priority)| Step::Ask(bmc, priority)),
        3 => any::<usize>().prop_map(Step::End),
        1 => any::<usize>().prop_map(Step::Forget),
        3 => (0..6000u64).prop_map(Step::Pass),
        1 => (0..6u32, any::<bool>()).prop_map(|(bmc, failing)| Step::Fail(bmc, failing)),
    ]
}

proptest! {
    #[test]
    fn no_overlap_no_haste_no_loss(steps in proptest::collection::vec(step(), 1..120), max in 1..6usize) {
        let mut planner = planner(max);
        let mut now = Duration::ZERO;
        let mut running: Vec<BmcKey> = Vec::new();
        let mut ended: HashMap<BmcKey, Duration> = HashMap::new();
        let mut waiting: Vec<Ticket> = Vec::new();
        let check = |planner: &mut Planner, now: Duration, running: &mut Vec<BmcKey>,
                         ended: &HashMap<BmcKey, Duration>, waiting: &mut Vec<Ticket>| {
            for (ticket, key) in planner.grant(now) {
                prop_assert!(!running.contains(&key), "two exchanges at once");
                if let Some(end) = ended.get(&key) {
                    prop_assert!(now >= *end + INTERVAL, "too early");
                }
                running.push(key);
                waiting.retain(|other| *other != ticket);
            }
            prop_assert!(running.len() <= max);
            Ok(())
        };
        for step in steps {
            match step {
                Step::Ask(bmc, priority) => {
                    let priority = [Priority::Background, Priority::Visible, Priority::Operator][usize::from(priority)];
                    waiting.push(planner.ask(BmcKey(bmc), priority));
                }
                Step::End(n) if !running.is_empty() => {
                    let key = running.remove(n % running.len());
                    ended.insert(key, now);
                    planner.end(key, now + INTERVAL);
                }
                Step::Forget(n) if !waiting.is_empty() => {
                    planner.forget(waiting.remove(n % waiting.len()));
                }
                Step::Pass(millis) => now += Duration::from_millis(millis),
                Step::Fail(bmc, failing) => planner.failing(BmcKey(bmc), failing),
                Step::End(_) | Step::Forget(_) => {}
            }
            check(&mut planner, now, &mut running, &ended, &mut waiting)?;
        }
        // Whoever still waits gets his turn when the others end.
        for _ in 0..1000 {
            if waiting.is_empty() {
                break;
            }
            for key in std::mem::take(&mut running) {
                ended.insert(key, now);
                planner.end(key, now + INTERVAL);
            }
            now = planner.wake().unwrap_or(now);
            check(&mut planner, now, &mut running, &ended, &mut waiting)?;
        }
        prop_assert!(waiting.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_gives_up_holds_nothing() {
    let pace = Pace::new(Clock::system(), Limits::new(INTERVAL, 1));
    let timer = tokio::spawn(Arc::clone(&pace).run());
    let first = pace.wait(BmcKey(1), Priority::Operator, None).await;
    let mut second = Box::pin(pace.wait(BmcKey(2), Priority::Operator, None));
    assert!(tokio::time::timeout(secs(1), &mut second).await.is_err());
    drop(second);
    drop(first);
    let third = tokio::time::timeout(secs(1), pace.wait(BmcKey(3), Priority::Operator, None)).await;
    assert!(third.is_ok(), "the slot of the one that gave up is free");
    timer.abort();
}

#[tokio::test(start_paused = true)]
async fn time_alone_wakes_a_waiter() {
    let clock = Clock::system();
    let pace = Pace::new(clock, Limits::new(INTERVAL, 1));
    let timer = tokio::spawn(Arc::clone(&pace).run());
    let mut slot = pace.wait(BmcKey(1), Priority::Operator, None).await;
    let end = clock.mono();
    slot.not_before(end + INTERVAL);
    drop(slot);
    let _slot = pace.wait(BmcKey(1), Priority::Visible, None).await;
    let waited = clock.mono() - end;
    assert!(waited >= INTERVAL && waited < INTERVAL + Duration::from_millis(50), "{waited:?}");
    timer.abort();
}

#[tokio::test(start_paused = true)]
async fn who_becomes_due_between_the_grant_and_the_timer_s_look_is_woken() {
    let clock = Clock::system();
    let pace = Pace::new(clock, Limits::new(INTERVAL, 1));
    let mut slot = pace.wait(BmcKey(1), Priority::Operator, None).await;
    slot.not_before(clock.mono() + Duration::from_micros(60));
    drop(slot);
    let mut waiter = Box::pin(pace.wait(BmcKey(1), Priority::Operator, None));
    assert!(poll_once(&mut waiter).await.is_none(), "60 us too early");
    // The timer's task runs only now: its clock is later than the one by which nothing was granted.
    tokio::time::advance(Duration::from_micros(100)).await;
    let timer = tokio::spawn(Arc::clone(&pace).run());
    assert!(tokio::time::timeout(secs(60), waiter).await.is_ok(), "forgotten");
    timer.abort();
}

/// Polls once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
