//! Everything known of one node.
//!
//! ```text
//! ┌ r1n04 ─────────────────────────────────────────┐
//! │ power    ? unknown, off seen at 22:27          │
//! │ next     poll at 22:32                         │
//! └────────────────────────────────────────── esc ─┘
//! ```

use super::{Line, page};
use crate::app::State;
use crate::app::commands::Context;
use crate::app::message::{Lit, PollReason};
use crate::app::state::NodeRow;
use crate::app::{summary, view};
use crate::fleet::{Fault, Freshness, Millis, NodeId};
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::words;

/// Columns of the labels.
const LABEL: u16 = 10;

type Info = Result<Vec<(String, String)>, Fault>;

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, node: NodeId, top: usize, info: Option<&Info>) {
    let Some(row) = state.row(node) else {
        return;
    };
    let mut lines = identity(row);
    // Without a power driver there is nothing to be known.
    if row.node.driver.is_some() {
        power(state, row, &mut lines);
    }
    if let Some((result, at)) = &row.last {
        let at = view::clock(*at, state.utc_offset);
        let text = format!("{} {}, {at}", result.verb.words(), summary::word(&result.outcome));
        lines.push(Line::new("last", text).role(Role::NoticeWarn));
    }
    controller(info, &mut lines);
    page(canvas, state, state.name(node), LABEL, &lines, top);
}

fn identity(row: &NodeRow) -> Vec<Line> {
    let node = &row.node;
    let tags: Vec<&str> = node.tags.iter().map(String::as_str).collect();
    let mut lines = vec![Line::new("tags", if tags.is_empty() { "-".to_owned() } else { tags.join(", ") })];
    if node.protected {
        lines.push(
            Line::new("protected", "destructive verbs need a typed confirmation").role(Role::NoticeWarn),
        );
    }
    if node.read_only {
        lines.push(Line::new("read-only", "no verb and no console input").role(Role::NoticeWarn));
    }
    let driver = match &node.driver {
        Some(driver) => format!("{driver} at {}", node.address),
        None => "none: this node has no power driver".to_owned(),
    };
    lines.push(Line::new("BMC", driver));
    let console = match &node.transport {
        Some(transport) if node.console.is_empty() => transport.clone(),
        Some(transport) => format!("{transport}: {}", node.console),
        None => "none".to_owned(),
    };
    lines.push(Line::new("console", console));
    lines
}

fn power(state: &State, row: &NodeRow, lines: &mut Vec<Line>) {
    let (status, seen) = (&row.status, &row.status.seen);
    let at = |time: Millis| words::clock_seconds(time, state.utc_offset);
    let mut power = format!("{} {}", words::power_glyph(seen.value), seen.value);
    if let Some(detail) = &seen.detail {
        power.push_str(&format!(" ({detail})"));
    }
    match (&seen.freshness, seen.last_seen) {
        (Freshness::Never, _) => power.push_str(", never read yet"),
        (Freshness::Stale | Freshness::Fresh, Some((_, time))) => {
            power.push_str(&format!(", read at {}", at(time)))
        }
        (Freshness::Failed(_), Some((was, time))) => {
            power.push_str(&format!(", {was} was read at {}", at(time)))
        }
        (_, None) => {}
    }
    lines.push(Line::new("power", power));
    match status.locator {
        Some(Lit::On) => lines.push(Line::new("locator", "lit from here until it is turned off")),
        Some(Lit::Until(until)) if until > state.now => {
            lines.push(Line::new("locator", format!("lit from here until {}", at(until))));
        }
        Some(Lit::Until(_)) | None => {}
    }
    if let Some(pending) = &status.pending {
        let allowed = pending.allowed.as_secs();
        let by = pending.by.as_ref().map_or_else(String::new, |by| format!("; in another lightsout: {by}"));
        let text = format!("{} since {}, {allowed}s allowed{by}", pending.verb.words(), at(pending.since));
        lines.push(Line::new("pending", text).role(Role::StatePending));
    }
    if let Freshness::Failed(fault) = &seen.freshness {
        lines.push(
            Line::new("failure", format!("{} ({})", fault.reason, fault.class.name()))
                .role(Role::NoticeError),
        );
        lines.extend(fault.hint.iter().map(|hint| Line::new("", hint.clone())));
    }
    if let Some(since) = status.resetting {
        lines.push(Line::new("BMC reset", format!("since {}", at(since))).role(Role::StatePending));
    }
    lines.push(Line::new("next poll", next(state, row)));
    let boot = status.boot.as_ref().map_or_else(|| "not read yet".to_owned(), summary::boot_text);
    lines.push(Line::new("boot", boot));
}

fn next(state: &State, row: &NodeRow) -> String {
    let why = match row.status.why {
        PollReason::First => "never polled yet".to_owned(),
        PollReason::Interval => "the usual interval".to_owned(),
        PollReason::Asked => "asked for".to_owned(),
        PollReason::Confirming => "a verb is being confirmed".to_owned(),
        PollReason::BackOff { failures } => {
            format!("{} in a row: asked less often", words::count(failures as usize, "failure"))
        }
        PollReason::AuthFinal => {
            let poll = state.keys.key_in(Context::Table, "poll");
            format!("authentication failed: only when you ask ({poll})")
        }
        PollReason::NoDriver => "nothing to poll".to_owned(),
    };
    match row.status.next_poll {
        Some(at) if at <= state.now => format!("now: {why}"),
        Some(at) => format!("{}: {why}", words::clock_seconds(at, state.utc_offset)),
        None => why,
    }
}

fn controller(info: Option<&Info>, lines: &mut Vec<Line>) {
    match info {
        None => {}
        Some(Ok(pairs)) => {
            lines.push(Line::new("", ""));
            lines.extend(pairs.iter().map(|(name, value)| Line::new("", format!("{name}: {value}"))));
        }
        Some(Err(fault)) => lines.push(Line::new("info", fault.reason.clone()).role(Role::NoticeError)),
    }
}
