//! Drivers against real BMCs and machines: OpenIPMI's `ipmi_sim`, pyghmi's BMC, QEMU.

mod child;
mod deeds;
mod login;
mod native;
mod qemu;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use lightsout::{
    bmc::{Bmc, BmcError, DriverContext, SuiteMemory, open},
    config::{BmcSettings, Credentials, Privilege, Secret},
};

use crate::support::lab::{Lab, LabOptions, Node};

/// A driver with everything around it that must live as long.
struct Opened {
    driver: Box<dyn Bmc>,
    suites: Arc<SuiteMemory>,
    private: tempfile::TempDir,
}

/// What one test wants to differ.
struct Change {
    limit: Duration,
    tool: &'static str,
}

impl Default for Change {
    fn default() -> Self {
        Self { limit: Duration::from_secs(20), tool: "ipmitool" }
    }
}

/// The drivers that speak IPMI.
const BOTH: [&str; 2] = ["ipmi", "ipmitool"];

/// Of driver `ipmitool`.
fn settings(node: &Node) -> BmcSettings {
    settings_of("ipmitool", node)
}

fn settings_of(driver: &str, node: &Node) -> BmcSettings {
    settings_at(driver, node.address(), node.port())
}

fn settings_at(driver: &str, address: String, port: u16) -> BmcSettings {
    BmcSettings {
        driver: driver.into(),
        address: Some(address),
        port,
        credentials: credentials("admin", "secret"),
        privilege: Privilege::Administrator,
        cipher_suites: vec![17, 3],
        kg: None,
        quirks: None,
        keep_login: true,
        qmp: None,
        start: None,
    }
}

fn credentials(username: &str, password: &str) -> Option<Arc<Credentials>> {
    Some(Arc::new(Credentials {
        name: "test".into(),
        username: username.into(),
        password: Secret::new(password.as_bytes().to_vec()),
    }))
}

fn try_open(settings: &BmcSettings, change: &Change) -> Result<Opened, BmcError> {
    let private = tempfile::tempdir().expect("a directory");
    fs::set_permissions(private.path(), PermissionsExt::from_mode(0o700)).expect("ours");
    let context = DriverContext {
        network: Arc::default(),
        ipmitool: change.tool.into(),
        private_dir: private.path().to_owned(),
        limit: change.limit,
    };
    let suites = Arc::new(SuiteMemory::default());
    let driver = open(settings, &context, suites.clone())?;
    Ok(Opened { driver, suites, private })
}

fn opened(settings: &BmcSettings) -> Opened {
    try_open(settings, &Change::default()).expect("the driver opens")
}

fn lab(sims: usize, pyghmi: usize) -> Lab {
    Lab::up(&LabOptions { sims, pyghmi, ..LabOptions::default() })
}

/// A stand-in for a usable ipmitool, for what no BMC here can say.
fn stand_in(dir: &Path, script: &str) -> &'static str {
    let usable = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ipmitool");
    program(dir, &format!("[ \"$*\" = -h ] && exec {usable} -h\n{script}"))
}

/// A program of the name ipmitool.
fn program(dir: &Path, script: &str) -> &'static str {
    let path = dir.join("ipmitool");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("writable");
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("ours");
    path.to_str().expect("a name").to_owned().leak()
}
