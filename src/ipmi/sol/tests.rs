use super::*;
use proptest::prelude::*;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn pair() -> (SolEnd, SolEnd) {
    (SolEnd::new(Role::Console, 9, 32), SolEnd::new(Role::Bmc, 3, 200))
}

/// A network between two ends that does to each datagram what `fate` says.
struct Net {
    now: Duration,
    /// When, to the BMC?, what.
    air: Vec<(Duration, bool, Vec<u8>)>,
    delay: Duration,
}

impl Net {
    fn new() -> Net {
        Net { now: ms(1), air: Vec::new(), delay: ms(5) }
    }

    /// Runs until nothing is left to do or `limit` has passed.
    fn run(
        &mut self,
        ends: &mut (SolEnd, SolEnd),
        limit: Duration,
        mut fate: impl FnMut() -> Fate,
        mut each: impl FnMut(&mut (SolEnd, SolEnd), Duration),
    ) {
        while self.now < limit {
            each(ends, self.now);
            for to_bmc in [true, false] {
                let end = if to_bmc { &mut ends.0 } else { &mut ends.1 };
                end.timeout(self.now);
                while let Some(payload) = end.transmit(self.now) {
                    let fate = fate();
                    for _ in 0..fate.copies {
                        self.air.push((self.now + self.delay + fate.late, to_bmc, payload.clone()));
                    }
                }
            }
            let next = self.air.iter().map(|(at, ..)| *at);
            let next = next.chain(ends.0.deadline()).chain(ends.1.deadline()).min();
            let Some(next) = next else { break };
            self.now = next.max(self.now);
            let now = self.now;
            let (due, rest) = std::mem::take(&mut self.air).into_iter().partition(|(at, ..)| *at <= now);
            self.air = rest;
            let due: Vec<(Duration, bool, Vec<u8>)> = due;
            for (_, to_bmc, payload) in due {
                let end = if to_bmc { &mut ends.1 } else { &mut ends.0 };
                end.receive(now, &payload).expect("a whole packet");
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Fate {
    copies: u8,
    late: Duration,
}

const FINE: Fate = Fate { copies: 1, late: Duration::ZERO };

/// Small pseudo-random numbers.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) % below
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_loss_duplication_and_reordering_gives_exactly_the_bytes_sent(
        up in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..90), 0..20),
        down in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 0..20),
        loss in 0..40_u64,
        seed in any::<u64>(),
    ) {
        let mut ends = pair();
        let (mut sent_up, mut sent_down) = (Vec::<u8>::new(), Vec::<u8>::new());
        for chunk in &up { prop_assert_eq!(ends.0.queue(chunk), chunk.len()); sent_up.extend(chunk); }
        for chunk in &down { prop_assert_eq!(ends.1.queue(chunk), chunk.len()); sent_down.extend(chunk); }
        let (mut got_up, mut got_down) = (Vec::new(), Vec::new());
        let mut dice = dice(seed);
        let fate = || Fate {
            copies: if dice(100) < loss { 0 } else { 1 + u8::from(dice(100) < 20) },
            late: ms(dice(12)),
        };
        Net::new().run(&mut ends, Duration::from_secs(3600), fate, |ends, _| {
            got_down.extend(ends.0.take_data());
            got_up.extend(ends.1.take_data());
        });
        prop_assert!(got_up == sent_up, "to the node");
        prop_assert!(got_down == sent_down, "from the node");
        prop_assert!(ends.0.is_flushed() && ends.1.is_flushed());
    }

    #[test]
    fn no_payload_of_any_bytes_panics(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..50)) {
        for role in [Role::Console, Role::Bmc] {
            let mut end = SolEnd::new(role, 1, 32);
            end.queue(&[7; 100]);
            for (at, payload) in payloads.iter().enumerate() {
                let _ = end.receive(ms(at as u64), payload);
                let _ = end.transmit(ms(at as u64));
            }
        }
    }
}

#[test]
fn a_full_serial_line_loses_nothing_at_five_per_cent_each_way() {
    let mut ends = pair();
    let mut dice = dice(42);
    let fate = || Fate { copies: u8::from(dice(100) >= 5), late: Duration::ZERO };
    let (mut sent, mut got) = (Vec::<u8>::new(), Vec::new());
    let seconds = 20;
    let mut behind = 0;
    let mut net = Net { delay: ms(1), ..Net::new() };
    net.run(&mut ends, Duration::from_secs(seconds + 5), fate, |ends, now| {
        // 11,520 bytes a second, as the line gives them.
        let due =
            usize::try_from(now.min(Duration::from_secs(seconds)).as_millis()).expect("small") * 1152 / 100;
        while sent.len() < due {
            let byte = [sent.len().to_le_bytes()[0]];
            if ends.1.queue(&byte) == 0 {
                behind = behind.max(due - sent.len());
                break;
            }
            sent.push(byte[0]);
        }
        got.extend(ends.0.take_data());
    });
    assert_eq!(sent.len(), 230_400, "the line was never held up");
    assert_eq!((behind, got == sent), (0, true));
}

#[test]
fn a_key_and_its_echo_take_two_round_trips_at_most() {
    let mut ends = pair();
    ends.0.queue(b"k");
    let mut net = Net::new();
    let mut echoed_at = None;
    net.run(
        &mut ends,
        Duration::from_secs(5),
        || FINE,
        |ends, now| {
            let typed = ends.1.take_data();
            ends.1.queue(&typed);
            if !ends.0.take_data().is_empty() {
                echoed_at = Some(now);
            }
        },
    );
    assert!(echoed_at.expect("an echo") <= ms(1) + ms(5) * 4, "{echoed_at:?}");
}

#[test]
fn a_retransmission_that_grew_gives_its_new_tail_only() {
    let mut end = SolEnd::new(Role::Console, 1, 32);
    for payload in [&b"\x05\0\0\0abc"[..], b"\x05\0\0\0abcdef", b"\x05\0\0\0abcdef"] {
        end.receive(ms(1), payload).expect("whole");
    }
    assert_eq!(end.take_data(), b"abcdef");
    assert_eq!(end.transmit(ms(1)), Some(vec![0, 5, 6, 0]));
}

#[test]
fn the_rest_of_a_partial_accept_goes_under_a_new_number() {
    let mut end = SolEnd::new(Role::Console, 15, 32);
    end.queue(b"abcdef");
    assert_eq!(end.transmit(ms(1)), Some(b"\x0f\0\0\0abcdef".to_vec()));
    end.receive(ms(2), &[0, 15, 2, 0]).expect("whole");
    assert_eq!(end.transmit(ms(2)), Some(b"\x01\0\0\0cdef".to_vec()), "numbers go from 15 to 1");
    end.receive(ms(3), &[0, 1, 4, 0]).expect("whole");
    assert!(end.is_flushed());
}

#[test]
fn what_was_not_taken_at_all_goes_under_a_new_number_after_a_while() {
    let mut end = SolEnd::new(Role::Console, 4, 32);
    end.queue(b"ab");
    assert_eq!(end.transmit(ms(1)), Some(b"\x04\0\0\0ab".to_vec()));
    end.receive(ms(2), &[0, 4, 0, 0x40]).expect("whole");
    end.queue(b"c");
    assert_eq!(end.transmit(ms(2)), None, "not at once");
    let at = end.deadline().expect("later");
    end.timeout(at);
    assert_eq!(end.transmit(at), Some(b"\x05\0\0\0abc".to_vec()));
}

#[test]
fn what_was_typed_for_a_node_that_is_off_is_not_kept_for_long() {
    let mut end = SolEnd::new(Role::Console, 1, 32);
    end.queue(b"reboot\r");
    let mut now = ms(1);
    while now < Duration::from_secs(20) {
        end.timeout(now);
        while let Some(payload) = end.transmit(now) {
            end.receive(now, &[0, payload[0], 0, 0x60]).expect("whole");
        }
        let Some(next) = end.deadline() else { break };
        now = next;
    }
    assert_eq!(end.event(), Some(SolEvent::Unavailable(true)));
    assert!(end.is_flushed() && end.room() == ROOM && now > STALE, "{now:?}");
    end.receive(now, &[0, 0, 0, 0]).expect("whole");
    end.queue(b"x");
    now += LONGEST_RETRY;
    assert!(end.transmit(now).is_some_and(|payload| payload.ends_with(b"x")), "what is typed later goes");
}

#[test]
fn an_acknowledged_probe_uses_its_number_up_and_another_does_not() {
    for known in [false, true] {
        let mut end = SolEnd::new(Role::Console, 1, 32);
        end.probe();
        end.queue(b"k");
        assert_eq!(end.transmit(ms(1)), Some(vec![1, 0, 0, 0]));
        assert_eq!(end.transmit(ms(1)), None, "keys wait");
        if known {
            // With the count of the packet that the BMC takes it for.
            end.receive(ms(2), &[0, 1, 17, 0]).expect("whole");
            assert_eq!(end.transmit(ms(2)), Some(b"\x02\0\0\0k".to_vec()));
            continue;
        }
        end.timeout(ms(151));
        assert_eq!(end.transmit(ms(151)), Some(vec![1, 0, 0, 0]));
        end.timeout(ms(301));
        assert_eq!(end.transmit(ms(301)), Some(b"\x01\0\0\0k".to_vec()));
        assert_eq!(end.event(), None);
    }
}

#[test]
fn a_break_that_nobody_acknowledges_is_not_made_again() {
    let mut end = SolEnd::new(Role::Console, 1, 32);
    let mut bmc = SolEnd::new(Role::Bmc, 1, 32);
    end.send_break();
    end.queue(b"k");
    let payload = end.transmit(ms(1)).expect("a break");
    bmc.receive(ms(1), &payload).expect("whole");
    let at = end.deadline().expect("it is waited for");
    end.timeout(at);
    let payload = end.transmit(at).expect("data");
    assert_eq!(payload, b"\x01\0\0\0k");
    bmc.receive(at, &payload).expect("whole");
    assert_eq!((bmc.event(), bmc.event()), (Some(SolEvent::Break), None));
    assert_eq!(bmc.take_data(), b"k", "the number was used twice, the data came once");
}

#[test]
fn a_packet_without_room_is_answered_late_and_taken_when_there_is_room() {
    let mut end = SolEnd::new(Role::Console, 1, 32);
    end.receive(ms(1), &[&[1, 0, 0, 0][..], &[7; ROOM]].concat()).expect("whole");
    assert!(end.transmit(ms(1)).is_some());
    for now in [2, 1000] {
        end.receive(ms(now), b"\x02\0\0\0more").expect("whole");
        assert_eq!(end.transmit(ms(now)), None, "an answer would only make it come again");
    }
    assert_eq!(end.take_data().len(), ROOM + 4);
    assert_eq!(end.transmit(ms(1001)), Some(vec![0, 2, 4, 0]));

    end.receive(ms(2000), &[&[3, 0, 0, 0][..], &[7; ROOM]].concat()).expect("whole");
    end.receive(ms(2000), b"\x04\0\0\0more").expect("whole");
    assert!(end.transmit(ms(2000)).is_some());
    let at = end.deadline().expect("before the BMC gives it up");
    end.timeout(at);
    assert_eq!(end.transmit(at), Some(vec![0, 4, 0, 0]), "nothing was taken, send it again");
    assert_eq!(end.take_data().len(), ROOM);
}

#[test]
fn duplicates_are_acknowledged_again_with_the_count_taken() {
    let mut end = SolEnd::new(Role::Console, 1, 32);
    for _ in 0..3 {
        end.receive(ms(1), b"\x05\0\0\0abc").expect("whole");
        assert_eq!(end.transmit(ms(1)), Some(vec![0, 5, 3, 0]));
    }
    assert_eq!(end.take_data(), b"abc");
}

#[test]
fn a_reader_that_does_not_read_holds_the_peer_back_and_loses_nothing() {
    let mut ends = pair();
    let sent: Vec<u8> = (0..40_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (mut queued, mut got) = (0, Vec::new());
    Net::new().run(
        &mut ends,
        Duration::from_secs(200),
        || FINE,
        |ends, now| {
            queued += ends.1.queue(&sent[queued..]);
            if now > Duration::from_secs(30) {
                got.extend(ends.0.take_data());
            } else {
                assert!(ends.0.inbox.len() <= ROOM);
            }
        },
    );
    assert!(got == sent, "{} of {}", got.len(), sent.len());
}

#[test]
fn a_break_keeps_its_place_between_the_data() {
    let mut end = SolEnd::new(Role::Console, 1, 32);
    end.queue(b"a");
    end.send_break();
    end.queue(b"b");
    assert_eq!(end.transmit(ms(1)), Some(b"\x01\0\0\0a".to_vec()));
    end.receive(ms(2), &[0, 1, 1, 0]).expect("whole");
    assert_eq!(end.transmit(ms(2)), Some(vec![2, 0, 0, 0x10]));
    end.receive(ms(3), &[0, 2, 0, 0]).expect("whole");
    assert_eq!(end.transmit(ms(3)), Some(b"\x03\0\0\0b".to_vec()));
}

#[test]
fn status_bits_become_events() {
    let mut end = SolEnd::new(Role::Console, 1, 32);
    end.receive(ms(1), &[0, 0, 0, 0x3c]).expect("whole");
    let events: Vec<SolEvent> = std::iter::from_fn(|| end.event()).collect();
    let all = [SolEvent::Unavailable(true), SolEvent::Overrun, SolEvent::Break, SolEvent::Deactivating];
    assert_eq!(events, all);
}

#[test]
fn silence_is_told_after_every_retransmission() {
    let mut ends = pair();
    ends.0.queue(b"k");
    let mut silent_at = None;
    let none = || Fate { copies: 0, late: Duration::ZERO };
    Net::new().run(&mut ends, Duration::from_secs(30), none, |ends, now| {
        if ends.0.event() == Some(SolEvent::Silent) && silent_at.is_none() {
            silent_at = Some(now);
        }
    });
    let at = silent_at.expect("told");
    assert!(at > Duration::from_secs(5) && at < Duration::from_secs(15), "{at:?}");
}
