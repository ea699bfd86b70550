//! SOL on the BMC's own login: what the console's transport holds, and the link's side of it.
//!
//! Owns the way between two bounded channels and the client's [`SolEnd`](crate::ipmi::sol::SolEnd). A
//! consumer that does not read holds the node back; nothing is dropped. Never takes back what was stolen.

use super::classify;
use super::link::{Failure, Link, State};
use crate::bmc::BmcError;
use crate::fleet::FaultClass;
use crate::ipmi::client::{Event, SolLoss, SolRefusal};
use crate::ipmi::sol::SolEvent;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Pieces that may wait between the link and the transport, each way.
const PIECES: usize = 16;
/// How long freeing the SOL may take at the end.
const FREEING: Duration = Duration::from_secs(2);

/// Why an SOL could not be opened.
#[derive(Debug)]
pub enum SolFault {
    /// It is active elsewhere.
    Busy,
    /// The BMC has SOL switched off.
    Disabled,
    /// Any other reason, the login included.
    Bmc(BmcError),
}

/// Why an SOL is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SolOver {
    /// The BMC or the network, says the client.
    Lost(SolLoss),
    /// We closed it.
    Closed,
}

/// What the node's end said besides data.
pub type SolNote = SolEvent;

/// An open SOL. Dropping it frees the SOL without waiting; [`SolChannel::close`] waits.
pub struct SolChannel {
    /// What the node printed. Ends when the SOL is over.
    pub reader: mpsc::Receiver<Vec<u8>>,
    /// What goes to the node.
    pub writer: mpsc::Sender<Vec<u8>>,
    /// What the BMC said of its state: overrun, break seen, node off.
    pub notes: mpsc::Receiver<SolNote>,
    link: Arc<Link>,
    over: watch::Receiver<Option<SolOver>>,
    pump: JoinHandle<()>,
}

/// The link's side of an open SOL, or of one that is being opened.
pub(super) struct SolSide {
    opening: Option<oneshot::Sender<Result<(), Refused>>>,
    over: watch::Sender<Option<SolOver>>,
    /// Rung when there may be something to read, or room to write.
    news: Arc<Notify>,
}

enum Refused {
    Sol(SolRefusal),
    Failure(Failure),
}

impl SolSide {
    /// Takes what the client says of an SOL.
    pub(super) fn happened(state: &mut State, event: Event) {
        let Some(side) = &mut state.sol else { return };
        match event {
            Event::SolActive { .. } => {
                if let Some(opening) = side.opening.take() {
                    // The opener gave up: its guard frees the SOL.
                    let _ = opening.send(Ok(()));
                }
            }
            Event::SolRefused(refusal) => {
                if let Some(opening) = side.opening.take() {
                    let _ = opening.send(Err(refusal));
                }
                state.sol = None;
            }
            Event::SolLost(loss) => {
                side.over.send_replace(Some(SolOver::Lost(loss)));
                side.news.notify_one();
                state.sol = None;
            }
            Event::Reply(_) | Event::LoggedIn { .. } | Event::Closed => {}
        }
    }

    /// There may be something to read or room to write.
    pub(super) fn news(&self) {
        self.news.notify_one();
    }
}
