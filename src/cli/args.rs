//! The command line's words, as clap types.

use crate::config::parse_duration;
use crate::fleet::verb::parse_raw;
use crate::fleet::{BmcReset, BootDevice, BootSetting, Identify, PowerVerb, Verb};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A lights-out console for a fleet of machines.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "lightsout",
    version,
    about = "A lights-out console for a fleet of machines: live power state, serial consoles, careful verbs",
    after_help = "NODES is a node set (r1n[01-16,20]), a tag (@rack1) or all.\n\
                  Exit codes: 0 done and confirmed where it can be, 1 usage or configuration, 2 some node failed,\n\
                  3 refused, 4 not confirmed in time."
)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Configuration file
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Refuse every verb and all console input
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Print what would be sent, send nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Theme of the screen
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Colours: auto, truecolor, 256, 16 or never
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<Color>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Color {
    Auto,
    Truecolor,
    #[value(name = "256")]
    C256,
    #[value(name = "16")]
    C16,
    Never,
}

impl Color {
    /// The word as the configuration spells it.
    pub fn word(self) -> &'static str {
        match self {
            Color::Auto => "auto",
            Color::Truecolor => "truecolor",
            Color::C256 => "256",
            Color::C16 => "16",
            Color::Never => "never",
        }
    }
}

#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Poll once and print a table
    Status {
        /// Node set, @tag or all
        #[arg(default_value = "all", value_name = "NODES")]
        nodes: String,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Read or change the power state
    Power {
        #[arg(value_enum, value_name = "VERB")]
        verb: PowerWord,
        /// Node set, @tag or all
        #[arg(value_name = "NODES")]
        nodes: String,
        #[command(flatten)]
        how: How,
        /// Do not wait until the effect is seen, nor for a BMC that does not take the login at once
        #[arg(long)]
        no_wait: bool,
        /// Longest wait for the effect: 60s, 10m
        #[arg(long, value_name = "TIME", value_parser = parse_duration)]
        timeout: Option<Duration>,
    },
    /// Read or set the boot device
    Boot {
        #[arg(value_enum, value_name = "DEVICE")]
        device: BootWord,
        /// Node set, @tag or all
        #[arg(value_name = "NODES")]
        nodes: String,
        #[command(flatten)]
        how: How,
        /// For all boots, not only the next
        #[arg(long)]
        persistent: bool,
        /// EFI boot, not legacy
        #[arg(long)]
        uefi: bool,
    },
    /// Act on the BMC itself
    Bmc {
        #[arg(value_enum, value_name = "VERB")]
        verb: BmcWord,
        /// Node set, @tag or all
        #[arg(value_name = "NODES")]
        nodes: String,
        #[command(flatten)]
        how: How,
        #[command(flatten)]
        light: Light,
        /// Bytes for raw, in hexadecimal: net function, command, data
        #[arg(last = true, value_name = "BYTES")]
        bytes: Vec<String>,
    },
    /// Look at everything that has to work, and log in to each BMC once
    Doctor {
        /// Node set, @tag or all; naming nodes tries again what failed for good
        #[arg(value_name = "NODES")]
        nodes: Option<String>,
        /// Leave the BMCs alone
        #[arg(long)]
        no_login: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// This terminal on one console
    Console {
        /// Its name
        #[arg(value_name = "NODE")]
        node: String,
        /// Only look: no key reaches the node
        #[arg(long)]
        monitor: bool,
    },
    /// The console over a simulated fleet: needs no hardware, no file and no privilege
    Demo,
    /// Simulated BMCs on loopback, with a configuration for them
    Sim(SimArgs),
    /// Consoles of ConMan or conserver as TOML, with what was left out
    Import {
        #[arg(value_enum, value_name = "FORMAT")]
        format: ImportWord,
        /// conman.conf or conserver.cf
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Completions for a shell, or the manual page
    Generate {
        #[command(subcommand)]
        what: GenerateWord,
    },
    /// What a shell may offer; called by the scripts of generate completions
    #[command(hide = true)]
    Complete(CompleteArgs),
    /// Look at the configuration
    Config {
        #[command(subcommand)]
        what: ConfigWord,
    },
}

#[derive(Debug, Clone, Args)]
pub struct SimArgs {
    /// How many
    #[arg(long, default_value_t = 48, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub nodes: u16,
    /// UDP port of the first; the others follow. 0: free ones
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub base_port: u16,
    /// Loopback address to listen on
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub address: IpAddr,
    /// Write the configuration to a new file that nobody else can read, not to standard output
    #[arg(long, value_name = "FILE")]
    pub config_out: Option<PathBuf>,
    /// Cipher suites they offer
    #[arg(long, value_delimiter = ',', default_values_t = [17, 3], value_name = "IDS")]
    pub suites: Vec<u8>,
    /// Sessions each takes at the same time
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub sessions: usize,
    /// Datagrams that are lost, in each direction, per cent
    #[arg(long, default_value_t = 0, value_name = "PERCENT")]
    pub loss: u8,
    /// How long each datagram takes, in each direction
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = parse_duration)]
    pub delay: Duration,
    /// Silence after a cold reset
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = parse_duration)]
    pub outage: Duration,
    /// How much faster than real time the machines boot
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    pub speed: f64,
    /// At the end, print what the BMCs saw as a JSON object
    #[arg(long)]
    pub report: bool,
}

#[derive(Debug, Clone, Copy, Args)]
pub struct How {
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// How long identify lights the locator LED.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Light {
    /// For identify: light it for so long, 1s to 255s [default: 240s]
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration, conflicts_with_all = ["on", "off"])]
    pub time: Option<Duration>,
    /// For identify: light it until it is turned off
    #[arg(long, conflicts_with = "off")]
    pub on: bool,
    /// For identify: turn it off
    #[arg(long)]
    pub off: bool,
}

impl Light {
    fn given(self) -> bool {
        self.time.is_some() || self.on || self.off
    }

    fn verb(self) -> Result<Verb, String> {
        Ok(Verb::Identify(match self {
            Light { time: Some(time), .. } => Identify::lasting(time)?,
            Light { on: true, .. } => Identify::On,
            Light { off: true, .. } => Identify::Off,
            Light { .. } => Identify::USUAL,
        }))
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PowerWord {
    /// Power on
    On,
    /// Hard power off
    Off,
    /// ACPI shutdown
    Soft,
    /// Off and on, by the BMC
    Cycle,
    /// Hard reset
    Reset,
    /// Off, confirmed, then on, confirmed
    Reboot,
    /// Diagnostic interrupt
    Nmi,
    /// Only read
    Status,
}

impl PowerWord {
    pub fn verb(self) -> Verb {
        match self {
            PowerWord::On => Verb::Power(PowerVerb::On),
            PowerWord::Off => Verb::Power(PowerVerb::Off),
            PowerWord::Soft => Verb::Power(PowerVerb::Soft),
            PowerWord::Cycle => Verb::Power(PowerVerb::Cycle),
            PowerWord::Reset => Verb::Power(PowerVerb::Reset),
            PowerWord::Reboot => Verb::Power(PowerVerb::Reboot),
            PowerWord::Nmi => Verb::Power(PowerVerb::Nmi),
            PowerWord::Status => Verb::Status,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BootWord {
    /// Network
    Pxe,
    /// Hard disk
    Disk,
    /// Hard disk, safe mode
    Safe,
    /// CD or DVD
    Cdrom,
    /// Firmware setup
    Bios,
    /// No override
    None,
    /// Only read
    Status,
}

impl BootWord {
    pub fn verb(self, persistent: bool, uefi: bool) -> Verb {
        let device = match self {
            BootWord::Status => return Verb::BootGet,
            BootWord::Pxe => BootDevice::Pxe,
            BootWord::Disk => BootDevice::Disk,
            BootWord::Safe => BootDevice::Safe,
            BootWord::Cdrom => BootDevice::Cdrom,
            BootWord::Bios => BootDevice::Bios,
            BootWord::None => BootDevice::None,
        };
        Verb::BootSet(BootSetting { device: Some(device), persistent, uefi })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BmcWord {
    /// Restart the controller's firmware
    ResetWarm,
    /// Restart the controller as a whole: 30 to 120 s of silence
    ResetCold,
    /// Manufacturer, product, firmware
    Info,
    /// Locator LED: on for four minutes, or as --for, --on, --off say
    Identify,
    /// End a stuck SOL, whoever holds it
    FreeSol,
    /// Bytes after --
    Raw,
}

impl BmcWord {
    /// The verb, or what is wrong with the bytes or the time.
    pub fn verb(self, bytes: &[String], light: Light) -> Result<Verb, String> {
        if self != BmcWord::Identify && light.given() {
            return Err("--for, --on and --off belong to identify only".into());
        }
        if self != BmcWord::Raw && !bytes.is_empty() {
            return Err("bytes belong to raw only".into());
        }
        Ok(match self {
            BmcWord::ResetWarm => Verb::ResetBmc(BmcReset::Warm),
            BmcWord::ResetCold => Verb::ResetBmc(BmcReset::Cold),
            BmcWord::Info => Verb::Info,
            BmcWord::Identify => light.verb()?,
            BmcWord::FreeSol => Verb::FreeSol,
            BmcWord::Raw => Verb::Raw(parse_raw(&bytes.join(" "))?),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportWord {
    /// ConMan's conman.conf
    Conman,
    /// conserver's conserver.cf
    Conserver,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum GenerateWord {
    /// A completion script; node names come from the configuration at each use
    Completions {
        #[arg(value_enum, value_name = "SHELL")]
        shell: ShellWord,
    },
    /// The manual page lightsout(1)
    Man,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShellWord {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Clone, Args)]
pub struct CompleteArgs {
    /// Who asks
    #[arg(value_enum)]
    pub shell: ShellWord,
    /// Characters at which bash breaks words
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    pub breaks: String,
    /// The line up to the cursor
    #[arg(allow_hyphen_values = true)]
    pub line: String,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigWord {
    /// Check it; exit 1 if something is wrong
    Check,
    /// Print it as merged, without secrets
    Show,
    /// Print every key with its command, as they are with it
    Keys,
    /// Print the files it was read from
    Path,
    /// Print the commented default configuration
    Default,
    /// List the themes there are, your own with what is wrong with them
    Themes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
