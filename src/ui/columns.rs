//! The table `COLUMNS`: what is shown of a node, and which of it goes first on a narrow screen.

use super::glyphs;
use crate::app::State;
use crate::app::state::NodeRow;
use crate::app::view::{self, ConsoleGlyph, Glyph};
use crate::fleet::SortKey;
use crate::theme::Role;
use unicode_width::UnicodeWidthStr;

/// A cell's text and look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellText {
    /// What it says.
    pub text: String,
    /// How it looks.
    pub role: Role,
}

/// A column of the table.
pub struct Column {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Its heading.
    pub header: &'static str,
    /// Columns it needs.
    pub min: u16,
    /// Columns it would like; what is left goes to the last column.
    pub ideal: u16,
    /// The highest goes first when the screen is narrow; 0 always stays.
    pub priority: u8,
    /// The lowest is widened first when there is room.
    pub grow: u8,
    /// The order that this column shows.
    pub sort: Option<SortKey>,
    /// What it says of a node.
    pub cell: fn(&State, &NodeRow) -> CellText,
}

/// Every column, from left to right. The last takes the room that is left.
pub static COLUMNS: &[Column] = &[
    Column {
        name: "node",
        header: "NODE",
        min: 8,
        ideal: 24,
        priority: 0,
        grow: 0,
        sort: Some(SortKey::Name),
        cell: node,
    },
    Column {
        name: "tags",
        header: "TAGS",
        min: 8,
        ideal: 40,
        priority: 6,
        grow: 2,
        sort: Some(SortKey::Tag),
        cell: tags,
    },
    Column {
        name: "power",
        header: "POWER",
        min: 9,
        ideal: 13,
        priority: 0,
        grow: 3,
        sort: Some(SortKey::State),
        cell: power,
    },
    Column {
        name: "age",
        header: "AGE",
        min: 4,
        ideal: 4,
        priority: 3,
        grow: 6,
        sort: Some(SortKey::Age),
        cell: age,
    },
    Column { name: "boot", header: "BOOT", min: 8, ideal: 16, priority: 5, grow: 4, sort: None, cell: boot },
    Column {
        name: "console",
        header: "CONSOLE",
        min: 8,
        ideal: 12,
        priority: 4,
        grow: 5,
        sort: None,
        cell: console,
    },
    Column { name: "note", header: "NOTE", min: 14, ideal: 40, priority: 2, grow: 1, sort: None, cell: note },
];

/// The columns that fit into `width` with one blank between them, each with its width.
#[must_use]
pub fn fit(state: &State, width: u16) -> Vec<(&'static Column, u16)> {
    let narrowest = |column: &Column| column.min.min(wanted(state, column).max(heading(column)));
    let mut chosen: Vec<(&'static Column, u16)> =
        shown(state).map(|column| (column, narrowest(column))).collect();
    let needed =
        |chosen: &[(&Column, u16)]| chosen.iter().map(|(_, width)| width + 1).sum::<u16>().saturating_sub(1);
    while needed(&chosen) > width {
        let first_to_go = chosen.iter().enumerate().max_by_key(|(_, (column, _))| column.priority);
        match first_to_go {
            Some((at, (column, _))) if column.priority > 0 => {
                chosen.remove(at);
            }
            // What must stay is cut at the edge.
            _ => break,
        }
    }
    let mut left = width.saturating_sub(needed(&chosen));
    let mut order: Vec<usize> = (0..chosen.len()).collect();
    order.sort_by_key(|&at| chosen[at].0.grow);
    // Names, tags and consoles that are not long are whole before anything is made comfortable.
    for fair in [true, false] {
        for &at in &order {
            let (column, width) = &mut chosen[at];
            let limit = match fair {
                true if as_wide_as_the_fleet(column) => wanted(state, column).min(FAIR),
                true => continue,
                false => wanted(state, column),
            };
            let more = limit.saturating_sub(*width).min(left);
            *width += more;
            left -= more;
        }
    }
    if let Some((_, width)) = chosen.last_mut() {
        *width += left;
    }
    chosen
}

/// The columns that the operator wants, in that order.
fn shown(state: &State) -> impl Iterator<Item = &'static Column> {
    let wanted = &state.taste.columns;
    let all = COLUMNS.iter().filter(|_| wanted.is_empty());
    all.chain(wanted.iter().filter_map(|name| COLUMNS.iter().find(|column| column.name == name)))
}

/// What a name or the tags get before NOTE has all it would like.
const FAIR: u16 = 16;

fn as_wide_as_the_fleet(column: &Column) -> bool {
    matches!(column.name, "node" | "tags" | "console")
}

/// Columns of a heading with the sign of the order behind it.
fn heading(column: &Column) -> u16 {
    let sign = usize::from(column.sort.is_some());
    u16::try_from(column.header.width() + sign).unwrap_or(u16::MAX)
}

/// Names, tags and consoles are as wide as the fleet has them, hidden nodes included, so that nothing jumps
/// while a filter is typed.
fn wanted(state: &State, column: &Column) -> u16 {
    let longest = match column.name {
        "node" => state.present().map(|row| row.node.name.width()).max(),
        "tags" => state.present().map(tags_width).max(),
        // Sign, transport, number and what is unseen: `● sol 1+`.
        "console" => state
            .present()
            .filter_map(|row| Some(row.node.transport.as_ref()?.width() + "●  1+".width()))
            .max(),
        _ => return column.ideal,
    };
    u16::try_from(longest.unwrap_or(0)).unwrap_or(u16::MAX).min(column.ideal)
}

fn text(text: impl Into<String>, role: Role) -> CellText {
    CellText { text: text.into(), role }
}

/// What is not set, or cannot be told.
fn nothing() -> CellText {
    text("-", Role::Dim)
}

fn node(_: &State, row: &NodeRow) -> CellText {
    text(row.node.name.clone(), Role::Text)
}

/// The width of [`tag_text`] without making it: asked of every node for every frame.
fn tags_width(row: &NodeRow) -> usize {
    let commas = row.node.tags.len().saturating_sub(1);
    row.node.tags.iter().map(|tag| tag.width()).sum::<usize>() + commas
}

fn tag_text(row: &NodeRow) -> String {
    row.node.tags.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

fn tags(_: &State, row: &NodeRow) -> CellText {
    text(tag_text(row), Role::Dim)
}

fn power(_: &State, row: &NodeRow) -> CellText {
    let cell = view::power_cell(row);
    let (glyph, role) = match cell.glyph {
        Glyph::On => (glyphs::ON, Role::StateOn),
        Glyph::Off => (glyphs::OFF, Role::StateOff),
        Glyph::Pending => (glyphs::PENDING, Role::StatePending),
        Glyph::Unknown => (glyphs::UNKNOWN, Role::StateUnknown),
        Glyph::Failed => (glyphs::FAILED, Role::StateFailed),
        Glyph::Nothing => return nothing(),
    };
    // A stale reading is not sure any more: it says so where AGE may have been dropped.
    let mark = if cell.stale { "?" } else { "" };
    text(format!("{glyph} {}{mark}", cell.word), role)
}

fn age(state: &State, row: &NodeRow) -> CellText {
    let age = view::age(row, state.now, state.poll_interval);
    text(age.unwrap_or_default(), Role::StateUnknown)
}

fn boot(_: &State, row: &NodeRow) -> CellText {
    view::boot_cell(row).map_or_else(nothing, |boot| text(boot, Role::Text))
}

fn console(state: &State, row: &NodeRow) -> CellText {
    let Some(cell) = view::console_cell(state, row.node.id) else {
        return nothing();
    };
    let (glyph, role) = match cell.state {
        ConsoleGlyph::Interactive => (glyphs::ON, Role::StateOn),
        ConsoleGlyph::Monitor => (glyphs::OFF, Role::StateOn),
        ConsoleGlyph::Connecting => (glyphs::PENDING, Role::StatePending),
        ConsoleGlyph::Busy => (glyphs::FAILED, Role::StateUnknown),
        ConsoleGlyph::Closed => (glyphs::FAILED, Role::StateFailed),
        ConsoleGlyph::Detached => (glyphs::OFF, Role::Dim),
    };
    let (unseen, role) = if cell.unseen { ("+", Role::FrameUnseen) } else { ("", role) };
    text(format!("{glyph} {} {}{unseen}", cell.transport, cell.number), role)
}

fn note(state: &State, row: &NodeRow) -> CellText {
    text(view::note(row, &state.keys, state.now, state.utc_offset), Role::Text)
}
