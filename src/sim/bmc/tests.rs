//! A client and a BMC joined without a network, in simulated time: what `ipmi::client` does when things go
//! wrong, and what the BMC says of it.

mod endings;

use super::*;
use crate::ipmi::Quirks;
use crate::ipmi::client::{Client, ClientError, ClientSettings, Event, Reply, SolLoss, SolRefusal};
use crate::ipmi::command::{ChassisControl, ChassisStatus, Command};
use proptest::prelude::*;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes()).expect("short")
}

fn spec() -> BmcSpec {
    BmcSpec {
        name: "n1".into(),
        port: 623,
        users: vec![User {
            name: b"admin".to_vec(),
            password: secret("secret"),
            privilege: Privilege::Administrator,
        }],
        kg: None,
        suites: vec![Suite::Seventeen, Suite::Three],
        sessions: 2,
        outage: secs(30),
        power: true,
        speed: 1.0,
        device: (1, 1),
        record: true,
    }
}

fn client(password: &str) -> Client {
    let settings = ClientSettings {
        user: b"admin".to_vec(),
        password: secret(password),
        kg: None,
        privilege: Privilege::Administrator,
        suites: vec![Suite::Seventeen, Suite::Three],
        quirks: Quirks::default(),
    };
    Client::new(settings, [5; 32])
}

/// Client, BMC and the time.
struct Pair {
    client: Client,
    bmc: Bmc,
    now: Duration,
}

impl Pair {
    fn new() -> Pair {
        Pair { client: client("secret"), bmc: Bmc::new(spec(), [6; 32]), now: secs(100) }
    }

    /// Lets both act until an event comes for which `wanted` holds, `limit` at most.
    fn until(&mut self, limit: Duration, wanted: impl Fn(&Event) -> bool) -> Option<Event> {
        let end = self.now + limit;
        let address: SocketAddr = "127.0.0.1:9".parse().expect("an address");
        loop {
            let mut moved = true;
            while std::mem::take(&mut moved) {
                while let Some(datagram) = self.client.transmit(self.now) {
                    moved = true;
                    self.bmc.datagram(self.now, address, &datagram);
                }
                while let Some((_, datagram)) = self.bmc.transmit(self.now) {
                    moved = true;
                    self.client.datagram(self.now, &datagram);
                }
            }
            while let Some(event) = self.client.event() {
                if wanted(&event) {
                    return Some(event);
                }
            }
            let next = self.client.deadline().into_iter().chain(self.bmc.deadline()).min();
            let next = next.filter(|next| *next <= end)?;
            self.now = next.max(self.now + Duration::from_micros(1));
            self.client.timeout(self.now);
            self.bmc.timeout(self.now);
        }
    }

    /// Time passes on a good network; events stay where they are.
    fn pass(&mut self, time: Duration) {
        let address: SocketAddr = "127.0.0.1:9".parse().expect("an address");
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(100);
            if self.client.deadline().is_some_and(|at| at <= self.now) {
                self.client.timeout(self.now);
            }
            self.bmc.timeout(self.now);
            while let Some(datagram) = self.client.transmit(self.now) {
                self.bmc.datagram(self.now, address, &datagram);
                while let Some((_, datagram)) = self.bmc.transmit(self.now) {
                    self.client.datagram(self.now, &datagram);
                }
            }
        }
    }

    fn request(&mut self, command: Command) -> Result<Reply, ClientError> {
        self.client.request(self.now, command);
        match self.until(secs(40), |event| matches!(event, Event::Reply(_))) {
            Some(Event::Reply(result)) => result,
            other => panic!("a request ends: {other:?}"),
        }
    }

    fn carried_out(&self, command: (u8, u8)) -> usize {
        self.bmc.records().iter().filter(|record| record.command == command).count()
    }
}

const CONTROL: (u8, u8) = (0x00, 0x02);

#[test]
fn a_login_takes_six_datagrams_and_a_poll_two() {
    let mut pair = Pair::new();
    assert_eq!(pair.request(Command::chassis_status()), Ok(Reply { code: 0, data: vec![1, 0, 0x40] }));
    let counted = pair.client.counters();
    assert_eq!((counted.sent, counted.received), (4, 4), "three logins' messages and the poll, each way");
    pair.request(Command::chassis_status()).expect("an answer");
    assert_eq!(pair.client.counters().sent, 5);
    assert_eq!(pair.bmc.stats().logins, 1);
}

#[test]
fn polls_stay_at_the_user_level_and_a_verb_raises_it_once_in_the_same_session() {
    let mut pair = Pair::new();
    pair.request(Command::chassis_status()).expect("an answer");
    assert_eq!(pair.carried_out((0x06, 0x3b)), 0);
    for control in [ChassisControl::Off, ChassisControl::On] {
        assert_eq!(pair.request(Command::chassis_control(control)).map(|reply| reply.code), Ok(0));
    }
    assert_eq!((pair.carried_out((0x06, 0x3b)), pair.bmc.stats().logins), (1, 1));
}

#[test]
fn refused_logins_say_why_and_leave_nothing_open() {
    let mut pair = Pair { client: client("wrong"), ..Pair::new() };
    assert_eq!(pair.request(Command::chassis_status()), Err(ClientError::WrongPassword));
    assert!(pair.bmc.sessions.is_empty(), "not even half a session");
    let mut pair = Pair::new();
    pair.bmc.faults().no_sessions = true;
    assert_eq!(pair.request(Command::chassis_status()), Err(ClientError::NoFreeSession));
    let mut pair = Pair::new();
    pair.bmc.spec.kg = Some(secret("key"));
    assert_eq!(pair.request(Command::chassis_status()), Err(ClientError::WrongKg));
    let mut pair = Pair::new();
    pair.bmc.faults().refuse_suites = vec![17, 3];
    assert_eq!(pair.request(Command::chassis_status()), Err(ClientError::NoSuite));
}

#[test]
fn a_refused_suite_leads_to_the_next_at_once() {
    let mut pair = Pair::new();
    pair.bmc.faults().refuse_suites = vec![17];
    let began = pair.now;
    pair.request(Command::chassis_status()).expect("suite 3 works");
    assert_eq!(pair.client.suite(), Some(Suite::Three));
    assert!(pair.now - began < Duration::from_millis(1));
}

#[test]
fn silence_in_each_step_of_the_login_ends_in_time_and_nothing_was_sent() {
    for (step, least, most) in
        [(LoginStep::OpenSession, 5, 6), (LoginStep::Rakp1, 14, 20), (LoginStep::Rakp3, 14, 20)]
    {
        let mut pair = Pair::new();
        pair.bmc.spec.sessions = 100;
        pair.bmc.faults().silent_in = Some(step);
        let began = pair.now;
        let error = pair.request(Command::chassis_control(ChassisControl::Off)).expect_err("nobody answers");
        assert!(matches!(error, ClientError::NoAnswer { .. }) && error.not_sent(), "{step:?}: {error:?}");
        let took = pair.now - began;
        assert!(took >= secs(least) && took <= secs(most), "{step:?}: {took:?}");
        assert_eq!(pair.carried_out(CONTROL), 0);
    }
}

#[test]
fn a_session_that_the_bmc_dropped_costs_a_poll_a_new_login_and_a_verb_is_never_done_twice() {
    let mut pair = Pair::new();
    pair.request(Command::chassis_status()).expect("an answer");
    pair.bmc.drop_sessions();
    pair.request(Command::chassis_status()).expect("after a new login");
    assert_eq!(pair.bmc.stats().logins, 2);
    pair.now += secs(20);
    pair.bmc.drop_sessions();
    // The session is proved before what must not be done twice is sent in it.
    assert_eq!(pair.request(Command::chassis_control(ChassisControl::Cycle)).map(|reply| reply.code), Ok(0));
    assert_eq!((pair.carried_out(CONTROL), pair.bmc.stats().logins), (1, 3));
}

#[test]
fn a_verb_whose_answer_is_lost_says_that_it_may_have_been_done() {
    let mut pair = Pair::new();
    pair.request(Command::chassis_control(ChassisControl::On)).expect("an answer");
    pair.bmc.faults().silent_in = Some(LoginStep::Session);
    let error = pair.request(Command::chassis_control(ChassisControl::Off)).expect_err("no answer comes");
    assert!(error == ClientError::Lost && !error.not_sent());
}

#[test]
fn a_busy_code_is_the_answer_and_a_duplicate_is_waited_through() {
    let mut pair = Pair::new();
    pair.bmc.faults().codes = vec![(0x00, 0x01, 0xc0)];
    assert_eq!(pair.request(Command::chassis_status()).map(|reply| reply.code), Ok(0xc0));
}

#[test]
fn forged_stale_and_strange_datagrams_are_counted_and_do_nothing() {
    let mut pair = Pair::new();
    pair.request(Command::chassis_status()).expect("an answer");
    let before = pair.client.counters();
    let mut other = Pair { client: client("secret"), ..Pair::new() };
    other.client.request(other.now, Command::chassis_status());
    while let Some(datagram) = other.client.transmit(other.now) {
        pair.client.datagram(pair.now, &datagram);
    }
    for datagram in [&b""[..], b"\x06\x00\xff\x07", &[0xff; 100]] {
        pair.client.datagram(pair.now, datagram);
    }
    let after = pair.client.counters();
    assert_eq!(after.ignored - before.ignored, 4);
    assert_eq!(pair.client.event(), None);
    pair.request(Command::chassis_status()).expect("the session lives on");
}

/// What the locator LED of `pair` is and what a client reads of it.
fn led(pair: &mut Pair) -> (LocatorLed, Option<LocatorLed>) {
    let status = pair.request(Command::chassis_status()).expect("answered");
    (pair.bmc.locator(pair.now), ChassisStatus::decode(&status.data).expect("whole").locator)
}

#[test]
fn a_locator_led_is_lit_for_its_time_or_for_good() {
    let mut pair = Pair::new();
    assert_eq!(led(&mut pair), (LocatorLed::Off, Some(LocatorLed::Off)));
    pair.request(Command::identify(60, false)).expect("taken");
    assert_eq!(led(&mut pair), (LocatorLed::Timed, Some(LocatorLed::Timed)));
    pair.now += secs(61);
    assert_eq!(led(&mut pair).0, LocatorLed::Off, "it goes off by itself");
    pair.request(Command::identify(0, true)).expect("taken");
    pair.now += secs(30);
    assert_eq!(led(&mut pair), (LocatorLed::On, Some(LocatorLed::On)));
    pair.bmc.faults().mute_locator = true;
    assert_eq!(led(&mut pair), (LocatorLed::On, None));
    pair.request(Command::identify(0, false)).expect("taken");
    assert_eq!(pair.bmc.locator(pair.now), LocatorLed::Off);
}

#[test]
fn closing_frees_the_bmc_s_session_and_sol() {
    let mut pair = Pair::new();
    pair.client.activate_sol(pair.now);
    pair.until(secs(5), |event| *event == Event::SolActive).expect("active");
    assert!(pair.bmc.sol_active());
    pair.client.close(pair.now);
    pair.until(secs(5), |event| *event == Event::Closed).expect("closed");
    assert_eq!((pair.bmc.sessions(), pair.bmc.sol_active()), (0, false));
    assert_eq!((pair.bmc.stats().closed, pair.bmc.stats().most_sessions), (1, 1));
}

#[test]
fn a_stolen_sol_is_told_within_15_seconds_and_not_taken_back() {
    let mut pair = Pair::new();
    pair.client.activate_sol(pair.now);
    pair.until(secs(5), |event| *event == Event::SolActive).expect("active");
    pair.until(secs(2), |_| false);
    pair.bmc.steal_sol();
    let lost = pair.until(secs(15), |event| matches!(event, Event::SolLost(_)));
    assert!(matches!(lost, Some(Event::SolLost(SolLoss::Stolen(_)))), "{lost:?}");
    pair.until(secs(60), |_| false);
    assert_eq!((pair.carried_out((0x06, 0x48)), pair.carried_out((0x06, 0x49))), (1, 0));
    pair.client.activate_sol(pair.now);
    let refused = pair.until(secs(5), |event| matches!(event, Event::SolRefused(_)));
    assert_eq!(refused, Some(Event::SolRefused(SolRefusal::Busy)));
}

#[test]
fn a_bmc_that_falls_silent_under_an_idle_sol_is_noticed_within_15_seconds() {
    let mut pair = Pair::new();
    pair.client.activate_sol(pair.now);
    pair.until(secs(5), |event| *event == Event::SolActive).expect("active");
    pair.until(secs(30), |_| false);
    pair.bmc.faults().silent = true;
    let began = pair.now;
    let lost = pair.until(secs(30), |event| matches!(event, Event::SolLost(_)));
    assert_eq!(lost, Some(Event::SolLost(SolLoss::Silent)));
    assert!(pair.now - began <= secs(15), "{:?}", pair.now - began);
}

#[test]
fn a_cold_reset_is_silence_and_then_a_new_login() {
    let mut pair = Pair::new();
    assert_eq!(pair.request(Command::reset(true)).map(|reply| reply.code), Ok(0));
    let error = pair.request(Command::chassis_status()).expect_err("it is away");
    assert!(matches!(error, ClientError::NoAnswer { .. } | ClientError::Lost), "{error:?}");
    pair.now += secs(31);
    pair.request(Command::chassis_status()).expect("it is back");
}

#[test]
fn one_boot_uses_up_a_device_for_one_boot() {
    let mut pair = Pair::new();
    let flags = |pair: &mut Pair| pair.request(Command::boot_option(5)).expect("an answer").data;
    pair.request(Command::set_boot_option(5, &[0x80, 0x04, 0, 0, 0])).expect("an answer");
    assert_eq!(flags(&mut pair), [1, 5, 0x80, 0x04, 0, 0, 0]);
    pair.request(Command::chassis_control(ChassisControl::Reset)).expect("an answer");
    assert_eq!(flags(&mut pair), [1, 5, 0, 0, 0, 0, 0]);
    // Without a boot it lapses after a minute, unless its timer is stopped.
    for (stopped, lapsed) in [(false, true), (true, false)] {
        if stopped {
            pair.request(Command::set_boot_option(3, &[0x08])).expect("an answer");
        }
        pair.request(Command::set_boot_option(5, &[0x80, 0x04, 0, 0, 0])).expect("an answer");
        pair.now += secs(61);
        assert_eq!(flags(&mut pair)[2] == 0, lapsed);
    }
}

#[test]
fn privileges_are_checked() {
    let mut pair = Pair::new();
    pair.bmc.spec.users[0].privilege = Privilege::User;
    pair.client = Client::new(
        ClientSettings {
            user: b"admin".to_vec(),
            password: secret("secret"),
            kg: None,
            privilege: Privilege::User,
            suites: vec![Suite::Three],
            quirks: Quirks::default(),
        },
        [5; 32],
    );
    pair.request(Command::chassis_status()).expect("a user may read");
    let refused = pair.request(Command::chassis_control(ChassisControl::Off)).expect("an answer");
    assert_eq!(refused.code, 0xd4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// A bad network never makes a verb happen twice, and never a wrong answer of a poll.
    #[test]
    fn a_bad_network_changes_no_truth(seed in any::<[u8; 32]>(), loss in 0..30_u8, duplicate in 0..40_u8, reorder in 0..40_u8) {
        let mut pair = Pair { bmc: Bmc::new(spec(), seed), ..Pair::new() };
        *pair.bmc.faults() = Faults {
            loss,
            duplicate,
            reorder,
            late: Duration::from_millis(30),
            delay: Duration::from_millis(5),
            ..Faults::default()
        };
        for round in 0..6 {
            let off = round % 2 == 0;
            let before = pair.bmc.machine().power();
            let verb = if off { ChassisControl::Off } else { ChassisControl::On };
            let done = pair.request(Command::chassis_control(verb));
            let count = pair.carried_out(CONTROL);
            match done {
                Ok(reply) => prop_assert_eq!(reply.code, 0),
                Err(error) if error.not_sent() => prop_assert_eq!(pair.bmc.machine().power(), before),
                Err(_) => {}
            }
            pair.now += secs(5);
            if let Ok(reply) = pair.request(Command::chassis_status()) {
                prop_assert_eq!(reply.data[0] & 1 == 1, pair.bmc.machine().power());
            }
            prop_assert!(count <= round + 1, "{} verbs carried out after {}", count, round + 1);
        }
    }
}
