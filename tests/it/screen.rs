//! The emulator as `console` uses it: recorded consoles in, screens out; hostile bytes; history.

use lightsout::screen::{Charset, Color, Emulator, EmulatorOptions, Frame};
use proptest::prelude::*;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const OVMF_SETUP: &[u8] = include_bytes!("../data/ovmf_setup.bin");
const OVMF_SHELL: &[u8] = include_bytes!("../data/ovmf_shell.bin");
const GRUB_LINUX: &[u8] = include_bytes!("../data/seabios_grub_linux.bin");
const IPXE_UI: &[u8] = include_bytes!("../data/seabios_ipxe_ui.bin");
const RECORDINGS: [&[u8]; 4] = [OVMF_SETUP, OVMF_SHELL, GRUB_LINUX, IPXE_UI];
/// Where the recording of the setup shows its boxes.
const BOXES: usize = 28_557;

fn options() -> EmulatorOptions {
    EmulatorOptions {
        cols: 80,
        rows: 25,
        grows: true,
        charset: None,
        scrollback: 2000,
    }
}

fn emulator(cols: u16, rows: u16) -> Emulator {
    Emulator::new(EmulatorOptions {
        cols,
        rows,
        grows: false,
        charset: Some(Charset::Utf8),
        scrollback: 2000,
    })
}

fn fed(options: EmulatorOptions, bytes: &[u8]) -> Emulator {
    let mut emulator = Emulator::new(options);
    emulator.feed(bytes);
    emulator
}

fn screen(emulator: &mut Emulator) -> String {
    let frame = emulator.frame();
    check(&frame);
    (0..frame.rows)
        .map(|row| frame.line_text(row))
        .collect::<Vec<_>>()
        .join("\n")
        .trim_end()
        .to_owned()
}

fn shown(bytes: &[u8]) -> String {
    let mut emulator = emulator(80, 25);
    emulator.feed(bytes);
    screen(&mut emulator)
}

/// What every picture must be, whatever a node sends.
fn check(frame: &Frame) {
    assert_eq!(
        frame.cells.len(),
        usize::from(frame.cols) * usize::from(frame.rows)
    );
    for row in 0..frame.rows {
        let cells = frame.row(row);
        for (column, cell) in cells.iter().enumerate() {
            assert!(!cell.ch.is_control(), "control character in a cell");
            match cell.width {
                0 => assert_eq!(cells[column - 1].width, 2, "right half without a left one"),
                2 => assert_eq!(cells[column + 1].width, 0, "left half without a right one"),
                1 => {}
                other => panic!("width {other}"),
            }
            if cell.width > 0 {
                let marks = cell.marks.as_deref().unwrap_or("");
                assert!(marks.chars().count() <= 8);
                assert_eq!(cell.ch.width(), Some(usize::from(cell.width)));
                assert_eq!(format!("{}{marks}", cell.ch).width(), usize::from(cell.width));
            }
        }
    }
    if let Some((column, row)) = frame.cursor {
        assert!(column < frame.cols && row < frame.rows);
    }
}

fn same_picture(left: &Frame, right: &Frame) {
    assert_eq!(
        Frame {
            seq: 0,
            ..left.clone()
        },
        Frame {
            seq: 0,
            ..right.clone()
        }
    );
}

#[test]
fn recordings_end_with_the_screens_tmux_shows() {
    for (bytes, reference) in [
        (OVMF_SETUP, include_str!("../data/ovmf_setup.screen.txt")),
        (
            &OVMF_SETUP[..BOXES],
            include_str!("../data/ovmf_setup_boxes.screen.txt"),
        ),
        (OVMF_SHELL, include_str!("../data/ovmf_shell.screen.txt")),
        (GRUB_LINUX, include_str!("../data/seabios_grub_linux.screen.txt")),
        (IPXE_UI, include_str!("../data/seabios_ipxe_ui.screen.txt")),
    ] {
        assert_eq!(screen(&mut fed(options(), bytes)), reference.trim_end());
    }
}

#[test]
fn recordings_agree_with_a_second_emulator_at_many_places() {
    for bytes in [OVMF_SHELL, GRUB_LINUX, IPXE_UI] {
        let mut ours = fed(
            EmulatorOptions {
                grows: false,
                cols: 100,
                rows: 31,
                ..options()
            },
            b"",
        );
        let mut theirs = avt::Terminal::new(100, 31).unwrap();
        for piece in bytes.chunks(701) {
            ours.feed(piece);
            theirs.feed(std::str::from_utf8(piece).unwrap());
            let text: Vec<_> = theirs
                .screen()
                .visible_lines()
                .map(|line| line.text().trim_end().to_owned())
                .collect();
            assert_eq!(screen(&mut ours), text.join("\n").trim_end());
        }
    }
}

#[test]
fn the_grid_grows_to_what_is_addressed_but_not_to_a_probe() {
    let shell = fed(options(), OVMF_SHELL).frame();
    assert_eq!((shell.cols, shell.rows), (80, 31));
    let mut emulator = fed(
        options(),
        b"first\r\n\x1b[999;999H\x1b[6nx\x1b[32766;1H\x1b[50;300H\x1b[999d\x1b[1;999r",
    );
    assert_eq!((emulator.frame().cols, emulator.frame().rows), (80, 25));
    assert_eq!(emulator.take_replies(), b"\x1b[25;80R");
    emulator.feed(b"\x1b[31;1Hlow\x1b[132Gw\x1b[1;40r");
    let frame = emulator.frame();
    assert_eq!(
        (frame.cols, frame.rows, frame.line_text(0).as_str()),
        (132, 40, "first")
    );
    assert!(frame.line_text(30).starts_with("low") && frame.line_text(30).ends_with('w'));
    let mut fixed = fed(
        EmulatorOptions {
            grows: false,
            ..options()
        },
        b"\x1b[31;1Hlow",
    );
    assert_eq!(
        (fixed.frame().rows, fixed.frame().line_text(24).as_str()),
        (25, "low")
    );
}

#[test]
fn growing_keeps_history_and_scroll_region() {
    let mut emulator = Emulator::new(options());
    for line in 0..200 {
        emulator.feed(format!("line {line}\r\n").as_bytes());
    }
    emulator.feed(b"\x1b[3;20r\x1b[30;1Hbelow\x1b[20;1Hend\x1b[K\n\n");
    let frame = emulator.frame();
    check(&frame);
    assert_eq!(frame.rows, 30);
    assert_eq!(frame.line_text(0), format!("line {}", frame.live_top));
    assert_eq!(
        (frame.line_text(17), frame.line_text(29)),
        ("end".to_owned(), "below".to_owned())
    );
    let history = emulator.frame_at(0, 10);
    assert_eq!(history.line_text(9), "line 9");
}

#[test]
fn cp437_is_detected_and_a_utf8_system_after_it_is_still_readable() {
    let mut emulator = fed(options(), &OVMF_SETUP[..BOXES]);
    assert_eq!(emulator.charset(), Charset::Cp437);
    let mut named = fed(
        EmulatorOptions {
            charset: Some(Charset::Cp437),
            ..options()
        },
        &OVMF_SETUP[..BOXES],
    );
    same_picture(&emulator.frame(), &named.frame());
    emulator.feed("\x1b[2J\x1b[H● started “x” ┌─┐".as_bytes());
    assert_eq!(screen(&mut emulator), "● started “x” ┌─┐");
    assert_eq!(
        fed(options(), "größer ─│┌ 漢字 ".repeat(50).as_bytes()).charset(),
        Charset::Utf8
    );
}

#[test]
fn a_named_character_set_renders_anew() {
    let mut emulator = emulator(80, 25);
    emulator.feed(b"\xda\xc4\xc4 caf\xe9\r\n");
    assert_eq!(screen(&mut emulator), "\u{fffd}\u{fffd}\u{fffd} caf\u{fffd}");
    emulator.set_charset(Charset::Cp437);
    assert_eq!(screen(&mut emulator), "┌── cafΘ");
    emulator.set_charset(Charset::Latin1);
    assert_eq!(screen(&mut emulator), "ÚÄÄ café");
    assert_eq!(emulator.charset(), Charset::Latin1);
    assert_eq!(emulator.bytes_received(), 10);
    emulator.feed(b"\x9b31mred\x9d0;title\x9cshown");
    let frame = emulator.frame();
    assert_eq!(
        (frame.line_text(1).as_str(), frame.row(1)[0].style.fg),
        ("redshown", Color::Indexed(1))
    );
}

#[test]
fn rendering_anew_keeps_older_lines_and_every_number() {
    let mut emulator = fed(
        EmulatorOptions {
            scrollback: 20_000,
            ..options()
        },
        b"",
    );
    for line in 0..12_000 {
        emulator.feed(format!("line {line} \u{e9}\r\n").as_bytes());
    }
    assert!(emulator.bytes_received() > 128 * 1024);
    let before = emulator.frame();
    emulator.set_charset(Charset::Latin1);
    let after = emulator.frame();
    assert_eq!((after.live_top, after.oldest), (before.live_top, before.oldest));
    let mut anew = None;
    for number in 0..12_000 {
        let text = emulator.text((number, 0), (number, 79), false);
        if text.ends_with("Ã©") {
            anew.get_or_insert(number);
        }
        let end = if anew.is_some() { "Ã©" } else { "é" };
        assert_eq!(text, format!("line {number} {end}"));
    }
    // 13 bytes a line: the ring holds some 10,000 lines, of which the first warm the replay up.
    assert!((2_500..4_000).contains(&anew.unwrap()), "{anew:?}");
}

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
    assert_eq!(
        shown(b"e\xcc\x81\x1b[20b")
            .chars()
            .filter(|c| *c == '\u{301}')
            .count(),
        1
    );
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
    let mut emulator = emulator(80, 25);
    // A wide character whose right half is overwritten, and one pushed over the edge.
    emulator.feed("漢字\x1b[1;2Hx\x1b[2;78H漢漢漢\x1b[2;77H\x1b[@\x1b[4;1H漢\x1b[4;1H\x1b[P".as_bytes());
    check(&emulator.frame());
}

#[test]
fn modes_keys_need_are_told() {
    let mut emulator = emulator(80, 25);
    emulator.feed(b"\x1b[?1;2004;2026h\x1b=\x1b[20h");
    let modes = emulator.frame().modes;
    assert!(modes.app_cursor && modes.app_keypad && modes.bracketed_paste && modes.line_feed);
    emulator.feed(b"one\ntwo");
    assert_eq!(
        screen(&mut emulator),
        "one\ntwo",
        "line feed mode returns the carriage"
    );
    emulator.feed(b"\x1b[?25l");
    assert_eq!(emulator.frame().cursor, None);
    emulator.feed(b"\x1b[!p");
    let frame = emulator.frame();
    assert_eq!(frame.cursor, Some((3, 1)));
    assert!(!frame.modes.app_cursor && !frame.modes.app_keypad && !frame.modes.line_feed);
}

#[test]
fn synchronized_update_and_kitty_keys_do_not_hold_the_screen() {
    let mut bytes = b"\x1b[?2026habc".to_vec();
    bytes.extend(b"\x1b[>1u".repeat(5000));
    bytes.extend(b"\x1b[<999u\x1b[=1;1u\x1b[22;0tdef");
    assert_eq!(shown(&bytes), "abcdef");
}

#[test]
fn the_alternate_screen_hides_and_leaves_the_history_alone() {
    for (on, off) in [
        ("\x1b[?1049h", "\x1b[?1049l"),
        ("\x1b[?47h", "\x1b[?47l"),
        ("\x1b[?1047h", "\x1b[?1047l"),
    ] {
        let mut emulator = emulator(80, 25);
        emulator.feed(b"before");
        emulator.feed(on.as_bytes());
        emulator.feed(&b"\x1b[Hfull screen\x1b[2J\r\nx\r\n".repeat(100));
        emulator.feed(b"\x1b[2J\x1b[Heditor");
        assert_eq!(
            (screen(&mut emulator).as_str(), emulator.frame().live_top),
            ("editor", 0)
        );
        emulator.feed(off.as_bytes());
        assert_eq!(
            (screen(&mut emulator).as_str(), emulator.frame().live_top),
            ("before", 0)
        );
        emulator.feed(on.repeat(10_000).as_bytes());
        emulator.feed(b"\x1bcreset");
        assert_eq!(screen(&mut emulator), "reset");
    }
}

#[test]
fn a_cleared_screen_goes_into_the_history_once() {
    let mut emulator = emulator(80, 25);
    for _ in 0..50 {
        emulator.feed(b"\x1b[2J\x1b[HBIOS setup\r\n\r\nmenu");
    }
    let frame = emulator.frame();
    assert_eq!((frame.live_top, frame.line_text(2).as_str()), (3, "menu"));
    emulator.feed(b"\x1bc");
    emulator.feed(b"next\x1b[H\x1b[J");
    let history = emulator.frame_at(0, 4);
    assert_eq!(
        (0..4).map(|row| history.line_text(row)).collect::<Vec<_>>(),
        ["BIOS setup", "", "menu", "next"]
    );
    emulator.feed(b"\x1b[3J");
    assert_eq!(
        emulator.frame_at(0, 1).line_text(0),
        "BIOS setup",
        "a node cannot clear the history"
    );
}

#[test]
fn history_is_numbered_absolutely_and_looks_as_it_was_printed() {
    let mut emulator = emulator(80, 25);
    for line in 0..10_000 {
        emulator.feed(format!("\x1b[3{}mline {line}\x1b[m 漢 e\u{301}\r\n", line % 8).as_bytes());
    }
    let live = emulator.frame();
    assert_eq!((live.oldest, live.live_top, live.live), (7976, 9976, true));
    for top in [0, 7976, 8000, 8191, 8192, 9960, 20_000] {
        let frame = emulator.frame_at(top, 25);
        check(&frame);
        assert_eq!(frame.top, top.clamp(7976, 9976));
        assert_eq!((frame.live, frame.cursor), (false, None));
        for row in 0..25 {
            let number = frame.top + u64::from(row);
            if number < 10_000 {
                assert_eq!(frame.line_text(row), format!("line {number} 漢 e\u{301}"));
                let cells = frame.row(row);
                assert_eq!(
                    cells[0].style.fg,
                    Color::Indexed(u8::try_from(number % 8).unwrap())
                );
                assert_eq!(
                    (cells[9].style.fg, cells[10].width, cells[11].width),
                    (Color::Default, 2, 0)
                );
            }
        }
    }
    let most = emulator.frame_at(9970, 2000);
    assert_eq!((most.top, most.rows), (9001, 1000), "rows are bounded");
}

#[test]
fn search_finds_in_history_screen_and_across_chunks() {
    let mut emulator = emulator(20, 5);
    for line in 0..600 {
        emulator.feed(format!("line {line:03} ok\r\n").as_bytes());
    }
    emulator.feed(b"the Needle spans the edge of two rows");
    let live = emulator.frame().live_top;
    assert_eq!(
        emulator.search("line 255", (0, 0), false),
        Ok(Some(((255, 0), (255, 7))))
    );
    assert_eq!(
        emulator.search("line 25[56]", (255, 0), false),
        Ok(Some(((256, 0), (256, 7))))
    );
    assert_eq!(
        emulator.search("line 25[56]", (256, 0), true),
        Ok(Some(((255, 0), (255, 7))))
    );
    assert_eq!(
        emulator.search("ok", (300, 9), false),
        Ok(Some(((301, 9), (301, 10))))
    );
    assert_eq!(
        emulator.search("ok", (300, 9), true),
        Ok(Some(((299, 9), (299, 10))))
    );
    assert_eq!(
        emulator.search("spans the edge", (0, 0), false),
        Ok(Some(((600, 11), (601, 4))))
    );
    assert!(live < 600);
    assert_eq!(
        emulator.search("needle", (999, 0), true),
        Ok(Some(((600, 4), (600, 9))))
    );
    assert_eq!(emulator.search("nEEDLE", (999, 0), true), Ok(None));
    assert_eq!(emulator.search(r"line\S", (0, 0), false), Ok(None));
    let error = emulator.search("(", (0, 0), false).unwrap_err();
    assert!(
        error.starts_with("cannot search for `(`: ") && !error.contains('\n'),
        "{error}"
    );
    assert!(
        emulator
            .search("(((a{1000}){1000}){1000})", (0, 0), false)
            .is_err()
    );
}

#[test]
fn a_wrapped_line_across_two_chunks_is_one() {
    let mut emulator = emulator(20, 5);
    emulator.feed(&b"x\r\n".repeat(255));
    emulator.feed(b"0123456789abcdefghijklmno  end\r\nnext  \r\n");
    emulator.feed(&b"y\r\n".repeat(300));
    assert_eq!(
        emulator.search("jkl", (0, 0), false),
        Ok(Some(((255, 19), (256, 1))))
    );
    assert_eq!(
        emulator.text((255, 0), (257, 3), true),
        "0123456789abcdefghijklmno  end\nnext"
    );
    assert_eq!(emulator.text((257, 1), (255, 18), false), "ijklmno  end\nne");
    assert_eq!(emulator.text((0, 0), (1, 0), false), "x\nx");
    assert_eq!(emulator.text((5_000, 0), (6_000, 0), true), "");
}

#[test]
fn tabs_and_invalid_bytes_are_plain_cells() {
    assert_eq!(
        shown(b"a\tb\x00\x01\x7f\xff\xc3(\xe2\x82x"),
        "a       b\u{fffd}\u{fffd}(\u{fffd}x"
    );
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
            emulator
                .text((0, 0), (99, 0), true)
                .trim_start_matches(['.', ' ']),
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

#[test]
fn dirty_tells_whether_a_new_picture_is_worth_it() {
    let mut emulator = emulator(80, 25);
    emulator.feed(b"x");
    assert!(emulator.dirty());
    let first = emulator.frame();
    assert!(!emulator.dirty());
    emulator.feed(b"\x1b]0;title\x07\x1b[?2026h");
    assert!(!emulator.dirty());
    assert_eq!(emulator.frame().seq, first.seq + 1);
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
        let options = EmulatorOptions { cols: size.0, rows: size.1, grows: true, charset, scrollback: 100 };
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
fn recordings_in_any_chunks_and_every_prefix() {
    for bytes in RECORDINGS {
        let whole = fed(options(), bytes).frame();
        let mut one_by_one = Emulator::new(options());
        for (index, byte) in bytes.iter().enumerate() {
            one_by_one.feed(std::slice::from_ref(byte));
            if index % 97 == 0 {
                check(&one_by_one.frame());
            }
        }
        same_picture(&one_by_one.frame(), &whole);
        assert_eq!(one_by_one.rebuilt(), 0);
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
    let mut emulator = Emulator::new(EmulatorOptions {
        scrollback: 500,
        ..options()
    });
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
