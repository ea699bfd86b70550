//! A confirmation. Cancel has the focus.
//!
//! ```text
//! ┌ power off 4 nodes? ──────────────────────────┐
//! │ nodes     r1n[01-04]                         │
//! │ on now    3 of 4                             │
//! │ consoles  1 open                             │
//! │ sends     chassis power off                  │
//! │                                              │
//! │ type 4, then enter: _                        │
//! │ [ Cancel ]                                   │
//! └──────────────────────────────────────────────┘
//! ```

use super::{Line, boxed, input, text_width};
use crate::app::state::{Confirm, ConfirmLevel, Question};
use crate::app::{Area, Key, KeyCode, Spot, State};
use crate::fleet::{NodeId, Verb};
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::words::{count, wrap};

/// Columns of the labels.
const LABEL: u16 = 10;

/// Lines that the folded names take at most.
const NAME_LINES: usize = 3;

/// Lines that the command takes at most.
const COMMAND_LINES: usize = 6;

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, confirm: &Confirm) {
    let width = text_width(state);
    let title = title(state, confirm);
    let room = usize::from(width.saturating_sub(LABEL)).max(8);
    let mut rows: Vec<(String, String, Role)> = Vec::new();
    for line in facts(state, confirm) {
        let mut label = line.label;
        let limit = if label == "nodes" { NAME_LINES } else { COMMAND_LINES };
        let mut parts = wrap(&line.text, room);
        if parts.len() > limit {
            parts.truncate(limit);
            if let Some(last) = parts.last_mut() {
                last.push('…');
            }
        }
        for part in parts {
            rows.push((std::mem::take(&mut label), part, line.role));
        }
    }
    // A blank line, then what is typed, then the button.
    let below = match confirm.level {
        ConfirmLevel::Key => 2,
        ConfirmLevel::Typed { .. } => 3,
    };
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(below);
    let area = boxed(canvas, state, (width, height), &title, "", Role::DialogDanger);
    // On a low screen the facts give way: what is asked and how to answer always stays.
    let facts = area.height.saturating_sub(2);
    let label_style = canvas.style(Role::Dim);
    for (y, (label, text, role)) in (area.y..area.y + facts).zip(rows) {
        let style = canvas.style(role);
        canvas.put(area.x, y, LABEL.min(area.width), &label, label_style);
        canvas.put(area.x + LABEL, y, area.width.saturating_sub(LABEL), &text, style);
    }
    answer(canvas, confirm, area);
}

fn title(state: &State, confirm: &Confirm) -> String {
    match &confirm.what {
        Question::Verb(verb) => match confirm.targets.as_slice() {
            [node] => format!("{} {}?", verb.words(), state.name(*node)),
            many => format!("{} {}?", verb.words(), count(many.len(), "node")),
        },
        Question::Steal { .. } => format!("take the console of {}?", confirm.folded),
        Question::Several { consoles } => format!("type into {}?", count(consoles.len(), "console")),
        Question::Quit { .. } => "quit lightsout?".to_owned(),
    }
}

fn facts(state: &State, confirm: &Confirm) -> Vec<Line> {
    if let Question::Quit { sessions, pending, queued } = confirm.what {
        let mut lines = Vec::new();
        if sessions > 0 {
            lines.push(Line::new("consoles", format!("{} will be detached", count(sessions, "session"))));
        }
        if pending > 0 {
            let text = format!("{} pending: already sent, no longer watched", count(pending, "verb"));
            lines.push(Line::new("verbs", text).role(Role::NoticeWarn));
        }
        if queued > 0 {
            let text = format!("{} not sent yet: will be cancelled", count(queued, "verb"));
            lines.push(Line::new("", text).role(Role::NoticeWarn));
        }
        return lines;
    }
    if let Question::Steal { holder, .. } = &confirm.what {
        let holder = holder.as_deref().unwrap_or("another session");
        return vec![
            Line::new("held by", holder),
            Line::new("", "they lose it at once, in the middle of whatever they do").role(Role::NoticeWarn),
        ];
    }
    if let Question::Several { .. } = &confirm.what {
        let end = state.after_prefix("type into several");
        let mut lines = vec![
            Line::new("nodes", confirm.folded.clone()),
            Line::new("", format!("every key and every paste goes to all of them until {end}"))
                .role(Role::NoticeWarn),
        ];
        if confirm.protected > 0 {
            lines.push(Line::new("protected", count(confirm.protected, "node")).role(Role::NoticeWarn));
        }
        return lines;
    }
    let total = confirm.targets.len();
    let mut lines = vec![Line::new("nodes", confirm.folded.clone())];
    let frees = confirm.what == Question::Verb(Verb::FreeSol);
    if frees {
        lines.extend(holders(state, confirm));
    } else {
        let unknown = match confirm.unknown {
            0 => String::new(),
            count => format!(", {count} not known"),
        };
        lines.push(Line::new("on now", format!("{} of {total}{unknown}", confirm.on)));
    }
    if confirm.consoles > 0 && frees {
        let text = format!("{} here, which will be closed", count(confirm.consoles, "console"));
        lines.push(Line::new("ours", text).role(Role::NoticeWarn));
    } else if confirm.consoles > 0 {
        lines.push(Line::new("consoles", format!("{} open", confirm.consoles)));
    }
    if confirm.protected > 0 {
        lines.push(Line::new("protected", count(confirm.protected, "node")).role(Role::NoticeWarn));
    }
    if confirm.hidden > 0 {
        let text = format!("{} hidden by the filter", count(confirm.hidden, "marked node"));
        lines.push(Line::new("hidden", text).role(Role::NoticeWarn));
    }
    let command = confirm.command.as_deref().unwrap_or("…");
    lines.push(Line::new("sends", command).role(Role::Dim));
    // What is described is the first one's.
    if total > 1 {
        let others = count(total - 1, "other node");
        lines.push(Line::new("", format!("and likewise to the {others}")).role(Role::Dim));
    }
    lines
}

/// Who holds the SOLs, folded; asked when the question was opened.
fn holders(state: &State, confirm: &Confirm) -> Vec<Line> {
    let Some(holders) = &confirm.holders else { return Vec::new() };
    let mut told: Vec<(&str, Vec<NodeId>)> = Vec::new();
    for (node, text) in &holders.told {
        match told.iter_mut().find(|(other, _)| other == text) {
            Some((_, nodes)) => nodes.push(*node),
            None => told.push((text, vec![*node])),
        }
    }
    let several = confirm.targets.len() > 1;
    let mut lines: Vec<Line> = told
        .into_iter()
        .map(
            |(text, nodes)| {
                if several { format!("{}: {text}", state.folded(&nodes)) } else { text.to_owned() }
            },
        )
        .map(|text| Line::new("held by", text))
        .collect();
    if holders.told.len() < confirm.targets.len() {
        lines.push(Line::new("held by", "(the BMC is being asked)").role(Role::Dim));
    }
    lines
}

/// How to say yes, and the button that says no.
fn answer(canvas: &mut Canvas<'_>, confirm: &Confirm, area: Area) {
    if area.height == 0 {
        return;
    }
    let last = area.y + area.height - 1;
    let button = canvas.style(Role::DialogButton);
    let danger = canvas.style(Role::DialogDanger);
    let cancel = " Cancel ";
    let used = canvas.put(area.x, last, area.width, &format!("[{cancel}]"), button);
    // Esc, not enter: where a word is asked for, enter may mean yes.
    canvas.spot(Area { y: last, width: used, height: 1, ..area }, Spot::Button(Key::plain(KeyCode::Esc)));
    let rest = area.width.saturating_sub(used + 2);
    let asked = Area { y: last.saturating_sub(1).max(area.y), height: 1, ..area };
    match &confirm.level {
        ConfirmLevel::Key => {
            let yes = match &confirm.what {
                Question::Verb(verb) => format!("y  {}", verb.words()),
                Question::Steal { .. } => "y  take it".to_owned(),
                Question::Several { .. } => "y  type into all".to_owned(),
                Question::Quit { .. } => "y  quit".to_owned(),
            };
            let x = area.x + used + 2;
            let width = canvas.put(x, last, rest, &yes, danger);
            canvas.spot(Area { x, y: last, width, height: 1 }, Spot::Button(Key::char('y')));
        }
        ConfirmLevel::Typed { word, input: typed } => {
            let label = format!("type {word}, then enter: ");
            let used = canvas.put(asked.x, asked.y, asked.width, &label, danger);
            let line = Area { x: asked.x + used, width: asked.width.saturating_sub(used), ..asked };
            input::draw(canvas, line, "", typed, true);
        }
    }
    if let Some(error) = &confirm.error {
        let style = canvas.style(Role::NoticeError);
        let taken = match confirm.level {
            // Behind the button the word's answer leaves room; `y` stands there otherwise.
            ConfirmLevel::Typed { .. } => (area.x + used + 2, last, rest),
            ConfirmLevel::Key => (asked.x, asked.y, asked.width),
        };
        canvas.put(taken.0, taken.1, taken.2, error, style);
    }
}
