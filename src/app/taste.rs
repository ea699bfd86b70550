//! The operator's taste: which theme, which columns; changed while the program runs by `:theme` and
//! `:columns`. `app` knows neither themes nor columns: their names are handed in by `runtime`.

use super::{Effect, State};
use crate::fleet::SortKey;

/// The column that says whose row it is; without it no row would mean anything.
const ALWAYS: &str = "node";

/// What there is to choose from, and what is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taste {
    /// The theme's name.
    pub theme: String,
    /// Every theme with a line about it, for completion.
    pub themes: Vec<(String, String)>,
    /// The columns that are shown, in this order; empty: all there are.
    pub columns: Vec<String>,
    /// Every column, in the usual order.
    pub known_columns: Vec<String>,
    /// How the table is sorted at the start.
    pub sort: SortKey,
}

impl Taste {
    /// The columns that are shown, if there is room for them.
    #[must_use]
    pub fn shown(&self) -> &[String] {
        if self.columns.is_empty() { &self.known_columns } else { &self.columns }
    }
}

/// `:theme NAME` asks for it; without a name it says which there are.
pub(super) fn theme(state: &mut State, args: &str, out: &mut Vec<Effect>) -> Result<(), String> {
    if args.is_empty() {
        let names: Vec<&str> = state.taste.themes.iter().map(|(name, _)| name.as_str()).collect();
        state.say(format!("theme {}; there are {}", state.taste.theme, names.join(", ")));
        return Ok(());
    }
    out.push(Effect::Theme(args.to_owned()));
    Ok(())
}

/// `:columns power` shows or hides one, `:columns node,power,note` chooses, `:columns all` shows all;
/// without a name it says which are shown.
pub(super) fn columns(state: &mut State, args: &str, _: &mut Vec<Effect>) -> Result<(), String> {
    let known = &state.taste.known_columns;
    let words: Vec<&str> = args.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    if let Some(wrong) = words.iter().find(|word| **word != "all" && !known.iter().any(|name| name == *word))
    {
        return Err(format!("there is no column \"{wrong}\"; there are {}", known.join(", ")));
    }
    let mut shown = state.taste.shown().to_vec();
    match words.as_slice() {
        [] => {}
        ["all"] => shown.clone_from(known),
        [ALWAYS] => return Err(format!("the column \"{ALWAYS}\" is always shown")),
        [one] => toggle(&mut shown, one, known),
        many if many.contains(&"all") => return Err("\"all\" is said alone".to_owned()),
        many if !many.contains(&ALWAYS) => {
            return Err(format!("\"{ALWAYS}\" must be among the columns: it says whose row it is"));
        }
        many => {
            if let Some((at, twice)) = many.iter().enumerate().find(|(at, word)| many[..*at].contains(word)) {
                return Err(format!("\"{twice}\" is there twice, the second time as column {}", at + 1));
            }
            shown = many.iter().map(|word| (*word).to_owned()).collect();
        }
    }
    state.say(format!("columns: {}", shown.join(", ")));
    state.taste.columns = shown;
    Ok(())
}

/// Takes a column away, or puts it behind the nearest of those that usually stand before it.
fn toggle(shown: &mut Vec<String>, name: &str, known: &[String]) {
    if let Some(at) = shown.iter().position(|column| column == name) {
        shown.remove(at);
        return;
    }
    let before = known.iter().take_while(|column| *column != name);
    let places = before.filter_map(|column| shown.iter().position(|other| other == column));
    let at = places.last().map_or(0, |place| place + 1);
    shown.insert(at, name.to_owned());
}

/// What `:columns` can be completed with.
pub(super) fn column_words(state: &State) -> Vec<(String, String)> {
    let shown = state.taste.shown();
    let word = |name: &String| if shown.contains(name) { "shown" } else { "hidden" };
    let mut words: Vec<(String, String)> =
        state.taste.known_columns.iter().map(|name| (name.clone(), word(name).to_owned())).collect();
    words.push(("all".to_owned(), "every column, in the usual order".to_owned()));
    words
}
