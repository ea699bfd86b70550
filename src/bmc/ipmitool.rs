//! Driver `ipmitool`: one exchange is one login is one ipmitool process (cipher suites that the BMC
//! refuses are tried over at once).
//!
//! Owns the command line, the child and the reading of its words. Must not decide when to ask or what
//! to ask next: that is `hub`. The SOL transport in `console` uses [`sol_command`] and its companions.

mod argv;
mod boot;
mod child;
mod classify;
mod secrets;
mod sol;
mod suite;
mod usable;

pub use secrets::PasswordFile;
pub use sol::{SolCommand, classify_login, sol_command};
pub use suite::{refuses_suite, suites_to_try};

use super::driver::{Bmc, Capabilities, DriverContext, DriverRow, Exchange, Reply};
use super::{BmcError, SuiteMemory, words};
use crate::config::BmcSettings;
use crate::fleet::verb::raw_without_secret;
use crate::fleet::{Checkup, FaultClass};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::time::Instant;

/// The row of [`super::DRIVERS`].
pub(super) const ROW: DriverRow = DriverRow {
    name: "ipmitool",
    about: "a BMC over IPMI 2.0 (RMCP+), through ipmitool",
    capabilities: Capabilities {
        soft: true,
        cycle: true,
        nmi: true,
        boot: true,
        reset_bmc: true,
        raw: true,
        info: true,
        identify: true,
        sol: true,
    },
    open,
};

/// The installed ipmitool and what it calls itself, if it can do what the driver asks of it.
///
/// # Errors
/// `Local`: it is missing, or does not know an option that is needed.
pub fn probe(program: &Path) -> Result<(PathBuf, Option<String>), BmcError> {
    let program = child::find(program)?;
    usable::check(&program)?;
    let version = usable::version(&program);
    Ok((program, version))
}

/// One BMC that is reached with ipmitool.
struct Ipmitool {
    settings: BmcSettings,
    context: DriverContext,
    suites: Arc<SuiteMemory>,
    program: PathBuf,
    address: String,
}

fn open(
    settings: &BmcSettings,
    context: &DriverContext,
    suites: Arc<SuiteMemory>,
) -> Result<Box<dyn Bmc>, BmcError> {
    secrets::check_private_dir(&context.private_dir)?;
    let program = child::find(&context.ipmitool)?;
    usable::check(&program)?;
    Ok(Box::new(Ipmitool {
        address: address(settings)?.to_owned(),
        program,
        settings: settings.clone(),
        context: context.clone(),
        suites,
    }))
}

#[async_trait::async_trait]
impl Bmc for Ipmitool {
    async fn exchange(&mut self, exchange: &Exchange) -> Result<Reply, BmcError> {
        if let Some(error) = self.cannot(exchange) {
            return Err(error);
        }
        if *exchange == Exchange::Checkup {
            return self.checkup().await;
        }
        let command = argv::command(exchange).ok_or_else(|| unsupported(exchange))?;
        let deadline = Instant::now() + self.context.limit;
        let names = if *exchange == Exchange::Info { secrets::Names::Full } else { secrets::Names::Short };
        let mut refused: Option<BmcError> = None;
        for suite in suites_to_try(&self.settings, &self.suites) {
            let login = secrets::login(&self.settings, &self.context, names)?;
            let mut args = argv::session(&self.settings, &self.address, suite);
            args.extend(argv::Patience::of(exchange).switches());
            args.extend(login.args.iter().cloned());
            args.extend(command.iter().cloned());
            let outcome = child::run(&self.program, &args, &login, deadline).await?;
            let result = classify::classify(exchange, &self.settings.place(), self.context.limit, &outcome);
            match result {
                Err(error) if error.not_sent && refuses_suite(&outcome.stderr) => {
                    if self.suites.get() == Some(suite) {
                        self.suites.set(None);
                    }
                    // A role refused with one suite says more than the next suite's not being offered.
                    if refused.as_ref().is_none_or(|before| before.class != FaultClass::Auth) {
                        refused = Some(error);
                    }
                }
                result => {
                    if result.as_ref().map_or_else(|error| error.code.is_some(), |_| true) {
                        self.suites.set(Some(suite));
                    }
                    return result;
                }
            }
        }
        Err(refused.unwrap_or_else(|| {
            BmcError::new(FaultClass::Local, "no cipher suite is configured for this BMC").not_sent()
        }))
    }

    fn cannot(&self, exchange: &Exchange) -> Option<BmcError> {
        match exchange {
            Exchange::Raw(bytes) if raw_without_secret(bytes).1 > 0 => Some(secret_on_the_command_line()),
            _ => None,
        }
    }

    fn describe(&self, exchange: &Exchange) -> String {
        let command = match (self.cannot(exchange), argv::command(exchange)) {
            (None, Some(command)) => command,
            (Some(error), _) => return format!("nothing: {}", error.reason),
            (None, None) => return unsupported(exchange).reason,
        };
        let suite = suites_to_try(&self.settings, &self.suites).first().copied().unwrap_or(17);
        let mut words = vec!["ipmitool".to_owned()];
        words.extend(argv::session(&self.settings, &self.address, suite));
        let empty = self.settings.credentials.as_ref().is_none_or(|login| login.password.expose().is_empty());
        words.extend(argv::words(if empty { "-f FILE" } else { "-E" }));
        if self.settings.kg.is_some() {
            words.push("-K".to_owned());
        }
        words.extend(command);
        words
            .iter()
            .map(|word| if word.is_empty() { "''" } else { word.as_str() })
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl Ipmitool {
    /// One process is one login, and does one thing: reads the power state. The login itself asks for the
    /// configured privilege level, so it was reached.
    async fn checkup(&mut self) -> Result<Reply, BmcError> {
        let reply = self.exchange(&Exchange::Power).await?;
        let Some((power, detail)) = reply.power() else { return Ok(reply) };
        let mut found = Checkup::new(power, detail.map(str::to_owned));
        found.suite = self.suites.get();
        found.privilege = Some(self.settings.privilege.name().to_owned());
        Ok(Reply::Checkup(Box::new(found)))
    }
}

/// The BMC's address.
fn address(settings: &BmcSettings) -> Result<&str, BmcError> {
    settings
        .address
        .as_deref()
        .ok_or_else(|| BmcError::new(FaultClass::Local, "the BMC has no address").not_sent())
}

/// Raw bytes go to ipmitool as arguments, and every user of the machine can read those.
fn secret_on_the_command_line() -> BmcError {
    BmcError::new(
        FaultClass::Unsupported,
        "cannot send raw bytes that hold a password or key: ipmitool takes them on its command line, which others can read",
    )
    .hint("driver = \"ipmi\" sends them encrypted; or ipmitool's own \"user set password\", which asks for it")
    .not_sent()
}

fn unsupported(exchange: &Exchange) -> BmcError {
    BmcError::new(
        FaultClass::Unsupported,
        format!("cannot {}: the driver ipmitool has no such command", words::deed(exchange)),
    )
    .not_sent()
}

#[cfg(test)]
mod tests;
