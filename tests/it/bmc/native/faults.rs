//! Every fault and its outcome.

use super::*;
use lightsout::bmc::BmcError;
use lightsout::sim::{Control, Faults, LoginStep};
use std::net::SocketAddr;

/// The failure of a poll and how long it took.
async fn fails(driver: &mut Box<dyn Bmc>) -> (BmcError, Duration) {
    let began = Instant::now();
    let error = driver.exchange(&Exchange::Power).await.expect_err("it fails");
    (error, began.elapsed())
}

#[tokio::test]
async fn too_high_a_privilege_is_refused_in_the_login() {
    // ipmi_sim grants it.
    let lab = lab(0, 1);
    for driver in BOTH {
        let mut settings = settings_of(driver, &lab.node("p1n01"));
        settings.credentials = credentials("viewer", "viewpw");
        let error = opened(&settings).driver.exchange(&Exchange::Power).await.expect_err("no administrator");
        assert!(error.refused_login(), "{driver}: {error}");
        assert!(error.reason.contains("may not log in with this privilege level"), "{driver}: {error}");
        assert!(error.hint.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_final_and_leaves_no_session() {
    let bench = Bench::new(1);
    let settings = BmcSettings { credentials: credentials("admin", "wrong"), ..bench.settings(0) };
    let (error, took) = fails(&mut bench.open(&settings)).await;
    assert!(error.refused_login(), "{error}");
    let port = settings.port;
    assert_eq!(error.reason, format!("cannot log in to 127.0.0.1:{port}: wrong password or BMC key"));
    assert!(error.hint.is_some() && took < Duration::from_millis(100), "{took:?}");
    assert_eq!(bench.bmc(0).stats().logins, 0);
}

#[tokio::test(start_paused = true)]
async fn a_bmc_without_a_free_session_is_busy() {
    let bench = Bench::new(1);
    bench.bmc(0).faults(|faults| faults.no_sessions = true);
    let mut driver = bench.driver(0);
    let (error, _) = fails(&mut driver).await;
    assert_eq!((error.class, error.not_sent), (FaultClass::Busy, true), "{error}");
    assert!(error.reason.contains("the BMC has no free session") && error.hint.is_some(), "{error:?}");
    bench.bmc(0).faults(|faults| faults.no_sessions = false);
    power(driver.exchange(&Exchange::Power).await);
}

#[tokio::test(start_paused = true)]
async fn a_refused_suite_leads_to_the_next_at_once_and_is_remembered() {
    let bench = Bench::new(1);
    bench.bmc(0).faults(|faults| faults.refuse_suites = vec![17]);
    let memory = Arc::new(SuiteMemory::default());
    let mut driver = open(&bench.settings(0), &bench.context, Arc::clone(&memory)).expect("opens");
    let began = Instant::now();
    power(driver.exchange(&Exchange::Power).await);
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    assert_eq!(memory.get(), Some(3));
    left(bench.bmc(0)).await;
    let before = bench.counters().sent;
    power(driver.exchange(&Exchange::Power).await);
    left(bench.bmc(0)).await;
    // Hello, Open Session, RAKP 1, RAKP 3, the poll, close.
    assert_eq!(bench.counters().sent - before, 6, "the suite that worked goes first");
    bench.bmc(0).faults(|faults| faults.refuse_suites = vec![17, 3]);
    let (error, _) = fails(&mut driver).await;
    assert_eq!((error.class, error.not_sent), (FaultClass::Unsupported, true), "{error}");
}

#[tokio::test]
async fn an_unreachable_port_is_said_at_once() {
    let bench = Bench::new(1);
    let mut driver = bench.keeper(0);
    for address in ["127.0.0.1", "::1"] {
        let free = UdpSocket::bind((address, 0)).expect("a free port").local_addr().expect("bound");
        let settings = BmcSettings { address: Some(address.into()), port: free.port(), ..bench.settings(0) };
        let mut dead = bench.open(&settings);
        for _ in 0..3 {
            let began = std::time::Instant::now();
            let error = dead.exchange(&Exchange::Off).await.expect_err("nobody is there");
            assert!(began.elapsed() < Duration::from_millis(500), "{address}: {:?}", began.elapsed());
            assert_eq!((error.class, error.not_sent), (FaultClass::Unreachable, true), "{error}");
            assert!(error.reason.ends_with(": port unreachable: nothing listens there"), "{error}");
            // What ICMP says of one does not disturb the others of the socket.
            power(driver.exchange(&Exchange::Power).await);
        }
    }
    assert_eq!(bench.bmc(0).stats().logins, 1);
    assert_eq!(bench.counters().undelivered, 6);
}

#[tokio::test(start_paused = true)]
async fn a_silent_address_is_given_up_after_some_seconds() {
    let bench = Bench::new(1);
    bench.bmc(0).faults(|faults| faults.silent = true);
    for exchange in [Exchange::Power, Exchange::Reset] {
        let began = Instant::now();
        let error = bench.driver(0).exchange(&exchange).await.expect_err("nobody answers");
        let took = began.elapsed();
        assert!(Duration::from_secs(5) < took && took < Duration::from_secs(7), "{took:?}");
        assert_eq!((error.class, error.not_sent), (FaultClass::Unreachable, true), "{error}");
        assert!(error.reason.ends_with("no answer"), "{error}");
    }
    let mut impatient = Bench::new(1);
    impatient.context.limit = Duration::from_secs(1);
    impatient.bmc(0).faults(|faults| faults.silent = true);
    let (error, took) = fails(&mut impatient.driver(0)).await;
    assert_eq!((error.class, error.not_sent), (FaultClass::Unreachable, true), "{error}");
    assert!(took < Duration::from_millis(1100), "{took:?}");
    let settings = BmcSettings { address: Some("no-such-host.invalid".into()), ..bench.settings(0) };
    let (error, _) = fails(&mut bench.open(&settings)).await;
    assert_eq!((error.class, error.not_sent), (FaultClass::Unreachable, true), "{error}");
    assert!(error.reason.contains("does not resolve"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn silence_in_a_step_of_the_login_is_a_timeout_and_nothing_was_sent() {
    for (step, class, words) in [
        (LoginStep::OpenSession, FaultClass::Unreachable, "no answer"),
        (LoginStep::Rakp1, FaultClass::Timeout, "it answered, then fell silent during the login"),
        (LoginStep::Rakp3, FaultClass::Timeout, "it answered, then fell silent during the login"),
    ] {
        let bench = Bench::new(1);
        bench.bmc(0).faults(|faults| faults.silent_in = Some(step));
        let error = bench.driver(0).exchange(&Exchange::Off).await.expect_err("silent");
        assert_eq!((error.class, error.not_sent), (class, true), "{step:?}: {error}");
        assert!(error.reason.ends_with(words), "{step:?}: {error}");
        assert_eq!(bench.got(0, CONTROL), 0, "{step:?}");
    }
    // It has the command and does not answer: maybe it did it.
    let bench = Bench::new(1);
    bench.bmc(0).faults(|faults| faults.silent_in = Some(LoginStep::Session));
    let mut driver = bench.driver(0);
    let error = driver.exchange(&Exchange::Power).await.expect_err("silent");
    assert_eq!((error.class, error.not_sent), (FaultClass::Timeout, false), "{error}");
    // The capabilities are no gate.
    bench.bmc(0).faults(|faults| faults.silent_in = Some(LoginStep::Capabilities));
    power(bench.driver(0).exchange(&Exchange::Power).await);
}

#[tokio::test(start_paused = true)]
async fn a_verb_whose_answer_is_lost_is_not_sent_twice_and_may_have_been_done() {
    let bench = Bench::new(1);
    let mut driver = bench.keeper(0);
    assert_eq!(driver.exchange(&Exchange::On).await, Ok(Reply::Done));
    bench.bmc(0).faults(|faults| faults.delay = Duration::from_secs(30));
    let error = driver.exchange(&Exchange::Cycle).await.expect_err("no answer in time");
    assert_eq!((error.class, error.not_sent), (FaultClass::Timeout, false), "{error}");
    assert_eq!(error.hint.as_deref(), Some("whether it took the request is not known"));
    until(bench.bmc(0), "nothing is under way any more", |bmc| bmc.with(|bmc, _| bmc.deadline().is_none()))
        .await;
    let cycles =
        bench.bmc(0).records().iter().filter(|one| one.command == CONTROL && one.data == [2]).count();
    assert!(cycles <= 1, "{cycles}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_the_bmc_dropped_is_opened_again_within_the_poll() {
    let bench = Bench::new(1);
    let mut driver = bench.keeper(0);
    power(driver.exchange(&Exchange::Power).await);
    bench.bmc(0).with(|bmc, _| bmc.drop_sessions());
    power(driver.exchange(&Exchange::Power).await);
    assert_eq!(bench.bmc(0).stats().logins, 2);
    // A verb that must not be done twice finds the session dead before it is sent.
    bench.bmc(0).with(|bmc, _| bmc.drop_sessions());
    advance(Duration::from_secs(10)).await;
    driver.exchange(&Exchange::On).await.expect("repeatable");
    bench.bmc(0).with(|bmc, _| bmc.drop_sessions());
    advance(Duration::from_secs(10)).await;
    assert_eq!(driver.exchange(&Exchange::Reset).await, Ok(Reply::Done));
    let resets =
        bench.bmc(0).records().iter().filter(|one| one.command == CONTROL && one.data == [3]).count();
    assert_eq!(resets, 1);
}

/// Polls eight BMCs six times each while their power changes; gives how many polls succeeded. None may be wrong.
async fn polled(bench: &Bench) -> usize {
    let mut done = 0;
    for bmc in bench.fleet.bmcs() {
        let mut driver = open(&settings_of_sim(bmc), &bench.context, Arc::default()).expect("opens");
        driver.keep_login(true);
        for round in 0..6 {
            let control = if round % 2 == 0 { Control::On } else { Control::Off };
            bmc.machine(|machine, now| machine.control(now, control));
            advance(Duration::from_secs(10)).await;
            let expected = if bmc.machine(|machine, _| machine.power()) { Power::On } else { Power::Off };
            match driver.exchange(&Exchange::Power).await {
                Ok(reply) => {
                    assert_eq!(
                        reply,
                        Reply::Power(expected, None),
                        "the answer to another question, or an old one"
                    );
                    done += 1;
                }
                Err(error) => {
                    let disturbed = matches!(
                        error.class,
                        FaultClass::Timeout | FaultClass::Unreachable | FaultClass::Busy
                    );
                    assert!(disturbed, "{error}");
                }
            }
        }
    }
    done
}

#[tokio::test(start_paused = true)]
async fn with_30_per_cent_loss_most_polls_succeed() {
    let bench = Bench::of(
        8,
        FleetSpec { faults: Faults { loss: 30, ..Faults::default() }, sessions: 32, ..FleetSpec::default() },
    );
    let done = polled(&bench).await;
    // Half of all round trips fail, and a login takes three in a row: some 43 can be expected.
    assert!(done >= 30, "{done} of 48 polls succeeded");
}

#[tokio::test(start_paused = true)]
async fn duplicates_stale_answers_and_wrong_checksums_do_no_harm() {
    let late = Duration::from_millis(700);
    let faults = Faults { duplicate: 30, reorder: 20, late, bad_checksums: true, ..Faults::default() };
    let bench = Bench::of(8, FleetSpec { faults, ..FleetSpec::default() });
    assert!(polled(&bench).await >= 46);
}

/// A BMC that answers nothing, to learn where our datagrams come from.
struct Ear(UdpSocket);

impl Ear {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a positive time");
        Self(socket)
    }

    /// The driver's own address: its socket is bound to no address, so only the port says something.
    fn heard_from(&self) -> SocketAddr {
        self.0.recv_from(&mut [0; 512]).expect("a datagram").1
    }
}

#[tokio::test]
async fn what_strangers_send_is_ignored_and_counted() {
    let bench = Bench::new(1);
    let ear = Ear::new();
    let settings = BmcSettings { port: ear.0.local_addr().expect("bound").port(), ..bench.settings(0) };
    let mut deaf = bench.open(&settings);
    let given_up = tokio::time::timeout(Duration::from_millis(50), deaf.exchange(&Exchange::Power)).await;
    assert!(given_up.is_err());
    let ours = ear.heard_from();
    let mut driver = bench.keeper(0);
    power(driver.exchange(&Exchange::Power).await);
    let link = bench.link(0);
    let (before, ignored) = (bench.counters().strangers, link.ignored());

    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let forged = [&[6, 0, 0xff, 7, 6, 0x11][..], &[0; 20]].concat();
    for bytes in [&b""[..], b"x", &[6, 0, 0xff, 7], forged.as_slice(), &[0xff; 1400]] {
        stranger.send_to(bytes, ours).expect("loopback");
    }
    power(driver.exchange(&Exchange::Power).await);
    assert_eq!((bench.counters().strangers - before, link.ignored()), (5, ignored));

    // The same from the BMC's own address reaches its link, which does not believe it.
    ear.0.send_to(&[6, 0, 0xff, 7, 6, 0x11, 1, 2], ours).expect("loopback");
    ear.0.send_to(&forged, ours).expect("loopback");
    power(driver.exchange(&Exchange::Power).await);
    let deaf = ipmi::link(&settings, &bench.context, Arc::default()).expect("a link");
    assert_eq!((bench.counters().strangers - before, deaf.ignored()), (5, 2));
}

#[tokio::test(start_paused = true)]
async fn completion_codes_have_their_class() {
    let bench = Bench::new(1);
    let mut driver = bench.keeper(0);
    for (code, class) in [
        (0xc0, FaultClass::Busy),
        (0xc1, FaultClass::Unsupported),
        (0xcc, FaultClass::Rejected),
        (0xd2, FaultClass::Busy),
        (0xd4, FaultClass::Auth),
        (0xd5, FaultClass::Rejected),
    ] {
        bench.bmc(0).faults(|faults| faults.codes = vec![(0x00, 0x02, code), (0x00, 0x01, code)]);
        for exchange in [Exchange::Off, Exchange::Power] {
            let error = driver.exchange(&exchange).await.expect_err("refused");
            assert_eq!((error.class, error.code, error.not_sent), (class, Some(code), false), "{error}");
            assert!(error.reason.ends_with(&format!("(0x{code:02x})")), "{error}");
        }
    }
    // Announcing a boot device may be refused; setting it may not.
    bench.bmc(0).faults(|faults| faults.codes.clear());
    // Supposed to work again.
    power(driver.exchange(&Exchange::Power).await);
    // A raise that is refused is no refused login: polls go on.
    bench.bmc(0).with(|bmc, _| bmc.drop_sessions());
    bench.bmc(0).faults(|faults| faults.codes = vec![(0x06, 0x3b, 0x81)]);
    let error = driver.exchange(&Exchange::Off).await.expect_err("refused");
    assert_eq!(error.class, FaultClass::Auth, "{error}");
    assert!(!error.refused_login(), "{error}");
    power(driver.exchange(&Exchange::Power).await);
}
