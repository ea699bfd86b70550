//! Verbs, composed of exchanges; each waits for its own permit.
//!
//! A verb that changes something reads the state first, is sent once, and is then observed with
//! growing gaps until the effect is seen or the time is up: accepted is not confirmed. Runs as a task
//! of the node's actor; stops at its next wait when it is told to. Must not know schedules.

mod locator;
mod stagger;
mod steps;

pub(crate) use stagger::Stagger;
pub(crate) use steps::{Cancel, Job};

use super::message::{Outcome, Phase};
use super::node::Node;
use crate::bmc::{Exchange, Reply};
use crate::fleet::{BmcReset, BootDevice, BootSetting, Fault, FaultClass, Power, PowerVerb, Verb};
use std::time::Duration;
use steps::{Observed, Run, Sent, Step};

/// How long the off phase of the chassis verb `cycle` is looked for: before, "on" may be the state from
/// before the verb. IPMI 2.0, section 28.3, asks for an off phase of at least 1 s.
const CYCLE_SETTLES: Duration = Duration::from_secs(10);
/// Completion code "not supported in present state": the node is so already (IPMI 2.0, table 5-2).
const NOT_IN_THIS_STATE: u8 = 0xd5;

/// How long `verb` may take to be confirmed.
pub(crate) fn allowed(node: &Node, verb: &Verb, timeout: Option<Duration>) -> Duration {
    let power = &node.context.settings().power;
    timeout.unwrap_or(match verb {
        Verb::Power(PowerVerb::Soft) => power.soft_timeout,
        _ => power.timeout,
    })
}

/// The exchanges that are sent for `verb`, without the looks before and after.
pub(crate) fn sends(verb: &Verb) -> Vec<Exchange> {
    match verb {
        Verb::Status => vec![Exchange::Power],
        Verb::Power(PowerVerb::Reboot) => vec![Exchange::Off, Exchange::On],
        Verb::Power(verb) => vec![exchange(*verb)],
        Verb::BootGet => vec![Exchange::BootGet],
        Verb::BootSet(setting) => vec![Exchange::KeepBootFlags, Exchange::BootSet(*setting)],
        Verb::ResetBmc(kind) => vec![Exchange::ResetBmc(*kind)],
        Verb::Info => vec![Exchange::Info],
        Verb::Identify(what) => vec![Exchange::Identify(*what)],
        Verb::FreeSol => vec![Exchange::SolDeactivate],
        Verb::SolHolder => vec![Exchange::SolHolder],
        Verb::Checkup => vec![Exchange::Checkup],
        Verb::Raw(bytes) => vec![Exchange::Raw(bytes.clone())],
    }
}

fn exchange(verb: PowerVerb) -> Exchange {
    match verb {
        PowerVerb::On => Exchange::On,
        PowerVerb::Off | PowerVerb::Reboot => Exchange::Off,
        PowerVerb::Soft => Exchange::Soft,
        PowerVerb::Cycle => Exchange::Cycle,
        PowerVerb::Reset => Exchange::Reset,
        PowerVerb::Nmi => Exchange::Nmi,
    }
}

/// Runs a verb that only reads.
pub(crate) async fn read(job: Job, cancel: Cancel) {
    let mut run = Run::new(&job, cancel);
    let outcome = match reading(&mut run).await {
        Ok(outcome) | Err(outcome) => outcome,
    };
    job.done(outcome);
}

async fn reading(run: &mut Run<'_>) -> Step<Outcome> {
    let exchange = match run.job.verb {
        Verb::BootGet => Exchange::BootGet,
        Verb::Info => Exchange::Info,
        Verb::SolHolder => Exchange::SolHolder,
        Verb::Checkup => Exchange::Checkup,
        _ => {
            // A reading that another process makes while we wait for our turn is as good.
            return match run.look_or_take().await? {
                Ok(_) => Ok(Outcome::Status),
                Err(fault) => Err(Outcome::Failed(fault)),
            };
        }
    };
    match run.ask(&exchange).await? {
        Ok(Reply::Boot(boot)) => {
            run.node.boot(boot);
            Ok(Outcome::Boot(boot))
        }
        Ok(Reply::Info(info)) => Ok(Outcome::Info(info)),
        Ok(Reply::SolHolder(holder)) => Ok(Outcome::SolHolder(holder)),
        Ok(Reply::Checkup(checkup)) => Ok(Outcome::Checkup(checkup)),
        Ok(other) => Err(Outcome::Failed(unexpected(&other))),
        Err(error) => Err(Outcome::Failed(error.into())),
    }
}

/// Runs a verb that changes something; it has been admitted in this process.
pub(crate) async fn run(job: Job, cancel: Cancel) {
    // The actor takes the end of the last receiver for the end of the verb.
    let not_over = cancel.clone();
    let mut run = Run::new(&job, cancel);
    let outcome = match changing(&mut run).await {
        Ok(outcome) | Err(outcome) => outcome,
    };
    drop(run);
    let node = &job.node;
    node.pending(None);
    if matches!(outcome, Outcome::Accepted | Outcome::Cancelled { .. }) {
        node.look_soon();
    }
    // Before the result is told: who hears it may ask for the next at once.
    drop(not_over);
    job.done(outcome);
}

async fn changing(run: &mut Run<'_>) -> Step<Outcome> {
    run.claim().await?;
    match run.job.verb.clone() {
        Verb::Power(PowerVerb::Reboot) => reboot(run).await,
        Verb::Power(verb) => power(run, verb).await,
        Verb::BootSet(setting) => boot_set(run, setting).await,
        Verb::ResetBmc(kind) => reset_bmc(run, kind).await,
        Verb::Raw(bytes) => match sent(run, &Exchange::Raw(bytes)).await? {
            Reply::Raw(bytes) => Ok(Outcome::Raw(bytes)),
            _ => Ok(Outcome::Accepted),
        },
        Verb::Identify(what) => locator::identify(run, what).await,
        Verb::FreeSol => {
            run.job.consoles.sol_freed(run.node.id);
            sent(run, &Exchange::SolDeactivate).await.map(|_| Outcome::Accepted)
        }
        Verb::Status | Verb::BootGet | Verb::Info | Verb::Checkup | Verb::SolHolder => reading(run).await,
    }
}

/// Sends `exchange` once; what its answer was.
async fn sent(run: &mut Run<'_>, exchange: &Exchange) -> Step<Reply> {
    match run.send(exchange).await? {
        Sent::Reply(reply) => Ok(reply),
        Sent::Perhaps(fault) => Err(perhaps(fault)),
        Sent::Refused(error) => Err(Outcome::Failed(error.into())),
    }
}

/// The result of a verb whose fate nobody can tell.
fn perhaps(mut fault: Fault) -> Outcome {
    fault.reason = format!("{}; it may have been carried out", fault.reason);
    Outcome::Failed(fault)
}

fn unexpected(reply: &Reply) -> Fault {
    Fault {
        class: FaultClass::Protocol,
        reason: format!("the driver gave an answer that does not fit: {reply:?}"),
        hint: None,
    }
}

async fn power(run: &mut Run<'_>, verb: PowerVerb) -> Step<Outcome> {
    let skips = |state: Power| match verb {
        PowerVerb::On => state == Power::On,
        _ => state == Power::Off,
    };
    let before = run.state_before(skips).await?;
    if skips(before) {
        return match verb {
            PowerVerb::On | PowerVerb::Off | PowerVerb::Soft => Ok(Outcome::Already),
            _ => Err(Outcome::Failed(Fault {
                class: FaultClass::Rejected,
                reason: format!("cannot {} {}: it is off", verb.name(), run.node.name),
                hint: Some("nothing was sent; power it on".into()),
            })),
        };
    }
    let staggered = matches!(verb, PowerVerb::On | PowerVerb::Cycle);
    let Some(target) = verb.target() else {
        return sent(run, &exchange(verb)).await.map(|_| Outcome::Accepted);
    };
    let settles = if verb == PowerVerb::Cycle { CYCLE_SETTLES } else { Duration::ZERO };
    bring(run, &exchange(verb), target, staggered, settles).await
}

/// Sends `exchange` once and observes until `target` is seen. With `settles`, only a `target` that came
/// after another state confirms it; the other is looked for that long.
async fn bring(
    run: &mut Run<'_>,
    exchange: &Exchange,
    target: Power,
    staggered: bool,
    settles: Duration,
) -> Step<Outcome> {
    if staggered {
        run.take_turn().await?;
    }
    let doubt = match run.send(exchange).await? {
        Sent::Reply(_) => None,
        Sent::Perhaps(fault) => Some(fault),
        Sent::Refused(error) if error.code == Some(NOT_IN_THIS_STATE) => {
            return match run.look().await? {
                Ok(state) if state == target && settles.is_zero() => Ok(Outcome::Already),
                _ => Err(Outcome::Failed(error.into())),
            };
        }
        Sent::Refused(error) => return Err(Outcome::Failed(error.into())),
    };
    if !run.job.wait && doubt.is_none() {
        return Ok(Outcome::Accepted);
    }
    match (run.observe(target, settles).await?, doubt) {
        (Observed::Reached, _) => Ok(Outcome::Confirmed),
        (_, Some(fault)) => Err(perhaps(fault)),
        (Observed::Unchanged, None) => {
            Ok(Outcome::Unseen { reason: "on, its off phase was not seen".into() })
        }
        (Observed::Missed(reason), None) => Err(Outcome::NotConfirmed { reason }),
    }
}

/// Off, confirmed, then on, confirmed; a node that is off is only turned on.
async fn reboot(run: &mut Run<'_>) -> Step<Outcome> {
    // What cannot be turned on again must not be turned off for a reboot.
    if let Ok(line) = &run.node.line
        && let Some(error) = &line.no_on
    {
        return Err(Outcome::Failed(error.clone().into()));
    }
    let before = run.state_before(|state| state == Power::Off).await?;
    if before != Power::Off {
        match run.send(&Exchange::Off).await? {
            Sent::Reply(_) | Sent::Perhaps(_) => {}
            // It went off since it was looked at, perhaps by a copy of this whose answer was lost.
            Sent::Refused(error) if error.code == Some(NOT_IN_THIS_STATE) => match run.look().await? {
                Ok(Power::Off) => {}
                _ => return Err(Outcome::Failed(error.into())),
            },
            Sent::Refused(error) => return Err(Outcome::Failed(error.into())),
        }
        if let Observed::Missed(reason) = run.observe(Power::Off, Duration::ZERO).await? {
            let reason = format!("not turned on again, because off was not seen: {reason}");
            return Err(Outcome::NotConfirmed { reason });
        }
    }
    match bring(run, &Exchange::On, Power::On, true, Duration::ZERO).await {
        Err(Outcome::NotConfirmed { reason }) => Err(Outcome::Failed(Fault {
            class: FaultClass::Timeout,
            reason: format!("turned off, but not seen on again: {reason}"),
            hint: Some("look at it before it is turned on once more".into()),
        })),
        other => other,
    }
}

async fn boot_set(run: &mut Run<'_>, wanted: BootSetting) -> Step<Outcome> {
    // Many BMCs forget the boot flags after 60 s unless told not to; others do not know the request.
    match run.ask(&Exchange::KeepBootFlags).await? {
        Err(error) if error.class == FaultClass::Auth => return Err(Outcome::Failed(error.into())),
        Ok(_) | Err(_) => {}
    }
    match run.send(&Exchange::BootSet(wanted)).await? {
        Sent::Refused(error) => return Err(Outcome::Failed(error.into())),
        Sent::Reply(_) if !run.job.wait => return Ok(Outcome::Accepted),
        Sent::Reply(_) | Sent::Perhaps(_) => {}
    }
    run.phase(Phase::Observing);
    let got = loop {
        match run.ask(&Exchange::BootGet).await? {
            Ok(Reply::Boot(got)) => break got,
            Ok(other) => return Err(Outcome::Failed(unexpected(&other))),
            Err(error) if run.may_try_again(error.class) => run.pause().await?,
            Err(error) => {
                let mut fault = Fault::from(error);
                fault.reason = format!("set, but it could not be read back: {}", fault.reason);
                return Err(Outcome::Failed(fault));
            }
        }
    };
    run.node.boot(got);
    match lost(wanted, got) {
        None => Ok(Outcome::Boot(got)),
        Some(what) => Err(Outcome::Failed(Fault {
            class: FaultClass::Rejected,
            reason: format!("the BMC took the boot device but did not keep it: {what}"),
            hint: None,
        })),
    }
}

/// What of `wanted` is not in `got`.
fn lost(wanted: BootSetting, got: BootSetting) -> Option<String> {
    let name = |setting: BootSetting| setting.device.map_or("unknown", BootDevice::name);
    let mut lost = Vec::new();
    if wanted.device != got.device {
        lost.push(format!("asked for {}, reads back {}", name(wanted), name(got)));
    }
    if wanted.device != Some(BootDevice::None) {
        if wanted.persistent && !got.persistent {
            lost.push("persistent is lost: holds for the next boot only".into());
        }
        if !wanted.persistent && got.persistent {
            lost.push("asked for the next boot only, holds for all".into());
        }
        if wanted.uefi != got.uefi {
            let (asked, reads) = if wanted.uefi { ("uefi", "legacy") } else { ("legacy", "uefi") };
            lost.push(format!("asked for {asked}, reads back {reads}"));
        }
    }
    (!lost.is_empty()).then(|| lost.join("; "))
}

async fn reset_bmc(run: &mut Run<'_>, kind: BmcReset) -> Step<Outcome> {
    let sent = run.send(&Exchange::ResetBmc(kind)).await?;
    if let Sent::Refused(error) = sent {
        return Err(Outcome::Failed(error.into()));
    }
    // Also in doubt: if it is being reset, its silence is no failure, and its polls tell when it is back.
    run.node.bmc_reset(run.now());
    match sent {
        // The driver knows the silence of a BMC that went before it answered; this is another.
        Sent::Perhaps(fault) => Err(perhaps(fault)),
        _ => Ok(Outcome::Accepted),
    }
}
