//! What browsers may do, and what every answer tells them.

use hyper::header::CONTENT_SECURITY_POLICY;

use super::*;
use crate::http::body::answer as answer_with;
use crate::http::refusal::Refusal;

#[tokio::test]
async fn no_page_of_another_site_comes_in() {
    let gate = inet(&Access::default());
    let check = async |method: Method, pairs: &[(&'static str, &str)], wanted| {
        assert_eq!(status(&gate, &method, pairs).await, wanted, "{method} {pairs:?}");
    };
    let host = ("host", "box:9001");
    // Programs, by whatever name.
    check(Method::POST, &[("host", "anything:9001")], 200).await;
    check(Method::POST, &[("host", "anything:9001"), ("user-agent", "Python-xmlrpc/3.11")], 200)
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
    let locked = inet(&with_password("u", "p"));
    let basic = ("authorization", "Basic dTpw");
    let pairs = [rebound, basic, ("user-agent", "Mozilla/5.0")];
    assert_eq!(status(&locked, &Method::GET, &pairs).await, 200);
}

#[tokio::test]
async fn other_names_and_origins_may_be_allowed() {
    let access = |hosts: &[&str], origins: &[&str]| {
        let own = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Access { hosts: own(hosts), origins: own(origins), ..Access::default() }
    };
    let browser = ("user-agent", "Mozilla/5.0");
    let host = |name: &'static str| [("host", name), browser];
    for (gate, name, wanted) in [
        (inet(&access(&["sup.example"], &[])), "sup.example:9001", 200),
        (inet(&access(&["sup.example"], &[])), "SUP.example.", 200),
        (inet(&access(&["sup.example"], &[])), "box", 200),
        (inet(&access(&["sup.example"], &[])), "evil.example", 403),
        (inet(&access(&["*"], &[])), "evil.example", 200),
        (gate(&access(&["sup.example"], &[])), "sup.example", 200),
        (gate(&access(&["sup.example"], &[])), "evil.example", 403),
        (gate(&access(&[], &[])), "evil.example", 200),
    ] {
        assert_eq!(status(&gate, &Method::GET, &host(name)).await, wanted, "{name}");
    }
    // With a password, too, once names are given.
    let locked = Access { hosts: vec!["sup.example".to_owned()], ..with_password("u", "p") };
    let basic = ("authorization", "Basic dTpw");
    let pairs = [("host", "evil.example"), browser, basic];
    assert_eq!(status(&inet(&locked), &Method::GET, &pairs).await, 403);

    let gate = inet(&access(&[], &["https://sup.example"]));
    for (origin, site, wanted) in [
        ("https://sup.example", "cross-site", 200),
        ("https://sup.example", "same-site", 200),
        ("http://sup.example", "cross-site", 403),
        ("https://sup.example.evil", "cross-site", 403),
        ("https://sup.example:8443", "cross-site", 403),
        ("null", "cross-site", 403),
    ] {
        let pairs = [("host", "box"), ("origin", origin), ("sec-fetch-site", site)];
        assert_eq!(status(&gate, &Method::POST, &pairs).await, wanted, "{origin}");
        let dress = gate.dress(&headers(&pairs));
        let mut response = Refusal::of(StatusCode::OK).answer();
        dress.put_on(&mut response);
        let shared = response.headers().get("access-control-allow-origin");
        assert_eq!(shared.is_some(), wanted == 200, "{origin}");
        assert!(shared.is_none_or(|shared| *shared == origin), "{origin}");
    }
}

#[test]
fn a_preflight_is_answered_for_allowed_origins_alone() {
    let locked = Access { origins: vec!["https://a".to_owned()], ..with_password("u", "p") };
    let gate = inet(&locked);
    let asks = ("access-control-request-method", "POST");
    let told = gate.preflight(&Method::OPTIONS, &headers(&[("origin", "https://a"), asks]));
    let told = told.unwrap();
    assert_eq!(told.status(), 204);
    assert_eq!(told.headers()["access-control-allow-methods"], "GET, HEAD, POST, PUT");
    for (method, pairs) in [
        (Method::OPTIONS, vec![("origin", "https://b"), asks]),
        (Method::OPTIONS, vec![("origin", "https://a")]),
        (Method::OPTIONS, vec![asks]),
        (Method::POST, vec![("origin", "https://a"), asks]),
    ] {
        assert!(gate.preflight(&method, &headers(&pairs)).is_none(), "{method} {pairs:?}");
    }
    let closed = inet(&with_password("u", "p"));
    let pairs = headers(&[("origin", "https://a"), asks]);
    assert!(closed.preflight(&Method::OPTIONS, &pairs).is_none(), "off unless asked for");
}

#[test]
fn every_answer_is_dressed_and_keeps_what_it_has() {
    let dressed = |gate: &Gate, mut response| {
        gate.dress(&headers(&[("origin", "https://a")])).put_on(&mut response);
        response
    };
    let plain = inet(&Access::default());
    for response in [
        Refusal::of(StatusCode::NOT_FOUND).answer(),
        Refused::Unknown.answer(),
        answer_with(StatusCode::OK, "text/xml", "".into()),
    ] {
        let response = dressed(&plain, response);
        let headers = response.headers();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(headers[name], value, "{name}");
            assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
        }
        for absent in ["strict-transport-security", "access-control-allow-origin"] {
            assert!(!headers.contains_key(absent), "{absent}");
        }
    }
    let mut own = Refusal::of(StatusCode::OK).answer();
    own.headers_mut()
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
    own.headers_mut().insert("cache-control", HeaderValue::from_static("no-cache"));
    let own = dressed(&plain, own);
    assert_eq!(own.headers()["content-security-policy"], "default-src 'self'");
    assert_eq!(own.headers()["cache-control"], "no-cache");
    let secure = Gate::inet(&Access::default(), &[], true, Arc::new(|_, _| {}));
    let response = dressed(&secure, Refusal::of(StatusCode::OK).answer());
    assert!(response.headers().contains_key("strict-transport-security"));
}

/// The kinds that browsers send without asking must not reach what changes something.
#[test]
fn bodies_are_of_the_type_that_is_expected() {
    let xml = |pairs: &[(&'static str, &str)]| Media::Xml.admit(&headers(pairs)).is_ok();
    let json = |pairs: &[(&'static str, &str)]| Media::Json.admit(&headers(pairs)).is_ok();
    let (some, none) = (("content-length", "2"), ("content-length", "0"));
    for simple in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
    {
        let kind = ("content-type", simple);
        // xmlrpc.client, Go, PHP and Perl say text/xml; curl -d says a form; some say nothing.
        assert!(xml(&[some, kind]), "{simple}");
        assert!(xml(&[some]));
        for mark in [
            ("origin", "http://box"),
            ("sec-fetch-site", "same-origin"),
            ("referer", "http://box/"),
            ("user-agent", "Mozilla/5.0"),
        ] {
            assert!(!xml(&[some, kind, mark]), "{simple} {mark:?}");
            assert!(!xml(&[some, mark]), "{mark:?}");
            assert!(xml(&[some, ("content-type", "text/xml"), mark]), "{mark:?}");
            assert!(xml(&[some, ("content-type", "Application/XML; charset=utf-8"), mark]));
        }
        assert!(!json(&[some, kind]), "{simple}");
        assert!(!json(&[none, kind]), "{simple}");
    }
    assert!(json(&[some, ("content-type", "application/json")]));
    assert!(json(&[some, ("content-type", "Application/JSON ; charset=utf-8")]));
    assert!(!json(&[some, ("content-type", "application/jsonx")]));
    assert!(json(&[none]), "there is nothing to be of a type");
    assert!(json(&[]));
    assert!(!json(&[some]));
    assert!(!json(&[("transfer-encoding", "chunked")]));
    assert_eq!(Refused::Media(Media::Json).answer().status(), 415);
}
