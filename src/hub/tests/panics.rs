//! A driver that panics ends its own job and nothing else.

use super::fake::{Bench, secs};
use crate::bmc::Exchange;
use crate::fleet::{FaultClass, PowerVerb, Verb};
use crate::hub::message::{Outcome, VerbResult};
use std::time::Duration;

fn failed_here(result: &VerbResult) -> bool {
    matches!(&result.outcome, Outcome::Failed(fault) if fault.class == FaultClass::Local)
}

/// Waits until the exchange is on its way to the BMC.
async fn sent(bench: &Bench, place: &str, exchange: &Exchange) {
    let on_its_way = async {
        while !bench.world.exchanges(place).contains(exchange) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(secs(600), on_its_way).await.expect("sent");
}

#[tokio::test(start_paused = true)]
async fn off_is_done_when_the_verb_it_takes_over_from_panics() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.latency = secs(8));
    let mut front = bench.start(bench.settings(1), false);
    let soft = front.ask(Verb::Power(PowerVerb::Soft), &[0]);
    sent(&bench, "n0", &Exchange::Soft).await;
    let off = front.ask(Verb::Power(PowerVerb::Off), &[0]);
    bench.world.set("n0", |machine| machine.panics = true);
    let soft = front.results(soft, 1).await.remove(0);
    assert!(failed_here(&soft), "{soft:?}");
    bench.world.set("n0", |machine| machine.panics = false);
    assert_eq!(front.results(off, 1).await[0].outcome, Outcome::Confirmed);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_panics_does_not_end_the_verb_beside_it() {
    let bench = Bench::new();
    bench.world.set("n0", |machine| machine.effect = Some(secs(40)));
    let mut front = bench.start(bench.settings(1), false);
    let off = front.ask(Verb::Power(PowerVerb::Off), &[0]);
    front.observing().await;
    bench.world.set("n0", |machine| machine.panics = true);
    let info = front.verb(Verb::Info, 0).await;
    assert!(failed_here(&info), "{info:?}");
    bench.world.set("n0", |machine| machine.panics = false);
    assert!(front.node(0).pending.is_some(), "still shown");
    let reset = front.power(PowerVerb::Reset, 0).await;
    assert!(matches!(&reset.outcome, Outcome::Refused(why) if why.contains("pending")), "{reset:?}");
    assert_eq!(front.results(off, 1).await[0].outcome, Outcome::Confirmed);
}
