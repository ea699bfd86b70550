//! The formats, with text that is right, text that is wrong, and any text.

use super::entry::Found;
use super::filter::Filter;
use super::{FORMATS, ansible, genders, hosts, json};
use proptest::prelude::*;

/// `name [tags] key=value ..`, a line a node.
fn shown(found: &Found) -> Vec<String> {
    let line = |entry: &super::Entry| {
        let attributes: Vec<String> =
            entry.attributes.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        format!("{} [{}]{}", entry.name, entry.tags.join(","), attributes.concat())
    };
    found.entries.iter().map(line).collect()
}

fn troubles(found: &Found) -> Vec<String> {
    found.troubles.iter().map(|it| format!("{:?}: {}", it.line, it.text)).collect()
}

#[test]
fn genders_give_tags_attributes_and_names() {
    let found = genders::read(
        "# a cluster\nmgmt1,n[1-2]  cluster=slc,all,eth2=e%n-100%%\nn[1-2] compute,bmc=%n-bmc # nodes\nn9\n",
    );
    assert_eq!(troubles(&found), [""; 0]);
    assert_eq!(
        shown(&found),
        [
            "mgmt1 [all] cluster=slc eth2=emgmt1-100%",
            "n1 [all,compute] bmc=n1-bmc cluster=slc eth2=en1-100%",
            "n2 [all,compute] bmc=n2-bmc cluster=slc eth2=en2-100%",
            "n9 []"
        ]
    );
    assert_eq!(shown(&genders::read("n[1-2],m\n")), ["n1 []", "n2 []", "m []"], "nodeattr -A");
}

#[test]
fn every_wrong_line_of_genders_is_told_and_the_others_are_read() {
    let found = genders::read("n[1-2 a\nn1 a b\nn1 a,a\nn2 b\nn2 b=1\n");
    assert_eq!(
        troubles(&found),
        [
            "Some(1): cannot read \"n[1-2\": a \"[\" without its \"]\"",
            "Some(2): \"b\" stands behind the attributes, which have no blanks between them",
            "Some(3): n1 has the attribute \"a\" twice",
            "Some(5): n2 has the attribute \"b\" twice",
        ]
    );
    assert_eq!(shown(&found), ["n1 [a]", "n2 [b]"]);
}

#[test]
fn hosts_are_all_but_this_machine_s_own_addresses() {
    let found = hosts::read(
        "127.0.0.1 localhost\n127.0.1.1\tjump\n::1 localhost ip6-localhost\nff02::1 ip6-allnodes\n\
         fe00::0 ip6-localnet\n10.1.1.1 r1n01.example r1n01 # first\n10.1.1.2 r1n02\nfd00::2 r1n02\n",
    );
    assert_eq!(troubles(&found), [""; 0]);
    assert_eq!(shown(&found), ["r1n01.example [] address=10.1.1.1 alias=r1n01", "r1n02 [] address=10.1.1.2"]);
    let found = hosts::read("10.1.1 a\n10.1.1.1\n");
    assert_eq!(troubles(&found), ["Some(1): \"10.1.1\" is no address", "Some(2): 10.1.1.1 has no name"]);
}

#[test]
fn an_ansible_list_gives_groups_with_their_parents_and_variables() {
    let found = ansible::read(
        r#"{"_meta": {"hostvars": {"n1": {"ansible_host": "10.0.0.1", "slot": 3, "list": []}}},
            "all": {"children": ["ungrouped", "rack1"]},
            "rack1": {"children": ["compute"], "vars": {"row": "a", "slot": 0}},
            "compute": {"hosts": ["n1", "n2"]}, "login": ["n3"]}"#,
    );
    assert_eq!(troubles(&found), [""; 0]);
    let mut lines = shown(&found);
    lines.sort();
    assert_eq!(
        lines,
        [
            "n1 [rack1,compute] address=10.0.0.1 ansible_host=10.0.0.1 row=a slot=3",
            "n2 [rack1,compute] address=n2 row=a slot=0",
            "n3 [login] address=n3",
        ]
    );
}

#[test]
fn an_ansible_ini_file_has_ranges_children_and_variables() {
    let found = ansible::read(
        "# the fleet\nlone ansible_host=10.9.9.9\n[compute]\nn[01:02] slot=1 note='a b' # two\nn[a:c:2]:2222\n\
         [rack1:children]\ncompute\n[rack1:vars]\nbmc_user = admin\nslot=0\n[all:vars]\nbmc_user=root\n",
    );
    assert_eq!(troubles(&found), [""; 0]);
    assert_eq!(
        shown(&found),
        [
            "lone [] address=10.9.9.9 ansible_host=10.9.9.9 bmc_user=root",
            "n01 [rack1,compute] address=n01 bmc_user=admin note=a b slot=1",
            "n02 [rack1,compute] address=n02 bmc_user=admin note=a b slot=1",
            "na [rack1,compute] address=na ansible_port=2222 bmc_user=admin slot=0",
            "nc [rack1,compute] address=nc ansible_port=2222 bmc_user=admin slot=0",
        ]
    );
}

#[test]
fn wrong_ansible_inventories_say_where() {
    let found = ansible::read("[g:kids]\n[a b]\nn[3:1]\nn[1:\nn x\nm a='b\n");
    assert_eq!(
        troubles(&found),
        [
            "Some(1): there is no \"kids\" of a group, but children and vars",
            "Some(2): \"a b\" names no group",
            "Some(3): cannot read the range [3:1]: write [01:16] or [a:f]",
            "Some(4): a \"[\" without its \"]\"",
            "Some(5): \"x\" is no key=value",
            "Some(6): a quote is not closed",
        ]
    );
    assert!(troubles(&ansible::read("all:\n  hosts:\n"))[0].contains("this is YAML"));
    assert!(troubles(&ansible::read("{\"a\": "))[0].contains("line 1 column 6"));
    let circle = ansible::read("[a]\nn\n[a:children]\nb\n[b:children]\na\n");
    assert_eq!(shown(&circle), ["n [b,a] address=n"]);
}

#[test]
fn our_own_json_is_strict() {
    let found = json::read(
        r#"{"v": 1, "nodes": [{"name": "a", "tags": ["t"], "attributes": {"x": 1, "y": null}},
            {"name": "a"}, {"nam": "b"}, 7, {"name": "c", "bcm": {}}, {"name": "d", "tags": "t"},
            {"name": "e", "bmc": []}]}"#,
    );
    assert_eq!(shown(&found), ["a [t] x=1"]);
    assert_eq!(
        troubles(&found),
        [
            "None: node a is there twice",
            "None: number 3 of \"nodes\": it has no \"name\"",
            "None: number 4 of \"nodes\": it is no object",
            "None: number 5 of \"nodes\": c has a key \"bcm\": did you mean \"bmc\"?",
            "None: number 6 of \"nodes\": \"tags\" of d is no list of texts",
            "None: number 7 of \"nodes\": \"bmc\" of e is no object",
        ]
    );
    for (text, said) in [
        ("[]", "it is no {\"v\": 1, \"nodes\": [..]}"),
        ("{\"nodes\": []}", "\"v\" is missing"),
        ("{\"v\": 2, \"nodes\": []}", "its \"v\" is not 1"),
        ("{\"v\": 1}", "\"nodes\" is no list"),
        ("hello\u{1b}[31m", "line 1 column 1"),
    ] {
        let told = troubles(&json::read(text));
        assert!(told.len() == 1 && told[0].contains(said), "{text}: {told:?}");
    }
}

#[test]
fn a_filter_takes_names_and_tags_and_leaves_out() {
    let found = genders::read("r1n1 compute\nr1n2 compute,bmc=x\nlogin1 login\nr1n1-bmc\n");
    for (filter, taken) in [
        ("r1n*", vec!["r1n1", "r1n2", "r1n1-bmc"]),
        ("r1n*,!*-bmc", vec!["r1n1", "r1n2"]),
        ("@compute,login1", vec!["r1n1", "r1n2", "login1"]),
        ("!@compute", vec!["login1", "r1n1-bmc"]),
        ("@bmc", vec!["r1n2"]),
        ("r1n[1-2]", vec!["r1n1", "r1n2"]),
        ("nothing", vec![]),
    ] {
        let read = Filter::parse(filter).expect(filter);
        let names: Vec<&str> =
            found.entries.iter().filter(|entry| read.takes(entry)).map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, taken, "{filter}");
    }
    assert!(Filter::parse("a,!").is_err() && Filter::parse("[").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]
    #[test]
    fn any_text_is_read_or_refused(
        text in "(?s)([a-z]{0,3}|[\\[\\]{}=:,;#%\\n \t\"'0-9\\-]|\\{\"v\": 1, \"nodes\": \\[|\\PC){0,60}",
    ) {
        for (name, read) in FORMATS {
            let found = read(&text);
            for trouble in found.troubles {
                prop_assert!(!trouble.text.chars().any(char::is_control), "{}: {:?}", name, trouble.text);
            }
            for entry in &found.entries {
                let _ = Filter::parse(&text).is_ok_and(|filter| filter.takes(entry));
            }
        }
    }
}
