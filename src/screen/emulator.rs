//! The emulator of one console: raw bytes in, pictures out.
//!
//! Owns gate, grid and raw ring. Feeding is guarded: should the grid panic, the screen is made anew
//! from the ring. Knows no clock: its owner calls [`Emulator::idle`]. Called by `console`.

use super::gate::Gate;
use super::grid::{Grid, MOST_COLS, MOST_ROWS, Size};
use super::ring::Ring;
use super::store::Store;
use super::{Charset, search, view};
use crate::screen::Frame;
use std::cell::Cell as Slot;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Every so many bytes the line number is noted, so that a replay knows which lines it makes.
const CHECKPOINT: u64 = 4096;
/// A replay that begins within a stream is trusted after this many bytes.
const WARM_UP: u64 = 8192;

thread_local! {
    static GUARDED: Slot<bool> = const { Slot::new(false) };
}

/// Whether this thread is inside a guarded feed: the program's panic hook leaves the outer
/// terminal alone then, since the panic is caught.
#[must_use]
pub fn guarded() -> bool {
    GUARDED.get()
}

fn guard<T>(work: impl FnOnce() -> T) -> Option<T> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.ok()
}

/// What a console's screen is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmulatorOptions {
    /// Columns at first; 2 to 240.
    pub cols: u16,
    /// Rows at first; 1 to 67.
    pub rows: u16,
    /// The size is not fixed: it grows to what the node addresses, up to 240x67.
    pub grows: bool,
    /// `None` detects CP437 and takes everything for UTF-8 otherwise.
    pub charset: Option<Charset>,
    /// Long lines wrap, whatever the node says: firmware leaves that off and Linux inherits it.
    pub force_wrap: bool,
    /// Lines of history.
    pub scrollback: usize,
}

/// See the module.
pub struct Emulator {
    options: EmulatorOptions,
    /// The character set that was named, by option or later.
    named: Option<Charset>,
    detected: bool,
    gate: Gate,
    grid: Grid,
    ring: Ring,
    /// Stream offset and number of the live screen's first line there.
    checkpoints: VecDeque<(u64, u64)>,
    seq: u64,
    rebuilt: u64,
}

impl Emulator {
    /// An empty screen.
    #[must_use]
    pub fn new(options: EmulatorOptions) -> Emulator {
        let options = EmulatorOptions {
            cols: options.cols.clamp(2, MOST_COLS),
            rows: options.rows.clamp(1, MOST_ROWS),
            ..options
        };
        let size = Size { cols: options.cols, rows: options.rows };
        Emulator {
            named: options.charset,
            detected: false,
            gate: Gate::new(options.charset, options.force_wrap),
            grid: Grid::new(size, options.grows, Store::new(options.scrollback)),
            ring: Ring::default(),
            checkpoints: VecDeque::new(),
            seq: 0,
            rebuilt: 0,
            options,
        }
    }

    /// Takes bytes from the node; any chunking gives the same screen.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let ahead = CHECKPOINT - self.ring.end() % CHECKPOINT;
            let (piece, _) = rest.split_at(rest.len().min(usize::try_from(ahead).unwrap_or(usize::MAX)));
            let before = self.gate.charset();
            match guard(|| take(&mut self.gate, &mut self.grid, piece)) {
                Some(used) => {
                    self.ring.push(&piece[..used]);
                    rest = &rest[used..];
                    if self.gate.charset() != before {
                        self.detected = true;
                        self.rebuild();
                    } else {
                        self.note_checkpoint();
                    }
                }
                None => {
                    // Whatever it was, it must not be replayed.
                    self.ring.push_blank(piece.len());
                    rest = &rest[piece.len()..];
                    self.rebuilt += 1;
                    self.rebuild();
                }
            }
        }
    }

    /// To be called when nothing has arrived for two seconds: ends an unterminated string or sequence.
    pub fn idle(&mut self) {
        if self.gate.idle() {
            self.ring.mark_idle();
        }
    }

    /// Answers to the node's questions (DA1, DSR 5 and 6), in order. Whether and how often they are
    /// sent is the caller's to decide.
    pub fn take_replies(&mut self) -> Vec<u8> {
        self.grid.take_replies()
    }

    /// Whether anything has arrived for the screen since the last [`Emulator::frame`].
    #[must_use]
    pub fn dirty(&self) -> bool {
        self.grid.touched
    }

    /// The live picture.
    pub fn frame(&mut self) -> Frame {
        self.grid.touched = false;
        self.seq += 1;
        view::live(&self.grid, self.seq)
    }

    /// A frozen picture of `rows` lines from the absolute line `top` on, history or live, clamped
    /// to what there is.
    pub fn frame_at(&mut self, top: u64, rows: u16) -> Frame {
        self.seq += 1;
        view::frozen(&self.grid, top, rows, self.seq)
    }

    /// Finds `pattern` (a regular expression; ignores case unless it has a capital letter) in
    /// history and screen, starting beside the position `from` (line, column), which is not itself a
    /// match; wrapped lines are searched joined. Gives the first and the last cell of the match.
    ///
    /// # Errors
    /// One line that says what is wrong with the pattern.
    pub fn search(
        &self,
        pattern: &str,
        from: (u64, u16),
        backward: bool,
    ) -> Result<Option<(search::Position, search::Position)>, String> {
        search::find(&self.grid, pattern, from, backward)
    }

    /// The text between two positions (line, column), both included; `lines` takes whole lines.
    /// Wrapped lines are joined, trailing blanks cut off.
    #[must_use]
    pub fn text(&self, from: (u64, u16), to: (u64, u16), lines: bool) -> String {
        search::text(&self.grid, from, to, lines)
    }

    /// Names the character set; what is still in the raw ring is rendered anew.
    pub fn set_charset(&mut self, charset: Charset) {
        if self.named == Some(charset) {
            return;
        }
        self.named = Some(charset);
        self.detected = false;
        self.rebuild();
    }

    /// Whether long lines wrap, whatever the node says.
    #[must_use]
    pub fn force_wrap(&self) -> bool {
        self.options.force_wrap
    }

    /// Changes that; what is still in the raw ring is rendered anew.
    pub fn set_force_wrap(&mut self, force: bool) {
        if self.options.force_wrap != force {
            self.options.force_wrap = force;
            self.rebuild();
        }
    }

    /// The character set in use.
    #[must_use]
    pub fn charset(&self) -> Charset {
        self.gate.charset()
    }

    /// Bytes fed so far.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.ring.end()
    }

    /// How often a panic of the grid made it necessary to render anew.
    #[must_use]
    pub fn rebuilt(&self) -> u64 {
        self.rebuilt
    }

    fn note_checkpoint(&mut self) {
        if !self.ring.end().is_multiple_of(CHECKPOINT) {
            return;
        }
        self.checkpoints.push_back((self.ring.end(), self.grid.live_top()));
        while self.checkpoints.front().is_some_and(|&(at, _)| at < self.ring.start()) {
            self.checkpoints.pop_front();
        }
    }

    /// Renders the ring's bytes anew. Lines of older bytes stay as they are, and every line keeps
    /// its number as far as the new rendering has as many lines.
    fn rebuild(&mut self) {
        if guard(|| self.replay()).is_none() {
            self.ring.blank();
            self.restart(self.grid.live_top());
        }
        // What is replayed was answered long ago.
        self.grid.take_replies();
        self.grid.touched = true;
    }

    fn restart(&mut self, next: u64) {
        let size = if self.ring.start() == 0 {
            Size { cols: self.options.cols, rows: self.options.rows }
        } else {
            self.grid.size()
        };
        let mut store = std::mem::replace(&mut self.grid.store, Store::new(0));
        store.truncate(next);
        self.grid = Grid::new(size, self.options.grows, store);
        let wrap = self.options.force_wrap;
        self.gate = if self.detected { Gate::detected(wrap) } else { Gate::new(self.named, wrap) };
    }

    fn replay(&mut self) {
        let (bytes, idles) = self.ring.contents();
        let start = self.ring.start();
        let end = self.ring.end();
        let (resume, next) = match self.checkpoints.iter().find(|(at, _)| *at >= start + WARM_UP) {
            _ if start == 0 => (0, 0),
            Some(&checkpoint) => checkpoint,
            None => (start, self.grid.live_top()),
        };
        self.checkpoints.retain(|(at, _)| *at <= resume && resume > 0);
        self.restart(next);
        self.grid.forgetting = resume > start;
        let mut at = start;
        while at < end {
            let stop = (at / CHECKPOINT + 1) * CHECKPOINT;
            let stop = idles.iter().copied().find(|&idle| idle > at && idle < stop).unwrap_or(stop).min(end);
            let piece = index(at - start)..index(stop - start);
            let used = take(&mut self.gate, &mut self.grid, bytes.get(piece).unwrap_or(&[]));
            at += used.max(1) as u64;
            if idles.contains(&at) {
                self.gate.idle();
            }
            if at == resume {
                self.grid.drain();
                self.grid.forgetting = false;
            } else if at > resume && at.is_multiple_of(CHECKPOINT) {
                self.checkpoints.push_back((at, self.grid.live_top()));
            }
        }
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn take(gate: &mut Gate, grid: &mut Grid, bytes: &[u8]) -> usize {
    #[cfg(test)]
    tests::explode(bytes);
    let used = gate.feed(bytes, grid);
    grid.settle();
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOMB: &[u8] = b"<bomb>";

    /// Stands for a defect of the grid that certain bytes bring out.
    pub(super) fn explode(bytes: &[u8]) {
        if bytes.windows(BOMB.len()).any(|window| window == BOMB) {
            assert!(guarded(), "the panic hook could not tell");
            panic!("as if the grid had a defect");
        }
    }

    #[test]
    fn a_panic_costs_a_piece_and_not_the_screen() {
        let mut emulator = Emulator::new(EmulatorOptions {
            cols: 20,
            rows: 5,
            grows: false,
            charset: None,
            force_wrap: false,
            scrollback: 100,
        });
        emulator.feed(&b"line\r\n".repeat(50));
        emulator.feed(b"\x1b[1mbold ");
        emulator.feed(BOMB);
        emulator.feed(b"alive");
        let frame = emulator.frame();
        assert_eq!((frame.line_text(4), frame.row(4)[5].style.bold), ("bold alive".to_owned(), true));
        assert_eq!((emulator.rebuilt(), frame.live_top, emulator.bytes_received()), (1, 46, 320));
        assert_eq!(emulator.text((0, 0), (0, 9), false), "line");
        assert!(!guarded());
    }
}
