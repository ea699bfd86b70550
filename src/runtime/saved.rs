//! Keeps the screen's layout from one run to the next: a file per configuration in the state directory.
//!
//! Written once, at the end, and whole: beside, then renamed, so that of two lightsouts the last one to end
//! wins and nothing is ever half of each. Its loss costs a filter, so no failure is more than a notice. What is
//! in it is `app`'s matter.

use crate::app::Saved;
use std::fs::OpenOptions;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// More than any layout: a wrong file is not read to its end.
const MOST_BYTES: u64 = 64 * 1024;

/// Where the layout of one configuration is kept.
#[derive(Debug, Clone)]
pub struct Keeper {
    path: PathBuf,
    config: String,
}

impl Keeper {
    /// For the configuration whose lowest file is `config`.
    pub fn new(state_dir: &Path, config: &Path) -> Keeper {
        let config = config.canonicalize().unwrap_or_else(|_| config.to_owned());
        let config = config.display().to_string();
        // Another compiler may hash otherwise: that costs a layout once.
        let mut hasher = DefaultHasher::new();
        config.hash(&mut hasher);
        let path = state_dir.join(format!("layout-{:016x}.json", hasher.finish()));
        Keeper { path, config }
    }

    /// The configuration's name within the file.
    pub fn config(&self) -> &str {
        &self.config
    }

    /// What was kept; nothing if there is none.
    ///
    /// # Errors
    /// It is something else, which is put aside: a line for the operator.
    pub fn read(&self) -> Result<Option<Saved>, String> {
        let why = match self.text() {
            Ok(None) => return Ok(None),
            Ok(Some(text)) => match Saved::parse(&text, &self.config) {
                Ok(saved) => return Ok(Some(saved)),
                Err(why) => why,
            },
            Err(error) => error.to_string(),
        };
        let aside = self.path.with_extension("json.bad");
        let kept = match std::fs::rename(&self.path, &aside) {
            Ok(()) => format!("kept as {}", aside.display()),
            Err(error) => format!("and cannot be put aside: {error}"),
        };
        Err(format!("cannot use the layout in {}: {why}; {kept}", self.path.display()))
    }

    fn text(&self) -> std::io::Result<Option<String>> {
        // Nothing else is opened: a named pipe would wait for its writer.
        match std::fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
            Ok(known) if !known.is_file() => return Err(std::io::Error::other("it is no regular file")),
            Ok(_) => {}
        }
        let mut text = String::new();
        OpenOptions::new().read(true).open(&self.path)?.take(MOST_BYTES).read_to_string(&mut text)?;
        Ok(Some(text))
    }

    /// Keeps a layout.
    ///
    /// # Errors
    /// The state directory cannot be written.
    pub fn write(&self, saved: &Saved) -> std::io::Result<()> {
        if let Some(dir) = self.path.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let beside = self.path.with_extension(format!("{}.new", std::process::id()));
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(nix::libc::O_NOFOLLOW)
            .open(&beside)
            .and_then(|mut file| file.write_all(saved.text().as_bytes()))
            .and_then(|()| std::fs::rename(&beside, &self.path));
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{State, StateOptions};
    use crate::fleet::Millis;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    fn saved(keeper: &Keeper) -> Saved {
        let state = State::new(StateOptions {
            nodes: Vec::new(),
            read_only: false,
            title: String::new(),
            prefix: "ctrl-]",
            keys: crate::app::Keymap::default(),
            mouse: false,
            poll_interval: Duration::from_secs(30),
            utc_offset: 0,
            size: (80, 24),
            now: Millis(0),
            abilities: Vec::new(),
            taste: crate::app::Taste::default(),
        });
        state.expect("starts").saved(keeper.config())
    }

    #[test]
    fn each_configuration_has_its_own_layout_which_only_its_owner_can_read() {
        let dir = tempfile::tempdir().expect("tempdir");
        let state_dir = dir.path().join("not/there/yet");
        let (one, two) = (Keeper::new(&state_dir, Path::new("/a")), Keeper::new(&state_dir, Path::new("/b")));
        assert_eq!(one.read(), Ok(None));
        one.write(&saved(&one)).expect("written");
        assert_eq!((one.read(), two.read()), (Ok(Some(saved(&one))), Ok(None)));
        let files: Vec<_> = std::fs::read_dir(&state_dir).expect("made").flatten().collect();
        assert_eq!(files.len(), 1, "nothing beside it: {files:?}");
        assert_eq!(files[0].metadata().expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_layout_is_put_aside_and_said_once() {
        let dir = tempfile::tempdir().expect("tempdir");
        let keeper = Keeper::new(dir.path(), Path::new("/a"));
        for broken in [&b"not json"[..], b"\xff\xfe", &[b'['; 100_000], b""] {
            std::fs::write(&keeper.path, broken).expect("written");
            let problem = keeper.read().expect_err("no layout");
            assert!(problem.contains("kept as") && !problem.contains('\n'), "{problem}");
            assert_eq!(keeper.read(), Ok(None), "told once");
            assert!(std::fs::read(keeper.path.with_extension("json.bad")).expect("kept") == broken);
        }
    }

    #[test]
    fn a_pipe_or_a_link_in_its_place_holds_nobody_up() {
        let dir = tempfile::tempdir().expect("tempdir");
        let keeper = Keeper::new(dir.path(), Path::new("/a"));
        nix::unistd::mkfifo(&keeper.path, nix::sys::stat::Mode::S_IRWXU).expect("made");
        assert!(keeper.read().is_err_and(|problem| problem.contains("no regular file")));
        std::os::unix::fs::symlink("/dev/zero", &keeper.path).expect("made");
        assert!(keeper.read().is_err());
    }
}
