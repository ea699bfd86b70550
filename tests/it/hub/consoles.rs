//! Consoles through the hub: attached, typed into, searched, detached; at one pace with polls.

use super::{Front, INTERVAL, lab, settings, settings_of_tool};
use crate::support::lab::{Lab, LabOptions};
use lightsout::fleet::{ConsoleMode, ConsoleState, LinePos, View};
use lightsout::hub::message::{ConsoleId, ConsoleRequest, Request, RequestId, Update};

const A: ConsoleId = ConsoleId(1);
const B: ConsoleId = ConsoleId(2);

impl Front {
    pub(super) fn console(&self, console: ConsoleId, what: ConsoleRequest) {
        self.handle.try_send(Request::Console { console, what }).expect("room");
    }

    pub(super) fn open(&self, console: ConsoleId, name: &str, mode: ConsoleMode) {
        let node = self.id(name);
        self.console(console, ConsoleRequest::Attach { node, mode });
        self.console(console, ConsoleRequest::View(Some(View { top: None, rows: 25 })));
    }

    pub(super) async fn attach(&mut self, console: ConsoleId, name: &str, mode: ConsoleMode) {
        self.open(console, name, mode);
        self.until("the console is attached", |front| {
            let status = front.consoles.get(&console);
            status.is_some_and(|status| matches!(status.state, ConsoleState::Attached { .. }))
        })
        .await;
    }

    fn screen(&self, console: ConsoleId) -> String {
        let Some(frame) = self.handle.frame(console) else {
            return String::new();
        };
        (0..frame.rows).map(|row| frame.line_text(row) + "\n").collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_lives_beside_polls_at_one_pace_and_leaves_its_sol_free() {
    let lab = lab(2, 0, &["--power", "on"]);
    let mut front = Front::start(settings_of_tool(&lab), true).await;
    front.attach(A, "r1n01", ConsoleMode::Interactive).await;
    front.attach(B, "r1n02", ConsoleMode::Monitor).await;
    front.console(A, ConsoleRequest::Input(b"\r".to_vec()));
    front.until("a prompt", |front| !front.screen(A).trim().is_empty()).await;
    front.console(A, ConsoleRequest::Input(b"marvel\r".to_vec()));
    front.until("what was typed", |front| front.screen(A).contains("marvel")).await;
    front.console(
        A,
        ConsoleRequest::Search {
            id: RequestId(900),
            pattern: "marvel".into(),
            from: LinePos { line: u64::MAX, col: 0 },
            backward: true,
        },
    );
    front
        .until("a match", |front| {
            front
                .answers
                .iter()
                .any(|answer| matches!(answer, Update::Found { id: RequestId(900), found: Ok(Some(_)) }))
        })
        .await;
    // Nothing is typed into a monitored console.
    front.console(B, ConsoleRequest::Input(b"never\r".to_vec()));
    // Detached and attached at once: our own SOL before is not in the way.
    front.console(A, ConsoleRequest::Detach);
    front.attach(ConsoleId(3), "r1n01", ConsoleMode::Monitor).await;
    assert!(front.handle.frame(A).is_none(), "a closed console has no frame");
    front.hub.stop().await;
    for name in ["r1n01", "r1n02"] {
        // An infinite gap between too few logins would prove nothing.
        let logins = lab.node(name).logins();
        assert!(logins.len() >= 2, "{name}: {logins:?}");
        let gap = lab.node(name).smallest_login_gap();
        assert!(gap >= INTERVAL.as_secs_f64(), "{name}: {gap} s: {:?}", lab.node(name).logins());
        let said = lab.ipmitool(name, &["sol", "deactivate"]);
        assert!(said.stderr.contains("already de-activated"), "{name}: {}", said.stderr);
    }
    assert!(!String::from_utf8_lossy(&lab.node("r1n02").typed()).contains("never"));
    let log = std::fs::read(lab.dir().join("hub-state/consoles/r1n01.log")).expect("a log");
    assert!(String::from_utf8_lossy(&log).contains("marvel"));
    let trail = std::fs::read_to_string(lab.dir().join("hub-state/audit.jsonl")).expect("a trail");
    assert!(trail.contains("attach interactive") && trail.contains("detach") && !trail.contains("marvel"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_typed_into_a_read_only_node() {
    let lab = lab(1, 0, &["--power", "on"]);
    let mut settings = settings(&lab);
    settings.nodes[0].read_only = true;
    let mut front = Front::start(settings, false).await;
    front.attach(A, "r1n01", ConsoleMode::Interactive).await;
    front.console(A, ConsoleRequest::Mode(ConsoleMode::Interactive));
    front.console(A, ConsoleRequest::Input(b"never\r".to_vec()));
    front.until("three warnings", |front| front.notices.len() == 3).await;
    assert!(front.notices.iter().all(|(_, text)| text.contains("r1n01 is read-only")), "{:?}", front.notices);
    front.hub.stop().await;
    assert_eq!(lab.node("r1n01").typed(), b"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_set_running_by_an_attach_is_in_the_trail_once() {
    let lab = Lab::up(&LabOptions { sims: 0, vms: true, ..LabOptions::default() });
    let mut front = Front::start(settings(&lab), false).await;
    front.attach(A, "vm2", ConsoleMode::Interactive).await;
    front
        .until("the word of it", |front| {
            let note = front.consoles.get(&A).and_then(|status| status.note.as_deref());
            note.is_some_and(|note| note.contains("resumed"))
        })
        .await;
    front.console(A, ConsoleRequest::Detach);
    // It runs now, as `vm1` does from the start: nothing is changed.
    front.attach(B, "vm1", ConsoleMode::Interactive).await;
    front.until("its prompt", |front| front.screen(B).contains("login:")).await;
    front.hub.stop().await;
    let trail = std::fs::read_to_string(lab.dir().join("hub-state/audit.jsonl")).expect("a trail");
    let lines: Vec<serde_json::Value> =
        trail.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let what: Vec<_> = lines.iter().map(|line| (line["verb"].as_str(), line["nodes"].as_str())).collect();
    assert_eq!(
        what,
        [
            (Some("attach interactive"), Some("vm2")),
            (Some("resume"), Some("vm2")),
            (Some("detach"), Some("vm2")),
            (Some("attach interactive"), Some("vm1")),
            (Some("detach"), Some("vm1")),
        ]
    );
    assert!(lines.iter().all(|line| line["operator"] == "tester"), "{trail}");
}
