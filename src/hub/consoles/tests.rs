//! Attaching while the session before still ends.

use super::*;
use crate::config::ConsoleSettings;
use crate::fleet::Fault;
use crate::hub::HubOptions;
use crate::hub::audit::Audit;
use crate::hub::clock::Clock;
use crate::hub::node::Node;
use crate::hub::outbox::Outbox;
use crate::hub::tests::fake;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::yield_now;

const NODE: NodeId = NodeId(0);

/// Consoles of one node without a BMC, on a socket that is not there, and how many were started.
fn consoles(dir: &std::path::Path) -> (Arc<Consoles>, Arc<AtomicUsize>) {
    let mut settings = fake::settings(dir, 1);
    settings.nodes[0].bmc = None;
    settings.nodes[0].console = Some(ConsoleSettings {
        transport: "unix".into(),
        path: Some(dir.join("none.sock")),
        ..ConsoleSettings::default()
    });
    let outbox = Arc::new(Outbox::default());
    let (audit, _) = Audit::start(&settings.state_dir, "alice", Arc::clone(&outbox));
    let context = Arc::new(Context {
        settings: std::sync::RwLock::new(Arc::new(settings.clone())),
        options: HubOptions { poll: false, read_only: false, operator: "alice".into() },
        clock: Clock::system(),
        outbox,
        audit,
        opener: Arc::new(crate::bmc::open),
        drivers: crate::bmc::DriverContext {
            network: Arc::default(),
            ipmitool: "ipmitool".into(),
            private_dir: dir.to_owned(),
            limit: Duration::from_secs(20),
        },
    });
    let none = Fault { class: FaultClass::Local, reason: "no driver".into(), hint: None };
    let node = Arc::new(Node::new(NODE, settings.nodes[0].clone(), Arc::clone(&context), Err(none)));
    let started = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&started);
    let spawner: Spawner = Arc::new(move |spec, wake| {
        count.fetch_add(1, Ordering::SeqCst);
        spawn_session(spec, wake)
    });
    let roster = Arc::new(Roster::default());
    roster.enter(node);
    (Consoles::new(context, roster, spawner), started)
}

fn attach(consoles: &Arc<Consoles>, number: u64) {
    let what = ConsoleRequest::Attach { node: NODE, mode: ConsoleMode::Monitor };
    consoles.request(ConsoleId(number), what);
}

/// A session that ends when told; everything else has had its turn before.
fn ends_slowly(consoles: &Consoles) -> oneshot::Sender<()> {
    let (end, ended) = oneshot::channel::<()>();
    let ending = tokio::spawn(async move {
        let _ = ended.await;
    });
    consoles.lock().ending.insert(NODE, vec![ending]);
    end
}

/// Lets every task run that can.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[tokio::test]
async fn who_attaches_after_an_attach_that_waited_waits_for_the_same_end() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (consoles, started) = consoles(dir.path());
    let end = ends_slowly(&consoles);
    attach(&consoles, 1);
    consoles.request(ConsoleId(1), ConsoleRequest::Detach);
    attach(&consoles, 2);
    settle().await;
    assert_eq!(started.load(Ordering::SeqCst), 0, "the first session still ends");
    end.send(()).expect("awaited");
    settle().await;
    assert_eq!(started.load(Ordering::SeqCst), 1, "the second only: the first was detached");
    consoles.stop().await;
}

#[tokio::test]
async fn the_end_of_all_waits_for_a_session_that_an_attach_waited_for() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (consoles, started) = consoles(dir.path());
    let end = ends_slowly(&consoles);
    attach(&consoles, 1);
    let mut stop = tokio::spawn(async move { consoles.stop().await });
    settle().await;
    assert!(!stop.is_finished(), "the session still ends");
    end.send(()).expect("awaited");
    assert!(tokio::time::timeout(Duration::from_secs(10), &mut stop).await.is_ok());
    assert_eq!(started.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_console_whose_node_is_taken_away_before_it_starts_is_not_opened() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (consoles, started) = consoles(dir.path());
    let end = ends_slowly(&consoles);
    attach(&consoles, 1);
    let node = consoles.roster.get(NODE).expect("entered");
    let gone = Node::tombstone(NODE, (*node.settings()).clone(), Arc::clone(&consoles.context));
    consoles.roster.enter(Arc::new(gone));
    end.send(()).expect("awaited");
    settle().await;
    assert_eq!(started.load(Ordering::SeqCst), 0);
    let told = consoles.context.outbox.take().await.expect("it lives").updates;
    let closed = |update: &Update| matches!(update, Update::Console(ConsoleId(1), status) if matches!(status.state, ConsoleState::Closed { .. }));
    assert!(told.iter().any(closed), "{told:?}");
    consoles.stop().await;
}

#[tokio::test]
async fn a_reopened_console_takes_what_its_node_is_now_and_no_other_does() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (consoles, started) = consoles(dir.path());
    attach(&consoles, 1);
    consoles.request(ConsoleId(1), ConsoleRequest::View(Some(View { top: None, rows: 0 })));
    consoles.request(ConsoleId(1), ConsoleRequest::Reopen);
    settle().await;
    assert_eq!(started.load(Ordering::SeqCst), 1, "the session itself begins again");
    let node = consoles.roster.get(NODE).expect("entered");
    let mut settings = (*node.settings()).clone();
    settings.console.as_mut().expect("a console").size = Some((132, 50));
    node.set_settings(settings);
    settle().await;
    assert_eq!(started.load(Ordering::SeqCst), 1, "an open console is left alone");
    consoles.request(ConsoleId(1), ConsoleRequest::Reopen);
    while started.load(Ordering::SeqCst) < 2 {
        yield_now().await;
    }
    consoles.request(ConsoleId(1), ConsoleRequest::Reopen);
    settle().await;
    assert_eq!(started.load(Ordering::SeqCst), 2, "it has what holds");
    consoles.stop().await;
}

/// A socket's console has nothing to do with the SOL of its node's BMC.
#[tokio::test]
async fn a_console_of_another_kind_stays_when_the_sol_is_freed() {
    let dir = tempfile::tempdir().expect("tempdir");
    let listener = tokio::net::UnixListener::bind(dir.path().join("none.sock")).expect("a socket");
    let (consoles, _) = consoles(dir.path());
    attach(&consoles, 1);
    let attached = || {
        let inner = consoles.lock();
        let session = inner.open.get(&ConsoleId(1)).and_then(|entry| entry.session.as_ref());
        session.is_some_and(|session| matches!(session.status().state, ConsoleState::Attached { .. }))
    };
    let until_attached = async {
        let peer = listener.accept().await.expect("a client");
        while !attached() {
            yield_now().await;
        }
        peer
    };
    let _peer = tokio::time::timeout(Duration::from_secs(10), until_attached).await.expect("attached");
    consoles.sol_freed(NODE);
    settle().await;
    assert!(attached());
    consoles.stop().await;
}
