//! Lines of conman.conf: continued lines, comments, quotes, `key = value`. Pure.

use super::super::output::clean;
use super::super::{Remark, Spot};

/// `CONSOLE name="a" dev="b"`.
pub struct Directive {
    pub spot: Spot,
    /// In lower case.
    pub word: String,
    pub pairs: Vec<Pair>,
}

/// `key = value`.
pub struct Pair {
    pub spot: Spot,
    /// In lower case.
    pub key: String,
    pub value: String,
}

enum Token {
    Word(String),
    Text(String),
    Equals,
}

/// The directives that can be read; what cannot goes to `errors`.
pub fn directives(text: &str, errors: &mut Vec<Remark>) -> Vec<Directive> {
    let mut found = Vec::new();
    let mut tokens: Vec<(Spot, Token)> = Vec::new();
    let mut good = true;
    for (line, text) in (1..).zip(text.lines()) {
        let spot = Spot { line, ..Spot::default() };
        let (continued, result) = line_tokens(text, &spot, &mut tokens);
        if let Err(problem) = result {
            errors.push((spot, problem));
            good = false;
        }
        if !continued {
            let whole = std::mem::take(&mut tokens);
            // A line that could not be read whole would be told twice.
            if good {
                found.extend(directive(whole, errors));
            }
            good = true;
        }
    }
    if good {
        found.extend(directive(tokens, errors));
    }
    found
}

/// Adds the tokens of a line; also says whether the next line belongs to it.
fn line_tokens(text: &str, spot: &Spot, tokens: &mut Vec<(Spot, Token)>) -> (bool, Result<(), String>) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let token = match c {
            '#' => return (false, Ok(())),
            '\\' if chars.clone().all(char::is_whitespace) => return (true, Ok(())),
            '=' => Token::Equals,
            '"' | '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next() {
                        Some(end) if end == c => break,
                        Some(inner) => value.push(inner),
                        None => return (false, Err("a text has no closing quote".into())),
                    }
                }
                Token::Text(value)
            }
            c if c.is_whitespace() => continue,
            c if is_word(c) => {
                let mut word = String::from(c);
                while let Some(next) = chars.next_if(|next| is_word(*next)) {
                    word.push(next);
                }
                Token::Word(word)
            }
            other => {
                return (false, Err(clean(&format!("cannot read {other:?}: a value with it needs quotes"))));
            }
        };
        tokens.push((spot.clone(), token));
    }
    (false, Ok(()))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || "_+-".contains(c)
}

fn directive(tokens: Vec<(Spot, Token)>, errors: &mut Vec<Remark>) -> Option<Directive> {
    let mut tokens = tokens.into_iter().peekable();
    let (spot, first) = tokens.next()?;
    let Token::Word(word) = first else {
        errors.push((spot, "a line begins with SERVER, GLOBAL or CONSOLE".into()));
        return None;
    };
    let mut pairs = Vec::new();
    while let Some((spot, token)) = tokens.next() {
        let Token::Word(key) = token else {
            errors.push((spot, "expected a key such as name=\"..\"".into()));
            return None;
        };
        let equals = tokens.next_if(|(_, token)| matches!(token, Token::Equals));
        match equals.and_then(|_| tokens.next()) {
            Some((_, Token::Word(value) | Token::Text(value))) => {
                pairs.push(Pair { spot, key: key.to_ascii_lowercase(), value });
            }
            _ => {
                errors.push((spot, clean(&format!("\"{key}\" has no value: write {key}=\"..\""))));
                return None;
            }
        }
    }
    if pairs.is_empty() {
        errors.push((spot, clean(&format!("\"{word}\" says nothing: a key=\"..\" belongs behind it"))));
        return None;
    }
    Some(Directive { spot, word: word.to_ascii_lowercase(), pairs })
}
