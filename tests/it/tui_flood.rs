//! A console that never stops writing: the screen stays within its frames, its keys and its memory.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::program::Home;
use crate::support::tui::Tui;
use crate::support::wait_for;
use crate::tui_console::open_console;

/// An answer that takes longer is no answer to somebody who types.
const ANSWERED: Duration = Duration::from_secs(3);
/// A frame of 80x24 with every cell and its colour changed is smaller.
const FRAME_BYTES: usize = 24_000;

/// Serves every client of a socket with `serve`, each in a thread; it ends with its client.
fn listen(path: &Path, serve: impl Fn(UnixStream) + Clone + Send + 'static) {
    let listener = UnixListener::bind(path).expect("the directory can be written");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(client));
        }
    });
}

/// A fleet of two consoles: `flood` writes as fast as it is read, `quiet` answers what is typed.
struct Flooded {
    home: Home,
    config: String,
    written: Arc<AtomicU64>,
}

fn flooded(settings: &str) -> Flooded {
    let home = Home::new();
    let socket = |name: &str| -> PathBuf { home.path().join(name) };
    let written = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&written);
    listen(&socket("flood.sock"), move |mut client| {
        let mut number = 0_u64;
        loop {
            let mut piece = String::new();
            for _ in 0..500 {
                number += 1;
                piece += &format!("\x1b[3{}mflood {number:09} {}\r\n", number % 8, "x".repeat(40));
            }
            if client.write_all(piece.as_bytes()).is_err() {
                return;
            }
            count.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
    });
    listen(&socket("quiet.sock"), |mut client| {
        let mut chunk = [0; 256];
        while let Ok(count @ 1..) = client.read(&mut chunk) {
            let typed = String::from_utf8_lossy(&chunk[..count]).replace('\r', "]\r\n[");
            if client.write_all(typed.as_bytes()).is_err() {
                return;
            }
        }
    });
    let console = |name: &str| {
        let path = socket(&format!("{name}.sock"));
        format!(
            "[[node]]\nname = \"{name}\"\nconsole = {{ transport = \"unix\", path = \"{}\", log = false }}\n",
            path.display()
        )
    };
    let config = home.config(&format!("{settings}\n{}{}", console("flood"), console("quiet")));
    Flooded { home, config, written }
}

/// Frames drawn so far: each is one synchronized update.
fn frames(raw: &[u8]) -> usize {
    raw.windows(8).filter(|bytes| bytes == b"\x1b[?2026h").count()
}

/// Watches `count` frames of a flood; how long they took, and how many bytes they were.
fn watch(tui: &Tui, count: usize) -> (Duration, usize) {
    let (start, raw) = (Instant::now(), tui.raw());
    let enough = frames(&raw) + count;
    let after = wait_for("frames of the flood", Duration::from_secs(60), || {
        Some(tui.raw()).filter(|raw| frames(raw) >= enough)
    });
    (start.elapsed(), after.len() - raw.len())
}

/// Resident memory of a process in MB.
fn resident_mb(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux tells it");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("in kB") / 1024
}

#[test]
fn a_flooding_console_costs_bounded_frames_and_memory_and_no_key() {
    let fleet = flooded("[screen]\nfps = 10");
    let mut tui = Tui::start(fleet.home.path(), &["-c", &fleet.config], (80, 24));
    tui.wait("quiet");
    open_console(&mut tui, "quiet");
    tui.wait("attached, no output yet");
    tui.keys("\x1d\x1b");
    open_console(&mut tui, "flood");
    tui.wait("flood 0");

    let (took, bytes) = watch(&tui, 31);
    assert!(took >= Duration::from_millis(2900), "31 frames in {took:?} are more than 10 a second");
    assert!(bytes < 32 * FRAME_BYTES, "{bytes} bytes for 31 frames");

    tui.keys("\x1d\x1b");
    tui.wait_until("back in the table", ANSWERED, |screen| screen.contains("p power"));
    tui.keys("?");
    tui.wait_until("help", ANSWERED, |screen| screen.contains("show only some nodes"));
    tui.keys("\x1b");
    tui.wait_until("no help", ANSWERED, |screen| !screen.contains("show only some nodes"));
    tui.keys("1");
    tui.wait_until("the other console", ANSWERED, |screen| screen.contains("┏ quiet ·"));
    tui.keys("hotel\r");
    tui.wait_until("it answers", ANSWERED, |screen| screen.contains("hotel]"));

    let (before, megabyte) = (fleet.written.load(Ordering::Relaxed), 1 << 20);
    wait_for("the flood is read on while nobody looks", Duration::from_secs(30), || {
        (fleet.written.load(Ordering::Relaxed) >= before + 4 * megabyte).then_some(())
    });
    let resident = resident_mb(tui.pid());
    assert!(resident < 150, "{resident} MB are resident");
    tui.keys("\x1d\x1bq");
    tui.wait_until("the question", ANSWERED, |screen| screen.contains("quit lightsout?"));
    crate::tui_table::press_y_until_gone(&mut tui);
    assert_eq!(tui.wait_exit(), Some(0));
    tui.assert_restored();
}

#[test]
fn under_ssh_the_slower_rate_holds() {
    let fleet = flooded("[screen]\nfps_ssh = 2");
    let ssh = [("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")];
    let mut tui = Tui::start_with(fleet.home.path(), &["-c", &fleet.config], (80, 24), &ssh);
    tui.wait("quiet");
    open_console(&mut tui, "flood");
    tui.wait("flood 0");
    let (took, _) = watch(&tui, 7);
    assert!(took >= Duration::from_millis(2900), "7 frames in {took:?} are more than 2 a second");
}
