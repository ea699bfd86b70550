//! What a machine says while it boots and shuts down: lines with their time since the beginning.

use super::Device;
use std::fmt::Write;
use std::time::Duration;

type Line = (Duration, Vec<u8>);

fn line(ms: u64, text: &str) -> Line {
    (Duration::from_millis(ms), text.replace('\n', "\r\n").into_bytes())
}

/// The boot from `device`, and how long it takes.
pub(super) fn lines(name: &str, device: Device) -> (Vec<Line>, Duration) {
    let mut all = vec![
        line(300, "\x1b[2J\x1b[H"),
        line(400, "BIOS 2.4.1 (simulated)\nCPU: 2 x 32 cores, 256 GB ECC memory\n"),
        line(900, "Initializing USB controllers ... done\n"),
        line(1400, "Detecting drives ... nvme0: 1.92 TB, nvme1: 1.92 TB\n"),
    ];
    match device {
        Device::Setup => {
            all.push(line(1800, "Entering setup ...\n"));
            return (all, Duration::from_millis(2200));
        }
        Device::Network => {
            all.push(line(1900, "PXE: link up, DHCP ... 192.0.2.17, next server 192.0.2.1\n"));
            all.push(line(2600, "PXE: loading vmlinuz ... loading initrd ... ok\n"));
        }
        Device::Cdrom => all.push(line(1900, "Booting from DVD drive (virtual media) ...\n")),
        Device::Disk => {
            all.push(line(1900, "Booting from nvme0 ...\n"));
            all.push(line(2300, "GRUB loading.\nWelcome to GRUB!\n"));
        }
    }
    let kernel = [
        "Linux version 6.12.9-lts (gcc 14.2.0) #1 SMP PREEMPT_DYNAMIC",
        "Command line: BOOT_IMAGE=/vmlinuz root=/dev/md0 ro console=ttyS1,115200n8",
        "x86/fpu: Supporting XSAVE feature 0x200: 'Protection Keys User registers'",
        "Memory: 263712340K/268419072K available",
        "smp: Brought up 2 nodes, 64 CPUs",
        "pci 0000:3b:00.0: [15b3:1017] type 00 class 0x020000",
        "nvme nvme0: 64/0/0 default/read/poll queues",
        "md/raid1:md0: active with 2 out of 2 mirrors",
        "EXT4-fs (md0): mounted filesystem with ordered data mode",
        "systemd[1]: Detected architecture x86-64.",
    ];
    let mut at = 3000;
    for (index, words) in kernel.iter().enumerate() {
        let micros = index * 377_123;
        let stamp = format!("[{:5}.{:06}] {words}\n", micros / 1_000_000, micros % 1_000_000);
        all.push(line(at, &stamp));
        at += 180;
    }
    let mut hostname = String::new();
    let _ = writeln!(hostname, "systemd[1]: Hostname set to <{name}>.");
    all.push(line(at, &hostname));
    for unit in ["Network Configuration", "OpenSSH Server", "Time Synchronization", "Cluster Agent"] {
        at += 350;
        all.push(line(at, &format!("[  \x1b[32mOK\x1b[0m  ] Started {unit}.\n")));
    }
    (all, Duration::from_millis(at + 500))
}

/// What is said while shutting down.
pub(super) fn shutdown() -> Vec<Line> {
    vec![
        line(200, "\nThe system is going down NOW!\n"),
        line(700, "[  \x1b[32mOK\x1b[0m  ] Stopped Cluster Agent.\n"),
        line(1300, "[  \x1b[32mOK\x1b[0m  ] Stopped OpenSSH Server.\n"),
        line(2000, "[  \x1b[32mOK\x1b[0m  ] Unmounted /boot.\n"),
        line(2600, "[ 8127.114201] reboot: System halted\n"),
    ]
}

/// The firmware's setup screen.
pub(super) fn setup(name: &str) -> Vec<u8> {
    let mut screen = String::from("\x1b[0m\x1b[2J\x1b[H\x1b[44;37m");
    let width = 78;
    let rows = [
        format!("  {:<w$}", format!("Setup Utility - {name}"), w = width - 2),
        format!("┌{}┐", "─".repeat(width - 2)),
        format!("│{:<w$}│", "  Main   Advanced   Boot   Security   Exit", w = width - 2),
        format!("├{}┤", "─".repeat(width - 2)),
        format!("│{:<w$}│", "  Boot order        1. Network   2. nvme0   3. DVD", w = width - 2),
        format!("│{:<w$}│", "  Console           COM2, 115200 8N1, VT-UTF8", w = width - 2),
        format!("│{:<w$}│", "  After power loss  last state", w = width - 2),
        format!("└{}┘", "─".repeat(width - 2)),
        format!("{:<width$}", "  q or Esc: exit and restart"),
    ];
    for (at, row) in rows.iter().enumerate() {
        let _ = write!(screen, "\x1b[{};1H{row}", at + 1);
    }
    screen.push_str("\x1b[0m");
    screen.into_bytes()
}
