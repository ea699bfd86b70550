use super::*;
use crate::app::help::{help, hints};
use crate::app::state::Focus;
use crate::hub::message::Level;

fn hinted(bench: &Bench) -> String {
    hints(&bench.state).into_iter().map(|(key, word)| format!("{key} {word}, ")).collect()
}

fn helped(bench: &Bench) -> Vec<(String, String)> {
    help(&bench.state).into_iter().flat_map(|section| section.rows).collect()
}

#[test]
fn a_key_of_ones_own_runs_its_command_with_its_argument() {
    let mut bench = Bench::with_keys(&[
        ("table", "f5", "poll @rack1"),
        ("table", "ctrl-t", "filter tag:vms"),
        ("table", "o", "console"),
        ("table", "c", ""),
    ]);
    bench.keys("<f5>");
    assert!(matches!(bench.requests().as_slice(), [Request::Poll { nodes }] if nodes.len() == 6));
    bench.keys("<ctrl-t>");
    assert_eq!(bench.shown(), "vm1");
    bench.keys("c");
    assert!(bench.state.panes.is_empty(), "unbound");
    bench.keys("o");
    assert_eq!(bench.state.panes.len(), 1);
}

#[test]
fn hints_help_palette_and_messages_tell_the_keys_as_they_are() {
    let mut bench = Bench::with_keys(&[
        ("table", "f5", "poll"),
        ("table", "o", "console"),
        ("table", "c", ""),
        ("table", "x", "power"),
        ("table", "p", ""),
        ("table", "f6", "filter state:off"),
        ("table", "q", ""),
        ("table", "f10", "quit"),
        ("pane", "o", ""),
        ("pane", "c", "reopen"),
        ("power-menu", "h", "power off"),
    ]);
    assert!(hinted(&bench).starts_with("o console, x power, "), "{}", hinted(&bench));
    let rows = helped(&bench);
    assert!(rows.contains(&("r f5".into(), "read the power state now".into())), "{rows:?}");
    assert!(rows.contains(&("f6".into(), "filter state:off".into())), "{rows:?}");
    assert!(help(&bench.state).iter().any(|section| section.title == "Power menu (x)"));
    bench.keys(":power of");
    let Some(Overlay::Command { candidates, .. }) = bench.state.overlays.last() else { panic!() };
    assert_eq!(candidates[0].1, "power off, hard (x f, x h)");
    bench.keys("<esc><tab>");
    assert_eq!(bench.said(), "no console is open; o opens one");
    bench.pass(11_000).keys("<ctrl-c>");
    assert!(bench.said().contains("f10 does"), "{}", bench.said());
    assert_eq!(bench.state.after_prefix("reopen"), "ctrl-] c");
    let mut bench = Bench::with_keys(&[("pane", "?", ""), ("pane", "f1", "help"), ("pane", "m", "")]);
    bench.attach();
    assert!(hinted(&bench).ends_with("ctrl-] f1 help, "), "{}", hinted(&bench));
    bench.keys("<ctrl-]>?");
    assert!(bench.said().contains("ctrl-] f1 lists them"), "{}", bench.said());
    assert_eq!(bench.state.after_prefix("mode"), ":mode");
    assert_eq!(bench.typed(), b"");
}

#[test]
fn a_menu_has_the_keys_that_are_bound_and_all_its_rows() {
    let mut bench = Bench::with_keys(&[
        ("power-menu", "f", ""),
        ("power-menu", "n", "power cycle"),
        ("power-menu", "c", ""),
        ("power-menu", "h", "power off"),
        ("power-menu", "f9", "power off"),
    ]);
    bench.keys("p");
    let Some(Overlay::Menu(menu)) = bench.state.overlays.last() else { panic!() };
    let keys: Vec<String> =
        menu.items.iter().map(|item| item.keys.first().map(Key::to_string).unwrap_or_default()).collect();
    assert_eq!(keys, ["o", "h", "s", "n", "r", "b", "", "x"], "nmi has lost its key, not its row");
    bench.keys("f");
    assert!(matches!(bench.state.overlays.last(), Some(Overlay::Menu(_))), "f means nothing any more");
    bench.keys("h");
    assert_eq!(bench.confirm().targets, [NodeId(0)]);
    bench.pass(400).keys("<esc>p<f9>");
    assert_eq!(bench.confirm().targets, [NodeId(0)]);
    assert_eq!(bench.requests(), []);
}

/// A function key may have a verb: it is asked for as the menu asks, and in a console means its node.
#[test]
fn a_verb_on_a_function_key_is_asked_and_means_what_is_in_sight() {
    let mut bench = Bench::with_keys(&[("table", "f9", "power off"), ("pane", "f9", "power off")]);
    bench.keys("<f9>");
    assert_eq!(bench.confirm().targets, [NodeId(0)]);
    bench.pass(400).keys("<esc>");
    bench.pass(400);
    bench.attach();
    bench.keys("<ctrl-]><esc>jj");
    assert_eq!(bench.cursor(), "r1n03");
    bench.keys("1<ctrl-]><f9>");
    assert_eq!(bench.confirm().targets, [NodeId(0)], "the console's node, not the cursor's");
    assert_eq!(bench.typed(), b"");
}

#[test]
fn a_key_bound_in_the_scrollback_never_reaches_the_node() {
    let mut bench = Bench::with_keys(&[("scroll", "space", "scroll down"), ("scroll", "j", "")]);
    let console = bench.attach();
    bench.event(Event::Frame(console, picture(&["one", "two"], 100, true)));
    bench.keys("<ctrl-]>[");
    assert!(bench.state.panes[0].scroll.is_some());
    bench.keys(" jx");
    assert_eq!((bench.typed(), bench.state.focus), (Vec::new(), Focus::Pane(console)));
}

#[test]
fn quitting_on_a_screen_that_is_too_small_follows_the_keymap() {
    let mut bench = Bench::with_keys(&[("table", "f10", "quit"), ("table", "q", "")]);
    bench.event(Event::Resize(20, 5));
    bench.keys("q");
    assert!(!bench.state.quitting);
    bench.keys("<f10>");
    assert!(bench.state.quitting);
}

#[test]
fn the_key_that_opens_a_list_closes_it() {
    let mut bench = Bench::with_keys(&[("table", "f1", "help"), ("table", "?", ""), ("table", "L", "")]);
    bench.keys("<f1>?L");
    assert!(matches!(bench.state.overlays[..], [Overlay::Help { .. }]), "they mean nothing any more");
    bench.keys("<f1>");
    assert!(bench.state.overlays.is_empty());
}

/// Whatever the rules let through on a letter or a control key of the table: pressed once, it changes no
/// machine and types nothing into a console. A new command that does is refused by a row in the rules.
#[test]
fn no_letter_of_the_table_touches_a_machine() {
    let allowed = crate::app::key_rules().command;
    let mut tried = 0;
    for command in crate::app::commands::all() {
        let args = match command.name {
            "bmc raw" => " 06 01",
            _ => "",
        };
        let text = format!("{}{args}", command.name);
        for key in ["x", "ctrl-x", "space", "B"] {
            if allowed("table", key, &text).is_err() {
                continue;
            }
            tried += 1;
            let mut bench = Bench::with_keys(&[("table", key, &text)]);
            bench.attach();
            bench.keys("<ctrl-]><esc>");
            bench.effects.clear();
            bench.event(Event::Key(Key::parse(key).unwrap()));
            for request in bench.requests() {
                let harmless = match &request {
                    Request::Poll { .. } => true,
                    Request::Verb { verb, .. } => verb.is_read(),
                    Request::Console { what, .. } => matches!(
                        what,
                        ConsoleRequest::Detach
                            | ConsoleRequest::Reopen
                            | ConsoleRequest::Mode(_)
                            | ConsoleRequest::Wait
                            | ConsoleRequest::Watch
                            | ConsoleRequest::NextCharset
                            | ConsoleRequest::ForceWrap
                    ),
                    _ => false,
                };
                assert!(harmless, "{key} = {text}: {request:?}");
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn the_action_log_has_keys_of_its_own_and_keeps_those_that_move() {
    use crate::app::keymap::key_rules;
    let mut bench = Bench::with_keys(&[("action-log", "f5", "copy nodes"), ("action-log", "y", "")]);
    bench.keys(":power on r1n01<enter>Ly");
    assert!(!bench.effects.iter().any(|effect| matches!(effect, Effect::Copy(_))), "unbound");
    bench.keys("<f5>");
    assert!(bench.effects.contains(&Effect::Copy("r1n01".into())));
    assert!(hinted(&bench).contains("f5 copy, "), "{}", hinted(&bench));

    let rules = key_rules();
    let refused = |key: &str, command: &str| (rules.command)("action-log", key, command).is_err();
    for key in ["j", "k", "q", "g", "G", "pgdn", "space", "ctrl-u", "esc", "enter"] {
        assert!(refused(key, "retry failed"), "{key}");
    }
    assert!(refused("x", "power off") && refused("x", "quit") && !refused("f9", "retry failed"));
    assert!((rules.command)("table", "f9", "retry failed").is_err(), "it belongs to the log");
}

#[test]
fn the_hints_are_for_what_is_there() {
    let mut bench = Bench::new();
    assert!(!hinted(&bench).contains("unmark"), "nothing is marked");
    bench.keys("<space><space>");
    assert!(hinted(&bench).starts_with("u unmark, "), "{}", hinted(&bench));
    bench.keys("pf");
    assert!(hinted(&bench).contains("2, enter do it"), "{}", hinted(&bench));
}

#[test]
fn what_was_warned_of_gives_way_to_what_is_done_next() {
    let mut bench = Bench::new();
    bench.keys("Gpo");
    assert!(bench.said().contains("no BMC is configured"), "{}", bench.said());
    bench.hub(Update::Notice { level: Level::Info, text: "by the way".into(), hint: None });
    assert!(bench.said().contains("no BMC is configured"), "nobody saw it yet: {}", bench.said());
    bench.keys("<esc>y");
    assert_eq!(bench.said(), "copied xbare");
}
