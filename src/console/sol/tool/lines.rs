//! What ipmitool says in the stream of a console, told from what the node says; and what the operator may
//! not say to ipmitool. Pure. ipmitool's complaints come on its standard error, a stream of their own, so
//! only its banner and the echo of a break are ever in here (ipmitool 1.8.19, `lib/ipmi_sol.c`).

use super::ESCAPE;

/// The line before the first byte of the node, with our escape character in it.
const BANNER: &[u8] = b"[SOL Session operational.  Use \xff? for help]\n";
/// What ipmitool prints when it sends a break.
const BREAK_ECHO: &[u8] = b"\xffB [send break]\n";
/// More than this before the banner is not ipmitool's way.
const MAX_BEFORE: usize = 64 * 1024;

/// What a piece gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No banner yet.
    NotYet,
    /// The banner is through; these bytes are the node's.
    Rest(Vec<u8>),
}

/// Finds the banner as a whole line, whatever lines come before it and however it is cut.
#[derive(Debug, Default)]
pub(super) struct Banner {
    line: Vec<u8>,
    seen: usize,
}

impl Banner {
    /// Takes the next piece.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Found {
        for (at, byte) in piece.iter().enumerate() {
            self.seen += 1;
            if self.line.len() < BANNER.len() {
                self.line.push(*byte);
            }
            if *byte != b'\n' {
                continue;
            }
            if self.line == BANNER || self.seen > MAX_BEFORE {
                return Found::Rest(piece[at + 1..].to_vec());
            }
            self.line.clear();
        }
        Found::NotYet
    }
}

/// Takes the echo of a break out of the stream, only as often as we sent one.
#[derive(Debug, Default)]
pub(super) struct BreakEcho {
    expected: usize,
    held: Vec<u8>,
}

impl BreakEcho {
    /// A break was sent.
    pub(super) fn expect_one(&mut self) {
        self.expected += 1;
    }

    /// The node's part of a piece.
    pub(super) fn clean(&mut self, piece: Vec<u8>) -> Vec<u8> {
        if self.expected == 0 && self.held.is_empty() {
            return piece;
        }
        let mut clean = Vec::with_capacity(piece.len());
        for byte in piece {
            self.held.push(byte);
            while self.expected == 0 || !BREAK_ECHO.starts_with(&self.held) {
                if self.held.is_empty() {
                    break;
                }
                clean.push(self.held.remove(0));
            }
            if self.held == BREAK_ECHO {
                self.held.clear();
                self.expected -= 1;
            }
        }
        clean
    }
}

/// Keeps ipmitool's own menu out of reach: its escape character is dropped wherever it stands, so no
/// cutting of the input can put one together. Remembers whether ipmitool stands at the start of a line,
/// the only place where it takes an escape, as at the very start.
#[derive(Debug)]
pub(super) struct InputGuard {
    line_start: bool,
}

impl Default for InputGuard {
    fn default() -> InputGuard {
        InputGuard { line_start: true }
    }
}

impl InputGuard {
    /// What may be written of `bytes`.
    pub(super) fn pass(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.retain(|byte| *byte != ESCAPE);
        if let Some(last) = bytes.last() {
            self.line_start = matches!(last, b'\r' | b'\n');
        }
        bytes
    }

    /// Whether ipmitool would take an escape now.
    pub(super) fn at_line_start(&self) -> bool {
        self.line_start
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn in_pieces(bytes: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        cuts.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
    }

    fn after_banner(pieces: &[Vec<u8>]) -> Option<Vec<u8>> {
        let mut banner = Banner::default();
        let mut pieces = pieces.iter();
        let mut rest = pieces.find_map(|piece| match banner.feed(piece) {
            Found::Rest(rest) => Some(rest),
            Found::NotYet => None,
        })?;
        rest.extend(pieces.flatten());
        Some(rest)
    }

    proptest! {
        #[test]
        fn the_banner_is_found_however_it_is_cut(cuts in proptest::collection::vec(0usize..200, 0..6)) {
            let mut stream = b"some line\n".to_vec();
            stream.extend_from_slice(BANNER);
            stream.extend_from_slice(b"login: \n[x]");
            prop_assert_eq!(after_banner(&in_pieces(&stream, &cuts)), Some(b"login: \n[x]".to_vec()));
        }

        #[test]
        fn a_break_s_echo_is_taken_out_however_it_is_cut(cuts in proptest::collection::vec(0usize..200, 0..6)) {
            let mut stream = b"\xff\xffB one".to_vec();
            stream.extend_from_slice(BREAK_ECHO);
            stream.extend_from_slice(b"two");
            stream.extend_from_slice(BREAK_ECHO);
            let mut echo = BreakEcho::default();
            echo.expect_one();
            let clean: Vec<u8> =
                in_pieces(&stream, &cuts).into_iter().flat_map(|piece| echo.clean(piece)).collect();
            let mut wanted = b"\xff\xffB onetwo".to_vec();
            wanted.extend_from_slice(BREAK_ECHO);
            prop_assert_eq!(clean, wanted, "only the expected one is ours, the node may print the other");
        }

        #[test]
        fn no_escape_reaches_ipmitool(input in proptest::collection::vec(any::<u8>(), 0..64),
                                      cuts in proptest::collection::vec(0usize..64, 0..4)) {
            let mut guard = InputGuard::default();
            let passed: Vec<u8> =
                in_pieces(&input, &cuts).into_iter().flat_map(|piece| guard.pass(piece)).collect();
            let wanted: Vec<u8> = input.into_iter().filter(|byte| *byte != ESCAPE).collect();
            prop_assert_eq!(passed, wanted);
        }
    }

    #[test]
    fn a_banner_inside_a_line_is_no_banner() {
        let mut stream = b"x".to_vec();
        stream.extend_from_slice(BANNER);
        assert_eq!(Banner::default().feed(&stream), Found::NotYet);
    }

    #[test]
    fn the_line_start_is_known() {
        let mut guard = InputGuard::default();
        assert!(guard.at_line_start(), "ipmitool takes its escape at the very start too");
        guard.pass(b"ab".to_vec());
        assert!(!guard.at_line_start());
        guard.pass(vec![ESCAPE]);
        assert!(!guard.at_line_start());
        guard.pass(b"\r".to_vec());
        assert!(guard.at_line_start());
    }
}
