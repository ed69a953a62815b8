//! Whose processes are whose.

use std::fs;

/// How many generations up a sender's parents are looked at.
const GENERATIONS_MAX: usize = 16;

/// A program's processes: its child and what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Family<'a> {
    /// The child.
    pub child: i32,
    /// Its control group, as /proc/PID/cgroup names it; empty without one.
    pub control_group: &'a str,
}

impl Family<'_> {
    /// Whether a process is of the family: the child itself, of its process group or control
    /// group, or a descendant. Of one that has ended this cannot be said, and is denied.
    #[must_use]
    pub fn has(&self, pid: i32) -> bool {
        pid == self.child
            || self.is_in_control_group(pid)
            || Stat::of(pid).is_some_and(|stat| stat.group == self.child)
            || self.is_ancestor_of(pid)
    }

    fn is_in_control_group(&self, pid: i32) -> bool {
        if self.control_group.is_empty() {
            return false;
        }
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        let unified = text.lines().find_map(|line| line.strip_prefix("0::"));
        let below = |path: &str| path.strip_prefix(self.control_group).map(str::to_owned);
        unified.and_then(below).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn is_ancestor_of(&self, pid: i32) -> bool {
        let mut at = pid;
        for _ in 0..GENERATIONS_MAX {
            match Stat::of(at) {
                Some(Stat { parent, .. }) if parent == self.child => return true,
                Some(Stat { parent, .. }) if parent > 1 => at = parent,
                _ => return false,
            }
        }
        false
    }
}

/// What proc_pid_stat(5) tells of a process's kin.
#[derive(Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
}

impl Stat {
    /// `None` if there is no such process.
    pub fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(line: &str) -> Option<Self> {
        // The name is in parentheses and may hold any byte, parentheses too.
        let (_, after) = line.rsplit_once(')')?;
        let mut words = after.split_ascii_whitespace().skip(1);
        Some(Self { parent: words.next()?.parse().ok()?, group: words.next()?.parse().ok()? })
    }
}

/// The parent of a process; `None` if there is no such process.
pub fn parent_of(pid: i32) -> Option<i32> {
    Stat::of(pid).map(|stat| stat.parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_fools_nobody() {
        let stat = Stat::parse("7 (a) R 1 2) S 5 6 6 0").unwrap();
        assert_eq!(stat, Stat { parent: 5, group: 6 });
    }

    #[test]
    fn this_process_is_its_own_family_and_its_parents() {
        let own = std::process::id() as i32;
        let family = |child| Family { child, control_group: "" };
        assert!(family(own).has(own));
        let parent = parent_of(own).unwrap();
        assert!(family(parent).has(own));
        assert!(!family(own).has(1));
    }
}
