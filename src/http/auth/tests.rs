//! Who comes in through which door, and as what.

use std::net::SocketAddr;
use std::sync::Arc;

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::HeaderName;

use super::limiter::{FAILURE_TIME, FAILURES_MAX};
use super::*;
use crate::config::access::{AllowedPeer, Peers as AllowedPeers};
use crate::config::{Account, Credentials};

mod browsers;

proptest::proptest! {
    /// No header opens a door, or makes it fail.
    #[test]
    fn only_the_password_opens_whatever_is_sent(header in "(Basic |basic\t|Bearer )?[ -~]{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let gate = gate(&with_password("u", "a password that is not guessed"));
        let pairs = headers(&[("authorization", &header)]);
        let got = runtime.block_on(gate.admit(&at("::1"), &Method::GET, &pairs));
        proptest::prop_assert_eq!(got, Err(Refused::Unknown));
    }
}

/// The hash of a password that takes as little as it can.
pub(super) fn quick_hash(password: &str) -> String {
    let params = Params::new(Params::MIN_M_COST, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash =
        argon2.hash_password_with_salt(password.as_bytes(), b"some salt").unwrap();
    hash.to_string()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    });
    pairs.collect()
}

fn basic(user: &str, password: &str) -> HeaderMap {
    let encoded = BASE64.encode(format!("{user}:{password}"));
    headers(&[("authorization", &format!("Basic {encoded}"))])
}

fn credentials(username: &str, password: &str) -> Credentials {
    Credentials { username: username.to_owned(), password: password.to_owned() }
}

fn with_password(username: &str, password: &str) -> Access {
    Access { credentials: Some(credentials(username, password)), ..Access::default() }
}

fn account(name: &str, role: Role) -> Account {
    Account { credentials: credentials(name, name), role }
}

fn gate(access: &Access) -> Gate {
    Gate::unix(access, Arc::new(|_, _| {}))
}

fn inet(access: &Access) -> Gate {
    Gate::inet(access, &["box"], false, Arc::new(|_, _| {}))
}

fn at(address: &str) -> Peer {
    Peer::Inet(SocketAddr::new(address.parse().unwrap(), 1))
}

async fn status(gate: &Gate, method: &Method, pairs: &[(&'static str, &str)]) -> u16 {
    gate.admit(&Peer::user(1000, 1000), method, &headers(pairs))
        .await
        .map_or_else(|why| why.answer().status().as_u16(), |_| 200)
}

async fn log_in(gate: &Gate, peer: &Peer, user: &str, password: &str) -> Result<Caller, Refused> {
    gate.admit(peer, &Method::GET, &basic(user, password)).await
}

#[tokio::test]
async fn only_the_right_credentials_open() {
    let sha = format!("{{SHA}}{}", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8");
    let check = async |stored: (&str, &str), header: &str, wanted| {
        let gate = gate(&with_password(stored.0, stored.1));
        let encoded = match header.split_once(' ') {
            Some((scheme, plain)) => format!("{scheme} {}", BASE64.encode(plain)),
            None => header.to_owned(),
        };
        let got = status(&gate, &Method::GET, &[("authorization", &encoded)]).await;
        assert_eq!(got, wanted, "{stored:?} {header}");
    };
    check(("u", "p"), "Basic u:p", 200).await;
    check(("u", "p"), "bAsIc u:p", 200).await;
    check(("u", "p:q:"), "Basic u:p:q:", 200).await;
    check(("u", "p"), "Basic u:P", 401).await;
    check(("u", "p"), "Basic x:p", 401).await;
    check(("u", "p"), "Basic u:", 401).await;
    check(("u", "p"), "Basic u", 401).await;
    check(("u", "p"), "Digest u:p", 401).await;
    check(("u", "p"), "Basic", 401).await;
    check(("u", "p"), "", 401).await;
    check(("u", &sha), "Basic u:password", 200).await;
    check(("u", &sha), &format!("Basic u:{sha}"), 401).await;
    check(("u", &sha.replace('a', "A")), "Basic u:password", 401).await;
    check(("u", "{SHA}"), "Basic u:", 401).await;
    check(("", ""), "Basic :", 401).await;
    check(("u", ""), "Basic u:", 401).await;
    check(("", "p"), "Basic :p", 401).await;
    let open = gate(&Access::default());
    assert_eq!(status(&open, &Method::GET, &[]).await, 200);
    let gate = gate(&with_password("u", "p"));
    assert_eq!(status(&gate, &Method::GET, &[]).await, 401);
    assert_eq!(status(&gate, &Method::GET, &[("authorization", "Basic !!")]).await, 401);
}

fn caller(role: Role, name: &str) -> Caller {
    Caller { role, name: Some(name.into()) }
}

#[tokio::test]
async fn each_has_the_role_of_its_account_and_none_above_the_listeners() {
    use Role::{Admin, Operator, Viewer};
    let accounts = vec![account("ann", Viewer), account("bob", Operator), account("eve", Admin)];
    let access = Access { accounts, ..with_password("own", "own") };
    for (most, wanted) in [
        (Admin, [Admin, Viewer, Operator, Admin]),
        (Operator, [Operator, Viewer, Operator, Operator]),
        (Viewer, [Viewer; 4]),
    ] {
        for gate in [
            gate(&Access { role: most, ..access.clone() }),
            inet(&Access { role: most, ..access.clone() }),
        ] {
            for (name, role) in ["own", "ann", "bob", "eve"].into_iter().zip(wanted) {
                let got = log_in(&gate, &at("::1"), name, name).await;
                assert_eq!(got, Ok(caller(role, name)), "{most}");
                assert_eq!(log_in(&gate, &at("::1"), name, "x").await, Err(Refused::Unknown));
            }
            // Failures are counted, and these are too few.
            assert_eq!(
                gate.admit(&at("::1"), &Method::GET, &headers(&[])).await,
                Err(Refused::Unknown)
            );
        }
        let open = gate(&Access { role: most, ..Access::default() });
        let anybody = open.admit(&at("::1"), &Method::GET, &headers(&[])).await;
        assert_eq!(anybody, Ok(Caller { role: most, name: None }));
    }
}

fn allowed(id: u32, name: &str, role: Role) -> AllowedPeer {
    AllowedPeer { id, name: name.into(), role }
}

#[tokio::test]
async fn users_of_this_host_come_in_by_what_the_kernel_tells() {
    use Role::{Admin, Operator, Viewer};
    let peers = AllowedPeers {
        users: vec![allowed(1000, "ann", Operator), allowed(1001, "bob", Viewer)],
        groups: vec![allowed(50, "ops", Admin), allowed(60, "all", Viewer)],
    };
    let access = Access { peers: Some(peers), ..Access::default() };
    let peer = |uid, gid, groups: &[u32]| Peer::Unix { uid, gid, groups: groups.into() };
    let own = nix::unistd::geteuid().as_raw();
    let own_name = if own == 0 { "root".to_owned() } else { format!("user {own}") };
    let cases = [
        (peer(0, 0, &[]), Some((Admin, "root"))),
        (peer(own, 7, &[]), Some((Admin, own_name.as_str()))),
        (peer(1000, 7, &[]), Some((Operator, "ann"))),
        (peer(1000, 7, &[50]), Some((Admin, "@ops"))),
        (peer(1000, 60, &[]), Some((Operator, "ann"))),
        (peer(1001, 7, &[60]), Some((Viewer, "bob"))),
        (peer(1002, 60, &[]), Some((Viewer, "@all"))),
        (peer(1002, 60, &[1, 50]), Some((Admin, "@ops"))),
        (peer(1002, 7, &[8]), None),
        (at("127.0.0.1"), None),
    ];
    for most in Role::ALL {
        let gate = gate(&Access { role: most, ..access.clone() });
        let locked = Access { role: most, ..with_password("u", "p") };
        let locked = self::gate(&Access { peers: access.peers.clone(), ..locked });
        for (peer, wanted) in &cases {
            let admitted = gate.admit(peer, &Method::GET, &headers(&[])).await;
            let role = wanted.map(|(role, _)| role.min(most));
            assert_eq!(admitted.as_ref().map(|caller| caller.role).ok(), role, "{peer:?}");
            let without = locked.admit(peer, &Method::GET, &headers(&[])).await;
            match wanted {
                Some((_, name)) if most == Admin => {
                    assert_eq!(admitted.unwrap().name.as_deref(), Some(*name));
                }
                Some(_) => assert_eq!(without.unwrap().role, admitted.unwrap().role),
                None => {
                    assert_eq!(admitted, Err(Refused::NotAllowed));
                    assert_eq!(without, Err(Refused::Unknown), "credentials would help");
                }
            }
            // The highest of the roles counts.
            assert_eq!(log_in(&locked, peer, "u", "p").await.unwrap().role, most);
        }
    }
}

#[tokio::test]
async fn nobody_is_told_apart_where_nothing_is_set_but_a_password() {
    let gate = gate(&with_password("u", "p"));
    for uid in [0, nix::unistd::geteuid().as_raw()] {
        let got = gate.admit(&Peer::user(uid, 0), &Method::GET, &headers(&[])).await;
        assert_eq!(got, Err(Refused::Unknown), "as in Supervisor");
    }
}

#[tokio::test]
async fn who_fails_too_often_waits_and_what_was_proved_is_not_locked_out() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let lines = said.clone();
    let report: Report = Arc::new(move |_, line| lines.lock().unwrap().push(line.to_owned()));
    let access = Access { accounts: vec![account("ann", Role::Viewer)], ..with_password("u", "p") };
    let gate = Gate::inet(&access, &[], false, report);
    let (here, there) = (at("192.0.2.1"), at("192.0.2.2"));
    assert!(log_in(&gate, &here, "u", "p").await.is_ok());
    for _ in 0..100 {
        // A request without credentials is how a browser begins.
        let got = gate.admit(&here, &Method::GET, &headers(&[])).await;
        assert_eq!(got, Err(Refused::Unknown));
    }
    for _ in 0..FAILURES_MAX {
        assert_eq!(log_in(&gate, &here, "x\u{1b}[2J\n", "secret").await, Err(Refused::Unknown));
    }
    for (user, password) in [("u", "x"), ("ann", "ann"), ("nobody", "x")] {
        match log_in(&gate, &here, user, password).await {
            Err(Refused::TooMany(wait)) => assert!(!wait.is_zero() && wait <= FAILURE_TIME),
            other => panic!("{user}: {other:?}"),
        }
    }
    let got = gate.admit(&here, &Method::GET, &headers(&[])).await;
    assert_eq!(got, Err(Refused::Unknown), "a challenge is no attempt");
    assert!(log_in(&gate, &here, "u", "p").await.is_ok(), "it was proved before");
    assert!(log_in(&gate, &there, "ann", "ann").await.is_ok(), "others are not concerned");
    let said = said.lock().unwrap();
    assert_eq!(
        *said,
        [
            r#"a login from 192.0.2.1 as "x\u{1b}[2J\n" failed: wrong name or password"#,
            r#"logins from 192.0.2.1 fail, the last as "x\u{1b}[2J\n": its next ones have to wait"#,
        ]
    );
}

#[test]
fn who_has_to_wait_is_told_how_long() {
    let answer = Refused::TooMany(Duration::from_millis(1200)).answer();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "2");
    assert!(!answer.headers().contains_key("www-authenticate"), "no browser asks again at once");
}

#[tokio::test]
async fn a_modern_hash_is_looked_at_once() {
    let gate = inet(&with_password("u", &quick_hash("p")));
    let here = at("192.0.2.1");
    assert_eq!(log_in(&gate, &here, "u", "x").await, Err(Refused::Unknown));
    let first = log_in(&gate, &here, "u", "p").await;
    assert_eq!(first, Ok(caller(Role::Admin, "u")));
    // Nobody else looks at a hash now: what follows must do without.
    let turn = Turn::wait().await;
    for _ in 0..10_000 {
        assert_eq!(log_in(&gate, &here, "u", "p").await, first);
    }
    drop(turn);
    assert_eq!(log_in(&gate, &here, "nobody", "p").await, Err(Refused::Unknown));
}

/// A page may send many requests at once with a password that nobody has looked at yet.
#[tokio::test]
async fn those_who_wait_for_a_hash_are_served_by_the_first_run() {
    let gate = Arc::new(inet(&with_password("u", &quick_hash("p"))));
    let turn = Turn::wait().await;
    let many: Vec<_> = (0..20)
        .map(|number| {
            let gate = gate.clone();
            let password = if number % 2 == 0 { "p" } else { "x" };
            tokio::spawn(async move { log_in(&gate, &at("::1"), "u", password).await })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(turn);
    let (mut right, mut wrong, mut late) = (0, 0, 0);
    for one in many {
        match one.await.unwrap() {
            Ok(_) => right += 1,
            Err(Refused::Unknown) => wrong += 1,
            Err(Refused::TooMany(_)) => late += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    let failures = usize::try_from(FAILURES_MAX).unwrap();
    assert_eq!((right, wrong, late), (10, failures, 10 - failures));
}

#[tokio::test]
async fn what_was_right_is_forgotten_when_the_doors_are_renewed() {
    let gate = inet(&with_password("u", &quick_hash("old")));
    let here = at("192.0.2.1");
    assert!(log_in(&gate, &here, "u", "old").await.is_ok());
    gate.renew(&with_password("u", &quick_hash("new")));
    assert_eq!(log_in(&gate, &here, "u", "old").await, Err(Refused::Unknown));
    assert!(log_in(&gate, &here, "u", "new").await.is_ok());
    gate.renew(&Access::default());
    let got = gate.admit(&here, &Method::GET, &headers(&[])).await;
    assert_eq!(got, Ok(Caller { role: Role::Admin, name: None }));
}

/// A hash that was looked at under the old rules is not remembered under the new ones.
#[tokio::test]
async fn a_login_that_overlaps_a_renewal_is_not_remembered() {
    let gate = Arc::new(inet(&with_password("u", &quick_hash("old"))));
    let turn = Turn::wait().await;
    let waiting = {
        let gate = gate.clone();
        tokio::spawn(async move { log_in(&gate, &at("::1"), "u", "old").await })
    };
    tokio::task::yield_now().await;
    gate.renew(&with_password("u", &quick_hash("new")));
    drop(turn);
    _ = waiting.await.unwrap();
    assert_eq!(log_in(&gate, &at("::1"), "u", "old").await, Err(Refused::Unknown));
}
