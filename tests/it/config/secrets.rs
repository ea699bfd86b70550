//! Passwords and keys: where they come from, what is stripped, what is refused, what is never shown.

use super::{CANARY, Place};
use lightsout::config::{Credentials, Secrets};
use std::sync::Arc;

fn node(source: &str) -> String {
    format!(
        "[credentials.lab]\nusername = \"admin\"\n{source}\n\
         [[node]]\nname = \"n[1-3]\"\nbmc = {{ address = \"10.1.1.[1-3]\", credentials = \"lab\" }}\n"
    )
}

fn credentials(place: &Place, source: &str) -> Arc<Credentials> {
    let loaded = place.load_text(&node(source)).expect(source);
    let bmc = loaded.settings.nodes[0].bmc.as_ref().expect("a bmc");
    bmc.credentials.clone().expect("credentials")
}

fn password(place: &Place, source: &str) -> Vec<u8> {
    credentials(place, source).password.expose().to_vec()
}

#[test]
fn from_a_file_without_its_one_newline() {
    let place = Place::new();
    assert_eq!(password(&place, "password_file = \"lab.pw\""), CANARY.as_bytes());
    assert_eq!(password(&place, "password_file = \"exact.pw\"").len(), 20);
    place.write("crlf.pw", "secret\r\n", 0o400);
    assert_eq!(password(&place, "password_file = \"crlf.pw\""), b"secret");
    place.write("blank.pw", " s ", 0o600);
    assert_eq!(password(&place, "password_file = \"blank.pw\""), b" s ");
}

#[test]
fn a_secret_is_not_printed_even_as_numbers() {
    let credentials = credentials(&Place::new(), "password_file = \"lab.pw\"");
    let printed = format!("{credentials:?}");
    assert!(printed.contains("password: Secret(..)"), "{printed}");
}

#[test]
fn an_empty_password_is_possible() {
    let place = Place::new();
    assert_eq!(password(&place, "password_file = \"empty.pw\""), b"");
    place.write("newline.pw", "\n", 0o600);
    assert_eq!(password(&place, "password_file = \"newline.pw\""), b"");
}

#[test]
fn from_the_environment() {
    assert_eq!(password(&Place::new(), "password_env = \"LAB_PASSWORD\""), CANARY.as_bytes());
}

#[test]
fn a_command_runs_once_for_all_nodes_without_standard_input() {
    let place = Place::new();
    let ran = place.path("ran");
    let source =
        format!("password_command = [\"sh\", \"-c\", \"echo x >> {}; cat; echo '{CANARY}'\"]", ran.display());
    assert_eq!(password(&place, &source), CANARY.as_bytes());
    assert_eq!(std::fs::read_to_string(ran).expect("it ran"), "x\n");
}

#[test]
fn no_command_runs_when_only_checking() {
    let mut place = Place::new();
    place.secrets = Secrets::Check;
    let ran = place.path("ran");
    let source = format!("password_command = [\"touch\", \"{}\"]", ran.display());
    assert_eq!(password(&place, &source), b"");
    assert!(!ran.exists());
}

#[test]
fn no_command_runs_when_something_is_wrong_or_nobody_needs_it() {
    let place = Place::new();
    let ran = place.path("ran");
    let source = format!("password_command = [\"touch\", \"{}\"]", ran.display());
    place.problems(&(node(&source) + "[tags.x]\nprotekted = true\n"));
    assert!(!ran.exists());
    let unused = format!("[credentials.lab]\nusername = \"a\"\n{source}\n");
    let loaded = place.load_text(&unused).expect("an unused command");
    assert!(!ran.exists());
    let warning = place.strip(&loaded.warnings[0]);
    assert_eq!(warning, "config.toml:1:14: no node uses the credentials \"lab\"");
}

#[test]
fn a_failing_command_shows_its_complaint_but_not_its_output() {
    let place = Place::new();
    let source = format!("password_command = [\"sh\", \"-c\", \"echo {CANARY}; echo locked >&2; exit 3\"]");
    let problems = place.problems(&node(&source));
    assert!(problems.contains("password_command: sh failed (exit status: 3): locked"), "{problems}");
    assert!(!problems.contains(CANARY), "{problems}");
    let problems = place.problems(&node("password_command = [\"lightsout-no-such-program\"]"));
    assert!(problems.contains("cannot run lightsout-no-such-program: no such file"), "{problems}");
}

#[test]
fn what_a_command_gives_is_checked_like_a_file() {
    let place = Place::new();
    let source = format!("password_command = [\"echo\", \"{CANARY}-{CANARY}-{CANARY}\"]");
    let problems = place.problems(&node(&source));
    assert!(problems.contains("the password is longer than the 20 bytes of IPMI 2.0"), "{problems}");
    assert!(!problems.contains(CANARY), "{problems}");
}

#[test]
fn a_kg_is_read_for_every_node_that_names_it() {
    let place = Place::new();
    let text = node("password_file = \"lab.pw\"")
        .replace("credentials = \"lab\" }", "credentials = \"lab\", kg_file = \"kg.pw\" }");
    let loaded = place.load_text(&text).expect("a key");
    for node in &loaded.settings.nodes {
        let kg = node.bmc.as_ref().and_then(|bmc| bmc.kg.as_ref());
        assert_eq!(kg.map(|kg| kg.expose()), Some(b"hunter2-kg".as_slice()));
    }
}
