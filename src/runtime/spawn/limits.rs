//! Limits of the configuration in the form that prlimit(2) takes.

use std::ffi::c_int;

use super::child::Limit;
use crate::config::Limits;
use crate::config::limits::{Resource, ResourceLimit};

/// In the order of the settings, so that the index of one tells which it is.
pub fn for_child(limits: &Limits) -> Vec<Limit> {
    let limit = |limit: &ResourceLimit| Limit {
        resource: number(limit.resource),
        limit: libc::rlimit64 { rlim_cur: limit.soft, rlim_max: limit.hard },
    };
    limits.resources.iter().map(limit).collect()
}

/// The kernel's number, which differs between architectures.
fn number(resource: Resource) -> c_int {
    let number = match resource {
        Resource::As => libc::RLIMIT_AS,
        Resource::Core => libc::RLIMIT_CORE,
        Resource::Cpu => libc::RLIMIT_CPU,
        Resource::Data => libc::RLIMIT_DATA,
        Resource::Fsize => libc::RLIMIT_FSIZE,
        Resource::Locks => libc::RLIMIT_LOCKS,
        Resource::Memlock => libc::RLIMIT_MEMLOCK,
        Resource::Msgqueue => libc::RLIMIT_MSGQUEUE,
        Resource::Nice => libc::RLIMIT_NICE,
        Resource::Nofile => libc::RLIMIT_NOFILE,
        Resource::Nproc => libc::RLIMIT_NPROC,
        Resource::Rss => libc::RLIMIT_RSS,
        Resource::Rtprio => libc::RLIMIT_RTPRIO,
        Resource::Rttime => libc::RLIMIT_RTTIME,
        Resource::Sigpending => libc::RLIMIT_SIGPENDING,
        Resource::Stack => libc::RLIMIT_STACK,
    };
    // An unsigned number with glibc; there are sixteen.
    number as c_int
}
