//! Who holds a BMC's SOL, as far as the BMC tells: for the words of "busy" and "taken over". Asks only;
//! called by `sol` while it has the link's turn.

use super::link::{Failure, Turn};
use crate::bmc::holder::{Ask, name};
use crate::fleet::SolHolder;
use crate::ipmi::command::Command;
use std::time::Duration;

/// Knowing who it is is worth no longer wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// The user and the address, or one of them; `None` when the BMC does not tell.
pub(super) async fn holder(turn: &mut Turn<'_>) -> Option<String> {
    match tokio::time::timeout(PATIENCE, ask(turn)).await {
        Ok(Ok(SolHolder::Held(who))) => who,
        _ => None,
    }
}

/// The same with what else can be known: that nobody holds it, or that it was no BMC's answer.
pub(super) async fn ask(turn: &mut Turn<'_>) -> Result<SolHolder, Failure> {
    let owner = turn.request(&Command::sol_owner()).await?;
    let session = owner.data.first_chunk::<4>().filter(|_| owner.code == 0);
    Ok(match session.map(|id| u32::from_le_bytes(*id)) {
        None => SolHolder::Unknown,
        Some(0) => SolHolder::Nobody,
        Some(session) => SolHolder::Held(name(session, turn).await),
    })
}

#[async_trait::async_trait]
impl Ask for Turn<'_> {
    async fn ask(&mut self, command: Command) -> Option<Vec<u8>> {
        self.request(&command).await.ok().filter(|reply| reply.code == 0).map(|reply| reply.data)
    }
}
