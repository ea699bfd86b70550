//! Reads the configuration again while the screen lives, beside the loop: a password command may take its time.
//!
//! What is read is used whole or not at all: everything that can be wrong with it is looked at before the hub
//! takes it. Called by [`super::front`] on the command `reload` and on SIGUSR1 (for those who roll out a
//! configuration; SIGHUP means that the terminal is gone, and stays that).

use super::look::{look, taste};
use super::{Source, only, title};
use crate::app::{Keymap, Reloaded, Taste, parse_prefix};
use crate::config::Settings;
use crate::fleet::Fault;
use crate::hub::HubHandle;
use crate::term::Caps;
use crate::ui::Look;
use std::sync::Arc;

/// What came of it.
pub struct Done {
    /// For `app`.
    pub reloaded: Reloaded,
    /// For drawing.
    pub look: Look,
    /// Frames a second.
    pub fps: u32,
}

struct Read {
    settings: Settings,
    title: String,
    warnings: Vec<String>,
    look: Look,
    taste: Taste,
}

/// Reads the configuration and lets the hub take it.
///
/// # Errors
/// What is wrong, one problem an entry, its help on a line of its own; then everything stays as it was.
pub async fn run(source: Source, caps: Caps, hub: HubHandle) -> Result<Done, Vec<String>> {
    let reading = tokio::task::spawn_blocking(move || read(&source, &caps));
    let read = reading.await.map_err(|error| vec![format!("cannot read the configuration: {error}")])??;
    let Read { settings, title, mut warnings, look, taste } = read;
    let settings = Arc::new(settings);
    let changes = hub.reload(Arc::clone(&settings)).await.map_err(|fault| vec![words(fault)])?;
    if !changes.later.is_empty() {
        warnings.push(format!("{} is used from the next start on", changes.later.join(", ")));
    }
    let fps = if caps.ssh { settings.screen.fps_ssh } else { settings.screen.fps };
    let (prefix, poll_interval) = (settings.screen.prefix.clone(), settings.poll.interval);
    let (keys, mouse) = (Keymap::new(&settings.keys), settings.screen.mouse);
    let reloaded = Reloaded { prefix, keys, mouse, taste, poll_interval, title, changes, warnings };
    Ok(Done { reloaded, look, fps })
}

fn read(source: &Source, caps: &Caps) -> Result<Read, Vec<String>> {
    let loaded = (source.load)(&source.over)?;
    if loaded.settings.nodes.is_empty() {
        // Nobody wants that of a reload; a file that is just being written looks so.
        let help = "is the file being written, or was it a pipe?";
        return Err(vec![format!("there is no node in it\n{help}")]);
    }
    let title = title(&loaded.main);
    let settings = only(loaded.settings, source.single.as_deref());
    parse_prefix(&settings.screen.prefix).map_err(|problem| vec![problem])?;
    let look = look(&settings, &source.themes, caps).map_err(|fault| vec![words(fault)])?;
    let taste = taste(&settings, &source.themes);
    Ok(Read { settings, title, warnings: loaded.warnings, look, taste })
}

fn words(fault: Fault) -> String {
    match fault.hint {
        Some(hint) => format!("{}\n{hint}", fault.reason),
        None => fault.reason,
    }
}
