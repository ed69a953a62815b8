//! Controllers, and the limits that they hold a control group to.

use std::fs;
use std::io;
use std::path::Path;

use crate::config::limits::{INFINITY, Limits};

/// The controllers that processes are given, for their limits and for what is told of their use.
const WANTED: [&str; 4] = ["cpu", "io", "memory", "pids"];

/// Which controllers act on the control groups of processes.
#[derive(Debug, Default)]
pub struct Controllers {
    enabled: Vec<&'static str>,
    /// Those that are there and cannot be had, and why.
    refused: Vec<(&'static str, String)>,
}

impl Controllers {
    /// Makes every controller that the delegated control group has available to its children.
    pub fn enable(delegated: &Path) -> Self {
        let words = |file: &str| fs::read_to_string(delegated.join(file)).unwrap_or_default();
        let (there, before) = (words("cgroup.controllers"), words("cgroup.subtree_control"));
        let has = |text: &str, name: &str| text.split_whitespace().any(|word| word == name);
        let mut controllers = Self::default();
        for name in WANTED {
            if has(&before, name) {
                controllers.enabled.push(name);
            } else if has(&there, name) {
                // One by one, as one that is refused would take the others with it.
                match fs::write(delegated.join("cgroup.subtree_control"), format!("+{name}")) {
                    Ok(()) => controllers.enabled.push(name),
                    Err(error) => controllers.refused.push((name, error.to_string())),
                }
            }
        }
        controllers
    }

    /// Sets what is set, and in a directory that is not new the default for what is not. Tells
    /// what cannot be had.
    pub fn limit(&self, directory: &Path, limits: &Limits, is_new: bool) -> Vec<String> {
        let number = |limit: Option<u64>| {
            limit.map(|limit| match limit {
                INFINITY => "max".to_owned(),
                limit => limit.to_string(),
            })
        };
        let weight = limits.cpu_weight.map(|weight| weight.to_string());
        let table = [
            ("memory_max", "memory", "memory.max", number(limits.memory_max), "max"),
            ("memory_high", "memory", "memory.high", number(limits.memory_high), "max"),
            ("cpu_weight", "cpu", "cpu.weight", weight, "100"),
            ("tasks_max", "pids", "pids.max", number(limits.tasks_max), "max"),
        ];
        let mut warnings = Vec::new();
        for (key, controller, file, value, default) in table {
            let is_enabled = self.enabled.contains(&controller);
            match value {
                Some(value) if is_enabled => {
                    if let Err(error) = write(directory, file, &value) {
                        warnings.push(format!("{key} has no effect: cannot set {file}: {error}"));
                    }
                }
                Some(_) => {
                    warnings.push(format!("{key} has no effect: {}", self.why_not(controller)));
                }
                // The kernel's default is not refused.
                None if is_enabled && !is_new => _ = write(directory, file, default),
                None => {}
            }
        }
        warnings
    }

    fn why_not(&self, controller: &str) -> String {
        match self.refused.iter().find(|(name, _)| *name == controller) {
            Some((_, why)) => format!("the {controller} controller cannot be enabled: {why}"),
            None => format!("the unified hierarchy has no {controller} controller here"),
        }
    }
}

/// Writes to a file that the kernel made; with `fs::write` a missing one would be asked for.
fn write(directory: &Path, file: &str, value: &str) -> io::Result<()> {
    io::Write::write_all(
        &mut fs::File::options().write(true).open(directory.join(file))?,
        value.as_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with these files, and what is in them.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    fn text(directory: &tempfile::TempDir, file: &str) -> String {
        fs::read_to_string(directory.path().join(file)).unwrap()
    }

    #[test]
    fn what_is_there_is_enabled_and_the_rest_is_told() {
        let files =
            [("cgroup.controllers", "cpuset cpu pids\n"), ("cgroup.subtree_control", "pids\n")];
        let delegated = tree(&files);
        let controllers = Controllers::enable(delegated.path());
        assert_eq!(controllers.enabled, ["cpu", "pids"]);
        assert_eq!(text(&delegated, "cgroup.subtree_control"), "+cpu");

        let leaf = tree(&[("cpu.weight", ""), ("pids.max", "")]);
        let limits = Limits {
            memory_max: Some(1),
            cpu_weight: Some(7),
            tasks_max: Some(INFINITY),
            ..Limits::default()
        };
        let told = controllers.limit(leaf.path(), &limits, true);
        let why = "memory_max has no effect: the unified hierarchy has no memory controller here";
        assert_eq!(told, [why]);
        assert_eq!(
            (text(&leaf, "cpu.weight"), text(&leaf, "pids.max")),
            ("7".into(), "max".into())
        );
    }

    #[test]
    fn what_is_no_longer_set_goes_back_to_its_default() {
        let controllers = Controllers { enabled: vec!["memory", "pids"], refused: vec![] };
        let files = [("memory.max", "5"), ("memory.high", "5"), ("pids.max", "5")];
        let check = |is_new, expected: [&str; 3]| {
            let leaf = tree(&files);
            let limits = Limits { memory_max: Some(1 << 20), ..Limits::default() };
            assert_eq!(controllers.limit(leaf.path(), &limits, is_new), [""; 0]);
            assert_eq!(["memory.max", "memory.high", "pids.max"].map(|f| text(&leaf, f)), expected);
        };
        check(true, ["1048576", "5", "5"]);
        check(false, ["1048576", "max", "max"]);
    }

    #[test]
    fn what_is_refused_says_why() {
        let controllers =
            Controllers { enabled: vec!["pids"], refused: vec![("cpu", "busy".into())] };
        let limits = Limits { cpu_weight: Some(1), tasks_max: Some(1), ..Limits::default() };
        let leaf = tree(&[]);
        let told = controllers.limit(leaf.path(), &limits, true);
        assert_eq!(told[0], "cpu_weight has no effect: the cpu controller cannot be enabled: busy");
        assert!(told[1].starts_with("tasks_max has no effect: cannot set pids.max: "), "{told:?}");
    }
}
