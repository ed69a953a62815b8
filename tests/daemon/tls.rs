//! The TCP listener over TLS, from the certificate's file to supervisorctl.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the daemon itself")]

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::rig::Rig;
use crate::security::{Site, ask};

const KEYS: &str = "tls_certificate=@/c.pem\ntls_key=@/k.pem\n";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a certificate for a name and its key.
fn issue(rig: &Rig, authority: &Authority, name: &str, certificate: &str, key: &str) {
    let own = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let made = params.signed_by(&own, authority).unwrap();
    fs::write(rig.path(certificate), made.pem()).unwrap();
    fs::write(rig.path(key), own.serialize_pem()).unwrap();
    fs::set_permissions(rig.path(key), Permissions::from_mode(0o600)).unwrap();
}

/// A daemon over TLS for the name localhost, with more keys; and who made its certificate.
fn secure(keys: &str) -> (Site, Authority) {
    let authority = authority();
    let rig = Rig::new(&format!(
        "[inet_http_server]\nport=127.0.0.1:1\nusername=u\npassword=p\n{KEYS}{keys}\
         [supervisorctl]\ntls_ca=@/ca.pem\nusername=u\npassword=p\n\
         [program:cat]\ncommand=/bin/cat\nstartsecs=0\n"
    ));
    issue(&rig, &authority, "localhost", "c.pem", "k.pem");
    fs::write(rig.path("ca.pem"), authority.pem()).unwrap();
    (Site::of(rig), authority)
}

fn ctl(site: &Site, host: &str, more: &str, words: &[&str]) -> Output {
    let conf = site.rig.path("ctl.conf");
    let directory = site.rig.path("").display().to_string();
    let text = format!(
        "[supervisorctl]\nserverurl=https://{host}:{}\nusername=u\npassword=p\n{more}\n",
        site.address.port()
    );
    fs::write(&conf, text.replace('@', directory.trim_end_matches('/'))).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_supervisorctl"));
    command.arg("-c").arg(conf).args(words).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn supervisorctl_works_over_tls_and_believes_its_authority_alone() {
    let (site, _) = secure("");
    let status = ctl(&site, "localhost", "tls_ca=@/ca.pem", &["status"]);
    assert!(status.status.success() && said(&status).contains("RUNNING"), "{status:?}");
    let tail = ctl(&site, "localhost", "tls_ca=@/ca.pem", &["maintail"]);
    assert!(said(&tail).contains("spawned: 'cat'"), "{tail:?}");
    let stopped = ctl(&site, "localhost", "tls_ca=@/ca.pem", &["stop", "cat"]);
    assert_eq!(said(&stopped), "cat: stopped\n");

    for (host, more, why) in [
        ("localhost", "", "no authority that is believed here: see tls_ca"),
        ("127.0.0.1", "tls_ca=@/ca.pem", "certificate is for another name"),
    ] {
        let refused = ctl(&site, host, more, &["status"]);
        assert!(!refused.status.success(), "{host} {more}");
        let said = said(&refused);
        assert!(said.contains(why), "{said}");
    }
    let nowhere = ctl(&site, "localhost", "tls_ca=@/no.pem", &["status"]);
    assert!(said(&nowhere).contains("no.pem"), "{nowhere:?}");
}

#[test]
fn with_an_authority_for_clients_none_comes_in_without_a_certificate() {
    let (site, authority) = secure("tls_client_ca=@/ca.pem\n");
    issue(&site.rig, &authority, "client", "client.pem", "client.key");
    issue(&site.rig, &self::authority(), "client", "eve.pem", "eve.key");
    let with =
        |name: &str| format!("tls_ca=@/ca.pem\ntls_certificate=@/{name}.pem\ntls_key=@/{name}.key");
    let status = ctl(&site, "localhost", &with("client"), &["status"]);
    assert!(said(&status).contains("RUNNING"), "{status:?}");
    for (more, why) in [
        ("tls_ca=@/ca.pem".to_owned(), "it wants a certificate"),
        (with("eve"), "it does not believe the certificate"),
    ] {
        let refused = ctl(&site, "localhost", &more, &["status"]);
        assert!(!refused.status.success() && said(&refused).contains(why), "{refused:?}");
    }
    // Beside the certificate, the password.
    let more = with("client") + "\npassword=x";
    let refused = ctl(&site, "localhost", &more, &["status"]);
    assert!(said(&refused).contains("requires authentication"), "{refused:?}");
}

#[test]
fn plain_text_and_silence_hold_nobody_up() {
    let (site, _) = secure("");
    let mut silent: Vec<_> = (0..50).map(|_| site.connect()).collect();
    silent[0].write_all(&[22, 3, 1]).unwrap();
    let plain = site.ask("GET /\nHost: localhost", "");
    assert_eq!(plain.status, 400);
    assert!(String::from_utf8_lossy(&plain.body).contains("https"), "{plain:?}");
    site.rig.wait_log("the TLS handshake with 127.0.0.1 failed");
    let status = ctl(&site, "localhost", "tls_ca=@/ca.pem", &["status"]);
    assert!(said(&status).contains("RUNNING"), "{status:?}");
}

#[test]
fn over_tls_browsers_are_told_to_stay_there() {
    let (site, _) = secure("");
    let files =
        supervisord::config::tls::ClientFiles { ca: Some(site.rig.path("ca.pem")), identity: None };
    let client = supervisord::tls::Client::from_files(&files).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // A plain stream on this side, TLS on the other.
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let address = site.address;
    let between = std::thread::spawn(move || {
        runtime.block_on(async {
            theirs.set_nonblocking(true).unwrap();
            let mut plain = tokio::net::UnixStream::from_std(theirs).unwrap();
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let mut secure = client.connect("localhost", stream).await.unwrap();
            _ = tokio::io::copy_bidirectional(&mut plain, &mut secure).await;
        });
    });
    let heard = ask(ours, "GET /nope\nHost: localhost", "");
    between.join().unwrap();
    assert_eq!(heard.status, 401);
    assert!(heard.head.contains("strict-transport-security: max-age="), "{}", heard.head);
}

#[test]
fn a_renewed_certificate_comes_into_use_with_an_update() {
    let (site, authority) = secure("");
    let more = "tls_ca=@/ca.pem";
    issue(&site.rig, &authority, "127.0.0.1", "c.pem", "k.pem");
    assert!(ctl(&site, "localhost", more, &["status"]).status.success(), "not yet");
    let updated = ctl(&site, "localhost", more, &["update"]);
    assert!(updated.status.success(), "{updated:?}");
    site.rig.wait_log("the certificate of [inet_http_server] was renewed");
    assert!(ctl(&site, "127.0.0.1", more, &["status"]).status.success());
    assert!(!ctl(&site, "localhost", more, &["status"]).status.success());

    // A key that does not fit changes nothing.
    fs::copy(site.rig.path("k.pem"), site.rig.path("old.pem")).unwrap();
    issue(&site.rig, &authority, "other", "unused.pem", "k.pem");
    let refused = ctl(&site, "127.0.0.1", more, &["update"]);
    assert!(said(&refused).contains("tls_key: is not the key"), "{refused:?}");
    assert!(ctl(&site, "127.0.0.1", more, &["status"]).status.success());
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_at_the_start() {
    let rig =
        Rig::new(&format!("[inet_http_server]\nport=127.0.0.1:1\nusername=u\npassword=p\n{KEYS}"));
    let check = || {
        let conf = rig.path("conf");
        let output =
            Command::new(env!("CARGO_BIN_EXE_supervisord")).arg("check").arg(conf).output();
        said(&output.unwrap())
    };
    let told = check();
    assert!(told.contains("tls_certificate: cannot read") && told.contains("2 errors"), "{told}");
    let authority = authority();
    issue(&rig, &authority, "localhost", "c.pem", "k.pem");
    assert!(check().contains("0 errors, 0 warnings"), "{}", check());
    fs::set_permissions(rig.path("k.pem"), Permissions::from_mode(0o644)).unwrap();
    assert!(check().contains("can be read by everybody"), "{}", check());
    issue(&rig, &authority, "localhost", "other.pem", "k.pem");
    let told = check();
    assert!(
        told.contains("[inet_http_server] tls_key: is not the key of the certificate"),
        "{told}"
    );
}
