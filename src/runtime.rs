//! The select loop: events in, effects out, frames drawn; signals and shutdown.
//!
//! The only room that knows both the front end (`app`, `ui`, `term`) and the hub. Called by `cli`.

mod front;
mod look;
mod panic;
mod reload;
mod saved;
mod trace;

use crate::app::{self, Abilities, Event, Keymap, State, StateOptions};
use crate::bmc;
use crate::config::{self, Loaded, Settings};
use crate::fleet::{Fault, Millis, NodeId};
use crate::hub::message::Level;
use crate::hub::{Hub, HubHandle, HubOptions};
use crate::term::{Caps, Decoder, FrameWriter, Inputs, OuterTerminal};
use crate::theme::Themes;
use crate::ui::Look;
use anyhow::Context;
use front::Front;
pub use look::column_names;
use saved::Keeper;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How the screen is started.
pub struct Options {
    /// Refuse every verb and all console input.
    pub read_only: bool,
    /// Operator's name for the audit trail.
    pub operator: String,
    /// Where themes are found.
    pub themes: Themes,
    /// Only one console, and end with it.
    pub single: Option<Single>,
    /// Reads the configuration again, with what the command line says on top of it; what is wrong, one problem
    /// an entry.
    pub load: Load,
    /// What went wrong on the way here, to be said on the screen.
    pub notices: Vec<String>,
}

/// See [`Options::load`]. What it runs is given up once the screen is over, which the flag says.
pub type Load = Arc<dyn Fn(&AtomicBool) -> Result<Loaded, Vec<String>> + Send + Sync>;

/// Where the configuration comes from while the screen lives.
#[derive(Clone)]
struct Source {
    load: Load,
    themes: Themes,
    single: Option<String>,
    /// The screen is over: nobody waits for what is being read.
    over: Arc<AtomicBool>,
}

/// `lightsout console NODE`.
pub struct Single {
    /// Which node.
    pub node: String,
    /// Only look.
    pub monitor: bool,
}

/// Why the screen could not be started or went down.
pub enum StartError {
    /// Something the operator can mend.
    Fault(Fault),
    /// Something else.
    Other(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for StartError {
    fn from(error: E) -> StartError {
        StartError::Other(error.into())
    }
}

/// How long the layout may take to be written.
const LAST_FILE: Duration = Duration::from_secs(2);

/// How long the writer may take for the last bytes.
const LAST_BYTES: Duration = Duration::from_millis(500);

/// Opens the screen and returns when the operator has left it.
///
/// # Errors
/// The hub or the terminal could not be had; nothing is left behind.
pub fn run(loaded: Loaded, options: Options) -> Result<(), StartError> {
    let keeper = keeper(&loaded, &options);
    let single = options.single.as_ref().map(|single| single.node.as_str());
    let settings = Arc::new(only(loaded.settings, single));
    let caps = Caps::detect(|name| std::env::var(name).ok());
    let look = look::look(&settings, &options.themes, &caps).map_err(StartError::Fault)?;
    trace::start(&settings.state_dir);
    panic::install();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    let title = title(&loaded.main);
    let result = runtime.block_on(screen(settings, options, title, (caps, look), keeper));
    // Blocking tasks still running (a stalled log disk) must not keep the operator waiting.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn screen(
    settings: Arc<Settings>,
    options: Options,
    title: String,
    seen: (Caps, Look),
    keeper: Option<Keeper>,
) -> Result<(), StartError> {
    let hub_options =
        HubOptions { poll: true, read_only: options.read_only, operator: options.operator.clone() };
    let (hub, handle) = Hub::start(Arc::clone(&settings), hub_options).await.map_err(StartError::Fault)?;
    let result = on_terminal(&settings, &options, title, seen, keeper, (handle, hub)).await;
    result.map_err(StartError::Other)
}

/// Takes the terminal, runs the loop, frees the consoles, gives the terminal back.
async fn on_terminal(
    settings: &Arc<Settings>,
    options: &Options,
    title: String,
    (caps, look): (Caps, Look),
    keeper: Option<Keeper>,
    (handle, hub): (HubHandle, Hub),
) -> anyhow::Result<()> {
    let terminal = OuterTerminal::enter()?;
    let writer = FrameWriter::start(terminal.output()?)?;
    let inputs = Inputs::start(Decoder::new(caps.esc_hold(), terminal.erase_is_backspace))?;
    let fps = if caps.ssh { settings.screen.fps_ssh } else { settings.screen.fps };
    let state = start_state(settings, options, title, terminal.size())?;
    let single = options.single.as_ref().map(|single| single.node.clone());
    let (load, themes, over) = (Arc::clone(&options.load), options.themes.clone(), Arc::default());
    let source = Source { load, themes, single, over: Arc::clone(&over) };
    let mut front = Front::new(state, handle, look, fps, writer, caps, source)?;
    front.warn_of_theme();
    if let Some(keeper) = &keeper {
        front.restore(keeper.read());
    }
    if let Some(single) = &options.single {
        front.open_single(NodeId(0), single.monitor)?;
    }
    let result = front.run(inputs).await;
    over.store(true, Ordering::Relaxed);
    if let Some(keeper) = keeper {
        keep(keeper, &front).await;
    }
    // SOL is freed while the screen still says what is waited for.
    hub.stop().await;
    front.close(LAST_BYTES);
    drop(terminal);
    result
}

/// Where the layout is kept: not for one console alone, and not when it is not wanted.
fn keeper(loaded: &Loaded, options: &Options) -> Option<Keeper> {
    let wanted = loaded.settings.screen.restore && options.single.is_none();
    let config = loaded.files.first().filter(|_| wanted)?;
    Some(Keeper::new(&loaded.settings.state_dir, config))
}

/// Keeps the layout; a disk that stalls keeps nobody waiting.
async fn keep(keeper: Keeper, front: &Front) {
    let saved = front.saved(keeper.config());
    let writing = tokio::task::spawn_blocking(move || keeper.write(&saved));
    match tokio::time::timeout(LAST_FILE, writing).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "the layout of the screen could not be kept"),
        Ok(Err(_)) | Err(_) => tracing::warn!("the layout of the screen was not kept in time"),
    }
}

fn start_state(
    settings: &Settings,
    given: &Options,
    title: String,
    size: (u16, u16),
) -> anyhow::Result<State> {
    let options = StateOptions {
        nodes: config::nodes(settings),
        read_only: given.read_only,
        title,
        prefix: &settings.screen.prefix,
        keys: Keymap::new(&settings.keys),
        mouse: settings.screen.mouse,
        poll_interval: settings.poll.interval,
        utc_offset: jiff::Zoned::now().offset().seconds(),
        size,
        now: now(),
        abilities: bmc::DRIVERS.iter().map(abilities).collect(),
        taste: look::taste(settings, &given.themes),
    };
    let mut state =
        State::new(options).map_err(|problem| anyhow::anyhow!("cannot use the prefix: {problem}"))?;
    for text in &given.notices {
        step(&mut state, Event::Notice(Level::Error, text.clone()));
    }
    Ok(state)
}

/// What a driver can do, in the front end's words.
fn abilities(row: &bmc::DriverRow) -> (String, Abilities) {
    let can = row.capabilities;
    let abilities = Abilities {
        soft: can.soft,
        cycle: can.cycle,
        nmi: can.nmi,
        boot: can.boot,
        reset_bmc: can.reset_bmc,
        raw: can.raw,
        info: can.info,
        identify: can.identify,
        sol: can.sol,
    };
    (row.name.to_owned(), abilities)
}

/// The settings with one node only, for `lightsout console NODE`.
fn only(mut settings: Settings, single: Option<&str>) -> Settings {
    if let Some(single) = single {
        settings.nodes.retain(|node| node.name == single);
    }
    settings
}

/// What the title bar calls the fleet: the configuration's file name without its ending, or the
/// directory's name where the file is called `config.toml`.
fn title(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if stem != "config" {
        return stem;
    }
    let parent = file.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    if parent == "lightsout" { String::new() } else { parent }
}

/// The wall clock.
fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A step of the front end, used by [`Front`].
fn step(state: &mut State, event: Event) -> Vec<app::Effect> {
    app::update(state, event, now())
}
