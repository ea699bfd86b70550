//! What the commands do, with each driver that speaks IPMI.

use std::time::Duration;

use lightsout::{
    bmc::{Exchange, Reply},
    config::Privilege,
    fleet::{BmcReset, BootDevice, BootSetting, FaultClass, Identify, Power, SolHolder},
};

use super::{BOTH, credentials, lab, opened, settings_of};
use crate::support::{sol::Sol, wait_for};

const SOON: Duration = Duration::from_secs(10);

fn boot(device: BootDevice, persistent: bool, uefi: bool) -> BootSetting {
    BootSetting { device: Some(device), persistent, uefi }
}

#[tokio::test]
async fn power_verbs_change_the_state_of_both_kinds_of_bmc() {
    let lab = lab(1, 1);
    for driver in BOTH {
        for name in ["r1n01", "p1n01"] {
            let node = lab.node(name);
            let mut bmc = opened(&settings_of(driver, &node));
            node.set_power("off");
            assert_eq!(
                bmc.driver.exchange(&Exchange::Power).await,
                Ok(Reply::Power(Power::Off, None)),
                "{name}"
            );
            assert_eq!(bmc.driver.exchange(&Exchange::On).await, Ok(Reply::Done), "{name}");
            assert_eq!(node.power(), "on", "{name}");
            assert_eq!(
                bmc.driver.exchange(&Exchange::Power).await,
                Ok(Reply::Power(Power::On, None)),
                "{name}"
            );
            assert_eq!(bmc.driver.exchange(&Exchange::Reset).await, Ok(Reply::Done), "{name}");
            assert_eq!(bmc.driver.exchange(&Exchange::Off).await, Ok(Reply::Done), "{name}");
            assert_eq!(node.power(), "off", "{name}");
            assert_eq!(bmc.driver.exchange(&Exchange::On).await, Ok(Reply::Done), "{name}");
            assert_eq!(bmc.driver.exchange(&Exchange::Soft).await, Ok(Reply::Done), "{name}");
            wait_for("soft to end in off", SOON, || (node.power() == "off").then_some(()));
        }
    }
}

#[tokio::test]
async fn a_verb_that_the_state_does_not_allow_is_rejected_with_its_code() {
    let lab = lab(0, 1);
    for driver in BOTH {
        let node = lab.node("p1n01");
        node.set_power("off");
        let mut bmc = opened(&settings_of(driver, &node));
        for exchange in [Exchange::Reset, Exchange::Cycle, Exchange::Nmi] {
            let error = bmc.driver.exchange(&exchange).await.expect_err("it is off");
            assert_eq!((error.class, error.code, error.not_sent), (FaultClass::Rejected, Some(0xd5), false));
            assert!(error.reason.contains("not supported in the present state"), "{error}");
        }
    }
}

#[tokio::test]
async fn too_low_a_privilege_is_named() {
    let lab = lab(1, 0);
    for driver in BOTH {
        let node = lab.node("r1n01");
        let mut settings = settings_of(driver, &node);
        settings.credentials = credentials("viewer", "viewpw");
        settings.privilege = Privilege::User;
        let mut bmc = opened(&settings);
        let state = bmc.driver.exchange(&Exchange::Power).await.expect("a user may read");
        assert!(matches!(state, Reply::Power(..)));
        let pxe = Exchange::BootSet(boot(BootDevice::Pxe, false, false));
        for exchange in [Exchange::On, pxe, Exchange::Raw(vec![0, 2, 1]), Exchange::BootGet] {
            let error = bmc.driver.exchange(&exchange).await.expect_err("a user may not");
            assert_eq!((error.class, error.code), (FaultClass::Auth, Some(0xd4)), "{exchange:?}: {error}");
            assert!(!error.refused_login(), "{exchange:?}: the login went well");
            assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("privilege")), "{error:?}");
        }
    }
}

#[tokio::test]
async fn boot_flags_are_set_and_read_back_exactly() {
    let lab = lab(1, 1);
    for driver in BOTH {
        let node = lab.node("p1n01");
        let mut bmc = opened(&settings_of(driver, &node));
        bmc.driver.exchange(&Exchange::KeepBootFlags).await.expect("pyghmi takes it");
        for (setting, bytes) in [
            (boot(BootDevice::Pxe, true, true), "e004"),
            (boot(BootDevice::Disk, false, true), "a008"),
            (boot(BootDevice::Pxe, false, false), "8004"),
            (boot(BootDevice::Cdrom, true, false), "c014"),
            (boot(BootDevice::Safe, false, false), "800c"),
            (boot(BootDevice::Bios, false, false), "8018"),
            (boot(BootDevice::None, false, false), "8000"),
        ] {
            assert_eq!(
                bmc.driver.exchange(&Exchange::BootSet(setting)).await,
                Ok(Reply::Done),
                "{setting:?}"
            );
            let told = node.boot();
            assert!(told.starts_with(bytes), "{told}, not {bytes}");
            assert_eq!(
                bmc.driver.exchange(&Exchange::BootGet).await,
                Ok(Reply::Boot(setting)),
                "{setting:?}"
            );
        }
        // The other kind knows the device only, and never marks it as valid.
        let mut sim = opened(&settings_of(driver, &lab.node("r1n01")));
        let pxe = boot(BootDevice::Pxe, false, false);
        assert_eq!(sim.driver.exchange(&Exchange::BootSet(pxe)).await, Ok(Reply::Done));
        let unmarked = boot(BootDevice::None, false, false);
        assert_eq!(
            sim.driver.exchange(&Exchange::BootGet).await,
            Ok(Reply::Boot(unmarked)),
            "not marked valid"
        );
    }
}

#[tokio::test]
async fn a_refused_boot_device_is_a_failure_although_ipmitool_exits_0() {
    let lab = lab(1, 1);
    for driver in BOTH {
        for name in ["p1n01", "r1n01"] {
            let node = lab.node(name);
            node.refuse("boot");
            let witness = lab.ipmitool(name, &["chassis", "bootdev", "pxe"]);
            let mut bmc = opened(&settings_of(driver, &node));
            for uefi in [false, true] {
                let set = Exchange::BootSet(boot(BootDevice::Pxe, false, uefi));
                let error = bmc.driver.exchange(&set).await.expect_err("refused");
                let class = match error.code {
                    Some(0xc1) => FaultClass::Unsupported,
                    _ => FaultClass::Rejected,
                };
                assert_eq!(error.class, class, "{name}: {error}");
                assert!(error.code.is_some(), "{name}: {error:?}");
            }
            assert!(witness.ok, "{name}: this ipmitool tells the truth: {witness:?}");
        }
    }
}

#[tokio::test]
async fn a_bmc_reset_is_done_by_one_kind_and_refused_by_the_other() {
    for driver in BOTH {
        // A BMC of its own: the last reset leaves it silent.
        let lab = lab(1, 1);
        let node = lab.node("p1n01");
        let mut bmc = opened(&settings_of(driver, &node));
        bmc.driver.exchange(&Exchange::Power).await.expect("alive");
        assert_eq!(bmc.driver.exchange(&Exchange::ResetBmc(BmcReset::Cold)).await, Ok(Reply::Done));
        assert!(node.commands().iter().any(|line| line.contains("cold reset")), "{:?}", node.commands());
        let mut tries = Vec::new();
        while !tries.last().is_some_and(Result::is_ok) {
            assert!(tries.len() < 10, "it does not come back: {tries:?}");
            tries.push(bmc.driver.exchange(&Exchange::Power).await);
        }
        assert_eq!(bmc.driver.exchange(&Exchange::ResetBmc(BmcReset::Warm)).await, Ok(Reply::Done));

        let mut sim = opened(&settings_of(driver, &lab.node("r1n01")));
        let witness = lab.ipmitool("r1n01", &["mc", "reset", "cold"]);
        for kind in [BmcReset::Cold, BmcReset::Warm] {
            let error = sim.driver.exchange(&Exchange::ResetBmc(kind)).await.expect_err("0xc1");
            assert_eq!((error.class, error.code), (FaultClass::Unsupported, Some(0xc1)), "{error}");
        }
        assert!(witness.ok, "this ipmitool tells the truth: {witness:?}");
    }
}

#[tokio::test]
async fn identity_raw_bytes_and_freeing_sol() {
    let lab = lab(1, 1);
    for driver in BOTH {
        let mut bmc = opened(&settings_of(driver, &lab.node("p1n01")));
        let Reply::Info(info) = bmc.driver.exchange(&Exchange::Info).await.expect("it tells") else {
            panic!("not an identity");
        };
        for label in ["Device ID", "Firmware Revision", "IPMI Version", "Manufacturer ID", "Product ID"] {
            assert!(info.iter().any(|(name, value)| name == label && !value.is_empty()), "{label}: {info:?}");
        }
        let answer = bmc.driver.exchange(&Exchange::Raw(vec![6, 1])).await.expect("it answers");
        assert!(matches!(&answer, Reply::Raw(bytes) if bytes.len() >= 11), "{answer:?}");
        let error = bmc.driver.exchange(&Exchange::Raw(vec![0x2e, 0xff])).await.expect_err("no such command");
        assert_eq!(error.code, Some(0xc1), "{error}");
        assert_eq!(bmc.driver.exchange(&Exchange::SolDeactivate).await, Ok(Reply::Done));
        let error = bmc.driver.exchange(&Exchange::Resume).await.expect_err("no such thing");
        assert_eq!(error.class, FaultClass::Unsupported);
    }
}

#[tokio::test]
async fn a_locator_led_is_lit_by_one_kind_and_unknown_to_the_other() {
    let lab = lab(1, 1);
    let node = lab.node("r1n01");
    for driver in BOTH {
        let mut bmc = opened(&settings_of(driver, &node));
        let lit = Identify::lasting(Duration::from_secs(42)).expect("a byte");
        // Seconds, and whether for good.
        for (what, word) in [(lit, "42 0"), (Identify::On, "0 1"), (Identify::Off, "0 0")] {
            assert_eq!(
                bmc.driver.exchange(&Exchange::Identify(what)).await,
                Ok(Reply::Done),
                "{driver} {what:?}"
            );
            let told = node.commands();
            assert!(
                told.last().is_some_and(|line| line.ends_with(&format!("set identify {word}"))),
                "{driver}: {told:?}"
            );
        }
        assert_eq!(
            bmc.driver.exchange(&Exchange::Locator).await,
            Ok(Reply::Locator(None)),
            "it does not tell"
        );

        let mut other = opened(&settings_of(driver, &lab.node("p1n01")));
        let error = other.driver.exchange(&Exchange::Identify(Identify::USUAL)).await.expect_err("no LED");
        assert_eq!((error.class, error.code), (FaultClass::Unsupported, Some(0xc1)), "{driver}: {error}");
        assert_eq!(other.driver.exchange(&Exchange::Locator).await, Ok(Reply::Locator(None)), "{driver}");
    }
}

#[tokio::test]
async fn a_held_sol_is_freed_whoever_holds_it() {
    for driver in BOTH {
        let lab = lab(1, 0);
        let node = lab.node("r1n01");
        let mut bmc = opened(&settings_of(driver, &node));
        let free = bmc.driver.exchange(&Exchange::SolHolder).await.expect("it tells");
        assert_eq!(free, Reply::SolHolder(SolHolder::Nobody), "{driver}");
        let holder = Sol::activate(&node);
        holder.shows("SOL Session operational");
        let held = bmc.driver.exchange(&Exchange::SolHolder).await.expect("it tells");
        let named = match driver {
            // Its name takes two more questions, each a process.
            "ipmitool" => None,
            _ => Some("admin".to_owned()),
        };
        assert_eq!(held, Reply::SolHolder(SolHolder::Held(named)), "{driver}");
        for _ in ["held", "free already"] {
            assert_eq!(bmc.driver.exchange(&Exchange::SolDeactivate).await, Ok(Reply::Done), "{driver}");
            let now = bmc.driver.exchange(&Exchange::SolHolder).await.expect("it tells");
            assert_eq!(now, Reply::SolHolder(SolHolder::Nobody), "{driver}");
        }
    }
}

/// What `ps` shows of a child is everything that it was started with: nothing was started.
#[tokio::test]
async fn a_password_in_raw_bytes_goes_encrypted_or_not_at_all() {
    let lab = lab(0, 1);
    let node = lab.node("p1n01");
    let password = Exchange::Raw([&[0x06, 0x47, 0x03, 0x02][..], b"hunter2hunter2!!"].concat());
    let mut tool = opened(&settings_of("ipmitool", &node));
    let before = node.login_attempts();
    let error = tool.driver.exchange(&password).await.expect_err("refused");
    assert_eq!((error.class, error.not_sent), (FaultClass::Unsupported, true), "{error}");
    assert_eq!(node.login_attempts(), before, "ipmitool was not run");
    let mut ours = opened(&settings_of("ipmi", &node));
    let answer = ours.driver.exchange(&password).await;
    let reached = answer.is_ok() || answer.as_ref().is_err_and(|error| error.code.is_some());
    assert!(reached, "the BMC itself answered: {answer:?}");
}
