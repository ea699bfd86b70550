//! `assets/config.toml`.

use super::Place;
use lightsout::config::DEFAULT;

/// Lines whose mark is taken away: `#key` is a setting with its default, `#    ` an example.
fn uncommented(examples: bool) -> String {
    DEFAULT
        .lines()
        .map(|line| {
            let setting = line
                .strip_prefix('#')
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['));
            let example = line.strip_prefix("#    ").filter(|rest| examples && !rest.starts_with(' '));
            setting.or(example).unwrap_or(line).to_owned() + "\n"
        })
        .collect()
}

#[test]
fn uncommented_it_equals_the_defaults() {
    let place = Place::new();
    let text = uncommented(false);
    assert!(text.contains("\nmin_command_interval = "), "nothing was uncommented:\n{text}");
    let defaults = place.load_text("").expect("nothing is fine").settings.render();
    assert_eq!(place.load_text(&text).expect("the default file").settings.render(), defaults);
    // Each key of the rendering but the one that depends on the machine stands in the file.
    for line in defaults.lines().filter(|line| !line.is_empty()) {
        let key = line.split(" =").next().expect("a first part");
        if key != "runtime_dir" {
            assert!(text.lines().any(|line| line.starts_with(key)), "{key} is missing");
        }
    }
}

#[test]
fn as_it_is_it_is_a_configuration_without_nodes() {
    let loaded = Place::new().load_text(DEFAULT).expect("the default file");
    assert!(loaded.settings.nodes.is_empty());
    assert_eq!(loaded.warnings, ["no node is configured"]);
}

#[test]
fn its_examples_are_right_and_show_every_key() {
    let mut place = Place::new();
    place.secrets = lightsout::config::Secrets::Check;
    place.write("old1.kg", "key", 0o600);
    let text = uncommented(true);
    let loaded = place.load_text(&text).expect("the examples");
    assert_eq!(loaded.settings.nodes.len(), 41);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    // What each table may hold is listed when a key is far from all of them.
    let tables = [
        "zzzzzzzzz = 1\n".to_owned() + &text,
        text.clone() + "zzzzzzzzz = 1\n",
        text.replace("bmc = { ", "bmc = { zzzzzzzzz = 1, "),
        text.replace("console = { ", "console = { zzzzzzzzz = 1, "),
        text.replace("[tags.rack1]", "[tags.rack1]\nzzzzzzzzz = 1"),
        text.replace("[credentials.lab]", "[credentials.lab]\nzzzzzzzzz = 1"),
    ];
    for table in tables {
        let problems = place.problems(&table);
        let known = problems
            .lines()
            .find_map(|line| line.trim().strip_prefix("help: known: "))
            .expect("the known keys");
        for key in known.split(", ") {
            assert!(DEFAULT.contains(key), "{key} is not explained");
        }
    }
}

#[test]
fn every_quirk_is_explained() {
    for name in lightsout::bmc::ipmi::quirk_names() {
        assert!(DEFAULT.contains(&format!("#   \"{name}\" ")), "{name}");
    }
}
