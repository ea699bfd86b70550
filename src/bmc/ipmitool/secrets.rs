//! What of an ipmitool process is private: its environment, its home, a file for an empty password.
//!
//! Secrets travel in the environment (readable by the same user only), never in argv. Used for the
//! driver's own children and for those that the SOL transport starts.

use crate::bmc::{BmcError, DriverContext};
use crate::config::{BmcSettings, Secret};
use crate::fleet::FaultClass;
use nix::unistd::Uid;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The shortest vendor list that ipmitool accepts (an empty one stops it). Its own has 60,000
/// entries, and parsing them is most of the time of a command.
const VENDORS: &[u8] = b"0\n  Reserved\n";

/// Where ipmitool looks for the vendor list, below `HOME`.
const VENDORS_PATH: &str = ".local/usr/share/misc/enterprise-numbers.txt";

/// Longest password of IPMI 2.0 in bytes (section 13.33).
const PASSWORD_MAX: usize = 20;

/// How ipmitool is to be told the secrets.
pub(super) struct Login {
    /// `-E` or `-f FILE`, and `-K` with a BMC key.
    pub args: Vec<String>,
    /// The whole environment of the child.
    pub env: Vec<(String, Secret)>,
    /// Removes the password file when dropped; must outlive the child's start.
    pub guard: Option<PasswordFile>,
}

/// A file with an empty password; removed when dropped.
#[derive(Debug)]
pub struct PasswordFile(PathBuf);

impl Drop for PasswordFile {
    fn drop(&mut self) {
        // Nothing is left to do about a file that cannot be removed: it holds no secret.
        let _ = fs::remove_file(&self.0);
    }
}

/// Which vendor list the child reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// The short one, for speed.
    Short,
    /// The system's, so that manufacturers have names.
    Full,
}

/// Prepares the secrets for one child.
pub(super) fn login(
    settings: &BmcSettings,
    context: &DriverContext,
    names: Names,
) -> Result<Login, BmcError> {
    let home = match names {
        Names::Short => home(context)?,
        Names::Full => context.private_dir.clone(),
    };
    let mut env = vec![variable("LC_ALL", b"C"), variable("HOME", home.as_os_str().as_encoded_bytes())];
    if let Some(path) = std::env::var_os("PATH") {
        env.push(variable("PATH", path.as_encoded_bytes()));
    }
    let password = settings.credentials.as_ref().map_or(&[][..], |credentials| credentials.password.expose());
    let mut args = Vec::new();
    let mut guard = None;
    if password.is_empty() {
        // An empty variable would make ipmitool ask on the terminal.
        let file = empty_password(&context.private_dir)?;
        args.extend(["-f".to_owned(), file.0.to_string_lossy().into_owned()]);
        guard = Some(file);
    } else {
        if password.len() > PASSWORD_MAX {
            return Err(local(format!(
                "the password is longer than {PASSWORD_MAX} bytes, the most IPMI 2.0 can take"
            )));
        }
        if password.contains(&0) {
            return Err(local("the password has a NUL byte, which ipmitool cannot be given".to_owned()));
        }
        env.push(variable("IPMITOOL_PASSWORD", password));
        args.push("-E".to_owned());
    }
    if let Some(kg) = &settings.kg {
        if !kg.expose().iter().all(|byte| (0x20..0x7f).contains(byte)) {
            return Err(local(
                "the BMC key has unprintable bytes, which ipmitool cannot be given".to_owned(),
            ));
        }
        env.push(("IPMI_KGKEY".to_owned(), kg.clone()));
        args.push("-K".to_owned());
    }
    Ok(Login { args, env, guard })
}

/// Checks that the private directory is a directory of ours that nobody else can enter.
pub(super) fn check_private_dir(path: &Path) -> Result<(), BmcError> {
    let meta = fs::symlink_metadata(path)
        .map_err(|error| local(format!("cannot use the private directory {}: {error}", path.display())))?;
    let problem = if !meta.is_dir() {
        "it is not a directory"
    } else if meta.uid() != Uid::effective().as_raw() {
        "it belongs to another user"
    } else if meta.mode() & 0o777 != 0o700 {
        "its mode is not 0700"
    } else {
        return Ok(());
    };
    Err(local(format!("cannot use the private directory {}: {problem}", path.display())))
}

/// The private home with the short vendor list, made once.
fn home(context: &DriverContext) -> Result<PathBuf, BmcError> {
    let home = context.private_dir.join("home");
    let vendors = home.join(VENDORS_PATH);
    if !vendors.exists() {
        write_vendors(&vendors)
            .map_err(|error| local(format!("cannot write {}: {error}", vendors.display())))?;
    }
    Ok(home)
}

/// Written aside and renamed: an ipmitool that reads half a list refuses to run.
fn write_vendors(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let aside = path.with_extension(unique());
    fs::write(&aside, VENDORS)?;
    fs::rename(&aside, path)
}

fn empty_password(dir: &Path) -> Result<PasswordFile, BmcError> {
    let path = dir.join(format!("empty-password.{}", unique()));
    let failed = |error: io::Error| local(format!("cannot write {}: {error}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    let guard = PasswordFile(path.clone());
    // One NUL: ipmitool takes what stands before it, and refuses a file of no bytes.
    file.write_all(&[0]).map_err(failed)?;
    Ok(guard)
}

/// A name that no other process and no other call uses.
fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn variable(name: &str, value: &[u8]) -> (String, Secret) {
    (name.to_owned(), Secret::new(value.to_vec()))
}

fn local(reason: String) -> BmcError {
    BmcError::new(FaultClass::Local, reason).not_sent()
}
