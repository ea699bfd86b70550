//! `lightsout generate`: completions in a real bash, the manual page.

use std::path::Path;
use std::process::Command;

use crate::support::program::{Home, command, run};

const FLEET: &str = "[[node]]\nname = \"r1n[01-03]\"\ntags = [\"rack1\", \"compute\"]\n\
    console = { transport = \"unix\", path = \"/run/r1n[01-03]\" }\n\
    [[node]]\nname = \"vm:1\"\ntags = [\"virtual\"]\nconsole = { transport = \"unix\", path = \"/run/vm1\" }\n";

/// What bash would offer at the end of `line`.
fn bash(home: &Home, line: &str) -> Vec<String> {
    let script = "eval \"$(lightsout generate completions bash)\"\n\
        complete -p lightsout >/dev/null || exit 1\n\
        COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \\t\\n\"\\'@><=;|&(:'\n\
        _lightsout lightsout\n[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    let program = Path::new(env!("CARGO_BIN_EXE_lightsout"));
    let path = format!(
        "{}:{}",
        program.parent().expect("a directory").display(),
        std::env::var("PATH").expect("a PATH")
    );
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script, "bash", line]).env("PATH", path).current_dir(home.path());
    // The environment of the program itself, as a test sees it.
    for (key, value) in command(home.path(), &[]).get_envs().filter(|(key, _)| *key != "PATH") {
        match value {
            Some(value) => bash.env(key, value),
            None => bash.env_remove(key),
        };
    }
    let output = bash.output().expect("bash runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "completion is silent: {line}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_offers_commands_verbs_nodes_tags_and_files() {
    let home = Home::new();
    let config = home.config(FLEET);
    let with = |rest: &str| bash(&home, &format!("lightsout -c {config} {rest}"));
    assert_eq!(with("pow"), ["power"]);
    assert_eq!(with("power re"), ["reset", "reboot"]);
    assert_eq!(with("power on r1"), ["r1n01", "r1n02", "r1n03"]);
    assert_eq!(
        with("power on r1n01,r1n03,r1n0"),
        ["r1n01,r1n03,r1n01", "r1n01,r1n03,r1n02", "r1n01,r1n03,r1n03"]
    );
    assert_eq!(with("status @ra"), ["@rack1"]);
    assert_eq!(with("status r1n01,@vi"), ["@virtual"], "bash breaks the word at the @");
    assert_eq!(with("status vm:"), ["1"], "and at the colon");
    assert_eq!(with("status "), ["r1n01", "r1n02", "r1n03", "vm:1", "all", "@compute", "@rack1", "@virtual"]);
    assert_eq!(with("console v"), ["vm:1"]);
    assert_eq!(with("power on r1n01 --no"), ["--no-wait"]);
    assert!(with("--theme ").contains(&"default".to_owned()));
    assert_eq!(with("generate completions "), ["bash", "zsh", "fish"]);
    assert!(with("power on r1n[01").is_empty());
    assert_eq!(bash(&home, "lightsout --config=conf"), ["config.toml"]);
    assert!(!bash(&home, "lightsout ").contains(&"complete".to_owned()), "it is for scripts");
}

#[test]
fn completion_is_silent_and_harmless_whatever_the_configuration() {
    let home = Home::new();
    let ran = home.path().join("ran");
    let touch = format!("[\"touch\", \"{}\"]", ran.display());
    let config = home.config(&format!(
        "{FLEET}[[inventory]]\ncommand = {touch}\n[credentials.c]\nusername = \"a\"\npassword_command = {touch}\n\
         [[node]]\nname = \"b1\"\nbmc = {{ address = \"127.0.0.1\", credentials = \"c\" }}\n"
    ));
    assert_eq!(bash(&home, &format!("lightsout -c {config} status b")), ["b1"]);
    assert!(!ran.exists(), "a program was run");
    home.config("nonsense = [");
    assert_eq!(bash(&home, &format!("lightsout -c {config} status b")), [""; 0]);
    assert_eq!(bash(&home, &format!("lightsout -c {config} stat")), ["status"], "the words are still there");
    assert!(!home.path().join("state").exists(), "nothing is written");
}

#[test]
fn every_shell_has_a_script_that_asks_the_program() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(home.path(), &["generate", "completions", shell]);
        assert_eq!((script.code, script.err.as_str()), (0, ""), "{shell}");
        assert!(script.out.contains(&format!("lightsout complete {shell} ")), "{}", script.out);
    }
    let config = home.config(FLEET);
    let ask = |shell: &str| {
        run(home.path(), &["complete", shell, "--", &format!("lightsout -c {config} power o")]).out
    };
    assert!(ask("zsh").contains("off:Hard power off\n"), "{}", ask("zsh"));
    assert!(ask("fish").contains("off\tHard power off\n"), "{}", ask("fish"));
}

#[test]
fn the_manual_page_has_every_command_and_is_good_roff() {
    let home = Home::new();
    let page = run(home.path(), &["generate", "man"]);
    assert_eq!((page.code, page.err.as_str()), (0, ""));
    for section in
        ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "FILES", "ENVIRONMENT", "\"EXIT STATUS\""]
    {
        let plain = section.trim_matches('"');
        let there =
            page.out.lines().any(|line| line == format!(".SH {section}") || line == format!(".SH {plain}"));
        assert!(there, "no {section}");
    }
    for command in subcommands(&run(home.path(), &["--help"]).out) {
        let there = page.out.lines().any(|line| line.starts_with(".SS") && line.contains(&command));
        assert!(there, "no {command}");
    }
    assert!(page.out.contains("\\-\\-no\\-wait"), "options of commands are there");
    // What roff would take for a macro is one.
    let known = [
        ".SH", ".SS", ".TP", ".PP", ".RS", ".RE", ".IP", ".B", ".BR", ".RB", ".br", ".sp", ".TH", ".ie",
        ".el",
    ];
    for line in page.out.lines().filter(|line| line.starts_with(['.', '\''])) {
        let word = line.split_whitespace().next().expect("a macro");
        assert!(known.contains(&word), "{line}");
    }
    assert_eq!(page.out.matches(".RS").count(), page.out.matches(".RE").count());
}

/// The commands that `--help` lists.
fn subcommands(help: &str) -> Vec<String> {
    let commands = help.split("Commands:\n").nth(1).expect("a list of commands");
    let words: Vec<String> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .map(str::to_owned)
        .collect();
    assert!(words.len() > 5, "{words:?}");
    words
}
