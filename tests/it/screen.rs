//! The emulator as `console` uses it: recorded consoles in, screens out; hostile bytes; history.

mod history;
mod hostile;

use lightsout::screen::{Charset, Color, Emulator, EmulatorOptions, Frame};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const OVMF_SETUP: &[u8] = include_bytes!("../data/ovmf_setup.bin");
const OVMF_SHELL: &[u8] = include_bytes!("../data/ovmf_shell.bin");
const GRUB_LINUX: &[u8] = include_bytes!("../data/seabios_grub_linux.bin");
const IPXE_UI: &[u8] = include_bytes!("../data/seabios_ipxe_ui.bin");
const RECORDINGS: [&[u8]; 4] = [OVMF_SETUP, OVMF_SHELL, GRUB_LINUX, IPXE_UI];
/// Where the recording of the setup shows its boxes.
const BOXES: usize = 28_557;

fn options() -> EmulatorOptions {
    EmulatorOptions { cols: 80, rows: 25, grows: true, charset: None, force_wrap: false, scrollback: 2000 }
}

fn emulator(cols: u16, rows: u16) -> Emulator {
    Emulator::new(EmulatorOptions {
        cols,
        rows,
        grows: false,
        charset: Some(Charset::Utf8),
        force_wrap: false,
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
    (0..frame.rows).map(|row| frame.line_text(row)).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

fn shown(bytes: &[u8]) -> String {
    let mut emulator = emulator(80, 25);
    emulator.feed(bytes);
    screen(&mut emulator)
}

/// What every picture must be, whatever a node sends.
fn check(frame: &Frame) {
    assert_eq!(frame.cells.len(), usize::from(frame.cols) * usize::from(frame.rows));
    for row in 0..frame.rows {
        let cells = frame.row(row);
        for (column, cell) in cells.iter().enumerate() {
            assert!(!cell.ch.is_control(), "control character in a cell");
            match cell.width {
                0 => assert_eq!(cells[column - 1].width, 2, "right half without a left one"),
                2 => assert_eq!(cells[column + 1].width, 0, "left half without a right one"),
                width => assert_eq!(width, 1),
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
    assert_eq!(Frame { seq: 0, ..left.clone() }, Frame { seq: 0, ..right.clone() });
}

#[test]
fn recordings_end_with_the_screens_tmux_shows() {
    for (bytes, reference) in [
        (OVMF_SETUP, include_str!("../data/ovmf_setup.screen.txt")),
        (&OVMF_SETUP[..BOXES], include_str!("../data/ovmf_setup_boxes.screen.txt")),
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
        let mut ours = fed(EmulatorOptions { grows: false, cols: 100, rows: 31, ..options() }, b"");
        let mut theirs = avt::Terminal::new(100, 31).unwrap();
        for piece in bytes.chunks(701) {
            ours.feed(piece);
            theirs.feed(std::str::from_utf8(piece).unwrap());
            let text: Vec<_> =
                theirs.screen().visible_lines().map(|line| line.text().trim_end().to_owned()).collect();
            assert_eq!(screen(&mut ours), text.join("\n").trim_end());
        }
    }
}

#[test]
fn the_grid_grows_to_what_is_addressed_but_not_to_a_probe() {
    let shell = fed(options(), OVMF_SHELL).frame();
    assert_eq!((shell.cols, shell.rows), (80, 31));
    let mut emulator =
        fed(options(), b"first\r\n\x1b[999;999H\x1b[6nx\x1b[32766;1H\x1b[50;300H\x1b[999d\x1b[1;999r");
    assert_eq!((emulator.frame().cols, emulator.frame().rows), (80, 25));
    assert_eq!(emulator.take_replies(), b"\x1b[25;80R");
    emulator.feed(b"\x1b[31;1Hlow\x1b[132Gw\x1b[1;40r");
    let frame = emulator.frame();
    assert_eq!((frame.cols, frame.rows, frame.line_text(0).as_str()), (132, 40, "first"));
    assert!(frame.line_text(30).starts_with("low") && frame.line_text(30).ends_with('w'));
    let mut fixed = fed(EmulatorOptions { grows: false, ..options() }, b"\x1b[31;1Hlow");
    assert_eq!((fixed.frame().rows, fixed.frame().line_text(24).as_str()), (25, "low"));
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
    assert_eq!((frame.line_text(17), frame.line_text(29)), ("end".to_owned(), "below".to_owned()));
    let history = emulator.frame_at(0, 10);
    assert_eq!(history.line_text(9), "line 9");
}

#[test]
fn cp437_is_detected_and_a_utf8_system_after_it_is_still_readable() {
    let mut emulator = fed(options(), &OVMF_SETUP[..BOXES]);
    assert_eq!(emulator.charset(), Charset::Cp437);
    let mut named = fed(EmulatorOptions { charset: Some(Charset::Cp437), ..options() }, &OVMF_SETUP[..BOXES]);
    same_picture(&emulator.frame(), &named.frame());
    emulator.feed("\x1b[2J\x1b[H● started “x” ┌─┐".as_bytes());
    assert_eq!(screen(&mut emulator), "● started “x” ┌─┐");
    assert_eq!(fed(options(), "größer ─│┌ 漢字 ".repeat(50).as_bytes()).charset(), Charset::Utf8);
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
    assert_eq!((frame.line_text(1).as_str(), frame.row(1)[0].style.fg), ("redshown", Color::Indexed(1)));
}

#[test]
fn forced_long_lines_wrap_whatever_the_node_says_and_what_came_is_drawn_anew() {
    let mut emulator = Emulator::new(EmulatorOptions { cols: 10, rows: 4, grows: false, ..options() });
    emulator.feed(b"\x1b[?7labcdefghijKLM\r\nshort");
    assert_eq!(screen(&mut emulator), "abcdefghiM\nshort");
    emulator.set_force_wrap(true);
    assert_eq!(screen(&mut emulator), "abcdefghij\nKLM\nshort");
    emulator.feed(b"\r\n\x1b[?7;25l0123456789x");
    assert_eq!(screen(&mut emulator), "KLM\nshort\n0123456789\nx");
    assert_eq!(emulator.frame().cursor, None, "the other modes of the sequence are the node's");
    emulator.set_force_wrap(false);
    assert_eq!(screen(&mut emulator), "abcdefghiM\nshort\n012345678x");
    // iPXE leaves it off, and Linux's long lines after it would be cut.
    let mut off = fed(options(), GRUB_LINUX);
    let mut on = fed(EmulatorOptions { force_wrap: true, ..options() }, GRUB_LINUX);
    assert!(on.frame().live_top > off.frame().live_top, "wrapped lines take more of them");
}

#[test]
fn modes_keys_need_are_told() {
    let mut emulator = emulator(80, 25);
    emulator.feed(b"\x1b[?1;2004;2026h\x1b=\x1b[20h");
    let modes = emulator.frame().modes;
    assert!(modes.app_cursor && modes.app_keypad && modes.bracketed_paste && modes.line_feed);
    emulator.feed(b"one\ntwo");
    assert_eq!(screen(&mut emulator), "one\ntwo", "line feed mode returns the carriage");
    emulator.feed(b"\x1b[?25l");
    assert_eq!(emulator.frame().cursor, None);
    emulator.feed(b"\x1b[!p");
    let frame = emulator.frame();
    assert_eq!(frame.cursor, Some((3, 1)));
    assert!(!frame.modes.app_cursor && !frame.modes.app_keypad && !frame.modes.line_feed);
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

#[test]
fn recordings_in_any_chunks_and_every_prefix() {
    for bytes in RECORDINGS {
        let whole = fed(options(), bytes).frame();
        let mut one_by_one = Emulator::new(options());
        for (index, byte) in bytes.iter().enumerate() {
            one_by_one.feed(std::slice::from_ref(byte));
            // A picture of each would take twenty seconds.
            if index % 7 == 0 {
                let frame = one_by_one.frame();
                if index % 97 == 0 {
                    check(&frame);
                }
            }
        }
        same_picture(&one_by_one.frame(), &whole);
        assert_eq!(one_by_one.rebuilt(), 0);
    }
}
