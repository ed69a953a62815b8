//! Certificates made for a test, and who believes whom.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::client::advice;
use super::{Client, Server};
use crate::config::tls::{ClientFiles, Pem, TlsPart, TlsSettings};

/// Somebody who makes certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names or addresses, and its key.
    pub(crate) fn issue(&self, names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

pub(crate) fn settings(certificate: &str, key: &str, client_ca: Option<&str>) -> TlsSettings {
    let pem = |text: &str| Pem { path: "/x.pem".into(), text: text.into() };
    TlsSettings { certificate: pem(certificate), key: pem(key), client_ca: client_ca.map(pem) }
}

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn what_cannot_be_used_is_told_without_its_text() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&["localhost"]);
    let (_, other_key) = authority.issue(&["localhost"]);
    assert!(Server::new(&settings(&certificate, &key, Some(&authority.pem()))).is_ok());
    let broken = key.replacen("PRIVATE KEY-----\n", "PRIVATE KEY-----\n!", 1);
    for (certificate, key, client_ca, part, says) in [
        (certificate.as_str(), other_key.as_str(), None, TlsPart::Key, "is not the key"),
        (&key, &key, None, TlsPart::Certificate, "holds no certificate"),
        (&certificate, &certificate, None, TlsPart::Key, "holds no private key"),
        (&certificate, "", None, TlsPart::Key, "holds no private key"),
        (&certificate, &broken, None, TlsPart::Key, "is no PEM"),
        (&certificate, &key, Some(""), TlsPart::ClientCa, "holds no certificate"),
    ] {
        let Err((wrong, why)) = Server::new(&settings(certificate, key, client_ca)) else {
            panic!("{says}: it is accepted");
        };
        assert_eq!(wrong, part);
        assert!(why.contains(says) && why.contains("expected"), "{why}");
        assert!(!why.contains(key.lines().nth(1).unwrap_or("MII")), "{why}");
    }
}

#[test]
fn a_clients_file_that_is_wrong_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&["client"]);
    let ca = write(directory.path(), "ca.pem", &authority.pem());
    let certificate = write(directory.path(), "c.pem", &certificate);
    let key = write(directory.path(), "k.pem", &key);
    let of = |ca: &Path, identity: Option<(&Path, &Path)>| {
        let identity = identity.map(|(certificate, key)| (certificate.into(), key.into()));
        Client::from_files(&ClientFiles { ca: Some(ca.into()), identity }).map(drop)
    };
    assert_eq!(of(&ca, Some((&certificate, &key))), Ok(()));
    let told = of(Path::new("/no.pem"), None).unwrap_err();
    assert!(told.starts_with("cannot read /no.pem: "), "{told}");
    let told = of(&key, None).unwrap_err();
    assert!(told.contains("k.pem holds no certificate"), "{told}");
    let told = of(&ca, Some((&ca, &key))).unwrap_err();
    assert!(told.contains("k.pem is not the key"), "{told}");
}

/// A client's and a server's settings, and whether they come together.
#[tokio::test]
async fn each_side_believes_its_own_authority_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (certificate, key) = ours.issue(&["localhost", "127.0.0.1"]);
    let open = Server::new(&settings(&certificate, &key, None)).unwrap();
    let closed = Server::new(&settings(&certificate, &key, Some(&ours.pem()))).unwrap();
    let file = |name: &str, text: &str| write(directory.path(), name, text);
    let (our_ca, their_ca) = (file("ours.pem", &ours.pem()), file("theirs.pem", &theirs.pem()));
    let identity = |of: &Authority, name: &str| {
        let (certificate, key) = of.issue(&["client"]);
        Some((file(&format!("{name}.pem"), &certificate), file(&format!("{name}.key"), &key)))
    };
    let (ann, eve) = (identity(&ours, "ann"), identity(&theirs, "eve"));
    for (server, ca, identity, host, wrong) in [
        (&open, &our_ca, None, "localhost", ""),
        (&open, &our_ca, None, "127.0.0.1", ""),
        (&open, &our_ca, ann.clone(), "localhost", ""),
        (&open, &our_ca, None, "other.example", "for another name"),
        (&open, &their_ca, None, "localhost", "see tls_ca"),
        (&closed, &our_ca, None, "localhost", "it wants a certificate"),
        (&closed, &our_ca, eve, "localhost", "does not believe"),
        (&closed, &our_ca, ann, "localhost", ""),
    ] {
        let client = Client::from_files(&ClientFiles { ca: Some(ca.clone()), identity }).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = server.clone();
        let serving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = server.accept(stream).await?;
            stream.write_all(b"come in").await?;
            stream.shutdown().await
        });
        let called = async {
            let stream = TcpStream::connect(address).await.unwrap();
            let mut stream = client.connect(host, stream).await?;
            let mut said = String::new();
            stream.read_to_string(&mut said).await.map(|_| said)
        };
        let said = called.await;
        match said {
            Ok(said) => assert_eq!((said.as_str(), wrong), ("come in", ""), "{host}"),
            Err(why) => {
                let advice = advice(&why).unwrap_or_else(|| panic!("no advice on {why:?}"));
                assert!(!wrong.is_empty() && advice.contains(wrong), "{advice}: {why}");
            }
        }
        assert_eq!(serving.await.unwrap().is_ok(), wrong.is_empty(), "{host}");
    }
}
