//! What comes into use whenever the configuration is read anew, without a restart: who may come
//! in, and the certificates. Where listeners are, and whether there is TLS, stays as it is.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;

use super::auth::Gate;
use super::unasked;
use crate::api::Api;
use crate::config::setting::LogLevel;
use crate::config::{Access, Config, InetServer, TlsSettings};
use crate::tls::Server;

/// Doors and certificates, now and later.
pub struct Renewal {
    api: Arc<Api>,
    unix: Option<Door>,
    inet: Option<InetDoor>,
}

struct Door {
    gate: Gate,
    access: Access,
}

struct InetDoor {
    door: Door,
    /// Whether only this host reaches the listener.
    is_loopback: bool,
    tls: Option<Certificates>,
}

struct Certificates {
    settings: TlsSettings,
    server: watch::Sender<Server>,
}

impl Renewal {
    /// With nothing to renew yet.
    #[must_use]
    pub fn new(api: Arc<Api>) -> Self {
        Self { api, unix: None, inet: None }
    }

    /// Has the door of the unix listener.
    pub fn unix(&mut self, gate: Gate, access: Access) {
        self.unix = Some(Door { gate, access });
    }

    /// Has the door of the TCP listener, which only this host may reach. What its connections
    /// over TLS use, if they do.
    ///
    /// # Errors
    /// The certificates cannot be used, though the configuration's reader did not say so.
    pub fn inet(
        &mut self,
        gate: Gate,
        settings: &InetServer,
        is_loopback: bool,
    ) -> io::Result<Option<watch::Receiver<Server>>> {
        let tls = settings.tls.as_ref().map(Certificates::new).transpose()?;
        let server = tls.as_ref().map(|tls| tls.server.subscribe());
        let door = Door { gate, access: settings.access.clone() };
        self.inet = Some(InetDoor { door, is_loopback, tls });
        Ok(server)
    }

    /// Takes up what each new reading of the configuration brings, until something is sent to
    /// `closing` or its sender is gone.
    pub async fn attend(mut self, mut closing: watch::Receiver<()>) {
        let mut reloads = self.api.watch_reloads();
        loop {
            tokio::select! {
                _ = closing.changed() => return,
                changed = reloads.changed() => if changed.is_err() { return },
            }
            let config = self.api.last_config();
            self.look(&config);
        }
    }

    fn look(&mut self, config: &Config) {
        let say = |level, line: &str| self.api.log_line(level, line);
        let renewed = |section: &str, asks_who: bool| {
            let line = format!("who may come in through [{section}] is as configured now");
            say(LogLevel::Info, &line);
            if !asks_who {
                say(LogLevel::Critical, &unasked(section));
            }
        };
        if let (Some(door), Some(new)) = (&mut self.unix, &config.unix)
            && door.renew(&new.access)
        {
            let access = &new.access;
            let asks_who = access.asks_for_password() || access.peers.is_some();
            renewed("unix_http_server", asks_who);
        }
        let (Some(inet), Some(new)) = (&mut self.inet, &config.inet) else {
            return;
        };
        if let (Some(tls), Some(new)) = (&mut inet.tls, &new.tls) {
            match tls.renew(new) {
                Ok(false) => {}
                Ok(true) => {
                    say(LogLevel::Info, "the certificate of [inet_http_server] was renewed");
                }
                Err(why) => {
                    say(LogLevel::Error, &format!("cannot renew the certificate: {why}"));
                    return;
                }
            }
        }
        if inet.would_be_open(new) {
            let line = "others can reach the listener of [inet_http_server], and it would ask for \
                        no password: who may come in stays as it was";
            say(LogLevel::Error, line);
        } else if inet.door.renew(&new.access) {
            renewed("inet_http_server", inet.asks_who(new));
        }
    }
}

impl InetDoor {
    /// The listener stays where it is and speaks TLS or not, whatever the configuration says now.
    fn would_be_open(&self, new: &InetServer) -> bool {
        !self.asks_who(new) && !new.allow_unauthenticated && !self.is_loopback
    }

    fn asks_who(&self, new: &InetServer) -> bool {
        let certificate = self.tls.as_ref().is_some_and(|tls| tls.settings.client_ca.is_some());
        certificate || new.access.asks_for_password()
    }
}

impl Door {
    /// Whether anything has changed.
    fn renew(&mut self, access: &Access) -> bool {
        let changed = self.access != *access;
        if changed {
            self.gate.renew(access);
            self.access = access.clone();
        }
        changed
    }
}

impl Certificates {
    fn new(settings: &TlsSettings) -> io::Result<Self> {
        let server = made(settings).map_err(io::Error::other)?;
        Ok(Self { settings: settings.clone(), server: watch::Sender::new(server) })
    }

    /// Whether anything has changed.
    fn renew(&mut self, settings: &TlsSettings) -> Result<bool, String> {
        let changed = self.settings != *settings;
        if changed {
            self.server.send_replace(made(settings)?);
            self.settings = settings.clone();
        }
        Ok(changed)
    }
}

fn made(settings: &TlsSettings) -> Result<Server, String> {
    Server::new(settings).map_err(|(part, why)| format!("{} {why}", part.key()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::fake::Fake;
    use crate::config::{self, Credentials};
    use crate::http::auth::Refused;
    use crate::http::peer::Peer;
    use crate::runtime::host::{RealFiles, RealHost};
    use crate::tls::tests::Authority;

    struct Rig {
        directory: tempfile::TempDir,
        gate: Gate,
        renewal: Renewal,
    }

    impl Rig {
        /// A listener of this configuration, which others than this host may reach.
        fn new(keys: &str, is_loopback: bool) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let (certificate, key) = Authority::new().issue(&["box"]);
            std::fs::write(directory.path().join("c.pem"), certificate).unwrap();
            std::fs::write(directory.path().join("k.pem"), key).unwrap();
            std::fs::write(directory.path().join("ca.pem"), Authority::new().pem()).unwrap();
            let settings = Self::read(&directory, keys).inet.unwrap();
            let report = Arc::new(|_, _: &str| {});
            let gate = Gate::inet(&settings.access, &[], settings.tls.is_some(), report);
            let mut renewal = Renewal::new(Fake::new(&[]).api.clone());
            renewal.inet(gate.clone(), &settings, is_loopback).unwrap();
            Self { directory, gate, renewal }
        }

        fn read(directory: &tempfile::TempDir, keys: &str) -> Config {
            let path = directory.path().join("conf");
            let text = format!("[supervisord]\n[inet_http_server]\nport=127.0.0.1:1\n{keys}\n");
            let here = directory.path().display().to_string();
            std::fs::write(&path, text.replace('@', &here)).unwrap();
            config::load(&path, &RealFiles, &RealHost).unwrap().config
        }

        /// Whether somebody without a password comes in after this has become the configuration.
        async fn is_open(&mut self, keys: &str) -> bool {
            let config = Self::read(&self.directory, keys);
            self.renewal.look(&config);
            let peer = Peer::Inet("192.0.2.1:1".parse().unwrap());
            let headers = hyper::HeaderMap::new();
            let admitted = self.gate.admit(&peer, &hyper::Method::GET, &headers).await;
            assert!(matches!(admitted, Ok(_) | Err(Refused::Unknown)), "{admitted:?}");
            admitted.is_ok()
        }
    }

    const PASSWORD: &str = "username=u\npassword=p";
    const TLS: &str = "tls_certificate=@/c.pem\ntls_key=@/k.pem\ntls_client_ca=@/ca.pem";

    /// What the configuration says of a port is not where the listener is.
    #[tokio::test]
    async fn no_reading_opens_a_listener_that_others_reach() {
        let mut reachable = Rig::new(PASSWORD, false);
        assert!(!reachable.is_open("").await);
        assert!(!reachable.is_open(TLS).await, "a certificate is not asked for in plain text");
        assert!(reachable.is_open("allow_unauthenticated=true").await, "it is meant");
        assert!(!reachable.is_open(PASSWORD).await);
        let mut own = Rig::new(PASSWORD, true);
        assert!(own.is_open("").await);
        let mut secure = Rig::new(&format!("{TLS}\n{PASSWORD}"), false);
        assert!(secure.is_open(TLS).await, "nobody is there without a certificate");
        assert!(!secure.is_open(PASSWORD).await);
    }

    #[tokio::test]
    async fn a_listener_that_is_gone_from_the_configuration_stays_as_it_was() {
        let mut rig = Rig::new(PASSWORD, true);
        let mut config = Rig::read(&rig.directory, PASSWORD);
        config.inet = None;
        rig.renewal.look(&config);
        assert!(!rig.is_open(PASSWORD).await);
        let credentials = rig.renewal.inet.unwrap().door.access.credentials;
        assert_eq!(credentials.map(|Credentials { username, .. }| username), Some("u".into()));
    }
}
