//! What happens when we panic: the terminal is given back and the program ends at once.
//!
//! It ends by exiting from the hook, not by unwinding: unwinding would drop live PTY writers, and
//! dropping one types into the node. With the process gone, the PTY's master closes and ipmitool
//! frees the SOL; those on logins of our own are freed first. A guarded emulator is the exception: its panic is caught and the console rebuilt.

use crate::{bmc, screen, term};
use std::io::Write;

/// Exit code after a panic, as Rust's own.
const PANICKED: i32 = 101;

/// Installs the hook, for the life of the process.
pub fn install() {
    std::panic::set_hook(Box::new(|info| {
        if screen::guarded() {
            tracing::error!("a console's emulator panicked and is rebuilt: {info}");
            return;
        }
        term::restore();
        bmc::ipmi::leave_all();
        tracing::error!("panic: {info}");
        let backtrace = std::backtrace::Backtrace::force_capture();
        let mut err = std::io::stderr().lock();
        let _ = writeln!(err, "lightsout ended because of a defect of its own; this helps to mend it:");
        let _ = writeln!(err, "{info}\n{backtrace}");
        std::process::exit(PANICKED);
    }));
}
