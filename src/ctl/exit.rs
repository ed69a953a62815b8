//! Exit codes, as the reference has them: those of LSB init scripts, and for `status` of their
//! `status` action.

/// Each row: a constant, its code, and what it says to whoever reads it.
macro_rules! codes {
    ($($name:ident = $code:literal, $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $name: u8 = $code;)*

        /// Every code and what it says, in order. A code can have several meanings.
        pub const CODES: &[(u8, &str)] = &[$(($code, $meaning)),*];
    };
}

codes! {
    OK = 0, "It worked; also starting what runs, stopping what does not, and leaving the shell.";
    GENERIC = 1, "It did not work.";
    INVALID = 2, "The arguments make no sense; also `start` without a name, or of an unknown group.";
    STATUS_NOT_RUNNING = 3, "`status`: a process that was shown does not run.";
    UNIMPLEMENTED = 3, "Other commands: the server has no `supervisor` methods.";
    STATUS_UNKNOWN = 4, "`status`: an unknown name, or nobody to ask.";
    REFUSED = 4, "Other commands: the connection was refused.";
    NOT_INSTALLED = 5, "The server speaks another version of the interface.";
    NOT_RUNNING = 7, "There is no socket; or a process that should run does not.";
    INTERRUPTED = 130, "Ctrl-C (128 + SIGINT, as a shell reports it).";
}
