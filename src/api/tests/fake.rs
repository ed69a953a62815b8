//! A core of straw for tests: it answers commands as it is told and publishes snapshots.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::api::{Api, Reload};
use crate::config::GroupKind;
use crate::config::setting::{LogLevel, SystemLog};
use crate::config::{Config, DaemonSettings, DbusSettings, GroupSettings, Nodes, ProcessSettings};
use crate::core::{Command, Reply};
use crate::logs::{ActivitySettings, Console, LogPlane, SystemSockets};
use crate::model::snapshot::GroupInfo;
use crate::model::{
    Error, ProcessFacts, ProcessId, ProcessInfo, Snapshot, StateCode, SupervisorState, Target,
    WallTime,
};
use crate::runtime::handle::{CoreHandle, Request};

/// An API over a fake core.
pub struct Fake {
    pub api: Arc<Api>,
    pub publish: watch::Sender<Arc<Snapshot>>,
    commands: Arc<Mutex<Vec<Command>>>,
    /// Its loop does not come round.
    stuck: Arc<AtomicBool>,
    directory: tempfile::TempDir,
}

type Answers = dyn Fn(&Command) -> Result<Reply, Error> + Send;

impl Fake {
    /// A core that says yes to everything.
    pub fn new(processes: &[ProcessInfo]) -> Self {
        Self::answering(processes, |_| Ok(Reply::Done))
    }

    /// A core whose loop does not come round.
    pub fn stuck() -> Self {
        let fake = Self::new(&[]);
        fake.stuck.store(true, Ordering::Relaxed);
        fake
    }

    /// A core that answers so.
    pub fn answering(
        processes: &[ProcessInfo],
        answer: impl Fn(&Command) -> Result<Reply, Error> + Send + 'static,
    ) -> Self {
        Self::build(processes, Box::new(answer), |path| Arc::new(move || Ok(config(&path))))
    }

    /// A core that says yes, and a configuration file with errors.
    pub fn with_broken_config(errors: &'static [&'static str]) -> Self {
        let reload = move |_| -> Reload {
            Arc::new(move || Err(errors.iter().map(ToString::to_string).collect()))
        };
        Self::build(&[], Box::new(|_| Ok(Reply::Done)), reload)
    }

    fn build(
        processes: &[ProcessInfo],
        answer: Box<Answers>,
        reload: impl FnOnce(std::path::PathBuf) -> Reload,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path());
        let (core, mut requests, publish) = CoreHandle::new(Arc::new(snapshot(processes)));
        let commands = Arc::new(Mutex::new(Vec::new()));
        let seen = commands.clone();
        let stuck = Arc::<AtomicBool>::default();
        let is_stuck = stuck.clone();
        tokio::spawn(async move {
            let mut unheard = Vec::new();
            while let Some(request) = requests.recv().await {
                match request {
                    Request::Command { command, reply, .. } => {
                        let _ = reply.send(answer(&command));
                        seen.lock().unwrap().push(command);
                    }
                    Request::Heartbeat(reply) if is_stuck.load(Ordering::Relaxed) => {
                        unheard.push(reply);
                    }
                    Request::Heartbeat(reply) => _ = reply.send(()),
                }
            }
        });
        let logs = LogPlane::start(ActivitySettings {
            logfile: config.daemon.logfile.clone(),
            max_bytes: 0,
            backups: 0,
            level: LogLevel::Info,
            console: Console::Off,
            strip_ansi: false,
            copies: Vec::new(),
            system: SystemLog::default(),
            sockets: SystemSockets::default(),
        });
        let reload = reload(directory.path().into());
        let api = Arc::new(Api::new(core, logs.unwrap(), Arc::new(config), reload));
        Self { api, publish, commands, stuck, directory }
    }

    /// A directory of the test's own.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What the core was asked since the last look.
    pub fn commands(&self) -> Vec<Command> {
        std::mem::take(&mut *self.commands.lock().unwrap())
    }

    /// Changes the fleet.
    pub fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        self.publish.send_modify(|current| {
            let mut next = Snapshot::clone(current);
            next.generation += 1;
            change(&mut next);
            *current = Arc::new(next);
        });
    }
}

/// A process in this state, pid 7 if it has one, with logs nowhere.
pub fn process(name: &str, state: StateCode) -> ProcessInfo {
    let Target::Process(id) = Target::parse(name) else { panic!("{name} is a group") };
    ProcessInfo {
        pid: if state.is_signallable() { 7 } else { 0 },
        start: WallTime(1_000_000_000_000_000),
        starts: 1,
        ..ProcessInfo::new(id, state, Arc::new(facts("", "")))
    }
}

pub fn facts(stdout: &str, stderr: &str) -> ProcessFacts {
    let path = |text: &str| (!text.is_empty()).then(|| Path::new(text).into());
    ProcessFacts {
        command: "cat".into(),
        priority: 999,
        stdout_logfile: path(stdout),
        stderr_logfile: path(stderr),
        ..ProcessFacts::default()
    }
}

pub fn snapshot(processes: &[ProcessInfo]) -> Snapshot {
    let groups = processes.iter().map(|p| (p.id.group.clone(), GroupInfo::new(999)));
    Snapshot {
        generation: 1,
        state: SupervisorState::Running,
        groups: groups.collect(),
        processes: processes.iter().map(|p| (p.id.clone(), Arc::new(p.clone()))).collect(),
    }
}

/// Two groups: `cat`, of a program; `g`, of two processes.
pub fn config(directory: &Path) -> Config {
    let group = |name: &str, kind, members: &[&str]| {
        Arc::new(GroupSettings {
            name: name.into(),
            kind,
            priority: 999,
            processes: members.iter().map(|name| Arc::new(settings(name))).collect(),
        })
    };
    Config {
        path: directory.join("supervisord.conf"),
        dbus: DbusSettings::default(),
        daemon: DaemonSettings {
            logfile: Some(directory.join("supervisord.log")),
            log_copies: Vec::new(),
            system_log: SystemLog::default(),
            logfile_max_bytes: 0,
            logfile_backups: 0,
            loglevel: LogLevel::Info,
            pidfile: directory.join("supervisord.pid"),
            umask: 0o22,
            nodaemon: true,
            silent: true,
            minfds: 0,
            minprocs: 0,
            nocleanup: false,
            childlogdir: directory.into(),
            user: None,
            directory: None,
            identifier: "supervisor".to_owned(),
            strip_ansi: false,
        },
        unix: None,
        inet: None,
        nodes: Nodes::default(),
        groups: vec![
            group("g", GroupKind::Group, &["b", "a"]),
            group("cat", GroupKind::Program, &["cat"]),
        ],
    }
}

fn settings(name: &str) -> ProcessSettings {
    ProcessSettings::new(name, "cat")
}

/// The process's identity.
pub fn id(name: &str) -> ProcessId {
    process(name, StateCode::Stopped).id
}
