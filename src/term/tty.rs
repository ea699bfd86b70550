//! Takes the outer terminal over and gives it back, whatever happens.
//!
//! The restoration is idempotent and only writes: it is called by `Drop`, by the panic hook that
//! `runtime` installs, and on the way out after SIGTERM or SIGHUP, when the terminal may be gone.

use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

/// Alternate screen, bracketed paste, hidden cursor. The mouse only on demand ([`mouse`]): selecting text
/// belongs to the operator's terminal.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?25l\x1b[0m\x1b[2J\x1b[H";

/// CAN ends a half-written sequence; then everything that a frame may have left: synchronized update,
/// margins, attributes. The screen is cleared because tmux (3.3a), resized meanwhile, otherwise moves
/// its first rows onto the operator's own screen.
const LEAVE: &[u8] =
    b"\x18\x1b[?2026l\x1b[r\x1b[0m\x1b[2J\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[?25h\x1b[?1049l";

/// Presses and the wheel (1000) as numbers (1006): the older coding breaks off at column 223 and looks
/// like typed characters. No motion (1002, 1003): nothing here is dragged.
const MOUSE: [&[u8]; 2] = [b"\x1b[?1006l\x1b[?1000l", b"\x1b[?1000h\x1b[?1006h"];

static TAKEN: AtomicBool = AtomicBool::new(false);

/// Why the terminal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TtyError {
    /// Standard input or output is a file or a pipe.
    #[error("cannot open the console: standard {0} is no terminal\nuse `lightsout status` in scripts")]
    NotATerminal(&'static str),
    /// The system refused.
    #[error("cannot take the terminal over: {0}")]
    Io(#[from] io::Error),
}

/// The terminal while it is ours; dropping it gives it back. Close the [`FrameWriter`] before: what it
/// still writes would land on the operator's own screen.
///
/// [`FrameWriter`]: super::FrameWriter
pub struct OuterTerminal {
    /// The terminal's erase character is backspace (0x08), not delete (0x7f).
    pub erase_is_backspace: bool,
}

impl OuterTerminal {
    /// Raw mode, alternate screen, bracketed paste, no cursor.
    ///
    /// # Errors
    /// Standard input or output is no terminal, or it cannot be changed.
    pub fn enter() -> Result<OuterTerminal, TtyError> {
        if !io::stdin().is_terminal() {
            return Err(TtyError::NotATerminal("input"));
        }
        if !io::stdout().is_terminal() {
            return Err(TtyError::NotATerminal("output"));
        }
        let erase = tcgetattr(io::stdin()).ok();
        let erase = erase.map(|tty| tty.control_chars[SpecialCharacterIndices::VERASE as usize]);
        raw_and_alone()?;
        TAKEN.store(true, Ordering::SeqCst);
        let terminal = OuterTerminal { erase_is_backspace: erase == Some(0x08) };
        // From here on dropping `terminal` restores, also when this write fails.
        output()?.write_all(ENTER)?;
        Ok(terminal)
    }

    /// The output as a file of its own: no lock is shared with anybody who prints.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn output(&self) -> io::Result<File> {
        output()
    }

    /// Columns and rows; 80x24 when the terminal does not say.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        size()
    }
}

/// Takes the terminal again that [`restore`] gave back for a suspension.
///
/// # Errors
/// It cannot be changed.
pub fn resume() -> io::Result<()> {
    raw_and_alone()?;
    TAKEN.store(true, Ordering::SeqCst);
    output()?.write_all(ENTER)
}

/// Raw mode, in which programs of another process group are stopped when they print (TOSTOP), not only when they
/// read: a password command that asks on the terminal must not do it across the screen.
fn raw_and_alone() -> io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    let mut settings = tcgetattr(io::stdin())?;
    settings.local_flags.insert(LocalFlags::TOSTOP);
    Ok(tcsetattr(io::stdin(), SetArg::TCSANOW, &settings)?)
}

impl Drop for OuterTerminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back if it is ours; can be called from anywhere, any number of times. Errors
/// are ignored: the terminal may be gone.
pub fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        if let Ok(mut out) = output() {
            let _ = out.write_all(LEAVE);
        }
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

/// The bytes that ask for the mouse, or give it back to the terminal.
#[must_use]
pub fn mouse(on: bool) -> &'static [u8] {
    MOUSE[usize::from(on)]
}

/// Columns and rows of the outer terminal; 80x24 when it does not say.
#[must_use]
pub fn size() -> (u16, u16) {
    match crossterm::terminal::window_size() {
        Ok(size) if size.columns > 0 && size.rows > 0 => (size.columns, size.rows),
        _ => (80, 24),
    }
}

fn output() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_undoes_every_mode_that_entering_and_frames_set() {
        let enter = String::from_utf8_lossy(ENTER).replace("25l", "25?");
        let leave = String::from_utf8_lossy(LEAVE);
        let set: Vec<&str> =
            enter.split("\x1b[?").filter_map(|part| part.split_once('h')).map(|(mode, _)| mode).collect();
        assert_eq!(set, ["1049", "2004"]);
        for mode in set.into_iter().chain(["2026", "1000", "1006"]) {
            assert!(leave.contains(&format!("\x1b[?{mode}l")), "{mode}");
        }
        assert!(leave.contains("\x1b[?25h"), "the cursor comes back");
        assert!(leave.ends_with("\x1b[?1049l"), "everything else is undone on the alternate screen");
    }
}
