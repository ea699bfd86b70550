//! Who holds a BMC's SOL, as far as the BMC tells: for the words of "busy" and "taken over". Asks only;
//! called by `sol` while it has the link's turn.

use super::link::{Failure, Turn};
use crate::fleet::SolHolder;
use crate::ipmi::client::Reply;
use crate::ipmi::command::Command;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Knowing who it is is worth no longer wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// The user and the address, or one of them; `None` when the BMC does not tell.
pub(super) async fn holder(turn: &mut Turn<'_>) -> Option<String> {
    match tokio::time::timeout(PATIENCE, ask(turn)).await {
        Ok(Ok(SolHolder::Held(who))) => who,
        _ => None,
    }
}

/// The same with what else can be known: that nobody holds it, or that it was no BMC's answer.
pub(super) async fn ask(turn: &mut Turn<'_>) -> Result<SolHolder, Failure> {
    let owner = turn.request(&Command::sol_owner()).await?;
    let session = owner.data.first_chunk::<4>().filter(|_| owner.code == 0);
    Ok(match session.map(|id| u32::from_le_bytes(*id)) {
        None => SolHolder::Unknown,
        Some(0) => SolHolder::Nobody,
        Some(session) => SolHolder::Held(name(turn, session).await),
    })
}

async fn name(turn: &mut Turn<'_>, session: u32) -> Option<String> {
    let info = told(turn, &Command::session_info(session)).await?;
    let (number, address) = parts(&info.data)?;
    let name = match number {
        Some(number) => {
            told(turn, &Command::user_name(number)).await.and_then(|reply| printable(&reply.data))
        }
        None => None,
    };
    words(name, address)
}

async fn told(turn: &mut Turn<'_>, command: &Command) -> Option<Reply> {
    turn.request(command).await.ok().filter(|reply| reply.code == 0)
}

/// User number and address of a session (table 22-25). Some BMCs leave the address out.
fn parts(info: &[u8]) -> Option<(Option<u8>, Option<Ipv4Addr>)> {
    let user = info.get(3)? & 0x3f;
    let address =
        info.get(6..10).and_then(|bytes| bytes.first_chunk::<4>()).map(|bytes| Ipv4Addr::from(*bytes));
    Some(((user != 0).then_some(user), address.filter(|address| !address.is_unspecified())))
}

/// A user's name as the BMC has it: up to 16 bytes, filled with zeros.
fn printable(name: &[u8]) -> Option<String> {
    let name = name.split(|byte| *byte == 0).next()?;
    let name: String = String::from_utf8_lossy(name).chars().filter(|c| !c.is_control()).take(16).collect();
    (!name.trim().is_empty()).then_some(name)
}

fn words(name: Option<String>, address: Option<Ipv4Addr>) -> Option<String> {
    match (name, address) {
        (Some(name), Some(address)) => Some(format!("{name} from {address}")),
        (Some(name), None) => Some(name),
        (None, Some(address)) => Some(format!("a session from {address}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bmc_leaves_out_is_not_made_up() {
        assert_eq!(parts(&[1, 63, 2, 2, 4, 0x11]), Some((Some(2), None)), "ipmi_sim");
        let long = [1, 4, 1, 2, 4, 0x11, 10, 0, 0, 7, 0, 0, 0, 0, 0, 0, 1, 2];
        assert_eq!(parts(&long), Some((Some(2), Some(Ipv4Addr::new(10, 0, 0, 7)))));
        assert_eq!(parts(&[0, 63, 2]), None);
        assert_eq!(words(None, None), None);
        assert_eq!(printable(b"ad\x1bmin\0\0x"), Some("admin".to_owned()), "a name may be hostile");
        assert_eq!(printable(&[0; 16]), None);
    }
}
