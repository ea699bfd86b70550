//! SOL on the BMC's own login: what the console's transport holds, and the link's side of it.
//!
//! Owns the way between two bounded channels and the client's [`SolEnd`](crate::ipmi::sol::SolEnd). A
//! consumer that does not read holds the node back; nothing is dropped. Never takes back what was stolen.

use super::classify;
use super::holder::holder;
use super::link::{Failure, Link, State};
use crate::bmc::BmcError;
use crate::fleet::FaultClass;
use crate::ipmi::client::{ClientError, Event, SolLoss, SolRefusal};
use crate::ipmi::command::Command;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::AbortHandle;

/// Pieces that may wait between the link and the transport, each way.
const PIECES: usize = 16;
/// How long the BMC may take to activate SOL.
const OPENING: Duration = Duration::from_secs(10);
/// How long freeing the SOL is waited for at the end.
const FREEING: Duration = Duration::from_secs(2);

/// Why an SOL could not be opened.
#[derive(Debug)]
pub enum SolFault {
    /// It is active elsewhere; whose it is, if the BMC tells.
    Busy(Option<String>),
    /// The BMC has SOL switched off.
    Disabled,
    /// Any other reason, the login included.
    Bmc(BmcError),
}

/// Why an SOL is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SolOver {
    /// The BMC or the network, says the client.
    Lost(SolLoss),
    /// The login was closed.
    Closed,
}

/// An open SOL. [`SolChannel::close`] frees it and waits; dropping it frees it without waiting.
pub struct SolChannel {
    /// What the node printed. Ends when the SOL is over.
    pub reader: mpsc::Receiver<Vec<u8>>,
    /// What goes to the node; a piece without bytes is a serial break.
    pub writer: mpsc::Sender<Vec<u8>>,
    /// The BMC's id of the session that holds it.
    pub session: Option<u32>,
    link: Arc<Link>,
    over: watch::Receiver<Option<SolOver>>,
    pump: AbortHandle,
}

/// The link's side of an open SOL, or of one that is being opened.
pub(super) struct SolSide {
    opening: Option<oneshot::Sender<Result<(), SolRefusal>>>,
    over: watch::Sender<Option<SolOver>>,
    /// Rung when there may be something to read, or room to write.
    news: Arc<Notify>,
}

/// The links with an open SOL, for [`leave_all`].
static OPEN: Mutex<Vec<Weak<Link>>> = Mutex::new(Vec::new());

/// Frees every SOL of this process without waiting for an answer. For a process that ends by a defect of
/// its own; takes no lock that it would have to wait for.
pub fn leave_all() {
    let Ok(open) = OPEN.try_lock() else { return };
    open.iter().filter_map(Weak::upgrade).for_each(|link| link.leave());
}

impl SolSide {
    /// Takes what the client says of an SOL.
    pub(super) fn happened(state: &mut State, event: Event) {
        let Some(side) = &mut state.sol else { return };
        match event {
            Event::SolActive => {
                if let Some(opening) = side.opening.take() {
                    // An opener that gave up has freed the SOL already.
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
                side.news();
                state.sol = None;
            }
            Event::Closed => {
                side.over.send_replace(Some(SolOver::Closed));
                side.news();
                state.sol = None;
            }
            Event::Reply(_) | Event::LoggedIn(_) => {}
        }
    }

    /// There may be something to read or room to write.
    pub(super) fn news(&self) {
        self.news.notify_one();
    }
}

impl Link {
    /// Frees the BMC's SOL if it is held by that session, and by no other. To be called with a permit for the BMC.
    pub async fn free_sol_of(&self, session: u32) -> bool {
        let mut turn = self.turn().await;
        let owner = turn.request(&Command::sol_owner()).await.ok().filter(|reply| reply.code == 0);
        let owner = owner.and_then(|reply| reply.data.first_chunk::<4>().map(|id| u32::from_le_bytes(*id)));
        owner == Some(session)
            && turn.request(&Command::sol_deactivate()).await.is_ok_and(|reply| reply.code == 0)
    }

    /// Ends the SOL of whoever has it; that it is free already is fine. To be called with a permit for the BMC.
    ///
    /// # Errors
    /// The BMC refused, or did not answer.
    pub async fn end_sol(&self) -> Result<(), BmcError> {
        let mut turn = self.turn().await;
        let command = Command::sol_deactivate();
        let reply = turn
            .request(&command)
            .await
            .map_err(|failure| classify::failure(failure, self.place(), || silent(self.place())))?;
        match reply.code {
            // 0x80: it is not active (IPMI 2.0, section 24.2).
            0 | 0x80 => Ok(()),
            code => {
                let words = crate::ipmi::completion::words(code);
                let text = format!("{} refused to end it: {words} (0x{code:02x})", self.place());
                let mut error = BmcError::new(FaultClass::Rejected, text);
                error.code = Some(code);
                Err(error)
            }
        }
    }

    /// Opens SOL on this BMC's login; logs in first where there is none. To be called with a permit for
    /// the BMC, as it exchanges commands.
    ///
    /// # Errors
    /// Why it is not to be had. An SOL that others hold stays theirs.
    pub async fn open_sol(self: &Arc<Link>) -> Result<SolChannel, SolFault> {
        let mut turn = self.turn().await;
        let failed = |failure: Failure| {
            SolFault::Bmc(classify::failure(failure, self.place(), || silent(self.place())))
        };
        // Says whose BMC it is, and finds the working one of a name's addresses.
        turn.prepare().await.map_err(failed)?;
        let (opening, opened) = oneshot::channel();
        let (over, is_over) = watch::channel(None);
        let news = Arc::new(Notify::new());
        let guard = Freed(Some(Arc::clone(self)));
        self.with(|state, now| {
            state.sol = Some(SolSide { opening: Some(opening), over, news: Arc::clone(&news) });
            state.client.activate_sol(now);
        });
        match tokio::time::timeout(OPENING, opened).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(refusal))) => {
                guard.disarm();
                if refusal == SolRefusal::Busy {
                    return Err(SolFault::Busy(holder(&mut turn).await));
                }
                return Err(refused(refusal, self.place()));
            }
            Ok(Err(_)) | Err(_) => return Err(SolFault::Bmc(silent(self.place()))),
        }
        guard.disarm();
        if let Ok(mut open) = OPEN.lock() {
            open.retain(|link| link.upgrade().is_some_and(|link| !Arc::ptr_eq(&link, self)));
            open.push(Arc::downgrade(self));
        }
        let (to_reader, reader) = mpsc::channel(PIECES);
        let (writer, from_writer) = mpsc::channel(PIECES);
        let pump = tokio::spawn(pump(Arc::clone(self), from_writer, to_reader, news)).abort_handle();
        let session = self.state().client.session_id();
        Ok(SolChannel { reader, writer, session, link: Arc::clone(self), over: is_over, pump })
    }

    /// Whose the SOL is, if the BMC tells. To be called with a permit for the BMC.
    pub async fn sol_holder(&self) -> Option<String> {
        holder(&mut self.turn().await).await
    }

    fn free_sol(&self) {
        self.with(|state, now| {
            state.sol = None;
            state.client.deactivate_sol(now);
        });
    }
}

/// Frees an SOL whose opening was broken off.
struct Freed(Option<Arc<Link>>);

impl Freed {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Freed {
    fn drop(&mut self) {
        if let Some(link) = self.0.take() {
            link.free_sol();
        }
    }
}

impl SolChannel {
    /// Waits for the SOL's end and says why.
    pub async fn ended(&mut self) -> SolOver {
        match self.over.wait_for(Option::is_some).await {
            Ok(over) => over.unwrap_or(SolOver::Closed),
            Err(_) => SolOver::Closed,
        }
    }

    /// Frees the SOL and waits for the BMC's word, for at most two seconds.
    pub async fn close(self) {
        self.pump.abort();
        self.link.free_sol();
        self.link.until_free(FREEING).await;
    }
}

impl Drop for SolChannel {
    fn drop(&mut self) {
        self.pump.abort();
        // Not when another has been opened since.
        if self.over.has_changed().is_ok() {
            self.link.free_sol();
        }
    }
}

/// Moves bytes both ways to the end of the SOL or of its user.
async fn pump(
    link: Arc<Link>,
    mut input: mpsc::Receiver<Vec<u8>>,
    output: mpsc::Sender<Vec<u8>>,
    news: Arc<Notify>,
) {
    let (mut unsent, mut unread) = (Vec::new(), Vec::new());
    let mut writing = true;
    let mut is_break = false;
    loop {
        let open = link.with(|state, _| {
            let Some(end) = state.client.sol() else {
                unread.append(&mut state.client.last_words());
                return false;
            };
            if std::mem::take(&mut is_break) {
                end.send_break();
            }
            unsent.drain(..end.queue(&unsent));
            if unread.is_empty() {
                unread = end.take_data();
            }
            true
        });
        if !open {
            if !unread.is_empty() {
                // Its user may be gone.
                let _ = output.send(unread).await;
            }
            return;
        }
        tokio::select! {
            permit = output.reserve(), if !unread.is_empty() => match permit {
                Ok(permit) => permit.send(std::mem::take(&mut unread)),
                Err(_) => return,
            },
            bytes = input.recv(), if writing && unsent.is_empty() => match bytes {
                Some(bytes) => {
                    is_break = bytes.is_empty();
                    unsent = bytes;
                }
                None => writing = false,
            },
            () = news.notified() => {}
        }
    }
}

fn refused(refusal: SolRefusal, place: &str) -> SolFault {
    let fault = |class, cause: String| {
        SolFault::Bmc(BmcError::new(class, format!("cannot open the SOL of {place}: {cause}")))
    };
    match refusal {
        SolRefusal::Busy => SolFault::Busy(None),
        SolRefusal::Disabled => SolFault::Disabled,
        SolRefusal::Limit => fault(FaultClass::Busy, "the BMC has as many SOLs as it takes".into()),
        SolRefusal::Encryption => fault(FaultClass::Unsupported, "the BMC does not want it encrypted".into()),
        SolRefusal::Code(code) => {
            let words = crate::ipmi::completion::words(code);
            let class = match code {
                0xc0 | 0xc3 | 0xc4 | 0xd2 => FaultClass::Busy,
                0xc1 | 0xc2 => FaultClass::Unsupported,
                0xd4 => FaultClass::Auth,
                _ => FaultClass::Rejected,
            };
            let mut error =
                BmcError::new(class, format!("cannot open the SOL of {place}: {words} (0x{code:02x})"));
            error.code = Some(code);
            SolFault::Bmc(error)
        }
        SolRefusal::Failed(error) => {
            let not_sent = error.not_sent();
            let failure = match error {
                ClientError::Lost => return SolFault::Bmc(silent(place)),
                error => Failure::Client { error, not_sent },
            };
            SolFault::Bmc(classify::failure(failure, place, || silent(place)))
        }
    }
}

fn silent(place: &str) -> BmcError {
    BmcError::new(FaultClass::Timeout, format!("cannot open the SOL of {place}: the BMC fell silent"))
}
