//! Who has an SOL that ipmitool only calls busy: three questions (IPMI 2.0, sections 24.4, 22.20 and 22.29), each a
//! login of its own and in its turn, so the name comes later than the news.

use crate::bmc::holder::{parts, printable, words};
use crate::bmc::{Exchange, Gate, Reply};
use crate::console::transport::{Around, Driver, Holder};
use std::sync::Arc;

/// Get Payload Instance Info, payload SOL, instance 1.
pub(super) const OWNER: [u8; 4] = [0x06, 0x4b, 0x01, 0x01];
/// Get Session Info of the session whose id follows.
const SESSION: [u8; 3] = [0x06, 0x3d, 0xff];
/// Get User Name of the user whose number follows.
const USER: [u8; 2] = [0x06, 0x46];

/// Asks; nothing when the BMC does not tell.
pub(in crate::console::sol) fn holder(around: &Around) -> Holder {
    let (driver, gate) = (around.driver.clone(), Arc::clone(&around.gate));
    Box::pin(async move {
        let owner = ask(&driver, &*gate, OWNER.to_vec()).await?;
        let session = owner.first_chunk::<4>().filter(|id| **id != [0; 4])?;
        let info = ask(&driver, &*gate, [&SESSION[..], session].concat()).await?;
        let (user, address) = parts(&info)?;
        let name = match user {
            Some(user) => ask(&driver, &*gate, [&USER[..], &[user]].concat()).await,
            None => None,
        };
        words(name.and_then(|name| printable(&name)), address)
    })
}

async fn ask(driver: &Driver, gate: &dyn Gate, bytes: Vec<u8>) -> Option<Vec<u8>> {
    match driver.exchange(gate, &Exchange::Raw(bytes)).await {
        Some(Ok(Reply::Raw(data))) => Some(data),
        _ => None,
    }
}
