//! Certificates that are renewed on disk come into use when the configuration is read anew.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;

use crate::api::Api;
use crate::config::TlsSettings;
use crate::config::setting::LogLevel;
use crate::tls::Server;

/// The certificates of the TCP listener, now and later.
pub struct Renewal {
    api: Arc<Api>,
    settings: TlsSettings,
    server: watch::Sender<Server>,
}

impl Renewal {
    /// Begins with these.
    ///
    /// # Errors
    /// They cannot be used, though the configuration's reader did not say so.
    pub fn new(api: Arc<Api>, settings: TlsSettings) -> io::Result<Self> {
        let server = Server::new(&settings).map_err(|(part, why)| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{} {why}", part.key()))
        })?;
        Ok(Self { api, settings, server: watch::Sender::new(server) })
    }

    /// What new connections use.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Server> {
        self.server.subscribe()
    }

    /// Takes up what each new reading of the configuration brings, until something is sent to
    /// `closing` or its sender is gone. Whether there is TLS at all stays as it is.
    pub async fn attend(mut self, mut closing: watch::Receiver<()>) {
        let mut reloads = self.api.watch_reloads();
        loop {
            tokio::select! {
                _ = closing.changed() => return,
                changed = reloads.changed() => if changed.is_err() { return },
            }
            self.look();
        }
    }

    fn look(&mut self) {
        let config = self.api.last_config();
        let Some(settings) = config.inet.as_ref().and_then(|inet| inet.tls.as_ref()) else {
            return;
        };
        if *settings == self.settings {
            return;
        }
        match Server::new(settings) {
            Ok(server) => {
                self.settings = settings.clone();
                self.server.send_replace(server);
                let line = "the certificate of [inet_http_server] was renewed";
                self.api.log_line(LogLevel::Info, line);
            }
            Err((part, why)) => {
                let line = format!("cannot renew the certificate: {} {why}", part.key());
                self.api.log_line(LogLevel::Error, &line);
            }
        }
    }
}
