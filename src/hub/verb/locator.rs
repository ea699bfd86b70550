//! The locator LED: lit once, then read back where the BMC tells. Called by the verbs' table only.

use super::sent;
use super::steps::{Run, Step};
use crate::bmc::{Exchange, Reply};
use crate::fleet::{Identify, Locator};
use crate::hub::message::{Lit, Outcome, Phase};
use std::time::Duration;

/// Turns the locator LED on or off and looks once. A BMC that does not tell its LED's state is common, and no
/// failure: then it was accepted.
pub(super) async fn identify(run: &mut Run<'_>, what: Identify) -> Step<Outcome> {
    sent(run, &Exchange::Identify(what)).await?;
    let lit_at = run.now();
    let clock = run.node.context.clock;
    run.node.locator(match what {
        Identify::For(seconds) => {
            Some(Lit::Until(clock.wall_at(lit_at + Duration::from_secs(seconds.get().into()))))
        }
        Identify::On => Some(Lit::On),
        Identify::Off => None,
    });
    if !run.job.wait {
        return Ok(Outcome::Accepted);
    }
    run.phase(Phase::Observing);
    let Ok(Reply::Locator(Some(led))) = run.ask(&Exchange::Locator).await? else {
        return Ok(Outcome::Accepted);
    };
    let since = run.now().saturating_sub(lit_at);
    Ok(match (what, led) {
        (Identify::Off, Locator::Off) => Outcome::Confirmed,
        (Identify::Off, Locator::Timed | Locator::On) => not_confirmed("the locator LED is still on"),
        (Identify::For(_) | Identify::On, Locator::Timed | Locator::On) => Outcome::Confirmed,
        // It was lit for less than it took to get a turn for the look.
        (Identify::For(seconds), Locator::Off) if since >= Duration::from_secs(seconds.get().into()) => {
            Outcome::Accepted
        }
        (Identify::For(_) | Identify::On, Locator::Off) => {
            run.node.locator(None);
            not_confirmed("the locator LED is still off")
        }
    })
}

fn not_confirmed(reason: &str) -> Outcome {
    Outcome::NotConfirmed { reason: reason.to_owned() }
}
