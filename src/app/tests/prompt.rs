use super::*;
use crate::app::commands;
use crate::app::help::{help, hints, key_table};
use crate::app::state::Focus;

fn prompt(bench: &Bench) -> (&str, Vec<&str>, Option<&str>) {
    match bench.state.overlays.last() {
        Some(Overlay::Command { input, candidates, error, .. }) => (
            input.text.as_str(),
            candidates.iter().map(|(text, _)| text.as_str()).collect(),
            error.as_deref(),
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn commands_and_arguments_are_completed() {
    let mut bench = Bench::new();
    bench.keys(":");
    assert!(prompt(&bench).1.contains(&"power off") && prompt(&bench).1.contains(&"quit"));
    bench.keys("power re");
    assert_eq!(prompt(&bench).1, ["power reset", "power reboot"]);
    bench.keys("<tab><tab>");
    assert_eq!(prompt(&bench).0, "power reboot");
    bench.keys("<tab><shift-tab><shift-tab>");
    assert_eq!(prompt(&bench).0, "power reset");
    bench.keys(" r1n0");
    assert_eq!(prompt(&bench).1.len(), 6);
    bench.keys("1,@ra<tab>");
    assert_eq!(prompt(&bench).0, "power reset r1n01,@rack1");
    bench.keys("<ctrl-u>boot pxe pe<tab>");
    assert_eq!(prompt(&bench).0, "boot pxe persistent");
    bench.keys("<ctrl-u>sort a<tab>");
    assert_eq!(prompt(&bench).0, "sort age");
    bench.keys("<enter>");
    assert_eq!(bench.said(), "sorted by age");
}

#[test]
fn an_error_keeps_the_prompt_open_with_a_suggestion() {
    let cases = [
        ("pwoer off", "did you mean \"power off\"?"),
        ("power of", "did you mean \"power off\"?"),
        ("xyzzy", "no command \"xyzzy\""),
        ("power off r1n99", "r1n99"),
        ("console r1n[01-02]", "one node is needed, not 2"),
        ("bmc raw", "which bytes?"),
        ("bmc raw 6x", "no hexadecimal byte"),
        ("bmc raw 06", "at least two bytes"),
        ("quit now", "takes nothing more"),
        ("detach", "no console of this node is open"),
        ("pane 3", "there is no console 3"),
    ];
    for (text, wanted) in cases {
        let mut bench = Bench::new();
        bench.keys(":").keys(text).keys("<enter>");
        let (kept, _, error) = prompt(&bench);
        assert_eq!(kept, text);
        assert!(error.unwrap().contains(wanted), "{text}: {error:?}");
        assert_eq!(bench.requests(), []);
    }
}

#[test]
fn a_key_is_only_another_way_to_a_command() {
    let mut bench = Bench::new();
    bench.keys(":console r1n04<enter>");
    assert_eq!((bench.state.panes[0].node, bench.state.focus), (NodeId(3), Focus::Pane(ConsoleId(1))));
    let mut bench = Bench::new();
    bench.keys(":filter tag:vms<enter>");
    assert_eq!(bench.shown(), "vm1");
    bench.keys(":poll @rack1<enter>");
    assert!(matches!(bench.requests().as_slice(), [Request::Poll { nodes }] if nodes.len() == 6));
    bench.keys(":power r1n01,r1n02<enter>");
    assert!(matches!(bench.state.overlays.last(), Some(Overlay::Menu(menu)) if menu.targets.len() == 2));
    let mut bench = Bench::new();
    bench.keys(":q<enter>");
    assert!(bench.effects.contains(&Effect::Quit));
}

/// Every row of the palette can be typed without an argument: it does something or says why not.
#[test]
fn every_command_can_be_typed() {
    for command in commands::all().filter(|command| command.in_palette()) {
        let mut bench = Bench::new();
        let before = format!("{:?}", (&bench.state.table, &bench.state.overlays, &bench.state.notices));
        bench.keys(":").keys(command.name).keys("<enter>");
        let after = format!("{:?}", (&bench.state.table, &bench.state.overlays, &bench.state.notices));
        // In the first row with nothing marked some have nothing to do.
        let idle = ["up", "half page up", "page up", "top", "back", "unmark", "table"];
        let effects = bench
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Redraw | Effect::Quit | Effect::Hub(_)));
        assert!(before != after || effects || idle.contains(&command.name), "{}", command.name);
    }
}

#[test]
fn hints_and_help_follow_the_place() {
    let mut bench = Bench::new();
    let keys =
        |bench: &Bench| hints(&bench.state).into_iter().map(|(key, _)| key).collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&bench), "c p b m space / : ?");
    let console = bench.attach();
    assert_eq!(keys(&bench), "ctrl-] esc ctrl-] . ctrl-] [ ctrl-] ?");
    assert!(help(&bench.state)[0].title.contains("ctrl-]"));
    bench.keys("<ctrl-]>");
    assert!(keys(&bench).starts_with("esc . [ b o m n"), "{}", keys(&bench));
    bench.event(Event::Frame(console, picture(&["x"], 100, true)));
    bench.keys("[");
    assert!(keys(&bench).starts_with("q / ?"), "{}", keys(&bench));
    assert_eq!(help(&bench.state)[0].title, "Scrollback");
}

#[test]
fn the_key_table_names_every_command() {
    let table = key_table();
    for command in commands::all() {
        assert!(table.contains(command.help), "{}", command.name);
    }
    assert!(table.contains("| `j`, `down`") || table.contains("| `j` `down` |"), "{table}");
}
