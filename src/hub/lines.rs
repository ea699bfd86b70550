//! Makes the lines to BMCs: drivers, and the gates that nodes of one BMC share.
//!
//! A BMC that was once known keeps its key in the pace and its record for as long as the process lives, also
//! when a reload changes its login or takes it away and brings it back: the pace belongs to the BMC, not to
//! its configuration. Called at the start and by the reload, under the shared file's table lock.

use super::clock::Clock;
use super::dirs::local;
use super::handle::EXCHANGE;
use super::line::{BmcGate, Line};
use super::node::Opener;
use super::pace::Pace;
use super::shared::{Login, Shared, Slot};
use crate::bmc::{DriverContext, SuiteMemory};
use crate::config::{BmcSettings, NodeSettings};
use crate::fleet::Fault;
use std::collections::HashMap;
use std::sync::Arc;

/// See the module.
pub(crate) struct Lines {
    pub shared: Arc<Shared>,
    pub pace: Arc<Pace>,
    pub clock: Clock,
    pub opener: Opener,
    pub drivers: DriverContext,
    /// By the BMC's identity.
    known: HashMap<String, Known>,
}

/// A BMC.
struct Known {
    key: u32,
    slot: Slot,
    login: Login,
    gate: Arc<BmcGate>,
    suites: Arc<SuiteMemory>,
}

impl Lines {
    pub fn new(
        shared: Arc<Shared>,
        pace: Arc<Pace>,
        clock: Clock,
        opener: Opener,
        drivers: DriverContext,
    ) -> Lines {
        Lines { shared, pace, clock, opener, drivers, known: HashMap::new() }
    }

    /// The lines of these nodes, in their order; inside, why a node has none.
    ///
    /// # Errors
    /// The shared file cannot be used.
    pub fn open_all<'a>(
        &mut self,
        nodes: impl IntoIterator<Item = &'a NodeSettings>,
    ) -> Result<Vec<Result<Line, Fault>>, Fault> {
        let shared = Arc::clone(&self.shared);
        shared.table_lock(|| nodes.into_iter().map(|node| self.open(node)).collect())?
    }

    fn open(&mut self, node: &NodeSettings) -> Result<Result<Line, Fault>, Fault> {
        let Some(bmc) = &node.bmc else {
            return Ok(Err(local("no BMC is configured", None)));
        };
        let mut identity = bmc.identity();
        if bmc.qmp.is_none() && bmc.address.is_none() {
            identity = format!("node:{}", node.name);
        }
        let (gate, suites) = self.gate(identity, bmc)?;
        Ok(match (self.opener)(bmc, &self.drivers, Arc::clone(&suites)) {
            Ok(driver) => Ok(Line::new(gate, suites, driver, self.clock, EXCHANGE)),
            Err(error) => Err(error.into()),
        })
    }

    fn gate(
        &mut self,
        identity: String,
        bmc: &BmcSettings,
    ) -> Result<(Arc<BmcGate>, Arc<SuiteMemory>), Fault> {
        let login = Login::of(bmc.credentials.as_deref());
        let suite_known = |known: &Known| known.suites.get().is_none_or(|it| bmc.cipher_suites.contains(&it));
        let (key, slot) = match self.known.get(&identity) {
            Some(known) if known.login == login && suite_known(known) => {
                return Ok((Arc::clone(&known.gate), Arc::clone(&known.suites)));
            }
            Some(known) => (known.key, known.slot),
            None => {
                let key = u32::try_from(self.known.len()).expect("a configuration has fewer nodes");
                (key, self.shared.slot(&identity)?)
            }
        };
        let (pace, shared) = (Arc::clone(&self.pace), Arc::clone(&self.shared));
        let gate = Arc::new(BmcGate::new(pace, key, shared, slot, self.clock, login));
        let suites = Arc::new(SuiteMemory::default());
        suites.set(self.shared.suite(slot).filter(|suite| bmc.cipher_suites.contains(suite)));
        let known = Known { key, slot, login, gate: Arc::clone(&gate), suites: Arc::clone(&suites) };
        self.known.insert(identity, known);
        Ok((gate, suites))
    }
}
