//! Somebody else's SOL: `ipmitool sol activate` in a PTY, to see whether SOL is free and what it carries.

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::{lab::Node, wait_for};

const SOON: Duration = Duration::from_secs(10);

/// A running `ipmitool sol activate`, read all the time. Dropping it without [`Sol::interrupt`] leaves SOL active.
pub struct Sol {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Sol {
    /// Starts it as `admin` with cipher suite 3.
    pub fn activate(node: &Node) -> Self {
        let pair = native_pty_system().openpty(PtySize::default()).expect("a PTY");
        let mut command = CommandBuilder::new("ipmitool");
        command.args(["-I", "lanplus", "-C", "3", "-U", "admin", "-E", "-e", "\u{2}", "-H", &node.address()]);
        command.args(["-p", &node.port().to_string(), "sol", "activate"]);
        command.env("IPMITOOL_PASSWORD", "secret");
        let child = pair.slave.spawn_command(command).expect("ipmitool starts");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                sink.lock().expect("not poisoned").extend_from_slice(&chunk[..count]);
            }
        });
        Self { child, writer, seen }
    }

    /// Everything shown so far.
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("not poisoned")).into_owned()
    }

    /// Waits until it shows `text`.
    pub fn shows(&self, text: &str) {
        wait_for(text, SOON, || self.seen().contains(text).then_some(()));
    }

    /// Types `text` as it is.
    pub fn types(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).expect("the PTY takes it");
    }

    /// The one way out that frees SOL and types nothing: SIGINT, its end, and only then the writer's.
    pub fn interrupt(mut self) {
        let pid = self.child.process_id().and_then(|pid| i32::try_from(pid).ok()).expect("it runs");
        kill(Pid::from_raw(pid), Signal::SIGINT).expect("it runs");
        wait_for("ipmitool's end", SOON, || self.child.try_wait().expect("our child"));
    }
}
