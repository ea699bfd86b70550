use super::run;
use std::time::{Duration, Instant};

#[test]
fn a_command_that_does_not_end_is_ended() {
    let started = Instant::now();
    let (text, _) = run("sleep", &["60".to_owned()], Duration::from_millis(50)).expect_err("too slow");
    assert!(text.starts_with("sleep did not end within"), "{text}");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_grandchild_that_keeps_the_pipe_does_not_hold_us_up() {
    let started = Instant::now();
    let script = "sleep 20 & echo secret".to_owned();
    let result = run("sh", &["-c".to_owned(), script], Duration::from_secs(15));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", result.is_ok());
}

#[test]
fn endless_output_ends() {
    let result = run("yes", &[], Duration::from_secs(20));
    assert!(result.is_err());
}
