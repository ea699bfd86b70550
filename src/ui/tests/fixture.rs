//! A fleet in every state, and pictures of it as text.

use crate::app::message::{ConsoleId, NodeStatus, Pending, Phase, PollReason, RequestId};
use crate::app::state::Pane;
use crate::app::{Focus, Keymap, State, StateOptions, Taste, layout};
use crate::fleet::{
    BootDevice, BootSetting, ConsoleMode, ConsoleState, Fault, FaultClass, Freshness, Millis, Node, NodeId,
    Observation, Power, PowerVerb, SessionStatus, Verb,
};
use crate::screen::{Cell, Frame, Modes, Style};
use crate::theme::{ColorDepth, Themes};
use crate::ui::{Glyphs, Look, draw};
use ratatui::Terminal;
use ratatui::backend::{Backend, TestBackend};
use ratatui::buffer::Buffer;
use std::sync::Arc;
use std::time::Duration;

/// 2026-01-05 22:31:07 UTC.
pub const NOW: Millis = Millis(1_767_652_267_000);

pub fn ago(seconds: u64) -> Millis {
    Millis(NOW.0 - seconds * 1000)
}

pub fn look() -> Look {
    look_in("default", ColorDepth::Ansi16, Glyphs::Unicode)
}

pub fn look_in(name: &str, depth: ColorDepth, glyphs: Glyphs) -> Look {
    Look { theme: Themes::default().load(name, depth).expect("embedded"), glyphs }
}

pub fn node(id: u32, name: &str, tags: &[&str], driver: Option<&str>, transport: Option<&str>) -> Node {
    Node {
        id: NodeId(id),
        name: name.into(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        protected: tags.contains(&"core"),
        read_only: false,
        driver: driver.map(Into::into),
        transport: transport.map(Into::into),
        console: String::new(),
        address: format!("10.1.1.{}", id + 1),
    }
}

pub fn fault(class: FaultClass, reason: &str) -> Fault {
    Fault { class, reason: reason.into(), hint: None }
}

pub fn seen(value: Power, seconds_ago: u64) -> Observation {
    let known = value != Power::Unknown;
    Observation {
        value,
        at: Some(ago(seconds_ago)),
        last_seen: known.then_some((value, ago(seconds_ago))),
        freshness: Freshness::Fresh,
        detail: None,
    }
}

/// Eight nodes, one of each kind, and `more` that are on.
pub fn fleet(size: (u16, u16), more: u32) -> State {
    let sol = Some("sol");
    let ipmi = Some("ipmitool");
    let mut nodes = vec![
        node(0, "r1n01", &["compute", "rack1"], ipmi, sol),
        node(1, "r1n02", &["compute", "rack1"], ipmi, sol),
        node(2, "r1n03", &["compute", "rack1"], ipmi, sol),
        node(3, "r1n04", &["compute", "rack1"], ipmi, sol),
        node(4, "r1n05", &["compute", "rack1"], ipmi, sol),
        node(5, "sw1", &["core"], None, Some("unix")),
        node(6, "vm3", &[], Some("qemu"), Some("unix")),
        node(7, "vm4", &[], Some("qemu"), Some("unix")),
    ];
    for id in 0..more {
        nodes.push(node(8 + id, &format!("x{:03}", id + 1), &["spare"], ipmi, sol));
    }
    let mut state = State::new(StateOptions {
        nodes,
        read_only: false,
        title: "rack-a".into(),
        prefix: "ctrl-]",
        keys: Keymap::default(),
        mouse: false,
        poll_interval: Duration::from_secs(30),
        utc_offset: 0,
        size,
        now: NOW,
        abilities: Vec::new(),
        taste: Taste::default(),
    })
    .expect("starts");
    for (index, row) in state.nodes.iter_mut().enumerate() {
        statuses(index, &mut row.status);
    }
    state.table.cursor = Some(NodeId(1));
    lay_out(state)
}

fn statuses(index: usize, status: &mut NodeStatus) {
    status.why = PollReason::Interval;
    status.next_poll = Some(NOW + Duration::from_secs(20));
    match index {
        1 => {
            status.seen = seen(Power::Off, 8);
            status.boot = Some(BootSetting { device: Some(BootDevice::Pxe), persistent: false, uefi: false });
        }
        2 => {
            status.seen = seen(Power::Off, 8);
            status.pending = Some(Pending {
                id: Some(RequestId(1)),
                by: None,
                verb: Verb::Power(PowerVerb::On),
                from: Power::Off,
                since: ago(12),
                allowed: Duration::from_secs(60),
                phase: Phase::Observing,
            });
        }
        3 => {
            status.seen = Observation {
                value: Power::Unknown,
                at: Some(ago(10)),
                last_seen: Some((Power::On, ago(240))),
                freshness: Freshness::Failed(fault(FaultClass::Timeout, "no answer within 5 s")),
                detail: None,
            };
            status.why = PollReason::BackOff { failures: 3 };
            status.next_poll = Some(NOW + Duration::from_secs(60));
        }
        4 => {
            status.seen.freshness = Freshness::Failed(fault(FaultClass::Auth, "wrong password"));
            status.why = PollReason::AuthFinal;
            status.next_poll = None;
        }
        5 => status.why = PollReason::NoDriver,
        7 => {
            status.seen = seen(Power::On, 3);
            status.seen.detail = Some("paused".into());
        }
        _ => status.seen = seen(Power::On, 5),
    }
}

pub fn lay_out(mut state: State) -> State {
    state.layout = layout::compute(&state);
    state
}

/// Adds a console of node `node`.
pub fn open(state: &mut State, console: u64, node: u32, status: SessionStatus, frame: Option<Frame>) {
    state.panes.push(Pane {
        console: ConsoleId(console),
        node: NodeId(node),
        status,
        frame: frame.map(Arc::new),
        scroll: None,
        unseen: false,
        outdated: None,
    });
    state.layout = layout::compute(state);
}

pub fn focus(state: &mut State, console: u64) {
    state.focus = Focus::Pane(ConsoleId(console));
    state.layout = layout::compute(state);
}

pub fn session(state: ConsoleState, mode: ConsoleMode) -> SessionStatus {
    SessionStatus { state, mode, log: Some("/tmp/log".into()), received: 10, ..SessionStatus::default() }
}

pub fn attached(mode: ConsoleMode) -> SessionStatus {
    session(ConsoleState::Attached { silent: false }, mode)
}

/// A frame of these lines; the cursor stands behind the last.
pub fn frame(cols: u16, rows: u16, lines: &[&str]) -> Frame {
    let mut cells = vec![blank(); usize::from(cols) * usize::from(rows)];
    for (row, line) in lines.iter().enumerate() {
        let mut column = 0;
        for ch in line.chars() {
            let width = unicode_width::UnicodeWidthChar::width(ch).unwrap_or(1);
            let at = row * usize::from(cols) + column;
            cells[at].ch = ch;
            cells[at].width = u8::try_from(width).expect("narrow");
            if width == 2 {
                cells[at + 1].width = 0;
            }
            column += width;
        }
    }
    let last = lines.last().map_or(0, |line| line.chars().count());
    let row = lines.len().saturating_sub(1);
    Frame {
        cols,
        rows,
        cells,
        cursor: Some((u16::try_from(last).expect("short"), u16::try_from(row).expect("few"))),
        top: 0,
        live: true,
        oldest: 0,
        live_top: 0,
        modes: Modes::default(),
        seq: 1,
    }
}

pub fn blank() -> Cell {
    Cell { ch: ' ', marks: None, width: 1, style: Style::default() }
}

pub fn boot_screen() -> Frame {
    let mut frame = frame(
        80,
        25,
        &[
            "[    0.000000] Linux version 6.12.0",
            "[    1.204120] sd 0:0:0:0: [sda] Attached SCSI disk",
            "",
            "Debian GNU/Linux 13 r1n01 ttyS1",
            "",
            "r1n01 login: ",
        ],
    );
    frame.cells[80].style.bold = true;
    frame
}

pub fn terminal(state: &State, look: &Look) -> Terminal<TestBackend> {
    let (columns, rows) = state.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("memory");
    terminal
        .draw(|frame| {
            let _ = draw(frame, state, look);
        })
        .expect("memory");
    terminal
}

pub fn buffer(state: &State, look: &Look) -> Buffer {
    terminal(state, look).backend().buffer().clone()
}

/// The picture as text, with the cursor's place if it is shown.
pub fn picture(state: &State, look: &Look) -> String {
    let mut terminal = terminal(state, look);
    let mut text = text(terminal.backend().buffer());
    if terminal.backend().cursor_visible() {
        let at = terminal.backend_mut().get_cursor_position().expect("memory");
        text.push_str(&format!("cursor {},{}\n", at.x, at.y));
    }
    text
}

pub fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
