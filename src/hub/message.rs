//! Requests to the hub and updates from it: plain serialisable data.

use crate::fleet::{
    BootSetting, Checkup, ConsoleMode, Fault, LinePos, Millis, Node, NodeId, Observation, Power,
    SessionStatus, SolHolder, Verb, View,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Names a request; chosen by the front end, never reused by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// Names a console session; chosen by the front end, never reused by it, so that late answers to a
/// closed console can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConsoleId(pub u64);

/// What a front end asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Do `verb` on every node; one [`Update::Done`] per node follows.
    Verb {
        /// Its name.
        id: RequestId,
        /// What.
        verb: Verb,
        /// Where.
        nodes: Vec<NodeId>,
        /// Another time limit than the configured one.
        timeout: Option<Duration>,
        /// Wait until the effect is observed; otherwise "accepted" ends it.
        wait: bool,
    },
    /// Stop waiting for the pending verbs of these nodes.
    Cancel {
        /// Which.
        nodes: Vec<NodeId>,
    },
    /// Poll now, as an operator; clears a final authentication failure.
    Poll {
        /// Which.
        nodes: Vec<NodeId>,
    },
    /// These nodes are on screen: poll them first. Replaces the list before.
    Watch {
        /// Which.
        nodes: Vec<NodeId>,
    },
    /// What would be sent for `verb` to `node`; answered by [`Update::Described`].
    Describe {
        /// Its name.
        id: RequestId,
        /// For which verb.
        verb: Verb,
        /// To which node.
        node: NodeId,
    },
    /// Something for one console.
    Console {
        /// Which.
        console: ConsoleId,
        /// What.
        what: ConsoleRequest,
    },
}

/// What can be asked of a console.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ConsoleRequest {
    /// Start a session; the first request for an id.
    Attach {
        /// To which node.
        node: NodeId,
        /// Who may type.
        mode: ConsoleMode,
    },
    /// End it in order and forget the id.
    Detach,
    /// End it and start it again, now.
    Reopen,
    /// Open it now; whoever has it loses it.
    Steal,
    /// Try again by itself until it is free.
    Wait,
    /// Read along in the log while somebody else has it; a second one ends that.
    Watch,
    /// Bytes to the node, in order.
    Input(Vec<u8>),
    /// Pasted bytes: paced, since serial lines drop characters.
    Paste(Vec<u8>),
    /// Nothing more of the pastes that are still going out.
    StopPaste,
    /// A serial break.
    Break,
    /// Change who may type.
    Mode(ConsoleMode),
    /// What of it is looked at; `None`: nothing, publish no frames.
    View(Option<View>),
    /// Find `pattern` (a regular expression, smart case) from `from`; answered by [`Update::Found`].
    Search {
        /// Its name.
        id: RequestId,
        /// The pattern.
        pattern: String,
        /// Start, not itself a match.
        from: LinePos,
        /// Towards older lines.
        backward: bool,
    },
    /// The text between two positions, both included; answered by [`Update::Text`].
    Copy {
        /// Its name.
        id: RequestId,
        /// First.
        from: LinePos,
        /// Last.
        to: LinePos,
        /// Whole lines.
        lines: bool,
    },
    /// Take the next character set (UTF-8, CP437, Latin-1).
    NextCharset,
    /// Wrap long lines although the node switched that off, or do as the node says again.
    ForceWrap,
}

/// What the hub tells. `Node` and `Console` coalesce (the newest wins); the others never get lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Update {
    /// Everything known of a node.
    Node(Box<NodeStatus>),
    /// Everything known of a session, its frame excepted.
    Console(ConsoleId, Box<SessionStatus>),
    /// A newer frame of this console can be fetched.
    Frame(ConsoleId),
    /// A verb ended on a node.
    Done(Box<VerbResult>),
    /// Answer to [`Request::Describe`].
    Described {
        /// Its name.
        id: RequestId,
        /// One line, no secret.
        text: String,
    },
    /// Answer to a search.
    Found {
        /// Its name.
        id: RequestId,
        /// First and last cell of the match; an error text for a bad pattern; `Ok(None)`: not found.
        found: Result<Option<(LinePos, LinePos)>, String>,
    },
    /// Answer to a copy.
    Text {
        /// Its name.
        id: RequestId,
        /// The text.
        text: String,
    },
    /// The configuration was reloaded: everybody anew. Comes before the statuses of nodes that are new.
    Fleet(Box<Fleet>),
    /// Something the operator should know that belongs to no request.
    Notice {
        /// How grave.
        level: Level,
        /// One line.
        text: String,
        /// What to do.
        hint: Option<String>,
    },
}

/// The nodes after a reload. A name has the same id for as long as the hub lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    /// All of them, by id; those that are gone as they last were.
    pub nodes: Vec<Node>,
    /// Those that are no longer in the configuration.
    pub gone: Vec<NodeId>,
    /// Those whose open console would be opened with other settings now.
    pub outdated: Vec<NodeId>,
}

/// What a reload changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Nodes that are new, or there again.
    pub added: usize,
    /// Nodes that are gone.
    pub removed: usize,
    /// Nodes that are something else.
    pub changed: usize,
    /// Settings that were changed but are taken at the start only.
    pub later: Vec<String>,
}

impl std::fmt::Display for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = [(self.added, "added"), (self.removed, "removed"), (self.changed, "changed")];
        let parts: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .enumerate()
            .map(|(at, (count, word))| match (at, count) {
                (0, 1) => format!("1 node {word}"),
                (0, _) => format!("{count} nodes {word}"),
                _ => format!("{count} {word}"),
            })
            .collect();
        if parts.is_empty() { f.write_str("no node changed") } else { f.write_str(&parts.join(", ")) }
    }
}

/// How grave a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Good to know.
    Info,
    /// Look at it.
    Warning,
    /// Something failed.
    Error,
}

/// Everything known of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Which.
    pub node: NodeId,
    /// Its power as seen.
    pub seen: Observation,
    /// The verb that runs on it.
    pub pending: Option<Pending>,
    /// The boot device as last read back or set by us.
    pub boot: Option<BootSetting>,
    /// When it is polled next; `None`: not before an operator acts.
    pub next_poll: Option<Millis>,
    /// Why then.
    pub why: PollReason,
    /// Since when its BMC is being reset.
    pub resetting: Option<Millis>,
    /// Its locator LED, as last lit by us.
    pub locator: Option<Lit>,
}

/// A locator LED that is lit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lit {
    /// Until then.
    Until(Millis),
    /// Until it is turned off.
    On,
}

impl NodeStatus {
    /// A node of which nothing is known yet.
    #[must_use]
    pub fn unknown(node: NodeId) -> NodeStatus {
        NodeStatus {
            node,
            seen: Observation::default(),
            pending: None,
            boot: None,
            next_poll: None,
            why: PollReason::First,
            resetting: None,
            locator: None,
        }
    }
}

/// Why the next poll is when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PollReason {
    /// Never polled yet.
    First,
    /// The usual interval.
    Interval,
    /// An operator asked.
    Asked,
    /// A verb is being confirmed.
    Confirming,
    /// It failed `failures` times in a row: asked less and less.
    BackOff {
        /// How often in a row.
        failures: u32,
    },
    /// Authentication failed; final until an operator acts.
    AuthFinal,
    /// The node has no driver.
    NoDriver,
}

/// A verb that runs on a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Who asked; `None` when another process runs it.
    pub id: Option<RequestId>,
    /// Whose, when another process runs it: `alice, process 4711`.
    pub by: Option<String>,
    /// What.
    pub verb: Verb,
    /// The state before.
    pub from: Power,
    /// When it started.
    pub since: Millis,
    /// The time it may take.
    pub allowed: Duration,
    /// How far it is.
    pub phase: Phase,
}

/// How far a verb is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Waits for its turn (pace, stagger).
    Queued,
    /// Waits for its turn among the staggered power-ons of its request.
    Turn {
        /// Its number, from 1.
        number: usize,
        /// How many there can be.
        of: usize,
        /// When it is due.
        due: Millis,
    },
    /// Being sent.
    Sending,
    /// Accepted, waits for an observation.
    Observing,
}

/// How a verb ended on one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerbResult {
    /// Whose request.
    pub id: RequestId,
    /// Where.
    pub node: NodeId,
    /// What.
    pub verb: Verb,
    /// How.
    pub outcome: Outcome,
    /// The power state at the end, as observed.
    pub power: Power,
    /// How long it took.
    pub elapsed: Duration,
}

/// How a verb ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// The effect was observed.
    Confirmed,
    /// It was so already; nothing was sent.
    Already,
    /// Accepted; the effect cannot be seen (reset, nmi, raw) or was not waited for.
    Accepted,
    /// Accepted, and the node is as the verb leaves it, but that it changed in between was not seen.
    Unseen {
        /// What was seen.
        reason: String,
    },
    /// Accepted, but the effect was not observed in time.
    NotConfirmed {
        /// What was seen instead.
        reason: String,
    },
    /// Answer to `Status`; the reading is in `power`.
    Status,
    /// Boot device as read back (`BootGet`, `BootSet`).
    Boot(BootSetting),
    /// Identity of the controller.
    Info(Vec<(String, String)>),
    /// What one login told.
    Checkup(Box<Checkup>),
    /// Raw answer.
    Raw(Vec<u8>),
    /// Who holds the SOL.
    SolHolder(SolHolder),
    /// It failed.
    Failed(Fault),
    /// Not begun: read-only, or another verb is pending.
    Refused(String),
    /// An operator stopped waiting.
    Cancelled {
        /// What had been sent by then, in words; `None`: nothing.
        sent: Option<String>,
    },
}
