//! How the screen looks at the start, and the themes and columns there are. Called by [`super::run`] and
//! by `front` when the operator takes another theme.

use super::Options;
use crate::app::Taste;
use crate::config::Settings;
use crate::fleet::{Fault, FaultClass};
use crate::term::Caps;
use crate::theme::{ColorDepth, ThemeError};
use crate::ui::{COLUMNS, Glyphs, Look};

/// The names of the table's columns, in their usual order.
#[must_use]
pub fn column_names() -> Vec<&'static str> {
    COLUMNS.iter().map(|column| column.name).collect()
}

/// The look that the settings ask for, as far as the terminal can show it.
pub(super) fn look(settings: &Settings, options: &Options, caps: &Caps) -> Result<Look, Fault> {
    let depth = ColorDepth::choose(&settings.screen.color, |name| std::env::var(name).ok());
    let theme = options.themes.load(&settings.theme, depth).map_err(|error| fault(&error))?;
    let glyphs = match settings.screen.glyphs.as_str() {
        "box" => Glyphs::Box,
        other if caps.wants_unicode(other) => Glyphs::Unicode,
        _ => Glyphs::Ascii,
    };
    Ok(Look { theme, glyphs })
}

/// What the operator may choose of.
pub(super) fn taste(settings: &Settings, options: &Options) -> Taste {
    Taste {
        theme: settings.theme.clone(),
        themes: options.themes.list().into_iter().map(|found| (found.name, found.about)).collect(),
        columns: settings.table.columns.clone(),
        known_columns: column_names().into_iter().map(str::to_owned).collect(),
        sort: settings.table.sort,
    }
}

fn fault(error: &ThemeError) -> Fault {
    let text = error.to_string();
    let (reason, hint) = match text.split_once('\n') {
        Some((reason, hint)) => (reason.to_owned(), Some(hint.to_owned())),
        None => (text, None),
    };
    Fault { class: FaultClass::Local, reason, hint }
}
