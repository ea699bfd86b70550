//! Driver `ipmi` against simulated BMCs: its logins, its datagrams, what it says of every fault. Time is paused, so
//! that waiting costs nothing: all of it is one thread, and loopback delivers at once.

mod faults;
mod sol;

use std::{
    net::{IpAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use lightsout::{
    bmc::{
        Bmc, DriverContext, Exchange, Reply, SuiteMemory,
        ipmi::{self, NetworkCounters},
        open,
    },
    config::{BmcSettings, Privilege, Secret},
    fleet::{BmcReset, BootDevice, BootSetting, FaultClass, Power},
    sim::{Fleet, FleetSpec, SimBmc},
};
use tokio::time::{Instant, advance, interval, timeout};

use super::{BOTH, credentials, lab, opened, settings_of};
use crate::support::relay::Relay;

/// A simulated fleet and what reaches it.
struct Bench {
    fleet: Fleet,
    context: DriverContext,
}

impl Bench {
    fn new(count: usize) -> Self {
        Self::of(count, FleetSpec::default())
    }

    fn of(count: usize, spec: FleetSpec) -> Self {
        let names = (0..count).map(|number| format!("n{number}")).collect();
        let spec = FleetSpec { names, record: true, outage: Duration::from_secs(3), ..spec };
        Self {
            fleet: Fleet::start(&spec).expect("free ports"),
            context: DriverContext {
                ipmitool: "/nonexistent/ipmitool".into(),
                private_dir: "/nonexistent".into(),
                limit: Duration::from_secs(20),
                network: Arc::default(),
            },
        }
    }

    fn bmc(&self, number: usize) -> &SimBmc {
        &self.fleet.bmcs()[number]
    }

    fn settings(&self, number: usize) -> BmcSettings {
        settings_of_sim(self.bmc(number))
    }

    fn open(&self, settings: &BmcSettings) -> Box<dyn Bmc> {
        open(settings, &self.context, Arc::default()).expect("the driver opens")
    }

    fn driver(&self, number: usize) -> Box<dyn Bmc> {
        self.open(&self.settings(number))
    }

    /// The same with a login that lasts.
    fn keeper(&self, number: usize) -> Box<dyn Bmc> {
        let mut driver = self.driver(number);
        driver.keep_login(true);
        driver
    }

    fn link(&self, number: usize) -> Arc<ipmi::Link> {
        ipmi::link(&self.settings(number), &self.context, Arc::default()).expect("a link")
    }

    fn counters(&self) -> NetworkCounters {
        self.context.network.counters()
    }

    /// How often the BMC got this command.
    fn got(&self, number: usize, command: (u8, u8)) -> usize {
        self.bmc(number).records().iter().filter(|record| record.command == command).count()
    }
}

fn settings_of_sim(bmc: &SimBmc) -> BmcSettings {
    super::settings_at("ipmi", bmc.address().ip().to_string(), bmc.address().port())
}

/// Waits until a BMC is as `condition` wants it, for ten simulated minutes at most.
async fn until(bmc: &SimBmc, what: &str, condition: impl Fn(&SimBmc) -> bool) {
    let mut look = interval(Duration::from_millis(10));
    let met = async {
        while !condition(bmc) {
            look.tick().await;
        }
    };
    assert!(timeout(Duration::from_secs(600), met).await.is_ok(), "never: {what}");
}

/// Waits until a goodbye, which nobody waits for, has reached the BMC.
async fn left(bmc: &SimBmc) {
    until(bmc, "no session is left", |bmc| bmc.with(|bmc, _| bmc.sessions()) == 0).await;
}

const RAISE: (u8, u8) = (0x06, 0x3b);
const CONTROL: (u8, u8) = (0x00, 0x02);
const IDENTITY: (u8, u8) = (0x06, 0x01);

fn power(reply: Result<Reply, lightsout::bmc::BmcError>) -> Power {
    match reply.expect("it answers") {
        Reply::Power(power, None) => power,
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn one_login_serves_polls_and_verbs_and_a_poll_is_two_datagrams() {
    let bench = Bench::new(1);
    let mut driver = bench.keeper(0);
    power(driver.exchange(&Exchange::Power).await);
    let before = bench.counters();
    for _ in 0..100 {
        power(driver.exchange(&Exchange::Power).await);
    }
    let after = bench.counters();
    assert_eq!((after.sent - before.sent, after.received - before.received), (100, 100));
    assert_eq!(bench.got(0, RAISE), 0, "a poll needs no more than a user");
    for exchange in [Exchange::On, Exchange::Off, Exchange::On] {
        assert_eq!(driver.exchange(&exchange).await, Ok(Reply::Done));
    }
    assert_eq!((bench.got(0, RAISE), bench.got(0, IDENTITY)), (1, 0), "raised once, and asked nothing else");
    let stats = bench.bmc(0).stats();
    assert_eq!((stats.logins, stats.most_sessions, stats.closed), (1, 1, 0));
}

#[tokio::test]
async fn the_bmcs_of_others_count_one_login_and_two_datagrams_a_poll() {
    let lab = lab(1, 1);
    for name in ["r1n01", "p1n01"] {
        let node = lab.node(name);
        let (count, counted) = std::sync::mpsc::channel();
        let relay = Relay::with(&node, move |way, _| {
            count.send(way).expect("the test listens");
            true
        });
        let mut settings = settings_of("ipmi", &node);
        (settings.address, settings.port) = (Some("127.0.0.1".into()), relay.port());
        let mut bmc = opened(&settings);
        bmc.driver.keep_login(true);
        power(bmc.driver.exchange(&Exchange::Power).await);
        counted.try_iter().count();
        for _ in 0..50 {
            power(bmc.driver.exchange(&Exchange::Power).await);
        }
        assert_eq!(counted.try_iter().count(), 100, "{name}");
        assert_eq!(node.logins().len(), 1, "{name}");
        bmc.driver.close().await;
        assert_eq!(counted.try_iter().count(), 2, "{name}: close and its answer");
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_not_kept_is_closed_after_the_exchange() {
    let bench = Bench::new(1);
    let mut driver = bench.driver(0);
    for round in 1..=3 {
        power(driver.exchange(&Exchange::Power).await);
        left(bench.bmc(0)).await;
        let stats = bench.bmc(0).stats();
        assert_eq!((stats.logins, stats.closed, stats.most_sessions), (round, round, 1));
    }
    // The five commands of one exchange are one login.
    let setting = BootSetting { device: Some(BootDevice::Pxe), persistent: false, uefi: true };
    assert_eq!(driver.exchange(&Exchange::BootSet(setting)).await, Ok(Reply::Done));
    left(bench.bmc(0)).await;
    assert_eq!((bench.bmc(0).stats().logins, bench.bmc(0).stats().closed), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn an_idle_login_is_closed_before_the_bmc_does_it() {
    let bench = Bench::new(1);
    let mut driver = bench.keeper(0);
    for _ in 0..3 {
        power(driver.exchange(&Exchange::Power).await);
        advance(Duration::from_secs(40)).await;
    }
    power(driver.exchange(&Exchange::Power).await);
    assert_eq!((bench.bmc(0).stats().logins, bench.bmc(0).stats().closed), (1, 0));
    let used = Instant::now();
    until(bench.bmc(0), "the idle login is closed", |bmc| bmc.stats().closed == 1).await;
    let idle = used.elapsed();
    assert!(idle > Duration::from_secs(40) && idle < Duration::from_secs(47), "{idle:?}");
    power(driver.exchange(&Exchange::Power).await);
    assert_eq!(bench.bmc(0).stats().logins, 2, "and opened again when it is needed");
}

#[tokio::test(start_paused = true)]
async fn close_and_drop_free_the_bmcs_slot() {
    let bench = Bench::new(2);
    let mut closed = bench.keeper(0);
    power(closed.exchange(&Exchange::Power).await);
    closed.close().await;
    assert_eq!(bench.bmc(0).with(|bmc, _| bmc.sessions()), 0);
    let mut dropped = bench.keeper(1);
    power(dropped.exchange(&Exchange::Power).await);
    assert_eq!(bench.bmc(1).with(|bmc, _| bmc.sessions()), 1);
    drop(dropped);
    left(bench.bmc(1)).await;
    assert_eq!(bench.bmc(1).stats().closed, 1);
    // A BMC that has gone does not hold up the end.
    let mut gone = bench.keeper(0);
    power(gone.exchange(&Exchange::Power).await);
    bench.bmc(0).faults(|faults| faults.silent = true);
    let began = Instant::now();
    gone.close().await;
    assert!(began.elapsed() <= Duration::from_millis(1100), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn all_that_speak_with_a_bmc_share_its_login() {
    let bench = Bench::new(1);
    let (mut first, mut second) = (bench.keeper(0), bench.keeper(0));
    let (one, other) = tokio::join!(first.exchange(&Exchange::Power), second.exchange(&Exchange::Power));
    assert_eq!(power(one), power(other));
    assert_eq!((bench.bmc(0).stats().logins, bench.bmc(0).stats().most_sessions), (1, 1));
    drop(first);
    power(second.exchange(&Exchange::Power).await);
    assert_eq!((bench.bmc(0).stats().logins, bench.bmc(0).stats().closed), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_exchange_leaves_the_login_usable() {
    let bench = Bench::new(1);
    let mut driver = bench.keeper(0);
    power(driver.exchange(&Exchange::Power).await);
    bench.bmc(0).faults(|faults| faults.silent = true);
    let given_up = tokio::time::timeout(Duration::from_millis(700), driver.exchange(&Exchange::Off)).await;
    assert!(given_up.is_err());
    bench.bmc(0).faults(|faults| faults.silent = false);
    power(driver.exchange(&Exchange::Power).await);
    assert_eq!(bench.bmc(0).stats().most_sessions, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_the_bmc_ends_the_login() {
    let bench = Bench::new(1);
    let mut driver = bench.keeper(0);
    power(driver.exchange(&Exchange::Power).await);
    assert_eq!(driver.exchange(&Exchange::ResetBmc(BmcReset::Cold)).await, Ok(Reply::Done));
    assert_eq!(bench.got(0, (0x06, 0x02)), 1);
    advance(Duration::from_secs(5)).await;
    power(driver.exchange(&Exchange::Power).await);
    assert_eq!(bench.bmc(0).stats().logins, 2);
}

#[tokio::test(start_paused = true)]
async fn names_both_families_and_keys_of_any_bytes_work() {
    // The name's first address may be the other family's, where nothing listens.
    let bench = Bench::new(1);
    let settings = BmcSettings { address: Some("localhost".into()), ..bench.settings(0) };
    power(bench.open(&settings).exchange(&Exchange::Power).await);

    let six =
        Bench::of(1, FleetSpec { address: IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), ..FleetSpec::default() });
    power(six.driver(0).exchange(&Exchange::Power).await);

    let kg = vec![0x00, 0xff, 0x0a, 0x80, 0x01];
    let keyed = Bench::of(1, FleetSpec { kg: Some(kg.clone()), ..FleetSpec::default() });
    let mut settings = BmcSettings { kg: Some(Secret::new(kg)), ..keyed.settings(0) };
    power(keyed.open(&settings).exchange(&Exchange::Power).await);
    settings.kg = Some(Secret::new(b"another".to_vec()));
    let error = keyed.open(&settings).exchange(&Exchange::Power).await.expect_err("another key");
    assert!(error.refused_login(), "{error}");
    assert!(error.reason.contains("the BMC key (Kg) is wrong or missing"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn quirks_are_those_of_the_device_or_those_configured() {
    let bench = Bench::new(1);
    let row = |reply: Reply, label: &str| {
        let Reply::Info(rows) = reply else { unreachable!("{reply:?}") };
        rows.into_iter().find(|row| row.0 == label).map(|row| row.1)
    };
    let mut driver = bench.keeper(0);
    let info = driver.exchange(&Exchange::Info).await.expect("an identity");
    assert_eq!(row(info.clone(), "Quirks").as_deref(), Some("none"));
    assert_eq!(row(info, "Cipher Suite").as_deref(), Some("17"));
    driver.exchange(&Exchange::Info).await.expect("an identity");
    assert_eq!(bench.got(0, IDENTITY), 3, "asked once more than shown, for the quirks");
    let disk =
        Exchange::BootSet(BootSetting { device: Some(BootDevice::Disk), persistent: false, uefi: true });
    let sent = |bench: &Bench| {
        let records = bench.bmc(0).records();
        records.iter().rev().find(|record| record.data.first() == Some(&5)).map(|record| record.data[2])
    };
    driver.exchange(&disk).await.expect("set");
    assert_eq!(sent(&bench), Some(0x08));
    drop(driver);
    let named = BmcSettings { quirks: Some(vec!["efi-disk-24".into()]), ..bench.settings(0) };
    let mut driver = bench.open(&named);
    let info = driver.exchange(&Exchange::Info).await.expect("an identity");
    assert_eq!(row(info, "Quirks").as_deref(), Some("efi-disk-24"));
    driver.exchange(&disk).await.expect("set");
    assert_eq!(sent(&bench), Some(0x24));
}

#[test]
fn what_is_sent_is_described_in_one_line_without_secrets() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let bench = Bench::new(1);
        let driver = bench.driver(0);
        let port = bench.settings(0).port;
        let said = driver.describe(&Exchange::Off);
        assert_eq!(said, format!("ipmi admin@127.0.0.1:{port} chassis control: power off (00 02 00)"));
        let said = driver.describe(&Exchange::Raw([&[6, 0x47, 2, 2][..], b"hunter2"].concat()));
        assert!(said.ends_with("raw (06 47 and 9 bytes not shown)"), "{said}");
        let error = driver.cannot(&Exchange::Resume).expect("no such thing");
        assert_eq!((error.class, error.not_sent), (FaultClass::Unsupported, true));
    });
}

#[test]
fn a_suite_that_the_driver_does_not_have_is_refused_when_it_is_opened() {
    let context = DriverContext {
        ipmitool: "/nonexistent/ipmitool".into(),
        private_dir: "/nonexistent".into(),
        limit: Duration::from_secs(20),
        network: Arc::default(),
    };
    let mut settings = BmcSettings {
        driver: "ipmi".into(),
        address: Some("127.0.0.1".into()),
        port: 1,
        credentials: credentials("admin", "secret"),
        privilege: Privilege::Administrator,
        cipher_suites: vec![3, 0],
        kg: None,
        quirks: None,
        keep_login: true,
        qmp: None,
        start: None,
    };
    let refused = |settings: &BmcSettings| {
        open(settings, &context, Arc::new(SuiteMemory::default())).err().expect("refused").reason
    };
    assert_eq!(refused(&settings), "the driver ipmi has the cipher suites 3 and 17, not 0");
    settings.cipher_suites = vec![3];
    settings.credentials = credentials("admin", "123456789012345678901");
    assert_eq!(refused(&settings), "the password is longer than the 20 bytes of IPMI 2.0");
}
