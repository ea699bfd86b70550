//! Everything `lightsout doctor` wants to know of a BMC, in one login: power state, privilege, identity,
//! whose the SOL is. Reads only; what a BMC does not answer is left out. Called by the driver.

use super::commands::{self, identity};
use super::holder::holder;
use super::link::{Failure, Turn};
use crate::bmc::{Exchange, Reply as Told};
use crate::fleet::{Checkup, SolState};
use crate::ipmi::command::Command;
use crate::ipmi::{Privilege, Quirks};

/// Why there is no checkup.
pub(super) enum NoCheckup {
    /// The login, or the first command in it.
    Failed(Failure),
    /// The power state was refused with this completion code.
    Refused(u8),
    /// The power state cannot be understood.
    Senseless,
}

/// Asks. `highest`: the configured privilege level.
pub(super) async fn checkup(turn: &mut Turn<'_>, highest: Privilege) -> Result<Checkup, NoCheckup> {
    let status = turn.request(&Command::chassis_status()).await.map_err(NoCheckup::Failed)?;
    if status.code != 0 {
        return Err(NoCheckup::Refused(status.code));
    }
    let Some(Told::Power(power, detail)) = commands::reply(&Exchange::Power, &status.data) else {
        return Err(NoCheckup::Senseless);
    };
    let mut found = Checkup::new(power, detail);
    found.suite = turn.suite().map(|suite| suite.id());
    raise(turn, highest, &mut found).await;
    if let Some(data) = told(turn, &Command::device_id()).await {
        found.identity = identity(&data).unwrap_or_default();
    }
    found.sol = sol(turn, highest, found.not_raised.is_none()).await;
    Ok(found)
}

/// Set Session Privilege Level tells which level was reached (IPMI 2.0, section 22.18).
async fn raise(turn: &mut Turn<'_>, highest: Privilege, found: &mut Checkup) {
    if highest <= Privilege::User || turn.quirks().has(Quirks::NO_RAISE) {
        found.privilege = Some(name(highest).to_owned());
        return;
    }
    let Ok(reply) = turn.request(&Command::raise(highest)).await else { return };
    let level = reply.data.first().and_then(|level| Privilege::from_number(level & 0x0f)).unwrap_or(highest);
    match reply.code {
        0 if level >= highest => found.privilege = Some(name(level).to_owned()),
        0 => found.not_raised = Some(format!("the BMC gives {} instead of {}", name(level), name(highest))),
        code => found.not_raised = Some(format!("the BMC refuses {} (0x{code:02x})", name(highest))),
    }
    if found.not_raised.is_some() {
        found.privilege = Some(name(if reply.code == 0 { level } else { Privilege::User }).to_owned());
    }
}

async fn sol(turn: &mut Turn<'_>, highest: Privilege, raised: bool) -> Option<SolState> {
    // Its configuration is for operators.
    if raised && highest >= Privilege::Operator {
        let enabled = told(turn, &Command::sol_enabled()).await;
        if enabled.is_some_and(|data| data.get(1).is_some_and(|byte| byte & 1 == 0)) {
            return Some(SolState::Disabled);
        }
    }
    let owner = told(turn, &Command::sol_owner()).await?;
    Some(match u32::from_le_bytes(*owner.first_chunk::<4>()?) {
        0 => SolState::Free,
        _ => SolState::Held(holder(turn).await),
    })
}

async fn told(turn: &mut Turn<'_>, command: &Command) -> Option<Vec<u8>> {
    turn.request(command).await.ok().filter(|reply| reply.code == 0).map(|reply| reply.data)
}

fn name(privilege: Privilege) -> &'static str {
    match privilege {
        Privilege::Callback => "CALLBACK",
        Privilege::User => "USER",
        Privilege::Operator => "OPERATOR",
        Privilege::Administrator => "ADMINISTRATOR",
    }
}
