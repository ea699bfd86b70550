//! The front end's side of the hub.

use super::message::{ConsoleId, Request, Update};
use crate::config::Settings;
use crate::screen::Frame;
use std::sync::Arc;

/// How a hub is started.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// Poll on our own; off for the command line twins.
    pub poll: bool,
    /// Refuse every verb and all console input.
    pub read_only: bool,
    /// Operator's name for the audit trail.
    pub operator: String,
}

/// The running hub; its end is awaited with [`Hub::stop`].
pub struct Hub {}

/// A cheap handle that front ends hold.
#[derive(Clone)]
pub struct HubHandle {}

/// The hub's queue is full or the hub has ended; the request was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hub is busy or has ended; the request was not taken")]
pub struct NotTaken;

impl Hub {
    /// Starts the hub on the current tokio runtime.
    ///
    /// # Errors
    /// A text for the operator: state or runtime directory unusable, a driver's tool missing.
    pub async fn start(
        settings: Arc<Settings>,
        options: HubOptions,
    ) -> Result<(Hub, HubHandle), crate::fleet::Fault> {
        let _ = (settings, options);
        Ok((Hub {}, HubHandle {}))
    }

    /// Ends in order: pending verbs are left to the BMCs, consoles are detached (SOL freed), all
    /// tasks joined. At most some seconds.
    pub async fn stop(self) {}
}

impl HubHandle {
    /// Asks without waiting.
    ///
    /// # Errors
    /// [`NotTaken`] when the queue is full.
    pub fn try_send(&self, request: Request) -> Result<(), NotTaken> {
        let _ = request;
        Err(NotTaken)
    }

    /// Waits until there is something new, and takes all of it. `None` when the hub has ended.
    /// Only one task may call it.
    pub async fn updates(&self) -> Option<Vec<Update>> {
        None
    }

    /// The newest frame of a console.
    #[must_use]
    pub fn frame(&self, console: ConsoleId) -> Option<Arc<Frame>> {
        let _ = console;
        None
    }
}
