//! When to look: the poll schedule of one node, and the growing gaps after a verb. Pure: takes `now`.
//!
//! Monotonic times are durations since boot (see [`super::clock`]).

use super::message::PollReason;
use crate::fleet::FaultClass;
use std::time::Duration;

/// The longest back-off, unless the interval itself is longer.
const BACK_OFF: Duration = Duration::from_secs(300);
/// A BMC out of sessions frees those left open after about 60 s: sooner only makes it worse.
const BUSY: Duration = Duration::from_secs(60);
/// Gap of the polls that wait for a BMC to come back from its reset.
const RESET_GAP: Duration = Duration::from_secs(10);
/// A BMC may go on answering for seconds before it goes: so long an answer does not end the reset.
const RESET_LINGER: Duration = Duration::from_secs(30);
/// After this a BMC that is not back is one that does not answer.
const RESET_LONGEST: Duration = Duration::from_secs(300);

/// Usual polls begin on a grid of time, all nodes' on the same: in a large fleet most of their cost is being
/// woken, and so they are woken together.
const GRID: Duration = Duration::from_millis(20);

fn on_grid(at: Duration) -> Duration {
    let steps = at.as_nanos().div_ceil(GRID.as_nanos());
    GRID * u32::try_from(steps).unwrap_or(u32::MAX)
}

/// Who made a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// This process.
    Ours,
    /// Another process on this machine: it goes on polling, and we only if it stops. So each BMC
    /// has the login of one process.
    Theirs,
    /// Another process, while our console has a login with the BMC: we poll from now on.
    TheirsUntilNow,
}

/// One node's schedule.
#[derive(Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    failures: u32,
    due: Option<Duration>,
    reason: PollReason,
    read_at: Option<Duration>,
    reset: Option<Reset>,
    seed: u64,
}

#[derive(Debug)]
struct Reset {
    since: Duration,
    gone: bool,
}

impl Schedule {
    /// A node that is polled at once, for the first time. `seed` spreads the jitter.
    pub fn new(interval: Duration, now: Duration, seed: u64) -> Schedule {
        Schedule {
            interval,
            failures: 0,
            due: Some(now),
            reason: PollReason::First,
            read_at: None,
            reset: None,
            seed,
        }
    }

    /// Another interval: the usual next poll comes sooner if it is shorter.
    pub fn set_interval(&mut self, interval: Duration, now: Duration) {
        self.interval = interval;
        if self.reason == PollReason::Interval {
            let gap = interval.mul_f64(0.9) + self.jitter(interval / 5);
            self.due = self.due.map(|due| due.min(on_grid(now + gap)));
        }
    }

    /// When it is due; `None`: not before an operator acts.
    pub fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Why then.
    pub fn reason(&self) -> PollReason {
        self.reason
    }

    /// When the newest reading counts as stale: it should long have been replaced.
    pub fn stale_at(&self) -> Option<Duration> {
        self.read_at.map(|at| at + self.interval * 3 / 2)
    }

    /// Since when the BMC is being reset.
    pub fn resetting(&self) -> Option<Duration> {
        self.reset.as_ref().map(|reset| reset.since)
    }

    /// A reading was made at `at`.
    pub fn success(&mut self, at: Duration, whose: Whose) {
        self.failures = 0;
        self.read_at = Some(at);
        if let Some(reset) = &self.reset
            && !reset.gone
            && at < reset.since + RESET_LINGER
        {
            self.due = Some(at + RESET_GAP);
            return;
        }
        self.reset = None;
        let gap = match whose {
            // Ten per cent either way, so that a fleet's polls spread.
            Whose::Ours => self.interval.mul_f64(0.9) + self.jitter(self.interval / 5),
            // After the other's next, and before the reading is stale.
            Whose::Theirs => self.interval.mul_f64(1.25) + self.jitter(self.interval / 10),
            Whose::TheirsUntilNow => self.interval.mul_f64(0.75) + self.jitter(self.interval / 10),
        };
        self.due = Some(on_grid(at + gap));
        self.reason = PollReason::Interval;
    }

    /// A poll failed at `now`.
    pub fn failure(&mut self, now: Duration, class: FaultClass) {
        if class == FaultClass::Auth {
            self.due = None;
            self.reason = PollReason::AuthFinal;
            return;
        }
        if let Some(reset) = &mut self.reset {
            if now < reset.since + RESET_LONGEST {
                reset.gone = true;
                self.due = Some(now + RESET_GAP);
                return;
            }
            self.reset = None;
        }
        self.failures += 1;
        let doubled =
            self.interval.saturating_mul(1_u32.checked_shl(self.failures.min(20) - 1).unwrap_or(u32::MAX));
        let mut gap = doubled.min(BACK_OFF).max(self.interval);
        if class == FaultClass::Busy {
            gap = gap.max(BUSY);
        }
        // Only upwards: a failing BMC is never asked sooner than a healthy one.
        self.due = Some(now + gap + self.jitter(gap / 5));
        self.reason = PollReason::BackOff { failures: self.failures };
    }

    /// An operator asks.
    pub fn asked(&mut self, now: Duration) {
        self.due = Some(now);
        self.reason = PollReason::Asked;
    }

    /// Another process' verb ended: what it changed is looked at (or taken from its reading).
    pub fn soon(&mut self, now: Duration) {
        if self.due.is_some_and(|due| due > now) {
            self.due = Some(now);
        }
    }

    /// The BMC accepted its reset.
    pub fn reset(&mut self, now: Duration) {
        self.reset = Some(Reset { since: now, gone: false });
        self.due = Some(now + RESET_GAP);
        self.reason = PollReason::Confirming;
    }

    /// Zero to `width`, another each time (splitmix64).
    fn jitter(&mut self, width: Duration) -> Duration {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        width.mul_f64(f64::from(u32::try_from((mixed ^ (mixed >> 31)) & 0xffff).unwrap_or(0)) / 65536.0)
    }
}

/// The looks after a verb was accepted: after 1, 4, 9, 16 … s, the last at the time limit.
#[derive(Debug)]
pub(crate) struct Looks {
    deadline: Duration,
    shortest: Duration,
    longest: Duration,
    count: u32,
    last: bool,
}

impl Looks {
    /// Gaps are never shorter than `shortest` (the pace) and never longer than `longest`.
    pub fn new(accepted: Duration, allowed: Duration, shortest: Duration, longest: Duration) -> Looks {
        Looks {
            deadline: accepted + allowed,
            shortest,
            longest: longest.max(shortest),
            count: 0,
            last: false,
        }
    }

    /// When to look next, seen from `now`; `None` when the last look has been made.
    pub fn next(&mut self, now: Duration) -> Option<Duration> {
        if self.last {
            return None;
        }
        self.count += 1;
        let grown = Duration::from_secs(u64::from(self.count).pow(2));
        let at = now + grown.min(self.longest).max(self.shortest);
        self.last = at >= self.deadline;
        Some(at.min(self.deadline.max(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn schedule() -> Schedule {
        Schedule::new(INTERVAL, secs(100), 1)
    }

    #[test]
    fn the_first_poll_is_due_at_once_then_about_each_interval() {
        let mut schedule = schedule();
        assert_eq!(schedule.due(), Some(secs(100)));
        let mut dues = Vec::new();
        for _ in 0..20 {
            schedule.success(secs(100), Whose::Ours);
            dues.push(schedule.due().expect("due"));
        }
        assert!(dues.iter().all(|due| *due >= secs(127) && *due <= secs(133)), "{dues:?}");
        assert_ne!(dues[0], dues[1], "jitter");
        assert_eq!(schedule.reason(), PollReason::Interval);
        assert_eq!(schedule.stale_at(), Some(secs(145)));
    }

    #[test]
    fn who_polled_last_goes_on_polling_unless_another_has_a_console() {
        let mut schedule = schedule();
        let mut due = |whose| {
            schedule.success(secs(100), whose);
            schedule.due().expect("due")
        };
        for _ in 0..20 {
            let (theirs, soon) = (due(Whose::Theirs), due(Whose::TheirsUntilNow));
            assert!(theirs > secs(137) && theirs < secs(145), "after theirs, before it is stale: {theirs:?}");
            assert!(soon > secs(122) && soon < secs(127), "before theirs: {soon:?}");
        }
    }

    #[test]
    fn failures_back_off_and_never_come_sooner_than_the_interval() {
        let mut schedule = schedule();
        let mut gaps = Vec::new();
        for _ in 0..12 {
            schedule.failure(secs(100), FaultClass::Unreachable);
            gaps.push(schedule.due().expect("due") - secs(100));
        }
        assert!(gaps.iter().all(|gap| *gap >= INTERVAL && *gap <= secs(360)), "{gaps:?}");
        assert!(gaps[2] >= secs(120) && gaps[11] >= secs(300), "{gaps:?}");
        assert_eq!(schedule.reason(), PollReason::BackOff { failures: 12 });
        schedule.success(secs(200), Whose::Ours);
        schedule.failure(secs(300), FaultClass::Unreachable);
        assert_eq!(schedule.reason(), PollReason::BackOff { failures: 1 });
    }

    #[test]
    fn an_authentication_failure_is_final_until_somebody_asks() {
        let mut schedule = schedule();
        schedule.failure(secs(100), FaultClass::Auth);
        assert_eq!((schedule.due(), schedule.reason()), (None, PollReason::AuthFinal));
        schedule.asked(secs(500));
        assert_eq!((schedule.due(), schedule.reason()), (Some(secs(500)), PollReason::Asked));
    }

    #[test]
    fn a_bmc_out_of_sessions_is_left_alone_for_a_minute() {
        let mut schedule = schedule();
        schedule.failure(secs(100), FaultClass::Busy);
        assert!(schedule.due().expect("due") >= secs(160));
    }

    #[test]
    fn a_reset_ends_when_the_bmc_went_and_answers_again() {
        let mut schedule = schedule();
        schedule.reset(secs(100));
        assert_eq!(schedule.due(), Some(secs(110)));
        schedule.success(secs(110), Whose::Ours);
        assert!(schedule.resetting().is_some(), "it goes on answering before it goes");
        schedule.failure(secs(120), FaultClass::Unreachable);
        assert_eq!(schedule.due(), Some(secs(130)), "no back-off: it is expected");
        schedule.success(secs(131), Whose::Ours);
        assert!(schedule.resetting().is_none());
        schedule.reset(secs(200));
        schedule.success(secs(231), Whose::Ours);
        assert!(schedule.resetting().is_none(), "a reset too short to be seen ends, too");
        schedule.reset(secs(300));
        schedule.failure(secs(601), FaultClass::Unreachable);
        assert!(schedule.resetting().is_none(), "not back after five minutes: it does not answer");
        assert_eq!(schedule.reason(), PollReason::BackOff { failures: 1 });
    }

    #[test]
    fn usual_polls_are_due_together() {
        let mut schedule = schedule();
        for after in 0..50 {
            schedule.success(secs(100) + Duration::from_micros(after * 777), Whose::Ours);
            assert_eq!(schedule.due().expect("due").as_nanos() % GRID.as_nanos(), 0);
        }
    }

    fn gaps(shortest: u64, longest: u64, allowed: u64) -> Vec<u64> {
        let mut looks = Looks::new(secs(0), secs(allowed), secs(shortest), secs(longest));
        let mut now = secs(0);
        let mut seen = Vec::new();
        while let Some(at) = looks.next(now) {
            seen.push(at.as_secs());
            now = at;
        }
        seen
    }

    #[test]
    fn looks_grow_keep_the_pace_and_end_at_the_limit() {
        assert_eq!(gaps(0, 600, 60), [1, 5, 14, 30, 55, 60]);
        assert_eq!(gaps(5, 600, 60), [5, 10, 19, 35, 60]);
        assert_eq!(gaps(5, 10, 60), [5, 10, 19, 29, 39, 49, 59, 60]);
        assert_eq!(gaps(5, 30, 2), [2]);
    }
}
