//! A node's actor: one task that polls on schedule and admits verbs.
//!
//! One verb that changes something at a time; a second is refused, except that `power off` takes over.
//! Reads run beside it. Called by the router through a bounded mailbox.
//!
//! When a reload makes another node of it (another BMC, or none any more), polls end at once, but what an
//! operator asked ends first, on the line it began on; then the actor goes on as the new node. One actor for
//! all lives of a node: two would talk to one BMC at a time without knowing of each other's verbs.

use super::message::{Level, Outcome};
use super::node::Node;
use super::verb::{self, Job};
use crate::bmc::{Exchange, Reply};
use crate::config::BmcSettings;
use crate::fleet::{Fault, FaultClass, PowerVerb, Verb};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};

/// For the goodbye to a BMC whose settings were changed.
const GOODBYE: Duration = Duration::from_secs(2);

/// What the router tells a node.
pub(crate) enum Command {
    /// Do this. Boxed, since every node's mailbox has room for 32 commands from the start.
    Verb(Box<Job>),
    /// Stop waiting for the pending verb.
    Cancel,
    /// Poll now, an operator asks.
    Poll,
    /// On screen or not.
    Visible(bool),
    /// End: nothing new, what runs stops at its next wait.
    Stop,
}

/// What a job of the actor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Poll,
    Read,
    Verb,
    /// Closes the login of the line before.
    Close,
}

/// The running verb.
struct Running {
    verb: Verb,
    /// How to stop it. Closed: it is over and its result is told, though its task may not be gone yet.
    stop: watch::Sender<Option<&'static str>>,
    task: Id,
}

struct Actor {
    node: Arc<Node>,
    /// What it becomes as soon as nothing runs on its line any more.
    coming: Option<Arc<Node>>,
    jobs: JoinSet<()>,
    /// What each of them does: one that panics cannot say so itself.
    kinds: HashMap<Id, Kind>,
    polling: bool,
    running: Option<Running>,
    /// `power off`, waiting for the verb it takes over from to stop, or what is for the node that is coming.
    next: Option<Job>,
    stop: watch::Sender<Option<&'static str>>,
    /// Ends the poll alone.
    stop_poll: watch::Sender<Option<&'static str>>,
}

/// The actor's life.
pub(crate) async fn run(
    node: Arc<Node>,
    mut mailbox: mpsc::Receiver<Command>,
    mut newest: watch::Receiver<Arc<Node>>,
) {
    let mut actor = Actor {
        node,
        coming: None,
        jobs: JoinSet::new(),
        kinds: HashMap::new(),
        polling: false,
        running: None,
        next: None,
        stop: watch::Sender::new(None),
        stop_poll: watch::Sender::new(None),
    };
    loop {
        let wake = actor.wake();
        tokio::select! {
            biased;
            Ok(()) = newest.changed() => {
                let node = Arc::clone(&newest.borrow_and_update());
                actor.becomes(node);
            }
            command = mailbox.recv(), if !actor.between() => match command {
                None | Some(Command::Stop) => break,
                Some(command) => actor.command(command),
            },
            Some(ended) = actor.jobs.join_next_with_id() => match ended {
                Ok((id, ())) => actor.ended(id, None),
                Err(error) => actor.ended(error.id(), Some(&error)),
            },
            () = actor.node.wake.notified() => {}
            () = sleep_until(&actor.node, wake) => actor.timer(),
        }
    }
    actor.finish().await;
}

async fn sleep_until(node: &Node, wake: Option<Duration>) {
    match wake {
        Some(at) => tokio::time::sleep_until(node.context.clock.instant(at)).await,
        None => std::future::pending().await,
    }
}

impl Actor {
    fn may_poll(&self) -> bool {
        !self.polling && self.coming.is_none() && self.node.line.is_ok()
    }

    fn wake(&self) -> Option<Duration> {
        let (due, stale) = self.node.times(self.running.is_some());
        let due = due.filter(|_| self.may_poll());
        [due, stale].into_iter().flatten().min()
    }

    fn timer(&mut self) {
        let now = self.node.context.clock.mono();
        let (due, stale) = self.node.times(self.running.is_some());
        if stale.is_some_and(|at| at <= now) {
            self.node.stale();
        }
        if self.may_poll() && due.is_some_and(|at| at <= now) {
            self.polling = true;
            self.spawn(Kind::Poll, poll(Arc::clone(&self.node), self.stop_poll.subscribe()));
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Verb(job) => self.admit(*job),
            Command::Cancel => {
                if let Some(job) = self.next.take() {
                    job.done(Outcome::Cancelled { sent: None });
                }
                match &self.running {
                    Some(running) => {
                        running.stop.send_replace(Some("it was cancelled"));
                    }
                    None if self.node.has_foreign() => {
                        let text =
                            format!("{}: what is pending belongs to another lightsout", self.node.name);
                        let hint = Some("cancel it there, or take over with power off".to_owned());
                        self.node.context.outbox.notice(Level::Warning, text, hint);
                    }
                    None => {}
                }
            }
            Command::Poll => self.node.asked(),
            Command::Visible(visible) => self.node.visible(visible),
            Command::Stop => {}
        }
    }

    /// Another node from now on, or as soon as nothing runs any more.
    fn becomes(&mut self, node: Arc<Node>) {
        self.coming = Some(node);
        self.stop_poll.send_replace(Some("the node was changed"));
        self.stop_poll = watch::Sender::new(None);
        self.take_place();
    }

    /// No verb runs, and a moment later it is another node: what is asked now is for that one.
    fn between(&self) -> bool {
        self.coming.is_some() && self.running.is_none()
    }

    fn take_place(&mut self) {
        if self.kinds.values().any(|kind| *kind != Kind::Close) {
            return;
        }
        let Some(node) = self.coming.take() else { return };
        node.succeed(&self.node);
        let old = std::mem::replace(&mut self.node, node);
        self.spawn(Kind::Close, async move {
            if let Ok(line) = &old.line {
                let _ = tokio::time::timeout(GOODBYE, line.close()).await;
            }
        });
    }

    fn admit(&mut self, mut job: Job) {
        // It may have been asked of what this node was, or becomes; it is done by what it is.
        let asked = std::mem::replace(&mut job.node, Arc::clone(&self.node));
        let node = &self.node;
        let options = &node.context.options;
        let coming = self.coming.as_ref().map_or(&node.line, |coming| &coming.line);
        if let Err(fault) = node.line.as_ref().and(coming.as_ref()) {
            return job.done(Outcome::Failed(fault.clone()));
        }
        if !job.verb.is_read() {
            if options.read_only {
                return job.done(Outcome::Refused("this lightsout is read-only".into()));
            }
            // Tags hold at once, whatever line it is done on.
            if self.coming.as_ref().unwrap_or(node).settings().read_only {
                return job.done(Outcome::Refused(format!("{} is read-only by a tag", node.name)));
            }
            // Whoever confirmed it was told of another machine.
            let named = [Some(&self.node), self.coming.as_ref()];
            if !named.into_iter().flatten().any(|node| same_bmc(node, &asked)) {
                let why = format!("the BMC of {} was changed in the configuration; ask again", node.name);
                return job.done(Outcome::Refused(why));
            }
        }
        node.operator_acts();
        if job.verb.is_read() {
            let stop = self.stop.subscribe();
            self.spawn(Kind::Read, verb::read(job, stop));
            return;
        }
        match &self.running {
            None => self.start(job),
            Some(running) if running.stop.is_closed() && self.next.is_none() => {
                if self.coming.is_none() {
                    return self.start(job);
                }
                job.node = asked;
                self.next = Some(job);
            }
            Some(running) => {
                let off = Verb::Power(PowerVerb::Off);
                if job.verb != off || running.verb == off || self.next.is_some() {
                    let why = format!("{} is pending; cancel it first", running.verb.words());
                    return job.done(Outcome::Refused(why));
                }
                running.stop.send_replace(Some("power off took over"));
                job.node = asked;
                self.next = Some(job);
            }
        }
    }

    fn start(&mut self, job: Job) {
        let stop = watch::Sender::new(None);
        let cancel = stop.subscribe();
        let verb = job.verb.clone();
        let task = self.spawn(Kind::Verb, verb::run(job, cancel));
        self.running = Some(Running { verb, stop, task });
    }

    fn spawn(&mut self, kind: Kind, job: impl Future<Output = ()> + Send + 'static) -> Id {
        let id = self.jobs.spawn(job).id();
        self.kinds.insert(id, kind);
        id
    }

    /// A job ended, perhaps by a driver's panic, which ends its job, not the node and no other job.
    fn ended(&mut self, id: Id, panic: Option<&JoinError>) {
        let kind = self.kinds.remove(&id);
        match kind {
            Some(Kind::Poll) => self.polling = false,
            Some(Kind::Verb) if self.running.as_ref().is_some_and(|running| running.task == id) => {
                self.running = None;
                if panic.is_some() {
                    self.node.pending(None);
                }
            }
            Some(Kind::Verb | Kind::Read | Kind::Close) | None => {}
        }
        if let Some(error) = panic {
            let reason = format!("the driver failed: {error}");
            let text = format!("{}: {reason}", self.node.name);
            let fault = Fault { class: FaultClass::Local, reason, hint: None };
            self.node.failed(self.node.context.clock.mono(), fault);
            self.node.context.outbox.notice(Level::Error, text, None);
        }
        // Done by that node of which it was asked: the operator was told of its BMC.
        if self.next.as_ref().is_some_and(|job| Arc::ptr_eq(&job.node, &self.node)) {
            self.proceed();
        }
        self.take_place();
        if self.coming.is_none() {
            self.proceed();
        }
    }

    /// Begins what waits for the verb before, if that is over.
    fn proceed(&mut self) {
        if self.running.is_none()
            && let Some(job) = self.next.take()
        {
            self.admit(job);
        }
    }

    /// Stops the jobs at their next wait and waits for them; the hub aborts what takes too long.
    async fn finish(mut self) {
        if let Some(job) = self.next.take() {
            job.done(Outcome::Cancelled { sent: None });
        }
        self.stop.send_replace(Some("the program ended"));
        self.stop_poll.send_replace(Some("the program ended"));
        if let Some(running) = &self.running {
            running.stop.send_replace(Some("the program ended"));
        }
        while self.jobs.join_next().await.is_some() {}
        // The hub closes the logins of the nodes that there are; this one is not among them any more.
        if let (Some(_), Ok(line)) = (&self.coming, &self.node.line) {
            line.close().await;
        }
    }
}

/// Whether both lives of a node mean the same BMC, with whatever login.
fn same_bmc(one: &Node, other: &Node) -> bool {
    let place = |node: &Node| node.settings().bmc.as_ref().map(BmcSettings::identity);
    place(one) == place(other)
}

/// One poll: waits for its turn, asks again when its urgency changes, takes another's reading.
async fn poll(node: Arc<Node>, mut stop: watch::Receiver<Option<&'static str>>) {
    let Ok(line) = &node.line else { return };
    loop {
        if node.take_reading(node.poll_wants()) {
            return;
        }
        let granted = tokio::select! {
            biased;
            _ = stop.changed() => return,
            () = node.priority_changed.notified() => continue,
            granted = line.gate.acquire(node.priority()) => granted,
        };
        let clock = node.context.clock;
        let granted = match granted {
            Ok(granted) => granted,
            Err(fault) => {
                node.failed(clock.mono(), fault);
                return;
            }
        };
        if node.take_reading(node.poll_wants()) {
            return;
        }
        // Who polls keeps the login, from the first poll on.
        let keep = node.context.options.poll;
        let reading = line.execute(granted, &Exchange::Power, keep);
        let (at, result) = tokio::select! {
            biased;
            // The operator leaves: a BMC that does not answer is not waited for.
            _ = stop.changed(), if line.may_break_off => return,
            result = reading => result,
        };
        match result {
            Ok(Reply::Power(power, detail)) => node.observed(at, clock.wall(), power, detail),
            Ok(other) => node.failed(
                at,
                Fault {
                    class: FaultClass::Protocol,
                    reason: format!("the driver gave an answer that does not fit: {other:?}"),
                    hint: None,
                },
            ),
            Err(error) => node.failed(at, error.into()),
        }
        return;
    }
}
