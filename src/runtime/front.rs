//! The front end's loop: waits for anything, drains it, lets `app` decide, runs the effects, draws
//! when something changed and the pacer allows.

use super::{Source, reload, step};
use crate::app::{self, Effect, Event, Saved, Spots, State};
use crate::fleet::{Millis, NodeId};
use crate::hub::HubHandle;
use crate::hub::message::{ConsoleId, Level, Update};
use crate::term::{self, Caps, FrameSink, FrameWriter, Input, Inputs, Pacer, SavingBackend};
use crate::ui::{self, Look};
use ratatui::Terminal;
use ratatui::layout::Size;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

/// Inputs taken in one turn before anything is drawn.
const DRAIN: usize = 256;

/// Everything the loop holds.
pub struct Front {
    state: State,
    hub: HubHandle,
    look: Look,
    caps: Caps,
    pacer: Pacer,
    terminal: Terminal<SavingBackend<FrameSink>>,
    writer: FrameWriter,
    /// Consoles with a newer frame.
    fetch: BTreeSet<ConsoleId>,
    wake: Option<Millis>,
    source: Source,
    /// The configuration is being read again.
    reading: Option<JoinHandle<Result<reload::Done, Vec<String>>>>,
    /// It was asked for again meanwhile: what was read by then may be old.
    read_again: bool,
    /// What of the newest drawing can be clicked.
    spots: Spots,
    single: bool,
    quit: bool,
}

struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    suspend: Signal,
    continued: Signal,
    reload: Signal,
    user: Option<Signal>,
}

impl Signals {
    fn listen() -> std::io::Result<Signals> {
        // A test's door: a panic on demand, in debug builds only.
        let wanted = cfg!(debug_assertions) && std::env::var_os("LIGHTSOUT_PANIC_ON").is_some();
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            suspend: signal(SignalKind::from_raw(nix::libc::SIGTSTP))?,
            continued: signal(SignalKind::from_raw(nix::libc::SIGCONT))?,
            reload: signal(SignalKind::user_defined1())?,
            user: if wanted { Some(signal(SignalKind::user_defined2())?) } else { None },
        })
    }
}

impl Front {
    /// Everything ready, nothing drawn yet.
    pub fn new(
        state: State,
        hub: HubHandle,
        look: Look,
        fps: u32,
        writer: FrameWriter,
        caps: Caps,
        source: Source,
    ) -> anyhow::Result<Front> {
        let (cols, rows) = state.size;
        let backend = SavingBackend::new(writer.sink(), Size::new(cols, rows));
        let terminal = Terminal::new(backend)?;
        Ok(Front {
            state,
            hub,
            look,
            caps,
            pacer: Pacer::new(fps),
            terminal,
            writer,
            fetch: BTreeSet::new(),
            wake: None,
            source,
            reading: None,
            read_again: false,
            spots: Spots::default(),
            single: false,
            quit: false,
        })
    }

    /// Opens the console of `node` alone, and ends with it.
    pub fn open_single(&mut self, node: NodeId, monitor: bool) -> anyhow::Result<()> {
        self.single = true;
        let effects = app::open_single(&mut self.state, node, monitor).map_err(anyhow::Error::msg)?;
        self.effects(effects);
        Ok(())
    }

    /// Runs until the operator leaves or the program is told to end.
    pub async fn run(&mut self, mut inputs: Inputs) -> anyhow::Result<()> {
        let mut signals = Signals::listen()?;
        self.event(Event::Resize(self.state.size.0, self.state.size.1));
        self.mouse();
        self.pacer.mark();
        while !self.quit {
            let draw_at = self.pacer.next(Instant::now());
            let tick_in = self.until_tick();
            tokio::select! {
                input = inputs.next() => {
                    self.input(input);
                    for _ in 0..DRAIN {
                        let Some(input) = inputs.try_next() else { break };
                        self.input(input);
                    }
                }
                updates = self.hub.updates() => match updates {
                    Some(updates) => self.event(Event::Hub(updates)),
                    None => anyhow::bail!("the hub ended; lightsout.log says why"),
                },
                _ = signals.terminate.recv() => self.event(Event::Terminate),
                _ = signals.hang_up.recv() => self.event(Event::Terminate),
                _ = signals.interrupt.recv() => self.event(Event::Terminate),
                _ = signals.reload.recv() => self.reload(),
                result = ended(&mut self.reading) => self.reloaded(result),
                _ = signals.suspend.recv() => self.suspend().await?,
                _ = signals.continued.recv() => {
                    // Of a change of size in the background nobody was told.
                    let (cols, rows) = term::tty::size();
                    self.input(Input::Resize(cols, rows));
                    self.mouse();
                    self.effects(vec![Effect::Redraw]);
                }
                () = on_demand(&mut signals.user) => demanded(),
                () = tokio::time::sleep(tick_in) => {
                    self.wake = None;
                    self.event(Event::Tick);
                }
                () = draw_time(draw_at, &self.writer) => self.draw()?,
            }
            if self.single && self.state.panes.is_empty() {
                self.quit = true;
            }
        }
        self.state.quitting = true;
        if !self.writer.is_broken() {
            self.draw()?;
        }
        Ok(())
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Key(key) => self.event(Event::Key(key_of(key))),
            Input::Mouse(mouse) => {
                let hit = self.spots.hit(kind_of(mouse.kind), (mouse.column, mouse.row));
                self.event(Event::Mouse(hit));
            }
            Input::Paste(text) => self.event(Event::Paste(text)),
            Input::Resize(cols, rows) => {
                self.terminal.backend_mut().set_size(Size::new(cols, rows));
                self.event(Event::Resize(cols, rows));
            }
            Input::Closed => self.event(Event::Terminate),
        }
    }

    fn event(&mut self, event: Event) {
        let quiet = matches!(&event, Event::Hub(updates) if updates.iter().all(is_frame));
        let effects = step(&mut self.state, event);
        if !quiet {
            self.pacer.mark();
        }
        for effect in effects {
            self.effect(effect);
        }
    }

    fn effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.effect(effect);
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Hub(request) => {
                if self.hub.try_send((*request).clone()).is_err() {
                    let effects = step(&mut self.state, Event::NotTaken(request));
                    self.effects(effects);
                }
            }
            Effect::FetchFrame(console) => {
                self.fetch.insert(console);
                self.pacer.mark();
            }
            Effect::Copy(text) => self.copy(&text),
            Effect::Reload => self.reload(),
            Effect::Mouse => self.mouse(),
            Effect::Redraw => {
                self.terminal.backend_mut().invalidate();
                self.pacer.mark();
            }
            Effect::Theme(name) => self.take_theme(&name),
            Effect::WakeAt(at) => self.wake = Some(at),
            Effect::Quit => self.quit = true,
        }
    }

    /// Takes back what was kept of the last run, or says why not.
    pub fn restore(&mut self, kept: Result<Option<Saved>, String>) {
        match kept {
            Ok(None) => {}
            Ok(Some(saved)) => self.state.restore(&saved),
            Err(problem) => self.event(Event::Notice(Level::Warning, problem)),
        }
    }

    /// What is to be kept for the next run.
    pub fn saved(&self, config: &str) -> Saved {
        self.state.saved(config)
    }

    /// Reads the configuration again; while that is being done, once more after it, however often it is asked for.
    fn reload(&mut self) {
        if self.reading.is_some() {
            self.read_again = true;
            let text = "the configuration is being read; it is read once more after that".to_owned();
            self.event(Event::Notice(Level::Info, text));
        } else {
            let reading = reload::run(self.source.clone(), self.caps, self.hub.clone());
            self.reading = Some(tokio::spawn(reading));
        }
    }

    /// Another configuration holds. What the operator chose in this run stays: the state says which theme.
    fn reloaded(&mut self, result: Result<reload::Done, Vec<String>>) {
        // A program that it ran may have got something onto the terminal, whatever we forbid.
        self.effect(Effect::Redraw);
        match result {
            Err(problems) => self.event(Event::Reloaded(Err(problems))),
            Ok(done) => {
                self.pacer.set_fps(done.fps);
                self.look = done.look;
                self.event(Event::Reloaded(Ok(Box::new(done.reloaded))));
                let (theme, depth) = (&self.state.taste.theme, self.look.theme.depth());
                if let Ok(theme) = self.source.themes.load(theme, depth) {
                    self.look.theme = theme;
                }
            }
        }
        if std::mem::take(&mut self.read_again) {
            self.reload();
        }
    }

    /// Takes another theme, or the same anew from its file.
    fn take_theme(&mut self, name: &str) {
        match self.source.themes.load(name, self.look.theme.depth()) {
            Ok(theme) => {
                let shown = theme.name() == name;
                self.look.theme = theme;
                self.event(Event::Theme(name.to_owned()));
                self.warn_of_theme();
                if !shown {
                    let text = format!("this terminal shows no colours: {name} looks like mono");
                    self.event(Event::Notice(Level::Info, text));
                }
            }
            Err(error) => self.event(Event::Notice(Level::Warning, error.brief())),
        }
    }

    /// Says what is hard to read of the theme in use.
    pub fn warn_of_theme(&mut self) {
        let warnings = self.look.theme.warnings().to_vec();
        let many = warnings.len();
        for warning in warnings {
            self.event(Event::Notice(Level::Warning, warning));
        }
        if many > 1 {
            let text = format!("{many} roles of this theme are hard to read; L shows them");
            self.event(Event::Notice(Level::Warning, text));
        }
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        // Frames are fetched when they are drawn, not when they are announced: a console that floods
        // then costs a picture a frame.
        for console in std::mem::take(&mut self.fetch) {
            if let Some(frame) = self.hub.frame(console) {
                let effects = step(&mut self.state, Event::Frame(console, frame));
                self.effects(effects);
            }
        }
        let (state, look) = (&self.state, &self.look);
        let spots = &mut self.spots;
        self.terminal.draw(|frame| *spots = ui::draw(frame, state, look))?;
        self.pacer.drawn(Instant::now());
        Ok(())
    }

    /// Time until the next tick: what `app` asked for, or the clock's next minute.
    fn until_tick(&self) -> Duration {
        let now = super::now();
        let minute = Millis((now.0 / 60_000 + 1) * 60_000);
        let at = self.wake.map_or(minute, |wake| wake.min(minute));
        at.since(now).max(Duration::from_millis(1))
    }

    /// Gives the terminal back and stops until the shell brings us to the foreground again, which comes as
    /// SIGCONT. All of the process stands still meanwhile.
    async fn suspend(&mut self) -> anyhow::Result<()> {
        // A frame that is still being written would land on the operator's own screen.
        self.writer.ready().await;
        term::restore();
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP)?;
        term::tty::resume()?;
        Ok(())
    }

    /// Asks the terminal for the mouse, or gives it back, as the state has it.
    fn mouse(&mut self) {
        self.writer.send(term::tty::mouse(self.state.mouse));
    }

    /// Puts text on the operator's clipboard (OSC 52, write only).
    fn copy(&mut self, text: &str) {
        let event = match term::clipboard::osc52(text, self.caps.multiplexer) {
            Ok(bytes) => {
                self.writer.send(&bytes);
                return;
            }
            Err(error) => Event::Notice(Level::Warning, error.to_string()),
        };
        self.event(event);
    }

    /// Waits for the last bytes, `limit` at most.
    pub fn close(&mut self, limit: Duration) {
        self.writer.close(limit);
    }
}

/// Only frames are ready: the screen changes when they are fetched, not by the news.
fn is_frame(update: &Update) -> bool {
    matches!(update, Update::Frame(_))
}

/// Waits until a frame may be drawn: its time has come and the line has taken the one before.
async fn draw_time(at: Option<Instant>, writer: &FrameWriter) {
    let Some(at) = at else {
        return std::future::pending().await;
    };
    tokio::time::sleep_until(at.into()).await;
    writer.ready().await;
}

/// The end of a task, if there is one.
async fn ended(
    task: &mut Option<JoinHandle<Result<reload::Done, Vec<String>>>>,
) -> Result<reload::Done, Vec<String>> {
    let Some(running) = task else {
        return std::future::pending().await;
    };
    let result = running.await;
    *task = None;
    result.unwrap_or_else(|error| Err(vec![format!("cannot read the configuration: {error}")]))
}

async fn on_demand(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

#[expect(clippy::panic, reason = "a test asks for it, to see what a panic leaves behind")]
fn demanded() {
    panic!("asked for by SIGUSR2");
}

fn kind_of(kind: term::MouseKind) -> app::MouseKind {
    match kind {
        term::MouseKind::Press => app::MouseKind::Press,
        term::MouseKind::WheelUp => app::MouseKind::WheelUp,
        term::MouseKind::WheelDown => app::MouseKind::WheelDown,
    }
}

fn key_of(key: term::Key) -> app::Key {
    let code = match key.code {
        term::KeyCode::Char(ch) => app::KeyCode::Char(ch),
        term::KeyCode::Enter => app::KeyCode::Enter,
        term::KeyCode::Esc => app::KeyCode::Esc,
        term::KeyCode::Tab => app::KeyCode::Tab,
        term::KeyCode::BackTab => app::KeyCode::BackTab,
        term::KeyCode::Backspace => app::KeyCode::Backspace,
        term::KeyCode::Delete => app::KeyCode::Delete,
        term::KeyCode::Insert => app::KeyCode::Insert,
        term::KeyCode::Up => app::KeyCode::Up,
        term::KeyCode::Down => app::KeyCode::Down,
        term::KeyCode::Left => app::KeyCode::Left,
        term::KeyCode::Right => app::KeyCode::Right,
        term::KeyCode::Home => app::KeyCode::Home,
        term::KeyCode::End => app::KeyCode::End,
        term::KeyCode::PageUp => app::KeyCode::PageUp,
        term::KeyCode::PageDown => app::KeyCode::PageDown,
        term::KeyCode::F(number) => app::KeyCode::F(number),
    };
    app::Key { code, ctrl: key.ctrl, alt: key.alt, shift: key.shift }
}
