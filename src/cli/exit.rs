//! Exit codes and the order in which they apply.

use crate::fleet::FaultClass;
use crate::hub::message::Outcome;

/// How the program ends. The order is the order of precedence when several nodes differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, and confirmed where it can be.
    Done,
    /// Not confirmed in time.
    NotConfirmed,
    /// Some node failed or did not answer.
    Failed,
    /// Refused: read-only, no `--yes` without a terminal, another verb pending.
    Refused,
    /// Usage or configuration.
    Usage,
}

impl Exit {
    /// The process exit code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Usage => 1,
            Exit::Failed => 2,
            Exit::Refused => 3,
            Exit::NotConfirmed => 4,
        }
    }

    /// What one node's outcome means for the whole.
    pub fn of(outcome: &Outcome) -> Exit {
        match outcome {
            Outcome::Confirmed
            | Outcome::Already
            | Outcome::Accepted
            | Outcome::Unseen { .. }
            | Outcome::Status
            | Outcome::Boot(_)
            | Outcome::Info(_)
            | Outcome::Checkup(_)
            | Outcome::Raw(_)
            | Outcome::SolHolder(_) => Exit::Done,
            Outcome::NotConfirmed { .. } => Exit::NotConfirmed,
            Outcome::Failed(_) => Exit::Failed,
            Outcome::Refused(_) => Exit::Refused,
            Outcome::Cancelled { .. } => Exit::NotConfirmed,
        }
    }
}

/// The `class` word of `--json` for an outcome that is not ok.
pub fn class(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Failed(fault) => Some(fault.class.name()),
        Outcome::Refused(_) | Outcome::Cancelled { .. } => Some(FaultClass::Local.name()),
        Outcome::NotConfirmed { .. } => Some(FaultClass::Timeout.name()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_comes_before_refused_before_failed_before_not_confirmed() {
        let order = [Exit::Usage, Exit::Refused, Exit::Failed, Exit::NotConfirmed, Exit::Done];
        assert!(order.windows(2).all(|pair| pair[0] > pair[1]));
        assert_eq!(order.map(Exit::code), [1, 3, 2, 4, 0]);
    }
}
