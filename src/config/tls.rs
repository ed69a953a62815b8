//! Certificates and keys. Those of a listener are read with the configuration, so that what is
//! wrong with them is told with its place, and before the daemon becomes its `user`.

use std::fmt;
use std::path::{Path, PathBuf};

use super::section::Section;

/// Permission bits of a file that everybody may read.
const READ_BY_OTHERS: u32 = 0o004;

/// A certificate, its key, and whose certificates clients must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate, and those between it and its authority.
    pub certificate: Pem,
    /// Its private key.
    pub key: Pem,
    /// Clients must show a certificate of these authorities.
    pub client_ca: Option<Pem>,
}

/// A PEM file and what it held when it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem {
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub text: Vec<u8>,
}

/// Never shows what may be a key.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pem").field("path", &self.path).finish_non_exhaustive()
    }
}

/// One of the files, to say which is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsPart {
    /// The certificate.
    Certificate,
    /// Its key.
    Key,
    /// The authorities of clients.
    ClientCa,
}

impl TlsPart {
    /// The key that names it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Certificate => "tls_certificate",
            Self::Key => "tls_key",
            Self::ClientCa => "tls_client_ca",
        }
    }
}

/// The files that a client uses, each read when it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// The authorities that are believed; `None` for the system's.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to whoever asks for one, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Reads and checks the files; `None` where none is named, or one is wrong, which is noted.
pub(super) fn read(section: &mut Section<'_>) -> Option<TlsSettings> {
    let certificate = pem(section, TlsPart::Certificate);
    let key = pem(section, TlsPart::Key);
    let client_ca = pem(section, TlsPart::ClientCa);
    let parts = [TlsPart::Certificate, TlsPart::Key, TlsPart::ClientCa];
    let set = parts.map(|part| section.raw_text(part.key()).is_some());
    let lone = match set {
        [true, false, _] => Some((TlsPart::Certificate, TlsPart::Key)),
        [false, true, _] => Some((TlsPart::Key, TlsPart::Certificate)),
        [false, false, true] => Some((TlsPart::ClientCa, TlsPart::Certificate)),
        _ => None,
    };
    if let Some((part, other)) = lone {
        let message = format!("stands without {}: expected both or neither", other.key());
        section.error(part.key(), message);
    }
    let settings = TlsSettings { certificate: certificate?, key: key?, client_ca };
    if set[2] && settings.client_ca.is_none() {
        return None;
    }
    if let Err((part, why)) = section.world.host.check_tls(&settings) {
        section.error(part.key(), why);
        return None;
    }
    let open = section.world.files.mode(&settings.key.path);
    if open.is_some_and(|mode| mode & READ_BY_OTHERS != 0) {
        let path = settings.key.path.display();
        let message = format!("{path} can be read by everybody: expected chmod 600 or 640");
        section.warn(TlsPart::Key.key(), message);
    }
    Some(settings)
}

fn pem(section: &mut Section<'_>, part: TlsPart) -> Option<Pem> {
    let world = section.world;
    section.take(part.key(), |text| {
        let path = world.absolute(Path::new(text.trim()));
        let bytes = world.files.read(&path);
        let text = bytes
            .map_err(|why| format!("cannot read {}: {why}: expected a PEM file", path.display()))?;
        Ok(Pem { path, text })
    })
}

/// Reads the names of a client's files.
pub(super) fn client_files(section: &mut Section<'_>) -> ClientFiles {
    let world = section.world;
    let [ca, certificate, key] = ["tls_ca", "tls_certificate", "tls_key"]
        .map(|key| section.take(key, |text| Ok(world.absolute(Path::new(text.trim())))));
    let lone = match (&certificate, &key) {
        (Some(_), None) => Some((TlsPart::Certificate, TlsPart::Key)),
        (None, Some(_)) => Some((TlsPart::Key, TlsPart::Certificate)),
        _ => None,
    };
    if let Some((part, other)) = lone {
        let message = format!("stands without {}: expected both or neither", other.key());
        section.error(part.key(), message);
    }
    ClientFiles { ca, identity: certificate.zip(key) }
}
