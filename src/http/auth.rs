//! Who may come in, and as what.
//!
//! In this order: no page of another site acts through a browser ([`browser`]); the kernel
//! vouches for users of this host ([`peers`]); everybody else has a name and a password
//! ([`password`]), of which only so many may be wrong ([`limiter`]), and which need not be proved
//! each time ([`memory`]). Whoever is let in has the highest of their roles, and none above the
//! listener's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Method, Response, StatusCode};
use tokio::time::Instant;

pub mod browser;
pub mod dress;
mod given;
pub mod limiter;
mod memory;
pub mod password;
mod peers;

use super::accept::Report;
use super::body::Body;
use super::peer::Peer;
use super::refusal::Refusal;
use crate::api::Caller;
use crate::config::Access;
use crate::config::setting::LogLevel;
use crate::model::{Error, ErrorKind, Role};
use browser::{Browsers, Media};
use given::Given;
use limiter::{Failure, Limiter, Source};
use memory::{Mark, Memory};
use password::{Accounts, Looked, Slow, Turn};
use peers::Peers;

const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"default\"");
/// How much of a name is logged, in bytes.
const NAME_SHOWN_MAX: usize = 64;
/// When to come again where too many wait for their password to be looked at.
const CROWD_TIME: Duration = Duration::from_secs(1);

/// The door of one listener. Cheap to clone; all clones are the same door.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

struct Shared {
    rules: RwLock<Arc<Rules>>,
    attempts: Mutex<Attempts>,
    /// What a TCP listener is known by; `None` for a unix socket.
    names: Option<Vec<String>>,
    base_path: String,
    tls: bool,
    report: Report,
}

/// Who may come in; replaced as a whole.
struct Rules {
    /// Whoever comes in where nobody is asked, and with it the most that anybody may do.
    anybody: Caller,
    /// `None` where nobody can log in.
    accounts: Option<Accounts>,
    /// `None` where the peers are not told apart.
    peers: Option<Peers>,
    browsers: Browsers,
}

/// What is remembered of attempts to log in.
struct Attempts {
    limiter: Limiter,
    memory: Option<Memory>,
}

/// Why a request may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It lacks the right credentials.
    Unknown,
    /// It is of a user of this host who may not come in, and nobody can log in.
    NotAllowed,
    /// Too many attempts have failed; when the next may be made.
    TooMany(Duration),
    /// A browser sent it for a page of another site.
    CrossSite,
    /// A browser sent it to a name that is not this host's.
    Rebound,
    /// Its body is not what it has to be.
    Media(Media),
}

/// How far an attempt to log in has come.
enum Attempt {
    /// None was made.
    None,
    Known(Caller),
    Refused(Refused),
    /// The password has to be looked at where that takes its time.
    Slow(Box<Pending>),
}

struct Pending {
    source: Source,
    mark: Option<Mark>,
    given: Given,
    slow: Slow,
}

impl Gate {
    /// The door of a unix socket.
    #[must_use]
    pub fn unix(access: &Access, report: Report) -> Self {
        Self::new(access, None, false, report)
    }

    /// The door of a TCP listener that is also known by these names.
    #[must_use]
    pub fn inet(access: &Access, names: &[&str], tls: bool, report: Report) -> Self {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Self::new(access, Some(names), tls, report)
    }

    fn new(access: &Access, names: Option<Vec<String>>, tls: bool, report: Report) -> Self {
        Self(Arc::new(Shared {
            rules: RwLock::new(Arc::new(Rules::new(access, names.as_deref()))),
            attempts: Mutex::new(Attempts { limiter: Limiter::default(), memory: Memory::new() }),
            names,
            base_path: access.base_path.clone(),
            tls,
            report,
        }))
    }

    /// From now on others may come in; what was proved has to be proved anew. `base_path` stays
    /// as it was.
    pub fn renew(&self, access: &Access) {
        let rules = Arc::new(Rules::new(access, self.0.names.as_deref()));
        // In this order for whoever takes both: nothing is remembered that held before.
        let mut attempts = self.attempts();
        *self.0.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
        attempts.memory = Memory::new();
    }

    /// What stands before every path, without a slash at its end; often nothing.
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.0.base_path
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.0.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The answer to a browser that asks whether a page of an allowed origin may send something;
    /// it asks without credentials. To be looked at before [`Self::admit`].
    #[must_use]
    pub fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<Body>> {
        let asks = *method == Method::OPTIONS;
        asks.then(|| self.rules().browsers.preflight(method, headers)).flatten()
    }

    /// Who sends this request, if it may come in.
    ///
    /// # Errors
    /// Why not.
    pub async fn admit(
        &self,
        peer: &Peer,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Caller, Refused> {
        let rules = self.rules();
        rules.browsers.admit(method, headers)?;
        let vouched = rules.vouched_for(peer);
        let Some(accounts) = &rules.accounts else {
            return vouched.cloned().ok_or(Refused::NotAllowed);
        };
        if let Some(caller) = vouched.filter(|caller| caller.role >= rules.anybody.role) {
            return Ok(caller.clone());
        }
        let caller = match self.attempt(&rules, accounts, peer, headers) {
            Attempt::None => return vouched.cloned().ok_or(Refused::Unknown),
            Attempt::Known(caller) => caller,
            Attempt::Refused(why) => return Err(why),
            // In a box: an idle connection has room for what every request needs, and no more.
            Attempt::Slow(pending) => Box::pin(self.look_slowly(&rules, *pending, peer)).await?,
        };
        Ok(vouched.filter(|vouched| vouched.role > caller.role).cloned().unwrap_or(caller))
    }

    fn attempt(
        &self,
        rules: &Arc<Rules>,
        accounts: &Accounts,
        peer: &Peer,
        headers: &HeaderMap,
    ) -> Attempt {
        let Some(given) = Given::of(headers) else {
            return Attempt::None;
        };
        let source = Source::of(peer);
        let mark = self.attempts().mark(source, &given);
        match self.attempts().before(source, mark) {
            Ok(Some(caller)) => return Attempt::Known(caller),
            Ok(None) => {}
            Err(why) => return Attempt::Refused(why),
        }
        let looked = match accounts.look(&given.user, &given.password) {
            Looked::Right(caller) => Some(caller),
            Looked::Wrong => None,
            Looked::Slow(slow) => {
                return Attempt::Slow(Box::new(Pending { source, mark, given, slow }));
            }
        };
        match self.settle(rules, (source, mark), &given.user, looked, peer) {
            Ok(caller) => Attempt::Known(caller),
            Err(why) => Attempt::Refused(why),
        }
    }

    async fn look_slowly(
        &self,
        rules: &Arc<Rules>,
        pending: Pending,
        peer: &Peer,
    ) -> Result<Caller, Refused> {
        let Pending { source, mark, given, slow } = pending;
        let turn = Turn::wait().await.ok_or(Refused::TooMany(CROWD_TIME))?;
        // While it waited, another may have proved the same, or failed too often.
        if let Some(caller) = self.attempts().before(source, mark)? {
            return Ok(caller);
        }
        let Given { user, password } = given;
        let (looked, turn) = slow.look(password, turn).await;
        let settled = self.settle(rules, (source, mark), &user, looked, peer);
        drop(turn);
        settled
    }

    /// Takes note of how an attempt has ended.
    fn settle(
        &self,
        rules: &Arc<Rules>,
        (source, mark): (Source, Option<Mark>),
        user: &[u8],
        looked: Option<Caller>,
        peer: &Peer,
    ) -> Result<Caller, Refused> {
        let mut attempts = self.attempts();
        if let Some(caller) = looked {
            // What was right a moment ago may no longer be.
            let still = Arc::ptr_eq(rules, &self.rules());
            if let (Some(mark), Some(memory), true) = (mark, &mut attempts.memory, still) {
                memory.keep(mark, caller.clone());
            }
            return Ok(caller);
        }
        let failure = attempts.limiter.failed(source, Instant::now());
        drop(attempts);
        let user = String::from_utf8_lossy(user.get(..NAME_SHOWN_MAX).unwrap_or(user));
        match failure {
            Failure::First => (self.0.report)(
                LogLevel::Warn,
                &format!("a login from {peer} as {user:?} failed: wrong name or password"),
            ),
            Failure::Another => {}
            Failure::Last => (self.0.report)(
                LogLevel::Warn,
                &format!(
                    "logins from {peer} fail, the last as {user:?}: its next ones have to wait"
                ),
            ),
        }
        Err(Refused::Unknown)
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rules {
    fn new(access: &Access, names: Option<&[String]>) -> Self {
        let most = access.role;
        let own = access.credentials.as_ref().map(|credentials| (credentials, Role::Admin));
        let others = access.accounts.iter().map(|account| (&account.credentials, account.role));
        let known = own.into_iter().chain(others).map(|(credentials, role)| {
            let name = Some(credentials.username.as_str().into());
            (credentials, Caller { role: role.min(most), name })
        });
        Self {
            anybody: Caller { role: most, name: None },
            accounts: access.asks_for_password().then(|| Accounts::new(known)),
            peers: access.peers.as_ref().map(|peers| Peers::new(peers, most)),
            browsers: Browsers::new(access, names),
        }
    }

    /// Who a peer is without a password.
    fn vouched_for(&self, peer: &Peer) -> Option<&Caller> {
        match (&self.peers, &self.accounts) {
            (Some(peers), _) => peers.caller(peer),
            (None, None) => Some(&self.anybody),
            (None, Some(_)) => None,
        }
    }
}

impl Attempts {
    fn mark(&self, source: Source, given: &Given) -> Option<Mark> {
        Some(self.memory.as_ref()?.mark(source, &given.user, &given.password))
    }

    /// Who it is, if that has been proved; else whether an attempt may be made.
    fn before(&self, source: Source, mark: Option<Mark>) -> Result<Option<Caller>, Refused> {
        let known = mark.and_then(|mark| self.memory.as_ref()?.recall(mark));
        if known.is_none() {
            self.limiter.admit(source, Instant::now()).map_err(Refused::TooMany)?;
        }
        Ok(known)
    }
}

impl Refused {
    /// What is answered.
    #[must_use]
    pub fn answer(self) -> Response<Body> {
        Refusal::from(self).answer()
    }
}

impl From<Refused> for Refusal {
    fn from(why: Refused) -> Self {
        let denied = |why: &str| Error::new(ErrorKind::AccessDenied, why).into();
        match why {
            Refused::Unknown => {
                Self::new(StatusCode::UNAUTHORIZED, "a name and a password are needed")
                    .with(WWW_AUTHENTICATE, CHALLENGE)
            }
            Refused::NotAllowed => {
                denied("this user of the host may not come in: see allow_users and allow_groups")
            }
            Refused::CrossSite => {
                denied("a page of another site may not do this: see allow_origins")
            }
            Refused::Rebound => denied("this host is not known by that name: see allow_hosts"),
            Refused::TooMany(wait) => {
                let seconds = seconds(wait);
                let why = format!("too many failed logins: wait {seconds} s");
                Self::new(StatusCode::TOO_MANY_REQUESTS, why).with(RETRY_AFTER, seconds.into())
            }
            Refused::Media(media) => {
                let why = format!("expected a body of the type {}", media.name());
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why)
            }
        }
    }
}

/// Whole seconds, and never none.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero())
}

#[cfg(test)]
mod tests;
