//! A console without a link: why, and until when. Waits for the time of the next attempt, for the operator, or for
//! the name of whoever has it; reads along in the log meanwhile if asked to.

use super::{Core, Interrupt};
use crate::console::backoff::Backoff;
use crate::console::shard::Piece;
use crate::console::shared::wall_clock;
use crate::console::transport::{Around, Ending, Holder, Transport};
use crate::console::watch::Watch;
use crate::fleet::{ConsoleState, Fault, FaultClass, Millis};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How often a busy console is tried that the operator waits for: every try is a command to its BMC.
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody who frees a console by hand to take it needs some time for that.
const DISMISSED: Duration = Duration::from_secs(60);

impl Core {
    /// Says why there is no link and waits until the next attempt is due, or an interrupt.
    pub(super) async fn rest(
        &mut self,
        mut ending: Ending,
        transport: &mut dyn Transport,
        around: &Around,
        backoff: &mut Backoff,
        ghosts: &mut u32,
    ) -> Option<Interrupt> {
        let steal = transport.can_steal();
        let held = match &ending {
            Ending::Busy { .. } | Ending::Stolen { .. } => true,
            Ending::Dismissed(_) => false,
            Ending::Failed { fault, .. } => fault.class == FaultClass::Busy,
        };
        let mut naming = match &ending {
            Ending::Busy { holder: None, .. } | Ending::Stolen { holder: None, .. } => {
                transport.holder(around)
            }
            _ => None,
        };
        let ghost = *ghosts > 0 && matches!(ending, Ending::Busy { .. });
        let gap = match &ending {
            Ending::Busy { .. } if ghost => {
                *ghosts -= 1;
                Some(backoff.next())
            }
            Ending::Failed { retry: true, .. } => Some(backoff.next()),
            Ending::Dismissed(_) => Some(backoff.next().max(DISMISSED)),
            _ => (held && self.patient).then_some(PATIENCE),
        };
        if !held {
            // Why it failed now is not to be hidden.
            self.watch = None;
        }
        let mut until = gap.map(|gap| Instant::now() + gap);
        loop {
            let retry = until.map(|until| wall_clock() + until.saturating_duration_since(Instant::now()));
            let mut watch = self.watch.take();
            let rested = async {
                match &mut watch {
                    Some(watch) => self.read_along(watch, steal, retry).await,
                    None => {
                        self.shared.state(told(&ending, steal, retry, ghost));
                        self.interrupted().await
                    }
                }
            };
            let rested = tokio::select! {
                interrupt = rested => Rested::Interrupt(interrupt),
                () = due(until) => Rested::Due,
                holder = named(&mut naming) => Rested::Named(holder),
            };
            self.watch = watch;
            match rested {
                Rested::Due => return None,
                Rested::Named(name) => {
                    naming = None;
                    if let Ending::Busy { holder, .. } | Ending::Stolen { holder, .. } = &mut ending {
                        *holder = name;
                    }
                }
                Rested::Interrupt(Interrupt::Wait) if held => {
                    self.patient = true;
                    until = until.or_else(|| Some(Instant::now() + PATIENCE));
                }
                // What failed for another reason is not waited for.
                Rested::Interrupt(Interrupt::Wait) => {}
                // A second watch ends the first.
                Rested::Interrupt(Interrupt::Watch) => {
                    self.watch = match (&self.watch, &self.log_path) {
                        (None, Some(path)) => Some(Watch::new(path.clone())),
                        (None, None) => {
                            self.shared.note("no log is written for this node");
                            None
                        }
                        (Some(_), _) => None,
                    };
                }
                Rested::Interrupt(other) => {
                    self.watch = None;
                    return Some(other);
                }
            }
        }
    }

    /// Reads along in the log until an interrupt; a log that cannot be read ends it as a second watch does.
    async fn read_along(&mut self, watch: &mut Watch, steal: bool, retry: Option<Millis>) -> Interrupt {
        self.shared.update(|status| {
            status.state = ConsoleState::Watching { steal, retry };
            status.note = None;
        });
        loop {
            tokio::select! {
                interrupt = self.interrupted() => return interrupt,
                bytes = watch.next() => match bytes {
                    Ok(bytes) => {
                        let piece = Piece { bytes, answered: false };
                        if self.place.bytes.send(piece).await.is_err() {
                            return Interrupt::Stop;
                        }
                        self.place.ring();
                    }
                    Err(error) => {
                        self.shared.note(format!("cannot read the log {}: {error}", watch.path().display()));
                        return Interrupt::Watch;
                    }
                },
            }
        }
    }
}

/// What ended one wait.
enum Rested {
    Interrupt(Interrupt),
    Due,
    Named(Option<String>),
}

/// Returns at that time; never without one.
async fn due(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Returns with what is told of the holder; never when nobody is asked.
async fn named(holder: &mut Option<Holder>) -> Option<String> {
    match holder {
        Some(holder) => holder.await,
        None => std::future::pending().await,
    }
}

/// The state of a console without a link. `lost`: it had one before, and the one that holds it may be our own.
fn told(ending: &Ending, steal: bool, retry: Option<Millis>, lost: bool) -> ConsoleState {
    match ending.clone() {
        Ending::Busy { holder, hint } if lost => {
            let reason = busy_again(holder.as_deref());
            let fault = Fault { class: FaultClass::Busy, reason, hint: Some(hint) };
            ConsoleState::Closed { fault, holder, retry }
        }
        Ending::Busy { holder, hint } => ConsoleState::Busy { holder, hint, steal, retry },
        Ending::Stolen { holder, hint } => {
            let reason =
                format!("the console was taken over by {}", holder.as_deref().unwrap_or("another session"));
            let fault = Fault { class: FaultClass::Busy, reason, hint: Some(hint) };
            ConsoleState::Closed { fault, holder, retry }
        }
        Ending::Failed { fault, .. } | Ending::Dismissed(fault) => {
            ConsoleState::Closed { fault, holder: None, retry }
        }
    }
}

fn busy_again(holder: Option<&str>) -> String {
    match holder {
        Some(holder) => format!("the lost console is now held by {holder}"),
        None => "the lost console is held by another session, perhaps still by our own lost one".to_owned(),
    }
}
