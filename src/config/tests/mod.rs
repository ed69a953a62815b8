//! Whole configurations, on a host and with files that exist in the test alone.

mod access;
mod credential;
mod meaning;
mod output;
pub(super) mod properties;
mod reference;
mod refusal;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::limits::{INFINITY, Resource, ResourceLimit};
use super::setting::{Autorestart, LogTarget, User};
use super::tls::TlsPart;
use super::*;
use crate::model::Signal;

/// Files that exist in the test alone. `/tmp`, `/dev` and `/var/log` are directories.
#[derive(Default)]
pub(super) struct FakeFiles(pub(super) HashMap<PathBuf, Vec<u8>>);

impl Files for FakeFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let names = self.0.keys().filter_map(|path| path.strip_prefix(directory).ok());
        let first = names.filter_map(|rest| rest.components().next());
        Ok(first.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect())
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        ["/tmp", "/dev", "/var/log", "/var/log/../log"].iter().any(|known| Path::new(known) == path)
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        self.exists(path).then_some(if path.ends_with("open.pem") { 0o644 } else { 0o640 })
    }
}

/// A host with the users root, web (1000) and its group ops (50).
pub(super) struct FakeHost {
    pub(super) uid: u32,
}

impl Host for FakeHost {
    fn env(&self) -> Vec<(String, String)> {
        [("HOME", "/root"), ("PORT", "80"), ("EMPTY", "")].map(|(k, v)| (k.into(), v.into())).into()
    }

    fn user(&self, name: &str) -> Result<User, String> {
        let user = |name: &str, uid, groups: &[u32]| User {
            name: Some(name.to_owned()),
            uid,
            gid: uid,
            groups: groups.to_vec(),
            home: Some(Path::new("/home").join(name)),
        };
        match name {
            "root" | "0" => Ok(user("root", 0, &[0])),
            "web" | "1000" => Ok(user("web", 1000, &[1000, 50])),
            _ => Err(format!("{name:?} is not a user: expected a user's name or id")),
        }
    }

    fn group(&self, name: &str) -> Result<u32, String> {
        if name == "ops" { Ok(50) } else { Err(format!("{name:?} is not a group: expected one")) }
    }

    fn address(&self, host: &str) -> Result<String, String> {
        match host {
            "localhost" => Ok("127.0.0.1".to_owned()),
            "" => Ok("0.0.0.0".to_owned()),
            _ => Err(format!("{host:?} is not a host: expected one")),
        }
    }

    fn hostname(&self) -> String {
        "node".to_owned()
    }

    fn cwd(&self) -> PathBuf {
        "/cwd".into()
    }

    fn tmpdir(&self) -> PathBuf {
        "/tmp".into()
    }

    fn uid(&self) -> u32 {
        self.uid
    }

    /// Every text can be used but "bad".
    fn check_tls(&self, settings: &TlsSettings) -> Result<(), (TlsPart, String)> {
        let ca = settings.client_ca.iter().map(|pem| (TlsPart::ClientCa, pem));
        let parts = [(TlsPart::Certificate, &settings.certificate), (TlsPart::Key, &settings.key)];
        let mut bad = parts.into_iter().chain(ca).filter(|(_, pem)| pem.text == b"bad");
        bad.next().map_or(Ok(()), |(part, _)| Err((part, "is bad: expected a good one".into())))
    }
}

fn load_files(files: &[(&str, &str)]) -> Result<Loaded, Vec<ConfigError>> {
    let files = files.iter().map(|(path, text)| (path.into(), text.as_bytes().to_vec()));
    load(Path::new("/etc/s.conf"), &FakeFiles(files.collect()), &FakeHost { uid: 0 })
}

/// Reads a configuration of one file, a `[supervisord]` section before it.
fn load_text(text: &str) -> Result<Loaded, Vec<ConfigError>> {
    load_files(&[("/etc/s.conf", &format!("[supervisord]\n{text}"))])
}

fn program(text: &str) -> ProcessSettings {
    let loaded = load_text(&format!("[program:x]\ncommand=/bin/x\n{text}\n"));
    let loaded = loaded.unwrap_or_else(|problems| panic!("{text}: {problems:#?}"));
    (*loaded.config.groups[0].processes[0]).clone()
}

fn shown(problems: &[ConfigError]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn problems(text: &str) -> Vec<String> {
    match load_text(text) {
        Ok(loaded) => panic!("{text:?} is accepted: {:?}", shown(&loaded.warnings)),
        Err(problems) => shown(&problems),
    }
}

fn warnings(text: &str) -> Vec<String> {
    match load_text(text) {
        Ok(loaded) => shown(&loaded.warnings),
        Err(problems) => panic!("{text:?} is refused: {:?}", shown(&problems)),
    }
}
