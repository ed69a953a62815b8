//! Two whole installations, and what is said of them: `tests/migrate/NAME/` is the host's root, and
//! `tests/migrate/NAME.txt` the report. `UPDATE=1` in the environment writes the reports anew.

use std::fs;
use std::io;

use super::*;
use crate::config::setting::User;
use crate::config::tls::{TlsPart, TlsSettings};

/// A host whose root is a directory of the tests.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        Self(tests(name))
    }

    fn place(&self, path: &Path) -> PathBuf {
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }
}

fn tests(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/migrate").join(name)
}

impl Files for Tree {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(self.place(path))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(self.place(directory))?.map(Result::unwrap);
        Ok(entries.map(|entry| entry.file_name().into_string().unwrap()).collect())
    }

    fn exists(&self, path: &Path) -> bool {
        self.place(path).exists()
    }

    fn is_dir(&self, path: &Path) -> bool {
        // Directories that are empty cannot be kept.
        path.starts_with("/var/log")
            || ["/tmp", "/dev", "/var/run"].iter().any(|one| path == Path::new(one))
            || self.place(path).is_dir()
    }

    fn mode(&self, _: &Path) -> Option<u32> {
        Some(0o644)
    }
}

impl Host for Tree {
    fn env(&self) -> Vec<(String, String)> {
        vec![("HOME".to_owned(), "/root".to_owned())]
    }

    fn user(&self, name: &str) -> Result<User, String> {
        let uid = match name {
            "root" => 0,
            "www-data" => 33,
            "deploy" => 1000,
            _ => return Err(format!("{name:?} is not a user: expected a user's name or id")),
        };
        let home = Some("/".into());
        Ok(User { name: Some(name.to_owned()), uid, gid: uid, groups: vec![uid], home })
    }

    fn group(&self, name: &str) -> Result<u32, String> {
        self.user(name).map(|user| user.gid)
    }

    fn address(&self, _: &str) -> Result<String, String> {
        Ok("127.0.0.1".to_owned())
    }

    fn hostname(&self) -> String {
        "box".to_owned()
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

impl Surroundings for Tree {
    fn head(&self, path: &Path) -> Option<Vec<u8>> {
        fs::read(self.place(path)).ok()
    }

    fn list(&self, directory: &Path) -> Vec<PathBuf> {
        let names = Files::list(self, directory).unwrap_or_default();
        let mut paths: Vec<_> = names.iter().map(|name| directory.join(name)).collect();
        paths.sort();
        paths
    }

    fn link(&self, path: &Path) -> Option<PathBuf> {
        fs::read_link(self.place(path)).ok()
    }

    fn exists(&self, path: &Path) -> bool {
        self.place(path).exists()
    }

    fn search_path(&self) -> Vec<PathBuf> {
        ["/usr/local/bin", "/usr/bin"].map(PathBuf::from).into()
    }
}

fn check(name: &str, file: &str, status: u8) {
    let tree = Tree::new(name);
    let world = World { files: &tree, host: &tree, system: &tree };
    let request = Request { file: None, from: None, json: false, all: false };
    let (report, given) = world.report(Path::new(file), &request);
    let golden = tests(&format!("{name}.txt"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&golden, &report).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap();
    assert_eq!(report, expected, "UPDATE=1 writes it anew, if this is what is meant");
    assert_eq!(given, status);
}

#[test]
fn an_installation_of_debians_supervisor() {
    check("debian", "/etc/supervisor/supervisord.conf", 2);
}

#[test]
fn an_installation_of_ochinchinas_supervisord() {
    check("go", "/etc/supervisord.conf", 1);
}

#[test]
fn the_guide_shows_what_is_printed() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migration.md");
    let guide = fs::read_to_string(guide).unwrap();
    for name in ["debian", "go"] {
        let report = fs::read_to_string(tests(&format!("{name}.txt"))).unwrap();
        assert!(guide.contains(&format!("```\n{report}```\n")), "the example of {name} is stale");
    }
}
