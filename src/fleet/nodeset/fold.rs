//! Names to hostlist notation.
//!
//! A name is text with numbers in it. Names whose text is the same are a set of points, one axis a
//! number. Points that differ in one axis only are merged into blocks, axis by axis, from the right and
//! from the left; the shorter result is kept. (The very shortest cover is a hard problem that nobody needs.)

use crate::fleet::sort::natural;
use std::collections::BTreeMap;

/// Digits of the longest number that is folded; longer ones (serial numbers) stay text.
const MAX_DIGITS: usize = 18;

/// A number as written: its length first, so that sorting keeps what is padded alike together.
type Digits = (usize, u64);
/// One set of numbers an axis.
type Block = Vec<Vec<Digits>>;

pub(super) fn fold<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable_by(|a, b| natural(a, b));
    names.dedup();
    // Keyed by text, in order of each group's first name.
    let mut order: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    let mut groups: Vec<(Vec<&str>, Vec<Block>)> = Vec::new();
    for name in names {
        let (texts, numbers) = split(name);
        let point = numbers.into_iter().map(|number| vec![number]).collect();
        let at = *order.entry(texts.clone()).or_insert_with(|| {
            groups.push((texts, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(point);
    }
    let mut pieces = Vec::new();
    for (texts, points) in groups {
        let axes = texts.len() - 1;
        let right = write(&texts, merge(points.clone(), (0..axes).rev()));
        let left = write(&texts, merge(points, 0..axes));
        let length = |list: &[String]| list.iter().map(|piece| piece.len() + 1).sum::<usize>();
        pieces.extend(if length(&left) < length(&right) { left } else { right });
    }
    pieces.join(",")
}

/// The texts around the numbers (one more than numbers) and the numbers.
fn split(name: &str) -> (Vec<&str>, Vec<Digits>) {
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    let (mut text_start, mut at) = (0, 0);
    let bytes = name.as_bytes();
    while at < bytes.len() {
        let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            at += 1;
            continue;
        }
        if digits <= MAX_DIGITS
            && let Ok(number) = name[at..at + digits].parse()
        {
            texts.push(&name[text_start..at]);
            numbers.push((digits, number));
            text_start = at + digits;
        }
        at += digits;
    }
    texts.push(&name[text_start..]);
    (texts, numbers)
}

/// Merges blocks that are equal in all axes but one, for each axis of `axes` in turn. Keeps the order of
/// first appearance.
fn merge(mut blocks: Vec<Block>, axes: impl Iterator<Item = usize>) -> Vec<Block> {
    for axis in axes {
        let mut seen: BTreeMap<Block, usize> = BTreeMap::new();
        let mut merged: Vec<Block> = Vec::new();
        for mut one in blocks {
            let numbers = std::mem::take(&mut one[axis]);
            let at = *seen.entry(one.clone()).or_insert_with(|| {
                merged.push(one);
                merged.len() - 1
            });
            merged[at][axis].extend(numbers);
        }
        for one in &mut merged {
            one[axis].sort_unstable();
        }
        blocks = merged;
    }
    blocks
}

fn write(texts: &[&str], blocks: Vec<Block>) -> Vec<String> {
    blocks
        .into_iter()
        .map(|axes| {
            let mut out = texts[0].to_owned();
            for (numbers, text) in axes.iter().zip(&texts[1..]) {
                match numbers.as_slice() {
                    [(width, number)] => out.push_str(&format!("{number:0width$}")),
                    _ => write_ranges(numbers, &mut out),
                }
                out.push_str(text);
            }
            out
        })
        .collect()
}

fn write_ranges(numbers: &[Digits], out: &mut String) {
    out.push('[');
    let mut at = 0;
    while at < numbers.len() {
        let (width, first) = numbers[at];
        let mut end = at;
        // The next of a range has the start's width, or grows past it: 08, 09, 10 and 99, 100.
        while let Some(&(next_width, next)) = numbers.get(end + 1)
            && next == numbers[end].1 + 1
            && next_width == width.max(next.to_string().len())
        {
            end += 1;
        }
        if at > 0 {
            out.push(',');
        }
        out.push_str(&format!("{first:0width$}"));
        if end > at {
            let last = numbers[end].1;
            out.push_str(&format!("-{last:0width$}"));
        }
        at = end + 1;
    }
    out.push(']');
}
