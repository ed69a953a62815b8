//! Who asks, and what they may ask for.

use std::sync::Arc;

use super::spec::Access;
use crate::model::Role;

/// Who asks. Whoever let them in has made sure of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What they may do.
    pub role: Role,
    /// What they are called; `None` where nobody asked.
    pub name: Option<Arc<str>>,
}

impl Access {
    /// The least role that has it.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Look | Self::ReadLogs | Self::Carry => Role::Viewer,
            Self::ManageProcesses => Role::Operator,
            Self::ManageDaemon => Role::Admin,
        }
    }
}
