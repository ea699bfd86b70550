//! Commands of a console: after the prefix, or typed for the cursor's node.

use super::{Args, Bind, Command, Context, Function, Run, key};
use crate::app::{Effect, State, guard, panes, panes::request, scroll, several, verbs};
use crate::fleet::ConsoleMode;
use crate::hub::message::{ConsoleId, ConsoleRequest};

const fn p(text: &'static str) -> Bind {
    key(Context::Pane, text)
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

type Done = Result<(), String>;
type Out = Vec<Effect>;

/// The rows.
pub(super) const ROWS: &[Command] = &[
    row("table", &[p("esc")], "back to the table; the session stays", "table", |state, _, _| {
        panes::leave(state);
        Ok(())
    }),
    row("detach", &[p(".")], "end the session", "detach", |state, _, out| {
        let console = meant(state)?;
        panes::detach(state, console, out);
        Ok(())
    }),
    row("scrollback", &[p("[")], "look back, search, copy", "scrollback", |state, _, _| {
        let console = meant(state)?;
        scroll::enter(state, console)?;
        panes::focus(state, console);
        Ok(())
    }),
    row("break", &[p("b")], "send a serial break", "break", |state, _, out| {
        let console = meant(state)?;
        panes::send(state, console, ConsoleRequest::Break, out);
        Ok(())
    }),
    row("reopen", &[p("o")], "end the session and open it again", "reopen", |state, _, out| {
        let console = meant(state)?;
        panes::reopen(state, console, out)
    }),
    row("steal", &[p("s")], "take the console from whoever has it, after a question", "", |state, _, _| {
        verbs::ask_steal(state)
    }),
    row("wait", &[p("t")], "try a console that somebody else has until it is free", "", |state, _, out| {
        held(state).map(|console| out.push(request(console, ConsoleRequest::Wait)))
    }),
    row("watch log", &[p("L")], "read along while somebody else has the console", "", |state, _, out| {
        held(state).map(|console| out.push(request(console, ConsoleRequest::Watch)))
    }),
    row(
        "type into several",
        &[p("i")],
        "type into all attached consoles at once, after a question",
        "",
        |state, _, out| several::toggle(state, out),
    ),
    row("mode", &[p("m")], "monitor (read-only) or interactive", "mode", mode),
    row("next console", &[p("n")], "to the next console", "next", |state, _, _| panes::neighbour(state, 1)),
    row("previous console", &[p("N")], "to the console before", "", |state, _, _| {
        panes::neighbour(state, -1)
    }),
    row("size", &[p("r")], "type \"stty rows R cols C\" with the console's size", "", size),
    row("log file", &[p("l")], "say where the raw log is", "", log_file),
    row("charset", &[p("e")], "take the next character set", "", |state, _, out| {
        let console = open(state)?;
        out.push(request(console, ConsoleRequest::NextCharset));
        Ok(())
    }),
    row("force wrap", &[p("w")], "wrap long lines although firmware left that off", "", |state, _, out| {
        let console = open(state)?;
        out.push(request(console, ConsoleRequest::ForceWrap));
        Ok(())
    }),
];

/// The console that is meant, if there is no link to it.
fn held(state: &State) -> Result<ConsoleId, String> {
    let pane = state.meant_pane()?;
    if pane.status.state.is_over() {
        Ok(pane.console)
    } else {
        Err(format!("nobody else has the console of {}", state.name(pane.node)))
    }
}

fn meant(state: &State) -> Result<ConsoleId, String> {
    state.meant_pane().map(|pane| pane.console)
}

/// A console that is attached, or on its way.
fn open(state: &State) -> Result<ConsoleId, String> {
    let pane = state.meant_pane()?;
    if pane.is_open() {
        return Ok(pane.console);
    }
    Err(format!("the console of {} is detached; enter attaches it", state.name(pane.node)))
}

fn mode(state: &mut State, _: &str, out: &mut Out) -> Done {
    open(state)?;
    let pane = state.meant_pane()?;
    let (console, node) = (pane.console, pane.node);
    let mode = match pane.status.mode {
        ConsoleMode::Interactive => ConsoleMode::Monitor,
        ConsoleMode::Monitor => ConsoleMode::Interactive,
    };
    if mode == ConsoleMode::Interactive
        && let Some(row) = state.row(node)
    {
        guard::may_type(&row.node, state.read_only).map_err(|why| format!("stays monitor: {why}"))?;
    }
    // At once, not when the hub says so: the next key must already obey.
    if let Some(pane) = state.pane_mut(console) {
        pane.status.mode = mode;
    }
    let word = match mode {
        ConsoleMode::Interactive => "interactive: keys reach the node",
        ConsoleMode::Monitor => "monitor: keys do not reach the node",
    };
    state.say(word);
    out.push(request(console, ConsoleRequest::Mode(mode)));
    Ok(())
}

/// A serial line has no size: the shell behind it must be told.
fn size(state: &mut State, _: &str, out: &mut Out) -> Done {
    let console = meant(state)?;
    let (columns, rows) =
        state.inner.grid.get(&console).copied().ok_or("the console's size is not known yet")?;
    let line = format!("stty rows {rows} cols {columns}\r");
    panes::send(state, console, ConsoleRequest::Input(line.into_bytes()), out);
    Ok(())
}

fn log_file(state: &mut State, _: &str, _: &mut Out) -> Done {
    let pane = state.meant_pane()?;
    let name = state.name(pane.node);
    let text = match (&pane.status.log, &pane.status.log_fault) {
        (_, Some(fault)) => format!("{name}: the log is not written: {fault}"),
        (Some(path), None) => format!("{name}: logging to {}", path.display()),
        (None, None) => format!("{name}: no log is written"),
    };
    state.say(text);
    Ok(())
}
