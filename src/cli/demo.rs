//! `lightsout demo`: the console over an embedded simulated fleet. No file of the user's is read or written.

use super::{Cli, Exit, load, say_error, screen};
use crate::config::{Inventories, Secrets};
use crate::sim::Demo;
use anyhow::Context;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Runs the demo until the operator leaves.
pub(super) fn run(cli: &Cli) -> anyhow::Result<Exit> {
    if cli.common.config.is_some() {
        say_error("the demo brings its own configuration; leave --config out");
        return Ok(Exit::Usage);
    }
    // The fleet has a thread of its own: it is no part of what the console costs.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("demo fleet")
        .enable_all()
        .build()
        .context("cannot start the simulated fleet")?;
    let demo = {
        let _inside = runtime.enter();
        Demo::start()?
    };
    let directory = Directory::create()?;
    let config = directory.0.join("demo.toml");
    write_private(&config, &text(&demo, &directory.0))?;
    let mut cli = cli.clone();
    cli.common.config = Some(config);
    let Some(loaded) = load(&cli, Secrets::Read, Inventories::Strict) else {
        return Ok(Exit::Usage);
    };
    let result = screen(&cli, loaded, None);
    drop(demo);
    runtime.shutdown_background();
    result
}

fn text(demo: &Demo, directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "{}[paths]\nstate_dir = \"{directory}/state\"\nruntime_dir = \"{directory}/run\"\n",
        demo.configuration()
    )
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The demo's own directory; gone with it.
struct Directory(PathBuf);

impl Directory {
    fn create() -> anyhow::Result<Directory> {
        let path = std::env::temp_dir().join(format!("lightsout-demo-{}", std::process::id()));
        // Fails if it exists: somebody else may have made it.
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot create the demo's directory {}", path.display()))?;
        Ok(Directory(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
