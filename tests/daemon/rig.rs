//! A daemon of the test's own: its binary, its directory, its socket, and calls to it.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the daemon itself")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use supervisord::xmlrpc::{Fault, Value, decode_response, encode_call};

/// Nothing a test waits for takes so long, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often a test does something: `usual`, which every run can afford, or `full`, the size that
/// docs/failures.md names, where `FULL_SIZE` is in the environment.
pub fn rounds(usual: usize, full: usize) -> usize {
    if std::env::var_os("FULL_SIZE").is_some() { full } else { usual }
}

/// Looks again and again until `fact` gives something.
pub fn wait_for<T>(what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = fact() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// A directory with a configuration, and perhaps a daemon that runs from it.
pub struct Rig {
    directory: tempfile::TempDir,
    daemon: Option<Child>,
    /// The daemon's own process id, where `daemon` is what it was started by.
    pid: i32,
}

impl Rig {
    /// A directory whose configuration has these program sections. `@` stands for the directory.
    /// What comes before the first section belongs to `[supervisord]`.
    pub fn new(sections: &str) -> Self {
        let rig = Self { directory: tempfile::tempdir().unwrap(), daemon: None, pid: 0 };
        rig.configure(sections);
        rig
    }

    /// The same, with a daemon in the foreground that answers.
    pub fn running(sections: &str) -> Self {
        let mut rig = Self::new(sections);
        rig.start();
        rig
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn configure(&self, sections: &str) {
        let level = if sections.starts_with("loglevel=") { "" } else { "loglevel=debug\n" };
        let text = format!(
            "[unix_http_server]\nfile=@/sock\n[supervisorctl]\nserverurl=unix://@/sock\n\
             [supervisord]\nlogfile=@/main.log\npidfile=@/pid\nchildlogdir=@\n{level}{sections}\n"
        );
        let text = text.replace('@', &self.directory.path().display().to_string());
        fs::write(self.path("conf"), text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_supervisord"));
        command.arg("-c").arg(self.path("conf")).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    pub fn start(&mut self) {
        let command = self.command(&["-n"]);
        self.start_by(command);
    }

    /// Starts it by another program, which gets the daemon's command line after its own.
    pub fn start_under(&mut self, wrapper: &[&str]) {
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(env!("CARGO_BIN_EXE_supervisord"));
        command.arg("-c").arg(self.path("conf")).arg("-n");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.start_by(command);
    }

    pub fn start_by(&mut self, mut command: Command) {
        let daemon = command.spawn().unwrap();
        let outer = i32::try_from(daemon.id()).unwrap();
        self.daemon = Some(daemon);
        wait_for("the daemon's answer", || self.try_call("supervisor.getState", &[]).ok()).unwrap();
        self.pid = daemon_under(outer).expect("the daemon's process");
    }

    pub fn pid(&self) -> i32 {
        self.pid
    }

    pub fn connect(&self) -> Connection {
        Connection(BufReader::new(UnixStream::connect(self.path("sock")).unwrap()))
    }

    pub fn signal(&self, signal: i32) {
        send(self.pid(), signal);
    }

    /// Waits for the daemon's end; its exit status.
    pub fn ended(&mut self) -> Option<i32> {
        let mut daemon = self.daemon.take().expect("a daemon that was started");
        let status = wait_for("the daemon's end", || daemon.try_wait().unwrap());
        status.code()
    }

    pub fn ctl(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_supervisorctl"))
            .arg("-c")
            .arg(self.path("conf"))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// A call, its answer or fault.
    pub fn call(&self, method: &str, parameters: &[Value]) -> Result<Value, Fault> {
        self.try_call(&format!("supervisor.{method}"), parameters).unwrap()
    }

    fn try_call(
        &self,
        method: &str,
        parameters: &[Value],
    ) -> std::io::Result<Result<Value, Fault>> {
        call(&self.path("sock"), method, parameters)
    }

    /// A request, with headers in lines of their own, and its answer.
    pub fn ask(&self, request: &str, body: &str) -> Answer {
        ask(&self.path("sock"), request, body).unwrap()
    }

    pub fn info(&self, name: &str, member: &str) -> Value {
        let info = self.call("getProcessInfo", &[name.into()]).unwrap();
        info.member(member).unwrap_or_else(|| panic!("no {member}")).clone()
    }

    pub fn state(&self, name: &str) -> String {
        self.info(name, "statename").as_str().unwrap().to_owned()
    }

    pub fn process(&self, name: &str) -> i32 {
        i32::try_from(self.info(name, "pid").as_int().unwrap()).unwrap()
    }

    pub fn wait_state(&self, name: &str, state: &str) {
        wait_for(&format!("{name} to be {state}"), || (self.state(name) == state).then_some(()));
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("main.log")).unwrap_or_default()
    }

    pub fn wait_log(&self, text: &str) {
        wait_for(&format!("{text:?} in the log"), || self.log().contains(text).then_some(()));
    }
}

/// Ends the daemon, which ends its programs.
impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let outer = i32::try_from(daemon.id()).unwrap_or(0);
            send(daemon_under(outer).unwrap_or(outer), libc::SIGTERM);
            _ = daemon.wait();
        }
    }
}

pub fn send(pid: i32, signal: i32) {
    // SAFETY: kill(2) takes two integers.
    unsafe { libc::kill(pid, signal) };
}

pub fn is_alive(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat"));
    status.is_ok_and(|line| !line.contains(") Z "))
}

pub fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// A process's children, the dead among them.
pub fn children(pid: i32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
    let lists =
        tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| list.split(' ').filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// The daemon that a program runs or became.
fn daemon_under(pid: i32) -> Option<i32> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    if name.trim() == "supervisord" {
        return Some(pid);
    }
    children(pid).into_iter().find_map(daemon_under)
}

/// Memory that a process holds, in bytes.
pub fn resident(pid: i32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

/// Waits until no thread of a process runs at all for a while.
pub fn wait_idle(pid: i32) {
    let switches = || -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let read =
            |file: &str, task: &Path| fs::read_to_string(task.join(file)).unwrap_or_default();
        tasks
            .map(|task| task.unwrap().path())
            .flat_map(|task| {
                let status = read("status", &task);
                let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
                let mut seen: Vec<String> = lines.map(str::to_owned).collect();
                // A thread that spins need not be switched away from: its time counts, too.
                seen.push(read("schedstat", &task));
                seen
            })
            .collect()
    };
    wait_for("an idle daemon", || {
        let before = switches();
        std::thread::sleep(Duration::from_millis(300));
        (switches() == before).then_some(())
    });
}

/// Whether this machine and user can make such namespaces; says so if not.
pub fn can_unshare(flags: &[&str]) -> bool {
    let made = Command::new("unshare").args(flags).arg("true").stderr(Stdio::null()).status();
    let can = made.is_ok_and(|status| status.success());
    if !can {
        println!("skipped: unshare {flags:?} does not work here");
    }
    can
}

/// Lets this process open as many files as it may.
pub fn open_many_files() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    usize::try_from(hard).unwrap()
}

/// A connection that is kept for many calls.
pub struct Connection(BufReader<UnixStream>);

impl Connection {
    /// A call, its answer or fault.
    pub fn call(&mut self, method: &str, parameters: &[Value]) -> Result<Value, Fault> {
        self.send(method, parameters);
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "a whole answer");
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        decode_response(&body).expect("an XML-RPC response")
    }

    /// A call whose answer nobody has read yet.
    pub fn send(&mut self, method: &str, parameters: &[Value]) {
        let body = encode_call(&format!("supervisor.{method}"), parameters);
        let mut request = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend(body);
        self.0.get_mut().write_all(&request).unwrap();
    }

    /// Any request, whole or not.
    pub fn write(&mut self, text: &str) -> std::io::Result<()> {
        self.0.get_mut().write_all(text.as_bytes())
    }

    /// How the answer begins.
    pub fn first_line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line)
    }
}

/// What an HTTP server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {} {text}", self.head))
    }
}

/// One request over a unix socket, on a connection of its own, whose answer ends.
pub fn ask(socket: &Path, request: &str, body: &str) -> std::io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    let (first, headers) = request.split_once('\n').unwrap_or((request, ""));
    let mut headers: String = headers.lines().map(|line| format!("{line}\r\n")).collect();
    if body.starts_with(['{', '[']) {
        headers.push_str("Content-Type: application/json\r\n");
    }
    let request = format!(
        "{first} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    let body = answer.split_off(end + 4);
    let body = if head.contains("transfer-encoding: chunked") { whole(&body) } else { body };
    Ok(Answer { status, head, body })
}

/// What chunks carry.
fn whole(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        body.extend_from_slice(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[(end + 4 + size).min(chunks.len())..];
    }
    body
}

/// One XML-RPC call over a unix socket, on a connection of its own.
pub fn call(
    socket: &Path,
    method: &str,
    parameters: &[Value],
) -> std::io::Result<Result<Value, Fault>> {
    let body = encode_call(method, parameters);
    let mut stream = UnixStream::connect(socket)?;
    let head = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/xml\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
    Ok(decode_response(&answer[end + 4..]).expect("an XML-RPC response"))
}
