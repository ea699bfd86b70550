//! Where configuration is looked for and how files are merged.

use super::Place;
use lightsout::config::nodes;
use std::path::Path;

const SYSTEM: &str = "theme = \"mono\"\n\
    [screen]\nfps = 12\nfps_ssh = 6\n\
    [credentials.lab]\nusername = \"system\"\npassword_file = \"../lab.pw\"\n\
    [tags.rack1]\nprotected = true\n\
    [[node]]\nname = \"n1\"\ntags = [\"rack1\"]\nbmc = { address = \"10.1.1.1\", credentials = \"lab\" }\n";
const USER: &str = "[screen]\nfps = 24\n\
    [credentials.lab]\nusername = \"me\"\npassword_file = \"../../../lab.pw\"\n\
    [tags.rack1]\nread_only = true\n\
    [[node]]\nname = \"n2\"\ntags = [\"rack1\"]\nbmc = { address = \"10.1.1.2\", credentials = \"lab\" }\n\
    console = { transport = \"sol\" }\n";

fn layered() -> Place {
    let place = Place::new();
    place.write("etc/config.toml", SYSTEM, 0o644);
    place.write("home/.config/lightsout/config.toml", USER, 0o644);
    place
}

#[test]
fn the_user_s_file_lies_on_top_of_the_system_s() {
    let place = layered();
    let loaded = place.load(None).expect("both layers");
    let settings = &loaded.settings;
    assert_eq!((settings.screen.fps, settings.screen.fps_ssh), (24, 6));
    assert_eq!(settings.theme, "mono");
    let names: Vec<&str> = settings.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["n1", "n2"]);
    for node in &settings.nodes {
        assert!(node.protected && node.read_only, "{} has the tag of both layers", node.name);
        let credentials = node.bmc.as_ref().and_then(|bmc| bmc.credentials.as_ref());
        assert_eq!(credentials.map(|credentials| credentials.username.as_str()), Some("me"));
    }
    let files = [place.path("etc/config.toml"), place.path("home/.config/lightsout/config.toml")];
    assert_eq!(loaded.files, files);
    assert_eq!(Some(&loaded.main), files.last());
    assert_eq!(settings.state_dir, place.path("home/.local/state/lightsout"));
    assert_eq!(settings.log_dir, place.path("home/.local/state/lightsout/consoles"));
    assert_eq!(settings.runtime_dir, Path::new("/tmp/lightsout-7"));
}

#[test]
fn nodes_are_numbered_in_order_and_know_what_others_need() {
    let nodes = nodes(&layered().load(None).expect("both layers").settings);
    assert_eq!(nodes[1].id.index(), 1);
    assert_eq!(nodes[1].name, "n2");
    assert_eq!(nodes[1].driver.as_deref(), Some("ipmi"));
    assert_eq!(nodes[1].transport.as_deref(), Some("sol"));
    assert_eq!(nodes[1].address, "10.1.1.2");
    assert!(nodes[1].protected && nodes[1].read_only && nodes[1].tags.contains("rack1"));
    assert_eq!(nodes[0].transport, None);
}

#[test]
fn a_named_file_or_the_variable_replaces_both() {
    let mut place = layered();
    place.write("own.toml", "theme = \"default\"\n", 0o644);
    place.write("other.toml", "[screen]\nfps = 99\n", 0o644);
    assert_eq!(place.load(Some("own.toml")).expect("one file").files, [place.path("own.toml")]);
    place.env.push(("LIGHTSOUT_CONFIG", place.path("other.toml").into()));
    assert_eq!(place.load(None).expect("the variable").settings.screen.fps, 99);
    assert_eq!(place.load(Some("own.toml")).expect("--config wins").settings.screen.fps, 30);
}

#[test]
fn a_node_of_both_layers_is_an_error_that_names_both_places() {
    let place = layered();
    place.write("home/.config/lightsout/config.toml", "\n[[node]]\nname = \"n1\"\n", 0o644);
    let errors = place.strip(&place.load(None).expect_err("n1 twice").to_string());
    assert_eq!(
        errors,
        "home/.config/lightsout/config.toml:3:8: node.name: node n1 already configured at etc/config.toml:11:8\n  \
         help: every node has one [[node]]: remove or rename one"
    );
}

#[test]
fn without_a_configuration_the_error_says_how_to_start() {
    let place = Place::new();
    let errors = place.strip(&place.load(None).expect_err("nothing there").to_string());
    let wanted = "no configuration found; looked for etc/config.toml and home/.config/lightsout/config.toml\n  \
        help: start with: mkdir -p home/.config/lightsout && \
        lightsout config default > home/.config/lightsout/config.toml\n        \
        or name a file with --config or LIGHTSOUT_CONFIG\n        \
        or try it without one, on simulated machines: lightsout demo";
    assert_eq!(errors, wanted);
    let errors = place.strip(&place.load(Some("gone.toml")).expect_err("nothing there").to_string());
    assert!(errors.starts_with("cannot read gone.toml: no such file or directory\n"), "{errors}");
}

#[test]
fn paths_are_absolute_however_the_file_was_named() {
    let place = Place::new();
    let text = "[[node]]\nname = \"vm\"\nbmc = { driver = \"qemu\", qmp = \"vm.qmp\" }\n";
    let absolute = place.write("vm.toml", text, 0o644);
    let here = std::env::current_dir().expect("a current directory");
    let mut relative: std::path::PathBuf = here.components().skip(1).map(|_| "..").collect();
    relative.extend(absolute.components().skip(1));
    assert!(relative.is_relative());
    let loaded = place.load_at(Some(relative)).expect("a relative name");
    let bmc = loaded.settings.nodes[0].bmc.as_ref().expect("a bmc");
    assert!(bmc.qmp.as_ref().expect("a socket").is_absolute());
}

#[test]
fn bytes_that_are_no_utf8_are_named_with_their_place() {
    let place = Place::new();
    place.write("config.toml", b"theme = \"default\"\n# caf\xe9\n", 0o644);
    let errors = place.strip(&place.load(Some("config.toml")).expect_err("latin-1").to_string());
    assert_eq!(errors, "config.toml:2:6: the file is not UTF-8\n  help: save it as UTF-8");
}

#[test]
fn ten_thousand_nodes_are_read_one_by_one() {
    let place = Place::new();
    let mut text = String::from("[credentials.lab]\nusername = \"u\"\npassword_file = \"lab.pw\"\n");
    for i in 0..10_000 {
        let (a, b) = (i / 250, i % 250 + 1);
        text += &format!(
            "[[node]]\nname = \"n{i:05}\"\ntags = [\"all\"]\n\
             bmc = {{ address = \"10.1.{a}.{b}\", credentials = \"lab\" }}\nconsole = {{ transport = \"sol\" }}\n"
        );
    }
    assert_eq!(place.load_text(&text).expect("many nodes").settings.nodes.len(), 10_000);
}
