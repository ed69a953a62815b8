//! A control group of its own for every process: whoever it starts stays in it, whatever becomes
//! of parents, process groups and sessions, so that nothing survives a stop unseen.
//!
//! The daemon works below a control group that was delegated to it (`Delegate=` of its unit, see
//! <https://systemd.io/CGROUP_DELEGATION>) and touches no other. It sits in a leaf of that itself,
//! as a control group with members cannot hold its children to limits (cgroups(7), "no internal
//! processes"). Without a delegation there is no [`Cgroups`], and processes are signalled by
//! process group.
//!
//! **Invariant:** nothing here waits or polls. Only `emptied` awaits, and the kernel wakes it.

mod find;
mod kill;
mod limits;
mod tree;
mod usage;
mod watch;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

pub use self::find::Place;
use self::kill::Members;
use self::limits::Controllers;
pub use self::usage::Usage;
use self::watch::Watches;
use crate::config::ProcessSettings;
use crate::model::{ProcessId, Signal};

/// The leaf that the daemon moves itself into.
const OWN_LEAF: &str = "supervisor";

/// How often a directory that cannot be removed is tried again when its processes have ended.
/// Past it the directory stays, empty, until another is removed or the daemon begins anew.
const REMOVALS_MAX: u32 = 8;

/// The control groups of all processes.
#[derive(Debug)]
pub struct Cgroups {
    place: Place,
    controllers: Controllers,
    watches: Watches,
    /// Out-of-memory kills each control group had seen when its process was last prepared.
    oom_kills_before: HashMap<ProcessId, u64>,
    /// What was last said about limits that cannot be had.
    warned: HashMap<ProcessId, Vec<String>>,
    /// To be removed once they are empty, and how often that was tried.
    removing: HashMap<ProcessId, u32>,
    /// Those of which that was tried too often.
    late: Vec<ProcessId>,
    by_freezing: bool,
    /// Keeps others from taking over what we have, such as a supervisor among our programs.
    _lock: Flock<File>,
}

/// A control group that a process can be started in.
#[derive(Debug)]
pub struct Prepared {
    procs: File,
    /// Limits that this process will not be held to, and why; each is told once.
    pub warnings: Vec<String>,
    /// Somebody is in there already: what an earlier start left behind.
    pub leftovers: bool,
}

impl Prepared {
    /// What the spawner wants: `cgroup.procs`, open for writing.
    #[must_use]
    pub fn place(&self) -> BorrowedFd<'_> {
        self.procs.as_fd()
    }
}

impl Cgroups {
    /// Finds the control group that is delegated to the daemon and prepares it: moves the daemon
    /// into a leaf, makes every controller available that there is, and removes what an earlier
    /// life left empty. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// In words: why there is none, or why it cannot be used. Then nothing was changed but,
    /// perhaps, the daemon's own leaf.
    pub fn take_over() -> Result<Self, String> {
        let place = Place::find(&read("/proc/self/cgroup")?, &read("/proc/self/mountinfo")?)?;
        let lock = lock(&place.directory)?;
        let watches = Watches::new().map_err(|error| format!("cannot use inotify(7): {error}"))?;
        for file in ["cgroup.procs", "cgroup.subtree_control"] {
            let path = place.directory.join(file);
            let opened = File::options().write(true).open(&path);
            opened.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        if !place.has_leaf {
            move_into_leaf(&place.directory)?;
        }
        let controllers = Controllers::enable(&place.directory);
        let cgroups = Self {
            place,
            controllers,
            watches,
            oom_kills_before: HashMap::new(),
            warned: HashMap::new(),
            removing: HashMap::new(),
            late: Vec::new(),
            by_freezing: false,
            _lock: lock,
        };
        for name in cgroups.leaves() {
            // Refused where somebody lives.
            _ = tree::remove(&cgroups.place.directory.join(name));
        }
        Ok(cgroups)
    }

    /// The same on a kernel before Linux 5.14, which has no `cgroup.kill`.
    #[must_use]
    pub fn without_kill_file(self) -> Self {
        Self { by_freezing: true, ..self }
    }

    /// The delegated control group as systemd names it: `/system.slice/supervisord.service`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.place.path
    }

    /// The directory that the control groups of processes are in.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.place.directory
    }

    /// The control group of a process, as systemd names it. It need not exist.
    #[must_use]
    pub fn path_of(&self, process: &ProcessId) -> String {
        self.path_of_leaf(&process.cgroup_name())
    }

    /// Makes the control group of a process that is about to start, sets its limits, and opens it.
    /// A limit that cannot be set is a warning: the process can start without.
    ///
    /// # Errors
    /// The control group cannot be made or opened.
    pub fn prepare(
        &mut self,
        process: &ProcessId,
        settings: &ProcessSettings,
    ) -> io::Result<Prepared> {
        self.sweep();
        if self.removing.remove(process).is_some() {
            self.watches.forget(process);
        }
        self.late.retain(|late| late != process);
        let directory = self.directory(process);
        let is_new = match fs::create_dir(&directory) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error),
        };
        let procs = File::options().write(true).open(directory.join("cgroup.procs"))?;
        let mut warnings = self.controllers.limit(&directory, &settings.limits, is_new);
        if self.warned.get(process) == Some(&warnings) {
            warnings = Vec::new();
        } else {
            self.warned.insert(process.clone(), warnings.clone());
        }
        let oom_kills = usage::oom_kills(&directory).unwrap_or_default();
        self.oom_kills_before.insert(process.clone(), oom_kills);
        let leftovers = !is_new && tree::is_populated(&directory);
        Ok(Prepared { procs, warnings, leftovers })
    }

    /// Whether any process is alive in there. One that ended and was not yet waited for is not.
    #[must_use]
    pub fn is_populated(&self, process: &ProcessId) -> bool {
        tree::is_populated(&self.directory(process))
    }

    /// Sends a signal to every member, also to those that appear meanwhile. With none there is
    /// nothing to do. SIGKILL leaves nobody.
    ///
    /// # Errors
    /// Some member could not be signalled; the others were.
    pub fn signal(&self, process: &ProcessId, signal: Signal) -> io::Result<()> {
        self.signal_leaf(&process.cgroup_name(), signal)
    }

    /// From now on [`Cgroups::emptied`] tells, once, when the control group has no live member;
    /// at once if it has none.
    ///
    /// # Errors
    /// The user's inotify watches are all in use.
    pub fn watch(&mut self, process: &ProcessId) -> io::Result<()> {
        let directory = self.directory(process);
        self.watches.watch(process, directory)
    }

    /// No longer tells of it.
    pub fn unwatch(&mut self, process: &ProcessId) {
        self.watches.forget(process);
    }

    /// Waits until a control group that is watched has no live member. Also removes those that
    /// are to be removed, so somebody should always be waiting. Can be cancelled: nothing is lost.
    pub async fn emptied(&mut self) -> ProcessId {
        loop {
            let process = self.watches.emptied().await;
            if !self.removing.contains_key(&process) {
                return process;
            }
            self.try_to_remove(&process);
        }
    }

    /// Kills what is left and removes the control group: at once if it is empty, else when
    /// whoever waits for [`Cgroups::emptied`] comes across its end, of which nobody is told.
    pub fn remove(&mut self, process: &ProcessId) {
        self.sweep();
        self.watches.forget(process);
        self.oom_kills_before.remove(process);
        self.warned.remove(process);
        self.removing.insert(process.clone(), 0);
        self.try_to_remove(process);
    }

    /// What it uses; empty if it does not exist.
    #[must_use]
    pub fn usage(&self, process: &ProcessId) -> Usage {
        Usage::read(&self.directory(process))
    }

    /// Whether a member was killed for want of memory since the process was last prepared. To be
    /// asked before the control group is removed.
    #[must_use]
    pub fn is_out_of_memory(&self, process: &ProcessId) -> bool {
        let before = self.oom_kills_before.get(process).copied().unwrap_or_default();
        usage::oom_kills(&self.directory(process)).is_some_and(|kills| kills > before)
    }

    /// Kills what an earlier life of the daemon left running, but what `keep` wants, by the name
    /// of its control group ([`ProcessId::cgroup_name`]). Tells the names, and what did not work.
    pub fn kill_leftovers(&self, keep: impl Fn(&str) -> bool) -> Vec<(String, io::Result<()>)> {
        let leaves = self.leaves().into_iter().filter(|name| !keep(name));
        let populated = leaves.filter(|name| tree::is_populated(&self.place.directory.join(name)));
        populated
            .map(|name| {
                let killed = self.signal_leaf(&name, Signal::KILL);
                (name, killed)
            })
            .collect()
    }

    fn directory(&self, process: &ProcessId) -> PathBuf {
        self.place.directory.join(process.cgroup_name())
    }

    fn path_of_leaf(&self, name: &str) -> String {
        format!("{}/{name}", self.place.path.trim_end_matches('/'))
    }

    fn signal_leaf(&self, name: &str, signal: Signal) -> io::Result<()> {
        let (directory, path) = (self.place.directory.join(name), self.path_of_leaf(name));
        let members = Members { directory: &directory, path: &path };
        if signal != Signal::KILL {
            members.signal_each(signal)
        } else if self.by_freezing {
            members.freeze_and_kill()
        } else {
            members.kill()
        }
    }

    /// The names of every control group that is a process's, of this life or an earlier one.
    fn leaves(&self) -> Vec<String> {
        // The daemon's own leaf, systemd's `.control` and whoever else's have no colon.
        let mut names = tree::children(&self.place.directory).unwrap_or_default();
        names.retain(|name| name.contains(':'));
        names
    }

    fn try_to_remove(&mut self, process: &ProcessId) {
        let directory = self.directory(process);
        if tree::remove(&directory).is_ok() {
            self.removing.remove(process);
            self.watches.forget(process);
            return;
        }
        // What cannot be killed is for `emptied` to see the end of.
        _ = self.signal(process, Signal::KILL);
        let tries = self.removing.entry(process.clone()).or_default();
        *tries += 1;
        if *tries > REMOVALS_MAX || self.watches.watch(process, directory).is_err() {
            self.removing.remove(process);
            self.watches.forget(process);
            self.late.push(process.clone());
        }
    }

    /// Removes those that could not be removed when they had just become empty. Mostly there are
    /// none.
    fn sweep(&mut self) {
        let directory = &self.place.directory;
        self.late.retain(|late| tree::remove(&directory.join(late.cgroup_name())).is_err());
    }
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))
}

/// One daemon has a delegated control group.
fn lock(directory: &Path) -> Result<Flock<File>, String> {
    let shown = directory.display();
    let opened = File::open(directory).map_err(|error| format!("cannot open {shown}: {error}"))?;
    Flock::lock(opened, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, errno)| format!("cannot lock {shown}, another daemon has it: {errno}"))
}

/// Moves the daemon, and whoever else was started in the delegated control group itself, as an
/// `ExecStartPost=` is, into a leaf.
fn move_into_leaf(delegated: &Path) -> Result<(), String> {
    let leaf = delegated.join(OWN_LEAF);
    let cannot = |error: io::Error| {
        format!("cannot move the daemon into the control group {}: {error}", leaf.display())
    };
    match fs::create_dir(&leaf) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(cannot(error)),
        _ => {}
    }
    let procs = leaf.join("cgroup.procs");
    // 0 is whoever writes it, with all its threads.
    fs::write(&procs, "0").map_err(cannot)?;
    for pid in tree::pids(delegated).map_err(cannot)? {
        // It may have ended; if it stays, the controllers cannot be had and that is told.
        _ = fs::write(&procs, pid.to_string());
    }
    Ok(())
}
