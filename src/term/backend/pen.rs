//! Colours and attributes as SGR (ECMA-48 8.3.117). Pure; called by the backend.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use std::io::Write;

/// How many colours the outer terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorDepth {
    /// 24 bits.
    True,
    /// The palette of 256.
    C256,
    /// The terminal's own 16.
    C16,
    /// None: attributes only.
    Mono,
}

impl ColorDepth {
    /// The nearest colour there is; the terminal's own 16 always come out as `Indexed`.
    pub(super) fn reduce(self, color: Color) -> Color {
        let color = named(color);
        match (self, color) {
            (_, Color::Reset) | (ColorDepth::Mono, _) => Color::Reset,
            (ColorDepth::True, _) | (_, Color::Indexed(0..=15)) | (ColorDepth::C256, Color::Indexed(_)) => {
                color
            }
            (ColorDepth::C256, Color::Rgb(r, g, b)) => Color::Indexed(nearest(16..=255, (r, g, b))),
            (ColorDepth::C16, Color::Rgb(r, g, b)) => Color::Indexed(nearest(0..=15, (r, g, b))),
            (ColorDepth::C16, Color::Indexed(index)) => Color::Indexed(nearest(0..=15, palette(index))),
            _ => Color::Reset,
        }
    }
}

fn named(color: Color) -> Color {
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

/// xterm's palette.
fn palette(index: u8) -> (u8, u8, u8) {
    const OWN: [(u8, u8, u8); 16] = [
        (0, 0, 0),
        (205, 0, 0),
        (0, 205, 0),
        (205, 205, 0),
        (0, 0, 238),
        (205, 0, 205),
        (0, 205, 205),
        (229, 229, 229),
        (127, 127, 127),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (92, 92, 255),
        (255, 0, 255),
        (0, 255, 255),
        (255, 255, 255),
    ];
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match index {
        0..=15 => OWN[usize::from(index)],
        16..=231 => {
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232..=255 => {
            let gray = 8 + 10 * (index - 232);
            (gray, gray, gray)
        }
    }
}

fn nearest(among: std::ops::RangeInclusive<u8>, (r, g, b): (u8, u8, u8)) -> u8 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    among
        .min_by_key(|&index| {
            let (pr, pg, pb) = palette(index);
            // The eye sees green best.
            2 * square(r, pr) + 4 * square(g, pg) + 3 * square(b, pb)
        })
        .unwrap_or(0)
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
    fn colours_come_down_to_what_there_is() {
        let orange = Color::Rgb(255, 135, 0);
        assert_eq!(ColorDepth::True.reduce(orange), orange);
        assert_eq!(ColorDepth::C256.reduce(orange), Color::Indexed(208));
        assert_eq!(ColorDepth::C16.reduce(Color::Rgb(250, 10, 10)), Color::Indexed(9));
        assert_eq!(ColorDepth::C16.reduce(Color::Indexed(46)), Color::Indexed(10));
        assert_eq!(ColorDepth::C16.reduce(Color::Cyan), Color::Indexed(6));
        assert_eq!(ColorDepth::Mono.reduce(Color::Red), Color::Reset);
        assert_eq!(ColorDepth::C16.reduce(Color::Reset), Color::Reset);
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
