//! SOL on the BMC's own login, for BMCs of driver `ipmi`: polls, verbs and console share one session.
//!
//! The stream itself, its keepalive and the watch for a theft are `bmc::ipmi`'s; here its ways to begin and
//! to end are told in the console's words. Every byte passes as it is: there is no tool whose escape
//! character could be meant.

use super::BUSY_HINT;
use crate::bmc::ipmi::{self, SolChannel, SolFault, SolOver};
use crate::bmc::{BmcError, Gate, Priority, SOL_TOLD};
use crate::console::shared::wall_clock;
use crate::console::transport::{Around, Ending, Link, Stage, Transport};
use crate::fleet::{Fault, FaultClass};
use crate::ipmi::client::SolLoss;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How long a theft may stay untold for its thief's name.
const NAMING: Duration = Duration::from_secs(2);

/// The driver whose login is used.
pub(super) const DRIVER: &str = "ipmi";

/// One console's share in its BMC's login.
#[derive(Default)]
pub(super) struct Native {
    channel: Option<SolChannel>,
    link: Option<Arc<ipmi::Link>>,
    gate: Option<Arc<dyn Gate>>,
    /// Says that the SOL is held, as long as it is.
    telling: Option<JoinHandle<()>>,
}

impl Drop for Native {
    fn drop(&mut self) {
        if let Some(telling) = self.telling.take() {
            telling.abort();
        }
    }
}

/// Should this process be killed, the next one may free its SOL, but only as long as nobody else's can have
/// the same number.
async fn tell(gate: Arc<dyn Gate>, session: Option<u32>) {
    loop {
        sleep(SOL_TOLD).await;
        gate.holds_sol(session);
    }
}

#[async_trait::async_trait]
impl Transport for Native {
    async fn open(
        &mut self,
        around: &mut Around,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Link, Ending> {
        let (bmc, permit) = super::permit(around, stage).await?;
        let link = ipmi::link(&bmc, &around.context, Arc::clone(&around.suites)).map_err(cannot_open)?;
        let mut opened = link.open_sol().await;
        // One of us was killed and could not free it: the BMC would keep it for a minute.
        if let (Err(SolFault::Busy(_)), Some(orphan)) = (&opened, around.gate.orphaned_sol())
            && link.free_sol_of(orphan).await
        {
            opened = link.open_sol().await;
        }
        if let (Err(SolFault::Busy(_)), true) = (&opened, around.steal) {
            link.end_sol().await.map_err(not_stolen)?;
            opened = link.open_sol().await;
        }
        let mut channel = match opened {
            Ok(channel) => channel,
            Err(fault) => return Err(refused(fault)),
        };
        // From here on it is data and keepalive, which are no commands.
        drop(permit);
        // The channel stays whole for its end; its reader is the session's from now on.
        let (_, none) = mpsc::channel(1);
        let reader = std::mem::replace(&mut channel.reader, none);
        let writer = channel.writer.clone();
        around.gate.holds_sol(channel.session);
        self.telling = Some(tokio::spawn(tell(Arc::clone(&around.gate), channel.session)));
        self.channel = Some(channel);
        self.gate = Some(Arc::clone(&around.gate));
        self.link = Some(link);
        Ok(Link { reader, writer, first: Vec::new() })
    }

    fn break_bytes(&mut self) -> Result<Vec<u8>, String> {
        // In order with what was typed before it: the channel takes an empty piece for a break.
        Ok(Vec::new())
    }

    async fn ended(&mut self) -> Ending {
        let Some(channel) = &mut self.channel else {
            return Ending::failed(FaultClass::Local, "the console is not open", None);
        };
        let over = channel.ended().await;
        let thief = match over {
            SolOver::Lost(SolLoss::Stolen(_)) => self.thief().await,
            _ => None,
        };
        lost(&over, thief.as_deref())
    }

    async fn close(&mut self, _around: &mut Around) {
        if let Some(channel) = self.channel.take() {
            channel.close().await;
            if let Some(telling) = self.telling.take() {
                telling.abort();
                // It must not say so once more after the end.
                let _ = telling.await;
            }
            if let Some(gate) = &self.gate {
                gate.holds_sol(None);
            }
        }
        self.link = None;
        self.gate = None;
    }
}

impl Native {
    /// Who has the SOL now, if it can be known at once: the theft is not to be told late.
    async fn thief(&self) -> Option<String> {
        let (link, gate) = (self.link.as_ref()?, self.gate.as_ref()?);
        if gate.earliest() > wall_clock() {
            return None;
        }
        let ask = async {
            let _permit = gate.permit(Priority::Operator).await.ok()?;
            link.sol_holder().await
        };
        timeout(NAMING, ask).await.ok().flatten()
    }
}

fn cannot_open(error: BmcError) -> Ending {
    // With a completion code the BMC took the login and refused a command in it: that is no reason for
    // polls to stop, as they do after a login that was refused.
    let login_stands = error.class == FaultClass::Auth && error.code.is_some();
    let mut fault = Fault::from(error);
    fault.reason = format!("cannot open the console: {}", fault.reason);
    if login_stands {
        fault.class = FaultClass::Rejected;
        return Ending::Failed { fault, retry: false };
    }
    Ending::from(fault)
}

fn not_stolen(error: crate::bmc::BmcError) -> Ending {
    let reason = format!("the console could not be taken from its holder: {}", error.reason);
    // Nothing was opened: it is still somebody else's, and not tried again by itself.
    Ending::Failed { fault: Fault { class: FaultClass::Busy, reason, hint: error.hint }, retry: false }
}

fn refused(fault: SolFault) -> Ending {
    match fault {
        SolFault::Busy(holder) => Ending::Busy { holder, hint: BUSY_HINT.to_owned() },
        SolFault::Disabled => Ending::failed(
            FaultClass::Unsupported,
            "cannot open the console: the BMC's SOL is disabled",
            Some("enable it on the BMC: ipmitool sol set enabled true"),
        ),
        SolFault::Bmc(error) => cannot_open(error),
    }
}

/// Why an open SOL is over. What was taken from us is not taken back; whatever else ended a console that
/// worked, it is tried again.
fn lost(over: &SolOver, thief: Option<&str>) -> Ending {
    let (class, text) = match over {
        SolOver::Lost(SolLoss::Stolen(_)) => {
            return Ending::Stolen { holder: thief.map(str::to_owned), hint: BUSY_HINT.to_owned() };
        }
        SolOver::Lost(SolLoss::Deactivated) => return super::dismissed(),
        SolOver::Lost(SolLoss::Silent) => {
            (FaultClass::Timeout, "the console was lost: the BMC stopped answering")
        }
        SolOver::Lost(SolLoss::Unreachable) => {
            (FaultClass::Unreachable, "the console was lost: nothing listens at the BMC's port")
        }
        SolOver::Closed => {
            (FaultClass::Unreachable, "the console was lost: the login with the BMC was closed")
        }
    };
    Ending::Failed { fault: Fault { class, reason: text.to_owned(), hint: None }, retry: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(over: SolOver) -> (FaultClass, bool) {
        match lost(&over, Some("eve from 10.0.0.7")) {
            Ending::Failed { fault, retry } => (fault.class, retry),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_refused_login_is_one_for_polls_too() {
        let class = |code, not_sent| {
            let error = BmcError { code, not_sent, ..BmcError::new(FaultClass::Auth, "no") };
            match cannot_open(error) {
                Ending::Failed { fault, retry: false } => fault.class,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(class(None, true), FaultClass::Auth);
        assert_eq!(class(None, false), FaultClass::Auth, "after a session that died");
        assert_eq!(class(Some(0xd4), false), FaultClass::Rejected, "SOL is not for this user");
        assert_eq!(class(Some(0x81), false), FaultClass::Rejected, "the privilege was not granted");
    }

    #[test]
    fn only_what_was_stolen_is_not_tried_again() {
        assert!(matches!(lost(&SolOver::Lost(SolLoss::Stolen(7)), None), Ending::Stolen { .. }));
        assert!(matches!(lost(&SolOver::Lost(SolLoss::Deactivated), None), Ending::Dismissed(_)));
        assert_eq!(told(SolOver::Lost(SolLoss::Silent)), (FaultClass::Timeout, true));
        assert_eq!(told(SolOver::Lost(SolLoss::Unreachable)), (FaultClass::Unreachable, true));
    }
}
