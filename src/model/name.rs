//! Names of groups and processes, and the ways a person writes them.

use std::fmt;
use std::sync::Arc;

use sha1::{Digest, Sha1};

/// The longest name of a directory (NAME_MAX of limits.h), in bytes.
const DIRECTORY_NAME_BYTES_MAX: usize = 255;

/// How much of a digest stands for the end of a name that is too long for a directory.
const DIGEST_BYTES: usize = 8;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

name_type!(
    /// The name of a process group; a program outside any `[group:x]` is a group of its own name.
    GroupName
);
name_type!(
    /// The name of a process within its group.
    ProcessName
);

/// A process's full identity. Ordered by group, then name. A single pointer, because a dozen tables
/// hold one for every process.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(Arc<Names>);

/// The names that make a [`ProcessId`].
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Names {
    /// The group it belongs to.
    pub group: GroupName,
    /// Its name within the group.
    pub name: ProcessName,
}

impl std::ops::Deref for ProcessId {
    type Target = Names;
    fn deref(&self) -> &Names {
        &self.0
    }
}

impl ProcessId {
    /// The identity of `name` in `group`.
    pub fn new(group: impl Into<GroupName>, name: impl Into<ProcessName>) -> Self {
        Self(Arc::new(Names { group: group.into(), name: name.into() }))
    }

    /// The name of its control group: `group:name`, a directory of its own for every identity,
    /// and none that the kernel's files could have.
    ///
    /// What no such directory can be called is written `\x2f`, as systemd escapes names of units;
    /// what could be the kernel's begins with `_`, as systemd's control groups do. Of a name that
    /// is too long the end is replaced by a digest of all of it.
    #[must_use]
    pub fn cgroup_name(&self) -> String {
        let mut name = String::new();
        // The first colon divides, so that there can be none before it.
        escape(&self.group, ":", &mut name);
        name.push(':');
        escape(&self.name, "", &mut name);
        // As systemd's cg_escape: the files of the kernel are called CONTROLLER.FILE.
        if name.starts_with(['_', '.']) || KERNEL_PREFIXES.iter().any(|part| name.starts_with(part))
        {
            name.insert(0, '_');
        }
        if name.len() > DIRECTORY_NAME_BYTES_MAX {
            let digest = Sha1::digest(name.as_bytes());
            let end: String =
                digest.iter().take(DIGEST_BYTES).map(|b| format!("{b:02x}")).collect();
            name.truncate(name.floor_char_boundary(DIRECTORY_NAME_BYTES_MAX - 1 - end.len()));
            name.push('-');
            name.push_str(&end);
        }
        name
    }
}

/// How the names of files begin that the kernel puts into a control group (cgroups(7)).
const KERNEL_PREFIXES: &[&str] = &[
    "cgroup.", "cpu.", "cpuset.", "dmem.", "hugetlb.", "io.", "irq.", "memory.", "misc.", "pids.",
    "rdma.",
];

/// Writes what a directory's name cannot hold, what would blur a line of /proc/self/cgroup, and
/// `also`, as systemd-escape does.
fn escape(text: &str, also: &str, out: &mut String) {
    for c in text.chars() {
        if c.is_ascii_control() || matches!(c, '/' | '\\') || also.contains(c) {
            out.push_str(&format!("\\x{:02x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
}

/// `name` alone where it equals its group's, else `group:name`: the reference's namespec.
impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.as_str() == self.name.as_str() {
            f.pad(&self.name)
        } else {
            f.pad(&format!("{}:{}", self.group, self.name))
        }
    }
}

impl fmt::Debug for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What a namespec points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `name` or `group:name`.
    Process(ProcessId),
    /// `group:*` or `group:`.
    Group(GroupName),
}

impl Target {
    /// Reads a namespec: `name`, `group:name`, `group:*`, `group:`.
    ///
    /// Only the first colon divides; what follows is the process's name. Never fails: whether
    /// the names exist is another question.
    #[must_use]
    pub fn parse(namespec: &str) -> Self {
        match namespec.split_once(':') {
            None => Self::Process(ProcessId::new(namespec, namespec)),
            Some((group, "" | "*")) => Self::Group(group.into()),
            Some((group, name)) => Self::Process(ProcessId::new(group, name)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(id) => write!(f, "{id}"),
            Self::Group(group) => write!(f, "{group}:*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespecs_are_read_as_the_reference_reads_them() {
        let check = |text: &str, target: Target| assert_eq!(Target::parse(text), target, "{text}");
        check("web", Target::Process(ProcessId::new("web", "web")));
        check("g:web", Target::Process(ProcessId::new("g", "web")));
        check("g:web:1", Target::Process(ProcessId::new("g", "web:1")));
        check("g:*", Target::Group("g".into()));
        check("g:", Target::Group("g".into()));
    }

    #[test]
    fn a_control_group_is_called_like_its_process() {
        let check = |group: &str, name: &str, expected: &str| {
            assert_eq!(ProcessId::new(group, name).cgroup_name(), expected);
        };
        check("web", "web", "web:web");
        check("web", "web 01 é", "web:web 01 é");
        check("a:b", "c", "a\\x3ab:c");
        check("a", "b:c", "a:b:c");
        check("..", "..", "_..:..");
        check("", "", ":");
        check("_x", "y", "__x:y");
        check("memory.max", "y", "_memory.max:y");
        check("cgroup.procs", "y", "_cgroup.procs:y");
        check("memory", "max", "memory:max");
        check("a/b", "../c\n\0\\x2f", "a\\x2fb:..\\x2fc\\x0a\\x00\\x5cx2f");
    }

    #[test]
    fn a_long_name_fits_and_is_still_its_own() {
        let of = |end: &str| ProcessId::new("g", format!("{}{end}", "é".repeat(126))).cgroup_name();
        // "g:" and 126 of two bytes are 254.
        assert_eq!(of("x"), format!("g:{}x", "é".repeat(126)));
        let (long, other) = (of("xx"), of("xy"));
        assert!(long.starts_with("g:éé") && long.len() <= 255, "{long}");
        assert_eq!(long.rsplit('-').next().map(str::len), Some(16));
        assert_ne!(long, other);
    }

    #[test]
    fn a_name_that_equals_its_group_stands_alone() {
        assert_eq!(ProcessId::new("web", "web").to_string(), "web");
        assert_eq!(ProcessId::new("g", "web").to_string(), "g:web");
        assert_eq!(format!("{:<6}|", ProcessId::new("a", "b")), "a:b   |");
    }
}
