//! Directories and files: there or to be made, writable, closed to others, room on the disk.
//!
//! The runtime directory and what is shared in it are the hub's, which is asked.

use super::check::Check;
use crate::config::{self, SecretSource, Settings};
use crate::fleet::NodeSet;
use crate::hub;
use crate::theme::ColorDepth;
use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, Gid, Group, eaccess};
use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Where operators of a machine share what they know of their BMCs.
const SHARED: &str = "/run/lightsout";
/// Less room than that is soon used up by console logs.
const LITTLE: u64 = 200 << 20;
/// Less than that is none.
const NONE: u64 = 1 << 20;

/// The section. `whole`: the settings are the configuration's, not the defaults in its place.
pub(super) fn checks(settings: &Settings, whole: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    if !whole {
        checks.push(Check::ok("settings", "", "the defaults, until the configuration is right"));
    }
    checks.push(directory("state_dir", &settings.state_dir, "state_dir"));
    checks.push(audit(&settings.state_dir.join("audit.jsonl")));
    checks.extend(runtime(&settings.runtime_dir));
    checks.push(directory("log_dir", &settings.log_dir, "log_dir"));
    checks.extend(logs(settings));
    checks.extend(room(settings));
    checks.extend(themes());
    checks.extend(secrets(settings));
    checks
}

/// `path`, or what of it is there already.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(Path::new("/"))
}

fn writable(path: &Path) -> bool {
    eaccess(path, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}

fn directory(check: &'static str, path: &Path, key: &str) -> Check {
    let shown = path.display().to_string();
    let remedy = format!("make it yours (chown, chmod 700), or set {key} to a directory that you can write");
    let Ok(meta) = path.metadata() else {
        let parent = existing(path);
        return if parent.is_dir() && writable(parent) {
            Check::ok(check, shown, "not there yet, will be made (mode 0700)")
        } else {
            let text = format!("cannot be made: {} is no directory that you can write", parent.display());
            Check::fail(check, shown, text, remedy)
        };
    };
    let mode = meta.permissions().mode();
    if !meta.is_dir() {
        return Check::fail(check, shown, "it is no directory", remedy);
    }
    if !writable(path) {
        return Check::fail(
            check,
            shown,
            format!("you cannot write there (mode {:04o})", mode & 0o7777),
            remedy,
        );
    }
    if mode & 0o077 != 0 {
        let text = format!("open to others (mode {:04o}); consoles show passwords", mode & 0o7777);
        return Check::warn(check, &shown, text, format!("run chmod 700 {shown}"));
    }
    Check::ok(check, shown, "yours alone")
}

fn audit(path: &Path) -> Check {
    let shown = path.display().to_string();
    let Ok(meta) = path.symlink_metadata() else {
        return Check::ok("audit trail", shown, "not there yet, begun with the first verb");
    };
    if !meta.is_file() {
        let text = "it is no regular file, and no link is followed: nothing would be written";
        return Check::fail("audit trail", shown, text, "move it away, or set another state_dir");
    }
    if eaccess(path, AccessFlags::W_OK).is_err() {
        let text = "you cannot write it: verbs would go on without a trail";
        return Check::fail("audit trail", &shown, text, format!("give it to you: chown, chmod 600 {shown}"));
    }
    let mode = meta.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        let text = format!("others can read or change it (mode {mode:04o})");
        return Check::warn("audit trail", &shown, text, format!("run chmod 600 {shown}"));
    }
    Check::ok("audit trail", shown, format!("mode {mode:04o}"))
}

fn runtime(path: &Path) -> Vec<Check> {
    let shown = path.display().to_string();
    let found = hub::inspect(path);
    let mut checks = Vec::new();
    match found.group {
        Err(fault) => {
            let remedy = fault.hint.unwrap_or_else(|| "set runtime_dir in [paths]".into());
            return vec![Check::fail("runtime_dir", "", fault.reason, remedy)];
        }
        Ok(Some(gid)) => {
            let name = Group::from_gid(Gid::from_raw(gid)).ok().flatten().map(|group| group.name);
            let name = name.unwrap_or_else(|| gid.to_string());
            checks.push(Check::ok("runtime_dir", &shown, format!("shared by the group {name}")));
        }
        // Others share there, and we do not: two paces for one BMC.
        Ok(None) if path != Path::new(SHARED) && Path::new(SHARED).is_dir() => {
            let text = format!("yours alone, although there is {SHARED}: its users and you keep two paces");
            let remedy =
                format!("become a member of the group of {SHARED} (ls -ld {SHARED}), then log in anew");
            checks.push(Check::warn("runtime_dir", &shown, text, remedy));
        }
        Ok(None) => checks.push(Check::ok("runtime_dir", &shown, "yours alone")),
    }
    checks.push(match found.shared {
        Ok(file) => Check::ok("shared file", file.display().to_string(), "can be locked and written"),
        Err(fault) => {
            let remedy = fault.hint.unwrap_or_else(|| format!("stop every lightsout, then look at {shown}"));
            Check::fail("shared file", "", fault.reason, remedy)
        }
    });
    for stale in found.foreign {
        let shown = stale.display().to_string();
        let text = "left by another version of lightsout; its pace is not shared";
        let remedy = format!("end what still runs of that version, then rm {shown}");
        checks.push(Check::warn("shared file", &shown, text, remedy));
    }
    checks
}

/// Logs that cannot be written although their directory can.
fn logs(settings: &Settings) -> Option<Check> {
    let bad: Vec<&str> = settings
        .nodes
        .iter()
        .filter(|node| node.console.as_ref().is_some_and(|console| console.log))
        .filter(|node| {
            let path = settings.log_dir.join(format!("{}.log", node.name.replace('/', "_")));
            path.symlink_metadata()
                .is_ok_and(|meta| !meta.is_file() || eaccess(&path, AccessFlags::W_OK).is_err())
        })
        .map(|node| node.name.as_str())
        .collect();
    if bad.is_empty() {
        return None;
    }
    let text = "cannot be written, or no regular files: these consoles would have no log";
    let remedy = format!("give the files in {} to you, or move them away", settings.log_dir.display());
    Some(Check::warn("logs", NodeSet::fold(&bad), text, remedy))
}

fn room(settings: &Settings) -> Vec<Check> {
    let mut seen = BTreeSet::new();
    let mut checks = Vec::new();
    for path in [&settings.state_dir, &settings.log_dir, &settings.runtime_dir] {
        let path = existing(path);
        let device = path.metadata().map(|meta| meta.dev()).ok();
        if !seen.insert(device) {
            continue;
        }
        let Ok(disk) = statvfs(path) else { continue };
        let free = disk.blocks_available().saturating_mul(disk.fragment_size());
        let (shown, text) = (path.display().to_string(), format!("{} MB free", free >> 20));
        let remedy = "make room, or set state_dir and log_dir to another disk";
        checks.push(match free {
            free if free < NONE => Check::fail("disk", shown, text, remedy),
            free if free < LITTLE => Check::warn("disk", shown, text, remedy),
            _ => Check::ok("disk", shown, text),
        });
    }
    checks
}

/// The operators' own themes, each of which must be usable and should be readable.
fn themes() -> Vec<Check> {
    let themes = crate::cli::themes::all();
    let own: Vec<_> = themes.list().into_iter().filter(|found| found.file.is_some()).collect();
    let mut checks = Vec::new();
    for dir in config::theme_dirs().into_iter().filter(|dir| dir.is_dir()) {
        let shown = dir.display().to_string();
        let here = own.iter().filter(|found| found.file.as_ref().is_some_and(|file| file.starts_with(&dir)));
        checks.push(match std::fs::read_dir(&dir) {
            Ok(_) => Check::ok("themes", shown, format!("{} of your own", here.count())),
            Err(_) => Check::warn("themes", &shown, "cannot be read", format!("run chmod u+rx {shown}")),
        });
    }
    for found in own {
        match themes.load(&found.name, ColorDepth::TrueColor) {
            Ok(theme) => checks.extend(theme.warnings().iter().map(|warning| {
                Check::warn("theme", &found.name, warning, "choose a colour further from its ground")
            })),
            Err(error) => {
                checks.push(Check::warn(
                    "theme",
                    &found.name,
                    error.to_string(),
                    "mend the file, or move it away",
                ));
            }
        }
    }
    checks
}

/// Files with passwords and keys. `config` refuses those that others can read, so what is here is right.
fn secrets(settings: &Settings) -> Option<Check> {
    let bmcs = settings.nodes.iter().filter_map(|node| node.bmc.as_ref());
    let files: BTreeSet<&Path> = bmcs
        .flat_map(|bmc| {
            let password = bmc.credentials.as_ref().and_then(|credentials| credentials.password.source());
            [password, bmc.kg.as_ref().and_then(config::Secret::source)]
        })
        .flatten()
        .filter_map(|source| match source {
            SecretSource::File(path) => Some(path.as_path()),
            _ => None,
        })
        .collect();
    let text = match files.len() {
        0 => return None,
        1 => "one, which nobody else can read".to_owned(),
        count => format!("{count}, which nobody else can read"),
    };
    Some(Check::ok("secret files", "", text))
}
