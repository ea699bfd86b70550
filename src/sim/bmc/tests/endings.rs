//! Ends that come in the middle of something: nothing of ours stays in the BMC, nothing of others' is touched,
//! and the client is as good as new.

use super::*;

const ACTIVATE: (u8, u8) = (0x06, 0x48);
const DEACTIVATE: (u8, u8) = (0x06, 0x49);
const CLOSE: (u8, u8) = (0x06, 0x3c);

/// Sends what the client has to send, and keeps the BMC's answers from it.
fn unheard(pair: &mut Pair) {
    let address: SocketAddr = "127.0.0.1:9".parse().expect("an address");
    while let Some(datagram) = pair.client.transmit(pair.now) {
        pair.bmc.datagram(pair.now, address, &datagram);
    }
    while pair.bmc.transmit(pair.now).is_some() {}
}

/// Sends what the client has to send; gives the BMC's answers.
fn answers(pair: &mut Pair) -> Vec<Vec<u8>> {
    let address: SocketAddr = "127.0.0.1:9".parse().expect("an address");
    while let Some(datagram) = pair.client.transmit(pair.now) {
        pair.bmc.datagram(pair.now, address, &datagram);
    }
    std::iter::from_fn(|| pair.bmc.transmit(pair.now)).map(|(_, datagram)| datagram).collect()
}

#[test]
fn a_port_that_closes_under_a_goodbye_leaves_nothing_behind_for_the_next_login() {
    let mut pair = Pair::new();
    pair.request(Command::chassis_status()).expect("an answer");
    pair.client.close(pair.now);
    while pair.client.transmit(pair.now).is_some() {}
    pair.client.unreachable(pair.now);
    assert_eq!(pair.client.event(), Some(Event::Closed));
    assert_eq!(pair.client.event(), None);
    // The privilege is raised in the next session as in any other.
    assert_eq!(pair.request(Command::set_boot_option(3, &[8])).map(|reply| reply.code), Ok(0));
}

#[test]
fn an_sol_given_up_before_the_bmc_s_answer_takes_nobody_s() {
    let mut pair = Pair::new();
    pair.request(Command::chassis_control(ChassisControl::On)).expect("raised");
    pair.bmc.steal_sol();
    pair.client.activate_sol(pair.now);
    let refusal = answers(&mut pair);
    pair.client.deactivate_sol(pair.now);
    for datagram in refusal {
        pair.client.datagram(pair.now, &datagram);
    }
    pair.until(secs(30), |_| false);
    assert_eq!((pair.carried_out(ACTIVATE), pair.carried_out(DEACTIVATE)), (1, 0));
    assert!(pair.bmc.sol_active(), "it is somebody else's");
}

#[test]
fn an_sol_given_up_before_the_bmc_s_answer_is_freed_and_can_be_had_again() {
    let mut pair = Pair::new();
    pair.request(Command::chassis_control(ChassisControl::On)).expect("raised");
    pair.client.activate_sol(pair.now);
    let accepted = answers(&mut pair);
    pair.client.deactivate_sol(pair.now);
    // Asked for once more at once: what is accepted first is not what this one asked for.
    pair.client.activate_sol(pair.now);
    for datagram in accepted {
        pair.client.datagram(pair.now, &datagram);
    }
    pair.until(secs(5), |event| *event == Event::SolActive).expect("the second one");
    assert_eq!((pair.carried_out(ACTIVATE), pair.carried_out(DEACTIVATE)), (2, 1));
    assert!(pair.bmc.sol_active());
    assert!(pair.until(secs(30), |event| matches!(event, Event::SolLost(_))).is_none());
    pair.client.deactivate_sol(pair.now);
    pair.until(secs(5), |_| false);
    assert!(!pair.bmc.sol_active());
}

#[test]
fn an_sol_stolen_a_moment_ago_is_the_thief_s_also_when_we_give_it_up() {
    let mut pair = Pair::new();
    pair.client.activate_sol(pair.now);
    pair.until(secs(5), |event| *event == Event::SolActive).expect("active");
    pair.until(secs(2), |_| false);
    pair.bmc.steal_sol();
    pair.client.deactivate_sol(pair.now);
    pair.until(secs(5), |_| false);
    pair.client.close(pair.now);
    pair.until(secs(5), |event| *event == Event::Closed).expect("closed");
    assert_eq!((pair.bmc.sessions(), pair.carried_out(DEACTIVATE)), (0, 0));
    assert!(pair.bmc.sol_active());
}

#[test]
fn an_sol_that_ended_with_its_session_is_not_freed_in_another_one() {
    let mut pair = Pair::new();
    pair.client.activate_sol(pair.now);
    pair.until(secs(5), |event| *event == Event::SolActive).expect("active");
    pair.bmc.drop_sessions();
    pair.bmc.steal_sol();
    pair.client.request(pair.now, Command::chassis_status());
    pair.client.deactivate_sol(pair.now);
    pair.until(secs(20), |event| matches!(event, Event::Reply(_))).expect("in a new session");
    pair.until(secs(5), |_| false);
    assert_eq!((pair.bmc.stats().logins, pair.carried_out(DEACTIVATE)), (2, 0));
}

#[test]
fn leaving_takes_nobody_s_sol() {
    let mut pair = Pair::new();
    pair.request(Command::chassis_control(ChassisControl::On)).expect("raised");
    pair.bmc.steal_sol();
    pair.client.activate_sol(pair.now);
    unheard(&mut pair);
    pair.client.leave(pair.now);
    unheard(&mut pair);
    assert_eq!((pair.bmc.sessions(), pair.carried_out(DEACTIVATE)), (0, 0));
    assert!(pair.bmc.sol_active(), "it is somebody else's");
}

#[test]
fn a_session_is_closed_also_when_its_last_command_stays_unanswered() {
    let mut pair = Pair::new();
    pair.request(Command::chassis_control(ChassisControl::On)).expect("raised");
    pair.client.request(pair.now, Command::chassis_control(ChassisControl::Cycle));
    unheard(&mut pair);
    pair.client.close(pair.now);
    let mut told = Vec::new();
    pair.until(secs(20), |event| *event == Event::Closed).expect("closed");
    pair.until(secs(1), |event| *event == Event::Closed);
    told.extend(std::iter::from_fn(|| pair.client.event()));
    assert_eq!(told, [], "told once");
    assert_eq!((pair.carried_out(CLOSE), pair.bmc.sessions()), (1, 0));
    assert_eq!(pair.carried_out(CONTROL), 2);
}

#[test]
fn a_raise_that_is_granted_without_a_level_is_not_asked_for_again_and_again() {
    let mut pair = Pair::new();
    pair.bmc.faults().codes = vec![(0x06, 0x3b, 0)];
    pair.client.request(pair.now, Command::chassis_control(ChassisControl::On));
    for _ in 0..50 {
        for datagram in answers(&mut pair) {
            pair.client.datagram(pair.now, &datagram);
        }
    }
    assert_eq!(pair.carried_out((0x06, 0x3b)), 1);
    assert!(matches!(std::iter::from_fn(|| pair.client.event()).last(), Some(Event::Reply(Ok(_)))));
}

#[test]
fn a_raise_refused_under_a_goodbye_does_not_swallow_it() {
    let mut pair = Pair::new();
    pair.bmc.faults().codes = vec![(0x06, 0x3b, 0x81)];
    pair.request(Command::chassis_status()).expect("an answer");
    pair.client.activate_sol(pair.now);
    let refused = answers(&mut pair);
    pair.client.close(pair.now);
    for datagram in refused {
        pair.client.datagram(pair.now, &datagram);
    }
    pair.until(secs(5), |event| *event == Event::Closed).expect("closed");
    assert_eq!((pair.carried_out(CLOSE), pair.bmc.sessions()), (1, 0));
    assert!(!pair.client.is_logged_in());
}

#[test]
fn a_session_whose_last_login_message_is_lost_is_closed_before_the_next_is_opened() {
    let until_rakp_4 = || {
        let mut pair = Pair::new();
        pair.bmc.spec.sessions = 1;
        pair.client.request(pair.now, Command::chassis_status());
        for _ in 0..2 {
            for datagram in answers(&mut pair) {
                pair.client.datagram(pair.now, &datagram);
            }
        }
        unheard(&mut pair);
        assert_eq!(pair.bmc.sessions(), 1, "the BMC has one, and we do not know");
        pair
    };
    let mut pair = until_rakp_4();
    let reply = pair.until(secs(40), |event| matches!(event, Event::Reply(_)));
    assert!(matches!(reply, Some(Event::Reply(Ok(_)))), "{reply:?}");
    assert_eq!((pair.bmc.sessions(), pair.carried_out(CLOSE)), (1, 1));
    for end in [Client::close, Client::leave] {
        let mut pair = until_rakp_4();
        end(&mut pair.client, pair.now);
        unheard(&mut pair);
        assert_eq!(pair.bmc.sessions(), 0);
    }
}

#[test]
fn a_bmc_without_a_free_session_is_not_asked_again_because_a_suite_was_refused() {
    let mut pair = Pair::new();
    pair.bmc.faults().refuse_suites = vec![17];
    pair.bmc.faults().no_sessions = true;
    let began = pair.now;
    assert_eq!(pair.request(Command::chassis_status()), Err(ClientError::NoFreeSession));
    assert!(pair.now - began < secs(1), "{:?}", pair.now - began);
}

/// What an owner, the network and a BMC do to a client.
#[derive(Debug, Clone)]
enum Act {
    Request(bool),
    Abandon,
    SolOn,
    SolOff,
    Type,
    Close,
    Unreachable,
    Wait(u16),
    /// Datagrams go both ways until all is said.
    Settle,
    /// One step of that.
    Deliver,
    /// What is on its way is lost.
    Lose,
    Steal,
    DropSessions,
    Code(u8),
    Silent(bool),
    /// A payload of the BMC's with a right signature.
    Hostile(bool, Vec<u8>),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        any::<bool>().prop_map(Act::Request),
        Just(Act::Abandon),
        Just(Act::SolOn),
        Just(Act::SolOff),
        Just(Act::Type),
        Just(Act::Close),
        Just(Act::Unreachable),
        (0..9000_u16).prop_map(Act::Wait),
        Just(Act::Settle),
        Just(Act::Settle),
        Just(Act::Settle),
        Just(Act::Deliver),
        Just(Act::Deliver),
        Just(Act::Deliver),
        Just(Act::Lose),
        Just(Act::Steal),
        Just(Act::DropSessions),
        prop_oneof![Just(0), Just(0x80), Just(0xc0), Just(0xcf), Just(0xd4)].prop_map(Act::Code),
        any::<bool>().prop_map(Act::Silent),
        (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..60))
            .prop_map(|(sol, bytes)| Act::Hostile(sol, bytes)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever happens, each request ends once, what others hold stays theirs, and a healthy BMC is left clean.
    #[test]
    fn no_order_of_events_leaves_a_client_stuck(
        acts in proptest::collection::vec(act(), 0..60),
        seed in any::<[u8; 32]>(),
    ) {
        let bmc = Bmc::new(BmcSpec { sessions: 60, ..spec() }, seed);
        let mut pair = Pair { bmc, ..Pair::new() };
        let (mut waits, mut sol, mut closes, mut thief) = (false, false, 0_usize, false);
        let mut way: VecDeque<Vec<u8>> = VecDeque::new();
        let address: SocketAddr = "127.0.0.1:9".parse().expect("an address");
        let end = [Act::Silent(false), Act::Code(0xff), Act::Wait(21_000), Act::Settle];
        for act in acts.into_iter().chain(end) {
            match act {
                Act::Request(_) if waits => {}
                Act::Request(verb) => {
                    waits = true;
                    let verb = if verb { ChassisControl::Cycle } else { ChassisControl::On };
                    pair.client.request(pair.now, Command::chassis_control(verb));
                }
                Act::Abandon => { pair.client.abandon(); waits = false; }
                Act::SolOn if sol => {}
                Act::SolOn => { sol = true; pair.client.activate_sol(pair.now); }
                Act::SolOff => { sol = false; pair.client.deactivate_sol(pair.now); }
                Act::Type => { if let Some(end) = pair.client.sol() { end.queue(b"key"); } }
                Act::Close if closes > 0 => {}
                Act::Close => { closes += 1; sol = false; pair.client.close(pair.now); }
                Act::Unreachable => { way.clear(); pair.client.unreachable(pair.now); }
                Act::Lose => { while pair.client.transmit(pair.now).is_some() {} way.clear(); }
                Act::Steal if pair.bmc.faults().silent => {}
                Act::Steal => {
                    // Not before it is known whose it was, nor in the moment in which it is given up.
                    pair.pass(secs(20));
                    pair.bmc.steal_sol();
                    thief = true;
                }
                Act::DropSessions => pair.bmc.drop_sessions(),
                Act::Code(0xff) => pair.bmc.faults().codes.clear(),
                Act::Code(code) => {
                    pair.bmc.faults().codes = vec![(6, 0x3b, code), (6, 0x48, code.max(0x81)), (0, 2, code)];
                }
                Act::Silent(silent) => pair.bmc.faults().silent = silent,
                Act::Hostile(sol, payload) => {
                    let ids: Vec<u32> = pair.bmc.sessions.keys().copied().collect();
                    for id in ids {
                        pair.bmc.reply(id, if sol { PayloadType::Sol } else { PayloadType::Ipmi }, &payload);
                    }
                    while let Some((_, datagram)) = pair.bmc.transmit(pair.now) {
                        pair.client.datagram(pair.now, &datagram);
                    }
                }
                Act::Wait(ms) => pair.pass(Duration::from_millis(ms.into())),
                Act::Deliver => {
                    if let Some(d) = way.pop_front() { pair.client.datagram(pair.now, &d); }
                    while let Some(d) = pair.client.transmit(pair.now) {
                        pair.bmc.datagram(pair.now, address, &d);
                    }
                    while let Some((_, d)) = pair.bmc.transmit(pair.now) { way.push_back(d); }
                }
                Act::Settle => {
                    let mut rounds = 0;
                    loop {
                        let mut moved = false;
                        while let Some(d) = way.pop_front() {
                            moved = true;
                            pair.client.datagram(pair.now, &d);
                        }
                        while let Some(d) = pair.client.transmit(pair.now) {
                            moved = true;
                            pair.bmc.datagram(pair.now, address, &d);
                        }
                        while let Some((_, d)) = pair.bmc.transmit(pair.now) { way.push_back(d); }
                        rounds += 1;
                        prop_assert!(rounds < 200, "it speaks for ever");
                        if !moved && way.is_empty() { break; }
                    }
                }
            }
            while let Some(event) = pair.client.event() {
                match event {
                    Event::Reply(_) => { prop_assert!(waits, "nobody asked"); waits = false; }
                    Event::SolRefused(_) => sol = false,
                    Event::SolLost(_) => { prop_assert!(sol, "nobody has one"); sol = false; }
                    Event::SolActive => prop_assert!(sol, "nobody wants it"),
                    Event::Closed => { prop_assert!(closes > 0, "closed twice"); closes -= 1; }
                    Event::LoggedIn(_) => {}
                }
            }
        }
        prop_assert!(!waits && closes == 0, "{:?}", pair.client);
        prop_assert!(!thief || pair.bmc.thief.is_some(), "it was somebody else's");
        pair.client.close(pair.now);
        let closed = pair.until(secs(10), |event| *event == Event::Closed);
        prop_assert!(closed.is_some() && !pair.client.is_logged_in());
        prop_assert!(pair.client.idle_since().is_none() && pair.client.deadline().is_none(), "{:?}", pair.client);
        // It works as on the first day.
        pair.bmc.drop_sessions();
        pair.bmc.faults().codes.clear();
        prop_assert_eq!(pair.request(Command::chassis_control(ChassisControl::On)).map(|reply| reply.code), Ok(0));
    }
}
