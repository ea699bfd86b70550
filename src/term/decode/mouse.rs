//! Reports of the mouse as xterm numbers them (mode 1006): `ESC [ < BUTTON ; COLUMN ; ROW M`, `m` for a
//! release.
//!
//! Nothing that is typed begins so, and what is left of one would be typed into the node: a report that has
//! begun is therefore waited for as long as it takes, and known also when its head was given up as keys.

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button was pressed.
    Press,
    /// The wheel was turned away from the operator.
    WheelUp,
    /// The wheel was turned towards the operator.
    WheelDown,
}

/// A press or a notch of the wheel, without modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What it did.
    pub kind: MouseKind,
    /// Column, from 0.
    pub column: u16,
    /// Row, from 0.
    pub row: u16,
}

/// The most that is waited for behind `ESC [ <`.
const LONGEST: usize = 32;

/// How much of a report some bytes are.
pub(super) enum Report {
    /// They are none.
    No,
    /// So far they could become one.
    Begun,
    /// They begin with the head of one, so long, that does not go on as one.
    Broken(usize),
    /// They begin with one of this length; `None` for what means nothing here (releases, other buttons).
    Whole(usize, Option<Mouse>),
}

/// Looks at bytes that begin with `ESC [ <`, or with as much of it as there is.
pub(super) fn report(bytes: &[u8]) -> Report {
    let head = &b"\x1b[<"[..bytes.len().min(3)];
    if !bytes.starts_with(head) {
        return Report::No;
    }
    let body = bytes.get(3..).unwrap_or_default();
    match body.iter().take(LONGEST).position(|byte| !(byte.is_ascii_digit() || *byte == b';')) {
        None if body.len() < LONGEST => Report::Begun,
        None => Report::Broken(3 + LONGEST),
        Some(end) => match (numbers(&body[..end]), body[end]) {
            (Some(numbers), last @ (b'M' | b'm')) => {
                Report::Whole(3 + end + 1, meaning(numbers, last == b'M'))
            }
            _ => Report::Broken(3 + end),
        },
    }
}

fn numbers(text: &[u8]) -> Option<[u16; 3]> {
    let text = std::str::from_utf8(text).ok()?;
    let numbers: Result<Vec<u16>, _> = text.split(';').map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}

fn meaning([button, column, row]: [u16; 3], press: bool) -> Option<Mouse> {
    let kind = match (button, press) {
        (0, true) => MouseKind::Press,
        (64, true) => MouseKind::WheelUp,
        (65, true) => MouseKind::WheelDown,
        _ => return None,
    };
    Some(Mouse { kind, column: column.checked_sub(1)?, row: row.checked_sub(1)? })
}
