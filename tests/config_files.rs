//! Every file in `tests/configs` means what its directory says, on the real host.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use supervisord::config::{Severity, load};
use supervisord::runtime::host::{RealFiles, RealHost};

fn files(under: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(under);
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    assert!(files.len() > 10, "{under} holds {} files", files.len());
    files
}

#[test]
fn what_supervisor_accepts_is_accepted() {
    for path in files("tests/configs") {
        if let Err(problems) = load(&path, &RealFiles, &RealHost) {
            panic!("{}: {problems:#?}", path.display());
        }
    }
}

#[test]
fn what_supervisor_refuses_is_refused_for_one_reason_that_is_told() {
    for path in files("tests/configs/bad") {
        let Err(problems) = load(&path, &RealFiles, &RealHost) else {
            panic!("{} is accepted", path.display());
        };
        let errors: Vec<_> =
            problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        assert_eq!(errors.len(), 1, "{}: {errors:#?}", path.display());
        assert_eq!(errors[0].file, path);
        assert!(errors[0].message.contains("expected"), "{errors:#?}");
    }
}
