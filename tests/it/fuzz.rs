//! Every seed of the fuzz targets, and every beginning of it, goes through its target: `fuzz/run` looks for more.

#[path = "../../fuzz/src"]
mod room {
    pub mod peer;
    pub mod script;
    pub mod targets;

    use lightsout::{ipmi, sim};
}

use room::targets::TARGETS;
use std::fs;
use std::path::Path;

#[test]
fn every_seed_goes_through_its_target() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, target) in TARGETS {
        let mut files: Vec<_> = fs::read_dir(seeds.join(name)).expect(name).flatten().collect();
        files.sort_by_key(|file| file.file_name());
        assert!(!files.is_empty(), "{name} has no seeds");
        for file in files {
            let bytes = fs::read(file.path()).expect("a seed");
            let step = bytes.len().div_ceil(40).max(1);
            for end in (0..bytes.len()).step_by(step).chain([bytes.len()]) {
                target(&bytes[..end]);
            }
        }
    }
}
