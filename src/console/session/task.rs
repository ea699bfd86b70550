//! The task of one console: opens its link, carries bytes both ways, opens it again when it was lost, ends
//! it in order when the handle is gone.

mod rest;

use super::{SessionCommand, SessionSpec};
use crate::bmc::{BmcError, Exchange, Reply};
use crate::config;
use crate::console::answers::Answers;
use crate::console::backoff::Backoff;
use crate::console::log::Log;
use crate::console::outbox::{Out, Outbox};
use crate::console::shard::{Ask, Piece, Place};
use crate::console::shared::Shared;
use crate::console::transport::{Around, Driver, Ending, Link, Stage, Transport, transport};
use crate::console::watch::Watch;
use crate::fleet::{ConsoleMode, ConsoleState, Fault, FaultClass};
use crate::screen::{Charset, EmulatorOptions};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// A console's size unless the settings fix one; it grows to what firmware addresses.
const SIZE: (u16, u16) = (80, 25);

/// The key that stops a paste: ctrl-c.
const INTERRUPT: [u8; 1] = [0x03];

/// What a console says whose SOL the operator freed.
const FREED: &str = "the SOL was freed (bmc free-sol), this console with it";

/// Why the task stops what it is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interrupt {
    /// The handle is gone.
    Stop,
    /// Open anew, now.
    Reopen,
    /// The same, and take it from whoever has it.
    Steal,
    /// Try again by itself until it is free. Only while there is no link.
    Wait,
    /// Read along in the log. Only while there is no link.
    Watch,
    /// The operator freed its SOL: rest until somebody asks.
    Freed,
}

/// Runs one console until its handle is dropped.
pub(super) async fn run(spec: SessionSpec, shared: Arc<Shared>, commands: mpsc::Receiver<SessionCommand>) {
    let Some(mut transport) = transport(&spec.console.transport) else {
        let reason = format!("there is no console transport \"{}\"", spec.console.transport);
        let fault = Fault { class: FaultClass::Local, reason, hint: None };
        shared.state(ConsoleState::Closed { fault, holder: None, retry: None });
        return;
    };
    let (answers_in, answers) = mpsc::channel(4);
    let options = emulator_options(&spec);
    let log_path = spec.log.clone();
    let log = spec.log.and_then(|path| Log::start(path, spec.log_max_bytes, &shared));
    let mut core = Core {
        place: Place::take(options, Arc::clone(&shared), answers_in),
        shared,
        commands,
        answers,
        allowance: Answers::default(),
        outbox: Outbox::default(),
        log,
        log_path,
        patient: false,
        watch: None,
        tell_resumed: spec.resumed,
    };
    let mut around = Around {
        node: spec.node,
        console: spec.console,
        bmc: spec.bmc,
        context: spec.context,
        suites: spec.suites,
        gate: spec.gate,
        driver: Driver::new(spec.driver),
        steal: false,
        say: {
            let shared = Arc::clone(&core.shared);
            Arc::new(move |text| shared.note(text))
        },
    };
    core.live(transport.as_mut(), &mut around, spec.by_operator).await;
    drop(core.place);
    if let Some(log) = core.log {
        log.close().await;
    }
}

fn emulator_options(spec: &SessionSpec) -> EmulatorOptions {
    let (cols, rows) = spec.console.size.unwrap_or(SIZE);
    EmulatorOptions {
        cols,
        rows,
        grows: spec.console.size.is_none(),
        charset: spec.console.charset.map(|charset| match charset {
            config::Charset::Utf8 => Charset::Utf8,
            config::Charset::Cp437 => Charset::Cp437,
            config::Charset::Latin1 => Charset::Latin1,
        }),
        force_wrap: spec.console.force_wrap,
        scrollback: spec.scrollback,
    }
}

/// Everything of the task but the transport and its surroundings, which an opening or closing borrows while
/// commands are still handled.
struct Core {
    shared: Arc<Shared>,
    commands: mpsc::Receiver<SessionCommand>,
    place: Place,
    answers: mpsc::Receiver<Vec<u8>>,
    allowance: Answers,
    outbox: Outbox,
    log: Option<Log>,
    log_path: Option<PathBuf>,
    /// A busy console is tried again until it is free.
    patient: bool,
    /// The log that is read along; also while the console is tried again.
    watch: Option<Watch>,
    /// See [`SessionSpec::resumed`].
    tell_resumed: Arc<dyn Fn() + Send + Sync>,
}

/// The exchange that resumes a machine, running beside the console.
type Resuming = JoinHandle<Option<Result<Reply, BmcError>>>;

impl Core {
    /// Opens, carries, waits, again and again until the handle is gone.
    async fn live(&mut self, transport: &mut dyn Transport, around: &mut Around, by_operator: bool) {
        let mut backoff = Backoff::default();
        // Whether the next link is one that the operator asked for, and not one that we open again.
        let mut asked = by_operator;
        // Whether the way has ever worked: then a busy SOL is most likely our own, not yet forgotten by the BMC.
        let mut ghosts = 0;
        loop {
            let opened = self.open(transport, around).await;
            // What was asked for one opening holds for no other.
            around.steal = false;
            let ending = match opened {
                Ok(Ok(link)) => {
                    self.patient = false;
                    self.watch = None;
                    let since = Instant::now();
                    let interrupt = self.carry(transport, around, link, asked).await;
                    asked = false;
                    backoff.attached(since.elapsed());
                    ghosts = GHOSTS;
                    match interrupt {
                        Some(interrupt) => Err(interrupt),
                        None => Ok(transport.ended().await),
                    }
                }
                Ok(Err(ending)) => Ok(ending),
                Err(interrupt) => Err(interrupt),
            };
            self.shut();
            transport.close(around).await;
            let ending = match ending {
                Err(Interrupt::Freed) => {
                    // Nobody has it now: it is not busy, there is nothing to take or to wait for.
                    let fault = Fault { class: FaultClass::Local, reason: FREED.to_owned(), hint: None };
                    Ok(Ending::Failed { fault, retry: false })
                }
                ending => ending,
            };
            let interrupt = match ending {
                Err(interrupt) => interrupt,
                Ok(ending) => match self.rest(ending, transport, around, &mut backoff, &mut ghosts).await {
                    Some(interrupt) => interrupt,
                    None => continue,
                },
            };
            match interrupt {
                Interrupt::Stop => return,
                Interrupt::Reopen | Interrupt::Steal => {
                    around.steal = interrupt == Interrupt::Steal;
                    backoff.reset();
                    ghosts = 0;
                    asked = true;
                }
                // They end in `rest`, or mean nothing where nothing is attached.
                Interrupt::Wait | Interrupt::Watch | Interrupt::Freed => {}
            }
        }
    }

    /// Opens the link while commands are handled.
    async fn open(
        &mut self,
        transport: &mut dyn Transport,
        around: &mut Around,
    ) -> Result<Result<Link, Ending>, Interrupt> {
        let shared = Arc::clone(&self.shared);
        let stage = move |stage| match stage {
            Stage::Waiting(until) => shared.state(ConsoleState::Waiting { until }),
            Stage::Connecting => shared.state(ConsoleState::Connecting),
        };
        self.shared.update(|status| {
            status.state = ConsoleState::Connecting;
            status.note = None;
        });
        tokio::select! {
            opened = transport.open(around, &stage) => Ok(opened),
            interrupt = self.interrupted() => Err(interrupt),
        }
    }

    /// Handles commands until one of them interrupts.
    async fn interrupted(&mut self) -> Interrupt {
        loop {
            let Some(command) = self.commands.recv().await else {
                return Interrupt::Stop;
            };
            if let Some(interrupt) = self.command(command) {
                return interrupt;
            }
        }
    }

    /// Nothing is attached: what was typed before is not for the next attachment.
    fn shut(&mut self) {
        if self.shared.writable() {
            self.shared.state(ConsoleState::Connecting);
        }
        self.outbox.clear();
        self.shared.release(usize::MAX);
        while self.answers.try_recv().is_ok() {}
    }

    /// Carries bytes both ways; ends with an interrupt, or `None` when the link is over.
    async fn carry(
        &mut self,
        transport: &mut dyn Transport,
        around: &mut Around,
        mut link: Link,
        asked: bool,
    ) -> Option<Interrupt> {
        self.shared.update(|status| {
            status.state = ConsoleState::Attached { silent: true };
            status.received = 0;
        });
        let first = std::mem::take(&mut link.first);
        if !first.is_empty() {
            let room = self.place.bytes.clone().reserve_owned().await.ok()?;
            self.took(first, |piece| drop(room.send(piece)));
        }
        let mut resuming = self.resume(around, asked);
        let over = loop {
            let room = self.place.bytes.clone();
            let due = self.outbox.due(Instant::now());
            tokio::select! {
                command = self.commands.recv() => match command {
                    None => break Some(Interrupt::Stop),
                    Some(command) => if let Some(interrupt) = self.command(command) {
                        break Some(interrupt);
                    }
                },
                // Room first, then bytes: a piece that was taken always has a place.
                (room, piece) = async { (room.reserve_owned().await, link.reader.recv().await) } => {
                    let (Ok(room), Some(piece)) = (room, piece) else { break None };
                    let piece = transport.clean(piece);
                    self.took(piece, |piece| drop(room.send(piece)));
                }
                Some(answers) = self.answers.recv() => self.answer(&answers),
                permit = when_due(due, &link.writer), if due.is_some() => match permit {
                    Ok(permit) => self.hand_over(transport, permit),
                    Err(_) => break None,
                },
                resumed = finished(&mut resuming) => self.resumed(resumed),
            }
        };
        if over.is_none() {
            // The node's last words, which came while a key could no longer be sent.
            while let Ok(piece) = link.reader.try_recv() {
                let piece = transport.clean(piece);
                let Ok(room) = self.place.bytes.clone().reserve_owned().await else { break };
                self.took(piece, |piece| drop(room.send(piece)));
            }
        }
        if let Some(resuming) = resuming {
            // Nobody is there any more for whom the machine should run; awaited, so that the driver is back.
            resuming.abort();
            let _ = resuming.await;
        }
        over
    }

    /// Handles one command; what interrupts is given back.
    fn command(&mut self, command: SessionCommand) -> Option<Interrupt> {
        if let Some(bytes) = command.typed()
            && !self.shared.writable()
        {
            // It was writable when `send` looked: the link was lost in between.
            self.shared.release(bytes);
            self.shared.note("not attached: what was typed was not sent");
            return None;
        }
        match command {
            SessionCommand::Input(bytes) => {
                // As a terminal does with what was not read yet (termios: without NOFLSH).
                if bytes == INTERRUPT {
                    self.stop_paste();
                }
                self.outbox.keys(bytes);
            }
            SessionCommand::StopPaste => self.stop_paste(),
            SessionCommand::Paste(bytes) => self.outbox.paste(bytes),
            SessionCommand::Break => self.outbox.send_break(),
            SessionCommand::Mode(mode) => {
                if mode == ConsoleMode::Monitor {
                    self.outbox.clear();
                    self.shared.release(usize::MAX);
                }
                self.shared.update(|status| status.mode = mode);
            }
            SessionCommand::View(view) => {
                self.shared.want(view);
                self.place.ring();
            }
            SessionCommand::Reopen => return Some(Interrupt::Reopen),
            // A console that is not attached holds nothing that could be freed; one that is on its way to an
            // SOL that is stuck gets what it waits for.
            SessionCommand::Freed if self.shared.attached() => return Some(Interrupt::Freed),
            SessionCommand::Freed => {}
            // Somebody else has it no longer: then there is nothing to take, to wait for or to read along.
            SessionCommand::Steal if self.shared.over() => return Some(Interrupt::Steal),
            SessionCommand::Wait if self.shared.over() => return Some(Interrupt::Wait),
            SessionCommand::Watch if self.shared.over() => return Some(Interrupt::Watch),
            SessionCommand::Steal | SessionCommand::Wait | SessionCommand::Watch => {}
            SessionCommand::NextCharset => self.place.ask(Ask::NextCharset),
            SessionCommand::ForceWrap => self.place.ask(Ask::ForceWrap),
            SessionCommand::Search { pattern, from, backward, reply } => {
                self.place.ask(Ask::Search { pattern, from, backward, reply })
            }
            SessionCommand::Copy { from, to, lines, reply } => {
                self.place.ask(Ask::Copy { from, to, lines, reply })
            }
        }
        None
    }

    fn stop_paste(&mut self) {
        let dropped = self.outbox.stop_pastes();
        if dropped > 0 {
            self.shared.release(dropped);
            self.shared.note(format!("the paste was stopped: {dropped} bytes of it were not sent"));
        }
    }

    /// Bytes of the node: to the log, then to the emulator.
    fn took(&mut self, piece: Vec<u8>, feed: impl FnOnce(Piece)) {
        if piece.is_empty() {
            return;
        }
        if let Some(log) = &self.log {
            log.write(&piece);
        }
        self.shared.received(piece.len());
        feed(Piece { bytes: piece, answered: self.shared.writable() });
        self.place.ring();
    }

    /// Answers of the emulator to queries of the node.
    fn answer(&mut self, answers: &[u8]) {
        if self.shared.writable() {
            self.outbox.keys(self.allowance.pass(answers, Instant::now()));
        }
    }

    /// Hands the next thing of the outbox to the transport, which has room.
    fn hand_over(&mut self, transport: &mut dyn Transport, permit: mpsc::OwnedPermit<Vec<u8>>) {
        let bytes = match self.outbox.take(Instant::now()) {
            Some(Out::Bytes(bytes)) => {
                self.shared.release(bytes.len());
                let bytes = transport.guard(bytes);
                if bytes.is_empty() {
                    return;
                }
                bytes
            }
            Some(Out::Break) => match transport.break_bytes() {
                Ok(bytes) => bytes,
                Err(why) => {
                    self.shared.note(format!("no break was sent: {why}"));
                    return;
                }
            },
            None => return,
        };
        permit.send(bytes);
    }

    /// Starts to resume a paused machine, when that is wanted: only a machine with a monitor can be paused,
    /// and only an operator who can type asked for it: a machine that somebody paused meanwhile stays so.
    fn resume(&self, around: &mut Around, asked: bool) -> Option<Resuming> {
        let machine = around.bmc.as_ref().is_some_and(|bmc| bmc.qmp.is_some());
        if !machine || !asked || self.shared.mode() != ConsoleMode::Interactive {
            return None;
        }
        let (gate, driver) = (Arc::clone(&around.gate), around.driver.clone());
        let tell = Arc::clone(&self.tell_resumed);
        Some(tokio::spawn(async move {
            let reply = driver.exchange(&*gate, &Exchange::Resume).await;
            // Here and not where the reply is shown: the console may be gone by then.
            if matches!(reply, Some(Ok(Reply::Resumed(true)))) {
                tell();
            }
            reply
        }))
    }

    fn resumed(&self, reply: Option<Result<Reply, BmcError>>) {
        match reply {
            Some(Ok(Reply::Resumed(true))) => self.shared.note("the paused machine was resumed"),
            Some(Ok(_)) | None => {}
            Some(Err(error)) => {
                self.shared.note(format!("cannot tell whether the machine is paused: {error}"))
            }
        }
    }
}

/// A console that was lost and is found busy is tried again so often: the BMC keeps a session whose client
/// vanished for about a minute.
const GHOSTS: u32 = 4;

/// Waits until the outbox is due, then for room in the transport.
async fn when_due(
    due: Option<Instant>,
    writer: &mpsc::Sender<Vec<u8>>,
) -> Result<mpsc::OwnedPermit<Vec<u8>>, mpsc::error::SendError<()>> {
    if let Some(due) = due {
        sleep_until(due).await;
    }
    writer.clone().reserve_owned().await
}

/// Waits for an exchange, if there is one; then there is none any more.
async fn finished(resuming: &mut Option<Resuming>) -> Option<Result<Reply, BmcError>> {
    let Some(task) = resuming.as_mut() else {
        return std::future::pending().await;
    };
    let done = task.await.ok().flatten();
    *resuming = None;
    done
}
