//! Login and shell of a simulated machine: enough to look alive and to be typed into.

use std::fmt::Write;
use std::time::Duration;

/// What a command leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Nothing,
    Reboot,
    PowerOff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Login,
    Password,
    Prompt,
}

#[derive(Debug)]
pub(super) struct Shell {
    name: String,
    at: At,
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed behind it belongs to it.
    returned: bool,
}

/// The longest line that is taken.
const LINE: usize = 256;
/// The most lines of one `flood`.
const FLOOD: u32 = 2_000;

impl Shell {
    pub fn new(name: &str) -> Shell {
        Shell { name: name.to_owned(), at: At::Login, line: Vec::new(), returned: false }
    }

    pub fn greeting(&self) -> String {
        format!("\r\nSimulated Linux 6.12 {} ttyS1\r\n\r\n{}", self.name, self.prompt())
    }

    fn prompt(&self) -> String {
        match self.at {
            At::Login => format!("{} login: ", self.name),
            At::Password => "Password: ".to_owned(),
            At::Prompt => format!("root@{}:~# ", self.name),
        }
    }

    pub fn input(&mut self, bytes: &[u8], uptime: Duration, out: &mut Vec<u8>) -> After {
        let mut after = After::Nothing;
        for &byte in bytes {
            let feed = byte == b'\n' && self.returned;
            self.returned = byte == b'\r';
            match byte {
                b'\n' if feed => {}
                b'\r' | b'\n' => {
                    out.extend(b"\r\n");
                    let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
                    let did = self.entered(line.trim(), uptime, out);
                    if did != After::Nothing {
                        after = did;
                        continue;
                    }
                    out.extend(self.prompt().bytes());
                }
                0x08 | 0x7f => {
                    let erased = self.line.pop();
                    if erased.is_some() && self.at != At::Password {
                        out.extend(b"\x08 \x08");
                    }
                }
                0x03 => {
                    self.line.clear();
                    out.extend(b"^C\r\n");
                    out.extend(self.prompt().bytes());
                }
                0x04 if self.line.is_empty() && self.at == At::Prompt => {
                    self.at = At::Login;
                    out.extend(b"logout\r\n\r\n");
                    out.extend(self.prompt().bytes());
                }
                0x20.. if self.line.len() < LINE => {
                    self.line.push(byte);
                    if self.at != At::Password {
                        out.push(byte);
                    }
                }
                _ => {}
            }
        }
        after
    }

    fn entered(&mut self, line: &str, uptime: Duration, out: &mut Vec<u8>) -> After {
        match self.at {
            At::Login if line.is_empty() => {}
            At::Login => self.at = At::Password,
            At::Password => {
                self.at = At::Prompt;
                out.extend(b"Last login: on ttyS1\r\nType help for what there is.\r\n");
            }
            At::Prompt => return self.run(line, uptime, out),
        }
        After::Nothing
    }

    fn run(&mut self, line: &str, uptime: Duration, out: &mut Vec<u8>) -> After {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut text = String::new();
        match word {
            "" => {}
            "help" => text.push_str("help uname uptime hostname ls dmesg echo flood top logout reboot poweroff\n"),
            "uname" => {
                let _ = writeln!(text, "Linux {} 6.12.9-lts #1 SMP x86_64 GNU/Linux", self.name);
            }
            "hostname" => {
                let _ = writeln!(text, "{}", self.name);
            }
            "uptime" => {
                let minutes = uptime.as_secs() / 60;
                let _ = writeln!(text, " up {} min,  1 user,  load average: 0.42, 0.37, 0.31", minutes);
            }
            "ls" => text.push_str("anaconda-ks.cfg  burnin.log  firmware\n"),
            "dmesg" => text.push_str(
                "[    0.000000] Linux version 6.12.9-lts\n[    4.113377] md/raid1:md0: active with 2 out of 2 mirrors\n",
            ),
            "echo" => {
                let _ = writeln!(text, "{rest}");
            }
            "flood" => {
                for number in 1..=rest.trim().parse().unwrap_or(100).min(FLOOD) {
                    let _ = writeln!(text, "{number:06} the quick brown fox jumps over the lazy dog");
                }
            }
            "top" => text.push_str(
                "\x1b[7m  PID USER   %CPU  %MEM  COMMAND     \x1b[0m\n 1841 agent   3.1   0.4  cluster-agent\n    1 root    0.0   0.1  systemd\n",
            ),
            "logout" | "exit" => self.at = At::Login,
            "reboot" => return After::Reboot,
            "poweroff" | "halt" => return After::PowerOff,
            other => {
                let _ = writeln!(text, "-bash: {other}: command not found");
            }
        }
        out.extend(text.replace('\n', "\r\n").bytes());
        After::Nothing
    }

    /// A line of the kernel's log, and what was on the line before it again.
    pub fn murmur(&self, uptime: Duration, dice: u64) -> String {
        let words = [
            "EDAC MC0: 1 CE memory read error on DIMM_B1 (channel:1 slot:0)",
            "mlx5_core 0000:3b:00.0 ens1f0np0: Link up",
            "perf: interrupt took too long, lowering sample rate",
            "nvme nvme0: temperature above warning threshold cleared",
            "audit: rate limit exceeded, 12 messages suppressed",
        ];
        let index = usize::try_from(dice).unwrap_or(0) % words.len();
        let typed = if self.at == At::Password {
            String::new()
        } else {
            String::from_utf8_lossy(&self.line).into_owned()
        };
        format!(
            "\r\x1b[K[{:5}.{:06}] {}\r\n{}{typed}",
            uptime.as_secs(),
            dice % 1_000_000,
            words[index],
            self.prompt()
        )
    }
}
