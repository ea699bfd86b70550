//! A fleet of simulated BMCs on loopback: one UDP port each, all in this process.

use super::server::{Shared, serve};
use super::{Bmc, BmcSpec, Faults, Machine, Record, Stats, User};
use crate::ipmi::{Privilege, Secret, Suite};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What a fleet is made of.
#[derive(Debug, Clone)]
pub struct FleetSpec {
    /// Names of the nodes; one BMC each.
    pub names: Vec<String>,
    /// Loopback address of all BMCs.
    pub address: IpAddr,
    /// UDP port of the first BMC, the next ones follow; 0 for free ones.
    pub base_port: u16,
    /// User name of the administrator.
    pub user: String,
    /// The password of all users.
    pub password: Vec<u8>,
    /// The BMC key, if one is set.
    pub kg: Option<Vec<u8>>,
    /// Cipher suites offered.
    pub suites: Vec<Suite>,
    /// Sessions a BMC takes at the same time.
    pub sessions: usize,
    /// Silence after a cold reset.
    pub outage: Duration,
    /// How much faster than real time the machines live.
    pub speed: f64,
    /// Machines that are on at the start, per cent.
    pub on: u8,
    /// Faults of every BMC.
    pub faults: Faults,
    /// Whether every command is kept for tests.
    pub record: bool,
}

impl Default for FleetSpec {
    fn default() -> FleetSpec {
        FleetSpec {
            names: Vec::new(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            base_port: 0,
            user: "admin".into(),
            password: b"secret".to_vec(),
            kg: None,
            suites: vec![Suite::Seventeen, Suite::Three],
            sessions: 4,
            outage: Duration::from_secs(30),
            speed: 1.0,
            on: 80,
            faults: Faults::default(),
            record: false,
        }
    }
}

/// Why a fleet could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// Only loopback is served: a BMC with a well-known password has no place on a network.
    #[error("cannot simulate BMCs on {0}: only loopback addresses are served")]
    NotLoopback(IpAddr),
    /// The ports do not suffice.
    #[error("cannot simulate {count} BMCs from port {base} on: ports end at 65535")]
    Ports {
        /// How many were wanted.
        count: usize,
        /// From which port on.
        base: u16,
    },
    /// A port is in use, or may not be had.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// More sockets than this process may open.
    #[error("cannot open {count} sockets: this process may have {limit}; raise it with `ulimit -n`")]
    Files {
        /// How many are needed.
        count: usize,
        /// How many it may have.
        limit: u64,
    },
    /// The secret is longer than IPMI takes.
    #[error("cannot use this {0}: it is longer than 20 bytes")]
    Secret(&'static str),
    /// No random numbers.
    #[error("cannot get random numbers: {0}")]
    Random(std::io::Error),
}

/// A running fleet; it ends when it is dropped.
pub struct Fleet {
    bmcs: Vec<SimBmc>,
    tasks: Vec<JoinHandle<()>>,
}

/// A handle to one BMC.
#[derive(Clone)]
pub struct SimBmc {
    name: String,
    shared: Arc<Shared>,
}

/// Files the process needs besides the sockets.
const OTHER_FILES: usize = 200;

impl Fleet {
    /// Binds all ports and starts serving, on the current tokio runtime.
    ///
    /// # Errors
    /// See [`SimError`]; nothing is left running.
    pub fn start(spec: &FleetSpec) -> Result<Fleet, SimError> {
        if !spec.address.is_loopback() {
            return Err(SimError::NotLoopback(spec.address));
        }
        let count = spec.names.len();
        if spec.base_port != 0 && usize::from(spec.base_port) + count > 65_536 {
            return Err(SimError::Ports { count, base: spec.base_port });
        }
        room_for(count + OTHER_FILES)?;
        let users = users(spec)?;
        let kg = spec.kg.as_deref().map(Secret::new).transpose().map_err(|_| SimError::Secret("BMC key"))?;
        let began = Instant::now();
        let mut fleet = Fleet { bmcs: Vec::with_capacity(count), tasks: Vec::with_capacity(count) };
        for (index, name) in spec.names.iter().enumerate() {
            let offset = u16::try_from(index).unwrap_or(0);
            let port = if spec.base_port == 0 { 0 } else { spec.base_port + offset };
            let wanted = SocketAddr::new(spec.address, port);
            let bind = |error| SimError::Bind { address: wanted, error };
            let socket = std::net::UdpSocket::bind(wanted).map_err(bind)?;
            socket.set_nonblocking(true).map_err(bind)?;
            let address = socket.local_addr().map_err(bind)?;
            let socket = UdpSocket::from_std(socket).map_err(bind)?;
            let bmc = BmcSpec {
                name: name.clone(),
                port: address.port(),
                users: users.clone(),
                kg: kg.clone(),
                suites: spec.suites.clone(),
                sessions: spec.sessions,
                outage: spec.outage,
                power: (index * 37) % 100 < usize::from(spec.on),
                speed: spec.speed,
                device: (20_974, 1),
                record: spec.record,
            };
            let mut bmc = Bmc::new(bmc, seed()?);
            *bmc.faults() = spec.faults.clone();
            let shared = Arc::new(Shared::new(bmc, address, began));
            fleet.tasks.push(tokio::spawn(serve(Arc::clone(&shared), socket)));
            fleet.bmcs.push(SimBmc { name: name.clone(), shared });
        }
        Ok(fleet)
    }

    /// Its BMCs, in the order of the names.
    #[must_use]
    pub fn bmcs(&self) -> &[SimBmc] {
        &self.bmcs
    }

    /// The BMC of that node.
    #[must_use]
    pub fn bmc(&self, name: &str) -> Option<&SimBmc> {
        self.bmcs.iter().find(|bmc| bmc.name == name)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl SimBmc {
    /// The node's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Changes its faults.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        self.with(|bmc, _| change(bmc.faults()));
    }

    /// Does something to its machine from outside.
    pub fn machine<T>(&self, act: impl FnOnce(&mut Machine, Duration) -> T) -> T {
        self.with(|bmc, now| act(bmc.machine(), now))
    }

    /// Does something to the BMC itself.
    pub fn with<T>(&self, act: impl FnOnce(&mut Bmc, Duration) -> T) -> T {
        let result = act(&mut self.shared.lock(), self.shared.now());
        self.shared.changed.notify_one();
        result
    }

    /// Its counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.lock().stats().clone()
    }

    /// Every command so far, if the fleet keeps them.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.shared.lock().records().to_vec()
    }
}

/// Administrator, operator and a user who may only read; all with the fleet's password.
fn users(spec: &FleetSpec) -> Result<Vec<User>, SimError> {
    let password = Secret::new(&spec.password).map_err(|_| SimError::Secret("password"))?;
    let user = |name: &str, privilege| User {
        name: name.as_bytes().iter().copied().take(16).collect(),
        password: password.clone(),
        privilege,
    };
    Ok(vec![
        user(&spec.user, Privilege::Administrator),
        user("operator", Privilege::Operator),
        user("viewer", Privilege::User),
    ])
}

fn seed() -> Result<[u8; 32], SimError> {
    let mut seed = [0; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut seed))
        .map_err(SimError::Random)?;
    Ok(seed)
}

/// Raises the number of files this process may open, if it must.
fn room_for(count: usize) -> Result<(), SimError> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let wanted = u64::try_from(count).unwrap_or(u64::MAX);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return Ok(());
    };
    if soft >= wanted {
        return Ok(());
    }
    if hard < wanted || setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_err() {
        return Err(SimError::Files { count, limit: hard });
    }
    Ok(())
}
