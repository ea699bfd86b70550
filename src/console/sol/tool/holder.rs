//! Who has an SOL that ipmitool only calls busy: three questions (IPMI 2.0, sections 24.4, 22.20 and 22.29), each a
//! login of its own and in its turn, so the name comes later than the news.

use crate::bmc::holder::{Ask, name};
use crate::bmc::{BmcError, Exchange, Gate, Reply};
use crate::console::transport::{Around, Driver, Holder};
use crate::ipmi::command::Command;
use std::sync::Arc;

/// Asks; nothing when the BMC does not tell.
pub(in crate::console::sol) fn holder(around: &Around) -> Holder {
    let mut bmc = Bmc { driver: around.driver.clone(), gate: Arc::clone(&around.gate) };
    Box::pin(async move {
        let session = bmc.owner().await?.ok().filter(|session| *session != 0)?;
        name(session, &mut bmc).await
    })
}

/// The node's BMC, asked beside the console.
pub(super) struct Bmc {
    pub(super) driver: Driver,
    pub(super) gate: Arc<dyn Gate>,
}

impl Bmc {
    /// The session that owns the SOL, 0 when none does. `None`: it cannot be known.
    pub(super) async fn owner(&self) -> Option<Result<u32, BmcError>> {
        let told = self.request(&Command::sol_owner()).await?;
        Some(told.map(|data| data.first_chunk::<4>().map_or(0, |id| u32::from_le_bytes(*id))))
    }

    async fn request(&self, command: &Command) -> Option<Result<Vec<u8>, BmcError>> {
        match self.driver.exchange(&*self.gate, &Exchange::Raw(command.bytes())).await? {
            Ok(Reply::Raw(data)) => Some(Ok(data)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

#[async_trait::async_trait]
impl Ask for Bmc {
    async fn ask(&mut self, command: Command) -> Option<Vec<u8>> {
        self.request(&command).await?.ok()
    }
}
