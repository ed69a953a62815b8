//! TLS as this program speaks it: rustls, versions 1.2 and 1.3, with the cryptography of ring.
//!
//! [`server`] makes what a listener needs, [`client`] what calls of other daemons need. Both take
//! PEM text; who reads the files, and when, is decided elsewhere.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error, RootCertStore};

pub mod client;
pub mod server;

pub use client::{Client, ClientStream};
pub use server::Server;

/// What is spoken here: HTTP/1.1 (RFC 7301).
const PROTOCOLS: &[&[u8]] = &[b"http/1.1"];

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The certificates of a PEM text, at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|why| in_words(&why))?;
    if all.is_empty() {
        return Err("holds no certificate: expected PEM (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    Ok(all)
}

/// The first private key of a PEM text.
fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|why| match why {
        PemError::NoItemsFound => {
            "holds no private key: expected PEM (-----BEGIN PRIVATE KEY-----), not encrypted"
                .to_owned()
        }
        why => in_words(&why),
    })
}

/// The certificate authorities of a PEM text, at least one.
fn authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).map_err(|why| {
            format!("holds a certificate that cannot be used: {why}: expected PEM")
        })?;
    }
    Ok(roots)
}

/// Of the text itself no part is told: it may be a key.
fn in_words(why: &PemError) -> String {
    let why = match why {
        PemError::MissingSectionEnd { .. } => "a section has no end",
        PemError::IllegalSectionStart { .. } => "a section has no beginning",
        PemError::Base64Decode(_) => "a section is no base64",
        PemError::NoItemsFound => "there is nothing in it",
        _ => "it cannot be read",
    };
    format!("is no PEM: {why}: expected PEM")
}

/// What is wrong with a key beside its certificate.
fn disagreement(why: &Error) -> String {
    match why {
        Error::InconsistentKeys(_) => {
            "is not the key of the certificate: expected the one it was made with".to_owned()
        }
        why => format!("cannot be used with the certificate: {why}: expected another"),
    }
}

#[cfg(test)]
pub(crate) mod tests;
