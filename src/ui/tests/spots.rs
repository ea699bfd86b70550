//! What can be clicked is where it is drawn.

use super::fixture::*;
use super::overlays::confirm;
use crate::app::state::{ConfirmLevel, Input, Menu, MenuItem, MenuPick, Overlay};
use crate::app::{Key, KeyCode, MouseKind, Spot, Spots, State};
use crate::fleet::{NodeId, PowerVerb, SortKey, Verb};
use crate::ui::draw;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// The picture's lines and what can be clicked of them.
fn drawn(state: &State) -> (Vec<String>, Spots) {
    let mut terminal = Terminal::new(TestBackend::new(state.size.0, state.size.1)).expect("memory");
    let mut spots = Spots::default();
    terminal.draw(|frame| spots = draw(frame, state, &look())).expect("memory");
    let lines = text(terminal.backend().buffer()).lines().map(str::to_owned).collect();
    (lines, spots)
}

/// Where `word` stands, in cells.
fn place(lines: &[String], word: &str) -> (u16, u16) {
    let found = lines.iter().enumerate().find_map(|(y, line)| {
        let at = line.find(word)?;
        Some((line[..at].chars().count(), y))
    });
    let (x, y) = found.unwrap_or_else(|| panic!("no {word:?} in\n{}", lines.join("\n")));
    (u16::try_from(x).expect("a column"), u16::try_from(y).expect("a row"))
}

fn at(spots: &Spots, place: (u16, u16)) -> Option<Spot> {
    spots.hit(MouseKind::Press, place).spot
}

#[test]
fn rows_headings_and_panes_are_where_they_are_drawn() {
    for size in [(80, 24), (120, 40), (60, 12), (40, 10)] {
        let state = fleet(size, 40);
        let (lines, spots) = drawn(&state);
        for (word, key) in [
            ("NODE", SortKey::Name),
            ("TAGS", SortKey::Tag),
            ("POWER", SortKey::State),
            ("AGE", SortKey::Age),
        ] {
            // A narrow screen has fewer columns.
            if lines.iter().any(|line| line.contains(word)) {
                assert_eq!(at(&spots, place(&lines, word)), Some(Spot::Heading(key)), "{word} at {size:?}");
            }
        }
        for (id, name) in [(0, "r1n01"), (3, "r1n04")] {
            let (x, y) = place(&lines, name);
            for x in [0, x, size.0 - 1] {
                assert_eq!(at(&spots, (x, y)), Some(Spot::Row(NodeId(id))), "{name} at {size:?}");
            }
        }
        assert_eq!(at(&spots, (0, 0)), None, "the title");
        assert_eq!(at(&spots, (0, size.1 - 1)), None, "the hints");
    }
}

#[test]
fn nothing_can_be_clicked_on_a_screen_that_is_too_small() {
    let (_, spots) = drawn(&fleet((20, 5), 0));
    assert!((0..20).all(|x| (0..5).all(|y| at(&spots, (x, y)).is_none())));
}

#[test]
fn a_menu_lies_over_the_table_and_scrolls() {
    for (size, cursor) in [((80, 24), 0), ((40, 8), 6)] {
        let mut state = fleet(size, 40);
        let items =
            PowerVerb::ALL.into_iter().zip(["o", "f", "s", "c", "f9", "b", "n"]).map(|(verb, key)| {
                MenuItem {
                    keys: vec![Key::parse(key).expect("a key")],
                    label: format!("row {}", verb.name()),
                    disabled: None,
                    checked: None,
                    pick: MenuPick::Verb(Verb::Power(verb)),
                }
            });
        state.overlays.push(Overlay::Menu(Menu {
            title: "power".into(),
            targets: vec![NodeId(0)],
            hidden: 0,
            items: items.collect(),
            cursor,
            persistent: false,
            uefi: false,
        }));
        let (lines, spots) = drawn(&state);
        let mut seen = 0;
        for (index, verb) in PowerVerb::ALL.into_iter().enumerate() {
            let label = format!("row {} ", verb.name());
            if lines.iter().any(|line| line.contains(&label)) {
                seen += 1;
                assert_eq!(at(&spots, place(&lines, &label)), Some(Spot::Item(index)), "{label} at {size:?}");
            }
        }
        assert!(seen >= 3, "{}", lines.join("\n"));
        assert_eq!(at(&spots, place(&lines, "┌ power")), Some(Spot::Over));
    }
}

#[test]
fn a_question_has_two_buttons_and_nothing_else() {
    let mut state = fleet((80, 24), 0);
    let mut confirm = confirm(&[0], ConfirmLevel::Key);
    state.overlays.push(Overlay::Confirm(Box::new(confirm.clone())));
    let (lines, spots) = drawn(&state);
    assert_eq!(at(&spots, place(&lines, "[ Cancel ]")), Some(Spot::Button(Key::plain(KeyCode::Esc))));
    assert_eq!(at(&spots, place(&lines, "y  power off")), Some(Spot::Button(Key::char('y'))));
    assert_eq!(at(&spots, place(&lines, "on now")), Some(Spot::Over));
    confirm.level = ConfirmLevel::Typed { word: "2".into(), input: Input::default() };
    state.overlays = vec![Overlay::Confirm(Box::new(confirm))];
    let (_, spots) = drawn(&state);
    let yes = Some(Spot::Button(Key::char('y')));
    assert!((0..80).all(|x| (0..24).all(|y| at(&spots, (x, y)) != yes)), "a word is asked for");
}
