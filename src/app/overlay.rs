//! Keys while something lies over the screen: menus, questions, lines being typed, lists.

use super::{
    Effect, Key, KeyCode, State, actions,
    commands::{self, Context},
    palette, panes, several,
    state::{Confirm, ConfirmLevel, Focus, Input, Menu, MenuPick, Overlay, Question},
    table,
    update::BLIND,
    verbs,
};
use crate::fleet::verb::parse_raw;
use crate::fleet::{NodeId, Verb};
use crate::hub::message::ConsoleRequest;

/// Pages of lists that are scrolled without knowing how many rows are shown.
const PAGE: usize = 10;

/// A key for the innermost overlay.
pub(super) fn key(state: &mut State, key: Key, out: &mut Vec<Effect>) {
    // ctrl-c never quits; here it is a way out like esc.
    let key = if key == Key::ctrl('c') { Key::plain(KeyCode::Esc) } else { key };
    match state.overlays.last() {
        Some(Overlay::Menu(_)) => menu(state, key, out),
        Some(Overlay::Confirm(_)) => confirm(state, key, out),
        Some(Overlay::Filter { .. }) => filter(state, key),
        Some(Overlay::Command { .. }) => palette::key(state, key, out),
        Some(Overlay::Raw { .. }) => raw(state, key, out),
        Some(Overlay::Help { .. } | Overlay::Details { .. }) => list(state, key),
        Some(Overlay::Actions(_)) => log(state, key, out),
        None => {}
    }
}

/// Text pasted into the line that is being typed.
pub(super) fn paste(state: &mut State, text: &str) {
    match state.overlays.last_mut() {
        Some(Overlay::Filter { input, .. }) => {
            input.insert(text);
            let text = input.text.clone();
            table::filter(state, &text);
        }
        Some(Overlay::Command { input, .. }) => {
            input.insert(text);
            palette::refresh(state);
        }
        Some(Overlay::Raw { input, .. }) => input.insert(text),
        _ => {}
    }
}

/// Closes the innermost overlay. What it stood on stays, a menu below a line excepted.
fn close(state: &mut State) {
    state.overlays.pop();
    // Whatever was held still for a menu may move again.
    state.inner.dirty = true;
}

fn menu(state: &mut State, key: Key, out: &mut Vec<Effect>) {
    let Some(Overlay::Menu(menu)) = state.overlays.last_mut() else {
        return;
    };
    let last = menu.items.len().saturating_sub(1);
    let picked = match key.code {
        KeyCode::Esc => return close(state),
        KeyCode::Char('q') if key == Key::char('q') => return close(state),
        KeyCode::Up => {
            menu.cursor = menu.cursor.saturating_sub(1);
            return;
        }
        KeyCode::Down => {
            menu.cursor = (menu.cursor + 1).min(last);
            return;
        }
        KeyCode::Char('k') if key.typed().is_some() => {
            menu.cursor = menu.cursor.saturating_sub(1);
            return;
        }
        KeyCode::Char('j') if key.typed().is_some() => {
            menu.cursor = (menu.cursor + 1).min(last);
            return;
        }
        KeyCode::Enter => menu.cursor,
        _ => match menu.items.iter().position(|item| item.keys.contains(&key)) {
            Some(at) => at,
            None => return,
        },
    };
    pick(state, picked, out);
}

/// Does what a row of the open menu says, or says why not.
pub(super) fn pick(state: &mut State, at: usize, out: &mut Vec<Effect>) {
    let Some(Overlay::Menu(menu)) = state.overlays.last_mut() else {
        return;
    };
    let Some(item) = menu.items.get(at) else {
        return;
    };
    menu.cursor = at;
    if let Some(why) = &item.disabled {
        let text = format!("{}: {why}", item.label);
        state.warn(text);
        return;
    }
    let pick = item.pick.clone();
    choose(state, pick, out);
}

/// Does what a menu row says.
fn choose(state: &mut State, pick: MenuPick, out: &mut Vec<Effect>) {
    let Some(Overlay::Menu(menu)) = state.overlays.last_mut() else {
        return;
    };
    let targets = (menu.targets.clone(), menu.hidden);
    let verb = match pick {
        MenuPick::Persistent => return toggle(menu, &MenuPick::Persistent),
        MenuPick::Uefi => return toggle(menu, &MenuPick::Uefi),
        MenuPick::Raw => {
            let (input, error) = (Input::default(), None);
            state.overlays.push(Overlay::Raw { input, error });
            return;
        }
        MenuPick::Verb(verb) => Some(verb),
        MenuPick::Boot(device) => Some(verbs::boot(device, menu.persistent, menu.uefi)),
        MenuPick::Cancel => None,
    };
    close(state);
    let result = match verb {
        Some(verb) => verbs::ask(state, verb, targets, out),
        None => verbs::cancel(state, &targets.0, out),
    };
    if let Err(why) = result {
        state.warn(why);
    }
}

fn toggle(menu: &mut Menu, pick: &MenuPick) {
    let value = match pick {
        MenuPick::Persistent => &mut menu.persistent,
        _ => &mut menu.uefi,
    };
    *value = !*value;
    let value = *value;
    for item in menu.items.iter_mut().filter(|item| item.pick == *pick) {
        item.checked = Some(value);
    }
}

/// What a key means to a question.
enum Answer {
    Wait,
    No,
    Yes,
}

fn confirm(state: &mut State, key: Key, out: &mut Vec<Effect>) {
    let now = state.now;
    let Some(Overlay::Confirm(confirm)) = state.overlays.last_mut() else {
        return;
    };
    // Typed before the question could be read; a clock that was set back counts as no time passed.
    if now.since(confirm.opened) < BLIND {
        return;
    }
    match answer(confirm, key) {
        Answer::Wait => {}
        Answer::No => {
            state.inner.answered = Some(now);
            close(state);
            state.say("nothing was done");
        }
        Answer::Yes => {
            let Confirm { what, targets, .. } = confirm.as_ref().clone();
            state.inner.answered = Some(now);
            close(state);
            done(state, what, targets, out);
        }
    }
}

fn answer(confirm: &mut Confirm, key: Key) -> Answer {
    confirm.error = None;
    match (&mut confirm.level, key.code) {
        (_, KeyCode::Esc) => Answer::No,
        (ConfirmLevel::Key, KeyCode::Enter) => Answer::No,
        (ConfirmLevel::Key, _) => match key.typed() {
            Some('y') => Answer::Yes,
            Some('n' | 'q') => Answer::No,
            _ => {
                confirm.error = Some("y does it; enter or esc cancels".into());
                Answer::Wait
            }
        },
        (ConfirmLevel::Typed { input, .. }, KeyCode::Enter) if input.text.is_empty() => Answer::No,
        (ConfirmLevel::Typed { word, input }, KeyCode::Enter) => {
            if input.text.trim() == word {
                return Answer::Yes;
            }
            confirm.error = Some(format!("\"{}\" is not \"{word}\"; esc cancels", input.text.trim()));
            *input = Input::default();
            Answer::Wait
        }
        (ConfirmLevel::Typed { input, .. }, _) => {
            input.key(key);
            Answer::Wait
        }
    }
}

fn done(state: &mut State, what: Question, targets: Vec<NodeId>, out: &mut Vec<Effect>) {
    match what {
        Question::Verb(verb) => verbs::send_verb(state, verb, targets, out),
        Question::Steal { console, holder } => {
            let now = state.pane(console).and_then(|pane| pane.status.state.holder());
            match (holder, now) {
                // It would be taken from somebody whom the question did not name.
                (Some(asked), Some(now)) if asked != now => {
                    state.warn(format!("it is held by {now} now: nothing was done, ask again"));
                }
                _ => out.push(panes::request(console, ConsoleRequest::Steal)),
            }
        }
        Question::Several { consoles } => several::begin(state, consoles),
        Question::Quit { .. } => {
            state.quitting = true;
            out.push(Effect::Quit);
        }
    }
}

fn filter(state: &mut State, key: Key) {
    let Some(Overlay::Filter { input, before }) = state.overlays.last_mut() else {
        return;
    };
    match key.code {
        KeyCode::Esc => {
            let before = std::mem::take(before);
            close(state);
            table::filter(state, &before);
        }
        KeyCode::Enter => close(state),
        KeyCode::Up => table::go(state, table::Step::Rows(-1)),
        KeyCode::Down => table::go(state, table::Step::Rows(1)),
        KeyCode::Backspace if input.text.is_empty() => close(state),
        _ => {
            if input.key(key) {
                let text = input.text.clone();
                table::filter(state, &text);
            }
        }
    }
}

fn raw(state: &mut State, key: Key, out: &mut Vec<Effect>) {
    let Some(Overlay::Raw { input, error }) = state.overlays.last_mut() else {
        return;
    };
    match key.code {
        KeyCode::Esc => {
            state.overlays.pop();
        }
        KeyCode::Enter => match parse_raw(&input.text) {
            Err(why) => *error = Some(why),
            Ok(bytes) => {
                state.overlays.pop();
                let Some(Overlay::Menu(menu)) = state.overlays.last() else {
                    return;
                };
                let targets = (menu.targets.clone(), menu.hidden);
                close(state);
                if let Err(why) = verbs::ask(state, Verb::Raw(bytes), targets, out) {
                    state.warn(why);
                }
            }
        },
        _ => {
            input.key(key);
            *error = None;
        }
    }
}

/// The wheel over menus and lists; lines being typed and questions have nothing to scroll.
pub(super) fn wheel(state: &mut State, by: isize) {
    match state.overlays.last_mut() {
        Some(Overlay::Menu(menu)) => {
            let last = menu.items.len().saturating_sub(1);
            menu.cursor = menu.cursor.saturating_add_signed(by.signum()).min(last);
        }
        Some(Overlay::Help { .. } | Overlay::Details { .. }) => scroll(state, by),
        Some(Overlay::Actions(_)) => actions::scroll(state, by),
        _ => {}
    }
}

/// How far a key moves in a list.
enum Move {
    By(isize),
    Pages(isize),
    First,
    Last,
}

fn moves(key: Key) -> Option<Move> {
    Some(match (key.code, key.ctrl) {
        (KeyCode::Up, _) | (KeyCode::Char('k'), false) => Move::By(-1),
        (KeyCode::Down, _) | (KeyCode::Char('j'), false) => Move::By(1),
        (KeyCode::PageUp, _) | (KeyCode::Char('u' | 'b'), true) => Move::Pages(-1),
        (KeyCode::PageDown, _) | (KeyCode::Char('d' | 'f'), true) | (KeyCode::Char(' '), false) => {
            Move::Pages(1)
        }
        (KeyCode::Home, _) | (KeyCode::Char('g'), false) => Move::First,
        (KeyCode::End, _) | (KeyCode::Char('G'), false) => Move::Last,
        _ => return None,
    })
}

/// Whether a key closes the list that is open.
fn leaves(state: &State, key: Key) -> bool {
    match (key.code, key.ctrl) {
        (KeyCode::Esc | KeyCode::Enter, _) | (KeyCode::Char('q'), false) => true,
        _ => opens(state, key),
    }
}

/// Help and details: moved like a pager.
fn list(state: &mut State, key: Key) {
    match moves(key) {
        Some(Move::By(lines)) => scroll(state, lines),
        Some(Move::Pages(pages)) => scroll(state, pages * PAGE.cast_signed()),
        Some(Move::First) => scroll(state, isize::MIN + 1),
        Some(Move::Last) => scroll(state, isize::MAX),
        None if leaves(state, key) => close(state),
        None => {}
    }
}

/// The action log: keys that move go from entry to entry, pages by lines; the rest are its commands.
fn log(state: &mut State, key: Key, out: &mut Vec<Effect>) {
    match moves(key) {
        Some(Move::By(entries)) => actions::select(state, entries),
        Some(Move::Pages(pages)) => actions::scroll(state, pages * PAGE.cast_signed()),
        Some(Move::First) => actions::select(state, isize::MIN + 1),
        Some(Move::Last) => actions::select(state, isize::MAX),
        None if leaves(state, key) => close(state),
        None => {
            commands::press(state, Context::Log, key, out);
        }
    }
}

/// Whether the list that is open is opened by this key, too.
fn opens(state: &State, key: Key) -> bool {
    let name = match state.overlays.last() {
        Some(Overlay::Help { .. }) => "help",
        Some(Overlay::Actions(_)) => "log",
        _ => return false,
    };
    let context = if state.focus == Focus::Table { Context::Table } else { Context::Pane };
    state.keys.get(context, key).is_some_and(|bound| bound.command.name == name)
}

/// Moves a pager by lines; a negative number is up.
fn scroll(state: &mut State, step: isize) {
    let most = match state.overlays.last() {
        Some(Overlay::Help { .. }) => {
            super::help::help(state).iter().map(|section| section.rows.len() + 2).sum()
        }
        Some(Overlay::Details { info, .. }) => 40 + info.iter().flatten().map(Vec::len).sum::<usize>(),
        _ => return,
    };
    if let Some(Overlay::Help { top } | Overlay::Details { top, .. }) = state.overlays.last_mut() {
        *top = top.saturating_add_signed(step).min(most.saturating_sub(1));
    }
}
