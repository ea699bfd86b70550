//! The operator's clipboard by OSC 52: written, never read.

use super::Multiplexer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest encoded text; many terminals drop a longer string without a word.
const CAP: usize = 75_000;

/// GNU screen forwards strings up to 768 bytes; older ones 256.
const SCREEN_CHUNK: usize = 240;

/// The text is too long for the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot copy {bytes} bytes: terminals take 56 kB at most")]
pub struct TooLong {
    /// Length of the text.
    pub bytes: usize,
}

/// The bytes that put `text` on the clipboard (xterm, "Operating System Commands", `Ps` = 52).
///
/// # Errors
/// The text is longer than terminals take.
pub fn osc52(text: &str, multiplexer: Multiplexer) -> Result<Vec<u8>, TooLong> {
    let payload = STANDARD.encode(text);
    if payload.len() > CAP {
        return Err(TooLong { bytes: text.len() });
    }
    let plain = format!("\x1b]52;c;{payload}\x07");
    let bytes = match multiplexer {
        Multiplexer::None => plain.into_bytes(),
        // Both ways: which of them works depends on tmux's `set-clipboard` and `allow-passthrough`,
        // and doing it twice does no harm.
        Multiplexer::Tmux => {
            let passed = plain.replace('\x1b', "\x1b\x1b");
            format!("{plain}\x1bPtmux;{passed}\x1b\\").into_bytes()
        }
        Multiplexer::Screen => {
            let chunks = plain.as_bytes().chunks(SCREEN_CHUNK);
            chunks.flat_map(|chunk| [b"\x1bP", chunk, b"\x1b\\"].concat()).collect()
        }
    };
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_terminals_get_the_plain_string() {
        assert_eq!(osc52("n[1-2]", Multiplexer::None).expect("short"), b"\x1b]52;c;blsxLTJd\x07");
    }

    #[test]
    fn tmux_gets_it_doubled_inside_its_passthrough() {
        let bytes = osc52("a", Multiplexer::Tmux).expect("short");
        let text = String::from_utf8(bytes).expect("ascii");
        assert_eq!(text, "\x1b]52;c;YQ==\x07\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\");
    }

    #[test]
    fn screen_gets_it_in_pieces_that_join_to_the_plain_string() {
        let text = "x".repeat(1000);
        let bytes = String::from_utf8(osc52(&text, Multiplexer::Screen).expect("short")).expect("ascii");
        let pieces: Vec<&str> = bytes.split("\x1bP").skip(1).map(|piece| &piece[..piece.len() - 2]).collect();
        assert!(pieces.len() > 4 && pieces.iter().all(|piece| piece.len() <= 256));
        let plain = String::from_utf8(osc52(&text, Multiplexer::None).expect("short")).expect("ascii");
        assert_eq!(pieces.concat(), plain);
    }

    #[test]
    fn text_beyond_the_cap_is_refused() {
        assert!(osc52(&"x".repeat(56_000), Multiplexer::None).is_ok());
        assert_eq!(osc52(&"x".repeat(57_000), Multiplexer::None), Err(TooLong { bytes: 57_000 }));
    }
}
