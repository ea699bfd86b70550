//! The machine behind a simulated BMC: power with realistic delays, and what its serial line says.
//!
//! Pure: everything takes `now`. Owned by [`super::Bmc`].

mod boot;
mod shell;

use shell::{After, Shell};
use std::collections::VecDeque;
use std::time::Duration;

/// What a chassis verb asks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Power down, at once.
    Off,
    /// Power up.
    On,
    /// Off, and on again after a while.
    Cycle,
    /// Hard reset.
    Reset,
    /// Diagnostic interrupt.
    Diagnostic,
    /// ACPI shutdown.
    Soft,
}

/// Where it boots from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// Its hard disk.
    #[default]
    Disk,
    /// The network.
    Network,
    /// Its setup screen.
    Setup,
    /// CD or DVD.
    Cdrom,
}

/// What it does at a later time.
#[derive(Debug)]
enum Step {
    Say(Vec<u8>),
    /// The operating system is up.
    Up,
    /// The firmware's setup screen is up.
    Setup,
    PowerOff,
    PowerOn,
    Restart,
}

/// What takes the keys.
#[derive(Debug)]
enum Front {
    Nothing,
    Setup,
    Shell(Shell),
}

/// One machine.
#[derive(Debug)]
pub struct Machine {
    name: String,
    power: bool,
    /// How much faster than real time it lives.
    speed: f64,
    device: Device,
    steps: VecDeque<(Duration, Step)>,
    front: Front,
    booted: Duration,
    output: Vec<u8>,
    seed: u64,
    /// Cycles stay in their off phase (tests).
    held_off: bool,
}

/// Off phase of a cycle, and how long an ACPI shutdown takes, on a real machine.
const OFF_PHASE: Duration = Duration::from_secs(3);
/// A line nobody reads keeps no more than this.
const OUTPUT: usize = 64 * 1024;

impl Machine {
    /// A machine that is on (booted long ago) or off. `speed` above 1 shortens every delay.
    #[must_use]
    pub fn new(name: &str, power: bool, speed: f64) -> Machine {
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let front = if power { Front::Shell(Shell::new(name)) } else { Front::Nothing };
        Machine {
            name: name.to_owned(),
            power,
            speed: if speed > 0.0 { speed } else { 1.0 },
            device: Device::default(),
            steps: VecDeque::new(),
            front,
            booted: Duration::ZERO,
            output: Vec::new(),
            seed,
            held_off: false,
        }
    }

    /// Whether it is on.
    #[must_use]
    pub fn power(&self) -> bool {
        self.power
    }

    /// Where the next boot comes from.
    pub fn set_device(&mut self, device: Device) {
        self.device = device;
    }

    /// Keeps every cycle in its off phase until it is called with `false`.
    pub fn hold_off(&mut self, now: Duration, held: bool) {
        self.held_off = held;
        if !held && !self.power && self.steps.iter().all(|(_, step)| !matches!(step, Step::PowerOn)) {
            self.then(now, Duration::ZERO, Step::PowerOn);
        }
    }

    /// Does a chassis verb. `false`: not supported in the present state (the machine is off).
    pub fn control(&mut self, now: Duration, control: Control) -> bool {
        self.tick(now);
        match control {
            Control::On if !self.power => self.start(now),
            Control::On => {}
            Control::Off => {
                self.stop();
                self.steps.clear();
            }
            _ if !self.power => return false,
            Control::Cycle => {
                self.stop();
                self.steps.clear();
                if !self.held_off {
                    self.then(now, OFF_PHASE, Step::PowerOn);
                }
            }
            Control::Reset => {
                self.steps.clear();
                self.start(now);
            }
            Control::Diagnostic => {
                self.say("\r\n[ 8123.771204] NMI received for unknown reason 21 on CPU 0.\r\n");
                self.say("[ 8123.771231] Dazed and confused, but trying to continue\r\n");
            }
            Control::Soft => self.shut_down(now, Step::PowerOff),
        }
        true
    }

    /// Keys from the console.
    pub fn input(&mut self, now: Duration, bytes: &[u8]) {
        self.tick(now);
        let uptime = now.saturating_sub(self.booted);
        let after = match &mut self.front {
            Front::Nothing => After::Nothing,
            Front::Setup => {
                if bytes.contains(&0x1b) || bytes.contains(&b'q') {
                    After::Reboot
                } else {
                    After::Nothing
                }
            }
            Front::Shell(shell) => shell.input(bytes, uptime, &mut self.output),
        };
        match after {
            After::Nothing => {}
            After::Reboot => self.shut_down(now, Step::Restart),
            After::PowerOff => self.shut_down(now, Step::PowerOff),
        }
        self.bound();
    }

    /// A break on the serial line: the kernel's help for it.
    pub fn send_break(&mut self, now: Duration) {
        self.tick(now);
        if matches!(self.front, Front::Shell(_)) {
            self.say(
                "\r\nsysrq: HELP : loglevel(0-9) reboot(b) crash(c) sync(s) unmount(u) show-tasks(t)\r\n",
            );
        }
    }

    /// What it said since the last call.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// When [`Machine::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.steps.front().map(|(at, _)| *at)
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Duration) {
        while self.steps.front().is_some_and(|(at, _)| *at <= now) {
            let Some((at, step)) = self.steps.pop_front() else { return };
            match step {
                Step::Say(bytes) => self.output.extend(bytes),
                Step::Up => {
                    self.booted = at;
                    let shell = Shell::new(&self.name);
                    self.say(&shell.greeting());
                    self.front = Front::Shell(shell);
                }
                Step::Setup => {
                    self.output.extend(boot::setup(&self.name));
                    self.front = Front::Setup;
                }
                Step::PowerOff => self.stop(),
                Step::PowerOn | Step::Restart => self.start(at),
            }
        }
        self.bound();
    }

    /// A line of its log by itself, unless it is booting, going down or off.
    pub fn murmur(&mut self, now: Duration) {
        let dice = self.dice();
        if let Front::Shell(shell) = &self.front
            && self.steps.is_empty()
        {
            let line = shell.murmur(now.saturating_sub(self.booted), dice);
            self.say(&line);
        }
    }

    fn bound(&mut self) {
        let excess = self.output.len().saturating_sub(OUTPUT);
        self.output.drain(..excess);
    }

    fn say(&mut self, text: &str) {
        self.output.extend(text.bytes());
    }

    fn dice(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.seed >> 33
    }

    fn stop(&mut self) {
        self.power = false;
        self.front = Front::Nothing;
    }

    fn then(&mut self, now: Duration, after: Duration, step: Step) {
        self.steps.push_back((now + after.div_f64(self.speed), step));
    }

    fn start(&mut self, now: Duration) {
        self.power = true;
        self.front = Front::Nothing;
        let device = std::mem::take(&mut self.device);
        let (lines, took) = boot::lines(&self.name, device);
        for (at, line) in lines {
            self.then(now, at, Step::Say(line));
        }
        self.then(now, took, if device == Device::Setup { Step::Setup } else { Step::Up });
    }

    fn shut_down(&mut self, now: Duration, end: Step) {
        if !matches!(self.front, Front::Shell(_) | Front::Setup) {
            // Nobody hears the power button yet: firmware turns off, as real ones do.
            self.steps.clear();
            self.then(now, Duration::from_secs(1), end);
            return;
        }
        self.front = Front::Nothing;
        for (at, line) in boot::shutdown() {
            self.then(now, at, Step::Say(line));
        }
        self.then(now, OFF_PHASE, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn text(machine: &mut Machine) -> String {
        String::from_utf8(machine.take_output()).expect("it says text")
    }

    #[test]
    fn it_boots_to_a_login_and_a_shell_that_echoes() {
        let mut machine = Machine::new("n1", false, 1.0);
        assert!(machine.control(secs(1), Control::On));
        assert!(machine.power(), "power comes before the operating system");
        machine.tick(secs(2));
        assert!(!text(&mut machine).contains("login:"), "booting takes its time");
        machine.tick(secs(60));
        assert!(text(&mut machine).ends_with("n1 login: "));
        machine.input(secs(61), b"root\r");
        assert!(text(&mut machine).ends_with("Password: "));
        machine.input(secs(61), b"secret\r");
        let shown = text(&mut machine);
        assert!(!shown.contains("secret") && shown.ends_with("# "), "{shown}");
        machine.input(secs(62), b"ehco\x7f\x7f\x7fcho it lives\r");
        assert!(text(&mut machine).contains("\r\nit lives\r\n"));
    }

    #[test]
    fn a_shutdown_takes_time_and_a_cycle_has_an_off_phase() {
        let mut machine = Machine::new("n1", true, 1.0);
        machine.control(secs(1), Control::Soft);
        machine.tick(secs(2));
        assert!(machine.power());
        machine.tick(secs(5));
        assert!(!machine.power());
        assert!(!machine.control(secs(5), Control::Cycle), "it is off");
        machine.control(secs(6), Control::On);
        machine.control(secs(7), Control::Cycle);
        assert!(!machine.power());
        machine.tick(secs(9));
        assert!(!machine.power());
        machine.tick(secs(11));
        assert!(machine.power());
    }

    #[test]
    fn a_held_cycle_stays_off_until_it_is_let_go() {
        let mut machine = Machine::new("n1", true, 1.0);
        machine.hold_off(secs(1), true);
        machine.control(secs(1), Control::Cycle);
        machine.tick(secs(100));
        assert!(!machine.power());
        machine.hold_off(secs(101), false);
        machine.tick(secs(101));
        assert!(machine.power());
    }

    #[test]
    fn speed_shortens_everything() {
        let mut machine = Machine::new("n1", false, 100.0);
        machine.control(secs(1), Control::On);
        machine.tick(secs(2));
        assert!(text(&mut machine).ends_with("login: "));
    }

    #[test]
    fn the_boot_device_shows() {
        for (device, words) in [
            (Device::Network, "PXE"),
            (Device::Setup, "Setup Utility"),
            (Device::Disk, "GRUB"),
            (Device::Cdrom, "DVD"),
        ] {
            let mut machine = Machine::new("n1", false, 1.0);
            machine.set_device(device);
            machine.control(secs(1), Control::On);
            machine.tick(secs(60));
            assert!(text(&mut machine).contains(words), "{device:?}");
        }
    }

    #[test]
    fn reboot_in_the_shell_reboots() {
        let mut machine = Machine::new("n1", true, 1.0);
        machine.input(secs(1), b"\rroot\r\rreboot\r");
        machine.tick(secs(60));
        assert!(machine.power());
        assert!(text(&mut machine).ends_with("n1 login: "));
    }
}
