//! Names of groups and processes, and the ways a person writes them.

use std::fmt;
use std::sync::Arc;

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

/// A process's full identity. Ordered by group, then name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    /// The group it belongs to.
    pub group: GroupName,
    /// Its name within the group.
    pub name: ProcessName,
}

impl ProcessId {
    /// The identity of `name` in `group`.
    pub fn new(group: impl Into<GroupName>, name: impl Into<ProcessName>) -> Self {
        Self { group: group.into(), name: name.into() }
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
    fn a_name_that_equals_its_group_stands_alone() {
        assert_eq!(ProcessId::new("web", "web").to_string(), "web");
        assert_eq!(ProcessId::new("g", "web").to_string(), "g:web");
        assert_eq!(format!("{:<6}|", ProcessId::new("a", "b")), "a:b   |");
    }
}
