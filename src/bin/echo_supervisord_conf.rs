//! `echo_supervisord_conf`: prints a configuration to begin with.

use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match io::stdout().write_all(supervisord::config::SAMPLE.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be left to read it.
            let _ = writeln!(io::stderr(), "cannot write to standard output: {error}");
            ExitCode::FAILURE
        }
    }
}
