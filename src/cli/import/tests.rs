//! Whatever names and devices a file has: what an importer gives of it is a configuration.

use super::output::Imported;
use super::{conman, conserver};
use crate::config::{Inventories, LoadOptions, Secrets, load};
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// What `config check` says of it; the files that are to be created are there.
fn problems(imported: &Imported) -> Vec<String> {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("config.toml");
    std::fs::write(&file, imported.render("old")).expect("a file");
    for secret in imported.files() {
        let secret: PathBuf = place.path().join(secret.split(',').next().expect("a name"));
        std::fs::write(&secret, "secret").expect("a file");
        std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).expect("its mode");
    }
    let (drivers, transports) = (crate::bmc::driver_names(), crate::console::transport_names());
    let quirks = crate::bmc::ipmi::quirk_names();
    let options = LoadOptions {
        path: Some(file),
        secrets: Secrets::Check,
        inventories: Inventories::Strict,
        quirks: &quirks,
        ..LoadOptions::new(&drivers, &transports, &["default"])
    };
    match load(&options) {
        Ok(_) => Vec::new(),
        Err(errors) => {
            // Two consoles of one port are a mistake that the old tools do not see.
            let told = errors.problems.iter().filter(|problem| !problem.text.contains("already belongs to"));
            told.map(ToString::to_string).collect()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]
    #[test]
    fn what_conman_s_file_gives_is_right(
        name in "[a-zA-Z0-9_.:%,\\[\\]@-]{1,6}|all|\\PC{1,4}",
        dev in "(ipmi:|unix:|unix:/|/dev/|/dev/tty|)[a-z0-9.:%/ ,\\[\\]{}-]{0,8}(:[0-9]{1,6})?",
        ipmi in "(U:[a-z]{0,17})?(,P:\\PC{0,4})?(,C:[0-9]{1,2})?(,L:(op|user|admin))?(,W:opensesspriv)?",
        serial in "[0-9]{1,6}(,[5-8][neo][12])?",
    ) {
        prop_assume!(!format!("{name}{dev}{ipmi}").contains('"'));
        let text =
            format!("GLOBAL ipmiopts=\"{ipmi}\" seropts=\"{serial}\"\nCONSOLE name=\"{name}\" dev=\"{dev}\"\n");
        if let Ok(imported) = conman::import(&text) {
            prop_assert_eq!(problems(&imported), Vec::<String>::new(), "{}", text);
        }
    }

    #[test]
    fn what_conserver_s_file_gives_is_right(
        name in "[a-zA-Z0-9_.:%,@-]{1,6}|all|\\PC{1,4}",
        kind in "host|device|exec|uds|ipmi",
        place in "[a-z][a-z0-9]{0,3}|[a-z0-9.:%/ ,\\[\\]&-]{1,8}|/dev/[a-z,\\[ ]{1,4}|/run/\\PC{1,3}",
        port in "[0-9]{1,6}|telnet",
        more in "(parity (even|mark);)?(baud [0-9]{1,7};)?(ipmiciphersuite -?[0-9]{1,2};)?(username [a-z]{1,18};)?",
    ) {
        let text = format!(
            "console \"{}\" {{ type {kind}; host \"{place}\"; port {port}; device \"{place}\"; uds \"{place}\"; \
             exec \"{place}\"; {more} }}\n",
            name.replace('"', "")
        );
        if let Ok(imported) = conserver::import(&text, &|_| Err("none".into())) {
            prop_assert_eq!(problems(&imported), Vec::<String>::new(), "{}", text);
        }
    }
}
