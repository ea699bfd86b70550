//! SOL on the driver's own login.

use super::*;
use lightsout::bmc::ipmi::{SolChannel, SolFault, SolOver};
use lightsout::ipmi::client::SolLoss;

/// Get Payload Instance Info, the keepalive of an idle console.
const OWNER: (u8, u8) = (0x06, 0x4b);

/// Reads until `wanted` is among what was read.
async fn read_until(sol: &mut SolChannel, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let piece = tokio::time::timeout(Duration::from_secs(600), sol.reader.recv()).await;
        let piece = piece.map_err(|_| format!("no \"{wanted}\" in {text:?}"));
        let piece = piece.expect("in time").expect("it is open");
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    text
}

#[tokio::test(start_paused = true)]
async fn a_console_shares_the_login_with_polls_and_verbs() {
    let bench = Bench::of(1, FleetSpec { on: 100, ..FleetSpec::default() });
    let mut driver = bench.keeper(0);
    power(driver.exchange(&Exchange::Power).await);
    let mut sol = bench.link(0).open_sol().await.expect("free");
    sol.writer.send(b"\r".to_vec()).await.expect("open");
    read_until(&mut sol, "login:").await;
    for round in 1..=5 {
        power(driver.exchange(&Exchange::Power).await);
        until(bench.bmc(0), "keepalives between the polls", |_| bench.got(0, OWNER) >= 5 * round).await;
    }
    sol.writer.send(b"root\r".to_vec()).await.expect("open");
    read_until(&mut sol, "root").await;
    let stats = bench.bmc(0).stats();
    assert_eq!((stats.logins, stats.most_sessions), (1, 1));
    // Closing the driver's login does not take the console's away.
    driver.close().await;
    assert!(bench.bmc(0).with(|bmc, _| bmc.sol_active()));
    sol.close().await;
    assert!(!bench.bmc(0).with(|bmc, _| bmc.sol_active()), "freed");
    // And nothing keeps the login.
    left(bench.bmc(0)).await;
}

#[tokio::test(start_paused = true)]
async fn an_active_sol_is_not_taken_and_a_stolen_one_is_not_taken_back() {
    let bench = Bench::of(1, FleetSpec { on: 100, ..FleetSpec::default() });
    let other =
        Bench { context: DriverContext { network: Arc::default(), ..bench.context.clone() }, ..bench };
    let holder = ipmi::link(&other.settings(0), &other.context, Arc::default()).expect("a link");
    let mut held = holder.open_sol().await.expect("free");
    let second = DriverContext { network: Arc::default(), ..other.context.clone() };
    let late = ipmi::link(&other.settings(0), &second, Arc::default()).expect("a link");
    assert!(matches!(late.open_sol().await, Err(SolFault::Busy(_))));
    assert!(other.bmc(0).with(|bmc, _| bmc.sol_active()));

    let began = Instant::now();
    other.bmc(0).with(|bmc, _| bmc.steal_sol());
    let over = held.ended().await;
    assert!(matches!(over, SolOver::Lost(SolLoss::Stolen(_) | SolLoss::Deactivated)), "{over:?}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(other.got(0, (0x06, 0x48)), 2, "asked for once by each, not again");
}

#[tokio::test(start_paused = true)]
async fn a_console_is_taken_also_where_no_login_may_stay_open() {
    let bench = Bench::of(1, FleetSpec { on: 100, ..FleetSpec::default() });
    let other = DriverContext { network: Arc::default(), ..bench.context.clone() };
    let holder = ipmi::link(&bench.settings(0), &other, Arc::default()).expect("a link");
    let _held = holder.open_sol().await.expect("free");
    // The login of each step is still being closed when the next one begins.
    bench.bmc(0).faults(|faults| faults.delay = Duration::from_millis(100));
    let thief = bench.link(0);
    assert!(matches!(thief.open_sol().await, Err(SolFault::Busy(_))));
    thief.end_sol().await.expect("ended");
    let mut sol = thief.open_sol().await.expect("it is free now");
    sol.writer.send(b"\r".to_vec()).await.expect("open");
    read_until(&mut sol, "login:").await;
}

#[tokio::test(start_paused = true)]
async fn a_bmc_that_dies_under_an_idle_console_is_noticed_within_15_s() {
    let bench = Bench::of(1, FleetSpec { on: 100, ..FleetSpec::default() });
    let mut sol = bench.link(0).open_sol().await.expect("free");
    until(bench.bmc(0), "a long idle time", |_| bench.got(0, OWNER) >= 22).await;
    bench.bmc(0).faults(|faults| faults.silent = true);
    let began = Instant::now();
    assert_eq!(sol.ended().await, SolOver::Lost(SolLoss::Silent));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_console_frees_the_sol() {
    let bench = Bench::of(1, FleetSpec { on: 100, ..FleetSpec::default() });
    let sol = bench.link(0).open_sol().await.expect("free");
    assert!(bench.bmc(0).with(|bmc, _| bmc.sol_active()));
    drop(sol);
    left(bench.bmc(0)).await;
    assert!(!bench.bmc(0).with(|bmc, _| bmc.sol_active()));
    // Freed by us: the BMC had no 60 s to do it.
    assert_eq!(bench.bmc(0).stats().closed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_console_that_cannot_log_in_says_why() {
    let bench = Bench::new(1);
    let settings = BmcSettings { credentials: credentials("admin", "wrong"), ..bench.settings(0) };
    let link = ipmi::link(&settings, &bench.context, Arc::default()).expect("a link");
    let Err(SolFault::Bmc(error)) = link.open_sol().await else { panic!("it opened") };
    assert!(error.refused_login(), "{error}");
}
