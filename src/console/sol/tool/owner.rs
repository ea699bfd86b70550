//! Whether the SOL is still ours: a robbed ipmitool says nothing for a minute and more, so its BMC is asked beside it
//! who owns the payload (IPMI 2.0, section 24.4). Ends with the transport; never takes back what was stolen.

use super::holder::Bmc;
use crate::bmc::Gate;
use crate::console::transport::Driver;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Between two questions: each is a login of its own for the BMC. With the wait for its turn behind a poll (5 s, unless
/// the pace is slower) a theft is told within 15 s.
const ASK: Duration = Duration::from_secs(8);

/// What became of an SOL that is no longer ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// Another session has it.
    Stolen,
    /// Nobody has it: somebody ended it.
    Freed,
}

/// The questions; dropped, they end.
pub(super) struct Owner {
    task: JoinHandle<()>,
    lost: watch::Receiver<Option<Lost>>,
}

impl Owner {
    /// Asks until the owner changes or the BMC turns out not to tell.
    pub(super) fn watch(driver: Driver, gate: Arc<dyn Gate>, rob: impl FnOnce() + Send + 'static) -> Owner {
        let (say, lost) = watch::channel(None);
        let task = tokio::spawn(async move {
            if let Some(what) = changed(&Bmc { driver, gate }).await {
                say.send_replace(Some(what));
                rob();
            }
        });
        Owner { task, lost }
    }

    /// Whether it is no longer ours.
    pub(super) fn lost(&self) -> Option<Lost> {
        *self.lost.borrow()
    }

    /// Ends the questions; the driver is back afterwards.
    pub(super) async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Waits until the SOL is no longer ours; nothing when that cannot be known.
async fn changed(bmc: &Bmc) -> Option<Lost> {
    let mut ours = None;
    let mut nobody = 0;
    loop {
        match bmc.owner().await {
            Some(Ok(owner)) => {
                nobody = if owner == 0 { nobody + 1 } else { 0 };
                match ours {
                    None if owner == 0 => return None,
                    None => ours = Some(owner),
                    // Once may be the moment between a thief's two commands.
                    Some(_) if nobody == 2 => return Some(Lost::Freed),
                    Some(ours) if owner != ours && owner != 0 => return Some(Lost::Stolen),
                    Some(_) => {}
                }
            }
            // Once it has told, a lost answer means nothing.
            Some(Err(_)) if ours.is_some() => {}
            _ => return None,
        }
        sleep(ASK).await;
    }
}
