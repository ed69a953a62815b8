//! Programs to start, and how they ended.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::thread;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use supervisord::config::ProcessSettings;
use supervisord::config::setting::User;
use supervisord::model::ProcessId;
use supervisord::runtime::spawn::{BaseEnvironment, Child, Grants, Spawner};

/// A program of this command line and the defaults.
pub fn program(command: &str) -> ProcessSettings {
    ProcessSettings::new("p", command)
}

/// The user that owns nothing, with these supplementary groups.
pub fn user_nobody(groups: &[u32]) -> User {
    User {
        name: Some("nobody".to_owned()),
        uid: 65534,
        gid: 65534,
        groups: groups.to_vec(),
        home: Some("/nonexistent".into()),
    }
}

/// A spawner with this test's environment.
pub fn spawner() -> Spawner {
    Spawner::new(BaseEnvironment::new(std::env::vars_os(), None)).unwrap()
}

/// Starts `settings` as process `g:p`.
pub fn spawn(settings: &ProcessSettings) -> Child {
    spawner().spawn(&ProcessId::new("g", "p"), settings, Grants::default()).unwrap()
}

/// What a child left behind.
#[derive(Debug)]
pub struct Ended {
    /// `Exited 0` or `Signaled SIGTERM`.
    pub status: String,
    /// All its output.
    pub stdout: String,
    /// All its errors; empty if redirected.
    pub stderr: String,
}

/// Closes the child's stdin, reads what it writes to the end, and waits for it.
pub fn finish(child: Child) -> Ended {
    drop(child.stdin);
    let stderr = thread::spawn(move || child.stderr.map(read_all).unwrap_or_default());
    let stdout = read_all(child.stdout);
    let status = match waitpid(Pid::from_raw(child.pid), None).unwrap() {
        WaitStatus::Exited(_, code) => format!("Exited {code}"),
        WaitStatus::Signaled(_, signal, _) => format!("Signaled {signal}"),
        other => panic!("{other:?}"),
    };
    Ended { status, stdout, stderr: stderr.join().unwrap() }
}

fn read_all(pipe: OwnedFd) -> String {
    fcntl(&pipe, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    let mut text = String::new();
    File::from(pipe).read_to_string(&mut text).unwrap();
    text
}
