//! `supervisord hash-password` on a terminal.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the program itself")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};

/// The program at a terminal of its own.
struct Asking {
    child: Child,
    terminal: File,
    /// The other side, to look at.
    screen: OwnedFd,
    seen: String,
}

impl Asking {
    fn new() -> Self {
        let pty = openpty(None, None).unwrap();
        let side = || Stdio::from(pty.slave.try_clone().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_supervisord"));
        command.arg("hash-password").stdin(side()).stdout(Stdio::piped()).stderr(side());
        // SAFETY: setsid(2) and ioctl(2) alone: the terminal becomes the child's own, so that its
        // keys send signals.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        Self { child, terminal: pty.master.into(), screen: pty.slave, seen: String::new() }
    }

    fn wait_for(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let mut piece = [0; 256];
            let count = self.terminal.read(&mut piece).unwrap();
            self.seen.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
    }

    fn answer(&mut self, question: &str, keys: &str) {
        self.wait_for(question);
        self.seen.clear();
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    fn shows_what_is_typed(&self) -> bool {
        tcgetattr(&self.screen).unwrap().local_flags.contains(LocalFlags::ECHO)
    }

    fn hash(&mut self) -> String {
        let mut hash = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut hash).unwrap();
        hash
    }
}

#[test]
fn a_password_is_asked_for_twice_and_not_shown() {
    let mut asking = Asking::new();
    asking.answer("Password: ", "secret\n");
    asking.answer("again: ", "secret\n");
    let hash = asking.hash();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    assert!(asking.child.wait().unwrap().success());
    asking.wait_for("\n");
    assert!(!asking.seen.contains("secret"), "{:?}", asking.seen);
    assert!(asking.shows_what_is_typed());

    let mut asking = Asking::new();
    asking.answer("Password: ", "secret\n");
    asking.answer("again: ", "secreT\n");
    asking.wait_for("the two are not the same");
    assert_eq!(asking.hash(), "");
    assert_eq!(asking.child.wait().unwrap().code(), Some(2));
}

#[test]
fn who_gives_up_has_their_terminal_back() {
    use std::os::unix::process::ExitStatusExt;
    let mut asking = Asking::new();
    asking.answer("Password: ", "sec\x03");
    let status = asking.child.wait().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGINT), "{status:?}");
    assert!(asking.shows_what_is_typed());
}
