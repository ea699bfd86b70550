//! The threads that own the emulators: two for all consoles, started with the first one. A console is
//! fed turn by turn, 64 KB or 2 ms, so that one that floods starves no other. No lock is held on an
//! emulator: the session task sends bytes and questions, the thread publishes frames and answers.

use super::shared::{Shared, lock};
use super::transport::PIECES;
use crate::fleet::LinePos;
use crate::screen::{Charset, Emulator, EmulatorOptions};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Threads for all consoles of the process.
const SHARDS: usize = 2;
/// A console's turn ends after so many bytes or so much time.
const TURN_BYTES: usize = 64 * 1024;
const TURN_TIME: Duration = Duration::from_millis(2);
/// A frame nobody has fetched yet is renewed no more often than this.
const RENEW: Duration = Duration::from_millis(10);
/// After so much silence an unterminated control string is given up.
const IDLE: Duration = Duration::from_secs(2);

/// A question for a console's emulator.
pub(super) enum Ask {
    /// Next character set.
    NextCharset,
    /// Force wrap on or off.
    ForceWrap,
    /// Search the history.
    Search {
        pattern: String,
        from: LinePos,
        backward: bool,
        reply: oneshot::Sender<Result<Option<(LinePos, LinePos)>, String>>,
    },
    /// Text between two positions.
    Copy { from: LinePos, to: LinePos, lines: bool, reply: oneshot::Sender<String> },
}

/// Bytes of the node.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// Whether the node's questions in it may be answered: decided when it came, so that a console that
    /// becomes writable does not answer what was asked before.
    pub(super) answered: bool,
}

/// A console's place on a shard; dropping it frees the emulator.
pub(super) struct Place {
    /// Bytes of the node. Its bound is the back-pressure.
    pub(super) bytes: mpsc::Sender<Piece>,
    asks: mpsc::Sender<Ask>,
    bell: Arc<Bell>,
}

impl Place {
    /// Puts an emulator on a shard. Its answers to the node's queries arrive in `answers`; they are
    /// dropped when that is full.
    pub(super) fn take(
        options: EmulatorOptions,
        shared: Arc<Shared>,
        answers: mpsc::Sender<Vec<u8>>,
    ) -> Place {
        let (bytes, feed) = mpsc::channel(PIECES);
        let (asks, questions) = mpsc::channel(64);
        let bell = Arc::clone(shard());
        let emulator = Emulator::new(options);
        lock(&bell.inbox).push(Slot {
            charset: emulator.charset(),
            emulator,
            rebuilt: 0,
            shared,
            answers,
            feed,
            questions,
            fed: None,
            seen: 0,
            dirty: false,
            published: None,
        });
        bell.ring();
        Place { bytes, asks, bell }
    }

    /// Says that there is something to do.
    pub(super) fn ring(&self) {
        self.bell.ring();
    }

    /// Asks; when too much is asked at once the question is dropped, which its asker sees.
    pub(super) fn ask(&self, ask: Ask) {
        let _ = self.asks.try_send(ask);
        self.bell.ring();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The channel must be closed before the bell rings, or the thread finds it open and sleeps on.
        self.bytes = mpsc::channel(1).0;
        self.bell.ring();
    }
}

/// What wakes a shard, and where new consoles wait for it.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
    inbox: Mutex<Vec<Slot>>,
}

impl Bell {
    fn ring(&self) {
        *lock(&self.rung) = true;
        self.changed.notify_one();
    }

    /// Sleeps until the bell rings or `until`.
    fn wait(&self, until: Option<Instant>) {
        let mut rung = lock(&self.rung);
        while !*rung {
            rung = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => break,
                Some(left) => self.changed.wait_timeout(rung, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(rung).unwrap_or_else(PoisonError::into_inner),
            };
        }
        *rung = false;
    }
}

/// The next shard in turn.
fn shard() -> &'static Arc<Bell> {
    static BELLS: OnceLock<Vec<Arc<Bell>>> = OnceLock::new();
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let bells = BELLS.get_or_init(|| (0..SHARDS).map(start).collect());
    &bells[NEXT.fetch_add(1, Ordering::Relaxed) % bells.len()]
}

fn start(number: usize) -> Arc<Bell> {
    let bell = Arc::new(Bell::default());
    let own = Arc::clone(&bell);
    std::thread::Builder::new()
        // The panic hook knows guarded threads by this name.
        .name(format!("emulator-{number}"))
        .spawn(move || run(&own))
        .expect("a process that can start at all can start two threads");
    bell
}

/// What a turn left.
enum Turn {
    /// More is waiting.
    More,
    /// Nothing to do before then.
    Until(Option<Instant>),
    /// The console is gone.
    Gone,
}

fn run(bell: &Bell) {
    let mut slots: Vec<Slot> = Vec::new();
    loop {
        slots.append(&mut lock(&bell.inbox));
        let mut more = false;
        let mut next: Option<Instant> = None;
        slots.retain_mut(|slot| match slot.turn() {
            Turn::Gone => false,
            Turn::More => {
                more = true;
                true
            }
            Turn::Until(until) => {
                next = [next, until].into_iter().flatten().min();
                true
            }
        });
        if !more {
            bell.wait(next);
        }
    }
}

/// One console on its shard.
struct Slot {
    emulator: Emulator,
    /// The character set as last told.
    charset: Charset,
    /// How often it had to render anew after a panic (it guards itself), as last told.
    rebuilt: u64,
    shared: Arc<Shared>,
    answers: mpsc::Sender<Vec<u8>>,
    feed: mpsc::Receiver<Piece>,
    questions: mpsc::Receiver<Ask>,
    /// When bytes last came, until silence was told to the emulator.
    fed: Option<Instant>,
    /// The serial number of the view that was last answered.
    seen: u64,
    /// There is something to publish.
    dirty: bool,
    published: Option<Instant>,
}

impl Slot {
    fn turn(&mut self) -> Turn {
        let start = Instant::now();
        while let Ok(ask) = self.questions.try_recv() {
            self.answer(ask);
        }
        let mut bytes = 0;
        let mut more = false;
        let mut gone = false;
        loop {
            match self.feed.try_recv() {
                Ok(piece) => {
                    self.emulator.feed(&piece.bytes);
                    self.fed = Some(Instant::now());
                    bytes += piece.bytes.len();
                    let answers = self.emulator.take_replies();
                    if piece.answered && !answers.is_empty() {
                        let _ = self.answers.try_send(answers);
                    }
                }
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    gone = true;
                    break;
                }
            }
            if bytes >= TURN_BYTES || start.elapsed() >= TURN_TIME {
                more = true;
                break;
            }
        }
        let charset = self.emulator.charset();
        if charset != self.charset {
            self.charset = charset;
            self.shared.note(format!("charset {} detected", charset_name(charset)));
        }
        if self.emulator.rebuilt() != self.rebuilt {
            self.rebuilt = self.emulator.rebuilt();
            self.shared.note("the console's picture failed and was drawn anew");
        }
        let idle = self.idle();
        let renew = self.publish();
        match (gone, more) {
            (true, _) => Turn::Gone,
            (false, true) => Turn::More,
            (false, false) => Turn::Until([idle, renew].into_iter().flatten().min()),
        }
    }

    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::NextCharset => {
                let next = next_charset(self.emulator.charset());
                self.emulator.set_charset(next);
                self.charset = next;
                // Rendered anew, the node's old questions are no questions.
                drop(self.emulator.take_replies());
                self.dirty = true;
                self.shared.note(format!("charset {}", charset_name(next)));
            }
            Ask::ForceWrap => {
                let force = !self.emulator.force_wrap();
                self.emulator.set_force_wrap(force);
                drop(self.emulator.take_replies());
                self.dirty = true;
                let text = if force { "long lines are wrapped" } else { "long lines as the node says" };
                self.shared.note(text);
            }
            Ask::Search { pattern, from, backward, reply } => {
                let found = self.emulator.search(&pattern, pair(from), backward);
                let _ = reply.send(found.map(|found| found.map(|(first, last)| (pos(first), pos(last)))));
            }
            Ask::Copy { from, to, lines, reply } => {
                let _ = reply.send(self.emulator.text(pair(from), pair(to), lines));
            }
        }
    }

    /// Tells the emulator about silence; gives when that will be due.
    fn idle(&mut self) -> Option<Instant> {
        let due = self.fed? + IDLE;
        if Instant::now() < due {
            return Some(due);
        }
        self.fed = None;
        self.emulator.idle();
        None
    }

    /// Publishes a frame if one is wanted and new; gives when a held-back one will be due.
    fn publish(&mut self) -> Option<Instant> {
        let wanted = self.shared.wanted();
        let view = wanted.view?;
        let changed = wanted.serial != self.seen;
        self.dirty |= self.emulator.dirty();
        if changed {
            self.seen = wanted.serial;
            if let Some(top) = view.top {
                let frame = self.emulator.frame_at(top, view.rows);
                self.shared.publish(frame);
                return None;
            }
        }
        // A frozen view stays as it is, whatever the node says.
        if view.top.is_some() || !(changed || self.dirty) {
            return None;
        }
        if let Some(due) = self.published.map(|published| published + RENEW)
            && !changed
            && !self.shared.frame_fetched()
            && Instant::now() < due
        {
            return Some(due);
        }
        let frame = self.emulator.frame();
        self.dirty = false;
        self.published = Some(Instant::now());
        self.shared.publish(frame);
        None
    }
}

fn pair(at: LinePos) -> (u64, u16) {
    (at.line, at.col)
}

fn pos((line, col): (u64, u16)) -> LinePos {
    LinePos { line, col }
}

fn next_charset(charset: Charset) -> Charset {
    match charset {
        Charset::Utf8 => Charset::Cp437,
        Charset::Cp437 => Charset::Latin1,
        Charset::Latin1 => Charset::Utf8,
    }
}

fn charset_name(charset: Charset) -> &'static str {
    match charset {
        Charset::Utf8 => "utf-8",
        Charset::Cp437 => "cp437",
        Charset::Latin1 => "latin-1",
    }
}
