//! `[[inventory]]`: nodes from elsewhere beside those of the file, and every way in which they can fail.

use super::{CANARY, Place};
use lightsout::config::{ConfigErrors, Inventories, Loaded, Secrets};

const LAB: &str = "[credentials.lab]\nusername = \"admin\"\npassword_file = \"lab.pw\"\n";
const STATIC: &str = "[[node]]\nname = \"vm1\"\nbmc = { driver = \"qemu\", qmp = \"/run/vm1.qmp\" }\n";
const TEMPLATE: &str = "bmc = { address = \"{name}-bmc\", credentials = \"lab\" }\n";

/// An inventory whose command prints `text`.
fn printing(place: &Place, text: &str) -> String {
    let path = place.write("printed", text, 0o644);
    format!("[[inventory]]\ncommand = [\"cat\", \"{}\"]\n", path.display())
}

/// A `[[inventory]]` of a file with `text`.
fn file(place: &Place, format: &str, text: &str) -> String {
    place.write("nodes.txt", text, 0o644);
    format!("[[inventory]]\nfile = \"nodes.txt\"\nformat = \"{format}\"\n")
}

fn lenient(place: &mut Place, text: &str) -> Result<Loaded, ConfigErrors> {
    place.inventories = Inventories::Lenient;
    let loaded = place.load_text(text);
    place.inventories = Inventories::Strict;
    loaded
}

fn names(loaded: &Loaded) -> Vec<&str> {
    loaded.settings.nodes.iter().map(|node| node.name.as_str()).collect()
}

/// The nodes of a rendering: what is behind the first `[[node]]`.
fn nodes(loaded: &Loaded) -> String {
    let text = loaded.settings.render();
    text.find("[[node]]").map(|at| text[at..].to_owned()).unwrap_or_default()
}

#[test]
fn a_node_of_our_own_json_is_read_like_one_of_the_file() {
    let place = Place::new();
    let json = r#"{"v": 1, "nodes": [
        {"name": "n1", "tags": ["rack1"], "attributes": {"bmc": "10.0.0.1"}},
        {"name": "n2", "bmc": {"address": "10.0.0.2", "port": 6230, "cipher_suites": [3], "keep_login": false},
         "console": {"transport": "unix", "path": "/run/n2"}}]}"#;
    let inventory = printing(&place, json)
        + "tags = [\"all-of-it\"]\nbmc = { address = \"{bmc}\", credentials = \"lab\", privilege = \"OPERATOR\" }\n\
           console = { transport = \"sol\", log = false }\n";
    let loaded = place.load_text(&format!("{LAB}{STATIC}{inventory}[tags.rack1]\nprotected = true\n"));
    let loaded = loaded.expect("an inventory");
    assert!(loaded.faults.is_empty() && loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let written = format!(
        "{LAB}{STATIC}[[node]]\nname = \"n1\"\ntags = [\"all-of-it\", \"rack1\"]\n\
         bmc = {{ address = \"10.0.0.1\", credentials = \"lab\", privilege = \"OPERATOR\" }}\n\
         console = {{ transport = \"sol\", log = false }}\n\
         [[node]]\nname = \"n2\"\ntags = [\"all-of-it\"]\n\
         bmc = {{ address = \"10.0.0.2\", credentials = \"lab\", privilege = \"OPERATOR\", port = 6230, \
         cipher_suites = [3], keep_login = false }}\n\
         console = {{ transport = \"unix\", path = \"/run/n2\", log = false }}\n[tags.rack1]\nprotected = true\n"
    );
    assert_eq!(nodes(&loaded), nodes(&place.load_text(&written).expect("the same, written")));
    assert!(loaded.settings.nodes[1].protected, "tags mean the same");
    assert!(loaded.settings.nodes[1].bmc.as_ref().is_some_and(|bmc| bmc.credentials.is_some()));
}

#[test]
fn genders_hosts_and_ansible_fill_a_template() {
    let place = Place::new();
    let genders = file(&place, "genders", "r1n[1-2] compute,ts=ts1,port=200%n\nr1n1-bmc\nlogin1\n");
    let text = format!(
        "{genders}nodes = \"@ts\"\nconsole = {{ transport = \"command\", argv = [\"con\", \"{{ts}}\"] }}\n"
    );
    let loaded = place.load_text(&text).expect("genders");
    assert_eq!(names(&loaded), ["r1n1", "r1n2"]);
    assert!(nodes(&loaded).contains("argv = [\"con\", \"ts1\"]"), "{}", nodes(&loaded));
    let hosts = file(&place, "hosts", "127.0.0.1 localhost\n10.1.1.1 r1n1\n10.2.1.1 r1n1-bmc\n");
    let text = format!(
        "{LAB}{hosts}nodes = \"r*,!*-bmc\"\nbmc = {{ address = \"{{name}}-bmc\", credentials = \"lab\" }}\n"
    );
    let loaded = place.load_text(&text).expect("hosts");
    assert_eq!(names(&loaded), ["r1n1"]);
    assert!(nodes(&loaded).contains("address = \"r1n1-bmc\""), "{}", nodes(&loaded));
    let ansible = file(&place, "ansible", "[compute]\nn[01:02] bmc_port=6230\n");
    let text = format!(
        "{LAB}{ansible}bmc = {{ address = \"{{address}}\", credentials = \"lab\", port = \"{{bmc_port}}\" }}\n"
    );
    let loaded = place.load_text(&text).expect("ansible");
    assert_eq!(names(&loaded), ["n01", "n02"]);
    assert_eq!(loaded.settings.nodes[1].tags, ["compute"]);
    assert!(nodes(&loaded).contains("port = 6230"), "{}", nodes(&loaded));
}

#[test]
fn a_command_has_no_input_no_secret_and_no_shell() {
    let place = Place::new();
    let script = "read -r line && echo input; printf '{\"v\": 1, \"nodes\": [{\"name\": \"n%s\"}]}' \"$LAB_PASSWORD$IPMI_PASSWORD\"";
    let text = format!(
        "[credentials.env]\nusername = \"a\"\npassword_env = \"LAB_PASSWORD\"\n\
         [[inventory]]\ncommand = [\"sh\", \"-c\", '''{script}''', \"$(touch no-shell)\"]\n"
    );
    assert_eq!(names(&place.load_text(&text).expect("an inventory")), ["n"]);
}

#[test]
fn every_failure_of_a_command_has_its_place_and_reason() {
    let place = Place::new();
    let fail = |command: &str| place.problems(&format!("{STATIC}[[inventory]]\ncommand = {command}\n"));
    let script = |script: &str| fail(&format!("[\"sh\", \"-c\", '''{script}''']"));
    for (problem, said) in [
        (
            script("echo out; printf 'no \\033[31mroute\\nto host\\n' >&2; exit 3"),
            "config.toml:5:11: inventory.command: sh failed (exit status: 3): no \\u{1b}[31mroute; to host\n",
        ),
        (fail("[\"lightsout-no-such-program\"]"), "cannot run lightsout-no-such-program: no such file"),
        (fail("[]"), "config.toml:5:11: inventory.command: it names no program"),
        (script("true"), "what sh gave: it is empty"),
        (script("echo hello"), "what sh gave: it is no JSON: expected value at line 1 column 1"),
        (script("printf '{}\\n\\377'"), "what sh gave, line 2: it is not UTF-8"),
        (script("echo '{\"v\":1,\"nodes\":[]}'"), "what sh gave names no node"),
    ] {
        assert!(problem.contains(said), "no {said} in {problem}");
        assert!(!problem.contains('\u{1b}'), "{problem}");
    }
}

#[test]
fn every_mistake_in_the_section_is_told() {
    let place = Place::new();
    let problems = place.problems(
        "[[inventory]]\n\
         [[inventory]]\ncommand = [\"x\"]\nfile = \"y\"\n\
         [[inventory]]\nfile = \"y\"\nformat = \"yaml\"\nnode = \"a\"\nnodes = \"a[\"\n\
         [[inventory]]\ncommand = \"x\"\nbmc = 1\n",
    );
    for said in [
        "config.toml:1:1: inventory.command: an inventory needs its source",
        "config.toml:2:1: inventory.command: command and file are given, but only one can be meant",
        "config.toml:7:10: inventory.format: there is no format \"yaml\"",
        "config.toml:8:1: inventory.node: there is no such key\n  help: did you mean \"nodes\"?",
        "config.toml:9:9: inventory.nodes: cannot read \"a[\"",
        "config.toml:11:11: inventory.command: expected a list of a program and its arguments",
        "config.toml:12:7: inventory.bmc: expected a table",
    ] {
        assert!(problems.contains(said), "no {said} in {problems}");
    }
}

#[test]
fn what_is_wrong_with_nodes_is_told_once_with_their_names() {
    let place = Place::new();
    let inventory = file(&place, "genders", "n[1-3] bmc=%n-bmc\nn[4-6]\nn7 bmc=a:b\nbad name=x\nb@d bmc=x\n");
    let problems = place.problems(&format!(
        "{LAB}{inventory}bmc = {{ addres = \"x\", address = \"{{bmc}}\", credentials = \"lab\" }}\n"
    ));
    for said in [
        "config.toml:7:9: inventory.bmc.addres: there is no such key (nodes b@d,n[1-3,7])",
        "config.toml:7:33: inventory: there is no attribute \"bmc\"; known: name (nodes bad,n[4-6])",
        "config.toml:7:33: inventory.bmc.address: cannot read \"a:b\": \"a:b\" holds a port",
        "config.toml:5:8: inventory.name: cannot read \"b@d\": a name has letters",
    ] {
        assert!(problems.contains(said), "no {said} in {problems}");
    }
}

#[test]
fn an_attribute_cannot_become_an_option_or_steer_a_terminal() {
    let place = Place::new();
    let json = r#"{"v":1,"nodes":[{"name":"a","attributes":{"h":"-oProxyCommand=x"}},
        {"name":"b","attributes":{"h":"x\u001b[31m"}}, {"name": "c[1-2]", "attributes": {"h": "x"}}]}"#;
    let text = printing(&place, json) + "console = { transport = \"command\", argv = [\"ssh\", \"{h}\"] }\n";
    let problems = place.problems(&text);
    assert!(problems.contains("\"h\" begins with \"-\" (node a)"), "{problems}");
    assert!(problems.contains("\"h\" holds a control character (node b)"), "{problems}");
    assert!(problems.contains("the name is not one node (node c[1-2])"), "{problems}");
}

#[test]
fn a_node_that_is_there_twice_names_both_places() {
    let mut place = Place::new();
    let inventory = file(&place, "genders", "vm1\nn1\n");
    let text = format!(
        "{LAB}{STATIC}{inventory}{TEMPLATE}[[inventory]]\nfile = \"nodes.txt\"\nformat = \"genders\"\n"
    );
    let problems = place.problems(&text);
    assert!(
        problems.contains("config.toml:8:8: node.name: node vm1 already configured at config.toml:5:8"),
        "{problems}"
    );
    assert!(
        problems.contains("config.toml:12:8: node.name: node n1 already configured at config.toml:8:8"),
        "{problems}"
    );
    let loaded = lenient(&mut place, &text).expect("the first of each");
    assert_eq!(names(&loaded), ["vm1", "n1"]);
    let vm1 = loaded.settings.nodes[0].bmc.as_ref().expect("a bmc");
    assert_eq!(vm1.driver, "qemu", "the file's own node stays");
    let json = r#"{"v":1,"nodes":[{"name":"a"},{"name":"a"}]}"#;
    assert!(place.problems(&printing(&place, json)).contains("node a is there twice"));
}

#[test]
fn two_nodes_never_share_a_bmc() {
    let mut place = Place::new();
    let inventory = file(&place, "genders", "n1 bmc=10.1.1.1\nn2 bmc=10.1.1.1\nn3 bmc=10.1.1.3\n");
    let text = format!("{LAB}{STATIC}{inventory}bmc = {{ address = \"{{bmc}}\", credentials = \"lab\" }}\n");
    assert!(place.problems(&text).contains("10.1.1.1 of n2 already belongs to n1"));
    assert_eq!(names(&lenient(&mut place, &text).expect("the others")), ["vm1", "n1", "n3"]);
}

#[test]
fn a_failing_inventory_does_not_take_the_other_nodes_down() {
    let mut place = Place::new();
    let good = file(&place, "hosts", "10.1.1.1 n1\n10.1.1.2 n2 # no more\nnonsense\n");
    let bad = "[[inventory]]\ncommand = [\"sh\", \"-c\", \"echo down >&2; exit 1\"]\nbmc = { credentials = \"lab\" }\n";
    let text =
        format!("{LAB}{STATIC}{bad}{good}console = {{ transport = \"unix\", path = \"/run/{{name}}\" }}\n");
    let problems = place.problems(&text);
    assert!(problems.contains("failed (exit status: 1): down"), "strict: {problems}");
    let loaded = lenient(&mut place, &text).expect("what is left");
    assert_eq!(names(&loaded), ["vm1", "n1", "n2"]);
    let faults: Vec<String> = loaded.faults.iter().map(|fault| place.strip(&fault.to_string())).collect();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].starts_with("config.toml:8:11: inventory.command: sh failed"), "{faults:?}");
    assert!(faults[1].contains("inventory.file: nodes.txt:3: \"nonsense\" is no address"), "{faults:?}");
    let warned = loaded.warnings.iter().any(|warning| warning.contains("credentials"));
    assert!(!warned, "who would use them may be missing: {:?}", loaded.warnings);
    let alone = lenient(&mut place, &format!("{LAB}{bad}"));
    assert!(alone.is_err(), "without any node there is nothing left to save");
}

#[test]
fn no_password_is_asked_for_when_an_inventory_fails() {
    let place = Place::new();
    let ran = place.path("ran");
    let text = format!(
        "[credentials.c]\nusername = \"a\"\npassword_command = [\"touch\", \"{}\"]\n\
         [[node]]\nname = \"n\"\nbmc = {{ address = \"10.1.1.1\", credentials = \"c\" }}\n\
         [[inventory]]\ncommand = [\"false\"]\n",
        ran.display()
    );
    assert!(place.problems(&text).contains("false failed") && !ran.exists());
}

#[test]
fn a_mistake_in_the_file_is_an_error_in_any_case_and_runs_nothing() {
    let mut place = Place::new();
    let ran = place.path("ran");
    let text = format!("themes = 1\n{STATIC}[[inventory]]\ncommand = [\"touch\", \"{}\"]\n", ran.display());
    assert!(lenient(&mut place, &text).is_err() && !ran.exists());
}

#[test]
fn no_command_runs_for_completions() {
    let mut place = Place::new();
    let ran = place.path("ran");
    let inventory = file(&place, "genders", "n1\n");
    let text = format!("{STATIC}{inventory}[[inventory]]\ncommand = [\"touch\", \"{}\"]\n", ran.display());
    (place.inventories, place.secrets) = (Inventories::Files, Secrets::Check);
    let loaded = place.load_text(&text).expect("files are read");
    assert_eq!(names(&loaded), ["vm1", "n1"]);
    assert!(!ran.exists());
}

#[test]
fn nodes_without_bmc_and_console_are_one_warning() {
    let place = Place::new();
    let loaded = place.load_text(&file(&place, "genders", "n[1-500]\n")).expect("names only");
    let warnings: Vec<String> = loaded.warnings.iter().map(|warning| place.strip(warning)).collect();
    assert_eq!(warnings, ["config.toml:2:8: nodes n[1-500] have neither bmc nor console"]);
}

#[test]
fn a_file_that_is_none_is_an_error() {
    let place = Place::new();
    let problem =
        |file: &str| place.problems(&format!("[[inventory]]\nfile = \"{file}\"\nformat = \"hosts\"\n"));
    assert!(
        problem("gone")
            .contains("config.toml:2:8: inventory.file: cannot read gone: no such file or directory")
    );
    assert!(problem(".").contains("is no regular file"));
}

#[test]
fn ten_thousand_nodes_of_an_inventory_are_read() {
    let place = Place::new();
    let inventory = file(&place, "genders", "n[00001-10000] compute\n");
    let loaded = place.load_text(&format!("{LAB}{inventory}{TEMPLATE}")).expect("many nodes");
    assert_eq!(loaded.settings.nodes.len(), 10_000);
    let wrong = format!("{LAB}{inventory}bmc = {{ address = \"{{name}}:1\", credentials = \"lab\" }}\n");
    let problems = place.problems(&wrong);
    assert!(problems.lines().count() < 60, "{} lines", problems.lines().count());
    assert!(!problems.contains(CANARY));
}

#[test]
fn every_key_of_an_inventory_is_explained() {
    let problems = Place::new().problems("[[inventory]]\nzzzzzzzzz = 1\n");
    let known =
        problems.lines().find_map(|line| line.trim().strip_prefix("help: known: ")).expect("the keys");
    for key in known.split(", ") {
        assert!(lightsout::config::DEFAULT.contains(&format!("{key} = ")), "{key}");
    }
}

#[test]
fn no_attribute_and_no_template_breaks_the_reader() {
    use proptest::test_runner::{Config, TestRunner};
    let mut place = Place::new();
    place.inventories = Inventories::Lenient;
    let value = "(\\PC|[\\[\\]{},:./\u{1b}-]){0,8}";
    let template = "([a-z{}.\\[\\]-]|\\{(name|x|y)\\}|\\PC){0,8}";
    TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(300) })
        .run(&(value, template, value), |(value, template, name)| {
            let json = serde_json::json!({"v": 1, "nodes": [
                {"name": name, "tags": [value], "attributes": {"x": value}}, {"name": "good", "bmc": {}}]});
            let template = template.replace(['"', '\\'], "");
            let text = printing(&place, &json.to_string())
                + &format!(
                    "tags = [\"{template}\"]\nconsole = {{ transport = \"unix\", path = \"{template}\" }}\n"
                );
            match place.load_text(&format!("{STATIC}{text}")) {
                Ok(loaded) => {
                    for fault in &loaded.faults {
                        let told = fault.to_string();
                        assert!(!told.chars().any(|c| c.is_control() && c != '\n'), "{told:?}");
                    }
                }
                Err(errors) => assert!(!errors.problems.is_empty()),
            }
            Ok(())
        })
        .expect("no text matters");
}
