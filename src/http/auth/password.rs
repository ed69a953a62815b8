//! Stored passwords and what is said to be one of them.
//!
//! Nothing that is compared here depends on where the difference is; and whoever is told "no"
//! has waited for one run of Argon2 if any password needs one, so that nobody learns from the
//! time whether a name exists.

use std::sync::Arc;

use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use sha1::{Digest, Sha1};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;

use crate::api::Caller;
use crate::config::Credentials;
use crate::config::access::ARGON2_PREFIX;

/// Marks a stored password as the lowercase hex of its SHA-1.
const SHA_PREFIX: &str = "{SHA}";
const SHA1_BYTES: usize = 20;

/// Runs of Argon2 at one time: each takes the memory that its hash asks for, and a whole core.
const HASHES_AT_A_TIME: usize = 1;
/// Requests that wait for theirs; one more is told to come again.
const HASHES_WAITING_MAX: usize = 64;
static HASHES: Semaphore = Semaphore::const_new(HASHES_AT_A_TIME);
static WAITING: Semaphore = Semaphore::const_new(HASHES_WAITING_MAX);

/// Those who may log in.
pub struct Accounts {
    all: Vec<Known>,
    /// The hash that a wrong name costs a look at; `None` where no password is one.
    decoy: Option<Arc<str>>,
}

struct Known {
    /// Of names, too, only the SHA-1 is compared: equal lengths.
    name: [u8; SHA1_BYTES],
    stored: Stored,
    caller: Caller,
}

enum Stored {
    /// The SHA-1, so that no plain text stays in memory.
    Digest([u8; SHA1_BYTES]),
    /// A PHC string of Argon2.
    Argon2(Arc<str>),
    /// Nobody can match: an empty password, or no digest after `{SHA}`, never means "open".
    Never,
}

/// What a first look at a name and password says.
pub enum Looked {
    /// They are right, and this is who it is.
    Right(Caller),
    /// They are not.
    Wrong,
    /// It takes a run of Argon2 to know.
    Slow(Slow),
}

/// A run of Argon2 that has to be made.
pub struct Slow {
    hash: Arc<str>,
    /// `None` for a run that only takes its time.
    caller: Option<Caller>,
}

/// The right to one run of Argon2.
pub struct Turn(#[expect(dead_code, reason = "it counts while it lives")] SemaphorePermit<'static>);

impl Accounts {
    /// Those of these names and passwords, and who they are.
    #[must_use]
    pub fn new<'a>(known: impl IntoIterator<Item = (&'a Credentials, Caller)>) -> Self {
        let known = known.into_iter().map(|(credentials, caller)| Known {
            name: Sha1::digest(&credentials.username).into(),
            stored: Stored::new(credentials),
            caller,
        });
        let all: Vec<Known> = known.collect();
        let decoy = all.iter().find_map(|known| match &known.stored {
            Stored::Argon2(hash) => Some(Arc::clone(hash)),
            Stored::Digest(_) | Stored::Never => None,
        });
        Self { all, decoy }
    }

    /// Looks as far as that is quick. Takes the same time whatever is wrong.
    #[must_use]
    pub fn look(&self, user: &[u8], password: &[u8]) -> Looked {
        let user: [u8; SHA1_BYTES] = Sha1::digest(user).into();
        let password: [u8; SHA1_BYTES] = Sha1::digest(password).into();
        let (mut found, mut right) = (0_u64, Choice::from(0));
        for (index, known) in (1_u64..).zip(&self.all) {
            let named = user.ct_eq(&known.name);
            found.conditional_assign(&index, named);
            right |= named & known.stored.is(&password);
        }
        let found =
            usize::try_from(found).ok().and_then(|found| self.all.get(found.checked_sub(1)?));
        match found {
            Some(Known { stored: Stored::Argon2(hash), caller, .. }) => {
                Looked::Slow(Slow { hash: Arc::clone(hash), caller: Some(caller.clone()) })
            }
            Some(known) if right.into() => Looked::Right(known.caller.clone()),
            Some(_) | None => match &self.decoy {
                Some(hash) => Looked::Slow(Slow { hash: Arc::clone(hash), caller: None }),
                None => Looked::Wrong,
            },
        }
    }
}

impl Stored {
    fn new(credentials: &Credentials) -> Self {
        let Credentials { username, password } = credentials;
        if username.is_empty() || password.is_empty() {
            return Self::Never;
        }
        if password.starts_with(ARGON2_PREFIX) {
            return Self::Argon2(password.as_str().into());
        }
        match password.strip_prefix(SHA_PREFIX) {
            Some(hex) => from_hex(hex).map_or(Self::Never, Self::Digest),
            None => Self::Digest(Sha1::digest(password).into()),
        }
    }

    fn is(&self, password: &[u8; SHA1_BYTES]) -> Choice {
        match self {
            Self::Digest(digest) => digest.ct_eq(password),
            Self::Argon2(_) | Self::Never => Choice::from(0),
        }
    }
}

impl Turn {
    /// Waits for it; `None` if too many do.
    pub async fn wait() -> Option<Self> {
        let _waits = WAITING.try_acquire().ok()?;
        HASHES.acquire().await.ok().map(Self)
    }
}

impl Slow {
    /// Who it is, if the password is right; known after some ten milliseconds of another thread's.
    /// The turn comes back, to be given up once the outcome is noted: the next one may be about
    /// the same.
    pub async fn look(self, password: Vec<u8>, turn: Turn) -> (Option<Caller>, Option<Turn>) {
        let Self { hash, caller } = self;
        // The turn goes along: whether or not anybody still waits, it is not over before.
        let run = spawn_blocking(move || (is_hash_of(&hash, &password), turn));
        match run.await {
            Ok((right, turn)) => (caller.filter(|_| right), Some(turn)),
            // A panic of that thread is a no.
            Err(_) => (None, None),
        }
    }
}

fn is_hash_of(hash: &str, password: &[u8]) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else {
        return false;
    };
    Argon2::default().verify_password(password, &hash).is_ok()
}

/// The PHC string of a password with this salt, which takes 19 MiB and two passes, as OWASP's
/// cheat sheet on password storage asks for.
///
/// # Errors
/// The password is longer than Argon2 takes.
pub fn hash(password: &[u8], salt: &[u8]) -> Result<String, argon2::password_hash::Error> {
    use argon2::password_hash::PasswordHasher as _;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
    argon2.hash_password_with_salt(password, salt).map(|hash: PasswordHash| hash.to_string())
}

fn from_hex(hex: &str) -> Option<[u8; SHA1_BYTES]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; SHA1_BYTES];
    let (pairs, []) = hex.as_bytes().as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != SHA1_BYTES {
        return None;
    }
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::auth::tests::quick_hash;
    use crate::model::Role;

    fn accounts(known: &[(&str, &str)]) -> Accounts {
        let known: Vec<_> = known
            .iter()
            .map(|(name, password)| {
                let credentials =
                    Credentials { username: (*name).into(), password: (*password).into() };
                (credentials, Caller { role: Role::Viewer, name: Some((*name).into()) })
            })
            .collect();
        Accounts::new(known.iter().map(|(credentials, caller)| (credentials, caller.clone())))
    }

    async fn name(accounts: &Accounts, user: &str, password: &str) -> Option<String> {
        let caller = match accounts.look(user.as_bytes(), password.as_bytes()) {
            Looked::Right(caller) => Some(caller),
            Looked::Wrong => None,
            Looked::Slow(slow) => slow.look(password.into(), Turn::wait().await.unwrap()).await.0,
        };
        caller.map(|caller| caller.name.unwrap().to_string())
    }

    #[tokio::test]
    async fn each_kind_of_password_opens_for_its_own_name_alone() {
        let sha = "{SHA}5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8";
        let modern = quick_hash("modern");
        let accounts = accounts(&[
            ("plain", "plain"),
            ("old", sha),
            ("new", &modern),
            ("new2", &quick_hash("modern2")),
            ("", "x"),
            ("empty", ""),
            ("broken", "{SHA}5baa"),
        ]);
        for (user, password, wanted) in [
            ("plain", "plain", true),
            ("plain", "plain ", false),
            ("plain", "modern", false),
            ("old", "password", true),
            ("old", sha, false),
            ("new", "modern", true),
            ("new", "modern2", false),
            ("new2", "modern2", true),
            ("new", &modern, false),
            ("new", "", false),
            ("nobody", "modern", false),
            ("", "x", false),
            ("empty", "", false),
            ("broken", "", false),
            ("broken", "{SHA}5baa", false),
        ] {
            let got = name(&accounts, user, password).await;
            assert_eq!(got.as_deref(), wanted.then_some(user), "{user} {password}");
        }
    }

    /// What takes a run of Argon2 must not tell whether a name exists.
    #[test]
    fn whatever_is_wrong_costs_a_run_where_any_password_does() {
        let accounts = accounts(&[("plain", "p"), ("slow", &quick_hash("s"))]);
        for (user, password) in [("plain", "x"), ("slow", "x"), ("nobody", "x"), ("", "")] {
            let looked = accounts.look(user.as_bytes(), password.as_bytes());
            assert!(matches!(looked, Looked::Slow(_)), "{user}");
        }
        assert!(matches!(accounts.look(b"plain", b"p"), Looked::Right(_)));
    }

    #[tokio::test]
    async fn a_hash_is_of_its_password_and_of_no_other() {
        let made = hash(b"correct horse", b"sixteen bytes...").unwrap();
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        assert!(!made.contains('%'));
        assert!(is_hash_of(&made, b"correct horse"));
        assert!(!is_hash_of(&made, b"correct horsf"));
        assert!(!is_hash_of("$argon2id$nonsense", b""));
    }
}
