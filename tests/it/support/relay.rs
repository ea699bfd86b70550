//! A path to a BMC that breaks at a chosen datagram, so that "silent in mid-command" is the same every time.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::lab::Node;

/// How often the relay sees whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// Where a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the BMC.
    There,
    /// Back to the client.
    Back,
}

/// Whether a datagram is let through.
type Rule = dyn FnMut(Way, &[u8]) -> bool + Send;

/// Relays the datagrams of one client and their answers, and swallows some.
pub struct Relay {
    port: u16,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Relay {
    /// Lets `count` datagrams of the client through to `node`. Those of one ipmitool are, in order: capabilities,
    /// open session, RAKP 1, RAKP 3, privilege level, four probes, the command, close.
    pub fn to(node: &Node, count: usize) -> Self {
        let mut seen = 0;
        Self::with(node, move |way, _| {
            seen += usize::from(way == Way::There);
            way == Way::Back || seen <= count
        })
    }

    /// Lets through what `rule` says.
    pub fn with(node: &Node, rule: impl FnMut(Way, &[u8]) -> bool + Send + 'static) -> Self {
        let rule: Arc<Mutex<Box<Rule>>> = Arc::new(Mutex::new(Box::new(rule)));
        let front = socket();
        let back = socket();
        back.connect((node.address(), node.port())).expect("loopback");
        let port = front.local_addr().expect("bound").port();
        let over = Arc::new(AtomicBool::new(false));
        let client: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
        let (front, back) = (Arc::new(front), Arc::new(back));
        let there = {
            let (front, back, client) = (front.clone(), back.clone(), client.clone());
            let (over, rule) = (over.clone(), rule.clone());
            thread::spawn(move || {
                let mut buffer = [0; 2048];
                while !over.load(Ordering::Relaxed) {
                    let Ok((length, from)) = front.recv_from(&mut buffer) else {
                        continue;
                    };
                    *client.lock().expect("not poisoned") = Some(from);
                    if rule.lock().expect("not poisoned")(Way::There, &buffer[..length]) {
                        back.send(&buffer[..length]).expect("loopback");
                    }
                }
            })
        };
        let here = {
            let over = over.clone();
            thread::spawn(move || {
                let mut buffer = [0; 2048];
                while !over.load(Ordering::Relaxed) {
                    let Ok(length) = back.recv(&mut buffer) else {
                        continue;
                    };
                    let to = client.lock().expect("not poisoned").expect("the client spoke first");
                    if rule.lock().expect("not poisoned")(Way::Back, &buffer[..length]) {
                        front.send_to(&buffer[..length], to).expect("loopback");
                    }
                }
            })
        };
        Self { port, over, threads: vec![there, here] }
    }

    /// Where a client finds it on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The kind of an RMCP+ datagram's payload (IPMI 2.0, table 13-16); `None` before a session.
pub fn payload(datagram: &[u8]) -> Option<u8> {
    (datagram.get(4) == Some(&6)).then(|| datagram.get(5).map(|kind| kind & 0x3f))?
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    socket.set_read_timeout(Some(LOOK)).expect("a positive time");
    socket
}
