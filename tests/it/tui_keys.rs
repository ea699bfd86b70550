//! Keys of one's own in the real program.

use crate::support::program::{Home, run};
use crate::support::tui::{SOON, Tui};

const NODES: &str =
    "[[node]]\nname = \"vm[1-5]\"\nbmc = { driver = \"qemu\", qmp = \"/nonexistent/[1-5]\" }\n";
const KEYS: &str = "[keys.table]\n\"f6\" = \"filter vm[2-3]\"\n\"^t\" = \"help\"\nx = \"power\"\np = false\n\
    q = false\nf10 = \"quit\"\n[keys.power-menu]\nh = \"power off\"\nf = false\n";

#[test]
fn keys_hints_menus_and_help_are_as_the_configuration_says() {
    let home = Home::new();
    let config = home.config(&format!("{KEYS}{NODES}"));
    let mut tui = Tui::start(home.path(), &["-c", &config], (100, 40));
    tui.wait("vm5");
    tui.wait_until("x in the hints", SOON, |screen| {
        screen.lines().last().is_some_and(|line| line.contains("x power") && !line.contains("p power"))
    });
    tui.keys("\x1b[17~");
    tui.wait_until("only two rows", SOON, |screen| screen.contains("vm3") && !screen.contains("vm4"));
    tui.keys("px");
    tui.wait("h  power off, hard");
    tui.keys("h");
    tui.wait("power off vm2?");
    cancel(&mut tui);
    tui.keys("\x14");
    tui.wait("Power menu (x)");
    tui.keys("\x1bq");
    tui.wait_gone("Power menu (x)");
    tui.keys("\x1b[21~");
    assert_eq!(tui.wait_exit(), Some(0), "f10 quits, q does not");
    tui.assert_restored();
}

/// Cancels a question; its first 300 ms take no keys.
fn cancel(tui: &mut Tui) {
    crate::support::wait_for("esc cancels", SOON, || {
        if tui.screen().contains("[ Cancel ]") {
            tui.keys("\x1b");
            return None;
        }
        Some(())
    });
}

#[test]
fn config_keys_prints_them_all_and_a_bad_key_keeps_the_screen_closed() {
    let home = Home::new();
    let config = home.config(&format!("{KEYS}{NODES}"));
    let keys = run(home.path(), &["-c", &config, "config", "keys"]);
    assert_eq!((keys.code, keys.err.as_str()), (0, ""));
    for line in [
        "[keys.bmc-menu]",
        "\"ctrl-t\" = \"help\"",
        "\"f6\" = \"filter vm[2-3]\"",
        "\"q\" = false",
        "\"j\" = \"down\"",
    ] {
        assert!(keys.out.contains(line), "no {line} in {}", keys.out);
    }
    // What it prints is a configuration that says the same.
    let config = home.config(&format!("{}{NODES}", keys.out));
    let check = run(home.path(), &["-c", &config, "config", "check"]);
    assert_eq!((check.code, check.err.as_str()), (0, ""), "{}", keys.out);
    let config = home.config(&format!("[keys.table]\nf5 = \"pol\"\n{NODES}"));
    for command in [&["config", "check"][..], &["status"]] {
        let ended = run(home.path(), &[&["-c", &config], command].concat());
        assert_eq!(ended.code, 1);
        assert!(
            ended.err.contains("config.toml:2:6: keys.table.f5: no command is called \"pol\""),
            "{}",
            ended.err
        );
        assert!(ended.err.contains("help: did you mean \"poll\"?"), "{}", ended.err);
    }
}
