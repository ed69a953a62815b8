//! Who may come in: each door with its roles, passwords, guessing, and pages of other sites.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the daemon itself")]

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use supervisord::xmlrpc::{decode_response, encode_call};

use crate::rig::{PATIENCE, Rig};
use crate::systemd::{Daemon, passing};

const CAT: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";

/// A daemon with a TCP listener at an address of the test's own.
pub struct Site {
    pub rig: Rig,
    pub address: SocketAddr,
    pub daemon: Daemon,
}

/// What a server answered.
#[derive(Debug)]
pub struct Heard {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Site {
    /// With these keys of the TCP listener, and these sections.
    pub fn new(keys: &str, sections: &str) -> Self {
        let rig =
            Rig::new(&format!("[inet_http_server]\nport=127.0.0.1:1\n{keys}\n{sections}{CAT}"));
        Self::of(rig)
    }

    pub fn of(rig: Rig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let daemon = passing(rig.command(&["-n"]), &[("inet", listener.into())]);
        // It holds the address from before it serves it.
        rig.wait_log("RUNNING state");
        Self { rig, address, daemon }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The answer to a request with these lines, on a connection of its own.
    pub fn ask(&self, request: &str, body: &str) -> Heard {
        ask(self.connect(), request, body)
    }

    fn status(&self, request: &str) -> u16 {
        self.ask(request, "").status
    }
}

/// The answer to a request: its first line, then its headers, in lines.
pub fn ask(mut stream: impl Read + Write, request: &str, body: &str) -> Heard {
    let (first, headers) = request.split_once('\n').unwrap_or((request, ""));
    let mut text = format!("{first} HTTP/1.1\r\nConnection: close\r\n");
    for line in headers.lines() {
        text += &format!("{line}\r\n");
    }
    if !body.is_empty() || first.starts_with("POST") {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text += &format!("\r\n{body}");
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A server that has heard enough may close before all is sent.
    _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    Heard { status, head, body: answer.split_off(end + 4) }
}

fn basic(user: &str, password: &str) -> String {
    format!("Authorization: Basic {}", BASE64.encode(format!("{user}:{password}")))
}

/// What somebody may do: see, work with programs, work with the daemon.
fn allowed(connect: impl Fn() -> Box<dyn Stream>, headers: &str) -> Result<[bool; 3], u16> {
    let mut may = [false; 3];
    let calls: [(&str, &[supervisord::xmlrpc::Value]); 3] = [
        ("supervisor.getState", &[]),
        ("supervisor.signalProcess", &["cat".into(), "CONT".into()]),
        ("supervisor.clearLog", &[]),
    ];
    for (may, (method, parameters)) in may.iter_mut().zip(calls) {
        let body = String::from_utf8(encode_call(method, parameters)).unwrap();
        let request = format!("POST /RPC2\nHost: localhost\nContent-Type: text/xml\n{headers}");
        let heard = ask(connect(), &request, &body);
        if heard.status != 200 {
            return Err(heard.status);
        }
        *may = match decode_response(&heard.body).unwrap() {
            Ok(_) => true,
            Err(fault) if fault.string.starts_with("ACCESS_DENIED") => false,
            Err(fault) => panic!("{method}: {fault:?}"),
        };
    }
    Ok(may)
}

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

const VIEWER: Result<[bool; 3], u16> = Ok([true, false, false]);
const OPERATOR: Result<[bool; 3], u16> = Ok([true, true, false]);
const ADMIN: Result<[bool; 3], u16> = Ok([true, true, true]);

const USERS: &str = "[http_user:ann]\npassword=a\n[http_user:bob]\npassword=b\nrole=operator\n\
                     [http_user:eve]\npassword=e\nrole=admin\n";

#[test]
fn each_user_has_a_role_through_each_door() {
    let site = Site::new(
        "username=own\npassword=o",
        &format!("{USERS}[unix_http_server]\nusers=bob\nrole=operator\n"),
    );
    let tcp = |user: &str, password: &str| {
        let connect = || Box::new(site.connect()) as Box<dyn Stream>;
        allowed(connect, &basic(user, password))
    };
    assert_eq!(tcp("own", "o"), ADMIN);
    assert_eq!(tcp("ann", "a"), VIEWER);
    assert_eq!(tcp("bob", "b"), OPERATOR);
    assert_eq!(tcp("eve", "e"), ADMIN);
    assert_eq!(tcp("ann", "b"), Err(401));
    let unix = |headers: &str| {
        let socket = site.rig.path("sock");
        let connect = || Box::new(UnixStream::connect(&socket).unwrap()) as Box<dyn Stream>;
        allowed(connect, headers)
    };
    assert_eq!(unix(&basic("bob", "b")), OPERATOR);
    assert_eq!(unix(&basic("eve", "e")), Err(401), "she is not named there");
    assert_eq!(unix(""), Err(401));
}

#[test]
fn nobody_gets_more_than_the_listener_gives() {
    let site = Site::new("username=own\npassword=o\nrole=operator", USERS);
    for (user, password, wanted) in
        [("own", "o", OPERATOR), ("eve", "e", OPERATOR), ("ann", "a", VIEWER)]
    {
        let connect = || Box::new(site.connect()) as Box<dyn Stream>;
        assert_eq!(allowed(connect, &basic(user, password)), wanted, "{user}");
    }
    let rig = Rig::running(&format!("[unix_http_server]\nrole=viewer\n{CAT}"));
    let connect = || Box::new(UnixStream::connect(rig.path("sock")).unwrap()) as Box<dyn Stream>;
    assert_eq!(allowed(connect, ""), VIEWER, "root, too");
}

/// What somebody else of this host may do. The kernel tells the listener who connects: a thread
/// becomes that user for itself alone, and ends.
fn as_user(rig: &Rig, uid: u32, gid: u32, groups: &[u32], headers: &str) -> Result<[bool; 3], u16> {
    let socket = rig.path("sock");
    let (groups, headers) = (groups.to_vec(), headers.to_owned());
    let becomes = move || {
        // SAFETY: setgroups(2), setresgid(2) and setresuid(2) take numbers and an array of as
        // many as is told; called so, they change this thread and no other.
        let changed = unsafe {
            [
                libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()),
                libc::syscall(libc::SYS_setresgid, gid, gid, gid),
                libc::syscall(libc::SYS_setresuid, uid, uid, uid),
            ]
        };
        assert_eq!(changed, [0; 3], "{}", std::io::Error::last_os_error());
        allowed(|| Box::new(UnixStream::connect(&socket).unwrap()), &headers)
    };
    std::thread::spawn(becomes).join().unwrap()
}

fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("skipped: only root can become another user");
    }
    root
}

/// A daemon whose socket everybody can reach.
fn open_to_all(sections: &str) -> Rig {
    let rig = Rig::new(&format!("[unix_http_server]\nchmod=0777\n{sections}{CAT}"));
    let mut rig = rig;
    fs::set_permissions(rig.path(""), Permissions::from_mode(0o755)).unwrap();
    rig.start();
    rig
}

#[test]
fn the_kernel_vouches_for_users_and_groups_of_this_host() {
    if !is_root() {
        return;
    }
    let nobody = nix::unistd::User::from_name("nobody").unwrap().expect("a user nobody");
    let (uid, gid) = (nobody.uid.as_raw(), nobody.gid.as_raw());
    let stranger = 54_321;
    // Groups 1 and 2 are in every user database.
    let keys = "allow_users=nobody:operator\nallow_groups=1 2:viewer\n";
    let rig = open_to_all(keys);
    assert_eq!(as_user(&rig, 0, 0, &[], ""), ADMIN);
    assert_eq!(as_user(&rig, uid, gid, &[], ""), OPERATOR);
    assert_eq!(as_user(&rig, uid, gid, &[1], ""), ADMIN, "the highest counts");
    assert_eq!(as_user(&rig, uid, gid, &[2], ""), OPERATOR);
    assert_eq!(as_user(&rig, stranger, 1, &[], ""), ADMIN);
    assert_eq!(as_user(&rig, stranger, stranger, &[5, 6, 2], ""), VIEWER);
    assert_eq!(as_user(&rig, stranger, stranger, &[5, 6], ""), Err(403));

    let rig = open_to_all(&format!("{keys}username=u\npassword=p\n"));
    assert_eq!(as_user(&rig, stranger, stranger, &[], ""), Err(401), "a password helps");
    assert_eq!(as_user(&rig, stranger, stranger, &[], &basic("u", "p")), ADMIN);
    assert_eq!(as_user(&rig, uid, gid, &[], ""), OPERATOR, "and is not needed");
    assert_eq!(as_user(&rig, uid, gid, &[], &basic("u", "p")), ADMIN);
}

#[test]
fn a_hashed_password_opens_and_is_found_nowhere() {
    let mut hashing = Command::new(env!("CARGO_BIN_EXE_supervisord"))
        .arg("hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    hashing.stdin.take().unwrap().write_all(b"correct horse\n").unwrap();
    let hash = String::from_utf8(hashing.wait_with_output().unwrap().stdout).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && hash.ends_with('\n'), "{hash}");

    let site = Site::new(&format!("username=u\npassword={hash}"), USERS);
    let get = |password: &str| format!("GET /program/list\nHost: x\n{}", basic("u", password));
    assert_eq!(site.status(&get("correct horse")), 200);
    assert_eq!(site.status(&get("wrong horse")), 401);
    assert_eq!(site.status(&get(hash.trim())), 401);
    let log = site.rig.log();
    assert!(log.contains("a login from 127.0.0.1 as \"u\" failed"), "{log}");
    for secret in ["correct horse", "wrong horse", "argon2id"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    let commands = fs::read(format!("/proc/{}/cmdline", site.daemon.pid())).unwrap();
    assert!(!String::from_utf8_lossy(&commands).contains("argon2id"));
    let config = site.rig.command(&[]).get_args().nth(1).unwrap().to_owned();
    let checked = Command::new(env!("CARGO_BIN_EXE_supervisord")).arg("check").arg(config).output();
    let said = String::from_utf8(checked.unwrap().stdout).unwrap();
    assert!(said.contains("0 errors") && !said.contains("argon2id"), "{said}");
}

#[test]
fn guessing_is_slowed_down_and_told_of_once() {
    let site = Site::new("username=u\npassword=p", "");
    let get =
        |password: &str| format!("GET /program/list\nHost: x\n{}", basic("u\x1b[2J", password));
    let right = format!("GET /program/list\nHost: x\n{}", basic("u", "p"));
    assert_eq!(site.status(&right), 200);
    let guesses: Vec<u16> = (0..50).map(|number| site.status(&get(&number.to_string()))).collect();
    let first = guesses.iter().position(|&status| status == 429).expect("an end");
    assert!((3..=10).contains(&first), "{guesses:?}");
    assert!(guesses[first..].iter().all(|&status| status == 429), "{guesses:?}");
    let told = site.ask(&get("x"), "");
    assert!(told.head.contains("retry-after: "), "{}", told.head);
    assert!(!told.head.contains("www-authenticate"), "{}", told.head);
    assert_eq!(site.status("GET /program/list\nHost: x"), 401, "who does not guess is asked");
    assert_eq!(site.status(&right), 200, "who has come in before comes in again");
    let log = site.rig.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("login")).collect();
    assert!(lines.len() == 2 && lines[0].contains(r"u\u{1b}[2J"), "{lines:#?}");
    // The unix socket is another door.
    site.rig.call("getState", &[]).unwrap();
}

#[test]
fn pages_of_other_sites_and_rebound_names_are_kept_out() {
    let open = Site::new("allow_hosts=sup.example", "");
    let locked = Site::new("username=u\npassword=p\nallow_origins=https://a.example", "");
    let known = basic("u", "p");
    let ua = "User-Agent: Mozilla/5.0";
    for (site, request, wanted) in [
        (&open, format!("GET /program/list\nHost: localhost:9001\n{ua}"), 200),
        (&open, format!("GET /program/list\nHost: sup.example\n{ua}"), 200),
        (&open, format!("GET /program/list\nHost: evil.example\n{ua}"), 403),
        (&open, "GET /program/list\nHost: evil.example".to_owned(), 200),
        (&open, "POST /program/stop/x/cat\nHost: localhost\nOrigin: http://evil.example".into(), 403),
        (&open, "POST /program/stop/x/cat\nHost: localhost\nSec-Fetch-Site: cross-site".into(), 403),
        (&open, "PUT /program/stop/x/cat\nHost: localhost\nOrigin: null".into(), 403),
        (&open, "GET /program/stop/x/cat\nHost: localhost".into(), 405),
        (&locked, format!("GET /program/list\nHost: evil.example\n{ua}\n{known}"), 200),
        (&locked, format!("POST /api/getState\nHost: h\nOrigin: https://b.example\n{known}"), 403),
        (&locked, format!("POST /api/getState\nHost: h\nOrigin: https://a.example\n{known}"), 200),
        (&locked, "POST /api/getState\nHost: h\nOrigin: https://a.example".into(), 401),
        (&locked, "OPTIONS /api/getState\nHost: h\nOrigin: https://a.example\nAccess-Control-Request-Method: POST".into(), 204),
        (&locked, "OPTIONS /api/getState\nHost: h\nOrigin: https://b.example\nAccess-Control-Request-Method: POST".into(), 403),
        (&locked, "OPTIONS /api/getState\nHost: h".into(), 401),
    ] {
        let heard = site.ask(&request, "");
        assert_eq!(heard.status, wanted, "{request}\n{}", String::from_utf8_lossy(&heard.body));
    }
    assert_eq!(open.rig.state("cat"), "RUNNING", "nobody has stopped it");
    let form = "POST /RPC2\nHost: localhost\nContent-Type: text/plain\nOrigin: http://localhost";
    assert_eq!(open.ask(form, "<methodCall/>").status, 415);
    let json = "POST /api/stopProcess\nHost: localhost\nContent-Type: text/plain";
    assert_eq!(open.ask(json, r#"{"name":"cat"}"#).status, 415);
    let shared =
        locked.ask(&format!("GET /program/list\nHost: h\nOrigin: https://a.example\n{known}"), "");
    assert!(
        shared.head.contains("access-control-allow-origin: https://a.example"),
        "{}",
        shared.head
    );
    let other =
        locked.ask(&format!("GET /program/list\nHost: h\nOrigin: https://b.example\n{known}"), "");
    assert!(!other.head.contains("access-control"), "{}", other.head);
}

#[test]
fn every_kind_of_answer_has_the_headers_that_keep_it_safe() {
    let site = Site::new("username=u\npassword=p\nallow_origins=https://a.example", "");
    let known = basic("u", "p");
    let call = "<methodCall><methodName>supervisor.getState</methodName></methodCall>";
    let preflight =
        "OPTIONS /RPC2\nHost: h\nOrigin: https://a.example\nAccess-Control-Request-Method: POST";
    for (request, body, status) in [
        (format!("POST /RPC2\nHost: h\n{known}"), call, 200),
        (format!("POST /RPC2\nHost: h\n{known}"), "<a>", 400),
        (format!("GET /\nHost: h\n{known}"), "", 200),
        (format!("GET /program/list\nHost: h\n{known}"), "", 200),
        (format!("GET /metrics\nHost: h\n{known}"), "", 200),
        (format!("GET /healthz\nHost: h\n{known}"), "", 200),
        (format!("GET /openapi.json\nHost: h\n{known}"), "", 200),
        (format!("GET /supervisor/log\nHost: h\n{known}"), "", 200),
        (format!("GET /nope\nHost: h\n{known}"), "", 404),
        (format!("DELETE /RPC2\nHost: h\n{known}"), "", 405),
        (format!("POST /api/startProcess\nHost: h\nContent-Type: text/plain\n{known}"), "x", 415),
        ("GET /program/list\nHost: h".into(), "", 401),
        (format!("POST /RPC2\nHost: h\nOrigin: http://evil\n{known}"), call, 403),
        (preflight.into(), "", 204),
    ] {
        let heard = site.ask(&request, body);
        assert_eq!(heard.status, status, "{request}");
        for header in [
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "x-frame-options: deny",
            "cross-origin-resource-policy: same-origin",
            "cross-origin-opener-policy: same-origin",
            "frame-ancestors 'none'",
            "content-security-policy: default-src '",
            "cache-control: no-",
        ] {
            assert!(heard.head.contains(header), "{header} is missing: {request}\n{}", heard.head);
        }
        assert!(!heard.head.contains("strict-transport-security"), "{}", heard.head);
        assert!(!heard.head.contains("unsafe-inline"), "{}", heard.head);
    }
}

#[test]
fn a_password_is_changed_and_a_user_shut_out_without_a_restart() {
    let site = Site::new("username=u\npassword=old", USERS);
    let get = |user: &str, password: &str| {
        site.status(&format!("GET /program/list\nHost: h\n{}", basic(user, password)))
    };
    let pid = site.rig.process("cat");
    assert_eq!((get("u", "old"), get("bob", "b")), (200, 200));
    let text = fs::read_to_string(site.rig.path("conf")).unwrap();
    let text = text.replace("password=old", "password=new\nusers=ann");
    fs::write(site.rig.path("conf"), text).unwrap();
    let updated = site.rig.ctl(&["update"]);
    assert!(updated.status.success(), "{updated:?}");
    site.rig.wait_log("who may come in through [inet_http_server] is as configured now");
    assert_eq!((get("u", "old"), get("u", "new")), (401, 200));
    assert_eq!((get("bob", "b"), get("ann", "a")), (401, 200));
    assert_eq!(site.rig.process("cat"), pid, "nothing was restarted");
}
