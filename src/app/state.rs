//! Everything the front end knows. Changed only by `app::update`, read by `ui`.

use super::{Abilities, Key, Keymap, Layout, Taste};
use crate::fleet::{
    BootDevice, ConsoleState, Fault, Filter, LinePos, Millis, Node, NodeId, SessionStatus, SortKey, Verb,
    View,
};
use crate::hub::message::{ConsoleId, Level, NodeStatus, Request, RequestId, VerbResult};
use crate::screen::Frame;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The whole state.
#[derive(Debug, Clone)]
pub struct State {
    /// All nodes that there ever were in this run, by [`NodeId`].
    pub nodes: Vec<NodeRow>,
    /// The table.
    pub table: Table,
    /// The consoles, in order of opening.
    pub panes: Vec<Pane>,
    /// Where keys go when no overlay is open.
    pub focus: Focus,
    /// The last focused pane, for `tab`.
    pub last_pane: Option<ConsoleId>,
    /// The focused pane fills the screen.
    pub zoom: bool,
    /// What lies over the screen, innermost last.
    pub overlays: Vec<Overlay>,
    /// The newest notice is shown until `until`.
    pub notices: VecDeque<Notice>,
    /// The action log, newest last, bounded.
    pub actions: VecDeque<Action>,
    /// Now, as of the event that is handled.
    pub now: Millis,
    /// Local time minus UTC in seconds.
    pub utc_offset: i32,
    /// Columns and rows of the outer terminal.
    pub size: (u16, u16),
    /// Division of the screen, kept up to date by `update`.
    pub layout: Layout,
    /// The whole program is read-only.
    pub read_only: bool,
    /// Name of the fleet or configuration, for the title.
    pub title: String,
    /// The prefix as people write it: `ctrl-]`.
    pub prefix: String,
    /// What the keys mean.
    pub keys: Keymap,
    /// The mouse is ours, not the terminal's.
    pub mouse: bool,
    /// Counts what was opened and closed over the screen: a click on what was drawn before is stale.
    pub epoch: u64,
    /// What was typed of a prefix sequence, or that a command key is awaited.
    pub prefix_state: PrefixState,
    /// Consoles that get what is typed into the focused one; none when it alone does.
    pub several: Vec<ConsoleId>,
    /// How often each node's power is read: AGE is shown only when a reading is overdue.
    pub poll_interval: std::time::Duration,
    /// A quit was asked and confirmed; the screen says what is being waited for.
    pub quitting: bool,
    /// Theme and columns.
    pub taste: Taste,
    /// What only `update` needs to remember.
    pub inner: Inner,
}

/// What `update` remembers from one event to the next and nobody draws.
#[derive(Debug, Clone, Default)]
pub struct Inner {
    /// The last number given to a request or a console.
    pub(super) last_id: u64,
    /// The prefix, one or two keys.
    pub(super) prefix: Vec<Key>,
    /// As the configuration was last read.
    pub(super) configured: Configured,
    /// What the drivers can do.
    pub(super) abilities: Vec<(String, Abilities)>,
    /// Statuses, filter or sort changed: the order must be made anew.
    pub(super) dirty: bool,
    /// The list that the hub was last told to poll first.
    pub(super) watched: Vec<NodeId>,
    /// What the hub was last told about the view of each console.
    pub(super) shown: Vec<(ConsoleId, View)>,
    /// Columns and rows of each console's live screen.
    pub(super) grid: BTreeMap<ConsoleId, (u16, u16)>,
    /// The copy whose text is awaited.
    pub(super) copy: Option<RequestId>,
    /// The identity that the details overlay waits for.
    pub(super) info: Option<RequestId>,
    /// The row that was clicked last, and when: twice opens its details.
    pub(super) clicked: Option<(NodeId, Millis)>,
    /// When the last question was answered: what follows at once was meant for it.
    pub(super) answered: Option<Millis>,
    /// When a question was taken away from under the operator: what is being typed is still meant for it.
    pub(super) withdrawn: Option<Millis>,
    /// Consoles whose end was told; told again only after they were attached again.
    pub(super) ended: BTreeSet<ConsoleId>,
    /// The wake-up that was last asked for.
    pub(super) wake: Option<Millis>,
    /// Requests that must not get lost although the hub did not take them; sent again with a tick.
    pub(super) again: Vec<Request>,
    /// The hub refused what says what is on screen; say it again with a tick.
    pub(super) resend: bool,
}

/// What the configuration says of what the operator may choose otherwise in this run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Configured {
    /// Theme, columns and order.
    pub taste: Taste,
    /// The mouse is asked for.
    pub mouse: bool,
}

/// A node and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeRow {
    /// The node.
    pub node: Node,
    /// As the hub last said.
    pub status: NodeStatus,
    /// How the last verb on it ended, if not well, for NOTE; and when.
    pub last: Option<(VerbResult, Millis)>,
    /// No longer in the configuration: not shown; see [`State::present`].
    pub gone: bool,
}

/// The table.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The nodes that pass the filter, sorted.
    pub order: Vec<NodeId>,
    /// The node under the cursor; `None` only when nothing passes.
    pub cursor: Option<NodeId>,
    /// Index into `order` of the first row shown.
    pub top: usize,
    /// The filter.
    pub filter: Filter,
    /// Its text.
    pub filter_text: String,
    /// The order.
    pub sort: SortKey,
    /// Turned round.
    pub reverse: bool,
    /// Marked nodes, hidden ones included.
    pub marks: BTreeSet<NodeId>,
    /// Where a range (`v`) began.
    pub range: Option<NodeId>,
}

/// Where keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// To the table.
    #[default]
    Table,
    /// To a console.
    Pane(ConsoleId),
}

/// An open console.
#[derive(Debug, Clone)]
pub struct Pane {
    /// Its session.
    pub console: ConsoleId,
    /// Whose.
    pub node: NodeId,
    /// As the hub last said.
    pub status: SessionStatus,
    /// The newest picture.
    pub frame: Option<Arc<Frame>>,
    /// Looking at the history.
    pub scroll: Option<Scroll>,
    /// Something came while it had no focus.
    pub unseen: bool,
    /// Its node is configured otherwise now: the transport that it was opened with.
    pub outdated: Option<String>,
}

impl Pane {
    /// Whether the hub has a session for it; else it is only a place.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status.state != ConsoleState::Detached
    }
}

/// A frozen view of a console's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Scroll {
    /// First line shown.
    pub top: u64,
    /// The cursor.
    pub cursor: LinePos,
    /// Where a selection began, and whether it takes whole lines.
    pub select: Option<(LinePos, bool)>,
    /// The text being typed after `/` or `?`, and whether it searches backward.
    pub typing: Option<(Input, bool)>,
    /// The last search.
    pub search: Option<(String, bool)>,
    /// The search that is awaited.
    pub awaiting: Option<RequestId>,
    /// The match under the cursor.
    pub found: Option<(LinePos, LinePos)>,
    /// What a search said: "not found", a bad pattern.
    pub message: Option<String>,
}

/// How much of a prefix was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrefixState {
    /// Nothing.
    #[default]
    None,
    /// The first key of a two-key prefix.
    Half,
    /// All of it: the next key is a command.
    Armed,
}

/// A line being edited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Input {
    /// The text.
    pub text: String,
    /// Cursor as a character index.
    pub cursor: usize,
}

/// What can lie over the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// A verb menu.
    Menu(Menu),
    /// A confirmation.
    Confirm(Box<Confirm>),
    /// The filter being typed; `before` comes back with esc.
    Filter {
        /// The text so far.
        input: Input,
        /// The text before.
        before: String,
    },
    /// The command prompt and palette.
    Command {
        /// The text so far.
        input: Input,
        /// What could complete it: text and explanation.
        candidates: Vec<(String, String)>,
        /// The one picked with tab or the arrows.
        picked: Option<usize>,
        /// What was wrong with the last enter.
        error: Option<String>,
    },
    /// Raw bytes being typed.
    Raw {
        /// Hexadecimal text.
        input: Input,
        /// What is wrong with it.
        error: Option<String>,
    },
    /// Help for a context, scrolled.
    Help {
        /// First line shown.
        top: usize,
    },
    /// Details of a node, scrolled.
    Details {
        /// Which.
        node: NodeId,
        /// First line shown.
        top: usize,
        /// The controller's identity once asked for.
        info: Option<Result<Vec<(String, String)>, Fault>>,
    },
    /// The action log.
    Actions(ActionLog),
}

/// The action log as it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ActionLog {
    /// The entry that keys act on; `None`: the newest, whichever that is.
    pub selected: Option<RequestId>,
    /// Lines scrolled on from where the selected entry is seen best.
    pub scroll: isize,
}

/// A verb menu.
#[derive(Debug, Clone, PartialEq)]
pub struct Menu {
    /// `power`, `boot` or `BMC`.
    pub title: String,
    /// On whom it will act.
    pub targets: Vec<NodeId>,
    /// Marked nodes that the filter hides, among the targets.
    pub hidden: usize,
    /// What can be picked.
    pub items: Vec<MenuItem>,
    /// The row under the cursor.
    pub cursor: usize,
    /// Boot menu: for all boots. Toggled.
    pub persistent: bool,
    /// Boot menu: EFI. Toggled.
    pub uefi: bool,
}

/// A row of a menu.
#[derive(Debug, Clone, PartialEq)]
pub struct MenuItem {
    /// Its keys, the first of which is shown; none leaves it to the cursor.
    pub keys: Vec<Key>,
    /// Its words.
    pub label: String,
    /// Why it cannot be picked, if it cannot: "not with driver qemu", "read-only".
    pub disabled: Option<String>,
    /// A toggle's state.
    pub checked: Option<bool>,
    /// What it does.
    pub pick: MenuPick,
}

/// What a menu row does.
#[derive(Debug, Clone, PartialEq)]
pub enum MenuPick {
    /// Act.
    Verb(Verb),
    /// Set the boot device with the menu's toggles.
    Boot(BootDevice),
    /// Turn `persistent` round.
    Persistent,
    /// Turn `uefi` round.
    Uefi,
    /// Ask for raw bytes.
    Raw,
    /// Cancel what is pending.
    Cancel,
}

/// A confirmation. Cancel has the focus until the operator moves or types.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirm {
    /// What is asked.
    pub what: Question,
    /// On whom.
    pub targets: Vec<NodeId>,
    /// Folded names.
    pub folded: String,
    /// How many of them are on, as last seen.
    pub on: usize,
    /// How many of them have no known state.
    pub unknown: usize,
    /// Those with a console open.
    pub consoles: usize,
    /// Those with a `protected` tag.
    pub protected: usize,
    /// Marked nodes that the filter hides, among the targets.
    pub hidden: usize,
    /// What would be sent, once the hub has said it.
    pub command: Option<String>,
    /// The request that asked for `command`.
    pub describe: Option<RequestId>,
    /// Who holds the SOLs that would be freed, as far as it was told.
    pub holders: Option<Holders>,
    /// Level of proof.
    pub level: ConfirmLevel,
    /// When it was opened: keys of the first 300 ms are ignored.
    pub opened: Millis,
    /// Why the last try did not count.
    pub error: Option<String>,
}

/// What the BMCs say of who holds their SOL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders {
    /// The request that asked.
    pub id: RequestId,
    /// Answers so far, in words.
    pub told: Vec<(NodeId, String)>,
}

/// What a confirmation is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// A verb.
    Verb(Verb),
    /// Take a console from whoever has it.
    Steal {
        /// Which.
        console: ConsoleId,
        /// Who has it, where that is known.
        holder: Option<String>,
    },
    /// Type into several consoles at once.
    Several {
        /// Which.
        consoles: Vec<ConsoleId>,
    },
    /// Leave the program, with what would be lost.
    Quit {
        /// Sessions.
        sessions: usize,
        /// Verbs that were sent and whose effect is still waited for.
        pending: usize,
        /// Verbs that wait for their turn: nothing was sent of them.
        queued: usize,
    },
}

/// What the operator must do to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmLevel {
    /// Press `y`.
    Key,
    /// Type this word (the count, or the node's name), then enter.
    Typed {
        /// The word.
        word: String,
        /// Typed so far.
        input: Input,
    },
}

/// A line for the operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// How grave.
    pub level: Level,
    /// One line.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
    /// When it came.
    pub at: Millis,
    /// Shown until then; errors stay until a key is pressed after they were seen.
    pub until: Millis,
    /// A key was pressed while it was there.
    pub seen: bool,
    /// The action log tells the same as an entry of its own.
    pub logged: bool,
}

/// An entry of the action log: one request on some nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its request.
    pub id: RequestId,
    /// When.
    pub at: Millis,
    /// What.
    pub verb: Verb,
    /// Where.
    pub nodes: Vec<NodeId>,
    /// The results so far.
    pub results: Vec<VerbResult>,
}
