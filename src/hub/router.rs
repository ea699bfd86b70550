//! Takes requests and hands each to whom it concerns; watches what other processes change.
//!
//! Never waits for a node or a console: their mailboxes are bounded, and what does not fit is told.

use super::actor::Command;
use super::consoles::Consoles;
use super::dirs::local;
use super::message::{Level, Outcome, Request, RequestId, Update, VerbResult};
use super::node::{Context, Node};
use super::verb::{self, Job, Stagger};
use crate::fleet::{NodeId, Power, Verb};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Between looks at the shared file's change mark.
const OTHERS: Duration = Duration::from_secs(1);

/// A node and the way to its actor.
pub(crate) struct Member {
    pub node: Arc<Node>,
    pub mailbox: mpsc::Sender<Command>,
}

/// Owns the ways to all actors.
pub(crate) struct Router {
    pub context: Arc<Context>,
    pub members: Vec<Member>,
    pub consoles: Arc<Consoles>,
}

impl Router {
    /// Runs until told to stop or until every handle is gone.
    pub async fn run(self, mut requests: mpsc::Receiver<Request>, mut stop: oneshot::Receiver<()>) {
        let mut watched = BTreeSet::new();
        let mut others = tokio::time::interval(OTHERS);
        others.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut mark = None;
        loop {
            tokio::select! {
                biased;
                _ = &mut stop => break,
                request = requests.recv() => match request {
                    None => break,
                    Some(request) => self.request(request, &mut watched),
                },
                _ = others.tick(), if self.context.options.poll => self.others(&mut mark),
            }
        }
        for member in &self.members {
            let _ = member.mailbox.send(Command::Stop).await;
        }
    }

    /// Looks at all nodes when the shared file says that something changed, and else only at those
    /// with a pending verb of another process: a crash changes no mark.
    fn others(&self, mark: &mut Option<u64>) {
        let mut lines = self.members.iter().filter_map(|member| member.node.line.as_ref().ok());
        let Some(line) = lines.next() else { return };
        let now = line.gate.record().0.change_mark();
        let changed = mark.replace(now) != Some(now);
        for member in &self.members {
            if changed || member.node.has_foreign() {
                member.node.look_at_others();
            }
        }
    }

    fn tell(&self, node: NodeId, command: Command) -> Option<Command> {
        let Some(member) = self.members.get(node.index()) else {
            return Some(command);
        };
        member.mailbox.try_send(command).err().map(|error| match error {
            mpsc::error::TrySendError::Full(command) | mpsc::error::TrySendError::Closed(command) => command,
        })
    }

    /// What an operator asked is never dropped in silence.
    fn insist(&self, node: NodeId, command: Command, what: &str) {
        if self.tell(node, command).is_some()
            && let Some(member) = self.members.get(node.index())
        {
            let text = format!("{what} of {} was not taken: too many requests wait", member.node.name);
            self.context.outbox.notice(Level::Warning, text, Some("ask again".to_owned()));
        }
    }

    fn request(&self, request: Request, watched: &mut BTreeSet<NodeId>) {
        match request {
            Request::Verb { id, verb, nodes, timeout, wait } => {
                self.verb(id, verb, nodes, timeout, wait);
            }
            Request::Cancel { nodes } => {
                for node in nodes {
                    self.insist(node, Command::Cancel, "cancel");
                }
            }
            Request::Poll { nodes } => {
                for node in nodes {
                    self.insist(node, Command::Poll, "poll");
                }
            }
            Request::Watch { nodes } => {
                let now: BTreeSet<NodeId> = nodes.into_iter().collect();
                for node in now.symmetric_difference(watched) {
                    self.tell(*node, Command::Visible(now.contains(node)));
                }
                *watched = now;
            }
            Request::Describe { id, verb, node } => {
                let text = self.describe(&verb, node);
                self.context.outbox.push(Update::Described { id, text });
            }
            Request::Console { console, what } => self.consoles.request(console, what),
        }
    }

    fn verb(&self, id: RequestId, verb: Verb, nodes: Vec<NodeId>, timeout: Option<Duration>, wait: bool) {
        let tally = if verb.is_read() {
            None
        } else {
            let names: Vec<&str> = nodes
                .iter()
                .filter_map(|node| self.members.get(node.index()))
                .map(|member| member.node.name.as_str())
                .collect();
            Some(self.context.audit.request(id.0, &verb, &names))
        };
        let stagger = Arc::new(Stagger::new(self.context.settings.power.stagger, nodes.len()));
        let asked = self.context.clock.mono();
        for id_of_node in nodes {
            let Some(member) = self.members.get(id_of_node.index()) else {
                self.no_such_node(id, id_of_node, &verb);
                continue;
            };
            let job = Job {
                node: Arc::clone(&member.node),
                id,
                verb: verb.clone(),
                timeout,
                wait,
                asked,
                stagger: Arc::clone(&stagger),
                consoles: Arc::clone(&self.consoles),
                tally: tally.clone(),
                told: false,
            };
            if let Some(Command::Verb(job)) = self.tell(id_of_node, Command::Verb(job)) {
                job.done(Outcome::Refused("too many requests wait for this node".into()));
            }
        }
    }

    fn no_such_node(&self, id: RequestId, node: NodeId, verb: &Verb) {
        self.context.outbox.push(Update::Done(Box::new(VerbResult {
            id,
            node,
            verb: verb.clone(),
            outcome: Outcome::Failed(local("there is no such node", None)),
            power: Power::Unknown,
            elapsed: Duration::ZERO,
        })));
    }

    /// With a driver of its own: the node's may be in an exchange.
    fn describe(&self, verb: &Verb, node: NodeId) -> String {
        let settings = self.context.settings.nodes.get(node.index());
        let Some(bmc) = settings.and_then(|settings| settings.bmc.as_ref()) else {
            return "nothing: the node has no driver".into();
        };
        let line = self.members.get(node.index()).and_then(|member| member.node.line.as_ref().ok());
        let suites = line.map_or_else(Arc::default, |line| Arc::clone(&line.suites));
        match (self.context.opener)(bmc, &self.context.drivers, suites) {
            Ok(driver) => {
                let sent: Vec<String> =
                    verb::sends(verb).iter().map(|exchange| driver.describe(exchange)).collect();
                sent.join("; then ")
            }
            Err(error) => format!("nothing: {error}"),
        }
    }
}
