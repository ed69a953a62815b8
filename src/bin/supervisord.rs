//! The daemon, and under `supervisord ctl` its control program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(supervisord::daemon::main())
}
