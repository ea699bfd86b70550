//! The parser of conserver.cf(5): blocks of keywords and values, quotes, comments and `#include`. Pure but for
//! the reading of included files.

use super::super::output::clean;
use super::super::{Remark, Spot};

/// Files that include each other.
const MOST_DEEP: usize = 10;
/// Files in all: ten levels could otherwise double at each.
const MOST_FILES: usize = 1000;

/// `kind name { key value; .. }`.
pub struct Block {
    pub spot: Spot,
    pub kind: String,
    pub name: String,
    pub pairs: Vec<Pair>,
}

/// `key value;`.
#[derive(Clone)]
pub struct Pair {
    pub spot: Spot,
    pub key: String,
    pub value: String,
}

/// A character with its place; quoted ones are never special.
struct Char {
    c: char,
    quoted: bool,
}

/// What the parser looks for.
enum At {
    Kind,
    Name,
    Key,
    Value,
}

/// The blocks that can be read; what cannot goes to `errors`.
pub fn blocks(
    text: &str,
    open: &dyn Fn(&str) -> Result<String, String>,
    errors: &mut Vec<Remark>,
) -> Vec<Block> {
    let mut parser = Parser {
        open,
        errors,
        blocks: Vec::new(),
        files: 0,
        at: At::Kind,
        word: Vec::new(),
        word_spot: Spot::default(),
        kind: (Spot::default(), String::new()),
        key: (Spot::default(), String::new()),
    };
    parser.file(text, "", 0);
    parser.end();
    parser.blocks
}

struct Parser<'p> {
    open: &'p dyn Fn(&str) -> Result<String, String>,
    errors: &'p mut Vec<Remark>,
    blocks: Vec<Block>,
    files: usize,
    at: At,
    /// What was read of the word or value so far, and where it began.
    word: Vec<Char>,
    word_spot: Spot,
    kind: (Spot, String),
    key: (Spot, String),
}

impl Parser<'_> {
    fn file(&mut self, text: &str, name: &str, depth: usize) {
        let order = self.files;
        self.files += 1;
        let mut quoted = false;
        let mut spot = Spot { order, line: 0, file: name.to_owned() };
        for line in text.lines() {
            spot.line += 1;
            if let Some(file) = line.strip_prefix("#include").filter(|_| !quoted) {
                self.include(file, &spot, depth);
                continue;
            }
            self.line(line, &spot, &mut quoted);
        }
        if quoted {
            let spot = self.word_spot.clone();
            self.error(&spot, "a \" is not closed");
            self.word.clear();
        }
    }

    fn include(&mut self, file: &str, spot: &Spot, depth: usize) {
        let file = file.trim();
        if depth >= MOST_DEEP || self.files >= MOST_FILES {
            self.error(
                spot,
                &format!("#include {file}: files include each other more than {MOST_DEEP} deep"),
            );
            return;
        }
        match (self.open)(file) {
            Ok(text) => self.file(&text, file, depth + 1),
            Err(problem) => self.error(spot, &format!("#include {file}: {problem}")),
        }
    }

    fn line(&mut self, line: &str, spot: &Spot, quoted: &mut bool) {
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' => {
                    *quoted = !*quoted;
                    // An empty text is a value too.
                    self.begin(spot);
                }
                '\\' if *quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    self.push('"', true, spot);
                }
                '\\' if !*quoted => {
                    if let Some(next) = chars.next() {
                        self.push(next, true, spot);
                    }
                }
                c if *quoted => self.push(c, true, spot),
                '#' => break,
                '{' | '}' | ';' => self.token(c, spot),
                c if c.is_whitespace() => self.blank(c, spot),
                c => self.push(c, false, spot),
            }
        }
        if *quoted {
            self.push('\n', true, spot);
        } else {
            self.blank('\n', spot);
        }
    }

    fn begin(&mut self, spot: &Spot) {
        if self.word.is_empty() {
            self.word_spot = spot.clone();
        }
    }

    fn push(&mut self, c: char, quoted: bool, spot: &Spot) {
        self.begin(spot);
        self.word.push(Char { c, quoted });
    }

    /// Blanks end a block's kind and a keyword; a name and a value may hold them.
    fn blank(&mut self, c: char, spot: &Spot) {
        match self.at {
            _ if self.word.is_empty() => {}
            At::Kind => {
                self.kind = (self.word_spot.clone(), self.taken());
                self.at = At::Name;
            }
            At::Key => {
                self.key = (self.word_spot.clone(), self.taken());
                self.at = At::Value;
            }
            At::Name | At::Value => self.push(c, false, spot),
        }
    }

    /// The word without the blanks at its ends.
    fn taken(&mut self) -> String {
        let blank = |c: &Char| !c.quoted && c.c.is_whitespace();
        while self.word.last().is_some_and(blank) {
            self.word.pop();
        }
        self.word.drain(..).map(|c| c.c).collect()
    }

    fn token(&mut self, token: char, spot: &Spot) {
        match (&self.at, token) {
            (At::Name, '{') => {
                let name = self.taken();
                let (spot, kind) = std::mem::take(&mut self.kind);
                if name.is_empty() {
                    self.error(&spot, &format!("block \"{kind}\" has no name"));
                }
                self.blocks.push(Block { spot, kind, name, pairs: Vec::new() });
                self.at = At::Key;
            }
            (At::Key, '}') if self.word.is_empty() => self.at = At::Kind,
            (At::Key, ';') if self.word.is_empty() => {}
            (At::Value, ';') => self.pair(),
            (At::Key, ';') => {
                self.key = (self.word_spot.clone(), self.taken());
                self.pair();
            }
            (At::Key | At::Value, '}') => {
                self.error(spot, "a value has no \";\" before \"}\"");
                self.word.clear();
                self.at = At::Kind;
            }
            (At::Kind, '{') => {
                let kind = self.taken();
                self.error(spot, &format!("block \"{kind}\" has no name"));
                self.kind = (spot.clone(), kind);
                self.at = At::Name;
                self.word.clear();
                self.blocks.push(Block {
                    spot: spot.clone(),
                    kind: std::mem::take(&mut self.kind.1),
                    name: String::new(),
                    pairs: Vec::new(),
                });
                self.at = At::Key;
            }
            _ => {
                self.error(spot, &format!("\"{token}\" is out of place"));
                self.word.clear();
                self.at = match self.at {
                    At::Key | At::Value => At::Key,
                    At::Kind | At::Name => At::Kind,
                };
            }
        }
    }

    fn pair(&mut self) {
        let value = self.taken();
        let (spot, key) = std::mem::take(&mut self.key);
        if let Some(block) = self.blocks.last_mut() {
            block.pairs.push(Pair { spot, key, value });
        }
        self.at = At::Key;
    }

    fn end(&mut self) {
        let (spot, text) = match self.at {
            At::Kind if self.word.is_empty() => return,
            At::Kind => (self.word_spot.clone(), "the file ends in a block's name".to_owned()),
            At::Name => (self.kind.0.clone(), format!("block \"{}\" has no \"{{\"", self.kind.1)),
            At::Key | At::Value => match self.blocks.last() {
                Some(block) => (block.spot.clone(), format!("{} {} has no \"}}\"", block.kind, block.name)),
                None => return,
            },
        };
        self.error(&spot, &text);
    }

    fn error(&mut self, spot: &Spot, text: &str) {
        self.errors.push((spot.clone(), clean(text)));
    }
}
