use super::*;
use crate::app::state::Scroll;
use crate::fleet::LinePos;

/// A console in its scrollback: lines 0 to 119 are kept, the live screen is 100 to 119.
fn scrolled() -> (Bench, ConsoleId) {
    let mut bench = Bench::new();
    let console = bench.attach();
    bench.event(Event::Frame(console, picture(&["one two  three"; 20], 100, true)));
    bench.keys("<ctrl-]>[");
    bench.event(Event::Frame(console, picture(&["one two  three"; 12], 108, false)));
    bench.effects.clear();
    (bench, console)
}

fn scroll(bench: &Bench) -> &Scroll {
    bench.state.panes[0].scroll.as_ref().unwrap()
}

#[test]
fn moving_with_vi_keys() {
    let cases = [
        ("k", (99, 0)),
        ("kk<down>", (99, 0)),
        ("l<right>h", (100, 1)),
        ("g", (0, 0)),
        ("gk", (0, 0)),
        ("G", (119, 0)),
        ("Gj", (119, 0)),
        ("<home><end>", (119, 0)),
        ("Gw", (119, 4)),
        ("Gww", (119, 9)),
        ("GkwwwW", (119, 0)),
        ("Gwwb", (119, 4)),
        ("Gb", (118, 13)),
        ("G$", (119, 13)),
        ("G$0", (119, 0)),
        ("Gllllllllllllllllllllllllllllll", (119, 19)),
    ];
    for (keys, cursor) in cases {
        let (mut bench, _) = scrolled();
        bench.keys(keys);
        let LinePos { line, col } = scroll(&bench).cursor;
        assert_eq!((line, col), cursor, "{keys}");
    }
}

#[test]
fn the_view_is_asked_by_absolute_lines_and_keeps_the_cursor_in_sight() {
    let (mut bench, console) = scrolled();
    let rows = bench.state.layout.pane(console).unwrap().inner().height;
    bench.keys("g");
    let view = crate::fleet::View { top: Some(0), rows };
    let wanted = Request::Console { console, what: ConsoleRequest::View(Some(view)) };
    assert!(bench.effects.contains(&Effect::Hub(Box::new(wanted))));
    for keys in ["<pgdn>", "<pgdn>", "<ctrl-d>", "j", "<pgup>", "<ctrl-u>", "G", "k"] {
        bench.keys(keys);
        let scroll = scroll(&bench);
        let shown = scroll.top..scroll.top + u64::from(rows);
        assert!(shown.contains(&scroll.cursor.line), "{keys}: {scroll:?}");
    }
}

#[test]
fn nothing_typed_there_reaches_the_node() {
    let (mut bench, console) = scrolled();
    bench.keys("xreboot<enter>/abc<enter>i:<f1>");
    bench.event(Event::Paste("rm".into()));
    for request in bench.requests() {
        assert!(
            matches!(request, Request::Console { what: ConsoleRequest::Search { .. }, .. }),
            "{request:?}"
        );
    }
    // A live picture that was on its way does not replace the frozen one.
    bench.event(Event::Frame(console, picture(&["new"], 101, true)));
    assert!(!bench.state.panes[0].frame.as_ref().unwrap().live);
    bench.keys("q");
    assert!(bench.state.panes[0].scroll.is_none());
    bench.keys("x");
    assert_eq!(bench.typed(), b"x");
}

#[test]
fn esc_ends_the_selection_then_the_scrollback() {
    let (mut bench, _) = scrolled();
    bench.keys("v<esc>");
    assert!(scroll(&bench).select.is_none());
    bench.keys("<esc>");
    assert!(bench.state.panes[0].scroll.is_none());
    let (mut bench, _) = scrolled();
    bench.keys("/abc<esc>");
    assert!(scroll(&bench).typing.is_none());
}

#[test]
fn searching() {
    let (mut bench, console) = scrolled();
    bench.keys("G?err.r<enter>");
    let search = |bench: &mut Bench| match bench.requests().pop() {
        Some(Request::Console { what: ConsoleRequest::Search { id, pattern, from, backward }, .. }) => {
            (id, pattern, from.line, backward)
        }
        other => panic!("{other:?}"),
    };
    let (id, pattern, line, backward) = search(&mut bench);
    assert_eq!((pattern.as_str(), line, backward), ("err.r", 119, true));
    let at = |line, col| LinePos { line, col };
    bench.hub(Update::Found { id: RequestId(id.0 + 7), found: Ok(Some((at(3, 0), at(3, 4)))) });
    assert_eq!(scroll(&bench).cursor, at(119, 0));
    bench.hub(Update::Found { id, found: Ok(Some((at(7, 2), at(7, 6)))) });
    assert_eq!((scroll(&bench).cursor, scroll(&bench).found), (at(7, 2), Some((at(7, 2), at(7, 6)))));
    bench.keys("n");
    let (_, _, line, backward) = search(&mut bench);
    assert_eq!((line, backward), (7, true));
    bench.keys("N");
    let (id, _, _, backward) = search(&mut bench);
    assert!(!backward);
    bench.hub(Update::Found { id, found: Ok(None) });
    assert_eq!(scroll(&bench).message.as_deref(), Some("not found: err.r"));
    bench.keys("/(<enter>");
    let (id, ..) = search(&mut bench);
    bench.hub(Update::Found { id, found: Err("unclosed group".into()) });
    assert_eq!(scroll(&bench).message.as_deref(), Some("unclosed group"));
    // Late, after the scrollback was left.
    bench.keys("n");
    let (id, ..) = search(&mut bench);
    bench.keys("q").hub(Update::Found { id, found: Ok(None) });
    assert!(bench.state.pane(console).unwrap().scroll.is_none());
}

#[test]
fn copying() {
    let (mut bench, _) = scrolled();
    bench.keys("Gwvkky");
    let Some(Request::Console { what: ConsoleRequest::Copy { id, from, to, lines }, .. }) =
        bench.requests().pop()
    else {
        panic!()
    };
    assert_eq!((from.line, to.line, lines), (117, 119, false));
    bench.hub(Update::Text { id: RequestId(9999), text: "late".into() });
    assert!(!bench.effects.iter().any(|effect| matches!(effect, Effect::Copy(_))));
    bench.hub(Update::Text { id, text: "a\nb".into() });
    assert!(bench.effects.contains(&Effect::Copy("a\nb".into())));
    assert_eq!(bench.said(), "copied 2 lines");
    bench.keys("Vjy");
    let Some(Request::Console { what: ConsoleRequest::Copy { lines, .. }, .. }) = bench.requests().pop()
    else {
        panic!()
    };
    assert!(lines);
}

#[test]
fn a_history_that_moves_on_takes_the_view_along() {
    let (mut bench, console) = scrolled();
    bench.keys("g");
    let mut frame = Frame::clone(&picture(&["x"; 12], 40, false));
    frame.oldest = 40;
    bench.event(Event::Frame(console, Arc::new(frame)));
    assert_eq!((scroll(&bench).top, scroll(&bench).cursor.line), (40, 40));
}
