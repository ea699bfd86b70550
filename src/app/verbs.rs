//! Verbs on their way to the hub: menus, the guard's questions, the request.
//!
//! [`send_verb`] is the only place that makes a verb request; only [`ask`] (when the guard wants
//! nothing) and a confirmed question call it.

use super::{
    Abilities, Effect, State,
    commands::{self, Context},
    guard::{self, Guard},
    state::{
        Action, ActionLog, Confirm, ConfirmLevel, Holders, Input, Menu, MenuItem, MenuPick, Overlay, Pane,
        Question,
    },
};
use crate::fleet::{BmcReset, BootDevice, BootSetting, ConsoleState, Node, NodeId, Power, PowerVerb, Verb};
use crate::hub::message::{Phase, Request, RequestId};

/// Entries of the action log that are kept.
const ACTIONS: usize = 200;

/// So many BMCs are asked who holds their SOL before it is freed.
const HOLDERS: usize = 16;

/// Opens a verb menu on these nodes, of which the filter hides some. They stay the same until the
/// menu is closed, whatever happens to the table.
pub(super) fn open_menu(
    state: &mut State,
    menu: Context,
    (targets, hidden): (Vec<NodeId>, usize),
) -> Result<(), String> {
    if targets.is_empty() {
        return Err("there is no node to act on".into());
    }
    let title = match menu {
        Context::PowerMenu => "power",
        Context::BootMenu => "boot",
        _ => "BMC",
    };
    let mut items: Vec<MenuItem> = Vec::new();
    // A row whose key was taken away is still there for the cursor.
    for (command, _) in commands::bound(menu) {
        let Some(pick) = command.pick().filter(|pick| items.iter().all(|item| item.pick != **pick)) else {
            continue;
        };
        items.push(MenuItem {
            keys: state.keys.of(menu, command.name).map(|bound| bound.key).collect(),
            label: command.help.to_owned(),
            disabled: cannot(state, pick, &targets),
            checked: matches!(pick, MenuPick::Persistent | MenuPick::Uefi).then_some(false),
            pick: pick.clone(),
        });
    }
    state.overlays.push(Overlay::Menu(Menu {
        title: title.to_owned(),
        targets,
        hidden,
        items,
        cursor: 0,
        persistent: false,
        uefi: false,
    }));
    Ok(())
}

/// A verb that stands for a menu row where only its kind matters.
fn sample(pick: &MenuPick) -> Option<Verb> {
    match pick {
        MenuPick::Verb(verb) => Some(verb.clone()),
        MenuPick::Boot(device) => Some(boot(*device, false, false)),
        MenuPick::Raw => Some(Verb::Raw(Vec::new())),
        MenuPick::Persistent | MenuPick::Uefi | MenuPick::Cancel => None,
    }
}

/// The verb that sets a boot device.
pub(super) fn boot(device: BootDevice, persistent: bool, uefi: bool) -> Verb {
    Verb::BootSet(BootSetting { device: Some(device), persistent, uefi })
}

/// Why a menu row cannot be picked.
fn cannot(state: &State, pick: &MenuPick, targets: &[NodeId]) -> Option<String> {
    if *pick == MenuPick::Cancel {
        let pending =
            targets.iter().any(|node| state.row(*node).is_some_and(|row| row.status.pending.is_some()));
        return (!pending).then(|| "nothing is pending".into());
    }
    let verb = sample(pick)?;
    if let Guard::Refused { reason, nodes } =
        guard::confirm_level(&verb, &nodes_of(state, targets), state.read_only)
    {
        return Some(refusal(state, &reason, &nodes));
    }
    unable(state, &verb, targets)
}

fn nodes_of<'a>(state: &'a State, targets: &[NodeId]) -> Vec<&'a Node> {
    targets.iter().filter_map(|node| state.row(*node)).map(|row| &row.node).collect()
}

fn refusal(state: &State, reason: &str, nodes: &[NodeId]) -> String {
    match nodes {
        [] => reason.to_owned(),
        nodes => format!("{reason}: {}", state.folded(nodes)),
    }
}

/// Why the drivers of these nodes cannot do `verb`, naming the first kind that cannot.
fn unable(state: &State, verb: &Verb, targets: &[NodeId]) -> Option<String> {
    let mut cannot: Vec<(Option<&str>, NodeId)> = Vec::new();
    for node in nodes_of(state, targets) {
        let able = match &node.driver {
            None => false,
            Some(driver) => {
                let known = state.inner.abilities.iter().find(|(name, _)| name == driver);
                known.is_none_or(|(_, abilities)| can(*abilities, verb))
            }
        };
        if !able {
            cannot.push((node.driver.as_deref(), node.id));
        }
    }
    let (driver, _) = *cannot.first()?;
    let same: Vec<NodeId> =
        cannot.iter().filter(|(name, _)| *name == driver).map(|(_, node)| *node).collect();
    let why =
        driver.map_or_else(|| "no BMC is configured".to_owned(), |name| format!("not with driver {name}"));
    Some(if targets.len() == 1 { why } else { format!("{why}: {}", state.folded(&same)) })
}

fn can(abilities: Abilities, verb: &Verb) -> bool {
    match verb {
        Verb::Status
        | Verb::Checkup
        | Verb::Power(PowerVerb::On | PowerVerb::Off | PowerVerb::Reset | PowerVerb::Reboot) => true,
        Verb::Power(PowerVerb::Soft) => abilities.soft,
        Verb::Power(PowerVerb::Cycle) => abilities.cycle,
        Verb::Power(PowerVerb::Nmi) => abilities.nmi,
        Verb::BootGet | Verb::BootSet(_) => abilities.boot,
        Verb::ResetBmc(BmcReset::Warm | BmcReset::Cold) => abilities.reset_bmc,
        Verb::Info => abilities.info,
        Verb::Raw(_) => abilities.raw,
        Verb::Identify(_) => abilities.identify,
        Verb::FreeSol | Verb::SolHolder => abilities.sol,
    }
}

/// Does `verb` on these nodes, or asks first, as the guard says. A node that the filter hides is
/// never acted on without a question that says so.
pub(super) fn ask(
    state: &mut State,
    verb: Verb,
    (targets, hidden): (Vec<NodeId>, usize),
    out: &mut Vec<Effect>,
) -> Result<(), String> {
    let level = match guard::confirm_level(&verb, &nodes_of(state, &targets), state.read_only) {
        Guard::Refused { reason, nodes } => {
            return Err(format!("{}: {}", verb.words(), refusal(state, &reason, &nodes)));
        }
        Guard::None if hidden == 0 || verb.is_read() => None,
        Guard::None | Guard::Key => Some(ConfirmLevel::Key),
        Guard::Typed(word) => Some(ConfirmLevel::Typed { word, input: Input::default() }),
    };
    if let Some(why) = unable(state, &verb, &targets) {
        return Err(format!("{}: {why}", verb.words()));
    }
    match level {
        None => send_verb(state, verb, targets, out),
        Some(level) => open_confirm(state, verb, targets, hidden, level, out),
    }
    Ok(())
}

fn open_confirm(
    state: &mut State,
    verb: Verb,
    targets: Vec<NodeId>,
    hidden: usize,
    level: ConfirmLevel,
    out: &mut Vec<Effect>,
) {
    let describe = targets.first().map(|node| {
        let id = RequestId(state.next_id());
        out.push(Effect::Hub(Box::new(Request::Describe { id, verb: verb.clone(), node: *node })));
        id
    });
    let holders = (verb == Verb::FreeSol && targets.len() <= HOLDERS).then(|| {
        let id = RequestId(state.next_id());
        let (verb, nodes) = (Verb::SolHolder, targets.clone());
        out.push(Effect::Hub(Box::new(Request::Verb { id, verb, nodes, timeout: None, wait: true })));
        Holders { id, told: Vec::new() }
    });
    let protected = nodes_of(state, &targets).iter().filter(|node| node.protected).count();
    let confirm = Confirm {
        folded: state.folded(&targets),
        targets,
        protected,
        hidden,
        describe,
        holders,
        ..question(state, Question::Verb(verb), level)
    };
    state.overlays.push(Overlay::Confirm(Box::new(confirm)));
    recount(state);
}

/// What the open confirmation says of its nodes follows what is seen of them.
pub(super) fn recount(state: &mut State) {
    let Some(Overlay::Confirm(confirm)) = state.overlays.last() else {
        return;
    };
    let seen = |power: Power| {
        let is = |node: &&NodeId| state.row(**node).is_some_and(|row| row.status.seen.value == power);
        confirm.targets.iter().filter(is).count()
    };
    let (on, unknown) = (seen(Power::On), seen(Power::Unknown));
    let frees = confirm.what == Question::Verb(Verb::FreeSol);
    // Only a console that is attached by SOL goes with it.
    let counts = |pane: &Pane| {
        let sol = || state.row(pane.node).is_some_and(|row| row.node.transport.as_deref() == Some("sol"));
        !frees || (matches!(pane.status.state, ConsoleState::Attached { .. }) && sol())
    };
    let open =
        |node: &&NodeId| state.panes.iter().any(|pane| pane.node == **node && pane.is_open() && counts(pane));
    let consoles = confirm.targets.iter().filter(open).count();
    if let Some(Overlay::Confirm(confirm)) = state.overlays.last_mut() {
        confirm.on = on;
        confirm.unknown = unknown;
        confirm.consoles = consoles;
    }
}

/// Sends a verb that needs no proof any more.
pub(super) fn send_verb(state: &mut State, verb: Verb, nodes: Vec<NodeId>, out: &mut Vec<Effect>) {
    let id = RequestId(state.next_id());
    for node in &nodes {
        if let Some(row) = state.nodes.get_mut(node.index()) {
            row.last = None;
        }
    }
    if let ([node], Verb::Info) = (nodes.as_slice(), &verb) {
        state.inner.info = Some(id);
        state.overlays.push(Overlay::Details { node: *node, top: 0, info: None });
    }
    state.say(format!("{}: {}", verb.words(), state.folded(&nodes)));
    for overlay in &mut state.overlays {
        if let Overlay::Actions(log) = overlay {
            *log = ActionLog::default();
        }
    }
    state.actions.push_back(Action {
        id,
        at: state.now,
        verb: verb.clone(),
        nodes: nodes.clone(),
        results: Vec::new(),
    });
    while state.actions.len() > ACTIONS {
        state.actions.pop_front();
    }
    out.push(Effect::Hub(Box::new(Request::Verb { id, verb, nodes, timeout: None, wait: true })));
}

/// Stops waiting for what is pending on these nodes.
pub(super) fn cancel(state: &mut State, targets: &[NodeId], out: &mut Vec<Effect>) -> Result<(), String> {
    let pending = |node: &NodeId| state.row(*node).and_then(|row| row.status.pending.as_ref());
    let ours: Vec<NodeId> = targets
        .iter()
        .copied()
        .filter(|node| pending(node).is_some_and(|pending| pending.id.is_some()))
        .collect();
    if ours.is_empty() {
        let Some(other) = targets.iter().find_map(pending) else {
            return Err("nothing is pending".into());
        };
        let by = other.by.as_ref().map_or_else(String::new, |by| format!(" ({by})"));
        return Err(format!("what is pending was begun in another lightsout{by}; cancel it there"));
    }
    state.say(format!("cancelling: {}", state.folded(&ours)));
    out.push(Effect::Hub(Box::new(Request::Cancel { nodes: ours })));
    Ok(())
}

/// Asks whether a console may be taken from whoever has it.
pub(super) fn ask_steal(state: &mut State) -> Result<(), String> {
    let pane = state.meant_pane()?;
    let (console, node) = (pane.console, pane.node);
    let name = state.name(node).to_owned();
    if !pane.status.state.can_steal() {
        return Err(match pane.status.state {
            ConsoleState::Busy { .. } => format!("the console of {name} cannot be taken from its holder"),
            _ => format!("nobody else has the console of {name}"),
        });
    }
    let holder = pane.status.state.holder().map(str::to_owned);
    let row = state.row(node).ok_or("there is no such node")?;
    guard::may_type(&row.node, state.read_only).map_err(|why| format!("not taken: {why}"))?;
    let level = if row.node.protected {
        ConfirmLevel::Typed { word: name.clone(), input: Input::default() }
    } else {
        ConfirmLevel::Key
    };
    let confirm = Confirm {
        folded: name,
        targets: vec![node],
        ..question(state, Question::Steal { console, holder }, level)
    };
    state.overlays.push(Overlay::Confirm(Box::new(confirm)));
    Ok(())
}

/// The name of the holder may come while the question is open: then it is about that holder.
pub(super) fn name_holder(state: &mut State) {
    let Some(Overlay::Confirm(confirm)) = state.overlays.last() else { return };
    let Question::Steal { console, holder: None } = confirm.what else { return };
    let Some(name) = state.pane(console).and_then(|pane| pane.status.state.holder()).map(str::to_owned)
    else {
        return;
    };
    if let Some(Overlay::Confirm(confirm)) = state.overlays.last_mut() {
        confirm.what = Question::Steal { console, holder: Some(name) };
    }
}

/// A question with nothing filled in.
pub(super) fn question(state: &State, what: Question, level: ConfirmLevel) -> Confirm {
    Confirm {
        what,
        targets: Vec::new(),
        folded: String::new(),
        on: 0,
        unknown: 0,
        consoles: 0,
        protected: 0,
        hidden: 0,
        command: None,
        describe: None,
        holders: None,
        level,
        opened: state.now,
        error: None,
    }
}

/// Leaves, after a question when something would be lost.
pub(super) fn quit(state: &mut State, out: &mut Vec<Effect>) {
    let sessions = state.panes.iter().filter(|pane| pane.is_open() && !pane.status.state.is_dead()).count();
    let ours = state.nodes.iter().filter_map(|row| row.status.pending.as_ref());
    let (queued, sent): (Vec<_>, Vec<_>) = ours
        .filter(|pending| pending.id.is_some())
        .map(|pending| pending.phase)
        .partition(|phase| matches!(phase, Phase::Queued | Phase::Turn { .. }));
    let (queued, pending) = (queued.len(), sent.len());
    if sessions == 0 && pending == 0 && queued == 0 {
        state.quitting = true;
        out.push(Effect::Quit);
        return;
    }
    let confirm = question(state, Question::Quit { sessions, pending, queued }, ConfirmLevel::Key);
    state.overlays.push(Overlay::Confirm(Box::new(confirm)));
}
