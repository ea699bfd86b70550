//! Where files are looked for and kept when the configuration does not say. Decides paths, creates none.

use super::glob;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Looks an environment variable up.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The home directory.
pub(super) fn home(env: Env<'_>) -> Option<PathBuf> {
    absolute(env, "HOME")
}

/// `$XDG_CONFIG_HOME/lightsout/config.toml`, by default below `~/.config`.
pub(super) fn user_config(env: Env<'_>) -> Option<PathBuf> {
    let base = absolute(env, "XDG_CONFIG_HOME").or_else(|| Some(home(env)?.join(".config")))?;
    Some(base.join("lightsout/config.toml"))
}

/// The configuration below all others.
pub(super) fn system_config() -> PathBuf {
    PathBuf::from("/etc/lightsout/config.toml")
}

/// Where operators keep themes of their own, the first goes before the second: `themes` beside the
/// user's configuration and beside the system's.
#[must_use]
pub fn theme_dirs() -> Vec<PathBuf> {
    let files = user_config(&super::load::process_env).into_iter().chain([system_config()]);
    files.filter_map(|file| Some(file.parent()?.join("themes"))).collect()
}

/// `$XDG_STATE_HOME/lightsout`, by default below `~/.local/state`.
pub(super) fn state_dir(env: Env<'_>) -> Option<PathBuf> {
    let base = absolute(env, "XDG_STATE_HOME").or_else(|| Some(home(env)?.join(".local/state")))?;
    Some(base.join("lightsout"))
}

/// `shared` if this process may write to it, else `$XDG_RUNTIME_DIR/lightsout`, else the user's own below
/// `/tmp`.
pub(super) fn runtime_dir(shared: &Path, env: Env<'_>, euid: u32) -> PathBuf {
    use nix::unistd::{AccessFlags, eaccess};
    if shared.is_dir() && eaccess(shared, AccessFlags::W_OK | AccessFlags::X_OK).is_ok() {
        return shared.to_owned();
    }
    match absolute(env, "XDG_RUNTIME_DIR") {
        Some(base) => base.join("lightsout"),
        None => PathBuf::from(format!("/tmp/lightsout-{euid}")),
    }
}

/// The files that a path with `*` or `?` in its last part means, sorted by name; those that begin with "." only
/// where the pattern does. `None` without such characters.
///
/// # Errors
/// The directory cannot be read.
pub(super) fn expand(path: &Path) -> std::io::Result<Option<Vec<PathBuf>>> {
    let Some(pattern) =
        path.file_name().and_then(|name| name.to_str()).filter(|name| name.contains(['*', '?']))
    else {
        return Ok(None);
    };
    let dir = path.parent().unwrap_or(Path::new(""));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let fits = name.to_str().is_some_and(|name| {
            glob::matches(pattern, name) && (pattern.starts_with('.') || !name.starts_with('.'))
        });
        if fits {
            files.push(dir.join(name));
        }
    }
    files.sort();
    Ok(Some(files))
}

/// A path as written in a file of directory `base`.
///
/// # Errors
/// Empty, NUL inside, `~` without a home directory or of another user.
pub(super) fn resolve(text: &str, base: &Path, home: Option<&Path>) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("it is empty".into());
    }
    if text.contains('\0') {
        return Err("it holds a NUL".into());
    }
    if let Some(rest) = text.strip_prefix('~') {
        let home = home.ok_or("HOME is not set, so \"~\" means nothing")?;
        return match rest.strip_prefix('/') {
            Some(rest) => Ok(home.join(rest)),
            None if rest.is_empty() => Ok(home.to_owned()),
            None => Err("the home of another user is not looked up".into()),
        };
    }
    Ok(base.join(text))
}

/// A directory from the environment. The XDG specification has relative ones ignored.
fn absolute(env: Env<'_>, name: &str) -> Option<PathBuf> {
    env(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    }

    #[test]
    fn xdg_directories_and_their_defaults() {
        let home = env(&[("HOME", "/home/u"), ("XDG_STATE_HOME", "relative")]);
        assert_eq!(user_config(&home), Some("/home/u/.config/lightsout/config.toml".into()));
        assert_eq!(state_dir(&home), Some("/home/u/.local/state/lightsout".into()));
        let xdg = env(&[("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "/s")]);
        assert_eq!(user_config(&xdg), Some("/c/lightsout/config.toml".into()));
        assert_eq!(state_dir(&xdg), Some("/s/lightsout".into()));
        assert_eq!(user_config(&env(&[])), None);
    }

    #[test]
    fn the_runtime_directory_is_shared_if_it_can_be() {
        let dir = tempfile::tempdir().expect("a directory");
        let xdg = env(&[("XDG_RUNTIME_DIR", "/run/user/7")]);
        assert_eq!(runtime_dir(dir.path(), &xdg, 7), dir.path());
        let missing = dir.path().join("missing");
        assert_eq!(runtime_dir(&missing, &xdg, 7), Path::new("/run/user/7/lightsout"));
        assert_eq!(runtime_dir(&missing, &env(&[]), 7), Path::new("/tmp/lightsout-7"));
    }

    #[test]
    fn paths_start_at_home_or_at_the_file() {
        let (base, home) = (Path::new("/etc/l"), Some(Path::new("/home/u")));
        assert_eq!(resolve("a.pw", base, home), Ok("/etc/l/a.pw".into()));
        assert_eq!(resolve("/a", base, home), Ok("/a".into()));
        assert_eq!(resolve("~/a", base, home), Ok("/home/u/a".into()));
        assert!(resolve("~/a", base, None).is_err());
        assert!(resolve("~other/a", base, home).is_err());
        assert!(resolve("", base, home).is_err());
    }
}
