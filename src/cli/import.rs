//! `lightsout import`: consoles of ConMan and conserver as our TOML, with what was left out in comments and on
//! standard error. A file with errors gives no TOML. Passwords are never printed: a file is named for each.

mod conman;
mod conserver;
mod output;

#[cfg(test)]
mod tests;

use super::args::ImportWord;
use super::exit::Exit;
use super::{say, say_error};
use crate::config::read_whole;
use output::Imported;
use std::path::{Path, PathBuf};

/// A place in one of the files that were read: which file, and the line from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Spot {
    /// 0 is the file that was named, others are those it includes.
    order: usize,
    line: usize,
    /// Its name as written; empty for the file that was named.
    file: String,
}

/// Something that is wrong, or left out, and where.
pub type Remark = (Spot, String);

/// Runs the command: TOML on standard output, what was left out on standard error.
pub fn run(format: ImportWord, path: &Path) -> Exit {
    let text = match read_whole(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            say_error(&format!("cannot read {}: {error}", path.display()));
            return Exit::Usage;
        }
    };
    let result = match format {
        ImportWord::Conman => conman::import(&text),
        ImportWord::Conserver => {
            let dir = path.parent().map(Path::to_owned).unwrap_or_default();
            conserver::import(&text, &|name| read_include(&dir, name))
        }
    };
    match result {
        Ok(imported) => {
            say(imported.render(&path.display().to_string()).trim_end());
            summary(path, &imported);
            Exit::Done
        }
        Err(errors) => {
            for (spot, text) in &errors {
                say_error(&format!("{}: {text}", place(path, spot)));
            }
            let (count, s) = (errors.len(), if errors.len() == 1 { "" } else { "s" });
            say_error(&format!("{count} error{s}: nothing was imported"));
            Exit::Usage
        }
    }
}

/// conserver opens it from its working directory; a file beside the named one is as likely.
fn read_include(dir: &Path, name: &str) -> Result<String, String> {
    let beside: PathBuf = dir.join(name);
    read_whole(&beside)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|error| format!("cannot read {}: {error}", beside.display()))
}

fn summary(path: &Path, imported: &Imported) {
    for (spot, text) in &imported.left_out {
        say_error(&format!("{}: left out: {text}", place(path, spot)));
    }
    for file in imported.files() {
        say_error(&format!("to create: {file}"));
    }
    let left = match imported.left_out.len() {
        0 => "nothing left out".to_owned(),
        1 => "1 remark on what was left out".to_owned(),
        count => format!("{count} remarks on what was left out"),
    };
    say_error(&format!("{} consoles imported, {left}", imported.nodes.len()));
}

fn place(path: &Path, spot: &Spot) -> String {
    if spot.file.is_empty() {
        format!("{}:{}", path.display(), spot.line)
    } else {
        format!("{}:{}", spot.file, spot.line)
    }
}
