use super::*;

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(format!("{name}.toml")), text).expect("written");
}

/// The roles that must be told apart whatever the theme is.
const STATES: [Role; 5] =
    [Role::StateOn, Role::StateOff, Role::StateUnknown, Role::StateFailed, Role::StatePending];

#[test]
fn every_embedded_theme_sets_every_role_through_its_parents() {
    for (name, text) in EMBEDDED {
        let mut set = vec![false; Role::ALL.len()];
        let mut text = text.to_owned();
        loop {
            let raw: RawTheme = toml::from_str(&text).expect("valid");
            for (slot, style) in set.iter_mut().zip(styles(&raw).expect("valid styles")) {
                *slot |= style.is_some();
            }
            match raw.inherits {
                Some(parent) => text = source(&parent, None).expect("embedded").1,
                None => break,
            }
        }
        let missing: Vec<&str> =
            Role::ALL.iter().zip(&set).filter(|(_, set)| !**set).map(|(role, _)| role.name()).collect();
        assert!(missing.is_empty(), "{name} lacks {missing:?}");
    }
}

#[test]
fn every_embedded_theme_keeps_text_readable_with_16_colours() {
    for (name, _) in EMBEDDED {
        let theme = load(name, ColorDepth::Ansi16, None).expect("loads");
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
    }
}

#[test]
fn the_default_theme_tells_states_apart_and_keeps_the_terminals_background() {
    let theme = load("default", ColorDepth::Ansi16, None).expect("loads");
    for (index, one) in STATES.iter().enumerate() {
        for other in &STATES[index + 1..] {
            assert_ne!(theme.style(*one), theme.style(*other), "{one:?} {other:?}");
        }
    }
    assert!(theme.style(Role::Text).bg.is_none_or(|bg| bg == Color::Reset));
}

#[test]
fn without_colours_every_theme_becomes_mono_and_no_colour_is_left() {
    let dir = tempfile::tempdir().expect("dir");
    write(dir.path(), "loud", "[roles]\ntext = { fg = \"red\", bg = \"blue\" }\n");
    let theme = load("loud", ColorDepth::Mono, Some(dir.path())).expect("loads");
    assert_eq!(theme, load("mono", ColorDepth::Mono, None).expect("loads"));
    for role in Role::ALL {
        let style = theme.style(*role);
        for color in [style.fg, style.bg].into_iter().flatten() {
            assert_eq!(color, Color::Reset, "{}", role.name());
        }
    }
    for role in [Role::RowCursor, Role::Selection, Role::Match, Role::MenuCursor, Role::Banner] {
        assert!(!theme.style(role).add_modifier.is_empty(), "{}", role.name());
    }
    assert_ne!(theme.style(Role::Selection), theme.style(Role::Match));
}

#[test]
fn a_users_theme_inherits_and_uses_its_palette() {
    let dir = tempfile::tempdir().expect("dir");
    write(
        dir.path(),
        "mine",
        "[palette]\nalarm = \"#ff8700\"\n[roles]\n\"state.failed\" = { fg = \"alarm\", mods = [\"bold\"] }\n",
    );
    let theme = load("mine", ColorDepth::Indexed256, Some(dir.path())).expect("loads");
    let style = theme.style(Role::StateFailed);
    assert_eq!(style.fg, Some(Color::Indexed(208)));
    assert_eq!(style.add_modifier, Modifier::BOLD);
    let default = load("default", ColorDepth::Indexed256, None).expect("loads");
    assert_eq!(theme.style(Role::StateOn), default.style(Role::StateOn));
}

#[test]
fn errors_name_the_file_and_the_role() {
    let dir = tempfile::tempdir().expect("dir");
    for (text, wanted) in [
        ("[roles]\n\"state.onn\" = {}", "unknown role \"state.onn\", did you mean \"state.on\"?"),
        (
            "[roles]\ntext = { fg = \"geen\" }",
            "role \"text\": unknown colour \"geen\", did you mean \"green\"?",
        ),
        ("[roles]\ntext = { mods = [\"blink\"] }", "role \"text\": unknown attribute \"blink\""),
        ("[roles]\n\ntext = { colour = \"red\" }", "line 3: unknown field `colour`"),
        ("inherits = \"wrong\"", "in a circle"),
    ] {
        write(dir.path(), "wrong", text);
        let error = load("wrong", ColorDepth::Ansi16, Some(dir.path())).expect_err("refused").to_string();
        assert!(error.contains(wanted), "{error}");
        assert!(error.contains("wrong.toml"), "{error}");
    }
}

#[test]
fn an_unknown_theme_and_a_path_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    for name in ["nope", "../default", "", ".hidden"] {
        let error = load(name, ColorDepth::Ansi16, Some(dir.path())).expect_err("refused");
        assert!(matches!(error, ThemeError::Unknown { .. }), "{error}");
        assert!(error.to_string().contains("default, mono"));
    }
}

#[test]
fn every_file_in_themes_is_embedded() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("themes");
    let mut files: Vec<String> = std::fs::read_dir(dir)
        .expect("themes")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().trim_end_matches(".toml").to_owned())
        .collect();
    files.sort();
    let mut embedded = names();
    embedded.sort_unstable();
    assert_eq!(files, embedded);
}
