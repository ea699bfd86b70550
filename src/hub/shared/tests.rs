//! Two openings of the file behave as two processes do: open file description locks exclude them.

use super::*;
use crate::config::{Credentials, Secret};
use crate::fleet::{Power, PowerVerb, Verb};
use crate::hub::clock::Clock;
use crate::hub::line::BmcGate;
use crate::hub::pace::{Limits, Pace};
use std::sync::atomic::AtomicBool;

const INTERVAL: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(20);

fn open(dir: &Path) -> Arc<Shared> {
    Shared::open(dir, Ownership::User, LONGEST).expect("opens")
}

fn slot(shared: &Shared, identity: &str) -> Slot {
    shared.table_lock(|| shared.slot(identity)).expect("locks").expect("room")
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn pending(verb: PowerVerb) -> PendingRecord {
    PendingRecord::new(&Verb::Power(verb), "alice", 1, secs(60), Power::On)
}

#[test]
fn both_find_the_same_record() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (one, two) = (open(dir.path()), open(dir.path()));
    let a = slot(&one, "ipmi:10.0.0.1:623");
    let b = slot(&two, "ipmi:10.0.0.2:623");
    assert_ne!(a, b);
    assert_eq!(slot(&two, "ipmi:10.0.0.1:623"), a);
    let mode = std::fs::metadata(dir.path().join(NAME)).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_groups_file_belongs_to_the_group() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().expect("tempdir");
    let gid = std::fs::metadata(dir.path()).expect("there").gid();
    Shared::open(dir.path(), Ownership::Group(gid), LONGEST).expect("opens");
    let meta = std::fs::metadata(dir.path().join(NAME)).expect("there");
    assert_eq!((meta.permissions().mode() & 0o777, meta.gid()), (0o660, gid));
}

#[test]
fn an_exchange_excludes_others_and_leaves_its_interval() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (one, two) = (open(dir.path()), open(dir.path()));
    let slot = slot(&one, "x");
    let Ok(Begin::Locked(lock)) = one.try_begin(slot, secs(100), INTERVAL) else { panic!("free") };
    lock.start(secs(100));
    assert!(matches!(two.try_begin(slot, secs(101), INTERVAL), Ok(Begin::Held)));
    lock.end(secs(100), secs(102));
    drop(lock);
    let found = two.try_begin(slot, secs(103), INTERVAL);
    assert!(matches!(found, Ok(Begin::NotBefore(next)) if next == secs(107)), "{found:?}");
    assert!(matches!(two.try_begin(slot, secs(107), INTERVAL), Ok(Begin::Locked(_))));
}

#[test]
fn a_crash_in_the_middle_frees_the_record_but_not_the_interval() {
    let dir = tempfile::tempdir().expect("tempdir");
    let two = open(dir.path());
    let slot = slot(&two, "x");
    {
        let one = open(dir.path());
        let Ok(Begin::Locked(lock)) = one.try_begin(slot, secs(100), INTERVAL) else { panic!("free") };
        lock.start(secs(100));
    }
    let found = two.try_begin(slot, secs(150), INTERVAL);
    assert!(matches!(found, Ok(Begin::NotBefore(next)) if next == secs(155)), "{found:?}");
    assert!(matches!(two.try_begin(slot, secs(155), INTERVAL), Ok(Begin::Locked(_))));
}

#[test]
fn what_a_crashed_holder_started_is_given_its_time_to_end() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (two, three) = (open(dir.path()), open(dir.path()));
    let slot = slot(&two, "x");
    {
        let one = open(dir.path());
        let Ok(Begin::Locked(lock)) = one.try_begin(slot, secs(100), INTERVAL) else { panic!("free") };
        lock.start(secs(100));
    }
    // Noticed at once: its ipmitool may go on logging in until 120.
    for shared in [&two, &three] {
        let found = shared.try_begin(slot, secs(101), INTERVAL);
        assert!(matches!(found, Ok(Begin::NotBefore(next)) if next == secs(125)), "{found:?}");
    }
    let found = two.try_begin(slot, secs(124), INTERVAL);
    assert!(matches!(found, Ok(Begin::NotBefore(next)) if next == secs(125)), "{found:?}");
    assert!(matches!(two.try_begin(slot, secs(125), INTERVAL), Ok(Begin::Locked(_))));
}

#[test]
fn a_time_to_come_costs_one_interval() {
    let dir = tempfile::tempdir().expect("tempdir");
    let two = open(dir.path());
    for (start, end) in [(900, 901), (900, 0), (99, 901)] {
        let slot = slot(&two, &format!("{start} {end}"));
        let times = Times { boot: two.boot.clone(), start: micros(secs(start)), end: micros(secs(end)) };
        two.put(slot, record::TIMES, &times);
        let found = two.try_begin(slot, secs(100), INTERVAL);
        assert!(matches!(found, Ok(Begin::NotBefore(next)) if next == secs(105)), "{times:?}: {found:?}");
        let found = two.try_begin(slot, secs(105), INTERVAL);
        assert!(matches!(found, Ok(Begin::Locked(_))), "{times:?}: {found:?}");
    }
}

#[test]
fn times_of_another_boot_mean_nothing() {
    let dir = tempfile::tempdir().expect("tempdir");
    let two = open(dir.path());
    let slot = slot(&two, "x");
    two.put(slot, record::TIMES, &Times { boot: "another".into(), start: 0, end: micros(secs(99)) });
    assert!(matches!(two.try_begin(slot, secs(100), INTERVAL), Ok(Begin::Locked(_))));
}

#[test]
fn a_pending_verb_is_seen_and_refused_by_the_other() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (one, two) = (open(dir.path()), open(dir.path()));
    let slot = slot(&one, "x");
    let before = two.change_mark();
    let claim = one.claim(slot, &pending(PowerVerb::Soft)).expect("locks").expect("free");
    assert_ne!(two.change_mark(), before);
    assert_eq!(two.foreign_pending(slot).map(|p| p.operator), Some("alice".into()));
    assert!(one.foreign_pending(slot).is_none(), "its own is not foreign");
    assert!(two.claim(slot, &pending(PowerVerb::On)).expect("locks").is_none());
    assert!(one.claim(slot, &pending(PowerVerb::On)).expect("locks").is_none());
    assert!(!claim.preempted());
    two.preempt(slot, "bob");
    assert!(claim.preempted());
    drop(claim);
    assert!(two.foreign_pending(slot).is_none());
    assert!(two.claim(slot, &pending(PowerVerb::On)).expect("locks").is_some());
}

#[test]
fn what_is_free_for_us_is_unlocked_in_the_file() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (one, two) = (open(dir.path()), open(dir.path()));
    let slot = slot(&one, "x");
    let done = AtomicBool::new(false);
    // Whoever of this process claims in such a moment has a lock that is about to go.
    let bad_moments = || {
        let mut bad = 0;
        while !done.load(Ordering::Relaxed) {
            if let Ok(claimed) = one.claimed.try_lock()
                && !claimed.contains(&slot)
            {
                bad += usize::from(two.is_locked(slot.pending_lock()));
            }
        }
        bad
    };
    let bad = std::thread::scope(|scope| {
        let watching = scope.spawn(bad_moments);
        for _ in 0..5_000 {
            let claim = one.claim(slot, &pending(PowerVerb::Soft));
            assert!(matches!(claim, Ok(Some(_))), "{claim:?}");
        }
        done.store(true, Ordering::Relaxed);
        watching.join().expect("no panic")
    });
    assert_eq!(bad, 0, "moments in which the lock of a claim that is over still holds");
}

#[test]
fn a_dead_holders_pending_verb_is_ignored() {
    let dir = tempfile::tempdir().expect("tempdir");
    let two = open(dir.path());
    let slot = slot(&two, "x");
    two.put(slot, record::PENDING, &pending(PowerVerb::Soft));
    assert!(two.foreign_pending(slot).is_none(), "nobody holds its lock");
    let claim = two.claim(slot, &pending(PowerVerb::Off)).expect("locks");
    assert!(claim.is_some());
}

#[test]
fn readings_suites_and_marks_are_shared() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (one, two) = (open(dir.path()), open(dir.path()));
    let slot = slot(&one, "x");
    let seen =
        Seen { boot: String::new(), mono: 7, wall: 8, power: Power::On, detail: Some("paused".into()) };
    one.set_seen(slot, seen);
    assert_eq!(two.seen(slot).map(|s| (s.mono, s.power)), Some((7, Power::On)));
    one.set_suite(slot, Some(17));
    assert_eq!(two.suite(slot), Some(17));
    let login = Login::default();
    one.set_auth_failed(slot, Some((login, "wrong password".into(), 9)));
    assert_eq!(two.auth_failed(slot), Some((login, "wrong password".into(), 9)));
    two.set_auth_failed(slot, None);
    assert_eq!(one.auth_failed(slot), None);
}

/// The same file, which takes no more writes, as on a full disk.
fn full(dir: &Path) -> Arc<Shared> {
    let shared = open(dir);
    Arc::new(Shared {
        file: File::open(dir.join(NAME)).expect("opens"),
        path: shared.path.clone(),
        boot: shared.boot.clone(),
        longest: LONGEST,
        claimed: Mutex::default(),
        auth_unwritten: Mutex::default(),
        marks: AtomicU32::new(0),
    })
}

#[test]
fn an_authentication_failure_that_cannot_be_written_stays_final_for_us() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (one, other) = (open(dir.path()), full(dir.path()));
    let slot = slot(&one, "x");
    let clock = Clock::system();
    let pace = Pace::new(clock, Limits::new(INTERVAL, 1));
    let gate = BmcGate::new(pace, 0, Arc::clone(&other), slot, clock, INTERVAL, Login::default());
    gate.auth_failed(&local("wrong password", None));
    // As when the change mark has changed.
    gate.reload_auth();
    assert!(gate.auth_fault().is_some(), "it would be tried again");
    assert_eq!(one.auth_failed(slot), None, "nothing was written");
    gate.clear_auth();
    gate.reload_auth();
    assert!(gate.auth_fault().is_none(), "an operator acts");
}

#[test]
fn a_reason_in_any_script_fits() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (one, two) = (open(dir.path()), open(dir.path()));
    let slot = slot(&one, "x");
    for letter in ["x", "ä", "\u{1f512}", "\u{1}", "\""] {
        one.set_auth_failed(slot, Some((Login::default(), letter.repeat(200), u64::MAX)));
        let (_, reason, _) = two.auth_failed(slot).expect("written");
        assert!(reason.starts_with(&letter.repeat(30)), "{reason:?}");
    }
}

#[test]
fn a_reading_of_another_boot_or_a_damaged_one_counts_as_none() {
    let dir = tempfile::tempdir().expect("tempdir");
    let one = open(dir.path());
    let slot = slot(&one, "x");
    let seen = Seen { boot: "another".into(), mono: 7, wall: 8, power: Power::On, detail: None };
    one.put(slot, record::SEEN, &seen);
    assert!(one.seen(slot).is_none());
    one.set_seen(slot, seen);
    assert!(one.seen(slot).is_some());
    one.file.write_all_at(b"?", slot.at(record::SEEN) + 15).expect("write");
    assert!(one.seen(slot).is_none());
}

#[test]
fn a_file_that_is_something_else_is_named_with_its_remedy() {
    let dir = tempfile::tempdir().expect("tempdir");
    std::fs::write(dir.path().join(NAME), "shopping list").expect("write");
    let fault = Shared::open(dir.path(), Ownership::User, LONGEST).expect_err("refused");
    assert!(fault.hint.expect("hint").contains("remove"));
}

#[test]
fn pending_of_the_longest_verb_fits() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (one, two) = (open(dir.path()), open(dir.path()));
    let slot = slot(&one, "x");
    let record =
        PendingRecord::new(&Verb::Raw(vec![255; 300]), &"ä".repeat(200), u64::MAX, secs(600), Power::On);
    let _claim = one.claim(slot, &record).expect("locks").expect("free");
    assert!(two.foreign_pending(slot).is_some());
}

#[test]
fn a_failure_with_other_credentials_says_nothing_of_ours() {
    let dir = tempfile::tempdir().expect("tempdir");
    let shared = open(dir.path());
    let slot = slot(&shared, "x");
    let clock = Clock::system();
    let pace = Pace::new(clock, Limits::new(INTERVAL, 1));
    let gate = |user: &str| {
        let credentials = Credentials {
            name: "lab".into(),
            username: user.into(),
            password: Secret::new(b"secret".to_vec()),
        };
        let login = Login::of(Some(&credentials));
        BmcGate::new(Arc::clone(&pace), 0, Arc::clone(&shared), slot, clock, INTERVAL, login)
    };
    let (wrong, right) = (gate("nobody"), gate("admin"));
    wrong.auth_failed(&local("wrong user", None));
    right.reload_auth();
    assert!(right.auth_fault().is_none(), "ours was never tried");
    assert!(gate("nobody").auth_fault().is_some(), "the same login is not tried again by another process");
    right.auth_failed(&local("wrong password", None));
    wrong.reload_auth();
    assert!(wrong.auth_fault().is_some(), "or two wrong ones would try for ever");
}

#[test]
fn an_sol_is_an_orphan_s_only_when_its_holder_died_a_moment_ago() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (one, two) = (open(dir.path()), open(dir.path()));
    let slot = slot(&one, "x");
    one.hold_sol(slot, Some(7), secs(100));
    one.hold_sol(slot, Some(7), secs(1000));
    assert_eq!(two.orphaned_sol(slot, secs(1010)), None, "its holder lives");
    drop(one);
    assert_eq!(two.orphaned_sol(slot, secs(1010)), Some(7));
    // The BMC has forgotten the session, and may have given its number to another's.
    assert_eq!(two.orphaned_sol(slot, secs(1060)), None);
    two.hold_sol(slot, Some(8), secs(1060));
    two.hold_sol(slot, None, secs(1061));
    drop(two);
    assert_eq!(open(dir.path()).orphaned_sol(slot, secs(1062)), None, "it was given up");
}
