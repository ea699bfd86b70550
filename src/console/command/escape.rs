//! What a console program takes for a command of its own, kept from it: no key that is meant for the node may end
//! the program, suspend it or open its menu. Where the program has a way to send its escape to the node, that way
//! is used; otherwise the key is dropped and said. Pure.

mod argv;

use crate::config::key_words;
use argv::Chosen;
use std::borrow::Cow;

/// How the program's escape reaches the node after all.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Literal {
    /// It is typed twice.
    Twice,
    /// This is typed in its place.
    Bytes(Cow<'static, [u8]>),
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
    line_break: Option<Vec<u8>>,
    /// The program that takes them, if it is a known one.
    program: Option<&'static str>,
    line_start: bool,
    half: bool,
}

/// A program whose escape is known.
struct Known {
    names: &'static [&'static str],
    keys: &'static [u8],
    /// The options that give it another escape.
    option: &'static [&'static str],
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
        option: &[],
        at_line_start: true,
        literal: Literal::Twice,
        line_break: Some(b"~B"),
    },
    Known {
        names: &["cu", "tip"],
        keys: b"~",
        option: &["-E", "--escape"],
        at_line_start: true,
        literal: Literal::Twice,
        line_break: Some(b"~#"),
    },
    Known {
        names: &["ipmitool"],
        keys: b"~",
        option: &["-e"],
        at_line_start: true,
        literal: Literal::Twice,
        line_break: Some(b"~B"),
    },
    Known {
        names: &["console"],
        keys: b"\x05c",
        option: &["-e"],
        at_line_start: false,
        literal: Literal::Bytes(Cow::Borrowed(b"\x05c\\005c")),
        line_break: Some(b"\x05cl0"),
    },
    Known {
        names: &["conman", "conmen"],
        keys: b"&",
        option: &["-e"],
        at_line_start: false,
        literal: Literal::Twice,
        line_break: Some(b"&B"),
    },
    Known {
        names: &["ipmiconsole"],
        keys: b"&",
        option: &["-e", "--escape-char"],
        at_line_start: false,
        literal: Literal::Twice,
        line_break: Some(b"&B"),
    },
    Known {
        names: &["picocom"],
        keys: b"\x01",
        option: &["-e", "--escape"],
        at_line_start: false,
        literal: Literal::Twice,
        line_break: Some(b"\x01\x1c"),
    },
    Known {
        names: &["minicom"],
        keys: b"\x01",
        option: &[],
        at_line_start: false,
        literal: Literal::Twice,
        line_break: Some(b"\x01f"),
    },
    Known {
        names: &["screen"],
        keys: b"\x01",
        option: &["-e"],
        at_line_start: false,
        literal: Literal::Bytes(Cow::Borrowed(b"\x01a")),
        line_break: None,
    },
    Known {
        names: &["virsh", "xl", "telnet"],
        keys: b"\x1d",
        option: &["-e", "--escape"],
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
            program: None,
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

    /// As the program of this name is known to have it, with these arguments; behind a `sudo` or the like, the one
    /// that it starts.
    pub(super) fn of(name: &str, arguments: &[String]) -> Escape {
        let Some((known, name, arguments)) = argv::started(name, arguments) else {
            return Escape::default();
        };
        let usual = Escape {
            keys: known.keys.to_owned(),
            at_line_start: known.at_line_start,
            literal: known.literal.clone(),
            line_break: known.line_break.map(<[u8]>::to_vec),
            program: Some(name),
            ..Escape::default()
        };
        match argv::chosen(name, known.option, arguments) {
            Chosen::Usual => usual,
            Chosen::None => Escape::default(),
            Chosen::Keys(keys) if keys == usual.keys => usual,
            Chosen::Typed(key, literal) => {
                Escape { keys: vec![key], literal: Literal::Bytes(Cow::Owned(literal)), ..usual }
            }
            Chosen::Keys(keys) => {
                let twice = usual.literal == Literal::Twice && keys.len() == 1;
                let line_break = usual.line_break.filter(|_| twice);
                let line_break = line_break.map(|usual| [keys.as_slice(), &usual[1..]].concat());
                // How another one is typed is known only where it is typed twice.
                let literal = if twice { Literal::Twice } else { Literal::Never };
                Escape { keys, literal, line_break, ..usual }
            }
        }
    }

    /// Whether nothing is taken.
    pub(super) fn is_none(&self) -> bool {
        self.keys.is_empty()
    }

    /// The known program that takes them.
    pub(super) fn program(&self) -> Option<&'static str> {
        self.program
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
        match &self.line_break {
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

    fn with(argv: &str) -> Escape {
        let words: Vec<String> = argv.split(' ').map(String::from).collect();
        Escape::of(&words[0], &words[1..])
    }

    #[test]
    fn the_program_behind_another_is_the_one_that_counts() {
        for argv in [
            "sudo -n virsh console n1",
            "env -i A=b /usr/bin/virsh console n1",
            "sudo timeout 9 virsh console n1",
        ] {
            assert_eq!(with(argv).pass(b"\x1d"), (Vec::new(), true), "{argv}");
            assert_eq!(with(argv).program(), Some("virsh"));
        }
        // What another program makes of its arguments is not known.
        assert_eq!(with("mine virsh"), Escape::default());
        assert_eq!(with("sudo mine"), Escape::default());
    }

    #[test]
    fn an_escape_that_the_arguments_choose_is_the_one_that_is_kept() {
        for (argv, escape) in [
            ("ssh -e ^X ts1", b'\x18'),
            ("ssh -v -p 22 -e% ts1", b'%'),
            ("ssh -o EscapeChar=^X ts1", b'\x18'),
            ("conman -e ! n1", b'!'),
            ("ipmitool -I lanplus -e ! sol activate", b'!'),
            ("picocom --escape=b /dev/ttyS0", b'\x02'),
        ] {
            let mut chosen = with(argv);
            assert_eq!(chosen.pass(&[escape, b'.']).0, [escape, escape, b'.'], "{argv}");
            assert_eq!(
                chosen.pass(b"\r~&\x01").0,
                b"\r~&\x01",
                "{argv}: the usual ones are keys like others"
            );
        }
        assert_eq!(with("virsh -e ^X console n1").pass(b"\x18\x1d"), (b"\x1d".to_vec(), true));
        assert_eq!(with("console -e ^Xy n1").pass(b"\x18y\x05c"), (b"\x18\x05c".to_vec(), true));
        assert_eq!(with("console -e ^Ec n1"), of("console"));
        // The second of screen's is what it types its own with, not a part of it.
        assert_eq!(with("screen -e ^Bb /dev/ttyS0").pass(b"\x02k\x01"), (b"\x02bk\x01".to_vec(), false));
        assert_eq!(with("conman -e ! n1").line_break("conman"), Ok(b"!B".to_vec()));
    }

    #[test]
    fn ssh_has_an_escape_only_with_a_terminal_of_its_own() {
        let keeps = |argv: &str| with(argv) != Escape::default();
        for argv in [
            "ssh ts1",
            "ssh -p 7001 admin@ts1",
            "ssh -t ts1 console n1",
            "ssh ts1 -tt console n1",
            "ssh -o RequestTTY=force ts1 x",
        ] {
            assert!(keeps(argv), "{argv}");
        }
        for argv in [
            "ssh ts1 console n1",
            "ssh -T ts1",
            "ssh -l admin ts1 console -t",
            "ssh -e none ts1",
            "ssh -oEscapeChar=none ts1",
            "ssh -W n1:22 ts1",
        ] {
            assert!(!keeps(argv), "{argv}");
        }
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
