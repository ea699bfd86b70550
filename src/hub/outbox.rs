//! What waits for the front end: a dirty map that coalesces, and a queue of what must not get lost.
//!
//! Everybody in the hub puts in and never waits; [`super::HubHandle::updates`] takes out. Holds no
//! console's status: a woken console is looked up when the front end takes, so what belongs to a
//! console that is gone is dropped there, in one place.

use super::message::{ConsoleId, Level, NodeStatus, Update};
use crate::fleet::{Fault, NodeId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Notices beyond this many push out the oldest notice: a front end that never looks must not
/// make the hub grow.
const NOTICES: usize = 500;

/// Readings that say nothing new wait for others, at most so long: in a large fleet there are a thousand a
/// second, and nothing of them is to be seen on the screen.
const QUIET: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// Who there is: before what is known of them.
    fleets: Vec<Update>,
    nodes: BTreeMap<NodeId, Box<NodeStatus>>,
    woken: BTreeSet<ConsoleId>,
    queue: VecDeque<Update>,
    notices: usize,
    /// Among the nodes is one with news.
    news: bool,
    /// Nobody is woken for the nodes that wait before then.
    quiet_until: Option<Instant>,
    ended: bool,
}

/// Everything that waited.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Nodes first, so that a state is there when its verb is done.
    pub updates: Vec<Update>,
    /// Consoles whose status or frame may be new.
    pub woken: BTreeSet<ConsoleId>,
}

impl Outbox {
    fn with<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.inner.lock().expect("no panic while the outbox is locked");
        change(&mut inner)
    }

    /// Queues who there is now.
    pub fn fleet(&self, fleet: Update) {
        self.with(|inner| {
            inner.news = true;
            inner.fleets.push(fleet);
        });
        self.notify.notify_one();
    }

    /// The newest status of a node replaces the one that waits.
    pub fn node(&self, status: NodeStatus) {
        self.with(|inner| {
            inner.news = true;
            inner.nodes.insert(status.node, Box::new(status));
        });
        self.notify.notify_one();
    }

    /// The same for a status of which only the times are new.
    pub fn quiet_node(&self, status: NodeStatus) {
        let first = self.with(|inner| {
            inner.nodes.insert(status.node, Box::new(status));
            inner.quiet_until.is_none().then(|| inner.quiet_until = Some(Instant::now() + QUIET))
        });
        // So that the one who takes knows until when it may wait.
        if first.is_some() {
            self.notify.notify_one();
        }
    }

    /// A console may have a new status or frame.
    pub fn wake(&self, console: ConsoleId) {
        self.with(|inner| inner.woken.insert(console));
        self.notify.notify_one();
    }

    /// Queues what must not get lost.
    pub fn push(&self, update: Update) {
        self.with(|inner| {
            if matches!(update, Update::Notice { .. }) {
                inner.notices += 1;
                if inner.notices > NOTICES {
                    let oldest = inner.queue.iter().position(|u| matches!(u, Update::Notice { .. }));
                    if let Some(oldest) = oldest {
                        inner.queue.remove(oldest);
                        inner.notices -= 1;
                    }
                }
            }
            inner.queue.push_back(update);
        });
        self.notify.notify_one();
    }

    /// Queues a notice.
    pub fn notice(&self, level: Level, text: impl Into<String>, hint: Option<String>) {
        self.push(Update::Notice { level, text: text.into(), hint });
    }

    /// Queues a fault as a notice.
    pub fn fault(&self, fault: Fault) {
        self.notice(Level::Error, fault.reason, fault.hint);
    }

    /// No more will come.
    pub fn end(&self) {
        self.with(|inner| inner.ended = true);
        self.notify.notify_one();
    }

    /// Waits until something is there and takes it; `None` after the end.
    pub async fn take(&self) -> Option<Taken> {
        loop {
            let mut until = None;
            let taken = self.with(|inner| {
                let late = inner.quiet_until.is_some_and(|until| until <= Instant::now());
                if !inner.news && !late && inner.queue.is_empty() && inner.woken.is_empty() {
                    until = inner.quiet_until;
                    return if inner.ended { Some(None) } else { None };
                }
                inner.news = false;
                inner.quiet_until = None;
                let mut updates = std::mem::take(&mut inner.fleets);
                updates.extend(std::mem::take(&mut inner.nodes).into_values().map(Update::Node));
                updates.extend(inner.queue.drain(..));
                inner.notices = 0;
                Some(Some(Taken { updates, woken: std::mem::take(&mut inner.woken) }))
            });
            match taken {
                Some(taken) => return taken,
                None => match until {
                    Some(until) => {
                        let _ = tokio::time::timeout_at(until, self.notify.notified()).await;
                    }
                    None => self.notify.notified().await,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn node_updates_coalesce_and_others_do_not() {
        let outbox = Outbox::default();
        for _ in 0..3 {
            outbox.node(NodeStatus::unknown(NodeId(1)));
            outbox.notice(Level::Info, "x", None);
            outbox.wake(ConsoleId(4));
        }
        let taken = outbox.take().await.expect("not ended");
        assert_eq!(taken.updates.len(), 4, "one node, three notices");
        assert!(matches!(taken.updates[0], Update::Node(_)), "nodes come first");
        assert_eq!(taken.woken.len(), 1);
        outbox.end();
        assert!(outbox.take().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_only_has_new_times_waits_a_second_or_for_news() {
        let outbox = Outbox::default();
        let began = Instant::now();
        outbox.quiet_node(NodeStatus::unknown(NodeId(1)));
        assert_eq!(outbox.take().await.expect("not ended").updates.len(), 1);
        assert_eq!(began.elapsed(), QUIET);
        outbox.quiet_node(NodeStatus::unknown(NodeId(1)));
        outbox.node(NodeStatus::unknown(NodeId(2)));
        assert_eq!(outbox.take().await.expect("not ended").updates.len(), 2);
        assert_eq!(began.elapsed(), QUIET, "news are told at once, and with them what waited");
    }

    #[tokio::test]
    async fn notices_are_bounded_but_results_are_kept() {
        let outbox = Outbox::default();
        outbox.push(Update::Described { id: super::super::message::RequestId(1), text: "first".into() });
        for n in 0..NOTICES + 20 {
            outbox.notice(Level::Info, n.to_string(), None);
        }
        let taken = outbox.take().await.expect("not ended");
        assert_eq!(taken.updates.len(), NOTICES + 1);
        assert!(matches!(taken.updates[0], Update::Described { .. }));
    }
}
