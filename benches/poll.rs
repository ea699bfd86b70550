//! What polls cost through the driver `ipmi`: logins, then rounds over all BMCs in sessions that are kept.
//!
//! `benches/compare` runs it beside the other clients. By itself (`cargo bench --bench poll`) it polls simulated
//! BMCs in its own process, whose work is then counted too. Arguments: `BMCS SECONDS SUITE`, a file with a line
//! "address port" for each BMC, and prints one JSON object.

use lightsout::bmc::{self, Bmc, DriverContext, Exchange, Reply};
use lightsout::config::{BmcSettings, Credentials, Privilege, Secret};
use lightsout::sim::{Fleet, FleetSpec};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::json;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// As many at a time as the program's default.
const IN_FLIGHT: usize = 64;

type Drivers = Vec<Vec<Box<dyn Bmc>>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let (bmcs, seconds, suite, _fleet) = match &arguments[..] {
            [file, seconds, suite] => {
                (std::fs::read_to_string(file)?, seconds.parse()?, suite.parse()?, None)
            }
            [] => {
                let fleet = Fleet::start(&FleetSpec {
                    names: (0..500).map(|number| format!("n{number}")).collect(),
                    ..FleetSpec::default()
                })?;
                let line = |bmc: &lightsout::sim::SimBmc| {
                    format!("{} {}\n", bmc.address().ip(), bmc.address().port())
                };
                (fleet.bmcs().iter().map(line).collect(), 3.0, 17, Some(fleet))
            }
            _ => return Err("arguments: BMCS SECONDS SUITE, or none".into()),
        };
        let result = measure(&bmcs, Duration::from_secs_f64(seconds), suite).await?;
        writeln!(std::io::stdout(), "{result}")?;
        Ok(())
    })
}

async fn measure(
    bmcs: &str,
    length: Duration,
    suite: u8,
) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
    let context = DriverContext {
        ipmitool: "/nonexistent".into(),
        private_dir: "/nonexistent".into(),
        limit: Duration::from_secs(20),
        network: Arc::default(),
    };
    let credentials = Arc::new(Credentials {
        name: "bench".into(),
        username: "admin".into(),
        password: Secret::new(b"secret".to_vec()),
    });
    let (began, cpu) = (Instant::now(), cpu_time()?);
    let tasks = IN_FLIGHT.min(bmcs.lines().count());
    let mut drivers: Drivers = std::iter::repeat_with(Vec::new).take(tasks).collect();
    let mut count = 0;
    for line in bmcs.lines() {
        let (address, port) = line.split_once(' ').ok_or("a line of BMCS has an address and a port")?;
        let settings = BmcSettings {
            driver: "ipmi".into(),
            address: Some(address.into()),
            port: port.parse()?,
            credentials: Some(Arc::clone(&credentials)),
            privilege: Privilege::Administrator,
            cipher_suites: vec![suite],
            kg: None,
            quirks: None,
            keep_login: true,
            qmp: None,
            start: None,
        };
        let mut driver = bmc::open(&settings, &context, Arc::default())?;
        driver.keep_login(true);
        drivers[count % tasks].push(driver);
        count += 1;
    }
    let failed = round(&mut drivers).await;
    let first = json!({
        "wall": began.elapsed().as_secs_f64(),
        "cpu": (cpu_time()? - cpu).as_secs_f64(),
        "failed": failed,
        "datagrams": datagrams(&context),
    });
    // Once more, so that what is done once per session is done.
    round(&mut drivers).await;
    let (began, cpu, before) = (Instant::now(), cpu_time()?, datagrams(&context));
    let (mut polls, mut failed) = (0, 0);
    while began.elapsed() < length {
        failed += round(&mut drivers).await;
        polls += count;
    }
    let steady = json!({
        "wall": began.elapsed().as_secs_f64(),
        "cpu": (cpu_time()? - cpu).as_secs_f64(),
        "polls": polls,
        "failed": failed,
        "datagrams": datagrams(&context) - before,
    });
    for driver in drivers.iter_mut().flatten() {
        driver.close().await;
    }
    // With every login closed; to be held against what the kernel counted.
    Ok(json!({ "first": first, "steady": steady, "datagrams": datagrams(&context) }))
}

/// One poll of every BMC; gives how many failed.
async fn round(drivers: &mut Drivers) -> usize {
    let mut tasks = JoinSet::new();
    for mut some in drivers.drain(..) {
        tasks.spawn(async move {
            let mut failed = 0;
            for driver in &mut some {
                let reply = driver.exchange(&Exchange::Power).await;
                failed += usize::from(!matches!(reply, Ok(Reply::Power(..))));
            }
            (some, failed)
        });
    }
    let done = tasks.join_all().await;
    let failed = done.iter().map(|(_, failed)| failed).sum();
    drivers.extend(done.into_iter().map(|(some, _)| some));
    failed
}

fn datagrams(context: &DriverContext) -> u64 {
    let counters = context.network.counters();
    counters.sent + counters.received
}

/// User and system time of this process.
fn cpu_time() -> nix::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}
