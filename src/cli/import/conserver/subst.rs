//! `devicesubst`, `execsubst` and `udssubst` of conserver.cf(5): `c=t[n]f,..` replaces a character. Pure.

/// What may stand for a character.
pub struct Values<'v> {
    pub console: &'v str,
    pub host: &'v str,
    pub replacement: &'v str,
    pub baud: Option<i64>,
    pub port: Option<i64>,
    /// `portbase + portinc * port`.
    pub calculated: Option<i64>,
}

/// Widest field; a typing mistake must not fill the memory.
const WIDEST: usize = 64;

/// Replaces in `text` what `rules` say.
///
/// # Errors
/// A rule that cannot be read, a number that is not set.
pub fn apply(text: &str, rules: &str, values: &Values<'_>) -> Result<String, String> {
    let mut replacements: Vec<(char, String)> = Vec::new();
    for rule in rules.split(',') {
        replacements.push(one(rule.trim(), values)?);
    }
    let replace = |c: char| match replacements.iter().find(|(from, _)| *from == c) {
        Some((_, to)) => to.clone(),
        None => c.to_string(),
    };
    Ok(text.chars().map(replace).collect())
}

fn one(rule: &str, values: &Values<'_>) -> Result<(char, String), String> {
    let wrong = || "a substitution is written c=t[n]f, such as &=cs or #=Pd".to_owned();
    let mut chars = rule.chars();
    let (from, equals, what) = (chars.next(), chars.next(), chars.next());
    let (Some(from), Some('='), Some(what), Some(form)) = (from, equals, what, chars.next_back()) else {
        return Err(wrong());
    };
    let field = chars.as_str();
    let width: usize = if field.is_empty() { 0 } else { field.parse().map_err(|_| wrong())? };
    if width > WIDEST {
        return Err(wrong());
    }
    let text = match what {
        'c' => Some(values.console),
        'h' => Some(values.host),
        'r' => Some(values.replacement),
        _ => None,
    };
    if let Some(text) = text {
        return if form == 's' { Ok((from, format!("{text:>width$}"))) } else { Err(wrong()) };
    }
    let number = match what {
        'b' => values.baud,
        'p' => values.port,
        'P' => values.calculated,
        _ => return Err(wrong()),
    };
    let number = number.ok_or("the number that it stands for is not set")?;
    let number = u64::try_from(number).map_err(|_| "the number that it stands for is below 0")?;
    let digits = match form {
        'd' => in_base(number, 10),
        'x' => in_base(number, 16),
        'X' => in_base(number, 16).to_uppercase(),
        'a' => in_base(number, 36),
        'A' => in_base(number, 36).to_uppercase(),
        _ => return Err(wrong()),
    };
    let padded =
        if field.starts_with('0') { format!("{digits:0>width$}") } else { format!("{digits:>width$}") };
    Ok((from, padded))
}

fn in_base(mut number: u64, base: u32) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = (number % u64::from(base)) as u32;
        digits.push(char::from_digit(digit, base).expect("a digit below its base"));
        number /= u64::from(base);
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}
