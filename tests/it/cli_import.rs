//! `lightsout import`: what it prints is a configuration, and what it cannot read stops it.

use std::os::unix::fs::PermissionsExt;

use crate::support::program::{Ended, Home, run};

const CONMAN: &str = include_str!("fixtures/conman.conf");
const CONSERVER: &str = include_str!("fixtures/conserver.cf");

fn import(home: &Home, format: &str, text: &str) -> Ended {
    let file = home.path().join(format!("old.{format}"));
    std::fs::write(&file, text).expect("the directory can be written");
    run(home.path(), &["import", format, &file.display().to_string()])
}

/// Creates the files that the importer says are to create.
fn create_secrets(home: &Home, ended: &Ended) -> usize {
    let files: Vec<&str> =
        ended.err.lines().filter_map(|line| line.strip_prefix("to create: ")?.split(',').next()).collect();
    for file in &files {
        let path = home.path().join(file);
        std::fs::write(&path, "secret").expect("the directory can be written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("its mode");
    }
    files.len()
}

fn imported_and_checked(format: &str, text: &str, secrets: usize, consoles: usize) -> Ended {
    let home = Home::new();
    let ended = import(&home, format, text);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.out.contains("hunter") && !ended.err.contains("hunter"), "a password is shown: {ended:?}");
    assert_eq!(create_secrets(&home, &ended), secrets, "{}", ended.err);
    let config = home.config(&ended.out);
    let check = run(home.path(), &["-c", &config, "config", "check"]);
    let ok = format!("ok: {consoles} nodes, {consoles} with a console");
    assert_eq!((check.code, check.out.trim(), check.err.as_str()), (0, ok.as_str(), ""), "{}", ended.out);
    // What is left out stands in the TOML and on standard error, with its line.
    let left: Vec<&str> = ended.out.lines().filter(|line| line.starts_with("# left out: line ")).collect();
    assert_eq!(ended.err.matches(": left out: ").count(), left.len());
    assert!(ended.err.trim_end().ends_with(&format!("{} remarks on what was left out", left.len())));
    ended
}

#[test]
fn a_conman_configuration_becomes_one_that_is_right() {
    let ended = imported_and_checked("conman", CONMAN, 3, 9);
    assert!(ended.err.contains("old.conman:6: left out: server logdir"), "{}", ended.err);
    assert!(ended.out.contains("\n[[node]] # line 21\nname = \"r1n01\"\n"), "{}", ended.out);
}

#[test]
fn a_conserver_configuration_becomes_one_that_is_right() {
    let ended = imported_and_checked("conserver", CONSERVER, 2, 9);
    assert!(ended.err.contains("left out: initcmd: no program runs"), "{}", ended.err);
    assert!(
        ended
            .out
            .contains("name = \"sw12\"\nconsole = { transport = \"telnet\", host = \"ts1\", port = 2400")
    );
}

#[test]
fn a_file_with_errors_gives_all_of_them_and_no_toml() {
    let home = Home::new();
    for (format, text, lines) in [
        ("conman", "CONSOLE name=\"a\"\nGLOBAL x=1\nCONSOLE name=\"b\" dev=\"h:1\"\n", ["1", "2"]),
        ("conserver", "console a { }\nconsole b { tpye host; host h; port 1; }\n", ["1", "2"]),
    ] {
        let ended = import(&home, format, text);
        assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{ended:?}");
        for line in lines {
            assert!(ended.err.contains(&format!("old.{format}:{line}: ")), "{}", ended.err);
        }
        assert!(ended.err.contains("nothing was imported"), "{}", ended.err);
    }
    let gone = run(home.path(), &["import", "conman", "/nonexistent"]);
    assert_eq!((gone.code, gone.err.contains("cannot read /nonexistent")), (1, true));
}

#[test]
fn included_files_are_found_beside_the_file() {
    let home = Home::new();
    std::fs::write(home.path().join("more.cf"), "console b { type uds; uds /run/b; }\n").expect("written");
    let ended = import(&home, "conserver", "#include more.cf\nconsole a { type uds; uds /run/a; }\n");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("[[node]] # more.cf line 1\nname = \"b\""), "{}", ended.out);
}
