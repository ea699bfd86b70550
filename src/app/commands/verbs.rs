//! The rows of the verb menus.

use super::{Args, Bind, Command, Context, Run, key};
use crate::app::state::MenuPick;
use crate::fleet::{BmcReset, BootDevice, Identify, PowerVerb, Verb};

const fn row(
    name: &'static str,
    keys: &'static [Bind],
    args: Args,
    help: &'static str,
    pick: MenuPick,
) -> Command {
    Command { name, aliases: &[], keys, args, help, hint: "", run: Run::Pick(pick) }
}

const fn power(name: &'static str, keys: &'static [Bind], help: &'static str, verb: PowerVerb) -> Command {
    row(name, keys, Args::Nodes, help, MenuPick::Verb(Verb::Power(verb)))
}

const fn boot(name: &'static str, keys: &'static [Bind], help: &'static str, device: BootDevice) -> Command {
    row(name, keys, Args::Boot, help, MenuPick::Boot(device))
}

/// The rows.
pub(super) const ROWS: &[Command] = &[
    power("power on", &[key(Context::PowerMenu, "o")], "power on", PowerVerb::On),
    power("power off", &[key(Context::PowerMenu, "f")], "power off, hard", PowerVerb::Off),
    power(
        "power soft",
        &[key(Context::PowerMenu, "s")],
        "ask the system to shut down (ACPI)",
        PowerVerb::Soft,
    ),
    power("power cycle", &[key(Context::PowerMenu, "c")], "power cycle by the BMC", PowerVerb::Cycle),
    power("power reset", &[key(Context::PowerMenu, "r")], "hard reset", PowerVerb::Reset),
    power(
        "power reboot",
        &[key(Context::PowerMenu, "b")],
        "reboot: off, then on, each confirmed",
        PowerVerb::Reboot,
    ),
    power("power nmi", &[key(Context::PowerMenu, "n")], "diagnostic interrupt (NMI)", PowerVerb::Nmi),
    row(
        "power cancel",
        &[key(Context::PowerMenu, "x")],
        Args::Nodes,
        "cancel what is pending",
        MenuPick::Cancel,
    ),
    boot("boot pxe", &[key(Context::BootMenu, "p")], "network (PXE)", BootDevice::Pxe),
    boot("boot disk", &[key(Context::BootMenu, "d")], "hard disk", BootDevice::Disk),
    boot("boot safe", &[key(Context::BootMenu, "s")], "hard disk, safe mode", BootDevice::Safe),
    boot("boot cdrom", &[key(Context::BootMenu, "c")], "CD or DVD", BootDevice::Cdrom),
    boot("boot bios", &[key(Context::BootMenu, "b")], "firmware setup", BootDevice::Bios),
    boot("boot none", &[key(Context::BootMenu, "n")], "no override", BootDevice::None),
    row(
        "boot status",
        &[key(Context::BootMenu, "r")],
        Args::Nodes,
        "read the boot device back",
        MenuPick::Verb(Verb::BootGet),
    ),
    row(
        "boot persistent",
        &[key(Context::BootMenu, "t")],
        Args::None,
        "for all boots, not only the next",
        MenuPick::Persistent,
    ),
    row("boot uefi", &[key(Context::BootMenu, "u")], Args::None, "EFI, not legacy", MenuPick::Uefi),
    row(
        "bmc reset-warm",
        &[key(Context::BmcMenu, "w")],
        Args::Nodes,
        "warm reset of the BMC",
        MenuPick::Verb(Verb::ResetBmc(BmcReset::Warm)),
    ),
    row(
        "bmc reset-cold",
        &[key(Context::BmcMenu, "c")],
        Args::Nodes,
        "cold reset of the BMC",
        MenuPick::Verb(Verb::ResetBmc(BmcReset::Cold)),
    ),
    row(
        "bmc info",
        &[key(Context::BmcMenu, "i")],
        Args::Nodes,
        "which BMC it is: maker, product, firmware",
        MenuPick::Verb(Verb::Info),
    ),
    row(
        "bmc identify",
        &[key(Context::BmcMenu, "l")],
        Args::Identify,
        "locator LED on for 4 minutes",
        MenuPick::Verb(Verb::Identify(Identify::USUAL)),
    ),
    row(
        "bmc identify on",
        &[key(Context::BmcMenu, "L")],
        Args::Nodes,
        "locator LED on until it is turned off",
        MenuPick::Verb(Verb::Identify(Identify::On)),
    ),
    row(
        "bmc identify off",
        &[key(Context::BmcMenu, "o")],
        Args::Nodes,
        "locator LED off",
        MenuPick::Verb(Verb::Identify(Identify::Off)),
    ),
    row(
        "bmc free-sol",
        &[key(Context::BmcMenu, "f")],
        Args::Nodes,
        "free a stuck SOL, whoever holds it",
        MenuPick::Verb(Verb::FreeSol),
    ),
    row("bmc raw", &[key(Context::BmcMenu, "r")], Args::Bytes, "send raw bytes", MenuPick::Raw),
];
