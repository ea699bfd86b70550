//! Bytes that a broken or malicious node sends, and any chunking of them.

use super::{check, emulator, fed, options, same_picture, screen, shown};
use lightsout::screen::{Charset, Emulator, EmulatorOptions};
use proptest::prelude::*;

#[test]
fn strings_never_swallow_the_console() {
    assert_eq!(
        shown(
            b"a\x1b]0;title\x07b\x1b]52;c;aGk=\x1b\\c\x1bPq#0\x1b\\d\x1b_x\x1b\\e\x1b^y\x1b\\f\x1bXz\x1b\\g"
        ),
        "abcdefg"
    );
    assert_eq!(shown(b"a\x1b]0;never ends\r\nb"), "a\n b");
    assert_eq!(shown(b"a\x1b]8;;http://x\x18b\x1b]0;\x1b[1mc"), "abc");
    let mut long = b"\x1b]0;".to_vec();
    long.extend([b'x'; 5000]);
    long.extend(b"\r\n\x1b[2J\x1b[Hback");
    assert_eq!(shown(&long), "back");
    let mut silent = emulator(80, 25);
    silent.feed(b"\x1b]0;tit");
    silent.idle();
    silent.feed(b"shown");
    assert_eq!(screen(&mut silent), "shown");
    silent.feed(b"\x1b[2");
    silent.idle();
    silent.feed(b"\x1b");
    silent.idle();
    silent.feed(b"c\x08 \x1b[1;6H");
    assert_eq!(screen(&mut silent), "shown");
    silent.set_charset(Charset::Cp437);
    assert_eq!(screen(&mut silent), "shown", "the silence is part of the replay");
}

#[test]
fn only_three_questions_are_answered() {
    let mut emulator = emulator(80, 25);
    emulator.feed(b"\x1b[c\x1b[0c\x1b[5n\x1b[3;7H\x1b[6n");
    assert_eq!(emulator.take_replies(), b"\x1b[?6c\x1b[?6c\x1b[0n\x1b[3;7R");
    assert_eq!(emulator.take_replies(), b"");
    emulator.feed(
        b"\x1b[>c\x1b[=c\x1bZ\x1b[18t\x1b[14t\x1b[21t\x1b[?25$p\x1b[4$p\x1b[?u\x1b[?6n\x1b]10;?\x07\x1b]4;1;?\x07\
          \x1b]52;c;?\x07\x1bP$qm\x1b\\\x1bP+q544e\x1b\\\x1b[>0q\x05\x1b[?4m",
    );
    assert_eq!(emulator.take_replies(), b"");
    emulator.feed(&b"\x1b[c".repeat(100_000));
    assert!(emulator.take_replies().len() <= 1024);
    emulator.set_charset(Charset::Cp437);
    assert_eq!(emulator.take_replies(), b"", "nothing is answered twice");
}

#[test]
fn repetition_is_a_screen_at_most() {
    assert_eq!(shown(b"a\x1b[3bb"), "aaaab");
    let mut emulator = emulator(80, 25);
    let bomb = b"x\x1b[65535b".repeat(2000);
    emulator.feed(&bomb);
    let lines = emulator.frame().live_top;
    assert!(lines * 80 <= 240 * 67 + 33 * bomb.len() as u64, "{lines} lines");
    assert_eq!(shown(b"e\xcc\x81\x1b[20b").chars().filter(|c| *c == '\u{301}').count(), 1);
}

#[test]
fn a_cell_has_eight_marks_at_most_whatever_the_way() {
    let mut text = "e".to_owned();
    text.push_str(&"\u{301}".repeat(50));
    text.push_str("\x1b[D\x1b[C");
    text.push_str(&"\u{302}".repeat(50));
    let mut emulator = emulator(80, 25);
    emulator.feed(text.as_bytes());
    let frame = emulator.frame();
    check(&frame);
    assert_eq!(frame.row(0)[0].marks.as_deref().unwrap().chars().count(), 8);
}

#[test]
fn widths_cannot_be_tricked() {
    let text = "a\u{202e}b\u{200b}c\u{feff}d\u{fe0f}e\u{200d}f\u{2066}g\u{ad}h\u{e0041}i";
    assert_eq!(shown(text.as_bytes()), "abcdefghi");
    assert_eq!(shown("漢字x".as_bytes()), "漢字x");
    assert_eq!(shown("🇩🇪👍🏽.".as_bytes()), "\u{fffd}\u{fffd}👍\u{fffd}.");
    assert_eq!(shown("ｶﾞ|".as_bytes()), "ｶ\u{fffd}|");
    let mut emulator = emulator(80, 25);
    // A wide character whose right half is overwritten, and one pushed over the edge.
    emulator.feed("漢字\x1b[1;2Hx\x1b[2;78H漢漢漢\x1b[2;77H\x1b[@\x1b[4;1H漢\x1b[4;1H\x1b[P".as_bytes());
    check(&emulator.frame());
}

#[test]
fn synchronized_update_and_kitty_keys_do_not_hold_the_screen() {
    let mut bytes = b"\x1b[?2026habc".to_vec();
    bytes.extend(b"\x1b[>1u".repeat(5000));
    bytes.extend(b"\x1b[<999u\x1b[=1;1u\x1b[22;0tdef");
    assert_eq!(shown(&bytes), "abcdef");
}

#[test]
fn tabs_and_invalid_bytes_are_plain_cells() {
    assert_eq!(shown(b"a\tb\x00\x01\x7f\xff\xc3(\xe2\x82x"), "a       b\u{fffd}\u{fffd}(\u{fffd}x");
    assert_eq!(shown("a\u{9b}31mb\u{85}c".as_bytes()), "a31mbc");
    assert_eq!(shown(b"\x0eq\x1b)0qx\x0fq\x1b(A#\x1b#8\x1b[2J"), "");
}

#[test]
fn characters_of_many_bytes_survive_every_step() {
    let text = "Ç é漢─ 👍 ".repeat(100);
    for shift in 0..8 {
        let mut emulator = emulator(80, 25);
        emulator.feed(&b"....... "[shift..]);
        emulator.feed(text.as_bytes());
        assert_eq!(
            emulator.text((0, 0), (99, 0), true).trim_end().trim_start_matches(['.', ' ']),
            text.trim_end()
        );
    }
}

#[test]
fn long_and_malformed_sequences_are_dropped() {
    let mut bytes = b"\x1b[".to_vec();
    bytes.extend(b"1;".repeat(100_000));
    bytes.extend(b"mok\x1b[99999999999999999999Cx\x1b[1;2$\x31qy\x1b[?1?2hz\x1b[31:1:1:1:1;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;m.");
    let mut emulator = emulator(80, 25);
    emulator.feed(&bytes);
    let frame = emulator.frame();
    assert!(frame.line_text(0).starts_with("ok"), "{}", frame.line_text(0));
    assert!(!frame.row(0)[0].style.bold);
}

/// Bytes from which terminals are made: text, controls, sequences whole and broken.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => "[ -~]{0,30}".prop_map(String::into_bytes),
        4 => Just(b"\r\n".to_vec()),
        6 => (prop_oneof![Just(""), Just("?"), Just(">"), Just("!"), Just("=")],
              proptest::collection::vec(prop_oneof![0u32..30, 40u32..70, 900u32..70_000], 0..4),
              "[@-~]")
            .prop_map(|(marker, numbers, last)| {
                let numbers: Vec<_> = numbers.iter().map(u32::to_string).collect();
                format!("\x1b[{marker}{}{last}", numbers.join(";")).into_bytes()
            }),
        3 => prop_oneof![Just(47u32), Just(1047), Just(1049), Just(7), Just(6), Just(1048)]
            .prop_flat_map(|mode| "[hl]".prop_map(move |set| format!("\x1b[?{mode}{set}").into_bytes())),
        2 => "\x1b[()#*+ ]?[0-~]".prop_map(String::into_bytes),
        2 => "[漢字e\u{301}\u{302}─│🇩👍\u{200b}]{1,6}".prop_map(String::into_bytes),
        2 => "\x1b[\\]PX_^][ -~]{0,20}(\x07|\x1b\\\\|\n)?".prop_map(String::into_bytes),
        2 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => proptest::collection::vec(0xb0u8..0xe0, 0..20),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_gives_the_same_screen(
        bytes in noise(),
        cuts in proptest::collection::vec(1usize..40, 1..20),
        size in (2u16..90, 1u16..30),
        named in 0usize..4,
    ) {
        let charset = [None, Some(Charset::Utf8), Some(Charset::Cp437), Some(Charset::Latin1)][named];
        let options = EmulatorOptions { cols: size.0, rows: size.1, grows: true, charset, force_wrap: false, scrollback: 100 };
        let mut whole = fed(options, &bytes);
        let mut pieces = Emulator::new(options);
        let mut rest = &bytes[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(rest.len().min(*cut));
            pieces.feed(piece);
            check(&pieces.frame());
            rest = after;
        }
        prop_assert_eq!(whole.rebuilt(), 0);
        let (left, right) = (whole.frame(), pieces.frame());
        check(&left);
        same_picture(&left, &right);
        let (left, right) = (whole.frame_at(0, 300), pieces.frame_at(0, 300));
        check(&left);
        same_picture(&left, &right);
        prop_assert_eq!(whole.take_replies(), pieces.take_replies());
        let end = left.live_top + 300;
        prop_assert_eq!(whole.text((0, 0), (end, 0), true), pieces.text((0, 0), (end, 0), true));
    }

    #[test]
    fn rendering_anew_gives_the_same_screen(bytes in noise()) {
        let mut emulator = fed(EmulatorOptions { charset: Some(Charset::Utf8), ..options() }, &bytes);
        let (screen, history) = (emulator.frame(), emulator.frame_at(0, 300));
        emulator.set_charset(Charset::Latin1);
        emulator.set_charset(Charset::Utf8);
        same_picture(&emulator.frame(), &screen);
        same_picture(&emulator.frame_at(0, 300), &history);
    }
}

#[test]
fn a_megabyte_of_random_bytes_is_survived() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut emulator = Emulator::new(EmulatorOptions { force_wrap: false, scrollback: 500, ..options() });
    for _ in 0..(1 << 20) / 512 {
        let bytes: Vec<u8> = (0..64).flat_map(|_| random().to_le_bytes()).collect();
        emulator.feed(&bytes);
    }
    emulator.feed(b"\x18\x1bc\x0falive");
    check(&emulator.frame());
    assert_eq!((screen(&mut emulator).as_str(), emulator.rebuilt()), ("alive", 0));
    let frame = emulator.frame();
    assert!(frame.live_top - frame.oldest <= 500);
}

#[test]
fn few_bytes_do_not_make_many_lines() {
    for bytes in [
        &b"\x1b[99S"[..],
        b"\x1b[H\x1b[99M",
        b"\x1b[67Hx\x1b[2J",
        b"\x1b[67Hx\x1b[H\x1b[J",
        b"\x1b[67Hx\x1bc",
    ] {
        let mut emulator = emulator(80, 67);
        let flood = bytes.repeat(20_000 / bytes.len());
        emulator.feed(&flood);
        let lines = emulator.frame().live_top;
        // A line feed makes a line of one byte; nothing does much more.
        assert!(lines < 16 * 67 + 2 * flood.len() as u64, "{lines} lines of {}", bytes.escape_ascii());
    }
    // Within reason everything is kept.
    let mut emulator = emulator(80, 25);
    for number in 0..10 {
        emulator.feed(format!("\x1b[2J\x1b[25;1Hscreen {number}").as_bytes());
    }
    assert_eq!(emulator.frame().live_top, 9 * 25);
}

#[test]
fn blanks_before_a_wide_character_that_wraps_are_kept() {
    let mut emulator = emulator(10, 3);
    emulator.feed("abcdef   漢".as_bytes());
    assert_eq!(emulator.text((0, 0), (1, 9), false), "abcdef   漢");
}
