//! Durations, sizes and key spellings as they are written in the file. Pure.

use std::time::Duration;

/// Longest duration that makes sense anywhere here; guards the clock arithmetic of others.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Reads `500ms`, `30s`, `2m`, `1h`.
///
/// # Errors
/// What is expected.
pub fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or("a duration needs its unit: ms, s, m or h")?;
    let (number, unit) = text.split_at(split);
    let millis: u64 = match unit.trim() {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a duration is a whole number and a unit: ms, s, m or h".into()),
    };
    let number: u64 =
        number.parse().map_err(|_| "a duration is a whole number and a unit: ms, s, m or h".to_owned())?;
    let duration = Duration::from_millis(number.saturating_mul(millis));
    if duration > LONGEST {
        return Err("longer than seven days".into());
    }
    Ok(duration)
}

/// Writes what [`duration`] reads, in the largest unit that is exact.
pub(super) fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if millis > 0 && millis.is_multiple_of(size) {
            return format!("{}{unit}", millis / size);
        }
    }
    format!("{millis}ms")
}

/// Reads `10MB`, `512kB`, `1GiB` and plain bytes.
///
/// # Errors
/// What is expected.
pub(super) fn size(text: &str) -> Result<u64, String> {
    const EXPECTED: &str = "a size is a whole number and a unit: kB, MB, GB, KiB, MiB or GiB";
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "k" => 1000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(EXPECTED.into()),
    };
    let number: u64 = number.parse().map_err(|_| EXPECTED.to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "too large".into())
}

/// Writes what [`size`] reads.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, size) in [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)] {
        if bytes > 0 && bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes / size);
        }
    }
    format!("{bytes}B")
}

/// Reads a console's size, `80x25`: 2x1 to 240x67.
///
/// # Errors
/// What is expected.
pub(super) fn screen_size(text: &str) -> Result<(u16, u16), String> {
    const EXPECTED: &str = "a console's size is columns x rows, from 2x1 to 240x67";
    let (columns, rows) = text.split_once('x').ok_or(EXPECTED)?;
    let number = |text: &str| text.trim().parse::<u16>().map_err(|_| EXPECTED.to_owned());
    let (columns, rows) = (number(columns)?, number(rows)?);
    if (2..=240).contains(&columns) && (1..=67).contains(&rows) {
        Ok((columns, rows))
    } else {
        Err(EXPECTED.into())
    }
}

/// Checks the spelling of a prefix: `ctrl-]`, `ctrl-e c`. The first key is a control key, for a plain one
/// could not be typed into the node any more; those that are Escape, Tab and Enter belong to the node.
///
/// # Errors
/// What is expected.
pub(super) fn prefix(text: &str) -> Result<(), String> {
    let keys: Vec<&str> = text.split_whitespace().collect();
    let control = |key: &str| {
        let letter = key.to_ascii_lowercase();
        let letter = letter.strip_prefix("ctrl-").and_then(|rest| {
            let mut chars = rest.chars();
            chars.next().filter(|_| chars.next().is_none())
        });
        match letter {
            Some('i' | 'j' | 'm' | '[') => {
                Err(format!("{key} is Tab, Enter or Escape, which belong to the node"))
            }
            Some('a'..='z' | ']' | '\\' | '^' | '_') => Ok(true),
            _ => Ok(false),
        }
    };
    let plain = |key: &str| key.chars().count() == 1 && key.chars().all(|c| c.is_ascii_graphic());
    let known = match keys.as_slice() {
        [first] => control(first)?,
        [first, second] => control(first)? && (plain(second) || control(second)?),
        _ => false,
    };
    if known {
        Ok(())
    } else {
        Err("a prefix is a control key, and one more key if wanted: \"ctrl-]\", \"ctrl-e c\"".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("2 m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        for text in ["", "30", "s", "-1s", "1.5s", "30sec", "99999999999999999999h", "8000h"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["0ms", "500ms", "30s", "10m", "90s", "1h"] {
            assert_eq!(show_duration(duration(text).expect(text)), text);
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("10MB"), Ok(10_000_000));
        assert_eq!(size("1 MiB"), Ok(1 << 20));
        assert_eq!(size("512"), Ok(512));
        for text in ["", "MB", "10XB", "-1", "99999999999GB"] {
            assert!(size(text).is_err(), "{text}");
        }
        assert_eq!(show_size(10_000_000), "10MB");
        assert_eq!(size(&show_size(1 << 20)), Ok(1 << 20));
    }

    #[test]
    fn console_sizes() {
        assert_eq!(screen_size("80x25"), Ok((80, 25)));
        assert_eq!(screen_size("2x1"), Ok((2, 1)));
        assert_eq!(screen_size("240x67"), Ok((240, 67)));
        for text in ["80", "80x", "1x1", "2x0", "241x25", "80x68", "80x25x1", "axb"] {
            assert!(screen_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prefixes() {
        for text in ["ctrl-]", "ctrl-e c", "Ctrl-A", "ctrl-\\", "ctrl-e ctrl-e"] {
            assert_eq!(prefix(text), Ok(()), "{text}");
        }
        for text in
            ["", " ", "e", "ctrl-", "ctrl-]]", "ctrl-e c .", "alt-x", "ctrl-m", "ctrl-[", "ctrl-e esc"]
        {
            assert!(prefix(text).is_err(), "{text}");
        }
    }
}
