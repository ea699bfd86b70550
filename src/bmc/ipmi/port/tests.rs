use super::*;
use std::sync::mpsc;
use std::time::Instant as Wall;

/// What a peer was told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Datagram(Vec<u8>),
    Undelivered(i32),
    Due,
}

struct Listener(tokio::sync::mpsc::UnboundedSender<Told>);

impl Peer for Listener {
    fn datagram(&self, bytes: &[u8]) {
        let _ = self.0.send(Told::Datagram(bytes.to_vec()));
    }

    fn undelivered(&self, errno: i32) {
        let _ = self.0.send(Told::Undelivered(errno));
    }

    fn due(&self) {
        let _ = self.0.send(Told::Due);
    }
}

type Heard = tokio::sync::mpsc::UnboundedReceiver<Told>;

fn listener() -> (Arc<dyn Peer>, Heard) {
    let (told, heard) = tokio::sync::mpsc::unbounded_channel();
    (Arc::new(Listener(told)), heard)
}

fn weak(peer: &Arc<dyn Peer>) -> Weak<dyn Peer> {
    Arc::downgrade(peer)
}

async fn next(heard: &mut Heard) -> Told {
    tokio::time::timeout(Duration::from_secs(10), heard.recv()).await.expect("in time").expect("it listens")
}

/// The same for what is far in the future of a paused clock.
async fn late(heard: &mut Heard) -> Told {
    heard.recv().await.expect("it listens")
}

fn far_end(address: &str) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((address, 0)).expect("a free port");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a positive time");
    let at = socket.local_addr().expect("bound");
    (socket, at)
}

fn bound(like: SocketAddr) -> (Port, Arc<Counts>) {
    let counts = Arc::<Counts>::default();
    (Port::bind(like, Arc::clone(&counts), Instant::now()).expect("a socket"), counts)
}

/// Sends one datagram and gives where it came from.
fn introduce(port: &Port, far: &UdpSocket, at: SocketAddr) -> SocketAddr {
    port.send(at, b"hello").expect("loopback");
    far.recv_from(&mut [0; 16]).expect("it arrives").1
}

#[tokio::test]
async fn datagrams_reach_who_stands_behind_their_address_and_nobody_else() {
    for address in ["127.0.0.1", "::1"] {
        let ((one, at_one), (other, at_other)) = (far_end(address), far_end(address));
        let (port, counts) = bound(at_one);
        let ((first, mut heard_first), (second, mut heard_second)) = (listener(), listener());
        port.join(at_one, weak(&first));
        port.join(at_other, weak(&second));
        let ours = introduce(&port, &one, at_one);
        one.send_to(b"from one", ours).expect("loopback");
        other.send_to(b"from the other", ours).expect("loopback");
        assert_eq!(next(&mut heard_first).await, Told::Datagram(b"from one".to_vec()));
        assert_eq!(next(&mut heard_second).await, Told::Datagram(b"from the other".to_vec()));
        port.leave(at_one, &weak(&first));
        one.send_to(b"too late", ours).expect("loopback");
        other.send_to(b"still here", ours).expect("loopback");
        assert_eq!(next(&mut heard_second).await, Told::Datagram(b"still here".to_vec()));
        assert!(heard_first.try_recv().is_err());
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        assert_eq!((read(&counts.received), read(&counts.strangers)), (4, 1));
    }
}

#[tokio::test]
async fn a_burst_is_handed_out_whole_and_in_order() {
    let (far, at) = far_end("127.0.0.1");
    let (port, _) = bound(at);
    let (peer, mut heard) = listener();
    port.join(at, weak(&peer));
    let ours = introduce(&port, &far, at);
    for number in 0..500_u16 {
        far.send_to(&number.to_le_bytes(), ours).expect("loopback");
    }
    for number in 0..500_u16 {
        assert_eq!(next(&mut heard).await, Told::Datagram(number.to_le_bytes().to_vec()));
    }
}

#[tokio::test]
async fn an_unreachable_port_is_told_to_whom_it_concerns_and_to_nobody_else() {
    for address in ["127.0.0.1", "::1"] {
        let (far, at) = far_end(address);
        let gone = far_end(address).1;
        let (port, _) = bound(at);
        let ((dead, mut heard_dead), (alive, mut heard_alive)) = (listener(), listener());
        port.join(gone, weak(&dead));
        port.join(at, weak(&alive));
        let began = Wall::now();
        for round in 0..20_u8 {
            port.send(gone, b"anybody?").expect("said later");
            // The pending error must not swallow what goes to another.
            port.send(at, &[round]).expect("loopback");
            let mut byte = [0; 16];
            let (length, ours) = far.recv_from(&mut byte).expect("it arrives");
            assert_eq!(&byte[..length], [round]);
            far.send_to(&byte[..length], ours).expect("loopback");
            assert_eq!(next(&mut heard_dead).await, Told::Undelivered(libc::ECONNREFUSED));
            assert_eq!(next(&mut heard_alive).await, Told::Datagram(vec![round]));
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert!(heard_alive.try_recv().is_err());
    }
}

#[tokio::test]
async fn many_unreachable_ports_at_once_are_all_told() {
    let (_far, at) = far_end("127.0.0.1");
    let (port, _) = bound(at);
    let (dead, mut heard) = listener();
    // Below the range of which ports are given out: nobody else takes one meanwhile.
    let gone: Vec<SocketAddr> =
        (2_000..2_400).map(|port| SocketAddr::from(([127, 31, 7, 9], port))).collect();
    for at in &gone {
        port.join(*at, weak(&dead));
    }
    for at in &gone {
        port.send(*at, b"anybody?").expect("said later");
    }
    for _ in &gone {
        assert_eq!(next(&mut heard).await, Told::Undelivered(libc::ECONNREFUSED));
    }
}

#[tokio::test(start_paused = true)]
async fn deadlines_come_in_order_also_those_entered_late() {
    let (_, at) = far_end("127.0.0.1");
    let (port, _) = bound(at);
    let began = Instant::now();
    let ((long, mut heard_long), (short, mut heard_short)) = (listener(), listener());
    port.enter(Tick::after(Duration::from_secs(40)), 1, weak(&long));
    // Another's deadline says how far the engine is.
    port.enter(Tick::after(Duration::from_secs(1)), 2, weak(&short));
    assert_eq!(next(&mut heard_short).await, Told::Due);
    port.enter(Tick::after(Duration::from_secs(2)), 2, weak(&short));
    assert_eq!(next(&mut heard_short).await, Told::Due);
    assert_eq!(began.elapsed().as_secs(), 2);
    port.enter(Tick::after(Duration::from_secs(39)), 2, weak(&short));
    assert_eq!(late(&mut heard_short).await, Told::Due);
    assert!(heard_long.try_recv().is_err());
    assert_eq!(next(&mut heard_long).await, Told::Due);
    assert_eq!(began.elapsed().as_secs(), 40);
    port.enter(Tick::after(Duration::from_secs(41)), 1, weak(&long));
    port.withdraw(Tick::after(Duration::from_secs(41)), 1);
    port.enter(Tick::after(Duration::from_secs(45)), 2, weak(&short));
    assert_eq!(next(&mut heard_short).await, Told::Due);
    assert!(heard_long.try_recv().is_err());
}

#[tokio::test]
async fn a_dropped_port_closes_its_socket() {
    let (far, at) = far_end("127.0.0.1");
    let (port, _) = bound(at);
    let ours = introduce(&port, &far, at);
    drop(port);
    // Refused only once the engine has let go of the socket too.
    let (done, ended) = mpsc::channel();
    let probe = tokio::spawn(async move {
        while UdpSocket::bind(("0.0.0.0", ours.port())).is_err() {
            tokio::task::yield_now().await;
        }
        done.send(()).expect("the test waits");
    });
    tokio::time::timeout(Duration::from_secs(10), probe).await.expect("in time").expect("no panic");
    assert!(ended.try_recv().is_ok());
}

#[test]
fn one_address_has_one_form() {
    let six = |ip: &str, flow, scope| {
        SocketAddr::V6(std::net::SocketAddrV6::new(ip.parse().expect("an address"), 623, flow, scope))
    };
    assert_eq!(plain(six("2001:db8::1", 7, 3)), six("2001:db8::1", 0, 0));
    assert_eq!(plain(six("fe80::1", 7, 3)), six("fe80::1", 0, 3), "the zone is part of a link-local one");
}
