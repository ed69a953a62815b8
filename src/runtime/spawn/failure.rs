//! The words for what went wrong between clone(2) and execve(2).

use nix::errno::Errno;

use super::child::Stage;
use super::command::Resolved;
use crate::config::ProcessSettings;

/// Why a child did not become its program: in the reference's words, where it has any.
pub fn last_words(
    stage: Stage,
    errno: Errno,
    settings: &ProcessSettings,
    resolved: &Resolved,
) -> String {
    let uid = settings.user.as_ref().map(|user| user.uid).unwrap_or_default();
    let limits = &settings.limits;
    match stage {
        Stage::Cgroup => format!("couldn't join its control group: {errno:?}"),
        Stage::OomScoreAdj => {
            let score = limits.oom_score_adj.unwrap_or_default();
            format!("couldn't set oom_score_adj to {score}: {errno:?}")
        }
        Stage::Nice => {
            format!("couldn't set nice to {}: {errno:?}", limits.nice.unwrap_or_default())
        }
        Stage::Limit(index) => {
            let limit = limits.resources.get(index).map(ToString::to_string).unwrap_or_default();
            format!("couldn't set {limit}: {errno:?}")
        }
        Stage::Descriptors => format!("couldn't set up its descriptors: {errno:?}"),
        Stage::Groups if errno == Errno::EPERM => {
            format!("couldn't setuid to {uid}: Can't drop privilege as nonroot user")
        }
        Stage::Groups => {
            format!("couldn't setuid to {uid}: Could not set groups of effective user")
        }
        Stage::Gid => format!("couldn't setuid to {uid}: Could not set group id of effective user"),
        Stage::Uid => format!("couldn't setuid to {uid}: {errno:?}"),
        Stage::Directory => {
            let directory = settings.directory.as_deref().unwrap_or("".as_ref());
            format!("couldn't chdir to {}: {errno:?}", directory.display())
        }
        Stage::Exec => {
            let program = resolved.arguments.first().map(String::as_str).unwrap_or_default();
            format!("couldn't exec {program}: {errno:?}")
        }
    }
}
