//! The manual pages: the words of `pages/` with the tables in their places.

use std::fs;
use std::path::PathBuf;

use super::{roff, tables, version};

/// A manual page.
pub struct Page {
    /// Its name.
    pub name: &'static str,
    /// Its section.
    pub section: char,
    /// What the section is called.
    volume: &'static str,
}

const USER: &str = "User Commands";
const FILES: &str = "File Formats";
const ADMINISTRATION: &str = "System Administration";

/// Every page.
pub const PAGES: &[Page] = &[
    Page { name: "supervisord", section: '8', volume: ADMINISTRATION },
    Page { name: "supervisorctl", section: '1', volume: USER },
    Page { name: "supervisord.conf", section: '5', volume: FILES },
    Page { name: "org.supervisord.Supervisor1", section: '5', volume: FILES },
    Page { name: "pidproxy", section: '1', volume: USER },
    Page { name: "echo_supervisord_conf", section: '1', volume: USER },
];

impl Page {
    /// The name of its file.
    pub fn file(&self) -> String {
        format!("{}.{}", self.name, self.section)
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        format!("packaging/man/{}", self.file()).into()
    }

    /// Its words, with the tables in their places.
    pub fn words(&self) -> String {
        let path = super::root().join(format!("tests/documents/pages/{}.md", self.file()));
        let text = fs::read_to_string(path).unwrap();
        let mut parts = text.split("{{");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once("}}").unwrap();
            out += &tables::for_page(name);
            out += rest;
        }
        out
    }

    fn made(&self) -> String {
        let title = self.name.to_uppercase();
        let (date, version) = (version::date(), version::VERSION);
        format!(
            ".\\\" Made by tests/documents of tests/documents/pages/{file}.md and the tables in the\n\
             .\\\" code: change those, and run UPDATE=1 cargo test --test documents\n\
             .TH {title} {section} {date} \"supervisord {version}\" \"{volume}\"\n\
             .ad l\n\
             {no_hyphens}\
             {body}",
            file = self.file(),
            section = self.section,
            volume = self.volume,
            no_hyphens = roff::NO_HYPHENS,
            body = roff::body(&self.words()),
        )
    }
}

/// Every page with its path.
pub fn all() -> Vec<(PathBuf, String)> {
    PAGES.iter().map(|page| (page.path(), page.made())).collect()
}
