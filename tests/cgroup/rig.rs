//! A delegated control group on this machine's own unified hierarchy, as systemd would give one.
//!
//! Each test runs a second time, in a process of its own that begins inside of one. Where none can
//! be made it says why and is skipped.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for itself")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use supervisord::model::ProcessId;
use supervisord::runtime::cgroup::Cgroups;
use supervisord::runtime::spawn::{Child, Grants};

use super::delegated::Delegated;
use super::fixture::{program, spawner};

/// Where the second run finds its control group.
const VARIABLE: &str = "SUPERVISORD_TEST_CGROUP";

/// Nothing a test waits for takes so long, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the test `name` inside of a control group: true there, false where that is done or cannot
/// be.
pub fn inside(name: &str, marked: bool) -> bool {
    if let Some(directory) = std::env::var_os(VARIABLE) {
        fs::write(Path::new(&directory).join("cgroup.procs"), "0").unwrap();
        return true;
    }
    let delegated = match Delegated::new(name) {
        Ok(delegated) => delegated,
        Err(why) => {
            println!("skipped: {why}");
            return false;
        }
    };
    if marked {
        delegated.mark();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(VARIABLE, &delegated.0);
    let output = command.output().unwrap();
    let (told, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.contains("1 passed"), "{told}{errors}");
    false
}

/// Waits until something is so that nobody announces.
pub fn wait_for(mut fact: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !fact() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Starts a command line as this process, in its control group.
pub fn start(cgroups: &mut Cgroups, process: &ProcessId, command: &str) -> Child {
    let settings = program(command);
    let prepared = cgroups.prepare(process, &settings).unwrap();
    spawner()
        .spawn(process, &settings, Grants { place: Some(prepared.place()), ..Grants::default() })
        .unwrap()
}

/// Reads so many lines of a child's output: what it says when its own children run.
pub fn read_lines(stdout: &OwnedFd, count: usize) -> Vec<String> {
    fcntl(stdout, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    let file = fs::File::from(stdout.try_clone().unwrap());
    let lines: Vec<String> = BufReader::new(file).lines().take(count).map(Result::unwrap).collect();
    assert_eq!(lines.len(), count, "{lines:?}");
    lines
}

/// The processes that are in this control group.
pub fn members(directory: &Path) -> usize {
    fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default().lines().count()
}

/// Where the control group of a process is.
pub fn directory(process: &ProcessId) -> PathBuf {
    PathBuf::from(std::env::var_os(VARIABLE).unwrap()).join(process.cgroup_name())
}

/// The next that is empty.
pub async fn emptied(cgroups: &mut Cgroups) -> ProcessId {
    tokio::time::timeout(PATIENCE, cgroups.emptied()).await.expect("one that is empty")
}
