//! What is remembered of the secrets of one run: hashes for telling them apart, and the short ones for keeping them out of the result.

use std::cell::RefCell;
use std::collections::HashSet;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::Hit;

/// Secrets of at most this many bytes are kept out of paths and other words of the result.
const MAX_KEPT_BYTES: usize = 512;
/// Shorter ones would take ordinary words out.
const MIN_KEPT_BYTES: usize = 8;
/// At most so many are kept.
const MAX_KEPT: usize = 10_000;
/// The bytes of a hash that are written.
const HASH_BYTES: usize = 8;

/// A likely secret as the outside world hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The id of the rule.
    pub rule: &'static str,
    /// What the rule finds.
    pub title: &'static str,
    /// Whether the rule is certain.
    pub certain: bool,
    /// The line, counted from 1.
    pub line: u64,
    /// The length of the secret in bytes.
    pub length: usize,
    /// The salted hash, in hexadecimal.
    pub hash: String,
}

/// The salt of a run and the secrets it came upon. It has no `Debug`, and the salt is never told: with it, whoever has a report could try
/// guesses against the hashes.
pub struct Keeper {
    salt: [u8; 16],
    kept: RefCell<HashSet<Vec<u8>>>,
}

impl Keeper {
    /// With a new salt.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)?;
        Ok(Self { salt, kept: RefCell::new(HashSet::new()) })
    }

    /// Remembers a hit and says what may be said of it.
    pub fn sight(&self, hit: &Hit) -> Sighting {
        let secret = hit.secret();
        let mut kept = self.kept.borrow_mut();
        if (MIN_KEPT_BYTES..=MAX_KEPT_BYTES).contains(&secret.len()) && kept.len() < MAX_KEPT {
            kept.insert(secret.to_vec());
        }
        let digest = Sha256::new().chain_update(self.salt).chain_update(secret).finalize();
        Sighting {
            rule: hit.rule.id,
            title: hit.rule.title,
            certain: hit.rule.confidence == super::Confidence::Certain,
            line: hit.line,
            length: secret.len(),
            hash: HEXLOWER.encode(digest.get(..HASH_BYTES).unwrap_or_default()),
        }
    }

    /// The secrets that this run came upon, as far as they are text.
    pub(super) fn known(&self) -> Vec<String> {
        self.kept.borrow().iter().filter_map(|secret| String::from_utf8(secret.clone()).ok()).collect()
    }
}
