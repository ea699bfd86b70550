//! Transport `command`: a program in a pseudo-terminal carries the console: ssh, `virsh console`, conserver's
//! `console`, a vendor's own.
//!
//! The program may ask for a password: its terminal is an ordinary one and what it asks stands in the pane. It gets
//! our environment without the variables that hold passwords of BMCs. What it would take for a command of its own
//! is kept from it ([`escape`]).

mod escape;

use super::pty::{Pty, Run, Running};
use super::transport::{Around, Ending, Link, Stage, Transport};
use crate::bmc::find_program;
use crate::fleet::FaultClass;
use escape::Escape;
use nix::sys::signal::Signal;
use portable_pty::CommandBuilder;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Columns and rows of its terminal unless the settings say otherwise: what the emulator begins with.
const SIZE: (u16, u16) = (80, 25);
/// What the emulator understands.
const TERM: &str = "xterm-256color";
/// After its terminal hung up.
const GRACE: Duration = Duration::from_secs(2);
/// After SIGKILL.
const REAP: Duration = Duration::from_secs(2);
/// A program that ends sooner never worked: ssh without a route, a wrong password.
const SOON: Duration = Duration::from_secs(10);
/// So often in a row it is tried by itself: a wrong password locks accounts.
const TRIES: u32 = 3;

/// One console's program.
#[derive(Default)]
pub(super) struct Command {
    pty: Option<Pty>,
    escape: Escape,
    /// ssh's own, where `escape` is that of a program behind it.
    outer: Escape,
    name: String,
    started: Option<Instant>,
    /// How often in a row it ended soon.
    soon: u32,
    say: Option<Arc<dyn Fn(String) + Send + Sync>>,
}

#[async_trait::async_trait]
impl Transport for Command {
    async fn open(
        &mut self,
        around: &mut Around,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Link, Ending> {
        stage(Stage::Connecting);
        let Some((program, arguments)) = around.console.argv.split_first() else {
            let text = format!("cannot open the console of {}: it has no command", around.node);
            return Err(Ending::failed(FaultClass::Local, text, None));
        };
        self.name = Path::new(program).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(file) = find_program(Path::new(program)) else {
            let text = format!("cannot open the console: there is no program {program}");
            return Err(Ending::failed(
                FaultClass::Local,
                text,
                Some("install it, or correct argv of this console"),
            ));
        };
        let mut command = CommandBuilder::new(file);
        command.args(arguments);
        for name in around.console.hidden.iter() {
            command.env_remove(name);
        }
        command.env("TERM", TERM);
        let run =
            Run { command, size: around.console.size.unwrap_or(SIZE), plain: false, signal: Signal::SIGHUP };
        let Running { pty, output, input } = Pty::start(run).map_err(|error| {
            let text = format!("cannot open the console: cannot run {program}: {error}");
            Ending::failed(FaultClass::Local, text, None)
        })?;
        self.pty = Some(pty);
        self.escape = match &around.console.escape {
            Some(bytes) => Escape::configured(bytes),
            None => Escape::of(&self.name, arguments),
        };
        let own = Escape::of(&self.name, arguments);
        let behind =
            self.escape.program().is_none() && !self.escape.is_none() && own.program() == Some("ssh");
        self.outer = if behind { own } else { Escape::default() };
        self.started = Some(Instant::now());
        self.say = Some(Arc::clone(&around.say));
        Ok(Link { reader: output, writer: input, first: Vec::new() })
    }

    fn guard(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let (passed, dropped) = self.escape.pass(&bytes);
        if let (true, Some(say)) = (dropped, &self.say) {
            let (keys, name) = (self.escape.words(), self.escape.program().unwrap_or(&self.name));
            say(format!("{keys} was not sent: {name} takes it for itself"));
        }
        self.outer.pass(&passed).0
    }

    fn break_bytes(&mut self) -> Result<Vec<u8>, String> {
        self.escape.line_break(self.escape.program().unwrap_or(&self.name))
    }

    async fn ended(&mut self) -> Ending {
        let Some(pty) = &mut self.pty else {
            return Ending::failed(FaultClass::Local, "the console is not open", None);
        };
        if !pty.gone(REAP).await {
            pty.kill(REAP).await;
        }
        let soon = self.started.is_some_and(|started| started.elapsed() < SOON);
        self.soon = if soon { self.soon + 1 } else { 0 };
        over(&self.name, pty.code(), self.soon)
    }

    async fn close(&mut self, _around: &mut Around) {
        if let Some(mut pty) = self.pty.take()
            && !pty.end(GRACE).await
        {
            pty.kill(REAP).await;
        }
    }
}

/// What its end means. Nobody is logged in again who has logged out.
fn over(name: &str, code: Option<u32>, soon: u32) -> Ending {
    let (class, reason) = match code {
        Some(0) => (FaultClass::Unreachable, format!("{name} has ended")),
        Some(code) => (FaultClass::Unreachable, format!("{name} ended with exit code {code}")),
        None => (FaultClass::Unreachable, format!("{name} was ended by a signal")),
    };
    let (retry, hint) = match (code, soon) {
        (Some(0), _) => (false, None),
        (_, TRIES..) => (
            false,
            Some(format!(
                "it ended at once {soon} times and is not tried again by itself: look at what it said"
            )),
        ),
        (_, 1..) => (true, Some("it ended at once: look at what it said".to_owned())),
        _ => (true, None),
    };
    Ending::Failed { fault: crate::fleet::Fault { class, reason, hint }, retry }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retried(code: Option<u32>, soon: u32) -> bool {
        match over("ssh", code, soon) {
            Ending::Failed { retry, .. } => retry,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_logged_out_is_not_logged_in_again_and_a_wrong_password_not_sent_for_ever() {
        assert!(!retried(Some(0), 0));
        assert!(retried(Some(255), 0), "a lost line");
        assert!(retried(Some(255), 1));
        assert!(retried(None, TRIES - 1));
        assert!(!retried(Some(255), TRIES));
    }
}
