use super::{NodeSet, nearest};
use crate::fleet::{Node, NodeId};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn names(text: &str) -> Vec<String> {
    NodeSet::parse(text).expect(text).names().to_vec()
}

fn problem(text: &str) -> String {
    NodeSet::parse(text).expect_err(text).problem
}

fn node(id: u32, name: &str, tags: &[&str]) -> Node {
    Node {
        id: NodeId(id),
        name: name.into(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        protected: false,
        read_only: false,
        driver: None,
        transport: None,
        console: String::new(),
        address: String::new(),
    }
}

#[test]
fn expands_ranges_lists_and_padding() {
    assert_eq!(names("n[01-03,07]"), ["n01", "n02", "n03", "n07"]);
    assert_eq!(names("n[8-11]"), ["n8", "n9", "n10", "n11"]);
    assert_eq!(names("n[08-11]"), ["n08", "n09", "n10", "n11"]);
    assert_eq!(names("n[098-101]x"), ["n098x", "n099x", "n100x", "n101x"]);
    assert_eq!(names("n[98-101]"), ["n98", "n99", "n100", "n101"]);
    assert_eq!(names("[3,1]"), ["3", "1"]);
    assert_eq!(names("n[5]"), ["n5"]);
}

#[test]
fn several_brackets_multiply_and_the_last_runs_fastest() {
    assert_eq!(names("r[1-2]n[01-02]-bmc"), ["r1n01-bmc", "r1n02-bmc", "r2n01-bmc", "r2n02-bmc"]);
    assert_eq!(names("10.1.[1-2].[9-10]").len(), 4);
}

#[test]
fn commas_outside_brackets_separate_names() {
    assert_eq!(names("a, b ,c[1,2]"), ["a", "b", "c1", "c2"]);
    assert_eq!(names("a,a"), ["a", "a"]);
}

#[test]
fn an_ipv6_address_is_one_name() {
    assert_eq!(names("fe80::1"), ["fe80::1"]);
    assert_eq!(names("[fe80::1%eth0]"), ["fe80::1%eth0"]);
    assert_eq!(names("[::1]"), ["::1"]);
    assert_eq!(names("2001:db8::[1-2]"), ["2001:db8::1", "2001:db8::2"]);
}

#[test]
fn says_what_is_wrong() {
    assert_eq!(problem("n[1-3"), "a \"[\" without its \"]\"");
    assert_eq!(problem("n1-3]"), "a \"]\" without its \"[\"");
    assert_eq!(problem("n[1[2]]"), "brackets inside brackets");
    assert_eq!(problem("n[3-1]"), "the range \"3-1\" runs backwards");
    assert_eq!(problem("n[001-10]"), "the ends of the range \"001-10\" are not padded alike");
    assert_eq!(problem("n[1-010]"), "the ends of the range \"1-010\" are not padded alike");
    assert_eq!(problem("n[a-c]"), "\"a-c\" is neither a number nor a range of numbers");
    assert_eq!(problem("n[1,]"), "a number is missing between brackets or commas");
    assert_eq!(problem("n[]"), "a number is missing between brackets or commas");
    assert_eq!(problem("a,,b"), "a name is empty");
    assert_eq!(problem(""), "a name is empty");
    assert!(problem(&format!("n[{}]", "9".repeat(30))).contains("more than 18 digits"));
}

#[test]
fn refuses_more_names_than_the_limit_without_building_them() {
    assert_eq!(names("n[1-100000]").len(), super::MAX_NAMES);
    assert!(problem("n[0-100000]").contains("more than 100000 names"));
    assert!(problem("n[1-100000],m").contains("more than 100000 names"));
    assert!(problem("[0-999999999][0-999999999][0-999999999]").contains("more than 100000"));
}

#[test]
fn folds_as_operators_write() {
    assert_eq!(NodeSet::fold(&["vm3", "r1n07", "r1n03", "r1n01", "r1n02"]), "r1n[01-03,07],vm3");
    assert_eq!(NodeSet::fold::<&str>(&[]), "");
    assert_eq!(NodeSet::fold(&["n1", "n1"]), "n1");
    assert_eq!(NodeSet::fold(&["n10", "n9", "n2"]), "n[2,9-10]");
    assert_eq!(NodeSet::fold(&["n099", "n100", "n98"]), "n[98,099-100]");
    assert_eq!(NodeSet::fold(&["n1", "n01"]), "n[1,01]");
    assert_eq!(NodeSet::fold(&["r1n01", "r1n02", "r2n01", "r2n02"]), "r[1-2]n[01-02]");
    assert_eq!(NodeSet::fold(&["r1n1", "r1n2", "r2n1"]), "r1n[1-2],r2n1");
    assert_eq!(NodeSet::fold(&["web", "db"]), "db,web");
}

#[test]
fn resolves_names_tags_and_all() {
    let nodes = [node(0, "n1", &["rack1"]), node(1, "n2", &["rack2"]), node(2, "vm", &[])];
    let ids = |text: &str| -> Vec<u32> {
        NodeSet::resolve(text, &nodes).expect(text).iter().map(|id| id.0).collect()
    };
    assert_eq!(ids("vm,n[1-2],n1"), [2, 0, 1]);
    assert_eq!(ids("@rack2,n1"), [1, 0]);
    assert_eq!(ids("@rack[1-2]"), [0, 1]);
    assert_eq!(ids("vm,all"), [2, 0, 1]);
    let problem = |text: &str| NodeSet::resolve(text, &nodes).expect_err(text).problem;
    assert_eq!(problem("n[2-4]"), "no node is called \"n[3-4]\"");
    assert_eq!(problem("vn"), "no node is called \"vn\"; did you mean \"vm\"?");
    assert_eq!(problem("rack1"), "no node is called \"rack1\"; the tag is written @rack1");
    assert_eq!(problem("@rak2"), "no node has the tag \"rak2\"; did you mean @rack2?");
    assert_eq!(problem("@nowhere"), "no node has the tag \"nowhere\"");
    assert_eq!(problem("n1,"), "a name is empty");
}

#[test]
fn nearest_is_near_or_nothing() {
    assert_eq!(nearest("r1n1", ["r2n1", "r1n01", "r1n10"].into_iter()), Some("r1n10"));
    assert_eq!(nearest("web", ["database"].into_iter()), None);
}

proptest! {
    #[test]
    fn folding_loses_and_invents_nothing(
        set in prop::collection::btree_set("[a-c]{0,2}(0{0,2}[0-9]{1,2})?(-[0-9]{1,3})?(x[0-9])?", 1..60)
    ) {
        let set: BTreeSet<String> = set.into_iter().filter(|name| !name.is_empty()).collect();
        prop_assume!(!set.is_empty());
        let folded = NodeSet::fold(&set.iter().collect::<Vec<_>>());
        let parsed = NodeSet::parse(&folded).expect("what fold writes can be read");
        prop_assert_eq!(parsed.names().len(), set.len(), "{}", &folded);
        prop_assert_eq!(parsed.names().iter().cloned().collect::<BTreeSet<_>>(), set, "{}", &folded);
    }

    #[test]
    fn a_padded_range_folds_back_to_itself(start in 0_u32..2000, length in 1_u32..300, width in 1_usize..6) {
        let text = format!("n[{start:0width$}-{end:0width$}]", end = start + length);
        prop_assert_eq!(NodeSet::fold(NodeSet::parse(&text).expect("a range").names()), text);
    }

    #[test]
    fn no_text_breaks_the_parser(text in "[a0-9,\\[\\]:. é-]{0,20}") {
        let _ = NodeSet::parse(&text);
    }
}
