//! Whether a theme can be read: the contrast of every role on every ground that it is drawn on, by the
//! formula of WCAG 2 (relative luminance, contrast ratio).
//!
//! Called by `load` for the operators' own themes; the tests hold the embedded ones to it.

use super::{Role, rgb};
use ratatui::style::{Color, Style};

/// Which contrast is enough.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    /// For what must be read.
    text: f64,
    /// For what only leads the eye: dimmed text, frames.
    faint: f64,
}

/// What WCAG 2.1 asks for at level AA: 1.4.3 for text, 1.4.11 for what is no text.
pub(super) const USUAL: Needs = Needs { text: 4.5, faint: 3.0 };

/// Level AAA (1.4.6), for everything.
#[cfg(test)]
pub(super) const HIGH: Needs = Needs { text: 7.0, faint: 7.0 };

/// A role that is hard to read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub(super) role: Role,
    /// What lies under it, or is laid over it, where it is hardest to read.
    pub(super) on: Role,
    /// From 1 to 21.
    pub(super) ratio: f64,
    pub(super) need: f64,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Fault { role, on, ratio, need } = self;
        write!(f, "role \"{}\" is hard to read", role.name())?;
        if on != role {
            write!(f, " on \"{}\"", on.name())?;
        }
        // Rounded down: 4.49 is not 4.5.
        write!(f, ": contrast {:.1}, {need:.1} is needed", (ratio * 10.0).floor() / 10.0)
    }
}

/// Every role that is hard to read, once, where it is worst. Styles by the number of their role. What is
/// drawn in the terminal's own foreground or background is left out: nobody knows those.
pub(super) fn faults(styles: &[Style], needs: Needs) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for (mut role, layers) in drawn() {
        // A cursor with a foreground of its own hides those of the roles below it.
        let top = layers.last().copied().filter(|top| is_cursor(*top) && styles[*top as usize].fg.is_some());
        role = top.unwrap_or(role);
        let look = layers.iter().fold(Style::default(), |under, layer| under.patch(styles[*layer as usize]));
        let need = if is_faint(role) { needs.faint } else { needs.text };
        let Some(ratio) = contrast(look).filter(|ratio| *ratio < need) else {
            continue;
        };
        let under = layers.into_iter().rev().find(|layer| *layer != role);
        let on = under.filter(|_| top.is_none()).unwrap_or(role);
        match faults.iter_mut().find(|fault| fault.role == role) {
            Some(known) if known.ratio <= ratio => {}
            Some(known) => *known = Fault { role, on, ratio, need },
            None => faults.push(Fault { role, on, ratio, need }),
        }
    }
    faults
}

/// Contrast of a style's foreground and background; `None` if one of them is the terminal's own.
fn contrast(look: Style) -> Option<f64> {
    Some(ratio(rgb(look.fg.unwrap_or(Color::Reset))?, rgb(look.bg.unwrap_or(Color::Reset))?))
}

/// Contrast ratio of two colours, 1 to 21.
pub(super) fn ratio(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// An sRGB channel as light, 0 to 1 (IEC 61966-2-1).
pub(super) fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn is_cursor(role: Role) -> bool {
    matches!(role, Role::RowCursor | Role::RowCursorBlur | Role::MenuCursor)
}

fn is_faint(role: Role) -> bool {
    matches!(role, Role::Dim | Role::Frame | Role::MenuDisabled | Role::Stale)
}

/// Every role with the layers that make its look, as `ui` lays them: the screen, what lies on it, the
/// role, the cursor's row.
fn drawn() -> Vec<(Role, Vec<Role>)> {
    let mut drawn = Vec::new();
    for role in Role::ALL.iter().copied() {
        let (grounds, cursors): (&[Role], &[Role]) = match role {
            Role::Text | Role::StateOn | Role::StateOff | Role::StateUnknown | Role::StateFailed => {
                (&[Role::Text, Role::Title, Role::Dialog], &[Role::RowCursor, Role::RowCursorBlur])
            }
            Role::Dim => {
                (&[Role::Text, Role::Dialog], &[Role::RowCursor, Role::RowCursorBlur, Role::MenuCursor])
            }
            Role::StatePending | Role::RowMarked | Role::FrameUnseen => {
                (&[Role::Text, Role::Title, Role::Dialog], &[Role::RowCursor, Role::RowCursorBlur])
            }
            Role::HintKey => (&[Role::Text, Role::Dialog], &[Role::MenuCursor]),
            // In the title: what the filter passes.
            Role::NoticeWarn => (&[Role::Text, Role::Title, Role::Dialog], &[]),
            Role::Header | Role::NoticeInfo | Role::NoticeError | Role::HintText | Role::Input => {
                (&[Role::Text, Role::Dialog], &[])
            }
            Role::Menu | Role::MenuDisabled => (&[Role::Dialog], &[Role::MenuCursor]),
            Role::Dialog | Role::DialogDanger | Role::DialogButton => (&[Role::Dialog], &[]),
            Role::TitleReadOnly => (&[Role::Title], &[]),
            Role::Title
            | Role::Frame
            | Role::FrameFocus
            | Role::Banner
            | Role::Selection
            | Role::Match
            | Role::Stale => (&[Role::Text], &[]),
            // Only ever laid over others.
            Role::RowCursor | Role::RowCursorBlur | Role::MenuCursor => (&[], &[]),
        };
        for ground in grounds {
            // Ordinary text is the ground's own.
            let above = Some(role).filter(|role| *role != Role::Text);
            drawn.push((role, [Role::Text, *ground].into_iter().chain(above).collect()));
        }
        for cursor in cursors {
            let ground = if *cursor == Role::MenuCursor { Role::Dialog } else { Role::Text };
            drawn.push((role, vec![Role::Text, ground, role, *cursor]));
        }
    }
    drawn
}

#[cfg(test)]
mod tests;
