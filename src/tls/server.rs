//! What a listener needs: its certificate and key, and whose certificates clients must show.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::server::TlsStream;

use super::{PROTOCOLS, authorities, certificates, disagreement, private_key, provider};
use crate::config::tls::{TlsPart, TlsSettings};

/// Takes connections over TLS. Cheap to clone.
#[derive(Clone)]
pub struct Server(TlsAcceptor);

impl Server {
    /// With these certificates and keys.
    ///
    /// # Errors
    /// Which of them is wrong, and how.
    pub fn new(settings: &TlsSettings) -> Result<Self, (TlsPart, String)> {
        let chain =
            certificates(&settings.certificate.text).map_err(|why| (TlsPart::Certificate, why))?;
        let key = private_key(&settings.key.text).map_err(|why| (TlsPart::Key, why))?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|why| (TlsPart::Certificate, why.to_string()))?;
        let builder = match &settings.client_ca {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let of_authority = |why: String| (TlsPart::ClientCa, why);
                let roots = Arc::new(authorities(&pem.text).map_err(of_authority)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
                    .build()
                    .map_err(|why| of_authority(format!("cannot be used: {why}")))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|why| (TlsPart::Key, disagreement(&why)))?;
        config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Shakes hands with a client that has begun to.
    ///
    /// # Errors
    /// The client leaves, does not speak TLS, or is not to be believed.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}
