//! The file shared between processes: a record per BMC, so that two lightsouts on one machine keep
//! one pace, take each other's polls and refuse each other's second verb.
//!
//! Owns the file `fleet.v1` in the runtime directory: a header, then records of fixed size found by
//! the hash of the BMC's identity with linear probing. Three byte-range locks (open file description
//! locks) per record: one is held during an exchange, one while a verb is pending, one while an SOL is open; a
//! crashed holder's vanish with it. Read and written with `pread` and `pwrite`, never mapped. Only `hub` calls it.

mod record;

pub(crate) use record::{PendingRecord, Seen};

use super::dirs::{Ownership, local};
use crate::fleet::Fault;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
pub(crate) use record::Login;
use record::{Area, AuthRecord, SolRecord, SuiteRecord, Times};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// First bytes of the file; a new layout gets a new number and a new file name.
const MAGIC: &[u8] = b"lightsout shared state, layout 1\n";
/// Name within the runtime directory.
pub(super) const NAME: &str = "fleet.v1";
const HEADER: u64 = 4096;
const RECORD: u64 = 2048;
/// The file is sparse: unused records take no room.
const RECORDS: u64 = 16_384;
/// BMCs forget the session of a dead process after 60 s, give or take 3 s, and may use its number for another's.
/// When its holder last said that it lives the BMC had heard of it a few seconds before.
const ORPHANED: Duration = Duration::from_secs(50);
/// Where the header's change mark is.
const MARK: u64 = 64;

/// The open file.
#[derive(Debug)]
pub(crate) struct Shared {
    file: File,
    path: PathBuf,
    boot: String,
    /// Wall-clock limit of one exchange.
    longest: Duration,
    /// Pending verbs of this process: its own locks do not exclude it from itself.
    claimed: Mutex<HashSet<Slot>>,
    /// Authentication failures that could not be written: final at least for this process.
    auth_unwritten: Mutex<HashMap<Slot, AuthRecord>>,
    marks: AtomicU32,
}

/// A record's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slot(u64);

impl Slot {
    fn at(self, area: Area) -> u64 {
        HEADER + self.0 * RECORD + area.offset
    }
    fn exchange_lock(self) -> u64 {
        HEADER + self.0 * RECORD
    }
    fn pending_lock(self) -> u64 {
        HEADER + self.0 * RECORD + 1
    }
    fn sol_lock(self) -> u64 {
        HEADER + self.0 * RECORD + 2
    }
}

/// What [`Shared::try_begin`] found.
#[derive(Debug)]
pub(crate) enum Begin {
    /// The record is ours until the lock is dropped.
    Locked(ExchangeLock),
    /// Another process is in an exchange with this BMC.
    Held,
    /// The interval since the last exchange, whoever made it, has not passed.
    NotBefore(Duration),
}

/// Held during an exchange.
#[derive(Debug)]
pub(crate) struct ExchangeLock {
    shared: Arc<Shared>,
    slot: Slot,
}

impl ExchangeLock {
    /// Notes that the exchange starts.
    pub fn start(&self, now: Duration) {
        let times = Times { boot: self.shared.boot.clone(), start: micros(now), end: 0 };
        self.shared.put(self.slot, record::TIMES, &times);
    }

    /// Notes that it is over.
    pub fn end(&self, start: Duration, now: Duration) {
        let times = Times { boot: self.shared.boot.clone(), start: micros(start), end: micros(now) };
        self.shared.put(self.slot, record::TIMES, &times);
    }
}

impl Drop for ExchangeLock {
    fn drop(&mut self) {
        self.shared.unlock(self.slot.exchange_lock());
    }
}

/// Held while a verb of ours is pending.
#[derive(Debug)]
pub(crate) struct Claim {
    shared: Arc<Shared>,
    slot: Slot,
}

impl Claim {
    /// Whether another process asks us to give way to its `power off`.
    pub fn preempted(&self) -> bool {
        self.shared.get::<String>(self.slot, record::PREEMPT).is_some()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.shared.clear(self.slot, record::PENDING);
        {
            // Unlocked first, and unseen by another of this process: its lock would be this one, which
            // excludes no one in the file from itself, and would go with it.
            let mut claimed = self.shared.claimed();
            self.shared.unlock(self.slot.pending_lock());
            claimed.remove(&self.slot);
        }
        self.shared.mark();
    }
}

impl Shared {
    /// Opens or creates the file in `dir`, which has been checked. `longest` is the wall-clock limit of
    /// one exchange: so long a tool may outlive the process that started it.
    ///
    /// # Errors
    /// It cannot be opened or locked, or is something else.
    pub fn open(dir: &Path, ownership: Ownership, longest: Duration) -> Result<Arc<Shared>, Fault> {
        let path = dir.join(NAME);
        let mode = match ownership {
            Ownership::User => 0o600,
            Ownership::Group(_) => 0o660,
        };
        let failed = |error: io::Error| local(format!("cannot use {}: {error}", path.display()), None);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(mode)
            .custom_flags(nix::libc::O_NOFOLLOW)
            .open(&path)
            .map_err(failed)?;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let shared = Arc::new(Shared {
            file,
            path: path.clone(),
            boot: boot.trim().to_owned(),
            longest,
            claimed: Mutex::default(),
            auth_unwritten: Mutex::default(),
            marks: AtomicU32::new(0),
        });
        shared.table_lock(|| {
            let length = shared.file.metadata().map_err(failed)?.len();
            if length == 0 {
                if let Ownership::Group(gid) = ownership {
                    fchown(&shared.file, None, Some(gid)).map_err(failed)?;
                }
                // The mode asked for at creation is cut by the umask.
                shared
                    .file
                    .set_permissions(Permissions::from_mode(mode))
                    .and_then(|()| shared.file.write_all_at(MAGIC, 0))
                    .map_err(failed)?;
            }
            let mut magic = vec![0; MAGIC.len()];
            if shared.file.read_exact_at(&mut magic, 0).is_err() || magic != MAGIC {
                return Err(local(
                    format!("cannot use {}: it is not lightsout's shared state", path.display()),
                    Some(&format!("stop every lightsout, then remove {}", path.display())),
                ));
            }
            shared.file.set_len(HEADER + RECORDS * RECORD).map_err(failed)
        })??;
        Ok(shared)
    }

    /// Runs `work` while no other process changes the table of records.
    ///
    /// # Errors
    /// The lock is held for longer than anybody needs it.
    pub fn table_lock<T>(&self, work: impl FnOnce() -> T) -> Result<T, Fault> {
        // Held for microseconds by living processes; two seconds mean a stopped one.
        for _ in 0..400 {
            if self.lock(0)? {
                let result = work();
                self.unlock(0);
                return Ok(result);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(local(
            format!("cannot lock {}: another process holds it", self.path.display()),
            Some("is a lightsout stopped in the background (ctrl-z)?"),
        ))
    }

    /// The record of a BMC, made if there is none. The caller holds the table lock.
    ///
    /// # Errors
    /// The file is full or cannot be read.
    pub fn slot(&self, identity: &str) -> Result<Slot, Fault> {
        let first = record::hash(identity.as_bytes()) % RECORDS;
        for probe in 0..RECORDS {
            let slot = Slot((first + probe) % RECORDS);
            let mut used = [0; 2];
            self.file
                .read_exact_at(&mut used, slot.at(record::IDENTITY))
                .map_err(|error| local(format!("cannot read {}: {error}", self.path.display()), None))?;
            if used == [0; 2] {
                self.put(slot, record::IDENTITY, &identity);
                return Ok(slot);
            }
            if self.get::<String>(slot, record::IDENTITY).as_deref() == Some(identity) {
                return Ok(slot);
            }
        }
        Err(local(
            format!("cannot use {}: it is full", self.path.display()),
            Some(&format!("stop every lightsout, then remove {}", self.path.display())),
        ))
    }

    /// Takes the record for an exchange, if no other process holds it and `interval` has passed
    /// since the end of the last. Never waits.
    ///
    /// # Errors
    /// The file cannot be locked.
    pub fn try_begin(
        self: &Arc<Self>,
        slot: Slot,
        now: Duration,
        interval: Duration,
    ) -> Result<Begin, Fault> {
        if !self.lock(slot.exchange_lock())? {
            return Ok(Begin::Held);
        }
        let lock = ExchangeLock { shared: Arc::clone(self), slot };
        let Some(times) = self.get::<Times>(slot, record::TIMES) else {
            return Ok(Begin::Locked(lock));
        };
        let (start, mut end) = (Duration::from_micros(times.start), Duration::from_micros(times.end));
        if times.boot != self.boot {
            return Ok(Begin::Locked(lock));
        }
        if start > now || end > now + self.longest {
            // Two processes read the clock a moment apart. Nobody knows when it really ended: not after
            // now. Put right at once, so that it is not waited for again and again.
            lock.end(now, now);
            end = now;
        } else if end < start {
            // Its holder died in the middle. The tool it started lives on, logs in again and may act
            // until it gives up by itself; nobody is there any more to stop it.
            end = now.max(start + self.longest);
            lock.end(start, end);
        }
        let next = end + interval;
        Ok(if now < next { Begin::NotBefore(next) } else { Begin::Locked(lock) })
    }

    /// The newest reading by any process of this boot.
    pub fn seen(&self, slot: Slot) -> Option<Seen> {
        self.get::<Seen>(slot, record::SEEN).filter(|seen| seen.boot == self.boot)
    }

    /// Notes a reading.
    pub fn set_seen(&self, slot: Slot, mut seen: Seen) {
        seen.boot.clone_from(&self.boot);
        self.put(slot, record::SEEN, &seen);
    }

    /// Whether `seen` came of the newest exchange with the BMC: nothing was sent since.
    pub fn is_newest(&self, slot: Slot, seen: &Seen) -> bool {
        self.get::<Times>(slot, record::TIMES).is_some_and(|times| {
            times.boot == self.boot && times.end == seen.mono && times.start <= times.end
        })
    }

    /// The cipher suite that last worked.
    pub fn suite(&self, slot: Slot) -> Option<u8> {
        self.get::<SuiteRecord>(slot, record::SUITE)?.suite
    }

    /// Notes which suite worked.
    pub fn set_suite(&self, slot: Slot, suite: Option<u8>) {
        self.put(slot, record::SUITE, &SuiteRecord { suite });
    }

    /// With which login authentication failed for good, why, and since when (wall clock, ms).
    pub fn auth_failed(&self, slot: Slot) -> Option<(Login, String, u64)> {
        let written = self.get::<AuthRecord>(slot, record::AUTH);
        let auth = written.or_else(|| self.auth_unwritten().get(&slot).cloned())?;
        Some((auth.login, auth.reason, auth.wall))
    }

    /// Notes or clears that authentication failed for good. What cannot be written (full disk) is kept
    /// for this process: forgotten, a wrong password would be tried again until the account is locked.
    pub fn set_auth_failed(&self, slot: Slot, failed: Option<(Login, String, u64)>) {
        let forgotten = self.auth_unwritten().remove(&slot).is_some();
        match failed {
            Some((login, mut reason, wall)) => {
                reason = reason.chars().take(120).collect();
                let mut auth = AuthRecord { login, reason, wall };
                // Letters of several bytes, and control characters, which JSON writes as six.
                while record::encode(record::AUTH, &auth).is_none() && auth.reason.pop().is_some() {}
                if !self.put(slot, record::AUTH, &auth) {
                    self.auth_unwritten().insert(slot, auth);
                }
            }
            None if self.get::<AuthRecord>(slot, record::AUTH).is_some() => self.clear(slot, record::AUTH),
            None if forgotten => {}
            None => return,
        }
        self.mark();
    }

    /// Makes the pending verb of a BMC ours; `Ok(None)` while another holds it.
    ///
    /// # Errors
    /// The file cannot be locked.
    pub fn claim(self: &Arc<Self>, slot: Slot, pending: &PendingRecord) -> Result<Option<Claim>, Fault> {
        if !self.claimed().insert(slot) {
            return Ok(None);
        }
        match self.lock(slot.pending_lock()) {
            Ok(true) => {}
            refused => {
                self.claimed().remove(&slot);
                return refused.map(|_| None);
            }
        }
        self.clear(slot, record::PREEMPT);
        self.put(slot, record::PENDING, pending);
        self.mark();
        Ok(Some(Claim { shared: Arc::clone(self), slot }))
    }

    /// The pending verb of another process, if that process lives.
    pub fn foreign_pending(&self, slot: Slot) -> Option<PendingRecord> {
        let pending = self.get::<PendingRecord>(slot, record::PENDING)?;
        self.is_locked(slot.pending_lock()).then_some(pending)
    }

    /// Asks the process whose verb is pending to give way.
    pub fn preempt(&self, slot: Slot, operator: &str) {
        let operator: String = operator.chars().take(30).collect();
        self.put(slot, record::PREEMPT, &operator);
    }

    /// Notes that this process holds the BMC's SOL in that session of the BMC at `now`, or no longer. The
    /// lock tells others that it lives.
    pub fn hold_sol(&self, slot: Slot, session: Option<u32>, now: Duration) {
        match session {
            Some(session) => {
                if matches!(self.lock(slot.sol_lock()), Ok(true)) {
                    let held = SolRecord { boot: self.boot.clone(), session, told: micros(now) };
                    self.put(slot, record::SOL, &held);
                }
            }
            None => {
                self.clear(slot, record::SOL);
                self.unlock(slot.sol_lock());
            }
        }
    }

    /// The session of an SOL whose holder, a process of this machine, has died so recently that the BMC
    /// cannot have given its number to anybody else.
    pub fn orphaned_sol(&self, slot: Slot, now: Duration) -> Option<u32> {
        let held = self.get::<SolRecord>(slot, record::SOL).filter(|held| held.boot == self.boot)?;
        let recent = now.saturating_sub(Duration::from_micros(held.told)) < ORPHANED;
        (recent && !self.is_locked(slot.sol_lock())).then_some(held.session)
    }

    /// Changes whenever a pending verb or an authentication mark of any record changes.
    pub fn change_mark(&self) -> u64 {
        let mut bytes = [0; 8];
        match self.file.read_exact_at(&mut bytes, MARK) {
            Ok(()) => u64::from_le_bytes(bytes),
            Err(_) => 0,
        }
    }

    fn mark(&self) {
        // Process and count: never the value that another process has just written.
        let count = self.marks.fetch_add(1, Ordering::Relaxed);
        let value = (u64::from(std::process::id()) << 32) | u64::from(count);
        let _ = self.file.write_all_at(&value.to_le_bytes(), MARK);
    }

    fn claimed(&self) -> std::sync::MutexGuard<'_, HashSet<Slot>> {
        self.claimed.lock().expect("no panic while the claims are locked")
    }

    fn auth_unwritten(&self) -> std::sync::MutexGuard<'_, HashMap<Slot, AuthRecord>> {
        self.auth_unwritten.lock().expect("no panic while they are locked")
    }

    fn get<T: DeserializeOwned>(&self, slot: Slot, area: Area) -> Option<T> {
        let mut bytes = vec![0; area.length];
        self.file.read_exact_at(&mut bytes, slot.at(area)).ok()?;
        record::decode(&bytes)
    }

    /// Whether it could be written. A full disk costs the sharing, not the exchange.
    fn put<T: Serialize>(&self, slot: Slot, area: Area, value: &T) -> bool {
        let Some(bytes) = record::encode(area, value) else {
            tracing::warn!(offset = area.offset, "a value does not fit its place in the shared state");
            return false;
        };
        let written = self.file.write_all_at(&bytes, slot.at(area));
        if let Err(error) = &written {
            tracing::warn!(%error, path = %self.path.display(), "cannot write the shared state");
        }
        written.is_ok()
    }

    fn clear(&self, slot: Slot, area: Area) {
        let _ = self.file.write_all_at(&vec![0; area.length], slot.at(area));
    }

    fn lock(&self, byte: u64) -> Result<bool, Fault> {
        let request = flock(nix::libc::F_WRLCK, byte);
        match fcntl(&self.file, FcntlArg::F_OFD_SETLK(&request)) {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
            Err(error) => Err(local(
                format!("cannot lock {}: {error}", self.path.display()),
                Some("runtime_dir must be on a local file system"),
            )),
        }
    }

    fn unlock(&self, byte: u64) {
        let request = flock(nix::libc::F_UNLCK, byte);
        let _ = fcntl(&self.file, FcntlArg::F_OFD_SETLK(&request));
    }

    fn is_locked(&self, byte: u64) -> bool {
        let mut request = flock(nix::libc::F_WRLCK, byte);
        fcntl(&self.file, FcntlArg::F_OFD_GETLK(&mut request)).is_ok()
            && i32::from(request.l_type) != nix::libc::F_UNLCK
    }
}

fn flock(kind: i32, byte: u64) -> nix::libc::flock {
    nix::libc::flock {
        l_type: i16::try_from(kind).expect("lock kinds are small numbers"),
        l_whence: i16::try_from(nix::libc::SEEK_SET).expect("zero"),
        l_start: i64::try_from(byte).expect("the file is small"),
        l_len: 1,
        l_pid: 0,
    }
}

fn micros(mono: Duration) -> u64 {
    u64::try_from(mono.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
