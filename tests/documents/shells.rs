//! The completions in the shells themselves, with a daemon that is asked for names: bash and zsh on
//! a terminal of script(1), where keys are pressed as a person does; fish through `complete -C`.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the programs itself")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::root;

/// Nothing that is waited for here takes so long, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a terminal sends for these keys.
const TAB: &str = "\t";
const CTRL_U: &str = "\x15";

/// What a shell says when it waits for a line.
const PROMPT: &str = "ready> ";

/// A daemon with a few programs, in a directory of its own.
struct Daemon {
    directory: tempfile::TempDir,
    child: Child,
}

impl Daemon {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().display();
        let ctl = |socket: &str| format!("[supervisorctl]\nserverurl=unix://{at}/{socket}\n");
        let text = format!(
            "{}[unix_http_server]\nfile={at}/sock\n[supervisord]\nlogfile=NONE\npidfile={at}/pid\n\
             childlogdir={at}\n[program:alpha]\ncommand=cat\n[group:worker]\nprograms=one,two\n\
             [program:one]\ncommand=cat\n[program:two]\ncommand=cat\n[dbus]\nbus=none\n",
            ctl("sock")
        );
        fs::write(directory.path().join("conf"), text).unwrap();
        fs::write(directory.path().join("gone"), ctl("nowhere")).unwrap();
        let notify = directory.path().join("notify");
        let socket = UnixDatagram::bind(&notify).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_supervisord"))
            .args(["-n", "-c", "conf"])
            .current_dir(&directory)
            .env("NOTIFY_SOCKET", &notify)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let daemon = Self { directory, child };
        let mut word = [0; 4096];
        loop {
            let length = socket.recv(&mut word).expect("the daemon's word that it is ready");
            if String::from_utf8_lossy(&word[..length]).contains("READY=1") {
                return daemon;
            }
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A program that finds ours, and looks at no file of whoever runs the tests.
    fn command(&self, program: &str) -> Command {
        let ours = Path::new(env!("CARGO_BIN_EXE_supervisorctl")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command.current_dir(&self.directory).env("HOME", self.path()).env("TERM", "dumb");
        command.env("PATH", format!("{}:{path}", ours.display())).env("LC_ALL", "C.UTF-8");
        command.env_remove("HISTFILE").env_remove("ZDOTDIR").env_remove("XDG_CONFIG_HOME");
        command
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Option<Output> {
        match self.command(program).args(arguments).output() {
            Ok(output) => Some(output),
            Err(why) => {
                println!("skipped: {program} cannot be run ({why}); tests/run unit installs it");
                None
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        _ = self.child.wait();
    }
}

/// A shell on a terminal.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    output: Receiver<Vec<u8>>,
    said: String,
}

impl Terminal {
    /// Opens a shell and has it run a first line, which has to leave it with the prompt.
    fn open(daemon: &Daemon, shell: &str, first: &str) -> Self {
        let mut command = daemon.command("script");
        command.args(["-qefc", shell, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let keys = child.stdin.take().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut terminal = Self { child, keys, output, said: String::new() };
        terminal.press(first);
        terminal.press("\n");
        terminal.until(PROMPT);
        terminal
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this was said; answers everything up to there.
    fn until(&mut self, wanted: &str) -> String {
        let begun = Instant::now();
        while !self.said.contains(wanted) {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            match self.output.recv_timeout(left) {
                Ok(piece) => self.said += &String::from_utf8_lossy(&piece),
                Err(why) => panic!("no {wanted:?} ({why}) in {:?}", self.said),
            }
        }
        let end = self.said.find(wanted).unwrap() + wanted.len();
        let rest = self.said.split_off(end);
        std::mem::replace(&mut self.said, rest)
    }

    /// Types the beginning of a line and Tab, and waits for what becomes of it.
    fn completes(&mut self, typed: &str, wanted: &str) {
        self.press(typed);
        self.until(typed);
        self.press(TAB);
        self.until(wanted);
        self.forget();
    }

    /// Empties the line; answers what was said until that was done.
    fn forget(&mut self) -> String {
        self.press(CTRL_U);
        self.press("echo for''gotten\n");
        let said = self.until("forgotten");
        self.until(PROMPT);
        said
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// What both shells with a terminal do alike.
fn completes_as_it_should(terminal: &mut Terminal) {
    terminal.completes("supervisorctl shut", "down");
    terminal.completes("supervisorctl -c conf restart alp", "ha");
    terminal.completes("supervisorctl -c conf stop worker:o", "ne");
    terminal.completes("supervisorctl --configuration=conf stop worker:t", "wo");
    terminal.completes("supervisorctl -c conf update wor", "ker");
    terminal.completes("supervisorctl -c conf signal WIN", "CH");
    terminal.completes("supervisorctl --histo", "ry-file");
    terminal.completes("supervisorctl -c con", "f");
    terminal.completes("supervisorctl -c conf help maint", "ail");
    terminal.completes("supervisord che", "ck");
    terminal.completes("supervisord --identi", "fier");
    terminal.completes("supervisord -e bla", "ther");
    terminal.completes("supervisord ctl -c conf tail worker:t", "wo");

    // What is completed is what the program takes.
    terminal.press("supervisorctl -c conf status worker:t\t\n");
    terminal.until("worker:two          ");
    terminal.until(PROMPT);

    // All that there is.
    terminal.press("supervisorctl -c conf stop worker:");
    terminal.until("worker:");
    terminal.press("\t\t");
    let said = terminal.until("two") + &terminal.forget();
    assert!(said.contains("one") && said.contains('*'), "{said}");

    // Where there is no daemon nothing is offered, and nothing said.
    terminal.press("supervisorctl -c gone stop w\t\t");
    let said = terminal.forget();
    assert!(!said.contains("no such file") && !said.contains("rror"), "{said}");
}

#[test]
fn bash_completes() {
    let daemon = Daemon::start();
    if daemon.output("script", &["--version"]).is_none() {
        return;
    }
    let folder = root().join("packaging/completions");
    let first = format!(
        "PS1='rea''dy> '; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; \
         . {0}/supervisorctl.bash; . {0}/supervisord.bash",
        folder.display()
    );
    let mut terminal = Terminal::open(&daemon, "bash --norc --noprofile", &first);
    completes_as_it_should(&mut terminal);
}

#[test]
fn zsh_completes() {
    let daemon = Daemon::start();
    for program in ["script", "zsh"] {
        if daemon.output(program, &["--version"]).is_none() {
            return;
        }
    }
    let folder = root().join("packaging/completions");
    let first = format!(
        "PS1='rea''dy> '; unsetopt prompt_sp beep; unset zle_bracketed_paste; bindkey -e; \
         fpath=({} $fpath); autoload -Uz compinit; compinit -u -D",
        folder.display()
    );
    let mut terminal = Terminal::open(&daemon, "zsh -f", &first);
    completes_as_it_should(&mut terminal);
}

#[test]
fn fish_completes() {
    let daemon = Daemon::start();
    let folder = root().join("packaging/completions");
    let offered = |line: &str| -> Option<(Vec<String>, String)> {
        let script =
            format!("set -p fish_complete_path {}; complete -C '{line}'", folder.display());
        let output = daemon.output("fish", &["--no-config", "-c", &script])?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let words = text.lines().map(|line| line.split('\t').next().unwrap_or("").to_owned());
        Some((words.collect(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    let checks = [
        ("supervisorctl sta", &["start", "status"][..]),
        ("supervisorctl -c conf restart al", &["all", "alpha"]),
        ("supervisorctl -c conf stop worker:", &["worker:*", "worker:one", "worker:two"]),
        ("supervisorctl --configuration=conf stop worker:t", &["worker:two"]),
        ("supervisorctl -c conf update wor", &["worker"]),
        ("supervisorctl -c conf signal WIN", &["WINCH"]),
        ("supervisorctl -c conf signal HUP worker:o", &["worker:one"]),
        ("supervisorctl --histo", &["--history-file"]),
        ("supervisorctl -c con", &["conf"]),
        ("supervisorctl help maint", &["maintail"]),
        ("supervisord che", &["check"]),
        ("supervisord -e bla", &["blather"]),
        ("supervisord check con", &["conf"]),
        ("supervisord ctl -c conf tail worker:t", &["worker:two"]),
        ("supervisorctl -c gone stop w", &[]),
    ];
    for (line, wanted) in checks {
        let Some((words, complaints)) = offered(line) else { return };
        assert_eq!(words, wanted, "{line}");
        assert_eq!(complaints, "", "{line}");
    }
}
