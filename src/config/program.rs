//! `[program:x]`, and what its kin have in common with it.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::environment;
use super::expand::ProgramNames;
use super::ini::{Ini, RawSection};
use super::kind::{GroupKind, ProcessKind};
use super::limits::{self, Limits};
use super::output::{STDERR, STDOUT, log, system_log};
use super::problem::Severity;
use super::section::{Section, World};
use super::setting::{self, Autorestart, LogSettings, LogTarget, StopSignal, User};
use crate::model::{GroupName, Place, ProcessName};

/// Processes that one configuration may ask for; past it `numprocs` is an error.
pub const PROCESSES_MAX: usize = 100_000;

/// Keys of `[program:x]` that are understood and have no effect yet.
pub(super) const NOT_SERVED: &[&str] = &[
    "cron",
    "depends_on",
    "envfiles",
    "killwaitsecs",
    "liveness_check_failure_action",
    "liveness_check_failure_threshold",
    "liveness_check_initial_delay",
    "liveness_check_period",
    "liveness_check_script",
    "liveness_check_success_action",
    "liveness_check_success_threshold",
    "liveness_check_timeout",
    "pre_start_hook",
    "pre_stop_hook",
    "restart_cmd_when_binary_changed",
    "restart_cmd_when_file_changed",
    "restart_directory_monitor",
    "restart_file_pattern",
    "restart_signal_when_binary_changed",
    "restart_signal_when_file_changed",
    "restart_when_binary_changed",
    "restartpause",
];

/// A group of processes that are started and stopped together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// Its name.
    pub name: GroupName,
    /// What it was made from.
    pub kind: GroupKind,
    /// Lower starts first and stops last.
    pub priority: i32,
    /// Its processes: the programs in the file's order, `numprocs` of each by priority and name.
    pub processes: Vec<Arc<ProcessSettings>>,
}

/// One process: a program's settings with every expansion made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSettings {
    /// Its name within its group.
    pub name: ProcessName,
    /// The program section it is from, without `program:`.
    pub program: Arc<str>,
    /// What its standard input and output are for.
    pub kind: ProcessKind,
    /// The command line, not yet split into words.
    pub command: Arc<str>,
    /// Lower starts first and stops last, within the group.
    pub priority: i32,
    /// Start it with the daemon.
    pub autostart: bool,
    /// Start it again when it ends.
    pub autorestart: Autorestart,
    /// How long it must stay up to be RUNNING; zero means at once.
    pub startsecs: Duration,
    /// Failed starts in a row, after the first, before it is FATAL.
    pub startretries: u32,
    /// The signal that asks it to end.
    pub stopsignal: StopSignal,
    /// How long it may take before SIGKILL.
    pub stopwaitsecs: Duration,
    /// Send the stop signal to its process group.
    pub stopasgroup: bool,
    /// Send SIGKILL to its process group.
    pub killasgroup: bool,
    /// Exit codes that are expected.
    pub exitcodes: Arc<Vec<i32>>,
    /// The user it runs as; `None` for the daemon's.
    pub user: Option<Arc<User>>,
    /// Its working directory; `None` for the daemon's.
    pub directory: Option<PathBuf>,
    /// Its file mode mask; `None` for the daemon's.
    pub umask: Option<u32>,
    /// Send its stderr where its stdout goes.
    pub redirect_stderr: bool,
    /// Its stdout.
    pub stdout: Arc<LogSettings>,
    /// Its stderr; not used if redirected.
    pub stderr: Arc<LogSettings>,
    /// Set over the daemon's environment, `[supervisord]`'s and its own together.
    pub environment: Arc<Vec<(String, String)>>,
    /// `SUPERVISOR_SERVER_URL`; `None` to be derived from the listeners.
    pub serverurl: Option<String>,
    /// It says itself when it is ready (sd_notify(3)): RUNNING then, and `startsecs` is how long
    /// it may take.
    pub notify: bool,
    /// How long it may be silent once it is RUNNING; zero asks for no sign of life.
    pub watchdogsecs: Duration,
    /// What it may use.
    pub limits: Arc<Limits>,
    /// A file of the program's own that people may read over HTTP, absolute.
    pub conf_file: Option<PathBuf>,
    /// Where its section stands.
    pub place: Place,
}

impl ProcessSettings {
    /// A program of this name and command line that sets nothing else.
    #[must_use]
    pub fn new(name: &str, command: &str) -> Self {
        Self {
            name: name.into(),
            program: name.into(),
            kind: ProcessKind::Program,
            command: command.into(),
            priority: 999,
            autostart: true,
            autorestart: Autorestart::Unexpected,
            startsecs: Duration::from_secs(1),
            startretries: 3,
            stopsignal: StopSignal::TERM,
            stopwaitsecs: Duration::from_secs(10),
            stopasgroup: false,
            killasgroup: false,
            exitcodes: vec![0].into(),
            user: None,
            directory: None,
            umask: None,
            redirect_stderr: false,
            stdout: LogSettings::new(LogTarget::Auto).into(),
            stderr: LogSettings::new(LogTarget::Auto).into(),
            environment: Arc::default(),
            serverurl: None,
            notify: false,
            watchdogsecs: Duration::ZERO,
            limits: Arc::default(),
            conf_file: None,
            place: Place::default(),
        }
    }
}

/// What every program of a configuration shares.
pub(super) struct Fleet<'a> {
    pub world: &'a World<'a>,
    pub ini: &'a Ini,
    /// `[supervisord] environment`.
    pub environment: Vec<(String, String)>,
    /// Who the daemon will be; only root can start a program as somebody else.
    pub uid: u32,
    /// Processes read so far.
    pub count: Cell<usize>,
    pub kept: Kept,
}

/// What one process after the other has alike: those of one program, and of programs that set
/// nothing.
#[derive(Default)]
pub(super) struct Kept {
    stdout: Last<LogSettings>,
    stderr: Last<LogSettings>,
    limits: Last<Limits>,
    exitcodes: Last<Vec<i32>>,
    environment: Last<Vec<(String, String)>>,
}

/// The last value of its kind.
struct Last<T>(RefCell<Option<Arc<T>>>);

impl<T> Default for Last<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: PartialEq> Last<T> {
    /// The same as the last one, if this is equal.
    fn share(&self, value: T) -> Arc<T> {
        let mut last = self.0.borrow_mut();
        let same = last.take().filter(|last| **last == value);
        Arc::clone(last.insert(same.unwrap_or_else(|| Arc::new(value))))
    }
}

/// The processes of one program section, by priority and name. `own_keys` reads what only this
/// kind of section has.
pub(super) fn processes(
    fleet: &Fleet<'_>,
    raw: &RawSection,
    group: &str,
    own_keys: &dyn Fn(&mut Section<'_>) -> ProcessKind,
) -> Vec<Arc<ProcessSettings>> {
    let section = || Section::new(fleet.world, fleet.ini, raw).with_defaults(defaults(fleet, raw));
    let name = raw.name.split_once(':').map_or("", |(_, name)| name);
    let name = match setting::name(name) {
        Ok(name) => name,
        Err(message) => {
            section().note(Severity::Error, None, message);
            return Vec::new();
        }
    };
    let mut names = ProgramNames {
        program_name: name,
        group_name: group,
        process_num: 0,
        numprocs: 1,
        environment: &[],
    };
    let mut numbers = section().with_program(names);
    names.numprocs = numbers.integer("numprocs", 1, 0..=i64::MAX);
    let first = numbers.integer("numprocs_start", 0, i64::from(i32::MIN)..=i64::from(i32::MAX));
    let count = usize::try_from(names.numprocs).unwrap_or(usize::MAX);
    fleet.count.set(fleet.count.get().saturating_add(count));
    if fleet.count.get() > PROCESSES_MAX {
        numbers.error("numprocs", format!("expected at most {PROCESSES_MAX} processes in all"));
        return Vec::new();
    }
    let mut all: Vec<Arc<ProcessSettings>> = Vec::with_capacity(count);
    let called: Arc<str> = name.into();
    // With numprocs=0 one is read all the same, as far as the reference does.
    for process_num in (first..).take(count.max(1)) {
        let program = ProgramNames { process_num, ..names };
        all.extend(
            process(fleet, section().with_program(program), &called, program, own_keys)
                .map(Arc::new),
        );
        if fleet.world.problems.any_error() {
            // The others would only repeat it.
            break;
        }
    }
    all.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    all
}

/// `[program-default]`, for programs alone.
fn defaults<'a>(fleet: &Fleet<'a>, raw: &RawSection) -> Option<&'a RawSection> {
    raw.name.starts_with("program:").then(|| fleet.ini.section("program-default")).flatten()
}

/// One process; `None` if it has no command, or if there are to be none.
fn process(
    fleet: &Fleet<'_>,
    mut section: Section<'_>,
    called: &Arc<str>,
    names: ProgramNames<'_>,
    own_keys: &dyn Fn(&mut Section<'_>) -> ProcessKind,
) -> Option<ProcessSettings> {
    let kind = own_keys(&mut section);
    section.skip(&["numprocs", "numprocs_start"]);
    section.not_served(NOT_SERVED);
    let seconds = 0..=i64::from(u32::MAX);
    let priority = priority(&mut section, 999);
    let autostart = section.boolean("autostart", true);
    let autorestart = section.take("autorestart", setting::autorestart);
    let startsecs = section.integer("startsecs", 1, seconds.clone()).unsigned_abs();
    let (notify, watchdogsecs) = readiness(&mut section);
    let startretries = section.integer("startretries", 3, seconds.clone()) as u32;
    let stopsignal = stop_signal(&mut section);
    let stopwaitsecs = section.integer("stopwaitsecs", 10, seconds).unsigned_abs();
    let stopasgroup = section.boolean("stopasgroup", false);
    let killasgroup = section.boolean("killasgroup", stopasgroup);
    if stopasgroup && !killasgroup {
        let message = "is false while stopasgroup is true: expected true, or no such key";
        section.error("killasgroup", message.to_owned());
    }
    let exitcodes = section.take("exitcodes", setting::exit_codes).unwrap_or_else(|| vec![0]);
    let redirect_stderr = section.boolean("redirect_stderr", false);
    let serverurl =
        section.text("serverurl").filter(|url| !url.trim().eq_ignore_ascii_case("auto"));
    let user = user(fleet, &mut section);
    let umask = section.take("umask", setting::octal);
    let limits = limits::read(&mut section);
    if names.numprocs == 0 {
        return None;
    }
    let own = section.take("environment", environment::pairs).unwrap_or_default();

    // What follows can be made of the program's own environment, too.
    let mut section = section.with_program(ProgramNames { environment: &own, ..names });
    let name = process_name(&mut section, names);
    let directory = section.text("directory").map(|text| fleet.world.expand_home(&text));
    let system = system_log(&mut section);
    let stdout = log(&mut section, &STDOUT, &system);
    let mut stderr = log(&mut section, &STDERR, &system);
    if redirect_stderr {
        if matches!(stderr.target, LogTarget::File(_)) || !stderr.copies.is_empty() {
            let message = "has no effect, because redirect_stderr is true";
            section.warn("stderr_logfile", message.to_owned());
        }
        stderr = LogSettings { target: LogTarget::None, copies: Vec::new(), ..stderr };
    }
    let conf_file = section.text("conf_file").map(|text| fleet.world.expand_home(&text));
    let command = section.text("command");
    if section.raw_text("command").is_none() {
        section.note(Severity::Error, None, "has no command: expected command=PROGRAM".to_owned());
    }
    let place = section.place();
    section.finish();
    Some(ProcessSettings {
        name,
        program: Arc::clone(called),
        kind,
        command: command?.into(),
        priority,
        autostart,
        autorestart: autorestart.unwrap_or(Autorestart::Unexpected),
        startsecs: Duration::from_secs(startsecs),
        startretries,
        stopsignal,
        stopwaitsecs: Duration::from_secs(stopwaitsecs),
        stopasgroup,
        killasgroup,
        exitcodes: fleet.kept.exitcodes.share(exitcodes),
        user,
        directory,
        umask,
        redirect_stderr,
        stdout: fleet.kept.stdout.share(stdout),
        stderr: fleet.kept.stderr.share(stderr),
        environment: fleet.kept.environment.share(environment::merged(&fleet.environment, &own)),
        serverurl,
        notify,
        watchdogsecs: Duration::from_secs(watchdogsecs),
        limits: fleet.kept.limits.share(limits),
        conf_file: conf_file.map(|path| fleet.world.absolute(&path)),
        place,
    })
}

/// `notify`, and `watchdogsecs` as far as it has an effect.
fn readiness(section: &mut Section<'_>) -> (bool, u64) {
    let notify = section.boolean("notify", false);
    let seconds = section.integer("watchdogsecs", 0, 0..=i64::from(u32::MAX)).unsigned_abs();
    if seconds > 0 && !notify {
        let message = "has no effect without notify=true: the program could not say it is alive";
        section.warn("watchdogsecs", message.to_owned());
        return (notify, 0);
    }
    (notify, seconds)
}

/// The `priority` of a program or group: any number that fits.
pub(super) fn priority(section: &mut Section<'_>, default: i64) -> i32 {
    section.integer("priority", default, i64::from(i32::MIN)..=i64::from(i32::MAX)) as i32
}

fn process_name(section: &mut Section<'_>, names: ProgramNames<'_>) -> ProcessName {
    let Some(raw) = section.raw_text("process_name") else {
        if names.numprocs > 1 {
            let message = "needs a name for each process, as numprocs is above 1: expected \
                           process_name=%(program_name)s_%(process_num)02d";
            section.error("numprocs", message.to_owned());
        }
        return names.program_name.into();
    };
    if let Err(message) = setting::name(raw) {
        section.error("process_name", message);
    }
    if names.numprocs > 1 && !raw.contains("%(process_num)") {
        let message = "is the same for each process: expected %(process_num)d in it";
        section.error("process_name", message.to_owned());
    }
    section.text("process_name").unwrap_or_default().into()
}

/// `name`, `uid`, or one of them with `:group`.
fn user(fleet: &Fleet<'_>, section: &mut Section<'_>) -> Option<Arc<User>> {
    let world = fleet.world;
    let user = section.take("user", |text| match text.split_once(':') {
        None => world.user(text),
        Some((user, group)) => {
            let (user, gid) = (world.user(user)?, world.host.group(group)?);
            let others = user.groups.iter().copied().filter(|&other| other != gid);
            let groups = std::iter::once(gid).chain(others).collect();
            Ok(Arc::new(User { gid, groups, ..User::clone(&user) }))
        }
    })?;
    if fleet.uid != 0 && user.uid != fleet.uid {
        let message = "is another user: it cannot be started by a daemon that is not root";
        section.warn("user", message.to_owned());
    }
    Some(user)
}

/// One signal; of a list the first is used.
fn stop_signal(section: &mut Section<'_>) -> StopSignal {
    let read = |text: &str| {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        let signals: Vec<_> = words.map(setting::signal).collect::<Result<_, _>>()?;
        signals
            .first()
            .copied()
            .zip(Some(signals.len()))
            .map_or_else(|| setting::signal(text).map(|signal| (signal, 1)), Ok)
    };
    let (signal, count) = section.take("stopsignal", read).unwrap_or((StopSignal::TERM, 1));
    if count > 1 {
        let message = "lists several signals: this version sends the first only";
        section.warn("stopsignal", message.to_owned());
    }
    signal
}
