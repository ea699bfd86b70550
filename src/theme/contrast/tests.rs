use super::super::{ColorDepth, Theme, Themes};
use super::*;

/// Themes with colours and a ground of their own, and what each must reach.
const OWN_GROUND: [(&str, Needs); 4] =
    [("dark", USUAL), ("light", USUAL), ("high-contrast", HIGH), ("colour-blind", USUAL)];

fn theme(name: &str, depth: ColorDepth) -> Theme {
    Themes::default().load(name, depth).expect("embedded")
}

fn check(name: &str, depth: ColorDepth, needs: Needs) {
    let found = faults(&theme(name, depth).styles, needs);
    let said: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(said.is_empty(), "{name} {depth:?}:\n{}", said.join("\n"));
}

#[test]
fn every_role_of_every_theme_with_its_own_ground_can_be_read() {
    for (name, needs) in OWN_GROUND {
        for depth in [ColorDepth::TrueColor, ColorDepth::Indexed256] {
            check(name, depth, needs);
        }
        // Nothing was left out because a colour was the terminal's own.
        let theme = theme(name, ColorDepth::TrueColor);
        for (role, layers) in drawn() {
            let look = layers.iter().fold(Style::default(), |under, layer| under.patch(theme.style(*layer)));
            assert!(contrast(look).is_some(), "{name} {}", role.name());
        }
    }
}

/// With the colours of xterm, which are the nearest to a norm that the 16 have.
#[test]
fn with_16_colours_too() {
    for (name, needs) in OWN_GROUND {
        check(name, ColorDepth::Ansi16, needs);
    }
}

/// Its ground is the terminal's own: on xterm's black everything leads the eye at least. (A light
/// terminal has a palette for it, or shall have the theme `light`.)
#[test]
fn the_default_theme_is_visible_on_black() {
    let mut styles = theme("default", ColorDepth::Ansi16).styles;
    let ground = Style::new().fg(Color::Indexed(7)).bg(Color::Indexed(0));
    styles[Role::Text as usize] = ground.patch(styles[Role::Text as usize]);
    let found = faults(&styles, Needs { text: 3.0, faint: 3.0 });
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_role_is_looked_at() {
    for role in Role::ALL.iter().filter(|role| !is_cursor(**role)) {
        assert!(drawn().iter().any(|(seen, _)| seen == role), "{}", role.name());
    }
    for cursor in [Role::RowCursor, Role::RowCursorBlur, Role::MenuCursor] {
        assert!(drawn().iter().any(|(_, layers)| layers.last() == Some(&cursor)), "{}", cursor.name());
    }
}

/// The examples of the specification: black on white is 21, #777777 on white 4.48.
#[test]
fn ratios_are_those_of_wcag() {
    assert!((ratio((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 1e-9);
    assert!((ratio((0x77, 0x77, 0x77), (255, 255, 255)) - 4.48).abs() < 0.005);
    assert!((ratio((255, 0, 0), (255, 255, 255)) - 4.0).abs() < 0.005);
}

/// A matrix on linear red, green and blue.
type Vision = [[f64; 3]; 3];

/// What is left of colours: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based
/// Model for Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009, table for severity 1.0.
const VISIONS: [(&str, Vision); 4] = [
    ("all colours", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// CIE 1976 L*a*b* (D65) of a colour as it is seen.
fn lab((r, g, b): (u8, u8, u8), vision: &Vision) -> [f64; 3] {
    let light = [linear(r), linear(g), linear(b)];
    let [r, g, b] = vision.map(|row| row.iter().zip(light).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0));
    let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.950_47);
    let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
    let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIE76 difference; about 2.3 can just be seen side by side.
fn difference(a: (u8, u8, u8), b: (u8, u8, u8), vision: &Vision) -> f64 {
    let (a, b) = (lab(a, vision), lab(b, vision));
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// The nearest two states of a theme, for every vision.
fn nearest(theme: &Theme) -> Vec<(f64, String)> {
    // With 16 colours an attribute counts, too.
    let sixteen = theme.depth() == ColorDepth::Ansi16;
    let apart = |a: Role, b: Role| sixteen && theme.style(a).add_modifier != theme.style(b).add_modifier;
    let states = [Role::StateOn, Role::StateOff, Role::StateUnknown, Role::StateFailed, Role::StatePending];
    let color = |role: Role| theme.style(role).fg.and_then(rgb).expect("a colour");
    let mut all = Vec::new();
    for (name, vision) in VISIONS {
        for (index, one) in states.iter().enumerate() {
            for other in states[index + 1..].iter().filter(|other| !apart(*one, **other)) {
                let far = difference(color(*one), color(*other), &vision);
                all.push((far, format!("{name}: {} and {}", one.name(), other.name())));
            }
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

#[test]
fn the_colour_blind_theme_tells_states_apart_with_every_vision() {
    for depth in [ColorDepth::TrueColor, ColorDepth::Indexed256, ColorDepth::Ansi16] {
        let all = nearest(&theme("colour-blind", depth));
        assert!(all.first().is_none_or(|(far, _)| *far >= 20.0), "{depth:?}: {:?}", all.first());
    }
    // The yardstick measures something: the usual red and green fail it.
    let dark = nearest(&theme("dark", ColorDepth::TrueColor));
    assert!(dark[0].0 < 20.0 && dark[0].1.starts_with("deuter"), "{:?}", dark[0]);
}
