//! Groups: their members and the order in which things are started and stopped.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::setting::LogTarget;
use crate::config::{GroupSettings, ProcessSettings};
use crate::model::{ProcessFacts, ProcessId};

/// An active group.
#[derive(Clone, Debug)]
pub struct Group {
    /// What the configuration says.
    pub settings: Arc<GroupSettings>,
    /// Groups of one priority keep the order in which they came.
    pub sequence: u64,
}

impl Group {
    /// Where the group stands among groups: lower starts first and stops last.
    #[must_use]
    pub fn rank(&self) -> (i32, u64) {
        (self.settings.priority, self.sequence)
    }
}

/// Names what a process has outside: AUTO log files, its control group. The files' names are drawn from a seed, so that the core needs no world and a
/// simulation repeats itself.
#[derive(Clone, Debug)]
pub struct LogNaming {
    /// `childlogdir`, without a slash at its end.
    pub directory: String,
    /// `identifier`.
    pub identifier: String,
    /// Where the drawing stands.
    pub seed: u64,
    /// The control group that those of processes are in; `None` if they have none.
    pub control_group: Option<String>,
}

/// Letters of an AUTO file's random part, as mkstemp(3) and the reference have them.
const SUFFIX_LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz012345";
/// How many letters: 40 bits, so that a thousand files do not meet by chance.
const SUFFIX_LENGTH: usize = 8;

impl LogNaming {
    /// What the outside may know of a process, its log files' names included.
    pub fn facts(&mut self, id: &ProcessId, settings: &ProcessSettings) -> ProcessFacts {
        let stdout_logfile = self.logfile(id, "stdout", &settings.stdout.target);
        let stderr_logfile = if settings.redirect_stderr {
            None
        } else {
            self.logfile(id, "stderr", &settings.stderr.target)
        };
        ProcessFacts {
            command: Arc::clone(&settings.command),
            priority: settings.priority,
            stdout_logfile,
            stderr_logfile,
            control_group: self.control_group.as_ref().map_or_else(String::new, |above| {
                // In a container it may be the root.
                format!("{}/{}", above.trim_end_matches('/'), id.cgroup_name())
            }),
            retries: settings.startretries,
            place: settings.place.clone(),
        }
    }

    fn logfile(&mut self, id: &ProcessId, stream: &str, target: &LogTarget) -> Option<Arc<Path>> {
        match target {
            LogTarget::None => None,
            LogTarget::File(path) => Some(path.as_path().into()),
            LogTarget::Auto => {
                let Self { directory, identifier, .. } = self;
                let head = format!("{directory}/{}-{stream}---{identifier}-", id.name);
                Some(PathBuf::from(format!("{head}{}.log", self.suffix())).into())
            }
        }
    }

    fn suffix(&mut self) -> String {
        let mut bits = self.draw();
        let mut letters = String::with_capacity(SUFFIX_LENGTH);
        for _ in 0..SUFFIX_LENGTH {
            letters.push(char::from(SUFFIX_LETTERS[(bits & 31) as usize]));
            bits >>= 5;
        }
        letters
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): enough to keep names apart.
    fn draw(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.seed;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}
