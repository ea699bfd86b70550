//! Colours and attributes as SGR (ECMA-48 8.3.117). Pure; called by the backend. What the terminal can show
//! of a colour was decided by who drew it.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use std::io::Write;

/// The terminal's own 16 by their numbers, so that equal colours are equal.
pub(super) fn named(color: Color) -> Color {
    Color::Indexed(match color {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        other => return other,
    })
}

/// What the terminal prints with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen {
    pub(super) fg: Color,
    pub(super) bg: Color,
    pub(super) modifier: Modifier,
}

impl Pen {
    pub(super) const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

    pub(super) fn of(cell: &Cell) -> Pen {
        Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }

    /// Writes the shortest sequence that turns this pen into `to`.
    pub(super) fn change(&mut self, to: Pen, out: &mut Vec<u8>) {
        if *self == to {
            return;
        }
        let from_here = self.codes(to);
        let mut from_plain = Pen::PLAIN.codes(to);
        if !from_plain.is_empty() {
            from_plain.insert(0, ';');
        }
        // `ESC[m` and `ESC[;1m` are `ESC[0m` and `ESC[0;1m`.
        let codes = if from_plain.len() < from_here.len() { from_plain } else { from_here };
        // Writing to memory cannot fail.
        let _ = write!(out, "\x1b[{codes}m");
        *self = to;
    }

    fn codes(self, to: Pen) -> String {
        let mut codes = String::new();
        let mut add = |code: &str| {
            if !codes.is_empty() {
                codes.push(';');
            }
            codes.push_str(code);
        };
        let removed = self.modifier - to.modifier;
        let mut added = to.modifier - self.modifier;
        let weight = Modifier::BOLD | Modifier::DIM;
        if removed.intersects(weight) {
            add("22");
            added |= to.modifier & weight;
        }
        let blink = Modifier::SLOW_BLINK | Modifier::RAPID_BLINK;
        if removed.intersects(blink) {
            add("25");
            added |= to.modifier & blink;
        }
        for (modifier, off) in [
            (Modifier::ITALIC, "23"),
            (Modifier::UNDERLINED, "24"),
            (Modifier::REVERSED, "27"),
            (Modifier::HIDDEN, "28"),
            (Modifier::CROSSED_OUT, "29"),
        ] {
            if removed.contains(modifier) {
                add(off);
            }
        }
        for (modifier, on) in [
            (Modifier::BOLD, "1"),
            (Modifier::DIM, "2"),
            (Modifier::ITALIC, "3"),
            (Modifier::UNDERLINED, "4"),
            (Modifier::SLOW_BLINK, "5"),
            (Modifier::RAPID_BLINK, "6"),
            (Modifier::REVERSED, "7"),
            (Modifier::HIDDEN, "8"),
            (Modifier::CROSSED_OUT, "9"),
        ] {
            if added.contains(modifier) {
                add(on);
            }
        }
        if self.fg != to.fg {
            add(&color(to.fg, 30));
        }
        if self.bg != to.bg {
            add(&color(to.bg, 40));
        }
        codes
    }
}

fn color(color: Color, base: u16) -> String {
    match color {
        Color::Indexed(index @ 0..=7) => (base + u16::from(index)).to_string(),
        Color::Indexed(index @ 8..=15) => (base + 52 + u16::from(index)).to_string(),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
        _ => (base + 9).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_by_name_is_one_of_the_terminals_own() {
        assert_eq!(named(Color::LightCyan), Color::Indexed(14));
        for other in [Color::Reset, Color::Indexed(200), Color::Rgb(1, 2, 3)] {
            assert_eq!(named(other), other);
        }
    }

    #[test]
    fn changes_are_short() {
        let sgr = |from: Pen, to: Pen| {
            let mut out = Vec::new();
            let mut pen = from;
            pen.change(to, &mut out);
            assert_eq!(pen, to);
            String::from_utf8(out).unwrap()
        };
        let red = Pen { fg: Color::Indexed(1), ..Pen::PLAIN };
        let bold = Pen { modifier: Modifier::BOLD, ..red };
        let dim = Pen { modifier: Modifier::DIM, ..red };
        let all = Pen { bg: Color::Indexed(12), modifier: Modifier::all(), ..red };
        assert_eq!(sgr(red, red), "");
        assert_eq!(sgr(red, Pen::PLAIN), "\x1b[m");
        assert_eq!(sgr(Pen::PLAIN, red), "\x1b[31m");
        assert_eq!(sgr(red, bold), "\x1b[1m");
        assert_eq!(sgr(bold, dim), "\x1b[22;2m");
        assert_eq!(sgr(all, red), "\x1b[;31m");
        assert_eq!(sgr(red, Pen { bg: Color::Indexed(12), ..red }), "\x1b[104m");
    }
}
