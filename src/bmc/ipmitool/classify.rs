//! What an ipmitool process's words mean. Pure: text in, reply or classed error out.
//!
//! Exit 0 proves nothing and exit 1 means anything, so whole lines decide (ipmitool 1.8.18 and 1.8.19,
//! with `-v`). The words are data, in [`login`] and [`words`].

mod login;
mod words;

use super::argv::Patience;
use super::boot;
use super::child::Outcome;
use super::suite::status_word;
use crate::bmc::words::{self as shared, NO_ANSWER, deed, fell_silent, login_error};
use crate::bmc::{BmcError, BmcInfo, Exchange, Reply};
use crate::fleet::{FaultClass, Locator, Power, SolHolder};
use crate::ipmi::command::ChassisStatus;
use login::{ESTABLISH, LOGIN, STATUS};
use std::time::Duration;
use words::{CODES, LOGGED_IN, NOISE, Words};

/// Reads how `exchange` with the BMC at `place` went, under a wall-clock limit of `limit`.
pub(super) fn classify(
    exchange: &Exchange,
    place: &str,
    limit: Duration,
    outcome: &Outcome,
) -> Result<Reply, BmcError> {
    let words = Words::of(exchange);
    let lines = || outcome.stderr.lines().map(str::trim);
    let logged_in = lines().any(|line| LOGGED_IN.iter().any(|lead| line.starts_with(lead)));
    if outcome.status != Some(0)
        && !logged_in
        && let Some(error) = login(&outcome.stderr, place)
        // ipmitool starts a login over by itself: a complaint is final only when it gave up or was cut off.
        && (outcome.timed_out || error.class == FaultClass::Local || lines().any(|line| line == ESTABLISH))
    {
        return Err(error);
    }
    if *exchange == Exchange::SolDeactivate && lines().any(|line| line == words::ALREADY_FREE) {
        return Ok(Reply::Done);
    }
    if let Some(refusal) = lines().find_map(|line| words.refusal(line))
        // The boot device can be set although the BMC knows no "boot information" parameter; what
        // came of it is read back in any case.
        && !(words.done.is_some() && refusal.tolerable && has_line(&outcome.stdout, words.done.as_deref()))
    {
        return Err(refused(exchange, place, refusal.word, refusal.code));
    }
    if let Some(reply) = reply(exchange, &words, outcome) {
        return reply.ok_or_else(|| {
            BmcError::new(
                FaultClass::Protocol,
                format!(
                    "cannot {} on {place}: the answer \"{}\" cannot be understood",
                    deed(exchange),
                    gist(&outcome.stdout)
                ),
            )
        });
    }
    if outcome.timed_out || lines().any(|line| words.is_silence(line)) {
        if matches!(exchange, Exchange::ResetBmc(_)) && went_down(outcome) {
            return Ok(Reply::Done);
        }
        if outcome.timed_out && !logged_in && limit <= Patience::of(exchange).dead_after() {
            // ipmitool had no time to find out whether anybody is there.
            return Err(no_answer(place));
        }
        return Err(fell_silent(exchange, place));
    }
    if outcome.status.is_none() {
        return Err(BmcError::new(FaultClass::Local, "ipmitool was ended by a signal"));
    }
    Err(BmcError::new(
        FaultClass::Protocol,
        format!("cannot {} on {place}: ipmitool said \"{}\"", deed(exchange), gist(&outcome.stderr)),
    ))
}

/// Classes a login that failed; `None` when the text tells of none. `to` is the BMC in messages.
pub(super) fn login(text: &str, to: &str) -> Option<BmcError> {
    let lines = || text.lines().map(str::trim);
    for row in LOGIN {
        if let Some(line) = lines().find(|line| row.line.matches(line)) {
            return Some(row.error(to, line));
        }
    }
    if let Some(word) = lines().find_map(status_word) {
        let row = STATUS.iter().find(|row| row.word == word);
        let (class, cause, hint) =
            row.map_or((FaultClass::Protocol, word, None), |row| (row.class, row.cause, row.hint));
        return Some(login_error(class, to, cause, hint));
    }
    if lines().any(|line| line == ESTABLISH) {
        return Some(login_error(FaultClass::Protocol, to, "ipmitool does not say why", None));
    }
    None
}

fn no_answer(place: &str) -> BmcError {
    login_error(FaultClass::Unreachable, place, NO_ANSWER, None)
}

/// A request that the BMC answered with a completion code.
fn refused(exchange: &Exchange, place: &str, word: &str, code: Option<u8>) -> BmcError {
    shared::refused(exchange, place, &gist(word), code.or_else(|| code_of(word)))
}

/// The completion code behind ipmitool's word for it.
fn code_of(word: &str) -> Option<u8> {
    if let Some(hex) = word.strip_prefix("Unknown (0x").and_then(|rest| rest.strip_suffix(')')) {
        return u8::from_str_radix(hex, 16).ok();
    }
    CODES.iter().find(|row| row.1.contains(&word)).map(|row| row.0)
}

/// A BMC that resets itself may do so before it answers. Silence is acceptance if the request was sent
/// in a session that was alive until then.
fn went_down(outcome: &Outcome) -> bool {
    let lines = || outcome.stderr.lines().map(str::trim);
    lines().any(|line| line.starts_with(words::RAW_SENT))
        && !lines().any(|line| words::SILENT_BEFORE.contains(&line))
}

/// `None`: no success. `Some(None)`: success whose content cannot be understood.
fn reply(exchange: &Exchange, words: &Words, outcome: &Outcome) -> Option<Option<Reply>> {
    let exited_well = outcome.status == Some(0);
    match exchange {
        Exchange::Power => {
            let mut lines = outcome.stdout.lines().map(str::trim_end);
            let power = lines.find_map(|line| match line {
                "Chassis Power is on" => Some(Power::On),
                "Chassis Power is off" => Some(Power::Off),
                _ => None,
            });
            match power {
                Some(power) => Some(Some(Reply::Power(power, None))),
                None if exited_well => Some(None),
                None => None,
            }
        }
        Exchange::BootGet => {
            let setting = boot::parse(&outcome.stdout);
            (exited_well || setting.is_some()).then(|| setting.map(Reply::Boot))
        }
        Exchange::Info => exited_well.then(|| info(&outcome.stdout).map(Reply::Info)),
        Exchange::Locator => exited_well.then(|| {
            let status = ChassisStatus::decode(&hex(&outcome.stdout)?).ok()?;
            Some(Reply::Locator(status.locator.map(Locator::from)))
        }),
        Exchange::SolHolder => exited_well.then(|| {
            let owner = u32::from_le_bytes(*hex(&outcome.stdout)?.first_chunk()?);
            Some(Reply::SolHolder(if owner == 0 { SolHolder::Nobody } else { SolHolder::Held(None) }))
        }),
        Exchange::Raw(_) => exited_well.then(|| hex(&outcome.stdout).map(Reply::Raw)),
        _ => match &words.done {
            Some(done) if has_line(&outcome.stdout, Some(done)) => Some(Some(Reply::Done)),
            Some(_) => exited_well.then_some(None),
            None => exited_well.then_some(Some(Reply::Done)),
        },
    }
}

fn has_line(text: &str, wanted: Option<&str>) -> bool {
    wanted.is_some_and(|wanted| text.lines().any(|line| line.trim_end() == wanted))
}

/// `Label : value` lines; indented lines below a label belong to its value.
fn info(stdout: &str) -> Option<BmcInfo> {
    let mut rows: BmcInfo = Vec::new();
    for line in stdout.lines() {
        if line.starts_with(' ') {
            if let Some((_, value)) = rows.last_mut() {
                if !value.is_empty() {
                    value.push_str(", ");
                }
                value.push_str(&clean(line));
            }
        } else if let Some((label, value)) = line.split_once(':') {
            rows.push((clean(label), clean(value)));
        }
    }
    rows.retain(|(label, value)| !label.is_empty() && !value.is_empty() && !value.starts_with("Unknown ("));
    (!rows.is_empty()).then_some(rows)
}

/// Pairs of hexadecimal digits, if it is nothing else.
fn hex(stdout: &str) -> Option<Vec<u8>> {
    let byte = |word: &str| (word.len() == 2).then(|| u8::from_str_radix(word, 16).ok()).flatten();
    stdout.split_whitespace().map(byte).collect()
}

/// The last line that says something, short and without control characters.
pub(super) fn gist(text: &str) -> String {
    // Bare bytes are those of a raw request, which may hold a password.
    let telling = |line: &&str| hex(line).is_none() && !NOISE.iter().any(|lead| line.starts_with(lead));
    clean(text.lines().map(str::trim).rfind(telling).unwrap_or("nothing"))
}

fn clean(text: &str) -> String {
    text.trim().chars().filter(|char| !char.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests;
