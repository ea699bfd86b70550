//! Finds the configuration, follows its includes and reads the layers from the lowest up.

use super::build::build;
use super::draft::Draft;
use super::error::{ConfigErrors, Place, Problem};
use super::keys::KeyRules;
use super::paths;
use super::section::{Section, Source, line_starts};
use super::settings::Settings;
use super::twice;
use super::words::reason;
use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use toml::de::DeTable;
use zeroize::Zeroizing;

/// More than any configuration: ten thousand nodes, each with everything, take a tenth.
const MOST_BYTES: u64 = 64 << 20;

/// Whether password commands are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Every secret that a node needs is read.
    Read,
    /// Files and environment variables are looked at, but no command is run: its password stays empty.
    Check,
}

/// What is done about `[[inventory]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inventories {
    /// Every one is got; a fault of one is an error.
    Strict,
    /// Every one is got; what is wrong with one is told, and its nodes are missing.
    Lenient,
    /// Files are read as by `Lenient`, no command is run.
    Files,
}

/// What loading needs from outside; nothing else is taken from the process.
#[derive(Clone)]
pub struct LoadOptions<'a> {
    /// `--config`: this file and no other.
    pub path: Option<PathBuf>,
    /// Looks an environment variable up.
    pub env: &'a dyn Fn(&str) -> Option<OsString>,
    /// Effective user id, for the name of the last-resort runtime directory.
    pub euid: u32,
    /// Names of the power drivers.
    pub drivers: &'a [&'a str],
    /// Names of the console transports.
    pub transports: &'a [&'a str],
    /// Names of the themes.
    pub themes: &'a [&'a str],
    /// Names of the table's columns, in their usual order; none by default.
    pub columns: &'a [&'a str],
    /// Names of the quirks that driver `ipmi` knows; none by default.
    pub quirks: &'a [&'a str],
    /// What `[keys.*]` is checked with; without, there are no keys to bind.
    pub keys: KeyRules,
    /// Whether password commands are run.
    pub secrets: Secrets,
    /// What is done about inventories.
    pub inventories: Inventories,
    /// A screen has the terminal: programs must not use it, and are ended once this is set.
    pub screen_over: Option<&'a AtomicBool>,
    /// The lowest layer, `/etc/lightsout/config.toml`.
    pub system: PathBuf,
    /// The runtime directory that users share, `/run/lightsout`.
    pub shared_runtime: PathBuf,
}

impl<'a> LoadOptions<'a> {
    /// Options for this process: its environment, its user, the usual places, secrets read.
    #[must_use]
    pub fn new(drivers: &'a [&'a str], transports: &'a [&'a str], themes: &'a [&'a str]) -> LoadOptions<'a> {
        LoadOptions {
            path: None,
            env: &process_env,
            euid: nix::unistd::geteuid().as_raw(),
            drivers,
            transports,
            themes,
            columns: &[],
            quirks: &[],
            keys: KeyRules::NONE,
            secrets: Secrets::Read,
            inventories: Inventories::Strict,
            screen_over: None,
            system: paths::system_config(),
            shared_runtime: PathBuf::from("/run/lightsout"),
        }
    }
}

pub(super) fn process_env(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// A configuration that was read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Merged, zipped, checked.
    pub settings: Settings,
    /// The files, in the order they were read; later ones win.
    pub files: Vec<PathBuf>,
    /// The topmost of them that no other includes: what people call the configuration.
    pub main: PathBuf,
    /// What is likely a mistake but does no harm; one line each.
    pub warnings: Vec<String>,
    /// What is wrong with inventories whose nodes are missing for it; empty with [`Inventories::Strict`].
    pub faults: Vec<Problem>,
}

/// Where a configuration is looked for, the lowest layer first. With `--config` or `$LIGHTSOUT_CONFIG`
/// that is one file, which must exist.
#[must_use]
pub fn candidates(options: &LoadOptions<'_>) -> Vec<PathBuf> {
    match explicit(options) {
        Some(path) => vec![path],
        None => {
            let user = paths::user_config(options.env);
            std::iter::once(options.system.clone()).chain(user).collect()
        }
    }
}

/// Loads the configuration.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load(options: &LoadOptions<'_>) -> Result<Loaded, ConfigErrors> {
    let mut files = Files {
        options,
        home: paths::home(options.env),
        read: Vec::new(),
        main: PathBuf::new(),
        open: Vec::new(),
        draft: Draft::default(),
        problems: Vec::new(),
        whole: true,
    };
    let must_exist = explicit(options).is_some();
    let candidates = candidates(options);
    for path in &candidates {
        files.read_layer(path, must_exist);
    }
    if files.read.is_empty() && files.problems.is_empty() {
        return Err(ConfigErrors::new(vec![nothing_found(&candidates)]));
    }
    let Files { read, main, draft, mut problems, whole, .. } = files;
    // What is missing because a file could not be read would be reported as wrong.
    if !whole {
        return Err(ConfigErrors::new(problems));
    }
    let (settings, warnings, faults) = build(draft, options, &mut problems);
    // Without any node there is nothing that a failing inventory could take down.
    if settings.nodes.is_empty() {
        problems.extend(faults.iter().cloned());
    }
    if problems.is_empty() {
        Ok(Loaded { settings, files: read, main, warnings, faults })
    } else {
        Err(ConfigErrors::new(problems))
    }
}

fn explicit(options: &LoadOptions<'_>) -> Option<PathBuf> {
    let variable = || (options.env)("LIGHTSOUT_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
    options.path.clone().or_else(variable)
}

fn nothing_found(candidates: &[PathBuf]) -> Problem {
    let places: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
    let target = candidates
        .last()
        .and_then(|path| Some((path.parent()?, path)))
        .map_or_else(String::new, |(dir, path)| {
            format!("mkdir -p {} && lightsout config default > {}", dir.display(), path.display())
        });
    Problem::nowhere(format!("no configuration found; looked for {}", places.join(" and "))).help(format!(
        "start with: {target}\n        or name a file with --config or LIGHTSOUT_CONFIG\n        \
             or try it without one, on simulated machines: lightsout demo"
    ))
}

/// The files as they are read.
struct Files<'o> {
    options: &'o LoadOptions<'o>,
    home: Option<PathBuf>,
    /// As named, in order.
    read: Vec<PathBuf>,
    /// The newest that no other includes.
    main: PathBuf,
    /// Those that are being read now, each included by the one before, resolved.
    open: Vec<PathBuf>,
    draft: Draft,
    problems: Vec<Problem>,
    /// No file was left out.
    whole: bool,
}

impl Files<'_> {
    fn read_layer(&mut self, path: &Path, must_exist: bool) {
        match read_whole(path) {
            Ok(bytes) => self.read_file(path, bytes),
            Err(error) if !must_exist && is_absent(&error) => {}
            Err(error) => {
                let text = format!("cannot read {}: {}", path.display(), reason(&error));
                let help = "lightsout config default prints one to start with";
                self.problems.push(Problem::nowhere(text).help(help));
                self.whole = false;
            }
        }
    }

    fn read_file(&mut self, path: &Path, bytes: Vec<u8>) {
        let order = self.read.len();
        self.read.push(path.to_owned());
        if self.open.is_empty() {
            path.clone_into(&mut self.main);
        }
        let bytes = Zeroizing::new(bytes);
        let name: Arc<Path> = Arc::from(path);
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text.to_owned(),
            Err(error) => {
                let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
                let source = self.source(name, order, valid);
                let place = source.place(error.valid_up_to());
                let problem = Problem::new(&place, "", "the file is not UTF-8").help("save it as UTF-8");
                self.problems.push(problem);
                self.whole = false;
                return;
            }
        };
        let source = self.source(name, order, text);
        let (tree, errors) = DeTable::parse_recoverable(&source.text);
        if !errors.is_empty() {
            for error in errors {
                let span = error.span().unwrap_or_default();
                let first = twice::first(tree.get_ref(), &source.text, span.clone());
                let first = first.map(|offset| source.place(offset));
                self.problems.push(syntax(&source.place(span.start), &error, first.as_ref()));
            }
            self.whole = false;
            return;
        }
        let mut top = Section::top(&source, tree.get_ref());
        self.open.push(resolved(path));
        let includes = top.strings("include", "a list of files such as [\"fleet.toml\"]");
        self.whole &= includes.is_some() || !top.has("include");
        for include in includes.map(|list| list.value).unwrap_or_default() {
            self.include(&source, &include.value, &include.place);
        }
        self.open.pop();
        self.draft.read(top, self.options);
        self.problems.append(&mut source.problems.borrow_mut());
    }

    fn include(&mut self, source: &Source, written: &str, place: &Place) {
        let problem = |text: String, help: &str| Problem::new(place, "include", text).help(help);
        let path = match source.path(written) {
            Ok(path) => path,
            Err(error) => {
                let text = format!("cannot include \"{written}\": {error}");
                self.problems.push(problem(text, "name a file, relative to this one"));
                self.whole = false;
                return;
            }
        };
        match paths::expand(&path) {
            Ok(None) => self.include_one(path, place),
            // None is right: a directory for what is to come.
            Ok(Some(files)) => files.into_iter().for_each(|file| self.include_one(file, place)),
            Err(error) => {
                let text = format!("cannot look for {}: {}", path.display(), reason(&error));
                self.problems.push(problem(text, "* and ? stand in the file's name, not in a directory's"));
                self.whole = false;
            }
        }
    }

    fn include_one(&mut self, path: PathBuf, place: &Place) {
        let problem = |text: String, help: &str| Problem::new(place, "include", text).help(help);
        let known = resolved(&path);
        if self.open.contains(&known) {
            let text = format!("{} is being read already: the includes go in a circle", path.display());
            self.problems.push(problem(text, "remove the include that leads back"));
            return;
        }
        if self.read.iter().any(|read| resolved(read) == known) {
            return;
        }
        match read_whole(&path) {
            Ok(bytes) => self.read_file(&path, bytes),
            Err(error) => {
                let text = format!("cannot read {}: {}", path.display(), reason(&error));
                let help = match error.kind() {
                    ErrorKind::IsADirectory => "for all files of a directory write \"conf.d/*.toml\"",
                    _ => "a relative path starts at this file",
                };
                self.problems.push(problem(text, help));
                self.whole = false;
            }
        }
    }

    fn source(&self, path: Arc<Path>, order: usize, text: String) -> Source {
        // A file that cannot be looked at counts as readable by all: clear text is refused.
        let mode = std::fs::metadata(&path).map_or(0o777, |data| data.permissions().mode());
        Source {
            // The current directory cannot be told only when it is gone; then nothing relative can be found.
            dir: std::path::absolute(&path)
                .ok()
                .and_then(|path| path.parent().map(Path::to_owned))
                .unwrap_or_default(),
            path,
            order,
            lines: line_starts(&text),
            text: Zeroizing::new(text),
            mode,
            home: self.home.clone(),
            problems: RefCell::new(Vec::new()),
        }
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// One name for a file, however it is reached.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// A whole file, if it is none without end: the machine's memory is not for the mistake of a name.
///
/// # Errors
/// It cannot be read, or is too long.
pub fn read_whole(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if length as u64 > MOST_BYTES {
        return Err(std::io::Error::other(format!("it has more than {} MB", MOST_BYTES >> 20)));
    }
    Ok(bytes)
}

/// A mistake of TOML; `first` is where a key of the same name stands before.
fn syntax(place: &Place, error: &toml::de::Error, first: Option<&Place>) -> Problem {
    let lines: Vec<&str> = error.message().lines().map(str::trim).collect();
    let mut text = lines.join(", ");
    let help = if text.contains("duplicate key") {
        if let Some(first) = first {
            text += &format!(", first at {first}");
        }
        "a key or a [table] is written twice: remove one, or put both together"
    } else if text.contains("quoted") || text.contains("string") {
        "a text stands between two quotes on one line"
    } else {
        "the file is TOML: key = value, texts between quotes, lists between brackets; see https://toml.io"
    };
    Problem::new(place, "", text).help(help)
}

// `env` is a borrowed function, which has no `Debug` of its own.
impl std::fmt::Debug for LoadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadOptions")
            .field("path", &self.path)
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}
