//! Telnet without I/O: RFC 854 with the options of [`super::options`], and the client's side of RFC 2217.
//!
//! The server is hostile or broken until it has shown otherwise: every subnegotiation is bounded, unknown commands
//! are skipped, nothing it says makes us answer for ever.

use super::options::{BINARY, COM_PORT, Change, DO, DONT, Options, WILL, WONT};
use crate::config::{Flow, Parity, SerialLine};

/// "Interpret as command".
pub(super) const IAC: u8 = 255;
const SUB_BEGIN: u8 = 250;
const BREAK: u8 = 243;
const SUB_END: u8 = 240;
const CR: u8 = b'\r';
const LF: u8 = b'\n';
const NUL: u8 = 0;

/// A subnegotiation that is longer is no longer listened to, and one that never ends is given up at the second limit:
/// what follows is the node's.
const SUB_KEPT: usize = 64;
const SUB_LONGEST: usize = 4096;

/// Commands of RFC 2217, from the client; the server's answers are these plus 100.
mod com_port {
    pub(super) const BAUD: u8 = 1;
    pub(super) const DATA_SIZE: u8 = 2;
    pub(super) const PARITY: u8 = 3;
    pub(super) const STOP_SIZE: u8 = 4;
    pub(super) const CONTROL: u8 = 5;
    pub(super) const SUSPEND: u8 = 8;
    pub(super) const RESUME: u8 = 9;
    pub(super) const ANSWER: u8 = 100;

    pub(super) const BREAK_ON: u8 = 5;
    pub(super) const BREAK_OFF: u8 = 6;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Data,
    Command,
    Option(u8),
    Sub { length: usize },
    SubCommand { length: usize },
}

/// One telnet connection.
#[derive(Debug)]
pub(super) struct Protocol {
    state: State,
    after_cr: bool,
    sub: Vec<u8>,
    options: Options,
    /// The server has sent a command of telnet's.
    speaks: bool,
    line: SerialLine,
    suspended: bool,
    note: Option<String>,
}

impl Protocol {
    /// A connection whose serial line should be like `line`.
    pub(super) fn new(line: SerialLine) -> Protocol {
        Protocol {
            state: State::Data,
            after_cr: false,
            sub: Vec::new(),
            options: Options::default(),
            speaks: false,
            line,
            suspended: false,
            note: None,
        }
    }

    /// Whether the server has shown that it speaks telnet.
    pub(super) fn speaks(&self) -> bool {
        self.speaks
    }

    /// Whether the server asked us to wait (RFC 2217, FLOWCONTROL-SUSPEND).
    pub(super) fn suspended(&self) -> bool {
        self.suspended
    }

    /// What the operator should know, once.
    pub(super) fn take_note(&mut self) -> Option<String> {
        self.note.take()
    }

    /// Takes received bytes: the node's go to `data`, answers to `reply`.
    pub(super) fn receive(&mut self, bytes: &[u8], data: &mut Vec<u8>, reply: &mut Vec<u8>) {
        for byte in bytes {
            self.state = match (self.state, *byte) {
                (State::Data, IAC) => State::Command,
                (State::Data, byte) => {
                    self.datum(byte, data);
                    State::Data
                }
                (State::Command, IAC) => {
                    self.datum(IAC, data);
                    State::Data
                }
                (State::Command, verb @ (WILL | WONT | DO | DONT)) => State::Option(verb),
                (State::Command, SUB_BEGIN) => {
                    self.sub.clear();
                    State::Sub { length: 0 }
                }
                // Go ahead, data mark, are-you-there and whatever else means nothing to a console.
                (State::Command, _) => State::Data,
                (State::Option(verb), option) => {
                    self.heard(verb, option, reply);
                    State::Data
                }
                (State::Sub { length }, IAC) => State::SubCommand { length },
                (State::Sub { length }, byte) => self.sub_byte(length, byte),
                (State::SubCommand { length }, IAC) => self.sub_byte(length, IAC),
                (State::SubCommand { .. }, SUB_END) => {
                    self.sub_end();
                    State::Data
                }
                // A command inside a subnegotiation: its end was lost.
                (State::SubCommand { .. }, verb @ (WILL | WONT | DO | DONT)) => State::Option(verb),
                (State::SubCommand { .. }, _) => State::Data,
            };
        }
    }

    /// A byte of the node. Outside of binary, a carriage return is followed by a NUL that is none of the node's.
    fn datum(&mut self, byte: u8, data: &mut Vec<u8>) {
        let stuffed = byte == NUL && self.after_cr && self.speaks && !self.options.theirs(BINARY);
        self.after_cr = byte == CR;
        if !stuffed {
            data.push(byte);
        }
    }

    fn sub_byte(&mut self, length: usize, byte: u8) -> State {
        if self.sub.len() < SUB_KEPT {
            self.sub.push(byte);
        }
        if length >= SUB_LONGEST { State::Data } else { State::Sub { length: length + 1 } }
    }

    fn heard(&mut self, verb: u8, option: u8, reply: &mut Vec<u8>) {
        let change = self.options.heard(verb, option, reply);
        if !std::mem::replace(&mut self.speaks, true) {
            self.options.ask(self.line != SerialLine::default(), reply);
        }
        match change {
            Some(Change::Ours(COM_PORT)) => self.settings(reply),
            Some(Change::Refused(COM_PORT)) if self.line != SerialLine::default() => {
                self.note = Some("the server does not let its line be set (RFC 2217 refused)".to_owned());
            }
            _ => {}
        }
    }

    /// Asks for the line as it is configured; what is not stays as the server has it.
    fn settings(&self, reply: &mut Vec<u8>) {
        let SerialLine { baud, data_bits, parity, stop_bits, flow } = self.line;
        if let Some(baud) = baud {
            command(com_port::BAUD, &baud.to_be_bytes(), reply);
        }
        if let Some(bits) = data_bits {
            command(com_port::DATA_SIZE, &[bits], reply);
        }
        if let Some(parity) = parity {
            command(com_port::PARITY, &[parity_code(parity)], reply);
        }
        if let Some(bits) = stop_bits {
            command(com_port::STOP_SIZE, &[bits], reply);
        }
        if let Some(flow) = flow {
            command(com_port::CONTROL, &[flow_code(flow)], reply);
        }
    }

    fn sub_end(&mut self) {
        let [COM_PORT, code, value @ ..] = self.sub.as_slice() else { return };
        let Some(code) = code.checked_sub(com_port::ANSWER) else { return };
        match (code, value) {
            (com_port::SUSPEND, _) if !self.suspended => {
                self.suspended = true;
                self.note = Some("the server asks to wait: keys are held back".to_owned());
            }
            (com_port::RESUME, _) if self.suspended => {
                self.suspended = false;
                self.note = Some("the server takes keys again".to_owned());
            }
            (com_port::BAUD, value) => {
                let got = value.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes));
                if let (Some(got), Some(asked)) = (got, self.line.baud)
                    && got != asked
                {
                    self.note = Some(format!("the server's line is at {got} baud, not {asked}"));
                }
            }
            (com_port::DATA_SIZE, [got, ..]) => self.differs(*got, self.line.data_bits, "data bits"),
            (com_port::PARITY, [got, ..]) => self.differs(*got, self.line.parity.map(parity_code), "parity"),
            (com_port::STOP_SIZE, [got, ..]) => self.differs(*got, self.line.stop_bits, "stop bits"),
            _ => {}
        }
    }

    fn differs(&mut self, got: u8, asked: Option<u8>, what: &str) {
        if asked.is_some_and(|asked| asked != got) {
            self.note = Some(format!("the server did not take the {what} of the configuration"));
        }
    }

    /// Typed bytes as the server wants them.
    pub(super) fn encode(&self, bytes: &[u8]) -> Vec<u8> {
        if !self.speaks {
            return bytes.to_vec();
        }
        let binary = self.options.ours(BINARY);
        let mut out = Vec::with_capacity(bytes.len() + 2);
        for (at, byte) in bytes.iter().enumerate() {
            out.push(*byte);
            match *byte {
                IAC => out.push(IAC),
                CR if !binary && bytes.get(at + 1) != Some(&LF) => out.push(NUL),
                _ => {}
            }
        }
        out
    }

    /// Begins or ends a break: by the line's own control where the server has it, else by telnet's command, which
    /// has no end.
    pub(super) fn set_break(&mut self, on: bool, out: &mut Vec<u8>) {
        if self.options.ours(COM_PORT) {
            let value = if on { com_port::BREAK_ON } else { com_port::BREAK_OFF };
            command(com_port::CONTROL, &[value], out);
        } else if on && self.speaks {
            out.extend([IAC, BREAK]);
        }
    }
}

/// A command of RFC 2217; a byte 255 in its value is doubled.
fn command(code: u8, value: &[u8], out: &mut Vec<u8>) {
    out.extend([IAC, SUB_BEGIN, COM_PORT, code]);
    for byte in value {
        out.push(*byte);
        if *byte == IAC {
            out.push(IAC);
        }
    }
    out.extend([IAC, SUB_END]);
}

fn parity_code(parity: Parity) -> u8 {
    match parity {
        Parity::None => 1,
        Parity::Odd => 2,
        Parity::Even => 3,
    }
}

fn flow_code(flow: Flow) -> u8 {
    match flow {
        Flow::None => 1,
        Flow::Software => 2,
        Flow::Hardware => 3,
    }
}

#[cfg(test)]
mod tests;
