//! Pictures of a grid: the live screen, or a stretch of history. Pure; called by `emulator`.

use super::grid::Grid;
use super::{Cell, Frame};

/// More rows than any outer terminal shows; a bound for what a picture may cost.
const MOST_ROWS: u16 = 1000;

/// The live screen.
pub(super) fn live(grid: &Grid, seq: u64) -> Frame {
    let size = grid.size();
    let mut frame = lines(grid, grid.live_top(), size.rows, seq);
    frame.cursor = grid.cursor();
    frame.live = true;
    frame
}

/// `rows` lines from `top` on; `top` is moved so that as many as possible exist.
pub(super) fn frozen(grid: &Grid, top: u64, rows: u16, seq: u64) -> Frame {
    let rows = rows.min(MOST_ROWS);
    let end = grid.live_top() + u64::from(grid.size().rows);
    let top = top.min(end.saturating_sub(u64::from(rows))).max(grid.oldest());
    lines(grid, top, rows, seq)
}

fn lines(grid: &Grid, top: u64, rows: u16, seq: u64) -> Frame {
    let cols = grid.size().cols;
    let mut cells = Vec::with_capacity(usize::from(cols) * usize::from(rows));
    for row in 0..rows {
        let end = cells.len() + usize::from(cols);
        let number = top + u64::from(row);
        if grid.cells(number, &mut cells).is_none()
            && let Some(line) = grid.store.line(number)
        {
            line.cells(usize::from(cols), &mut cells);
        }
        cells.resize(end, Cell { ch: ' ', width: 1, ..Cell::default() });
    }
    Frame {
        cols,
        rows,
        cells,
        cursor: None,
        top,
        live: false,
        oldest: grid.oldest(),
        live_top: grid.live_top(),
        modes: grid.modes(),
        seq,
    }
}
