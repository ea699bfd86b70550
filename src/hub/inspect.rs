//! What the hub would find at its start, told in words and without one: for `lightsout doctor`.
//!
//! Makes what a start makes (the runtime directory, the shared file) and nothing else.

use super::dirs::{self, Ownership};
use super::handle::EXCHANGE;
use super::shared::{self, Shared};
use crate::fleet::Fault;
use std::path::{Path, PathBuf};

/// The runtime directory and what processes share in it.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Group (its id) that shares the directory, `None` when it is the user's alone.
    pub group: Result<Option<u32>, Fault>,
    /// The shared file, if it could be used; its path.
    pub shared: Result<PathBuf, Fault>,
    /// Shared files of other versions, which nobody reads any more unless such a version runs.
    pub foreign: Vec<PathBuf>,
}

/// Looks at the runtime directory.
#[must_use]
pub fn inspect(runtime_dir: &Path) -> Inspection {
    let ownership = dirs::runtime_dir(runtime_dir);
    let shared = ownership.clone().and_then(|ownership| {
        Shared::open(runtime_dir, ownership, EXCHANGE)?;
        Ok(runtime_dir.join(shared::NAME))
    });
    let foreign = std::fs::read_dir(runtime_dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            name != shared::NAME && name.to_string_lossy().starts_with("fleet.v")
        })
        .map(|entry| entry.path())
        .collect();
    let group = ownership.map(|ownership| match ownership {
        Ownership::User => None,
        Ownership::Group(gid) => Some(gid),
    });
    Inspection { group, shared, foreign }
}
