//! What a console program takes for a command of its own, kept from it: no key that is meant for the node may end
//! the program, suspend it or open its menu. Where the program has a way to send its escape to the node, that way
//! is used; otherwise the key is dropped and said. Pure.

use crate::config::key_words;

/// How the program's escape reaches the node after all.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Literal {
    /// It is typed twice.
    Twice,
    /// This is typed in its place.
    Bytes(&'static [u8]),
    /// It has no way.
    Never,
}

/// The state of one program's keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Escape {
    /// One byte, or two in a row; none: nothing is taken.
    keys: Vec<u8>,
    /// Only the first byte of a line counts.
    at_line_start: bool,
    literal: Literal,
    /// What makes it send a serial break.
    line_break: Option<&'static [u8]>,
    line_start: bool,
    half: bool,
}

/// A program whose escape is known.
struct Known {
    names: &'static [&'static str],
    keys: &'static [u8],
    at_line_start: bool,
    literal: Literal,
    line_break: Option<&'static [u8]>,
}

/// From the manuals of the programs: OpenSSH's ssh(1), cu(1), tip(1), conserver's console(1), conman(1),
/// ipmiconsole(8), ipmitool(1), virsh(1), xl(1), telnet(1), picocom(1), minicom(1), screen(1).
const KNOWN: &[Known] = &[
    Known {
        names: &["ssh"],
        keys: b"~",
        at_line_start: true,
        literal: Literal::Twice,
        line_break: Some(b"~B"),
    },
    Known {
        names: &["cu", "tip"],
        keys: b"~",
        at_line_start: true,
        literal: Literal::Twice,
        line_break: Some(b"~#"),
    },
    Known {
        names: &["ipmitool"],
        keys: b"~",
        at_line_start: true,
        literal: Literal::Twice,
        line_break: Some(b"~B"),
    },
    Known {
        names: &["console"],
        keys: b"\x05c",
        at_line_start: false,
        literal: Literal::Bytes(b"\x05c\\005c"),
        line_break: Some(b"\x05cl0"),
    },
    Known {
        names: &["conman", "conmen"],
        keys: b"&",
        at_line_start: false,
        literal: Literal::Twice,
        line_break: Some(b"&B"),
    },
    Known {
        names: &["ipmiconsole"],
        keys: b"&",
        at_line_start: false,
        literal: Literal::Twice,
        line_break: Some(b"&B"),
    },
    Known {
        names: &["picocom"],
        keys: b"\x01",
        at_line_start: false,
        literal: Literal::Twice,
        line_break: Some(b"\x01\x1c"),
    },
    Known {
        names: &["minicom"],
        keys: b"\x01",
        at_line_start: false,
        literal: Literal::Twice,
        line_break: Some(b"\x01f"),
    },
    Known {
        names: &["screen"],
        keys: b"\x01",
        at_line_start: false,
        literal: Literal::Bytes(b"\x01a"),
        line_break: None,
    },
    Known {
        names: &["virsh", "xl", "telnet"],
        keys: b"\x1d",
        at_line_start: false,
        literal: Literal::Never,
        line_break: None,
    },
];

impl Default for Escape {
    /// Nothing is taken.
    fn default() -> Escape {
        Escape {
            keys: Vec::new(),
            at_line_start: false,
            literal: Literal::Never,
            line_break: None,
            line_start: true,
            half: false,
        }
    }
}

impl Escape {
    /// As the configuration says; with no bytes nothing is kept from the program.
    pub(super) fn configured(keys: &[u8]) -> Escape {
        Escape { keys: keys.to_owned(), ..Escape::default() }
    }

    /// As the program of this name is known to have it, with these arguments.
    pub(super) fn of(name: &str, arguments: &[String]) -> Escape {
        let Some(known) = KNOWN.iter().find(|known| known.names.contains(&name)) else {
            return Escape::default();
        };
        // `telnet -E` and `ssh -e none` have none.
        let without = match name {
            "telnet" => arguments.iter().any(|word| word == "-E"),
            "ssh" => {
                arguments.windows(2).any(|pair| pair == ["-e", "none"])
                    || arguments.iter().any(|word| word == "-enone")
            }
            _ => false,
        };
        if without {
            return Escape::default();
        }
        Escape {
            keys: known.keys.to_owned(),
            at_line_start: known.at_line_start,
            literal: known.literal.clone(),
            line_break: known.line_break,
            ..Escape::default()
        }
    }

    /// Typed bytes as the program may have them, and whether some were dropped.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Vec::with_capacity(bytes.len());
        let mut dropped = false;
        for byte in bytes {
            let counts = !self.at_line_start || self.line_start;
            let (first, second) = (self.keys.first(), self.keys.get(1));
            let complete = match (first, second) {
                (Some(_), Some(second)) => self.half && byte == second,
                (Some(first), None) => counts && byte == first,
                _ => false,
            };
            self.half = second.is_some() && counts && Some(byte) == first;
            self.line_start = matches!(byte, b'\r' | b'\n');
            match (&self.literal, complete) {
                (_, false) => out.push(*byte),
                (Literal::Twice, true) => out.extend([*byte, *byte]),
                // The first of two has gone already; a program that waits for the second passes both when something
                // else comes, so only the rest is rewritten.
                (Literal::Bytes(literal), true) => out.extend(&literal[self.keys.len() - 1..]),
                (Literal::Never, true) => dropped = true,
            }
        }
        (out, dropped)
    }

    /// What makes the program of this name send a serial break.
    ///
    /// # Errors
    /// It is not known, or not possible now. Pressing enter would make it possible, but reaches the node: that is
    /// left to the operator.
    pub(super) fn line_break(&self, name: &str) -> Result<Vec<u8>, String> {
        match self.line_break {
            None => Err(format!("it is not known how {name} sends one")),
            Some(_) if self.at_line_start && !self.line_start => {
                Err(format!("press enter first; {name} takes it only at the start of a line"))
            }
            Some(known) => Ok(known.to_vec()),
        }
    }

    /// Its keys as people write them.
    pub(super) fn words(&self) -> String {
        key_words(&self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Escape {
        Escape::of(name, &[])
    }

    #[test]
    fn an_escape_that_can_be_typed_reaches_the_node() {
        assert_eq!(of("ssh").pass(b"~.\r~.\rls ~"), (b"~~.\r~~.\rls ~".to_vec(), false));
        assert_eq!(of("conman").pass(b"a&.b"), (b"a&&.b".to_vec(), false));
        assert_eq!(of("console").pass(b"\x05c.c"), (b"\x05c\\005c.c".to_vec(), false));
        assert_eq!(of("screen").pass(b"\x01k"), (b"\x01ak".to_vec(), false));
    }

    #[test]
    fn one_that_cannot_is_dropped_and_said() {
        let mut virsh = of("virsh");
        assert_eq!(virsh.pass(b"a\x1db"), (b"ab".to_vec(), true));
        assert_eq!(virsh.words(), "ctrl-]");
        let mut own = Escape::configured(&[5, b'c']);
        assert_eq!(own.pass(b"\x05x\x05c."), (b"\x05x\x05.".to_vec(), true));
    }

    #[test]
    fn keys_that_come_one_by_one_are_the_same() {
        for (name, typed) in [("ssh", &b"\r~."[..]), ("console", b"\x05c."), ("virsh", b"x\x1d\x1dy")] {
            let whole = of(name).pass(typed).0;
            let mut escape = of(name);
            let single: Vec<u8> = typed.iter().flat_map(|byte| escape.pass(&[*byte]).0).collect();
            assert_eq!(single, whole, "{name}");
        }
    }

    #[test]
    fn without_an_escape_everything_passes() {
        assert_eq!(of("cat").pass(b"~.\x1d&"), (b"~.\x1d&".to_vec(), false));
        let none = Escape::of("ssh", &["-e".into(), "none".into(), "h".into()]);
        assert_eq!(none, Escape::default());
        assert_eq!(Escape::configured(&[]).pass(b"\r~."), (b"\r~.".to_vec(), false));
    }

    #[test]
    fn a_break_is_sent_only_where_it_is_known_and_possible() {
        let mut ssh = of("ssh");
        assert_eq!(ssh.line_break("ssh"), Ok(b"~B".to_vec()));
        ssh.pass(b"x");
        assert!(ssh.line_break("ssh").is_err_and(|why| why.starts_with("press enter first")));
        assert!(of("cat").line_break("cat").is_err());
    }
}
