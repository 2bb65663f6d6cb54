//! Ids that look like the cloud's and are the same in every run.

use sha2::{Digest, Sha256};

/// A UUID that follows from what it names.
pub fn identifier(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string()
}

/// Hands out one id after another.
#[derive(Clone, Debug, Default)]
pub(super) struct Identifiers(u64);

impl Identifiers {
    /// The next id of that kind.
    pub(super) fn next(&mut self, kind: &str) -> String {
        self.0 += 1;
        identifier(&[kind, &self.0.to_string()])
    }

    /// The number of ids handed out so far.
    pub(super) fn count(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_follows_from_what_it_names() {
        assert_eq!(identifier(&["server", "1"]), identifier(&["server", "1"]));
        assert_ne!(identifier(&["server", "1"]), identifier(&["server1", ""]));
        assert_eq!(identifier(&["server", "1"]).len(), 36);
    }
}
