//! A control group of a test's own, delegated as systemd would do it, on this machine's own unified
//! hierarchy.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What was killed is gone sooner, on however busy a machine.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(60);

/// A control group that is there until this is dropped.
pub struct Delegated(pub PathBuf);

impl Delegated {
    /// One that is there, or why there can be none.
    pub fn new(test: &str) -> Result<Self, String> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let unified = mounts.lines().find(|line| line.contains(" - cgroup2 "));
        let at = unified.and_then(|line| line.split(' ').nth(4)).ok_or("no cgroup2 is mounted")?;
        let name = format!("supervisord-test-{}-{test}", std::process::id());
        let directory = Path::new(at).join(name);
        fs::create_dir(&directory)
            .map_err(|error| format!("cannot make {}: {error}", directory.display()))?;
        Ok(Self(directory))
    }

    /// Marks it as systemd does what it delegates.
    pub fn mark(&self) {
        let path = CString::new(self.0.as_os_str().as_bytes()).unwrap();
        // SAFETY: both strings end with a NUL, and the value is one byte.
        let set = unsafe {
            libc::setxattr(path.as_ptr(), c"user.delegate".as_ptr(), c"1".as_ptr().cast(), 1, 0)
        };
        assert_eq!(set, 0, "{}", io::Error::last_os_error());
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        _ = fs::write(self.0.join("cgroup.kill"), "1");
        let begun = Instant::now();
        loop {
            let children = fs::read_dir(&self.0).into_iter().flatten().flatten();
            for child in children.filter(|child| child.file_type().is_ok_and(|kind| kind.is_dir()))
            {
                _ = fs::remove_dir(child.path());
            }
            if fs::remove_dir(&self.0).is_ok()
                || !self.0.exists()
                || begun.elapsed() > REMOVAL_PATIENCE
            {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
