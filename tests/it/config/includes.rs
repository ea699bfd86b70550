//! `include`: a team's fleet below a person's taste, directories of files.

use super::Place;

fn names(place: &Place, text: &str) -> Vec<String> {
    let loaded = place.load_text(text).expect("files that include each other");
    loaded.settings.nodes.into_iter().map(|node| node.name).collect()
}

#[test]
fn a_team_s_fleet_lies_below_a_person_s_taste() {
    let place = Place::new();
    place.write(
        "team/fleet.toml",
        "theme = \"default\"\n[poll]\ninterval = \"40s\"\nmin_command_interval = \"7s\"\n\
         [credentials.lab]\nusername = \"admin\"\npassword_file = \"../lab.pw\"\n\
         [tags.rack1]\nprotected = true\n\
         [[node]]\nname = \"n1\"\ntags = [\"rack1\"]\nbmc = { address = \"10.1.1.1\", credentials = \"lab\" }\n",
        0o644,
    );
    let loaded = place
        .load_text("include = [\"team/fleet.toml\"]\ntheme = \"mono\"\n[poll]\ninterval = \"90s\"\n[[node]]\nname = \"mine\"\n")
        .expect("both");
    let settings = &loaded.settings;
    assert_eq!((settings.theme.as_str(), settings.poll.interval.as_secs()), ("mono", 90), "the person's");
    assert_eq!(settings.poll.min_command_interval.as_secs(), 7, "the team's");
    assert!(settings.nodes[0].protected, "the team's nodes with their tags");
    assert_eq!(settings.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["n1", "mine"]);
    assert_eq!(loaded.files, [place.path("config.toml"), place.path("team/fleet.toml")]);
    assert_eq!(loaded.main, place.path("config.toml"), "it gives the fleet its name");
}

#[test]
fn a_pattern_means_the_files_of_a_directory_in_order() {
    let place = Place::new();
    for (file, node) in [("b.toml", "b"), ("a.toml", "a"), ("a.toml~", "old"), (".c.toml", "hidden")] {
        place.write(&format!("conf.d/{file}"), format!("[[node]]\nname = \"{node}\"\n"), 0o644);
    }
    assert_eq!(names(&place, "include = [\"conf.d/*.toml\"]\n"), ["a", "b"]);
    assert_eq!(names(&place, "include = [\"conf.d/?.toml\", \"conf.d/a.toml\"]\n"), ["a", "b"], "each once");
    assert_eq!(names(&place, "include = [\"conf.d/*.conf\"]\n"), [""; 0], "none yet");
    let problems = place.problems("include = [\"conf.e/*.toml\"]\n");
    assert!(
        problems.contains("config.toml:1:12: include: cannot look for conf.e/*.toml: no such file"),
        "{problems}"
    );
    let problems = place.problems("include = [\"conf.d\"]\n");
    assert!(problems.contains("for all files of a directory write \"conf.d/*.toml\""), "{problems}");
    place.write("conf.d/z.toml", "include = [\"*.toml\"]\n", 0o644);
    assert!(place.problems("include = [\"conf.d/*.toml\"]\n").contains("the includes go in a circle"));
}

#[test]
fn a_file_without_end_is_refused() {
    let place = Place::new();
    let problems = place.problems("include = [\"/dev/zero\"]\n");
    assert!(problems.contains("cannot read /dev/zero: it has more than 64 MB"), "{problems}");
}
