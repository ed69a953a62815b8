//! How often one peer may be wrong: a bucket of tokens for each, of which a failure takes one.
//!
//! What is counted is failed attempts to log in, never requests without credentials: a browser
//! always begins with one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::http::peer::Peer;

/// Failures that a peer may have in quick succession; past it, it is told to wait.
pub const FAILURES_MAX: u32 = 10;
/// Time after which a peer may fail once more.
pub const FAILURE_TIME: Duration = Duration::from_secs(10);
/// Peers that are known to have failed of late; past it, the one is forgotten whose last failure
/// is the longest ago.
pub const PEERS_MAX: usize = 1024;

/// Whose failures count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A user of this host.
    User(u32),
    /// A host; of IPv6 the network of one site (RFC 4291), which has as many addresses as it
    /// likes.
    Host(IpAddr),
}

/// Who failed, and how often of late.
#[derive(Debug, Default)]
pub struct Limiter {
    by_source: HashMap<Source, Bucket>,
}

/// It is full again at `full_at`; each token is worth [`FAILURE_TIME`].
#[derive(Clone, Copy, Debug)]
struct Bucket {
    full_at: Instant,
    last: Instant,
    /// Whether it was said that the peer is locked out.
    told: bool,
}

/// Which failure of a burst one was, so that each is told of once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The first since long.
    First,
    /// One more.
    Another,
    /// The first one that locks the peer out.
    Last,
}

impl Source {
    /// Where a peer's failures are counted.
    #[must_use]
    pub fn of(peer: &Peer) -> Self {
        match peer {
            Peer::Unix { uid, .. } => Self::User(*uid),
            Peer::Inet(address) => Self::Host(match address.ip().to_canonical() {
                IpAddr::V6(address) => {
                    let network = u128::from(address) >> 64 << 64;
                    IpAddr::V6(network.into())
                }
                address @ IpAddr::V4(_) => address,
            }),
        }
    }
}

impl Limiter {
    /// Whether an attempt may be made.
    ///
    /// # Errors
    /// How long not.
    pub fn admit(&self, source: Source, now: Instant) -> Result<(), Duration> {
        let Some(bucket) = self.by_source.get(&source) else {
            return Ok(());
        };
        let owed = bucket.full_at.saturating_duration_since(now);
        let most = FAILURE_TIME * (FAILURES_MAX - 1);
        if owed <= most { Ok(()) } else { Err(owed - most) }
    }

    /// An attempt has failed.
    pub fn failed(&mut self, source: Source, now: Instant) -> Failure {
        if self.by_source.len() >= PEERS_MAX && !self.by_source.contains_key(&source) {
            self.forget(now);
        }
        match self.by_source.entry(source) {
            Entry::Vacant(entry) => {
                entry.insert(Bucket { full_at: now + FAILURE_TIME, last: now, told: false });
                Failure::First
            }
            Entry::Occupied(mut entry) => {
                let bucket = entry.get_mut();
                let fresh = bucket.full_at <= now;
                bucket.told &= !fresh;
                bucket.full_at = bucket.full_at.max(now) + FAILURE_TIME;
                bucket.last = now;
                let locks = bucket.full_at - now > FAILURE_TIME * (FAILURES_MAX - 1);
                match (fresh, locks && !bucket.told) {
                    (true, _) => Failure::First,
                    (false, true) => {
                        bucket.told = true;
                        Failure::Last
                    }
                    (false, false) => Failure::Another,
                }
            }
        }
    }

    /// Makes room for one.
    fn forget(&mut self, now: Instant) {
        self.by_source.retain(|_, bucket| bucket.full_at > now);
        if self.by_source.len() >= PEERS_MAX {
            let oldest = self.by_source.iter().min_by_key(|(_, bucket)| bucket.last);
            if let Some(source) = oldest.map(|(source, _)| *source) {
                self.by_source.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: u32) -> Source {
        Source::Host(IpAddr::V4(number.into()))
    }

    #[test]
    fn after_a_few_failures_a_peer_waits_and_others_do_not() {
        let mut limiter = Limiter::default();
        let now = Instant::now();
        let told: Vec<_> = (0..FAILURES_MAX)
            .map(|_| {
                assert_eq!(limiter.admit(host(1), now), Ok(()));
                limiter.failed(host(1), now)
            })
            .collect();
        assert_eq!((told[0], told[1]), (Failure::First, Failure::Another));
        assert_eq!(told.last(), Some(&Failure::Last));
        assert_eq!(limiter.admit(host(1), now), Err(FAILURE_TIME));
        assert_eq!(limiter.admit(host(2), now), Ok(()));

        let soon = now + FAILURE_TIME / 2;
        assert_eq!(limiter.admit(host(1), soon), Err(FAILURE_TIME / 2));
        let later = now + FAILURE_TIME;
        assert_eq!(limiter.admit(host(1), later), Ok(()), "one more");
        assert_eq!(limiter.failed(host(1), later), Failure::Another, "it was told of");
        assert_eq!(limiter.admit(host(1), later), Err(FAILURE_TIME), "and no second one");

        let much_later = later + FAILURE_TIME * FAILURES_MAX;
        assert_eq!(limiter.failed(host(1), much_later), Failure::First, "all is forgotten");
    }

    #[test]
    fn the_table_is_bounded_and_forgets_the_oldest() {
        let mut limiter = Limiter::default();
        let mut now = Instant::now();
        let peers = u32::try_from(PEERS_MAX).unwrap();
        for _ in 0..FAILURES_MAX {
            limiter.failed(host(0), now);
        }
        for number in 1..=peers {
            now += Duration::from_millis(1);
            limiter.failed(host(number), now);
            assert!(limiter.by_source.len() <= PEERS_MAX);
        }
        assert_eq!(limiter.admit(host(0), now), Ok(()), "the oldest is forgotten");
        let later = now + FAILURE_TIME * FAILURES_MAX;
        limiter.failed(host(peers + 1), later);
        assert_eq!(limiter.by_source.len(), 1, "who has waited needs no room");
    }

    #[test]
    fn one_site_counts_as_one() {
        let source = |text: &str| Source::of(&Peer::Inet(text.parse().unwrap()));
        assert_eq!(source("[2001:db8::1]:1"), source("[2001:db8::ffff:2]:2"));
        assert_ne!(source("[2001:db8::1]:1"), source("[2001:db8:0:1::1]:1"));
        assert_eq!(source("[::ffff:192.0.2.1]:1"), source("192.0.2.1:2"));
        assert_ne!(source("192.0.2.2:1"), source("192.0.2.1:1"));
        assert_ne!(Source::of(&Peer::user(1, 1)), Source::of(&Peer::user(2, 1)));
    }
}
