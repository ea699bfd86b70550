//! Menus, confirmations, prompts, pages.

use super::fixture::*;
use crate::app::message::{Level, Outcome, RequestId, VerbResult};
use crate::app::state::{
    Action, ActionLog, Confirm, ConfirmLevel, Holders, Input, Menu, MenuItem, MenuPick, Notice, Overlay,
    Question,
};
use crate::app::{Key, State};
use crate::fleet::{BootDevice, FaultClass, NodeId, Power, PowerVerb, Verb};
use crate::hub::message::ConsoleId;
use crate::theme::ColorDepth;
use crate::ui::Glyphs;
use insta::assert_snapshot;
use std::time::Duration;

fn with(size: (u16, u16), overlay: Overlay) -> State {
    let mut state = fleet(size, 0);
    state.overlays.push(overlay);
    state
}

fn input(text: &str) -> Input {
    Input { text: text.into(), cursor: text.chars().count() }
}

fn item(key: char, label: &str, disabled: Option<&str>, pick: MenuPick) -> MenuItem {
    MenuItem {
        keys: vec![Key::char(key)],
        label: label.into(),
        disabled: disabled.map(Into::into),
        checked: None,
        pick,
    }
}

pub fn power_menu(targets: Vec<NodeId>, hidden: usize) -> Overlay {
    let keys = ['o', 'f', 's', 'c', 'r', 'b', 'n'];
    let items = PowerVerb::ALL.into_iter().zip(keys).map(|(verb, key)| {
        let disabled = (verb == PowerVerb::Nmi).then_some("not with driver qemu");
        item(key, verb.name(), disabled, MenuPick::Verb(Verb::Power(verb)))
    });
    let mut items: Vec<MenuItem> = items.collect();
    items.push(item('x', "cancel what is pending", Some("nothing is pending"), MenuPick::Cancel));
    Overlay::Menu(Menu {
        title: "power".into(),
        targets,
        hidden,
        items,
        cursor: 1,
        persistent: false,
        uefi: false,
    })
}

fn boot_menu() -> Overlay {
    let keys = ['p', 'd', 's', 'c', 'b', 'n'];
    let items = BootDevice::ALL.into_iter().zip(keys);
    let mut items: Vec<MenuItem> =
        items.map(|(device, key)| item(key, device.name(), None, MenuPick::Boot(device))).collect();
    for (key, label, checked, pick) in
        [('P', "for all boots", true, MenuPick::Persistent), ('u', "EFI", false, MenuPick::Uefi)]
    {
        let mut toggle = item(key, label, None, pick);
        toggle.checked = Some(checked);
        items.push(toggle);
    }
    Overlay::Menu(Menu {
        title: "boot".into(),
        targets: vec![NodeId(1)],
        hidden: 0,
        items,
        cursor: 0,
        persistent: true,
        uefi: false,
    })
}

pub fn confirm(targets: &[u32], level: ConfirmLevel) -> Confirm {
    Confirm {
        what: Question::Verb(Verb::Power(PowerVerb::Off)),
        targets: targets.iter().map(|id| NodeId(*id)).collect(),
        folded: if targets.len() == 1 { "r1n01".into() } else { "r1n[01-04],sw1".into() },
        on: 1,
        unknown: 0,
        consoles: 0,
        protected: 0,
        hidden: 0,
        command: Some("ipmitool chassis power off".into()),
        describe: None,
        holders: None,
        level,
        opened: ago(2),
        error: None,
    }
}

/// One overlay of each kind.
pub fn one_of_each() -> Vec<Overlay> {
    let candidates = vec![("power off".to_owned(), "hard".to_owned()); 20];
    vec![
        power_menu(vec![NodeId(0), NodeId(6)], 1),
        boot_menu(),
        Overlay::Confirm(Box::new(confirm(&[0, 1, 2], typed("3", "")))),
        Overlay::Filter { input: input("state:off"), before: String::new() },
        Overlay::Command { input: input("po"), candidates, picked: Some(1), error: None },
        Overlay::Raw { input: input("06 01"), error: None },
        Overlay::Help { top: 0 },
        Overlay::Details { node: NodeId(3), top: 0, info: None },
        Overlay::Actions(ActionLog::default()),
    ]
}

fn typed(word: &str, text: &str) -> ConfirmLevel {
    ConfirmLevel::Typed { word: word.into(), input: input(text) }
}

#[test]
fn power_menu_of_one_node() {
    assert_snapshot!(picture(&with((80, 24), power_menu(vec![NodeId(6)], 0)), &look()));
}

#[test]
fn power_menu_of_many_some_hidden() {
    let targets = vec![NodeId(0), NodeId(1), NodeId(2)];
    assert_snapshot!(picture(&with((80, 24), power_menu(targets, 2)), &look()));
}

#[test]
fn power_menu_at_40x10() {
    assert_snapshot!(picture(&with((40, 10), power_menu(vec![NodeId(6)], 0)), &look()));
}

#[test]
fn boot_menu_with_toggles() {
    assert_snapshot!(picture(&with((80, 24), boot_menu()), &look()));
}

#[test]
fn menu_in_ascii() {
    let look = look_in("mono", ColorDepth::Mono, Glyphs::Ascii);
    assert_snapshot!(picture(&with((80, 24), boot_menu()), &look));
}

#[test]
fn confirmation_by_key() {
    let overlay = Overlay::Confirm(Box::new(confirm(&[0], ConfirmLevel::Key)));
    assert_snapshot!(picture(&with((80, 24), overlay), &look()));
}

#[test]
fn confirmation_by_word_with_everything_to_know() {
    let mut confirm = confirm(&[0, 1, 2, 3, 5], typed("5", "4"));
    confirm.consoles = 2;
    confirm.unknown = 2;
    confirm.protected = 1;
    confirm.hidden = 1;
    confirm.error = Some("that is not 5".into());
    assert_snapshot!(picture(&with((80, 24), Overlay::Confirm(Box::new(confirm))), &look()));
}

#[test]
fn confirmation_at_40x8_keeps_question_and_answer() {
    let mut confirm = confirm(&[0, 1, 2, 3, 5], typed("5", ""));
    confirm.consoles = 2;
    confirm.protected = 1;
    assert_snapshot!(picture(&with((40, 8), Overlay::Confirm(Box::new(confirm))), &look()));
}

#[test]
fn typing_into_several_is_asked() {
    let mut confirm = confirm(&[0, 1], ConfirmLevel::Key);
    confirm.what = Question::Several { consoles: vec![ConsoleId(1), ConsoleId(2)] };
    assert_snapshot!(picture(&with((80, 24), Overlay::Confirm(Box::new(confirm))), &look()));
}

#[test]
fn quitting_is_asked() {
    let mut confirm = confirm(&[], ConfirmLevel::Key);
    confirm.what = Question::Quit { sessions: 2, pending: 1, queued: 3 };
    assert_snapshot!(picture(&with((80, 24), Overlay::Confirm(Box::new(confirm))), &look()));
}

#[test]
fn filter_prompt() {
    let overlay = Overlay::Filter { input: input("state:off"), before: String::new() };
    assert_snapshot!(picture(&with((80, 24), overlay), &look()));
}

#[test]
fn command_prompt_with_candidates() {
    let candidates = (0..12).map(|n| (format!("power verb{n}"), format!("what verb {n} does to the node")));
    let overlay = Overlay::Command {
        input: input("power "),
        candidates: candidates.collect(),
        picked: Some(9),
        error: None,
    };
    assert_snapshot!(picture(&with((80, 24), overlay), &look()));
}

#[test]
fn command_prompt_with_an_error() {
    let overlay = Overlay::Command {
        input: input("powr"),
        candidates: Vec::new(),
        picked: None,
        error: Some(r#"no command "powr"; did you mean "power"?"#.into()),
    };
    assert_snapshot!(picture(&with((80, 24), overlay), &look()));
}

#[test]
fn raw_prompt_longer_than_the_line() {
    let overlay = Overlay::Raw { input: input(&"06 01 ".repeat(20)), error: None };
    assert_snapshot!(picture(&with((80, 24), overlay), &look()));
}

#[test]
fn help_of_the_table() {
    assert_snapshot!(picture(&with((80, 24), Overlay::Help { top: 0 }), &look()));
}

#[test]
fn help_scrolled_past_its_end_stops_there() {
    assert_snapshot!(picture(&with((80, 24), Overlay::Help { top: 999 }), &look()));
}

#[test]
fn details_of_a_node_that_does_not_answer() {
    let overlay = Overlay::Details {
        node: NodeId(3),
        top: 0,
        info: Some(Ok(vec![("manufacturer".into(), "Example".into()), ("firmware".into(), "1.04".into())])),
    };
    assert_snapshot!(picture(&with((80, 24), overlay), &look()));
}

#[test]
fn details_and_note_tell_of_a_lit_locator_led_until_it_goes_off() {
    use crate::app::message::Lit;
    let mut state = with((80, 24), Overlay::Details { node: NodeId(0), top: 0, info: None });
    state.nodes[0].status.locator = Some(Lit::Until(NOW + Duration::from_secs(240)));
    assert!(picture(&state, &look()).contains("locator    lit from here until 22:35:"));
    state.now = NOW + Duration::from_secs(240);
    assert!(!picture(&state, &look()).contains("locator"));
    state.nodes[0].status.locator = Some(Lit::On);
    assert!(picture(&state, &look()).contains("until it is turned off"));
}

#[test]
fn details_of_a_node_with_a_pending_verb() {
    let overlay = Overlay::Details { node: NodeId(2), top: 0, info: None };
    assert_snapshot!(picture(&with((80, 24), overlay), &look()));
}

#[test]
fn details_say_where_a_console_is() {
    let mut state = fleet((80, 24), 0);
    for (id, transport, place) in
        [(0, "telnet", "10.1.2.9:7001"), (1, "command", "virsh console r1n02"), (2, "sol", "")]
    {
        let node = &mut state.nodes[id].node;
        (node.transport, node.console) = (Some(transport.to_owned()), place.to_owned());
        state.overlays = vec![Overlay::Details { node: node.id, top: 0, info: None }];
        let screen = picture(&state, &look());
        let line = screen.lines().find(|line| line.contains("console   ")).expect("a line of its own");
        let told = if place.is_empty() { transport.to_owned() } else { format!("{transport}: {place}") };
        assert!(line.contains(&format!("console    {told} ")), "{line}");
        assert!(screen.contains("next poll") && screen.contains("boot  "), "{screen}");
        state.nodes[id].node.driver = None;
        let bare = picture(&state, &look());
        assert!(!bare.contains("next poll") && !bare.contains("never read"), "{bare}");
    }
}

#[test]
fn action_log() {
    let mut state = with((80, 24), Overlay::Actions(ActionLog::default()));
    let result = |node: u32, outcome| VerbResult {
        id: RequestId(1),
        node: NodeId(node),
        verb: Verb::Power(PowerVerb::Off),
        outcome,
        power: Power::Off,
        elapsed: Duration::from_millis(6400),
    };
    state.actions.push_back(Action {
        id: RequestId(1),
        at: ago(70),
        verb: Verb::Power(PowerVerb::Off),
        nodes: vec![NodeId(0), NodeId(3), NodeId(4)],
        results: vec![
            result(0, Outcome::Confirmed),
            result(3, Outcome::Failed(fault(FaultClass::Timeout, "no answer within 5 s"))),
        ],
    });
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn action_log_of_a_running_action_with_an_older_one_selected() {
    let log = ActionLog { selected: Some(RequestId(1)), scroll: 0 };
    let mut state = with((80, 24), Overlay::Actions(log));
    for id in [1, 7] {
        state.actions.push_back(Action {
            id: RequestId(id),
            at: ago(80 - id * 10),
            verb: Verb::Power(PowerVerb::On),
            nodes: vec![NodeId(0), NodeId(1), NodeId(2), NodeId(3)],
            results: Vec::new(),
        });
    }
    assert_snapshot!(picture(&state, &look()));
}

#[test]
fn the_selected_entry_of_a_long_log_is_in_sight() {
    let mut state = with((80, 24), Overlay::Actions(ActionLog { selected: Some(RequestId(5)), scroll: 0 }));
    for id in 0..40 {
        state.actions.push_back(Action {
            id: RequestId(id),
            at: ago(400 - id),
            verb: Verb::Identify(crate::fleet::Identify::On),
            nodes: vec![NodeId(u32::try_from(id % 8).expect("small"))],
            results: Vec::new(),
        });
    }
    let seen = |state: &State| picture(state, &look());
    let cursor =
        |picture: &str| picture.lines().position(|line| line.contains('▸') && line.contains("identify"));
    assert!(cursor(&seen(&state)).is_some(), "{}", seen(&state));
    for (scroll, visible) in [(0, true), (10, false), (-999, true)] {
        state.overlays = vec![Overlay::Actions(ActionLog { selected: Some(RequestId(5)), scroll })];
        assert_eq!(cursor(&seen(&state)).is_some(), visible, "scrolled by {scroll}");
    }
    state.overlays = vec![Overlay::Actions(ActionLog::default())];
    let newest = seen(&state);
    assert!(cursor(&newest) > Some(15), "the newest is at the bottom: {newest}");
}

#[test]
fn a_log_of_notices_only_shows_the_newest() {
    let mut state = with((80, 24), Overlay::Actions(ActionLog::default()));
    state.notices.clear();
    for count in 0..40 {
        state.notices.push_back(Notice {
            level: Level::Warning,
            text: format!("trouble {count}."),
            hint: None,
            at: ago(400 - count),
            until: ago(0),
            seen: false,
            logged: false,
        });
    }
    let seen = picture(&state, &look());
    assert!(seen.contains("trouble 39.") && !seen.contains("trouble 0."), "{seen}");
    state.overlays = vec![Overlay::Actions(ActionLog { selected: None, scroll: -120 })];
    assert!(picture(&state, &look()).contains("trouble 0."), "and the oldest can be reached");
}

#[test]
fn freeing_an_sol_says_whose_it_is() {
    let mut confirm = confirm(&[0, 1, 2], typed("3", ""));
    confirm.what = Question::Verb(Verb::FreeSol);
    confirm.command = Some("ipmi admin@10.1.1.1 deactivate payload: SOL (06 49 01 01 00 00 00 00)".into());
    confirm.consoles = 1;
    let held = "eve from 10.0.0.7".to_owned();
    let told = vec![(NodeId(0), held.clone()), (NodeId(1), held)];
    confirm.holders = Some(Holders { id: RequestId(1), told });
    assert_snapshot!(picture(&with((80, 24), Overlay::Confirm(Box::new(confirm))), &look()));
}

#[test]
fn action_log_without_actions() {
    assert_snapshot!(picture(
        &with((80, 24), Overlay::Actions(ActionLog { selected: None, scroll: -3 })),
        &look()
    ));
}
