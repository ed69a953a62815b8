//! Where the control group is that was delegated to the daemon, if any was.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// How systemd marks a control group that it delegated, with the value `1`: one that root alone
/// can set, one for units of users.
const MARKS: [&std::ffi::CStr; 2] = [c"trusted.delegate", c"user.delegate"];

/// How names of units end.
const UNIT_ENDINGS: &[&str] = &[".service", ".scope", ".slice", ".socket", ".mount", ".swap"];

/// A delegated control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it is in the file system.
    pub directory: PathBuf,
    /// What it is called in its hierarchy, from our control group namespace.
    pub path: String,
    /// The daemon is in a leaf of it already (`DelegateSubgroup=`, or an earlier life).
    pub has_leaf: bool,
}

/// A mount of the unified hierarchy, or of a part of it.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    root: PathBuf,
    at: PathBuf,
}

impl Place {
    /// From the texts of /proc/self/cgroup and /proc/self/mountinfo.
    ///
    /// # Errors
    /// In words: there is none.
    pub fn find(cgroup: &str, mountinfo: &str) -> Result<Self, String> {
        Self::find_marked(cgroup, mountinfo, &is_marked)
    }

    fn find_marked(
        cgroup: &str,
        mountinfo: &str,
        is_marked: &dyn Fn(&Path) -> bool,
    ) -> Result<Self, String> {
        let path = own_path(cgroup)?;
        let mounts = mounts(mountinfo);
        if mounts.is_empty() {
            return Err("no cgroup2 file system is mounted".to_owned());
        }
        let below = |mount: &Mount| Some(mount.at.join(path.strip_prefix(&mount.root).ok()?));
        let directory = mounts.iter().find_map(below).ok_or_else(|| {
            format!("no mounted cgroup2 file system shows our control group {}", path.display())
        })?;
        let shown = |path: &Path| path.to_string_lossy().into_owned();
        if is_marked(&directory) {
            return Ok(Self { path: shown(path), directory, has_leaf: false });
        }
        // Joining an empty path leaves a slash at the end, which has no meaning.
        if let (Some(parent), Some(up), Some(name)) =
            (path.parent(), directory.parent(), path.file_name())
            && is_subgroup(&name.to_string_lossy())
            && is_marked(up)
        {
            return Ok(Self { path: shown(parent), directory: up.to_owned(), has_leaf: true });
        }
        Err(format!(
            "the control group {} is not delegated to this daemon: expected Delegate=yes in its \
             systemd unit",
            path.display()
        ))
    }
}

/// Whether a control group of this name, right below a delegated one, is a part of it. A unit is
/// not: it is of the service manager that has the delegated one. Nor is what another supervisor
/// gave to its program.
fn is_subgroup(name: &str) -> bool {
    !name.contains(':') && !UNIT_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The control group of this process, from /proc/self/cgroup (cgroups(7)).
fn own_path(cgroup: &str) -> Result<&Path, String> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::")).map(Path::new);
    let path = path.ok_or("this kernel has no unified control group hierarchy")?;
    let is_outside = path.components().any(|part| part == Component::ParentDir);
    if is_outside || path.as_os_str().as_bytes().ends_with(b" (deleted)") {
        let path = path.display();
        return Err(format!("our control group {path} is outside of what this process can reach"));
    }
    Ok(path)
}

/// The mounts of cgroup2 in /proc/self/mountinfo (proc_pid_mountinfo(5)).
fn mounts(mountinfo: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (mount, kind) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, at) = (unescaped(fields.next()?), unescaped(fields.next()?));
        kind.starts_with("cgroup2 ").then(|| Mount { root: root.into(), at: at.into() })
    };
    mountinfo.lines().filter_map(mount).collect()
}

/// `\040` for a space, and other characters that would end a field.
fn unescaped(field: &str) -> String {
    let mut parts = field.split('\\');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                text.push(char::from(code));
                text.push_str(&part[3..]);
            }
            None => {
                text.push('\\');
                text.push_str(part);
            }
        }
    }
    text
}

/// Whether it carries systemd's mark.
fn is_marked(directory: &Path) -> bool {
    let Ok(path) = CString::new(directory.as_os_str().as_bytes()) else {
        return false;
    };
    MARKS.iter().any(|mark| {
        let mut value = [0_u8; 2];
        let (bytes, length) = (value.as_mut_ptr().cast(), value.len());
        // SAFETY: both names end with a NUL, and at most `length` bytes are written.
        let read = unsafe { libc::getxattr(path.as_ptr(), mark.as_ptr(), bytes, length) };
        read == 1 && value[0] == b'1'
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODERN: &str = "25 20 0:23 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
    const HYBRID: &str = "31 20 0:27 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n\
                          32 31 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
                          33 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";

    /// `marked` are the directories with systemd's mark.
    fn find(cgroup: &str, mountinfo: &str, marked: &[&str]) -> Result<Place, String> {
        let is_marked = |path: &Path| marked.iter().any(|known| Path::new(known) == path);
        Place::find_marked(cgroup, mountinfo, &is_marked)
    }

    fn place(directory: &str, path: &str, has_leaf: bool) -> Result<Place, String> {
        Ok(Place { directory: directory.into(), path: path.to_owned(), has_leaf })
    }

    #[test]
    fn a_delegated_service_is_found() {
        let service = "/system.slice/s.service";
        let marked = ["/sys/fs/cgroup/system.slice/s.service"];
        let found = find("0::/system.slice/s.service\n", MODERN, &marked);
        assert_eq!(found, place(marked[0], service, false));
        let found = find("0::/system.slice/s.service/supervisor\n", MODERN, &marked);
        assert_eq!(found, place(marked[0], service, true));
        // Two levels down is somebody else's.
        assert!(find("0::/system.slice/s.service/a/b\n", MODERN, &marked).is_err());
    }

    #[test]
    fn a_hybrid_machine_has_it_elsewhere() {
        let marked = ["/sys/fs/cgroup/unified/a b"];
        let found = find("4:cpu:/x\n1:name=systemd:/y\n0::/a b\n", HYBRID, &marked);
        assert_eq!(found, place(marked[0], "/a b", false));
    }

    #[test]
    fn a_unit_of_a_delegated_service_manager_is_not_a_part_of_it() {
        // As units of users had it before there was app.slice.
        let manager = "/sys/fs/cgroup/user.slice/user-1.slice/user@1.service";
        let cgroup = "0::/user.slice/user-1.slice/user@1.service/s.service\n";
        let told = find(cgroup, MODERN, &[manager]).unwrap_err();
        assert!(told.contains("expected Delegate=yes"), "{told}");
        let own = format!("{manager}/s.service");
        assert!(find(cgroup, MODERN, &[manager, &own]).is_ok());
    }

    #[test]
    fn a_program_of_another_supervisor_takes_nothing_over() {
        let marked = "/sys/fs/cgroup/s.service";
        assert!(find("0::/s.service/web:web\n", MODERN, &[marked]).is_err());
    }

    #[test]
    fn namespaces_show_a_part() {
        // With a namespace of its own a container's root is "/"; without one, its mount says where.
        let found = find("0::/\n", MODERN, &["/sys/fs/cgroup"]);
        assert_eq!(found, place("/sys/fs/cgroup", "/", false));
        let part = "25 20 0:23 /lxc/one /sys/fs/c\\040g ro - cgroup2 none rw\n";
        let found = find("0::/lxc/one/s\n", part, &["/sys/fs/c g/s"]);
        assert_eq!(found, place("/sys/fs/c g/s", "/lxc/one/s", false));
        assert!(find("0::/lxc/other\n", part, &[]).unwrap_err().contains("no mounted cgroup2"));
        assert!(find("0::/../other\n", MODERN, &[]).unwrap_err().contains("outside"));
    }

    #[test]
    fn without_the_unified_hierarchy_it_is_said() {
        let told = find("4:cpu:/x\n", MODERN, &[]).unwrap_err();
        assert_eq!(told, "this kernel has no unified control group hierarchy");
        let v1 = "33 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\nnonsense\n\n";
        assert_eq!(find("0::/x\n", v1, &[]).unwrap_err(), "no cgroup2 file system is mounted");
    }

    #[test]
    fn a_plain_directory_is_not_delegated() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!is_marked(directory.path()));
        assert!(!is_marked(Path::new("/nope")));
    }
}
