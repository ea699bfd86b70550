use super::*;
use crate::app::state::{ConfirmLevel, MenuPick};
use crate::fleet::{Fault, FaultClass, PowerVerb};
use crate::hub::message::{Level, Pending, Phase};

#[test]
fn every_verb_of_the_menus_reaches_the_hub() {
    let cases = [
        ("po", "power on"),
        ("pf~y", "power off"),
        ("ps~y", "power soft"),
        ("pc~y", "power cycle"),
        ("pr~y", "power reset"),
        ("pb~y", "power reboot"),
        ("pn~y", "power nmi"),
        ("bp~y", "boot pxe"),
        ("bd~y", "boot disk"),
        ("bs~y", "boot safe"),
        ("bc~y", "boot cdrom"),
        ("bb~y", "boot bios"),
        ("bn~y", "boot none"),
        ("btp~y", "boot pxe persistent"),
        ("btud~y", "boot disk persistent uefi"),
        ("bttuuup~y", "boot pxe uefi"),
        ("br", "boot status"),
        ("mw~y", "bmc reset-warm"),
        ("mc~y", "bmc reset-cold"),
        ("mi", "bmc info"),
        ("mr06 0x01<enter>~y", "bmc raw 06 01"),
        ("ml", "bmc identify 240s"),
        ("mL", "bmc identify on"),
        ("mo", "bmc identify off"),
        ("mf~y", "bmc free-sol"),
        (":bmc identify 15s<enter>", "bmc identify 15s"),
        (":bmc identify off r1n02<enter>", "bmc identify off"),
        (":bmc free-sol<enter>~y", "bmc free-sol"),
        ("p<down><enter>~y", "power off"),
        (":power off<enter>~y", "power off"),
        (":boot pxe uefi persistent<enter>~y", "boot pxe persistent uefi"),
        (":bmc reset-cold<enter>~y", "bmc reset-cold"),
        (":bmc raw 0601<enter>~y", "bmc raw 06 01"),
        (":bmc info<enter>", "bmc info"),
    ];
    for (keys, words) in cases {
        let mut bench = Bench::new();
        let (before, after) = keys.split_once('~').unwrap_or((keys, ""));
        bench.keys("j").keys(before);
        if !after.is_empty() {
            assert_eq!(bench.requests(), [], "{keys}");
            bench.pass(301).keys(after);
        }
        let (_, asked, nodes) = bench.verb().unwrap_or_else(|| panic!("{keys}"));
        assert_eq!((asked.as_str(), nodes), (words, vec![1]), "{keys}");
        assert_eq!(bench.state.actions.len(), 1, "{keys}");
    }
}

#[test]
fn the_question_says_whom_it_is_about() {
    let mut bench = Bench::new();
    bench.attach();
    bench.keys("<ctrl-]><esc>").seen(0, Power::On).seen(1, Power::Off);
    bench.keys("<space><space><space>pf");
    let confirm = bench.confirm();
    assert_eq!(
        (confirm.folded.as_str(), confirm.on, confirm.unknown, confirm.consoles),
        ("r1n[01-03]", 1, 1, 1)
    );
    let id = confirm.describe.unwrap();
    bench.hub(Update::Described { id, text: "ipmitool chassis power off".into() });
    bench.seen(1, Power::On);
    assert_eq!(
        (bench.confirm().on, bench.confirm().unknown, bench.confirm().command.is_some()),
        (2, 1, true)
    );
    bench.hub(Update::Described { id: RequestId(9999), text: "late".into() });
    assert_eq!(bench.confirm().command.as_deref(), Some("ipmitool chassis power off"));
}

#[test]
fn keys_typed_ahead_confirm_nothing_and_leak_nowhere() {
    let mut bench = Bench::new();
    bench.keys("pfyyy<enter>y");
    assert_eq!(bench.requests(), []);
    bench.pass(299).keys("y");
    assert_eq!(bench.requests(), []);
    assert!(bench.confirm().error.is_none());
    bench.pass(1).keys("y");
    assert_eq!(bench.verb().unwrap().1, "power off");

    // A clock that was set back proves no time.
    let mut bench = Bench::new();
    bench.keys("pf");
    bench.now -= 3_600_000;
    bench.keys("y");
    assert_eq!(bench.requests(), []);
}

#[test]
fn only_y_confirms_and_cancel_has_the_focus() {
    for keys in ["<enter>", "<esc>", "n", "q", "<ctrl-c>", "<alt-x>"] {
        let mut bench = Bench::new();
        bench.keys("pf").pass(400).keys(keys);
        assert!(bench.state.overlays.is_empty(), "{keys}");
        bench.keys("y");
        assert_eq!(bench.requests(), [], "{keys}");
    }
    for keys in ["Y", "f", "<space>", "<ctrl-y>", "<tab>", "[A"] {
        let mut bench = Bench::new();
        bench.keys("pf").pass(400).keys(keys);
        assert!(bench.confirm().error.is_some(), "{keys}");
        assert_eq!(bench.requests(), [], "{keys}");
    }
    let mut bench = Bench::new();
    bench.keys("pf").pass(400).event(Event::Paste("y".into()));
    assert_eq!(bench.requests(), []);
}

#[test]
fn several_nodes_want_their_number_and_a_protected_one_its_name() {
    let mut bench = Bench::new();
    bench.keys("<space><space>po").pass(400);
    assert!(matches!(&bench.confirm().level, ConfirmLevel::Typed { word, .. } if word == "2"));
    bench.keys("y<enter>");
    assert!(bench.confirm().error.is_some());
    bench.event(Event::Paste("2".into()));
    bench.keys("3<enter>");
    assert_eq!(bench.requests(), []);
    bench.keys("2<enter>");
    assert_eq!(bench.verb().unwrap().2, [0, 1]);
    assert_eq!(bench.marks(), "r1n[01-02]");

    let mut bench = Bench::new();
    bench.keys(":power off s1<enter>").pass(400).keys("y<enter>s<enter>s1<enter>");
    assert_eq!(bench.verb().unwrap().2, [6]);
    let mut bench = Bench::new();
    bench.keys("<space><space>pf").pass(400).keys("<enter>");
    assert!(bench.state.overlays.is_empty());
}

#[test]
fn one_read_only_node_refuses_all_and_is_named() {
    let mut bench = Bench::new();
    bench.keys("*pf");
    assert!(bench.said().contains("t1"), "{}", bench.said());
    assert!(matches!(bench.state.overlays.last(), Some(Overlay::Menu(_))));
    bench.keys("<esc>:power off r1n01,t1<enter>");
    let Some(Overlay::Command { error: Some(error), .. }) = bench.state.overlays.last() else { panic!() };
    assert!(error.contains("read-only by a tag: t1"), "{error}");
    assert_eq!(bench.requests(), []);
}

#[test]
fn a_read_only_program_only_reads() {
    let mut bench = Bench::with(true, "ctrl-]");
    bench.keys("po").keys("<esc>pf<esc>bp<esc>mc<esc>mr");
    bench.keys("<esc><esc>:power on<enter><esc>:bmc raw 06 01<enter><esc>");
    bench.pass(400).keys("y");
    bench.effects.retain(|effect| !matches!(effect, Effect::Copy(_)));
    assert_eq!(bench.requests(), []);
    bench.keys("mi");
    assert_eq!(bench.verb().unwrap().1, "bmc info");
}

#[test]
fn what_a_driver_cannot_do_is_greyed_and_refused() {
    let mut bench = Bench::new();
    bench.keys("/vm1<enter>p");
    let Some(Overlay::Menu(menu)) = bench.state.overlays.last() else { panic!() };
    let disabled: Vec<String> = menu
        .items
        .iter()
        .filter(|item| item.disabled.is_some())
        .map(|item| item.keys[0].to_string())
        .collect();
    assert_eq!(disabled, ["c", "x"]);
    bench.keys("<esc>m");
    let Some(Overlay::Menu(menu)) = bench.state.overlays.last() else { panic!() };
    let can = |key| menu.items.iter().any(|item| item.keys[0] == Key::char(key) && item.disabled.is_none());
    assert!(!can('l') && !can('f'), "a virtual machine has neither");
    bench.keys("<esc>p");
    bench.keys("c");
    assert!(bench.said().contains("not with driver qemu"), "{}", bench.said());
    bench.keys("<esc>:power cycle<enter>");
    assert!(matches!(bench.state.overlays.last(), Some(Overlay::Command { error: Some(_), .. })));
    bench.keys("<esc>/<ctrl-u>xbare<enter>po");
    assert_eq!(bench.requests(), []);
    assert!(matches!(bench.state.overlays.last(), Some(Overlay::Menu(_))));
}

#[test]
fn a_marked_node_that_the_filter_hides_is_said() {
    let mut bench = Bench::new();
    bench.keys("<space>/r1n02<enter>p");
    let Some(Overlay::Menu(menu)) = bench.state.overlays.last() else { panic!() };
    assert_eq!((menu.hidden, menu.targets.as_slice()), (1, [NodeId(0)].as_slice()));
    // Power on of one node asks nothing, but of one that cannot be seen it does.
    bench.keys("o");
    assert_eq!((bench.requests(), bench.confirm().hidden), (vec![], 1));
}

#[test]
fn targets_are_fixed_when_the_menu_opens() {
    let mut bench = Bench::new();
    bench.keys("/state:unknown<enter>p").seen(0, Power::On);
    bench.keys("f").pass(400).keys("y");
    assert_eq!(bench.verb().unwrap().2, [0]);
    assert_eq!(bench.cursor(), "r1n02");
}

#[test]
fn results_become_one_line_and_a_note() {
    let mut bench = Bench::new();
    bench.keys("<space><space><space><space>pf").pass(400).keys("4<enter>");
    let (id, _, _) = bench.verb().unwrap();
    let off = Verb::Power(PowerVerb::Off);
    for node in [0, 1, 2] {
        bench.result(id, node, off.clone(), Outcome::Confirmed);
    }
    // Twice, and for a node that was not asked: no news.
    bench.result(id, 0, off.clone(), Outcome::Confirmed);
    bench.result(id, 5, off.clone(), Outcome::Confirmed);
    bench.pass(20_000);
    assert_eq!(bench.said(), "");
    let fault = Fault {
        class: FaultClass::Unreachable,
        reason: "cannot log in to 10.1.1.3: no answer".into(),
        hint: Some("is it cabled?".into()),
    };
    bench.result(id, 3, off, Outcome::Failed(fault));
    let notice = bench.state.current_notice().unwrap();
    assert_eq!(notice.text, "power off: 3 confirmed, 1 failed: r1n04 (cannot log in to 10.1.1.3: no answer)");
    assert_eq!((notice.level, notice.hint.as_deref()), (Level::Error, Some("is it cabled?")));
    let note = crate::app::view::note(&bench.state.nodes[3], &bench.state.keys, Millis(bench.now), 0);
    assert_eq!(note, "off failed: no answer, 22:31", "the row names the node, and is narrow");
    assert!(bench.state.nodes[0].last.is_none());
    assert!(bench.state.overlays.is_empty());
    // An error stays until a key says that somebody is there.
    bench.pass(3_600_000);
    assert!(bench.said().contains("r1n04"));
    bench.keys("j").pass(4_000);
    assert_eq!(bench.said(), "");
}

#[test]
fn a_request_that_the_hub_did_not_take_is_refused_visibly() {
    let mut bench = Bench::new();
    bench.keys("po");
    let request = bench.requests().pop().unwrap();
    bench.event(Event::NotTaken(Box::new(request)));
    assert!(bench.said().contains("nothing was sent"), "{}", bench.said());
    assert_eq!(bench.state.actions[0].results.len(), 1);
}

#[test]
fn cancelling_takes_only_what_is_ours() {
    let mut bench = Bench::new();
    for (node, id) in [(0, Some(RequestId(1))), (1, None)] {
        let mut status = bench.status(node, Power::On);
        status.pending = Some(Pending {
            id,
            by: id.is_none().then(|| "bob, process 7".into()),
            verb: Verb::Power(PowerVerb::Off),
            from: Power::On,
            since: Millis(START),
            allowed: Duration::from_secs(60),
            phase: Phase::Observing,
        });
        bench.hub(Update::Node(Box::new(status)));
    }
    bench.effects.clear();
    bench.keys("<space><space>px");
    assert_eq!(bench.requests(), [Request::Cancel { nodes: vec![NodeId(0)] }]);
    bench.keys("uk:power cancel r1n02<enter>");
    assert_eq!(bench.requests(), []);
    let Some(Overlay::Command { error: Some(error), .. }) = bench.state.overlays.last() else { panic!() };
    assert_eq!(error, "what is pending was begun in another lightsout (bob, process 7); cancel it there");
    let note = crate::app::view::note(&bench.state.nodes[1], &bench.state.keys, Millis(START + 13_000), 0);
    assert_eq!(note, "waiting 12s of 60s (bob, process 7)");
    bench.keys("<esc>q").pass(400).keys("<enter>");
    assert!(!bench.state.quitting);
}

#[test]
fn the_identity_comes_into_the_details() {
    let mut bench = Bench::new();
    bench.keys("mi");
    let (id, _, _) = bench.verb().unwrap();
    bench.result(id, 0, Verb::Info, Outcome::Info(vec![("firmware".into(), "1.2".into())]));
    let Some(Overlay::Details { info: Some(Ok(lines)), .. }) = bench.state.overlays.last() else { panic!() };
    assert_eq!(lines[0].1, "1.2");
}

#[test]
fn menus_show_toggles_and_keep_their_rows() {
    let mut bench = Bench::new();
    bench.keys("bt");
    let Some(Overlay::Menu(menu)) = bench.state.overlays.last() else { panic!() };
    let checked: Vec<Option<bool>> = menu
        .items
        .iter()
        .filter(|item| matches!(item.pick, MenuPick::Persistent | MenuPick::Uefi))
        .map(|item| item.checked)
        .collect();
    assert_eq!(checked, [Some(true), Some(false)]);
}
