//! Driver `ipmi`: IPMI 2.0 by ourselves, over sockets that all BMCs share and one login per BMC.
//!
//! Owns the driver and what it needs: sockets and their engine (`network`, `port`), one link per BMC
//! (`link`), the commands (`commands`), the words of failures (`classify`), and SOL on the same login
//! (`sol`). The protocol itself is `crate::ipmi`. Must not decide when to ask or what to ask next: that is
//! `hub`. The SOL transport in `console` calls [`link`] and [`Link::open_sol`].

mod checkup;
mod classify;
mod commands;
mod holder;
mod link;
mod network;
mod port;
mod sol;
mod timers;

pub use link::Link;
pub use network::{Network, NetworkCounters};
pub use sol::{SolChannel, SolFault, SolOver, leave_all};

use super::driver::{Bmc, BmcInfo, Capabilities, DriverContext, DriverRow, Exchange, Reply};
use super::ipmitool::suites_to_try;
use super::words::{deed, fell_silent, refused};
use super::{BmcError, SuiteMemory};
use crate::config::{self, BmcSettings};
use crate::fleet::FaultClass;
use crate::ipmi::client::{Client, ClientError, ClientSettings};
use crate::ipmi::{Privilege, Quirks, Secret, Suite, quirks};
use checkup::NoCheckup;
use link::{Failure, Login, Turn};
use std::sync::Arc;

/// The row of [`super::DRIVERS`].
pub(super) const ROW: DriverRow = DriverRow {
    name: "ipmi",
    about: "a BMC over IPMI 2.0 (RMCP+)",
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

/// The quirks' names, for the configuration's check.
#[must_use]
pub fn quirk_names() -> Vec<&'static str> {
    quirks::QUIRKS.iter().map(|quirk| quirk.name).collect()
}

/// The one link of this process to a BMC, shared by its driver and its SOL.
///
/// # Errors
/// `Local`: no address, a secret or cipher suite that IPMI 2.0 cannot carry, no random numbers.
pub fn link(
    settings: &BmcSettings,
    context: &DriverContext,
    suites: Arc<SuiteMemory>,
) -> Result<Arc<Link>, BmcError> {
    let address = settings.address.as_deref().ok_or_else(|| local("the BMC has no address"))?;
    let login = Login::of(settings, address);
    let network = &context.network;
    network.link(&login, || {
        let client = Client::new(client_settings(settings, &suites)?, network.seed()?);
        Ok(Link::new(network, login.clone(), settings.place(), context.limit, suites, client))
    })
}

fn client_settings(settings: &BmcSettings, memory: &SuiteMemory) -> Result<ClientSettings, BmcError> {
    let secret = |bytes: &[u8], what: &str| {
        Secret::new(bytes).map_err(|_| local(&format!("the {what} is longer than the 20 bytes of IPMI 2.0")))
    };
    let credentials = settings.credentials.as_deref();
    let suite = |id| {
        Suite::from_id(id).ok_or_else(|| {
            local(&format!("the driver ipmi has the cipher suites 3 and 17, not {id}"))
                .hint("configure others, or driver = \"ipmitool\"")
        })
    };
    let named = settings.quirks.iter().flatten().filter_map(|name| Quirks::from_name(name));
    Ok(ClientSettings {
        user: credentials.map_or_else(Vec::new, |one| one.username.as_bytes().to_vec()),
        password: secret(credentials.map_or(&[], |one| one.password.expose()), "password")?,
        kg: settings.kg.as_ref().map(|kg| secret(kg.expose(), "BMC key")).transpose()?,
        privilege: privilege(settings),
        suites: suites_to_try(settings, memory).into_iter().map(suite).collect::<Result<_, _>>()?,
        quirks: named.fold(Quirks::default(), Quirks::with),
    })
}

fn privilege(settings: &BmcSettings) -> Privilege {
    match settings.privilege {
        config::Privilege::Callback => Privilege::Callback,
        config::Privilege::User => Privilege::User,
        config::Privilege::Operator => Privilege::Operator,
        config::Privilege::Administrator => Privilege::Administrator,
    }
}

fn local(reason: &str) -> BmcError {
    BmcError::new(FaultClass::Local, reason).not_sent()
}

/// One BMC.
struct Ipmi {
    link: Arc<Link>,
    /// `admin@10.1.1.1`.
    who: String,
    highest: Privilege,
    /// The configuration allows it.
    keeps: bool,
}

fn open(
    settings: &BmcSettings,
    context: &DriverContext,
    suites: Arc<SuiteMemory>,
) -> Result<Box<dyn Bmc>, BmcError> {
    let user = settings.credentials.as_ref().map_or("", |one| one.username.as_str());
    Ok(Box::new(Ipmi {
        link: link(settings, context, suites)?,
        who: format!("{user}@{}", settings.place()),
        highest: privilege(settings),
        keeps: settings.keep_login,
    }))
}

#[async_trait::async_trait]
impl Bmc for Ipmi {
    async fn exchange(&mut self, exchange: &Exchange) -> Result<Reply, BmcError> {
        let mut turn = self.link.turn().await;
        if *exchange == Exchange::Checkup {
            return self.checkup(&mut turn).await;
        }
        if departs(exchange) {
            turn.identify().await.map_err(|failure| self.before(exchange, failure))?;
        }
        if *exchange == Exchange::SolHolder {
            return match holder::ask(&mut turn).await {
                Ok(holder) => Ok(Reply::SolHolder(holder)),
                Err(failure) => Err(self.before(exchange, failure)),
            };
        }
        let quirks = turn.quirks();
        let steps = commands::steps(exchange, self.highest, quirks).ok_or_else(|| unsupported(exchange))?;
        let mut reply = None;
        let mut answered = false;
        for step in steps {
            let answer = match turn.request(&step.command).await {
                Ok(answer) => answer,
                Err(failure) => {
                    let result = self.unanswered(exchange, failure, answered);
                    if result.is_ok() {
                        turn.end_login();
                    }
                    return result;
                }
            };
            answered = true;
            match answer.code {
                0 if step.decides => {
                    reply = Some(
                        commands::reply(exchange, &answer.data).ok_or_else(|| self.senseless(exchange))?,
                    );
                }
                0 => {}
                commands::ALREADY_FREE if *exchange == Exchange::SolDeactivate => reply = Some(Reply::Done),
                _ if step.tolerable => {}
                code => return Err(refused(exchange, self.link.place(), "refused", Some(code))),
            }
        }
        if matches!(exchange, Exchange::ResetBmc(_)) {
            turn.end_login();
        }
        if let Some(Reply::Info(rows)) = &mut reply {
            rows.extend(facts(quirks, turn.suite()));
        }
        reply.ok_or_else(|| unsupported(exchange))
    }

    fn cannot(&self, exchange: &Exchange) -> Option<BmcError> {
        let steps = commands::steps(exchange, self.highest, Quirks::default());
        steps.is_none().then(|| unsupported(exchange))
    }

    fn keep_login(&mut self, keep: bool) {
        self.link.keep(keep && self.keeps);
    }

    fn may_break_off(&self) -> bool {
        true
    }

    async fn close(&mut self) {
        self.link.close().await;
    }

    fn describe(&self, exchange: &Exchange) -> String {
        match commands::describe(exchange, self.highest) {
            Some(words) => format!("ipmi {} {words}", self.who),
            None => unsupported(exchange).reason,
        }
    }
}

/// Whether some BMCs want it done otherwise, so that it must be known whose BMC it is.
fn departs(exchange: &Exchange) -> bool {
    match exchange {
        Exchange::BootSet(_) | Exchange::Info => true,
        Exchange::Power
        | Exchange::On
        | Exchange::Off
        | Exchange::Soft
        | Exchange::Cycle
        | Exchange::Reset
        | Exchange::Nmi
        | Exchange::KeepBootFlags
        | Exchange::BootGet
        | Exchange::Checkup
        | Exchange::ResetBmc(_)
        | Exchange::Raw(_)
        | Exchange::Identify(_)
        | Exchange::Locator
        | Exchange::SolDeactivate
        | Exchange::SolHolder
        | Exchange::Resume => false,
    }
}

impl Ipmi {
    async fn checkup(&self, turn: &mut Turn<'_>) -> Result<Reply, BmcError> {
        match checkup::checkup(turn, self.highest).await {
            Ok(found) => Ok(Reply::Checkup(Box::new(found))),
            Err(NoCheckup::Failed(failure)) => self.unanswered(&Exchange::Power, failure, false),
            Err(NoCheckup::Refused(code)) => {
                Err(refused(&Exchange::Power, self.link.place(), "refused", Some(code)))
            }
            Err(NoCheckup::Senseless) => Err(self.senseless(&Exchange::Power)),
        }
    }

    /// A failure of what precedes the exchange: nothing of the exchange itself was sent.
    fn before(&self, exchange: &Exchange, failure: Failure) -> BmcError {
        let place = self.link.place();
        classify::failure(failure, place, || {
            BmcError::new(
                FaultClass::Timeout,
                format!("cannot {} on {place}: the BMC fell silent", deed(exchange)),
            )
            .not_sent()
        })
    }

    /// `answered`: the BMC answered a command of the exchange before.
    fn unanswered(&self, exchange: &Exchange, failure: Failure, answered: bool) -> Result<Reply, BmcError> {
        let lost = matches!(failure, Failure::Client { error: ClientError::Lost, .. });
        // A BMC that resets itself may do so before it answers. Its session was seen to live just before.
        if lost && matches!(exchange, Exchange::ResetBmc(_)) {
            return Ok(Reply::Done);
        }
        let place = self.link.place();
        let mut error = classify::failure(failure, place, || fell_silent(exchange, place));
        error.not_sent &= !answered;
        Err(error)
    }

    fn senseless(&self, exchange: &Exchange) -> BmcError {
        let place = self.link.place();
        let text = format!("cannot {} on {place}: the answer cannot be understood", deed(exchange));
        BmcError::new(FaultClass::Protocol, text)
    }
}

fn unsupported(exchange: &Exchange) -> BmcError {
    let text = format!("cannot {}: the driver ipmi has no such command", deed(exchange));
    BmcError::new(FaultClass::Unsupported, text).not_sent()
}

/// Labels and values that the driver adds to a controller's identity.
fn facts(quirks: Quirks, suite: Option<Suite>) -> BmcInfo {
    let names = quirks.names();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let mut rows = vec![("Quirks".to_owned(), names)];
    if let Some(suite) = suite {
        rows.insert(0, ("Cipher Suite".to_owned(), suite.id().to_string()));
    }
    rows
}
