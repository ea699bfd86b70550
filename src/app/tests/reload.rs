//! Another configuration, and a screen that comes back as it was left.

use super::*;
use crate::app::state::Focus;
use crate::app::{Reloaded, Saved};
use crate::fleet::{ConsoleState, SortKey};
use crate::hub::message::{Changes, Fleet, Level};

/// The bench's nodes without these, and `new` behind them.
fn fleet(without: &[u32], new: &[&str], outdated: &[u32]) -> Update {
    let mut all = nodes();
    for name in new {
        all.push(node(u32::try_from(all.len()).unwrap(), name, &["rack2"]));
    }
    let ids = |list: &[u32]| list.iter().map(|id| NodeId(*id)).collect();
    Update::Fleet(Box::new(Fleet { nodes: all, gone: ids(without), outdated: ids(outdated) }))
}

fn reloaded(prefix: &str) -> Reloaded {
    Reloaded {
        prefix: prefix.into(),
        keys: crate::app::Keymap::new(&[]),
        mouse: false,
        taste: Bench::new().state.taste,
        poll_interval: Duration::from_secs(10),
        title: "rack-b".into(),
        changes: Changes { added: 3, removed: 1, changed: 2, later: Vec::new() },
        warnings: Vec::new(),
    }
}

#[test]
fn rows_come_and_go_and_what_was_marked_is_not_acted_on() {
    let mut bench = Bench::new();
    bench.keys("jj<space><space>k");
    assert_eq!((bench.cursor(), bench.marks().as_str()), ("r1n04", "r1n[03-04]"));
    bench.hub(fleet(&[2, 3], &["r2n01"], &[]));
    assert_eq!(bench.shown(), "r1n01 r1n02 r1n05 r1n06 r2n01 s1 t1 vm1 xbare");
    assert_eq!(bench.marks(), "");
    assert_eq!(bench.cursor(), "r1n06", "it stays where it was on the screen");
    bench.keys(":mark r1n03<enter>");
    assert_eq!(bench.marks(), "", "it cannot be named either");
    bench.keys("<esc>*");
    assert_eq!(bench.state.table.marks.len(), 9);
    assert_eq!(crate::app::view::counts(&bench.state).unknown, 8, "who is gone is not counted");
}

#[test]
fn a_question_about_a_node_that_goes_is_withdrawn() {
    let mut bench = Bench::new();
    bench.keys("pf");
    bench.pass(400);
    bench.hub(fleet(&[0], &[], &[]));
    assert!(bench.state.overlays.is_empty());
    bench.keys("y");
    assert_eq!(bench.verb(), None);
    bench.pass(1000).keys("p");
    bench.hub(fleet(&[0, 5], &[], &[]));
    assert!(!bench.state.overlays.is_empty(), "it is about another");
}

#[test]
fn a_question_whose_node_changed_is_withdrawn_and_its_answer_goes_nowhere() {
    let protected = || {
        let mut all = nodes();
        all[0].protected = true;
        Update::Fleet(Box::new(Fleet { nodes: all, gone: Vec::new(), outdated: Vec::new() }))
    };
    // Another guard holds, or another BMC or password than the question named.
    for update in [protected(), fleet(&[], &[], &[0])] {
        let mut bench = Bench::new();
        let console = bench.attach();
        bench.keys("<ctrl-]><esc>pf");
        bench.pass(400);
        bench.hub(fleet(&[], &["r2n01"], &[3]));
        assert_eq!(bench.confirm().folded, "r1n01", "others are no concern of it");
        bench.hub(update);
        assert!(bench.state.overlays.is_empty());
        assert!(bench.said().ends_with("nothing was done, ask again"), "{}", bench.said());
        bench.keys("y").pass(300).keys("po<tab>x<enter>");
        bench.event(Event::Paste("reboot\r".into()));
        assert_eq!((bench.verb(), bench.typed()), (None, Vec::new()), "what is typed on is meant for it");
        bench.pass(1000).keys("<tab>x");
        assert_eq!(bench.typed(), b"x", "{console:?}");
    }
}

#[test]
fn a_menu_stays_with_its_node_and_asks_by_the_new_guard() {
    let mut bench = Bench::new();
    bench.keys("p");
    let mut all = nodes();
    all[0].read_only = true;
    bench.hub(Update::Fleet(Box::new(Fleet { nodes: all, gone: Vec::new(), outdated: vec![NodeId(0)] })));
    bench.keys("o");
    assert_eq!(bench.verb(), None);
    assert!(bench.said().contains("read-only by a tag"), "{}", bench.said());
}

#[test]
fn an_open_console_stays_when_its_node_changes_or_goes() {
    let mut bench = Bench::new();
    let console = bench.attach();
    bench.hub(fleet(&[], &[], &[0]));
    assert_eq!(bench.state.pane(console).unwrap().outdated.as_deref(), Some("sol"));
    bench.keys("<ctrl-]>o");
    assert!(bench.state.pane(console).unwrap().outdated.is_none());
    assert!(
        matches!(bench.requests()[..], [Request::Console { console: it, what: ConsoleRequest::Reopen }] if it == console)
    );
    bench.hub(fleet(&[0], &[], &[]));
    bench.keys("x");
    assert_eq!(bench.typed(), b"x", "it is as open as before");
    bench.keys("<ctrl-]>o");
    assert!(bench.requests().is_empty());
    assert!(bench.said().contains("any more: it stays as it is"), "{}", bench.said());
    bench.keys("<ctrl-]>.");
    assert!(matches!(bench.requests()[..], [Request::Console { what: ConsoleRequest::Detach, .. }]));
    assert!(bench.state.panes.is_empty());
}

#[test]
fn the_screen_takes_prefix_title_and_interval() {
    let mut bench = Bench::new();
    bench.attach();
    bench.keys("<ctrl-]>");
    bench.event(Event::Reloaded(Ok(Box::new(reloaded("ctrl-g")))));
    assert_eq!(bench.said(), "reloaded: 3 nodes added, 1 removed, 2 changed");
    assert_eq!((bench.state.prefix.as_str(), bench.state.title.as_str()), ("ctrl-g", "rack-b"));
    bench.keys(".<ctrl-]>");
    assert_eq!(bench.typed(), b".\x1d", "half a command of the old prefix is none of the new");
    bench.keys("<ctrl-g>.");
    assert!(bench.state.panes.is_empty());
}

#[test]
fn a_broken_configuration_is_said_and_all_of_it_is_in_the_action_log() {
    let mut bench = Bench::new();
    bench.keys(":reload<enter>");
    assert!(bench.effects.contains(&Effect::Reload));
    let problems =
        ["/etc/x/c.toml:3:1: poll: unknown key\n  help: a typo", "c.toml:9:1: second\n  help: mend it"];
    let before = bench.state.prefix.clone();
    bench.event(Event::Reloaded(Err(problems.map(String::from).to_vec())));
    assert_eq!(bench.said(), "not reloaded (and 1 more): c.toml:3:1: poll: unknown key");
    let notice = bench.state.current_notice().unwrap();
    assert_eq!(
        (notice.level, notice.hint.as_deref()),
        (Level::Error, Some("L shows all, lightsout config check too"))
    );
    let logged: Vec<&str> = bench.state.notices.iter().map(|notice| notice.text.as_str()).collect();
    assert!(logged.contains(&"c.toml:9:1: second"), "{logged:?}");
    assert_eq!(bench.state.prefix, before);
    bench.event(Event::Reloaded(Err(vec!["c.toml:9:1: only\n  help: mend it".into()])));
    assert_eq!(bench.said(), "not reloaded: c.toml:9:1: only");
    assert_eq!(bench.state.current_notice().unwrap().hint.as_deref(), Some("help: mend it"));
    bench.event(Event::Reloaded(Ok(Box::new(reloaded("ctrl-]")))));
    assert!(bench.said().starts_with("reloaded: 3 nodes"), "what was wrong is mended: {}", bench.said());
}

/// A bench with what another left, of a fleet without r1n05.
fn next_run(saved: &Saved) -> Bench {
    let mut bench = Bench::new();
    bench.hub(fleet(&[4], &[], &[]));
    bench.state.restore(saved);
    bench.event(Event::Tick);
    bench.effects.retain(
        |effect| matches!(effect, Effect::Hub(request) if matches!(**request, Request::Console { .. })),
    );
    bench
}

fn left() -> Saved {
    let mut bench = Bench::new();
    bench.keys(":sort config<enter>S/tag:rack1<enter>");
    bench.attach();
    bench.keys("<ctrl-]><esc>j");
    bench.attach();
    bench.keys("<ctrl-]><esc>j");
    bench.attach();
    bench.keys("<ctrl-]>z");
    bench.state.saved("/etc/one.toml")
}

#[test]
fn the_screen_comes_back_as_it_was_left_and_no_console_is_attached() {
    let text = left().text();
    let saved = Saved::parse(&text, "/etc/one.toml").expect("our own");
    let mut bench = next_run(&saved);
    assert_eq!((bench.state.table.sort, bench.state.table.reverse), (SortKey::Config, true));
    assert_eq!(
        (bench.state.table.filter_text.as_str(), bench.shown().as_str()),
        ("tag:rack1", "r1n06 r1n04 r1n03 r1n02 r1n01")
    );
    let places: Vec<&str> = bench.state.panes.iter().map(|pane| bench.state.name(pane.node)).collect();
    assert_eq!(places, ["r1n06", "r1n04"]);
    assert!(bench.state.panes.iter().all(|pane| pane.status.state == ConsoleState::Detached));
    assert!(bench.state.zoom && matches!(bench.state.focus, Focus::Pane(_)));
    assert!(
        !bench.effects.iter().any(|effect| format!("{effect:?}").contains("Attach")),
        "{:?}",
        bench.effects
    );
    assert_eq!(bench.said(), "as you left it: filter tag:rack1; 2 consoles, detached");
    assert_eq!(crate::app::hints(&bench.state)[0], ("enter".to_owned(), "attach".to_owned()));
    bench.effects.clear();
    bench.keys("ls");
    assert!(bench.requests().is_empty() && bench.said().contains("is detached; enter attaches it"));
    bench.keys("<enter>");
    assert!(matches!(
        bench.requests()[..],
        [Request::Console { what: ConsoleRequest::Attach { node: NodeId(3), .. }, .. }]
    ));
    assert_eq!(bench.state.panes.len(), 2, "in its place");
}

#[test]
fn places_are_nothing_that_can_be_lost_and_are_closed_without_a_word() {
    let mut bench = next_run(&left());
    bench.effects.clear();
    for _ in 0..2 {
        bench.keys("<ctrl-]>n<ctrl-]>.");
        bench.keys("1");
    }
    assert!(bench.state.panes.is_empty() && bench.requests().is_empty());
    let mut bench = next_run(&left());
    bench.keys("<esc>q");
    assert!(bench.state.quitting, "nothing is attached: it is not asked");
}

#[test]
fn what_is_no_layout_of_this_configuration_is_refused() {
    let good = left().text();
    let cases = [
        ("", "no saved layout"),
        ("{}", "no saved layout"),
        ("[1, 2", "no saved layout"),
        (&good.replace("\"v\": 1", "\"v\": 9"), "version 9"),
        (&good.replace("tag:rack1", "\\u001b[31m"), "filter"),
        (&good.replace("one.toml", "two.toml"), "another configuration"),
    ];
    for (text, why) in cases {
        let error = Saved::parse(text, "/etc/one.toml").expect_err(text);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn what_the_operator_chose_stays_unless_the_configuration_says_something_new() {
    let mut bench = Bench::new();
    let mouse = bench.state.mouse;
    bench.keys(":columns node,power<enter>:sort state<enter>:mouse<enter>");
    let chosen = bench.state.taste.columns.clone();
    assert_eq!(chosen, ["node", "power"]);
    bench.event(Event::Theme("light".into()));
    bench.effects.clear();
    let mut other = reloaded("ctrl-]");
    other.mouse = mouse;
    other.taste.themes.push(("light".into(), String::new()));
    bench.event(Event::Reloaded(Ok(Box::new(other.clone()))));
    let taste = |bench: &Bench| (bench.state.taste.theme.clone(), bench.state.taste.columns.clone());
    assert_eq!(taste(&bench), ("light".into(), chosen.clone()), "nothing of it was written anew");
    assert!(bench.state.mouse != mouse && bench.state.table.sort == SortKey::State);
    let text = bench.state.saved("/c").text();
    other.taste.theme = "dark".into();
    other.taste.columns = vec!["node".into(), "note".into()];
    other.taste.sort = SortKey::Age;
    bench.event(Event::Reloaded(Ok(Box::new(other))));
    assert_eq!(taste(&bench), ("dark".into(), vec!["node".into(), "note".into()]));
    assert!(bench.state.mouse != mouse && bench.state.table.sort == SortKey::Age);
    let mut next = Bench::new();
    next.state.restore(&Saved::parse(&text, "/c").expect("our own"));
    assert_eq!((next.state.taste.columns.clone(), next.state.table.sort), (chosen, SortKey::State));
    let untouched = Bench::new().state.saved("/c").text();
    assert!(untouched.contains("\"columns\": null") && untouched.contains("\"sort\": null"), "{untouched}");
    for wrong in ["[]", "[\"power\"]", "[\"node\", \"node\"]", "[\"node\", \"nothing\"]"] {
        let text = untouched.replace("\"columns\": null", &format!("\"columns\": {wrong}"));
        let mut next = Bench::new();
        next.state.restore(&Saved::parse(&text, "/c").expect("a layout"));
        assert_eq!(next.state.taste, Bench::new().state.taste, "{wrong}");
    }
}
