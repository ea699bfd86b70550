//! `:theme` and `:columns`.

use super::*;

fn columns(bench: &Bench) -> String {
    bench.state.taste.shown().join(" ")
}

fn error(bench: &Bench) -> String {
    match bench.state.overlays.last() {
        Some(Overlay::Command { error: Some(error), .. }) => error.clone(),
        other => panic!("no error: {other:?}"),
    }
}

#[test]
fn a_theme_is_asked_for_and_taken_when_it_is_there() {
    let mut bench = Bench::new();
    bench.keys(":theme <tab>");
    bench.keys("<ctrl-u>theme da<tab><enter>");
    assert_eq!(bench.effects.pop(), Some(Effect::Theme("dark".into())));
    assert_eq!(bench.state.taste.theme, "default", "not before it was loaded");
    bench.event(Event::Theme("dark".into()));
    assert_eq!((bench.state.taste.theme.as_str(), bench.said()), ("dark", "theme dark"));
    bench.keys(":theme<enter>");
    assert_eq!(bench.said(), "theme dark; there are default, dark");
}

#[test]
fn a_column_is_hidden_and_comes_back_to_its_place() {
    let mut bench = Bench::new();
    assert_eq!(columns(&bench), "node tags power note");
    bench.keys(":columns power<enter>");
    assert_eq!((columns(&bench).as_str(), bench.said()), ("node tags note", "columns: node, tags, note"));
    bench.keys(":columns tags<enter>:columns power<enter>");
    assert_eq!(columns(&bench), "node power note");
    bench.keys(":columns tags<enter>");
    assert_eq!(columns(&bench), "node tags power note");
}

#[test]
fn columns_are_chosen_in_the_order_typed() {
    let mut bench = Bench::new();
    bench.keys(":columns power,note node<enter>");
    assert_eq!(columns(&bench), "power note node");
    bench.keys(":columns<enter>");
    assert_eq!((columns(&bench).as_str(), bench.said()), ("power note node", "columns: power, note, node"));
    bench.keys(":columns all<enter>");
    assert_eq!(columns(&bench), "node tags power note");
}

#[test]
fn columns_that_cannot_be_are_refused_with_the_reason() {
    for (typed, wanted) in [
        ("colour", "there is no column \"colour\"; there are node, tags, power, note"),
        ("node", "always shown"),
        ("power,note", "\"node\" must be among"),
        ("node,note,note", "\"note\" is there twice"),
        ("all,note", "said alone"),
    ] {
        let mut bench = Bench::new();
        bench.keys(&format!(":columns {typed}<enter>"));
        assert!(error(&bench).contains(wanted), "{}", error(&bench));
        assert_eq!(columns(&bench), "node tags power note");
    }
}

#[test]
fn columns_are_completed_with_what_is_shown() {
    let mut bench = Bench::new();
    bench.keys(":columns note<enter>:columns ");
    let Some(Overlay::Command { candidates, .. }) = bench.state.overlays.last() else { panic!("a prompt") };
    let about = |name: &str| {
        let line = format!("columns {name}");
        candidates.iter().find(|(text, _)| *text == line).map(|(_, about)| about.as_str())
    };
    assert_eq!((about("power"), about("note")), (Some("shown"), Some("hidden")));
    assert!(about("all").is_some());
}
