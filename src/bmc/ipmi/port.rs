//! One UDP socket of one address family, and the engine that serves it.
//!
//! Owns the socket, who stands behind which address, and the deadlines of all of them. Datagrams are sent by
//! whoever has one; received ones, errors and deadlines are handed out by one task. Knows nothing of what
//! the datagrams say. Called by `network` (which binds it) and `link`.

use super::timers::{Tick, Timers};
use nix::cmsg_space;
use nix::libc;
use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv6RecvErr, RcvBuf, RcvBufForce};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrLike, SockaddrStorage, recvmsg, setsockopt};
use std::collections::HashMap;
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::io::{Interest, Ready};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Wanted of the kernel: answers of 10,000 BMCs that come at once. It may give less.
const RECEIVE_BUFFER: usize = 8 << 20;
/// No datagram of IPMI is longer; the rest of a longer one is cut off, which its reader notices.
const LONGEST: usize = 2048;
/// Datagrams that are handed out before others have their turn.
const BATCH: usize = 128;
/// A pending error of another destination makes a send fail once; more than this many are not waited out.
const SEND_TRIES: usize = 8;

/// Who stands behind an address.
pub(super) trait Peer: Send + Sync {
    /// A datagram came from its address.
    fn datagram(&self, bytes: &[u8]);
    /// What was sent to it could not be delivered, says ICMP: an error number.
    fn undelivered(&self, errno: i32);
    /// A deadline that it entered has come.
    fn due(&self);
}

/// What came and went, since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) strangers: AtomicU64,
    pub(super) undelivered: AtomicU64,
    pub(super) unsent: AtomicU64,
}

/// A bound socket. Dropping it stops its engine.
pub(super) struct Port {
    shared: Arc<Shared>,
    engine: tokio::task::AbortHandle,
}

struct Shared {
    socket: Arc<UdpSocket>,
    peers: Mutex<HashMap<SocketAddr, Vec<Weak<dyn Peer>>>>,
    timers: Mutex<Timers<Weak<dyn Peer>>>,
    /// Rung when a deadline is entered that is before all others.
    sooner: Notify,
    counts: Arc<Counts>,
    origin: Instant,
}

impl Port {
    /// Binds a socket of the family of `like` and starts its engine on the current runtime.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) fn bind(like: SocketAddr, counts: Arc<Counts>, origin: Instant) -> io::Result<Port> {
        let any: SocketAddr = match like {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        match like {
            SocketAddr::V4(_) => setsockopt(&socket, Ipv4RecvErr, &true)?,
            SocketAddr::V6(_) => setsockopt(&socket, Ipv6RecvErr, &true)?,
        }
        // Beyond the system's limit only with privilege; less is slower after a burst, not wrong.
        if setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER).is_err() {
            let _ = setsockopt(&socket, RcvBuf, &RECEIVE_BUFFER);
        }
        let socket = Arc::new(socket);
        let ready = watch(Arc::clone(&socket))?;
        let shared = Arc::new(Shared {
            socket,
            peers: Mutex::default(),
            timers: Mutex::default(),
            sooner: Notify::new(),
            counts,
            origin,
        });
        let engine = tokio::spawn(run(ready, Arc::clone(&shared))).abort_handle();
        Ok(Port { shared, engine })
    }

    /// Sends one datagram. One that finds the socket's buffer full is lost, as on the way.
    ///
    /// # Errors
    /// There is no way to `to`.
    pub(super) fn send(&self, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        let Shared { socket, counts, .. } = &*self.shared;
        let mut failed = None;
        for _ in 0..SEND_TRIES {
            match socket.send_to(bytes, to) {
                Ok(_) => {
                    counts.sent.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    failed = None;
                    break;
                }
                // What ICMP said of others is told here once, and in the error queue to whom it concerns.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => failed = Some(error),
            }
        }
        counts.unsent.fetch_add(1, Ordering::Relaxed);
        failed.map_or(Ok(()), Err)
    }

    /// From now on `peer` gets what comes from `address`.
    pub(super) fn join(&self, address: SocketAddr, peer: Weak<dyn Peer>) {
        self.shared.peers().entry(address).or_default().push(peer);
    }

    /// Ends [`Port::join`].
    pub(super) fn leave(&self, address: SocketAddr, peer: &Weak<dyn Peer>) {
        let mut peers = self.shared.peers();
        if let Some(here) = peers.get_mut(&address) {
            here.retain(|one| !Weak::ptr_eq(one, peer));
            if here.is_empty() {
                peers.remove(&address);
            }
        }
    }

    /// Calls `peer` at `tick`, once.
    pub(super) fn enter(&self, tick: Tick, id: u64, peer: Weak<dyn Peer>) {
        if self.shared.timers().enter(tick, id, peer) {
            self.shared.sooner.notify_one();
        }
    }

    /// Ends [`Port::enter`].
    pub(super) fn withdraw(&self, tick: Tick, id: u64) {
        self.shared.timers().remove(tick, id);
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

impl Shared {
    fn peers(&self) -> MutexGuard<'_, HashMap<SocketAddr, Vec<Weak<dyn Peer>>>> {
        self.peers.lock().expect("no panic while the peers are locked")
    }

    fn timers(&self) -> MutexGuard<'_, Timers<Weak<dyn Peer>>> {
        self.timers.lock().expect("no panic while the timers are locked")
    }

    /// Those behind an address. Mostly one: the list needs no memory then.
    fn behind(&self, address: SocketAddr) -> impl Iterator<Item = Arc<dyn Peer>> {
        let peers = self.peers();
        let all = peers.get(&address).map(Vec::as_slice).unwrap_or_default();
        let (first, more) = all.split_first().map_or((None, None), |(first, more)| {
            (first.upgrade(), (!more.is_empty()).then(|| more.to_vec()))
        });
        first.into_iter().chain(more.into_iter().flatten().filter_map(|peer| peer.upgrade()))
    }

    /// Hands out what has come. `true` when nothing is left.
    fn receive(&self, buffer: &mut [u8]) -> bool {
        for _ in 0..BATCH {
            match self.socket.recv_from(buffer) {
                Ok((length, from)) => {
                    self.counts.received.fetch_add(1, Ordering::Relaxed);
                    let mut known = false;
                    for peer in self.behind(plain(from)) {
                        known = true;
                        peer.datagram(&buffer[..length]);
                    }
                    if !known {
                        self.counts.strangers.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                // An error of the error queue, told here too.
                Err(_) => {}
            }
        }
        false
    }

    /// Hands out what the error queue says. `true` when nothing is left.
    fn complaints(&self, buffer: &mut [u8]) -> bool {
        let mut space = cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6);
        for _ in 0..BATCH {
            let mut slices = [IoSliceMut::new(buffer)];
            let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
            let Ok(message) =
                recvmsg::<SockaddrStorage>(self.socket.as_raw_fd(), &mut slices, Some(&mut space), flags)
            else {
                return true;
            };
            let errno = message.cmsgs().ok().and_then(|mut all| {
                all.find_map(|one| match one {
                    ControlMessageOwned::Ipv4RecvErr(error, _)
                    | ControlMessageOwned::Ipv6RecvErr(error, _) => i32::try_from(error.ee_errno).ok(),
                    _ => None,
                })
            });
            if let (Some(errno), Some(to)) = (errno, message.address.as_ref().and_then(address)) {
                self.counts.undelivered.fetch_add(1, Ordering::Relaxed);
                self.behind(plain(to)).for_each(|peer| peer.undelivered(errno));
            }
        }
        false
    }

    /// Calls those whose deadline has come. Gives when the next one comes.
    fn call(&self) -> Option<Duration> {
        loop {
            let now = self.origin.elapsed();
            let mut timers = self.timers();
            let Some(peer) = timers.due(now) else {
                return timers.next().map(Tick::time);
            };
            drop(timers);
            if let Some(peer) = peer.upgrade() {
                peer.due();
            }
        }
    }
}

/// The engine: to the end of the port.
async fn run(ready: AsyncFd<Handle>, shared: Arc<Shared>) {
    let mut buffer = vec![0; LONGEST];
    let mut next = None;
    let mut sleep = std::pin::pin!(tokio::time::sleep_until(shared.origin));
    loop {
        tokio::select! {
            biased;
            guard = ready.ready(Interest::READABLE | Interest::ERROR) => {
                let Ok(mut guard) = guard else { return };
                let mut dry = true;
                if guard.ready().is_error() {
                    if shared.complaints(&mut buffer) {
                        guard.clear_ready_matching(Ready::ERROR);
                    } else {
                        dry = false;
                    }
                }
                if shared.receive(&mut buffer) {
                    guard.clear_ready_matching(Ready::READABLE);
                } else {
                    dry = false;
                }
                if !dry {
                    tokio::task::yield_now().await;
                }
            }
            () = &mut sleep, if next.is_some() => {}
            () = shared.sooner.notified() => {}
        }
        let wanted = shared.call();
        if wanted != next {
            next = wanted;
            if let Some(at) = wanted {
                sleep.as_mut().reset(shared.origin + at);
            }
        }
    }
}

/// Not tokio's own socket: that one is woken for each datagram that has left, too.
#[expect(
    deprecated,
    reason = "its successor is unsafe code; the handle keeps the descriptor open and is never taken out"
)]
fn watch(socket: Arc<UdpSocket>) -> io::Result<AsyncFd<Handle>> {
    AsyncFd::with_interest(Handle(socket), Interest::READABLE | Interest::ERROR)
}

/// A second owner of the socket, for the runtime.
struct Handle(Arc<UdpSocket>);

impl AsRawFd for Handle {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.0.as_raw_fd()
    }
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    storage
        .as_sockaddr_in()
        .map(|four| SocketAddr::V4((*four).into()))
        .or_else(|| storage.as_sockaddr_in6().map(|six| SocketAddr::V6((*six).into())))
        .filter(|_| storage.family().is_some())
}

/// One form of an address, whoever wrote it: without flow label, and with a zone only where one is needed.
pub(super) fn plain(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(mut six) => {
            six.set_flowinfo(0);
            if !six.ip().is_unicast_link_local() {
                six.set_scope_id(0);
            }
            SocketAddr::V6(six)
        }
        four => four,
    }
}

#[cfg(test)]
mod tests;
