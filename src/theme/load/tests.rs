use super::*;
use ratatui::style::{Color, Modifier};
use std::path::Path;

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(format!("{name}.toml")), text).expect("written");
}

/// The roles of each group must be told apart, whatever the theme is and however few colours there are.
const DIFFER: [&[Role]; 7] = [
    &[Role::StateOn, Role::StateOff, Role::StateUnknown, Role::StateFailed, Role::StatePending],
    &[Role::Text, Role::RowCursor, Role::RowCursorBlur, Role::RowMarked],
    &[Role::NoticeInfo, Role::NoticeWarn, Role::NoticeError],
    &[Role::Menu, Role::MenuCursor, Role::MenuDisabled],
    &[Role::Frame, Role::FrameFocus, Role::FrameUnseen],
    &[Role::Text, Role::Selection, Role::Match, Role::Stale],
    &[Role::Dialog, Role::DialogDanger, Role::DialogButton],
];

fn embedded(name: &str, depth: ColorDepth) -> Theme {
    Themes::default().load(name, depth).expect("loads")
}

fn of(dir: &tempfile::TempDir) -> Themes {
    Themes::new(vec![dir.path().to_owned()])
}

#[test]
fn every_embedded_theme_sets_every_role_through_its_parents() {
    for (name, _) in EMBEDDED {
        let chain = Themes::default().chain(name).expect("embedded");
        assert!(!chain[0].file.about.is_empty(), "{name}");
        for role in Role::ALL {
            let mut set = false;
            for link in &chain {
                let mut palette = Palette::new();
                for link in chain.iter().rev() {
                    link.file.add_palette(false, &mut palette).expect("colours");
                }
                let styles = link.file.styles(ColorDepth::TrueColor, &palette).expect("valid styles");
                set |= styles[*role as usize].is_some();
            }
            assert!(set, "{name} lacks {}", role.name());
        }
    }
}

#[test]
fn with_16_colours_every_embedded_theme_is_readable_and_tells_apart_what_it_must() {
    for (name, _) in EMBEDDED {
        let theme = embedded(name, ColorDepth::Ansi16);
        for role in Role::ALL {
            let style = theme.style(*role);
            for color in [style.fg, style.bg].into_iter().flatten() {
                assert!(
                    matches!(color, Color::Reset | Color::Indexed(0..=15)),
                    "{name} {}: {color:?}",
                    role.name()
                );
            }
            let both_set = style.fg.is_some() && style.bg.is_some_and(|bg| bg != Color::Reset);
            assert!(!both_set || style.fg != style.bg, "{name} {}", role.name());
            // A background needs its own foreground: the terminal's may be the same colour.
            assert!(
                style.bg.is_none_or(|bg| bg == Color::Reset) || style.fg.is_some(),
                "{name} {}",
                role.name()
            );
        }
        for group in DIFFER {
            for (index, one) in group.iter().enumerate() {
                for other in &group[index + 1..] {
                    assert_ne!(theme.style(*one), theme.style(*other), "{name}: {one:?} {other:?}");
                }
            }
        }
    }
}

#[test]
fn the_default_theme_keeps_the_terminals_background() {
    for depth in [ColorDepth::Ansi16, ColorDepth::TrueColor] {
        let theme = embedded("default", depth);
        assert!(theme.style(Role::Text).bg.is_none_or(|bg| bg == Color::Reset));
        assert!(theme.style(Role::Text).fg.is_none());
    }
}

#[test]
fn without_colours_every_theme_becomes_mono_and_no_colour_is_left() {
    let dir = tempfile::tempdir().expect("dir");
    write(dir.path(), "loud", "[roles]\ntext = { fg = \"red\", bg = \"blue\" }\n");
    let theme = of(&dir).load("loud", ColorDepth::Mono).expect("loads");
    assert_eq!(theme, embedded("mono", ColorDepth::Mono));
    assert!(of(&dir).load("nope", ColorDepth::Mono).is_err());
    for role in Role::ALL {
        let style = theme.style(*role);
        for color in [style.fg, style.bg].into_iter().flatten() {
            assert_eq!(color, Color::Reset, "{}", role.name());
        }
    }
    for role in [Role::RowCursor, Role::Selection, Role::Match, Role::MenuCursor, Role::Banner] {
        assert!(!theme.style(role).add_modifier.is_empty(), "{}", role.name());
    }
}

#[test]
fn a_users_theme_inherits_and_uses_its_palette() {
    let dir = tempfile::tempdir().expect("dir");
    write(
        dir.path(),
        "mine",
        "[palette]\nalarm = \"#ff8700\"\n[roles]\n\"state.failed\" = { fg = \"alarm\", mods = [\"bold\"] }\n",
    );
    let theme = of(&dir).load("mine", ColorDepth::Indexed256).expect("loads");
    let style = theme.style(Role::StateFailed);
    assert_eq!(style.fg, Some(Color::Indexed(208)));
    assert_eq!(style.add_modifier, Modifier::BOLD);
    let default = embedded("default", ColorDepth::Indexed256);
    assert_eq!(theme.style(Role::StateOn), default.style(Role::StateOn));
}

#[test]
fn a_theme_may_change_one_colour_of_its_parent() {
    let dir = tempfile::tempdir().expect("dir");
    write(dir.path(), "mine", "inherits = \"dark\"\n[palette]\nfailed = \"#ff00ff\"\n");
    let mine = of(&dir).load("mine", ColorDepth::TrueColor).expect("loads");
    let dark = embedded("dark", ColorDepth::TrueColor);
    assert_eq!(mine.style(Role::NoticeError).fg, Some(Color::Rgb(255, 0, 255)));
    assert_eq!(mine.style(Role::StateOn), dark.style(Role::StateOn));
}

#[test]
fn what_is_for_16_colours_is_used_there_alone() {
    let dir = tempfile::tempdir().expect("dir");
    let text = "[palette]\na = \"#102030\"\n[palette-16]\na = \"yellow\"\n[roles]\ntext = { fg = \"a\" }\n\
                dim = { fg = \"a\" }\n[roles-16]\ndim = { mods = [\"dim\"] }\n";
    write(dir.path(), "mine", text);
    let at = |depth, role| of(&dir).load("mine", depth).expect("loads").style(role);
    assert_eq!(at(ColorDepth::TrueColor, Role::Text).fg, Some(Color::Rgb(16, 32, 48)));
    assert_eq!(at(ColorDepth::TrueColor, Role::Dim), at(ColorDepth::TrueColor, Role::Text));
    assert_eq!(at(ColorDepth::Ansi16, Role::Text).fg, Some(Color::Indexed(3)));
    assert_eq!(at(ColorDepth::Ansi16, Role::Dim), Style::new().dim());
}

#[test]
fn an_own_theme_stands_before_the_one_of_its_name_and_may_inherit_from_it() {
    let (mine, team) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
    write(mine.path(), "dark", "inherits = \"dark\"\n[roles]\ndim = { fg = \"#aaaaaa\" }\n");
    write(team.path(), "dark", "inherits = \"dark\"\n[roles]\nheader = { fg = \"#bbbbbb\" }\n");
    write(team.path(), "default", "[roles]\nframe = { fg = \"red\" }\n");
    let themes = Themes::new(vec![mine.path().to_owned(), team.path().to_owned()]);
    let theme = themes.load("dark", ColorDepth::TrueColor).expect("loads");
    assert_eq!(theme.style(Role::Dim).fg, Some(Color::Rgb(0xaa, 0xaa, 0xaa)));
    assert_eq!(theme.style(Role::Header).fg, Some(Color::Rgb(0xbb, 0xbb, 0xbb)));
    let embedded = embedded("dark", ColorDepth::TrueColor);
    assert_eq!(theme.style(Role::StateOn), embedded.style(Role::StateOn));
    let default = themes.load("default", ColorDepth::TrueColor).expect("loads");
    assert_eq!(default.style(Role::Frame).fg, Some(Color::Indexed(1)));
    assert_eq!(default.style(Role::StateOn).fg, Some(Color::Indexed(2)));
}

#[test]
fn errors_name_the_file_the_line_and_the_role() {
    let dir = tempfile::tempdir().expect("dir");
    write(dir.path(), "round", "inherits = \"wrong\"");
    for (text, wanted) in [
        (
            "[roles]\n\n\"state.onn\" = {}",
            "wrong.toml:3: unknown role \"state.onn\", did you mean \"state.on\"?",
        ),
        ("[roles-16]\n\"state.onn\" = {}", "wrong.toml:2: unknown role \"state.onn\""),
        (
            "[roles]\ntext = { fg = \"geen\" }",
            "wrong.toml:2: role \"text\": unknown colour \"geen\", did you mean \"green\"?",
        ),
        (
            "[palette]\nalarm = \"#ff0000\"\n[roles]\ntext = { fg = \"alrm\" }",
            "wrong.toml:4: role \"text\": unknown colour \"alrm\", did you mean \"alarm\"?",
        ),
        ("[palette]\n\nx = \"#ff00\"", "wrong.toml:3: palette colour \"x\": \"#ff00\" is no colour"),
        ("[palette-16]\nx = \"#+12345\"", "wrong.toml:2: palette colour \"x\": \"#+12345\" is no colour"),
        (
            "[roles]\ntext = { mods = [\"blink\"] }",
            "wrong.toml:2: role \"text\": unknown attribute \"blink\"",
        ),
        ("[roles]\n\ntext = { colour = \"red\" }", "wrong.toml:3: unknown field `colour`"),
        ("about = \"x\"\n[roles\n", "wrong.toml:2"),
        (
            "about = \"x\"\ninherits = \"round\"",
            "round.toml:1: the themes inherit in a circle: wrong, round, wrong",
        ),
        ("\ninherits = \"drak\"", "wrong.toml:2: there is no theme \"drak\", did you mean \"dark\"?"),
        ("inherits = \"wrong\"", "wrong.toml:1: there is no theme \"wrong\""),
    ] {
        write(dir.path(), "wrong", text);
        let error = of(&dir).load("wrong", ColorDepth::Ansi16).expect_err("refused").to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn what_is_no_readable_file_is_said() {
    let dir = tempfile::tempdir().expect("dir");
    let path = dir.path().join("odd.toml");
    std::fs::create_dir(&path).expect("made");
    let error = of(&dir).load("odd", ColorDepth::Ansi16).expect_err("refused").to_string();
    assert!(error.contains("odd.toml: it is no regular file"), "{error}");
    std::fs::write(dir.path().join("bytes.toml"), b"about = \"\xff\"").expect("written");
    let error = of(&dir).load("bytes", ColorDepth::Ansi16).expect_err("refused").to_string();
    assert!(error.contains("bytes.toml"), "{error}");
    write(dir.path(), "long", &"#".repeat(300_000));
    let error = of(&dir).load("long", ColorDepth::Ansi16).expect_err("refused").to_string();
    assert!(error.contains("longer than 256 KiB"), "{error}");
}

#[test]
fn an_unknown_theme_and_a_path_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    write(dir.path(), "mine", "");
    for name in ["nope", "../default", "", ".hidden", "a\u{1b}b"] {
        let error = of(&dir).load(name, ColorDepth::Ansi16).expect_err("refused");
        assert!(matches!(error, ThemeError::Unknown { .. }), "{error}");
        let said = error.to_string();
        assert!(
            said.ends_with("there are: default, dark, light, high-contrast, colour-blind, mono, mine"),
            "{said}"
        );
        assert!(!said.contains('\u{1b}'));
    }
}

#[test]
fn themes_are_listed_with_where_they_are_from() {
    let dir = tempfile::tempdir().expect("dir");
    write(dir.path(), "night", "about = \"for the night\"\n");
    write(dir.path(), "light", "broken = ");
    std::fs::write(dir.path().join("notes.txt"), "").expect("written");
    let list = of(&dir).list();
    let night = list.last().expect("some");
    assert_eq!((night.name.as_str(), night.about.as_str()), ("night", "for the night"));
    assert_eq!(night.file, Some(dir.path().join("night.toml")));
    let light = list.iter().find(|found| found.name == "light").expect("listed");
    assert_eq!((light.file.is_some(), light.about.as_str()), (true, ""));
    assert_eq!(list.len(), EMBEDDED.len() + 1);
    assert!(list[0].file.is_none() && !list[0].about.is_empty());
}

#[test]
fn an_own_theme_that_is_hard_to_read_is_used_with_a_warning() {
    let dir = tempfile::tempdir().expect("dir");
    write(dir.path(), "pale", "inherits = \"dark\"\n[roles]\n\"state.failed\" = { fg = \"#442222\" }\n");
    for depth in [ColorDepth::TrueColor, ColorDepth::Ansi16] {
        let theme = of(&dir).load("pale", depth).expect("used all the same");
        let [warning] = theme.warnings() else { panic!("{:?}", theme.warnings()) };
        for part in ["theme pale: ", "role \"state.failed\"", "contrast 1.", "4.5 is needed"] {
            assert!(warning.contains(part), "{part}: {warning}");
        }
    }
    assert!(of(&dir).load("dark", ColorDepth::TrueColor).expect("loads").warnings().is_empty());
    // The cursor's row is blamed itself where it has its own foreground.
    let text = "inherits = \"light\"\n[roles]\n\"row.cursor\" = { fg = \"#ffffff\", bg = \"#eeeeee\" }\n";
    write(dir.path(), "blind", text);
    let theme = of(&dir).load("blind", ColorDepth::TrueColor).expect("used all the same");
    let [warning] = theme.warnings() else { panic!("{:?}", theme.warnings()) };
    assert!(warning.contains("role \"row.cursor\""), "{warning}");
}

#[test]
fn every_file_in_themes_is_embedded() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("themes");
    let mut files: Vec<String> = std::fs::read_dir(dir)
        .expect("themes")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().trim_end_matches(".toml").to_owned())
        .collect();
    files.sort();
    let mut embedded = Themes::default().names();
    embedded.sort_unstable();
    assert_eq!(files, embedded);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        cases: 256,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    })]

    /// Whatever was done to a theme's file, it is a theme or an error on it with no control character.
    #[test]
    fn no_damage_to_a_file_breaks_the_reader(
        at in 0usize..3000,
        removed in 0usize..20,
        added in "[\\[\\]{}=\".,#\\n\\x1b é0-9a-f-]{0,4}",
    ) {
        let chars: Vec<char> = include_str!("../../../themes/dark.toml").chars().collect();
        let (at, end) = (at.min(chars.len()), (at + removed).min(chars.len()));
        let text: String =
            chars[..at].iter().copied().chain(added.chars()).chain(chars[end..].iter().copied()).collect();
        let dir = tempfile::tempdir().expect("dir");
        write(dir.path(), "hurt", &text);
        for depth in [ColorDepth::Ansi16, ColorDepth::TrueColor] {
            if let Err(error) = of(&dir).load("hurt", depth) {
                let said = error.to_string();
                proptest::prop_assert!(said.contains("hurt.toml"), "{said}");
                proptest::prop_assert!(!error.brief().chars().any(char::is_control), "{said:?}");
            }
        }
    }
}
