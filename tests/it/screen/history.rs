//! What has left the screen: numbers, looks, search, copy.

use super::{check, emulator, fed, options, screen};
use lightsout::screen::{Charset, Color, EmulatorOptions};

#[test]
fn rendering_anew_keeps_older_lines_and_every_number() {
    let mut emulator = fed(EmulatorOptions { scrollback: 20_000, ..options() }, b"");
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
fn the_alternate_screen_hides_and_leaves_the_history_alone() {
    for (on, off) in
        [("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?47h", "\x1b[?47l"), ("\x1b[?1047h", "\x1b[?1047l")]
    {
        let mut emulator = emulator(80, 25);
        emulator.feed(b"before");
        emulator.feed(on.as_bytes());
        emulator.feed(&b"\x1b[Hfull screen\x1b[2J\r\nx\r\n".repeat(100));
        emulator.feed(b"\x1b[2J\x1b[Heditor");
        assert_eq!((screen(&mut emulator).as_str(), emulator.frame().live_top), ("editor", 0));
        emulator.feed(off.as_bytes());
        assert_eq!((screen(&mut emulator).as_str(), emulator.frame().live_top), ("before", 0));
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
    assert_eq!(emulator.frame_at(0, 1).line_text(0), "BIOS setup", "a node cannot clear the history");
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
                assert_eq!(cells[0].style.fg, Color::Indexed(u8::try_from(number % 8).unwrap()));
                assert_eq!((cells[9].style.fg, cells[10].width, cells[11].width), (Color::Default, 2, 0));
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
    assert_eq!(emulator.search("line 255", (0, 0), false), Ok(Some(((255, 0), (255, 7)))));
    assert_eq!(emulator.search("line 25[56]", (255, 0), false), Ok(Some(((256, 0), (256, 7)))));
    assert_eq!(emulator.search("line 25[56]", (256, 0), true), Ok(Some(((255, 0), (255, 7)))));
    assert_eq!(emulator.search("ok", (300, 9), false), Ok(Some(((301, 9), (301, 10)))));
    assert_eq!(emulator.search("ok", (300, 9), true), Ok(Some(((299, 9), (299, 10)))));
    assert_eq!(emulator.search("spans the edge", (0, 0), false), Ok(Some(((600, 11), (601, 4)))));
    assert!(live < 600);
    assert_eq!(emulator.search("needle", (999, 0), true), Ok(Some(((600, 4), (600, 9)))));
    assert_eq!(emulator.search("nEEDLE", (999, 0), true), Ok(None));
    assert_eq!(emulator.search(r"line\S", (0, 0), false), Ok(None));
    let error = emulator.search("(", (0, 0), false).unwrap_err();
    assert!(error.starts_with("cannot search for `(`: ") && !error.contains('\n'), "{error}");
    assert!(emulator.search("(((a{1000}){1000}){1000})", (0, 0), false).is_err());
}

#[test]
fn a_wrapped_line_across_two_chunks_is_one() {
    let mut emulator = emulator(20, 5);
    emulator.feed(&b"x\r\n".repeat(255));
    emulator.feed(b"0123456789abcdefghijklmno  end\r\nnext  \r\n");
    emulator.feed(&b"y\r\n".repeat(300));
    assert_eq!(emulator.search("jkl", (0, 0), false), Ok(Some(((255, 19), (256, 1)))));
    assert_eq!(emulator.text((255, 0), (257, 3), true), "0123456789abcdefghijklmno  end\nnext");
    assert_eq!(emulator.text((257, 1), (255, 18), false), "ijklmno  end\nne");
    assert_eq!(emulator.text((0, 0), (1, 0), false), "x\nx");
    assert_eq!(emulator.text((5_000, 0), (6_000, 0), true), "");
}
