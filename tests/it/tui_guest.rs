//! A whole machine behind a BMC, from power on to its own shutdown, with what is typed in between.

use std::time::Duration;

use crate::support::lab::{Lab, LabOptions};
use crate::support::program::Home;
use crate::support::tui::Tui;
use crate::support::wait_for;
use crate::tui_console::open_console;
use crate::tui_table::press_y_until_gone;

const QUICK: &str = "[poll]\ninterval = \"4s\"\nmin_command_interval = \"500ms\"\n\
    [power]\ntimeout = \"30s\"\nsoft_timeout = \"90s\"";
/// A guest boots in 3 s on an idle machine; this one may be busy.
const BOOT: Duration = Duration::from_secs(90);

#[test]
fn a_guest_boots_into_its_console_and_shuts_itself_down() {
    let lab = Lab::up(&LabOptions { sims: 0, guest: true, ..LabOptions::default() });
    let guest = lab.node("g1");
    let home = Home::new();
    let config = home.config_of(&lab, QUICK);
    let mut tui = Tui::start(home.path(), &["-c", &config], (120, 40));
    tui.wait("○ 1 off");
    open_console(&mut tui, "g1");
    tui.wait("g1 · SOL · interactive");
    tui.keys("\x1d\x1bpo");
    tui.wait_until("the guest's own words in the pane", BOOT, |screen| screen.contains("g1 login:"));
    tui.wait("● 1 on");
    assert_eq!(guest.power(), "on");
    tui.keys("1");
    tui.wait("┏ g1 ·");
    tui.keys("root\r");
    tui.wait_until("a shell", BOOT, |screen| screen.contains('#'));
    tui.keys("echo $((6*7))-alive\r");
    tui.wait_until("the shell obeys", BOOT, |screen| screen.contains("42-alive"));
    tui.keys("\x1dr");
    tui.wait_until("the size is typed", BOOT, |screen| screen.contains("stty rows "));
    tui.keys("stty size | sed 's/^/size is /'\r");
    tui.wait_until("the shell knows the size", BOOT, |screen| screen.contains("size is 25 80"));

    tui.keys("\x1d\x1bps");
    tui.wait("power soft g1?");
    press_y_until_gone(&mut tui);
    tui.wait_until("off is confirmed", BOOT, |screen| screen.contains("○ 1 off"));
    assert_eq!(lab.ipmitool("g1", &["power", "status"]).stdout, "Chassis Power is off");
    wait_for("the guest switched itself off", BOOT, || {
        guest.printed().contains("reboot: Power down").then_some(())
    });
    let confirmed = |line: &serde_json::Value| line["verb"] == "power soft" && line["result"] == "confirmed";
    wait_for("the trail says confirmed", BOOT, || home.audit().iter().any(confirmed).then_some(()));
}
