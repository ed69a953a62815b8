//! The journal's native protocol (systemd's "Native Journal Protocol"): a datagram a message, or
//! a sealed file in memory where a datagram is too small.

use std::fs::File;
use std::io::{self, IoSlice, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

/// Appends a field. A value with a newline in it has its length before it.
pub(super) fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// Sends a message that is too large for a datagram.
///
/// # Errors
/// There is no memory or no descriptor for it, or those of sendmsg(2).
pub(super) fn send_large(socket: &UnixDatagram, message: &[u8]) -> io::Result<()> {
    let flags = MFdFlags::MFD_ALLOW_SEALING | MFdFlags::MFD_CLOEXEC;
    let mut file = File::from(memfd_create(c"journal-message", flags)?);
    file.write_all(message)?;
    let seals = SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    let files = [file.as_raw_fd()];
    let control = [ControlMessage::ScmRights(&files)];
    let nothing: [IoSlice<'_>; 0] = [];
    sendmsg::<()>(socket.as_raw_fd(), &nothing, &control, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_with_newlines_have_their_length() {
        let mut out = Vec::new();
        field(&mut out, "A", b"plain = \xff");
        field(&mut out, "B", b"two\nlines");
        assert_eq!(out, b"A=plain = \xff\nB\n\x09\0\0\0\0\0\0\0two\nlines\n");
    }
}
