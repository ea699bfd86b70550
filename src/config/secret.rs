//! A secret that cannot be printed by accident and is wiped when dropped.

use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes that must never reach argv, `Debug`, logs or the audit trail.
#[derive(Clone)]
pub struct Secret {
    bytes: Zeroizing<Vec<u8>>,
    source: Option<Arc<SecretSource>>,
}

/// Where a secret came from, for `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In clear text in the configuration.
    Inline,
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// The output of a program; its arguments are not kept, they may hold secrets themselves.
    Command(String),
}

impl Secret {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Secret {
        Secret { bytes: Zeroizing::new(bytes), source: None }
    }

    /// The same, remembering where they came from.
    #[must_use]
    pub fn from_source(bytes: Vec<u8>, source: SecretSource) -> Secret {
        Secret { bytes: Zeroizing::new(bytes), source: Some(Arc::new(source)) }
    }

    /// The bytes, for the one place that hands them to a tool or a protocol.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// Where they came from, if that is known.
    #[must_use]
    pub fn source(&self) -> Option<&SecretSource> {
        self.source.as_deref()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Secret {}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}
