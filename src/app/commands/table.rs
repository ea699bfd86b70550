//! Commands of the table.

use super::{Args, Bind, Command, Context, Function, Run, key};
use crate::app::{
    Effect, State, actions, palette, panes,
    state::{ActionLog, Focus, Input, Overlay},
    table::{self, Step},
    taste, verbs,
};
use crate::fleet::{NodeId, SortKey};
use crate::hub::message::Request;

const fn t(text: &'static str) -> Bind {
    key(Context::Table, text)
}

const fn number(text: &'static str) -> Bind {
    Bind { context: Context::Table, key: text, arg: text }
}

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    keys: &'static [Bind],
    (args, help, hint): (Args, &'static str, &'static str),
    run: Function,
) -> Command {
    Command { name, aliases, keys, args, help, hint, run: Run::Do(run) }
}

type Done = Result<(), String>;
type Out = Vec<Effect>;

/// The rows; those with a hint come first, in the order of the hint line.
pub(super) const ROWS: &[Command] = &[
    row(
        "console",
        &["attach"],
        &[t("c")],
        (Args::Node, "open the node's console, or go to it", "console"),
        console,
    ),
    row(
        "power",
        &[],
        &[t("p"), key(Context::Pane, "p")],
        (Args::Nodes, "power menu", "power"),
        |state, args, _| menu(state, Context::PowerMenu, args),
    ),
    row("boot", &[], &[t("b")], (Args::Nodes, "boot device menu", "boot"), |state, args, _| {
        menu(state, Context::BootMenu, args)
    }),
    row("bmc", &[], &[t("m")], (Args::Nodes, "BMC menu", "BMC"), |state, args, _| {
        menu(state, Context::BmcMenu, args)
    }),
    row(
        "mark",
        &[],
        &[t("space")],
        (Args::Nodes, "mark or unmark the node, or mark the range", "mark"),
        mark,
    ),
    row("filter", &[], &[t("/")], (Args::Filter, "show only some nodes", "filter"), filter),
    row("command", &["palette"], &[t(":")], (Args::None, "type a command", "command"), |state, _, _| {
        palette::open(state, "");
        Ok(())
    }),
    row(
        "help",
        &[],
        &[t("?"), key(Context::Pane, "?")],
        (Args::None, "the keys that work here", "help"),
        |state, _, _| {
            state.overlays.push(Overlay::Help { top: 0 });
            Ok(())
        },
    ),
    row("down", &[], &[t("j"), t("down")], (Args::None, "one row down", ""), |state, _, _| {
        go(state, Step::Rows(1))
    }),
    row("up", &[], &[t("k"), t("up")], (Args::None, "one row up", ""), |state, _, _| {
        go(state, Step::Rows(-1))
    }),
    row("half page down", &[], &[t("ctrl-d")], (Args::None, "half a page down", ""), |state, _, _| {
        go(state, Step::Half(1))
    }),
    row("half page up", &[], &[t("ctrl-u")], (Args::None, "half a page up", ""), |state, _, _| {
        go(state, Step::Half(-1))
    }),
    row("page down", &[], &[t("pgdn")], (Args::None, "a page down", ""), |state, _, _| {
        go(state, Step::Page(1))
    }),
    row("page up", &[], &[t("pgup")], (Args::None, "a page up", ""), |state, _, _| go(state, Step::Page(-1))),
    row("top", &[], &[t("g"), t("home")], (Args::None, "first row", ""), |state, _, _| {
        go(state, Step::First)
    }),
    row("bottom", &[], &[t("G"), t("end")], (Args::None, "last row", ""), |state, _, _| {
        go(state, Step::Last)
    }),
    row("details", &["info"], &[t("enter")], (Args::Node, "all that is known of the node", ""), details),
    row(
        "range",
        &[],
        &[t("v")],
        (Args::None, "begin a range; again, or space, marks it", ""),
        |state, _, _| {
            table::range(state);
            Ok(())
        },
    ),
    row("mark shown", &[], &[t("*")], (Args::None, "mark all that the filter shows", ""), |state, _, _| {
        table::mark_all(state);
        Ok(())
    }),
    row("unmark", &["unmark all"], &[t("u")], (Args::Nodes, "unmark all, or some", ""), unmark),
    row("sort", &[], &[t("s")], (Args::Sort, "sort by the next key, or by one", ""), sort),
    row("reverse", &[], &[t("S")], (Args::None, "turn the order round", ""), |state, _, _| {
        state.table.reverse = !state.table.reverse;
        state.inner.dirty = true;
        Ok(())
    }),
    row(
        "columns",
        &[],
        &[],
        (Args::Columns, "show or hide a column, or choose: node,power,note or all", ""),
        taste::columns,
    ),
    row("theme", &[], &[], (Args::Theme, "take another theme", ""), taste::theme),
    row(
        "poll",
        &["refresh", "status", "power status"],
        &[t("r")],
        (Args::Nodes, "read the power state now", ""),
        poll,
    ),
    row(
        "copy",
        &["yank"],
        &[t("y")],
        (Args::None, "copy the names, folded: marked, or filtered, or the cursor's", ""),
        copy,
    ),
    row("switch", &[], &[t("tab")], (Args::None, "to the console last used", ""), switch),
    row(
        "pane",
        &[],
        &[
            number("1"),
            number("2"),
            number("3"),
            number("4"),
            number("5"),
            number("6"),
            number("7"),
            number("8"),
            number("9"),
        ],
        (Args::Text, "to the console of this number", ""),
        pane,
    ),
    row(
        "zoom",
        &[],
        &[t("z"), key(Context::Pane, "z")],
        (Args::None, "the console alone fills the screen", ""),
        zoom,
    ),
    row("log", &["actions"], &[t("L")], (Args::None, "what was done, with results", ""), |state, _, _| {
        state.overlays.push(Overlay::Actions(ActionLog::default()));
        Ok(())
    }),
    row(
        "reload",
        &[],
        &[],
        (Args::None, "read the configuration again; consoles stay open", ""),
        |state, _, out| {
            state.say("reading the configuration");
            out.push(Effect::Reload);
            Ok(())
        },
    ),
    row(
        "mouse",
        &[],
        &[],
        (Args::None, "the mouse clicks and scrolls here, or selects text in the terminal again", ""),
        |state, _, out| {
            state.mouse = !state.mouse;
            state.say(if state.mouse {
                "mouse on: hold shift to select text with it"
            } else {
                "mouse off: it selects text in the terminal"
            });
            out.push(Effect::Mouse);
            Ok(())
        },
    ),
    row("redraw", &[], &[t("ctrl-l")], (Args::None, "draw the screen anew", ""), |_, _, out| {
        out.push(Effect::Redraw);
        Ok(())
    }),
    row(
        "back",
        &[],
        &[t("esc")],
        (Args::None, "one level out: the range, the filter; never quits", ""),
        back,
    ),
    row(
        "quit",
        &["q", "exit"],
        &[t("q")],
        (Args::None, "leave; asks when something would be lost", ""),
        |state, _, out| {
            verbs::quit(state, out);
            Ok(())
        },
    ),
];

fn go(state: &mut State, step: Step) -> Done {
    table::go(state, step);
    Ok(())
}

/// The node that a command names, or the cursor's.
fn one(state: &State, args: &str) -> Result<NodeId, String> {
    if args.is_empty() {
        if let Focus::Pane(_) = state.focus {
            return Ok(state.meant_pane()?.node);
        }
        return state.table.cursor.ok_or_else(|| "there is no node here".into());
    }
    match palette::resolve(state, args)?.as_slice() {
        [node] => Ok(*node),
        nodes => Err(format!("one node is needed, not {}", nodes.len())),
    }
}

fn console(state: &mut State, args: &str, out: &mut Out) -> Done {
    let node = one(state, args)?;
    panes::attach(state, node, out)
}

/// A verb menu, on the nodes that are meant.
fn menu(state: &mut State, menu: Context, args: &str) -> Done {
    let targets = palette::some_nodes(state, args)?;
    verbs::open_menu(state, menu, targets)
}

fn mark(state: &mut State, args: &str, _: &mut Out) -> Done {
    if args.is_empty() {
        table::mark(state);
    } else {
        let nodes = palette::resolve(state, args)?;
        state.table.marks.extend(nodes);
    }
    Ok(())
}

fn unmark(state: &mut State, args: &str, _: &mut Out) -> Done {
    if args.is_empty() {
        state.table.marks.clear();
        state.table.range = None;
    } else {
        for node in palette::resolve(state, args)? {
            state.table.marks.remove(&node);
        }
    }
    Ok(())
}

fn filter(state: &mut State, args: &str, _: &mut Out) -> Done {
    if args.is_empty() {
        let before = state.table.filter_text.clone();
        // It starts empty, as a search does: what was there comes back with esc.
        let input = Input::default();
        table::filter(state, "");
        state.overlays.push(Overlay::Filter { input, before });
    } else {
        table::filter(state, args);
    }
    Ok(())
}

fn details(state: &mut State, args: &str, _: &mut Out) -> Done {
    let node = one(state, args)?;
    state.overlays.push(Overlay::Details { node, top: 0, info: None });
    Ok(())
}

fn sort(state: &mut State, args: &str, _: &mut Out) -> Done {
    let next = if args.is_empty() {
        let at = SortKey::ALL.iter().position(|key| *key == state.table.sort).unwrap_or(0);
        SortKey::ALL[(at + 1) % SortKey::ALL.len()]
    } else {
        SortKey::named(args)
            .ok_or_else(|| format!("cannot sort by \"{args}\"; there are {}", SortKey::WORDS.join(", ")))?
    };
    state.table.sort = next;
    state.inner.dirty = true;
    state.say(format!("sorted by {}", next.name()));
    Ok(())
}

fn poll(state: &mut State, args: &str, out: &mut Out) -> Done {
    let (nodes, _) = palette::some_nodes(state, args)?;
    if nodes.is_empty() {
        return Err("there is no node to poll".into());
    }
    state.say(format!("polling {}", state.folded(&nodes)));
    out.push(Effect::Hub(Box::new(Request::Poll { nodes })));
    Ok(())
}

fn copy(state: &mut State, _: &str, out: &mut Out) -> Done {
    table::end_range(state);
    // What a filter shows was looked for: without marks it is all of that.
    let filtered = state.table.marks.is_empty() && !state.table.filter_text.is_empty();
    let nodes = if filtered { state.table.order.clone() } else { state.targets().0 };
    if nodes.is_empty() {
        return Err("there is nothing to copy".into());
    }
    actions::copied(state, &nodes, out);
    Ok(())
}

fn switch(state: &mut State, _: &str, _: &mut Out) -> Done {
    let open = state.keys.key_in(Context::Table, "console");
    let console = state.last_pane.ok_or_else(|| format!("no console is open; {open} opens one"))?;
    panes::focus(state, console);
    Ok(())
}

fn pane(state: &mut State, args: &str, _: &mut Out) -> Done {
    let number: usize = args.parse().map_err(|_| format!("\"{args}\" is no number of a console"))?;
    let pane = number.checked_sub(1).and_then(|at| state.panes.get(at));
    let console = pane.map(|pane| pane.console).ok_or_else(|| format!("there is no console {number}"))?;
    panes::focus(state, console);
    Ok(())
}

fn zoom(state: &mut State, _: &str, out: &mut Out) -> Done {
    if state.focus == Focus::Table {
        switch(state, "", out)?;
        state.zoom = true;
    } else {
        state.zoom = !state.zoom;
    }
    Ok(())
}

fn back(state: &mut State, _: &str, _: &mut Out) -> Done {
    if state.table.range.take().is_none() && !state.table.filter_text.is_empty() {
        table::filter(state, "");
    }
    Ok(())
}
