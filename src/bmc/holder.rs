//! What a BMC tells of the session that holds its SOL (IPMI 2.0, sections 22.20 and 22.29), as words. Whoever asks
//! brings the way to the BMC.

use crate::ipmi::command::{Command, SessionInfo};
use std::net::Ipv4Addr;

/// A way to the BMC.
#[async_trait::async_trait]
pub(crate) trait Ask: Send {
    /// A command's answer without its code; nothing where the answer was an error, or none.
    async fn ask(&mut self, command: Command) -> Option<Vec<u8>>;
}

/// The user and the address of a session, or one of them; nothing when the BMC does not tell.
pub(crate) async fn name(session: u32, bmc: &mut dyn Ask) -> Option<String> {
    let info = bmc.ask(Command::session_info(session)).await?;
    let (user, address) = parts(&info)?;
    let name = match user {
        Some(user) => bmc.ask(Command::user_name(user)).await,
        None => None,
    };
    words(name.and_then(|name| printable(&name)), address)
}

/// User number and address of a session, from Get Session Info. Some BMCs leave the address out; no user has number 0.
fn parts(info: &[u8]) -> Option<(Option<u8>, Option<Ipv4Addr>)> {
    let info = SessionInfo::decode(info).ok()?;
    Some(((info.user != 0).then_some(info.user), info.address.map(Ipv4Addr::from)))
}

/// A user's name as the BMC has it: up to 16 bytes, filled with zeros.
fn printable(name: &[u8]) -> Option<String> {
    let name = name.split(|byte| *byte == 0).next()?;
    let name: String = String::from_utf8_lossy(name).chars().filter(|c| !c.is_control()).take(16).collect();
    (!name.trim().is_empty()).then_some(name)
}

/// Both for people; nothing when neither is known.
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

    /// A BMC whose sessions are all of user 2, from 10.0.0.7; the user has this name.
    struct Answers(Option<&'static [u8]>);

    #[async_trait::async_trait]
    impl Ask for Answers {
        async fn ask(&mut self, command: Command) -> Option<Vec<u8>> {
            match command.bytes()[..] {
                [6, 0x3d, 0xff, 0xef, 0xbe, 0xad, 0xde] => Some(vec![1, 4, 1, 2, 4, 0x11, 10, 0, 0, 7]),
                [6, 0x46, 2] => self.0.map(<[u8]>::to_vec),
                _ => None,
            }
        }
    }

    #[tokio::test]
    async fn the_user_is_asked_of_the_session() {
        let told = name(0xdead_beef, &mut Answers(Some(b"anna\0\0"))).await;
        assert_eq!(told.as_deref(), Some("anna from 10.0.0.7"));
        let told = name(0xdead_beef, &mut Answers(None)).await;
        assert_eq!(told.as_deref(), Some("a session from 10.0.0.7"), "not every user may ask for names");
        assert_eq!(name(1, &mut Answers(None)).await, None);
    }

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
