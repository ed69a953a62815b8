//! Controls a running supervisord.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(supervisord::ctl::main(std::env::args_os()))
}
