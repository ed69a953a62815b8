//! A daemon of the test's own: its binary, its directory, its socket, and calls to it.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the daemon itself")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use supervisord::xmlrpc::{Fault, Value, decode_response, encode_call};

/// Nothing a test waits for takes so long, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

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
}

impl Rig {
    /// A directory whose configuration has these program sections. `@` stands for the directory.
    pub fn new(sections: &str) -> Self {
        let rig = Self { directory: tempfile::tempdir().unwrap(), daemon: None };
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
        let text = format!(
            "[supervisord]\nlogfile=@/main.log\npidfile=@/pid\nchildlogdir=@\nloglevel=debug\n\
             [unix_http_server]\nfile=@/sock\n[supervisorctl]\nserverurl=unix://@/sock\n{sections}\n"
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
        let daemon = self.command(&["-n"]).spawn().unwrap();
        self.daemon = Some(daemon);
        wait_for("the daemon's answer", || self.try_call("supervisor.getState", &[]).ok()).unwrap();
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.daemon.as_ref().expect("a daemon that was started").id()).unwrap()
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
            send(i32::try_from(daemon.id()).unwrap_or(0), libc::SIGTERM);
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
