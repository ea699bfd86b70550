//! `[credentials.NAME]` and secret files: reads them, checks what IPMI and ipmitool can carry.
//!
//! No error names what a secret holds; the output of a password command is a secret as a whole.

use super::command::{self, Job};
use super::error::{At, Place, Problem};
use super::load::{LoadOptions, Secrets};
use super::paths::Env;
use super::secret::{Secret, SecretSource};
use super::section::Section;
use super::settings::Credentials;
use super::words::reason;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// IPMI 2.0, section 22.30: passwords of 20 bytes.
const LONGEST_PASSWORD: usize = 20;
/// IPMI 2.0, section 22.28: user names of 16 bytes.
const LONGEST_USERNAME: usize = 16;
/// IPMI 2.0, section 13.33: Kg has 160 bits.
const LONGEST_KG: usize = 20;
/// More than any secret; a wrong file is not read to its end.
const MOST_BYTES: u64 = 4096;
/// A problem's text and help.
pub(super) type Refusal = (String, String);

/// `[credentials.NAME]` as written.
pub(super) struct RawCredentials {
    pub(super) name: At<String>,
    /// `None` when something was wrong with it, which has been reported.
    read: Option<(String, At<RawSecret>)>,
}

enum RawSecret {
    Inline(Secret),
    File(PathBuf),
    Env(String),
    Command(Vec<String>),
}

impl RawCredentials {
    pub(super) fn read(name: At<String>, mut section: Section<'_>) -> RawCredentials {
        let username = username(&mut section);
        let inline = section.secret("password").and_then(|text| inline_password(text, &section));
        let file = section.path("password_file").map(|path| path.map(RawSecret::File));
        let variable = section.parsed("password_env", "the name of an environment variable", |text| {
            if text.is_empty() || text.contains(['=', '\0', '$']) {
                return Err("a variable's name is written without \"$\" and \"=\"".into());
            }
            Ok(RawSecret::Env(text.to_owned()))
        });
        let command = command_words(&mut section);
        let keys = ["password", "password_file", "password_env", "password_command"];
        let given: Vec<&str> = keys.into_iter().filter(|key| section.has(key)).collect();
        if given.len() > 1 {
            let text = format!("{} are given, but only one can be meant", given.join(" and "));
            section.report(&name.place, "password", text, "keep one of them");
        } else if given.is_empty() {
            let help = "add one of password_file, password_env, password_command";
            section.report(&name.place, "password", "it has no password", help);
        }
        let secret = inline.or(file).or(variable).or(command).filter(|_| given.len() == 1);
        section.finish();
        RawCredentials { name, read: username.zip(secret) }
    }

    /// Gets the secret. `None` when it cannot be had, which is reported to `problems` here or was before.
    /// A command runs only if the options say so, and does not see the variables in `hidden`.
    pub(super) fn resolve(
        &self,
        options: &LoadOptions<'_>,
        hidden: &[&str],
        problems: &mut Vec<Problem>,
    ) -> Option<Credentials> {
        let (username, secret) = self.read.as_ref()?;
        let (key, result) = match &secret.value {
            RawSecret::Inline(secret) => ("password", Ok(secret.clone())),
            RawSecret::File(path) => ("password_file", read_password(path)),
            RawSecret::Env(name) => ("password_env", from_env(name, options.env)),
            RawSecret::Command(words) => ("password_command", from_command(words, options, hidden)),
        };
        match result {
            Ok(password) => {
                Some(Credentials { name: self.name.value.clone(), username: username.clone(), password })
            }
            Err((text, help)) => {
                let key = format!("credentials.{}.{key}", self.name.value);
                problems.push(Problem::new(&secret.place, key, text).help(help));
                None
            }
        }
    }

    /// The environment variable that holds its password, if one does.
    pub(super) fn variable(&self) -> Option<&str> {
        match &self.read.as_ref()?.1.value {
            RawSecret::Env(name) => Some(name),
            _ => None,
        }
    }

    /// Whether resolving runs a program.
    pub(super) fn is_command(&self) -> bool {
        matches!(&self.read, Some((_, secret)) if matches!(secret.value, RawSecret::Command(_)))
    }
}

fn username(section: &mut Section<'_>) -> Option<String> {
    let help = "write username = \"admin\", or \"\" for the anonymous user";
    section.missing("username", "it has no user name", help);
    let username =
        section.parsed("username", "at most 16 bytes, none of them a control character", |text| {
            if text.len() > LONGEST_USERNAME {
                return Err(format!("a user name of IPMI 2.0 has at most {LONGEST_USERNAME} bytes"));
            }
            if text.chars().any(char::is_control) {
                return Err("it holds a control character".into());
            }
            Ok(text.to_owned())
        })?;
    Some(username.value)
}

fn inline_password(text: At<Zeroizing<String>>, section: &Section<'_>) -> Option<At<RawSecret>> {
    let place: Place = text.place;
    let mode = section.source.mode;
    if mode & 0o077 != 0 {
        let path = section.source.path.display();
        let problem =
            format!("a password in clear text in a file that others can read (mode {:04o})", mode & 0o7777);
        let help = format!("run chmod 600 {path}, or better use password_file");
        section.report(&place, "password", problem, help);
        return None;
    }
    match checked_password(text.value.as_bytes().to_vec(), SecretSource::Inline) {
        Ok(secret) => Some(At::new(RawSecret::Inline(secret), place)),
        Err((text, help)) => {
            section.report(&place, "password", text, help);
            None
        }
    }
}

fn command_words(section: &mut Section<'_>) -> Option<At<RawSecret>> {
    let expected = "a list of a program and its arguments such as [\"pass\", \"show\", \"bmc\"]";
    let words = section.strings("password_command", expected)?;
    let list: Vec<String> = words.value.into_iter().map(|word| word.value).collect();
    if list.first().is_none_or(String::is_empty) || list.iter().any(|word| word.contains('\0')) {
        section.report(&words.place, "password_command", "it names no program", expected);
        return None;
    }
    Some(At::new(RawSecret::Command(list), words.place))
}

/// Reads a password file: only its owner may read it; one newline at its end is not part of it.
fn read_password(path: &Path) -> Result<Secret, Refusal> {
    checked_password(read_file(path)?, SecretSource::File(path.to_owned()))
}

/// Reads a Kg file. `printable` where the key must pass through an environment variable (ipmitool).
///
/// # Errors
/// Unreadable, readable by others, empty, too long, or not printable although it must be.
pub(super) fn read_kg(path: &Path, printable: bool) -> Result<Secret, Refusal> {
    let key = Secret::from_source(read_file(path)?, SecretSource::File(path.to_owned()));
    let bytes = key.expose();
    let problem = if bytes.is_empty() {
        "the Kg file is empty".to_owned()
    } else if bytes.len() > LONGEST_KG {
        format!("the Kg is longer than {LONGEST_KG} bytes")
    } else if printable && !bytes.iter().all(|byte| (0x20..=0x7e).contains(byte)) {
        let help = "ipmitool takes the Kg as text: set one of printable ASCII characters on the BMC";
        return Err(("the Kg holds bytes that ipmitool cannot be given".into(), help.into()));
    } else {
        return Ok(key);
    };
    Err((problem, "the file holds the key itself, 1 to 20 bytes".into()))
}

fn read_file(path: &Path) -> Result<Vec<u8>, Refusal> {
    let name = path.display();
    let unreadable = |error: std::io::Error| {
        let help = match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                "only its owner may read it: run as that user, or name your own"
            }
            _ => "create it with mode 600; a relative path starts at the configuration file",
        };
        (format!("cannot read {name}: {}", reason(&error)), help.to_owned())
    };
    // Checked before it is opened: opening a named pipe would wait for its writer.
    let regular = std::fs::metadata(path).map_err(unreadable)?.is_file();
    if !regular {
        return Err((format!("{name} is no regular file"), "name a file".into()));
    }
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err((
            format!("{name} can be read by others (mode {:04o})", mode & 0o7777),
            format!("run chmod 600 {name}"),
        ));
    }
    // Large enough from the start: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Vec::with_capacity(MOST_BYTES as usize + 1);
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    strip_newline(&mut bytes);
    Ok(bytes)
}

fn from_env(name: &str, env: Env<'_>) -> Result<Secret, Refusal> {
    use std::os::unix::ffi::OsStringExt;
    let value = env(name).ok_or_else(|| {
        (
            format!("the environment variable {name} is not set"),
            format!("export {name} before starting lightsout"),
        )
    })?;
    checked_password(value.into_vec(), SecretSource::Env(name.to_owned()))
}

fn from_command(words: &[String], options: &LoadOptions<'_>, hidden: &[&str]) -> Result<Secret, Refusal> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(("it names no program".into(), "name one".into()));
    };
    let source = SecretSource::Command(program.clone());
    match options.secrets {
        Secrets::Check => Ok(Secret::from_source(Vec::new(), source)),
        Secrets::Read => {
            let job = Job {
                program,
                arguments,
                hidden,
                limit: command::LIMIT,
                most: command::MOST_PASSWORD,
                gives: "password",
                // It may ask its user on the terminal, unless a screen has it.
                apart: options.screen_over.is_some(),
                over: options.screen_over,
            };
            let mut output = job.run()?;
            strip_newline(&mut output);
            checked_password(std::mem::take(&mut *output), source)
        }
    }
}

fn checked_password(bytes: Vec<u8>, source: SecretSource) -> Result<Secret, Refusal> {
    let secret = Secret::from_source(bytes, source);
    let bytes = secret.expose();
    if bytes.contains(&b'\n') {
        let help = "take one line only, for example with head -n1";
        return Err(("the password has more than one line".into(), help.into()));
    }
    if bytes.contains(&0) {
        return Err(("the password holds a NUL".into(), "no BMC takes one".into()));
    }
    if bytes.len() > LONGEST_PASSWORD {
        let help = "a BMC would cut it or refuse it: set a shorter one there";
        let text = format!("the password is longer than the {LONGEST_PASSWORD} bytes of IPMI 2.0");
        return Err((text, help.into()));
    }
    Ok(secret)
}

fn strip_newline(bytes: &mut Vec<u8>) {
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
}
