use super::*;

const HOLD: Duration = Duration::from_millis(25);

fn decoder() -> (Decoder, Instant) {
    (Decoder::new(HOLD, false), Instant::now())
}

/// Writes a key as `ctrl-alt-x` so that expectations can be read.
fn name(input: &Input) -> String {
    match input {
        Input::Key(key) => {
            let mut name = String::new();
            for (set, word) in [(key.ctrl, "ctrl-"), (key.alt, "alt-"), (key.shift, "shift-")] {
                name.push_str(if set { word } else { "" });
            }
            match key.code {
                KeyCode::Char(ch) => name.push(ch),
                KeyCode::F(number) => name.push_str(&format!("F{number}")),
                other => name.push_str(&format!("{other:?}")),
            }
            name
        }
        other => format!("{other:?}"),
    }
}

fn names(inputs: &[Input]) -> Vec<String> {
    inputs.iter().map(name).collect()
}

/// Everything at once, and then the deadlines.
fn all(bytes: &[u8]) -> Vec<String> {
    let (mut decoder, now) = decoder();
    let mut inputs = decoder.push(bytes, now);
    if let Some(deadline) = decoder.deadline() {
        inputs.extend(decoder.expire(deadline));
    }
    names(&inputs)
}

#[test]
fn control_bytes_get_their_real_names() {
    assert_eq!(all(b"\x1d\x1c\x1e\x1f\x00"), ["ctrl-]", "ctrl-\\", "ctrl-^", "ctrl-_", "ctrl- "]);
    assert_eq!(all(b"\x01\x03\x1a\x0a"), ["ctrl-a", "ctrl-c", "ctrl-z", "ctrl-j"]);
    assert_eq!(all(b"\t\r\x7f\x08"), ["Tab", "Enter", "Backspace", "ctrl-h"]);
}

#[test]
fn kitty_spelling_means_the_same() {
    assert_eq!(all(b"\x1b[93;5u\x1b[92;5u"), ["ctrl-]", "ctrl-\\"]);
    assert_eq!(all(b"\x1b[65;6u"), ["ctrl-a"], "ctrl with a letter is lower case");
    assert_eq!(all(b"\x1b[27;5;93~"), ["ctrl-]"], "modifyOtherKeys");
    assert_eq!(all(b"\x1b[97;1:3u\x1b[98;1:1u"), ["b"], "releases are dropped");
}

#[test]
fn backspace_follows_the_terminals_erase_character() {
    let mut decoder = Decoder::new(HOLD, true);
    assert_eq!(names(&decoder.push(b"\x08", Instant::now())), ["Backspace"]);
}

#[test]
fn keys_of_common_terminals() {
    for (bytes, key) in [
        (&b"\x1b[A"[..], "Up"),
        (b"\x1bOB", "Down"),
        (b"\x1b[1;5C", "ctrl-Right"),
        (b"\x1b[1;2D", "shift-Left"),
        (b"\x1b[H", "Home"),
        (b"\x1bOF", "End"),
        (b"\x1b[4~", "End"),
        (b"\x1b[5~", "PageUp"),
        (b"\x1b[3;3~", "alt-Delete"),
        (b"\x1bOP", "F1"),
        (b"\x1b[[C", "F3"),
        (b"\x1b[15~", "F5"),
        (b"\x1b[24~", "F12"),
        (b"\x1b[Z", "BackTab"),
        (b"\x1bx", "alt-x"),
        (b"\x1b\x7f", "alt-Backspace"),
        ("\u{e9}".as_bytes(), "\u{e9}"),
        ("\x1b\u{e4}".as_bytes(), "alt-\u{e4}"),
    ] {
        assert_eq!(all(bytes), [key], "{bytes:?}");
    }
}

#[test]
fn an_arrow_split_in_three_is_one_key() {
    for arrow in [&b"\x1b[A"[..], b"\x1bOA"] {
        let (mut decoder, mut now) = decoder();
        let mut inputs = Vec::new();
        for byte in arrow {
            now += HOLD / 2;
            inputs.extend(decoder.expire(now));
            inputs.extend(decoder.push(&[*byte], now));
        }
        assert_eq!(names(&inputs), ["Up"]);
        assert_eq!(decoder.deadline(), None);
    }
}

#[test]
fn esc_and_a_bracket_typed_slowly_are_two_keys() {
    let (mut decoder, now) = decoder();
    assert!(decoder.push(b"\x1b", now).is_empty());
    assert_eq!(decoder.deadline(), Some(now + HOLD));
    assert!(decoder.expire(now + HOLD / 2).is_empty());
    assert_eq!(names(&decoder.expire(now + HOLD)), ["Esc"]);
    // It could be the rest of a report of the mouse for as long as an Esc could be one of an arrow.
    assert!(decoder.push(b"[", now + HOLD * 2).is_empty());
    assert_eq!(names(&decoder.expire(now + HOLD * 3)), ["["]);
}

#[test]
fn alt_bracket_and_double_esc() {
    assert_eq!(all(b"\x1b["), ["alt-["]);
    assert_eq!(all(b"\x1bO"), ["alt-O"]);
    assert_eq!(all(b"\x1b\x1b"), ["Esc", "Esc"]);
    assert_eq!(all(b"\x1b\x1b[A"), ["Esc", "Up"]);
}

#[test]
fn a_begun_sequence_is_waited_for_and_its_head_is_never_typed() {
    let (mut decoder, now) = decoder();
    assert!(decoder.push(b"\x1b[20", now).is_empty());
    assert!(decoder.expire(now + HOLD * 4).is_empty(), "still waited for");
    assert!(decoder.push(b"0~ls\x1b[201~", now + HOLD * 5) == [Input::Paste("ls".into())]);
    let gone = now + Duration::from_secs(60);
    assert!(decoder.push(b"\x1b[1;", now).is_empty());
    assert!(decoder.expire(gone).is_empty());
    assert_eq!(names(&decoder.push(b"a", gone)), ["a"]);
}

#[test]
fn a_paste_split_anywhere_is_one_paste_and_never_keys() {
    let bytes = "x\x1b[200~reboot\r\x1b[20 \u{e9}\x1b[201~y".as_bytes();
    for cut in 1..bytes.len() {
        let (mut decoder, now) = decoder();
        let mut inputs = decoder.push(&bytes[..cut], now);
        inputs.extend(decoder.push(&bytes[cut..], now + HOLD / 5));
        let wanted =
            ["x".to_owned(), format!("{:?}", Input::Paste("reboot\r\x1b[20 \u{e9}".into())), "y".into()];
        assert_eq!(names(&inputs), wanted, "cut at {cut}");
    }
}

#[test]
fn a_paste_without_end_is_handed_over_after_a_while() {
    let (mut decoder, now) = decoder();
    assert!(decoder.push(b"\x1b[200~half", now).is_empty());
    let deadline = decoder.deadline().expect("waited for");
    assert_eq!(decoder.expire(deadline), [Input::Paste("half".into())]);
    assert_eq!(names(&decoder.push(b"a", deadline)), ["a"]);
}

#[test]
fn a_long_paste_comes_in_pieces_that_break_no_character() {
    let (mut decoder, now) = decoder();
    let text = "\u{20ac}".repeat(500_000);
    let mut inputs = decoder.push(b"\x1b[200~", now);
    for piece in text.as_bytes().chunks(4096) {
        inputs.extend(decoder.push(piece, now));
    }
    inputs.extend(decoder.push(b"\x1b[201~", now));
    assert!(inputs.len() > 1);
    let joined: String = inputs
        .iter()
        .map(|input| match input {
            Input::Paste(text) => text.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(joined == text);
}

#[test]
fn a_character_split_in_the_middle_is_one_key_and_garbage_is_dropped() {
    let (mut decoder, now) = decoder();
    assert!(decoder.push(&[0xe2, 0x82], now).is_empty());
    assert_eq!(names(&decoder.push(&[0xac], now)), ["\u{20ac}"]);
    assert_eq!(all(&[0xff, b'a', 0xc3, b'b', 0x80]), ["a", "b"]);
    assert_eq!(all(b"\x1b[Iz\x1b[Mabcz"), ["z", "z"], "reports that nobody asked for");
    assert_eq!(all("\u{85}z".as_bytes()), ["z"], "no C1 control as a key");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    })]

    #[test]
    fn cutting_the_bytes_anywhere_changes_nothing(
        bytes in proptest::collection::vec(proptest::prop_oneof![
            proptest::prelude::Just(0x1b_u8), proptest::prelude::Just(b'['), proptest::prelude::any::<u8>(),
        ], 0..40),
        cut in 0usize..40,
    ) {
        let cut = cut.min(bytes.len());
        let (mut whole, now) = decoder();
        let (mut split, _) = decoder();
        let at_once = whole.push(&bytes, now);
        let mut pieces = split.push(&bytes[..cut], now);
        pieces.extend(split.push(&bytes[cut..], now));
        proptest::prop_assert_eq!(at_once, pieces);
    }
}

const PRESS: Mouse = Mouse { kind: MouseKind::Press, column: 9, row: 4 };

#[test]
fn the_mouse_is_read_and_what_means_nothing_is_dropped() {
    let (mut decoder, now) = decoder();
    assert_eq!(decoder.push(b"\x1b[<0;10;5M", now), [Input::Mouse(PRESS)]);
    for (bytes, kind) in
        [(&b"\x1b[<64;10;5M"[..], MouseKind::WheelUp), (b"\x1b[<65;10;5M", MouseKind::WheelDown)]
    {
        assert_eq!(decoder.push(bytes, now), [Input::Mouse(Mouse { kind, ..PRESS })]);
    }
    // A release, the other buttons, modifiers, motion, places that there are not, numbers without end.
    for bytes in [
        "0;10;5m",
        "2;10;5M",
        "16;10;5M",
        "32;10;5M",
        "0;0;5M",
        "0;99999;5M",
        "0;;M",
        "M",
        "0;1M",
        "0;1;1;1M",
    ] {
        let inputs = decoder.push(format!("\x1b[<{bytes}").as_bytes(), now);
        assert!(inputs.iter().all(|input| name(input) == "M"), "{bytes}: {inputs:?}");
    }
    assert_eq!(names(&decoder.push(b"\x1b[<0;1\x1b[A", now)), ["Up"], "broken off");
}

#[test]
fn a_report_is_waited_for_as_long_as_it_takes() {
    let (mut decoder, now) = decoder();
    assert!(decoder.push(b"\x1b[<0;1", now).is_empty());
    assert_eq!(decoder.deadline(), None);
    let later = now + Duration::from_secs(3600);
    assert!(decoder.expire(later).is_empty());
    assert_eq!(decoder.push(b"0;5M", later), [Input::Mouse(PRESS)]);
}

#[test]
fn esc_waits_longer_only_when_it_came_with_a_report() {
    let (mut decoder, now) = decoder();
    decoder.push(b"\x1b[<0;10;5M\x1b", now);
    assert_eq!(decoder.deadline(), Some(now + SEQUENCE_HOLD));
    assert_eq!(decoder.push(b"[<0;10;5M", now + SEQUENCE_HOLD / 2), [Input::Mouse(PRESS)]);
    // A key after a click is a key.
    let later = now + SEQUENCE_HOLD / 2 + HOLD;
    decoder.push(b"\x1b", later);
    assert_eq!(decoder.deadline(), Some(later + HOLD));
}

#[test]
fn esc_and_what_begins_like_a_report_can_still_be_typed() {
    let (mut decoder, mut now) = decoder();
    let mut inputs = Vec::new();
    for byte in b"\x1b[<x" {
        now += HOLD * 3;
        inputs.extend(decoder.push(&[*byte], now));
        while let Some(deadline) = decoder.deadline() {
            inputs.extend(decoder.expire(deadline));
        }
    }
    assert_eq!(names(&inputs), ["Esc", "[", "<", "x"]);
    inputs = decoder.push(b"\x1b", now);
    inputs.extend(decoder.expire(now + HOLD));
    inputs.extend(decoder.push(b"[", now + SEQUENCE_HOLD * 3));
    assert_eq!(names(&inputs), ["Esc", "["], "long after Esc nothing is waited for");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    })]

    /// A slow line cuts reports anywhere and pauses as long as it likes. Every report arrives, and nothing is
    /// typed but what was typed: at worst Esc, `[` and `<`, when the line paused right behind them and nothing
    /// told yet that a mouse was at work.
    #[test]
    fn a_report_torn_anywhere_is_never_typed(
        reports in proptest::collection::vec((0u16..70, 1u16..300, 1u16..100, proptest::prelude::any::<bool>()), 1..5),
        pieces in proptest::collection::vec((1usize..12, 0u32..40), 1..40),
    ) {
        let mut bytes = Vec::new();
        let mut wanted = Vec::new();
        for (button, column, row, press) in reports {
            let last = if press { 'M' } else { 'm' };
            bytes.extend(format!("\x1b[<{button};{column};{row}{last}").bytes());
            let kind = match (button, press) {
                (0, true) => MouseKind::Press,
                (64, true) => MouseKind::WheelUp,
                (65, true) => MouseKind::WheelDown,
                _ => continue,
            };
            wanted.push(Input::Mouse(Mouse { kind, column: column - 1, row: row - 1 }));
        }
        let (mut decoder, mut now) = decoder();
        let (mut inputs, mut rest, mut early) = (Vec::new(), bytes.as_slice(), false);
        for (length, pause) in pieces.into_iter().chain([(usize::MAX, 0)]) {
            let (piece, tail) = rest.split_at(length.min(rest.len()));
            rest = tail;
            inputs.extend(decoder.push(piece, now));
            early |= pause >= 1 && !tail.is_empty();
            now += HOLD * pause;
            inputs.extend(decoder.expire(now));
        }
        let (mice, keys): (Vec<Input>, Vec<Input>) =
            inputs.into_iter().partition(|input| matches!(input, Input::Mouse(_)));
        let keys = names(&keys);
        proptest::prop_assert!(
            keys.iter().all(|key| ["Esc", "alt-[", "[", "<"].contains(&key.as_str())),
            "{keys:?}"
        );
        proptest::prop_assert!(early || keys.is_empty(), "{keys:?}");
        proptest::prop_assert_eq!(mice, wanted);
    }
}
