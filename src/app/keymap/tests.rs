use super::*;
use crate::config::KeyBinding;

fn bind(context: &str, key: &str, command: Option<&str>) -> KeyBinding {
    KeyBinding { context: context.into(), key: key.into(), command: command.map(Into::into) }
}

/// The message and the help of a refusal.
fn refused(context: &str, key: &str, command: &str) -> String {
    match (key_rules().command)(context, key, command) {
        Ok(()) => panic!("{context} {key} {command} was taken"),
        Err(fault) => format!("{} / {}", fault.text, fault.help),
    }
}

#[test]
fn the_defaults_keep_the_rules_that_they_set_for_others() {
    let rules = key_rules();
    for one in &Keymap::default().bound {
        let text = format!("{} {}", one.command.name, one.arg);
        let key = one.key.to_string();
        let result = (rules.command)(one.context.name(), &key, &text);
        assert_eq!(result, Ok(()), "{:?} {key} {text}", one.context);
    }
    assert_eq!((rules.whole)(&[]), Ok(()));
}

#[test]
fn one_key_has_one_spelling() {
    let spelled = key_rules().key;
    for (written, one) in [
        ("^t", "ctrl-t"),
        ("Ctrl-T", "ctrl-t"),
        ("ctrl-i", "tab"),
        ("ctrl-m", "enter"),
        ("^[", "esc"),
        ("shift-a", "A"),
        ("F5", "f5"),
        ("shift-f5", "shift-f5"),
        ("PgUp", "pgup"),
        (" ", "space"),
        ("ctrl-@", "ctrl-space"),
        ("shift-tab", "shift-tab"),
        (":", ":"),
    ] {
        assert_eq!(spelled(written), Ok(one.into()), "{written}");
    }
    for (bad, said) in [
        ("escape", "did you mean \"esc\"?"),
        ("pgdwn", "did you mean \"pgdn\"?"),
        ("alt-x", "cannot be bound"),
        ("ctrl-;", "do not send"),
        ("shift-1", "\"!\""),
        ("ctrl-shift-a", "do not tell shift"),
        ("f25", "a key is"),
        ("", "a key is"),
    ] {
        let fault = spelled(bad).expect_err(bad);
        assert!(format!("{} / {}", fault.text, fault.help).contains(said), "{bad}: {fault:?}");
    }
}

#[test]
fn nothing_destructive_hangs_on_a_letter_or_a_control_key() {
    let deeds = [
        "power on",
        "power off",
        "power off r1n01",
        "boot pxe",
        "bmc raw 06 01",
        "bmc reset-cold",
        "break",
        "size",
    ];
    for key in ["f", "9", "!", "ctrl-f", "space", "enter", "tab", "up", "backspace"] {
        for deed in deeds {
            assert!(refused("table", key, deed).contains("acts on machines"), "{key} {deed}");
        }
        assert!(refused("pane", key, "power off").contains("acts on machines"));
        assert!(refused("scroll", key, "power off").contains("acts on machines"));
    }
    for deed in deeds {
        assert_eq!((key_rules().command)("table", "f9", deed), Ok(()), "{deed}");
    }
    assert!(refused("power-menu", "ctrl-f", "power off").contains("take a letter or a function key"));
    assert_eq!((key_rules().command)("power-menu", "h", "power off"), Ok(()));
    for read in ["poll", "bmc info", "boot status", "power cancel"] {
        assert_eq!((key_rules().command)("table", "ctrl-t", read), Ok(()), "{read}");
    }
}

#[test]
fn what_a_split_sequence_looks_like_only_moves_and_shows() {
    for key in "ABCDEFHMPQRSZO[~".chars().map(String::from).chain(["esc".to_owned()]) {
        for command in ["console", "power", "quit", "detach", "filter state:off", "leave scrollback"] {
            let context = if command == "leave scrollback" { "scroll" } else { "table" };
            let said = refused(context, &key, command);
            assert!(said.contains("split by a slow line") || said.contains("never quits"), "{said}");
        }
        assert_eq!((key_rules().command)("table", &key, "down"), Ok(()));
    }
    assert!(refused("power-menu", "O", "power on").contains("split by a slow line"));
    assert_eq!(
        (key_rules().command)("table", "ctrl-a", "console"),
        Ok(()),
        "a control key is no part of one"
    );
}

#[test]
fn commands_belong_where_they_work() {
    for (context, key, command, said) in [
        ("table", "f5", "pol", "no command is called \"pol\" / did you mean \"poll\"?"),
        ("table", "f5", "quit now", "quit takes nothing more: \"now\""),
        ("table", "f5", "word back", "it belongs to [keys.scroll]"),
        ("table", "f5", "boot uefi", "it belongs to [keys.boot-menu]"),
        ("power-menu", "h", "boot pxe", "its rows: power on, power off"),
        ("power-menu", "h", "power off r1n01", "acts on the nodes of the menu"),
        ("power-menu", "j", "power off", "moves in menus"),
        ("table", "esc", "quit", "esc never quits"),
        ("table", "ctrl-c", "quit", "ctrl-c never quits"),
        ("pane", "ctrl-c", "quit", "ctrl-c never quits"),
    ] {
        let text = refused(context, key, command);
        assert!(text.contains(said), "{text}");
    }
    for (context, key, command) in [
        ("table", "f5", ":poll"),
        ("table", "o", "attach"),
        ("scroll", "f2", "next console"),
        ("pane", "c", "table"),
    ] {
        assert_eq!((key_rules().command)(context, key, command), Ok(()), "{command}");
    }
}

#[test]
fn a_way_out_is_always_left() {
    let whole = key_rules().whole;
    let no_quit = vec![bind("table", "q", None), bind("table", ":", None)];
    assert_eq!(whole(&no_quit[..1]), Ok(()));
    assert!(whole(&no_quit).expect_err("no way out").text.contains("table could never be left"));
    let elsewhere = [no_quit, vec![bind("table", "f10", Some("quit"))]].concat();
    assert_eq!(whole(&elsewhere), Ok(()));
    assert!(whole(&[bind("pane", "esc", None)]).is_err());
    let scroll = ["q", "ctrl-c", "esc"].map(|key| bind("scroll", key, None));
    assert!(whole(&scroll).is_err());
}

#[test]
fn the_rendering_is_a_configuration_that_says_the_same() {
    let own = [
        bind("table", "f5", Some("poll")),
        bind("table", "ctrl-t", Some("filter tag:rack1")),
        bind("table", "q", None),
        bind("pane", "\\", Some("log file")),
    ];
    let text = Keymap::new(&own).render();
    let doc: toml::Table = toml::from_str(&text).expect("TOML");
    let mut read = Vec::new();
    for (context, keys) in doc["keys"].as_table().expect("a table") {
        for (key, command) in keys.as_table().expect("a table") {
            read.push(bind(context, key, command.as_str()));
        }
    }
    let rules = key_rules();
    for one in &read {
        if let Some(command) = &one.command {
            assert_eq!((rules.command)(&one.context, &one.key, command), Ok(()), "{one:?}");
        }
    }
    let plain = |text: &str| text.replace("yours: ", "");
    assert_eq!(plain(&Keymap::new(&read).render()).len(), plain(&text).len());
    assert!(text.contains("\"q\" = false") && text.contains("\"ctrl-t\" = \"filter tag:rack1\""), "{text}");
}
