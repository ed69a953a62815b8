//! What calls of other daemons need: whose certificates are believed, and which one is shown.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, RootCertStore,
};

use super::{PROTOCOLS, authorities, certificates, disagreement, private_key, provider};
use crate::config::tls::ClientFiles;

/// Bytes of a certificate or key file; a longer one is something else, and refused.
const PEM_BYTES_MAX: u64 = 16 << 20;

/// A connection over TLS that was made from here.
pub type ClientStream<S> = TlsStream<S>;

/// Makes connections over TLS. Cheap to clone.
#[derive(Clone)]
pub struct Client(TlsConnector);

impl Client {
    /// With what these files hold. Reads them, and without `ca` the system's authorities, which
    /// may take some milliseconds: never on the supervision thread.
    ///
    /// # Errors
    /// In words: which file is wrong, and how.
    pub fn from_files(files: &ClientFiles) -> Result<Self, String> {
        let roots = match &files.ca {
            Some(path) => about(path, authorities(&read(path)?))?,
            None => system_authorities()?,
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|why| format!("cannot use TLS: {why}"))?
            .with_root_certificates(roots);
        let mut config = match &files.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = about(certificate, certificates(&read(certificate)?))?;
                let own = about(key, private_key(&read(key)?))?;
                let built = builder.with_client_auth_cert(chain, own);
                about(key, built.map_err(|why| disagreement(&why)))?
            }
        };
        config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Shakes hands over a connection with the server of this name or address, which its
    /// certificate must be for.
    ///
    /// # Errors
    /// The server is not who it should be, does not speak TLS, or leaves; [`advice`] says what to
    /// do.
    pub async fn connect<S>(&self, host: &str, stream: S) -> io::Result<ClientStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, format!("{host}: {why}")))?;
        self.0.connect(name, stream).await
    }
}

/// What a person can do about a connection over TLS that came to nothing; `None` where the error
/// itself says it, or it is of another kind.
#[must_use]
pub fn advice(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // What is within an error of the system is not its source.
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let found = match within {
            Some(within) => within.downcast_ref::<Error>(),
            None => error.downcast_ref::<Error>(),
        };
        if let Some(found) = found {
            return advice_on(found);
        }
        cause = error.source();
    }
    None
}

fn advice_on(error: &Error) -> Option<&'static str> {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext,
        NotValidYet, NotValidYetContext, UnknownIssuer,
    };
    Some(match error {
        Error::InvalidCertificate(UnknownIssuer | BadSignature) => {
            "its certificate is of no authority that is believed here: see tls_ca"
        }
        Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "its certificate is for another name: use one that it is for"
        }
        Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            "its certificate has expired: renew it"
        }
        Error::InvalidCertificate(NotValidYet | NotValidYetContext { .. }) => {
            "its certificate is not valid yet: look at the clocks"
        }
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it wants a certificate: see tls_certificate and tls_key"
        }
        Error::AlertReceived(AlertDescription::UnknownCA | AlertDescription::DecryptError) => {
            "it does not believe the certificate that is shown to it: see tls_certificate"
        }
        Error::InvalidMessage(_) => "it does not speak TLS: use an http URL",
        _ => return None,
    })
}

fn about<T>(path: &Path, result: Result<T, String>) -> Result<T, String> {
    result.map_err(|why| format!("{} {why}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let size = std::fs::metadata(path).map(|meta| meta.len());
    let bytes = size.and_then(|size| match size {
        0..=PEM_BYTES_MAX => std::fs::read(path),
        _ => Err(io::Error::other("it is larger than 16 MiB")),
    });
    bytes.map_err(|why| format!("cannot read {}: {why}", path.display()))
}

fn system_authorities() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|why| format!(": {why}")).unwrap_or_default();
        return Err(format!(
            "cannot find the system's certificate authorities{why}: set tls_ca to a PEM file"
        ));
    }
    Ok(roots)
}
