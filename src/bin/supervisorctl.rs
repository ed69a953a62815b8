//! Controls a running supervisord.

use std::process::ExitCode;

use supervisord::runtime::host::{RealFiles, RealHost};

fn main() -> ExitCode {
    ExitCode::from(supervisord::ctl::main(std::env::args_os(), &RealFiles, &RealHost))
}
