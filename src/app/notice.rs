//! Notices: lines for the operator that come and go by themselves.

use super::{State, state::Notice};
use crate::fleet::Millis;
use crate::hub::message::Level;
use std::time::Duration;

/// How many notices are kept.
const KEPT: usize = 50;
/// How long an error stays after a key was pressed: until then it stays for ever.
const AFTER_KEY: Duration = Duration::from_secs(4);

impl State {
    /// Shows a notice. The same text again only lengthens its time.
    pub(super) fn notice(&mut self, level: Level, text: impl Into<String>, hint: Option<String>) {
        let text = text.into();
        let until = match level {
            Level::Info => self.now + Duration::from_secs(5),
            Level::Warning => self.now + Duration::from_secs(10),
            Level::Error => Millis(u64::MAX),
        };
        if let Some(at) =
            self.notices.iter().position(|n| n.text == text && n.level == level && n.until > self.now)
        {
            self.notices.remove(at);
        }
        self.notices.push_back(Notice { at: self.now, level, text, hint, until, seen: false, logged: false });
        while self.notices.len() > KEPT {
            self.notices.pop_front();
        }
    }

    /// Good to know.
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.notice(Level::Info, text, None);
    }

    /// Something the operator pressed did not do what it might have.
    pub(super) fn warn(&mut self, text: impl Into<String>) {
        self.notice(Level::Warning, text, None);
    }

    /// A key was pressed: errors have been seen and may go, warnings may give way to what the key does.
    pub(super) fn seen_notices(&mut self) {
        let until = self.now + AFTER_KEY;
        for notice in &mut self.notices {
            notice.seen = true;
            if notice.until == Millis(u64::MAX) {
                notice.until = until;
            }
        }
    }

    /// The notice to show: the gravest of those whose time is not up, the newest of these. A warning that was
    /// seen is no graver than what is said after it.
    #[must_use]
    pub fn current_notice(&self) -> Option<&Notice> {
        let grave = |notice: &Notice| match notice.level {
            Level::Info => 0,
            Level::Warning if notice.seen => 0,
            Level::Warning => 1,
            Level::Error => 2,
        };
        self.notices.iter().filter(|notice| notice.until > self.now).max_by_key(|notice| grave(notice))
    }
}
