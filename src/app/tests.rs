//! `update` from outside: keys and updates in, state and effects out.

mod actions;
mod keys;
mod mouse;
mod panes;
mod prompt;
mod random;
mod reload;
mod scrollback;
mod several;
mod small;
mod table;
mod taste;
mod verbs;

use super::state::{Confirm, Overlay};
use super::{Abilities, Effect, Event, Key, Keymap, State, StateOptions, Taste, update};
use crate::config::KeyBinding;
use crate::fleet::{Freshness, Millis, Node, NodeId, Observation, Power, Verb};
use crate::hub::message::{
    ConsoleId, ConsoleRequest, NodeStatus, Outcome, PollReason, Request, RequestId, Update, VerbResult,
};
use crate::screen::{Cell, Frame};
use std::sync::Arc;
use std::time::Duration;

/// 2026-11-20 22:31:10 UTC.
const START: u64 = 1_795_213_870_000;

/// A front end with a clock and everything that it asked for.
struct Bench {
    state: State,
    now: u64,
    effects: Vec<Effect>,
}

fn node(id: u32, name: &str, tags: &[&str]) -> Node {
    let vm = name.starts_with("vm");
    Node {
        id: NodeId(id),
        name: name.into(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        protected: tags.contains(&"held"),
        read_only: tags.contains(&"locked"),
        driver: Some(if vm { "qemu" } else { "ipmitool" }.into()),
        transport: Some(if vm { "unix" } else { "sol" }.into()),
        console: String::new(),
        address: format!("10.1.1.{id}"),
    }
}

/// r1n01 to r1n06, then held (protected), locked (read-only), vm1, bare (no console, no BMC).
fn nodes() -> Vec<Node> {
    let mut nodes: Vec<Node> = (0..6).map(|n| node(n, &format!("r1n{:02}", n + 1), &["rack1"])).collect();
    nodes.push(node(6, "s1", &["held"]));
    nodes.push(node(7, "t1", &["locked"]));
    nodes.push(node(8, "vm1", &["vms"]));
    nodes.push(Node { driver: None, transport: None, ..node(9, "xbare", &[]) });
    nodes
}

impl Bench {
    fn new() -> Bench {
        Bench::with(false, "ctrl-]")
    }

    fn with(read_only: bool, prefix: &str) -> Bench {
        let all = Abilities {
            soft: true,
            cycle: true,
            nmi: true,
            boot: true,
            reset_bmc: true,
            raw: true,
            info: true,
            identify: true,
            sol: true,
        };
        let qemu = Abilities { soft: true, nmi: true, ..Abilities::default() };
        let state = State::new(StateOptions {
            nodes: nodes(),
            read_only,
            title: "rack-a".into(),
            prefix,
            keys: Keymap::default(),
            mouse: true,
            poll_interval: Duration::from_secs(30),
            utc_offset: 0,
            size: (80, 24),
            now: Millis(START),
            taste: Taste {
                theme: "default".into(),
                themes: vec![("default".into(), String::new()), ("dark".into(), "calm".into())],
                known_columns: ["node", "tags", "power", "note"].map(Into::into).into(),
                ..Taste::default()
            },
            abilities: vec![("ipmitool".into(), all), ("qemu".into(), qemu)],
        })
        .unwrap();
        let mut bench = Bench { state, now: START, effects: Vec::new() };
        bench.event(Event::Tick);
        bench.effects.clear();
        bench
    }

    /// With other keys: `context`, `key`, `command` each, an empty one for false.
    fn with_keys(keys: &[(&str, &str, &str)]) -> Bench {
        let own: Vec<KeyBinding> = keys
            .iter()
            .map(|(context, key, command)| KeyBinding {
                context: (*context).to_owned(),
                key: (*key).to_owned(),
                command: (!command.is_empty()).then(|| (*command).to_owned()),
            })
            .collect();
        let mut bench = Bench::new();
        bench.state.keys = Keymap::new(&own);
        bench
    }

    fn event(&mut self, event: Event) {
        let effects = update(&mut self.state, event, Millis(self.now));
        self.effects.extend(effects);
    }

    /// Keys: characters, and names in angle brackets: `j<space>p`, `<ctrl-]>.`.
    fn keys(&mut self, text: &str) -> &mut Bench {
        for key in keys(text) {
            self.event(Event::Key(key));
        }
        self
    }

    fn pass(&mut self, millis: u64) -> &mut Bench {
        self.now += millis;
        self.event(Event::Tick);
        self
    }

    fn hub(&mut self, update: Update) -> &mut Bench {
        self.event(Event::Hub(vec![update]));
        self
    }

    /// A reading of a node.
    fn seen(&mut self, node: u32, value: Power) -> &mut Bench {
        let status = self.status(node, value);
        self.hub(Update::Node(Box::new(status)))
    }

    fn status(&self, node: u32, value: Power) -> NodeStatus {
        NodeStatus {
            seen: Observation {
                value,
                at: Some(Millis(self.now)),
                last_seen: Some((value, Millis(self.now))),
                freshness: Freshness::Fresh,
                detail: None,
            },
            why: PollReason::Interval,
            ..NodeStatus::unknown(NodeId(node))
        }
    }

    fn result(&mut self, id: RequestId, node: u32, verb: Verb, outcome: Outcome) -> &mut Bench {
        self.hub(Update::Done(Box::new(VerbResult {
            id,
            node: NodeId(node),
            verb,
            outcome,
            power: Power::Unknown,
            elapsed: Duration::from_secs(1),
        })))
    }

    /// Requests since the last call, those left out that only say what is on screen.
    fn requests(&mut self) -> Vec<Request> {
        let effects = std::mem::take(&mut self.effects);
        effects
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Hub(request) => Some(*request),
                _ => None,
            })
            .filter(|request| {
                !matches!(
                    request,
                    Request::Watch { .. }
                        | Request::Verb { verb: Verb::SolHolder, .. }
                        | Request::Describe { .. }
                        | Request::Console { what: ConsoleRequest::View(_), .. }
                )
            })
            .collect()
    }

    /// The one verb that was asked since the last call.
    fn verb(&mut self) -> Option<(RequestId, String, Vec<u32>)> {
        let requests = self.requests();
        assert!(requests.len() <= 1, "{requests:?}");
        match requests.into_iter().next()? {
            Request::Verb { id, verb, nodes, .. } => {
                Some((id, verb.words(), nodes.iter().map(|node| node.0).collect()))
            }
            other => panic!("{other:?}"),
        }
    }

    /// The bytes that were sent to a console since the last call.
    fn typed(&mut self) -> Vec<u8> {
        let mut typed = Vec::new();
        for request in self.requests() {
            if let Request::Console { what: ConsoleRequest::Input(bytes), .. } = request {
                typed.extend(bytes);
            }
        }
        typed
    }

    fn confirm(&self) -> &Confirm {
        match self.state.overlays.last() {
            Some(Overlay::Confirm(confirm)) => confirm,
            other => panic!("no question but {other:?}"),
        }
    }

    fn cursor(&self) -> &str {
        self.state.table.cursor.map_or("", |node| self.state.name(node))
    }

    fn marks(&self) -> String {
        let marks: Vec<NodeId> = self.state.table.marks.iter().copied().collect();
        self.state.folded(&marks)
    }

    fn shown(&self) -> String {
        let names: Vec<&str> = self.state.table.order.iter().map(|node| self.state.name(*node)).collect();
        names.join(" ")
    }

    fn said(&self) -> &str {
        self.state.current_notice().map_or("", |notice| notice.text.as_str())
    }

    /// Opens the cursor's console and lets it be attached.
    fn attach(&mut self) -> ConsoleId {
        self.keys("c");
        let console = self.state.panes.last().unwrap().console;
        self.attached(console);
        console
    }

    fn attached(&mut self, console: ConsoleId) {
        let mut status = self.state.pane(console).unwrap().status.clone();
        status.state = crate::fleet::ConsoleState::Attached { silent: false };
        self.hub(Update::Console(console, Box::new(status)));
        self.effects.clear();
    }
}

fn keys(text: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(ch) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|tail| tail.split_once('>'));
        match named.and_then(|(name, tail)| Some((Key::parse(name)?, tail))) {
            Some((key, tail)) => {
                keys.push(key);
                rest = tail;
            }
            None => {
                keys.push(Key::char(ch));
                rest = &rest[ch.len_utf8()..];
            }
        }
    }
    keys
}

/// A picture: lines of text, the first with this absolute number.
fn picture(lines: &[&str], top: u64, live: bool) -> Arc<Frame> {
    let cols = 20;
    let mut cells = Vec::new();
    for line in lines {
        let mut chars = line.chars();
        for _ in 0..cols {
            cells.push(Cell { ch: chars.next().unwrap_or(' '), width: 1, ..Cell::default() });
        }
    }
    Arc::new(Frame {
        cols,
        rows: u16::try_from(lines.len()).unwrap(),
        cells,
        cursor: live.then_some((0, 0)),
        top,
        live,
        oldest: 0,
        live_top: 100,
        ..Frame::default()
    })
}
