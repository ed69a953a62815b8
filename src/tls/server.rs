//! What a listener needs: its certificate and key, and whose certificates clients must show.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::server::{Acceptor, WebPkiClientVerifier};
use tokio_rustls::server::TlsStream;

use super::{PROTOCOLS, authorities, certificates, disagreement, private_key, provider};
use crate::config::tls::{TlsPart, TlsSettings};

/// Signatures that are computed at one time; further clients wait, within the time that a
/// handshake has.
const SIGNATURES_AT_A_TIME: usize = 1;
static SIGNATURES: Semaphore = Semaphore::const_new(SIGNATURES_AT_A_TIME);

/// Takes connections over TLS. Cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<ServerConfig>);

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
        Ok(Self(Arc::new(config)))
    }

    /// Shakes hands with a client.
    ///
    /// The answer to its first message takes a signature, which with a large RSA key is several
    /// milliseconds of computing: that is done by another thread, for one client at a time.
    ///
    /// # Errors
    /// The client leaves, does not speak TLS, or is not to be believed.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let turn = SIGNATURES.acquire().await.map_err(io::Error::other)?;
        let config = Arc::clone(&self.0);
        let first_step = spawn_blocking(move || {
            let mut handshake = Box::pin(begun.into_stream(config));
            // Nobody has to be woken: whoever takes over looks again.
            let step = handshake.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            drop(turn);
            (step, handshake)
        });
        match first_step.await.map_err(io::Error::other)? {
            (Poll::Ready(shaken), _) => shaken,
            (Poll::Pending, handshake) => handshake.await,
        }
    }
}
