//! The real program as a command: arguments in, exit code and text out.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::lab::Lab;
use super::tui::environment;

/// How a run of `lightsout` ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; -1 after a signal.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ended {
    /// Standard output as one JSON object a line.
    pub fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
    }
}

/// `lightsout` with `args`, without a terminal, its files below `home`.
pub fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightsout"));
    command.args(args).envs(environment(home)).stdin(Stdio::null());
    // Whatever terminal the tests are started from, or none at all.
    command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8");
    for name in ["LIGHTSOUT_CONFIG", "SSH_CONNECTION", "TMUX", "STY", "NO_COLOR", "COLORTERM"] {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end.
pub fn run(home: &Path, args: &[&str]) -> Ended {
    let output = command(home, args).output().expect("lightsout starts");
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A directory for the program's files and a configuration of the test's own, gone with the value.
pub struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    /// An empty one.
    pub fn new() -> Home {
        Home { dir: tempfile::tempdir().expect("a temporary directory can be made") }
    }

    /// Where.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a configuration and returns its path.
    pub fn config(&self, text: &str) -> String {
        let path = self.dir.path().join("config.toml");
        std::fs::write(&path, text).expect("the directory can be written");
        path.display().to_string()
    }

    /// A configuration with the nodes of `lab` and these settings before them.
    pub fn config_of(&self, lab: &Lab, settings: &str) -> String {
        self.config_with(lab, "ipmi", settings)
    }

    /// The same with its BMCs reached by `driver`.
    pub fn config_with(&self, lab: &Lab, driver: &str, settings: &str) -> String {
        let text = std::fs::read_to_string(lab.config()).expect("the lab wrote a configuration");
        let nodes = text.find("[credentials").expect("a lab's configuration has credentials");
        let text = text[nodes..].replace("driver = \"ipmi\"", &format!("driver = \"{driver}\""));
        self.config(&format!("{settings}\n{text}"))
    }

    /// The audit trail, one object a line.
    pub fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.audit_path()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("an audit line is JSON")).collect()
    }

    /// Where the audit trail is.
    pub fn audit_path(&self) -> PathBuf {
        self.dir.path().join("state/lightsout/audit.jsonl")
    }
}
