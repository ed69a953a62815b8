//! Signal names to numbers and back.

use std::fmt;

/// A signal that can be sent: 1 to 64, and 0, which only asks whether it could be.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signal(i32);

/// The highest signal number of Linux (signal(7)).
const NUMBER_MAX: i32 = 64;

/// Linux's numbers on x86, ARM and RISC-V (signal(7)); the first name of a number is the one shown.
const NAMES: &[(&str, i32)] = &[
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("ILL", libc::SIGILL),
    ("TRAP", libc::SIGTRAP),
    ("ABRT", libc::SIGABRT),
    ("IOT", libc::SIGABRT),
    ("BUS", libc::SIGBUS),
    ("FPE", libc::SIGFPE),
    ("KILL", libc::SIGKILL),
    ("USR1", libc::SIGUSR1),
    ("SEGV", libc::SIGSEGV),
    ("USR2", libc::SIGUSR2),
    ("PIPE", libc::SIGPIPE),
    ("ALRM", libc::SIGALRM),
    ("TERM", libc::SIGTERM),
    ("STKFLT", libc::SIGSTKFLT),
    ("CHLD", libc::SIGCHLD),
    ("CLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("STOP", libc::SIGSTOP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("URG", libc::SIGURG),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
    ("VTALRM", libc::SIGVTALRM),
    ("PROF", libc::SIGPROF),
    ("WINCH", libc::SIGWINCH),
    ("IO", libc::SIGIO),
    ("POLL", libc::SIGIO),
    ("PWR", libc::SIGPWR),
    ("SYS", libc::SIGSYS),
    // The reference knows the ends of the real-time range by name.
    ("RTMIN", 34),
    ("RTMAX", 64),
];

impl Signal {
    /// SIGHUP, which asks the daemon to begin anew.
    pub const HUP: Self = Self(libc::SIGHUP);
    /// SIGINT, which asks the daemon to end.
    pub const INT: Self = Self(libc::SIGINT);
    /// SIGQUIT, which asks the daemon to end.
    pub const QUIT: Self = Self(libc::SIGQUIT);
    /// SIGKILL, which nothing survives.
    pub const KILL: Self = Self(libc::SIGKILL);
    /// SIGABRT
    pub const ABRT: Self = Self(libc::SIGABRT);
    /// SIGUSR2, which asks the daemon to reopen its logs.
    pub const USR2: Self = Self(libc::SIGUSR2);
    /// SIGTERM, the default `stopsignal`; it asks the daemon to end.
    pub const TERM: Self = Self(libc::SIGTERM);
    /// SIGCHLD, which says that a child has ended.
    pub const CHLD: Self = Self(libc::SIGCHLD);

    /// The signal of this number, or `None` outside 0 to 64.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        (0..=NUMBER_MAX).contains(&number).then_some(Self(number))
    }

    /// For display of what the kernel reported, whatever it was.
    pub(crate) fn from_number_lossy(number: i32) -> Self {
        Self(number)
    }

    /// Reads `TERM`, `SIGTERM`, `term` or `15`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(number) = text.parse::<i32>() {
            return Self::from_number(number);
        }
        let upper = text.to_ascii_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        NAMES.iter().find(|(name, _)| *name == bare).map(|&(_, number)| Self(number))
    }

    /// The number, as kill(2) takes it.
    #[must_use]
    pub fn number(self) -> i32 {
        self.0
    }

    /// Every known name without `SIG`, for messages and completion.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|&(name, _)| name)
    }
}

/// `SIGTERM`; a number without a name prints as `signal 40`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The reference prints real-time signals as numbers, the ends of their range included.
        let named = NAMES.iter().find(|&&(_, number)| number == self.0 && number < 34);
        match named {
            Some((name, _)) => f.pad(&format!("SIG{name}")),
            None => f.pad(&format!("signal {}", self.0)),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read() {
        for text in ["TERM", "SIGTERM", "sigterm", "term", "15", " 15 "] {
            assert_eq!(Signal::parse(text), Some(Signal::TERM), "{text}");
        }
        for text in ["", "SIG", "NOPE", "65", "-9", "15x"] {
            assert_eq!(Signal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_shown_where_there_is_one() {
        assert_eq!(Signal::KILL.to_string(), "SIGKILL");
        assert_eq!(Signal::parse("IOT").unwrap().to_string(), "SIGABRT");
        assert_eq!(Signal::parse("40").unwrap().to_string(), "signal 40");
    }
}
