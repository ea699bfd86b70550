//! The kernel's list of unix sockets, `/proc/net/unix` (proc_pid_net(5), `net/unix/af_unix.c`): who is
//! connected to a path. Read by the unix transport only.
//!
//! A connection that the program has accepted stands there as connected (03), one that still waits in the
//! queue as connecting (02), both under the path of the listening socket; the client's end has no path.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How many connections a socket has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Listing {
    /// Accepted by the program.
    pub(super) served: usize,
    /// Not accepted yet.
    pub(super) waiting: usize,
}

/// What the kernel says about `path` now; all zero when it says nothing (a socket of another network
/// namespace). Not asynchronous: the kernel writes the list from memory.
pub(super) fn listing(path: &Path) -> Listing {
    let text = std::fs::read("/proc/net/unix").unwrap_or_default();
    parse(&String::from_utf8_lossy(&text), path)
}

fn parse(text: &str, path: &Path) -> Listing {
    let mut listing = Listing::default();
    for line in text.lines().skip(1) {
        let Some((state, name)) = state_and_path(line) else {
            continue;
        };
        match state {
            "03" if same(Path::new(name), path) => listing.served += 1,
            "02" if same(Path::new(name), path) => listing.waiting += 1,
            _ => {}
        }
    }
    listing
}

/// Columns: Num RefCount Protocol Flags Type St Inode Path. The inode is padded with blanks, and the path,
/// which may hold some, is the rest of the line.
fn state_and_path(line: &str) -> Option<(&str, &str)> {
    let mut rest = line;
    let mut state = "";
    for column in 0..7 {
        let (word, after) = rest.trim_start_matches(' ').split_once(' ')?;
        if column == 5 {
            state = word;
        }
        rest = after;
    }
    Some((state, rest))
}

/// Whether the path a program bound is the one we connect to: it may have bound it relative to its own
/// directory, or through another link.
fn same(bound: &Path, path: &Path) -> bool {
    if bound == path {
        return true;
    }
    if bound.file_name() != path.file_name() {
        return false;
    }
    if bound.is_relative() {
        return path.ends_with(bound.strip_prefix(".").unwrap_or(bound));
    }
    let file = |path: &Path| std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    file(bound).is_some_and(|bound| Some(bound) == file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
Num       RefCount Protocol Flags    Type St Inode Path
0000000081a83e51: 00000003 00000000 00000000 0001 03   559
0000000081a83e52: 00000002 00000000 00010000 0001 01 41690 /run/vm 3/serial.sock
0000000081a83e53: 00000003 00000000 00000000 0001 03   691 /run/vm 3/serial.sock
0000000081a83e54: 00000003 00000000 00000000 0001 02     0 /run/vm 3/serial.sock
0000000081a83e55: 00000003 00000000 00000000 0001 03 41692 ./vm4/serial.sock
0000000081a83e56: 00000003 00000000 00000000 0001 03 41693 @/run/abstract
";

    #[test]
    fn served_and_waiting_are_told_apart() {
        let of = |path: &str| parse(LIST, Path::new(path));
        assert_eq!(of("/run/vm 3/serial.sock"), Listing { served: 1, waiting: 1 });
        assert_eq!(of("/run/vm4/serial.sock"), Listing { served: 1, waiting: 0 });
        assert_eq!(of("/run/other/serial.sock"), Listing::default());
    }
}
