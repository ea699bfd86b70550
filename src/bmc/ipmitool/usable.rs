//! Whether the installed ipmitool can do what this driver asks of it: asked once per process and path, when
//! the first driver is opened, so that an unusable one is an error at start and not a mystery at each BMC.

use super::child::{self, Outcome};
use super::classify::gist;
use super::secrets::Login;
use crate::bmc::BmcError;
use crate::config::Secret;
use crate::fleet::FaultClass;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// How long printing its help may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What its help must list, and our word for it.
const NEEDED: [(&str, &str); 4] = [
    ("-N ", "the option -N"),
    ("-R ", "the option -R"),
    ("-C ", "the option -C"),
    ("lanplus ", "the interface lanplus"),
];

type Answers = HashMap<PathBuf, Result<(), BmcError>>;

/// Checks `program`, which exists; the answer is kept.
pub(super) fn check(program: &Path) -> Result<(), BmcError> {
    static ANSWERS: LazyLock<Mutex<Answers>> = LazyLock::new(Mutex::default);
    // Locked while it is asked: nobody asks beside us, and 200 drivers wait for one process.
    let mut answers = ANSWERS.lock().expect("no panic while it is locked");
    if let Some(answer) = answers.get(program) {
        return answer.clone();
    }
    let answer = ask(program, "-h").and_then(|outcome| judge(program, &outcome));
    answers.insert(program.to_owned(), answer.clone());
    answer
}

/// Runs `program` with one option in a thread with a runtime of its own: drivers are opened inside an asynchronous one.
fn ask(program: &Path, what: &str) -> Result<Outcome, BmcError> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| unusable(program, &error.to_string()))?;
        // No more of our environment than that: it may hold a password.
        let env = vec![("LC_ALL".to_owned(), Secret::new(b"C".to_vec()))];
        let login = Login { args: Vec::new(), env, guard: None };
        runtime
            .block_on(async { child::run(program, &[what.to_owned()], &login, Instant::now() + LIMIT).await })
    };
    std::thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err(unusable(program, "it could not be asked")))
}

/// What `program` calls itself: `ipmitool version 1.8.19`.
pub(super) fn version(program: &Path) -> Option<String> {
    let said = ask(program, "-V").ok()?.stdout;
    let line = said.lines().find(|line| line.contains("version"))?;
    Some(line.chars().filter(|ch| !ch.is_control()).take(60).collect())
}

fn judge(program: &Path, outcome: &Outcome) -> Result<(), BmcError> {
    if outcome.timed_out {
        let why = format!("\"ipmitool -h\" did not end within {} s", LIMIT.as_secs());
        return Err(unusable(program, &why));
    }
    let lists = |word: &str| {
        [&outcome.stdout, &outcome.stderr]
            .iter()
            .any(|text| text.lines().any(|line| line.trim_start().starts_with(word)))
    };
    let missing: Vec<&str> = NEEDED.iter().filter(|(word, _)| !lists(word)).map(|(_, name)| *name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if missing.len() == NEEDED.len() {
        let said = if outcome.stderr.trim().is_empty() { &outcome.stdout } else { &outcome.stderr };
        return Err(unusable(program, &format!("asked for its help, it said \"{}\"", gist(said))));
    }
    Err(unusable(program, &format!("it does not know {}", missing.join(" and "))))
}

fn unusable(program: &Path, why: &str) -> BmcError {
    BmcError::new(FaultClass::Local, format!("cannot use {}: {why}", program.display()))
        .hint("install ipmitool 1.8.18 or newer, or name its path in the configuration")
        .not_sent()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(stdout: &str, stderr: &str) -> Result<(), String> {
        let outcome =
            Outcome { status: Some(0), stdout: stdout.into(), stderr: stderr.into(), timed_out: false };
        judge(Path::new("/opt/ipmitool"), &outcome).map_err(|error| error.reason)
    }

    #[test]
    fn a_help_without_what_is_needed_is_told() {
        let suite = "       -C ciphersuite Cipher suite to be used by lanplus interface\n";
        let wait =
            "       -N seconds     Specify timeout for lan [default=2] / lanplus [default=1] interface\n";
        let retry = "       -R retry       Set the number of retries for lan/lanplus interface [default=4]\n";
        let plus = "Interfaces:\n\tlan           IPMI v1.5 LAN Interface \n\tlanplus       IPMI v2.0 RMCP+ LAN Interface \n";
        let whole = [suite, wait, retry, plus].concat();
        assert_eq!(judged("", &whole), Ok(()));
        assert_eq!(judged(&whole, ""), Ok(()));
        let lacks = |text: &str| judged("", text).expect_err("something is missing");
        assert_eq!(
            lacks(&[suite, wait, retry].concat()),
            "cannot use /opt/ipmitool: it does not know the interface lanplus"
        );
        assert_eq!(
            lacks(&[suite, plus].concat()),
            "cannot use /opt/ipmitool: it does not know the option -N and the option -R"
        );
        assert_eq!(
            lacks("ipmitool: error while loading shared libraries: libcrypto.so.3\n"),
            "cannot use /opt/ipmitool: asked for its help, it said \"ipmitool: error while loading shared libraries: libcrypto.so.3\""
        );
    }
}
