//! `config::load` from outside: fixtures beside their outcome, layers, secrets, the default file.
//!
//! `config/valid/*.toml` are loaded and their rendering compared with `*.txt`; `config/invalid/*.toml` fail with
//! the text in `*.txt`. Fixtures whose name begins with `private_` get mode 0600. After a wanted change run the
//! tests with `UPDATE_FIXTURES=1` and read the difference.

mod default_file;
mod includes;
mod inventory;
mod layers;
mod secrets;

use lightsout::config::{ConfigErrors, Inventories, LoadOptions, Loaded, Secrets, load};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Every transport there is.
const TRANSPORTS: [&str; 6] = ["sol", "unix", "tcp", "telnet", "command", "serial"];

/// What stands in every secret of the fixtures; it may appear in no output.
const CANARY: &str = "hunter2";
const SECRETS: [(&str, &[u8], u32); 8] = [
    ("lab.pw", b"hunter2\n", 0o600),
    ("open.pw", b"hunter2\n", 0o644),
    ("long.pw", b"hunter2-hunter2-hunter2", 0o600),
    ("lines.pw", b"hunter2\nsecond\n", 0o600),
    ("exact.pw", b"12345678901234567890\n", 0o600),
    ("empty.pw", b"", 0o600),
    ("kg.pw", b"hunter2-kg", 0o600),
    ("binary.kg", b"hunter2\x01\xff", 0o600),
];

/// A directory with configuration and secrets, and an environment of its own.
struct Place {
    dir: tempfile::TempDir,
    env: Vec<(&'static str, OsString)>,
    secrets: Secrets,
    inventories: Inventories,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().expect("a directory");
        let home = dir.path().join("home");
        let place = Place {
            env: vec![("HOME", home.into()), ("LAB_PASSWORD", CANARY.into())],
            dir,
            secrets: Secrets::Read,
            inventories: Inventories::Strict,
        };
        for (name, bytes, mode) in SECRETS {
            place.write(name, bytes, mode);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file in the directory")).expect("its directory");
        fs::write(&path, bytes).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
        path
    }

    /// Loads `file`, or what is found when `None`.
    fn load(&self, file: Option<&str>) -> Result<Loaded, ConfigErrors> {
        self.load_at(file.map(|file| self.path(file)))
    }

    fn load_at(&self, path: Option<PathBuf>) -> Result<Loaded, ConfigErrors> {
        let env = |name: &str| -> Option<OsString> {
            let found = self.env.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.clone())
        };
        load(&LoadOptions {
            path,
            env: &env,
            euid: 7,
            secrets: self.secrets,
            inventories: self.inventories,
            system: self.path("etc/config.toml"),
            shared_runtime: self.path("run"),
            columns: &lightsout::runtime::column_names(),
            quirks: &["efi-disk-24", "sol-small"],
            keys: lightsout::app::key_rules(),
            ..LoadOptions::new(&["ipmi", "ipmitool", "qemu"], &TRANSPORTS, &["default", "mono"])
        })
    }

    /// Writes `text` as a configuration and loads it.
    fn load_text(&self, text: &str) -> Result<Loaded, ConfigErrors> {
        self.write("config.toml", text, 0o644);
        self.load(Some("config.toml"))
    }

    /// The problems of `text`, without the directory's name.
    fn problems(&self, text: &str) -> String {
        let errors = self.load_text(text).expect_err("this is wrong");
        self.strip(&errors.to_string())
    }

    fn strip(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

/// Runs `outcome` over the fixtures of `kind` and compares with the text beside each.
fn compare(kind: &str, outcome: impl Fn(&Place, &str) -> String) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/config").join(kind);
    let mut different = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&fixtures).expect("the fixtures") {
        let path = entry.expect("a fixture").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        count += 1;
        let place = Place::new();
        for file in fs::read_dir(&fixtures).expect("the fixtures") {
            let file = file.expect("a fixture").path();
            let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
            let mode = if name.starts_with("private_") { 0o600 } else { 0o644 };
            place.write(name, fs::read(&file).expect("a fixture"), mode);
        }
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let got = place.strip(&outcome(&place, name)) + "\n";
        assert!(!got.contains(CANARY), "a secret is shown by {name}:\n{got}");
        let beside = path.with_extension("txt");
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            fs::write(&beside, &got).expect("the expected text");
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        if got != expected {
            different.push(format!("{name}: expected\n{expected}\ngot\n{got}"));
        }
    }
    assert!(count > 0, "no fixture in {}", fixtures.display());
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn invalid_files_say_everything_that_is_wrong() {
    compare("invalid", |place, name| match place.load(Some(name)) {
        Ok(_) => format!("{name} was accepted"),
        Err(errors) => errors.to_string(),
    });
}

#[test]
fn valid_files_are_merged_zipped_and_filled_in() {
    compare("valid", |place, name| match place.load(Some(name)) {
        Ok(loaded) => {
            let warnings: Vec<String> =
                loaded.warnings.iter().map(|line| format!("warning: {line}\n")).collect();
            assert!(!format!("{loaded:?}").contains(CANARY), "a secret is in the Debug output");
            warnings.concat() + loaded.settings.render().trim_end()
        }
        Err(errors) => format!("{name} was refused:\n{errors}"),
    });
}

#[test]
fn what_is_rendered_can_be_read_and_renders_the_same() {
    let place = Place::new();
    let text = "[credentials.lab]\nusername = \"a\\\"b\"\npassword_file = \"lab.pw\"\n\
        [[node]]\nname = \"n[1-3]\"\ntags = [\"t\"]\n\
        bmc = { address = \"10.1.1.[1-3]\", credentials = \"lab\", kg_file = \"kg.pw\" }\n\
        console = { transport = \"sol\", size = \"80x25\", charset = \"latin-1\", log = false }\n\
        [tags.t]\nprotected = true\n";
    let first = place.load_text(text).expect("good").settings.render();
    let second = place.load_text(&first).expect("what is rendered").settings.render();
    assert_eq!(first, second);
}

#[test]
fn no_damage_to_a_file_breaks_the_reader() {
    use proptest::test_runner::{Config, TestRunner};
    let place = Place::new();
    // A damaged command must not be run, so there is none.
    let good = include_str!("config/valid/fleet.toml");
    let good =
        good.replace("password_command = [\"sh\", \"-c\", \"printf hunter2\"]", "password_file = \"lab.pw\"");
    assert!(!good.contains("command ="), "{good}");
    let chars: Vec<char> = good.chars().collect();
    let damage = (0..chars.len(), 0_usize..20, "[\\[\\]{}=\".,#\n a0-]{0,3}");
    TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(300) })
        .run(&damage, |(at, removed, added)| {
            let end = (at + removed).min(chars.len());
            let text: String = chars[..at]
                .iter()
                .copied()
                .chain(added.chars())
                .chain(chars[end..].iter().copied())
                .collect();
            match place.load_text(&text) {
                Ok(loaded) => assert!(loaded.settings.render().contains("[poll]")),
                Err(errors) => assert!(!errors.problems.is_empty()),
            }
            Ok(())
        })
        .expect("no damage matters");
}
