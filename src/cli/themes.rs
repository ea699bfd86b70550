//! `lightsout config themes`, and the theme's part of `config check`.

use super::{Exit, say, say_error};
use crate::config;
use crate::theme::{ColorDepth, Themes};

/// The themes of this user, of this machine, and ours.
pub(super) fn all() -> Themes {
    Themes::new(config::theme_dirs())
}

/// Lists them: name, where it is from, what it says about itself. What is wrong with the operators' own
/// goes to standard error.
pub(super) fn list() -> Exit {
    let themes = all();
    let list = themes.list();
    let width = list.iter().map(|found| found.name.chars().count()).max().unwrap_or(0);
    let mut exit = Exit::Done;
    for found in list {
        let from = found.file.as_ref().map_or("built in".to_owned(), |file| file.display().to_string());
        let about = if found.about.is_empty() { String::new() } else { format!("  {}", found.about) };
        say(&format!("{:width$}  {from}{about}", found.name));
        if found.file.is_some() && !told(&themes, &found.name) {
            exit = Exit::Usage;
        }
    }
    exit
}

/// Whether the theme can be used; says what is wrong with it.
pub(super) fn check(name: &str) -> bool {
    told(&all(), name)
}

fn told(themes: &Themes, name: &str) -> bool {
    match themes.load(name, ColorDepth::TrueColor) {
        Ok(theme) => {
            theme.warnings().iter().for_each(|warning| say_error(&format!("warning: {warning}")));
            true
        }
        Err(error) => {
            say_error(&error.to_string());
            false
        }
    }
}
