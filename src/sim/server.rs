//! One task per simulated BMC: its socket, its clock, its [`Bmc`].

use super::Bmc;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The largest datagram that is looked at.
const DATAGRAM: usize = 2048;

/// A BMC that its task and its handles share.
pub(super) struct Shared {
    bmc: Mutex<Bmc>,
    /// Rung when a handle changed something that has a time of its own.
    pub changed: Notify,
    pub address: SocketAddr,
    began: Instant,
}

impl Shared {
    pub fn new(bmc: Bmc, address: SocketAddr, began: Instant) -> Shared {
        Shared { bmc: Mutex::new(bmc), changed: Notify::new(), address, began }
    }

    pub fn lock(&self) -> MutexGuard<'_, Bmc> {
        self.bmc.lock().expect("no panic while a BMC is locked")
    }

    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Serves until it is aborted.
pub(super) async fn serve(shared: Arc<Shared>, socket: UdpSocket) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let deadline = shared.lock().deadline();
        let sleep = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(shared.began + at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ready = socket.readable() => if ready.is_err() { return },
            () = sleep => {}
            () = shared.changed.notified() => {}
        }
        let now = shared.now();
        while let Ok((length, from)) = socket.try_recv_from(&mut buffer) {
            shared.lock().datagram(now, from, &buffer[..length]);
            send(&shared, &socket, now);
        }
        shared.lock().timeout(now);
        send(&shared, &socket, now);
    }
}

fn send(shared: &Shared, socket: &UdpSocket, now: Duration) {
    let mut bmc = shared.lock();
    while let Some((to, datagram)) = bmc.transmit(now) {
        // A full socket buffer loses datagrams, as networks do.
        let _ = socket.try_send_to(&datagram, to);
    }
}
