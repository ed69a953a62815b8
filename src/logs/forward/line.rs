//! The socket to one destination. It may hold up whoever sends, for [`SEND_TIME_MAX`] at a time.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};

use super::journal;
use super::{Destination, SystemSockets};
use crate::config::setting::SyslogAddress;

/// How long a destination may take nothing before the sender looks whether to go on.
const SEND_TIME_MAX: Duration = Duration::from_secs(1);

/// How long one address of a host may take to answer before the next one is tried.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// After so many milliseconds without an acknowledgement a connection is given up.
const UNACKNOWLEDGED_MILLIS_MAX: u32 = 30_000;

/// What is asked for, so that bursts have room; the system may grant less.
const BUFFER_BYTES: usize = 1 << 20;

/// A socket that is opened when there is something to send.
#[derive(Debug)]
pub(super) struct Line {
    destination: Destination,
    sockets: SystemSockets,
    open: Option<Open>,
    /// How much of the present record was taken.
    taken: usize,
}

#[derive(Debug)]
enum Open {
    /// The host's system log.
    Datagram(UnixDatagram),
    /// The host's system log where it wants a connection; messages end with a zero byte.
    Stream(UnixStream),
    Journal(UnixDatagram),
    Udp(UdpSocket),
    Tcp(TcpStream),
}

/// Why a record was not sent.
#[derive(Debug)]
pub(super) enum Failure {
    /// It never will be: it is too large.
    TooLarge,
    /// The other side takes nothing at present.
    Slow,
    /// There is no way to the other side. So many bytes of what was taken before, this record's
    /// not counted, did not arrive.
    Broken(io::Error, usize),
}

impl Line {
    pub fn new(destination: Destination, sockets: SystemSockets) -> Self {
        Self { destination, sockets, open: None, taken: 0 }
    }

    /// Whether it waits for a path or for a host.
    pub fn is_remote(&self) -> bool {
        use SyslogAddress::{Tcp, Udp};
        matches!(self.destination, Destination::Syslog(Tcp(..) | Udp(..)))
    }

    /// Sends a record. After [`Failure::Slow`] it wants the same one again.
    ///
    /// # Errors
    /// Why it was not sent.
    pub fn send(&mut self, record: &[u8]) -> Result<(), Failure> {
        let Self { open, taken, .. } = self;
        let outcome = match open {
            None => match connect(&self.destination, &self.sockets) {
                Ok(opened) => {
                    *open = Some(opened);
                    return self.send(record);
                }
                Err(error) => return Err(Failure::Broken(error, 0)),
            },
            Some(Open::Datagram(socket)) => socket.send(record).map(drop),
            Some(Open::Udp(socket)) => socket.send(record).map(drop),
            Some(Open::Journal(socket)) => match socket.send(record) {
                Err(error) if is(&error, &[Errno::EMSGSIZE, Errno::ENOBUFS]) => {
                    journal::send_large(socket, record)
                }
                other => other.map(drop),
            },
            Some(Open::Tcp(stream)) => push(stream, record, taken),
            Some(Open::Stream(stream)) => push(stream, record, taken)
                .and_then(|()| push(stream, &[0], &mut taken.saturating_sub(record.len()))),
        };
        match outcome {
            Ok(()) => {
                self.taken = 0;
                Ok(())
            }
            Err(error) if is(&error, &[Errno::EMSGSIZE]) => Err(Failure::TooLarge),
            Err(error) if is(&error, &[Errno::EAGAIN, Errno::ENOBUFS]) => Err(Failure::Slow),
            Err(error) => Err(self.broken(error)),
        }
    }

    /// Looks whether the other side has left, which a connection that only sends learns too late.
    ///
    /// # Errors
    /// It has.
    pub fn look(&mut self) -> Result<(), Failure> {
        let Some(Open::Tcp(stream)) = &self.open else {
            return Ok(());
        };
        // Whatever it says is not for us.
        let mut heard = [0; 4096];
        loop {
            match recv(stream.as_raw_fd(), &mut heard, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => return Err(self.broken(io::ErrorKind::ConnectionReset.into())),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(()),
                Err(errno) => return Err(self.broken(errno.into())),
            }
        }
    }

    /// Bytes that were taken and not yet acknowledged by the other side's system.
    pub fn unacknowledged(&self) -> usize {
        let Some(Open::Tcp(stream)) = &self.open else {
            return 0;
        };
        let mut count: libc::c_int = 0;
        // SAFETY: SIOCOUTQ (tcp(7)) writes one int to the pointer, which is to a live one.
        let outcome = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
        if outcome == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
    }

    fn broken(&mut self, error: io::Error) -> Failure {
        let before = self.unacknowledged().saturating_sub(self.taken);
        self.open = None;
        self.taken = 0;
        Failure::Broken(error, before)
    }
}

fn is(error: &io::Error, any: &[Errno]) -> bool {
    any.iter().any(|&errno| error.raw_os_error() == Some(errno as i32))
}

/// Writes what is left of a record.
fn push(stream: &mut impl Write, record: &[u8], taken: &mut usize) -> io::Result<()> {
    while let Some(rest) = record.get(*taken..).filter(|rest| !rest.is_empty()) {
        match stream.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => *taken += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn connect(destination: &Destination, sockets: &SystemSockets) -> io::Result<Open> {
    match destination {
        Destination::Journal => datagram(&sockets.journal).map(Open::Journal),
        Destination::Syslog(SyslogAddress::Local) => match datagram(&sockets.syslog) {
            Err(error) if is(&error, &[Errno::EPROTOTYPE]) => {
                let stream = UnixStream::connect(&sockets.syslog)?;
                stream.set_write_timeout(Some(SEND_TIME_MAX))?;
                Ok(Open::Stream(stream))
            }
            other => other.map(Open::Datagram),
        },
        Destination::Syslog(SyslogAddress::Udp(host, port)) => first(host, *port, |address| {
            let any: IpAddr = match address {
                SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            let socket = UdpSocket::bind((any, 0))?;
            socket.connect(address)?;
            socket.set_write_timeout(Some(SEND_TIME_MAX))?;
            Ok(socket)
        })
        .map(Open::Udp),
        Destination::Syslog(SyslogAddress::Tcp(host, port)) => {
            let stream = first(host, *port, |address| {
                TcpStream::connect_timeout(&address, CONNECT_TIME_MAX)
            })?;
            stream.set_write_timeout(Some(SEND_TIME_MAX))?;
            // Without it a host that has vanished is noticed after a quarter of an hour.
            setsockopt(&stream, sockopt::TcpUserTimeout, &UNACKNOWLEDGED_MILLIS_MAX)?;
            Ok(Open::Tcp(stream))
        }
    }
}

fn datagram(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    socket.set_write_timeout(Some(SEND_TIME_MAX))?;
    let _ = setsockopt(&socket.as_fd(), sockopt::SndBuf, &BUFFER_BYTES);
    Ok(socket)
}

/// The first of a host's addresses that can be opened.
fn first<T>(host: &str, port: u16, open: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match open(address) {
            Ok(opened) => return Ok(opened),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
