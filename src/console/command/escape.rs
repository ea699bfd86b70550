//! What a console program takes for a command of its own, kept from it: no key that is meant for the node may end
//! the program, suspend it or open its menu. Where the program has a way to send its escape to the node, that way
//! is used; otherwise the key is dropped and said. Pure.

use crate::config::key_words;

/// How the program's escape reaches the node after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Literal {
    /// It is typed twice.
    Twice,
    /// This is typed behind its first key.
    Then(&'static [u8]),
    /// conserver's command for a byte in octal, and then the second key.
    Octal,
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
    /// What makes it send a serial break, behind its escape.
    line_break: Option<&'static [u8]>,
    line_start: bool,
    half: bool,
}

/// A program whose escape is known.
struct Known {
    names: &'static [&'static str],
    keys: &'static [u8],
    /// Its options that give it another escape.
    options: &'static [&'static str],
    /// How the value of such an option is written.
    notation: Notation,
    at_line_start: bool,
    literal: Literal,
    line_break: Option<&'static [u8]>,
}

/// How a program writes its escape.
#[derive(Debug, Clone, Copy)]
enum Notation {
    /// A character, or `^X` for a control key.
    Caret,
    /// The letter of a control key.
    Letter,
}

const ONE: Known = Known {
    names: &[],
    keys: b"",
    options: &["-e"],
    notation: Notation::Caret,
    at_line_start: false,
    literal: Literal::Twice,
    line_break: Some(b"B"),
};

/// From the manuals of the programs: OpenSSH's ssh(1), cu(1), tip(1), conserver's console(1), conman(1),
/// ipmiconsole(8), ipmitool(1), virsh(1), xl(1), telnet(1), picocom(1), minicom(1), screen(1).
const KNOWN: &[Known] = &[
    Known { names: &["ssh", "ipmitool"], keys: b"~", at_line_start: true, ..ONE },
    Known {
        names: &["cu", "tip"],
        keys: b"~",
        options: &["-E", "--escape"],
        at_line_start: true,
        line_break: Some(b"#"),
        ..ONE
    },
    Known { names: &["console"], keys: b"\x05c", literal: Literal::Octal, line_break: Some(b"l0"), ..ONE },
    Known { names: &["conman", "conmen"], keys: b"&", ..ONE },
    Known { names: &["ipmiconsole"], keys: b"&", options: &["-e", "--escape-char"], ..ONE },
    Known {
        names: &["picocom"],
        keys: b"\x01",
        options: &["-e", "--escape"],
        notation: Notation::Letter,
        line_break: Some(b"\x1c"),
        ..ONE
    },
    Known { names: &["minicom"], keys: b"\x01", options: &[], line_break: Some(b"f"), ..ONE },
    // Its `-e` gives two keys, and the second one stands for the first.
    Known {
        names: &["screen"],
        keys: b"\x01",
        options: &[],
        literal: Literal::Then(b"a"),
        line_break: None,
        ..ONE
    },
    Known {
        names: &["virsh", "xl", "telnet"],
        keys: b"\x1d",
        options: &["-e", "--escape"],
        literal: Literal::Never,
        line_break: None,
        ..ONE
    },
];

/// Programs that run another one in their place and take no key for themselves.
const WRAPPERS: &[&str] = &["sudo", "doas", "env", "nice", "stdbuf", "timeout", "setsid", "sshpass"];

/// The program that has the keyboard, and its arguments: behind `sudo` that is the first one that is known.
pub(super) fn behind<'a>(name: &'a str, arguments: &'a [String]) -> (&'a str, &'a [String]) {
    let known = |word: &str| KNOWN.iter().any(|known| known.names.contains(&word));
    let inner = arguments.iter().enumerate().filter(|_| WRAPPERS.contains(&name)).find_map(|(at, word)| {
        let base = word.rsplit('/').next().filter(|base| known(base))?;
        Some((base, &arguments[at + 1..]))
    });
    inner.unwrap_or((name, arguments))
}

/// What the arguments say of the program's escape: `None` when nothing, no bytes when it has none.
fn asked_for(known: &Known, name: &str, arguments: &[String]) -> Option<Vec<u8>> {
    if name == "telnet" && arguments.iter().any(|word| word == "-E") {
        return Some(Vec::new());
    }
    let own = own_arguments(name, arguments);
    let mut words = own.iter();
    while let Some(word) = words.next() {
        let value = known.options.iter().find_map(|option| match word.strip_prefix(option)? {
            "" => words.clone().next().map(String::as_str),
            // `--escape=x`, `-e^Zz`.
            joined if option.starts_with("--") => joined.strip_prefix('='),
            joined => Some(joined),
        });
        if let Some(value) = value {
            return Some(match (value, known.notation) {
                ("none", _) => Vec::new(),
                (letter, Notation::Letter) => letter.bytes().take(1).map(|byte| byte & 0x1f).collect(),
                (text, Notation::Caret) => caret(text),
            });
        }
    }
    None
}

/// The arguments that are the program's own: ssh's end with the host, what follows is of the program it carries.
fn own_arguments<'a>(name: &str, arguments: &'a [String]) -> &'a [String] {
    /// ssh(1): the options that take a value.
    const WITH_VALUE: &str = "BbcDEeFIiJLlmOopQRSWw";
    if !Escape::carries(name) {
        return arguments;
    }
    let mut end = 0;
    while let Some(option) = arguments.get(end).and_then(|word| word.strip_prefix('-')) {
        end += if option.len() == 1 && WITH_VALUE.contains(option) { 2 } else { 1 };
    }
    &arguments[..end.min(arguments.len())]
}

/// `^Ec`: a control key and a character.
fn caret(text: &str) -> Vec<u8> {
    let mut keys = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        keys.push(match (byte, bytes.peek()) {
            (b'^', Some(b'?')) => 0x7f,
            (b'^', Some(key)) => key.to_ascii_uppercase() & 0x1f,
            (byte, _) => byte,
        });
        if byte == b'^' {
            bytes.next();
        }
    }
    keys
}

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
        let keys = asked_for(known, name, arguments).unwrap_or_else(|| known.keys.to_owned());
        if keys.is_empty() {
            return Escape::default();
        }
        Escape {
            keys,
            at_line_start: known.at_line_start,
            literal: known.literal,
            line_break: known.line_break,
            ..Escape::default()
        }
    }

    /// Whether a program of this name carries another one, which has an escape beside its own.
    pub(super) fn carries(name: &str) -> bool {
        name == "ssh"
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
            // The first of two has gone already; a program that waits for the second passes both when something
            // else comes, so only what follows is rewritten.
            match (self.literal, complete) {
                (_, false) => out.push(*byte),
                (Literal::Twice, true) => out.extend([*byte, *byte]),
                (Literal::Then(more), true) => out.extend([&[*byte], more].concat()),
                (Literal::Octal, true) => {
                    out.extend(format!("{}\\{:03o}", char::from(*byte), self.keys[0]).bytes());
                    out.push(*byte);
                }
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
            Some(known) => Ok([&self.keys, known].concat()),
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

    fn with(name: &str, arguments: &[&str]) -> Escape {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        Escape::of(name, &arguments)
    }

    #[test]
    fn an_escape_that_can_be_typed_reaches_the_node() {
        assert_eq!(of("ssh").pass(b"~.\r~.\rls ~"), (b"~~.\r~~.\rls ~".to_vec(), false));
        assert_eq!(of("conman").pass(b"a&.b"), (b"a&&.b".to_vec(), false));
        assert_eq!(of("console").pass(b"\x05c.c"), (b"\x05c\\005c.c".to_vec(), false));
        assert_eq!(of("screen").pass(b"\x01k"), (b"\x01ak".to_vec(), false));
    }

    #[test]
    fn an_escape_of_the_arguments_is_the_one_that_counts() {
        let mut conman = with("conman", &["-e", "^]", "n1"]);
        assert_eq!(conman.pass(b"fish & chips \x1d."), (b"fish & chips \x1d\x1d.".to_vec(), false));
        assert_eq!(conman.line_break("conman"), Ok(b"\x1dB".to_vec()));
        let mut console = with("console", &["-M", "h", "-e^Zz", "n1"]);
        assert_eq!(console.pass(b"\x05c\x1az"), (b"\x05c\x1az\\032z".to_vec(), false));
        assert_eq!(console.line_break("console"), Ok(b"\x1azl0".to_vec()));
        assert_eq!(
            with("virsh", &["--escape=^X", "console", "vm"]).pass(b"\x18\x1d"),
            (b"\x1d".to_vec(), true)
        );
        assert_eq!(
            with("picocom", &["-e", "b", "/dev/ttyS0"]).pass(b"\x01\x02"),
            (b"\x01\x02\x02".to_vec(), false)
        );
        assert_eq!(
            with("ssh", &["-e"]).pass(b"~"),
            (b"~~".to_vec(), false),
            "without a value it is ssh that complains"
        );
    }

    #[test]
    fn who_only_runs_another_program_has_that_one_s_escape() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (line, name, arguments) in [
            ("sudo -n /usr/bin/virsh -e ^X console vm", "virsh", "-e ^X console vm"),
            ("timeout 60 ssh -t h console n1", "ssh", "-t h console n1"),
            ("virsh console conman", "virsh", "console conman"),
            ("sudo cat /dev/x", "sudo", "cat /dev/x"),
        ] {
            let line = words(line);
            assert_eq!(behind(&line[0], &line[1..]), (name, &words(arguments)[..]));
        }
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
        for (name, arguments) in
            [("ssh", &["-e", "none", "h"][..]), ("ssh", &["-enone", "h"]), ("telnet", &["-E"])]
        {
            assert_eq!(with(name, arguments), Escape::default());
        }
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
