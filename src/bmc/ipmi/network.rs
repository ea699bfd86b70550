//! What all BMCs of this process share: a socket per address family, and one link per BMC.
//!
//! Owns the sockets (bound when first needed), the registry of links, and where random numbers begin. Called
//! by `link` and, through [`DriverContext`](crate::bmc::DriverContext), by whoever opens drivers.

use super::link::{Link, Login};
use super::port::{Counts, Port};
use crate::bmc::BmcError;
use crate::fleet::FaultClass;
use crate::ipmi::Random;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// Address and port as configured.
type Place = (String, u16);

/// The sockets and links of one process.
pub struct Network {
    origin: Instant,
    counts: Arc<Counts>,
    ports: Mutex<[Option<Arc<Port>>; 2]>,
    links: Mutex<HashMap<Place, Vec<Weak<Link>>>>,
    random: Mutex<Option<Random>>,
    numbers: AtomicU64,
}

/// What came and went, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetworkCounters {
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams received, whoever sent them.
    pub received: u64,
    /// Of these, ignored because they came from an address that nobody was speaking with.
    pub strangers: u64,
    /// Datagrams that could not be delivered, as ICMP said.
    pub undelivered: u64,
    /// Datagrams that this machine would not send.
    pub unsent: u64,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            origin: Instant::now(),
            counts: Arc::default(),
            ports: Mutex::default(),
            links: Mutex::default(),
            random: Mutex::default(),
            numbers: AtomicU64::new(0),
        }
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

impl Network {
    /// What came and went.
    #[must_use]
    pub fn counters(&self) -> NetworkCounters {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        NetworkCounters {
            sent: read(&self.counts.sent),
            received: read(&self.counts.received),
            strangers: read(&self.counts.strangers),
            undelivered: read(&self.counts.undelivered),
            unsent: read(&self.counts.unsent),
        }
    }

    /// Monotonic time since the network was made.
    pub(super) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// A number that no other link of this process has.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The socket for `to`. Must be called inside a runtime.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) fn port(&self, to: SocketAddr) -> io::Result<Arc<Port>> {
        let mut ports = self.ports.lock().expect("no panic while the ports are locked");
        let port = &mut ports[usize::from(to.is_ipv6())];
        if let Some(port) = port {
            return Ok(Arc::clone(port));
        }
        let bound = Arc::new(Port::bind(to, Arc::clone(&self.counts), self.origin)?);
        *port = Some(Arc::clone(&bound));
        Ok(bound)
    }

    /// The link of this process for `login`, made by `make` if there is none.
    pub(super) fn link(
        &self,
        login: &Login,
        make: impl FnOnce() -> Result<Arc<Link>, BmcError>,
    ) -> Result<Arc<Link>, BmcError> {
        let mut links = self.links.lock().expect("no panic while the links are locked");
        let here = links.entry((login.address.clone(), login.port)).or_default();
        here.retain(|link| link.strong_count() > 0);
        let found = here.iter().filter_map(Weak::upgrade).find(|link| link.login() == login);
        match found {
            Some(link) => Ok(link),
            None => {
                let link = make()?;
                here.push(Arc::downgrade(&link));
                Ok(link)
            }
        }
    }

    /// Forgets links to that place that nobody uses any more.
    pub(super) fn forget(&self, login: &Login) {
        // Called when a link is dropped, which may happen while the registry is being searched.
        let Ok(mut links) = self.links.try_lock() else { return };
        let place = (login.address.clone(), login.port);
        if let Some(here) = links.get_mut(&place) {
            here.retain(|link| link.strong_count() > 0);
            if here.is_empty() {
                links.remove(&place);
            }
        }
    }

    /// Where a link's random numbers begin.
    ///
    /// # Errors
    /// `Local`: the system gives no random numbers.
    pub(super) fn seed(&self) -> Result<[u8; 32], BmcError> {
        let mut random = self.random.lock().expect("no panic while it is locked");
        if random.is_none() {
            let mut seed = [0; 32];
            File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed)).map_err(|error| {
                BmcError::new(FaultClass::Local, format!("cannot read /dev/urandom: {error}")).not_sent()
            })?;
            *random = Some(Random::new(seed));
        }
        Ok(random.as_mut().expect("it was made above").bytes())
    }
}
