//! Agreement on telnet's options (RFC 854, and the states of RFC 1143): every option is agreed on once, an answer
//! is given only to what changes something, so that no two sides can answer each other for ever. Pure.

/// The commands of RFC 854 that are about options.
pub(super) const WILL: u8 = 251;
pub(super) const WONT: u8 = 252;
pub(super) const DO: u8 = 253;
pub(super) const DONT: u8 = 254;

/// RFC 856: all eight bits, and no line ends of its own.
pub(super) const BINARY: u8 = 0;
/// RFC 857: the other side echoes.
pub(super) const ECHO: u8 = 1;
/// RFC 858: no half-duplex turns.
pub(super) const SUPPRESS_GO_AHEAD: u8 = 3;
/// RFC 2217: the serial line's settings.
pub(super) const COM_PORT: u8 = 44;

/// What we do, and what we let the server do.
const OURS: [u8; 3] = [BINARY, SUPPRESS_GO_AHEAD, COM_PORT];
const THEIRS: [u8; 3] = [BINARY, ECHO, SUPPRESS_GO_AHEAD];

/// One option on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Standing {
    #[default]
    No,
    /// We have asked for it.
    Asked,
    Yes,
    /// We have asked and were refused: never asked again.
    Refused,
}

/// What an answer changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// We do this option from now on.
    Ours(u8),
    /// The server will not have this option of ours.
    Refused(u8),
}

/// How far both sides agree.
#[derive(Debug, Default)]
pub(super) struct Options {
    ours: [Standing; OURS.len()],
    theirs: [Standing; THEIRS.len()],
}

impl Options {
    /// Whether we do it.
    pub(super) fn ours(&self, option: u8) -> bool {
        place(&OURS, option).is_some_and(|at| self.ours[at] == Standing::Yes)
    }

    /// Whether the server does it.
    pub(super) fn theirs(&self, option: u8) -> bool {
        place(&THEIRS, option).is_some_and(|at| self.theirs[at] == Standing::Yes)
    }

    /// Asks for what a serial line needs and is not agreed on yet.
    pub(super) fn ask(&mut self, com_port: bool, reply: &mut Vec<u8>) {
        for (at, option) in OURS.into_iter().enumerate() {
            if self.ours[at] == Standing::No && (option != COM_PORT || com_port) {
                self.ours[at] = Standing::Asked;
                say(WILL, option, reply);
            }
        }
        for (at, option) in THEIRS.into_iter().enumerate() {
            if self.theirs[at] == Standing::No {
                self.theirs[at] = Standing::Asked;
                say(DO, option, reply);
            }
        }
    }

    /// Takes what the server says of an option.
    pub(super) fn heard(&mut self, verb: u8, option: u8, reply: &mut Vec<u8>) -> Option<Change> {
        match verb {
            DO => heard_yes(place(&OURS, option).map(|at| &mut self.ours[at]), (WILL, WONT), option, reply)
                .then_some(Change::Ours(option)),
            DONT => {
                let standing = &mut self.ours[place(&OURS, option)?];
                heard_no(standing, WONT, option, reply).then_some(Change::Refused(option))
            }
            WILL => {
                heard_yes(place(&THEIRS, option).map(|at| &mut self.theirs[at]), (DO, DONT), option, reply);
                None
            }
            _ => {
                heard_no(&mut self.theirs[place(&THEIRS, option)?], DONT, option, reply);
                None
            }
        }
    }
}

fn place(list: &[u8], option: u8) -> Option<usize> {
    list.iter().position(|known| *known == option)
}

fn say(verb: u8, option: u8, reply: &mut Vec<u8>) {
    reply.extend([super::protocol::IAC, verb, option]);
}

/// The server wants it, or agrees: whether it holds from now on.
fn heard_yes(standing: Option<&mut Standing>, (yes, no): (u8, u8), option: u8, reply: &mut Vec<u8>) -> bool {
    let Some(standing) = standing else {
        say(no, option, reply);
        return false;
    };
    match *standing {
        Standing::Yes => false,
        Standing::Asked => {
            *standing = Standing::Yes;
            true
        }
        Standing::No | Standing::Refused => {
            *standing = Standing::Yes;
            say(yes, option, reply);
            true
        }
    }
}

/// The server does not want it: whether that is new.
fn heard_no(standing: &mut Standing, no: u8, option: u8, reply: &mut Vec<u8>) -> bool {
    let before = std::mem::replace(standing, Standing::Refused);
    if before == Standing::Yes {
        say(no, option, reply);
    }
    before != Standing::Refused
}
