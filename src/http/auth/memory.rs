//! Names and passwords that were right: asked again, they cost no run of Argon2.
//!
//! They are kept as keyed hashes (HMAC-SHA-256) under a key of this process alone, each with the
//! peer that it came from: what a peer has proved opens for no other, and a peer that is locked out
//! learns nothing from what others have proved.

use std::collections::VecDeque;

use ring::hmac::{self, HMAC_SHA256, Key};
use ring::rand::SystemRandom;
use subtle::{Choice, ConstantTimeEq};

use super::limiter::Source;
use crate::api::Caller;

/// Proofs that are kept; past it, the oldest is forgotten and has to be made anew.
pub const PROOFS_MAX: usize = 128;

const MARK_BYTES: usize = 32;

/// A name, a password and where they are from, as a keyed hash.
#[derive(Clone, Copy)]
pub struct Mark([u8; MARK_BYTES]);

/// What was right.
pub struct Memory {
    key: Key,
    proofs: VecDeque<(Mark, Caller)>,
}

impl Memory {
    /// An empty one with a key of its own; `None` where the system gives no random numbers.
    #[must_use]
    pub fn new() -> Option<Self> {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new()).ok()?;
        Some(Self { key, proofs: VecDeque::new() })
    }

    /// The mark of what a peer said.
    #[must_use]
    pub fn mark(&self, source: Source, user: &[u8], password: &[u8]) -> Mark {
        let mut context = hmac::Context::with_key(&self.key);
        match source {
            Source::User(uid) => {
                context.update(b"u");
                context.update(&uid.to_be_bytes());
            }
            Source::Host(std::net::IpAddr::V4(address)) => {
                context.update(b"4");
                context.update(&address.octets());
            }
            Source::Host(std::net::IpAddr::V6(address)) => {
                context.update(b"6");
                context.update(&address.octets());
            }
        }
        // With its length, so that no two pairs are the same text.
        context.update(&user.len().to_be_bytes());
        context.update(user);
        context.update(password);
        let mut mark = [0; MARK_BYTES];
        mark.copy_from_slice(context.sign().as_ref());
        Mark(mark)
    }

    /// Who it was that was right with this. Looks at all of them, however early it finds one.
    #[must_use]
    pub fn recall(&self, mark: Mark) -> Option<Caller> {
        let mut found = None;
        for (kept, caller) in &self.proofs {
            let same: Choice = kept.0.ct_eq(&mark.0);
            if same.into() {
                found = Some(caller);
            }
        }
        found.cloned()
    }

    /// This was right.
    pub fn keep(&mut self, mark: Mark, caller: Caller) {
        if self.proofs.len() >= PROOFS_MAX {
            self.proofs.pop_front();
        }
        self.proofs.push_back((mark, caller));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Role;

    const CALLER: Caller = Caller { role: Role::Viewer, name: None };

    #[test]
    fn only_the_same_from_the_same_peer_is_recalled() {
        let mut memory = Memory::new().unwrap();
        let here = Source::User(1);
        memory.keep(memory.mark(here, b"user", b"password"), CALLER);
        let knows = |source, user: &[u8], password: &[u8]| {
            memory.recall(memory.mark(source, user, password)).is_some()
        };
        assert!(knows(here, b"user", b"password"));
        assert!(!knows(here, b"userp", b"assword"));
        assert!(!knows(here, b"user", b"passwore"));
        assert!(!knows(Source::User(2), b"user", b"password"));
        assert!(!knows(Source::Host([0, 0, 0, 1].into()), b"user", b"password"));
        let other = Memory::new().unwrap();
        let (one, two) = (memory.mark(here, b"a", b"b"), other.mark(here, b"a", b"b"));
        assert_ne!(one.0, two.0, "each process has a key of its own");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut memory = Memory::new().unwrap();
        let mark = |memory: &Memory, uid| memory.mark(Source::User(uid), b"u", b"p");
        for uid in 0..=u32::try_from(PROOFS_MAX).unwrap() {
            memory.keep(mark(&memory, uid), CALLER);
        }
        assert_eq!(memory.proofs.len(), PROOFS_MAX);
        assert!(memory.recall(mark(&memory, 0)).is_none());
        assert!(memory.recall(mark(&memory, 1)).is_some());
    }
}
