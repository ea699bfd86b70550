//! A line being edited.

use crate::app::Area;
use crate::app::state::Input;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, columns};

/// The sign, the text around its cursor, the terminal's cursor in it.
///
/// ```text
/// /state:off_
/// ```
pub(in crate::ui) fn draw(canvas: &mut Canvas<'_>, area: Area, sign: &str, input: &Input, focused: bool) {
    let sign_style = canvas.style(Role::HintKey);
    let style = canvas.style(Role::Input);
    canvas.fill(area, style);
    let start = canvas.put(area.x, area.y, area.width, sign, sign_style);
    let room = usize::from(area.width.saturating_sub(start));
    if room == 0 {
        return;
    }
    // The text is shifted as a whole until the cursor, which may stand behind it, is visible.
    let chars: Vec<char> = input.text.chars().collect();
    let mut first = 0;
    let before = |first: usize| {
        chars[first..input.cursor.min(chars.len())].iter().map(|ch| columns(*ch)).sum::<usize>()
    };
    while before(first) >= room {
        first += 1;
    }
    let shown: String = chars[first..].iter().collect();
    let offset = u16::try_from(before(first)).unwrap_or(0);
    let x = area.x + start;
    canvas.put(x, area.y, area.width - start, &shown, style);
    if focused {
        canvas.set_cursor(x + offset, area.y);
    }
}
