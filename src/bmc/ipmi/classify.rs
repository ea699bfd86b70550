//! What a failure means to an operator: the client's errors, error numbers and completion codes in words.
//! Pure; called by the driver and by `sol`. The words are those of every driver (`bmc::words`).

use super::link::Failure;
use crate::bmc::BmcError;
use crate::bmc::words::{
    ASK_KEY, ASK_PASSWORD, ASK_PRIVILEGE, ASK_SUITE, ASK_USER, FILTERED, HOST_UNREACHABLE, LONG_USER,
    NO_ANSWER, NO_PRIVILEGE, NO_ROUTE, NO_SESSION, NO_SUITE, NOTHING_LISTENS, SILENT_IN_LOGIN, UNKNOWN_USER,
    WAIT_SESSION, WRONG_KEY, WRONG_PASSWORD, login_error,
};
use crate::fleet::FaultClass;
use crate::ipmi::client::ClientError;
use crate::ipmi::completion;
use crate::ipmi::rakp::status;
use nix::errno::Errno;

/// Words a failure. `silent` is what is said when the BMC may have the request and does not answer it.
pub(super) fn failure(failure: Failure, place: &str, silent: impl FnOnce() -> BmcError) -> BmcError {
    match failure {
        Failure::Local(error) => error,
        Failure::Overdue { not_sent: false, .. } | Failure::Client { error: ClientError::Lost, .. } => {
            silent()
        }
        Failure::Overdue { heard: true, .. } => {
            login_error(FaultClass::Timeout, place, SILENT_IN_LOGIN, None)
        }
        Failure::Overdue { heard: false, .. } => login_error(FaultClass::Unreachable, place, NO_ANSWER, None),
        Failure::Undelivered { errno, not_sent } => {
            sent(login_error(FaultClass::Unreachable, place, undelivered(errno), None), not_sent)
        }
        Failure::Client { error, not_sent } => sent(client(error, place), not_sent),
    }
}

fn sent(mut error: BmcError, not_sent: bool) -> BmcError {
    error.not_sent &= not_sent;
    error
}

/// What an ICMP message, or this machine's routes, say of an address.
fn undelivered(errno: i32) -> &'static str {
    match Errno::from_raw(errno) {
        Errno::ECONNREFUSED => NOTHING_LISTENS,
        Errno::EHOSTUNREACH => HOST_UNREACHABLE,
        Errno::ENETUNREACH => NO_ROUTE,
        Errno::EACCES | Errno::EPERM => FILTERED,
        Errno::ENOPROTOOPT => "its host knows no UDP",
        _ => "what is sent to it comes back as undeliverable",
    }
}

fn client(error: ClientError, place: &str) -> BmcError {
    use FaultClass::{Auth, Busy, Protocol, Timeout, Unreachable, Unsupported};
    let (class, cause, hint) = match error {
        ClientError::NoAnswer { heard: false, .. } => (Unreachable, NO_ANSWER, None),
        ClientError::NoAnswer { heard: true, .. } => (Timeout, SILENT_IN_LOGIN, None),
        ClientError::PortUnreachable { .. } => (Unreachable, undelivered(Errno::ECONNREFUSED as i32), None),
        ClientError::NoFreeSession => (Busy, NO_SESSION, Some(WAIT_SESSION)),
        ClientError::NoSuite => (Unsupported, NO_SUITE, Some(ASK_SUITE)),
        ClientError::WrongPassword => (Auth, WRONG_PASSWORD, Some(ASK_PASSWORD)),
        ClientError::WrongKg => (Auth, WRONG_KEY, Some(ASK_KEY)),
        ClientError::UnknownUser => (Auth, UNKNOWN_USER, Some(ASK_USER)),
        ClientError::RoleRefused { .. } => (Auth, NO_PRIVILEGE, Some(ASK_PRIVILEGE)),
        ClientError::Refused { status: LONG_NAME } => (Auth, LONG_USER, None),
        ClientError::Refused { status } => (Protocol, status::words(status), None),
        ClientError::NotRaised { code } => return not_raised(code, place),
        ClientError::Closed => (Timeout, "the login was closed meanwhile", None),
        ClientError::Lost => (Timeout, "the BMC fell silent", None),
    };
    login_error(class, place, cause, hint)
}

/// RMCP+ status "invalid name length" (table 13-15).
const LONG_NAME: u8 = 0x0c;

/// The login stands and polls go on with it, so this must not count as a refused login: what needs
/// no more than the user level is not locked out.
fn not_raised(code: u8, place: &str) -> BmcError {
    let (class, cause, hint) = match code {
        completion::INITIALISING => (FaultClass::Busy, "the BMC is still starting", None),
        code if completion::is_later(code) => (FaultClass::Busy, "the BMC is busy", None),
        _ => (FaultClass::Auth, NO_PRIVILEGE, Some(ASK_PRIVILEGE)),
    };
    let mut error = login_error(class, place, cause, hint);
    error.code = Some(code);
    error.not_sent = class != FaultClass::Auth;
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bmc::Exchange;
    use crate::bmc::words::fell_silent;
    use crate::ipmi::client::Step;

    fn said(error: ClientError) -> BmcError {
        let not_sent = error.not_sent();
        failure(Failure::Client { error, not_sent }, "10.1.1.1", || fell_silent(&Exchange::Off, "10.1.1.1"))
    }

    #[test]
    fn every_failed_login_has_its_class_and_was_not_sent() {
        let step = Step::Rakp1;
        let rows = [
            (ClientError::WrongPassword, FaultClass::Auth, "wrong password or BMC key"),
            (ClientError::WrongKg, FaultClass::Auth, "the BMC key (Kg) is wrong or missing"),
            (ClientError::UnknownUser, FaultClass::Auth, "the BMC does not know this user"),
            (ClientError::RoleRefused { status: 9 }, FaultClass::Auth, "privilege level"),
            (ClientError::Refused { status: 0x0c }, FaultClass::Auth, "so long a user name"),
            (ClientError::NoFreeSession, FaultClass::Busy, "no free session"),
            (ClientError::NoSuite, FaultClass::Unsupported, "cipher suite"),
            (ClientError::NoAnswer { step, heard: false }, FaultClass::Unreachable, "no answer"),
            (
                ClientError::NoAnswer { step, heard: true },
                FaultClass::Timeout,
                "fell silent during the login",
            ),
            (ClientError::PortUnreachable { sent: false }, FaultClass::Unreachable, "nothing listens there"),
            (ClientError::Refused { status: 0x0e }, FaultClass::Protocol, "unauthorised globally unique id"),
            (ClientError::NotRaised { code: 0xc0 }, FaultClass::Busy, "the BMC is busy"),
        ];
        for (error, class, part) in rows {
            let said = said(error);
            assert_eq!((said.class, said.not_sent), (class, true), "{said}");
            assert!(said.reason.starts_with("cannot log in to 10.1.1.1: "), "{said}");
            assert!(said.reason.contains(part), "{said}");
        }
    }

    #[test]
    fn only_what_refuses_the_login_itself_is_final() {
        assert!(said(ClientError::WrongPassword).refused_login());
        assert!(said(ClientError::RoleRefused { status: 0x0a }).refused_login());
        let raised = said(ClientError::NotRaised { code: 0x81 });
        assert_eq!((raised.class, raised.code), (FaultClass::Auth, Some(0x81)));
        assert!(!raised.refused_login(), "polls go on");
        // The session died under a request, and the new login was refused: it may have been carried out.
        let after =
            failure(Failure::Client { error: ClientError::WrongPassword, not_sent: false }, "b", || {
                unreachable!("it is not silent")
            });
        assert!(!after.not_sent);
    }

    #[test]
    fn a_request_that_was_sent_may_have_been_carried_out() {
        for error in [ClientError::Lost, ClientError::PortUnreachable { sent: true }] {
            assert!(!said(error).not_sent, "{error}");
        }
        assert!(said(ClientError::Lost).reason.contains("cannot power off on 10.1.1.1: the BMC fell silent"));
        let overdue = |heard, not_sent| {
            let error =
                failure(Failure::Overdue { heard, not_sent }, "b", || fell_silent(&Exchange::Off, "b"));
            (error.class, error.not_sent)
        };
        assert_eq!(overdue(false, true), (FaultClass::Unreachable, true));
        assert_eq!(overdue(true, true), (FaultClass::Timeout, true));
        assert_eq!(overdue(true, false), (FaultClass::Timeout, false));
    }

    #[test]
    fn what_cannot_be_delivered_says_why() {
        let said = |errno: Errno| {
            failure(Failure::Undelivered { errno: errno as i32, not_sent: true }, "b", || unreachable!())
                .reason
        };
        assert_eq!(said(Errno::ECONNREFUSED), "cannot log in to b: port unreachable: nothing listens there");
        assert_eq!(said(Errno::EHOSTUNREACH), "cannot log in to b: the host is unreachable");
        assert_eq!(said(Errno::ENETUNREACH), "cannot log in to b: there is no route to it");
    }
}
