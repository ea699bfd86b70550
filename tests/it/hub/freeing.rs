//! Freeing an SOL that one of our own consoles uses, and the locator LED, on simulated and real BMCs.

use super::native::{fleet, settings};
use super::{Front, LONG, lab, settings_of_tool};
use crate::support::wait_for;
use lightsout::config::Settings;
use lightsout::fleet::{ConsoleMode, ConsoleState, FaultClass, Identify, SessionStatus, Verb};
use lightsout::hub::message::{ConsoleId, ConsoleRequest, Lit, Outcome};
use lightsout::ipmi::command::LocatorLed;

const A: ConsoleId = ConsoleId(1);

fn is_freed(status: &SessionStatus) -> bool {
    matches!(&status.state, ConsoleState::Closed { fault, retry: None, .. }
        if fault.class == FaultClass::Local && fault.reason.contains("was freed"))
}

/// Attaches, frees, sees the console say so and stay closed, and opens it again on request.
async fn free_and_reopen(
    settings: Settings,
    name: &str,
    sol_active: impl Fn() -> bool,
    polls: impl Fn() -> usize,
) {
    let mut front = Front::start(settings, true).await;
    front.attach(A, name, ConsoleMode::Interactive).await;
    assert!(sol_active());
    let freed = front.verb(Verb::FreeSol, name).await;
    assert_eq!(freed.outcome, Outcome::Accepted, "{freed:?}");
    front.until("the console says so", |front| front.consoles.get(&A).is_some_and(is_freed)).await;
    assert!(!sol_active());
    // A console that was lost is tried again within the time of two polls.
    let goal = polls() + 3;
    wait_for("three more polls", LONG, || (polls() >= goal).then_some(()));
    assert!(!sol_active(), "it does not take the SOL back");
    assert!(front.consoles.get(&A).is_some_and(is_freed));
    front.console(A, ConsoleRequest::Reopen);
    front
        .until("attached again", |front| matches!(front.consoles[&A].state, ConsoleState::Attached { .. }))
        .await;
    assert!(sol_active());
    front.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_console_ends_with_the_sol_that_is_freed() {
    let dir = tempfile::tempdir().expect("a directory");
    let (fleet, spec) = fleet(1);
    let bmc = fleet.bmc("s1").expect("it is there");
    let polls = || usize::try_from(bmc.stats().polls).expect("few");
    let active = || bmc.with(|bmc, _| bmc.sol_active());
    free_and_reopen(settings(dir.path(), &fleet, &spec), "s1", active, polls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_does_one_through_ipmitool() {
    let lab = lab(1, 0, &["--power", "on"]);
    // Payload instance info of SOL: the session that holds it, in the first four bytes.
    let active = || {
        let said = lab.ipmitool("r1n01", &["raw", "6", "0x4b", "1", "1"]);
        assert!(said.ok, "{said:?}");
        !said.stdout.trim_start().starts_with("00 00 00 00")
    };
    let polls = || lab.node("r1n01").logins().len();
    free_and_reopen(settings_of_tool(&lab), "r1n01", active, polls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_sol_is_freed_and_an_attach_succeeds() {
    let dir = tempfile::tempdir().expect("a directory");
    let (fleet, spec) = fleet(1);
    let bmc = fleet.bmc("s1").expect("it is there");
    bmc.with(|bmc, _| bmc.steal_sol());
    let mut front = Front::start(settings(dir.path(), &fleet, &spec), true).await;
    front.open(A, "s1", ConsoleMode::Interactive);
    front
        .until("busy", |front| {
            front.consoles.get(&A).is_some_and(|status| matches!(status.state, ConsoleState::Busy { .. }))
        })
        .await;
    assert_eq!(front.verb(Verb::FreeSol, "s1").await.outcome, Outcome::Accepted);
    front.console(A, ConsoleRequest::Reopen);
    front.until("attached", |front| matches!(front.consoles[&A].state, ConsoleState::Attached { .. })).await;
    front.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locator_led_is_seen_at_the_bmc_and_told_by_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let (fleet, spec) = fleet(2);
    let mut front = Front::start(settings(dir.path(), &fleet, &spec), true).await;
    let led = |name: &str| fleet.bmc(name).expect("it is there").with(|bmc, now| bmc.locator(now));
    assert_eq!(front.verb(Verb::Identify(Identify::USUAL), "s1").await.outcome, Outcome::Confirmed);
    assert_eq!((led("s1"), led("s2")), (LocatorLed::Timed, LocatorLed::Off));
    front.until("it is noted", |front| matches!(front.node("s1").locator, Some(Lit::Until(_)))).await;
    assert_eq!(front.verb(Verb::Identify(Identify::On), "s1").await.outcome, Outcome::Confirmed);
    assert_eq!(led("s1"), LocatorLed::On);
    assert_eq!(front.verb(Verb::Identify(Identify::Off), "s1").await.outcome, Outcome::Confirmed);
    assert_eq!(led("s1"), LocatorLed::Off);
    front.until("nothing is noted", |front| front.node("s1").locator.is_none()).await;
    let bmc = fleet.bmc("s2").expect("it is there");
    bmc.faults(|faults| faults.ignore_verbs = true);
    let deaf = front.verb(Verb::Identify(Identify::On), "s2").await.outcome;
    assert!(matches!(&deaf, Outcome::NotConfirmed { reason } if reason.contains("still off")), "{deaf:?}");
    bmc.faults(|faults| (faults.ignore_verbs, faults.mute_locator) = (false, true));
    assert_eq!(front.verb(Verb::Identify(Identify::On), "s2").await.outcome, Outcome::Accepted);
    front.hub.stop().await;
}
