//! Commands of the scrollback, with the keys of vi.

use super::{Args, Bind, Command, Context, Function, Run, key};
use crate::app::scroll::{self, Motion};

const fn k(text: &'static str) -> Bind {
    key(Context::Scroll, text)
}

const fn row(
    name: &'static str,
    keys: &'static [Bind],
    help: &'static str,
    hint: &'static str,
    run: Function,
) -> Command {
    Command { name, aliases: &[], keys, args: Args::None, help, hint, run: Run::Do(run) }
}

/// The rows.
pub(super) const ROWS: &[Command] = &[
    row("leave scrollback", &[k("q"), k("ctrl-c")], "back to the live screen", "leave", |state, _, _| {
        scroll::leave(state)
    }),
    row("end selection", &[k("esc")], "end the selection, then leave", "", |state, _, _| scroll::back(state)),
    row("search forward", &[k("/")], "search towards newer lines", "search", |state, _, _| {
        scroll::type_search(state, false)
    }),
    row("search backward", &[k("?")], "search towards older lines", "search back", |state, _, _| {
        scroll::type_search(state, true)
    }),
    row("next match", &[k("n")], "next match", "next", |state, _, out| scroll::again(state, false, out)),
    row("previous match", &[k("N")], "next match the other way", "", |state, _, out| {
        scroll::again(state, true, out)
    }),
    row("select", &[k("v")], "select characters", "select", |state, _, _| scroll::select(state, false)),
    row("select lines", &[k("V")], "select whole lines", "", |state, _, _| scroll::select(state, true)),
    row("copy selection", &[k("y")], "copy the selection, or the line", "copy", |state, _, out| {
        scroll::copy(state, out)
    }),
    row("line down", &[k("j"), k("down")], "one line down", "", |state, _, _| {
        scroll::go(state, Motion::Lines(1))
    }),
    row("line up", &[k("k"), k("up")], "one line up", "", |state, _, _| scroll::go(state, Motion::Lines(-1))),
    row("column left", &[k("h"), k("left")], "one column left", "", |state, _, _| {
        scroll::go(state, Motion::Columns(-1))
    }),
    row("column right", &[k("l"), k("right")], "one column right", "", |state, _, _| {
        scroll::go(state, Motion::Columns(1))
    }),
    row("word", &[k("w")], "next word", "", |state, _, _| scroll::go(state, Motion::Word)),
    row("word back", &[k("b")], "word before", "", |state, _, _| scroll::go(state, Motion::WordBack)),
    row("line start", &[k("0")], "first column", "", |state, _, _| scroll::go(state, Motion::LineStart)),
    row("line end", &[k("$")], "last character", "", |state, _, _| scroll::go(state, Motion::LineEnd)),
    row("scroll half down", &[k("ctrl-d")], "half a page down", "", |state, _, _| {
        scroll::go(state, Motion::Half(1))
    }),
    row("scroll half up", &[k("ctrl-u")], "half a page up", "", |state, _, _| {
        scroll::go(state, Motion::Half(-1))
    }),
    row("scroll down", &[k("pgdn")], "a page down", "", |state, _, _| scroll::go(state, Motion::Page(1))),
    row("scroll up", &[k("pgup")], "a page up", "", |state, _, _| scroll::go(state, Motion::Page(-1))),
    row("oldest", &[k("g"), k("home")], "oldest line", "", |state, _, _| scroll::go(state, Motion::Oldest)),
    row("newest", &[k("G"), k("end")], "newest line", "", |state, _, _| scroll::go(state, Motion::Newest)),
];
