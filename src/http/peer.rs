//! Who is at the other end of a connection, as far as the system tells.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;

/// Groups of a peer that are looked at in one call; one with more costs a second call.
const GROUPS_USUAL: usize = 64;

/// The other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A process of this host, as it was when it connected (unix(7), SO_PEERCRED).
    Unix {
        /// Its effective user.
        uid: u32,
        /// Its effective group.
        gid: u32,
        /// Its supplementary groups.
        groups: Box<[u32]>,
    },
    /// Somebody at this address.
    Inet(SocketAddr),
}

impl Peer {
    /// The process at the other end of a unix socket's connection.
    ///
    /// # Errors
    /// The kernel does not tell; then the connection is of no use.
    pub fn of_unix(stream: &impl AsFd) -> io::Result<Self> {
        let credentials = getsockopt(&stream.as_fd(), PeerCredentials)?;
        let groups = supplementary_groups(stream)?;
        Ok(Self::Unix { uid: credentials.uid(), gid: credentials.gid(), groups })
    }

    /// A process of this host whose user and group are these.
    #[must_use]
    pub fn user(uid: u32, gid: u32) -> Self {
        Self::Unix { uid, gid, groups: Box::default() }
    }

    /// Whether it is in this group.
    #[must_use]
    pub fn is_in(&self, group: u32) -> bool {
        match self {
            Self::Unix { gid, groups, .. } => *gid == group || groups.contains(&group),
            Self::Inet(_) => false,
        }
    }
}

/// `192.0.2.1`, `user 1000`: as in "login from".
impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix { uid, .. } => write!(f, "user {uid}"),
            Self::Inet(address) => write!(f, "{}", address.ip().to_canonical()),
        }
    }
}

/// The groups beside the one of its credentials (SO_PEERGROUPS, since Linux 4.13); none where
/// the kernel does not know the question.
fn supplementary_groups(stream: &impl AsFd) -> io::Result<Box<[u32]>> {
    let fd = stream.as_fd().as_raw_fd();
    let mut groups = [0_u32; GROUPS_USUAL];
    match ask_groups(fd, &mut groups) {
        Ok(count) => Ok(groups.get(..count).unwrap_or_default().into()),
        Err(Wrong::Room(count)) => {
            let mut groups = vec![0; count];
            match ask_groups(fd, &mut groups) {
                Ok(count) => {
                    groups.truncate(count);
                    Ok(groups.into())
                }
                Err(Wrong::Room(_)) => Err(io::Error::other("its groups change all the time")),
                Err(Wrong::System(why)) => Err(why),
            }
        }
        Err(Wrong::System(why)) if why.raw_os_error() == Some(libc::ENOPROTOOPT) => {
            Ok(Box::default())
        }
        Err(Wrong::System(why)) => Err(why),
    }
}

enum Wrong {
    /// So many would have had to fit.
    Room(usize),
    System(io::Error),
}

fn ask_groups(fd: i32, groups: &mut [u32]) -> Result<usize, Wrong> {
    let mut bytes = libc::socklen_t::try_from(size_of_val(groups)).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: the kernel writes at most `bytes` bytes to `groups`, which has as many and takes
    // any; it writes to `bytes` what there would be.
    let result = unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            groups.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    let count = bytes as usize / size_of::<u32>();
    if result == 0 {
        return Ok(count);
    }
    let why = io::Error::last_os_error();
    let room = why.raw_os_error() == Some(libc::ERANGE);
    Err(if room { Wrong::Room(count) } else { Wrong::System(why) })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_kernel_tells_who_is_there() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = Peer::of_unix(&ours).unwrap();
        let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
        let mut own: Vec<u32> =
            nix::unistd::getgroups().unwrap().iter().map(|g| g.as_raw()).collect();
        let Peer::Unix { uid: found, gid: group, groups } = &peer else { panic!("{peer:?}") };
        assert_eq!((*found, *group), (uid.as_raw(), gid.as_raw()));
        let mut groups = groups.to_vec();
        groups.sort_unstable();
        own.sort_unstable();
        assert_eq!(groups, own);
        assert!(peer.is_in(gid.as_raw()) && !peer.is_in(4_000_000_000));
        assert!(own.iter().all(|group| peer.is_in(*group)));
    }

    #[test]
    fn more_groups_than_usual_are_asked_for_again() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let own = nix::unistd::getgroups().unwrap().len();
        match ask_groups(ours.as_raw_fd(), &mut []) {
            Err(Wrong::Room(count)) => assert_eq!(count, own),
            Ok(0) => assert_eq!(own, 0),
            _ => panic!("neither an answer nor how many"),
        }
    }

    #[test]
    fn an_address_is_shown_as_people_write_it() {
        let peer = |text: &str| Peer::Inet(text.parse().unwrap());
        assert_eq!(peer("[::ffff:192.0.2.1]:80").to_string(), "192.0.2.1");
        assert_eq!(peer("[2001:db8::1]:80").to_string(), "2001:db8::1");
        assert_eq!(Peer::user(1000, 1).to_string(), "user 1000");
    }
}
