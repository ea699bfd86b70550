//! The console servers of transports `tcp` and `telnet`: whether their names are known. Nothing is connected to, since
//! many a server drops whoever has the port when somebody else comes.

use super::check::Check;
use crate::config::{ConsoleSettings, NodeSettings};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A resolver that says nothing for longer makes a console's start as slow.
const LIMIT: Duration = Duration::from_secs(10);

/// What the resolver says of each name; an address is no question.
pub(super) struct Hosts(HashMap<String, Result<IpAddr, String>>);

impl Hosts {
    /// Asks for all names at once.
    pub async fn of(nodes: impl Iterator<Item = &NodeSettings>) -> Hosts {
        let mut asked = JoinSet::new();
        let mut known = HashMap::new();
        for host in nodes.filter_map(|node| node.console.as_ref()?.host.clone()) {
            if host.parse::<IpAddr>().is_err() && known.insert(host.clone(), Err(String::new())).is_none() {
                asked.spawn(async move { (resolve(&host).await, host) });
            }
        }
        for (found, host) in asked.join_all().await {
            known.insert(host, found);
        }
        Hosts(known)
    }

    /// The line of a console at a host.
    pub fn check(&self, node: &str, console: &ConsoleSettings) -> Option<Check> {
        let host = console.host.as_ref()?;
        let place = console.place();
        Some(match self.0.get(host) {
            Some(Err(error)) => {
                let remedy = "correct host, or write its address";
                Check::fail("console", node, format!("{place}: {error}"), remedy)
            }
            Some(Ok(address)) => {
                Check::ok("console", node, format!("{place} is {address}; not connected to"))
            }
            None => Check::ok("console", node, format!("{place}; not connected to")),
        })
    }
}

async fn resolve(host: &str) -> Result<IpAddr, String> {
    match timeout(LIMIT, lookup_host((host, 0))).await {
        Err(_) => Err(format!("nobody told the address of {host} within {} s", LIMIT.as_secs())),
        Ok(Err(error)) => Err(format!("{host} has no address: {error}")),
        Ok(Ok(mut found)) => {
            found.next().map(|found| found.ip()).ok_or_else(|| format!("{host} has no address"))
        }
    }
}
