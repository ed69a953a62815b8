//! The real files and the real host, for `config`.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{IpAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::AccessFlags;
use nix::unistd::{Gid, Group, Uid, User as Account, access, getgrouplist, gethostname, getuid};

use crate::config::setting::User;
use crate::config::tls::TlsPart;
use crate::config::{Files, Host, TlsSettings};
use crate::tls::Server;

/// A configuration file past this size is refused: it is something else.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

/// How long a file that is no regular one, a FIFO, may be silent, in milliseconds. Past it there is
/// an error.
const SILENCE_MAX: u16 = 10_000;

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealFiles;

impl Files for RealFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // A FIFO, as `-c <(command)` makes one, may never be written to: not even its opening waits.
        let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        let mut bytes = Vec::new();
        loop {
            match (&file).take(FILE_BYTES_MAX + 1 - bytes.len() as u64).read_to_end(&mut bytes) {
                Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => {
                    return Err(io::Error::other("it is larger than 64 MB"));
                }
                Ok(_) => return Ok(bytes),
                // What was read is kept (`Read::read_to_end`).
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => await_bytes(&file)?,
                Err(why) => return Err(why),
            }
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        // A name that is not UTF-8 cannot be written in a configuration either.
        let name = |entry: io::Result<fs::DirEntry>| match entry {
            Ok(entry) => entry.file_name().into_string().ok().map(Ok),
            Err(error) => Some(Err(error)),
        };
        fs::read_dir(directory)?.filter_map(name).collect()
    }

    fn exists(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        path.metadata().ok().map(|meta| meta.permissions().mode())
    }
}

fn await_bytes(file: &File) -> io::Result<()> {
    let mut awaited = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    match poll(&mut awaited, SILENCE_MAX) {
        Ok(0) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "it is no regular file, and nothing came out of it for {} s",
                SILENCE_MAX / 1000
            ),
        )),
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(why) => Err(why.into()),
    }
}

/// This host, as this process sees it. A look-up of a user or group may take as long as the
/// system's name service takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealHost;

impl Host for RealHost {
    fn env(&self) -> Vec<(String, String)> {
        // What is not UTF-8 cannot be expanded; programs inherit it all the same.
        std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    fn user(&self, name: &str) -> Result<User, String> {
        let found = match name.trim().parse() {
            Ok(uid) => Account::from_uid(Uid::from_raw(uid)),
            Err(_) => Account::from_name(name),
        };
        let account = found
            .map_err(|error| format!("cannot look up the user {name:?}: {error}"))?
            .ok_or_else(|| format!("{name:?} is not a user: expected a user's name or id"))?;
        let groups = CString::new(account.name.as_str())
            .map_err(io::Error::from)
            .and_then(|name| Ok(getgrouplist(&name, account.gid)?))
            .map_err(|error| format!("cannot look up the groups of {name:?}: {error}"))?;
        Ok(User {
            uid: account.uid.as_raw(),
            gid: account.gid.as_raw(),
            groups: groups.into_iter().map(Gid::as_raw).collect(),
            name: Some(account.name),
            home: Some(account.dir),
        })
    }

    fn group(&self, name: &str) -> Result<u32, String> {
        let found = match name.trim().parse() {
            Ok(gid) => Group::from_gid(Gid::from_raw(gid)),
            Err(_) => Group::from_name(name),
        };
        found
            .map_err(|error| format!("cannot look up the group {name:?}: {error}"))?
            .map(|group| group.gid.as_raw())
            .ok_or_else(|| format!("{name:?} is not a group: expected a group's name or id"))
    }

    fn address(&self, host: &str) -> Result<String, String> {
        if host.is_empty() {
            return Ok("0.0.0.0".to_owned());
        }
        let found = (host, 0_u16)
            .to_socket_addrs()
            .map_err(|error| format!("cannot look up the host {host:?}: {error}"))?;
        let mut found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        // The same one however the name service orders them; IPv4 sorts first.
        found.sort();
        let first = found.first().map(ToString::to_string);
        first.ok_or_else(|| format!("{host:?} has no address: expected a host that has one"))
    }

    fn hostname(&self) -> String {
        gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn cwd(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_else(|_| "/".into())
    }

    /// The first directory that can be written among `TMPDIR`, `TEMP`, `TMP` and the usual
    /// places, in the order of Python's `tempfile`.
    fn tmpdir(&self) -> PathBuf {
        let asked = ["TMPDIR", "TEMP", "TMP"].iter().filter_map(std::env::var_os);
        let usual = ["/tmp", "/var/tmp", "/usr/tmp"];
        asked
            .map(PathBuf::from)
            .chain(usual.iter().map(PathBuf::from))
            .find(|path| path.is_dir() && access(path, AccessFlags::W_OK).is_ok())
            .unwrap_or_else(|| self.cwd())
    }

    fn uid(&self) -> u32 {
        getuid().as_raw()
    }

    fn check_tls(&self, settings: &TlsSettings) -> Result<(), (TlsPart, String)> {
        Server::new(settings).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_by_id() {
        let root = RealHost.user("root").unwrap();
        assert_eq!((root.uid, root.gid, root.name.as_deref()), (0, 0, Some("root")));
        assert!(root.groups.contains(&0));
        assert_eq!(RealHost.user("0").unwrap().name, root.name);
        assert_eq!(RealHost.group("root"), Ok(0));
    }

    #[test]
    fn who_does_not_exist_is_named() {
        let message = RealHost.user("no-such-user").unwrap_err();
        assert!(message.contains("no-such-user"), "{message}");
        assert!(RealHost.user("4000000000").is_err());
        assert!(RealHost.user("nul\0byte").is_err());
        assert!(RealHost.group("no-such-group").is_err());
    }

    #[test]
    fn a_directory_is_listed_and_a_file_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.conf");
        fs::write(&file, "text").unwrap();
        assert_eq!(RealFiles.list(directory.path()).unwrap(), ["a.conf"]);
        assert_eq!(RealFiles.read(&file).unwrap(), b"text");
        assert!(RealFiles.exists(&file) && !RealFiles.is_dir(&file));
        assert!(RealFiles.read(Path::new("/dev/zero")).is_err());
    }

    #[test]
    fn a_fifo_is_read_to_its_end_and_never_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(RealFiles.read(&fifo).unwrap(), b"", "nobody writes");
        let (from, to) = nix::unistd::pipe().unwrap();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&from));
        let mut to = File::from(to);
        let (said, heard) = std::sync::mpsc::channel();
        let writing = std::thread::spawn(move || {
            // More than a pipe holds, so that the reader has to come back for it.
            for _ in 0..100 {
                io::Write::write_all(&mut to, &[b'x'; 10_000]).unwrap();
            }
            heard.recv().unwrap();
            io::Write::write_all(&mut to, b"end").unwrap();
        });
        said.send(()).unwrap();
        let read = RealFiles.read(Path::new(&path)).unwrap();
        writing.join().unwrap();
        assert_eq!(read.len(), 1_000_003);
        assert!(read.ends_with(b"xend"));
    }
}
