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
    assert_eq!(names(&decoder.push(b"[", now + HOLD * 2)), ["["]);
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
    assert_eq!(all(b"\x1b[<0;1;1Mz\x1b[Iz\x1b[Mabcz"), ["z", "z", "z"], "reports that nobody asked for");
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
