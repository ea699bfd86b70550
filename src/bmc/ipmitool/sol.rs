//! What the SOL transport needs of ipmitool: the command line of `sol activate`, and what its words
//! mean when the login fails.

use super::{argv, child, classify, secrets};
use crate::bmc::{BmcError, DriverContext};
use crate::config::{BmcSettings, Secret};
use std::path::PathBuf;

/// An `ipmitool … sol activate` ready to be started in a pseudo-terminal.
#[derive(Debug)]
pub struct SolCommand {
    /// The binary, found in `PATH`.
    pub program: PathBuf,
    /// Its arguments; no secret is among them.
    pub args: Vec<String>,
    /// The whole environment; the child's must be cleared first. Values may be secret.
    pub env: Vec<(String, Secret)>,
    /// Removes the file with an empty password when dropped; keep it until the login is over.
    pub guard: Option<secrets::PasswordFile>,
}

/// Builds the command that opens SOL with cipher suite `suite` and `escape` as ipmitool's own escape
/// character.
///
/// # Errors
/// `Local`: no ipmitool, no address, a secret that cannot be handed over, an unusable private directory.
pub fn sol_command(
    settings: &BmcSettings,
    context: &DriverContext,
    suite: u8,
    escape: char,
) -> Result<SolCommand, BmcError> {
    let program = child::find(&context.ipmitool)?;
    secrets::check_private_dir(&context.private_dir)?;
    let login = secrets::login(settings, context, secrets::Names::Short)?;
    let mut args = argv::session(settings, super::address(settings)?, suite);
    args.extend(argv::TWICE.switches());
    args.extend(login.args);
    args.extend(["-e".to_owned(), escape.to_string()]);
    args.extend(argv::words("sol activate"));
    Ok(SolCommand { program, args, env: login.env, guard: login.guard })
}

/// Classes what a `sol activate` printed that could not log in; `None` when the text does not speak
/// of a login (see also [`super::refuses_suite`], which is to be asked first).
#[must_use]
pub fn classify_login(text: &str) -> Option<BmcError> {
    classify::login(text, "the BMC")
}
