//! The hub with driver `ipmi` on simulated BMCs, whose records are the witness.

use super::{Front, INTERVAL};
use lightsout::bmc::driver_names;
use lightsout::config::{LoadOptions, Settings, load};
use lightsout::fleet::{Power, PowerVerb, Verb};
use lightsout::hub::message::{Outcome, Phase};
use lightsout::sim::{Fleet, FleetSpec, Record, configuration};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

const CHASSIS_STATUS: (u8, u8) = (0x00, 0x01);
const CHASSIS_CONTROL: (u8, u8) = (0x00, 0x02);
const SET_PRIVILEGE: (u8, u8) = (0x06, 0x3b);
const CLOSE: (u8, u8) = (0x06, 0x3c);

pub(super) fn fleet(nodes: usize) -> (Fleet, FleetSpec) {
    let names = (1..=nodes).map(|number| format!("s{number}")).collect();
    let spec = FleetSpec { names, on: 100, speed: 10.0, record: true, ..FleetSpec::default() };
    (Fleet::start(&spec).expect("ports are free"), spec)
}

pub(super) fn settings(dir: &Path, fleet: &Fleet, spec: &FleetSpec) -> Settings {
    let path = dir.join("config.toml");
    std::fs::write(&path, configuration(fleet, spec)).expect("it can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    let drivers = driver_names();
    let mut options = LoadOptions::new(&drivers, &["sol", "unix"], &["default"]);
    options.path = Some(path);
    let mut settings = load(&options).expect("the configuration is right").settings;
    settings.poll.interval = Duration::from_secs(4);
    settings.poll.min_command_interval = INTERVAL;
    settings.power.timeout = Duration::from_secs(20);
    settings.runtime_dir = dir.join("run");
    settings.state_dir = dir.join("state");
    settings
}

/// Shortest time between two exchanges: what is sent together (the raise before a verb, the goodbye) is one.
fn shortest_gap(records: &[Record]) -> Duration {
    let paced: Vec<&Record> =
        records.iter().filter(|record| ![SET_PRIVILEGE, CLOSE].contains(&record.command)).collect();
    paced.windows(2).map(|pair| pair[1].at - pair[0].at).min().expect("more than one exchange")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_share_one_login_and_one_pace() {
    let dir = tempfile::tempdir().expect("a directory");
    let (fleet, spec) = fleet(2);
    let settings = settings(dir.path(), &fleet, &spec);
    let mut one = Front::start(settings.clone(), true).await;
    let on = |front: &Front| ["s1", "s2"].iter().all(|name| front.node(name).seen.value == Power::On);
    one.until("one sees all", on).await;
    let mut two = Front::start(settings, true).await;
    two.until("two sees all", on).await;
    let polls = |name: &str| fleet.bmc(name).expect("it is there").stats().polls;
    let before = [polls("s1"), polls("s2")];
    let goal = [before[0] + 4, before[1] + 4];
    two.until("four more polls of each", |_| polls("s1") >= goal[0] && polls("s2") >= goal[1]).await;
    for bmc in fleet.bmcs() {
        assert_eq!(bmc.stats().logins, 1, "{}: only the one that polls logs in", bmc.name());
    }
    // A verb of the one that does not poll logs in for its exchanges, and leaves nothing open.
    let result = two.verb(Verb::Power(PowerVerb::Off), "s1").await;
    assert_eq!(result.outcome, Outcome::Confirmed);
    one.until("the other sees it too", |front| front.node("s1").seen.value == Power::Off).await;
    let s1 = fleet.bmc("s1").expect("it is there");
    assert!(s1.stats().logins > 1 && s1.with(|bmc, _| bmc.sessions()) <= 2);
    one.hub.stop().await;
    two.hub.stop().await;
    for bmc in fleet.bmcs() {
        let records = bmc.records();
        assert!(shortest_gap(&records) >= INTERVAL, "{}: {:?}", bmc.name(), shortest_gap(&records));
        assert_eq!(bmc.with(|bmc, _| bmc.sessions()), 0, "every login was closed");
    }
    let offs = s1.records().iter().filter(|record| record.command == CHASSIS_CONTROL).count();
    assert_eq!(offs, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_one_that_polls_dies_and_the_other_takes_over_before_readings_are_stale() {
    let dir = tempfile::tempdir().expect("a directory");
    let (fleet, spec) = fleet(1);
    let settings = settings(dir.path(), &fleet, &spec);
    let mut one = Front::start(settings.clone(), true).await;
    one.until("one sees it", |front| front.node("s1").seen.value == Power::On).await;
    let mut two = Front::start(settings, true).await;
    two.until("two takes the reading", |front| front.node("s1").seen.value == Power::On).await;
    let bmc = fleet.bmc("s1").expect("it is there");
    assert_eq!(bmc.stats().logins, 1);
    one.hub.stop().await;
    two.until("two polls by itself", |_| bmc.stats().logins == 2).await;
    two.until("and goes on", |front| {
        assert_ne!(front.node("s1").seen.freshness, lightsout::fleet::Freshness::Stale);
        bmc.records().iter().filter(|record| record.command == CHASSIS_STATUS).count() >= 4
    })
    .await;
    assert_eq!(bmc.stats().logins, 2, "in one login");
    two.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cycle_is_confirmed_by_its_off_phase_and_by_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let (fleet, spec) = fleet(1);
    let mut front = Front::start(settings(dir.path(), &fleet, &spec), false).await;
    let bmc = fleet.bmc("s1").expect("it is there");
    bmc.faults(|faults| faults.ignore_verbs = true);
    let result = front.verb(Verb::Power(PowerVerb::Cycle), "s1").await;
    assert!(matches!(&result.outcome, Outcome::Unseen { .. }), "it did nothing: {result:?}");
    bmc.faults(|faults| faults.ignore_verbs = false);
    // It stays off until it has been seen.
    bmc.machine(|machine, now| machine.hold_off(now, true));
    let cycle = front.ask(Verb::Power(PowerVerb::Cycle), &["s1"]);
    front
        .until("it is seen off", |front| {
            let node = front.node("s1");
            node.seen.value == Power::Off
                && node.pending.is_some_and(|pending| pending.phase == Phase::Observing)
        })
        .await;
    bmc.machine(|machine, now| machine.hold_off(now, false));
    assert_eq!(front.results(cycle, 1).await[0].outcome, Outcome::Confirmed);
    front.hub.stop().await;
    let cycles = bmc.records().iter().filter(|record| record.command == CHASSIS_CONTROL).count();
    assert_eq!(cycles, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_not_to_be_kept_is_closed_after_each_poll() {
    let dir = tempfile::tempdir().expect("a directory");
    let (fleet, spec) = fleet(1);
    let mut settings = settings(dir.path(), &fleet, &spec);
    settings.nodes[0].bmc.as_mut().expect("a BMC").keep_login = false;
    let mut front = Front::start(settings, true).await;
    let bmc = fleet.bmc("s1").expect("it is there");
    front.until("two polls", |_| bmc.stats().polls == 2 && bmc.stats().closed == 2).await;
    assert_eq!(bmc.stats().logins, 2);
    front.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_does_not_wait_for_a_bmc_that_is_silent() {
    let dir = tempfile::tempdir().expect("a directory");
    let (fleet, spec) = fleet(1);
    let bmc = fleet.bmc("s1").expect("it is there");
    bmc.faults(|faults| faults.silent = true);
    let front = Front::start(settings(dir.path(), &fleet, &spec), true).await;
    while bmc.stats().received == 0 {
        tokio::task::yield_now().await;
    }
    let began = std::time::Instant::now();
    front.hub.stop().await;
    // A login is given up after 5.5 s, an exchange waited for during 5 s.
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
