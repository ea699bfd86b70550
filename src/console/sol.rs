//! Transport `sol`: the BMC's serial-over-LAN, in the way of the node's driver: on the BMC's own login
//! ([`native`]), or through `ipmitool sol activate` in a pseudo-terminal ([`tool`]).
//!
//! Only the opening is an exchange in the sense of the pace (it waits for the gate's permit and holds it
//! until SOL is active or has failed); data and keepalive are not. Somebody else's SOL is never taken, and
//! every end leaves the BMC's SOL free without a byte typed to the node.

mod native;
mod tool;

use super::transport::{Around, Ending, Holder, Link, Stage, Transport};
use crate::bmc::{Permit, Priority};
use crate::config::BmcSettings;
use crate::fleet::{Fault, FaultClass};
use native::Native;
use std::time::Duration;
use tool::Tool;

/// The longest that a session's end takes, beyond the wait for a turn at its BMC: of both ways, that through
/// ipmitool takes longer.
pub(super) const ENDING: Duration = tool::ENDING;

/// What can be done about an SOL that somebody else holds.
const BUSY_HINT: &str = "one session at a time has it; stealing it throws the other one out";

/// One console's SOL. Each opening goes the way of the node's driver.
#[derive(Default)]
pub(super) struct Sol(Option<Box<dyn Transport>>);

#[async_trait::async_trait]
impl Transport for Sol {
    async fn open(
        &mut self,
        around: &mut Around,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Link, Ending> {
        let native = around.bmc.as_ref().is_some_and(|bmc| bmc.driver == native::DRIVER);
        let way: Box<dyn Transport> =
            if native { Box::new(Native::default()) } else { Box::new(Tool::default()) };
        self.0.insert(way).open(around, stage).await
    }

    fn holder(&self, around: &Around) -> Option<Holder> {
        // The native way names them itself, on the login that it has.
        let native = around.bmc.as_ref().is_some_and(|bmc| bmc.driver == native::DRIVER);
        (!native).then(|| tool::holder(around))
    }

    fn can_steal(&self) -> bool {
        true
    }

    fn clean(&mut self, piece: Vec<u8>) -> Vec<u8> {
        match &mut self.0 {
            Some(way) => way.clean(piece),
            None => piece,
        }
    }

    fn guard(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        match &mut self.0 {
            Some(way) => way.guard(bytes),
            None => bytes,
        }
    }

    fn break_bytes(&mut self) -> Result<Vec<u8>, String> {
        self.0.as_mut().map_or_else(|| Err("the console is not open".to_owned()), |way| way.break_bytes())
    }

    async fn ended(&mut self) -> Ending {
        match &mut self.0 {
            Some(way) => way.ended().await,
            None => Ending::failed(FaultClass::Local, "the console is not open", None),
        }
    }

    async fn close(&mut self, around: &mut Around) {
        if let Some(mut way) = self.0.take() {
            way.close(around).await;
        }
    }
}

/// The SOL was ended, and nobody has it.
fn dismissed() -> Ending {
    let reason = "the BMC or another session ended the SOL; whoever did may want it".to_owned();
    Ending::Dismissed(Fault { class: FaultClass::Unreachable, reason, hint: None })
}

/// The BMC, and the permit to log in to it.
async fn permit(
    around: &Around,
    stage: &(dyn Fn(Stage) + Send + Sync),
) -> Result<(BmcSettings, Permit), Ending> {
    let Some(bmc) = around.bmc.clone() else {
        let text = format!("cannot open the console of {}: it has no bmc", around.node);
        return Err(Ending::failed(FaultClass::Local, text, None));
    };
    stage(Stage::Waiting(around.gate.earliest()));
    // The gate refuses for good (an authentication failed before): waiting does not help.
    let permit = around
        .gate
        .permit(Priority::Operator)
        .await
        .map_err(|fault| Ending::Failed { fault, retry: false })?;
    stage(Stage::Connecting);
    Ok((bmc, permit))
}
