//! States as clients see them: the reference's names and numbers.

use std::fmt;

/// The public state of a process. The numbers are part of the XML-RPC contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum StateCode {
    /// Stopped by a person, or never started.
    Stopped = 0,
    /// Started, and not yet up for `startsecs`.
    Starting = 10,
    /// Up for at least `startsecs`.
    Running = 20,
    /// Ended before `startsecs`; waiting for the next try.
    Backoff = 30,
    /// Told to stop, not yet gone.
    Stopping = 40,
    /// Ended on its own after it was RUNNING.
    Exited = 100,
    /// Could not be started, and given up.
    Fatal = 200,
    /// The supervisor could not act on it; a start or stop leads out.
    Unknown = 1000,
}

impl StateCode {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Starting,
        Self::Running,
        Self::Backoff,
        Self::Stopping,
        Self::Exited,
        Self::Fatal,
        Self::Unknown,
    ];

    /// The reference's number.
    #[must_use]
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The reference's name, in capitals.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Backoff => "BACKOFF",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Fatal => "FATAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether a start request finds it already started (`BACKOFF` counts as running).
    #[must_use]
    pub fn is_running(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Backoff)
    }

    /// Whether it is at rest: nothing of it runs and nothing will start by itself for now.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        matches!(self, Self::Stopped | Self::Exited | Self::Fatal | Self::Unknown)
    }

    /// Whether a child process exists, so that a signal can reach it.
    #[must_use]
    pub fn is_signallable(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping)
    }
}

impl fmt::Display for StateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The state of the supervisor itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum SupervisorState {
    /// Stopping everything, then ending.
    Shutdown = -1,
    /// Stopping everything, then starting anew from the configuration file.
    Restarting = 0,
    /// At work.
    Running = 1,
    /// Reserved by the protocol; never reported by the reference nor here.
    Fatal = 2,
}

impl SupervisorState {
    /// The reference's number.
    #[must_use]
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The reference's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Shutdown => "SHUTDOWN",
            Self::Restarting => "RESTARTING",
            Self::Running => "RUNNING",
            Self::Fatal => "FATAL",
        }
    }
}

/// How a process ended (wait(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitStatus {
    /// It called exit with this code, 0 to 255.
    Code(i32),
    /// A signal of this number ended it.
    Signal {
        /// The signal's number.
        number: i32,
        /// Whether a core file was written.
        core: bool,
    },
}

impl ExitStatus {
    /// The code as the reference reports it: -1 for a death by signal.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal { .. } => -1,
        }
    }
}

/// The reference's words: `exit status 3`, `terminated by SIGTERM (core dumped)`.
impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal { number, core } => {
                let signal = super::Signal::from_number_lossy(number);
                let dumped = if core { " (core dumped)" } else { "" };
                write!(f, "terminated by {signal}{dumped}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_told_in_the_references_words() {
        assert_eq!(ExitStatus::Code(3).to_string(), "exit status 3");
        let term = ExitStatus::Signal { number: 15, core: false };
        assert_eq!(term.to_string(), "terminated by SIGTERM");
        let segv = ExitStatus::Signal { number: 11, core: true };
        assert_eq!(segv.to_string(), "terminated by SIGSEGV (core dumped)");
        let realtime = ExitStatus::Signal { number: 40, core: false };
        assert_eq!(realtime.to_string(), "terminated by signal 40");
        assert_eq!(realtime.code(), -1);
    }

    #[test]
    fn every_state_is_either_stopped_running_or_stopping() {
        for state in StateCode::ALL {
            let classes = [state.is_stopped(), state.is_running(), state == StateCode::Stopping];
            assert_eq!(classes.iter().filter(|&&class| class).count(), 1, "{state}");
        }
    }
}
