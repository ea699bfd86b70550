//! The byte-saving backend: its bytes, replayed by two emulators, must show the buffer.

use lightsout::screen::{self, Charset, Emulator, EmulatorOptions};
use lightsout::term::backend::SavingBackend;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::{Color, Modifier, Style};

const COLS: u16 = 40;
const ROWS: u16 = 12;

fn terminal(cols: u16, rows: u16) -> Terminal<SavingBackend<Vec<u8>>> {
    Terminal::new(SavingBackend::new(Vec::new(), Size::new(cols, rows))).expect("memory takes everything")
}

fn draw(terminal: &mut Terminal<SavingBackend<Vec<u8>>>, buffer: &Buffer) -> Vec<u8> {
    terminal.draw(|frame| frame.buffer_mut().clone_from(buffer)).expect("memory takes everything");
    std::mem::take(terminal.backend_mut().writer_mut())
}

fn outer(cols: u16, rows: u16) -> Emulator {
    Emulator::new(EmulatorOptions {
        cols,
        rows,
        grows: false,
        charset: Some(Charset::Utf8),
        force_wrap: false,
        scrollback: 10,
    })
}

fn color(color: Color) -> screen::Color {
    match color {
        Color::Red => screen::Color::Indexed(1),
        Color::LightBlue => screen::Color::Indexed(12),
        Color::Indexed(index) => screen::Color::Indexed(index),
        Color::Rgb(r, g, b) => screen::Color::Rgb(r, g, b),
        _ => screen::Color::Default,
    }
}

/// The emulator shows exactly what the buffer says, as far as it can be seen.
fn compare(emulator: &mut Emulator, buffer: &Buffer) {
    let frame = emulator.frame();
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let (want, have) = (&buffer[(x, y)], &frame.row(y)[usize::from(x)]);
            let text = format!("{}{}", have.ch, have.marks.as_deref().unwrap_or(""));
            assert_eq!(text, want.symbol(), "at {x},{y}");
            let seen = Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT;
            let inked = text != " ";
            if inked || want.modifier.intersects(seen) {
                assert_eq!(have.style.fg, color(want.fg), "at {x},{y}");
            }
            assert_eq!(have.style.bg, color(want.bg), "at {x},{y}");
            assert_eq!(have.style.reverse, want.modifier.contains(Modifier::REVERSED), "at {x},{y}");
            assert_eq!(have.style.underline, want.modifier.contains(Modifier::UNDERLINED), "at {x},{y}");
            assert_eq!(have.style.strike, want.modifier.contains(Modifier::CROSSED_OUT), "at {x},{y}");
            if inked {
                assert_eq!(have.style.bold, want.modifier.contains(Modifier::BOLD), "at {x},{y}");
                assert_eq!(have.style.dim, want.modifier.contains(Modifier::DIM), "at {x},{y}");
                assert_eq!(have.style.italic, want.modifier.contains(Modifier::ITALIC), "at {x},{y}");
            }
            x += u16::from(have.width.max(1));
        }
    }
}

/// A change of the buffer.
#[derive(Debug, Clone)]
enum Change {
    Text { x: u16, y: u16, text: String, style: Style },
    Fill { area: Rect, style: Style, clear: bool },
    Scroll { top: u16, bottom: u16, by: u16, up: bool },
    Spoil,
}

fn style() -> impl Strategy<Value = Style> {
    let color = || {
        prop_oneof![
            4 => Just(Color::Reset),
            1 => Just(Color::Red),
            1 => Just(Color::LightBlue),
            1 => Just(Color::Indexed(200)),
            1 => Just(Color::Rgb(1, 2, 3)),
        ]
    };
    let modifiers = prop_oneof![
        4 => Just(Modifier::empty()),
        3 => (0u16..512).prop_map(|bits| {
            Modifier::from_bits_truncate(bits) - (Modifier::SLOW_BLINK | Modifier::RAPID_BLINK | Modifier::HIDDEN)
        }),
    ];
    (color(), color(), modifiers)
        .prop_map(|(fg, bg, modifiers)| Style::reset().fg(fg).bg(bg).add_modifier(modifiers))
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (0..COLS, 0..ROWS, "[a-c ─漢字e\u{301}]{1,30}", style())
            .prop_map(|(x, y, text, style)| Change::Text { x, y, text, style }),
        2 => (0..COLS, 0..ROWS, 1..COLS, 1..ROWS, style(), any::<bool>()).prop_map(|(x, y, width, height, style, clear)| {
            Change::Fill { area: Rect { x, y, width, height }, style, clear }
        }),
        3 => (0..ROWS, 0..ROWS, 1..4u16, any::<bool>())
            .prop_map(|(a, b, by, up)| Change::Scroll { top: a.min(b), bottom: a.max(b), by, up }),
        1 => Just(Change::Spoil),
    ]
}

/// `false` when the backend was told to draw everything.
fn apply(change: &Change, buffer: &mut Buffer) -> bool {
    match change {
        Change::Text { x, y, text, style } => {
            buffer.set_string(*x, *y, text, *style);
        }
        Change::Fill { area, style, clear } => {
            let area = area.intersection(buffer.area);
            for position in area.positions() {
                if *clear {
                    buffer[position].reset();
                }
                buffer[position].set_style(*style);
            }
        }
        Change::Scroll { top, bottom, by, up } => {
            let cols = usize::from(COLS);
            let rows = &mut buffer.content[usize::from(*top) * cols..(usize::from(*bottom) + 1) * cols];
            let shift = (usize::from(*by) * cols).min(rows.len());
            if *up {
                rows.rotate_left(shift);
            } else {
                rows.rotate_right(shift);
            }
        }
        Change::Spoil => return false,
    }
    mend(buffer);
    true
}

/// Wide symbols that lost a half become blanks, as well-formed buffers have it.
fn mend(buffer: &mut Buffer) {
    let area = buffer.area;
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            let wide = unicode_width::UnicodeWidthStr::width(buffer[(x, y)].symbol()) == 2;
            if wide && x + 1 >= area.width {
                buffer[(x, y)].set_symbol(" ");
            } else if wide {
                let style = buffer[(x, y)].style();
                buffer[(x + 1, y)].reset();
                buffer[(x + 1, y)].set_style(style);
                x += 1;
            }
            x += 1;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replayed_bytes_show_the_buffer(marks in any::<bool>(), frames in proptest::collection::vec(proptest::collection::vec(change(), 1..6), 1..12)) {
        let mut terminal = terminal(COLS, ROWS);
        let mut emulator = outer(COLS, ROWS);
        let mut second = avt::Terminal::new(usize::from(COLS), usize::from(ROWS)).unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, COLS, ROWS));
        for changes in frames {
            for mut change in changes {
                if let Change::Text { text, .. } = &mut change && !marks {
                    text.retain(|c| c != '\u{301}');
                }
                if !apply(&change, &mut buffer) {
                    let junk = b"\x1b[2;5r\x1b[44mjunk\x1b[5;5Hjunk";
                    emulator.feed(junk);
                    second.feed(std::str::from_utf8(junk).unwrap());
                    terminal.backend_mut().invalidate();
                }
            }
            let bytes = draw(&mut terminal, &buffer);
            emulator.feed(&bytes);
            compare(&mut emulator, &buffer);
            second.feed(std::str::from_utf8(&bytes).unwrap());
            let frame = emulator.frame();
            // The second emulator knows no combining marks.
            for (y, line) in (0u16..).zip(second.screen().visible_lines()).filter(|_| !marks) {
                let ours: String = frame.row(y).iter().filter(|cell| cell.width > 0).map(|cell| cell.ch).collect();
                prop_assert_eq!(line.text(), ours);
            }
            prop_assert!(draw(&mut terminal, &buffer).is_empty(), "nothing changed");
        }
    }
}

/// The lines of a recorded boot.
fn log_line(number: usize) -> String {
    let log = include_str!("../data/seabios_grub_linux.screen.txt");
    let lines: Vec<_> = log.lines().filter(|line| !line.is_empty()).collect();
    format!("[{number:>5}.000000] {}", lines[number * 7 % lines.len()])
}

/// A frame around a log of which `last` is the newest line, at 120x40.
fn log_screen(last: usize) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 40));
    let edge = Style::default().fg(Color::Indexed(8));
    buffer.set_string(0, 0, format!("┌ node7 sol {}┐", "─".repeat(107)), edge);
    for y in 1..38 {
        buffer.set_string(0, y, "│", edge);
        buffer.set_string(1, y, log_line(last + usize::from(y)), Style::default());
        buffer.set_string(119, y, "│", edge);
    }
    buffer.set_string(0, 38, format!("└{}┘", "─".repeat(118)), edge);
    buffer.set_string(0, 39, "^o prefix", Style::default().add_modifier(Modifier::REVERSED));
    buffer
}

#[test]
fn a_scrolling_log_costs_little() {
    let mut terminal = terminal(120, 40);
    let mut emulator = outer(120, 40);
    let mut plain = Terminal::with_options(
        CrosstermBackend::new(Vec::new()),
        ratatui::TerminalOptions { viewport: ratatui::Viewport::Fixed(Rect::new(0, 0, 120, 40)) },
    )
    .unwrap();
    let mut costs = (0, 0);
    for last in 0..11 {
        let buffer = log_screen(last);
        let bytes = draw(&mut terminal, &buffer);
        emulator.feed(&bytes);
        compare(&mut emulator, &buffer);
        let mut out = Vec::new();
        let previous = if last == 0 { Buffer::empty(buffer.area) } else { log_screen(last - 1) };
        CrosstermBackend::new(&mut out).draw(previous.diff_iter(&buffer)).unwrap();
        plain.draw(|frame| frame.buffer_mut().clone_from(&buffer)).unwrap();
        if last > 0 {
            costs = (costs.0 + bytes.len(), costs.1 + out.len());
        }
    }
    assert!(costs.0 * 8 < costs.1, "saving {} bytes, plain {} bytes", costs.0, costs.1);
    assert!(costs.0 < 10 * 200, "{} bytes for ten lines", costs.0);
}

#[test]
fn one_write_inside_a_synchronized_update() {
    struct Counting(usize, Vec<u8>);
    impl std::io::Write for Counting {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += 1;
            self.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let hello = |frame: &mut ratatui::Frame<'_>| {
        frame.buffer_mut().set_string(0, 0, "hello", Style::default().fg(Color::Red));
    };
    let backend = SavingBackend::new(Counting(0, Vec::new()), Size::new(80, 24));
    let mut terminal = Terminal::new(backend).unwrap();
    terminal.draw(hello).unwrap();
    let Counting(writes, bytes) =
        std::mem::replace(terminal.backend_mut().writer_mut(), Counting(0, Vec::new()));
    assert_eq!(writes, 1);
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "\x1b[?2026h\x1b[r\x1b[m\x1b[2J\x1b[H\x1b[31mhello\x1b[m\x1b[?25l\x1b[?2026l"
    );
    terminal.draw(hello).unwrap();
    assert_eq!(terminal.backend_mut().writer_mut().0, 0);
    terminal.backend_mut().set_size(Size::new(60, 20));
    terminal.draw(|frame| assert_eq!(frame.area(), Rect::new(0, 0, 60, 20))).unwrap();
    assert_eq!(terminal.backend_mut().writer_mut().0, 1);
}

#[test]
fn the_cursor_goes_where_it_is_wanted() {
    let mut terminal = terminal(COLS, ROWS);
    let mut emulator = outer(COLS, ROWS);
    for (at, text) in [(Some((3, 4)), "a"), (Some((39, 11)), "a"), (None, "b"), (Some((0, 0)), "b")] {
        terminal
            .draw(|frame| {
                frame.buffer_mut().set_string(5, 5, text, Style::default());
                if let Some(at) = at {
                    frame.set_cursor_position(at);
                }
            })
            .unwrap();
        emulator.feed(&std::mem::take(terminal.backend_mut().writer_mut()));
        assert_eq!(emulator.frame().cursor, at);
    }
}

#[test]
fn control_characters_never_get_out() {
    let mut terminal = terminal(COLS, ROWS);
    let mut buffer = Buffer::empty(Rect::new(0, 0, COLS, ROWS));
    buffer[(0, 0)].set_symbol("\x1b]0;title\x07");
    buffer[(1, 0)].set_symbol("\u{9b}31m");
    buffer[(12, 0)].set_symbol("x");
    let bytes = draw(&mut terminal, &buffer);
    assert!(!bytes.windows(2).any(|pair| pair == b"\x1b]" || pair == b"\xc2\x9b"));
}
