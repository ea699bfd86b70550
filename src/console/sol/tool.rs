//! SOL through `ipmitool sol activate` in a pseudo-terminal, for BMCs of driver `ipmitool`.
//!
//! How ipmitool is ended so that the BMC's SOL is free and nothing is typed to the node: see [`child`].

mod child;
mod holder;
mod lines;
mod owner;
mod verdict;

use crate::bmc::ipmitool::{refuses_suite, sol_command, suites_to_try};
use crate::bmc::{Exchange, Permit};
use crate::config::BmcSettings;
use crate::console::shared::wall_clock;
use crate::console::transport::{Around, Ending, Link, Stage, Transport};
use crate::fleet::{Fault, FaultClass};
use child::{Child, Exit};
pub(super) use holder::holder;
use lines::{Banner, BreakEcho, Found, InputGuard};
use owner::{Lost, Owner};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// ipmitool's escape character (`-e`), by default `~`, which clashes with ssh. 0xff is in no key's bytes:
/// UTF-8 never contains it. ipmitool compares plain chars, so it takes it.
pub(super) const ESCAPE: u8 = 0xff;

/// Stands for [`ESCAPE`], which is no character, until the command line is handed over.
const PLACE: char = '~';

/// A login that is neither through nor refused by then is given up (ipmitool's own limits are shorter
/// unless a BMC drops the login silently, which takes it 5 s and more).
const LOGIN: Duration = Duration::from_secs(30);
/// After SIGINT ipmitool closes its login with the BMC; a dead BMC keeps it for longer.
const GRACE: Duration = Duration::from_secs(2);
/// After SIGKILL.
const REAP: Duration = Duration::from_secs(2);
/// To free an SOL by hand, from the BMC's earliest turn on: for who is before us, and for the exchange.
const FREE: Duration = Duration::from_secs(10);

/// The longest that a session's end takes, beyond the wait for a turn at its BMC.
pub(super) const ENDING: Duration = GRACE.saturating_add(REAP).saturating_add(FREE);

/// One console's ipmitool.
#[derive(Default)]
pub(super) struct Tool {
    child: Option<Child>,
    permit: Option<Permit>,
    /// The banner came: the BMC has an SOL that must be freed.
    attached: bool,
    owner: Option<Owner>,
    guard: InputGuard,
    echo: BreakEcho,
}

#[async_trait::async_trait]
impl Transport for Tool {
    async fn open(
        &mut self,
        around: &mut Around,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Link, Ending> {
        if around.steal {
            end_foreign(around, stage).await?;
        }
        let (bmc, permit) = super::permit(around, stage).await?;
        self.permit = Some(permit);
        let link = self.log_in(around, &bmc).await;
        if link.is_ok() {
            // From here on it is data and keepalive, which are no commands.
            self.permit = None;
            self.attached = true;
            if let Some(child) = &self.child {
                let (driver, gate) = (around.driver.clone(), Arc::clone(&around.gate));
                self.owner = Some(Owner::watch(driver, gate, child.killer()));
            }
        }
        link
    }

    fn clean(&mut self, piece: Vec<u8>) -> Vec<u8> {
        self.echo.clean(piece)
    }

    fn guard(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        self.guard.pass(bytes)
    }

    fn break_bytes(&mut self) -> Result<Vec<u8>, String> {
        if !self.guard.at_line_start() {
            return Err("press enter first; ipmitool takes it only at the start of a line".to_owned());
        }
        self.echo.expect_one();
        Ok(vec![ESCAPE, b'B'])
    }

    async fn ended(&mut self) -> Ending {
        match self.owner.as_ref().and_then(Owner::lost) {
            Some(Lost::Stolen) => return verdict::stolen(),
            Some(Lost::Freed) => return super::dismissed(),
            None => {}
        }
        match self.child.as_mut() {
            Some(child) => verdict::lost(&child.exited(REAP).await),
            None => Ending::failed(FaultClass::Local, "the console is not open", None),
        }
    }

    async fn close(&mut self, around: &mut Around) {
        let mut active = false;
        let owner = self.owner.take();
        let lost = owner.as_ref().and_then(Owner::lost);
        if let Some(owner) = owner {
            owner.stop().await;
        }
        if let Some(mut child) = self.child.take() {
            // Asked to end in order it would end the SOL of whoever has it now.
            if lost.is_some() {
                child.kill_and_wait(REAP).await;
            } else if !child.interrupt_and_wait(GRACE).await {
                child.kill_and_wait(REAP).await;
                active = self.attached || verdict::may_be_active(&child.said());
            }
        }
        // Freeing asks for a permit of its own.
        self.permit = None;
        if active {
            free(around).await;
        }
        self.attached = false;
        self.guard = InputGuard::default();
        self.echo = BreakEcho::default();
    }
}

impl Tool {
    /// Tries the cipher suites in order; a refused one costs the BMC nothing, so the next goes at once.
    async fn log_in(&mut self, around: &mut Around, bmc: &BmcSettings) -> Result<Link, Ending> {
        let mut last = None;
        for suite in suites_to_try(bmc, &around.suites) {
            let command = sol_command(bmc, &around.context, suite, PLACE)?;
            let mut started = Child::start(command, &around.context.private_dir)?;
            self.child = Some(started.child);
            match timeout(LOGIN, banner(&mut started.output)).await {
                Ok(Some(first)) => {
                    around.suites.set(Some(suite));
                    return Ok(Link { reader: started.output, writer: started.input, first });
                }
                Ok(None) => {}
                Err(_) => {
                    let text = format!("the BMC of {} did not open the console in time", around.node);
                    return Err(Ending::failed(FaultClass::Timeout, text, None));
                }
            }
            let exit = self.exit().await;
            self.child = None;
            if !refuses_suite(&exit.words) {
                return Err(verdict::refused(&exit));
            }
            last = Some(exit);
        }
        around.suites.set(None);
        Err(match last {
            Some(exit) => verdict::refused(&exit),
            None => Ending::failed(FaultClass::Local, "no cipher suite is configured", None),
        })
    }

    async fn exit(&mut self) -> Exit {
        match self.child.as_mut() {
            Some(child) => child.exited(REAP).await,
            None => Exit::default(),
        }
    }
}

/// Reads up to the banner; gives what followed it, or `None` when ipmitool ended without one.
async fn banner(output: &mut tokio::sync::mpsc::Receiver<Vec<u8>>) -> Option<Vec<u8>> {
    let mut banner = Banner::default();
    while let Some(piece) = output.recv().await {
        if let Found::Rest(rest) = banner.feed(&piece) {
            return Some(rest);
        }
    }
    None
}

/// Ends the SOL of whoever has it.
async fn end_foreign(around: &Around, stage: &(dyn Fn(Stage) + Send + Sync)) -> Result<(), Ending> {
    stage(Stage::Waiting(around.gate.earliest()));
    match around.driver.exchange(&*around.gate, &Exchange::SolDeactivate).await {
        Some(Err(error)) => {
            let reason = format!("the console could not be taken from its holder: {error}");
            let fault = Fault { class: FaultClass::Busy, reason, hint: error.hint };
            Err(Ending::Failed { fault, retry: false })
        }
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Frees an SOL whose ipmitool had to be killed.
async fn free(around: &Around) {
    let limit = around.gate.earliest().since(wall_clock()) + FREE;
    let freeing = around.driver.exchange(&*around.gate, &Exchange::SolDeactivate);
    if !matches!(timeout(limit, freeing).await, Ok(Some(Ok(_)))) {
        tracing::warn!(node = %around.node, "the SOL could not be freed; the BMC frees it when its session times out");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bmc::{Bmc, BmcError, DriverContext, Gate, Priority, Reply};
    use crate::config::ConsoleSettings;
    use crate::console::transport::Driver;
    use crate::fleet::{Fault, Millis};
    use std::sync::{Arc, Mutex};

    /// A BMC whose next turn is long to come.
    struct Slow(Duration);

    #[async_trait::async_trait]
    impl Gate for Slow {
        async fn permit(&self, _: Priority) -> Result<Permit, Fault> {
            tokio::time::sleep(self.0).await;
            Ok(Permit::new(|| ()))
        }

        fn earliest(&self) -> Millis {
            wall_clock() + self.0
        }
    }

    struct Asked(Arc<Mutex<Vec<Exchange>>>);

    #[async_trait::async_trait]
    impl Bmc for Asked {
        async fn exchange(&mut self, exchange: &Exchange) -> Result<Reply, BmcError> {
            self.0.lock().expect("fine").push(exchange.clone());
            Ok(Reply::Done)
        }

        fn describe(&self, _: &Exchange) -> String {
            String::new()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn freeing_waits_for_a_pace_of_any_length() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let around = Around {
            node: "n1".into(),
            console: ConsoleSettings { transport: "sol".into(), ..ConsoleSettings::default() },
            bmc: None,
            context: DriverContext {
                network: Arc::default(),
                ipmitool: "ipmitool".into(),
                private_dir: "/nowhere".into(),
                limit: FREE,
            },
            suites: Arc::default(),
            gate: Arc::new(Slow(Duration::from_secs(60))),
            driver: Driver::new(Some(Box::new(Asked(Arc::clone(&asked))))),
            steal: false,
            say: Arc::new(|_| {}),
        };
        free(&around).await;
        assert_eq!(*asked.lock().expect("fine"), [Exchange::SolDeactivate]);
    }
}
