//! Takes requests and hands each to whom it concerns; watches what other processes change.
//!
//! Never waits for a node or a console: their mailboxes are bounded, and what does not fit is told.

use super::actor::{self, Command};
use super::consoles::Consoles;
use super::dirs::local;
use super::line::Line;
use super::lines::Lines;
use super::message::{Level, Outcome, Request, RequestId, Update, VerbResult};
use super::node::{Context, Node};
use super::reload::Reload;
use super::roster::Roster;
use super::verb::{self, Job, Stagger};
use crate::config::NodeSettings;
use crate::fleet::{Fault, NodeId, Power, Verb};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Between looks at the shared file's change mark.
const OTHERS: Duration = Duration::from_secs(1);

/// Commands that may wait for a node.
const MAILBOX: usize = 64;

/// The way to a node's actor, which lives as long as the hub.
struct Member {
    mailbox: mpsc::Sender<Command>,
    /// What the node is now; the actor takes it when it can.
    newest: watch::Sender<Arc<Node>>,
    task: JoinHandle<()>,
}

/// Owns the ways to all actors, by their nodes' ids.
pub(crate) struct Router {
    pub(super) context: Arc<Context>,
    pub(super) roster: Arc<Roster>,
    members: Vec<Member>,
    consoles: Arc<Consoles>,
    pub(super) lines: Lines,
}

/// What the router leaves behind at its end.
#[derive(Default)]
pub(crate) struct Leftover {
    /// Their lines may have logins open.
    pub nodes: Vec<Arc<Node>>,
    /// They have been told to end.
    pub actors: Vec<JoinHandle<()>>,
}

impl Router {
    /// A router of no nodes; `lines` makes the lines of those that a reload brings.
    pub fn new(context: Arc<Context>, roster: Arc<Roster>, consoles: Arc<Consoles>, lines: Lines) -> Router {
        Router { context, roster, members: Vec::new(), consoles, lines }
    }

    /// A node more, with its actor; not told of before [`Node::publish`].
    pub fn add(&mut self, settings: NodeSettings, line: Result<Line, Fault>) -> Arc<Node> {
        let id = NodeId(u32::try_from(self.members.len()).expect("a configuration has fewer nodes"));
        let node = Arc::new(Node::new(id, settings, Arc::clone(&self.context), line));
        let (mailbox, commands) = mpsc::channel(MAILBOX);
        let newest = watch::Sender::new(Arc::clone(&node));
        let task = tokio::spawn(actor::run(Arc::clone(&node), commands, newest.subscribe()));
        self.roster.enter(Arc::clone(&node));
        self.members.push(Member { mailbox, newest, task });
        node
    }

    /// The node of this id is another now.
    pub(super) fn replace(&self, node: Node) {
        let node = Arc::new(node);
        if let Some(before) = self.roster.get(node.id) {
            node.console(before.has_console());
        }
        self.roster.enter(Arc::clone(&node));
        if let Some(member) = self.members.get(node.id.index()) {
            member.newest.send_replace(node);
        }
    }

    /// Runs until told to stop or until every handle is gone.
    pub async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        mut reloads: mpsc::Receiver<Reload>,
        mut stop: oneshot::Receiver<()>,
    ) -> Leftover {
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
                Some(Reload { settings, reply }) = reloads.recv() => {
                    let _ = reply.send(self.reload(settings));
                }
                _ = others.tick(), if self.context.options.poll => self.others(&mut mark),
            }
        }
        for member in &self.members {
            let _ = member.mailbox.send(Command::Stop).await;
        }
        Leftover {
            nodes: self.roster.all(),
            actors: self.members.into_iter().map(|member| member.task).collect(),
        }
    }

    /// Looks at all nodes when the shared file says that something changed, and else only at those
    /// with a pending verb of another process: a crash changes no mark.
    fn others(&self, mark: &mut Option<u64>) {
        let now = self.lines.shared.change_mark();
        let changed = mark.replace(now) != Some(now);
        for node in self.roster.all() {
            if changed || node.has_foreign() {
                node.look_at_others();
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
            && let Some(node) = self.roster.get(node)
        {
            let text = format!("{what} of {} was not taken: too many requests wait", node.name);
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
            let known: Vec<Arc<Node>> = nodes.iter().filter_map(|node| self.roster.get(*node)).collect();
            let names: Vec<&str> = known.iter().map(|node| node.name.as_str()).collect();
            Some(self.context.audit.request(id.0, &verb, &names))
        };
        let stagger = Arc::new(Stagger::new(self.context.settings().power.stagger, nodes.len()));
        let asked = self.context.clock.mono();
        for id_of_node in nodes {
            let Some(node) = self.roster.get(id_of_node) else {
                self.no_such_node(id, id_of_node, &verb);
                continue;
            };
            let job = Job {
                node,
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
            if let Some(Command::Verb(job)) = self.tell(id_of_node, Command::Verb(Box::new(job))) {
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
        let Some(node) = self.roster.get(node).filter(|node| !node.gone) else {
            return "nothing: the node is no longer in the configuration".into();
        };
        let settings = node.settings();
        let Some(bmc) = &settings.bmc else {
            return "nothing: no BMC is configured".into();
        };
        let suites = node.line.as_ref().map_or_else(|_| Arc::default(), |line| Arc::clone(&line.suites));
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
