//! The README promises what there is.

use lightsout::app::key_table;

const README: &str = include_str!("../../README.md");

#[test]
fn the_key_table_is_the_one_of_the_commands() {
    let table = key_table();
    assert!(
        README.contains(table.trim()),
        "README.md: put this table between \"## Keys\" and \"Inside a console\":\n{table}"
    );
}

#[test]
fn every_command_line_word_of_the_readme_exists() {
    let home = crate::support::program::Home::new();
    for line in README.lines().filter(|line| line.starts_with("lightsout ")) {
        let Some(command) =
            line.split_whitespace().nth(1).filter(|word| word.chars().all(char::is_alphabetic))
        else {
            continue;
        };
        if command == "the" {
            continue;
        }
        let help = crate::support::program::run(home.path(), &[command, "--help"]);
        assert_eq!(help.code, 0, "lightsout {command}: {}", help.err);
        for option in
            line.split_whitespace().filter_map(|word| word.trim_matches(['[', ']']).strip_prefix("--"))
        {
            if !option.is_empty() {
                assert!(help.out.contains(&format!("--{option}")), "lightsout {command} has no --{option}");
            }
        }
    }
}

#[test]
fn the_picture_is_there() {
    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/lightsout.svg");
    assert!(std::fs::read_to_string(picture).is_ok_and(|svg| svg.starts_with("<svg")));
}
