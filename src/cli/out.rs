//! What the command line prints, and whether it could be printed.
//!
//! Whoever reads our output may have left (`lightsout status | head -1`): that is no failure, and what was
//! begun goes on. A full disk is one, and is told at the end.

use crate::fleet::Fault;
use std::io::{ErrorKind, Write};
use std::sync::Mutex;

/// The first failure to write to standard output, if it was none of its reader's leaving.
static FAILED: Mutex<Option<std::io::Error>> = Mutex::new(None);

/// Prints a line on standard output.
pub(super) fn say(line: &str) {
    print(&clean(line));
}

/// Prints a line as it is: escape sequences in it are ours.
pub(super) fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    note(writeln!(out, "{line}"));
}

/// Prints a line on standard error.
pub(super) fn say_error(line: &str) {
    let mut err = std::io::stderr().lock();
    // Where should it be told that this cannot be told?
    let _ = writeln!(err, "{}", clean(line));
}

/// Prints a failure and its hint on standard error.
pub(super) fn say_fault(fault: &Fault) {
    say_error(&fault.reason);
    if let Some(hint) = &fault.hint {
        say_error(&format!("  hint: {hint}"));
    }
}

/// Keeps why something could not be written to standard output.
pub(super) fn note(result: std::io::Result<()>) {
    if let Err(error) = result
        && error.kind() != ErrorKind::BrokenPipe
    {
        let mut failed = FAILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        failed.get_or_insert(error);
    }
}

/// Why not everything is on standard output, if so.
pub(super) fn failure() -> Option<std::io::Error> {
    note(std::io::stdout().lock().flush());
    FAILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
}

/// Text may hold words of a BMC: nothing but line feeds may steer the terminal.
pub(super) fn clean(line: &str) -> String {
    line.chars().map(|ch| if ch.is_control() && ch != '\n' { '\u{fffd}' } else { ch }).collect()
}
