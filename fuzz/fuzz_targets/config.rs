//! No text makes the configuration reader fail otherwise than with errors that have a place.
//!
//! `fuzz/run 60 config` runs it for a minute.

#![no_main]

use std::io;
use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use supervisord::config::setting::User;
use supervisord::config::tls::TlsPart;
use supervisord::config::{Files, Host, Severity, TlsSettings, load, render_report};

/// One file, which includes itself if it wants to.
struct OneFile<'a>(&'a [u8]);

impl Files for OneFile<'_> {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Ok(self.0.to_vec())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(vec!["a.conf".to_owned()])
    }

    fn exists(&self, path: &Path) -> bool {
        path.ends_with("a.conf")
    }

    fn is_dir(&self, path: &Path) -> bool {
        path == Path::new("/tmp")
    }

    fn mode(&self, _: &Path) -> Option<u32> {
        None
    }
}

struct NoHost;

impl Host for NoHost {
    fn env(&self) -> Vec<(String, String)> {
        vec![("HOME".to_owned(), "/root".to_owned())]
    }

    fn user(&self, name: &str) -> Result<User, String> {
        match name {
            "root" => Ok(User { name: None, uid: 0, gid: 0, groups: vec![0], home: None }),
            _ => Err("expected root".to_owned()),
        }
    }

    fn group(&self, _: &str) -> Result<u32, String> {
        Ok(0)
    }

    fn address(&self, _: &str) -> Result<String, String> {
        Ok("127.0.0.1".to_owned())
    }

    fn hostname(&self) -> String {
        "node".to_owned()
    }

    fn cwd(&self) -> PathBuf {
        "/".into()
    }

    fn tmpdir(&self) -> PathBuf {
        "/tmp".into()
    }

    fn uid(&self) -> u32 {
        0
    }

    fn check_tls(&self, _: &TlsSettings) -> Result<(), (TlsPart, String)> {
        Ok(())
    }
}

fuzz_target!(|text: &[u8]| {
    let result = load(Path::new("/a.conf"), &OneFile(text), &NoHost);
    if let Err(problems) = &result {
        assert!(problems.iter().any(|problem| problem.severity == Severity::Error));
    }
    let (_, status) = render_report(&result, true);
    assert_eq!(status == 0, result.is_ok());
});
