//! Who may come in, as the configuration says.

use super::*;
use crate::config::access::{AllowedPeer, Peers};
use crate::model::Role;

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$QCjpYqX3cq1+2j6U2W1u2w$\
                    fw6LJauIIK71fyr/5ji13O8qy0+xeBX46l5VPgHTtjQ";

fn unix(keys: &str) -> Access {
    load_text(keys).unwrap().config.unix.unwrap().access
}

fn inet(keys: &str) -> Access {
    load_text(keys).unwrap().config.inet.unwrap().access
}

fn accounts(access: &Access) -> Vec<(&str, &str, Role)> {
    let all = access.accounts.iter();
    all.map(|a| (&*a.credentials.username, &*a.credentials.password, a.role)).collect()
}

#[test]
fn without_new_keys_all_is_as_in_supervisor() {
    let text =
        "[unix_http_server]\nfile=/s\n[inet_http_server]\nport=*:1\nusername=u\npassword=p\n";
    assert_eq!(unix(text), Access::default());
    let credentials = Credentials { username: "u".into(), password: "p".into() };
    assert_eq!(inet(text), Access { credentials: Some(credentials), ..Access::default() });
}

#[test]
fn users_may_log_in_where_they_are_named() {
    let users = "[http_user:ann]\npassword=a\n[http_user:bob]\npassword=b\nrole=operator\n";
    let (ann, bob) = (("ann", "a", Role::Viewer), ("bob", "b", Role::Operator));
    let both = format!("{users}[unix_http_server]\nfile=/s\n[inet_http_server]\nport=*:1\n");
    assert_eq!(accounts(&inet(&both)), [ann, bob], "all, if it does not say");
    assert_eq!(accounts(&unix(&both)), [], "none, if it does not say");
    for (line, wanted) in [
        ("users=*", vec![ann, bob]),
        ("users=bob", vec![bob]),
        ("users=bob, ann bob", vec![bob, ann]),
        ("users=", vec![]),
    ] {
        let text = format!("{users}[unix_http_server]\nfile=/s\nrole=operator\n{line}\n");
        assert_eq!(accounts(&unix(&text)), wanted, "{line}");
        assert_eq!(unix(&text).role, Role::Operator);
    }
}

#[test]
fn a_hash_survives_the_reader() {
    for key in ["password", "password_credential"] {
        let value = if key == "password" { HASH } else { "secret" };
        let text =
            format!("[supervisord]\n[inet_http_server]\nport=*:1\nusername=u\n{key}={value}\n");
        let secret = "/run/credentials/supervisord.service/secret";
        let loaded = load_files(&[("/etc/s.conf", &text), (secret, &format!("{HASH}\n"))]).unwrap();
        let credentials = loaded.config.inet.unwrap().access.credentials.unwrap();
        assert_eq!(credentials.password, HASH);
    }
}

#[test]
fn peers_are_users_and_groups_of_this_host() {
    let text =
        "[unix_http_server]\nfile=/s\nallow_users=root, web:operator\nallow_groups=ops:viewer\n";
    let peer = |id, name: &str, role| AllowedPeer { id, name: name.into(), role };
    let peers = Peers {
        users: vec![peer(0, "root", Role::Admin), peer(1000, "web", Role::Operator)],
        groups: vec![peer(50, "ops", Role::Viewer)],
    };
    assert_eq!(unix(text).peers, Some(peers));
    let nobody = unix("[unix_http_server]\nfile=/s\nallow_users=\n").peers;
    assert_eq!(nobody, Some(Peers::default()), "who names nobody lets nobody in");
}

#[test]
fn what_browsers_may_do_is_read_as_they_say_it() {
    let access = inet(
        "[inet_http_server]\nport=127.0.0.1:1\nallow_hosts=Sup.Example, box.\n\
         allow_origins=https://Sup.Example:443 http://[::1]:8080\nbase_path=/a/b-c/\n",
    );
    assert_eq!(access.hosts, ["sup.example", "box"]);
    assert_eq!(access.origins, ["https://sup.example", "http://[::1]:8080"]);
    assert_eq!(access.base_path, "/a/b-c");
    assert_eq!(inet("[inet_http_server]\nport=127.0.0.1:1\nbase_path=/\n").base_path, "");
}

#[test]
fn a_wrong_door_is_told_with_its_place() {
    let check = |section: &str, line: &str, expected: &str| {
        let mut told = problems(&format!("{section}\n{line}\n"));
        told.retain(|line| {
            !line.contains("asks for no password: every user") && !line.contains("log in nowhere")
        });
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("/etc/s.conf:4: "), "{told:?}");
        assert!(told[0].contains(expected), "{told:?}");
        assert!(told[0].contains("expected"), "{told:?}");
    };
    let unix = "[unix_http_server]\nfile=/s";
    check(unix, "role=boss", "role: \"boss\" is not a role: expected viewer, operator or admin");
    check(unix, "users=ann", "users: \"ann\" is nobody: expected a section [http_user:ann]");
    check(unix, "allow_users=nobody", "allow_users: \"nobody\" is not a user");
    check(unix, "allow_users=web:boss", "allow_users: \"boss\" is not a role");
    check(unix, "allow_groups=nogroup", "allow_groups: \"nogroup\" is not a group");
    check(unix, "allow_hosts=box:9001", "allow_hosts: \"box:9001\" is not a host's name");
    let inet = "[inet_http_server]\nport=127.0.0.1:1";
    check(inet, "allow_users=root", "allow_users: has no effect on a TCP listener");
    for origin in ["*", "null", "sup.example", "ftp://a", "https://", "https://a/b", "https://u@a"]
    {
        check(inet, &format!("allow_origins={origin}"), "is not an origin");
    }
    for path in ["a", "/a//b", "/../b", "/a?b", "/a%%2fb", "/a b"] {
        check(inet, &format!("base_path={path}"), "is not a path's beginning");
    }
    let user = "[http_user:ann]\nrole=viewer";
    check(user, "password=", "password: is empty");
    check(user, "password=$argon2id$v=19$nonsense", "password: is no hash");
    check(user, &format!("password={}", HASH.replace("argon2id", "argon2i")), "argon2i");
    check(user, &format!("password={}", HASH.replace("m=19456", "m=4294967295")), "KiB");
    check(user, "password=$argon2id$v=19$m=19456,t=2,p=1", "without its end");
}

#[test]
fn who_has_no_password_or_a_name_twice_is_told() {
    let check = |text: &str, expected: &str| {
        let told = problems(text);
        assert!(told.len() == 1 && told[0].contains(expected), "{told:?}");
    };
    check("[http_user:a:b]\npassword=x\n", "is no user's name: expected one without a colon");
    check("[http_user:ann]\n", "has no password: expected password or password_credential");
    check(
        "[http_user:ann]\npassword=x\n[inet_http_server]\nport=*:1\nusername=ann\npassword=y\n",
        "username: stands in [http_user:ann], too",
    );
    // A secret is never part of a message.
    for told in problems("[http_user:ann]\npassword=$argon2id$hunter2\n") {
        assert!(!told.contains("hunter2"), "{told}");
    }
    let told = warnings("[http_user:ann]\npassword=$2y$05$abcdefghijklmnopqrstuv\n");
    assert!(told.len() == 2 && told[1].contains("hash-password"), "{told:?}");
}

#[test]
fn users_are_as_good_as_a_password_on_tcp() {
    let users = "[http_user:ann]\npassword=a\n";
    let open = |users: &str, line: &str| {
        load_text(&format!("{users}[inet_http_server]\nport=*:1\n{line}\n")).is_err()
    };
    assert!(open("", ""));
    assert!(!open(users, ""));
    assert!(open(users, "users="));
    assert!(!open(users, "users=ann"));
    assert!(!open("", "allow_unauthenticated=true"));
}

const TLS: &str = "tls_certificate=c.pem\ntls_key=k.pem\n";

fn with_tls(keys: &str, certificate: &str) -> Result<Loaded, Vec<ConfigError>> {
    let text =
        format!("[supervisord]\n[inet_http_server]\nport=*:1\nusername=u\npassword=p\n{keys}");
    load_files(&[
        ("/etc/s.conf", &text),
        ("/cwd/c.pem", certificate),
        ("/cwd/k.pem", "key"),
        ("/cwd/open.pem", "key"),
        ("/cwd/ca.pem", "ca"),
        ("/cwd/bad.pem", "bad"),
    ])
}

#[test]
fn certificates_are_read_with_the_configuration() {
    let loaded = with_tls(&format!("{TLS}tls_client_ca=ca.pem\n"), "certificate").unwrap();
    let server = loaded.config.inet.unwrap();
    assert!(server.asks_who());
    let tls = server.tls.unwrap();
    assert_eq!(tls.key.path, Path::new("/cwd/k.pem"));
    assert_eq!((&*tls.key.text, &*tls.client_ca.unwrap().text), (&b"key"[..], &b"ca"[..]));
    let renewed = with_tls(TLS, "renewed").unwrap().config.inet.unwrap();
    assert_ne!(with_tls(TLS, "certificate").unwrap().config.inet.unwrap(), renewed);
    assert!(!format!("{renewed:?}").contains(&format!("{:?}", b"key")), "{renewed:?}");
    let told = with_tls("tls_certificate=c.pem\ntls_key=open.pem\n", "c").unwrap().warnings;
    assert!(told[0].to_string().contains("can be read by everybody"), "{told:?}");
}

#[test]
fn wrong_certificates_are_told_with_their_place() {
    for (keys, certificate, line, says) in [
        ("tls_certificate=c.pem\n", "", 6, "tls_certificate: stands without tls_key"),
        ("tls_key=k.pem\n", "", 6, "tls_key: stands without tls_certificate"),
        ("tls_client_ca=ca.pem\n", "", 6, "tls_client_ca: stands without tls_certificate"),
        ("tls_certificate=c.pem\ntls_key=no.pem\n", "", 7, "tls_key: cannot read /cwd/no.pem"),
        (TLS, "bad", 6, "tls_certificate: is bad"),
        ("tls_certificate=c.pem\ntls_key=bad.pem\n", "", 7, "tls_key: is bad"),
    ] {
        let told = shown(&with_tls(keys, certificate).unwrap_err());
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(&format!("/etc/s.conf:{line}: ")), "{told:?}");
        assert!(told[0].contains(says) && told[0].contains("expected"), "{told:?}");
    }
    // A certificate that clients must show is as good as a password; one that is wrong is not.
    let text = |ca: &str| format!("[supervisord]\n[inet_http_server]\nport=*:1\n{TLS}{ca}");
    let load = |ca: &str| {
        let text = text(ca);
        load_files(&[
            ("/etc/s.conf", &text),
            ("/cwd/c.pem", "c"),
            ("/cwd/k.pem", "k"),
            ("/cwd/ca.pem", "ca"),
        ])
    };
    assert!(load("").is_err(), "encrypted, but open");
    assert!(load("tls_client_ca=ca.pem\n").is_ok());
    assert!(load("tls_client_ca=no.pem\n").is_err());
}

#[test]
fn supervisorctl_has_certificates_of_its_own() {
    let read = |keys: &str| {
        let text = format!("[supervisorctl]\nserverurl=https://box:9001\n{keys}");
        let files = FakeFiles([("/etc/s.conf".into(), text.into_bytes())].into());
        load_ctl(Some(Path::new("/etc/s.conf")), &files, &FakeHost { uid: 0 })
    };
    let tls = read("tls_ca=~/ca.pem\ntls_certificate=/c\ntls_key=/k\n").unwrap().tls;
    assert_eq!(tls.ca.as_deref(), Some(Path::new("/root/ca.pem")));
    assert_eq!(tls.identity, Some(("/c".into(), "/k".into())));
    let told = shown(&read("tls_key=/k\n").unwrap_err());
    assert!(told[0].contains("tls_key: stands without tls_certificate"), "{told:?}");
}

#[test]
fn doors_that_nobody_can_reach_are_warned_of() {
    let check = |text: &str, expected: &[&str]| {
        let told = warnings(text);
        assert_eq!(told.len(), expected.len(), "{text}: {told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.contains(expected), "{text}: {told:?}");
        }
    };
    let user = "[http_user:ann]\npassword=a\n";
    check(user, &["[http_user:ann]: may log in nowhere"]);
    check(&format!("{user}[unix_http_server]\nfile=/s\n"), &["may log in nowhere"]);
    check(&format!("{user}[unix_http_server]\nfile=/s\nusers=*\n"), &[]);
    check(&format!("{user}[inet_http_server]\nport=*:1\n"), &[]);
    let unix = "[unix_http_server]\nfile=/s\n";
    check(
        &format!("{unix}allow_users=web\n"),
        &["allow_users: names others than the socket's owner"],
    );
    check(&format!("{unix}allow_groups=ops\n"), &["allow_groups: names others"]);
    check(&format!("{unix}allow_users=root\n"), &[]);
    check(&format!("{unix}allow_users=web\nchmod=0777\n"), &[]);
    check(&format!("{unix}allow_groups=ops\nchmod=0770\nchown=root:ops\n"), &[]);
}

#[test]
fn programs_are_told_of_a_listener_over_tls() {
    let config = with_tls(TLS, "certificate").unwrap().config;
    assert_eq!(config.server_url().as_deref(), Some("https://localhost:1"));
}
