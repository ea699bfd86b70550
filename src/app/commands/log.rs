//! Commands of the action log: they act on the selected entry.

use super::{Args, Bind, Command, Context, Function, Run, key};
use crate::app::actions;

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
    row(
        "retry failed",
        &[key(Context::Log, "r")],
        "do it again on the nodes where it failed; asks as the verb does",
        "retry failed",
        |state, _, out| actions::retry(state, out),
    ),
    row(
        "cancel rest",
        &[key(Context::Log, "x")],
        "stop waiting for the nodes that have no result yet",
        "cancel rest",
        |state, _, out| actions::cancel_rest(state, out),
    ),
    row(
        "copy nodes",
        &[key(Context::Log, "y")],
        "copy the entry's names, folded",
        "copy",
        |state, _, out| actions::copy(state, out),
    ),
    row(
        "copy failed",
        &[key(Context::Log, "Y")],
        "copy the names of the nodes where it failed, folded",
        "copy failed",
        |state, _, out| actions::copy_failed(state, out),
    ),
];
