//! `minfds` and `minprocs`: at least so many descriptors and processes.

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

use super::Notice;
use crate::config::setting::LogLevel;

/// Raises the limits of open files and processes where they are below what is asked for; children
/// inherit them, as the reference's do. Tells of each that was raised.
///
/// # Errors
/// The reference's sentence on the limit that cannot be raised; the daemon must not go on.
pub fn raise_limits(minfds: u64, minprocs: u64) -> Result<Vec<Notice>, String> {
    let descriptors = raise(Resource::RLIMIT_NOFILE, minfds).map_err(|hard| {
        format!(
            "The minimum number of file descriptors required to run this process is {minfds} as \
             per the \"minfds\" command-line argument or config file setting. The current \
             environment will only allow you to open {hard} file descriptors.  Either raise the \
             number of usable file descriptors in your environment (see README.rst) or lower the \
             minfds setting in the config file to allow the process to start."
        )
    })?;
    let processes = raise(Resource::RLIMIT_NPROC, minprocs).map_err(|hard| {
        format!(
            "The minimum number of available processes required to run this program is {minprocs} \
             as per the \"minprocs\" command-line argument or config file setting. The current \
             environment will only allow you to open {hard} processes.  Either raise the number \
             of usable processes in your environment (see README.rst) or lower the minprocs \
             setting in the config file to allow the program to start."
        )
    })?;
    let raised =
        |name, minimum| Notice::new(LogLevel::Info, format!("Increased {name} limit to {minimum}"));
    let descriptors = descriptors.then(|| raised("RLIMIT_NOFILE", minfds));
    let processes = processes.then(|| raised("RLIMIT_NPROC", minprocs));
    Ok(descriptors.into_iter().chain(processes).collect())
}

/// Whether it had to be raised, or the hard limit that forbids it.
fn raise(resource: Resource, minimum: u64) -> Result<bool, String> {
    let shown = |limit: u64| {
        if limit == RLIM_INFINITY { "-1".to_owned() } else { limit.to_string() }
    };
    let (soft, hard) = getrlimit(resource).map_err(|_| "unknown".to_owned())?;
    if soft >= minimum {
        return Ok(false);
    }
    // Only root may raise the hard limit; for everyone else this fails.
    setrlimit(resource, minimum, hard.max(minimum)).map_err(|_| shown(hard))?;
    Ok(true)
}
