//! What a console pane costs, as ratios in one run: our emulator against avt on the same recordings, our
//! backend's bytes to the outer terminal against ratatui's own. `cargo bench` prints the table.

use lightsout::screen::{Emulator, EmulatorOptions};
use lightsout::term::backend::SavingBackend;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Style;
use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

const RECORDINGS: [&str; 3] = ["seabios_grub_linux", "seabios_ipxe_ui", "ovmf_shell"];

/// Each recording is played until this many bytes have passed.
const BYTES: usize = 4 << 20;

/// Log lines drawn in the full-width pane, and its size.
const LINES: usize = 200;
const PANE: (u16, u16) = (120, 40);

fn main() {
    let mut out = std::io::stdout().lock();
    // A closed pipe ends the table early, nothing else.
    let _ = emulators(&mut out).and_then(|()| bytes_to_the_terminal(&mut out));
}

fn emulators(out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "emulator, MB/s           ours      avt    ratio")?;
    for name in RECORDINGS {
        let path = format!("{}/tests/data/{name}.bin", env!("CARGO_MANIFEST_DIR"));
        let recording = std::fs::read(path)?;
        let text = String::from_utf8_lossy(&recording).into_owned();
        let times = BYTES.div_ceil(recording.len());
        let mut ours = Emulator::new(EmulatorOptions {
            cols: 80,
            rows: 25,
            grows: false,
            charset: None,
            force_wrap: false,
            scrollback: 2000,
        });
        let mine = time(|| {
            for _ in 0..times {
                recording.chunks(4096).for_each(|chunk| ours.feed(chunk));
            }
        });
        let mut theirs = avt::Terminal::with_scrollback(80, 25, Some(2000)).expect("a size above zero");
        let peer = time(|| (0..times).for_each(|_| theirs.feed(text.as_str())));
        let rate = |took: Duration| (recording.len() * times) as f64 / 1e6 / took.as_secs_f64();
        writeln!(out, "{name:20} {:8.0} {:8.0} {:8.2}", rate(mine), rate(peer), rate(mine) / rate(peer))?;
    }
    Ok(())
}

fn bytes_to_the_terminal(out: &mut impl Write) -> std::io::Result<()> {
    let area = Rect::new(0, 0, PANE.0, PANE.1);
    let counters = [Counter::default(), Counter::default()];
    let mut ours = Terminal::new(SavingBackend::new(counters[0].clone(), Size::new(PANE.0, PANE.1)))?;
    let options = ratatui::TerminalOptions { viewport: ratatui::Viewport::Fixed(area) };
    let mut plain = Terminal::with_options(CrosstermBackend::new(counters[1].clone()), options)?;
    for line in 0..LINES {
        let picture = log(area, line);
        ours.draw(|frame| frame.buffer_mut().clone_from(&picture))?;
        plain.draw(|frame| frame.buffer_mut().clone_from(&picture))?;
    }
    let [ours, plain] = counters.map(|counter| counter.0.get() / LINES);
    writeln!(out, "\nbytes a log line, {}x{}    ours    plain    ratio", PANE.0, PANE.1)?;
    writeln!(out, "full width           {ours:8} {plain:8} {:8.3}", ours as f64 / plain as f64)
}

/// Counts what is written.
#[derive(Clone, Default)]
struct Counter(Rc<Cell<usize>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A pane full of log lines, the newest at the bottom.
fn log(area: Rect, newest: usize) -> Buffer {
    let mut buffer = Buffer::empty(area);
    for row in 0..area.height {
        let number = (newest + usize::from(row)) * 7919;
        let text = format!("[{number:10}] eth0: link becomes ready, {} Mbps full duplex", number % 10_000);
        buffer.set_string(0, row, text, Style::default());
    }
    buffer
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
