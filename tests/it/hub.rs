//! The hub on real BMCs: states, verbs, pace between two hubs, faults; ipmitool and the BMCs' own
//! records are the witnesses.

mod consoles;
mod freeing;
mod native;

use crate::support::lab::{Lab, LabOptions};
use lightsout::bmc::driver_names;
use lightsout::config::{LoadOptions, Settings, load};
use lightsout::fleet::{
    BmcReset, BootDevice, BootSetting, FaultClass, Freshness, NodeId, Power, PowerVerb, SessionStatus, Verb,
};
use lightsout::hub::message::{
    ConsoleId, Level, NodeStatus, Outcome, PollReason, Request, RequestId, Update, VerbResult,
};
use lightsout::hub::{Hub, HubHandle, HubOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The pace of these tests.
const INTERVAL: Duration = Duration::from_millis(1500);
const LONG: Duration = Duration::from_secs(60);

fn settings(lab: &Lab) -> Settings {
    let drivers = driver_names();
    let mut options = LoadOptions::new(&drivers, &["sol", "unix"], &["default"]);
    options.path = Some(lab.config());
    let mut settings = load(&options).expect("the lab's configuration is right").settings;
    settings.poll.interval = Duration::from_secs(4);
    settings.poll.min_command_interval = INTERVAL;
    settings.power.timeout = Duration::from_secs(20);
    settings.runtime_dir = lab.dir().join("hub-run");
    settings.state_dir = lab.dir().join("hub-state");
    settings.log_dir = lab.dir().join("hub-state/consoles");
    settings
}

/// The same through ipmitool: every exchange is a login, which the recorder sees.
fn settings_of_tool(lab: &Lab) -> Settings {
    let mut settings = settings(lab);
    for bmc in settings.nodes.iter_mut().filter_map(|node| node.bmc.as_mut()) {
        bmc.driver = "ipmitool".into();
    }
    settings
}

/// A front end that remembers what it was told.
struct Front {
    hub: Hub,
    handle: HubHandle,
    names: Vec<String>,
    nodes: BTreeMap<NodeId, NodeStatus>,
    done: Vec<VerbResult>,
    notices: Vec<(Level, String)>,
    consoles: BTreeMap<ConsoleId, SessionStatus>,
    answers: Vec<Update>,
    next: u64,
}

impl Front {
    async fn start(settings: Settings, poll: bool) -> Front {
        let names = settings.nodes.iter().map(|node| node.name.clone()).collect();
        let options = HubOptions { poll, read_only: false, operator: "tester".into() };
        let (hub, handle) = Hub::start(Arc::new(settings), options).await.expect("the hub starts");
        Front {
            hub,
            handle,
            names,
            nodes: BTreeMap::new(),
            done: Vec::new(),
            notices: Vec::new(),
            consoles: BTreeMap::new(),
            answers: Vec::new(),
            next: 0,
        }
    }

    fn id(&self, name: &str) -> NodeId {
        let index = self.names.iter().position(|other| other == name).expect("a node of the lab");
        NodeId(u32::try_from(index).expect("few nodes"))
    }

    fn node(&self, name: &str) -> NodeStatus {
        let id = self.id(name);
        self.nodes.get(&id).cloned().unwrap_or_else(|| NodeStatus::unknown(id))
    }

    async fn until(&mut self, what: &str, reached: impl Fn(&Front) -> bool) {
        let end = tokio::time::Instant::now() + LONG;
        while !reached(self) {
            let updates = tokio::time::timeout_at(end, self.handle.updates()).await;
            assert!(updates.is_ok(), "not within {LONG:?}: {what}; {:?} {:?}", self.nodes, self.consoles);
            for update in updates.expect("checked").expect("the hub lives") {
                match update {
                    Update::Node(status) => {
                        self.nodes.insert(status.node, *status);
                    }
                    Update::Done(result) => self.done.push(*result),
                    Update::Notice { level, text, .. } => self.notices.push((level, text)),
                    Update::Console(id, status) => {
                        self.consoles.insert(id, *status);
                    }
                    answer => self.answers.push(answer),
                }
            }
        }
    }

    fn ask(&mut self, verb: Verb, names: &[&str]) -> RequestId {
        self.next += 1;
        let id = RequestId(self.next);
        let request = Request::Verb {
            id,
            verb,
            nodes: names.iter().map(|name| self.id(name)).collect(),
            timeout: None,
            wait: true,
        };
        self.handle.try_send(request).expect("room for a request");
        id
    }

    async fn results(&mut self, id: RequestId, count: usize) -> Vec<VerbResult> {
        let of = move |front: &Front| front.done.iter().filter(|done| done.id == id).count();
        self.until("all results", |front| of(front) == count).await;
        self.done.iter().filter(|done| done.id == id).cloned().collect()
    }

    async fn verb(&mut self, verb: Verb, name: &str) -> VerbResult {
        let id = self.ask(verb, &[name]);
        self.results(id, 1).await.remove(0)
    }
}

fn lab(sims: usize, pyghmi: usize, more: &'static [&'static str]) -> Lab {
    Lab::up(&LabOptions { sims, pyghmi, more, ..LabOptions::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn off_is_confirmed_and_ipmitool_agrees() {
    let lab = lab(2, 0, &["--power", "on"]);
    lab.node("r1n01").lag(2.0);
    let mut front = Front::start(settings(&lab), true).await;
    front
        .until("both are seen on", |front| {
            ["r1n01", "r1n02"].iter().all(|name| front.node(name).seen.value == Power::On)
        })
        .await;
    let result = front.verb(Verb::Power(PowerVerb::Off), "r1n01").await;
    assert_eq!((result.outcome, result.power), (Outcome::Confirmed, Power::Off));
    let said = lab.ipmitool("r1n01", &["power", "status"]).stdout;
    assert_eq!(said, "Chassis Power is off");
    assert_eq!(front.node("r1n02").seen.value, Power::On);
    assert_eq!(front.verb(Verb::Power(PowerVerb::Off), "r1n01").await.outcome, Outcome::Already);
    let offs = lab.node("r1n01").commands().iter().filter(|line| line.contains("set power 0")).count();
    assert_eq!(offs, 1, "{:?}", lab.node("r1n01").commands());
    front.hub.stop().await;
    let trail = std::fs::read_to_string(lab.dir().join("hub-state/audit.jsonl")).expect("a trail");
    assert!(trail.contains("\"result\":\"confirmed\"") && !trail.contains("secret"), "{trail}");
    let left = std::fs::read_dir(lab.dir().join("hub-run")).expect("there").count();
    assert_eq!(left, 1, "only the shared file stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accepted_verb_without_effect_is_not_confirmed() {
    let lab = lab(1, 0, &["--power", "on"]);
    lab.node("r1n01").ignore("power");
    let mut settings = settings(&lab);
    settings.power.timeout = Duration::from_secs(4);
    let mut front = Front::start(settings, false).await;
    let result = front.verb(Verb::Power(PowerVerb::Off), "r1n01").await;
    assert!(matches!(&result.outcome, Outcome::NotConfirmed { .. }), "{:?}", result.outcome);
    assert_eq!(result.power, Power::On);
    front.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cycle_without_an_off_phase_is_not_confirmed() {
    let lab = lab(0, 1, &["--power", "on"]);
    let node = lab.node("p1n01");
    node.ignore("power");
    let mut front = Front::start(settings(&lab), false).await;
    let result = front.verb(Verb::Power(PowerVerb::Cycle), "p1n01").await;
    assert!(matches!(&result.outcome, Outcome::Unseen { .. }), "it did nothing: {result:?}");
    assert_eq!(result.power, Power::On);
    front.hub.stop().await;
    let cycles = node.commands().iter().filter(|line| line.ends_with("0x00 0x02 02")).count();
    assert_eq!(cycles, 1, "{:?}", node.commands());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_with_verbs_keep_one_pace_by_the_packets() {
    let lab = lab(3, 0, &["--power", "on"]);
    let mut one = Front::start(settings_of_tool(&lab), true).await;
    let mut two = Front::start(settings_of_tool(&lab), true).await;
    let everybody = ["r1n01", "r1n02", "r1n03"];
    let seen = |front: &Front| everybody.iter().all(|name| front.node(name).seen.value == Power::On);
    one.until("one sees all", seen).await;
    two.until("two sees all", seen).await;
    let cycle = one.ask(Verb::Power(PowerVerb::Off), &["r1n01", "r1n02"]);
    let info = two.ask(Verb::Info, &everybody);
    let boot = two.ask(
        Verb::BootSet(BootSetting { device: Some(BootDevice::Pxe), persistent: false, uefi: false }),
        &["r1n03"],
    );
    for request in [&everybody[..1], &everybody[1..]] {
        let nodes = request.iter().map(|name| one.id(name)).collect();
        one.handle.try_send(Request::Poll { nodes }).expect("room");
    }
    let results = one.results(cycle, 2).await;
    assert!(results.iter().all(|done| done.outcome == Outcome::Confirmed), "{results:?}");
    let results = two.results(info, 3).await;
    assert!(results.iter().all(|done| matches!(done.outcome, Outcome::Info(_))), "{results:?}");
    // ipmi_sim keeps the device and never marks it as valid: firmware would not look at it.
    let results = two.results(boot, 1).await;
    let lost = |outcome: &Outcome| matches!(outcome, Outcome::Failed(fault) if fault.reason.contains("reads back none"));
    assert!(lost(&results[0].outcome), "{results:?}");
    assert_eq!(lab.node("r1n03").boot(), "pxe");
    one.hub.stop().await;
    two.hub.stop().await;
    for name in everybody {
        let node = lab.node(name);
        assert!(node.logins().len() >= 3, "{:?}", node.logins());
        let gap = node.smallest_login_gap();
        assert!(gap >= INTERVAL.as_secs_f64(), "{name}: {gap} s between two logins: {:?}", node.logins());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_from_a_dead_bmc_and_not_tried_again() {
    let lab = lab(2, 0, &["--power", "on"]);
    let mut settings = settings(&lab);
    settings.poll.interval = Duration::from_secs(2);
    lab.kill("r1n02");
    let bmc = settings.nodes[0].bmc.as_mut().expect("a BMC");
    let mut wrong = (**bmc.credentials.as_ref().expect("credentials")).clone();
    wrong.password = lightsout::config::Secret::new(b"wrong".to_vec());
    bmc.credentials = Some(Arc::new(wrong));
    let before = lab.node("r1n01").login_attempts();
    let mut front = Front::start(settings, true).await;
    front
        .until("one is final, the other backs off", |front| {
            front.node("r1n01").why == PollReason::AuthFinal
                && matches!(front.node("r1n02").why, PollReason::BackOff { failures: 2.. })
        })
        .await;
    let class = |front: &Front, name: &str| match front.node(name).seen.freshness {
        Freshness::Failed(fault) => Some(fault.class),
        _ => None,
    };
    assert_eq!(class(&front, "r1n01"), Some(FaultClass::Auth));
    assert_eq!(class(&front, "r1n02"), Some(FaultClass::Unreachable));
    assert_eq!(front.node("r1n01").next_poll, None);
    // The dead one has been polled several times meanwhile.
    assert_eq!(lab.node("r1n01").login_attempts() - before, 1, "a lock-out is not provoked");
    lab.start("r1n02");
    let nodes = vec![front.id("r1n02")];
    front.handle.try_send(Request::Poll { nodes }).expect("room");
    front.until("the dead one is back", |front| front.node("r1n02").seen.value == Power::On).await;
    front.hub.stop().await;
    assert_eq!(lab.node("r1n01").login_attempts() - before, 1);
    assert!(lab.node("r1n02").login_attempts() > 0, "attempts are counted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boot_device_and_bmc_reset_are_agreed_by_the_bmc() {
    let lab = lab(1, 1, &["--power", "on", "--outage", "12"]);
    let mut front = Front::start(settings(&lab), true).await;
    let wanted = BootSetting { device: Some(BootDevice::Pxe), persistent: true, uefi: true };
    let result = front.verb(Verb::BootSet(wanted), "p1n01").await;
    assert_eq!(result.outcome, Outcome::Boot(wanted));
    assert!(lab.node("p1n01").boot().starts_with("e004"), "{}", lab.node("p1n01").boot());
    // ipmi_sim keeps a device only: what is lost is said.
    let result = front.verb(Verb::BootSet(wanted), "r1n01").await;
    let Outcome::Failed(fault) = &result.outcome else { panic!("{result:?}") };
    assert_eq!(fault.class, FaultClass::Rejected);
    assert!(fault.reason.contains("persistent"), "{fault:?}");
    let result = front.verb(Verb::ResetBmc(BmcReset::Cold), "p1n01").await;
    assert_eq!(result.outcome, Outcome::Accepted);
    front.until("it is being reset", |front| front.node("p1n01").resetting.is_some()).await;
    front
        .until("it is back", |front| {
            let node = front.node("p1n01");
            node.resetting.is_none() && node.seen.value == Power::On
        })
        .await;
    front.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_directory_that_cannot_be_written_is_said_and_stops_nothing() {
    let lab = lab(1, 0, &["--power", "on"]);
    let mut settings = settings(&lab);
    // Nobody can create anything there, not even root.
    settings.state_dir = "/proc/lightsout".into();
    let mut front = Front::start(settings, false).await;
    let result = front.verb(Verb::Power(PowerVerb::Off), "r1n01").await;
    assert_eq!(result.outcome, Outcome::Confirmed);
    let told = |(level, text): &&(Level, String)| *level == Level::Error && text.contains("audit trail");
    assert_eq!(front.notices.iter().filter(told).count(), 1, "{:?}", front.notices);
    front.hub.stop().await;
}
