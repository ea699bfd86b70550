//! Finds what has scrolled: rows of the new picture that stand on the screen a few rows further.
//! Pure; called by the backend.

use ratatui::buffer::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// Bytes that a scroll costs at most, beside the rows it uncovers.
const COST: usize = 24;

/// A scroll of full-width rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scroll {
    /// The rows that take part.
    pub(super) rows: Range<usize>,
    /// By how many.
    pub(super) by: usize,
    /// Towards the top.
    pub(super) up: bool,
}

impl Scroll {
    /// Does to the model what the terminal will do.
    pub(super) fn apply(&self, cells: &mut [Cell], cols: usize) {
        let rows = &mut cells[self.rows.start * cols..self.rows.end * cols];
        let shift = self.by * cols;
        let kept = rows.len() - shift;
        if self.up {
            rows.rotate_left(shift);
            rows[kept..].fill(Cell::EMPTY);
        } else {
            rows.rotate_right(shift);
            rows[..shift].fill(Cell::EMPTY);
        }
    }
}

/// The scroll that saves most, if any saves something.
pub(super) fn best(shown: &[Cell], next: &[Cell], cols: usize) -> Option<Scroll> {
    let changed =
        shown.chunks_exact(cols).zip(next.chunks_exact(cols)).filter(|(old, new)| old != new).count();
    if changed < 2 {
        return None;
    }
    let hash = |row: &[Cell]| {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        hasher.finish()
    };
    let old: Vec<u64> = shown.chunks_exact(cols).map(hash).collect();
    let new: Vec<u64> = next.chunks_exact(cols).map(hash).collect();
    let blank = vec![Cell::EMPTY; cols];
    // What it costs to draw each row over what is there, and over nothing.
    let over: Vec<usize> =
        shown.chunks_exact(cols).zip(next.chunks_exact(cols)).map(|(old, new)| cost(old, new)).collect();
    let fresh: Vec<usize> = next.chunks_exact(cols).map(|new| cost(&blank, new)).collect();
    let mut found: Option<(usize, Scroll)> = None;
    for by in 1..new.len() {
        for up in [true, false] {
            let matches = |at: usize| {
                let from = if up { at.checked_add(by) } else { at.checked_sub(by) };
                from.and_then(|from| old.get(from)).is_some_and(|hash| *hash == new[at])
            };
            let mut at = 0;
            while at < new.len() {
                let start = at;
                while at < new.len() && matches(at) {
                    at += 1;
                }
                if at > start {
                    let (rows, uncovered) =
                        if up { (start..at + by, at..at + by) } else { (start - by..at, start - by..start) };
                    let before: usize = over[rows.clone()].iter().sum();
                    let after = COST + fresh[uncovered].iter().sum::<usize>();
                    let saves = before.saturating_sub(after);
                    if saves > 0 && found.as_ref().is_none_or(|(most, _)| saves > *most) {
                        found = Some((saves, Scroll { rows, by, up }));
                    }
                }
                at += 1;
            }
        }
    }
    found.map(|(_, scroll)| scroll)
}

/// About how many bytes drawing a row takes.
fn cost(shown: &[Cell], next: &[Cell]) -> usize {
    let used = next.iter().rposition(|cell| *cell != Cell::EMPTY).map_or(0, |last| last + 1);
    let changed: usize = shown[..used]
        .iter()
        .zip(next)
        .filter(|(old, new)| old != new)
        .map(|(_, new)| new.symbol().len())
        .sum();
    let tail = if shown[used..].iter().any(|cell| *cell != Cell::EMPTY) { 3 } else { 0 };
    changed + tail + if changed + tail > 0 { 4 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::buffer::Buffer;

    fn lines(lines: &[&str]) -> (Vec<Cell>, usize) {
        let buffer = Buffer::with_lines(lines.iter().copied());
        (buffer.content, usize::from(buffer.area.width))
    }

    #[test]
    fn a_pane_between_fixed_rows_is_found() {
        let (old, cols) =
            lines(&["title fixed here", "first line of it", "second, longer..", "third, the last.", "foot"]);
        let (new, _) =
            lines(&["title fixed here", "second, longer..", "third, the last.", "a new one came..", "foot"]);
        let scroll = best(&old, &new, cols).unwrap();
        assert_eq!(scroll, Scroll { rows: 1..4, by: 1, up: true });
        let mut model = old.clone();
        scroll.apply(&mut model, cols);
        assert_eq!(model[cols..3 * cols], new[cols..3 * cols]);
        assert_eq!(best(&new, &old, cols), Some(Scroll { rows: 1..4, by: 1, up: false }));
        assert_eq!(best(&old, &old, cols), None);
    }

    #[test]
    fn little_changes_do_not_scroll() {
        let (old, cols) = lines(&["a", "b", "c"]);
        let (new, _) = lines(&["b", "c", "d"]);
        assert_eq!(best(&old, &new, cols), None);
    }
}
