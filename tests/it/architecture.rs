//! The house plan as a test: which room may use which, and which parts of std and of the
//! dependencies a pure room must not touch.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

struct Room {
    name: &'static str,
    /// Rooms it may use, or parts of them (`hub::message`).
    may: &'static [&'static str],
    /// Paths that must not appear in it.
    never: &'static [&'static str],
}

/// What only reads addresses or writes to memory (`Ipv6Addr`, `io::Write` into a `Vec`) is pure.
const PURE: &[&str] = &[
    "tokio",
    "nix",
    "crossterm",
    "ratatui",
    "std::fs",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::process",
    "std::thread",
    "std::env",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
];

const ROOMS: &[Room] = &[
    Room { name: "fleet", may: &[], never: PURE },
    Room { name: "config", may: &["fleet"], never: &["tokio", "ratatui", "crossterm"] },
    Room { name: "screen", may: &[], never: PURE },
    Room { name: "ipmi", may: &[], never: PURE },
    Room { name: "sim", may: &["fleet", "ipmi"], never: &["ratatui", "crossterm"] },
    Room { name: "bmc", may: &["fleet", "config", "ipmi"], never: &["ratatui", "crossterm"] },
    Room {
        name: "console",
        may: &["fleet", "ipmi", "screen", "config", "bmc"],
        never: &["ratatui", "crossterm"],
    },
    Room {
        name: "hub",
        may: &["fleet", "config", "ipmi", "screen", "bmc", "console"],
        never: &["ratatui", "crossterm"],
    },
    Room {
        name: "app",
        may: &["fleet", "config", "screen::Frame", "screen::Modes", "hub::message"],
        never: PURE,
    },
    Room {
        name: "ui",
        may: &["app", "fleet", "theme", "screen::Cell", "screen::Color", "screen::Frame", "screen::Style"],
        never: &[
            "tokio",
            "nix",
            "crossterm",
            "std::fs",
            "std::io",
            "std::net",
            "std::process",
            "std::thread",
            "std::env",
            "std::time::Instant",
            "std::time::SystemTime",
            "Instant::now",
            "SystemTime::now",
        ],
    },
    Room { name: "theme", may: &[], never: &["tokio", "nix", "crossterm"] },
    Room { name: "term", may: &[], never: &[] },
    Room {
        name: "runtime",
        may: &[
            "app", "bmc", "config", "console", "fleet", "hub", "ipmi", "screen", "sim", "term", "theme", "ui",
        ],
        never: &[],
    },
    Room {
        name: "cli",
        may: &[
            "app", "bmc", "config", "console", "fleet", "hub", "ipmi", "runtime", "screen", "sim", "term",
            "theme",
        ],
        never: &["ratatui"],
    },
];

#[test]
fn every_arrow_between_rooms_is_in_the_plan() {
    let mut wrong = Vec::new();
    for (file, module) in sources() {
        let Some(room) = ROOMS.iter().find(|room| room.name == module[0]) else {
            assert!(module[0] == "lib" || module[0] == "main", "{} is in no room", file.display());
            continue;
        };
        for path in paths_into_crate(&code(&file), &module) {
            let allowed = path[0] == room.name
                || room.may.iter().any(|may| {
                    let may: Vec<&str> = may.split("::").collect();
                    path.iter().map(String::as_str).take(may.len()).eq(may.iter().copied())
                });
            if !allowed {
                wrong.push(format!("{}: {} must not use {}", file.display(), room.name, path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_touch_no_clock_no_io_and_no_runtime() {
    let mut wrong = Vec::new();
    for (file, module) in sources() {
        let Some(room) = ROOMS.iter().find(|room| room.name == module[0]) else {
            continue;
        };
        let text = code(&file);
        let used: Vec<Vec<String>> = used_paths(&text);
        for never in room.never {
            let words: Vec<&str> = never.split("::").collect();
            let hit = used.iter().any(|path| path.iter().take(words.len()).eq(words.iter().copied()));
            if hit {
                wrong.push(format!("{}: {} must not use {never}", file.display(), room.name));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_paths_sees_every_spelling() {
    let module = vec!["app".to_owned(), "update".to_owned()];
    let text = "use crate::{fleet::{Node, time::Millis}, hub};\nfn f() { crate::bmc::open(); super::super::ui::draw() }\n\
                use super::state;";
    let seen: BTreeSet<String> =
        paths_into_crate(text, &module).into_iter().map(|path| path.join("::")).collect();
    for expected in ["fleet::Node", "fleet::time::Millis", "hub", "bmc::open", "ui::draw", "app::state"] {
        assert!(seen.contains(expected), "{expected} not in {seen:?}");
    }
    assert!(used_paths("use std::{fs, time::Instant};").contains(&vec!["std".into(), "fs".into()]));
    assert!(strip("a // crate::hub\n\"crate::ui\" /* crate::x */ b").find("crate").is_none());
}

#[test]
fn no_file_grows_past_600_lines_and_no_module_file_is_called_mod() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for dir in ["src", "tests", "benches"] {
        walk(&root.join(dir), &mut files);
    }
    let mut wrong = Vec::new();
    for file in files {
        let lines = std::fs::read_to_string(&file).expect("a source file is UTF-8").lines().count();
        if lines > 600 {
            wrong.push(format!("{} has {lines} lines", file.display()));
        }
        if file.file_name().is_some_and(|name| name == "mod.rs") {
            wrong.push(format!("{}: foo.rs sits beside foo/", file.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Every source file with its module path (`["hub", "pace"]`).
fn sources() -> Vec<(PathBuf, Vec<String>)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    assert!(files.len() > ROOMS.len(), "the sources are where they are looked for");
    files
        .into_iter()
        .map(|file| {
            let relative = file.strip_prefix(&src).expect("walked from there").with_extension("");
            let module = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            (file, module)
        })
        .collect()
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a directory can be listed").path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// A file's code: without comments, strings and unit tests.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("a source file is UTF-8");
    if file.file_stem().is_some_and(|stem| stem == "tests") || file.iter().any(|part| part == "tests") {
        return String::new();
    }
    // A test module written here ends the code; one that is only declared here has a file of its own.
    let declared = regex::Regex::new(r"#\[cfg\(test\)\]\s*mod \w+;").expect("the pattern is fixed");
    let text = declared.replace_all(&text, "");
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    strip(&text[..end])
}

/// Replaces comments and string literals by blanks.
fn strip(text: &str) -> String {
    let literal =
        regex::Regex::new(r##"(?s)//[^\n]*|/\*.*?\*/|r#".*?"#|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])'"##)
            .expect("the pattern is fixed");
    literal.replace_all(text, " ").into_owned()
}

/// Every path of two or more words that the code uses, `use` trees unfolded.
fn used_paths(text: &str) -> Vec<Vec<String>> {
    let uses = regex::Regex::new(r"(?s)\buse\s+([^;]+);").expect("the pattern is fixed");
    let inline = regex::Regex::new(r"\b[A-Za-z_]\w*(?:::[A-Za-z_]\w*)+").expect("the pattern is fixed");
    let mut paths = Vec::new();
    for found in uses.captures_iter(text) {
        unfold(&[], found[1].trim(), &mut paths);
    }
    for found in inline.find_iter(&uses.replace_all(text, " ")) {
        paths.push(found.as_str().split("::").map(str::to_owned).collect());
    }
    paths
}

fn unfold(before: &[String], tree: &str, paths: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    match tree.find('{') {
        None => {
            let plain = tree.split(" as ").next().unwrap_or(tree);
            let mut path = before.to_vec();
            path.extend(plain.split("::").map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()));
            if !path.is_empty() {
                paths.push(path);
            }
        }
        Some(open) => {
            let mut head = before.to_vec();
            head.extend(
                tree[..open].split("::").map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()),
            );
            let inner = tree[open + 1..].trim_end().trim_end_matches('}');
            let mut depth = 0;
            let mut start = 0;
            for (at, ch) in inner.char_indices() {
                match ch {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        unfold(&head, &inner[start..at], paths);
                        start = at + 1;
                    }
                    _ => {}
                }
            }
            unfold(&head, &inner[start..], paths);
        }
    }
}

/// The paths that lead to a room of this crate, spelled from the crate's root.
fn paths_into_crate(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut result = Vec::new();
    for path in used_paths(text) {
        let mut at: Vec<String> = match path[0].as_str() {
            "crate" | "lightsout" => Vec::new(),
            "super" | "self" => module.to_vec(),
            _ => continue,
        };
        let mut words = path.iter().peekable();
        while let Some(word) = words.peek() {
            match word.as_str() {
                "super" => {
                    at.pop();
                }
                "self" | "crate" | "lightsout" => {}
                _ => break,
            }
            words.next();
        }
        at.extend(words.cloned());
        if !at.is_empty() {
            result.push(at);
        }
    }
    result
}
