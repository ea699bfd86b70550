use super::*;
use proptest::prelude::*;

const ECHO: u8 = 1;
const SGA: u8 = 3;
const TERMINAL_TYPE: u8 = 24;

/// What one side hears: the node's bytes and our answer.
fn hear(protocol: &mut Protocol, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut data, mut reply) = (Vec::new(), Vec::new());
    protocol.receive(bytes, &mut data, &mut reply);
    (data, reply)
}

fn says(reply: &[u8], verb: u8, option: u8) -> bool {
    reply.windows(3).any(|three| three == [IAC, verb, option])
}

fn wanted() -> SerialLine {
    SerialLine { baud: Some(115_200), parity: Some(Parity::Even), ..SerialLine::default() }
}

#[test]
fn a_port_that_does_not_speak_telnet_gets_and_gives_every_byte_as_it_is() {
    let mut protocol = Protocol::new(wanted());
    let (data, reply) = hear(&mut protocol, b"login: \r\0\x1b[m");
    assert_eq!(data, b"login: \r\0\x1b[m");
    assert!(reply.is_empty(), "nothing is typed into a node that nobody typed");
    assert_eq!(protocol.encode(b"a\r\xff"), b"a\r\xff");
    let mut out = Vec::new();
    protocol.set_break(true, &mut out);
    assert!(out.is_empty());
}

#[test]
fn a_server_that_begins_is_asked_for_what_a_serial_line_needs() {
    let mut protocol = Protocol::new(SerialLine::default());
    let (data, reply) = hear(&mut protocol, &[b'x', IAC, WILL, ECHO, b'y']);
    assert_eq!(data, b"xy");
    assert!(says(&reply, DO, ECHO) && says(&reply, DO, SGA) && says(&reply, WILL, SGA));
    assert!(says(&reply, DO, BINARY) && says(&reply, WILL, BINARY));
    assert!(!says(&reply, WILL, COM_PORT), "no setting of the line is configured");
    // Agreement is not answered again.
    let (_, reply) = hear(&mut protocol, &[IAC, DO, BINARY, IAC, WILL, BINARY, IAC, WILL, ECHO]);
    assert!(reply.is_empty(), "{reply:?}");
    assert_eq!(protocol.encode(b"a\r\xff"), b"a\r\xff\xff", "binary: only 255 is doubled");
}

#[test]
fn a_server_that_refuses_everything_still_carries_the_console() {
    let mut protocol = Protocol::new(wanted());
    let (_, reply) = hear(&mut protocol, &[IAC, DO, TERMINAL_TYPE]);
    assert!(says(&reply, WONT, TERMINAL_TYPE) && says(&reply, WILL, COM_PORT));
    let refusals =
        [IAC, DONT, BINARY, IAC, DONT, SGA, IAC, DONT, COM_PORT, IAC, WONT, BINARY, IAC, WONT, ECHO];
    let (_, reply) = hear(&mut protocol, &refusals);
    assert!(reply.is_empty(), "{reply:?}");
    assert_eq!(
        protocol.take_note().as_deref(),
        Some("the server does not let its line be set (RFC 2217 refused)")
    );
    assert_eq!(protocol.encode(b"ls\r"), b"ls\r\0", "a line end of the network's terminal");
    assert_eq!(hear(&mut protocol, b"ok\r\0\r\n").0, b"ok\r\r\n");
    // Whoever refuses twice, or asks for the same again and again, is not argued with.
    for _ in 0..3 {
        assert!(hear(&mut protocol, &refusals).1.is_empty());
    }
    let mut out = Vec::new();
    protocol.set_break(true, &mut out);
    protocol.set_break(false, &mut out);
    assert_eq!(out, [IAC, BREAK], "telnet's own break");
}

#[test]
fn a_server_with_rfc_2217_gets_the_line_s_settings_and_a_true_break() {
    let mut protocol = Protocol::new(wanted());
    let (_, reply) = hear(&mut protocol, &[IAC, DO, COM_PORT]);
    let baud = [IAC, SUB_BEGIN, COM_PORT, 1, 0x00, 0x01, 0xc2, 0x00, IAC, SUB_END];
    let parity = [IAC, SUB_BEGIN, COM_PORT, 3, 3, IAC, SUB_END];
    assert!(reply.windows(baud.len()).any(|bytes| bytes == baud), "{reply:?}");
    assert!(reply.windows(parity.len()).any(|bytes| bytes == parity), "{reply:?}");
    let mut out = Vec::new();
    protocol.set_break(true, &mut out);
    assert_eq!(out, [IAC, SUB_BEGIN, COM_PORT, 5, 5, IAC, SUB_END]);
    out.clear();
    protocol.set_break(false, &mut out);
    assert_eq!(out, [IAC, SUB_BEGIN, COM_PORT, 5, 6, IAC, SUB_END]);
    // What the server made of it.
    hear(&mut protocol, &[IAC, SUB_BEGIN, COM_PORT, 101, 0, 0, 0x25, 0x80, IAC, SUB_END]);
    assert_eq!(protocol.take_note().as_deref(), Some("the server's line is at 9600 baud, not 115200"));
    hear(&mut protocol, &[IAC, SUB_BEGIN, COM_PORT, 108, IAC, SUB_END]);
    assert!(protocol.suspended());
    hear(&mut protocol, &[IAC, SUB_BEGIN, COM_PORT, 109, IAC, SUB_END]);
    assert!(!protocol.suspended());
}

#[test]
fn a_byte_255_in_a_setting_is_doubled() {
    let line = SerialLine { baud: Some(0xff00), ..SerialLine::default() };
    let (_, reply) = hear(&mut Protocol::new(line), &[IAC, DO, COM_PORT]);
    let baud = [COM_PORT, 1, 0, 0, IAC, IAC, 0, IAC, SUB_END];
    assert!(reply.windows(baud.len()).any(|bytes| bytes == baud), "{reply:?}");
}

#[test]
fn a_subnegotiation_without_end_does_not_swallow_the_console() {
    let mut protocol = Protocol::new(SerialLine::default());
    hear(&mut protocol, &[IAC, SUB_BEGIN, 39]);
    let (data, _) = hear(&mut protocol, &[b'.'; SUB_LONGEST + 10]);
    assert!(!data.is_empty() && data.len() <= 10, "{}", data.len());
    assert!(protocol.sub.len() <= SUB_KEPT);
    // One whose end was lost ends with the next command.
    hear(&mut protocol, &[IAC, SUB_BEGIN, COM_PORT, 1, IAC, WILL, ECHO]);
    assert_eq!(hear(&mut protocol, b"node").0, b"node");
}

proptest! {
    #[test]
    fn garbage_neither_panics_nor_is_answered_without_end(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let mut protocol = Protocol::new(wanted());
        let (data, reply) = hear(&mut protocol, &bytes);
        prop_assert!(data.len() <= bytes.len());
        prop_assert!(reply.len() <= bytes.len() + 200);
    }

    #[test]
    fn where_the_pieces_are_cut_makes_no_difference(
        bytes in proptest::collection::vec(prop_oneof![Just(IAC), Just(SUB_BEGIN), Just(SUB_END), Just(b'\r'), Just(0), any::<u8>()], 0..200),
        cut in 0..200usize,
    ) {
        let cut = cut.min(bytes.len());
        let mut whole = Protocol::new(wanted());
        let mut cut_up = Protocol::new(wanted());
        let expected = hear(&mut whole, &bytes);
        let mut got = hear(&mut cut_up, &bytes[..cut]);
        let rest = hear(&mut cut_up, &bytes[cut..]);
        got.0.extend(rest.0);
        got.1.extend(rest.1);
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn two_of_us_agree_and_fall_silent(first in 0..5u8) {
        // A server made of the same rules, begun by one of its options.
        let (mut us, mut them) = (Protocol::new(SerialLine::default()), Protocol::new(SerialLine::default()));
        let mut to_us = vec![IAC, WILL, first];
        let mut rounds = 0;
        while !to_us.is_empty() {
            let to_them = hear(&mut us, &to_us).1;
            to_us = hear(&mut them, &to_them).1;
            rounds += 1;
            prop_assert!(rounds < 10);
        }
    }

    #[test]
    fn what_is_typed_arrives_in_binary(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (mut us, mut them) = (Protocol::new(SerialLine::default()), Protocol::new(SerialLine::default()));
        let to_them = hear(&mut us, &[IAC, DO, BINARY, IAC, WILL, BINARY]).1;
        let to_us = hear(&mut them, &to_them).1;
        hear(&mut us, &to_us);
        prop_assert_eq!(hear(&mut them, &us.encode(&bytes)).0, bytes);
    }
}
