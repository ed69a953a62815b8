//! Who may come in: basic authentication (RFC 7617), and no page of another site.
//!
//! A browser sends requests for whatever page it shows. Those are told by the marks that
//! browsers set and pages cannot remove (Origin, Sec-Fetch-Site), and a name that was rebound to
//! this host by its Host. Programs send none of these marks and are let through.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hyper::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, HOST, HeaderMap, HeaderValue, ORIGIN, REFERER, USER_AGENT,
    WWW_AUTHENTICATE,
};
use hyper::{Method, Response, StatusCode};
use sha1::{Digest, Sha1};
use subtle::{Choice, ConstantTimeEq};

use super::body::{Body, status_only};
use super::peer::Peer;
use crate::api::Caller;
use crate::config::Credentials;

const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"default\"");
/// Marks a stored password as the lowercase hex of its SHA-1.
const SHA_PREFIX: &str = "{SHA}";
const SHA1_BYTES: usize = 20;

/// Clients are lenient with padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The door of one listener.
pub struct Gate {
    credentials: Option<Digests>,
    /// The names by which browsers may call; `None` for a listener that no browser reaches by
    /// a name, or one with a password, which a browser does not send to a rebound name.
    hosts: Option<Vec<String>>,
}

/// Why a request may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It lacks the right credentials.
    Unknown,
    /// A browser sent it for a page of another site.
    CrossSite,
}

/// Of both parts only the SHA-1 is kept and compared: equal lengths, no plain text in memory.
/// `None` where nobody can match: an empty user name or password never means "open".
struct Digests(Option<([u8; SHA1_BYTES], [u8; SHA1_BYTES])>);

impl Gate {
    /// The door of a unix socket.
    #[must_use]
    pub fn unix(credentials: Option<&Credentials>) -> Self {
        Self { credentials: credentials.map(Digests::new), hosts: None }
    }

    /// The door of a TCP listener that is also known by these names.
    #[must_use]
    pub fn inet(credentials: Option<&Credentials>, names: &[&str]) -> Self {
        let credentials = credentials.map(Digests::new);
        let hosts = credentials.is_none().then(|| {
            let names = names.iter().filter(|name| !name.is_empty());
            names.copied().chain(["localhost"]).map(str::to_ascii_lowercase).collect()
        });
        Self { credentials, hosts }
    }

    /// Who sends this request, if it may come in.
    ///
    /// # Errors
    /// Why not.
    #[allow(clippy::unused_async, reason = "passwords will be looked at elsewhere")]
    pub async fn admit(
        &self,
        _peer: &Peer,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Caller, Refused> {
        if let Some(credentials) = &self.credentials
            && !given(headers).is_some_and(|(user, password)| credentials.admit(&user, &password))
        {
            return Err(Refused::Unknown);
        }
        let reads = *method == Method::GET || *method == Method::HEAD;
        if (!reads && is_cross_site(headers)) || self.is_rebound(headers) {
            return Err(Refused::CrossSite);
        }
        Ok(Caller::NOBODY_ASKED)
    }

    /// A browser that calls this host by a name of another's.
    fn is_rebound(&self, headers: &HeaderMap) -> bool {
        let Some(hosts) = &self.hosts else {
            return false;
        };
        let Some(host) = text(headers, HOST.as_str()) else {
            return false;
        };
        let name = host_name(host).trim_end_matches('.').to_ascii_lowercase();
        let known = name.parse::<std::net::IpAddr>().is_ok() || hosts.contains(&name);
        !known && is_browser(headers)
    }
}

impl Refused {
    /// What is answered.
    #[must_use]
    pub fn answer(self) -> Response<Body> {
        match self {
            Self::CrossSite => status_only(StatusCode::FORBIDDEN),
            Self::Unknown => {
                let mut refusal = status_only(StatusCode::UNAUTHORIZED);
                refusal.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
                refusal
            }
        }
    }
}

impl Digests {
    fn new(credentials: &Credentials) -> Self {
        let Credentials { username, password } = credentials;
        let stored = match password.strip_prefix(SHA_PREFIX) {
            Some(hex) => from_hex(hex),
            None => Some(Sha1::digest(password).into()),
        };
        let usable = !username.is_empty() && !password.is_empty();
        Self(stored.filter(|_| usable).map(|password| (Sha1::digest(username).into(), password)))
    }

    /// Takes the same time whatever is wrong.
    fn admit(&self, user: &[u8], password: &[u8]) -> bool {
        let wanted = self.0.unwrap_or_default();
        let usable = Choice::from(u8::from(self.0.is_some()));
        let user: [u8; SHA1_BYTES] = Sha1::digest(user).into();
        let password: [u8; SHA1_BYTES] = Sha1::digest(password).into();
        (usable & user.ct_eq(&wanted.0) & password.ct_eq(&wanted.1)).into()
    }
}

/// The user and password of a request. Only the first colon divides.
fn given(headers: &HeaderMap) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, encoded) = text(headers, AUTHORIZATION.as_str())?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut user = BASE64.decode(encoded.trim()).ok()?;
    let colon = user.iter().position(|&byte| byte == b':')?;
    let password = user.split_off(colon + 1);
    user.pop();
    Some((user, password))
}

/// A request that a browser made for a page of another site. An `Origin` must be this host's
/// own, as the request names it.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let fetched = text(headers, "sec-fetch-site").is_some_and(|site| {
        !site.eq_ignore_ascii_case("same-origin") && !site.eq_ignore_ascii_case("none")
    });
    let own = |origin: &HeaderValue| {
        let origin = origin.to_str().ok()?.split_once("://")?.1;
        Some(origin.eq_ignore_ascii_case(text(headers, HOST.as_str())?))
    };
    fetched || headers.get(ORIGIN).is_some_and(|origin| own(origin) != Some(true))
}

/// Browsers hide none of these; programs may send one of them, at the price of being told that
/// the name they call this host by is not among its names.
fn is_browser(headers: &HeaderMap) -> bool {
    let marks = [ORIGIN.as_str(), REFERER.as_str(), ACCEPT_LANGUAGE.as_str(), "sec-fetch-site"];
    marks.iter().any(|mark| headers.contains_key(*mark))
        || text(headers, USER_AGENT.as_str()).is_some_and(|agent| agent.starts_with("Mozilla/"))
}

/// `localhost` of `localhost:9001`, `::1` of `[::1]:9001`.
fn host_name(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
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

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (hyper::header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        pairs.collect()
    }

    fn credentials(username: &str, password: &str) -> Credentials {
        Credentials { username: username.to_owned(), password: password.to_owned() }
    }

    async fn status(gate: &Gate, method: &Method, pairs: &[(&'static str, &str)]) -> u16 {
        gate.admit(&Peer::user(0, 0), method, &headers(pairs))
            .await
            .map_or_else(|why| why.answer().status().as_u16(), |_| 200)
    }

    #[tokio::test]
    async fn only_the_right_credentials_open() {
        let sha = format!("{{SHA}}{}", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8");
        let check = async |stored: (&str, &str), header: &str, wanted| {
            let gate = Gate::unix(Some(&credentials(stored.0, stored.1)));
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
        let open = Gate::unix(None);
        assert_eq!(status(&open, &Method::GET, &[]).await, 200);
        let gate = Gate::unix(Some(&credentials("u", "p")));
        assert_eq!(status(&gate, &Method::GET, &[]).await, 401);
        assert_eq!(status(&gate, &Method::GET, &[("authorization", "Basic !!")]).await, 401);
    }

    #[tokio::test]
    async fn no_page_of_another_site_comes_in() {
        let gate = Gate::inet(None, &["box"]);
        let check = async |method: Method, pairs: &[(&'static str, &str)], wanted| {
            assert_eq!(status(&gate, &method, pairs).await, wanted, "{method} {pairs:?}");
        };
        let host = ("host", "box:9001");
        // Programs, by whatever name.
        check(Method::POST, &[("host", "anything:9001")], 200).await;
        check(
            Method::POST,
            &[("host", "anything:9001"), ("user-agent", "Python-xmlrpc/3.11")],
            200,
        )
        .await;
        check(Method::POST, &[], 200).await;
        // A browser on our own page.
        check(Method::POST, &[host, ("origin", "http://box:9001")], 200).await;
        check(Method::POST, &[host, ("sec-fetch-site", "same-origin")], 200).await;
        check(Method::POST, &[("host", "[::1]:9001"), ("origin", "http://[::1]:9001")], 200).await;
        // A browser on another's.
        check(Method::POST, &[host, ("origin", "http://evil")], 403).await;
        check(Method::POST, &[host, ("origin", "http://box:9002")], 403).await;
        check(Method::POST, &[host, ("origin", "null")], 403).await;
        check(Method::POST, &[host, ("sec-fetch-site", "cross-site")], 403).await;
        check(Method::POST, &[host, ("sec-fetch-site", "same-site")], 403).await;
        // A link from elsewhere to our page.
        check(Method::GET, &[host, ("sec-fetch-site", "cross-site")], 200).await;
        // A name that was rebound to this host.
        let rebound = ("host", "evil:9001");
        check(Method::POST, &[rebound, ("origin", "http://evil:9001")], 403).await;
        check(Method::GET, &[rebound, ("user-agent", "Mozilla/5.0")], 403).await;
        check(Method::GET, &[("host", "127.0.0.1:9001"), ("user-agent", "Mozilla/5.0")], 200).await;
        check(Method::GET, &[("host", "LOCALHOST:9001"), ("user-agent", "Mozilla/5.0")], 200).await;
        let locked = Gate::inet(Some(&credentials("u", "p")), &["box"]);
        let basic = ("authorization", "Basic dTpw");
        let pairs = [rebound, basic, ("user-agent", "Mozilla/5.0")];
        assert_eq!(status(&locked, &Method::GET, &pairs).await, 200);
    }
}
