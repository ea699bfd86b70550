//! What waits to be done in a session: the owner's request, and what the client does by itself.

use crate::ipmi::Quirks;
use crate::ipmi::command::Command;

/// What is to be done in the session.
#[derive(Debug)]
pub(super) enum Job {
    /// The owner's request; `again`: the session was lost under it once. Nobody waits for an abandoned one.
    Request {
        command: Command,
        again: bool,
        abandoned: bool,
    },
    /// `abandoned`: it was sent, and nobody wants the SOL any more.
    SolActivate {
        abandoned: bool,
    },
    SolDeactivate,
    /// Whose the SOL is that is no longer wanted: it is deactivated if it is still that owner's.
    SolRelease {
        owner: u32,
    },
    /// Whose the SOL is; keeps session and SOL alive.
    Owner,
    CloseSession,
}

impl Job {
    pub fn command(&self, bmc_id: u32, quirks: Quirks) -> Command {
        match self {
            Job::Request { command, .. } => command.clone(),
            Job::SolActivate { .. } => Command::sol_activate(quirks.has(Quirks::SOL_DEFERRED_ALERTS)),
            Job::SolDeactivate => Command::sol_deactivate(),
            Job::Owner | Job::SolRelease { .. } => Command::sol_owner(),
            Job::CloseSession => Command::close_session(bmc_id),
        }
    }

    pub fn is_repeatable(&self) -> bool {
        match self {
            Job::Request { command, .. } => command.repeatable,
            Job::SolActivate { .. } => false,
            Job::SolDeactivate | Job::SolRelease { .. } | Job::Owner | Job::CloseSession => true,
        }
    }
}
