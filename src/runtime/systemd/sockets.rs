//! Sockets that the service manager passes (sd_listen_fds(3)).

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Takes over what was passed: each descriptor with its name. They are closed on exec from now on,
/// and the variables that told of them are gone, so that neither reaches a program.
///
/// To be called once, first thing, while the process has one thread.
///
/// # Errors
/// The variables contradict themselves or name descriptors that are not open.
pub fn claim() -> io::Result<Vec<(String, OwnedFd)>> {
    // SAFETY: nothing else reads the environment: the process has one thread, as the caller
    // promises.
    let passed = unsafe { sd_notify::listen_fds_with_names_and_unset_env() }.map_err(|why| {
        io::Error::new(
            why.kind(),
            format!("cannot take over the passed sockets (LISTEN_FDS): {why}"),
        )
    })?;
    let own = |(number, name): (RawFd, String)| {
        // SAFETY: the service manager opened it for this process, and this is the one place that
        // takes it.
        (name, unsafe { OwnedFd::from_raw_fd(number) })
    };
    Ok(passed.map(own).collect())
}
